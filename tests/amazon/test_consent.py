"""Connecting a seller: the consent in Seller Central, pasted credentials, and the connection test."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from amazon import consent
from amazon.marketplaces import MARKETPLACES
from amazon.models import Cursor
from kit.http import mount, unmount
from tenants.connections import (
    ConsentError,
    ConsentRefused,
    ConsentUnavailable,
    begin_consent,
    connect_with_credentials,
    finish_consent,
    run_checks,
)
from tenants.models import Connection
from tenants.providers import provider
from tests.amazon.fake_api import BASE, FakeApi, fault

LWA = "https://api.amazon.com"
TOKENS = "/auth/o2/token"
SELLERS = "/sellers/v1/marketplaceParticipations"
REPORTS = "/reports/2021-06-30/reports"
ORDERS = "/orders/2026-01-01/orders"
US, DE = "ATVPDKIKX0DER", "A1PA6795UKMFR9"
EU_BASE = "https://sellingpartnerapi-eu.amazon.com"
SELLER = "A2EXAMPLE1SELLER"
pytestmark = pytest.mark.django_db


def participation(marketplace, currency, active=True, store="Lamps & More"):
    return {
        "marketplace": {"id": marketplace, "countryCode": "US", "name": "Amazon.com", "defaultCurrencyCode": currency},
        "storeName": store,
        "participation": {"isParticipating": active, "hasSuspendedListings": False},
    }


@pytest.fixture
def amazon(settings):
    settings.AMAZON_APPLICATION_ID = "amzn1.sp.solution.1"
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = "amzn1.application-oa2-client.1", "s3cret"
    fake = FakeApi()
    granted = {"access_token": "Atza|1", "refresh_token": "Atzr|1", "token_type": "bearer", "expires_in": 3600}
    fake.answer(TOKENS, (200, granted))
    fake.answer(SELLERS, (200, {"payload": [participation(US, "USD"), participation("A3SI", "USD", active=False)]}))
    fake.answer(REPORTS, (200, {"reports": []}))
    fake.answer(ORDERS, (200, {"orders": []}))
    for base in (LWA, BASE, EU_BASE):
        mount(base, fake)
    yield fake
    for base in (LWA, BASE, EU_BASE):
        unmount(base)


@pytest.fixture
def connect(amazon, alice, acme):
    """Walk the consent to its end as Alice."""

    def walk(marketplace=US, **callback):
        url = begin_consent(alice, acme, "amazon", extra={"marketplace": marketplace})
        state = parse_qs(urlsplit(url).query)["state"][0]
        answer = {"state": state, "selling_partner_id": SELLER, "spapi_oauth_code": "code-1", **callback}
        return finish_consent(alice, acme, "amazon", answer).connected[0]

    return walk


def test_the_consent_page_is_in_the_seller_central_of_the_marketplace(amazon, alice, acme, settings):
    url = urlsplit(begin_consent(alice, acme, "amazon", extra={"marketplace": DE}))

    query = parse_qs(url.query)
    assert (url.netloc, url.path) == ("sellercentral-europe.amazon.com", "/apps/authorize/consent")
    assert query.keys() == {"application_id", "state", "redirect_uri"}
    assert query["application_id"] == ["amzn1.sp.solution.1"]
    assert query["redirect_uri"] == [f"{settings.SITE_URL}/connections/amazon/callback"]


# Marketplaces by the host of their Seller Central, in the order of the table of facts.
CENTRALS = {
    "CA": "sellercentral.amazon.ca", "US": "sellercentral.amazon.com", "MX": "sellercentral.amazon.com.mx",
    "BR": "sellercentral.amazon.com.br", "IE": "sellercentral.amazon.ie", "ES": "sellercentral-europe.amazon.com",
    "GB": "sellercentral-europe.amazon.com", "FR": "sellercentral-europe.amazon.com", "BE": "sellercentral.amazon.com.be",
    "NL": "sellercentral.amazon.nl", "DE": "sellercentral-europe.amazon.com", "IT": "sellercentral-europe.amazon.com",
    "SE": "sellercentral.amazon.se", "ZA": "sellercentral.amazon.co.za", "PL": "sellercentral.amazon.pl",
    "EG": "sellercentral.amazon.eg", "TR": "sellercentral.amazon.com.tr", "SA": "sellercentral.amazon.sa",
    "AE": "sellercentral.amazon.ae", "IN": "sellercentral.amazon.in", "SG": "sellercentral.amazon.sg",
    "AU": "sellercentral.amazon.com.au", "JP": "sellercentral.amazon.co.jp",
}  # fmt: skip


def test_each_of_the_23_marketplaces_consents_in_its_own_seller_central(amazon, alice, acme):
    assert len(CENTRALS) == 23

    found = {
        place.country: urlsplit(begin_consent(alice, acme, "amazon", extra={"marketplace": place.id}))
        for place in MARKETPLACES
    }

    assert {country: url.netloc for country, url in found.items()} == CENTRALS
    assert {(url.scheme, url.path) for url in found.values()} == {("https", "/apps/authorize/consent")}


def test_a_draft_application_says_so(amazon, alice, acme, settings):
    settings.AMAZON_APP_DRAFT = True

    url = begin_consent(alice, acme, "amazon", extra={"marketplace": US})

    assert parse_qs(urlsplit(url).query)["version"] == ["beta"]


def test_without_a_marketplace_there_is_no_consent_page(amazon, alice, acme):
    with pytest.raises(ConsentError, match="marketplace"):
        begin_consent(alice, acme, "amazon", extra={})


def test_a_consent_becomes_a_connection_of_the_seller_in_its_region(connect):
    connection = connect()

    assert (connection.remote_id, connection.remote_name, connection.environment) == (SELLER, "Lamps & More", "NA")
    assert connection.data["region"] == "NA"
    assert connection.data["currencies"] == ["USD"]
    assert [place["id"] for place in connection.data["marketplaces"]] == [US]


def test_the_code_is_traded_with_the_credentials_in_the_body(connect, amazon):
    connect()

    traded = amazon.asked_for(TOKENS)[0]
    assert "authorization" not in traded.headers
    assert traded.form["grant_type"] == "authorization_code"
    assert traded.form["client_secret"] == "s3cret"


def test_a_european_consent_asks_the_european_endpoint(connect, amazon):
    connection = connect(marketplace=DE)

    assert connection.environment == "EU"
    assert amazon.asked_for(SELLERS)[0].headers["host"] == "sellingpartnerapi-eu.amazon.com"


def test_consenting_again_keeps_the_connection_and_its_history(connect, in_acme):
    first = connect()
    Cursor.objects.create(connection=first, resource="orders")

    second = connect()

    assert second.pk == first.pk
    assert Connection.objects.count() == Cursor.objects.count() == 1


def test_an_authorization_that_opens_nothing_is_explained(connect, amazon):
    amazon.answers[SELLERS] = [fault(403, "Unauthorized", "Access to requested resource is denied.")]

    with pytest.raises(ConsentRefused) as raised:
        connect()

    assert "registered in Amazon.com" in raised.value.action
    assert "Atza" not in str(raised.value)


PASTED = {
    "marketplace": US,
    "selling_partner_id": f" {SELLER} ",
    "client_id": "amzn1.application-oa2-client.own",
    "client_secret": "own-secret",
    "refresh_token": "Atzr|own",
}


def test_a_private_application_connects_with_its_own_credentials(amazon, alice, acme):
    (connection,) = connect_with_credentials(alice, acme, "amazon", PASTED).connected

    sent = amazon.asked_for(TOKENS)[0].form
    assert connection.remote_id == SELLER
    assert connection.grant.application == "amzn1.application-oa2-client.own"
    assert (sent["client_id"], sent["refresh_token"]) == ("amzn1.application-oa2-client.own", "Atzr|own")


def test_the_form_asks_for_exactly_what_is_pasted():
    assert {field.name for field in provider("amazon").manual} == set(PASTED)


def test_a_merchant_token_that_is_none_is_refused_with_where_to_find_it(amazon, alice, acme):
    with pytest.raises(ConsentRefused) as raised:
        connect_with_credentials(alice, acme, "amazon", PASTED | {"selling_partner_id": "my shop"})

    assert "Merchant Token" in raised.value.action
    assert amazon.asked_for(TOKENS) == []


def test_the_environment_can_bring_the_credentials(amazon, alice, acme, settings):
    settings.AMAZON_REFRESH_TOKEN = "Atzr|env"

    (connection,) = consent.connect_from_environment(alice, acme, US, SELLER)

    assert connection.remote_id == SELLER
    assert amazon.asked_for(TOKENS)[0].form["refresh_token"] == "Atzr|env"


def test_an_incomplete_environment_names_what_is_missing(amazon, alice, acme):
    with pytest.raises(ConsentUnavailable, match="AMAZON_REFRESH_TOKEN"):
        consent.connect_from_environment(alice, acme, US, SELLER)


def verdicts(steps):
    return {step.name: step.verdict for step in steps}


def test_every_step_passes_for_a_healthy_connection(connect):
    steps = run_checks(connect())

    assert verdicts(steps) == {
        "Access token": "passed",
        "Seller and marketplaces": "passed",
        "Settlement reports": "passed",
        "Orders": "passed",
        "Clock": "skipped",
        "Yearly authorization": "passed",
        "Client secret": "skipped",
    }


@pytest.mark.parametrize(
    ("path", "step", "role"),
    [(REPORTS, "Settlement reports", "Finance and Accounting"), (ORDERS, "Orders", "Inventory and Order Tracking")],
    ids=["settlements", "orders"],
)
def test_a_missing_role_is_named(connect, amazon, path, step, role):
    amazon.answers[path] = [fault(403, "Unauthorized", "Access to requested resource is denied.")]

    steps = {found.name: found for found in run_checks(connect())}

    assert steps[step].verdict == "failed"
    assert role in steps[step].action


def test_without_a_token_the_steps_behind_it_are_skipped(connect, amazon):
    connection = connect()
    amazon.answers[TOKENS] = [(400, {"error": "invalid_grant"})]

    with time_machine.travel(datetime.now(UTC) + timedelta(hours=2)):
        steps = run_checks(connection)

    found = verdicts(steps)
    assert found["Access token"] == "failed"
    assert {found[name] for name in ("Seller and marketplaces", "Settlement reports", "Orders")} == {"skipped"}
    assert steps[0].action


def test_a_busy_amazon_is_no_fault_of_the_connection(connect, amazon):
    amazon.answers[REPORTS] = [fault(429, "QuotaExceeded")]

    steps = {step.name: step for step in run_checks(connect())}

    assert steps["Settlement reports"].verdict == "skipped"
    assert "min" in steps["Settlement reports"].action


@pytest.mark.parametrize(("ahead_s", "verdict"), [(5, "passed"), (60, "warning"), (600, "failed"), (-600, "failed")])
def test_a_wrong_clock_is_noticed(connect, amazon, ahead_s, verdict):
    theirs = format_datetime(datetime.now(UTC) - timedelta(seconds=ahead_s), usegmt=True)
    amazon.answers[ORDERS] = [(200, {"orders": []}, {"Date": theirs})]

    assert verdicts(run_checks(connect()))["Clock"] == verdict


@pytest.mark.parametrize(("days", "verdict"), [(100, "passed"), (340, "warning"), (366, "failed")])
def test_the_yearly_authorization_warns_in_time(connect, amazon, days, verdict):
    connection = connect()

    with time_machine.travel(datetime.now(UTC) + timedelta(days=days)):
        assert verdicts(run_checks(connection))["Yearly authorization"] == verdict


def test_a_private_application_has_no_yearly_date(amazon, alice, acme):
    (connection,) = connect_with_credentials(alice, acme, "amazon", PASTED).connected

    assert verdicts(run_checks(connection))["Yearly authorization"] == "skipped"
