"""Revaluing the clearing account: what Zoho would do is asked first, and only what was planned is sent."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bookkeeping.documents import EntryLine, How, Kind
from ledgers.port import Absent, CannotTell, Found, Next, NotSent, Refused, Unknown
from ledgers.zoho import wire
from ledgers.zoho.tests import factories as make
from ledgers.zoho.tests.rig import Rig, rig
from ledgers.zoho.tests.scripted import scripted

PATH = "/basecurrencyadjustment"


@pytest.fixture
def zoho() -> Iterator[Rig]:
    with rig() as opened:
        yield opened


def send(zoho: Rig, document: Any, key: str = "r1") -> Any:
    (call,) = zoho.ledger.render([zoho.post(document, key)])
    return zoho.ledger.send(call, 10.0)[key]


def adjustments(zoho: Rig) -> list[tuple[str, Decimal]]:
    """(day, rate) of every adjustment there is."""
    return [(one["adjustment_date"], Decimal(str(one["exchange_rate"]))) for one in zoho.records(Kind.REVALUATION)]


def revalued_by_a_person(zoho: Rig, document: Any, **changes: Any) -> str:
    """Somebody revalues the account by hand."""
    (call,) = zoho.ledger.render([zoho.post(replace(document, **changes), "hand")])
    body = {**wire.decode(call.body)["adjustment"], "notes": "Month end"}
    answer = zoho.ledger._remote.write("POST", PATH, call.query, wire.encode(body), 10.0)  # type: ignore[attr-defined]
    return str(answer["data"]["base_currency_adjustment_id"])


def open_money(zoho: Rig, pence: int, rate: str, number: str = "AMZ-19000000002-1", **changes: Any) -> None:
    """Another settlement puts money on the account, or takes it off."""
    debit, credit = ("CLEARING/pounds", "SALES") if pence > 0 else ("SALES", "CLEARING/pounds")
    lines = (EntryLine(debit, debit=abs(pence)), EntryLine(credit, credit=abs(pence)))
    zoho.deliver(zoho.post(make.entry(number=number, currency="GBP", rate=rate, lines=lines, **changes), number))


def test_the_account_is_named_in_the_address_and_number_and_mark_in_the_notes(zoho: Rig) -> None:
    document = zoho.leave_residue()

    (call,) = zoho.ledger.render([zoho.post(document, "r1")])

    assert (call.method, call.path) == ("POST", PATH)
    assert call.query == {"account_ids": zoho.bindings["CLEARING/pounds"].account}
    sent = wire.decode(call.body)
    assert (sent["amount"], sent["rounding"]) == (Decimal("0.70"), Decimal("0.02"))
    assert sent["adjustment"]["notes"] == "AMZ-19000000001-R: What the exchange rate moved ref:m-r1"
    assert (sent["adjustment"]["adjustment_date"], sent["adjustment"]["exchange_rate"]) == (
        "2026-10-14",
        Decimal("1.302"),
    )


@pytest.mark.parametrize("pence", [-3000, 5000], ids=["a debt", "money owed"])
def test_what_another_settlement_has_open_there_keeps_what_it_is_worth(zoho: Rig, pence: int) -> None:
    document = zoho.leave_residue()
    open_money(zoho, pence, "1.25")
    assert zoho.pounds() == (pence, pence * 125 // 100 + 70)

    posted = send(zoho, document)

    assert posted.total == 70
    assert zoho.pounds() == (pence, pence * 125 // 100)
    assert adjustments(zoho) == [("2026-10-14", Decimal("1.25"))]


def test_what_comes_later_is_left_alone(zoho: Rig) -> None:
    document = zoho.leave_residue()
    open_money(zoho, -3000, "1.25", on=make.ON + timedelta(days=1))

    posted = send(zoho, document)

    assert posted.total == 70
    assert zoho.pounds() == (-3000, -3750)
    assert adjustments(zoho) == [("2026-10-14", Decimal("1.302"))]


def test_what_went_with_a_later_revaluation_is_not_taken_twice(zoho: Rig) -> None:
    first, second = zoho.leave_residue(), zoho.leave_residue("AMZ-19000000002")

    later = send(zoho, replace(second, on=make.ON + timedelta(days=3), amount=140), "r2")
    earlier = send(zoho, first)

    assert later.total == 140
    assert earlier.code == "something_else_there"
    assert zoho.pounds() == (0, 0)


@pytest.mark.parametrize("amount", [70, 68, 72], ids=["exact", "less", "more"])
def test_the_ledgers_own_rounding_is_taken_as_it_is(zoho: Rig, amount: int) -> None:
    document = replace(zoho.leave_residue(), amount=amount)

    posted = send(zoho, document)

    found = zoho.ledger.find(zoho.post(document, "r1"))
    assert posted.total == 70
    assert zoho.pounds() == (0, 0)
    assert isinstance(found, Found)
    assert found.equal


def test_another_amount_than_was_planned_is_not_sent(zoho: Rig) -> None:
    document = replace(zoho.leave_residue(), amount=140)

    refused = send(zoho, document)

    assert (refused.code, refused.next) == ("something_else_there", Next.HELD)
    assert "leaves 1.40 USD to be revalued, and Zoho Books would revalue 0.70 USD" in refused.text
    assert zoho.pounds() == (0, 70)


def test_what_a_person_revalued_since_is_not_taken_twice(zoho: Rig) -> None:
    document = zoho.leave_residue()
    by_hand = revalued_by_a_person(zoho, document, on=make.ON + timedelta(days=17))

    refused = send(zoho, document)
    zoho.ledger._remote.write("DELETE", f"{PATH}/{by_hand}", {}, b"", 10.0)  # type: ignore[attr-defined]
    posted = send(zoho, document)

    assert (refused.code, refused.next) == ("revalued_by_hand", Next.HELD)
    assert "on 31 Oct 2026" in refused.text
    assert posted.total == 70
    assert zoho.pounds() == (0, 0)


def test_in_a_locked_period_the_lock_is_named(zoho: Rig) -> None:
    document = zoho.leave_residue()
    zoho.close_books("2026-10-31")

    refused = send(zoho, document)

    assert refused.next is Next.HELD
    assert "locked period" in refused.text
    assert zoho.pounds() == (0, 70)


def test_a_lost_answer_is_looked_up_and_nothing_is_adjusted_twice(zoho: Rig) -> None:
    document = zoho.leave_residue()
    post = zoho.post(document, "r1")
    first = zoho.ledger.find(post)
    zoho.lose_next_answer()

    with pytest.raises(Unknown):
        send(zoho, document)
    found = zoho.ledger.find(post)
    again = send(zoho, document)

    assert first == Absent()
    assert isinstance(found, Found)
    assert (found.live, found.equal, found.posted.external_id) == (True, True, again.external_id)
    assert len(adjustments(zoho)) == 1


def test_two_with_one_mark_go_to_a_person(zoho: Rig) -> None:
    document = zoho.leave_residue()
    post = zoho.post(document, "r1")
    send(zoho, document)
    open_money(zoho, 1000, "1.25")
    (call,) = zoho.ledger.render([post])
    body = wire.encode(wire.decode(call.body)["adjustment"])
    zoho.ledger._remote.write("POST", PATH, call.query, body, 10.0)  # type: ignore[attr-defined]

    found = zoho.ledger.find(post)

    assert isinstance(found, CannotTell)
    with pytest.raises(Unknown):
        send(zoho, document)


def test_one_that_is_gone_already_is_found_taken_back(zoho: Rig) -> None:
    document = zoho.leave_residue()
    posted = send(zoho, document)
    undo = zoho.post(make.undo("r1", Kind.REVALUATION, How.DELETE), "u1", {"r1": posted})
    zoho.ledger._remote.write("DELETE", f"{PATH}/{posted.external_id}", {}, b"", 10.0)  # type: ignore[attr-defined]

    refused = send_undo(zoho, undo)

    assert refused.next is Next.ADOPT
    assert isinstance(zoho.ledger.find(undo), Found)
    [kept] = zoho.ledger.kept(Kind.REVALUATION, [posted.external_id])
    assert not kept.live


def send_undo(zoho: Rig, undo: Any) -> Any:
    (call,) = zoho.ledger.render([undo])
    return zoho.ledger.send(call, 10.0)["u1"]


def test_an_account_that_is_not_offered_is_left_to_a_person() -> None:
    with scripted() as (script, client):
        script.rows(base_currency_adjustments=[])
        script.done(data={"accounts": []})

        (call,) = client.render([make.post(make.revaluation())])
        refused = client.send(call, 5.0)["k1"]

    assert isinstance(refused, Refused)
    assert (refused.lacks, refused.next) == ("revalues", Next.HELD)
    assert script.calls == [("GET", PATH), ("GET", f"{PATH}/accounts")]


def test_a_list_that_cannot_be_read_is_nothing_sent() -> None:
    with scripted() as (script, client):
        script.refuse(4)

        (call,) = client.render([make.post(make.revaluation())])
        with pytest.raises(NotSent):
            client.send(call, 5.0)

    assert script.calls == [("GET", PATH)]


def test_an_adjustment_that_came_out_otherwise_is_unknown_and_never_sent_again() -> None:
    account = {"account_id": make.BINDINGS["CLEARING"].account, "fcy_balance": 0, "bcy_balance": 0.7}
    account = {name: Decimal(str(value)) if name != "account_id" else value for name, value in account.items()}
    with scripted() as (script, client):
        script.rows(base_currency_adjustments=[])
        script.done(data={"accounts": [{**account, "gain_or_loss": Decimal("-0.7")}]})
        script.done(
            data={
                "base_currency_adjustment_id": "9",
                "adjustment_date": "2026-10-14",
                "accounts": [{**account, "gain_or_loss": Decimal("-7.7")}],
            }
        )

        (call,) = client.render([make.post(make.revaluation())])
        with pytest.raises(Unknown, match=r"the amount is 7\.70 USD, not 0\.70 USD"):
            client.send(call, 5.0)
