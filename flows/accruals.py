"""Sales that Amazon holds back over the end of a month: accrued on its last day, taken back on the first of the next.

A month is accrued once its transactions were read when Amazon could have shown all of them, some three days later. What was sent
stays: an accrual is what was known then, and it is gone again the day after.
"""

from collections.abc import Collection, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.db.models import QuerySet

from amazon import held as amazon_held
from amazon.leaf_labels import label_of
from amazon.models import Cursor, Resource, Transaction
from amazon.transaction_pull import pull_transactions
from bookkeeping.accrual import ACCRUAL, REVERSAL, accrual, accrual_key, reversal
from bookkeeping.days import last_of_month
from bookkeeping.documents import JournalEntry, Kind, document_from
from bookkeeping.facts import Header, Row
from bookkeeping.figures import Statement
from bookkeeping.months import first_of_month, next_month
from bookkeeping.statement import build
from flows import currencies, drafts, history, mapping, rows
from flows import reading as readings
from flows.models import Delivery, Flow
from flows.models import Shipment as Seen
from flows.planner import kick
from ledgers import reference
from ledgers.port import Binding

HELD_FOR: Final = timedelta(days=90)  # business customers pay invoices that long after their goods were shipped

State = Delivery.State


def plan_accruals(flow: Flow) -> int:
    """Accrue the months that are over, and take back those whose accrual is in the books. Returns how many documents go out."""
    if flow.source is None or flow.accrues_from is None or flow.state != Flow.State.LIVE:
        return 0
    released = 0
    for month in months_over(flow):
        accrued, taken_back = _rows(flow, month, ACCRUAL), _rows(flow, month, REVERSAL)
        if accrued.filter(state=State.UNDONE).exists():
            continue  # a person took it out of the books
        if not taken_back.exists():
            _bring_up_to_date(flow, month)
            _take_back(flow, month)
        released += rows.release(accrued) + rows.release(taken_back)
    if released:
        kick(flow.target.remote_key)
    return released


def fetch(flow: Flow) -> int:
    """Read the transactions that the flow's accruals need; returns how many are new or have changed. Raises as
    ``pull_transactions``."""
    if flow.source is None or flow.accrues_from is None:
        return 0
    since = history.first_instant(flow, flow.accrues_from) - HELD_FOR
    pulled = pull_transactions(flow.source, since)
    return pulled.new + pulled.changed


def problem(flow: Flow) -> str:
    """Return why a flow cannot accrue what Amazon holds back, and what to do; "" where it can."""
    if flow.source is None:
        return "Uploaded files do not say what Amazon holds back. Connect the seller's account first."
    if drafts.policy_of(flow).income_and_expenses:
        return f"{flow.target.named} has no journal entries, which an accrual takes. Choose a plan that has them."
    return ""


def months_over(flow: Flow) -> list[date]:
    """Return the first days of the months to accrue whose transactions are all here, as far as Amazon tells."""
    read = Cursor.objects.filter(connection=flow.source_id, resource=Resource.TRANSACTIONS).first()
    if flow.accrues_from is None or read is None or read.watermark is None:
        return []
    found, month = [], first_of_month(flow.accrues_from)
    while ends_at(flow, month) <= read.watermark:
        found.append(month)
        month = next_month(month)
    return found


def ends_at(flow: Flow, month: date) -> datetime:
    """Return the instant at which a month ends where the marketplace is."""
    return history.first_instant(flow, next_month(month))


def held(flow: Flow, month: date, invoiced: Collection[str]) -> Statement:
    """Return what Amazon held back at the end of a month, read as if it were a settlement; of the orders in ``invoiced`` what each
    of them brings is kept. Amounts in minor units of the flow's currency."""
    known, ends = mapping.load(flow), ends_at(flow, month)
    how = readings.reading(flow, known)
    found = list(_rows_of(_transactions(flow, ends)))
    begins = min((row.posted_at for row in found), default=ends - timedelta(seconds=1))
    total = sum(row.amount for row in found)
    return build(
        Header(ACCRUAL, begins, ends, last_of_month(month), total, flow.currency),
        found,
        classify=how.classify(last_of_month(month)),
        zone_of=readings.zones(flow.currency),
        resolve=how.resolve if known.splits else None,
        orders=invoiced,
    )


def _bring_up_to_date(flow: Flow, month: date) -> None:
    """Plan a month's accrual again as far as nothing of it was sent."""
    existing = _rows(flow, month, ACCRUAL)
    if any(rows.is_frozen(row) for row in existing):
        return
    if not existing.exists() and not _transactions(flow, ends_at(flow, month)).exists():
        return
    known, invoiced = mapping.load(flow), _invoiced(flow, month)
    made = accrual(
        held(flow, month, invoiced),
        source=_source(flow),
        month=month,
        policy=drafts.policy_of(flow),
        invoiced=invoiced,
    )
    planned = [currencies.of_its_day(flow, one) for one in made]
    found = drafts.drafts(planned, known, reference.cached(flow.target))
    for _ in range(rows.ROUNDS):
        changes = rows.compare(existing, found, known.version)
        if not changes or rows.stored(flow, changes, known.version):
            return


def _take_back(flow: Flow, month: date) -> None:
    """Plan what takes a month's accrual back, to the accounts to which it was booked, once all of it is in the books."""
    accrued = list(_rows(flow, month, ACCRUAL))
    if not accrued or any(row.state != State.POSTED for row in accrued):
        return
    found = []
    for row in accrued:
        entry = document_from(row.plain_document)
        assert isinstance(entry, JournalEntry)
        bindings = {symbol: Binding(**booked) for symbol, booked in row.bindings.items()}
        found.append(drafts.draft(reversal(row.key, entry), bindings))
    rows.ensure(flow, found, State.PLANNED)


def _transactions(flow: Flow, instant: datetime) -> QuerySet[Transaction]:
    assert flow.source is not None
    return amazon_held.held_at(flow.source, flow.account_type, flow.currency, instant)


def _rows_of(transactions: QuerySet[Transaction]) -> Iterator[Row]:
    """Yield the amounts of transactions as a settlement's rows would have them."""
    line = 0
    for one in transactions.order_by("posted_at", "transaction_id").iterator():
        for leaf in one.leaves:
            line += 1
            assert one.posted_at is not None  # what has no date is not held
            yield Row(
                line=line,
                label=label_of(one.kind, leaf["containers"], leaf["type"]),
                amount=leaf["amount"],
                posted_at=one.posted_at,
                order_id=one.order_id,
                item_code=leaf["sku"],
                sku=leaf["sku"],
                quantity=leaf["quantity"] or 0,
                marketplace=one.marketplace,
                fulfillment="",
            )


def _invoiced(flow: Flow, month: date) -> frozenset[str]:
    """Return the orders that an invoice made on shipment has in the books of a month or before."""
    found = Seen.objects.filter(flow=flow, invoice__live=True, on__lte=last_of_month(month))
    return frozenset(found.values_list("order__order_id", flat=True))


def _rows(flow: Flow, month: date, kind: str) -> QuerySet[Delivery]:
    # A piece of an entry that was cut has a mark behind the kind.
    key = accrual_key(_source(flow), flow.currency, month, kind, 1).removesuffix("/1")
    found = Delivery.objects.filter(flow=flow, plan=None, kind=Kind.ENTRY, key__startswith=key)
    return found.exclude(state=State.DROPPED).order_by("pk")


def _source(flow: Flow) -> str:
    assert flow.source is not None
    return f"{flow.source.remote_id}/{flow.account_type}"
