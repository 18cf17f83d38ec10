"""Turning notifications on and off for a seller: the destination that leads to a queue, and a subscription to each type.

A destination belongs to the application and may serve many sellers; a subscription to the seller and application, so two
companies who connected the same seller share it.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from amazon import grantless, notice_queue, notifications
from amazon.client import AmazonError, BadRequest, Client, Conflict, Forbidden, NotFound, WaitFor
from amazon.connect import client_for
from amazon.envelopes import ORDER_CHANGE, REPORT_FINISHED, TRANSACTION_UPDATE
from amazon.models import Subscription
from amazon.queue_arns import BadArn, checked
from amazon.rates import Priority
from audit.trail import record, recorded
from kit.clock import now
from kit.scope import unscoped
from tenants.grants import NeedsReconnect
from tenants.models import Access, Connection

Way = Subscription.Way
# Payload versions in the order in which they are tried: of reports, Amazon's guide and its schema name different ones.
VERSIONS: Final = {ORDER_CHANGE: ("1.0",), REPORT_FINISHED: ("1.0", "2020-09-04"), TRANSACTION_UPDATE: ("1.0",)}
AGAIN: Final = "Try again; if it stays, test the connection."


class SetUpFailed(Exception):
    """Nothing was turned on or off. ``text`` says why and ``action`` what to do."""

    def __init__(self, text: str, action: str) -> None:
        super().__init__(f"{text} {action}")
        self.text, self.action = text, action


def subscription_of(connection: Connection) -> Subscription | None:
    return Subscription.objects.filter(connection=connection).first()


def turn_on(connection: Connection, way: str, arn: str, actor: str) -> Subscription:
    """Subscribe a seller to every type, and send what comes to a queue. Never inside a transaction.

    Doing it again mends what is missing. A type that Amazon does not subscribe to is kept with the reason, beside the others.

    Raises:
        SetUpFailed: there is no destination.
    """
    _refuse_closed(connection)
    try:
        arn = checked(arn)
    except BadArn as error:
        raise SetUpFailed(str(error), "") from None
    if way == Way.QUEUE and (connection.grant.application or arn != notice_queue.arn()):
        raise SetUpFailed(
            "Tieout reads no such queue for this seller.",
            "Choose the forwarder, or leave the ARN of Tieout's own queue as it was.",
        )
    with _explained():
        application = grantless.client(connection, grantless.NOTIFICATIONS)
        destination_id = notifications.destination_for(application, f"Tieout {arn.rpartition(':')[2]}", arn)
    seller = client_for(connection, Priority.PERSON)
    before = subscription_of(connection)
    subscribed = {kind: _subscribe(connection, application, seller, kind, destination_id) for kind in VERSIONS}
    with recorded():
        made, _ = Subscription.objects.update_or_create(
            connection=connection,
            defaults={
                "tenant_id": connection.tenant_id,
                "way": way,
                "queue_arn": arn,
                "destination_id": destination_id,
                "subscribed": subscribed,
                "since": before.since if before and before.destination_id == destination_id else now(),
            },
        )
        record(
            "notices.turned_on",
            f"connection:{connection.pk}",
            actor=actor,
            way=way,
            queue=arn,
            types=[kind for kind, each in subscribed.items() if "id" in each],
        )
    if before and before.destination_id != destination_id:
        _drop_destination(application, before.destination_id)
    return made


def turn_off(connection: Connection, actor: str) -> None:
    """End a seller's subscriptions, and the destination where nobody else needs it. Never inside a transaction.

    Raises:
        SetUpFailed: Amazon still has them.
    """
    subscription = subscription_of(connection)
    if subscription is None:
        return
    with _explained():
        application = grantless.client(connection, grantless.NOTIFICATIONS)
        shared = _ids_of_others(subscription)
        for kind in VERSIONS:
            subscription_id = subscription.subscribed.get(kind, {}).get("id")
            if subscription_id and subscription_id not in shared:
                notifications.unsubscribe(application, kind, subscription_id)
    with recorded():
        subscription.delete()
        record("notices.turned_off", f"connection:{connection.pk}", actor=actor)
    _drop_destination(application, subscription.destination_id)


def send_test(connection: Connection, kind: str, scenario: str, actor: str) -> None:
    """Have Amazon's sandbox send a made-up notification of a type. Raises SetUpFailed."""
    subscription = subscription_of(connection)
    if subscription is None:
        raise SetUpFailed("Notifications are off.", "Turn them on first.")
    version = subscription.subscribed.get(kind, {}).get("version") or VERSIONS[kind][0]
    with _explained():
        sandbox = grantless.client(connection, grantless.NOTIFICATIONS, sandbox=True)
        notifications.send_test(sandbox, kind, version, subscription.destination_id, scenario)
    with recorded():
        Subscription.objects.filter(pk=subscription.pk).update(tested_at=now())
        record("notices.tested", f"connection:{connection.pk}", actor=actor, type=kind, scenario=scenario)


def _subscribe(
    connection: Connection, application: Client, seller: Client, kind: str, destination_id: str
) -> dict[str, Any]:
    """Return ``id`` and ``version`` of the subscription to a type, and ``problem`` where it could not be made sure of."""
    mine = subscription_of(connection)
    known = {name: text for name, text in (mine.subscribed.get(kind, {}) if mine else {}).items() if name != "problem"}
    last: AmazonError | None = None
    for version in sorted(VERSIONS[kind], key=lambda one: one != known.get("version")):
        try:
            try:
                made = notifications.subscribe(seller, kind, version, destination_id)
            except Conflict:
                made = _there_already(connection, application, seller, kind, version, destination_id)
            return {"id": made.subscription_id, "version": made.version}
        except _Elsewhere as error:
            return {"problem": str(error)}
        except NeedsReconnect as error:
            return {**known, "problem": f"{error} Connect the seller again."}
        except BadRequest as error:
            last = error  # another version may do
        except AmazonError as error:
            return {**known, "problem": _why(error)}
    return {**known, "problem": _why(last) if last else ""}


class _Elsewhere(Exception):
    """The seller's notifications of a type go to another destination of the application."""


def _there_already(
    connection: Connection, application: Client, seller: Client, kind: str, version: str, destination_id: str
) -> notifications.Subscribed:
    """Return the subscription that is in the way of a new one, if it leads to the same queue. One of ours that leads elsewhere is
    made anew; another company's stays."""
    found = notifications.subscription(seller, kind, version)
    if found.destination_id == destination_id:
        return found
    mine = subscription_of(connection)
    ids = {each.get("id") for each in mine.subscribed.values()} if mine else set()
    if mine is None or found.subscription_id not in ids or found.subscription_id in _ids_of_others(mine):
        raise _Elsewhere(
            "Amazon already sends these to another queue of the same application. Whoever set that up has to turn it off first; "
            "until then they are polled."
        )
    notifications.unsubscribe(application, kind, found.subscription_id)
    return notifications.subscribe(seller, kind, version, destination_id)


def _ids_of_others(subscription: Subscription) -> set[str]:
    """Return the ids of subscriptions that other connections count on."""
    with unscoped("two companies who connected the same seller share its subscriptions"):
        others = Subscription.objects.exclude(pk=subscription.pk).values_list("subscribed", flat=True)
        return {each["id"] for subscribed in others for each in subscribed.values() if "id" in each}


def _drop_destination(application: Client, destination_id: str) -> None:
    """Delete a destination that nobody uses any more. One that stays does no harm: nothing is sent there."""
    with unscoped("a destination may serve the sellers of many companies"):
        if Subscription.objects.filter(destination_id=destination_id).exists():
            return
    try:
        notifications.delete_destination(application, destination_id)
    except AmazonError:
        return


def _refuse_closed(connection: Connection) -> None:
    if connection.state != Access.ACTIVE:
        raise SetUpFailed("The seller's account is not open to Tieout.", "Connect it again first.")


@contextmanager
def _explained() -> Iterator[None]:
    """Tell what Amazon says against it in words that lead on."""
    try:
        yield
    except NeedsReconnect as error:
        raise SetUpFailed(str(error), "Connect the seller again.") from None
    except AmazonError as error:
        text, action = next((say(error) for kind, say in _SAID if isinstance(error, kind)), (_why(error), AGAIN))
        raise SetUpFailed(text, action) from None


_SAID: Final[tuple[tuple[type[AmazonError], Callable[[AmazonError], tuple[str, str]]], ...]] = (
    (
        WaitFor,
        lambda error: (f"Amazon did not answer, or allows no call now: {error}.", "Try again in a minute."),
    ),
    (
        Forbidden,
        lambda error: (
            f"Amazon does not let the application manage notifications: {error}.",
            "Check the application's client id and secret, and that it is registered for notifications in the developer console.",
        ),
    ),
    (NotFound, lambda error: (f"Amazon does not know it: {error}.", AGAIN)),
    (
        BadRequest,
        lambda error: (
            f"Amazon does not take this queue: {error}.",
            "Paste the access policy below into the queue and save it there, compare the ARN, and see that the queue is a standard "
            "one. If it is encrypted with a key of your own, the key's policy needs the second text. Then try again.",
        ),
    ),
)


def _why(error: AmazonError) -> str:
    asked = f" Amazon's support wants the request id {error.request_id}." if error.request_id else ""
    return f"Amazon says: {error}.{asked}"
