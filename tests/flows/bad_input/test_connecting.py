"""What can be wrong where a ledger is connected: said on the page that follows, and before anything is posted."""

import re
from html import unescape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client
from werkzeug.test import Client as Outside

from bookkeeping.accounts import AccountKey
from flows import creation, rules, setup
from flows.models import Delivery, Flow
from kit.scope import scope
from ledgers.freshbooks import provider as freshbooks
from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
from ledgers.models import ListEntry
from ledgers.registry import refresh_lists
from ledgers.wave import provider as wave
from ledgers.wave.tests.e7 import WaveBusiness
from ledgers.zoho.tests.e7 import ZohoOrganization
from tenants.models import Connection
from tests import world as worlds
from tests.flows.bad_input.scene import is_plain, words
from tests.web.small_books import settle


@pytest.fixture
def world(db):
    with worlds.world() as made:
        yield made


class Person:
    """Somebody who connects in the browser: here, and on the consent page of the pretend ledger."""

    def __init__(self, world, tenant, user, company):
        self.world, self.tenant, self.company = world, tenant, company
        self.here = Client()
        self.here.force_login(user)

    def agree(self, choice="", meanwhile=lambda: None, **values):
        """Go through the consent, choosing a company there; returns the page that one comes back to."""
        return self.come_back(self.consent(choice, **values), meanwhile)

    def consent(self, choice="", **values):
        """Return the query with which the ledger sends people back."""
        slug = self.company.slug
        page = self.here.post(f"/connections/{slug}/connect/", values).content.decode()
        address = urlsplit(unescape(re.search(r'id="consent"[^>]* href="([^"]+)"', page)[1]))
        app, base = self.world.others[slug]
        there = Outside(app)
        form = _Form(there.get(address.path, query_string=address.query, base_url=base).text)
        chosen = {**form.fields, "choice": choice or self.company.choice, "decision": "allow"}
        answer = there.post(urlsplit(form.action).path, data=chosen, base_url=base)
        return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))

    def come_back(self, query, meanwhile=lambda: None):
        meanwhile()
        return self.here.get(f"/connections/{self.company.slug}/callback", query, follow=True)

    def choose(self, page, remote_id):
        """Choose one of the companies that a consent opened."""
        return self.here.post(page.redirect_chain[-1][0], {"company": remote_id}, follow=True)

    def connection(self):
        with scope(self.tenant.pk):
            return Connection.objects.get()

    def flow(self, **values):
        """Make a flow into the company, as somebody would who did not read the test."""
        with scope(self.tenant.pk):
            target = Connection.objects.get()
            refresh_lists(target)
            asked = {"source": None, "target": target, "currency": "USD", "name": "Flow", **values}
            return creation.create(self.tenant.pk, "alice", asked)

    def stands_in_the_way(self, flow):
        """Return what keeps a flow from going live; nothing of it may have been sent."""
        with scope(self.tenant.pk):
            flow = Flow.objects.select_related("target").get(pk=flow.pk)
            with pytest.raises(setup.NotReady) as refused:
                setup.go_live(flow, "alice")
            assert not Delivery.objects.filter(flow=flow, attempts__isnull=False).exists()
        assert all(is_plain(each) for each in refused.value.problems)
        return " ".join(refused.value.problems)

    def goes_live_but_for_accounts(self, flow):
        """Whether nothing of the ledger is in the way any more: which accounts to use is decided later."""
        with scope(self.tenant.pk):
            found = setup.problems(Flow.objects.select_related("target").get(pk=flow.pk))
        return all(each.startswith("Choose an account") for each in found)


class _Form(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.action, self.fields = "", {}
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.action = values["action"]
        if tag == "input" and values.get("type") == "hidden":
            self.fields[values["name"]] = values.get("value", "")


@pytest.fixture
def person(world, acme, alice):
    def made(into, **values):
        return Person(world, acme, alice, into(world, **values))

    return made


def shown(answer):
    return words(answer.content.decode())


# Wave -----------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND"])
def test_a_wave_business_that_left_pro_while_somebody_agreed_is_not_connected_and_the_page_says_why(person, code):
    made = person(WaveBusiness, free_plan=code)

    answer = made.agree(meanwhile=lambda: made.company.person("set_plan", plan="free"))

    text = shown(answer)
    assert answer.status_code == 400
    assert "Wave Pro" in text
    assert "could not be used" not in text
    with scope(made.tenant.pk):
        assert not Connection.objects.exists()
    made.company.person("set_plan", plan="pro")
    assert "is connected and tested: all is well" in shown(made.agree())


def test_classic_accounting_in_wave_is_found_by_the_test_and_nothing_goes_live_before_it_is_mended(person):
    made = person(WaveBusiness)
    made.company.person("set_classic")

    text = shown(made.agree())
    flow = made.flow()

    assert "but the test found something: Accounting" in text
    assert "still has Wave’s classic accounting" in text.replace("'", "’")
    assert "Ask Wave to move the business to the new accounting." in made.stands_in_the_way(flow)
    made.company.person("set_classic", classic=False)
    assert made.goes_live_but_for_accounts(flow)


def test_a_permission_left_out_at_wave_is_named_in_words_and_agreeing_to_it_mends_it(person, monkeypatch):
    made = person(WaveBusiness)
    all_of_them = wave.SCOPES
    monkeypatch.setattr(wave, "SCOPES", tuple(each for each in all_of_them if each != "transaction:write"))

    text = shown(made.agree())
    flow = made.flow()

    assert "We may not write money transactions." in text
    assert "agree to everything that is asked there" in made.stands_in_the_way(flow)
    monkeypatch.setattr(wave, "SCOPES", all_of_them)
    made.agree()
    assert made.goes_live_but_for_accounts(flow)


# FreshBooks -----------------------------------------------------------------------------------------------------------------


def test_a_permission_left_out_at_freshbooks_is_named_in_words_and_agreeing_to_it_mends_it(person, monkeypatch):
    made = person(FreshBooksBusiness)
    all_of_them = freshbooks.SCOPES
    left = tuple(each for each in all_of_them if each != "user:journal_entries:write")
    monkeypatch.setattr(freshbooks, "SCOPES", left)

    text = shown(made.agree())
    flow = made.flow()

    assert "The consent leaves out that we may write journal entries." in text
    assert "leave every permission ticked" in made.stands_in_the_way(flow)
    monkeypatch.setattr(freshbooks, "SCOPES", all_of_them)
    made.agree()
    assert made.goes_live_but_for_accounts(flow)


def test_a_lite_plan_says_what_it_cannot_hold_and_is_not_asked_for_journals(person):
    made = person(FreshBooksBusiness, plan="Lite")

    text = shown(made.agree())

    assert "The plan has no journal entries: income and expenses are booked" in text
    with pytest.raises(creation.CannotChange, match="There are: documents"):
        made.flow(layout="direct")
    assert made.goes_live_but_for_accounts(made.flow())


def test_on_a_lite_plan_nothing_is_offered_to_be_created_and_what_is_left_is_for_a_person(person, acme):
    made = person(FreshBooksBusiness, plan="Lite")
    made.agree()
    flow = made.flow()
    settle(acme)
    with scope(acme.pk):
        ListEntry.objects.filter(name="Amazon FBA Fulfilment").delete()

    page = made.here.get(f"/mapping/{flow.pk}/")
    taken = shown(made.here.post(f"/mapping/{flow.pk}/accept/", {"missing": "needed"}, follow=True))

    assert "On its plan nobody can add accounts there from outside" in shown(page)
    assert 'value="+"' not in page.content.decode()
    assert 'name="missing"' not in page.content.decode()
    assert "Accepted. Left for you: Amazon FBA Fulfilment Fees" in taken
    with scope(acme.pk):
        assert not Delivery.objects.filter(kind="account").exists()
        with pytest.raises(rules.BadMapping, match="Nobody can add accounts to Acme Books"):
            rules.create_accounts(Flow.objects.select_related("target").get(), [AccountKey.REFUNDS], "alice")


def test_plus_without_advanced_accounting_is_told_to_switch_it_on_and_not_to_buy_a_plan(person):
    made = person(FreshBooksBusiness)
    made.company.person("set_plan", advanced_accounting=False)

    page = made.agree()
    text = shown(page)

    assert "Advanced Accounting is not switched on" in text
    assert "ask the owner to switch it on in FreshBooks under Accounting" in text
    assert "change to FreshBooks Plus" not in text
    assert "all is well" not in text
    assert "thing to look at: Advanced Accounting" in text or "things to look at: Advanced Accounting" in text
    made.company.person("set_plan", advanced_accounting=True)
    assert "Advanced Accounting is on." in shown(
        made.here.post(f"/connections/{made.connection().pk}/test/", follow=True)
    )


def test_a_plan_that_lost_its_journals_since_is_named_before_a_flow_goes_live_and_again_once_it_has_them(person):
    made = person(FreshBooksBusiness)
    made.agree()
    flow = made.flow()
    made.company.person("set_plan", plan="Lite")

    said = made.stands_in_the_way(flow)

    assert "can make journal entries no longer" in said
    assert "Change back to FreshBooks Plus or higher" in said
    made.company.person("set_plan", plan="Plus")
    made.here.post(f"/connections/{made.connection().pk}/test/")
    assert made.goes_live_but_for_accounts(flow)


@pytest.mark.parametrize("into", [FreshBooksBusiness, WaveBusiness])
def test_documents_in_a_currency_that_the_ledger_does_not_take_are_refused_when_the_flow_is_made(person, into):
    made = person(into)
    made.agree()

    with pytest.raises(creation.CannotChange, match="cannot hold documents in GBP") as refused:
        made.flow(currency="GBP", strategy="native")

    assert "Have everything converted" in str(refused.value)
    assert made.flow(currency="GBP", strategy="convert").converts


# Zoho Books -----------------------------------------------------------------------------------------------------------------


def test_a_person_of_another_data_centre_than_they_chose_is_connected_where_they_are(person):
    made = person(ZohoOrganization)
    elsewhere = made.company.stand_in.control("create_user", {"location": "eu"})["id"]
    made.company.stand_in.control("create_organization", {"name": "Acme EU", "user": elsewhere, "currency_code": "EUR"})

    text = shown(made.agree(elsewhere, centre="us"))

    assert "Acme EU is connected" in text
    assert made.connection().remote_id.startswith("eu-")


@pytest.mark.parametrize(
    "forged",
    [{"accounts-server": "https://accounts.zoho.eu.evil.test"}, {"location": "uk"}],
    ids=["server", "location"],
)
def test_an_answer_from_a_server_that_is_not_zohos_gets_nothing_and_says_which_data_centre_to_choose(person, forged):
    made = person(ZohoOrganization)

    answer = made.come_back(made.consent(centre="us") | forged)

    text = shown(answer)
    assert answer.status_code == 400
    assert "Nothing was sent there." in text
    assert "choose the data centre in whose address you sign in" in text
    assert made.company.stand_in.log("token") == []


def test_a_person_without_an_organization_is_told_so(person):
    made = person(ZohoOrganization)
    stranger = made.company.stand_in.control("create_user", {})["id"]

    answer = made.agree(stranger, centre="us")

    assert answer.status_code == 400
    assert "The person who connected Zoho Books belongs to no organization." in shown(answer)
    assert "as an administrator of the organization" in shown(answer)


def test_a_currency_that_is_not_switched_on_in_zoho_books_is_named_before_a_flow_goes_live(person):
    made = person(ZohoOrganization, currencies={"EUR": "1.1"}, multicurrency=True)
    made.agree(centre="us")
    flow = made.flow(currency="GBP", strategy="native")

    said = made.stands_in_the_way(flow)

    assert "Amazon settles in GBP, which is not one of the organization's currencies." in said
    assert "Add GBP in Zoho Books (Settings, Currencies)" in said


def test_a_day_whose_calls_are_used_up_says_how_long_to_wait(person):
    made = person(ZohoOrganization)
    made.agree(centre="us")
    made.company.stand_in.switches["rate_scale"] = 100
    made.company.person("spend_quota", calls=10_000)

    text = shown(made.here.post(f"/connections/{made.connection().pk}/test/", follow=True))

    assert "The day's calls of this Zoho Books organization are used up." in text
    assert re.search(r"Try again in (about \d+ hours?|a few minutes)\.", text)
