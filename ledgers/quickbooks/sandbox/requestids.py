"""The memory behind ``requestid``: same id seen again, the original answer is returned (sheet §5.1)."""

import hashlib
import re
from datetime import datetime, timedelta

from ledgers.quickbooks.sandbox.company import Doc
from ledgers.quickbooks.sandbox.errors import Fault
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

_FORM = re.compile(r"[A-Za-z0-9_.:=-]{1,50}\Z")


def digest(*parts: bytes) -> str:
    return hashlib.sha256(b"\n".join(parts)).hexdigest()


def malformed() -> Fault:
    return Fault("2130", "Invalid Request Id", "The requestid is malformed or too long", element="requestid")


def in_use() -> Fault:
    return Fault("600", "Duplicate Request Id", "A request with this requestid is being or was processed")


class RequestIds:
    """What was answered under an id, per company. An item of a batch is remembered as ``<requestid>:<bId>``."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches

    def check(self, requestid: str, longest: int = 50) -> None:
        """Raises:
        Fault: 2130.
        """
        if requestid and (len(requestid) > longest or not _FORM.match(requestid)):
            raise malformed()

    def recall(self, realm: str, key: str, body_digest: str) -> Doc | None:
        """``{"status", "body"}`` of the first request with this key, None when it is to be executed.

        Raises:
            Fault: 600 when the body differs and that is refused.
        """
        retention = self._switches["requestid_retention"]
        kept = self._store.get("requestid", key, realm)
        if kept is None or retention == "0":
            return None
        if retention == "24h" and self._clock.now() - datetime.fromisoformat(kept["at"]) > timedelta(hours=24):
            return None
        if kept["digest"] != body_digest and self._switches["requestid_other_body"] == "600":
            raise in_use()
        return kept

    def remember(self, realm: str, key: str, body_digest: str, status: int, body: Doc) -> None:
        if self._switches["requestid_retention"] == "0":
            return
        kept = {"at": self._clock.now().isoformat(), "digest": body_digest, "status": status, "body": body}
        self._store.put("requestid", key, kept, realm)
