"""What else may happen to scenario E7, all ending in the same balances."""

from dataclasses import replace
from datetime import date, datetime

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import EntryLine, How, Invoice, JournalEntry, Kind, Undo
from bookkeeping.planned import Plan, PlanBroken
from bookkeeping.policy import Mode, Policy
from bookkeeping.remarks import HoldReason
from bookkeeping.shipment import NoInvoice
from bookkeeping.undo import ClosedPeriod, undo
from tests.bookkeeping import e7
from tests.bookkeeping.company import LEDGERS, QUICKBOOKS, Company, takes_back
from tests.bookkeeping.test_e7 import (
    IDS,
    ORDERS,
    PROFIT,
    SETTLEMENT_TRIGGER,
    SUMMARY,
    by_shipment,
    company,
    fed,
    invoices_of,
    profit_of_months,
    settled,
    shipped_order,
    with_shipments,
)

EVERY_LEDGER = pytest.mark.parametrize("policy", LEDGERS.values(), ids=LEDGERS)
LETTERS = {order_id: letter for letter, order_id in e7.ORDERS.items()}


def ship_from(made: Company, cut_over_at: datetime, until: date | None = None) -> dict[str, NoInvoice]:
    """Ship every order up to a day; returns why some got no invoice, by letter."""
    refused = {}
    for shipped in e7.SHIPPED:
        if until is None or shipped.on <= until:
            reason = made.ship(shipped_order(shipped), cut_over_at)
            if reason:
                refused[shipped.letter] = reason
    return refused


def lettered(made: Company) -> list[tuple[str, int]]:
    return [(LETTERS[number[:19]] + number[19:], total) for number, _, total in invoices_of(made)]


@EVERY_LEDGER
def test_summary_then_orders_by_settlement(policy: Policy) -> None:
    made = settled((Mode.SUMMARY, Mode.ORDERS, Mode.ORDERS, Mode.ORDERS), policy)

    assert lettered(made) == [("B", 2700), ("D", 4499), ("E", 24000), ("F", 3999), ("G", 7000)]
    assert fed(made).balances() == SETTLEMENT_TRIGGER


@pytest.mark.parametrize(
    ("shipping", "settling"), [("zoho journals", "zoho invoices"), ("zoho invoices", "zoho journals")]
)
def test_layout_changed_between_shipment_and_settlement(shipping: str, settling: str) -> None:
    made = company(LEDGERS[shipping])
    for shipped in e7.SHIPPED:
        made.ship(shipped_order(shipped))

    made.policy = LEDGERS[settling]
    for sid in IDS:
        made.settle(sid, Mode.ORDERS)
    made.close_out(e7.ORDERS["X"], e7.CANCELLED["X"])

    receivable = {"zoho journals": "DEFERRED", "zoho invoices": "AR"}[shipping]
    assert made.books.balances() == SETTLEMENT_TRIGGER | {receivable: 5500, "SALES": -66699}


@EVERY_LEDGER
def test_summary_then_orders_by_shipment(policy: Policy) -> None:
    made = company(policy)
    made.settle(IDS[0], Mode.SUMMARY)

    refused = ship_from(made, e7.boundary("4 Oct"))
    for sid in IDS[1:]:
        made.settle(sid, Mode.ORDERS)

    assert {letter for letter, why in refused.items() if why is NoInvoice.BEFORE_CUT_OVER} == set("ABXCD")
    assert sorted(lettered(made)) == sorted(
        [("E", 24000), ("G", 7000), ("Y", 5500), ("B", 2700), ("D", 4499), ("F", 3999)]
    )
    assert fed(made).balances() == with_shipments(policy)


@EVERY_LEDGER
def test_orders_by_shipment_then_summary(policy: Policy) -> None:
    made = company(policy)
    ship_from(made, e7.boundary("1 Sep"), until=e7.day("17 Oct"))
    made.settle(IDS[0], Mode.ORDERS)
    made.settle(IDS[1], Mode.ORDERS)

    made.settle(IDS[2], Mode.SUMMARY)
    made.settle(IDS[3], Mode.SUMMARY)
    made.close_out(e7.ORDERS["X"], e7.CANCELLED["X"])

    assert {letter for letter, _ in lettered(made)} == set("ABCDXE")
    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert made.books.balance("AR") == 0


@EVERY_LEDGER
@pytest.mark.parametrize("again", [Mode.SUMMARY, Mode.ORDERS])
@pytest.mark.parametrize("first", [Mode.SUMMARY, Mode.ORDERS])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_undo_and_redo_of_any_settlement(n: int, first: Mode, again: Mode, policy: Policy) -> None:
    made = settled((first,) * 4, policy)

    made.undo(IDS[n])
    made.settle(IDS[n], again)

    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert made.books.profit() == PROFIT


@EVERY_LEDGER
@pytest.mark.parametrize("again", [Mode.SUMMARY, Mode.ORDERS])
@pytest.mark.parametrize("n", [0, 1, 2, 3])
def test_undo_and_redo_with_the_shipment_trigger(n: int, again: Mode, policy: Policy) -> None:
    made, before = by_shipment(policy), by_shipment(policy)

    made.undo(IDS[n])
    made.settle(IDS[n], again)

    assert fed(made).balances() == with_shipments(policy)
    assert made.books.profit() == before.books.profit()


def test_redone_invoices_get_new_suffixes() -> None:
    made = settled(ORDERS)

    made.undo(IDS[1])
    made.settle(IDS[1], Mode.ORDERS)

    assert lettered(made)[3:5] == [("B-3", 2700), ("D-2", 4499)]


def test_undo_leaves_shipment_invoices_open() -> None:
    made = by_shipment()

    made.undo(IDS[0])

    assert {LETTERS[one.order_id]: one.balance for one in made.open_invoices()} == {
        "A": 7600,
        "B": 3000,
        "C": 6500,
        "Y": 5500,
    }
    assert made.books.balance("AR") == 7600 + 3000 + 6500 + 5500


def test_undo_goes_backwards_and_voids_only_invoices() -> None:
    made = settled(ORDERS)

    steps = [step.document for step in made.undo(IDS[2])]

    assert [step.target_kind for step in steps if isinstance(step, Undo)] == [
        Kind.DEPOSIT,
        Kind.ENTRY,
        Kind.TRANSFER,
        Kind.TRANSFER,
        Kind.PAYMENT,
        Kind.PAYMENT,
        Kind.INVOICE,
        Kind.INVOICE,
    ]
    assert {step.how for step in steps if isinstance(step, Undo) and step.target_kind is Kind.INVOICE} == {How.VOID}
    assert {step.how for step in steps if isinstance(step, Undo) and step.target_kind is not Kind.INVOICE} == {
        How.DELETE
    }


def test_an_invoice_is_taken_back_after_its_payment() -> None:
    made = settled(ORDERS)

    steps = {step.key: step for step in made.undo(IDS[3])}

    invoice = f"amazon/settlement/{IDS[3]}/1/invoice/{e7.ORDERS['G']}/1"
    payment = f"amazon/settlement/{IDS[3]}/1/payment/{e7.ORDERS['G']}/1"
    assert steps[f"{invoice}/undo"].depends_on[:2] == (invoice, f"{payment}/undo")


def test_nothing_is_taken_back_before_the_payout_and_the_entries_behind_it() -> None:
    made = settled(ORDERS)

    steps = made.undo(IDS[0])

    deposit = next(step.key for step in steps if step.document.target_kind is Kind.DEPOSIT)
    assert steps[0].key == deposit
    assert all(deposit in step.depends_on for step in steps[1:])


@pytest.mark.parametrize("name", ["freshbooks", "wave"])
def test_what_cannot_be_deleted_is_reversed_on_its_own_date(name: str) -> None:
    made = settled(ORDERS, LEDGERS[name])

    steps = [step.document for step in made.undo(IDS[2])]

    ways = {step.target_kind: step.how for step in steps if isinstance(step, Undo)}
    assert ways == dict.fromkeys([Kind.ENTRY, Kind.TRANSFER], How.REVERSE) | dict.fromkeys(
        [Kind.PAYMENT, Kind.INVOICE], How.DELETE
    )
    backs = [step.reversal for step in steps if isinstance(step, Undo) and step.reversal]
    assert [(back.number, back.on) for back in backs] == [
        ("AMZ-18000000003-Px", e7.day("3 Nov")),
        ("AMZ-18000000003-2x", e7.day("1 Nov")),
        ("AMZ-18000000003-1x", e7.day("31 Oct")),
        ("AMZ-18000000003-F1x", e7.day("20 Oct")),
        ("AMZ-18000000003-C1x", e7.day("18 Oct")),
    ]
    assert backs[0].lines == (EntryLine("CLEARING", debit=10936), EntryLine("PAYOUTS", credit=10936))


def test_what_no_ledger_can_take_back_is_refused() -> None:
    made = settled(SUMMARY)

    with pytest.raises(PlanBroken, match="cannot take back"):
        undo(made.live[IDS[0]], how={Kind.TRANSFER: takes_back(made.policy)[Kind.TRANSFER]})


def test_undo_refuses_a_closed_period_as_a_whole() -> None:
    made = settled(ORDERS)

    with pytest.raises(ClosedPeriod) as refused:
        made.undo(IDS[0], closed_until=e7.day("30 Sep"))

    assert len(refused.value.keys) == 5
    assert made.books.balances() == SETTLEMENT_TRIGGER


@EVERY_LEDGER
def test_unmapped_sku_holds_its_invoice_and_payment_and_nothing_else(policy: Policy) -> None:
    made = company(policy)
    made.unmapped = {e7.sku("E")}
    for sid in IDS[:3]:
        made.settle(sid, Mode.ORDERS)

    held = [planned for planned in made.plans[IDS[2]].documents if planned.held]

    kind = JournalEntry if policy.order_entries else Invoice
    assert [(type(one.document), one.held and one.held.reason) for one in held] == [(kind, HoldReason.UNMAPPED_SKU)]
    assert made.books.balance(policy.payments_to) == -24000
    assert made.books.balance("AR") == 0


def test_unmapped_sku_of_a_shipment_leaves_its_order_entry_short_on_deferred() -> None:
    made = company(LEDGERS["zoho journals"])
    made.unmapped = {e7.sku("E")}
    for shipped in e7.SHIPPED:
        made.ship(shipped_order(shipped))

    for sid in IDS[:3]:
        made.settle(sid, Mode.ORDERS)

    standing = sum(one.balance for one in made.open_invoices())
    assert made.books.balance("DEFERRED") == standing - 24000
    assert made.books.balance("CLEARING") == 0


@EVERY_LEDGER
def test_mapping_the_sku_releases_what_was_held(policy: Policy) -> None:
    made = company(policy)
    made.unmapped = {e7.sku("E")}
    for sid in IDS:
        made.settle(sid, Mode.ORDERS)

    made.unmapped = set()
    made.settle(IDS[2], Mode.ORDERS)

    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert made.books.profit() == PROFIT


def test_unmapped_sku_of_a_shipment_holds_the_invoice() -> None:
    made = company()
    made.unmapped = {e7.sku("E")}
    order = shipped_order(next(one for one in e7.SHIPPED if one.letter == "E"))

    shipment = made.plan_shipment(order)

    assert shipment.planned
    assert shipment.planned.held
    assert shipment.planned.held.reason is HoldReason.UNMAPPED_SKU


@EVERY_LEDGER
def test_promotions_left_off_invoices_change_no_total(policy: Policy) -> None:
    made = settled(ORDERS, replace(policy, negative_lines=False))

    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert made.books.profit() == PROFIT
    assert [one for one in lettered(made) if one[0] in "AE"] == [("A", 9000), ("E", 25200)]
    assert not [flag for flag in made.plans[IDS[0]].flags if flag.kind == "large_difference"]


@EVERY_LEDGER
def test_promotions_left_off_shipment_invoices_change_no_total(policy: Policy) -> None:
    made = by_shipment(replace(policy, negative_lines=False))

    assert fed(made).balances() == with_shipments(policy)
    # K has a promotion of its whole price: still no invoice.
    assert "K" not in {letter for letter, _ in lettered(made)}


def claims_are_refunds(account: AccountKey, sku: str, marketplace: str, day: date) -> str:
    return AccountKey.REFUNDS if account is AccountKey.CLAIMS else account


REMAPPED = {key: amount for key, amount in SETTLEMENT_TRIGGER.items() if key != "CLAIMS"} | {"REFUNDS": 14499}


@EVERY_LEDGER
@pytest.mark.parametrize("modes", [SUMMARY, ORDERS], ids=["summary", "orders"])
def test_claims_remapped_after_closing_october(modes: tuple[Mode, ...], policy: Policy) -> None:
    made = settled(modes, policy)

    moved = made.remap(IDS[1], claims_are_refunds, closed_until=e7.day("31 Oct"), first_open_on=e7.day("1 Nov"))

    reversal, entry = (one.document for one in moved)
    assert isinstance(reversal, JournalEntry)
    assert isinstance(entry, JournalEntry)
    assert (reversal.number, reversal.on) == ("AMZ-18000000002-1x", e7.day("1 Nov"))
    assert (entry.number, entry.on) == ("AMZ-18000000002-1r2", e7.day("1 Nov"))
    assert moved[1].depends_on == (moved[0].key,)
    assert fed(made).balances() == REMAPPED
    assert profit_of_months(made) == {"2025-09": 5270, "2025-10": 6125, "2025-11": 1401}


@EVERY_LEDGER
def test_claims_remapped_in_an_open_month_keep_their_date(policy: Policy) -> None:
    made = settled(SUMMARY, policy)

    moved = made.remap(IDS[1], claims_are_refunds, closed_until=None, first_open_on=None)

    assert [type(one.document) for one in moved] == [Undo, JournalEntry]
    assert [one.document.on for one in moved if isinstance(one.document, JournalEntry)] == [e7.day("18 Oct")]
    assert fed(made).balances() == REMAPPED
    assert made.books.profit()["2025-10"]["REFUNDS"] == -6499 - 5500


def test_what_rode_on_a_deposit_is_moved_by_the_difference() -> None:
    def subscription_is_other(account: AccountKey, sku: str, marketplace: str, day: date) -> str:
        return AccountKey.FEE_OTHER if account is AccountKey.SUBSCRIPTION else account

    made = settled(ORDERS)

    (moved,) = made.remap(IDS[2], subscription_is_other, closed_until=e7.day("30 Nov"), first_open_on=e7.day("1 Dec"))

    assert isinstance(moved.document, JournalEntry)
    assert {line.key: line.debit - line.credit for line in moved.document.lines} == {
        "FEE_OTHER": 3999,
        "SUBSCRIPTION": -3999,
    }
    assert moved.document.on == e7.day("1 Dec")
    assert made.books.balance("SUBSCRIPTION") == 3999


def test_remapping_nothing_gives_nothing() -> None:
    made = settled(ORDERS)

    moved = made.remap(IDS[0], lambda account, *_: account, closed_until=None, first_open_on=None)

    assert moved == []


@EVERY_LEDGER
@pytest.mark.parametrize("modes", [SUMMARY, ORDERS], ids=["summary", "orders"])
def test_planning_twice_is_byte_identical(modes: tuple[Mode, ...], policy: Policy) -> None:
    made = settled(modes, policy)

    for sid in IDS:
        again: Plan = made.plan(sid, modes[0])

        assert again == made.plans[sid]
        assert again.digest() == made.plans[sid].digest()


@EVERY_LEDGER
def test_delivering_every_document_twice_changes_nothing(policy: Policy) -> None:
    made = settled(ORDERS, policy)

    for sid in IDS:
        made.deliver(made.plans[sid].documents)

    assert fed(made).balances() == SETTLEMENT_TRIGGER


def test_the_order_of_the_rows_does_not_matter() -> None:
    turned = Company([(header, rows[::-1]) for header, rows in e7.settlements()], policy=QUICKBOOKS, zone=e7.ZONE)

    for sid in IDS:
        turned.settle(sid, Mode.ORDERS)

    straight = settled(ORDERS)
    assert turned.books.balances() == SETTLEMENT_TRIGGER
    assert [one.canonical() for one in turned.books.live()] == [one.canonical() for one in straight.books.live()]
