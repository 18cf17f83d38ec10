"""From a queue of the pretend Amazon to an address of the receiver."""

import hashlib
import hmac
from concurrent.futures import ThreadPoolExecutor

import pytest

from amazon.sandbox.forwarding import post
from sandbox.jsontext import loads
from sandbox.serve import serve
from tests.sandbox.amazon_caller import NOON
from tests.sandbox.amazon_notified import DESTINATIONS, QUEUE, notified

URL = "https://books.example/amazon/notifications"


class Receiver:
    """Answers with the statuses it is given, then with 204."""

    def __init__(self, *statuses, **headers):
        self.statuses, self.headers, self.seen = list(statuses), headers, []

    def __call__(self, url, body, headers):
        self.seen.append((url, body, headers))
        return (self.statuses.pop(0) if self.statuses else 204), self.headers


@pytest.fixture
def told():
    made = notified("ORDER_CHANGE")
    order_id = made.caller.control("truth", seller_id=made.caller.seller_id)["orders"]["ids"][0]
    made.caller.control("update_order", seller_id=made.caller.seller_id, order_id=order_id, status="SHIPPED")
    return made


def forward(told, receiver, way="event_bridge", **more):
    told.caller.stand_in.forwarding.post = receiver
    given = {"header": "x-our-key", "secret": "hush", **more}
    return told.caller.control("forward", arn=QUEUE, url=URL, **{"as": way}, **given)["sent"]


def test_api_destination_authenticates_by_a_header_of_any_name(told):
    receiver = Receiver()

    (sent,) = forward(told, receiver)

    ((url, body, headers),) = receiver.seen
    assert (url, headers["x-our-key"]) == (URL, "hush")
    assert loads(body)["NotificationMetadata"]["NotificationId"] == sent["notification_id"]
    assert (sent["status"], sent["attempt"]) == (204, 1)
    assert told.taken() == []


@pytest.mark.parametrize(
    "names",
    [("X-Tieout-Timestamp", "X-Tieout-Signature"), ("X-When", "X-Proof")],
    ids=["usual headers", "the receiver's headers"],
)
def test_hmac_forwarder_signs_timestamp_and_raw_body(told, names):
    receiver = Receiver()

    forward(told, receiver, "hmac", timestamp_header=names[0], signature_header=names[1])

    ((_, body, headers),) = receiver.seen
    signed = hmac.new(b"hush", f"{int(NOON.timestamp())}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers[names[0]] == str(int(NOON.timestamp()))
    assert headers[names[1]] == f"sha256={signed}"


def test_sqs_server_gets_a_message_it_understands(told):
    receiver = Receiver(200)

    forward(told, receiver, "sqs")

    ((_, body, headers),) = receiver.seen
    assert headers["X-Amz-Target"] == "AmazonSQS.SendMessage"
    assert loads(body)["QueueUrl"] == URL
    assert loads(loads(body)["MessageBody"])["NotificationType"] == "ORDER_CHANGE"


@pytest.mark.parametrize("status", [0, 401, 407, 409, 429, 500, 503])
def test_refused_message_is_tried_again_later(told, status):
    receiver = Receiver(status)

    first = forward(told, receiver)
    at_once = forward(told, receiver)
    told.caller.stand_in.clock.advance(2)
    later = forward(told, receiver)

    assert [each["status"] for each in first] == [status]
    assert at_once == []
    assert [(each["status"], each["attempt"]) for each in later] == [(204, 2)]


def test_receiver_may_ask_for_a_longer_pause(told):
    receiver = Receiver(429, **{"Retry-After": "120"})
    forward(told, receiver)

    told.caller.stand_in.clock.advance(119)
    early = forward(told, receiver)
    told.caller.stand_in.clock.advance(1)

    assert early == []
    assert len(forward(told, receiver)) == 1


def test_api_destination_gives_up_where_trying_again_cannot_help(told):
    forward(told, Receiver(400))

    (dead,) = told.caller.control("dead_letters", arn=QUEUE)["messages"]
    assert dead["status"] == 400
    assert told.taken() == []


def test_forwarder_of_the_receivers_own_tries_everything_again(told):
    forward(told, Receiver(400), "hmac")

    assert told.caller.control("dead_letters", arn=QUEUE)["messages"] == []
    told.caller.stand_in.clock.advance(2)
    assert len(told.taken()) == 1


def test_receiver_may_call_the_stand_in_while_it_is_told(told):
    with ThreadPoolExecutor(1) as pool:

        def receiver(*_given):
            return pool.submit(told.caller.settlements).result(timeout=2).status_code, {}

        sent = forward(told, receiver)

    assert [each["status"] for each in sent] == [200]


def test_way_is_one_of_three(told):
    answer = told.caller.client.post("/_control/do/forward", json={"arn": QUEUE, "url": URL, "as": "pigeon"})

    assert answer.status_code == 400


def test_report_that_has_ended_meanwhile_is_forwarded_without_another_request(told):
    destination_id = told.as_app("GET", DESTINATIONS).json["payload"][0]["destinationId"]
    told.subscribe("REPORT_PROCESSING_FINISHED", destination_id)
    told.taken()
    told.caller.control("publish", seller_id=told.caller.seller_id, text="a\tb\n", takes_s=60)
    told.caller.stand_in.clock.advance(60)
    told.caller.stand_in.forwarding.post = receiver = Receiver()

    told.caller.stand_in.forwarding.forward({"arn": QUEUE, "url": URL, "as": "hmac", "secret": "hush"})

    assert len(receiver.seen) == 1


def test_real_addresses_are_reached_and_silence_is_status_0():
    seen = []

    def receiver(environ, start_response):
        seen.append((environ["HTTP_X_OUR_KEY"], environ["wsgi.input"].read()))
        start_response("302 Found", [("Location", "http://127.0.0.1:1/"), ("Retry-After", "7")])
        return [b""]

    server = serve(receiver)
    status, headers = post(server.url, b"{}", {"x-our-key": "hush"})
    server.stop()
    silence = post(server.url, b"{}", {})

    assert (status, headers["Retry-After"]) == (302, "7")
    assert seen == [("hush", b"{}")]
    assert silence == (0, {})


def test_forwarding_goes_on_until_it_is_told_to_stop(told):
    told.caller.stand_in.forwarding.post = Receiver()
    given = {"arn": QUEUE, "url": URL, "as": "event_bridge", "header": "x-our-key", "secret": "hush"}

    told.caller.control("keep_forwarding", **given, every_s=3600)
    told.caller.control("stop_forwarding", arn=QUEUE)

    assert len(told.caller.stand_in.forwarding.post.seen) == 1
    assert told.taken() == []
