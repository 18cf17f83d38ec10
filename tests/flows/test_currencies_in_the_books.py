"""Settlements in pounds into a pretend QuickBooks company that keeps its books in dollars: what stands there, to the cent."""

import re
from collections import Counter
from datetime import UTC, date, datetime

import pytest
import time_machine
from django.urls import reverse

from amazon.models import Settlement
from bookkeeping.accounts import AccountKey
from bookkeeping.facts import Header
from flows import closing, planning, reposting, undo
from flows.models import Delivery, ExchangeRate, Plan
from kit.scope import scope
from ledgers.wave.tests.e7 import WaveBusiness
from ledgers.zoho.tests.e7 import ZohoOrganization
from tests.bookkeeping import e7
from tests.flows.e7_books import E7, order_json

SID = "19000000001"
ORDER_H = ("5 Oct", "Order", "A", "P 100.00 (1), T 20.00/-20.00, Comm -15.00, FBA -8.00")
G1 = {"SALES": -13000, "FEE_SELLING": 1950, "FEE_FBA": 1040, "BANK": 9940}
RATES = {date(2025, 9, 30): "1.31", date(2025, 10, 15): "1.3", date(2025, 10, 17): "1.302"}


class Pounds(E7):
    """The flow of settlement G1. ``native`` books are multi-currency, the others know dollars only."""

    def __init__(self, world, alice, acme, clock, strategy="convert", rates=RATES, company=None, **values):
        company = company or ({"currencies": {"GBP": "1.25"}} if strategy == "native" else {})
        with scope(acme.pk):
            for on, rate in rates.items():
                self.rate(acme, on, rate)
        super().__init__(
            world, alice, acme, clock, company, currency="GBP", home="USD", strategy=strategy, name="Pounds", **values
        )

    @staticmethod
    def rate(acme, on, rate):
        ExchangeRate.objects.update_or_create(
            tenant=acme, home="USD", currency="GBP", on=on, defaults={"rate": rate, "set_at": datetime.now(UTC)}
        )

    def publish_h(self):
        header = Header(SID, e7.boundary("1 Oct"), e7.boundary("15 Oct"), e7.day("17 Oct"), 7700, "GBP")
        rows = [row._replace(marketplace="Amazon.co.uk") for row in e7.rows_from([ORDER_H])]
        self.publish_rows(header, rows)

    def ship_h(self):
        shipped = e7.Shipped("A", e7.day("30 Sep"), {"SALES": 10000}, 1)
        order = order_json(shipped, "SHIPPED")
        pounds = str(order).replace("'USD'", "'GBP'").replace("Amazon.com", "Amazon.co.uk")
        order = eval(pounds.replace("ATVPDKIKX0DER", "A1F83G8C2ARO7P"))  # our own literal
        with self.world.amazon.store.transaction():
            self.world.amazon.controls()["put_order"]({"seller_id": self.seller_id, "order": order})

    def received(self, cents):
        with scope(self.acme.pk):
            planning.state_received(Settlement.objects.get(settlement_id=SID), "alice", cents, "USD")
        self.deliver()

    def plan_h(self):
        with scope(self.acme.pk):
            plans = Plan.objects.exclude(state="undone").select_related("settlement", "flow__target", "flow__source")
            return plans.get(settlement__settlement_id=SID)

    def in_dollars(self):
        """Balances in home money by key; receivables in pounds are AR too, and what QuickBooks realises itself is FX."""
        names, totals = self.keys(), Counter()
        of = {doc["Id"]: doc for doc in self.world.quickbooks.company(self.company["realm"]).all("Account")}
        for account, amount in self.books.trial_balance().items():
            doc = of[account]
            own = {"Accounts Receivable": "AR"}.get(doc["AccountType"])
            own = own or {"ExchangeGainOrLoss": "FX"}.get(doc["AccountSubType"])
            totals[own or names.get(account, doc["Name"])] += amount
        return {key: amount for key, amount in sorted(totals.items()) if amount}

    def revalued(self):
        found = Counter(self.in_dollars())
        found["FX"] += found.pop("CLEARING", 0)
        return {key: amount for key, amount in sorted(found.items()) if amount}


class OrganizationWithoutAmazon(ZohoOrganization):
    """One whose accounts for Amazon are still to be made, in pounds."""

    def __init__(self, world, **values):
        super().__init__(world, **values)
        kept = (AccountKey.BANK, AccountKey.CHARGE_METHOD)
        self.own = {key: account for key, account in self.own.items() if key in kept}


@pytest.fixture
def clock():
    with time_machine.travel(datetime.now(UTC), tick=True) as time:
        yield time


def settled(world, alice, acme, clock, **values):
    made = Pounds(world, alice, acme, clock, **values)
    if values.get("trigger") == "shipped":
        made.ship_h()
        made.run()
    made.publish_h()
    made.run()
    return made


def reasons(made):
    with scope(made.acme.pk):
        rows = Delivery.objects.filter(live=True).exclude(state__in=["posted", "dropped"])
        return Counter((row.code or row.state) for row in rows)


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_g1_converted(world, alice, acme, clock, mode):
    made = settled(world, alice, acme, clock, mode=mode)
    assert made.in_dollars()["CLEARING"] == 10010
    assert reasons(made) == {"amount_received": 1}

    made.received(9940)

    assert made.stuck() == []
    assert made.in_dollars() == dict(sorted({**G1, "FX": -15, "FX_COST": 85}.items()))
    assert made.plan_h().verdict["verdict"] == "proved"


def test_g1_converted_and_invoiced_on_shipment(world, alice, acme, clock):
    made = settled(world, alice, acme, clock, mode="orders", trigger="shipped")

    made.received(9940)

    assert made.stuck() == []
    assert made.in_dollars() == dict(sorted({**G1, "SALES": -13100, "FX": 85, "FX_COST": 85}.items()))
    assert made.plan_h().verdict["verdict"] == "proved"


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_g1_native(world, alice, acme, clock, mode):
    made = settled(world, alice, acme, clock, strategy="native", mode=mode)
    assert made.in_dollars()["CLEARING"] == 10010

    made.received(9940)

    assert made.stuck() == []
    assert made.in_dollars()["CLEARING"] == 70
    assert made.revalued() == dict(sorted({**G1, "FX": 70}.items()))
    plan = made.plan_h()
    assert plan.verdict["verdict"] == "proved"
    assert plan.exchange["left"] == 70
    assert "Revalue" in " ".join(flag["text"] for flag in plan.flags)


def test_g1_native_and_invoiced_on_shipment(world, alice, acme, clock):
    made = settled(world, alice, acme, clock, strategy="native", mode="orders", trigger="shipped")

    made.received(9940)

    assert made.stuck() == []
    assert made.in_dollars()["FX"] == 100  # QuickBooks itself, when the invoice was paid
    assert made.revalued() == dict(sorted({**G1, "SALES": -13100, "FX": 170}.items()))


def test_without_rates_everything_waits_and_goes_on_when_they_come(world, alice, acme, clock):
    made = settled(world, alice, acme, clock, mode="orders", rates={})
    assert set(reasons(made)) == {"no_rate"}

    with scope(acme.pk):
        for on, rate in RATES.items():
            made.rate(acme, on, rate)
        planning.follow_rates(made.flow)
    world.deliver()
    made.received(9940)

    assert made.stuck() == []
    assert made.in_dollars() == dict(sorted({**G1, "FX": -15, "FX_COST": 85}.items()))


def test_a_rate_changed_after_posting_changes_only_what_was_not_sent(world, alice, acme, clock):
    made = settled(world, alice, acme, clock)

    with scope(acme.pk):
        made.rate(acme, date(2025, 10, 15), "1.5")
        made.rate(acme, date(2025, 10, 17), "1.31")
        planning.follow_rates(made.flow)
    made.received(9940)

    # The entry stays at 1.3000; the payout was never sent and takes the deposit day's new rate: 77 x 1.31 = 100.87.
    assert made.in_dollars() == dict(sorted({**G1, "FX": -77, "FX_COST": 147}.items()))


def test_an_amount_given_before_the_payout_day_needs_no_question(world, alice, acme, clock):
    made = Pounds(world, alice, acme, clock)
    made.publish_h()
    made.run()
    made.received(9940)
    made.received(9940)

    before = made.in_dollars()
    made.received(9950)

    assert made.in_dollars() == before  # the payout is in the books with what was said first
    assert made.stuck() == []


def test_undone_and_posted_again_nothing_has_changed(world, alice, acme, clock):
    made = settled(world, alice, acme, clock, mode="orders")
    made.received(9940)
    before = made.in_dollars()

    with scope(acme.pk):
        undo.undo(made.plan_h(), "alice")
    world.deliver()
    assert made.in_dollars() == {}
    with scope(acme.pk):
        planning.plan_settlement(made.flow, Settlement.objects.get(settlement_id=SID))
        planning.release(made.flow)
    world.deliver()

    assert made.in_dollars() == before


def test_an_invoice_that_never_settles_is_closed_at_what_it_stands_for(world, alice, acme, clock):
    made = Pounds(world, alice, acme, clock, mode="orders", trigger="shipped")
    made.ship_h()
    made.run()
    assert made.in_dollars() == {"AR": 13100, "SALES": -13100}

    with scope(acme.pk):
        closing.close_out(Delivery.objects.get(kind="invoice"), "alice")
    world.deliver()

    assert made.in_dollars() == {}
    assert made.stuck() == []


@pytest.mark.parametrize("strategy", ["convert", "native"])
@pytest.mark.parametrize("closed", [False, True], ids=["open", "closed"])
def test_accounts_moved_later_leave_everything_else_where_it_was(world, alice, acme, clock, strategy, closed):
    made = settled(world, alice, acme, clock, strategy=strategy, mode="orders", trigger="shipped")
    made.received(9940)
    before = made.in_dollars()
    if closed:
        made.close_books("2025-10-31")

    made.map({"FEE_FBA": "ADS"})
    with scope(acme.pk):
        reposting.remap(made.plan_h(), "alice")
    world.deliver()

    after = made.in_dollars()
    assert after.pop("ADS", 0) + after.pop("FEE_FBA", 0) == before.pop("FEE_FBA") == 1040
    assert after == before
    assert made.stuck() == []
    assert made.plan_h().verdict["verdict"] == "proved"


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_g1_converted_in_wave(world, alice, acme, clock, mode):
    made = settled(world, alice, acme, clock, mode=mode, layout="direct", into=WaveBusiness)

    made.received(9940)

    assert made.stuck() == []
    assert made.balances() == dict(sorted({**G1, "FX": -15, "FX_COST": 85}.items()))


def test_g1_converted_in_zoho_books(world, alice, acme, clock):
    made = settled(world, alice, acme, clock, mode="orders", into=ZohoOrganization)

    made.received(9940)

    assert made.stuck() == []
    assert made.balances() == dict(sorted({**G1, "FX": -15, "FX_COST": 85}.items()))


def test_g1_native_in_zoho_books(world, alice, acme, clock):
    made = settled(
        world,
        alice,
        acme,
        clock,
        strategy="native",
        mode="orders",
        into=OrganizationWithoutAmazon,
        company={"currencies": {"GBP": "1.25"}, "multicurrency": True},
    )

    made.received(9940)

    assert made.stuck() == []
    own = f"account {made.company['accounts']['Exchange Gain or Loss']}"
    assert made.balances() == dict(sorted({**G1, own: 70}.items()))


def test_what_quickbooks_has_to_be_told_to_revalue_is_a_task_until_somebody_says_it_is_done(
    world, alice, acme, clock, client
):
    made = settled(world, alice, acme, clock, strategy="native")
    made.received(9940)
    plan = made.plan_h()
    client.force_login(alice)

    def pages():
        found = {name: client.get(reverse(name)) for name in ("flows:dashboard", "flows:settlements")}
        found["page"] = client.get(reverse("flows:settlement", args=[plan.settlement_id]))
        return {
            name: " ".join(re.sub(r"<[^>]+>", " ", one.content.decode()).replace("\xa0", " ").split())
            for name, one in found.items()
        }

    asked = pages()
    client.post(reverse("flows:revalued", args=[plan.pk]))
    done = pages()

    assert "Revalue the clearing account in QuickBooks Online: 0.70 USD The settlement leaves 0.70 USD" in asked["page"]
    assert "Worth a look" not in asked["page"]
    assert "Revalue the clearing account 1 settlement Payouts left 0.70 USD there" in asked["flows:dashboard"]
    assert "Ties; to be revalued" in asked["flows:settlements"]
    assert not [name for name, text in done.items() if "Revalue the clearing" in text or "to be revalued" in text]
    assert "99.40 USD" in asked["page"][asked["page"].index("Entries") :]  # the transfer's bank line
