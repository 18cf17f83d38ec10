"""What Amazon says became of payouts, against queued answers: which group is a settlement's, and what is kept of it."""

from datetime import UTC, date, datetime, timedelta

import pytest

from amazon import transfers
from amazon.client import Client, Forbidden, ServerTrouble, Throttled
from amazon.models import Settlement
from audit.models import Event
from kit.http import Http, mount, unmount
from kit.scope import scope
from tenants.models import Alert
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.factories import ConnectionFactory
from tests.web.small_books import settle

GROUPS = "/finances/v0/financialEventGroups"
pytestmark = pytest.mark.django_db


@pytest.fixture
def amazon():
    fake = FakeApi()
    mount(BASE, fake)
    yield fake
    unmount(BASE)


@pytest.fixture
def connection(in_acme):
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data={"region": "NA"})


@pytest.fixture
def settlement(acme, in_acme):
    """12.50 USD, 1 to 15 January 2026."""
    return settle(acme)


@pytest.fixture
def ask(connection):
    client = Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)
    return lambda *settlements: transfers.ask(connection, settlements, client)


def group(**values):
    """The group of ``settlement``, as far as ``values`` do not say otherwise."""
    return {
        "FinancialEventGroupId": "G-1",
        "ProcessingStatus": "Closed",
        "FundTransferStatus": "Succeeded",
        "OriginalTotal": {"CurrencyCode": "USD", "CurrencyAmount": 12.5},
        "ConvertedTotal": {"CurrencyCode": "EUR", "CurrencyAmount": 11.07},
        "FundTransferDate": "2026-01-17T08:00:01Z",
        "TraceId": "TR-9",
        "AccountTail": "4854564857",
        "FinancialEventGroupStart": "2026-01-01T00:00:00.412Z",
        "FinancialEventGroupEnd": "2026-01-15T00:00:00Z",
    } | values


def page(*groups, token=""):
    return 200, {"payload": {"FinancialEventGroupList": list(groups)} | ({"NextToken": token} if token else {})}


def test_what_amazon_paid_is_kept_with_the_settlement(amazon, ask, settlement):
    amazon.answer(GROUPS, page(group()))

    assert ask(settlement) == [settlement]

    kept = Settlement.objects.get()
    assert (kept.converted, kept.converted_currency, kept.transfer_status, kept.transferred) == (
        1107,
        "EUR",
        "Succeeded",
        True,
    )
    assert (kept.group_id, kept.trace_id, kept.account_tail) == ("G-1", "TR-9", "4857")
    assert kept.transferred_at == datetime(2026, 1, 17, 8, 0, 1, tzinfo=UTC)
    assert kept.received is None
    [asked] = amazon.asked
    assert asked.query["FinancialEventGroupStartedAfter"] == "2026-01-01T00:00:00.000Z"
    assert asked.query["FinancialEventGroupStartedBefore"] == "2026-01-01T00:00:01.000Z"
    assert Event.objects.filter(kind="settlement.transfer").count() == 1


def test_the_same_answer_again_is_nothing_new(amazon, ask, settlement):
    amazon.answer(GROUPS, page(group()))
    ask(settlement)

    assert ask(settlement) == []
    assert Event.objects.filter(kind="settlement.transfer").count() == 1


@pytest.mark.parametrize(
    "values",
    [
        {"OriginalTotal": {"CurrencyCode": "EUR", "CurrencyAmount": 12.5}},
        {"OriginalTotal": {"CurrencyCode": "USD", "CurrencyAmount": 12.51}},
        {"FinancialEventGroupStart": "2026-01-01T00:00:01Z"},
        {"FinancialEventGroupEnd": "2026-01-15T00:00:01Z"},
        {"ProcessingStatus": "Open"},
        {"FinancialEventGroupEnd": None},
        {"ConvertedTotal": {"CurrencyCode": "EUR", "CurrencyAmount": 11.071}},
        {"ConvertedTotal": {"CurrencyCode": "euros", "CurrencyAmount": 11}},
    ],
    ids=["currency", "a cent", "start", "end", "open", "no end", "no exact amount", "no currency"],
)
def test_a_group_that_differs_in_anything_is_another_ones(amazon, ask, settlement, values):
    amazon.answer(GROUPS, page(group(**values)))

    assert ask(settlement) == []

    kept = Settlement.objects.get()
    assert (kept.group_id, kept.converted) == ("", None)
    assert kept.transfer_asked_at is not None


def test_of_two_groups_that_fit_alike_neither_is_taken(amazon, ask, settlement):
    amazon.answer(GROUPS, page(group(), group(FinancialEventGroupId="G-2")))

    assert ask(settlement) == []


def test_pages_are_followed_with_the_same_arguments_through_an_empty_one(amazon, ask, settlement):
    amazon.answer(
        GROUPS, page(token="a+/="), page(group(FinancialEventGroupId="G-0", ProcessingStatus="Open"), token="b")
    )
    amazon.answer(GROUPS, page(group()))

    assert ask(settlement) == [settlement]

    first, second, third = (asked.query for asked in amazon.asked)
    assert (second.pop("NextToken"), third.pop("NextToken")) == ("a+/=", "b")
    assert first == second == third


def test_settlements_far_apart_are_asked_for_in_spans_of_less_than_180_days(amazon, ask, acme, settlement):
    amazon.answer(GROUPS, page())
    later = [settle(acme, f"1500000000{n}", start=day) for n, day in enumerate(("2026-05-01", "2026-08-01"), 2)]

    ask(*later, settlement)

    spans = [asked.query for asked in amazon.asked]
    starts = [one["FinancialEventGroupStartedAfter"][:10] for one in spans]
    assert starts == ["2026-01-01", "2026-08-01"]
    assert spans[0]["FinancialEventGroupStartedBefore"][:10] == "2026-05-01"


def test_a_refusal_is_told_to_the_members_and_trouble_waits(amazon, ask, settlement):
    denied = fault(403, "Unauthorized", "Access to requested resource is denied.")
    amazon.answer(GROUPS, denied, denied, fault(429, "QuotaExceeded"), fault(503, "ServiceUnavailable"), page(group()))

    with pytest.raises(Forbidden):
        ask(settlement)
    assert Alert.objects.filter(kind="amazon_forbidden", title__contains="payouts").exists()
    with pytest.raises(Throttled):
        ask(settlement)
    with pytest.raises(ServerTrouble):
        ask(settlement)

    assert ask(settlement) == [settlement]


def test_after_trouble_the_next_question_has_its_time(amazon, ask, connection, settlement, time_machine):
    time_machine.move_to(datetime(2026, 1, 20, tzinfo=UTC), tick=False)
    amazon.answer(GROUPS, fault(503, "ServiceUnavailable"))

    with pytest.raises(ServerTrouble) as trouble:
        ask(settlement)

    assert not transfers.waits(connection)
    time_machine.shift(timedelta(seconds=trouble.value.seconds))
    assert transfers.waits(connection)


@pytest.mark.parametrize(
    ("status", "went_through", "failed"),
    [("Succeeded", True, False), ("SUCCEEDED", True, False), ("TRANSFERED", True, False), ("Failed", False, True),
     ("Processing", False, False), ("Unknown", False, False), ("", False, False)],
)  # fmt: skip
def test_only_a_transfer_that_went_through_is_one(status, went_through, failed):
    settlement = Settlement(transfer_status=status)

    assert (settlement.transferred, settlement.transfer_failed) == (went_through, failed)


def test_a_person_and_amazon_are_never_mixed_up(acme, settlement):
    from flows import arrivals

    settlement.converted, settlement.converted_currency, settlement.transfer_status = 1107, "EUR", "Succeeded"
    assert (arrivals.received(settlement, "EUR"), arrivals.received(settlement, "GBP")) == (1107, None)
    own = arrivals.own_rate(settlement, "EUR")
    assert own is not None
    assert (own.rate, own.on) == ("0.8856", date(2026, 1, 17))

    settlement.received, settlement.received_currency = 1100, "EUR"
    assert arrivals.received(settlement, "EUR") == 1100
    assert arrivals.of_amazon(settlement, "EUR") == 1107
    assert arrivals.own_rate(settlement, "EUR") == own

    settlement.received, settlement.transfer_status = None, "Failed"
    assert arrivals.received(settlement, "EUR") is None
    assert "failed" in arrivals.said(settlement, "EUR")


def test_another_tenants_settlement_is_not_found_to_be_written_to(amazon, ask, globex, settlement):
    with scope(globex.pk):
        theirs = settle(globex)
    amazon.answer(GROUPS, page(group()))

    ask(settlement)

    with scope(globex.pk):
        theirs.refresh_from_db()
        assert (theirs.group_id, theirs.transfer_asked_at) == ("", None)
