"""What is on its way to the queues of the applications: events become messages, and wait until somebody takes them.

Delivery is at least once, in no order, and silent when it fails: a queue that Amazon may not write to, or a seller
who has taken the authorisation back, gets nothing and nobody is told.
"""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from amazon.sandbox.applications import DEMO_APPLICATION, Applications
from amazon.sandbox.events import (
    ORDER_CHANGE,
    REPORT_PROCESSING_FINISHED,
    TRANSACTION_UPDATE,
    Event,
    envelope,
    event_of,
    mock_event,
    secret_expiry,
    with_unknown_fields,
)
from amazon.sandbox.lwa import Lwa
from sandbox.clock import Clock
from sandbox.jsontext import dumps, loads
from sandbox.store import Store
from sandbox.switches import Switch

SWITCHES = (
    Switch("notifications", ("delivered", "lost"), "whether notifications reach their queue"),
    Switch("notification_copies", (1,), "how often each notification is delivered"),
    Switch("notification_copy_ids", ("same", "own"), "whether the copies share one NotificationId"),
    Switch("notification_delay_s", (0,), "seconds until a notification is in its queue"),
    Switch("notification_order", ("oldest first", "newest first"), "how a queue hands out what is in it"),
    Switch("notification_fields", ("documented", "more"), "whether notifications hold fields that no schema names"),
)


class Queues:
    """A queue is named by its ARN. ``switch(name, seller_id)`` is a switch as it stands for a seller.

    ``catch_up()`` lets happen what is due by now: time passes unseen, so whoever looks into a queue does this first.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        applications: Applications,
        lwa: Lwa,
        switch: Callable[[str, str], Any],
        catch_up: Callable[[], None],
    ) -> None:
        self._store = store
        self._clock = clock
        self._applications = applications
        self._lwa = lwa
        self._switch = switch
        self._catch_up = catch_up

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {
            "unreachable_queue": self._unreachable,
            "console_queue": self._console_queue,
            "take_messages": self._take,
            "forge_message": self._forge,
        }

    # What happens at Amazon

    def tell(self, kind: str, seller_id: str, payload: Mapping[str, Any]) -> None:
        """Something happened to a seller's order, report or transaction: ``payload`` is that, in the shape of its own API.

        It goes to every application that subscribed to it and is still authorised. A report goes when its processing
        ends; told again before that, as one that was cancelled is, only what was told last arrives.
        """
        event = event_of(kind, seller_id, payload, self._clock.now())
        if event is None:
            return
        for subscription in self._store.find("subscription", "$.seller_id", [seller_id]):
            client_id = subscription["client_id"]
            wanted = subscription["type"] == kind and _passes(subscription.get("processing_directive"), event)
            destination = self._store.get("destination", subscription["destination_id"])
            if wanted and destination and self._lwa.authorisation(client_id, seller_id):
                application_id = self._applications.known(client_id)["application_id"]
                self.put(destination["queue"], event, application_id, subscription["id"], seller_id)

    def tell_application(self, client_id: str, event: Event) -> None:
        """To the queue that the application's owner named in the developer console; nowhere without one."""
        if kept := self._store.get("console_queue", client_id):
            self.put(kept["arn"], event, self._applications.known(client_id)["application_id"])

    def is_reachable(self, arn: str) -> bool:
        return self._store.get("unreachable_queue", arn) is None

    def put(self, arn: str, event: Event, application_id: str, subscription_id: str = "", seller_id: str = "") -> None:
        """Queue an event, in as many copies as the switch says."""
        if event.about:
            self._forget_earlier(arn, event)
        if self._switch("notifications", seller_id) == "lost" or not self.is_reachable(arn):
            return
        due = event.at + timedelta(seconds=self._switch("notification_delay_s", seller_id))
        notification_id = str(uuid.uuid4())
        for _ in range(self._switch("notification_copies", seller_id)):
            if self._switch("notification_copy_ids", seller_id) == "own":
                notification_id = str(uuid.uuid4())
            body = envelope(
                event,
                application_id=application_id,
                subscription_id=subscription_id or f"console-{application_id}",
                notification_id=notification_id,
            )
            if self._switch("notification_fields", seller_id) == "more":
                body = with_unknown_fields(body)
            message = {"message_id": str(uuid.uuid4()), "body": dumps(body), "kind": event.kind, "about": event.about}
            kept = {**message, "due": due.isoformat(), "seller_id": seller_id, "attempts": 0}
            self._store.put("message", message["message_id"], kept, scope=arn)

    def _forget_earlier(self, arn: str, event: Event) -> None:
        for each in self._store.all("message", scope=arn):
            waits = datetime.fromisoformat(each["due"]) > self._clock.now()
            if waits and (each["kind"], each["about"]) == (event.kind, event.about):
                self._store.delete("message", each["message_id"], scope=arn)

    # Out of a queue

    def due(self, arn: str) -> list[dict[str, Any]]:
        """The messages that are in the queue by now, as it hands them out."""
        self._catch_up()
        self._warn()
        now = self._clock.now()
        found = [each for each in self._store.all("message", scope=arn) if datetime.fromisoformat(each["due"]) <= now]
        found.sort(key=lambda each: str(each["due"]))
        if found and self._switch("notification_order", found[0]["seller_id"]) == "newest first":
            found.reverse()
        return found

    def _warn(self) -> None:
        """Send the warnings of ending secrets that are due by now."""
        for application in self._applications.all():
            if until := self._applications.warning(application):
                self.tell_application(
                    application["client_id"], secret_expiry(application["client_id"], until, self._clock.now())
                )

    def drop(self, arn: str, message_id: str) -> None:
        self._store.delete("message", message_id, scope=arn)

    def put_back(self, arn: str, message: Mapping[str, Any], due: datetime) -> None:
        """Try a message again at ``due``, unless somebody has taken it meanwhile."""
        if self._store.get("message", message["message_id"], scope=arn):
            again = {**message, "attempts": message["attempts"] + 1, "due": due.isoformat()}
            self._store.put("message", message["message_id"], again, scope=arn)

    # Actions

    def _take(self, given: dict[str, Any]) -> dict[str, Any]:
        """Up to ``most`` messages of the queue ``arn``, each ``message_id`` and ``body`` (text); with ``keep`` they
        stay. ``left`` is how many remain, those that are not due yet included."""
        arn = given["arn"]
        taken = self.due(arn)[: given.get("most", 10)]
        if not given.get("keep", False):
            for each in taken:
                self.drop(arn, each["message_id"])
        shown = [{"message_id": each["message_id"], "body": each["body"]} for each in taken]
        return {"messages": shown, "left": self._store.count("message", scope=arn)}

    def _unreachable(self, given: dict[str, Any]) -> dict[str, Any]:
        """Amazon may not write to the queue ``arn``; with ``reachable`` it may again."""
        if given.get("reachable", False):
            self._store.delete("unreachable_queue", given["arn"])
        else:
            self._store.put("unreachable_queue", given["arn"], {"arn": given["arn"]})
        return {}

    def _console_queue(self, given: dict[str, Any]) -> dict[str, Any]:
        """Name the queue ``arn`` in the developer console; news about the application's secret go there."""
        client_id = given.get("client_id", DEMO_APPLICATION["client_id"])
        self._applications.known(client_id)
        self._store.put("console_queue", client_id, {"arn": given["arn"]})
        return {}

    def _forge(self, given: dict[str, Any]) -> dict[str, str]:
        """Put a message into the queue ``arn`` that is not Amazon's: of type ``kind`` about a seller, for an application
        or with a subscription that the receiver need not know, or any ``body`` (text or JSON)."""
        if "body" in given:
            body = given["body"] if isinstance(given["body"], str) else dumps(given["body"])
        else:
            now = self._clock.now()
            event = mock_event(given.get("kind", ORDER_CHANGE), now, given.get("seller_id", "A0UNKNOWN00000"))
            if event is None:
                raise ValueError(f"kind is {ORDER_CHANGE}, {REPORT_PROCESSING_FINISHED} or {TRANSACTION_UPDATE}")
            made = envelope(
                event,
                application_id=given.get("application_id", DEMO_APPLICATION["application_id"]),
                subscription_id=given.get("subscription_id", str(uuid.uuid4())),
                notification_id=given.get("notification_id", str(uuid.uuid4())),
            )
            body = dumps(made)
        message_id = str(uuid.uuid4())
        kept = {
            "message_id": message_id,
            "body": body,
            "kind": "",
            "about": "",
            "due": self._clock.now().isoformat(),
            "seller_id": "",
            "attempts": 0,
        }
        self._store.put("message", message_id, kept, scope=given["arn"])
        return {"message_id": message_id}


def _passes(directive: Mapping[str, Any] | None, event: Event) -> bool:
    """Whether an event filter lets the event through. Filter expressions are kept, not evaluated: all pass."""
    wanted = (directive or {}).get("eventFilter", {})
    places, changes = wanted.get("marketplaceIds"), wanted.get("orderChangeTypes")
    return (not places or event.marketplace_id in places) and (not changes or event.change in changes)


def notification_id_of(body: str) -> str:
    """The NotificationId of a message; "" in one that is no notification."""
    try:
        values = {name.lower(): value for name, value in loads(body).items()}
        metadata = {name.lower(): value for name, value in values["notificationmetadata"].items()}
        return str(metadata["notificationid"])
    except (AttributeError, KeyError, ValueError):
        return ""
