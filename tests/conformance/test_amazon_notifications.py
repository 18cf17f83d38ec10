"""Answers of the pretend Notifications API, and the notifications themselves, fit the official models and schemas."""

import json

import pytest
from jsonschema import Draft7Validator

from tests.conformance.amazon_models import FORMATS, SPECS, check, needs_models, strict
from tests.sandbox.amazon_notified import DESTINATIONS, QUEUE, SUBSCRIPTIONS, VERSIONS, notified
from tests.sandbox.test_amazon_deliveries import TRANSACTION

pytestmark = needs_models
SCHEMAS = {
    "ORDER_CHANGE": "OrderChangeNotification",
    "REPORT_PROCESSING_FINISHED": "ReportProcessingFinishedNotification",
    "TRANSACTION_UPDATE": "TransactionUpdateNotification",
}


def problems(kind, message):
    schema = json.loads((SPECS / "schemas" / "notifications" / f"{SCHEMAS[kind]}.json").read_text())
    schema.pop("$id")
    return [each.message for each in Draft7Validator(strict(schema), format_checker=FORMATS).iter_errors(message)]


def test_answers_of_the_notifications_api_fit_the_model():
    told = notified()
    destination_id, order = told.destination(), f"{SUBSCRIPTIONS}/ORDER_CHANGE"
    made = told.subscribe("ORDER_CHANGE", destination_id, processingDirective={"filterExpression": "true"})
    again = told.as_app("POST", DESTINATIONS, {"name": "T", "resourceSpecification": {"sqs": {"arn": QUEUE}}})
    by_id = f"{order}/{made.json['payload']['subscriptionId']}"
    test = {"destinationId": destination_id, "testNotification": {"payloadVersion": "1.0"}}

    check("createSubscription", made)
    check("createSubscription", told.subscribe("ORDER_CHANGE", destination_id))
    check("createSubscription", told.subscribe("ORDER_CHANGE", destination_id, "9"))
    check("createDestination", again)
    check("getDestinations", told.as_app("GET", DESTINATIONS))
    check("getDestination", told.as_app("GET", f"{DESTINATIONS}/{destination_id}"))
    check("getDestination", told.as_app("GET", f"{DESTINATIONS}/none"))
    check("getSubscription", told.as_seller("GET", order))
    check("getSubscriptions", told.as_seller("GET", SUBSCRIPTIONS, notificationTypes="ORDER_CHANGE"))
    check("getSubscriptions", told.as_seller("GET", SUBSCRIPTIONS))
    check("getSubscriptionById", told.as_app("GET", by_id))
    check("sendTestNotification", told.as_app("POST", f"{order}/testNotification", test, root="/sandbox"))
    check("deleteDestination", told.as_app("DELETE", f"{DESTINATIONS}/{destination_id}"))
    check("deleteSubscriptionById", told.as_app("DELETE", by_id))
    check("getSubscription", told.as_seller("GET", order))
    check("deleteDestination", told.as_app("DELETE", f"{DESTINATIONS}/{destination_id}"))


@pytest.mark.parametrize("kind", sorted(SCHEMAS))
def test_notification_fits_its_schema_real_or_test(kind):
    told = notified(kind)
    seller_id = told.caller.seller_id
    destination_id = told.as_seller("GET", f"{SUBSCRIPTIONS}/{kind}").json["payload"]["destinationId"]
    body = {"destinationId": destination_id, "testNotification": {"payloadVersion": VERSIONS[kind]}}

    for order_id in told.caller.control("truth", seller_id=seller_id)["orders"]["ids"][:20]:
        told.caller.control("update_order", seller_id=seller_id, order_id=order_id, status="UNSHIPPED")
    told.caller.control("publish", seller_id=seller_id, status="CANCELLED")
    told.caller.control("publish", seller_id=seller_id, text="a\tb\n")
    told.caller.stand_in.queues.tell("TRANSACTION_UPDATE", seller_id, TRANSACTION)
    told.as_app("POST", f"{SUBSCRIPTIONS}/{kind}/testNotification", body, root="/sandbox")

    found = told.taken()
    assert len(found) >= 2
    assert [problems(kind, each) for each in found] == [[]] * len(found)
    metadata = found[0].get("NotificationMetadata") or found[0]["notificationMetadata"]
    metadata.clear()
    assert problems(kind, found[0])
