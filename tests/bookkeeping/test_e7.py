"""Scenario E7 in every ledger's documents: every table of it, to the cent."""

from datetime import date
from itertools import permutations, product

import pytest

from bookkeeping.documents import Deposit, Invoice, JournalEntry, Payment, Transfer
from bookkeeping.entries import effect
from bookkeeping.figures import OrderItem
from bookkeeping.invoices import receivable_of
from bookkeeping.policy import Mode, Policy
from bookkeeping.shipment import NoInvoice, ShippedOrder
from tests.bookkeeping import e7
from tests.bookkeeping.books import Books
from tests.bookkeeping.company import (
    FRESHBOOKS,
    FRESHBOOKS_DIRECT,
    JOURNALS,
    LEDGERS,
    QUICKBOOKS,
    WAVE,
    WAVE_DIRECT,
    ZOHO,
    ZOHO_JOURNALS,
    Company,
)

IDS = list(e7.SETTLEMENT_IDS.values())
MONTH_ENDS = (e7.day("30 Sep"), e7.day("31 Oct"), e7.day("30 Nov"))


def money(table: str) -> dict[str, int]:
    """Read ``SALES 110.00, PROMO -14.00`` as cents by key; zeros are left out."""
    pairs = (entry.rsplit(" ", 1) for entry in table.split(", "))
    return {key: e7.cents(amount) for key, amount in sorted(pairs) if e7.cents(amount)}


SETTLEMENT_TRIGGER = money(
    "BANK 109.36, CHARGE_METHOD -50.00, CLEARING 0.00, AR 0.00, RESERVE 69.00, OUTPUT_TAX -0.40, SALES -611.99, "
    "SHIP_INCOME -27.99, WRAP_INCOME -4.00, PROMO 41.00, REFUNDS 89.99, CLAIMS 55.00, REIMB -14.00, FEE_OTHER -9.00, "
    "FEE_SELLING 68.55, FEE_FBA 62.60, FEE_REFUND_ADMIN 3.90, FEE_STORAGE 18.00, ADS 120.00, SUBSCRIPTION 79.98"
)
SHIPMENT_TRIGGER = SETTLEMENT_TRIGGER | money("AR 55.00, SALES -666.99")


def with_shipments(policy: Policy) -> dict[str, int]:
    """The end balances with the shipment trigger: where an order that has not settled stands, and its income."""
    if policy.income_to:
        return SETTLEMENT_TRIGGER | money("AR 55.00, REVENUE -55.00")
    if policy.order_entries:
        return SETTLEMENT_TRIGGER | money("DEFERRED 55.00, SALES -666.99")
    return SHIPMENT_TRIGGER


# What the user does in bank reconciliation where the bank's and the card's own lines come by a feed.
FEED = (
    ("19 Oct", "PAYOUTS", "CHARGE_METHOD", "50.00"),
    ("4 Nov", "BANK", "PAYOUTS", "109.36"),
)


def fed(made: Company) -> Books:
    """The books with the user's feed lines, where the policy waits for any."""
    if made.policy.payouts_to == "PAYOUTS" and not made.policy.onward:
        assert {key: made.books.balance(key) for key in ("PAYOUTS", "BANK", "CHARGE_METHOD")} == {
            "PAYOUTS": 5936,
            "BANK": 0,
            "CHARGE_METHOD": 0,
        }
        for on, debit, credit, amount in FEED:
            made.books.post(on, Transfer("", e7.day(on), "USD", credit, debit, e7.cents(amount)))
    return made.books


PROFIT = {
    "2025-09": money(
        "SALES 110.00, SHIP_INCOME 6.00, WRAP_INCOME 4.00, PROMO -14.00, REFUNDS -25.00, FEE_SELLING -12.75, "
        "FEE_FBA -14.80, FEE_REFUND_ADMIN -0.75"
    ),
    "2025-10": money(
        "SALES 431.99, SHIP_INCOME 21.99, PROMO -27.00, REFUNDS -64.99, CLAIMS -55.00, REIMB 14.00, FEE_SELLING -45.30, "
        "FEE_FBA -42.30, FEE_REFUND_ADMIN -3.15, FEE_STORAGE -18.00, ADS -120.00, SUBSCRIPTION -39.99, FEE_OTHER 9.00"
    ),
    "2025-11": money("SALES 70.00, FEE_SELLING -10.50, FEE_FBA -5.50, SUBSCRIPTION -39.99"),
}
PROFIT_OF_MONTHS = {"2025-09": 5270, "2025-10": 6125, "2025-11": 1401}
SHIPMENT_PROFIT_OF_MONTHS = {"2025-09": 22570, "2025-10": -875, "2025-11": -3399}


def company(policy: Policy = QUICKBOOKS) -> Company:
    return Company(e7.settlements(), policy=policy, zone=e7.ZONE)


def settled(modes: tuple[Mode, ...], policy: Policy = QUICKBOOKS, order: tuple[int, ...] = (0, 1, 2, 3)) -> Company:
    made = company(policy)
    for n in order:
        made.settle(IDS[n], modes[n])
    return made


def shipped_order(shipped: e7.Shipped) -> ShippedOrder:
    letter = shipped.letter
    item = OrderItem(f"6000000000{ord(letter)}", e7.sku(letter), shipped.units, shipped.amounts)
    total = sum(shipped.amounts.values())
    return ShippedOrder(shipped.order_id, e7.MARKETPLACE, "USD", shipped.at, shipped.on, (item,), total)


def by_shipment(policy: Policy = QUICKBOOKS, order: tuple[int, ...] = (0, 1, 2, 3)) -> Company:
    """Every shipment invoiced as it happens; a settlement is processed on the day after its period."""
    made = company(policy)
    for shipped in e7.SHIPPED:
        made.ship(shipped_order(shipped))
    for n in order:
        made.settle(IDS[n], Mode.ORDERS)
    made.close_out(e7.ORDERS["X"], e7.CANCELLED["X"])
    return made


def profit_of_months(made: Company) -> dict[str, int]:
    return {month: sum(by_key.values()) for month, by_key in made.books.profit().items()}


def at_month_ends(made: Company, key: str) -> list[int]:
    return [made.books.balance(key, end) for end in MONTH_ENDS]


SUMMARY = (Mode.SUMMARY,) * 4
ORDERS = (Mode.ORDERS,) * 4
HISTORIES = {
    "summary": lambda: settled(SUMMARY),
    "settlement": lambda: settled(ORDERS),
    "shipment": by_shipment,
    "journals": lambda: settled(ORDERS, JOURNALS),
}


@pytest.mark.parametrize("policy", LEDGERS.values(), ids=LEDGERS)
@pytest.mark.parametrize("modes", [SUMMARY, ORDERS], ids=["summary", "orders"])
def test_end_balances_and_profit_with_the_settlement_trigger(modes: tuple[Mode, ...], policy: Policy) -> None:
    made = settled(modes, policy)

    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert sum(SETTLEMENT_TRIGGER.values()) == 0
    assert made.books.profit() == PROFIT
    assert profit_of_months(made) == PROFIT_OF_MONTHS
    assert at_month_ends(made, "CLEARING") == [5270, 16435, 0]
    assert at_month_ends(made, "RESERVE") == [0, 0, 6900]


@pytest.mark.parametrize("policy", LEDGERS.values(), ids=LEDGERS)
def test_end_balances_and_profit_with_the_shipment_trigger(policy: Policy) -> None:
    made = by_shipment(policy)
    receivable = "DEFERRED" if policy.order_entries else "AR"

    assert fed(made).balances() == with_shipments(policy)
    assert profit_of_months(made) == SHIPMENT_PROFIT_OF_MONTHS
    profit = made.books.profit()
    if not policy.income_to:
        assert [profit[month]["SALES"] for month in profit] == [27800, 36699, 2200]
        assert [profit[month].get("SHIP_INCOME", 0) for month in profit] == [1100, 1699, 0]
    assert at_month_ends(made, receivable) == [17300, 10300, 5500]
    assert at_month_ends(made, "CLEARING") == [5270, 16435, 0]
    assert made.receivable() == made.books.balance(receivable) == 5500


def test_receivable_is_the_cumulative_difference_between_the_triggers() -> None:
    shipment, settlement = profit_of_months(by_shipment()), profit_of_months(settled(ORDERS))

    ahead, cumulative = [], 0
    for month in settlement:
        cumulative += shipment[month] - settlement[month]
        ahead.append(cumulative)

    assert ahead == at_month_ends(by_shipment(), "AR")


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ("summary", {"entry": 6, "transfer": 4}),
        ("settlement", {"invoice": 8, "payment": 5, "entry": 5, "deposit": 2, "transfer": 2}),
        ("shipment", {"invoice": 9, "payment": 6, "entry": 6, "deposit": 2, "transfer": 2}),
        ("journals", {"invoice": 8, "payment": 5, "entry": 6, "transfer": 4}),
    ],
)
def test_number_of_documents(history: str, expected: dict[str, int]) -> None:
    assert HISTORIES[history]().books.count() == expected


@pytest.mark.parametrize(
    ("policy", "modes", "expected"),
    [
        (FRESHBOOKS, SUMMARY, {"entry": 6, "transfer": 4}),
        (FRESHBOOKS, ORDERS, {"invoice": 8, "payment": 8, "entry": 6, "transfer": 4}),
        (FRESHBOOKS_DIRECT, ORDERS, {"invoice": 8, "payment": 8, "entry": 6, "transfer": 4}),
        (WAVE, SUMMARY, {"entry": 7, "transfer": 4}),
        (WAVE, ORDERS, {"invoice": 8, "payment": 8, "entry": 6, "transfer": 4}),
        (WAVE_DIRECT, SUMMARY, {"entry": 7, "transfer": 8}),
        (ZOHO, SUMMARY, {"entry": 7, "transfer": 3}),
        (ZOHO, ORDERS, {"invoice": 8, "payment": 5, "entry": 7, "transfer": 3}),
        (ZOHO_JOURNALS, ORDERS, {"entry": 15, "transfer": 3}),
    ],
    ids=lambda value: next((name for name, policy in LEDGERS.items() if policy is value), ""),
)
def test_number_of_documents_elsewhere(policy: Policy, modes: tuple[Mode, ...], expected: dict[str, int]) -> None:
    # Zoho takes several invoices in one payment, FreshBooks and Wave one.
    assert settled(modes, policy).books.count(shared=bool(policy.entry_lines)) == expected


# settlement, part, day; invoices paid; remainder of the part (credit positive) and its net
PARTS = [
    (1, 1, "30 Sep", "A 76.00, B 30.00", "REFUNDS -25.00, FEE_SELLING -12.75, FEE_FBA -14.80, FEE_REFUND_ADMIN -0.75", "-53.30"),
    (1, 2, "4 Oct", "C 65.00", "SUBSCRIPTION -39.99, FEE_SELLING -6.00, FEE_FBA -11.50, FEE_REFUND_ADMIN -0.60, "
     "REFUNDS -20.00, RESERVE -20.00, OUTPUT_TAX 0.40", "-97.69"),
    (2, 1, "18 Oct", "B 27.00, D 44.99", "ADS -120.00, CLAIMS -55.00, FEE_STORAGE -18.00, FEE_SELLING -3.00, FEE_FBA -7.20, "
     "FEE_REFUND_ADMIN -1.20, FEE_OTHER 9.00, REIMB 14.00, RESERVE 20.00, SALES 10.00", "-151.40"),
    (3, 1, "31 Oct", "E 240.00, F 39.99", "SALES 12.00, PROMO -12.00, REFUNDS -44.99, FEE_SELLING -36.30, FEE_FBA -23.60, "
     "FEE_REFUND_ADMIN -1.35", "-106.24"),
    (3, 2, "1 Nov", "", "SUBSCRIPTION -39.99, RESERVE -15.00", "-54.99"),
    (4, 1, "15 Nov", "G 70.00", "FEE_SELLING -10.50, FEE_FBA -5.50, RESERVE -54.00", "-70.00"),
]  # fmt: skip
SUMMARY_ADDS = {
    (1, 1): ("SALES 110, SHIP_INCOME 6, WRAP_INCOME 4, PROMO -14", "52.70"),
    (1, 2): ("SALES 60, SHIP_INCOME 5", "-32.69"),
    (2, 1): ("SALES 74.99, PROMO -3", "-79.41"),
    (3, 1): ("SALES 275, SHIP_INCOME 16.99, PROMO -12", "173.75"),
    (3, 2): ("SALES 0", "-54.99"),
    (4, 1): ("SALES 70", "0.00"),
}


def entry_of(made: Company, n: int, part: int) -> JournalEntry:
    number = f"AMZ-{e7.SETTLEMENT_IDS[n]}-{part}"
    return next(one for one in made.books.live() if isinstance(one, JournalEntry) and one.number == number)


def carried(entry: JournalEntry) -> tuple[dict[str, int], int]:
    amounts = {line.key: line.credit - line.debit for line in sorted(entry.lines, key=lambda line: line.key)}
    return amounts, -amounts.pop("CLEARING", 0)


@pytest.mark.parametrize(("n", "part", "on", "paid", "remainder", "net"), PARTS)
def test_payments_and_part_entries_of_orders_mode(
    n: int, part: int, on: str, paid: str, remainder: str, net: str
) -> None:
    made = settled(ORDERS, JOURNALS)

    entry = entry_of(made, n, part)
    payments = [
        one
        for one in made.books.live()
        if isinstance(one, Payment) and one.reference == f"AMZ-{e7.SETTLEMENT_IDS[n]}-{part}"
    ]

    assert entry.on == e7.day(on)
    assert carried(entry) == (money(remainder), e7.cents(net))
    letters = {order_id: letter for letter, order_id in e7.ORDERS.items()}
    invoices = {key: one for key, one in made.books.documents.items() if isinstance(one, Invoice)}
    assert {letters[invoices[one.cover.invoice].order_id]: one.total for one in payments} == (
        money(paid) if paid else {}
    )
    assert {one.on for one in payments} <= {e7.day(on)}


@pytest.mark.parametrize(("n", "part", "on", "_", "remainder", "__"), PARTS)
def test_part_entries_of_summary_mode(n: int, part: int, on: str, _: str, remainder: str, __: str) -> None:
    made = settled(SUMMARY)
    adds, net = SUMMARY_ADDS[n, part]

    entry = entry_of(made, n, part)

    expected = dict(money(remainder))
    for key, amount in money(adds).items():
        expected[key] = expected.get(key, 0) + amount
    assert entry.on == e7.day(on)
    assert carried(entry) == (dict(sorted(expected.items())), e7.cents(net))


INVOICES = [
    ("114-0000001-0000001", "22 Sep", "76.00"),
    ("114-0000002-0000002", "28 Sep", "30.00"),
    ("114-0000003-0000003", "2 Oct", "65.00"),
    ("114-0000002-0000002-2", "6 Oct", "27.00"),
    ("114-0000004-0000004", "8 Oct", "44.99"),
    ("114-0000005-0000005", "20 Oct", "240.00"),
    ("114-0000006-0000006", "25 Oct", "39.99"),
    ("114-0000007-0000007", "5 Nov", "70.00"),
]
SHIPMENT_INVOICES = [
    ("114-0000001-0000001", "18 Sep", "76.00"),
    ("114-0000002-0000002", "21 Sep", "60.00"),
    ("114-0000024-0000024", "24 Sep", "33.00"),
    ("114-0000003-0000003", "25 Sep", "65.00"),
    ("114-0000004-0000004", "30 Sep", "45.00"),
    ("114-0000005-0000005", "12 Oct", "240.00"),
    ("114-0000006-0000006", "25 Oct", "39.99"),
    ("114-0000007-0000007", "27 Oct", "70.00"),
    ("114-0000025-0000025", "10 Nov", "55.00"),
]


def invoices_of(made: Company) -> list[tuple[str, date, int]]:
    booking = [one for one in made.books.live() if getattr(one, "order_id", "")]
    found = [(one.number, one.on, effect(one)[receivable_of(one)]) for one in booking]
    return sorted(found, key=lambda one: one[1])


@pytest.mark.parametrize(
    ("history", "expected"), [("settlement", INVOICES), ("shipment", SHIPMENT_INVOICES)], ids=["settlement", "shipment"]
)
def test_invoices(history: str, expected: list[tuple[str, str, str]]) -> None:
    assert invoices_of(HISTORIES[history]()) == [
        (number, e7.day(on), e7.cents(total)) for number, on, total in expected
    ]


def test_order_with_a_full_promotion_gets_no_invoice() -> None:
    made = company()
    kept = next(one for one in e7.SHIPPED if one.letter == "K")

    reason = made.ship(shipped_order(kept))

    assert reason is NoInvoice.NOTHING_TO_PAY


def test_shipment_trigger_pays_a_partly_settled_invoice_twice_and_books_the_cent_beside_it() -> None:
    made = by_shipment(JOURNALS)

    amounts, net = carried(entry_of(made, 2, 1))
    payments = sorted(
        one.total for one in made.books.live() if isinstance(one, Payment) and one.reference == "AMZ-18000000002-1"
    )

    assert payments == [3000, 4500]
    assert (amounts["SALES"], amounts["PROMO"], net) == (999, -300, -15441)


def test_close_out_passes_through_clearing() -> None:
    made = by_shipment()

    closing = [one for one in made.books.live() if getattr(one, "number", "") == "X114-0000024-0000024"]

    assert [carried(one) for one in closing] == [({"SALES": -3300}, -3300)]
    assert closing[0].on == e7.day("9 Nov")


DEPOSITS = [
    ("AMZ-18000000001-P", "6 Oct", "SUBSCRIPTION -39.99, FEE_SELLING -6.00, FEE_FBA -11.50, FEE_REFUND_ADMIN -0.60, "
     "REFUNDS -20.00, RESERVE -20.00, CLEARING 118.10", "20.01"),
    ("AMZ-18000000003-P", "3 Nov", "SUBSCRIPTION -39.99, RESERVE -15.00, CLEARING 164.35", "109.36"),
]  # fmt: skip


@pytest.mark.parametrize("history", ["settlement", "shipment"])
def test_deposits(history: str) -> None:
    found = [one for one in HISTORIES[history]().books.live() if isinstance(one, Deposit)]

    shown = [(one.number, one.on, {line.key: line.amount for line in one.lines}, one.total) for one in found]

    assert shown == [(number, e7.day(on), money(lines), e7.cents(total)) for number, on, lines, total in DEPOSITS]
    assert {one.account for one in found} == {"BANK"}


def test_tax_the_deposit_cannot_carry_gets_its_own_entry() -> None:
    made = settled(ORDERS)

    entry = entry_of(made, 1, 2)

    assert carried(entry) == ({"OUTPUT_TAX": 40}, 40)
    assert entry.on == e7.day("4 Oct")


@pytest.mark.parametrize("policy", LEDGERS.values(), ids=LEDGERS)
def test_clearing_in_processing_order(policy: Policy) -> None:
    made = company(policy)
    after, before = [], []

    for sid in IDS:
        plan = made.plan(sid, Mode.ORDERS)
        made.settle(sid, Mode.ORDERS)
        after.append(made.books.balance("CLEARING"))
        payout = next((one.document for one in plan.documents if one.key.endswith("/P/payout/1")), None)
        if isinstance(payout, Transfer):
            before.append(after[-1] + payout.amount)
        elif isinstance(payout, Deposit):
            before.append(after[-1] + next(line.amount for line in payout.lines if line.key == "CLEARING"))
        assert made.books.balance("PETTY") == 0

    assert after == [0, -7941, 0, 0]
    assert before == ([11810, 16435] if policy.deposit else [2001, 10936])


@pytest.mark.parametrize("policy", LEDGERS.values(), ids=LEDGERS)
@pytest.mark.parametrize(
    "modes", list(product((Mode.SUMMARY, Mode.ORDERS), repeat=4)), ids=lambda modes: "".join(m[0] for m in modes)
)
def test_every_history_of_modes(modes: tuple[Mode, ...], policy: Policy) -> None:
    made = settled(modes, policy)

    assert fed(made).balances() == SETTLEMENT_TRIGGER
    assert made.books.profit() == PROFIT
    assert at_month_ends(made, "CLEARING") == [5270, 16435, 0]


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=lambda order: "".join(str(n + 1) for n in order))
def test_every_order_of_processing(order: tuple[int, ...]) -> None:
    mixed = (Mode.ORDERS, Mode.SUMMARY, Mode.ORDERS, Mode.SUMMARY)

    assert settled(ORDERS, order=order).books.balances() == SETTLEMENT_TRIGGER
    assert settled(mixed, order=order).books.profit() == PROFIT
    assert by_shipment(order=order).books.balances() == SHIPMENT_TRIGGER
