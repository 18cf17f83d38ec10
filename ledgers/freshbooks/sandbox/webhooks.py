"""Webhooks: registration, the handshake, what is sent and how it is signed (sheet §7).

A stand-in calls nobody. What FreshBooks would send waits in an outbox, which the tester takes from and delivers.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import Business, universal
from ledgers.freshbooks.sandbox.fields import Doc, need
from ledgers.freshbooks.sandbox.resources import EVENT_NOUNS

_VERBS = ("create", "update", "delete")
_OBJECT = "callback"


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """A new callback, a verification, a request to send the verifier again, or a change.

    Raises:
        Refusal: 1001, 1004 for an event that is none, a wrong verifier.
    """
    if old is None:
        need(body, ("event", "uri"), _OBJECT)
        _check_event(str(body["event"]))
        id_ = business.next_id(_OBJECT, 780_001)
        doc: Doc = {
            "callbackid": id_,
            "event": body["event"],
            "uri": body["uri"],
            "verified": False,
            "_": {"verifier": secrets.token_urlsafe(24)},
        }
        return _verification(business, _stored(business, doc))
    doc = {**old, "_": dict(old["_"])}
    if "verifier" in body:
        if body["verifier"] != doc["_"]["verifier"]:
            raise errors.invalid("The verifier does not match.", "verifier", _OBJECT)
        return _stored(business, {**doc, "verified": True})
    if body.get("resend"):
        return _verification(business, doc)
    if "event" in body:
        _check_event(str(body["event"]))
    return _stored(business, doc | {name: body[name] for name in ("event", "uri") if name in body})


def _check_event(event: str) -> None:
    noun, _, verb = event.partition(".")
    if noun not in EVENT_NOUNS or (verb and verb not in _VERBS):
        raise errors.invalid("Unrecognized event.", "event", _OBJECT, event)


def _stored(business: Business, doc: Doc) -> Doc:
    doc["updated_at"] = universal(business.clock.now())
    business.put(_OBJECT, doc["callbackid"], doc)
    return doc


def _verification(business: Business, callback: Doc) -> Doc:
    fields = {**_fields(business, "callback.verify", callback["callbackid"]), "verifier": callback["_"]["verifier"]}
    _send(business, callback, fields, signed=business.switches["verification_signed"] == "yes")
    return callback


def emit(business: Business, event: str, object_id: object) -> None:
    """Tell every verified callback of this event, or of its noun."""
    noun = event.partition(".")[0]
    for callback in business.all(_OBJECT):
        if callback["verified"] and callback["event"] in (event, noun):
            for _ in range(business.switches["webhook_copies"]):
                _send(business, callback, _fields(business, event, object_id), signed=True)


def _fields(business: Business, name: str, object_id: object) -> dict[str, str]:
    return {
        "name": name,
        "object_id": str(object_id),
        "account_id": str(business.info["account_id"]),
        "business_id": str(business.info["id"]),
        "identity_id": "0",
        "user_id": "1",
    }


def signature(verifier: str, fields: Mapping[str, str]) -> str:
    """Over the form's fields as JSON with Python's own spacing, not over the body that is sent."""
    message = json.dumps({key: str(value) for key, value in fields.items()}).encode()
    return base64.b64encode(hmac.new(verifier.encode(), message, hashlib.sha256).digest()).decode()


def _send(business: Business, callback: Doc, fields: dict[str, str], *, signed: bool) -> None:
    due = business.clock.now() + timedelta(seconds=business.switches["webhook_delay_s"])
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if signed:
        headers["X-FreshBooks-Hmac-SHA256"] = signature(callback["_"]["verifier"], fields)
    doc = {"uri": callback["uri"], "fields": fields, "headers": headers, "due": due.isoformat()}
    business.put("webhook", business.next_id("webhook"), doc)


def take(business: Business) -> list[Doc]:
    """The webhooks that are due, oldest first: {uri, fields, headers, due}; they are gone from the outbox then."""
    now, found = business.clock.now(), []
    for id_ in business.store.ids("webhook", business.scope):
        doc = business.get("webhook", id_)
        if doc is not None and datetime.fromisoformat(doc["due"]) <= now:
            business.store.delete("webhook", id_, business.scope)
            found.append(doc)
    return found
