"""Answers of Amazon's name the seller: its limits are shared then, and another seller's answers are refused whole."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from amazon import balances, payouts
from amazon.client import Client
from amazon.models import Balance, Payout, Transaction
from amazon.naming import AnotherSeller
from amazon.rates import pacer
from amazon.transaction_pull import pull_transactions
from kit.http import Http, mount, unmount
from kit.scope import scope
from tenants.models import Access, Alert
from tests.amazon.fake_api import BASE, FakeApi
from tests.amazon.test_payouts import BALANCES, PAYOUTS, payout
from tests.factories import ConnectionFactory, GrantFactory

TRANSACTIONS = "/finances/2024-06-19/transactions"
NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def amazon():
    fake = FakeApi()
    mount(BASE, fake)
    with time_machine.travel(NOON, tick=False):
        yield fake
    unmount(BASE)


@pytest.fixture
def client():
    return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)


NAMED = {"partnerId": "A1SELLER000", "accountType": "Standard Orders"}


def seller(tenant, remote_id="A1SELLER000"):
    grant = GrantFactory(provider="amazon", environment="NA", subject=remote_id, tenant=tenant)
    return ConnectionFactory(tenant=tenant, grant=grant, data={"region": "NA"})


def page_of(name, *found):
    return 200, {name: list(found)}


def test_an_answer_about_another_seller_is_not_stored_and_stops_the_connection_with_one_alert(
    amazon, client, in_acme, everywhere
):
    connection = seller(in_acme, "A2CLAIMED")
    sold = {"transactionId": "T-1", "sellingPartnerMetadata": {"sellingPartnerId": "A1SELLER000"}}
    amount = {"currencyCode": "USD", "currencyAmount": 10}
    amazon.answer(TRANSACTIONS, (200, {"payload": {"transactions": [sold]}}))
    amazon.answer(BALANCES, page_of("balances", {"partnerMetadata": NAMED, "balanceType": "TOTAL", "amount": amount}))
    amazon.answer(f"{PAYOUTS}/expected", page_of("expectedPayouts", {"partnerMetadata": NAMED, "amount": amount}))

    for read in (
        lambda: pull_transactions(connection, NOON - timedelta(days=10), client),
        lambda: balances.read_balances(connection, client=client),
        lambda: payouts.expect(connection, client=client),
    ):
        with pytest.raises(AnotherSeller, match="about the seller A1SELLER000, and it was A2CLAIMED"):
            read()

    assert [model.objects.count() for model in (Transaction, Balance, Payout)] == [0, 0, 0]
    connection.refresh_from_db()
    assert connection.state == Access.NEEDS_RECONNECT
    assert [one.kind for one in Alert.objects.all()] == ["needs_reconnect"]
    assert "A2CLAIMED" in Alert.objects.get().text


def test_tenants_on_a_seller_that_amazon_named_share_its_limits_and_one_who_claims_it_does_not(
    amazon, client, acme, globex, everywhere
):
    ours, theirs, claimed = seller(acme), seller(globex), seller(acme, "A3OTHER")
    claimed.remote_id = "A1SELLER000"

    for connection in (ours, theirs):
        amazon.answer(f"{PAYOUTS}/expected", page_of("expectedPayouts", payout(partnerMetadata=NAMED)))
        with scope(connection.tenant_id):
            payouts.expect(connection, client=client)
        connection.refresh_from_db()

    assert pacer(ours).account == pacer(theirs).account == "NA:A1SELLER000"
    assert pacer(claimed).account == f"NA:grant:{claimed.grant_id}"


def test_what_names_nobody_neither_marks_nor_stops(amazon, client, in_acme):
    connection = seller(in_acme)
    amazon.answer(f"{PAYOUTS}/expected", page_of("expectedPayouts", payout(partnerMetadata=None)))

    payouts.expect(connection, client=client)

    connection.refresh_from_db()
    assert (connection.state, connection.data) == (Access.ACTIVE, {"region": "NA"})
