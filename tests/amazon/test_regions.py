"""Accounts in North America, Europe and the Far East beside each other, through the stand-in at Amazon's own addresses."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from amazon import participations
from amazon.client import ENDPOINTS, Client, Forbidden
from amazon.connect import client_for
from amazon.models import Settlement
from amazon.pull import pull_settlements
from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from kit.clock import now
from kit.http import Http, mount, unmount
from tenants.connections import connect_with_credentials, run_checks
from tests.amazon.fake_api import BASE, FakeApi
from tests.factories import ConnectionFactory

PLACES = {"NA": ("US", "ATVPDKIKX0DER"), "EU": ("DE", "A1PA6795UKMFR9"), "FE": ("JP", "A1VC38T7YXB528")}
pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(settings):
    settings.AMAZON_API_BASE, settings.AMAZON_TOKEN_URL = "", "https://api.amazon.com/auth/o2/token"
    stand_in = AmazonStandIn()
    stand_in.switches["rate_scale"] = 0
    settings.AMAZON_RATE_SCALE = 100_000.0
    bases = [*ENDPOINTS.values(), "https://api.amazon.com"]
    for base in bases:
        mount(base, stand_in)
    yield stand_in
    for base in bases:
        unmount(base)


def control(remote, action, **values):
    with remote.store.transaction():
        return remote.controls()[action](values)


@pytest.fixture
def connect(remote, alice, acme):
    def connect(region, **shape):
        country, marketplace = PLACES[region]
        accounts = [{"country": country, "settlements": 2, **shape}]
        seller_id = control(remote, "merchant", seed=[*PLACES].index(region) + 3, accounts=accounts)["seller_id"]
        token = control(remote, "authorise", seller_id=seller_id)["refresh_token"]
        pasted = {"marketplace": marketplace, "selling_partner_id": seller_id, "refresh_token": token}
        keys = {name: DEMO_APPLICATION[name] for name in ("client_id", "client_secret")}
        return connect_with_credentials(alice, acme, "amazon", pasted | keys).connected[0]

    return connect


def test_one_company_has_an_account_in_each_region_and_each_opens_its_own_alone(connect, in_acme):
    found = {region: connect(region) for region in PLACES}

    for connection in found.values():
        pull_settlements(connection)

    assert {region: one.data["currencies"] for region, one in found.items()} == {
        "NA": ["USD"],
        "EU": ["EUR"],
        "FE": ["JPY"],
    }
    settled = Settlement.objects.order_by("currency").values_list("connection__environment", "currency").distinct()
    assert list(settled) == [("EU", "EUR"), ("FE", "JPY"), ("NA", "USD")]
    assert not [step for one in found.values() for step in run_checks(one) if step.verdict == "failed"]
    found["EU"].data["region"] = "FE"
    with pytest.raises(Forbidden):
        client_for(found["EU"]).marketplace_participations()


def test_a_marketplace_that_was_joined_later_appears_within_a_day_and_odd_ones_stay_out(remote, connect, in_acme):
    connection = connect("EU", also=["FR"])
    connection.data["marketplaces"] = [one for one in connection.data["marketplaces"] if one["country"] == "DE"]
    connection.save()
    remote.switches["participations"] = "others too"

    early = participations.refresh(connection)
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1, minutes=1), tick=False):
        joined, again = participations.refresh(connection), participations.refresh(connection)
        read_at = now()

    connection.refresh_from_db()
    assert (early, joined, again) == ([], ["Amazon.fr"], [])
    assert {one["country"] for one in connection.data["marketplaces"]} == {"DE", "FR"}
    assert connection.data["marketplaces_at"] == read_at.isoformat()


def test_suspended_listings_are_no_error_and_an_answer_without_shops_leaves_what_was_known(in_acme):
    connection = ConnectionFactory(tenant=in_acme, provider="amazon", data={"region": "NA"})
    client = Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0)
    us = {"id": "ATVPDKIKX0DER", "countryCode": "US", "name": "Amazon.com", "defaultCurrencyCode": "USD"}
    suspended = {"marketplace": us, "participation": {"isParticipating": True, "hasSuspendedListings": True}}
    fake = FakeApi()
    for found in ([suspended], []):
        fake.answer("/sellers/v1/marketplaceParticipations", (200, {"payload": found}))
    mount(BASE, fake)

    with time_machine.travel(datetime.now(UTC)) as time:
        for _ in range(2):
            time.shift(timedelta(days=1, minutes=1))
            participations.refresh(connection, client)

    unmount(BASE)
    assert len(fake.asked) == 2
    assert [one["name"] for one in connection.data["marketplaces"] if one["active"]] == ["Amazon.com"]
