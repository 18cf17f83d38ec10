"""Choosing, of the companies one consent opens, those to connect: right after it, and later without another one."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from kit.clock import now
from kit.scope import scope, unscoped
from tenants import providers, quotas, untested
from tenants.models import Access, Connection, Grant
from tenants.providers import Identity, Step
from tests import factories
from tests.web.test_connection_pages import CALLBACK, CODE, connections, leave

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice(pretend):
    """A provider that opens three companies of one person there."""
    pretend.companies = [Identity(f"c-{name}", f"{name} Ltd", subject="u1") for name in ("North", "South", "West")]
    return pretend


def agree(page):
    """Go through a consent and return the answer, redirects followed."""
    return page.get(CALLBACK, {"state": leave(page)["state"], "code": CODE}, follow=True)


def choices(grant):
    return reverse("tenants:companies", args=[grant.pk])


def consent_of(user):
    return Grant.objects.get(user=user)


def test_a_consent_to_several_companies_leads_to_the_choice(signed_in, alice, practice):
    answer = agree(signed_in(alice))

    assert answer.redirect_chain[-1] == (choices(consent_of(alice)), 302)
    text = answer.content.decode()
    assert "Which companies do you want to connect?" in text
    assert [f"{name} Ltd" in text for name in ("North", "South", "West")] == [True] * 3
    assert " checked" not in text
    assert connections() == []


def test_the_chosen_companies_are_connected_and_tested(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)

    answer = page.post(choices(consent_of(alice)), {"company": ["c-North", "c-West"]}, follow=True)

    assert [each.remote_name for each in connections()] == ["North Ltd", "West Ltd"]
    assert answer.redirect_chain == [(reverse("tenants:connections"), 302)]
    assert answer.content.decode().count("tested: all is well") == 2


def test_the_choice_shows_what_is_connected_and_adds_another_without_a_consent(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)
    page.post(choices(consent_of(alice)), {"company": "c-North"})
    asked = practice.calls

    text = page.get(choices(consent_of(alice))).content.decode()
    answer = page.post(choices(consent_of(alice)), {"company": ["c-North", "c-South"]})

    assert text.count(" checked disabled") == 1
    assert [each.remote_name for each in connections()] == ["North Ltd", "South Ltd"]
    assert answer.url == reverse("tenants:connection", args=[connections()[1].pk]) + "?new"
    assert practice.calls == asked


def test_choosing_nothing_says_so_and_connects_nothing(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)

    text = page.post(choices(consent_of(alice))).content.decode()

    assert "Choose at least one company." in text
    assert connections() == []


def test_of_many_companies_at_once_each_is_tested_the_rest_by_a_worker_and_shows_how_that_went(
    signed_in, alice, practice
):
    practice.companies = [Identity(f"c{n}", f"Company {n}", subject="u1") for n in range(5)]
    page = signed_in(alice)
    agree(page)

    text = page.post(choices(consent_of(alice)), {"company": [f"c{n}" for n in range(5)]}, follow=True)

    shown = text.content.decode()
    assert "Company 3, Company 4 are connected and are being tested" in shown
    assert shown.count("Being tested") == 2
    assert sum(each.last_checked_at is not None for each in connections()) == 3

    practice.steps = [Step("Books", "failed", "They are closed.", "Open the period.", "posting")]
    waiting = untested.untested()
    assert [untested.test_now(pk) for pk in waiting] == [True, True]
    after = page.get(reverse("tenants:connections")).content.decode()
    assert untested.untested() == []
    assert not untested.test_now(waiting[0])
    assert "Being tested" not in after
    assert [each.tested for each in connections()] == ["passed"] * 3 + ["failed"] * 2
    assert after.count("Failed") == 2


def test_a_test_that_breaks_off_in_the_background_says_so_and_is_not_begun_for_ever(acme, pretend, monkeypatch):
    def breaks_off(connection, mode):
        raise KeyError("what nobody foresaw")

    monkeypatch.setitem(providers._providers, pretend.slug, replace(pretend.spec(), checks=breaks_off))
    connection = factories.ConnectionFactory(tenant=acme, grant__provider="pretend")

    assert untested.test_now(connection.pk)
    assert untested.untested() == []
    [tested] = connections()
    assert (tested.tested, tested.checks[0]["action"]) == ("failed", "Test the connection again in a few minutes.")


def test_the_way_to_another_company_is_shown_to_who_agreed_and_to_nobody_else(signed_in, alice, acme, bob, practice):
    page, other = signed_in(alice), signed_in(factories.member(acme, "dora@acme.test", "owner"))
    agree(page)
    address = choices(consent_of(alice))
    page.post(address, {"company": "c-North"})
    (made,) = connections()
    places = [f"/connections/{made.pk}/", reverse("tenants:connect", args=["pretend"])]

    assert all(address in page.get(place).content.decode() for place in places)
    assert not any(address in other.get(place).content.decode() for place in places)
    assert not any(address in signed_in(bob).get(place).content.decode() for place in places[:1])
    assert other.get(address).status_code == 404
    assert signed_in(bob).get(address).status_code == 403
    assert "by alice@acme.test" in other.get(places[0]).content.decode()


def test_in_another_company_of_the_person_the_consent_is_offered_before_a_new_one(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)
    page.post(choices(consent_of(alice)), {"company": "c-North"})
    page.post(reverse("tenants:create"), {"name": "Second client"})

    offer = page.get(reverse("tenants:connect", args=["pretend"])).content.decode()
    choice = page.get(choices(consent_of(alice))).content.decode()
    page.post(choices(consent_of(alice)), {"company": "c-South"})

    assert "You have agreed before" in offer
    assert 'Their id there: <span class="id">u1</span>' in offer
    assert "North Ltd" in offer
    assert "Connected in Acme" in choice
    assert " checked" not in choice
    assert len({each.tenant_id for each in connections()}) == 2
    assert len({each.grant_id for each in connections()}) == 1


def test_a_consent_that_has_ended_leads_to_a_new_one(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)
    Grant.objects.update(state=Access.NEEDS_RECONNECT)

    answer = page.get(choices(consent_of(alice)), follow=True)

    assert answer.redirect_chain == [(reverse("tenants:connect", args=["pretend"]), 302)]
    assert "This consent has ended." in answer.content.decode()


def test_a_provider_that_does_not_say_what_a_consent_opens_is_a_page(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)
    practice.companies = None

    answer = page.get(choices(consent_of(alice)))

    assert answer.status_code == 400
    assert "could not be used" in answer.content.decode()


def test_a_new_consent_that_mends_says_so_and_offers_the_rest(signed_in, alice, practice):
    page = signed_in(alice)
    agree(page)
    page.post(choices(consent_of(alice)), {"company": "c-North"})
    with unscoped("arranging"):
        Connection.objects.update(state=Access.NEEDS_RECONNECT)

    answer = agree(page)

    assert answer.redirect_chain[-1] == (choices(consent_of(alice)), 302)
    assert "North Ltd is connected and tested" in answer.content.decode()
    assert connections()[0].state == Access.ACTIVE


def test_calls_of_the_day_are_shown_and_those_of_all_companies_to_owners_only(
    signed_in, alice, bob, acme, pretend, monkeypatch
):
    spec = replace(pretend.spec(), daily_calls=5000)
    monkeypatch.setitem(providers._providers, pretend.slug, spec)
    connection = factories.ConnectionFactory(tenant=acme, grant__provider="pretend")
    resets_at = datetime.combine(now().date() + timedelta(days=2), time(), ZoneInfo("America/New_York"))
    with scope(acme.pk):
        quotas.note(connection, 2000, 0, resets_at)
    quotas.count_call(connection.provider, connection.environment)
    address = reverse("tenants:connection", args=[connection.pk])

    owner, bookkeeper = (signed_in(who).get(address).content.decode() for who in (alice, bob))

    assert "0 of 2,000 calls left today, until midnight in New York" in bookkeeper
    assert "Today’s calls are used up" in bookkeeper
    assert "about 5 % of 5,000 used today" in owner
    assert "5,000" not in bookkeeper
