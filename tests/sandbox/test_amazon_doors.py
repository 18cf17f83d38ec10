"""What every call of the pretend Selling Partner API meets first: token, user-agent, region, role, bucket, headers."""

import pytest
from werkzeug.test import Client

from amazon.sandbox import AmazonStandIn
from amazon.sandbox.plans import PLANS
from sandbox.clock import frozen
from sandbox.faults import AnswerDropped
from sandbox.store import Store
from tests.sandbox.amazon_caller import NOON, SETTLEMENTS, Caller, demo_caller, first_error

PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"


@pytest.fixture
def caller():
    return demo_caller()


def test_participations_list_the_sellers_marketplaces(caller):
    answer = caller.get(PARTICIPATIONS)

    (one,) = answer.json["payload"]
    assert one["marketplace"]["id"] == "ATVPDKIKX0DER"
    assert one["marketplace"]["defaultCurrencyCode"] == "USD"
    assert one["storeName"] == "Harbor Home Goods"
    assert one["participation"] == {"isParticipating": True, "hasSuspendedListings": False}


def test_participations_may_list_what_is_no_shop_of_amazons(caller):
    caller.switch(participations="others too")

    listed = caller.get(PARTICIPATIONS).json["payload"]

    assert [each["marketplace"]["name"] for each in listed] == ["Amazon.com", "Non-Amazon", "SI UK Prod Marketplace"]


@pytest.mark.parametrize("token", ["", "Bearer nonsense"], ids=["none", "no token"])
def test_missing_or_malformed_token_is_401(caller, token):
    answer = caller.get(PARTICIPATIONS, headers={"x-amz-access-token": token, "user-agent": "Tests/1.0"})

    assert (answer.status_code, first_error(answer)["code"]) == (401, "Unauthorized")


def test_user_agent_is_mandatory_and_short(caller):
    token = {"x-amz-access-token": caller.access_token}

    without = caller.get(PARTICIPATIONS, headers={**token, "user-agent": ""})
    too_long = caller.get(PARTICIPATIONS, headers={**token, "user-agent": "x" * 501})

    assert (without.status_code, too_long.status_code) == (403, 403)


@pytest.mark.parametrize(
    ("root", "status"), [("/na", 200), ("/eu", 403), ("/fe", 403), ("", 200)], ids=["na", "eu", "fe", "no region"]
)
def test_token_belongs_to_its_region(caller, root, status):
    answer = caller.get(PARTICIPATIONS, root=root)

    assert answer.status_code == status


def test_region_is_read_from_the_official_host_name_too(caller):
    headers = caller.headers()

    europe = caller.client.get(PARTICIPATIONS, base_url="https://sellingpartnerapi-eu.amazon.com", headers=headers)
    america = caller.client.get(PARTICIPATIONS, base_url="https://sellingpartnerapi-na.amazon.com", headers=headers)

    assert (europe.status_code, america.status_code) == (403, 200)


def test_missing_role_is_403_until_the_seller_agrees_again(caller):
    caller.control("application", roles=["Inventory and Order Tracking"])
    before = caller.settlements().status_code
    caller.control("authorise", seller_id=caller.seller_id)

    finance = caller.settlements()
    orders = caller.orders(createdAfter="2026-09-01T00:00:00Z")

    assert before == 200
    assert (finance.status_code, orders.status_code) == (403, 200)


def test_canned_answers_need_the_role_too(caller):
    caller.control("application", roles=["Inventory and Order Tracking"])
    caller.control("authorise", seller_id=caller.seller_id)

    finance = caller.get("/finances/v0/financialEvents", root="/sandbox")
    orders = caller.get("/orders/v0/orders", root="/sandbox")

    assert finance.status_code == 403
    assert orders.status_code == 400


@pytest.mark.parametrize("path", ["/reports/2021-06-30/nothing", "/finances/v0/financialEvents"])
def test_unknown_path_is_missing_authentication_token(caller, path):
    answer = caller.get(path)

    assert (answer.status_code, first_error(answer)["code"]) == (403, "MissingAuthenticationToken")


def test_bucket_is_empty_after_the_burst_and_refills_at_the_published_rate(caller):
    caller.switch(rate_scale=1)
    _, burst = PLANS["getReports"]

    statuses = [caller.settlements().status_code for _ in range(burst + 1)]
    caller.stand_in.clock.advance(44)
    too_early = caller.settlements().status_code
    caller.stand_in.clock.advance(46)
    later = caller.settlements().status_code

    assert statuses == [200] * burst + [429]
    assert (too_early, later) == (429, 200)


def test_throttled_answer_says_nothing_about_when_to_come_back(caller):
    caller.switch(rate_scale=1)
    for _ in range(PLANS["getReports"].burst):
        caller.settlements()

    answer = caller.settlements()

    assert first_error(answer)["code"] == "QuotaExceeded"
    assert "x-amzn-RateLimit-Limit" not in answer.headers
    assert "Retry-After" not in answer.headers
    assert answer.headers["x-amzn-RequestId"]


def test_buckets_are_per_operation_and_per_seller(caller):
    caller.switch(rate_scale=1)
    for _ in range(PLANS["getReports"].burst + 1):
        caller.settlements()
    other = Caller(caller.stand_in, caller.control("seller", seed=3)["seller"]["seller_id"])

    assert caller.orders(createdAfter="2026-09-01T00:00:00Z").status_code == 200
    assert other.settlements().status_code == 200


def test_rates_can_be_scaled(caller):
    caller.switch(rate_scale=1000)
    for _ in range(PLANS["getReports"].burst):
        caller.settlements()
    caller.stand_in.clock.advance(0.1)

    answer = caller.settlements()

    assert answer.status_code == 200
    assert answer.headers["x-amzn-RateLimit-Limit"] == "22.2"


def test_one_seller_may_have_a_higher_plan(caller):
    caller.switch(rate_scale=1)
    caller.control("plan", seller_id=caller.seller_id, operation="getReports", rate=0.5, burst=40)

    answers = [caller.settlements() for _ in range(41)]

    assert [answer.status_code for answer in answers] == [200] * 40 + [429]
    assert answers[0].headers["x-amzn-RateLimit-Limit"] == "0.5"


def test_limit_header_comes_with_200_400_and_404_only(caller):
    answers = {
        200: caller.settlements(),
        400: caller.reports(),
        404: caller.order("111-0000000-0000000"),
        403: caller.get(PARTICIPATIONS, root="/eu"),
        401: caller.get(PARTICIPATIONS, headers={"user-agent": "Tests/1.0"}),
    }

    assert {status: answer.status_code for status, answer in answers.items()} == {each: each for each in answers}
    assert [status for status, answer in answers.items() if "x-amzn-RateLimit-Limit" in answer.headers] == [
        200,
        400,
        404,
    ]


def test_limit_header_can_be_left_out(caller):
    caller.switch(limit_header="omitted")

    assert "x-amzn-RateLimit-Limit" not in caller.settlements().headers


def test_state_survives_a_restart(tmp_path):
    store = Store(tmp_path / "amazon.sqlite3")
    first = AmazonStandIn(store=store, clock=frozen(NOON))
    caller = Caller(
        first, Client(first).post("/_control/do/demo", json={"today": "2026-11-20"}).json["seller"]["seller_id"]
    )
    page = caller.settlements(pageSize="4").json
    store.close()

    caller.stand_in = AmazonStandIn(store=Store(tmp_path / "amazon.sqlite3"), clock=frozen(NOON))
    caller.client = Client(caller.stand_in)
    rest = caller.reports(nextToken=page["nextToken"])

    assert len(page["reports"]) + len(rest.json["reports"]) == 6


@pytest.mark.parametrize("operation", sorted([*PLANS, "token", "downloadDocument", "consent.show", "consent.decide"]))
def test_every_operation_has_its_boundaries(caller, operation):
    named = caller.client.get("/_control/").json["boundaries"]

    assert {f"amazon.{operation}:{place}" for place in ("before_commit", "after_commit", "mid_answer")} <= set(named)


def test_lost_refresh_answer_leaves_the_replaced_token_behind(caller):
    caller.switch(refresh_token_replaced=True)
    caller.stand_in.faults.drop_next_answer("token")

    with pytest.raises(AnswerDropped):
        caller.token("refresh_token", refresh_token=caller.refresh_token)

    assert caller.token("refresh_token", refresh_token=caller.refresh_token).json["error"] == "invalid_grant"


def test_server_error_has_amazons_shape(caller):
    caller.stand_in.faults.add(operation="getReports", boundary="before_commit", do="status", status=503)

    answer = caller.settlements()

    assert (answer.status_code, first_error(answer)["code"]) == (503, "ServiceUnavailable")


def test_one_seller_never_sees_another_ones_things(caller):
    mine = caller.settlements(pageSize="100").json["reports"]
    other = Caller(caller.stand_in, caller.control("seller", seed=9)["seller"]["seller_id"])

    listed = {each["reportId"] for each in other.settlements(pageSize="100").json["reports"]}

    # Report ids count per seller, so both sellers have one of the same number, with another document behind it.
    shared = listed & {each["reportId"] for each in mine}
    assert shared
    assert other.document(mine[0]["reportDocumentId"]).status_code == 404
    report_id = shared.pop()
    path = f"/reports/2021-06-30/reports/{report_id}"
    assert caller.get(path).json["reportDocumentId"] != other.get(path).json["reportDocumentId"]
    assert other.order(caller.control("truth", seller_id=caller.seller_id)["orders"]["ids"][0]).status_code == 404


# Static cases of the sandbox host

CASES = [
    {"operation": "getReport", "parameters": {"reportId": "ID323"}, "status": 200, "response": {"reportId": "R1"}},
    {
        "operation": "getReports",
        "parameters": {"reportTypes": ["A", "B"], "processingStatuses": ["BAD", "IN_PROGRESS"]},
        "status": 400,
        "response": {"errors": [{"code": "400", "message": "Invalid input"}]},
    },
    {"operation": "getReports", "parameters": {"reportTypes": ["A", "B"]}, "status": 200, "response": {"reports": []}},
]


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/reports/2021-06-30/reports/ID323", {}, 200),
        ("/reports/2021-06-30/reports/ID324", {}, 400),
        ("/reports/2021-06-30/reports", {"reportTypes": "B,A"}, 200),
        ("/reports/2021-06-30/reports", {"reportTypes": "A,B", "processingStatuses": "IN_PROGRESS,BAD"}, 400),
        ("/reports/2021-06-30/reports", {"reportTypes": SETTLEMENTS}, 400),
    ],
    ids=["path", "no case", "list in any order", "most parameters win", "real type"],
)
def test_sandbox_host_answers_from_loaded_cases(caller, path, query, status):
    caller.control("static_cases", cases=CASES)

    answer = caller.get(path, root="/sandbox", **query)

    assert answer.status_code == status
    assert caller.settlements().json["reports"]


def test_sandbox_host_has_a_rate_of_its_own(caller):
    caller.control("static_cases", cases=CASES)
    caller.switch(rate_scale=1)

    statuses = [caller.get("/reports/2021-06-30/reports/ID323", root="/sandbox").status_code for _ in range(16)]

    assert statuses == [200] * 15 + [429]
