"""The consent that begins at Amazon, in the browser: sign in or up, choose the company, go back with both states."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from amazon.appstore import read
from kit.clock import now
from kit.http import mount, unmount
from kit.scope import unscoped
from kit.sealed import open_from
from tenants.connections import ConsentRefused
from tenants.models import Alert, Connection
from tests import factories
from tests.amazon.fake_api import BASE, FakeApi

pytestmark = pytest.mark.django_db
LWA, EU_BASE = "https://api.amazon.com", "https://sellingpartnerapi-eu.amazon.com"
SELLER, US = "A2EXAMPLE1SELLER", "ATVPDKIKX0DER"
BACK = "https://sellercentral.amazon.com/apps/authorize/confirm/amzn1.sp.solution.1"
ASKED = {"amazon_callback_uri": BACK, "amazon_state": "a+state/=&%2B", "selling_partner_id": SELLER}


@pytest.fixture
def amazon(settings):
    settings.AMAZON_APPLICATION_ID, settings.AMAZON_CLIENT_ID = "amzn1.sp.solution.1", "amzn1.application-oa2-client.1"
    settings.AMAZON_CLIENT_SECRET = "s3cret"
    fake = FakeApi()
    for path, answer in (
        ("/auth/o2/token", {"access_token": "Atza|1", "refresh_token": "Atzr|1", "expires_in": 3600}),
        ("/sellers/v1/marketplaceParticipations", {"payload": []}),
        ("/reports/2021-06-30/reports", {"reports": []}),
        ("/orders/2026-01-01/orders", {"orders": []}),
    ):
        fake.answer(path, (200, answer))
    for base in (LWA, BASE, EU_BASE):
        mount(base, fake)
    yield fake
    for base in (LWA, BASE, EU_BASE):
        unmount(base)


def browser(user=None):
    client = Client()
    if user:
        client.force_login(user)
    return client


def arrive(page, **changes):
    """Come from Amazon; return where our site led to."""
    return page.get(reverse("amazon:login"), ASKED | changes)


def go_back(page, tenant, **more):
    """Choose a company; return the address at Amazon, taken apart, and its query."""
    answer = page.post(reverse("amazon:appstore"), {"company": tenant.pk, **more})
    found = re.search(r'id="consent"[^>]* href="([^"]+)"', answer.content.decode())
    assert found, answer.content.decode()
    address = urlsplit(unescape(found.group(1)))
    return address, {name: values[0] for name, values in parse_qs(address.query).items()}


def come_back(page, state, seller=SELLER):
    query = {"state": state, "selling_partner_id": seller, "spapi_oauth_code": "code-1"}
    return page.get("/connections/amazon/callback", query)


def connections():
    with unscoped("the test looks at every tenant"):
        return list(Connection.objects.select_related("grant").order_by("pk"))


def test_seller_who_is_signed_in_confirms_goes_back_with_both_states_and_is_connected(amazon, alice, acme, settings):
    page = browser(alice)
    answer = arrive(page)
    asked = page.get(answer.url)
    address, query = go_back(page, acme)
    come_back(page, query["state"])

    assert answer.url == reverse("amazon:appstore")
    assert "amazon_state" not in answer.url
    assert SELLER in asked.content.decode()
    assert f"{address.scheme}://{address.netloc}{address.path}" == BACK
    assert query.keys() == {"amazon_state", "state", "redirect_uri"}
    assert query["amazon_state"] == ASKED["amazon_state"]
    assert query["redirect_uri"] == f"{settings.SITE_URL}/connections/amazon/callback"
    [made] = connections()
    assert (made.tenant, made.remote_id, made.environment) == (acme, SELLER, "NA")


def test_stranger_signs_in_first_and_what_was_asked_waits(amazon, alice, acme):
    page = browser()
    answer = arrive(page)
    page.post(
        reverse("account_login"),
        {"login": alice.email, "password": factories.PASSWORD, "next": reverse("amazon:appstore")},
    )

    _, query = go_back(page, acme)

    assert answer.url.startswith(reverse("account_login"))
    assert ASKED["amazon_state"] not in unescape(answer.url)
    assert query["amazon_state"] == ASKED["amazon_state"]


def test_newcomer_signs_up_and_the_start_page_leads_on(amazon):
    page = browser()
    arrive(page)
    page.post(
        reverse("account_signup"),
        {"company": "New Lamps", "email": "new@lamps.test", "password1": factories.PASSWORD},
    )

    start = page.get("/")

    assert start.url == reverse("amazon:appstore")
    assert "New Lamps" in page.get(start.url).content.decode()
    page.post(reverse("amazon:appstore"), {"not_now": "1"})
    assert page.get("/").url != reverse("amazon:appstore")


def test_draft_application_goes_back_as_one(amazon, alice, acme, settings):
    page = browser(alice)
    arrive(page, version="beta")
    assert go_back(page, acme)[1]["version"] == "beta"

    settings.AMAZON_APP_DRAFT = True
    arrive(page)
    assert go_back(page, acme)[1]["version"] == "beta"


def test_region_is_that_of_the_seller_central_that_asked(amazon, alice, acme):
    page = browser(alice)
    arrive(page, amazon_callback_uri="https://sellercentral-europe.amazon.com/apps/authorize/confirm/x?locale=de")

    _, query = go_back(page, acme)
    come_back(page, query["state"])

    assert query["locale"] == "de"
    assert connections()[0].environment == "EU"


@pytest.mark.parametrize(
    "callback",
    [
        "http://sellercentral.amazon.com/x",
        "https://evil.example/x",
        "https://sellercentral.amazon.com.evil.example/x",
        "https://evil.example/sellercentral.amazon.com",
        "https://sellercentral.amazon.com@evil.example/x",
        "https://evil.example\\@sellercentral.amazon.com/x",
        "https://user@sellercentral.amazon.com/x",
        "https://sellercentral.amazon.com:8443/x",
        "https://sellercentral.amazon.com/x#y",
        "https://sellercentral.amazon.com\t.evil.example/x",
        "//sellercentral.amazon.com/x",
        "javascript:alert(1)",
        "https://[sellercentral.amazon.com/x",
        "https://www.amazon.com/x",
        "",
    ],
)
def test_callback_anywhere_else_is_refused(amazon, alice, callback):
    answer = arrive(browser(alice), amazon_callback_uri=callback)

    assert answer.status_code == 400
    assert callback == "" or callback not in unescape(answer.content.decode())


def test_callbacks_of_every_seller_and_vendor_central_are_taken(settings):
    for host in ("sellercentral.amazon.co.jp", "sellercentral-europe.amazon.com", "vendorcentral.amazon.com"):
        assert read(ASKED | {"amazon_callback_uri": f"https://{host}/x"}).callback

    settings.AMAZON_CONSENT_BASE = "http://127.0.0.1:9000"
    assert read(ASKED | {"amazon_callback_uri": "http://127.0.0.1:9000/x"}).callback
    with pytest.raises(ConsentRefused):
        read(ASKED | {"amazon_callback_uri": "http://127.0.0.1:9001/x"})


def test_stand_in_does_not_tell_the_region_so_a_person_does(amazon, alice, acme, settings):
    settings.AMAZON_CONSENT_BASE = "http://127.0.0.1:9000"
    page = browser(alice)
    arrive(page, amazon_callback_uri="http://127.0.0.1:9000/x")

    assert page.post(reverse("amazon:appstore"), {"company": acme.pk}).status_code == 200
    assert go_back(page, acme, marketplace=US)[0].netloc == "127.0.0.1:9000"


@pytest.mark.parametrize("name", ASKED)
def test_signs_that_no_database_keeps_are_refused_on_arrival(amazon, alice, name):
    page = browser(alice)

    answer = arrive(page, **{name: f"{ASKED[name]}\0"})

    assert answer.status_code == 400
    assert not page.session.get("amazon_appstore")


@pytest.mark.parametrize("left_out", ASKED)
def test_arrival_without_what_amazon_sends_is_refused(amazon, alice, left_out):
    assert arrive(browser(alice), **{left_out: ""}).status_code == 400


def test_viewer_and_bookkeeper_may_not(amazon, acme, bob):
    page = browser(bob)
    answer = page.get(arrive(page).url)

    assert answer.status_code == 403
    assert page.post(reverse("amazon:appstore"), {"company": acme.pk}).status_code == 403


def test_company_of_somebody_else_cannot_be_chosen(amazon, alice, globex):
    page = browser(alice)
    arrive(page)

    answer = page.post(reverse("amazon:appstore"), {"company": globex.pk})

    assert answer.status_code == 200
    assert 'id="consent"' not in answer.content.decode()


def test_answer_is_for_the_company_that_was_chosen(amazon, alice, acme, globex):
    factories.MemberFactory(tenant=globex, user=alice, role="owner")
    page = browser(alice)
    arrive(page)
    _, query = go_back(page, globex)

    come_back(page, query["state"])

    assert [made.tenant for made in connections()] == [globex]


def test_foreign_state_and_replay_and_other_seller_connect_nothing(amazon, alice, acme, charlie):
    page = browser(alice)
    arrive(page)
    state = go_back(page, acme)[1]["state"]

    assert come_back(browser(charlie), state).status_code == 400
    other = come_back(page, state, "A2SOMEBODYELSE9")
    assert other.status_code == 400
    assert "A2SOMEBODYELSE9" in other.content.decode()
    assert come_back(page, state).status_code == 400
    assert connections() == []


def test_what_waits_is_gone_once_used_or_too_late(amazon, alice, acme):
    page = browser(alice)
    arrive(page)
    with time_machine.travel(now() + timedelta(minutes=31)):
        assert page.get(reverse("amazon:appstore")).status_code == 400
    go_back(page, acme)

    assert page.get(reverse("amazon:appstore")).status_code == 400


def test_authorizing_again_replaces_the_token_of_the_same_connection(amazon, alice, acme):
    page = browser(alice)
    arrive(page)
    come_back(page, go_back(page, acme)[1]["state"])
    [first] = connections()
    eva = factories.member(acme, "eva@acme.test", "owner")
    page = browser(eva)
    amazon.answers["/auth/o2/token"] = [(200, {"access_token": "Atza|2", "refresh_token": "Atzr|2"})]

    with time_machine.travel(now() + timedelta(days=100)):
        page.force_login(eva)
        says = page.get(arrive(page).url).content.decode()
        come_back(page, go_back(page, acme)[1]["state"])

    [again] = connections()
    assert "has this seller already" in says
    assert again.pk == first.pk
    assert open_from(again.grant, "refresh_token") == "Atzr|2"
    assert again.grant.hard_expires_at - again.grant.consented_at == timedelta(days=365)
    assert again.grant.consented_at > first.grant.consented_at + timedelta(days=99)


def test_owner_renews_from_the_connections_page_for_the_same_seller_only(amazon, alice, bob, acme):
    page = browser(alice)
    arrive(page)
    come_back(page, go_back(page, acme)[1]["state"])
    [connection] = connections()
    renew = reverse("tenants:connection_renew", args=[connection.pk])

    assert "Renew now" in page.get(reverse("tenants:connection", args=[connection.pk])).content.decode()
    assert browser(bob).post(renew).status_code == 403
    text = page.post(renew).content.decode()
    address = urlsplit(unescape(re.search(r'id="consent"[^>]* href="([^"]+)"', text).group(1)))
    state = parse_qs(address.query)["state"][0]
    assert (address.netloc, address.path) == ("sellercentral.amazon.com", "/apps/authorize/consent")
    assert come_back(page, state, "A2SOMEBODYELSE9").status_code == 400
    assert [one.remote_id for one in connections()] == [SELLER]
    with unscoped("looking"):
        assert not Alert.objects.exists()
