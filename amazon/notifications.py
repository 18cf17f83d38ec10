"""The calls of Amazon's Notifications API. Those about destinations and single subscriptions take a grantless client, those
that subscribe a seller take the seller's.

Source: SP-API model notifications v1. Answers are wrapped in ``payload``.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote

from amazon.client import Client, Conflict, NotFound, reading

PRINCIPAL: Final = "437568002678"  # the AWS account from which Amazon sends notifications, whoever's the queue is
_ROOT: Final = "/notifications/v1"


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A subscription of one seller to one type, as Amazon has it."""

    subscription_id: str
    version: str
    destination_id: str


def destination_for(client: Client, name: str, arn: str) -> str:
    """Return the id of the destination that leads to a queue, made where there was none. Raises AmazonError."""
    body = {"name": name, "resourceSpecification": {"sqs": {"arn": arn}}}
    try:
        answer = client.call("createDestination", "POST", f"{_ROOT}/destinations", body=body)
    except Conflict:
        # A 409 does not say which one is in the way.
        listed = client.get("getDestinations", f"{_ROOT}/destinations")
        with reading("getDestinations"):
            found = [each for each in listed["payload"] if _arn(each) == arn]
            if not found:
                raise
            return str(found[0]["destinationId"])
    with reading("createDestination"):
        return str(answer["payload"]["destinationId"])


def delete_destination(client: Client, destination_id: str) -> None:
    """Raises AmazonError, but not where it is gone already."""
    with suppress(NotFound):
        client.call("deleteDestination", "DELETE", f"{_ROOT}/destinations/{quote(destination_id, safe='')}")


def subscribe(client: Client, kind: str, version: str, destination_id: str) -> Subscribed:
    """Subscribe a seller. Raises Conflict where the application has subscribed it already, BadRequest where the version is not
    known, and AmazonError."""
    body = {"payloadVersion": version, "destinationId": destination_id}
    answer = client.call("createSubscription", "POST", f"{_ROOT}/subscriptions/{kind}", body=body)
    with reading("createSubscription"):
        return _subscribed(answer["payload"])


def subscription(client: Client, kind: str, version: str) -> Subscribed:
    """Return what a seller is subscribed to. Raises NotFound where it is not, and AmazonError."""
    answer = client.get("getSubscription", f"{_ROOT}/subscriptions/{kind}", {"payloadVersion": version})
    with reading("getSubscription"):
        return _subscribed(answer["payload"])


def unsubscribe(client: Client, kind: str, subscription_id: str) -> None:
    """Raises AmazonError, but not where there is no such subscription any more."""
    path = f"{_ROOT}/subscriptions/{kind}/{quote(subscription_id, safe='')}"
    with suppress(NotFound):
        client.call("deleteSubscriptionById", "DELETE", path)


def send_test(client: Client, kind: str, version: str, destination_id: str, scenario: str) -> None:
    """Have Amazon send a notification that it made up; only its sandbox does. Raises AmazonError."""
    body = {"destinationId": destination_id, "testNotification": {"payloadVersion": version, "testScenario": scenario}}
    client.call("sendTestNotification", "POST", f"{_ROOT}/subscriptions/{kind}/testNotification", body=body)


def _subscribed(sent: dict[str, Any]) -> Subscribed:
    return Subscribed(str(sent["subscriptionId"]), str(sent["payloadVersion"]), str(sent["destinationId"]))


def _arn(destination: dict[str, Any]) -> str:
    queue = (destination.get("resource") or {}).get("sqs") or {}
    return str(queue.get("arn") or "")
