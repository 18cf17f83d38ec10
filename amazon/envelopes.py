"""Reads notifications of the Selling Partner API, however they were wrapped on their way. Pure.

Kept are ids, types and times alone. Source: notification schemas ORDER_CHANGE 1.0, REPORT_PROCESSING_FINISHED 2020-09-04,
TRANSACTION_UPDATE 1.0 and the APPLICATION_OAUTH_CLIENT ones; some spell keys in PascalCase, some in camelCase.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

ORDER_CHANGE: Final = "ORDER_CHANGE"
REPORT_FINISHED: Final = "REPORT_PROCESSING_FINISHED"
TRANSACTION_UPDATE: Final = "TRANSACTION_UPDATE"
NEW_SECRET: Final = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"  # noqa: S105 - a type of notification
SECRET_EXPIRY: Final = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"  # noqa: S105 - a type of notification
SECRETS: Final = (NEW_SECRET, SECRET_EXPIRY)
SELLERS: Final = (ORDER_CHANGE, REPORT_FINISHED, TRANSACTION_UPDATE)

MOST: Final = 100  # notifications in one body: EventBridge Pipes and SQS hand over ten at a time
DEPTH: Final = 6
_YEARS: Final = range(2000, 2200)
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")
_KIND: Final = re.compile(r"[A-Z][A-Z0-9_]{2,79}")
_NOTIFICATION_ID: Final = re.compile(r"[\x21-\x7e]{1,100}")


class BadEnvelope(ValueError):
    """What came is no notification; the text says why."""


@dataclass(frozen=True, slots=True)
class SecretNews:
    """What is told of an application's secret: a ``new`` one and until when it and the one before are good; or, where ``new`` is
    "", until when the present one is. Times are None where they cannot be read."""

    client_id: str
    new: str = field(repr=False)
    ends_at: datetime | None
    old_ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Envelope:
    """One notification. ``secret`` is there for those about an application's secret only."""

    kind: str
    notification_id: str
    subscription_id: str = ""
    seller_id: str = ""
    subject: str = ""
    detail: str = ""
    status: str = ""
    marketplace_id: str = ""
    happened_at: datetime | None = None
    business_key: str = ""
    secret: SecretNews | None = None


def read(body: bytes) -> tuple[list[Envelope], list[str]]:
    """Return the notifications in a body, and why others in it cannot be read.

    Raises:
        BadEnvelope: there is none at all.
    """
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError):
        raise BadEnvelope("The body is no JSON.") from None
    found: list[Envelope] = []
    refused: list[str] = []
    for count, each in enumerate(_unwrapped(sent, DEPTH)):
        if count == MOST:
            raise BadEnvelope(f"The body holds more than {MOST} notifications; send fewer at a time.")
        try:
            found.append(_envelope(each))
        except BadEnvelope as error:
            refused.append(str(error))
    if not found:
        raise BadEnvelope(refused[0] if refused else "The body holds no notification.")
    return found, refused


def _unwrapped(sent: Any, depth: int) -> Iterator[Any]:
    """Yield what is inside of lists, EventBridge's ``detail``, records of SQS (``body``) and messages of SNS (``Message``)."""
    if depth == 0:
        yield None
    elif isinstance(sent, list):
        for each in sent:
            yield from _unwrapped(each, depth - 1)
    elif isinstance(sent, dict) and not _has(sent, "notificationtype"):
        inner = next((value for name in ("records", "detail", "body", "message") if (value := _of(sent, name))), None)
        if isinstance(inner, str):
            try:
                inner = json.loads(inner)
            except (ValueError, RecursionError):
                inner = None
        if inner is None:
            yield None
        else:
            yield from _unwrapped(inner, depth - 1)
    else:
        yield sent


def _envelope(sent: Any) -> Envelope:
    kind = _text(sent, "notificationtype")
    if not isinstance(sent, Mapping) or not _KIND.fullmatch(kind):
        raise BadEnvelope("This is no notification of the Selling Partner API: it names no notification type.")
    payload = _of(sent, "payload")
    at = _moment(_text(sent, "eventtime"))
    said = _READ[kind](payload, at) if kind in _READ else {}
    metadata = _of(sent, "notificationmetadata")
    told, subscription_id = _text(metadata, "notificationid"), _text(metadata, "subscriptionid")
    if not _NOTIFICATION_ID.fullmatch(told):
        # Without its id, the same text is the same notification.
        try:
            text = json.dumps(sent, sort_keys=True)
        except RecursionError:  # what is just shallow enough to be read may be too deep to be written
            raise BadEnvelope("The notification is nested too deeply.") from None
        told = "sha256:" + hashlib.sha256(text.encode()).hexdigest()
    return Envelope(kind=kind, notification_id=told, subscription_id=subscription_id, **{"happened_at": at, **said})


def _order(payload: Any, at: datetime | None) -> dict[str, Any]:
    said = _of(payload, "orderchangenotification")
    trigger, summary = _of(said, "orderchangetrigger"), _of(said, "summary")
    changed_at = _moment(_text(trigger, "timeoforderchange")) or at
    order_id, status = _id(said, "amazonorderid"), _text(summary, "orderstatus")[:40]
    return {
        "seller_id": _id(said, "sellerid"),
        "subject": order_id,
        "detail": _text(said, "orderchangetype")[:100],
        "status": status,
        "marketplace_id": _text(summary, "marketplaceid")[:20],
        "happened_at": changed_at,
        "business_key": _key(
            ORDER_CHANGE, order_id, changed_at, _text(said, "orderchangetype"), _text(trigger, "changereason"), status
        ),
    }


def _report(payload: Any, at: datetime | None) -> dict[str, Any]:
    said = _of(payload, "reportprocessingfinishednotification")
    report_id = _id(said, "reportid")
    account = _text(said, "accountid").removeprefix("amzn1.merchant.o.")
    return {
        "seller_id": _id(said, "sellerid") if _has(said, "sellerid") else account[:64],
        "subject": report_id,
        "detail": _text(said, "reporttype")[:100],
        "status": _text(said, "processingstatus")[:40],
        "business_key": _key(REPORT_FINISHED, report_id, _text(said, "processingstatus")),
    }


def _transaction(payload: Any, at: datetime | None) -> dict[str, Any]:
    """No id of the transaction is in there: it only says that there is something to read."""
    said = _of(payload, "transactionupdatenotification")
    partner = _of(said, "sellingpartnermetadata")
    related = _of(said, "relatedidentifiers")
    named = [each for each in related if isinstance(each, Mapping)] if isinstance(related, list) else []
    orders = [_text(each, "relatedidentifiervalue") for each in named if _names_order(each)]
    order_id = next((each for each in orders if _ID.fullmatch(each)), "")
    return {
        "seller_id": _id(partner, "sellingpartnerid"),
        "subject": order_id,
        "detail": _text(said, "transactiontype")[:100],
        "marketplace_id": _text(partner, "marketplaceid")[:20],
        "happened_at": _moment(_text(said, "posteddate")) or at,
    }


def _secret(payload: Any, at: datetime | None) -> dict[str, Any]:
    told = payload.values() if isinstance(payload, Mapping) else ()
    said = next((each for each in told if _has(each, "clientid")), None)
    if said is None:
        raise BadEnvelope("The notification names no application.")
    new = _text(said, "newclientsecret")
    times = {str(name).lower(): _moment(value) for name, value in said.items() if isinstance(value, str)}
    ends_at = times.get("newclientsecretexpirytime" if new else "clientsecretexpirytime")
    return {"secret": SecretNews(_text(said, "clientid"), new, ends_at, times.get("oldclientsecretexpirytime"))}


_READ: Final = {
    ORDER_CHANGE: _order,
    REPORT_FINISHED: _report,
    TRANSACTION_UPDATE: _transaction,
    NEW_SECRET: _secret,
    SECRET_EXPIRY: _secret,
}


def _names_order(related: Mapping[str, Any]) -> bool:
    return _text(related, "relatedidentifiername").replace("_", "").lower() == "orderid"


def _key(kind: str, *parts: object) -> str:
    """Return what tells one change from another; "" where a part that has to is missing."""
    if not all(parts[:2]):
        return ""
    return hashlib.sha256("\n".join((kind, *map(str, parts))).encode()).hexdigest()


def _of(sent: Any, name: str) -> Any:
    """Return a value by its name in small letters, however it was spelled."""
    if not isinstance(sent, Mapping):
        return None
    return next((value for key, value in sent.items() if str(key).lower() == name), None)


def _has(sent: Any, name: str) -> bool:
    return _of(sent, name) is not None


def _text(sent: Any, name: str) -> str:
    """Return a text, "" where there is none, or one with signs in it that no database keeps."""
    value = _of(sent, name)
    return value.strip() if isinstance(value, str) and value.isprintable() else ""


def _id(sent: Any, name: str) -> str:
    """Raises BadEnvelope: the notification does not say what it is about."""
    value = _text(sent, name)
    if not _ID.fullmatch(value):
        raise BadEnvelope(f"The notification has no {name} that can be used.")
    return value


def _moment(text: str) -> datetime | None:
    """Return a time, None where it cannot be read, or is so far off that no page could show it in a zone of its own."""
    try:
        value = datetime.fromisoformat(text)
    except ValueError:
        return None
    if value.year not in _YEARS:
        return None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
