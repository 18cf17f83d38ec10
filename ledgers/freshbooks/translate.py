"""Neutral documents to frozen FreshBooks calls. Pure: the same posts and company give the same bytes.

One call carries one document: FreshBooks has no batch. The call is the write itself; what has to be asked before it and
done after it is in ``writes``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.documents import How, Invoice, Kind, Undo
from ledgers.bound import expect, referred
from ledgers.freshbooks import wire
from ledgers.freshbooks.bodies import Company, as_made, body_of
from ledgers.freshbooks.wire import Body
from ledgers.port import Call, NotRenderable, Post


@dataclass(frozen=True, slots=True)
class Resource:
    """Where documents of a kind live: below the account, or below the business by its uuid. ``name`` wraps one of them,
    ``plural`` a list."""

    path: str
    name: str = ""
    plural: str = ""
    of_business: bool = False


RESOURCES: Final[Mapping[Kind, Resource]] = {
    Kind.ACCOUNT: Resource("/ledger_accounts/accounts", plural="data", of_business=True),
    Kind.CUSTOMER: Resource("/users/clients", "client", "clients"),
    Kind.ITEM: Resource("/items/items", "item", "items"),
    Kind.INVOICE: Resource("/invoices/invoices", "invoice", "invoices"),
    Kind.PAYMENT: Resource("/payments/payments", "payment", "payments"),
    Kind.EXPENSE: Resource("/expenses/expenses", "expense", "expenses"),
    Kind.TRANSFER: Resource("/journal_entries/journal_entries", "journal_entry"),
    Kind.ENTRY: Resource("/journal_entries/journal_entries", "journal_entry"),
}
DELETABLE: Final = (Kind.EXPENSE, Kind.PAYMENT, Kind.INVOICE)
REVERSIBLE: Final = (Kind.ENTRY, Kind.TRANSFER)
WITH_LINES: Final = "include[]"  # without it no lines are answered
# What others refer to comes first; taking back goes the other way.
_PHASES: Final = (
    *((kind, None) for kind in RESOURCES),
    *((Kind.UNDO, kind) for kind in (*REVERSIBLE, *DELETABLE)),
)
UNDO: Final = "undo"


def render(posts: Sequence[Post], company: Company) -> list[Call]:
    """Return the calls that carry the posts, by phase.

    Raises:
        NotRenderable: names the first post that FreshBooks cannot hold; nothing is rendered then.
    """
    phased: dict[tuple[Kind, Kind | None], list[Post]] = {phase: [] for phase in _PHASES}
    for post in posts:
        document = post.document
        phase = (Kind.UNDO, document.target_kind) if isinstance(document, Undo) else (document.kind, None)
        if phase not in phased:
            raise NotRenderable(
                post.key, "FreshBooks cannot hold this or take it back.", "Archive the account, client or item by hand."
            )
        phased[phase].append(post)
    return [_call(post, company) for each in phased.values() for post in each]


def address(kind: Kind, company: Company) -> str:
    """Return the path of a kind's documents."""
    resource = RESOURCES[kind]
    if resource.of_business:
        return f"/accounting/businesses/{company.plan.business_uuid}{resource.path}"
    return f"/accounting/account/{company.plan.account_id}{resource.path}"


def kind_of(call: Call) -> Kind:
    """Return the kind of document that a call writes or, for an undo, takes away."""
    path = call.path.removesuffix(f"/{call.path.rpartition('/')[2]}") if call.operation == UNDO else call.path
    return next(kind for kind, resource in RESOURCES.items() if path.endswith(resource.path))


def wrapped(kind: Kind, body: Body) -> Body:
    """Return a body under the name that FreshBooks wants around it."""
    name = RESOURCES[kind].name
    return {name: body} if name else body


def _call(post: Post, company: Company) -> Call:
    document = post.document
    if isinstance(document, Undo) and document.how is not How.REVERSE:
        return _deletion(post, company)
    made = as_made(post)
    if made is post and isinstance(document, Undo):
        raise NotRenderable(
            post.key, "A journal entry is taken back by its reversal only.", "Undo the settlement again."
        )
    kind = made.document.kind
    lines: dict[str, tuple[str, ...]] = {}
    if isinstance(made.document, Invoice):
        lines[post.key] = tuple(line.key for line in made.document.lines if line.amount)
    return Call(
        method="POST",
        path=address(kind, company),
        query={WITH_LINES: "lines"} if lines else {},
        body=wire.encode(wrapped(kind, body_of(made, company))),
        wire_id=post.wire_id,
        keys=(post.key,),
        lines=lines,
    )


def _deletion(post: Post, company: Company) -> Call:
    """FreshBooks deletes nothing for good: what is taken back is hidden from lists and books, and stays readable by id."""
    document = expect(post, Undo)
    kind = document.target_kind
    if document.how is not How.DELETE or kind not in DELETABLE:
        raise NotRenderable(
            post.key,
            f"FreshBooks does not {document.how.value} a {kind.value}.",
            "Undo the settlement again.",
        )
    return Call(
        method="PUT",
        path=f"{address(kind, company)}/{referred(post, document.target).external_id}",
        query={},
        body=wire.encode(wrapped(kind, {"vis_state": wire.DELETED})),
        wire_id=post.wire_id,
        keys=(post.key,),
        operation=UNDO,
    )
