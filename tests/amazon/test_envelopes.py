"""What is read from notifications, however they were wrapped; nothing personal, and nothing that is no notification."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from amazon.envelopes import BadEnvelope, read
from tests.amazon.notifications import SELLER, order_change, report_finished, sent, transaction_update

SCHEMAS = Path(__file__).resolve().parents[2].parent / "shared/specs/amazon/schemas/notifications"


def lower(value):
    if isinstance(value, dict):
        return {name[0].lower() + name[1:]: lower(each) for name, each in value.items()}
    return value


def one(body):
    [found], refused = read(body)
    assert refused == []
    return found


def test_an_order_change_names_the_order_and_when_it_changed_in_either_spelling():
    found = one(sent(order_change()))

    assert (found.kind, found.notification_id) == ("ORDER_CHANGE", "order-1")
    assert (found.seller_id, found.subject, found.status) == (SELLER, "701-0000000-0000001", "Shipped")
    assert found.happened_at == datetime(2026, 6, 1, 11, 59, tzinfo=UTC)
    assert one(json.dumps(lower(order_change())).encode()) == found


def test_nothing_personal_is_read():
    assert "48110" not in repr(one(sent(order_change())))


def test_a_report_without_a_seller_names_it_by_its_account():
    told = report_finished()
    del told["payload"]["reportProcessingFinishedNotification"]["sellerId"]

    found = one(sent(told))

    assert (found.seller_id, found.subject, found.status) == (SELLER, "54517018502", "DONE")


def test_a_transaction_has_no_id_and_so_no_key_of_its_own():
    found = one(sent(transaction_update()))

    assert (found.seller_id, found.detail, found.business_key) == (SELLER, "Shipment", "")


WRAPPED = {
    "EventBridge": lambda told: {"detail-type": "ORDER_CHANGE", "source": "aws.partner/x", "detail": told},
    "SQS to Lambda": lambda told: {"Records": [{"messageId": "1", "body": json.dumps(told)}]},
    "SQS to Pipes": lambda told: [{"messageId": "1", "body": json.dumps(told), "attributes": {}}],
    "SNS": lambda told: {"Type": "Notification", "Message": json.dumps(told), "TopicArn": "arn:aws:sns:x"},
    "SNS to SQS": lambda told: {"body": json.dumps({"Type": "Notification", "Message": json.dumps(told)})},
    "Pipes, body parsed": lambda told: {"body": told},
}


@pytest.mark.parametrize("wrap", WRAPPED.values(), ids=WRAPPED)
def test_what_a_forwarder_wraps_around_it_changes_nothing(wrap):
    told = order_change()

    assert one(sent(wrap(told))) == one(sent(told))


def test_unknown_fields_and_kinds_are_taken():
    told = order_change(Surprise={"New": True}) | {"NotificationType": "SOMETHING_NEW"}

    found = one(sent(told))

    assert (found.kind, found.seller_id, found.notification_id) == ("SOMETHING_NEW", "", "order-1")


def test_without_a_notification_id_the_same_text_is_the_same_notification():
    told, other = order_change(), order_change(status="Canceled")
    del told["NotificationMetadata"], other["NotificationMetadata"]

    first, again, different = one(sent(told)), one(sent(told)), one(sent(other))

    assert first.notification_id == again.notification_id != different.notification_id


def test_the_same_change_under_two_ids_has_one_key_and_another_change_another():
    first, again = one(sent(order_change(n=1))), one(sent(order_change(n=2)))
    later = one(sent(order_change(n=3, at="2026-06-01T12:30:00Z")))

    assert first.business_key == again.business_key != later.business_key


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON"),
        (b"not json", "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"[" * 5000, "no JSON"),
        (b"[]", "no notification"),
        (b"{}", "no notification type"),
        (b'"text"', "no notification type"),
        (b'{"Records": 3}', "no notification type"),
        (sent(order_change("../../etc")), "no amazonorderid"),
        (sent(order_change(seller="")), "no sellerid"),
        (sent(*[order_change(n=n) for n in range(101)]), "more than 100"),
        (b'[[[[[[[{"NotificationType": "ORDER_CHANGE"}]]]]]]]', "no notification type"),
    ],
)
def test_what_is_no_notification_is_refused_with_the_reason(body, why):
    with pytest.raises(BadEnvelope, match=why):
        read(body)


@pytest.mark.parametrize("odd", ["Ship\0ped", "\ud800", "x" * 5000, 7, None, {"a": "b"}, ["Shipped"]])
def test_a_value_of_an_odd_kind_or_size_is_left_out_or_cut(odd):
    told = order_change()
    told["Payload"]["OrderChangeNotification"]["Summary"]["OrderStatus"] = odd

    assert len(one(sent(told)).status.replace("x", "")) == 0
    assert len(one(sent(told)).status) <= 40


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+23:00", "9999-12-31T23:59:00-23:00", "1999-12-31T00:00:00Z"])
def test_a_time_that_no_page_could_show_is_left_out(at):
    found = one(sent(order_change(at=at)))

    assert (found.subject, found.happened_at) == ("701-0000000-0000001", None)


def test_however_deeply_a_notification_is_nested_it_is_read_or_refused():
    told = b'{"NotificationType": "ANY_OTHER", "Payload": %s%s}'

    for depth in range(700, 1100):
        try:
            [found] = read(told % (b"[" * depth, b"]" * depth))[0]
        except BadEnvelope:
            continue
        assert found.kind == "ANY_OTHER"


def test_what_can_be_read_is_taken_although_something_beside_it_cannot():
    found, refused = read(
        sent(order_change(), {"NotificationType": "ORDER_CHANGE", "Payload": {}}, transaction_update())
    )

    assert [each.kind for each in found] == ["ORDER_CHANGE", "TRANSACTION_UPDATE"]
    assert len(refused) == 1


@pytest.mark.specs
@pytest.mark.skipif(not SCHEMAS.exists(), reason="the official schemas are not beside this checkout")
@pytest.mark.parametrize("name", ["OrderChange", "ReportProcessingFinished", "TransactionUpdate"])
def test_the_official_examples_are_read(name):
    for example in json.loads((SCHEMAS / f"{name}Notification.json").read_text())["examples"]:
        found = one(json.dumps(example).encode())

        assert found.seller_id in ("A3TH9S8BH6GOGM", "amzn1.vg.6213651")  # the latter is a vendor
        assert found.notification_id == "d0e9e693-c3ad-4373-979f-ed4ec98dd746"
