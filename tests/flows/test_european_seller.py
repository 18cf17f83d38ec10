"""A European seller into the pretend QuickBooks: euros of two marketplaces, pounds that close at another hour, and euro invoices.

What is in the books comes from the companies' own trial balances, what should be there from the seller's truth.
"""

from collections import Counter
from datetime import date

import pytest

from bookkeeping.accounts import AccountKey as K
from flows import creation, mapping, overview, setup
from flows.models import Delivery, Plan
from kit.scope import scope
from ledgers.registry import refresh_lists
from tenants.models import Alert

GERMANY = "A1PA6795UKMFR9"
INVOICED = "Invoiced Orders"
CALM = {"settlements": 2, "negative": 0, "zero": 0, "failed": 0}
ACCOUNTS = [
    {"country": "DE", "also": ["FR"], "blank_marketplace_rows": 0.6, **CALM},
    {"country": "GB", **CALM},
    {"country": "DE", "account_type": "Invoiced orders", **CALM},
]


@pytest.fixture
def seller(world):
    return world.seller("merchant", seed=5, accounts=ACCOUNTS)


@pytest.fixture
def create(world, seller, alice, acme):
    """Create flows of the seller, each into a company that keeps its books in the currency."""
    amazon = world.connect("amazon", alice, acme, seller["seller_id"], GERMANY)
    companies = {}

    def create(currency, account_type="Standard Orders"):
        if currency not in companies:
            realm = world.company(f"Books in {currency}", home_currency=currency)["realm"]
            companies[currency] = world.connect("quickbooks", alice, acme, realm)
        with scope(acme.pk):
            refresh_lists(companies[currency])
            values = {"source": amazon, "target": companies[currency], "currency": currency, "mode": "summary"}
            named = {"name": f"{currency} {account_type}", "approval": "automatic", "account_type": account_type}
            return creation.create(acme.pk, "alice", values | named)

    return create


def test_everything_is_posted_once_by_currency_and_account_type_and_ties(world, seller, create, acme):
    euros, pounds = create("EUR"), create("GBP")
    world.run(euros, pounds)
    with scope(acme.pk):
        assert [(one.currency, one.count, one.account_type) for one in overview.uncovered()] == [("EUR", 2, INVOICED)]
    invoiced = create("EUR", INVOICED)
    flows = [euros, pounds, invoiced]
    world.run(invoiced)

    with scope(acme.pk):
        for flow in flows:
            setup.accept_suggestions(flow, "alice", create_missing=True)
            setup.go_live(flow, "alice")
    world.run(*flows)
    world.run(*flows)

    with scope(acme.pk):
        assert not Delivery.objects.exclude(state="posted").values_list("number", "state", "reason")
        verdicts = list(Plan.objects.values_list("flow_id", "verdict__verdict"))
        booked = {
            (row.plan.settlement.settlement_id, row.on)
            for row in Delivery.objects.filter(kind="entry").select_related("plan__settlement")
        }
        passing = {key: [world.balance(flow, key) for flow in flows] for key in (K.CLEARING, K.RESERVE)}
        shared = {key: world.balance(euros, key) for key in mapping.load(euros).base}
        british = {key: world.balance(pounds, key) for key in mapping.load(pounds).base}
        assert not Alert.objects.filter(settled_at=None, kind="run_failed")
    truths = dict(zip(flows, seller["accounts"], strict=True))
    assert Counter(verdicts) == {(flow.pk, "proved"): 2 for flow in flows}
    months = {
        (one["settlement_id"], date.fromisoformat(part["date"]))
        for truth in truths.values()
        for one in truth["settlements"]
        for part in one["parts"]
    }
    assert booked == months
    expected = [truth["expected"]["quickbooks"]["summary"]["balances"] for truth in truths.values()]
    assert passing == {key: [one.get(key, 0) for one in expected] for key in passing}
    together = Counter(expected[0])
    together.update(expected[2])
    for found, wanted in ((shared, together), (british, expected[1])):
        own = {key: amount for key, amount in found.items() if key not in passing and amount}
        assert own == {key: amount for key, amount in wanted.items() if key not in passing and amount}
    for flow in (euros, pounds):
        assert sum(world.quickbooks.books(flow.target.remote_id).trial_balance().values()) == 0
