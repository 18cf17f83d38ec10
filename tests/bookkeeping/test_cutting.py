"""Entries in the form a ledger takes, and what they move on."""

import json
from dataclasses import replace

import pytest

from bookkeeping.check import check, check_documents
from bookkeeping.corrections import opening_entry
from bookkeeping.cutting import cut
from bookkeeping.documents import EntryLine, JournalEntry, Payment, Transfer, Undo, document_from
from bookkeeping.entries import entry_lines
from bookkeeping.planned import Carrier, Plan, PlanBroken, Planned
from bookkeeping.policy import Mode, Policy
from bookkeeping.undo import undo
from tests.bookkeeping import e7
from tests.bookkeeping.company import FRESHBOOKS, WAVE, WAVE_DIRECT, ZOHO, ZOHO_JOURNALS, Company, takes_back
from tests.bookkeeping.test_carry import S1_PAYOUT, S2_TOTAL, planned, statement_of
from tests.bookkeeping.test_e7 import IDS
from tests.bookkeeping.test_statement import stated


def entry(amounts: dict[str, int]) -> Planned:
    return Planned("k/entry/1", JournalEntry("N", e7.day("1 Oct"), "USD", entry_lines(amounts, "CLEARING")), part=1)


def entries_of(made: Plan) -> dict[str, dict[str, int]]:
    """Every entry of a plan by number: its lines, debits positive."""
    return {
        one.document.number: {line.key: line.debit - line.credit for line in one.document.lines}
        for one in made.documents
        if isinstance(one.document, JournalEntry)
    }


def test_entry_of_net_zero_becomes_one_of_its_credits_and_one_of_its_debits() -> None:
    made = cut([entry({"SALES": 7000, "RESERVE": -5400, "FEE_SELLING": -1600})], WAVE)

    assert [(one.key, one.document) for one in made.documents] == [
        (
            "k/entrya/1",
            JournalEntry(
                "Na",
                e7.day("1 Oct"),
                "USD",
                (EntryLine("CLEARING", debit=7000), EntryLine("SALES", credit=7000)),
            ),
        ),
        (
            "k/entryb/1",
            JournalEntry(
                "Nb",
                e7.day("1 Oct"),
                "USD",
                (
                    EntryLine("RESERVE", debit=5400),
                    EntryLine("FEE_SELLING", debit=1600),
                    EntryLine("CLEARING", credit=7000),
                ),
            ),
        ),
    ]
    assert [one.part for one in made.documents] == [1, 1]


def test_entry_with_a_clearing_line_stays_whole() -> None:
    whole = entry({"SALES": 7000, "RESERVE": -5400})

    assert cut([whole], WAVE).documents == (whole,)


def test_long_entry_is_chunked_and_every_chunk_balances_on_clearing() -> None:
    amounts = {f"SALES/{n:03}": n + 1 for n in range(250)}

    made = cut([entry(amounts)], ZOHO)

    lines = [one.document.lines for one in made.documents if isinstance(one.document, JournalEntry)]
    assert [(one.key, len(of)) for one, of in zip(made.documents, lines, strict=True)] == [
        ("k/entry/1", 100),
        ("k/entry.2/1", 100),
        ("k/entry.3/1", 53),
    ]
    assert [getattr(one.document, "number", "") for one in made.documents] == ["N", "N.2", "N.3"]
    debited = sum(line.debit for of in lines for line in of if line.key == "CLEARING")
    assert debited == sum(amounts.values())


def test_carriers_follow_their_line_into_the_piece_that_has_it() -> None:
    made = cut([entry({"SALES": 7000, "RESERVE": -7000})], WAVE)

    carriers = made.carriers(Carrier(1, "", key, 0, "k/entry/1") for key in ("SALES", "RESERVE"))

    assert [one.document for one in carriers] == ["k/entrya/1", "k/entryb/1"]


def test_held_entry_without_lines_is_not_cut() -> None:
    made = planned(stated((("22 Sep", "other", "", "New Fee -3.00"),)), policy=WAVE)

    assert [one.key for one in made.documents] == ["amazon/settlement/18000000001/1/entry/1"]


def test_opening_entry_without_clearing_is_cut_too() -> None:
    made = opening_entry("A1", policy=WAVE, on=e7.day("30 Sep"), currency="USD", clearing=0, reserve=2000)

    assert [getattr(one.document, "number", "") for one in made] == ["AMZ-OPENING-USDa", "AMZ-OPENING-USDb"]


@pytest.mark.parametrize(
    ("policy", "lines"),
    [(WAVE, {"SALES": 500, "RESERVE": -500}), (ZOHO, {f"SALES/{n}": 1 for n in range(100)})],
    ids=["no clearing line", "too many lines"],
)
def test_entry_that_the_ledger_cannot_hold_breaks_the_plan(policy: Policy, lines: dict[str, int]) -> None:
    with pytest.raises(PlanBroken):
        check_documents([entry(lines)], policy)


def test_without_a_feed_money_goes_on_from_the_account_in_transit() -> None:
    made = planned(statement_of(3), policy=WAVE_DIRECT, previous=S2_TOTAL, payouts=[S1_PAYOUT])

    moves = [
        (one.document.number, one.document.source, one.document.target, one.not_before)
        for one in made.documents
        if isinstance(one.document, Transfer)
    ]

    paid_on = e7.day("3 Nov")
    assert moves == [
        ("AMZ-18000000003-C1", "PAYOUTS", "CLEARING", None),
        ("AMZ-18000000003-C1.2", "CHARGE_METHOD", "PAYOUTS", None),
        ("AMZ-18000000003-F1", "PAYOUTS", "CLEARING", None),
        ("AMZ-18000000003-F1.2", "BANK", "PAYOUTS", None),
        ("AMZ-18000000003-P", "CLEARING", "PAYOUTS", paid_on),
        ("AMZ-18000000003-P.2", "PAYOUTS", "BANK", paid_on),
    ]


def test_money_between_marketplaces_stays_in_transit() -> None:
    made = planned(stated((("22 Sep", "other", "", "Cross-marketplace transfer 25.00"),)), policy=WAVE_DIRECT)

    assert [one.document.source for one in made.documents if isinstance(one.document, Transfer)][:1] == ["PAYOUTS"]
    assert not [one for one in made.documents if "/onward/" in one.key and "/L" in one.key]


def test_month_entry_moves_payments_and_income_on() -> None:
    made = planned(
        stated((("22 Sep", "Order", "A", "P 80.00 (2), promo P -8.00, Comm -12.00"),)), Mode.ORDERS, FRESHBOOKS
    )

    assert entries_of(made) == {
        "AMZ-18000000001-1": {
            "CLEARING": 6000,
            "PROMO": 800,
            "FEE_SELLING": 1200,
            "REVENUE": 7200,
            "SALES": -8000,
            "PETTY": -7200,
        }
    }


def test_payment_dated_after_its_month_is_moved_on_by_an_entry_of_its_own() -> None:
    made = planned(stated((("22 Sep", "Order", "A", "P 80.00 (2)"),)), Mode.ORDERS, FRESHBOOKS)
    late = replace(made.invoices[0], on=e7.day("10 Nov"))

    paid = planned(
        stated((("23 Sep", "Order", "A", "P 80.00 (2), Comm -12.00"),)), policy=FRESHBOOKS, open_invoices=[late]
    )

    assert entries_of(paid) == {
        "AMZ-18000000001-1": {"FEE_SELLING": 1200, "CLEARING": -1200},
        "AMZ-18000000001-1.1": {"CLEARING": 8000, "REVENUE": 8000, "SALES": -8000, "PETTY": -8000},
    }
    dates = {one.document.on for one in paid.documents if isinstance(one.document, Payment)}
    own = next(one.document for one in paid.documents if one.key.endswith("/entry.1/1"))
    assert dates == {e7.day("10 Nov")} == {getattr(own, "on", None)}


def test_plan_that_leaves_payments_where_the_ledger_puts_them_is_broken() -> None:
    statement = statement_of(1)
    made = planned(statement, Mode.ORDERS, FRESHBOOKS)
    payment = next(one for one in made.documents if isinstance(one.document, Payment))
    direct = replace(payment, document=replace(payment.document, account="CLEARING"))

    with pytest.raises(PlanBroken):
        check(
            statement,
            replace(made, documents=tuple(direct if one is payment else one for one in made.documents)),
            FRESHBOOKS,
        )


def test_reversal_survives_the_canonical_form() -> None:
    made = Company(e7.settlements(), policy=WAVE, zone=e7.ZONE)
    made.settle(IDS[0], Mode.SUMMARY)

    steps = undo(made.live[IDS[0]], how=takes_back(WAVE))

    assert all(isinstance(one.document, Undo) and one.document.reversal for one in steps)
    assert [document_from(json.loads(one.document.canonical())) for one in steps] == [one.document for one in steps]


def test_order_entry_survives_the_canonical_form_and_names_its_order() -> None:
    made = planned(statement_of(4), Mode.ORDERS, ZOHO_JOURNALS)

    (order,) = [one.document for one in made.documents if "/invoice/" in one.key]

    assert isinstance(order, JournalEntry)
    assert (order.number, order.order_id) == (e7.ORDERS["G"], e7.ORDERS["G"])
    assert document_from(json.loads(order.canonical())) == order
