"""What arrives in the queues of the pretend Amazon, and how it can go wrong on the way."""

from datetime import timedelta

import pytest

from amazon.sandbox import DEMO_APPLICATION
from sandbox.jsontext import loads
from tests.sandbox.amazon_caller import NOON, Caller, first_error
from tests.sandbox.amazon_notified import QUEUE, SUBSCRIPTIONS, notified

TRANSACTION = {
    "transactionId": "T1",
    "transactionStatus": "RELEASED",
    "description": "Order Payment",
    "marketplaceDetails": {"marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
    "items": [],
    "breakdowns": [],
    "sellingPartnerMetadata": {"accountType": "Standard Orders", "marketplaceId": "ATVPDKIKX0DER"},
    "relatedIdentifiers": [
        {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "111-0000001-0000001"},
        {"relatedIdentifierName": "FINANCIAL_EVENT_GROUP_ID", "relatedIdentifierValue": "G1"},
    ],
    "transactionType": "Shipment",
    "postedDate": "2026-11-20T12:00:00Z",
    "totalAmount": {"currencyAmount": 12, "currencyCode": "USD"},
}


def an_order(told):
    return told.caller.control("truth", seller_id=told.caller.seller_id)["orders"]["ids"][0]


def ship(told, status="SHIPPED"):
    told.caller.control("update_order", seller_id=told.caller.seller_id, order_id=an_order(told), status=status)


def finish(told, **given):
    return told.caller.control("publish", seller_id=told.caller.seller_id, text="a\tb\n", **given)["report_id"]


def test_changed_order_is_told_in_the_words_of_the_old_api():
    told = notified("ORDER_CHANGE")

    ship(told, "CANCELLED")

    (message,) = told.taken()
    change = message["Payload"]["OrderChangeNotification"]
    assert message["NotificationType"] == "ORDER_CHANGE"
    assert message["NotificationMetadata"]["ApplicationId"] == DEMO_APPLICATION["application_id"]
    assert (change["SellerId"], change["AmazonOrderId"]) == (told.caller.seller_id, an_order(told))
    assert change["Summary"]["OrderStatus"] == "Canceled"
    assert told.taken() == []


def test_report_is_told_when_its_processing_ends_asked_for_or_not():
    told = notified("REPORT_PROCESSING_FINISHED")
    report_id = finish(told, takes_s=60)
    waiting = finish(told, status="IN_QUEUE")

    early = told.taken()
    told.caller.stand_in.clock.advance(60)
    (message,) = told.taken()

    finished = message["payload"]["reportProcessingFinishedNotification"]
    assert early == []
    assert (message["payloadVersion"], message["notificationType"]) == ("2020-09-04", "REPORT_PROCESSING_FINISHED")
    assert finished["accountId"] == f"amzn1.merchant.o.{told.caller.seller_id}"
    assert (finished["reportId"], finished["processingStatus"]) == (report_id, "DONE")
    assert waiting != report_id


def test_report_told_again_before_its_end_is_told_as_it_was_told_last():
    told = notified("REPORT_PROCESSING_FINISHED")
    report = {"reportId": "7", "reportType": "T", "processingEndTime": "2026-11-20T12:05:00.000Z"}
    for status in ("DONE", "CANCELLED"):
        told.caller.stand_in.queues.tell(
            "REPORT_PROCESSING_FINISHED", told.caller.seller_id, {**report, "processingStatus": status}
        )
    told.caller.stand_in.clock.advance(300)

    (message,) = told.taken()

    assert message["payload"]["reportProcessingFinishedNotification"]["processingStatus"] == "CANCELLED"


def test_posted_transaction_is_told_without_its_id():
    told = notified("TRANSACTION_UPDATE")

    told.caller.control("put_transaction", seller_id=told.caller.seller_id, transaction=TRANSACTION)

    update = told.taken()[0]["Payload"]["TransactionUpdateNotification"]
    names = [each["RelatedIdentifierName"] for each in update["RelatedIdentifiers"]]
    assert names == ["OrderId", "FinancialEventGroupId"]
    assert update["TotalAmount"] == {"CurrencyAmount": 12, "CurrencyCode": "USD"}
    assert "TransactionId" not in update


def test_only_what_is_subscribed_authorised_and_let_through_by_the_filter_arrives():
    told = notified()
    wanted = {"eventFilterType": "ORDER_CHANGE", "marketplaceIds": ["A2EUQ1WTGCTBG2"]}
    destination_id = told.destination()
    subscribed = told.subscribe("ORDER_CHANGE", destination_id, processingDirective={"eventFilter": wanted})

    ship(told)
    finish(told)
    assert told.taken() == []

    subscription_id = subscribed.json["payload"]["subscriptionId"]
    told.as_app("DELETE", f"{SUBSCRIPTIONS}/ORDER_CHANGE/{subscription_id}")
    told.subscribe("ORDER_CHANGE", destination_id)
    ship(told)
    assert len(told.taken()) == 1

    told.caller.control("revoke", seller_id=told.caller.seller_id)
    ship(told)
    assert told.taken() == []


def test_other_sellers_are_not_told_about():
    told = notified("ORDER_CHANGE")
    other = Caller(told.caller.stand_in, told.caller.control("seller", seed=3)["seller"]["seller_id"])
    order_id = other.control("truth", seller_id=other.seller_id)["orders"]["ids"][0]

    other.control("update_order", seller_id=other.seller_id, order_id=order_id, status="SHIPPED")

    assert told.taken() == []


@pytest.mark.parametrize(("ids", "different"), [("same", 1), ("own", 10)])
def test_notification_may_come_ten_times(ids, different):
    told = notified("ORDER_CHANGE")
    told.caller.switch(notification_copies=10, notification_copy_ids=ids)

    ship(told)

    found = told.taken()
    assert len(found) == 10
    assert len({each["NotificationMetadata"]["NotificationId"] for each in found}) == different


def test_notifications_may_be_late_out_of_order_lost_and_full_of_news():
    told = notified("ORDER_CHANGE")
    told.caller.switch(notification_delay_s=60, notification_order="newest first", notification_fields="more")
    ship(told, "UNSHIPPED")
    early = told.taken()
    told.caller.stand_in.clock.advance(30)
    ship(told, "SHIPPED")
    told.caller.switch(notifications="lost")
    ship(told, "CANCELLED")
    told.caller.stand_in.clock.advance(60)

    found = told.taken()

    statuses = [each["Payload"]["OrderChangeNotification"]["Summary"]["OrderStatus"] for each in found]
    assert early == []
    assert statuses == ["Shipped", "Unshipped"]
    assert "AddedLater" in found[0]
    assert "AddedLater" in found[0]["Payload"]["OrderChangeNotification"]


def test_queue_that_amazon_may_no_longer_write_to_stays_empty():
    told = notified("ORDER_CHANGE")
    told.caller.control("unreachable_queue", arn=QUEUE)

    ship(told)

    assert told.taken() == []


def test_messages_are_taken_a_few_at_a_time_and_may_stay():
    told = notified("ORDER_CHANGE")
    for _ in range(3):
        ship(told)

    seen = told.caller.control("take_messages", arn=QUEUE, keep=True)
    first = told.caller.control("take_messages", arn=QUEUE, most=2)

    assert (len(seen["messages"]), seen["left"]) == (3, 3)
    assert (len(first["messages"]), first["left"]) == (2, 1)
    assert loads(first["messages"][0]["body"])["NotificationType"] == "ORDER_CHANGE"


def test_anybody_may_forge_a_message():
    told = notified()
    told.caller.control("forge_message", arn=QUEUE)
    told.caller.control(
        "forge_message", arn=QUEUE, kind="REPORT_PROCESSING_FINISHED", application_id="amzn1.sp.solution.x"
    )
    told.caller.control("forge_message", arn=QUEUE, body="[1")

    texts = [each["body"] for each in told.caller.control("take_messages", arn=QUEUE)["messages"]]

    assert loads(texts[0])["Payload"]["OrderChangeNotification"]["SellerId"] == "A0UNKNOWN00000"
    assert loads(texts[1])["notificationMetadata"]["applicationId"] == "amzn1.sp.solution.x"
    assert texts[2] == "[1"


@pytest.mark.parametrize("kind", ["ORDER_CHANGE", "REPORT_PROCESSING_FINISHED", "TRANSACTION_UPDATE"])
def test_test_message_is_sent_by_the_sandbox_host_alone(kind):
    told = notified()
    body = {"destinationId": told.destination(), "testNotification": {"payloadVersion": "1.0"}}
    path = f"{SUBSCRIPTIONS}/{kind}/testNotification"

    at_home = told.as_app("POST", path, body)
    told.caller.switch(rate_scale=1)
    statuses = [told.as_app("POST", path, body, root="/sandbox").status_code for _ in range(6)]

    found = told.taken()
    assert (at_home.status_code, first_error(at_home)["code"]) == (403, "MissingAuthenticationToken")
    assert statuses == [200] * 5 + [429]
    assert {each.get("NotificationType") or each["notificationType"] for each in found} == {kind}


def test_event_time_is_that_of_the_stand_in():
    told = notified("ORDER_CHANGE")
    told.caller.stand_in.clock.advance(3600)

    ship(told)

    at = (NOON + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert told.taken()[0]["EventTime"] == at
