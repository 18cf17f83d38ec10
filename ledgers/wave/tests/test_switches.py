"""The client against the stand-in wherever nobody knows what Wave does: whichever it is, the books are right."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import Kind
from ledgers.port import Absent, AuthorizationLost, CannotTell, Found, Next, NotSent, Posted, Refused, Unknown, Verdict
from ledgers.wave.tests import factories as make
from ledgers.wave.tests import rig as rigs
from ledgers.wave.tests.rig import Rig
from tests.contract.abilities import before, send, undo

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}


@pytest.fixture
def rig() -> Iterator[Rig]:
    with rigs.rig() as made:
        yield made


def entry(rig: Rig, key: str = "e1") -> Any:
    return rig.post(make.entry(), key)


def lost(rig: Rig, post: Any) -> Any:
    """Send a post whose answer is lost after it was kept; returns it as the outbox knows it then."""
    known = before(rig, post)
    rig.lose_next_answer()
    with pytest.raises(Unknown):
        send(rig, known)
    return known


# Money transactions ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("duplicates", "copies"), [("refuse", 1), ("first", 1), ("twice", 2)])
def test_what_is_sent_twice_is_posted_once_unless_wave_takes_an_external_id_twice(
    rig: Rig, duplicates: str, copies: int
) -> None:
    rig.stand_in.switches["duplicate_external_id"] = duplicates
    call = rig.ledger.render([entry(rig)])[0]
    rig.ledger.send(call, 10.0)

    again = rig.ledger.send(call, 10.0)["e1"]

    assert isinstance(again, Posted)
    assert rig.balances() == {key: copies * amount for key, amount in ENTRY.items()}


@pytest.mark.parametrize("duplicates", ["refuse", "first", "twice"])
def test_a_lost_answer_is_found_by_the_balance_and_need_not_be_sent_again(rig: Rig, duplicates: str) -> None:
    rig.stand_in.switches["duplicate_external_id"] = duplicates

    found = rig.ledger.find(lost(rig, entry(rig)))

    assert isinstance(found, Found)
    assert rig.balances() == ENTRY


def test_a_balance_that_comes_late_says_absent_for_less_than_absence_has_to_be_confirmed(rig: Rig) -> None:
    rig.stand_in.switches["balance_lag_s"] = 45
    post = lost(rig, entry(rig))
    assert rig.ledger.find(post) == Absent()

    rig.pass_time(rig.ledger.capabilities.confirm_s)

    assert isinstance(rig.ledger.find(post), Found)


def test_a_posting_of_somebody_else_in_between_is_for_a_person_to_judge(rig: Rig) -> None:
    post = lost(rig, entry(rig))
    sides = {rig.bindings["CLEARING"].account: "10.00", rig.bindings["REFUNDS"].account: "-10.00"}
    rig.stand_in.control(
        "add_transaction", {"business": rig.business, "date": "2026-10-14", "description": "By hand", "sides": sides}
    )

    assert isinstance(rig.ledger.find(post), CannotTell)


@pytest.mark.parametrize(("sign", "answer"), [("normal", Found), ("debit_positive", CannotTell)])
def test_the_balance_of_a_card_is_never_taken_for_proof_that_nothing_was_posted(
    rig: Rig, sign: str, answer: type
) -> None:
    rig.stand_in.switches["balance_sign"] = sign
    charge = make.transfer(source="CHARGE_METHOD", target="PAYOUTS", amount=700)

    found = rig.ledger.find(lost(rig, rig.post(charge, "c1")))

    assert isinstance(found, answer)
    assert rig.balances() == {K.CHARGE_METHOD: -700, K.PAYOUTS: 700}


@pytest.mark.parametrize("whitelist", ["strict", "lenient"])
@pytest.mark.parametrize("in_transit", ["refused", "allowed"])
def test_an_account_of_money_in_transit_carries_where_wave_lets_it_and_is_named_where_not(
    rig: Rig, whitelist: str, in_transit: str
) -> None:
    rig.stand_in.switches["anchor_whitelist"] = whitelist
    rig.stand_in.switches["money_in_transit_anchor"] = in_transit
    business = rig.stand_in.business(rig.business)
    account = business.new_account("On its way", "MONEY_IN_TRANSIT")["id"]
    rig.bindings["CLEARING"] = replace(rig.bindings["CLEARING"], account=account)
    rig.ledger.reference()

    outcome = send(rig, entry(rig))["e1"]

    if "allowed" in in_transit or whitelist == "lenient":
        assert isinstance(outcome, Posted)
        assert rig.balances() == ENTRY
    else:
        assert isinstance(outcome, Refused)
        assert (outcome.next, outcome.field) == (Next.HELD, "input.anchor.accountId")
        assert rig.balances() == {}


def test_classic_accounting_is_named_by_the_check_and_holds_what_is_sent(rig: Rig) -> None:
    rig.stand_in.control("set_classic", {"business": rig.business})

    refused = send(rig, entry(rig))["e1"]
    failed = [step.name for step in rig.ledger.checks("summary") if step.verdict is Verdict.FAILED]

    assert isinstance(refused, Refused)
    assert refused.next is Next.HELD
    assert failed == ["Accounting"]


@pytest.mark.parametrize("closed", ["reject", "accept"])
def test_a_closed_period_is_held_or_does_not_matter(rig: Rig, closed: str) -> None:
    rig.stand_in.switches["closed_period"] = closed
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    rig.close_books(make.ON.isoformat())
    posts = [entry(rig), rig.post(make.payment("i1"), "p1", invoices), rig.post(make.invoice(number="113-2"), "i2")]

    outcomes = [send(rig, post)[post.key] for post in posts]

    held = [isinstance(each, Refused) and each.next is Next.HELD for each in outcomes]
    assert held == [closed == "reject"] * 3


def test_too_many_lines_are_refused_and_nothing_is_posted(rig: Rig) -> None:
    rig.stand_in.switches["line_limit"] = 1

    refused = send(rig, entry(rig))["e1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.PARKED
    assert rig.balances() == {}


# Pace and access ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("retry_after", "seconds"), [("header", 40), ("none", 60)])
def test_the_sixty_first_call_of_a_minute_is_not_sent(rig: Rig, retry_after: str, seconds: int) -> None:
    rig.stand_in.switches["rate_scale"] = 100
    rig.stand_in.switches["retry_after"] = retry_after
    calls = rig.ledger.render([entry(rig, f"e{n}") for n in range(61)])
    rig.ledger.send(calls[0], 10.0)
    rig.pass_time(20)
    for call in calls[1:60]:
        rig.ledger.send(call, 10.0)

    with pytest.raises(NotSent) as caught:
        rig.ledger.send(calls[60], 10.0)

    assert seconds - 2 <= caught.value.after_s <= seconds + 15
    assert rig.balance(K.CLEARING) == 60 * 8500


@pytest.mark.parametrize("status", [200, 401])
def test_an_expired_token_is_renewed_whatever_the_status_says(rig: Rig, status: int) -> None:
    rig.stand_in.switches["status_unauthenticated"] = status
    rig.reject_token()

    rig.deliver(entry(rig))

    assert rig.renewed == 1
    assert rig.balances() == ENTRY


@pytest.mark.parametrize("code", ["FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND"])
@pytest.mark.parametrize("status", [200, 401])
def test_after_a_downgrade_from_pro_nothing_is_posted_and_the_check_says_why(rig: Rig, code: str, status: int) -> None:
    rig.stand_in.switches["free_plan"] = code
    rig.stand_in.switches["status_unauthenticated"] = status
    rig.stand_in.control("set_plan", {"business": rig.business, "plan": "free"})

    with suppress(AuthorizationLost):
        refused = send(rig, entry(rig))["e1"]
        assert isinstance(refused, Refused)
        assert (code, refused.next) == ("NOT_FOUND", Next.HELD)
    with pytest.raises(AuthorizationLost):
        rig.ledger.balances()

    assert rig.balances() == {}
    [reached] = [step for step in rig.ledger.checks("summary") if step.verdict is Verdict.FAILED]
    assert "Pro" in reached.action


@pytest.mark.parametrize("code", ["FORBIDDEN", "UNAUTHENTICATED"])
def test_a_consent_without_a_scope_opens_nothing_that_needs_it(rig: Rig, code: str) -> None:
    rig.stand_in.switches["missing_scope"] = code
    scope = "business:read account:read invoice:read"
    issued = rig.stand_in.control("issue_tokens", {"business": rig.business, "scope": scope})["access_token"]
    rig.ledger._remote._token = lambda rejected="": issued  # type: ignore[attr-defined]

    with pytest.raises(AuthorizationLost):
        send(rig, entry(rig))

    assert rig.balances() == {}


# Invoices and lists ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("numbers", ["reject", "accept"])
def test_an_invoice_is_made_once_whether_or_not_wave_takes_a_number_twice(rig: Rig, numbers: str) -> None:
    rig.stand_in.switches["duplicate_invoice_number"] = numbers
    post = lost(rig, rig.post(make.invoice(), "i1"))

    again = send(rig, post)["i1"]

    assert isinstance(again, Refused)
    assert again.next is Next.ADOPT
    assert isinstance(rig.ledger.find(post), Found)
    assert rig.balance(K.AR) == 3500


@pytest.mark.parametrize("names", ["reject", "accept"])
def test_an_account_is_made_once_whether_or_not_wave_takes_a_name_twice(rig: Rig, names: str) -> None:
    rig.stand_in.switches["duplicate_account_name"] = names
    post = lost(rig, rig.post(make.new_account("FEE_STORAGE", "Storage of ours"), "a1"))

    again = send(rig, post)["a1"]

    assert isinstance(again, Refused)
    assert again.next is Next.ADOPT
    named = [each for each in rig.ledger.reference().accounts if each.name == "Storage of ours"]
    assert [rig.ledger.find(post).posted.external_id] == [each.id for each in named]  # type: ignore[union-attr]


@pytest.mark.parametrize(("paid", "gone"), [("refuse", False), ("delete", True)])
def test_an_invoice_with_a_payment_is_taken_back_only_where_wave_says_so(rig: Rig, paid: str, gone: bool) -> None:
    rig.stand_in.switches["delete_paid_invoice"] = paid
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    rig.deliver(rig.post(make.payment("i1"), "p1", invoices))
    post = rig.post(undo(rig, "i1", make.invoice()), "u1", invoices)

    outcome = send(rig, post)["u1"]

    assert isinstance(outcome, Posted if gone else Refused)
    assert isinstance(rig.ledger.find(post), Found if gone else Absent)
    assert rig.balances() == ({} if gone else {K.SALES: -4000, K.PROMO: 500, K.CLEARING: 3500})


@pytest.mark.parametrize("unknown", ["not_found", "input_error"])
def test_a_customer_that_is_gone_holds_the_invoice(rig: Rig, unknown: str) -> None:
    rig.stand_in.switches["unknown_reference"] = unknown
    business = rig.stand_in.business(rig.business)
    business.store.delete("Customer", rig.bindings[make.BUYER].customer, business.uuid)

    refused = send(rig, rig.post(make.invoice(), "i1"))["i1"]

    assert isinstance(refused, Refused)
    assert refused.next is Next.HELD
    assert rig.balances() == {}


@pytest.mark.parametrize("totals", ["given", "null"])
@pytest.mark.parametrize("payments", ["empty", "null"])
def test_long_lists_are_read_whole_whatever_else_they_leave_out(rig: Rig, totals: str, payments: str) -> None:
    rig.stand_in.switches["page_totals"] = totals
    rig.stand_in.switches["payments_in_lists"] = payments
    business = rig.stand_in.business(rig.business)
    for n in range(100 - len(business.all("Account"))):
        business.new_account(f"More {n}", "EXPENSE")
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    paid = rig.deliver(rig.post(make.payment("i1"), "p1", invoices))["p1"]

    listed = rig.ledger.reference().accounts
    changed = rig.ledger.changes(frozenset({Kind.INVOICE, Kind.PAYMENT}), rig.now().replace(hour=0, minute=0))

    assert {each.id for each in listed} == {each["id"] for each in business.all("Account")}
    assert {each.external_id for each in changed.documents} == {invoices["i1"].external_id, paid.external_id}
