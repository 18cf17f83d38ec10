"""Neutral documents to frozen Zoho Books calls. Pure: the same posts and company give the same bytes.

Zoho creates one object per request. Invoices are posted in two steps, for a draft is not in the books: each is created,
then all of them are marked as sent at once. So one call carries up to 25 invoices: its body is the list of objects that
``writes`` sends one by one. Payments of one customer, account, date, currency and reference become one remote payment of
up to 50 invoices. Everything else is a call of its own. A call that takes back has the version in its body for ``writes``
to compare with; nothing of it goes over the wire. One that revalues an account has beside the adjustment what it is to
come to.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bookkeeping.documents import How, Invoice, Kind, Payment, Revaluation, Undo
from ledgers.bound import account_of, expect, referred
from ledgers.payments import payment_groups
from ledgers.port import Call, NotRenderable, Post
from ledgers.zoho import accounts, wire
from ledgers.zoho.bodies import Company, account_type, body_of
from ledgers.zoho.wire import Body

INVOICES: Final = 25  # created one by one, so a call of them takes this many requests and one more
INVOICE_CALL: Final = "invoices"  # the operation of such a call
LOOKED_FOR: Final = "looked for"  # the operation of a call before which ``writes`` looks whether it was made already
REVALUED: Final = "revalued"  # the operation of a call before which ``revaluing`` asks what it would do
_OF_A_SETTLEMENT: Final = "AMZ-"  # how its numbers begin
_NOTE_MARKERS: Final = wire.TEXT - 400  # what a shared note keeps for its markers; the rest is for people


@dataclass(frozen=True, slots=True)
class Resource:
    """Where one kind of document lives: the collection's path, the keys of one and of a list of them, the id's name, and
    what the ledger view of a transaction calls it."""

    path: str
    one: str
    many: tuple[str, ...]
    id: str
    entity: str = ""


RESOURCES: Final[Mapping[Kind, Resource]] = {
    Kind.ACCOUNT: Resource("/chartofaccounts", "chart_of_account", ("chartofaccounts",), "account_id"),
    Kind.CUSTOMER: Resource("/contacts", "contact", ("contacts",), "contact_id"),
    Kind.ITEM: Resource("/items", "item", ("items",), "item_id"),
    Kind.INVOICE: Resource("/invoices", "invoice", ("invoices",), "invoice_id", "invoice"),
    # The documentation writes customer_payments, live answers customerpayments.
    Kind.PAYMENT: Resource(
        "/customerpayments", "payment", ("customerpayments", "customer_payments"), "payment_id", "customer_payment"
    ),
    Kind.TRANSFER: Resource("/banktransactions", "banktransaction", ("banktransactions",), "transaction_id"),
    Kind.ENTRY: Resource("/journals", "journal", ("journals",), "journal_id", "journal"),
    Kind.REVALUATION: Resource(
        "/basecurrencyadjustment", "data", ("base_currency_adjustments",), "base_currency_adjustment_id"
    ),
}
BANK_ACCOUNTS: Final = Resource("/bankaccounts", "bankaccount", ("bankaccounts",), "account_id")
_UNDOABLE: Final = (Kind.REVALUATION, Kind.ENTRY, Kind.TRANSFER, Kind.PAYMENT, Kind.INVOICE)
# What others refer to comes first; taking back goes the other way.
_PHASES: Final = (*((kind, None) for kind in RESOURCES), *((Kind.UNDO, kind) for kind in _UNDOABLE))


def render(posts: Sequence[Post], company: Company) -> list[Call]:
    """Return the calls that carry the posts, by phase.

    Raises:
        NotRenderable: names the first post that Zoho Books cannot hold; nothing is rendered then.
    """
    phased: dict[tuple[Kind, Kind | None], list[Post]] = {phase: [] for phase in _PHASES}
    for post in posts:
        phase = _phase(post)
        if phase not in phased:
            raise NotRenderable(
                post.key, "Zoho Books cannot take this back.", "Make the account, customer or item inactive by hand."
            )
        phased[phase].append(post)
    return [call for phase, each in phased.items() for call in _calls(phase[0], each, company)]


def resource_of(call: Call) -> tuple[Kind, Resource]:
    """Return what a call is about, from its path."""
    if call.path == BANK_ACCOUNTS.path:
        return Kind.ACCOUNT, BANK_ACCOUNTS
    return next((kind, each) for kind, each in RESOURCES.items() if f"{call.path}/".startswith(f"{each.path}/"))


def payment_of(group: Sequence[Post], company: Company) -> Body:
    """Return one payment: its invoices in the order of the deliveries, every marker in its note."""
    bodies = [body_of(post, company) for post in group]
    if len(bodies) == 1:
        return bodies[0]
    first = expect(group[0], Payment)
    total = sum(expect(post, Payment).cover.amount for post in group)
    return {
        **bodies[0],
        "description": wire.note([post.marker for post in group], first.memo),
        "amount": wire.money(total, first.currency),
        "invoices": [line for body in bodies for line in body["invoices"]],
    }


def _phase(post: Post) -> tuple[Kind, Kind | None]:
    document = post.document
    return (Kind.UNDO, document.target_kind) if isinstance(document, Undo) else (document.kind, None)


def _calls(kind: Kind, posts: Sequence[Post], company: Company) -> Iterator[Call]:
    if kind is Kind.UNDO:
        yield from _undo_calls(posts)
    elif kind is Kind.INVOICE:
        for start in range(0, len(posts), INVOICES):
            yield _invoice_call(posts[start : start + INVOICES], company)
    elif kind is Kind.PAYMENT:
        for group in payment_groups(posts, wire.INVOICES_PAID, _NOTE_MARKERS):
            yield _call(RESOURCES[kind].path, payment_of(group, company), group)
    elif kind is Kind.REVALUATION:
        yield from (_revaluation_call(post, company) for post in posts)
    else:
        for post in posts:
            banking = kind is Kind.ACCOUNT and accounts.is_banking(account_type(post))
            resource = BANK_ACCOUNTS if banking else RESOURCES[kind]
            body = body_of(post, company)
            of_a_settlement = wire.text(body.get("reference_number")).startswith(_OF_A_SETTLEMENT)
            looked_for = kind in (Kind.ENTRY, Kind.TRANSFER) and of_a_settlement
            yield _call(resource.path, body, [post], LOOKED_FOR if looked_for else "write")


def _call(path: str, body: Body, posts: Sequence[Post], operation: str = "write") -> Call:
    return Call(
        method="POST",
        path=path,
        query={},
        body=wire.encode(body),
        wire_id=wire.call_id(post.wire_id for post in posts),
        keys=tuple(post.key for post in posts),
        operation=operation,
    )


def _invoice_call(posts: Sequence[Post], company: Company) -> Call:
    return Call(
        method="POST",
        path=RESOURCES[Kind.INVOICE].path,
        query={"ignore_auto_number_generation": "true"},
        body=wire.encode([body_of(post, company) for post in posts]),
        wire_id=wire.call_id(post.wire_id for post in posts),
        keys=tuple(post.key for post in posts),
        operation=INVOICE_CALL,
        lines={post.key: tuple(line.key for line in expect(post, Invoice).lines if line.amount) for post in posts},
    )


def _revaluation_call(post: Post, company: Company) -> Call:
    document = expect(post, Revaluation)
    amounts = {name: getattr(document, name) for name in ("amount", "rounding")}
    body = {name: wire.money(amount, company.home_currency) for name, amount in amounts.items()}
    call = _call(
        RESOURCES[Kind.REVALUATION].path, {**body, "adjustment": body_of(post, company)}, [post], operation=REVALUED
    )
    return replace(call, query={"account_ids": account_of(post, document.account)})


def _undo_calls(posts: Sequence[Post]) -> Iterator[Call]:
    """One call per remote object: payments that share one are taken back together."""
    by_object: dict[str, list[Post]] = {}
    for post in posts:
        document = expect(post, Undo)
        if document.how is not How.DELETE:
            raise NotRenderable(
                post.key, "Documents of ours are deleted in Zoho Books, not voided.", "Plan the undo again."
            )
        by_object.setdefault(referred(post, document.target).external_id, []).append(post)
    for external_id, together in by_object.items():
        document = expect(together[0], Undo)
        yield Call(
            method="DELETE",
            path=f"{RESOURCES[document.target_kind].path}/{external_id}",
            query={},
            body=wire.encode({"version": referred(together[0], document.target).version}),
            wire_id=wire.call_id(post.wire_id for post in together),
            keys=tuple(post.key for post in together),
        )
