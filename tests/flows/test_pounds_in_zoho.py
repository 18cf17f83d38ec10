"""Settlement G1, in pounds, into a pretend Zoho Books that keeps its books in dollars: rates as they were read back, and what
the ledger realises by itself."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import time_machine

from flows import creation
from flows.models import Flow
from kit.scope import scope
from tests.flows.test_currencies_in_the_books import G1, OrganizationWithoutAmazon, Pounds


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


def test_zoho_realises_what_the_rate_moved_until_the_payment_and_the_rest_of_clearing_is_told(pounds):
    made = pounds()
    assert made.balances()["CLEARING"] == 10010

    made.received(9940)

    plan, found = made.plan_h(), Counter(made.balances())
    realised = found.pop(f"account {made.company['accounts']['Exchange Gain or Loss']}", 0) + found.pop("FX", 0)
    assert made.stuck() == []
    assert (rates(made, "invoice"), rates(made, "payment")) == ([Decimal("1.31")], [Decimal("1.3")])
    assert set(rates(made, "journal")) == {Decimal("1.3")}
    assert rates(made, "transaction") == [Decimal("1.290909")]
    assert realised == 100
    assert dict(found) == {**G1, "SALES": -13100, "CLEARING": 70}
    assert plan.verdict["verdict"] == "proved"
    assert plan.exchange["left"] == 70
    made.run()
    made.read_back()
    assert made.stuck() == []


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
    [(number, state, reason)] = made.stuck()
    assert (number, state) == ("AMZ-19000000001-P", "parked")
    assert "1.29" in reason
    assert made.balances()["BANK"] == 9933
    assert len(made.ledger.documents("transaction")) == 1
