"""Calls a minute, a day, in flight, and the hour after a burst (sheet §4); headers of the daily quota."""

import threading
from datetime import UTC, datetime

import pytest

from sandbox.faults import AnswerDropped

from .conftest import CUSTOMER, Api


@pytest.fixture
def paced(remote):
    """An organization on the free plan with its limits on."""
    remote.switches["rate_scale"] = 100
    return Api(remote, remote.control("create_organization", {"plan": "Free", "contacts": [CUSTOMER]}))


def test_hundred_and_first_call_of_a_minute_is_44(paced):
    answers = [paced.send("GET", "items") for _ in range(101)]
    paced.remote.clock.advance(61)

    assert {each.status_code for each in answers[:100]} == {200}
    assert (answers[100].status_code, answers[100].json["code"]) == (429, 44)
    assert "Retry-After" not in answers[100].headers
    assert paced.send("GET", "items").status_code == 200


def test_headers_tell_the_daily_quota_and_the_seconds_to_local_midnight(paced):
    headers = paced.send("GET", "items").headers

    # 18:00 UTC is 13:00 in New York.
    assert headers["x-rate-limit-limit"] == "1000"
    assert headers["x-rate-limit-remaining"] == "999"
    assert headers["x-rate-limit-reset"] == str(11 * 3600)
    assert headers["server"] == "ZGS"


def test_headers_may_be_absent(paced):
    paced.remote.switches["quota_headers"] = "absent"

    assert "x-rate-limit-limit" not in paced.send("GET", "items").headers


@pytest.mark.parametrize(
    ("plan", "trial", "quota"),
    [
        ("Free", False, 1000),
        ("Standard", False, 2000),
        ("Professional", False, 5000),
        ("Professional", True, 1000),
        ("Ultimate", False, 10000),
    ],
)
def test_quota_follows_the_plan_and_a_trial_has_a_thousand(remote, plan, trial, quota):
    api = Api(remote, remote.control("create_organization", {"plan": plan, "trial": trial}))

    assert api.send("GET", "items").headers["x-rate-limit-limit"] == str(quota)


def test_used_up_quota_is_45_until_midnight_there(paced):
    paced.control("spend_quota", calls=1000)

    refused = paced.send("GET", "items")
    paced.remote.clock.move_to(datetime(2026, 11, 21, 5, 30, tzinfo=UTC))
    paced.tokens = paced.remote.control("issue_tokens", {"user": paced.made["user"]})

    assert (refused.status_code, refused.json["code"]) == (429, 45)
    assert "1000" in refused.json["message"]
    assert paced.send("GET", "items").status_code == 200


def test_45_can_come_inside_a_500(paced):
    paced.remote.switches["quota_status"] = "500"
    paced.control("spend_quota", calls=1000)

    refused = paced.send("GET", "items")

    assert (refused.status_code, refused.json["code"]) == (500, 45)


@pytest.mark.parametrize(("setting", "used"), [("no", 1000), ("yes", 1001)])
def test_refused_calls_count_or_not(paced, setting, used):
    paced.remote.switches["refused_calls_count"] = setting
    paced.control("spend_quota", calls=1000)
    paced.send("GET", "items")

    kept = paced.remote.store.get("quota", paced.id)

    assert kept["calls"] == used


def test_burst_blocks_the_user_for_an_hour(paced):
    paced.remote.switches["burst_per_minute"] = 20
    answers = [paced.send("GET", "organizations") for _ in range(21)]
    paced.remote.clock.advance(3000)
    still = paced.send("GET", "items")
    paced.remote.clock.advance(601)
    paced.tokens = paced.remote.control("issue_tokens", {"user": paced.made["user"]})

    assert (answers[20].status_code, answers[20].json["code"]) == (429, 43)
    assert answers[20].headers["Retry-After"] == "3600"
    assert (still.json["code"], still.headers["Retry-After"]) == (43, "600")
    assert paced.send("GET", "items").status_code == 200


def test_block_can_be_put_by_hand(paced):
    paced.remote.control("block", {"user": paced.made["user"], "seconds": 90})

    refused = paced.send("GET", "items")

    assert (refused.status_code, refused.json["code"], refused.headers["Retry-After"]) == (429, 43, "90")


@pytest.mark.parametrize(("plan", "most"), [("Free", 5), ("Standard", 10)])
def test_too_many_calls_in_flight_are_1070(remote, plan, most):
    remote.switches["rate_scale"] = 100
    api = Api(remote, remote.control("create_organization", {"plan": plan}))
    api.control("busy", calls=most - 1)
    fits = api.send("GET", "items").status_code
    api.control("busy", calls=most)

    refused = api.send("GET", "items")

    assert fits == 200
    assert (refused.status_code, refused.json["code"]) == (429, 1070)


def test_calls_that_run_at_once_are_counted(paced):
    """Calls wait for each other in the stand-in; the sixth of them on the free plan is refused."""
    seen = []
    barrier = threading.Barrier(6)

    def ask():
        barrier.wait()
        seen.append(Api.send(paced, "GET", "items").json["code"])

    with paced.remote.store.transaction():
        threads = [threading.Thread(target=ask) for _ in range(6)]
        for each in threads:
            each.start()
        while paced.remote.limits._running[paced.id] < 6:
            pass
    for each in threads:
        each.join()

    assert 1070 in seen


def test_list_of_organizations_is_outside_the_quota(paced):
    paced.control("spend_quota", calls=1000)

    answer = paced.send("GET", "organizations")

    assert answer.status_code == 200
    assert "x-rate-limit-limit" not in answer.headers


def test_limits_can_be_switched_off(paced):
    paced.remote.switches["rate_scale"] = 0
    paced.control("spend_quota", calls=1000)

    assert {paced.send("GET", "items").status_code for _ in range(120)} == {200}


# Faults


def test_answer_lost_after_commit_is_in_the_books(api):
    api.remote.faults.drop_next_answer("journals.create")

    with pytest.raises(AnswerDropped):
        api.post("journals", api.journal(("Amazon Advertising", 10), ("Amazon Clearing US (USD)", -10)))

    assert api.balance("Amazon Advertising") == 10


def test_late_commit_comes_after_its_time(api):
    api.remote.faults.add(operation="journals.create", boundary="before_commit", do="late_commit", seconds=30)
    with pytest.raises(AnswerDropped):
        api.post("journals", api.journal(("Amazon Advertising", 10), ("Amazon Clearing US (USD)", -10)))
    before = api.balance("Amazon Advertising")
    api.remote.clock.advance(31)

    assert (before, api.balance("Amazon Advertising")) == (0, 10)


def test_body_can_be_cut_after_the_commit(api):
    api.remote.faults.add(operation="invoices.create", boundary="after_commit", do="cut_body")

    with pytest.raises(AnswerDropped):
        api.post("invoices", api.invoice())

    assert len(api.get("invoices")["invoices"]) == 1


def test_html_502_and_json_1000_stand_in_for_an_answer(api):
    for number, body in enumerate(("html", "json"), 1):
        api.remote.faults.add(
            operation="invoices.create", boundary="after_commit", do="status", status=502, body=body, nth=1
        )
        answer = api.send("POST", "invoices", api.invoice())

        assert answer.status_code == 502
        assert answer.mimetype == ("text/html" if body == "html" else "application/json")
        assert len(api.get("invoices")["invoices"]) == number
    assert answer.json["code"] == 1000


def test_token_dies_in_the_middle_of_a_run(api):
    api.remote.faults.add(operation="journals.create", boundary="before_commit", do="status", status=401, nth=2)
    body = api.journal(("Amazon Advertising", 10), ("Amazon Clearing US (USD)", -10))

    assert [api.code("POST", "journals", body) for _ in range(3)] == [0, 57, 0]
    assert api.balance("Amazon Advertising") == 20


def test_every_boundary_has_its_name(api):
    names = api.remote.boundaries()

    assert "zoho.journals.create:after_commit" in names
    assert "zoho.customerpayments.create:before_commit" in names
    assert "zoho.token:mid_answer" in names
