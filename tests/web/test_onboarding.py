"""The whole way on the pages: from two connections to settlements in the books, each step where the one before leads."""

import re

import pytest
from django.urls import reverse

from flows import schedule
from tests import world as worlds

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def world(db):
    with worlds.world() as made:
        yield made


@pytest.fixture
def browser(signed_in, alice):
    return signed_in(alice)


@pytest.fixture
def asked(world, alice, acme):
    """What a person sends to create a flow between the demo seller and a company."""
    seller, company = world.seller(), world.company()
    return {
        "source": world.connect("amazon", alice, acme, seller["seller"]["seller_id"]).pk,
        "target": world.connect("quickbooks", alice, acme, company["realm"]).pk,
        "currency": "USD",
        "mode": "summary",
        "trigger": "settled",
        "layout": "deposit",
        "generic_items": "on",
        "approval": "review",
        "orders_every_min": 60,
        "settlements_every_min": 360,
    }


def at(name, *args):
    return reverse(f"flows:{name}", args=args)


def test_a_new_seller_reaches_the_first_proof(world, browser, asked):
    def dashboard():
        return browser.get(at("dashboard"))

    assert at("flow_new") in dashboard().content.decode()
    browser.post(at("flow_new"), asked)
    assert "Fetching from Amazon" in text_of(dashboard())

    [flow] = schedule.claim_due_flows()
    schedule.run_flow(flow)
    assert at("mapping_accounts", flow) in dashboard().content.decode()

    browser.post(at("mapping_accept", flow), {"missing": "needed"})
    assert at("dry_run", flow) in dashboard().content.decode()

    assert browser.post(at("flow_live", flow)).url == at("dry_run", flow)
    browser.post(at("dry_run_approve", flow))
    world.deliver()
    assert text_of(dashboard()).count("Ties") >= 3

    browser.post(at("flow_clearing", flow))
    assert "Acme Books had −202.06 USD and Tieout’s documents came to −202.06 USD" in text_of(dashboard())


def test_the_mapping_can_be_saved_as_it_is_shown(browser, asked):
    browser.post(at("flow_new"), asked | {"mode": "orders"})
    [flow] = schedule.claim_due_flows()
    schedule.run_flow(flow)
    shown = {field.html_name: field.value() for field in browser.get(at("mapping_accounts", flow)).context["form"]}

    # "+" creates the account, for what nothing is suggested for.
    browser.post(at("mapping_accounts", flow), {name: value or "+" for name, value in shown.items()})

    rows = browser.get(at("mapping_accounts", flow)).context["rows"]
    assert not [row["line"].key for row in rows if row["line"].needed and not row["line"].name]
