"""Notifications from the pretend Amazon to our endpoint and into our queue: several times, mixed up, forged."""

import boto3
import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from moto.server import ThreadedMotoServer

from amazon import notice_endpoints, notice_queue
from amazon.models import Notice, Subscription
from amazon.sandbox import AmazonStandIn
from kit.clock import now
from kit.scope import scope, unscoped
from tests.factories import ConnectionFactory
from tests.sandbox.amazon_caller import Caller
from tests.sandbox.amazon_notified import QUEUE, VERSIONS, Notified
from tests.sandbox.test_amazon_deliveries import TRANSACTION, finish, ship

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(acme):
    """The stand-in's seller, subscribed to all three types, connected by Acme."""
    cache.clear()
    stand_in = AmazonStandIn()
    seller_id = stand_in.controls()["demo"]({})["seller"]["seller_id"]
    made = Notified(Caller(stand_in, seller_id))
    made.caller.switch(rate_scale=0)
    destination_id = made.destination()
    answers = {kind: made.subscribe(kind, destination_id) for kind in VERSIONS}
    assert {answer.status_code for answer in answers.values()} == {200}
    connection = ConnectionFactory(tenant=acme, provider="amazon", remote_id=seller_id, data={"region": "NA"})
    with scope(acme.pk):
        Subscription.objects.create(
            tenant=acme,
            connection=connection,
            way=Subscription.Way.QUEUE,
            subscribed={kind: {"id": answer.json["payload"]["subscriptionId"]} for kind, answer in answers.items()},
            since=now(),
        )
    return made


def forwarded(told, acme, **way):
    """Statuses of what was forwarded to Acme's address in this way."""
    endpoint, secret = notice_endpoints.new_secret(acme.pk, "user:1")
    path = reverse("amazon:notices", args=[endpoint.address])

    def post(_url, body, headers):
        answer = Client().post(path, body, content_type="application/json", headers=headers)
        return answer.status_code, answer.headers

    told.caller.stand_in.forwarding.post = post
    sent = told.caller.control("forward", arn=QUEUE, url="https://books.example", secret=secret, **way)["sent"]
    return [each["status"] for each in sent]


def kept():
    with unscoped("the test looks at every tenant"):
        return sorted((notice.kind, notice.seller_id, notice.state) for notice in Notice.objects.all())


@pytest.mark.parametrize(
    "way", [{"as": "hmac"}, {"as": "event_bridge", "header": "X-Tieout-Key"}], ids=["signed", "header secret"]
)
def test_each_notification_waits_once_and_that_of_a_seller_nobody_knows_never(told, acme, way):
    told.caller.switch(notification_copies=3, notification_order="newest first", notification_fields="more")
    seller_id = told.caller.seller_id
    ship(told)
    finish(told)
    told.caller.stand_in.queues.tell("TRANSACTION_UPDATE", seller_id, TRANSACTION)
    told.caller.control("forge_message", arn=QUEUE)

    statuses = forwarded(told, acme, **way)

    assert len(statuses) == 10
    assert set(statuses) == {202}
    forged = ("ORDER_CHANGE", "A0UNKNOWN00000", "unknown")
    assert kept() == [forged, *((kind, seller_id, "waiting") for kind in sorted(VERSIONS))]


@pytest.fixture
def sqs(settings, monkeypatch):
    """The URL of the installation's own queue."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings.AMAZON_SQS_ENDPOINT_URL = f"http://{host}:{port}"
    client = boto3.client("sqs", endpoint_url=settings.AMAZON_SQS_ENDPOINT_URL, region_name="us-east-1")
    settings.AMAZON_SQS_QUEUE_URL = client.create_queue(QueueName="notices")["QueueUrl"]
    yield settings.AMAZON_SQS_QUEUE_URL
    client.delete_queue(QueueUrl=settings.AMAZON_SQS_QUEUE_URL)
    server.stop()


def test_notifications_reach_the_installations_own_queue(told, sqs):
    ship(told)
    finish(told)

    told.caller.control("forward", arn=QUEUE, url=sqs, **{"as": "sqs"})
    taken = notice_queue.read(wait_s=0)

    seller_id = told.caller.seller_id
    assert taken == 2
    assert kept() == [
        ("ORDER_CHANGE", seller_id, "waiting"),
        ("REPORT_PROCESSING_FINISHED", seller_id, "waiting"),
    ]
