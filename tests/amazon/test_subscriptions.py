"""Turning notifications on and off at Amazon: destinations, subscriptions, and what is said when Amazon refuses."""

import json

import pytest
from django.urls import reverse

from amazon import grantless, notice_endpoints, notice_health, notices, subscriptions
from amazon.client import Client
from amazon.envelopes import ORDER_CHANGE, REPORT_FINISHED, TRANSACTION_UPDATE, read
from amazon.models import Order, Subscription
from amazon.notifications import PRINCIPAL
from audit.models import Event
from kit.clock import now
from kit.http import Http, mount, unmount
from kit.scope import scope
from tenants import apikeys
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.amazon.notifications import SELLER, order_change, report_finished, sent
from tests.factories import ConnectionFactory, member
from tests.web.conftest import signed_in  # noqa: F401 - a fixture
from tests.web.rest.conftest import Caller

pytestmark = pytest.mark.django_db
ARN = "arn:aws:sqs:eu-west-1:123456789012:notices"
ROOT = "/notifications/v1"
DESTINATIONS = f"{ROOT}/destinations"
FORWARDER = Subscription.Way.FORWARDER


def subscribe_at(kind):
    return f"{ROOT}/subscriptions/{kind}"


def subscribed(subscription_id, version="1.0", destination="dest-1"):
    return 200, {
        "payload": {"subscriptionId": subscription_id, "payloadVersion": version, "destinationId": destination}
    }


def destination(destination_id="dest-1", arn=ARN):
    return {"destinationId": destination_id, "name": "Tieout notices", "resource": {"sqs": {"arn": arn}}}


@pytest.fixture
def amazon(monkeypatch):
    """An Amazon that takes everything; its tokens say whose they are."""
    fake = FakeApi()
    fake.answer(DESTINATIONS, (200, {"payload": destination()}))
    for kind in subscriptions.VERSIONS:
        fake.answer(subscribe_at(kind), subscribed(f"sub-{kind}"))
        fake.answer(f"{subscribe_at(kind)}/sub-{kind}", (200, {}))
        fake.answer(f"{subscribe_at(kind)}/testNotification", (200, {}))
    fake.answer(f"{DESTINATIONS}/dest-1", (200, {}))
    mount(BASE, fake)
    mount(BASE.replace("//", "//sandbox."), fake)

    def client(token, base=BASE):
        return Client(Http("Tieout/1.0"), base, lambda rejected="": token, lambda operation: 0.0, pytest.fail)

    monkeypatch.setattr(subscriptions, "client_for", lambda connection, priority: client("seller"))
    monkeypatch.setattr(
        grantless,
        "client",
        lambda connection, wanted, sandbox=False: client(wanted, BASE.replace("//", "//sandbox.") if sandbox else BASE),
    )
    yield fake
    unmount(BASE)
    unmount(BASE.replace("//", "//sandbox."))


@pytest.fixture
def seller(acme):
    return ConnectionFactory(
        tenant=acme, grant__provider="amazon", remote_id=SELLER, remote_name="Acme Shop", data={"region": "NA"}
    )


@pytest.fixture
def inside(acme, seller):
    with scope(acme.pk):
        yield seller


def asked(amazon):
    return [(each.path.removeprefix(ROOT), each.headers["x-amz-access-token"]) for each in amazon.asked]


def test_a_seller_is_subscribed_to_every_type_and_each_call_has_its_own_kind_of_token(amazon, inside):
    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert made.destination_id == "dest-1"
    assert made.subscribed[ORDER_CHANGE] == {"id": f"sub-{ORDER_CHANGE}", "version": "1.0"}
    assert asked(amazon) == [
        ("/destinations", "sellingpartnerapi::notifications"),
        *[(f"/subscriptions/{kind}", "seller") for kind in (ORDER_CHANGE, REPORT_FINISHED, TRANSACTION_UPDATE)],
    ]
    assert json.loads(amazon.asked[0].body)["resourceSpecification"] == {"sqs": {"arn": ARN}}
    assert Event.objects.filter(kind="notices.turned_on").count() == 1


def test_a_destination_that_is_there_is_used_again(amazon, inside):
    amazon.answers[DESTINATIONS] = [
        fault(409, "Conflict"),
        (200, {"payload": [destination("dest-0", f"{ARN}-other"), destination("dest-1")]}),
    ]

    assert subscriptions.turn_on(inside, FORWARDER, ARN, "user:1").destination_id == "dest-1"


def test_a_subscription_that_is_there_is_used_again_where_it_leads_to_the_same_queue(amazon, inside):
    amazon.answers[subscribe_at(ORDER_CHANGE)] = [fault(409, "Conflict"), subscribed("sub-before")]

    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert made.subscribed[ORDER_CHANGE] == {"id": "sub-before", "version": "1.0"}


def test_a_subscription_that_leads_elsewhere_is_left_and_said(amazon, inside):
    amazon.answers[subscribe_at(ORDER_CHANGE)] = [fault(409, "Conflict"), subscribed("sub-x", destination="dest-9")]

    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert "another queue" in made.subscribed[ORDER_CHANGE]["problem"]
    assert "id" in made.subscribed[REPORT_FINISHED]
    assert not [each for each in amazon.asked if each.path.endswith("sub-x")]


def test_ones_own_subscription_moves_to_a_new_queue(amazon, inside):
    subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    amazon.answers[DESTINATIONS] = [(200, {"payload": destination("dest-2", f"{ARN}-2")})]
    amazon.answers[subscribe_at(ORDER_CHANGE)] = [
        fault(409, "Conflict"),
        subscribed(f"sub-{ORDER_CHANGE}"),
        subscribed("sub-new", destination="dest-2"),
    ]

    made = subscriptions.turn_on(inside, FORWARDER, f"{ARN}-2", "user:1")

    assert made.subscribed[ORDER_CHANGE]["id"] == "sub-new"
    assert amazon.asked_for(f"{subscribe_at(ORDER_CHANGE)}/sub-{ORDER_CHANGE}")
    assert amazon.asked_for(f"{DESTINATIONS}/dest-1")


def test_the_next_version_is_tried_where_amazon_does_not_know_the_first(amazon, inside):
    amazon.answers[subscribe_at(REPORT_FINISHED)] = [fault(400, "InvalidInput"), subscribed("sub-r", "2020-09-04")]

    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert made.subscribed[REPORT_FINISHED] == {"id": "sub-r", "version": "2020-09-04"}
    versions = [json.loads(each.body)["payloadVersion"] for each in amazon.asked_for(subscribe_at(REPORT_FINISHED))]
    assert versions == ["1.0", "2020-09-04"]


def test_a_type_that_is_refused_keeps_no_other_from_being_subscribed(amazon, inside):
    amazon.answers[subscribe_at(TRANSACTION_UPDATE)] = [fault(403, "Unauthorized", "Access denied")]

    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert "Access denied" in made.subscribed[TRANSACTION_UPDATE]["problem"]
    assert notice_health.health(inside).state == "failed"


def test_trouble_while_turning_on_again_does_not_forget_what_is_there(amazon, inside):
    before = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    amazon.answers[subscribe_at(ORDER_CHANGE)] = [fault(503, "ServiceUnavailable")]

    again = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    subscriptions.turn_off(inside, "user:1")

    assert again.subscribed[ORDER_CHANGE].items() > before.subscribed[ORDER_CHANGE].items()
    assert amazon.asked_for(f"{subscribe_at(ORDER_CHANGE)}/sub-{ORDER_CHANGE}")


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (fault(400, "InvalidInput", "no permission"), "access policy"),
        (fault(403, "Unauthorized", "denied"), "developer console"),
        (fault(503, "ServiceUnavailable"), "Try again in a minute"),
    ],
)
def test_without_a_destination_nothing_is_turned_on_and_the_reason_leads_on(amazon, inside, answer, why):
    amazon.answers[DESTINATIONS] = [answer]

    with pytest.raises(subscriptions.SetUpFailed, match=why):
        subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    assert not Subscription.objects.exists()


def test_a_queue_that_tieout_does_not_read_is_not_taken_for_one(amazon, inside, settings):
    settings.AMAZON_SQS_QUEUE_URL = "https://sqs.us-east-1.amazonaws.com/123456789012/own"

    with pytest.raises(subscriptions.SetUpFailed):
        subscriptions.turn_on(inside, Subscription.Way.QUEUE, ARN, "user:1")
    made = subscriptions.turn_on(inside, Subscription.Way.QUEUE, notice_health.own_queue(inside), "user:1")

    assert made.queue_arn == "arn:aws:sqs:us-east-1:123456789012:own"


def test_turning_off_ends_subscriptions_and_destination(amazon, inside):
    subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    amazon.asked.clear()

    subscriptions.turn_off(inside, "user:1")

    assert asked(amazon) == [
        *[(f"/subscriptions/{kind}/sub-{kind}", "sellingpartnerapi::notifications") for kind in subscriptions.VERSIONS],
        ("/destinations/dest-1", "sellingpartnerapi::notifications"),
    ]
    assert not Subscription.objects.exists()


def test_what_another_company_of_the_seller_counts_on_stays(amazon, inside, globex):
    theirs = ConnectionFactory(tenant=globex, grant__provider="amazon", remote_id=SELLER, data={"region": "NA"})
    subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    with scope(globex.pk):
        subscriptions.turn_on(theirs, FORWARDER, ARN, "user:9")
    amazon.asked.clear()

    subscriptions.turn_off(inside, "user:1")
    first = list(amazon.asked)
    with scope(globex.pk):
        subscriptions.turn_off(theirs, "user:9")

    assert first == []
    assert len(amazon.asked) == len(subscriptions.VERSIONS) + 1


def test_a_subscription_that_amazon_will_not_end_stays_on(amazon, inside):
    subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    amazon.answers[f"{subscribe_at(ORDER_CHANGE)}/sub-{ORDER_CHANGE}"] = [fault(503, "ServiceUnavailable")]

    with pytest.raises(subscriptions.SetUpFailed):
        subscriptions.turn_off(inside, "user:1")

    assert Subscription.objects.exists()


def test_a_test_notification_is_asked_of_the_sandbox(amazon, inside):
    subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")

    subscriptions.send_test(inside, ORDER_CHANGE, "OrderStatusChange", "user:1")

    last = amazon.asked[-1]
    assert last.path == f"{subscribe_at(ORDER_CHANGE)}/testNotification"
    assert json.loads(last.body) == {
        "destinationId": "dest-1",
        "testNotification": {"payloadVersion": "1.0", "testScenario": "OrderStatusChange"},
    }
    assert Subscription.objects.get().tested_at


# Health


def test_health_tells_what_came_and_what_should_have(amazon, inside):
    made = subscriptions.turn_on(inside, FORWARDER, ARN, "user:1")
    notices.keep(inside.tenant_id, read(sent(report_finished(), order_change(seller="A1OTHER")))[0])
    silent = notice_health.health(inside)
    Subscription.objects.filter(pk=made.pk).update(since=now() - notice_health.QUIET - notice_health.LATE)
    Order.objects.create(
        connection=inside, order_id="701-1", status="SHIPPED", purchased_at=now(), last_updated_at=now()
    )

    found = notice_health.health(inside)

    assert silent.state == "passed"
    assert {line.kind: bool(line.warning) for line in found.lines} == {
        ORDER_CHANGE: True,
        REPORT_FINISHED: False,
        TRANSACTION_UPDATE: True,
    }
    assert "1 order changed since" in str(found.lines)
    assert found.said_of_strangers == [
        "1 notice today for A1OTHER, which is not connected here. Nothing was done about it."
    ]


# The page


def test_an_owner_turns_them_on_and_sees_what_arrives(amazon, seller, alice, acme, signed_in):  # noqa: F811
    page, place = signed_in(alice), reverse("amazon:notifications", args=[seller.pk])

    before = page.get(place).content.decode()
    answer = page.post(reverse("amazon:notifications_on", args=[seller.pk]), {"arn": ARN}, follow=True)
    with scope(acme.pk):
        notices.keep(acme.pk, read(sent(order_change()))[0])
    after = page.get(place).content.decode()
    connection = page.get(reverse("tenants:connection", args=[seller.pk])).content.decode()

    assert PRINCIPAL in before
    assert "Notifications are on." in answer.content.decode()
    assert ARN in after
    assert "Subscribed" in after
    assert "Arriving" in connection


def test_a_fifo_queue_is_refused_on_the_page_with_the_reason(amazon, seller, alice, signed_in):  # noqa: F811
    answer = signed_in(alice).post(reverse("amazon:notifications_on", args=[seller.pk]), {"arn": f"{ARN}.fifo"})

    assert answer.status_code == 400
    assert "FIFO" in answer.content.decode()
    assert amazon.asked == []


def test_what_amazon_says_against_the_queue_stands_above_its_policy(amazon, seller, alice, signed_in):  # noqa: F811
    amazon.answers[DESTINATIONS] = [fault(400, "InvalidInput", "no permission")]

    answer = signed_in(alice).post(reverse("amazon:notifications_on", args=[seller.pk]), {"arn": ARN})

    text = answer.content.decode()
    assert "Amazon does not take this queue" in text
    assert f"&quot;Resource&quot;: &quot;{ARN}&quot;" in text


def test_the_forwarders_secret_is_shown_once_and_works(seller, alice, acme, signed_in):  # noqa: F811
    page, place = signed_in(alice), reverse("amazon:notifications", args=[seller.pk])

    made = page.post(reverse("amazon:notifications_secret", args=[seller.pk])).content.decode()
    again = page.get(place).content.decode()

    shown_once = made.split('id="secret">')[1].split("<")[0]
    endpoint = notice_endpoints.endpoint_of(acme.pk)
    assert notice_endpoints.why_not(endpoint, {"X-Tieout-Key": shown_once}, b"") == ""
    assert shown_once not in again
    assert notice_endpoints.url_of(endpoint) in again


def test_a_viewer_sees_health_and_no_button(amazon, seller, acme, signed_in):  # noqa: F811
    text = (
        signed_in(member(acme, "v@acme.test", "viewer"))
        .get(reverse("amazon:notifications", args=[seller.pk]))
        .content.decode()
    )

    assert "Only an owner" in text
    assert "<textarea" not in text
    assert reverse("amazon:notifications_on", args=[seller.pk]) not in text


# REST


def test_a_program_turns_them_on_reads_their_health_and_changes_the_secret(amazon, seller, acme, alice):
    asks = Caller(apikeys.issue(acme, alice, "test", ["read", "write"])[1])
    place = f"connections/{seller.pk}/notifications"

    off = asks.get(place).json()
    refused = asks.post(f"{place}/on", {"way": "forwarder", "queue_arn": f"{ARN}.fifo"})
    on = asks.post(f"{place}/on", {"way": "forwarder", "queue_arn": ARN}).json()
    first, second = (asks.send("put", f"{place}/forwarder").json() for _ in range(2))
    gone = asks.post(f"{place}/off").json()

    assert (off["on"], off["health"], off["way"], off["address"]) == (False, "off", None, "")
    assert refused.status_code == 409
    assert "FIFO" in refused.json()["detail"]
    assert (on["on"], on["health"], on["queue_arn"]) == (True, "waiting", ARN)
    assert [line["subscribed"] for line in on["lines"]] == [True, True, True]
    assert first["address"] == second["address"] == gone["address"]
    assert first["shown_once"] != second["shown_once"]
    assert gone["on"] is False
