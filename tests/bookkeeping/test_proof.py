"""What the proof says, and what it does not claim."""

from dataclasses import replace

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import Expense
from bookkeeping.entries import effect, own_total
from bookkeeping.planned import EarlierPayout, Plan, Planned, Previous
from bookkeeping.policy import Mode, Policy
from bookkeeping.proof import Answer, Verdict, prove, waterfall
from bookkeeping.statement import Statement
from tests.bookkeeping import e7
from tests.bookkeeping.company import JOURNALS, LEDGERS, LITE, Company
from tests.bookkeeping.test_carry import (
    S1_PAYOUT,
    S2_TOTAL,
    planned,
    statement_of,
    statement_with_unknown,
    with_unknown,
)
from tests.bookkeeping.test_e7 import IDS, settled


def answered(plan: Plan) -> dict[str, Answer]:
    """What a ledger answers that took everything it could."""
    waiting: set[str] = set()
    answers = {}
    for one in plan.documents:
        if one.held or waiting.intersection(one.depends_on):
            waiting.add(one.key)
        else:
            answers[one.key] = Answer(own_total(one.document))
    return answers


def statement_and_plan(n: int, mode: Mode = Mode.ORDERS) -> tuple[Statement, Plan]:
    previous = {1: None, 2: Previous(2001, -2000), 3: S2_TOTAL, 4: Previous(10936, -1500)}[n]
    payouts: list[EarlierPayout] = [S1_PAYOUT] if n == 3 else []
    statement = statement_of(n)
    return statement, planned(statement, mode, previous=previous, payouts=payouts)


def test_everything_posted_and_answered_is_proved() -> None:
    for n, clearing in ((1, 0), (2, -7941), (3, 7941), (4, 0)):
        statement, plan = statement_and_plan(n)

        proof = prove(statement, plan, answered(plan))

        assert (proof.verdict, proof.clearing, proof.clearing_expected) == (Verdict.PROVED, clearing, clearing)
        assert proof.waiting == ()
        assert {one.difference for one in proof.comparisons} == {0}


@pytest.mark.parametrize("policy", [*LEDGERS.values(), LITE], ids=[*LEDGERS, "lite"])
@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_every_form_is_proved_and_has_one_payout(n: int, policy: Policy) -> None:
    made = settled((Mode.ORDERS,) * 4, policy)
    plan = made.plans[IDS[n - 1]]

    proof = prove(made.statements[IDS[n - 1]], plan, answered(plan))

    paid = [one for one in proof.comparisons if one.name == "header and payout"]
    assert proof.verdict is Verdict.PROVED
    assert len(paid) == (1 if n in (1, 3) and policy is not LITE else 0)


def test_without_entries_what_stays_out_of_the_books_is_proved() -> None:
    made = settled((Mode.SUMMARY,) * 4, LITE)
    plan, statement = made.plans[IDS[0]], made.statements[IDS[0]]
    answers = answered(plan)

    proof = prove(statement, plan, answers)
    short = prove(statement, plan, {key: one for key, one in answers.items() if "/expense/" not in key})
    gone = prove(statement, plan, answers | {plan.documents[-1].key: Answer(0, changed="deleted", gone=True)})

    # The payout of 20.01 and the reserve of 20.00, less 0.40 of tax.
    assert proof.reconciling == {"RESERVE": 2000, "OUTPUT_TAX": -40, "BANK": 2001}
    assert (proof.verdict, proof.clearing, proof.clearing_expected) == (Verdict.PROVED, 3961, 3961)
    assert (short.verdict, short.clearing > 3961) == (Verdict.WAITING, True)
    assert gone.verdict is Verdict.DIFFERS


def test_what_is_in_home_money_only_is_not_counted_in_the_settlements_own() -> None:
    made = settled((Mode.SUMMARY,) * 4, LITE)
    plan, statement = made.plans[IDS[0]], made.statements[IDS[0]]
    moved = Planned("fx", Expense("X", e7.day("6 Oct"), "EUR", "FX", 70, "PETTY", "Amazon"))

    proof = prove(statement, replace(plan, documents=(*plan.documents, moved)), answered(plan) | {"fx": Answer(70)})

    assert (proof.verdict, proof.clearing) == (Verdict.PROVED, 3961)


def test_comparisons_are_named() -> None:
    statement, plan = statement_and_plan(1, Mode.SUMMARY)

    proof = prove(statement, plan, answered(plan))

    assert [one.name for one in proof.comparisons] == [
        "rows and header",
        "carried and header",
        "entry AMZ-18000000001-1",
        "entry AMZ-18000000001-2",
        "transfer AMZ-18000000001-P",
        "header and payout",
    ]


def test_a_ledger_that_answers_another_total_differs() -> None:
    statement, plan = statement_and_plan(1)
    invoice = plan.documents[0].key

    proof = prove(statement, plan, answered(plan) | {invoice: Answer(7601)})

    assert proof.verdict is Verdict.DIFFERS
    assert [(one.detail, one.difference) for one in proof.comparisons if one.difference] == [(invoice, -1)]


def test_a_document_that_is_gone_moves_nothing_and_one_changed_beside_its_total_differs() -> None:
    statement, plan = statement_and_plan(1, Mode.SUMMARY)
    entry, *_ = plan.documents
    answers = answered(plan)

    gone = prove(statement, plan, answers | {entry.key: Answer(0, changed="deleted", gone=True)})
    changed = prove(statement, plan, answers | {entry.key: Answer(own_total(entry.document), changed="another date")})

    assert (gone.verdict, changed.verdict) == (Verdict.DIFFERS, Verdict.DIFFERS)
    assert gone.clearing == -effect(entry.document)[AccountKey.CLEARING] != 0
    assert changed.clearing == changed.clearing_expected


def test_a_payment_answered_short_moves_clearing_by_what_was_answered() -> None:
    statement, plan = statement_and_plan(1)
    payment = next(one.key for one in plan.documents if "payment" in one.key)

    proof = prove(statement, plan, answered(plan) | {payment: Answer(7500)})

    assert (proof.verdict, proof.clearing) == (Verdict.DIFFERS, -100)


def test_an_answer_without_a_figure_is_not_green() -> None:
    statement, plan = statement_and_plan(1)
    deposit = plan.documents[-1].key

    proof = prove(statement, plan, answered(plan) | {deposit: Answer(None)})

    assert proof.verdict is Verdict.UNCOMPARED
    assert [one.name for one in proof.comparisons if one.right is None] == [
        "deposit AMZ-18000000001-P",
        "header and payout",
    ]


def test_nothing_posted_is_waiting() -> None:
    statement, plan = statement_and_plan(1)

    proof = prove(statement, plan, {})

    assert proof.verdict is Verdict.WAITING
    assert len(proof.waiting) == len(plan.documents)
    assert {one.reason for one in proof.waiting} == {""}
    assert proof.clearing == 0


def test_held_invoice_shows_its_amount_and_what_waits_for_it() -> None:
    made = Company(e7.settlements(), policy=JOURNALS, zone=e7.ZONE)
    made.unmapped = {e7.sku("E")}
    plan = made.settle(IDS[2], Mode.ORDERS)

    proof = prove(made.statements[IDS[2]], plan, answered(plan))

    assert proof.verdict is Verdict.WAITING
    invoice = f"amazon/settlement/18000000003/1/invoice/{e7.ORDERS['E']}/1"
    assert [(one.amount, one.reason) for one in proof.waiting] == [
        (24000, "unmapped_sku"),
        (24000, f"waits for {invoice}"),
    ]
    assert proof.clearing_expected - proof.clearing == 24000


def test_undecided_rows_are_counted_not_claimed() -> None:
    statement, plan = statement_with_unknown("28 Sep"), with_unknown("28 Sep", Mode.SUMMARY)

    proof = prove(statement, plan, answered(plan))

    assert (proof.verdict, proof.undecided) == (Verdict.WAITING, -300)
    assert [(one.key, one.reason) for one in proof.waiting] == [
        ("amazon/settlement/18000000001/1/entry/1", "unknown_label")
    ]


def test_waterfall_ends_at_the_total() -> None:
    for n in (1, 2, 3, 4):
        statement = statement_of(n)

        steps = waterfall(statement)

        assert steps[-1].running == statement.header.total
        assert sum(step.rows for step in steps) == statement.rows


def test_waterfall_steps() -> None:
    shown = [(step.name, step.amount) for step in waterfall(statement_of(1))]

    assert shown == [
        ("Product sales", 17000),
        ("Shipping and gift wrap", 1500),
        ("Promotions", -1400),
        ("Refunds", -4500),
        ("Selling fees", -1875 - 135 - 3999),
        ("Fulfilment fees", -2630),
        ("Taxes collected and withheld", 40),
        ("Reserve held and released", -2000),
    ]


def test_the_books_agree_with_the_proof() -> None:
    made = settled((Mode.ORDERS,) * 4)

    moved = sum(prove(made.statements[sid], made.plans[sid], answered(made.plans[sid])).clearing for sid in IDS)

    assert moved == made.books.balance("CLEARING") == 0
