"""Notifications API v1: destinations of an application, and what each seller's account sends there.

Destinations are per API region. Source: official model notifications; 409 bodies and what else the model leaves open
are guesses.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.applications import Applications
from amazon.sandbox.errors import Refused, error, invalid
from amazon.sandbox.events import (
    NEW_SECRET,
    ORDER_CHANGE,
    REPORT_PROCESSING_FINISHED,
    SECRET_EXPIRY,
    TRANSACTION_UPDATE,
    mock_event,
    new_secret,
)
from amazon.sandbox.lwa import NOTIFICATIONS_SCOPE, ROTATION_SCOPE, Caller
from amazon.sandbox.queues import Queues
from amazon.sandbox.times import number, words
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switch
from sandbox.wsgi import json_response, posted_json

SWITCHES = (
    Switch("report_payload_version", ("2020-09-04", "1.0", "both"), "payloadVersion of REPORT_PROCESSING_FINISHED"),
    Switch("queue_permission", ("checked", "refused"), "whether createDestination finds that it may write to a queue"),
)

GRANTLESS = {
    **dict.fromkeys(
        (
            "createDestination",
            "getDestinations",
            "getDestination",
            "deleteDestination",
            "getSubscriptionById",
            "deleteSubscriptionById",
            "sendTestNotification",
        ),
        NOTIFICATIONS_SCOPE,
    ),
    "rotateApplicationClientSecret": ROTATION_SCOPE,
}
"""Operations called for the application alone, and the scope each needs; all others speak for a seller."""

DYNAMIC = ("sendTestNotification",)
"""Operations of the sandbox host alone, which really do something there."""

_QUEUE_TYPES = {
    ORDER_CHANGE: ("1.0",),
    TRANSACTION_UPDATE: ("1.0",),
    "FEED_PROCESSING_FINISHED": ("2020-09-04",),
}
_BUS_TYPES = {
    "BRANDED_ITEM_CONTENT_CHANGE": ("1.0",),
    "ITEM_PRODUCT_TYPE_CHANGE": ("1.0",),
    "LISTINGS_ITEM_STATUS_CHANGE": ("1.0",),
}
_CONSOLE_TYPES = (NEW_SECRET, SECRET_EXPIRY)
_ARN = re.compile(r"arn:aws:sqs:[^:\s]+:[^:\s]+:[^:\s]+")
_LONGEST_ARN, _LONGEST_NAME, _LONGEST_EXPRESSION = 1000, 256, 256
_CHANGES = {"BuyerRequestedChange", "DeliveryTipChange", "OrderStatusChange"}
_SMALLEST_PAGE, _LARGEST_PAGE = 30, 100


class Notifications:
    """``switch(name, seller_id)`` is a switch as it stands for a seller."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        applications: Applications,
        queues: Queues,
        switch: Callable[[str, str], Any],
    ) -> None:
        self._store = store
        self._clock = clock
        self._applications = applications
        self._queues = queues
        self._switch = switch
        store.index("subscription", "$.seller_id")

    def operations(self) -> Iterable[tuple[str, str, str, Callable[..., Response]]]:
        """method, path, operation and handler of each."""
        destinations, subscriptions = "/notifications/v1/destinations", "/notifications/v1/subscriptions"
        destination, of_type = f"{destinations}/<destination_id>", f"{subscriptions}/<notification_type>"
        by_id = f"{of_type}/<subscription_id>"
        yield "POST", destinations, "createDestination", self.create_destination
        yield "GET", destinations, "getDestinations", self.get_destinations
        yield "GET", destination, "getDestination", self.get_destination
        yield "DELETE", destination, "deleteDestination", self.delete_destination
        yield "GET", subscriptions, "getSubscriptions", self.get_subscriptions
        yield "POST", of_type, "createSubscription", self.create_subscription
        yield "GET", of_type, "getSubscription", self.get_subscription
        yield "GET", by_id, "getSubscriptionById", self.get_by_id
        yield "DELETE", by_id, "deleteSubscriptionById", self.delete_by_id
        yield "POST", f"{of_type}/testNotification", "sendTestNotification", self.send_test
        yield "POST", "/applications/2023-11-30/clientSecret", "rotateApplicationClientSecret", self.rotate_secret

    # Destinations, grantless

    def create_destination(self, request: Request, caller: Caller) -> Response:
        body = _object(request)
        name, wanted = body.get("name"), body.get("resourceSpecification")
        if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME or not isinstance(wanted, dict):
            raise invalid("name and resourceSpecification are required.")
        match wanted:
            case {"sqs": {"arn": str(arn)}, **rest} if not rest:
                self._check_queue(arn)
                resource: dict[str, Any] = {"sqs": {"arn": arn}}
                queue = arn
            case {"eventBridge": {"region": str(region), "accountId": str(account)}, **rest} if not rest:
                application_id = self._applications.known(caller.client_id)["application_id"]
                queue = f"aws.partner/sellingpartnerapi.amazon.com/{account}/{application_id}"
                resource = {"eventBridge": {"name": queue, "region": region, "accountId": account}}
            case _:
                raise invalid("resourceSpecification names one of sqs and eventBridge.")
        if any(each["resource"] == resource for each in self._destinations(request, caller)):
            raise Refused(error(409, "A destination of this resource exists already."))
        made: dict[str, Any] = {
            "id": str(uuid.uuid4()),
            "client_id": caller.client_id,
            "region": _region(request),
            "queue": queue,
            "name": name,
            "resource": resource,
        }
        self._store.put("destination", made["id"], made)
        return _payload(_destination(made))

    def get_destinations(self, request: Request, caller: Caller) -> Response:
        return _payload([_destination(each) for each in self._destinations(request, caller)])

    def get_destination(self, request: Request, caller: Caller, destination_id: str) -> Response:
        return _payload(_destination(self._known(request, caller, destination_id)))

    def delete_destination(self, request: Request, caller: Caller, destination_id: str) -> Response:
        self._known(request, caller, destination_id)
        if self._store.find("subscription", "$.destination_id", [destination_id]):
            raise Refused(error(409, "Subscriptions still use this destination."))
        self._store.delete("destination", destination_id)
        return json_response({})

    def _check_queue(self, arn: str) -> None:
        if len(arn) > _LONGEST_ARN or not _ARN.fullmatch(arn):
            raise invalid("The ARN is not that of an SQS queue.")
        if arn.endswith(".fifo"):
            raise invalid("FIFO queues are not supported.")
        if self._switch("queue_permission", "") == "refused" or not self._queues.is_reachable(arn):
            raise invalid("The queue does not permit sqs:SendMessage and sqs:GetQueueAttributes.")

    def _destinations(self, request: Request, caller: Caller) -> list[dict[str, Any]]:
        region = _region(request)
        return [
            each
            for each in self._store.find("destination", "$.client_id", [caller.client_id])
            if not region or each["region"] in ("", region)
        ]

    def _known(self, request: Request, caller: Caller, destination_id: object) -> dict[str, Any]:
        for each in self._destinations(request, caller):
            if each["id"] == destination_id:
                return each
        raise Refused(error(404, "No such destination."))

    # Subscriptions with the seller's token

    def create_subscription(self, request: Request, caller: Caller, notification_type: str) -> Response:
        body = _object(request)
        version = body.get("payloadVersion")
        if not isinstance(version, str) or not isinstance(body.get("destinationId"), str):
            raise invalid("payloadVersion and destinationId are required.")
        if version not in self._versions(notification_type, caller):
            raise invalid("The payloadVersion is not supported for this notification type.")
        directive = body.get("processingDirective")
        if directive is not None:
            _check_directive(notification_type, directive)
        destination = self._known(request, caller, body["destinationId"])
        if ("eventBridge" in destination["resource"]) != (notification_type in _BUS_TYPES):
            raise invalid("The notification type is not delivered to this kind of destination.")
        if any(each["version"] == version for each in self._subscriptions(caller, notification_type)):
            raise Refused(error(409, "A subscription of this type and version exists already."))
        made = {
            "id": str(uuid.uuid4()),
            "client_id": caller.client_id,
            "seller_id": caller.seller_id,
            "type": notification_type,
            "version": version,
            "destination_id": destination["id"],
            "processing_directive": directive,
        }
        self._store.put("subscription", made["id"], made)
        return _payload(_subscription(made))

    def get_subscription(self, request: Request, caller: Caller, notification_type: str) -> Response:
        self._versions(notification_type, caller)
        found = self._subscriptions(caller, notification_type, request.args.get("payloadVersion", ""))
        if not found:
            raise Refused(error(404, "No such subscription."))
        return _payload(_subscription(max(found, key=lambda each: str(each["version"]))))

    def get_subscriptions(self, request: Request, caller: Caller) -> Response:
        types = words(request, "notificationTypes", most=1)
        if not types:
            raise invalid("notificationTypes is required.")
        self._versions(types[0], caller)
        if number(request, "pageSize", _SMALLEST_PAGE, _LARGEST_PAGE) < _SMALLEST_PAGE:
            raise invalid("pageSize must be from 30 to 100.")
        # A type has fewer versions than the smallest page has room for, so there never is a second page.
        if "nextToken" in request.args:
            raise invalid("nextToken is not valid.")
        found = self._subscriptions(caller, types[0], request.args.get("payloadVersion", ""))
        return _payload({"subscriptions": [_subscription(each) for each in found]})

    def _versions(self, notification_type: str, caller: Caller) -> tuple[str, ...]:
        """The payload versions of a type that can be subscribed to."""
        if notification_type == REPORT_PROCESSING_FINISHED:
            version = str(self._switch("report_payload_version", caller.seller_id))
            return ("1.0", "2020-09-04") if version == "both" else (version,)
        if notification_type in _CONSOLE_TYPES:
            raise invalid("This notification type is set up in the developer console.")
        if versions := (_QUEUE_TYPES | _BUS_TYPES).get(notification_type):
            return versions
        raise invalid("The notification type is unknown.")

    def _subscriptions(self, caller: Caller, notification_type: str, version: str = "") -> list[dict[str, Any]]:
        return [
            each
            for each in self._store.find("subscription", "$.seller_id", [caller.seller_id])
            if (each["client_id"], each["type"]) == (caller.client_id, notification_type)
            and version in ("", each["version"])
        ]

    # Subscriptions, grantless

    def get_by_id(self, request: Request, caller: Caller, notification_type: str, subscription_id: str) -> Response:
        return _payload(_subscription(self._by_id(caller, notification_type, subscription_id)))

    def delete_by_id(self, request: Request, caller: Caller, notification_type: str, subscription_id: str) -> Response:
        self._store.delete("subscription", self._by_id(caller, notification_type, subscription_id)["id"])
        return json_response({})

    def _by_id(self, caller: Caller, notification_type: str, subscription_id: str) -> dict[str, Any]:
        found = self._store.get("subscription", subscription_id)
        if found is None or (found["client_id"], found["type"]) != (caller.client_id, notification_type):
            raise Refused(error(404, "No such subscription."))
        return found

    def send_test(self, request: Request, caller: Caller, notification_type: str) -> Response:
        """A mock of the type to the destination; the sandbox host alone has this operation."""
        body = _object(request)
        wanted = body.get("testNotification")
        event = mock_event(notification_type, self._clock.now())
        if event is None or not isinstance(wanted, dict) or not isinstance(wanted.get("payloadVersion"), str):
            raise invalid("The notification type has no test, or testNotification names no payloadVersion.")
        destination = self._known(request, caller, body.get("destinationId"))
        application_id = self._applications.known(caller.client_id)["application_id"]
        self._queues.put(destination["queue"], event, application_id, str(uuid.uuid4()))
        return json_response({})

    # The application's own secret, grantless

    def rotate_secret(self, request: Request, caller: Caller) -> Response:
        """Make a new secret. Nobody but the queue of the developer console gets to know it."""
        made = self._applications.rotate_secret(caller.client_id)
        self._queues.tell_application(caller.client_id, new_secret(made, self._clock.now()))
        return Response(status=204)


def _object(request: Request) -> dict[str, Any]:
    if request.mimetype != "application/json":
        raise Refused(error(415))
    try:
        body = posted_json(request)
    except ValueError:
        raise invalid("The body is no JSON.") from None
    if not isinstance(body, dict):
        raise invalid("The body is no object.")
    return body


def _region(request: Request) -> str:
    return str(request.environ.get("amazon.region") or "")


def _payload(value: object) -> Response:
    return json_response({"payload": value})


def _destination(kept: Mapping[str, Any]) -> dict[str, Any]:
    return {"destinationId": kept["id"], "name": kept["name"], "resource": kept["resource"]}


def _subscription(kept: Mapping[str, Any]) -> dict[str, Any]:
    shown = {
        "subscriptionId": kept["id"],
        "payloadVersion": kept["version"],
        "destinationId": kept["destination_id"],
    }
    return {**shown, "processingDirective": kept["processing_directive"]} if kept["processing_directive"] else shown


def _check_directive(notification_type: str, directive: object) -> None:
    match directive:
        case {"eventFilter": {"eventFilterType": kind} as wanted, **rest} if not rest:
            changes = wanted.get("orderChangeTypes", [])
            if kind == notification_type == ORDER_CHANGE and isinstance(changes, list) and _CHANGES.issuperset(changes):
                return
        case {"filterExpression": str(expression), **rest} if not rest and len(expression) <= _LONGEST_EXPRESSION:
            return
    raise invalid("The processingDirective is not valid for this notification type.")
