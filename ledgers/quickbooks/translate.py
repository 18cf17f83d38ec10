"""Neutral documents to frozen QuickBooks calls. Pure: the same posts and company give the same bytes.

Documents of one kind travel together, at most 30 to a batch, because items of a batch cannot refer to each other.
Payments of one customer, account, date and reference become one remote Payment. The bId of a batch item is the slice of
``Call.keys`` that it carries.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.documents import How, Invoice, Kind, Payment, Undo
from ledgers.bound import expect, referred
from ledgers.payments import payment_groups
from ledgers.port import Call, NotRenderable, Post
from ledgers.quickbooks import wire
from ledgers.quickbooks.bodies import Company, body_of
from ledgers.quickbooks.wire import Body

PAYMENTS: Final = 100  # deliveries one remote Payment, and one call, may carry
_NOTE_MARKERS: Final = wire.TEXT - 400  # what a shared note keeps for its markers; the rest is for people

ENTITIES: Final[Mapping[Kind, str]] = {
    Kind.ACCOUNT: "Account",
    Kind.CUSTOMER: "Customer",
    Kind.ITEM: "Item",
    Kind.INVOICE: "Invoice",
    Kind.PAYMENT: "Payment",
    Kind.TRANSFER: "Transfer",
    Kind.ENTRY: "JournalEntry",
    Kind.DEPOSIT: "Deposit",
}
# What others refer to comes first; taking back goes the other way.
_PHASES: Final = (
    *((kind, None) for kind in ENTITIES),
    *((Kind.UNDO, kind) for kind in (Kind.DEPOSIT, Kind.ENTRY, Kind.TRANSFER, Kind.PAYMENT, Kind.INVOICE)),
)
_CREATE: Final = "create"


@dataclass(frozen=True, slots=True)
class _Unit:
    """One remote object and the deliveries it carries. ``operation`` is create, delete or void."""

    entity: str
    operation: str
    body: Body
    posts: tuple[Post, ...]


def render(posts: Sequence[Post], company: Company) -> list[Call]:
    """Return the calls that carry the posts, by phase.

    Raises:
        NotRenderable: names the first post that QuickBooks cannot hold; nothing is rendered then.
    """
    phased: dict[tuple[Kind, Kind | None], list[Post]] = {phase: [] for phase in _PHASES}
    for post in posts:
        phase = _phase(post)
        if phase not in phased:
            raise NotRenderable(
                post.key, "QuickBooks cannot take this back.", "Make the account, customer or item inactive by hand."
            )
        phased[phase].append(post)
    calls: list[Call] = []
    for phase, each in phased.items():
        calls.extend(_calls(list(_units(phase[0], each, company))))
    return calls


def _phase(post: Post) -> tuple[Kind, Kind | None]:
    document = post.document
    return (Kind.UNDO, document.target_kind) if isinstance(document, Undo) else (document.kind, None)


def _units(kind: Kind, posts: Sequence[Post], company: Company) -> Iterator[_Unit]:
    if kind is Kind.UNDO:
        yield from _undo_units(posts)
    elif kind is Kind.PAYMENT:
        for group in payment_groups(posts, PAYMENTS, _NOTE_MARKERS):
            yield _Unit(ENTITIES[kind], _CREATE, _payment_of(group, company), tuple(group))
    else:
        for post in posts:
            yield _Unit(ENTITIES[kind], _CREATE, body_of(post, company), (post,))


def _calls(units: Sequence[_Unit]) -> Iterator[Call]:
    chunk: list[_Unit] = []
    carried = 0
    for unit in units:
        if chunk and (len(chunk) == wire.BATCH_ITEMS or carried + len(unit.posts) > PAYMENTS):
            yield _call(chunk)
            chunk, carried = [], 0
        chunk.append(unit)
        carried += len(unit.posts)
    if chunk:
        yield _call(chunk)


def _call(units: Sequence[_Unit]) -> Call:
    posts = [post for unit in units for post in unit.posts]
    batch = len(units) > 1
    wire_id = wire.request_id((post.wire_id for post in posts), wire.BATCH_REQUEST_ID if batch else wire.REQUEST_ID)
    query = {"minorversion": wire.MINOR_VERSION, "requestid": wire_id}
    if not batch and units[0].operation != _CREATE:
        query["operation"] = units[0].operation
    return Call(
        method="POST",
        path="/batch" if batch else f"/{units[0].entity.lower()}",
        query=query,
        body=wire.encode({"BatchItemRequest": _batch_items(units)} if batch else units[0].body),
        wire_id=wire_id,
        keys=tuple(post.key for post in posts),
        operation="batch" if batch else "write",
        lines={
            post.key: tuple(line.key for line in post.document.lines if line.amount)
            for post in posts
            if isinstance(post.document, Invoice)
        },
    )


def _batch_items(units: Sequence[_Unit]) -> list[Body]:
    items: list[Body] = []
    start = 0
    for unit in units:
        stop = start + len(unit.posts)
        item: Body = {"bId": f"{start}-{stop}", "operation": unit.operation, unit.entity: unit.body}
        if unit.operation == How.VOID.value:  # a batch voids by updating with an option
            item |= {"operation": "update", "optionsData": "void"}
        items.append(item)
        start = stop
    return items


def _payment_of(group: Sequence[Post], company: Company) -> Body:
    """Return one Payment: its lines in the order of the deliveries, every marker in its note."""
    bodies = [body_of(post, company) for post in group]
    if len(bodies) == 1:
        return bodies[0]
    first = expect(group[0], Payment)
    total = sum(expect(post, Payment).cover.amount for post in group)
    return {
        **bodies[0],
        "PrivateNote": wire.note([post.marker for post in group], first.memo),
        "TotalAmt": wire.money(total, first.currency),
        "Line": [line for body in bodies for line in body["Line"]],
    }


def _undo_units(posts: Sequence[Post]) -> Iterator[_Unit]:
    """One call per remote object: payments that share one are taken back together."""
    by_object: dict[str, list[Post]] = {}
    for post in posts:
        document = expect(post, Undo)
        if document.how is How.VOID and document.target_kind is not Kind.INVOICE:
            raise NotRenderable(post.key, "QuickBooks voids invoices only.", "Delete the document instead.")
        by_object.setdefault(referred(post, document.target).external_id, []).append(post)
    for external_id, together in by_object.items():
        document = expect(together[0], Undo)
        version = referred(together[0], document.target).version
        body = {"Id": external_id, "SyncToken": version}
        yield _Unit(ENTITIES[document.target_kind], document.how.value, body, tuple(together))
