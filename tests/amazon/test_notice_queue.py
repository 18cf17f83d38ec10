"""The installation's queue, on a server that speaks SQS: a message is deleted once it is stored, and poison does not stay."""

import boto3
import pytest
from moto.server import ThreadedMotoServer

from amazon import notice_queue, notices, queue_arns
from amazon.envelopes import SELLERS
from amazon.models import Notice, PoisonMessage, Subscription
from connector import doctor
from kit.clock import now
from kit.scope import scope, unscoped
from tests.amazon.notifications import SELLER, order_change, report_finished, sent
from tests.factories import ConnectionFactory, GrantFactory

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def server():
    made = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    made.start()
    host, port = made.get_host_and_port()
    yield f"http://{host}:{port}"
    made.stop()


@pytest.fixture
def queue(server, settings, monkeypatch):
    """The installation's queue, empty; returns its client and URL."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("sqs", endpoint_url=server, region_name="us-east-1")
    url = client.create_queue(QueueName="notices")["QueueUrl"]
    settings.AMAZON_SQS_QUEUE_URL, settings.AMAZON_SQS_ENDPOINT_URL = url, server
    yield client, url
    client.delete_queue(QueueUrl=url)


@pytest.fixture
def seller(acme):
    made = ConnectionFactory(tenant=acme, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    subscribe(made, "s-1")
    return made


def subscribe(connection, subscription_id):
    with scope(connection.tenant_id):
        Subscription.objects.create(
            tenant=connection.tenant,
            connection=connection,
            way=Subscription.Way.QUEUE,
            subscribed={kind: {"id": subscription_id} for kind in SELLERS},
            since=now(),
        )


def put(queue, *bodies):
    client, url = queue
    for body in bodies:
        client.send_message(QueueUrl=url, MessageBody=body.decode())


def left(queue):
    """Return how many messages are in the queue, handed out or not."""
    client, url = queue
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, client.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))


def kept():
    with unscoped("the test looks at every tenant"):
        return sorted(Notice.objects.values_list("tenant_id", "notification_id"))


def test_what_is_in_the_queue_is_stored_once_and_taken_off(queue, seller):
    told = [order_change(n=n) for n in range(12)]
    put(queue, *[sent(each) for each in told], sent(told[0]), sent(report_finished()))

    assert notice_queue.look() == 14
    taken = notice_queue.read(wait_s=0)

    assert (taken, left(queue)) == (14, 0)
    assert len(kept()) == 13


def test_each_company_of_a_seller_gets_it_and_one_with_an_application_of_its_own_does_not(queue, seller, acme, globex):
    with unscoped("the test arranges other tenants"):
        own = GrantFactory(provider="amazon", application="amzn1.application-oa2-client.own")
        ConnectionFactory(tenant=globex, grant=own, remote_id=SELLER)
    put(queue, sent(order_change()), sent(order_change(n=2, seller="A1NOBODY")))

    notice_queue.read(wait_s=0)

    assert kept() == [(acme.pk, "order-1")]
    assert left(queue) == 0


def test_whoever_only_says_to_be_a_seller_gets_none_of_its_notices(queue, seller, acme, globex):
    """The seller id of a consent comes by way of the browser; Amazon gave the subscription's id for the authorization."""
    with unscoped("the test arranges other tenants"):
        pretender = ConnectionFactory(tenant=globex, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    put(queue, sent(order_change(n=1)))
    notice_queue.read(wait_s=0)
    subscribe(pretender, "s-of-another-seller")
    put(queue, sent(order_change(n=2)), sent(order_change(n=3, NotificationMetadata={"NotificationId": "order-3"})))
    notice_queue.read(wait_s=0)

    assert kept() == [(acme.pk, "order-1"), (acme.pk, "order-2")]


def test_companies_who_share_a_sellers_subscription_get_its_notices_each(queue, seller, acme, globex):
    with unscoped("the test arranges other tenants"):
        other = ConnectionFactory(tenant=globex, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    subscribe(other, "s-1")
    put(queue, sent(order_change(n=1)))

    notice_queue.read(wait_s=0)

    assert kept() == [(acme.pk, "order-1"), (globex.pk, "order-1")]


def test_poison_leaves_the_queue_into_a_record_without_its_text(queue, seller):
    put(queue, b"no json 48110", sent(order_change()), b'{"postalCode": "48110"}')

    notice_queue.read(wait_s=0)

    assert left(queue) == 0
    assert len(kept()) == 1
    rows = PoisonMessage.objects.order_by("pk").values()
    assert sorted(row["why"] for row in rows) == [
        "The body is no JSON.",
        "This is no notification of the Selling Partner API: it names no notification type.",
    ]
    assert "48110" not in str(list(rows))


def test_a_message_that_could_not_be_stored_stays_in_the_queue(queue, seller, monkeypatch):
    put(queue, sent(order_change(n=1)), sent(order_change(n=2)))
    real = notices.keep

    def broken(tenant_id, envelopes):
        if envelopes[0].notification_id == "order-1":
            raise RuntimeError("no disk")
        real(tenant_id, envelopes)

    monkeypatch.setattr(notices, "keep", broken)
    notice_queue.read(wait_s=0)

    assert [notification_id for _, notification_id in kept()] == ["order-2"]
    assert left(queue) == 1
    assert PoisonMessage.objects.count() == 0


def test_a_message_that_breaks_its_reader_stays_alone(queue, seller, monkeypatch):
    put(queue, sent(order_change(n=1)), sent(order_change(n=2)))
    real = notice_queue.envelopes.read
    monkeypatch.setattr(notice_queue.envelopes, "read", lambda body: 1 / 0 if b"order-1" in body else real(body))

    notice_queue.read(wait_s=0)

    assert [notification_id for _, notification_id in kept()] == ["order-2"]
    assert left(queue) == 1


def test_a_message_that_breaks_again_and_again_becomes_poison(queue, seller, monkeypatch):
    put(queue, sent(order_change()))
    monkeypatch.setattr(notice_queue, "TRIES", 1)
    monkeypatch.setattr(notices, "keep", lambda *_: 1 / 0)

    notice_queue.read(wait_s=0)

    assert left(queue) == 0
    assert PoisonMessage.objects.get().why.startswith("Storing it broke")


def test_a_queue_that_is_not_there_is_said(queue, settings):
    settings.AMAZON_SQS_QUEUE_URL += "-gone"

    with pytest.raises(notice_queue.QueueTrouble, match=r"NonExistentQueue|does not exist"):
        notice_queue.read(wait_s=0)


def test_the_arn_is_read_off_the_url(settings):
    settings.AMAZON_SQS_QUEUE_URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/notices"

    assert notice_queue.arn() == "arn:aws:sqs:eu-west-1:123456789012:notices"
    assert queue_arns.checked(notice_queue.arn()) == notice_queue.arn()


@pytest.mark.parametrize(
    ("arn", "why"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:notices.fifo", "FIFO"),
        ("https://sqs.eu-west-1.amazonaws.com/123456789012/notices", "URL"),
        ("arn:aws:sns:eu-west-1:123456789012:notices", "no ARN of a queue"),
        ("", "no ARN of a queue"),
    ],
)
def test_a_queue_that_amazon_cannot_send_to_is_refused_with_the_reason(arn, why):
    with pytest.raises(queue_arns.BadArn, match=why):
        queue_arns.checked(arn)


def test_the_policy_lets_amazons_own_account_in_and_nobody_else():
    text = queue_arns.policy("arn:aws:sqs:eu-west-1:123456789012:notices")

    assert '"AWS": "437568002678"' in text
    assert "sqs:SendMessage" in text
    assert "sqs:GetQueueAttributes" in text
    assert "*" not in text


def test_the_doctor_looks_into_the_queue(queue, seller, settings):
    put(queue, sent(order_change()))

    waits = doctor.notices()
    put(queue, b"no json")
    notice_queue.read(wait_s=0)
    poisoned = doctor.notices()
    settings.AMAZON_SQS_QUEUE_URL += "-gone"
    gone = doctor.notices()

    assert (waits.verdict, waits.detail) == ("passed", "1 messages wait.")
    assert (poisoned.verdict, gone.verdict) == ("warning", "failed")
    assert "no JSON" in poisoned.detail
