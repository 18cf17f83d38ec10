"""Connecting, testing and disconnecting in the browser."""

import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
from django.urls import reverse

from kit.scope import unscoped
from tenants.grants import redirect_uri
from tenants.models import Connection
from tenants.providers import Step
from tests import factories

pytestmark = pytest.mark.django_db
CALLBACK = "/connections/pretend/callback"
CODE = "c0de-of-the-consent"


def leave(page):
    """Begin a consent and return the query of the address the page leads to."""
    answer = page.post(reverse("tenants:connect", args=["pretend"]), {"region": "EU"})
    address = unescape(re.search(r'id="consent"[^>]* href="([^"]+)"', answer.content.decode()).group(1))
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def connections():
    with unscoped("the test looks at every tenant"):
        return list(Connection.objects.order_by("pk"))


def test_the_callback_is_where_the_provider_is_told_to_send_people(settings):
    assert redirect_uri("pretend") == settings.SITE_URL + reverse("tenants:callback", args=["pretend"])


def test_consent_connects_tests_and_shows_the_connection(signed_in, alice, acme, pretend):
    page = signed_in(alice)
    query = leave(page)

    answer = page.get(CALLBACK, {"state": query["state"], "code": CODE}, follow=True)

    (made,) = connections()
    assert (made.tenant, made.remote_name, made.state) == (acme, "Acme Books Ltd", "active")
    assert answer.redirect_chain == [(reverse("tenants:connection", args=[made.pk]) + "?new", 302)]
    assert "Connect where you sell" in answer.content.decode()
    assert "All is well." in answer.content.decode()


def test_a_connection_whose_test_finds_something_says_what_to_do(signed_in, alice, pretend):
    pretend.steps = [Step("Books", "failed", "They are closed.", "Open the period.", "posting")]
    page = signed_in(alice)
    query = leave(page)

    text = page.get(CALLBACK, {"state": query["state"], "code": CODE}, follow=True).content.decode()

    assert "Open the period." in text
    assert "Nothing can be posted until this is mended." in text


def test_the_callback_leaks_nothing(signed_in, alice, pretend):
    page = signed_in(alice)

    answer = page.get(CALLBACK, {"state": leave(page)["state"], "code": CODE})

    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert "code" not in answer.url


def test_a_replayed_answer_connects_nothing_and_says_what_to_do(signed_in, alice, pretend):
    page = signed_in(alice)
    query = {"state": leave(page)["state"], "code": CODE}
    page.get(CALLBACK, query)

    answer = page.get(CALLBACK, query)

    assert answer.status_code == 400
    assert "used already" in answer.content.decode()
    assert pretend.calls == 1


def test_a_foreign_state_is_refused_before_the_provider_is_asked(signed_in, alice, charlie, pretend):
    state = leave(signed_in(alice))["state"]

    answer = signed_in(charlie).get(CALLBACK, {"state": state, "code": CODE})

    assert answer.status_code == 400
    assert "not begun here" in answer.content.decode()
    assert (connections(), pretend.calls) == ([], 0)


def test_an_expired_state_says_so(signed_in, alice, pretend, time_machine):
    time_machine.move_to("2026-05-01T10:00:00Z")
    page = signed_in(alice)
    query = {"state": leave(page)["state"], "code": CODE}
    time_machine.move_to("2026-05-01T10:45:00Z")

    answer = page.get(CALLBACK, query)

    assert "took too long" in answer.content.decode()
    assert connections() == []


def test_a_refused_consent_says_how_to_try_again(signed_in, alice, pretend):
    page = signed_in(alice)

    answer = page.get(CALLBACK, {"state": leave(page)["state"], "error": "access_denied"})

    text = answer.content.decode()
    assert "The consent was not given" in text
    assert reverse("tenants:connect", args=["pretend"]) in text


def test_a_callback_without_a_session_does_not_carry_its_code_to_the_sign_in_page(client, pretend, db):
    answer = client.get(CALLBACK, {"state": "s", "code": CODE})

    assert answer.status_code == 403
    assert CODE not in answer.content.decode()


@pytest.mark.parametrize("name", ["connect", "credentials"])
def test_only_an_owner_connects(signed_in, bob, pretend, name):
    address = reverse(f"tenants:{name}", args=["pretend"])

    assert signed_in(bob).get(address).status_code == 403


def test_an_unknown_provider_is_a_404(signed_in, alice):
    assert signed_in(alice).get("/connections/nonesuch/connect/").status_code == 404


def test_pasted_credentials_connect(signed_in, alice, pretend):
    form = {"client_id": "mine", "client_secret": "s3cret", "refresh_token": "r3fresh"}

    signed_in(alice).post(reverse("tenants:credentials", args=["pretend"]), form)

    (made,) = connections()
    with unscoped("the test looks at every tenant"):
        assert made.grant.application == "mine"


def test_refused_credentials_are_explained_and_never_shown_again(signed_in, alice, pretend):
    pretend.tokens = (400, {"error": "invalid_grant"})
    form = {"client_id": "mine", "client_secret": "s3cret", "refresh_token": "r3fresh"}

    text = signed_in(alice).post(reverse("tenants:credentials", args=["pretend"]), form).content.decode()

    assert "does not take these credentials" in text
    assert "s3cret" not in text
    assert "r3fresh" not in text


def test_a_bookkeeper_tests_a_connection(signed_in, bob, acme, pretend):
    connection = factories.ConnectionFactory(tenant=acme, grant__provider="pretend")

    answer = signed_in(bob).post(reverse("tenants:connection_test", args=[connection.pk]), follow=True)

    assert "all is well" in answer.content.decode()
    assert connections()[0].last_checked_at is not None


def test_a_lost_connection_tells_everyone_and_offers_the_owner_the_way_back(signed_in, alice, bob, acme, pretend):
    factories.ConnectionFactory(tenant=acme, grant__provider="pretend", state="needs_reconnect")

    owner, bookkeeper = (signed_in(who).get("/connections/").content.decode() for who in (alice, bob))

    assert "no longer lets us in" in owner
    assert "no longer lets us in" in bookkeeper
    assert "Connect again</a>" in owner
    assert "Connect again</a>" not in bookkeeper


def test_disconnecting_asks_first_and_then_ends_the_connection(signed_in, alice, acme, pretend):
    connection = factories.ConnectionFactory(tenant=acme, grant__provider="pretend")
    address = reverse("tenants:disconnect", args=[connection.pk])
    page = signed_in(alice)

    question = page.get(address).content.decode()
    assert "data-dialog-body" in question
    assert connections()[0].state == "active"

    page.post(address)
    assert connections()[0].state == "revoked"


@pytest.mark.parametrize(
    ("slug", "words"),
    [
        ("wave", "A business on Wave Pro"),
        ("freshbooks", "with Advanced Accounting switched on"),
        ("zoho", "Any plan of"),
    ],
)
def test_which_plan_is_needed_is_said_before_a_person_leaves(signed_in, alice, slug, words):
    page = signed_in(alice).get(reverse("tenants:connect", args=[slug])).content.decode()

    assert words in page
    assert page.index(words) < page.index("Continue to")


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["passed", "warning", "warning"], "is connected; 2 things to look at: Step 1, Step 2. See below."),
        (["passed", "skipped"], "is connected and tested: all is well."),
    ],
)
def test_amber_steps_are_not_called_all_well(signed_in, alice, pretend, verdicts, said):
    pretend.steps = [Step(f"Step {number}", verdict, "What was found.") for number, verdict in enumerate(verdicts)]
    page = signed_in(alice)

    answer = page.get(CALLBACK, {"state": leave(page)["state"], "code": CODE}, follow=True)

    assert said in answer.content.decode()
