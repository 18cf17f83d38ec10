"""How a ledger's documents are cut: asked where it matters, kept, and what it means for the mapping."""

import re

import pytest
from django.urls import reverse

from bookkeeping.accounts import AccountKey as K
from flows import planning, setup
from flows.models import Flow
from kit.scope import scope
from ledgers.models import ListEntry
from tenants.models import Connection
from tests import factories
from tests.flows import slate
from tests.web.rest.conftest import caller
from tests.web.small_books import flow_of

pytestmark = pytest.mark.django_db
TERMS = {
    "mode": "summary",
    "trigger": "settled",
    "approval": "review",
    "orders_every_min": "60",
    "settlements_every_min": "360",
}


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def books(db, monkeypatch, everywhere):
    with slate.opened(monkeypatch) as made:
        yield made


@pytest.fixture
def browser(signed_in, books):
    return signed_in(factories.member(books.tenant, "alice@acme.test", "owner"))


def test_a_live_flow_of_summaries_keeps_and_changes_where_payouts_go(browser, books):
    address = reverse("flows:flow_edit", args=[books.flow.pk])

    asked = browser.get(address).content.decode()
    browser.post(address, {**TERMS, "name": "Acme US", "layout": "direct"})
    shown = text_of(browser.get(reverse("flows:flow", args=[books.flow.pk])))

    assert asked.index("only-orders") < asked.index('name="layout"')
    assert "Where payouts go" in asked
    assert Flow.objects.get().layout == "direct"
    assert "Where payouts go Straight to the bank" in shown


def test_with_companies_of_several_ledgers_it_is_asked_once_the_company_is_known(browser, books):
    books.settle()
    books.flow.deliveries.all().delete()
    books.flow.plans.all().delete()
    books.flow.delete()
    factories.ConnectionFactory(tenant=books.tenant, remote_name="Other Books")

    asked = browser.get(reverse("flows:flow_new")).content.decode()
    values = {**TERMS, "source": "", "target": books.connection.pk, "currency": "USD"}
    answer = browser.post(reverse("flows:flow_new"), values, follow=True)

    assert 'name="layout"' not in asked
    asks = reverse("flows:flow_edit", args=[Flow.objects.get().pk])
    assert answer.redirect_chain[-1][0] == f"{asks}?asked=layout#asked"
    page = answer.content.decode()
    assert page.index('id="asked"') < page.index('name="layout"') < page.index("Everything else")
    assert page.count('value="direct"') == 1
    assert "One more question" in text_of(answer)
    assert 'name="layout"' in answer.content.decode()


def test_the_mapping_asks_for_what_the_layout_books_to(books):
    with scope(books.tenant.pk):
        by_feed, feed = planning.needed_keys(books.flow), {line.key for line in setup.choices(books.flow)}
        books.flow.layout = "direct"
        books.flow.save()
        direct, straight = planning.needed_keys(books.flow), {line.key for line in setup.choices(books.flow)}

    assert by_feed == {K.CLEARING, K.PAYOUTS}
    assert direct == {K.CLEARING, K.BANK}
    ends = {K.PAYOUTS, K.BANK, K.CHARGE_METHOD, K.PETTY, K.REVENUE, K.AR}
    assert (feed & ends, straight & ends) == ({K.PAYOUTS}, {K.BANK, K.CHARGE_METHOD})


def test_rest_lists_the_ways(books):
    alice = caller(books.tenant, factories.member(books.tenant, "rest@acme.test", "owner"))

    found = alice.get(f"flows/{books.flow.pk}/layouts").json()

    assert [(one["name"], one["in_summary"]) for one in found] == [("feed", True), ("direct", True)]


def test_which_class_of_account_is_usual_goes_by_the_plan_of_the_company(acme):
    flow = flow_of(acme)
    grant = factories.GrantFactory(provider="freshbooks", environment="production")
    with scope(acme.pk):
        ListEntry.objects.update(account_class="expense")

        def warned(journals):
            Connection.objects.update(provider="freshbooks", grant=grant, data={"journals": journals})
            return {line.key for line in setup.choices(Flow.objects.get(pk=flow.pk)) if line.warning}

        assert K.REFUNDS in warned(journals=True)
        assert warned(journals=False) == set()
