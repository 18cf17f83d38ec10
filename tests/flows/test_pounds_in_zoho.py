"""Settlement G1, in pounds, into a pretend Zoho Books that keeps its books in dollars: rates as they were read back, and what
the ledger realises by itself."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine

from bookkeeping.facts import Header
from flows import creation, currencies, planning, plans, replay, undo
from flows.models import Delivery, Flow
from kit.scope import scope
from ledgers.registry import open_ledger
from ledgers.zoho import revaluing, wire
from tests.bookkeeping import e7
from tests.flows.test_currencies_in_the_books import G1, OrganizationWithoutAmazon, Pounds

PATH = "/basecurrencyadjustment"
SHIPPED = {"AR": 13100, "SALES": -13100}


@pytest.fixture
def pounds(world, alice, acme):
    """Return what makes the flow and posts the settlement of an order that was invoiced when it was shipped."""

    def made(switches=None, strategy="native", **values):
        company = {"currencies": {"GBP": "1.25"}, "multicurrency": True, "switches": switches or {}}
        into = OrganizationWithoutAmazon
        made = Pounds(
            world, alice, acme, time, strategy, company=company, into=into, mode="orders", trigger="shipped", **values
        )
        made.ship_h()
        made.run()
        made.publish_h()
        made.run()
        return made

    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield made


def rates(made, kind):
    return [Decimal(one["exchange_rate"]) for one in made.ledger.documents(kind)]


def books(made):
    """Balances in dollars by key; what Zoho realises by itself is FX."""
    found = Counter(made.balances())
    found["FX"] += found.pop(f"account {made.company['accounts']['Exchange Gain or Loss']}", 0)
    return {key: amount for key, amount in sorted(found.items()) if amount}


def pounds_on_clearing(made):
    account = next(account for account, key in made.keys().items() if key == "CLEARING")
    return made.books.balance_in(account, "GBP")


def test_zoho_realises_what_the_rate_moved_until_the_payment_and_is_told_to_revalue_the_rest(pounds):
    made = pounds()
    assert (made.balances()["CLEARING"], pounds_on_clearing(made)) == (10010, 7700)

    made.received(9940)

    plan, expected = made.plan_h(), dict(sorted({**G1, "SALES": -13100, "FX": 170}.items()))
    assert made.stuck() == []
    assert (rates(made, "invoice"), rates(made, "payment")) == ([Decimal("1.31")], [Decimal("1.3")])
    assert set(rates(made, "journal")) == {Decimal("1.3")}
    assert rates(made, "transaction") == [Decimal("1.290909")]
    assert (books(made), pounds_on_clearing(made)) == (expected, 0)
    assert plan.verdict["verdict"] == "proved"
    assert (plan.exchange["left"], plan.flags) == (0, [])
    made.run()
    made.read_back()
    assert made.stuck() == []
    with scope(made.acme.pk):
        row = Delivery.objects.get(kind="revaluation", live=True)
        paper = plans.paper_of(row)
        assert (row.number, row.amount, row.currency, row.answered_total) == ("AMZ-19000000001-R", 70, "USD", 70)
        assert [(line.account, line.debit, line.credit) for line in paper.lines] == [
            ("The ledger's own exchange gain or loss", 70, 0),
            ("Amazon Clearing UK (GBP)", 0, 70),
        ]
        assert ("Revaluation", 1, 0) in plans.totals_by_kind(plan)
        undo.undo(plan, "alice")
    made.deliver()

    assert made.stuck() == []
    assert (books(made), made.ledger.documents("base_currency_adjustment")) == (SHIPPED, [])
    with scope(made.acme.pk):
        planning.plan_settlement(made.flow, plan.settlement)
        planning.release(made.flow)
    made.deliver()

    assert made.stuck() == []
    assert (books(made), pounds_on_clearing(made)) == (expected, 0)
    assert made.plan_h().verdict["verdict"] == "proved"


def test_a_revaluation_whose_answer_is_lost_is_found_and_made_once(pounds):
    made = pounds()
    faults = made.ledger.stand_in.faults
    faults.add(operation="base_currency_adjustments.create", boundary="after_commit", do="drop_answer")

    made.received(9940)
    made.time.shift(120)
    made.deliver()

    assert made.stuck() == []
    assert len(made.ledger.documents("base_currency_adjustment")) == 1
    assert books(made)["FX"] == 170


def by_hand(made, method, path, body=None):
    """What a person does with adjustments of the base currency, in the browser."""
    account = next(account for account, key in made.keys().items() if key == "CLEARING")
    sent = wire.encode({"currency_id": made.company["currencies"]["GBP"], **body}) if body else b""
    with scope(made.acme.pk):
        remote = open_ledger(made.flow.target)._remote
        answer = remote.write(method, path, {"account_ids": account} if body else {}, sent, 10.0)
    return answer.get("data", {}).get("base_currency_adjustment_id")


def test_what_a_person_adjusts_or_deletes_is_never_taken_twice_nor_overlooked(pounds):
    made = pounds()
    month_end = {"adjustment_date": "2025-10-31", "exchange_rate": Decimal("1.29"), "notes": "Month end"}
    theirs = by_hand(made, "POST", PATH, month_end)
    made.received(9940)
    held = made.stuck()

    by_hand(made, "DELETE", f"{PATH}/{theirs}")
    with scope(made.acme.pk):
        row = Delivery.objects.get(kind="revaluation", live=True)
        replay.replay(made.acme.pk, [row.pk], "alice")
    made.deliver()

    assert [one[:2] for one in held] == [("AMZ-19000000001-R", "held")]
    assert "Somebody revalued this account in Zoho Books on 31 Oct 2025" in held[0][2]
    assert (made.stuck(), books(made)["FX"], pounds_on_clearing(made)) == ([], 170, 0)
    with scope(made.acme.pk):
        row.refresh_from_db()
    by_hand(made, "DELETE", f"{PATH}/{row.external_id}")
    made.time.shift(3600)
    made.read_back()
    assert [one[:2] for one in made.stuck()] == [("AMZ-19000000001-R", "parked")]
    assert made.plan_h().verdict["verdict"] == "differs"


def test_where_zoho_does_not_offer_the_account_a_person_is_told(pounds, monkeypatch):
    made = pounds()
    monkeypatch.setattr(revaluing._Revaluation, "_offered", lambda self, adjustment: None)

    made.received(9940)
    made.run()  # it is planned again without it

    plan = made.plan_h()
    assert made.stuck() == []
    assert (books(made)["CLEARING"], plan.exchange["left"], plan.verdict["verdict"]) == (70, 70, "proved")
    assert "Revalue the account in the ledger" in plan.flags[0]["text"]
    with scope(made.acme.pk):
        assert "until you revalue it there" in currencies.told(made.flow.target, "GBP", "native")


def test_a_debt_of_the_next_settlement_keeps_what_it_is_worth(pounds):
    made = pounds()
    header = Header("19000000002", e7.boundary("15 Oct"), e7.boundary("29 Oct"), e7.day("31 Oct"), -3000, "GBP")
    with scope(made.acme.pk):
        made.rate(made.acme, date(2025, 10, 29), "1.25")
    charged = ("16 Oct", "other", "", "Advertising -30.00")
    made.publish_rows(header, [row._replace(marketplace="Amazon.co.uk") for row in e7.rows_from([charged])])
    made.run()
    assert pounds_on_clearing(made) == 4700

    made.received(9940)

    assert made.stuck() == []
    assert pounds_on_clearing(made) == -3000
    assert books(made) == dict(sorted({**G1, "SALES": -13100, "FX": 170, "ADS": 3750, "CLEARING": -3750}.items()))


def test_orders_are_journals_only_where_pounds_are_converted(world, alice, acme, pounds):
    made = pounds(strategy="convert", layout="journals")
    made.received(9940)

    assert made.stuck() == []
    assert made.balances() == dict(sorted({**G1, "SALES": -13100, "FX": 85, "FX_COST": 85}.items()))
    with scope(made.acme.pk):
        Flow.objects.filter(pk=made.flow.pk).update(strategy="native", layout="invoices")
        made.flow.refresh_from_db()
        with pytest.raises(creation.CannotChange, match="Have GBP converted"):
            creation.change(made.flow, "alice", {"layout": "journals"})


def test_a_rate_of_which_too_few_decimals_were_kept_stops_at_a_person(pounds):
    made = pounds(switches={"exchange_rate_decimals": 2})

    made.received(9940)

    made.run()  # the look-up is an hour later
    [(number, state, reason), behind] = made.stuck()
    assert (number, state) == ("AMZ-19000000001-P", "parked")
    assert behind[:2] == ("AMZ-19000000001-R", "blocked")
    assert "1.29" in reason
    assert made.balances()["BANK"] == 9933
    assert len(made.ledger.documents("transaction")) == 1
