"""Whatever happens, and in whatever order and mode it is processed, the books say what the rows say."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from bookkeeping.documents import Payment
from bookkeeping.facts import Label, Row
from bookkeeping.policy import Mode, Policy
from bookkeeping.statement import build
from tests.bookkeeping.books import BALANCE_SHEET
from tests.bookkeeping.company import FRESHBOOKS, LEDGERS, QUICKBOOKS, ZOHO, ZOHO_JOURNALS, Company
from tests.bookkeeping.e7 import ZONE
from tests.bookkeeping.meanings import classify
from tests.bookkeeping.worlds import World, worlds

MODES = st.lists(st.sampled_from(Mode), min_size=4, max_size=4)
LEFT_OFF = [replace(policy, negative_lines=False) for policy in (QUICKBOOKS, FRESHBOOKS)]
POLICIES = st.sampled_from([*LEDGERS.values(), *LEFT_OFF])
NOT_MANY = settings(max_examples=50, deadline=None)


def lived(world: World, modes: list[Mode], policy: Policy, order: list[int] | None = None) -> Company:
    """Ship everything that ships, then process the settlements in the given order."""
    made = Company(world.settlements, policy=policy, zone=ZONE)
    for shipped in world.shipped:
        made.ship(shipped)
    ids = list(made.facts)
    for n in order or range(len(ids)):
        made.settle(ids[n], modes[n])
    return made


def total_by_key(profit: dict[str, dict[str, int]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for by_key in profit.values():
        total.update(by_key)
    return total


def still_open(made: Company) -> Counter[str]:
    total: Counter[str] = Counter()
    for invoice in made.open_invoices():
        total.update(invoice.remaining)
    return total


def nonzero(amounts: Counter[str]) -> dict[str, int]:
    return {key: amount for key, amount in sorted(amounts.items()) if amount}


@NOT_MANY
@given(worlds(), MODES, POLICIES)
def test_profit_per_month_and_account_is_that_of_the_rows(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    assert made.books.profit() == world.profit()
    assert made.books.balance("AR") == made.books.balance("DEFERRED") == made.books.balance("PETTY") == 0


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES)
def test_cumulative_profit_is_rows_and_open_invoices(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    expected = total_by_key(world.profit())
    expected.update({policy.income_to: made.receivable()} if policy.income_to else still_open(made))

    assert nonzero(total_by_key(made.books.profit())) == nonzero(expected)
    assert made.books.balance("DEFERRED" if policy.order_entries else "AR") == made.receivable()
    assert made.books.balance("PETTY") == 0
    assert {one.order_id for one in made.open_invoices()} <= world.unfinished


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES)
def test_clearing_bank_and_reserve_follow_the_headers(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    totals = [header.total for header, _ in world.settlements]
    returned = sum(
        row.amount
        for _, rows in world.settlements
        for row in rows
        if row.label.amount_description == "Transfer of funds unsuccessful"
    )
    charged = sum(
        row.amount
        for _, rows in world.settlements
        for row in rows
        if row.label.amount_description == "Successful charge"
    )
    passed = sum(total for total in totals if total > 0) - returned - charged
    assert sum(made.books.balance(key) for key in ("BANK", "PAYOUTS", "CHARGE_METHOD")) == passed
    in_transit = policy.payouts_to == "PAYOUTS" and not policy.onward
    assert made.books.balance("PAYOUTS") == (passed if in_transit else 0)
    assert made.books.balance("CLEARING") == min(totals[-1], 0)
    assert sum(made.books.balances().values()) == 0


@NOT_MANY
@given(worlds(shipments=True), MODES, MODES, POLICIES, st.randoms(use_true_random=False))
def test_order_of_processing_and_modes_do_not_change_the_end(
    world: World, modes: list[Mode], others: list[Mode], policy: Policy, random: st.DataObject
) -> None:
    world.shipped = [one for one in world.shipped if one.order_id not in world.unfinished]
    order = list(range(len(world.settlements)))
    random.shuffle(order)

    straight, mixed = lived(world, modes, policy), lived(world, others, policy, order)

    assert mixed.books.balances() == straight.books.balances()


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES, st.integers(0, 3), st.sampled_from(Mode))
def test_undo_and_redo_change_nothing(world: World, modes: list[Mode], policy: Policy, which: int, again: Mode) -> None:
    world.shipped = [one for one in world.shipped if one.order_id not in world.unfinished]
    made = lived(world, modes, policy)
    before = made.books.balances()
    sid = list(made.facts)[which % len(made.facts)]

    made.undo(sid)
    made.settle(sid, again)

    assert made.books.balances() == before


@NOT_MANY
@given(worlds(shipments=True), MODES, st.lists(st.sampled_from([ZOHO, ZOHO_JOURNALS]), min_size=5, max_size=5))
def test_layout_that_changes_in_between_changes_no_account_but_the_receivable(
    world: World, modes: list[Mode], layouts: list[Policy]
) -> None:
    made, straight = Company(world.settlements, policy=layouts[0], zone=ZONE), lived(world, modes, ZOHO)
    for shipped in world.shipped:
        made.ship(shipped)

    for n, sid in enumerate(made.facts):
        made.policy = layouts[n + 1]
        made.settle(sid, modes[n])

    expected = straight.books.balances()
    receivable = expected.pop("AR", 0)
    found = made.books.balances()
    assert found.pop("AR", 0) + found.pop("DEFERRED", 0) == receivable
    assert found == expected
    assert made.books.profit() == straight.books.profit()


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES)
def test_undoing_everything_leaves_only_shipment_invoices(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    for sid in reversed(made.facts):
        made.undo(sid)

    receivable = "DEFERRED" if policy.order_entries else "AR"
    assert {key for key in made.books.balances() if key in BALANCE_SHEET} <= {receivable}
    assert made.books.balance(receivable) == sum(one.total for one in made.invoices.values())
    assert not [one for one in made.books.live() if isinstance(one, Payment)]


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES)
def test_planning_again_gives_the_same_bytes(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    for sid, mode in zip(made.facts, modes, strict=False):
        assert made.plan(sid, mode) == made.plans[sid]
        assert made.plan(sid, mode).digest() == made.plans[sid].digest()


@NOT_MANY
@given(worlds(), MODES, POLICIES, st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(world: World, modes: list[Mode], policy: Policy, random: st.DataObject) -> None:
    straight = lived(world, modes, policy)
    for _, rows in world.settlements:
        random.shuffle(rows)

    turned = lived(world, modes, policy)

    assert [plan.digest() for plan in turned.plans.values()] == [plan.digest() for plan in straight.plans.values()]


@dataclass
class InGroups:
    """Rows that follow one another, grouped as a source that reads in blocks hands them over."""

    rows: list[Row]

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def span(self) -> tuple[datetime, datetime]:
        return min(row.posted_at for row in self.rows), max(row.posted_at for row in self.rows)

    def groups(self) -> list["OfOneLabel"]:
        found: dict[tuple[Label, str], list[Row]] = {}
        for row in self.rows:
            found.setdefault((row.label, row.marketplace), []).append(row)
        return [OfOneLabel(*place, rows) for place, rows in found.items()]


@dataclass
class OfOneLabel:
    label: Label
    marketplace: str
    rows: list[Row]

    @property
    def amounts(self) -> list[int]:
        return [row.amount for row in self.rows]

    def lines(self) -> list[int]:
        return [row.line for row in self.rows]

    def order_ids(self) -> list[str]:
        return [row.order_id for row in self.rows]


@dataclass
class InBatches:
    rows: list[Row]
    size: int

    def batches(self) -> Iterator[InGroups]:
        for at in range(0, len(self.rows), self.size):
            yield InGroups(self.rows[at : at + self.size])


@NOT_MANY
@given(worlds(), st.integers(1, 12), st.sampled_from(["all", "none", "one"]), st.booleans())
def test_batches_give_the_statement_of_their_rows(world: World, size: int, wanted: str, unknown: bool) -> None:
    one = next((row.order_id for _, rows in world.settlements for row in rows if row.order_id), "")
    orders = {"all": None, "none": frozenset(), "one": frozenset({one})}[wanted]
    for header, rows in world.settlements:
        if unknown and rows:
            rows = [
                *rows,
                rows[-1]._replace(line=999, label=Label("other-transaction", "other-transaction", "New Fee")),
            ]
            header = replace(header, total=header.total + rows[-1].amount)

        in_batches = build(header, InBatches(rows, size), classify=classify, zone_of=ZONE, orders=orders)

        assert in_batches == build(header, rows, classify=classify, zone_of=ZONE, orders=orders)
