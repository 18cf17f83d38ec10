"""What a plan holds, numbers and lays out."""

from dataclasses import replace
from datetime import timedelta

import pytest

from bookkeeping.accounts import AccountClass, AccountKey
from bookkeeping.carry import plan
from bookkeeping.check import check, check_documents
from bookkeeping.documents import Deposit, EntryLine, Invoice, JournalEntry, Payment, Transfer, document_from
from bookkeeping.facts import Header, Row
from bookkeeping.planned import EarlierPayout, Plan, PlanBroken, Planned, Previous
from bookkeeping.policy import Mode, Policy, default_class
from bookkeeping.remarks import FlagKind, HoldReason
from bookkeeping.statement import Statement, build
from tests.bookkeeping import e7
from tests.bookkeeping.company import JOURNALS, QUICKBOOKS
from tests.bookkeeping.meanings import classify
from tests.bookkeeping.test_statement import Tables, stated


def statement_of(n: int) -> Statement:
    header, rows = e7.settlement(n)
    return build(header, rows, classify=classify, zone_of=e7.ZONE)


def planned(statement: Statement, mode: Mode = Mode.SUMMARY, policy: Policy = QUICKBOOKS, **options: object) -> Plan:
    return plan(statement, mode=mode, policy=policy, **options)  # type: ignore[arg-type]


def held(made: Plan) -> dict[str, HoldReason]:
    return {one.key.split("/", 3)[3]: one.held.reason for one in made.documents if one.held}


S2_TOTAL = Previous(-7941, 0)
S1_PAYOUT = EarlierPayout("18000000001", 2001, e7.day("6 Oct"))


def statement_with_unknown(when: str) -> Statement:
    """S1 with a fee of 3.00 that nobody knows, and its total lower by it."""
    header, rows = e7.settlement(1)
    rows += [row._replace(line=99) for row in e7.rows_from(((when, "other", "", "New Fee -3.00"),))]
    return build(replace(header, total=header.total - 300), rows, classify=classify, zone_of=e7.ZONE)


def with_unknown(when: str, mode: Mode, policy: Policy = QUICKBOOKS) -> Plan:
    return planned(statement_with_unknown(when), mode, policy)


def test_unknown_label_holds_the_entry_of_its_month_only() -> None:
    assert held(with_unknown("28 Sep", Mode.SUMMARY)) == {"1/entry/1": HoldReason.UNKNOWN_LABEL}


def test_unknown_label_in_orders_mode_lets_invoices_payments_and_payout_go() -> None:
    assert held(with_unknown("28 Sep", Mode.ORDERS)) == {"1/entry/1": HoldReason.UNKNOWN_LABEL}
    assert held(with_unknown("2 Oct", Mode.ORDERS, JOURNALS)) == {"2/entry/1": HoldReason.UNKNOWN_LABEL}


def test_unknown_label_of_the_deposit_month_holds_the_deposit_too() -> None:
    made = with_unknown("2 Oct", Mode.ORDERS)

    assert held(made) == {"2/entry/1": HoldReason.UNKNOWN_LABEL, "P/payout/1": HoldReason.UNKNOWN_LABEL}


def test_month_with_nothing_but_an_unknown_label_waits_without_lines() -> None:
    statement = stated((("22 Sep", "other", "", "New Fee -3.00"),))

    (entry,) = planned(statement).documents

    assert isinstance(entry.document, JournalEntry)
    assert entry.document.lines == ()
    assert entry.held
    assert "New Fee (−3.00 USD)" in entry.held.text


def test_failed_payout_without_a_match_is_held() -> None:
    made = planned(statement_of(3), previous=S2_TOTAL)

    assert held(made) == {"L5/movement/1": HoldReason.PAYOUT_UNMATCHED}
    assert made.pairings == ()


def test_failed_payout_takes_back_the_latest_payout_of_its_amount() -> None:
    older = EarlierPayout("17000000009", 2001, e7.day("1 Sep"))
    later = EarlierPayout("18000000009", 2001, e7.day("25 Oct"))

    made = planned(statement_of(3), previous=S2_TOTAL, payouts=[later, S1_PAYOUT, older])

    assert [(pair.line, pair.settlement_id, pair.withheld) for pair in made.pairings] == [(5, "18000000001", False)]
    assert held(made) == {}


def test_one_payout_is_taken_back_only_once() -> None:
    statement = stated(
        (("20 Oct", "other", "", "Transfer of funds unsuccessful 20.01, Transfer of funds unsuccessful 20.01"),)
    )
    statement = replace(statement, header=replace(statement.header, settlement_id="18000000003"))

    made = planned(statement, payouts=[S1_PAYOUT])

    assert [pair.line for pair in made.pairings] == [3]
    assert held(made) == {"L4/movement/1": HoldReason.PAYOUT_UNMATCHED}


def test_settlement_does_not_take_back_its_own_payout() -> None:
    statement = stated((("20 Oct", "other", "", "Transfer of funds unsuccessful 20.01"),))

    made = planned(statement, payouts=[S1_PAYOUT])

    assert statement.header.settlement_id == S1_PAYOUT.settlement_id
    assert made.pairings == ()


def test_payment_is_not_dated_before_its_invoice() -> None:
    late = planned(stated((("22 Sep", "Order", "A", "P 80.00 (2)"),)), Mode.ORDERS).invoices[0]
    late = replace(late, on=e7.day("10 Oct"))

    made = planned(stated((("23 Sep", "Order", "A", "P 80.00 (2)"),)), open_invoices=[late])

    assert [one.document.on for one in made.documents if isinstance(one.document, Payment)] == [e7.day("10 Oct")]


def test_payout_known_to_have_failed_waits_and_everything_else_is_journals() -> None:
    made = planned(statement_of(1), Mode.ORDERS, payout_failed=True)

    assert held(made) == {"P/payout/1": HoldReason.PAYOUT_FAILED}
    assert not [one for one in made.documents if isinstance(one.document, Deposit)]
    assert len([one for one in made.documents if isinstance(one.document, JournalEntry)]) == 2


def test_payout_that_was_withheld_and_its_return_both_post_nothing() -> None:
    made = planned(statement_of(3), previous=S2_TOTAL, payouts=[replace(S1_PAYOUT, withheld=True)])

    assert [one.key for one in made.documents if "movement" in one.key] == [
        "amazon/settlement/18000000003/L4/movement/1"
    ]
    assert [pair.withheld for pair in made.pairings] == [True]
    assert FlagKind.PAYOUT_CANCELLED in {flag.kind for flag in made.flags}


@pytest.mark.parametrize("previous", [None, Previous(-7940), Previous(10000)], ids=["unknown", "a cent off", "no debt"])
def test_debt_that_was_not_left_before_holds_everything(previous: Previous | None) -> None:
    made = planned(statement_of(3), Mode.ORDERS, previous=previous, payouts=[S1_PAYOUT])

    assert set(held(made).values()) == {HoldReason.CONTINUITY}
    assert len(held(made)) == len(made.documents)


def test_debt_that_was_left_but_is_not_stated_holds_everything() -> None:
    made = planned(statement_of(4), previous=Previous(-500, -1500))

    assert set(held(made).values()) == {HoldReason.CONTINUITY}


def test_reserve_that_does_not_continue_is_flagged() -> None:
    made = planned(statement_of(4), previous=Previous(10936, -1400))

    assert [(flag.kind, flag.amount) for flag in made.flags] == [(FlagKind.RESERVE_GAP, 100)]
    assert held(made) == {}


def test_payout_is_not_sent_before_its_day() -> None:
    made = planned(statement_of(1))

    assert {one.not_before for one in made.documents if isinstance(one.document, JournalEntry)} == {None}
    assert made.documents[-1].not_before == e7.day("6 Oct")


def test_deposit_of_the_month_after_has_the_clearing_line_only() -> None:
    header, rows = e7.settlement(1)
    statement = build(replace(header, deposit_on=e7.day("1 Nov")), rows, classify=classify, zone_of=e7.ZONE)

    made = planned(statement, Mode.ORDERS)

    deposit = made.documents[-1].document
    assert isinstance(deposit, Deposit)
    assert [(line.key, line.amount) for line in deposit.lines] == [("CLEARING", 2001)]
    assert len([one for one in made.documents if isinstance(one.document, JournalEntry)]) == 2


def test_clearing_of_a_class_no_deposit_line_may_use_falls_back_to_journals() -> None:
    def bank_clearing(key: str) -> AccountClass:
        return AccountClass.BANK if key == AccountKey.CLEARING else default_class(key)

    made = planned(statement_of(1), Mode.ORDERS, class_of=bank_clearing)

    assert isinstance(made.documents[-1].document, Transfer)
    assert not [one for one in made.documents if isinstance(one.document, Deposit)]


def test_payouts_may_go_through_an_account_in_transit() -> None:
    made = planned(
        statement_of(3), policy=Policy(payouts_to=AccountKey.PAYOUTS), previous=S2_TOTAL, payouts=[S1_PAYOUT]
    )

    legs = {(one.document.source, one.document.target) for one in made.documents if isinstance(one.document, Transfer)}
    assert legs == {("CHARGE_METHOD", "CLEARING"), ("PAYOUTS", "CLEARING"), ("CLEARING", "PAYOUTS")}


def test_card_that_cannot_be_a_transfers_source_is_charged_by_an_entry() -> None:
    made = planned(statement_of(3), policy=Policy(card_transfers=False), previous=S2_TOTAL, payouts=[S1_PAYOUT])

    (charge,) = [one.document for one in made.documents if "L4" in one.key]
    assert isinstance(charge, JournalEntry)
    assert charge.number == "AMZ-18000000003-C1"
    assert charge.lines == (EntryLine("CLEARING", debit=5000), EntryLine("CHARGE_METHOD", credit=5000))


@pytest.mark.parametrize(
    ("name", "amount", "legs"),
    [
        ("Micro Deposit", "-0.01", ("CLEARING", "BANK")),
        ("Cross-marketplace transfer", "-25.00", ("CLEARING", "PAYOUTS")),
        ("Cross-marketplace transfer", "25.00", ("PAYOUTS", "CLEARING")),
    ],
)
def test_other_movements(name: str, amount: str, legs: tuple[str, str]) -> None:
    made = planned(stated((("22 Sep", "other", "", f"{name} {amount}"),)))

    movement = made.documents[0].document
    assert isinstance(movement, Transfer)
    assert (movement.source, movement.target) == legs
    assert movement.amount == abs(e7.cents(amount))


def test_multi_channel_order_gets_no_invoice() -> None:
    made = planned(statement_of(1), Mode.ORDERS)

    assert e7.ORDERS["M"] not in {one.order_id for one in made.invoices}


def test_order_with_nothing_to_pay_is_shown_gross_in_the_entry() -> None:
    made = planned(stated((("22 Sep", "Order", "K", "P 12.00 (1), promo P -12.00"),)), Mode.ORDERS)

    (entry,) = made.documents
    assert isinstance(entry.document, JournalEntry)
    assert entry.document.lines == (EntryLine("PROMO", debit=1200), EntryLine("SALES", credit=1200))


def test_invoice_line_states_units_only_where_they_divide() -> None:
    made = planned(
        stated((("22 Sep", "Order", "A", "P 80.00 (2), Shipping 6.00"), ("22 Sep", "Order", "D", "P 44.99 (3)"))),
        Mode.ORDERS,
    )

    lines = [
        (line.key, line.amount, line.quantity, line.sku, line.description)
        for one in made.documents
        if isinstance(one.document, Invoice)
        for line in one.document.lines
    ]
    assert lines == [
        ("SALES", 8000, 2, "SKU-A", ""),
        ("SHIP_INCOME", 600, 1, "SKU-A", ""),
        ("SALES", 4499, 1, "SKU-D", "3 units"),
    ]


def test_every_number_of_an_order_is_used_once_then_it_is_held() -> None:
    statement = stated((("22 Sep", "Order", "A", "P 80.00 (2)"),))
    order = e7.ORDERS["A"]
    taken: dict[str, str] = {}
    for revision in range(1, 36):
        made = planned(statement, Mode.ORDERS, numbers=taken, revision=revision)
        taken[made.invoices[0].number] = made.invoices[0].key

    last = planned(statement, Mode.ORDERS, numbers=taken, revision=36)

    assert list(taken)[:3] == [order, f"{order}-2", f"{order}-3"]
    assert list(taken)[8:10] == [f"{order}-9", f"{order}-A"]
    assert list(taken)[-1] == f"{order}-Z"
    assert max(map(len, taken)) == 21
    assert HoldReason.NUMBERS_USED_UP in held(last).values()


def test_large_difference_between_invoice_and_rows_is_flagged() -> None:
    first = planned(stated((("22 Sep", "Order", "A", "P 80.00 (2)"),)), Mode.ORDERS)
    header, rows = e7.settlement(2)
    header = replace(header, total=7800)
    rows = e7.rows_from((("6 Oct", "Order", "A", "P 78.00 (2)"),))
    statement = build(header, rows, classify=classify, zone_of=e7.ZONE)

    made = planned(statement, Mode.SUMMARY, open_invoices=first.invoices)

    assert [(flag.kind, flag.order_id, flag.amount) for flag in made.flags] == [
        (FlagKind.LARGE_DIFFERENCE, e7.ORDERS["A"], 200)
    ]


def test_long_settlement_id_is_shortened_in_numbers_but_not_in_keys() -> None:
    statement = stated((("22 Sep", "other", "", "Storage Fee -1.00"),))
    statement = replace(statement, header=replace(statement.header, settlement_id="9918000000001"))

    made = planned(statement)

    assert made.documents[0].key == "amazon/settlement/9918000000001/1/entry/1"
    assert getattr(made.documents[0].document, "number", "") == "AMZ-18000000001-1"
    assert [flag.kind for flag in made.flags] == [FlagKind.LONG_SETTLEMENT_ID]


def test_documents_survive_their_canonical_form() -> None:
    import json

    for n in (1, 2, 4):
        for one in planned(statement_of(n), Mode.ORDERS).documents:
            assert document_from(json.loads(one.document.canonical())) == one.document


def test_carriers_name_the_document_of_every_amount() -> None:
    made = planned(statement_of(1), Mode.ORDERS)

    of = {(one.part, one.order_id, one.key): one for one in made.carriers}

    assert of[1, e7.ORDERS["A"], "SALES"].document == f"amazon/settlement/18000000001/1/invoice/{e7.ORDERS['A']}/1"
    assert of[1, "", "REFUNDS"].document == "amazon/settlement/18000000001/1/entry/1"
    assert of[2, "", "OUTPUT_TAX"].document == "amazon/settlement/18000000001/2/entry/1"
    assert of[2, "", "RESERVE"].document == "amazon/settlement/18000000001/P/payout/1"


def test_a_dropped_carrier_breaks_the_plan() -> None:
    made = planned(statement_of(1), Mode.ORDERS)

    with pytest.raises(PlanBroken, match="carried"):
        check(statement_of(1), replace(made, carriers=made.carriers[1:]), QUICKBOOKS)


def test_a_dropped_document_breaks_the_plan() -> None:
    made = planned(statement_of(1), Mode.ORDERS, JOURNALS)
    without_entry = tuple(one for one in made.documents if not isinstance(one.document, JournalEntry))

    with pytest.raises(PlanBroken, match="CLEARING"):
        check(statement_of(1), replace(made, documents=without_entry), JOURNALS)


def test_an_unbalanced_entry_breaks_the_plan() -> None:
    lines = (EntryLine("CLEARING", debit=100), EntryLine("SALES", credit=99))
    entry = Planned("k", JournalEntry("n", e7.day("1 Oct"), "USD", lines))

    with pytest.raises(PlanBroken, match="well-formed"):
        check_documents([entry])


def test_two_documents_with_one_key_break_the_plan() -> None:
    transfer = Planned("k", Transfer("n", e7.day("1 Oct"), "USD", "CLEARING", "BANK", 1))

    with pytest.raises(PlanBroken, match="two documents"):
        check_documents([transfer, transfer])


def test_no_key_names_the_tenant_the_clock_or_content() -> None:
    header, rows = e7.settlement(1)
    earlier: tuple[Header, list[Row]] = (replace(header, deposit_on=header.deposit_on + timedelta(days=1)), rows)

    keys = [
        {one.key for one in planned(build(*facts, classify=classify, zone_of=e7.ZONE), Mode.ORDERS).documents}
        for facts in ((header, rows), earlier)
    ]

    assert keys[0] == keys[1]


def test_tables_are_readable() -> None:
    tables: Tables = (("22 Sep", "Order", "A", "P 80.00 (2), T 6.40/-6.40"),)

    assert [row.amount for row in e7.rows_from(tables)] == [8000, 640, -640]
