"""The consent that begins at Amazon, walked through the pretend Seller Central and our site as a browser would."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.urls import reverse
from werkzeug.test import Client as Browser

from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from kit.http import mount, unmount
from kit.scope import unscoped
from sandbox.seller import demo_seller
from tenants.models import Connection
from tests.amazon.test_appstore import browser, go_back

SELLER_CENTRAL = "https://sellercentral.amazon.com"
BASES = ("https://sellingpartnerapi-na.amazon.com", "https://api.amazon.com", SELLER_CENTRAL)
pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(settings):
    settings.AMAZON_APPLICATION_ID = DEMO_APPLICATION["application_id"]
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]
    stand_in = AmazonStandIn()
    stand_in.applications.add({"login_uri": f"{settings.SITE_URL}{reverse('amazon:login')}"})
    for base in BASES:
        mount(base, stand_in)
    yield stand_in
    for base in BASES:
        unmount(base)


def walk(remote, page, company, seller_id):
    """Press *Authorize* in Manage your apps and follow the browser home."""
    amazon = Browser(remote)
    form = {"application_id": DEMO_APPLICATION["application_id"], "seller_id": seller_id, "action": "open"}
    opened = amazon.post("/apps/manage", base_url=SELLER_CENTRAL, data=form).headers["Location"]
    page.get(urlsplit(opened).path, dict(parse_qsl(urlsplit(opened).query)))
    address, query = go_back(page, company)
    home = amazon.get(address.path, base_url=SELLER_CENTRAL, query_string=query).headers["Location"]
    return page.get(urlsplit(home).path, dict(parse_qsl(urlsplit(home).query)))


def test_seller_who_begins_at_amazon_is_connected_and_renews_without_a_second_connection(remote, alice, acme):
    truth = remote.loading.load(demo_seller(datetime.now(UTC).date()))
    seller_id = truth["seller"]["seller_id"]
    page = browser(alice)

    walk(remote, page, acme, seller_id)
    with unscoped("the test looks"):
        first = Connection.objects.get(provider="amazon")
        consented_at = first.grant.consented_at
    walk(remote, page, acme, seller_id)

    with unscoped("the test looks"):
        again = Connection.objects.get(provider="amazon")
        assert (first.remote_id, again.pk) == (seller_id, first.pk)
        assert again.grant.consented_at > consented_at
