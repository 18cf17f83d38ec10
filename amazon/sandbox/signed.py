"""Opaque texts that carry their own proof: page tokens and presigned links."""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from typing import Any

from sandbox.store import Store


class Signer:
    """Signs with a key that lives in the store, so that a token outlives a restart of the stand-in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def _key(self) -> bytes:
        kept = self._store.get("secret", "signing")
        if kept is None:
            kept = {"key": secrets.token_hex(16)}
            self._store.put("secret", "signing", kept)
        return bytes.fromhex(kept["key"])

    def signature(self, text: str) -> str:
        return hmac.new(self._key(), text.encode(), hashlib.sha256).hexdigest()

    def token(self, value: dict[str, Any]) -> str:
        """A token that must be percent-encoded in a query: it always holds ``+``, ``/`` and ``=``."""
        body = json.dumps(value, separators=(",", ":"), sort_keys=True)
        signed = f"{self.signature(body)}{body}".encode()
        # Three spare bytes become "+/+/", and the length is made to leave one "=" at the end.
        padded = b"\xfb\xff\xbf" + signed + b" " * ((2 - len(signed)) % 3)
        return base64.b64encode(padded).decode()

    def value(self, token: str) -> dict[str, Any] | None:
        """What a token carries; None when it was not made here or was changed."""
        try:
            text = base64.b64decode(token, validate=True)[3:].decode().rstrip(" ")
        except (binascii.Error, UnicodeDecodeError):
            return None
        signature, body = text[:64], text[64:]
        if not hmac.compare_digest(signature, self.signature(body)):
            return None
        value: dict[str, Any] = json.loads(body)
        return value
