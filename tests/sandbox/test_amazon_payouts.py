"""Balances, summaries and payouts of the pretend Amazon, and sellers with several accounts."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from amazon.sandbox import AmazonStandIn
from sandbox.clock import frozen
from tests.sandbox.amazon_caller import NOON, Caller, demo_caller, first_error

FINANCES = "/finances/2024-06-19"
PAYOUTS = "/finances/transfers/2024-06-01/payouts"
GERMANY, FRANCE, BRITAIN = "A1PA6795UKMFR9", "A13V1IB3VIYZZH", "A1F83G8C2ARO7P"


def minor(money):
    return round(Decimal(str(money["currencyAmount"])) * 100)


def balances(caller, **query):
    (found,) = caller.get(f"{FINANCES}/balances", **query).json["balances"]

    def amounts(each):
        return {each["balanceType"]: minor(each["amount"])} | {
            kind: amount for part in each.get("balances", ()) for kind, amount in amounts(part).items()
        }

    return amounts(found)


def payouts(caller, **query):
    return caller.get(PAYOUTS, **query).json["payouts"]


@pytest.fixture
def caller():
    return demo_caller()


@pytest.fixture
def merchant():
    """A European seller: EUR on two marketplaces, GBP, and EUR invoices to companies."""
    stand_in = AmazonStandIn(clock=frozen(NOON))
    loading = stand_in.merchants.actions()
    stated = loading["merchant"](
        {
            "seed": 5,
            "accounts": [
                {"country": "DE", "also": ["FR"], "settlements": 3, "held": 2},
                {"country": "GB", "settlements": 3},
                {"country": "DE", "settlements": 2, "account_type": "Invoiced orders", "held": 1},
            ],
        }
    )
    caller = Caller(stand_in, stated["seller_id"])
    caller.switch(rate_scale=0)
    return caller


def test_balances_of_a_day_are_those_of_the_truth(caller):
    stated = caller.control("truth", seller_id=caller.seller_id)["money"]["month_ends"]

    for each in stated:
        found = balances(caller, asOfDate=each["date"])
        assert found["TOTAL"] == each["total"] == found["AVAILABLE"] + found["RESERVED"]
        assert found["RESERVED"] == found["DEFERRED"] + found["ACCOUNT_LEVEL_RESERVE"]
        assert (found["DEFERRED"], found["ACCOUNT_LEVEL_RESERVE"]) == (each["deferred"], each["reserve"])
    assert any(each["deferred"] for each in stated)


def test_balance_of_now_says_when_in_local_time_and_one_type_can_be_asked_for(caller):
    (now,) = caller.get(f"{FINANCES}/balances", balanceType="DEFERRED").json["balances"]

    assert (now["lastUpdatedTime"], now["balanceType"]) == ("2026-11-20T04:00:00-08:00", "DEFERRED")
    assert minor(now["amount"]) > 0


def test_summary_of_a_settlement_is_its_total(caller):
    for each in caller.control("truth", seller_id=caller.seller_id)["settlements"]:
        query = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": each["settlement_id"]}
        (summary,) = caller.get(f"{FINANCES}/summary", **query).json["summaries"]
        assert minor(summary["netProceeds"]) == each["total"]
        assert sum(minor(part["breakdownAmount"]) for part in summary["breakdowns"]) == each["total"]


def test_summaries_of_days_add_up(caller):
    def proceeds(start, end):
        answer = caller.get(f"{FINANCES}/summary", periodStart=start, periodEnd=end)
        return minor(answer.json["summaries"][0]["netProceeds"])

    assert proceeds("2026-09-01", "2026-09-30") + proceeds("2026-10-01", "2026-10-31") == proceeds(
        "2026-09-01", "2026-10-31"
    )


def test_payouts_say_what_became_of_each_settlement(caller):
    stated = {
        each["settlement_id"]: each for each in caller.control("truth", seller_id=caller.seller_id)["settlements"]
    }

    found = {each["id"]: each for each in payouts(caller)}

    assert set(found) == set(stated)
    for settlement_id, each in found.items():
        total = stated[settlement_id]["total"]
        assert ("amount" in each) is (total > 0)
        assert each["currentStatus"] == each["statusHistory"][-1]["status"]
        if total > 0:
            assert minor(each["amount"]) == total
        else:
            assert [step["status"] for step in each["statusHistory"]] == ["NO_PAYOUT"]
    failed = [each for each in found.values() if each["currentStatus"] == "FAILED"]
    assert [stated[each["id"]]["payout"]["state"] for each in failed] == ["failed"]
    assert failed[0]["statusHistory"][-1]["failureReason"]
    assert list(found) == list(reversed(stated))


def test_a_payout_starts_travels_and_arrives(caller):
    (last, *_) = payouts(caller)
    created = datetime.fromisoformat(last["creationDate"])
    seen = []

    for days in (0, 2, 9):
        caller.travel(seconds=(created + timedelta(days=days) - caller.stand_in.clock.now()).total_seconds())
        (each,) = payouts(caller, payoutId=last["id"])
        seen.append((each["currentStatus"], "traceId" in each, len(each["statusHistory"])))

    assert seen == [("STARTED", False, 1), ("IN_TRANSIT", True, 2), ("PAID", True, 3)]
    caller.travel(days=-9, seconds=-1)
    assert payouts(caller, payoutId=last["id"]) == []


def test_payouts_are_found_by_when_they_were_created(caller):
    newest, second, *_ = payouts(caller)

    assert payouts(caller, createdAfter=newest["creationDate"]) == [newest]
    assert payouts(caller, createdBefore=newest["creationDate"])[0] == second


def test_a_cancelled_payout_is_owed_again(caller):
    caller.travel(days=1)
    last = payouts(caller)[0]
    before = balances(caller)["TOTAL"]

    caller.control(
        "end_payout", seller_id=caller.seller_id, payout_id=last["id"], status="CANCELLED", reason="Account closed"
    )
    caller.travel(seconds=1)

    (now,) = payouts(caller, payoutId=last["id"])
    assert (now["currentStatus"], now["statusHistory"][-1]["failureReason"]) == ("CANCELLED", "Account closed")
    assert balances(caller)["TOTAL"] == before + minor(last["amount"])


def test_expected_payout_is_what_is_available_of_the_running_period(caller):
    (expected,) = caller.get(f"{PAYOUTS}/expected").json["expectedPayouts"]
    assert expected["status"] in ("SCHEDULED", "NO_PAYOUT_EXPECTED")
    caller.travel(days=9)

    (later,) = caller.get(f"{PAYOUTS}/expected").json["expectedPayouts"]

    assert (later["status"], minor(later["amount"])) == ("SCHEDULED", balances(caller)["AVAILABLE"])
    caller.switch(expected_payout="AT_RISK")
    assert caller.get(f"{PAYOUTS}/expected").json["expectedPayouts"][0]["status"] == "AT_RISK"


@pytest.mark.parametrize(
    ("path", "query"),
    [
        (f"{FINANCES}/balances", {"balanceType": "ALL"}),
        (f"{FINANCES}/balances", {"asOfDate": "yesterday"}),
        (f"{FINANCES}/summary", {}),
        (f"{FINANCES}/summary", {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "1"}),
        (f"{FINANCES}/summary", {"periodStart": "2026-10-02", "periodEnd": "2026-10-01"}),
        (PAYOUTS, {"marketplaceIds": "INVALID_MARKETPLACE"}),
        (PAYOUTS, {"nextToken": "made+up="}),
    ],
)
def test_what_cannot_be_asked_is_refused(caller, path, query):
    answer = caller.get(path, **query)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_a_seller_has_an_account_for_each_type_and_currency(merchant):
    stated = merchant.control("truth", seller_id=merchant.seller_id)["accounts"]

    found = merchant.get(f"{FINANCES}/balances").json["balances"]

    assert [(each["partnerMetadata"]["accountType"], each["amount"]["currencyCode"]) for each in found] == [
        ("Standard Orders", "EUR"),
        ("Standard Orders", "GBP"),
        ("Invoiced orders", "EUR"),
    ]
    assert len(merchant.get(f"{FINANCES}/balances", marketplaceIds=FRANCE).json["balances"]) == 1
    assert len(payouts(merchant)) == 8
    assert len(payouts(merchant, accountType="Invoiced orders")) == 2
    assert len(payouts(merchant, marketplaceIds=f"{FRANCE},{BRITAIN}")) == 6
    assert len({each["settlements"][-1]["ends_at"][11:] for each in stated}) == 3


def test_reports_of_several_marketplaces_name_them_all_and_groups_stay_apart(merchant):
    reports = merchant.settlements(pageSize="100").json["reports"]

    assert sorted(sorted(each["marketplaceIds"]) for each in reports) == sorted(
        [sorted([GERMANY, FRANCE])] * 3 + [[BRITAIN]] * 3 + [[GERMANY]] * 2
    )
    since = {"FinancialEventGroupStartedAfter": "2026-09-01T00:00:00Z", "MaxResultsPerPage": "100"}
    groups = merchant.get("/finances/v0/financialEventGroups", **since).json["payload"]["FinancialEventGroupList"]
    assert len(groups) == 8 + 3


def test_invoiced_orders_are_held_until_the_invoice_is_due(merchant):
    query = {"postedAfter": "2026-10-01T00:00:00Z", "transactionStatus": "DEFERRED"}

    held = merchant.get(f"{FINANCES}/transactions", **query).json["payload"]["transactions"]

    reasons = {(each["sellingPartnerMetadata"]["accountType"], each["contexts"][0]["deferralReason"]) for each in held}
    assert reasons == {("Standard Orders", "DD7"), ("Invoiced orders", "B2B")}


def test_two_years_are_in_the_truth_and_the_last_90_days_in_the_reports():
    stand_in = AmazonStandIn(clock=frozen(NOON))
    stated = stand_in.controls()["seller"]({"shape": {"settlements": 52, "orders": 2}, "seed": 6})
    caller = Caller(stand_in, stated["seller"]["seller_id"])
    caller.switch(rate_scale=0)

    shown = caller.settlements(pageSize="100").json["reports"]

    assert len(stated["settlements"]) == len(payouts(caller)) == 52
    assert {each["reportId"] for each in shown} < {each["report_id"] for each in stated["settlements"]}
    assert len(shown) in (6, 7)
    oldest = stated["settlements"][0]
    text = caller.control("settlement_file", seller_id=caller.seller_id, report_id=oldest["report_id"])["text"]
    assert text.splitlines()[1].startswith(oldest["settlement_id"])
    assert len(stated["money"]["month_ends"]) == 24
    assert date.fromisoformat(stated["money"]["month_ends"][-1]["date"]) == date(2026, 10, 31)


@pytest.mark.parametrize(
    "accounts",
    [
        [{"country": "US"}, {"country": "DE"}],
        [{"country": "DE"}, {"country": "FR"}],
        [{"country": "DE", "also": ["GB"]}],
        [{"country": "US", "colour": "red"}],
    ],
)
def test_a_seller_that_cannot_be_is_refused(accounts):
    client = demo_caller().client

    assert client.post("/_control/do/merchant", json={"accounts": accounts}).status_code == 400
