"""Standard and invoiced orders of one seller: settlements of their own, flows of their own, nothing shared in the books."""

from datetime import date

import pytest

from amazon.models import Payout, Settlement
from bookkeeping.accounts import AccountKey as K
from flows import account_types, creation, drafts, opening, overview, planning, selectors, setup
from flows.models import Delivery, Flow, Plan
from kit.clock import now
from kit.scope import scope
from ledgers.models import ListEntry
from tenants.models import Alert, Connection
from tests import factories
from tests.flows.test_setup import sent
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.django_db
INVOICED = "Invoiced Orders"


@pytest.fixture
def seller(in_acme):
    grant = factories.GrantFactory(provider="amazon", environment="NA", subject="A1SELLER")
    return factories.ConnectionFactory(tenant=in_acme, grant=grant, remote_name="Store", data={"region": "NA"})


@pytest.fixture
def flow(acme, seller):
    flow = flow_of(acme, state="setup")
    Flow.objects.update(source=seller)
    flow.refresh_from_db()
    return flow


def told(seller, settlement, account_type):
    return Payout.objects.create(
        tenant_id=seller.tenant_id,
        connection=seller,
        payout_id=f"P-{settlement.pk}",
        settlement_id=settlement.settlement_id,
        account_type=account_type,
        status="PAID",
        seen_at=now(),
    )


def values(flow, **more):
    wanted = {"name": "Second", "source": flow.source, "target": flow.target, "currency": "USD", "mode": "summary"}
    return wanted | more


def test_a_settlement_goes_to_the_flow_of_the_account_type_that_its_payout_names(acme, seller, flow):
    settlement, other = settle(acme), settle(acme, "15000000002")
    told(seller, settlement, INVOICED)
    told(seller, other, "Standard Orders")
    second = Flow.objects.create(
        tenant=acme, name="B2B", source=seller, target=flow.target, currency="USD", account_type=INVOICED
    )

    moved = account_types.sort_out(seller)

    assert moved == 1
    assert list(Plan.objects.order_by("pk").values_list("settlement__settlement_id", "flow_id")) == [
        (other.settlement_id, flow.pk),
        (settlement.settlement_id, second.pk),
    ]
    assert account_types.sort_out(seller) == 0


def test_what_was_sent_stays_and_the_members_are_told_once(acme, seller, flow):
    settlement = settle(acme)
    sent(plan_of(settlement))
    told(seller, settlement, INVOICED)

    assert account_types.sort_out(seller) == account_types.sort_out(seller) == 0

    assert Settlement.objects.get().account_type == "Standard Orders"
    assert Alert.objects.get(kind="account_type", settled_at=None).title.endswith("is of Invoiced Orders")


def test_a_second_flow_of_another_account_type_is_taken_once_the_seller_is_known_to_have_it(acme, seller, flow):
    with pytest.raises(creation.CannotChange, match=r"Nothing is known of Invoiced Orders of Store"):
        creation.create(acme.pk, "user:1", values(flow, account_type=INVOICED))
    settlement = settle(acme)
    told(seller, settlement, INVOICED)
    account_types.sort_out(seller)
    assert [(one.count, one.account_type) for one in overview.uncovered()] == [(1, INVOICED)]
    assert "of Invoiced Orders" in selectors.why_unplanned(Settlement.objects.get())

    second = creation.create(acme.pk, "user:1", values(flow, account_type=INVOICED))

    planning.plan_new(second)
    assert Plan.objects.get().flow == second
    assert overview.uncovered() == []
    with pytest.raises(creation.CannotChange, match="already brings these settlements"):
        creation.create(acme.pk, "user:1", values(flow, account_type=INVOICED))


def test_opening_entries_and_clearing_accounts_of_two_account_types_or_sellers_are_not_one(acme, seller, flow):
    grant = factories.GrantFactory(provider="amazon", environment="NA", subject="A2SELLER")
    stranger = factories.ConnectionFactory(tenant=acme, grant=grant, remote_name="Store", data={"region": "NA"})
    shared = {"tenant": acme, "target": flow.target, "currency": "USD"}
    second = Flow.objects.create(name="B2B", source=seller, account_type=INVOICED, **shared)
    third = Flow.objects.create(name="Other", source=stranger, **shared)

    for each in (flow, second, third):
        creation.change(each, "user:1", {"books_from": date(2026, 1, 1), "opening_reserve": 2000})

    keys = [opening.entry(each).key for each in (flow, second, third)]
    assert keys == [
        "amazon/account/A1SELLER/USD/opening/entry/1",
        "amazon/account/A1SELLER/invoiced-orders/USD/opening/entry/1",
        "amazon/account/A2SELLER/USD/opening/entry/1",
    ]
    assert opening.entry(second).number == "AMZ-OPENING-USD-IO"
    made = [drafts.account_draft(each, K.CLEARING).planned.document.name for each in (flow, second, third)]
    assert made == [
        "Amazon Clearing US (USD)",
        "Amazon Clearing US (USD) Invoiced Orders",
        "Amazon Clearing US (USD) A2SELLER",
    ]
    assert len({drafts.account_draft(each, K.SALES).planned.key for each in (flow, second, third)}) == 1
    assert not Delivery.objects.filter(kind="account").exists()


def test_a_seller_of_one_token_in_two_regions_settles_each_currency_in_its_own(acme, seller, flow):
    settle(acme)
    grant = factories.GrantFactory(provider="amazon", environment="EU", subject="A1SELLER")
    europe = factories.ConnectionFactory(tenant=acme, grant=grant, data={"region": "EU", "currencies": ["EUR", "GBP"]})

    assert creation.settled_currencies(acme.pk, seller) == ["USD"]
    assert creation.settled_currencies(acme.pk, europe) == ["EUR", "GBP"]
    with pytest.raises(creation.CannotChange, match="account in EU, and USD is settled in NA"):
        creation.create(acme.pk, "user:1", values(flow, source=europe))


def at_globex(globex, flow, remote_id):
    """A flow of Globex, of a seller into the company of a flow of Acme's."""
    grant = factories.GrantFactory(provider="amazon", environment="NA", subject=remote_id)
    source = factories.ConnectionFactory(tenant=globex, grant=grant, data={"region": "NA"})
    same = {name: getattr(flow.target, name) for name in ("provider", "environment", "remote_id")}
    books = Connection.objects.filter(tenant=globex, **same).first()
    if books is None:
        books = factories.ConnectionFactory(tenant=globex, **same)
        for entry in ListEntry.objects.filter(connection=flow.target):
            entry.pk, entry.tenant, entry.connection = None, globex, books
            entry.save()
    return Flow.objects.create(tenant=globex, name=remote_id, source=source, target=books, currency="USD")


def test_two_sellers_in_one_company_share_a_clearing_account_only_where_a_person_chooses_it(flow, globex, everywhere):
    """Also those of two tenants: the company is one."""
    suggested = {}

    for remote_id in ("A2SELLER", "A1SELLER"):
        theirs = at_globex(globex, flow, remote_id)
        with scope(globex.pk):
            found = next(line for line in setup.choices(theirs) if line.key == K.CLEARING)
        suggested[remote_id] = found.suggestion is not None

    assert suggested == {"A2SELLER": False, "A1SELLER": True}


def test_an_opening_entry_of_two_tenants_on_one_seller_has_one_key(flow, globex, everywhere):
    """So that the outbox, which takes a key once in a company, holds the second."""
    theirs = at_globex(globex, flow, "A1SELLER")

    for each in (flow, theirs):
        with scope(each.tenant_id):
            creation.change(each, "user:1", {"books_from": date(2026, 1, 1), "opening_reserve": 2000})

    assert opening.entry(flow).key == opening.entry(theirs).key
