"""Every answer of the pretend Amazon fits the official models, and their static sandbox cases can be replayed on it."""

import re
from collections import Counter

import pytest

from amazon.sandbox.plans import PLANS
from tests.conformance.amazon_models import (
    WITHOUT_MODEL,
    calls,
    check,
    make,
    needs_models,
    operations,
    replay,
    send,
    static_cases,
)
from tests.sandbox.amazon_caller import demo_caller

pytestmark = needs_models

CASES = {
    "searchOrders": 4,
    "getOrder": 4,
    "getOrders": 4,
    "getOrderV0": 3,
    "getOrderBuyerInfo": 2,
    "getOrderAddress": 2,
    "getOrderItems": 2,
    "getOrderItemsBuyerInfo": 2,
    "getReports": 2,
    "createReport": 2,
    "cancelReport": 2,
    "getReport": 2,
    "getReportSchedules": 2,
    "createReportSchedule": 2,
    "cancelReportSchedule": 2,
    "getReportSchedule": 2,
    "getReportDocument": 2,
    "listFinancialEventGroups": 2,
    "listFinancialEventsByGroupId": 2,
    "listFinancialEventsByOrderId": 2,
    "listFinancialEvents": 2,
    "listTransactions": 2,
    "listBalances": 3,
    "listSummary": 2,
    "initiatePayout": 2,
    "listPayouts": 2,
    "getPaymentMethods": 2,
    "listExpectedPayouts": 2,
    "getMarketplaceParticipations": 1,
    "getAccount": 2,
    "createRestrictedDataToken": 3,
    "getSubscriptions": 1,
    "getSubscription": 1,
    "createSubscription": 1,
    "getSubscriptionById": 1,
    "deleteSubscriptionById": 1,
    "getDestinations": 1,
    "createDestination": 1,
    "getDestination": 1,
    "deleteDestination": 1,
}
"""How many static sandbox cases the models of August 2026 hold for each operation of ours."""


@pytest.fixture(scope="module")
def caller():
    return demo_caller()


@pytest.fixture(scope="module")
def sandbox():
    caller = demo_caller()
    caller.control("static_cases", cases=static_cases())
    return caller


@pytest.mark.parametrize("call", calls(), ids=str)
def test_answer_fits_the_model(caller, call):
    answer = make(caller, call)

    assert answer.status_code == call.status, answer.text
    check(call.operation, answer)


@pytest.mark.parametrize("operation", sorted(set(PLANS) - WITHOUT_MODEL))
def test_error_bodies_fit_the_model(caller, operation):
    for status in (403, 429, 500, 503):
        fault = caller.stand_in.faults.add(operation=operation, boundary="before_commit", do="status", status=status)

        answer = send(caller, operation, {}, {}, None)
        caller.stand_in.faults.remove(fault)

        assert answer.status_code == status
        check(operation, answer)


@pytest.mark.parametrize("operation", sorted(set(PLANS) - WITHOUT_MODEL))
def test_usage_plan_is_the_published_one(operation):
    described = operations()[operation].described["description"]

    ((rate, burst),) = re.findall(r"^\| *([\d.]+) *\| *(\d+) *\|", described, re.MULTILINE)

    assert (float(rate), int(burst)) == PLANS[operation]


def test_every_operation_of_ours_is_answered_and_has_the_cases_we_know(caller):
    found = Counter(case["operation"] for case in static_cases())

    assert found == CASES
    assert set(operations()) - set(caller.stand_in.operations()) == set()


@pytest.mark.parametrize("operation", sorted(CASES))
def test_static_cases_are_replayed(sandbox, record_property, operation):
    cases = [case for case in static_cases() if case["operation"] == operation]
    sent = [frozenset(map(str, case["parameters"].items())) for case in cases]

    for case, parameters in zip(cases, sent, strict=True):
        # Of two cases with the same parameters a switch says which is answered.
        shadowed = sent.count(parameters) > 1 and case["status"] >= 400
        sandbox.switch(equal_static_cases="error" if shadowed else "success")
        answer = replay(sandbox, case)
        assert (answer.status_code, answer.json if answer.data else None) == (case["status"], case["response"])

    record_property("static cases", len(cases))
    assert len(cases) == CASES[operation]
