"""What a settlement means under a flow's labels and mapping, read from its file."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from amazon import labels, marketplaces
from amazon.child import run_in_child
from amazon.load import LONG_FILE_LINES, read, settlement_rows
from amazon.models import Report, Settlement
from bookkeeping.accounts import AccountKey, Category, LineKey
from bookkeeping.classification import Classification
from bookkeeping.facts import Label, Row
from bookkeeping.figures import Statement
from bookkeeping.statement import build
from bookkeeping.trace import rows_behind
from flows.mapping import TenantMapping, rules_of
from flows.models import Flow, MappingRule


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything a reading depends on, in values that travel to another process. ``begins`` is the first day of the books."""

    mapping: TenantMapping
    labels: tuple[tuple[Label, Category, date | None], ...]
    begins: date | None = None

    def classify(self, ends_on: date) -> Callable[[Label], Classification]:
        """Return the classifier for a settlement that ends on this day: the tenant's own labels first, the newest that applies."""
        own = tuple(
            labels.LabelRule(*label, category)
            for label, category, effective_from in self.labels
            if effective_from is None or effective_from <= ends_on
        )
        return lambda label: labels.classify(label, own)

    def resolve(self, key: AccountKey, sku: str, marketplace: str, on: date) -> LineKey:
        return self.mapping.line_key(key, sku, marketplace, on)


def reading(flow: Flow, mapping: TenantMapping) -> Reading:
    """Return how this version of the flow's mapping reads a settlement."""
    version = None if mapping.version == flow.mapping_version else mapping.version
    rules = rules_of(flow, version).filter(subject=MappingRule.Subject.LABEL)
    return Reading(
        mapping,
        tuple(
            (
                Label(rule.transaction_type, rule.amount_type, rule.amount_description),
                Category(rule.category),
                rule.effective_from,
            )
            for rule in rules.order_by("-effective_from", "-id")
        ),
        flow.books_from,
    )


def statement(
    settlement: Settlement, how: Reading, orders: Collection[str] | None, report: Report | None = None
) -> Statement:
    """Return the settlement's statement; ``orders`` names the orders to keep, None keeps all. Long files are read in a child process.

    It is read from the file that counts, or from another ``report`` of the settlement.
    """
    report_pk = report.pk if report else settlement.report_id
    if settlement.row_count > LONG_FILE_LINES:
        return run_in_child(read_statement, report_pk, how, orders)
    return read_statement(report_pk, how, orders)


def read_statement(report_pk: int, how: Reading, orders: Collection[str] | None) -> Statement:
    rows = read(Report.objects.get(pk=report_pk))
    header = rows.header
    return build(
        header,
        rows,
        classify=how.classify(header.ends_at.date()),
        zone_of=zones(header.currency),
        resolve=how.resolve if how.mapping.splits else None,
        orders=orders,
        begins=how.begins,
    )


def source_rows(
    settlement: Settlement,
    how: Reading,
    built: Statement,
    part: int,
    key: LineKey,
    order_id: str = "",
    report: Report | None = None,
) -> Iterator[Row]:
    """Yield the rows of Amazon's file behind one line of the books; ``report`` is the file it was booked from."""
    header, rows = settlement_rows(settlement, report)
    return rows_behind(
        built,
        rows,
        part=part,
        key=key,
        classify=how.classify(header.ends_at.date()),
        zone_of=zones(header.currency),
        resolve=how.resolve if how.mapping.splits else None,
        order_id=order_id,
    )


def zones(currency: str) -> Callable[[str], ZoneInfo]:
    """Return the zone of a marketplace by its name in the file; "" and strangers get the zone of the currency's own marketplace."""
    return lambda name: marketplaces.zone_of(name, currency)
