"""What Amazon states of payouts, summaries and balances, against queued answers."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine

from amazon import balances, payouts, summaries
from amazon.client import Client, Forbidden, ServerTrouble
from amazon.models import Balance, Payout, Settlement
from kit.clock import now
from kit.http import Http, mount, unmount
from tenants.models import Alert
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.factories import ConnectionFactory
from tests.web.small_books import settle

PAYOUTS = "/finances/transfers/2024-06-01/payouts"
SUMMARY = "/finances/2024-06-19/summary"
BALANCES = "/finances/2024-06-19/balances"
SID = "15000000001"
pytestmark = pytest.mark.django_db


@pytest.fixture
def amazon():
    fake = FakeApi()
    mount(BASE, fake)
    yield fake
    unmount(BASE)


@pytest.fixture
def clock():
    with time_machine.travel(datetime(2026, 1, 24, 12, tzinfo=UTC), tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection(in_acme):
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data={"region": "NA"})


@pytest.fixture
def settlement(acme, connection, clock):
    """12.50 USD, 1 to 15 January 2026."""
    settlement = settle(acme)
    Settlement.objects.update(connection=connection)
    settlement.refresh_from_db()
    return settlement


@pytest.fixture
def client():
    return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)


def payout(status="PAID", **values):
    return {
        "id": "P-1",
        "partnerMetadata": {"partnerId": "A1SELLER", "accountType": "STANDARD_ORDERS", "marketplaceId": "ATVPDKIKX0DER"},
        "currentStatus": status,
        "statusHistory": [
            {"status": "STARTED", "lastUpdatedDate": "2026-01-15T00:00:00Z"},
            {"status": status, "lastUpdatedDate": "2026-01-17T12:00:00Z", "failureReason": "Account closed"},
        ],
        "type": "SCHEDULED",
        "amount": {"currencyCode": "USD", "currencyAmount": 12.5},
        "accountTail": "1234",
        "paymentMethod": "BANK_ACCOUNT",
        "creationDate": "2026-01-15T00:00:00Z",
        "paymentRail": "ACH",
        "traceId": "4B03616UONXSAWP",
        "relatedIdentifiers": [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": SID}],
    } | values  # fmt: skip


def page(*found, token="", name="payouts"):
    return 200, {name: list(found)} | ({"nextToken": token} if token else {})


def test_a_payout_is_kept_with_the_settlement_it_names(amazon, connection, settlement, client):
    amazon.answer(PAYOUTS, page(token="a+/="), page(payout(), {"id": None}))

    [told] = payouts.ask(connection, payouts.wanted(connection), client)

    kept = Settlement.objects.get()
    assert (kept.transfer_status, kept.transferred, kept.paid_out) == ("PAID", True, 1250)
    assert (kept.trace_id, kept.account_tail) == ("4B03616UONXSAWP", "1234")
    assert kept.transferred_at == datetime(2026, 1, 17, 12, tzinfo=UTC)
    assert (told.failed, told.mended) == (False, False)
    assert Payout.objects.get().account_type == "Standard Orders"
    first, second = (asked.query for asked in amazon.asked)
    assert second.pop("nextToken") == "a+/="
    assert first == second
    assert first["createdAfter"] == "2026-01-14T00:00:00.000Z"


def test_what_is_on_its_way_is_looked_at_once_a_day_and_once_more_long_after_it_was_paid(
    amazon, connection, settlement, client, clock
):
    amazon.answer(PAYOUTS, page(payout("IN_TRANSIT")), page(payout()))
    asked_on = []

    for _ in range(120):
        if wanted := payouts.wanted(connection):
            payouts.ask(connection, wanted, client)
            asked_on.append(now().date())
        clock.shift(timedelta(hours=6, seconds=1))

    assert settlement.deposit_on == date(2026, 1, 17)
    assert asked_on == [date(2026, 1, 24), date(2026, 1, 25), date(2026, 2, 12)]


def test_a_payout_is_asked_about_when_it_should_have_arrived_and_earlier_ones_go_along(
    amazon, acme, connection, settlement, client, clock
):
    amazon.answer(PAYOUTS, page(payout()))
    payouts.ask(connection, payouts.wanted(connection), client)
    settle(acme, "15000000002", start="2026-01-15")
    Settlement.objects.update(connection=connection)

    clock.move_to(datetime(2026, 2, 4, 23, tzinfo=UTC))
    too_early = payouts.wanted(connection)
    clock.move_to(datetime(2026, 2, 5, 1, tzinfo=UTC))

    assert too_early == []
    assert [one.settlement_id for one in payouts.wanted(connection)] == [SID, "15000000002"]


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED", "NO_PAYOUT"])
def test_a_payout_that_never_comes_is_told_once_and_mended_when_it_is_paid_after_all(
    amazon, connection, settlement, client, status
):
    amazon.answer(PAYOUTS, page(payout(status)), page(payout(status)), page(payout()))

    [failed] = payouts.ask(connection, [settlement], client)
    again = payouts.ask(connection, [Settlement.objects.get()], client)
    [mended] = payouts.ask(connection, [Settlement.objects.get()], client)

    assert (failed.failed, failed.mended, again, mended.failed, mended.mended) == (True, False, [], False, True)


def test_an_amount_in_another_currency_is_what_amazon_made_of_it(amazon, connection, settlement, client):
    amazon.answer(PAYOUTS, page(payout(amount={"currencyCode": "EUR", "currencyAmount": 11.07})))

    payouts.ask(connection, [settlement], client)

    kept = Settlement.objects.get()
    assert (kept.paid_out, kept.converted, kept.converted_currency) == (None, 1107, "EUR")


def test_out_of_model_payouts_and_a_loop_of_tokens_lose_nothing(amazon, connection, settlement, client):
    odd = payout("BOUNCED", amount=None, statusHistory=None, creationDate="?", period=7, partnerMetadata=[])
    amazon.answer(PAYOUTS, page(odd), page(token="a"), page(token="a"))

    [told] = payouts.ask(connection, [settlement], client)
    with pytest.raises(ServerTrouble, match="twice"):
        payouts.ask(connection, [settlement], client)

    assert (told.settlement.transfer_status, told.settlement.paid_out) == ("BOUNCED", None)


def test_expected_payouts_replace_those_expected_before(amazon, connection, clock, client):
    expected = {
        "partnerMetadata": {"partnerId": "A1", "accountType": "STANDARD_ORDERS", "marketplaceId": "ATVPDKIKX0DER"},
        "amount": {"currencyCode": "USD", "currencyAmount": 2547.89},
        "status": "SCHEDULED",
        "scheduledDate": "2024-03-22T14:00:00Z",
        "relatedIdentifiers": [{"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "SGI_1"}],
    }
    amazon.answer(f"{PAYOUTS}/expected", page(expected, name="expectedPayouts"), page(name="expectedPayouts"))

    assert payouts.expect(connection, client) == 1
    assert Payout.objects.values_list("status", "amount", "expected").get() == ("SCHEDULED", 254789, True)
    assert payouts.expect(connection, client) == 0
    assert not Payout.objects.exists()


def test_summaries_of_all_marketplaces_are_one_total_and_asked_once(amazon, connection, settlement, client):
    parts = [{"netProceeds": {"currencyCode": "USD", "currencyAmount": amount}} for amount in (10, 2.5)]
    amazon.answer(SUMMARY, page(*parts, name="summaries"))

    summaries.ask(connection, summaries.wanted(connection), client)

    assert Settlement.objects.get().summary_total == 1250
    assert summaries.wanted(connection) == []
    [asked] = amazon.asked
    assert asked.query == {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": SID}


def test_no_summary_is_asked_for_again_a_day_later(amazon, connection, settlement, client, clock):
    amazon.answer(SUMMARY, page(name="summaries"))

    summaries.ask(connection, summaries.wanted(connection), client)
    at_once = summaries.wanted(connection)
    clock.shift(timedelta(days=1, seconds=1))

    assert (at_once, summaries.wanted(connection)) == ([], [settlement])
    assert Settlement.objects.get().summary_total is None


def test_balances_are_kept_with_their_parts_once_a_day(amazon, connection, clock, client):
    def part(kind, amount, *parts):
        money = {"currencyCode": "USD", "currencyAmount": amount}
        return {"balanceType": kind, "amount": money, "balances": list(parts)}

    whose = {"partnerId": "A1", "accountType": "Standard Orders", "marketplaceId": "ATVPDKIKX0DER"}
    reserved = part("RESERVED", 7000, part("DEFERRED", 9000), part("ACCOUNT_LEVEL_RESERVE", -2000))
    total = part("TOTAL", 15000, part("AVAILABLE", 8000), reserved) | {"partnerMetadata": whose}
    amazon.answer(BALANCES, page(total | {"asOfDate": "2026-01-23"}, {"amount": "?"}, name="balances"))

    assert balances.is_due(connection)
    assert balances.read_balances(connection, client=client) == 5
    assert not balances.is_due(connection)
    balances.read_balances(connection, client=client)

    kept = Balance.objects.filter(as_of=date(2026, 1, 23), account_type="Standard Orders")
    assert dict(kept.values_list("kind", "amount")) == {
        "TOTAL": 1500000, "AVAILABLE": 800000, "RESERVED": 700000, "DEFERRED": 900000, "ACCOUNT_LEVEL_RESERVE": -200000,
    }  # fmt: skip
    assert amazon.asked[0].query == {"asOfDate": "2026-01-23"}


def test_a_missing_role_is_told_once_for_payouts(amazon, connection, settlement, client):
    amazon.answer(PAYOUTS, fault(403, "Unauthorized", "Access to requested resource is denied."))

    for _ in range(2):
        with pytest.raises(Forbidden):
            payouts.ask(connection, [settlement], client)

    assert Alert.objects.filter(kind="amazon_forbidden", title__contains="payouts").count() == 1
