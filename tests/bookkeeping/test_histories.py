"""Whatever happens, and in whatever order and mode it is processed, the books say what the rows say."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from bookkeeping.documents import Payment
from bookkeeping.policy import Mode, Policy
from tests.bookkeeping.books import BALANCE_SHEET
from tests.bookkeeping.company import Company
from tests.bookkeeping.e7 import ZONE
from tests.bookkeeping.worlds import World, worlds

MODES = st.lists(st.sampled_from(Mode), min_size=4, max_size=4)
POLICIES = st.sampled_from([Policy(), Policy(deposit=True), Policy(deposit=True, negative_lines=False)])
NOT_MANY = settings(max_examples=30, deadline=None)


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
    assert made.books.balance("AR") == 0


@NOT_MANY
@given(worlds(shipments=True), MODES, POLICIES)
def test_cumulative_profit_is_rows_and_open_invoices(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    expected = total_by_key(world.profit())
    expected.update(still_open(made))

    assert nonzero(total_by_key(made.books.profit())) == nonzero(expected)
    assert made.books.balance("AR") == made.receivable()
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
    assert made.books.balance("BANK") == sum(total for total in totals if total > 0) - returned
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
@given(worlds(shipments=True), MODES, POLICIES)
def test_undoing_everything_leaves_only_shipment_invoices(world: World, modes: list[Mode], policy: Policy) -> None:
    made = lived(world, modes, policy)

    for sid in reversed(made.facts):
        made.undo(sid)

    assert {key for key in made.books.balances() if key in BALANCE_SHEET} <= {"AR"}
    assert made.books.balance("AR") == sum(one.total for one in made.invoices.values())
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
