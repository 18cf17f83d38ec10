"""What a settlement costs in calls of Amazon's API: the benchmark of the same name, small."""

import time_machine

from amazon.sandbox import DEMO_APPLICATION
from tests.amazon.steady import AT_FIRST, FORTNIGHT, steady


def test_a_settlement_costs_four_calls(db, settings):
    settings.AMAZON_RATE_SCALE = 1
    settings.AMAZON_APPLICATION_ID = DEMO_APPLICATION["application_id"]
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]

    with (
        time_machine.travel(AT_FIRST, tick=False) as clock,
        steady(clock, fortnights=1, orders=3, orders_every_min=3 * 24 * 60) as seller,
    ):
        calls = seller.run(FORTNIGHT)

    once = {"getReportDocument": 1, "listPayouts": 1, "listSummary": 1}  # and the list of reports that shows it
    looking = {"getReports", "searchOrders", "listBalances", "listTransactions", "getMarketplaceParticipations"}
    assert {name: count for name, count in calls.items() if name not in {*looking, "downloadDocument"}} == once
    assert max(calls[name] for name in looking) <= 5  # once in each run, whether a settlement is there or not
