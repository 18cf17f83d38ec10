"""Destinations and subscriptions of the pretend Notifications API."""

import pytest

from tests.sandbox.amazon_caller import Caller, first_error
from tests.sandbox.amazon_notified import DESTINATIONS, QUEUE, SUBSCRIPTIONS, notified


@pytest.fixture
def told():
    return notified()


def sqs(arn=QUEUE, name="Tieout"):
    return {"name": name, "resourceSpecification": {"sqs": {"arn": arn}}}


def test_destination_is_made_found_listed_and_removed(told):
    made = told.as_app("POST", DESTINATIONS, sqs())

    payload = made.json["payload"]
    one = f"{DESTINATIONS}/{payload['destinationId']}"
    assert payload["resource"] == {"sqs": {"arn": QUEUE}}
    assert told.as_app("GET", one).json == made.json
    assert told.as_app("GET", DESTINATIONS).json == {"payload": [payload]}
    assert told.as_app("DELETE", one).json == {}
    assert told.as_app("GET", one).status_code == 404


def test_event_bus_is_named_after_the_account_and_the_application(told):
    body = {
        "name": "Bus",
        "resourceSpecification": {"eventBridge": {"region": "us-east-1", "accountId": "123456789012"}},
    }

    resource = told.as_app("POST", DESTINATIONS, body).json["payload"]["resource"]["eventBridge"]

    assert resource["name"].startswith("aws.partner/sellingpartnerapi.amazon.com/123456789012/amzn1.sp.solution.")


@pytest.mark.parametrize(
    "body",
    [
        sqs(f"{QUEUE}.fifo"),
        sqs("arn:aws:sns:us-east-1:123456789012:tieout"),
        sqs(name=""),
        {"name": "Both", "resourceSpecification": {"sqs": {"arn": QUEUE}, "eventBridge": {}}},
        {"name": "None", "resourceSpecification": {}},
        [],
    ],
    ids=["fifo", "no queue", "no name", "two resources", "no resource", "no object"],
)
def test_wrong_destination_is_refused(told, body):
    answer = told.as_app("POST", DESTINATIONS, body)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")
    assert told.as_app("GET", DESTINATIONS).json == {"payload": []}


def test_queue_that_amazon_may_not_write_to_is_no_destination(told):
    told.caller.control("unreachable_queue", arn=QUEUE)
    refused = told.as_app("POST", DESTINATIONS, sqs())
    told.caller.control("unreachable_queue", arn=QUEUE, reachable=True)
    allowed = told.as_app("POST", DESTINATIONS, sqs())
    told.caller.switch(queue_permission="refused")
    nobody = told.as_app("POST", DESTINATIONS, sqs("arn:aws:sqs:eu-west-1:123456789012:other"))

    assert (refused.status_code, allowed.status_code, nobody.status_code) == (400, 200, 400)


def test_same_destination_again_is_a_conflict(told):
    told.destination()

    again = told.as_app("POST", DESTINATIONS, sqs(name="Another name"))

    assert again.status_code == 409


def test_destination_belongs_to_one_region_and_one_application(told):
    told.as_app("POST", DESTINATIONS, sqs(), root="/eu")
    told.as_app("POST", DESTINATIONS, sqs(), root="/na")

    assert len(told.as_app("GET", DESTINATIONS, root="/eu").json["payload"]) == 1
    assert told.as_app("GET", DESTINATIONS, root="/fe").json["payload"] == []

    other = {"application_id": "amzn1.sp.solution.other", "client_id": "amzn1.application-oa2-client.other"}
    told.caller.control("application", **other)
    token = told.caller.token(
        "client_credentials", scope="sellingpartnerapi::notifications", client_id=other["client_id"]
    )
    told.tokens["notifications"] = token.json["access_token"]
    assert told.as_app("GET", DESTINATIONS).json["payload"] == []


def test_subscription_is_made_found_listed_and_removed(told):
    destination_id = told.destination()
    made = told.subscribe("ORDER_CHANGE", destination_id).json
    subscription_id = made["payload"]["subscriptionId"]
    by_id = f"{SUBSCRIPTIONS}/ORDER_CHANGE/{subscription_id}"

    assert made["payload"] == {
        "subscriptionId": subscription_id,
        "payloadVersion": "1.0",
        "destinationId": destination_id,
    }
    assert told.as_seller("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").json == made
    assert told.as_app("GET", by_id).json == made
    listed = told.as_seller("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE").json
    assert listed == {"payload": {"subscriptions": [made["payload"]]}}
    assert told.as_app("GET", f"{SUBSCRIPTIONS}/TRANSACTION_UPDATE/{subscription_id}").status_code == 404
    assert told.as_app("DELETE", f"{DESTINATIONS}/{destination_id}").status_code == 409
    assert told.as_app("DELETE", by_id).json == {}
    assert told.as_seller("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE").status_code == 404
    assert told.as_app("DELETE", f"{DESTINATIONS}/{destination_id}").status_code == 200


def test_second_subscription_of_a_seller_is_a_conflict_and_another_seller_has_its_own(told):
    destination_id = told.destination()
    told.subscribe("ORDER_CHANGE", destination_id)

    again = told.subscribe("ORDER_CHANGE", destination_id)
    told.caller = Caller(told.caller.stand_in, told.caller.control("seller", seed=3)["seller"]["seller_id"])
    other = told.subscribe("ORDER_CHANGE", destination_id)

    assert (again.status_code, other.status_code) == (409, 200)


@pytest.mark.parametrize(
    ("setting", "accepted"), [("2020-09-04", ["2020-09-04"]), ("1.0", ["1.0"]), ("both", ["2020-09-04", "1.0"])]
)
def test_payload_version_of_finished_reports_is_a_switch(told, setting, accepted):
    told.caller.switch(report_payload_version=setting)
    destination_id = told.destination()

    statuses = {
        version: told.subscribe("REPORT_PROCESSING_FINISHED", destination_id, version).status_code
        for version in ("2020-09-04", "1.0")
    }

    assert statuses == {version: 200 if version in accepted else 400 for version in statuses}


@pytest.mark.parametrize(
    ("kind", "version", "more", "status"),
    [
        ("ORDER_CHANGE", "2.0", {}, 400),
        ("NO_SUCH_TYPE", "1.0", {}, 400),
        ("APPLICATION_OAUTH_CLIENT_NEW_SECRET", "1.0", {}, 400),
        ("LISTINGS_ITEM_STATUS_CHANGE", "1.0", {}, 400),
        ("ORDER_CHANGE", "1.0", {"destinationId": "elsewhere"}, 404),
        ("ORDER_CHANGE", "1.0", {"destinationId": None}, 400),
        (
            "ORDER_CHANGE",
            "1.0",
            {"processingDirective": {"eventFilter": {"eventFilterType": "ANY_OFFER_CHANGED"}}},
            400,
        ),
        ("ORDER_CHANGE", "1.0", {"processingDirective": {"filterExpression": "x" * 257}}, 400),
        ("ORDER_CHANGE", "1.0", {"processingDirective": {"filterExpression": "true"}}, 200),
    ],
    ids=["version", "type", "console", "bus", "destination", "none", "filter", "expression", "right"],
)
def test_subscription_is_checked(told, kind, version, more, status):
    destination_id = told.destination()

    answer = told.subscribe(kind, destination_id, version, **more)

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "query", [{}, {"notificationTypes": "A,B"}, {"notificationTypes": "ORDER_CHANGE", "pageSize": "29"}]
)
def test_list_of_subscriptions_wants_one_type_and_a_page_of_thirty(told, query):
    answer = told.as_seller("GET", SUBSCRIPTIONS, **query)

    assert answer.status_code == 400


def test_each_operation_takes_one_kind_of_token(told):
    body = {"payloadVersion": "1.0", "destinationId": told.destination()}
    wrong_kind = [
        told.as_seller("GET", DESTINATIONS),
        told.as_seller("DELETE", f"{SUBSCRIPTIONS}/ORDER_CHANGE/any"),
        told.as_app("POST", f"{SUBSCRIPTIONS}/ORDER_CHANGE", body),
        told.as_app("GET", f"{SUBSCRIPTIONS}/ORDER_CHANGE"),
        told.as_app("GET", DESTINATIONS, scope="client_credential:rotation"),
        told.as_app("POST", "/applications/2023-11-30/clientSecret"),
    ]

    assert [(each.status_code, first_error(each)["code"]) for each in wrong_kind] == [(403, "Unauthorized")] * 6


def test_grantless_calls_share_one_bucket_per_application(told):
    told.as_app("GET", DESTINATIONS)
    told.caller.switch(rate_scale=1)

    statuses = [told.as_app("GET", DESTINATIONS).status_code for _ in range(6)]
    told.caller.stand_in.clock.advance(1)
    later = told.as_app("GET", DESTINATIONS)

    assert statuses == [200] * 5 + [429]
    assert later.headers["x-amzn-RateLimit-Limit"] == "1"
