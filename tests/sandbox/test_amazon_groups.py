"""listFinancialEventGroups of the pretend Amazon: what became of the money of each settlement."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from amazon.sandbox import AmazonStandIn
from sandbox.clock import frozen
from sandbox.seller import Shape, seller
from tests.sandbox.amazon_caller import NOON, TODAY, Caller, first_error

PATH = "/finances/v0/financialEventGroups"
SINCE = "2026-08-01T00:00:00Z"


@pytest.fixture(scope="module")
def account():
    """A seller in pounds, paid in dollars at 1.29; the last payout is still to come, an earlier one came back."""
    return seller(
        Shape(
            "GB", 6, last_end=NOON - timedelta(days=1), negative=0, zero=0, failed=0.7, paid_in="USD", paid_at="1.29"
        ),
        5,
    )


@pytest.fixture
def caller(account):
    stand_in = AmazonStandIn(clock=frozen(NOON))
    stand_in.loading.load(account, TODAY)
    made = Caller(stand_in, account.seller_id)
    made.switch(rate_scale=0)
    return made


def groups(caller, **query):
    found, token = [], {}
    while True:
        answer = caller.get(PATH, **{"FinancialEventGroupStartedAfter": SINCE, **query, **token})
        payload = answer.json["payload"]
        found += payload["FinancialEventGroupList"]
        if not (more := payload.get("NextToken")):
            return found
        token = {"NextToken": more}


def test_every_settlement_is_a_group_with_what_was_paid_of_it(caller, account):
    closed = {each["FinancialEventGroupStart"]: each for each in groups(caller) if each["ProcessingStatus"] == "Closed"}

    assert len(closed) == len(account.settlements)
    for settlement in account.settlements:
        group = closed[settlement.starts_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")]
        original, converted = group["OriginalTotal"], group["ConvertedTotal"]
        assert (original["CurrencyCode"], round(Decimal(str(original["CurrencyAmount"])) * 100)) == (
            "GBP",
            settlement.total,
        )
        assert (converted["CurrencyCode"], round(Decimal(str(converted["CurrencyAmount"])) * 100)) == (
            "USD",
            round(Decimal(settlement.total) * Decimal("1.29")),
        )
        assert datetime.fromisoformat(group["FinancialEventGroupEnd"]) == settlement.ends_at


def test_a_period_that_runs_is_open_and_a_transfer_that_is_to_come_has_no_status(caller, account):
    latest, before, *earlier = groups(caller)

    assert (latest["ProcessingStatus"], "FinancialEventGroupEnd" in latest) == ("Open", False)
    assert (before["ProcessingStatus"], "FundTransferStatus" in before) == ("Closed", False)
    returned = [bool(each.returned_in) for each in reversed(account.settlements[:-1])]
    assert [each["FundTransferStatus"] == "Failed" for each in earlier] == returned
    assert any(returned)


@pytest.mark.parametrize("pages", ["full", "first empty"])
@pytest.mark.parametrize("size", ["1", "2", "100"])
def test_pages_come_to_the_same_whatever_their_size(caller, pages, size):
    whole = groups(caller)
    caller.switch(group_pages=pages)

    assert groups(caller, MaxResultsPerPage=size) == whole


def test_more_than_180_days_are_answered_with_nothing(caller):
    assert groups(caller, FinancialEventGroupStartedAfter="2026-05-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"FinancialEventGroupStartedAfter": "2026-11-20T11:59:00Z"},
        {"FinancialEventGroupStartedAfter": SINCE, "FinancialEventGroupStartedBefore": "2026-07-01T00:00:00Z"},
        {"FinancialEventGroupStartedAfter": SINCE, "FinancialEventGroupStartedBefore": "2026-11-20T11:59:30Z"},
        {"FinancialEventGroupStartedAfter": SINCE, "MaxResultsPerPage": "101"},
        {"FinancialEventGroupStartedAfter": SINCE, "NextToken": "made+up="},
    ],
)
def test_a_range_that_cannot_be_is_refused(caller, query):
    answer = caller.get(PATH, **query)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_a_token_goes_with_the_arguments_that_made_it(caller):
    first = caller.get(PATH, FinancialEventGroupStartedAfter=SINCE, MaxResultsPerPage="2").json["payload"]

    other = caller.get(PATH, FinancialEventGroupStartedAfter=SINCE, MaxResultsPerPage="3", NextToken=first["NextToken"])

    assert other.status_code == 400


def test_another_seller_sees_none_of_it(caller):
    stranger = seller(Shape(settlements=1), 8)
    caller.stand_in.loading.load(stranger, TODAY)

    theirs = groups(Caller(caller.stand_in, stranger.seller_id))

    assert {each["OriginalTotal"]["CurrencyCode"] for each in theirs} == {"USD"}
    assert len(theirs) == 2
