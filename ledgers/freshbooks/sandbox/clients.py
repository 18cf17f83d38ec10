"""Clients: whom invoices go to (sheet §5)."""

import uuid
from collections.abc import Mapping
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, universal
from ledgers.freshbooks.sandbox.fields import Doc, code_of, short

_TEXTS = (
    "fname", "lname", "organization", "email", "bus_phone", "mob_phone", "home_phone", "fax", "note",
    "p_street", "p_street2", "p_city", "p_province", "p_code", "p_country",
    "s_street", "s_street2", "s_city", "s_province", "s_code", "s_country",
)  # fmt: skip
_OPTIONAL = ("vat_name", "vat_number")
_FLAGS = ("allow_late_fees", "allow_late_notifications")
_OBJECT = "client"
_SPACE = uuid.UUID("9f0f6a52-3b53-4a1e-9a52-7a6f3d1f0c21")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """A new client, or the old one with what ``body`` names changed.

    Raises:
        Refusal: 1004 for a vis_state, an address or a client too many.
    """
    doc = dict(old) if old else _new(business)
    for name in (*_TEXTS, *_OPTIONAL):
        if name in body:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "note" else 0)
    for name in _FLAGS:
        if name in body:
            doc[name] = bool(body[name])
    if body.get("currency_code"):
        doc["currency_code"] = code_of(body["currency_code"], "currency_code", _OBJECT)
    if body.get("language"):
        doc["language"] = str(body["language"])
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    if old is None:
        _check_new(business, doc)
        doc["exceeds_client_limit"] = _too_many(business)
        if doc["exceeds_client_limit"] and business.switches["client_limit"] == "refused":
            raise errors.invalid("Your plan's client limit has been reached.", "client", _OBJECT)
    doc["updated"] = business.stamp()
    business.put(_OBJECT, doc["id"], doc)
    return doc


def vis_state(body: Mapping[str, Any], now: int, object_: str) -> int:
    """0 active, 1 deleted, 2 archived.

    Raises:
        Refusal: 1004 for anything else.
    """
    given = body.get("vis_state", now)
    if given not in (0, 1, 2) or isinstance(given, bool):
        raise errors.invalid("vis_state is 0, 1 or 2.", "vis_state", object_, given)
    return int(given)


def _new(business: Business) -> Doc:
    id_ = business.next_id(_OBJECT, 410_001)
    texts = dict.fromkeys(_TEXTS, "")
    return {
        "id": id_,
        "userid": id_,
        "uuid": str(uuid.uuid5(_SPACE, f"{business.scope}:{id_}")),
        "accounting_systemid": business.info["account_id"],
        "username": f"client{id_}",
        "role": "client",
        "level": 0,
        **texts,
        "vat_name": None,
        "vat_number": None,
        "allow_late_fees": True,
        "allow_late_notifications": True,
        "currency_code": business.home,
        "language": "en",
        "signup_date": universal(business.clock.now()),
        "exceeds_client_limit": False,
        "vis_state": ACTIVE,
    }


def _check_new(business: Business, doc: Doc) -> None:
    if not doc["email"] or business.switches["duplicate_client_email"] == "accepted":
        return
    if any(each["vis_state"] != DELETED for each in business.find(_OBJECT, "$.email", doc["email"])):
        raise errors.invalid("A client with this email already exists.", "email", _OBJECT, doc["email"])


def _too_many(business: Business) -> bool:
    limit = int(business.permissions()["client.limit"])
    living = sum(1 for each in business.all(_OBJECT) if each["vis_state"] == ACTIVE)
    return 0 <= limit <= living
