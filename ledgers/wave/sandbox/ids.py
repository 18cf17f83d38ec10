"""Ids as Wave writes them: opaque Base64 that only the server may read (sheet §1)."""

import base64
import binascii
import re

_INSIDE = re.compile(r"(?:Business:[0-9a-f-]{36};)?(?P<kind>[A-Za-z]+):[^;]+(?:;Business:[0-9a-f-]{36})?")
_BUSINESS = re.compile(r"Business:([0-9a-f-]{36})")
_BUSINESS_LAST = ("Account", "Transaction")


def business_id(uuid: str) -> str:
    return _encode(f"Business:{uuid}")


def node_id(kind: str, uuid: str, number: str) -> str:
    """The id of something inside the business ``uuid``."""
    own, business = f"{kind}:{number}", f"Business:{uuid}"
    return _encode(f"{own};{business}" if kind in _BUSINESS_LAST else f"{business};{own}")


def plain_id(kind: str, number: str) -> str:
    """The id of something outside businesses: a user, an application."""
    return _encode(f"{kind}:{number}")


def business_of(id_: str) -> str | None:
    """The uuid of the business an id belongs to."""
    try:
        text = base64.b64decode(id_, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    found = _BUSINESS.search(text) if _INSIDE.fullmatch(text) else None
    return found[1] if found else None


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
