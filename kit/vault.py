"""Seals secrets at rest: AES-256-GCM, a key id in front, and where the value lives as associated data.

A sealed value is ``<key id>:<base64url of nonce, ciphertext and tag>``. The keys come from ``settings.VAULT_KEYS``,
newest first; the newest seals, all of them open.
"""

import base64
import binascii
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

NONCE_BYTES = 12  # NIST SP 800-38D, 8.2: 96 bits, the size GCM is made for


class CannotOpen(Exception):
    """A sealed value that no key opens at this place: moved from another row, damaged, or its key is gone."""


def seal(plain: bytes, context: str) -> str:
    """Return ``plain`` sealed for one place; ``context`` names it as ``table:row:field``."""
    key_id, keys = _current()
    nonce = os.urandom(NONCE_BYTES)
    sealed = nonce + keys[key_id].encrypt(nonce, plain, context.encode())
    return f"{key_id}:{base64.urlsafe_b64encode(sealed).decode()}"


def unseal(sealed: str, context: str) -> bytes:
    """Return what was sealed for this place.

    Raises:
        CannotOpen: also for an empty text; a secret that does not open is never an empty one.
    """
    key_id, _, text = sealed.partition(":")
    _, keys = _current()
    key = keys.get(key_id)
    if key is None:
        raise CannotOpen(f"no key for the value at {context}: it was sealed with a key that VAULT_KEYS does not list")
    try:
        raw = base64.urlsafe_b64decode(text)
        return key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], context.encode())
    except (InvalidTag, ValueError, binascii.Error):
        raise CannotOpen(f"the value at {context} is damaged or was sealed for another place") from None


def current_key_id() -> str:
    """Return the id of the key that seals now."""
    return _current()[0]


def _current() -> tuple[str, dict[str, AESGCM]]:
    return _parse(settings.VAULT_KEYS)


@lru_cache(maxsize=4)
def _parse(text: str) -> tuple[str, dict[str, AESGCM]]:
    keys: dict[str, AESGCM] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        key_id, colon, encoded = part.partition(":")
        try:
            raw = base64.urlsafe_b64decode(encoded)
        except (ValueError, binascii.Error):
            raw = b""
        if not (key_id and colon) or len(raw) != 32:
            raise ImproperlyConfigured("VAULT_KEYS is a comma-separated list of <key id>:<base64url of 32 bytes>")
        if key_id in keys:
            raise ImproperlyConfigured(f"VAULT_KEYS lists the key id {key_id} twice")
        keys[key_id] = AESGCM(raw)
    if not keys:
        raise ImproperlyConfigured("VAULT_KEYS is empty")
    return next(iter(keys)), keys
