"""Applications and their client secrets: a secret lives for 180 days, and the one before it for seven more.

Past the deadline every call of the application fails until somebody makes a new secret; what sellers agreed to
survives that. Warnings begin 90 days before.
"""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sandbox.clock import Clock
from sandbox.store import Store

SECRET_LIVES = timedelta(days=180)
OLD_SECRET_LIVES = timedelta(days=7)
WARNED_BEFORE_DAYS = (90, 60, 30, 7, 1)
"""When warnings come. Only the first is documented; the others are a guess."""

ORDERS_ROLE = "Inventory and Order Tracking"
FINANCE_ROLE = "Finance and Accounting"

LOOPBACK = "loopback"
"""In an application's redirect addresses: any address on this machine, so that a demo needs no registration."""

DEMO_APPLICATION: dict[str, Any] = {
    "application_id": "amzn1.sp.solution.0f6c2a51-demo-4b7e-9f21-5d3c8a7e6b10",
    "client_id": "amzn1.application-oa2-client.5d0c7be1f4a94f3e8b6a2c1d9e0f7a64",
    "client_secret": "amzn1.oa2-cs.v1.8c1f0b7e6d5a4938271605f4e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a",
    "name": "Tieout",
    "redirect_uris": [LOOPBACK],
    "login_uri": "",
    "draft": False,
    "roles": [FINANCE_ROLE, ORDERS_ROLE],
}


class Applications:
    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def all(self) -> list[dict[str, Any]]:
        return self._store.all("application") or [DEMO_APPLICATION]

    def find(self, **field: str) -> dict[str, Any] | None:
        """The application whose ``application_id`` or ``client_id`` this is."""
        ((name, value),) = field.items()
        return next((each for each in self.all() if each[name] == value), None)

    def known(self, client_id: str) -> dict[str, Any]:
        if application := self.find(client_id=client_id):
            return application
        raise KeyError(client_id)

    def add(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add or replace an application; what is not given is taken from the demo application."""
        if extra := set(values) - set(DEMO_APPLICATION):
            raise ValueError(f"unknown: {', '.join(sorted(extra))}")
        made = {**DEMO_APPLICATION, **values}
        self._keep(made)
        return made

    def _keep(self, application: Mapping[str, Any]) -> None:
        # The demo application exists without being stored; it must not vanish when another one is added.
        self._store.put("application", DEMO_APPLICATION["client_id"], self.all()[0])
        self._store.put("application", application["client_id"], dict(application))

    def redirect_is_registered(self, application: Mapping[str, Any], redirect_uri: str) -> bool:
        registered = application["redirect_uris"]
        local = ("http://127.0.0.1", "http://localhost", "http://[::1]", "http://testserver")
        return redirect_uri in registered or (LOOPBACK in registered and redirect_uri.startswith(local))

    # Actions

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {"application": self.add, "rotate_secret": self._rotate_secret, "secret_expires": self._secret_expires}

    def _rotate_secret(self, given: dict[str, Any]) -> dict[str, str]:
        """A new secret made by hand in the developer console, which shows it."""
        return {"client_secret": self.rotate_secret(given["client_id"])["newClientSecret"]}

    def _secret_expires(self, given: dict[str, Any]) -> dict[str, str]:
        """Let an application's secret end ``in_s`` seconds from now."""
        client_id = given.get("client_id", DEMO_APPLICATION["client_id"])
        until = self._clock.now() + timedelta(seconds=given["in_s"])
        return {"expires_at": self.set_expiry(self.known(client_id)["client_id"], until).isoformat()}

    # Secrets

    def expires_at(self, application: Mapping[str, Any]) -> datetime:
        """The end of the application's secret; one that nobody has looked at before was made now."""
        kept = self._store.get("secret_life", application["client_id"])
        if kept is None:
            return self.set_expiry(application["client_id"], self._clock.now() + SECRET_LIVES)
        return datetime.fromisoformat(kept["until"])

    def set_expiry(self, client_id: str, until: datetime) -> datetime:
        self._store.put("secret_life", client_id, {"until": until.isoformat(), "warned": 0})
        return until

    def secret_is_over(self, application: Mapping[str, Any]) -> bool:
        return self.expires_at(application) <= self._clock.now()

    def accepts(self, application: Mapping[str, Any], secret: str) -> bool:
        """Whether this is a secret that opens the token endpoint now."""
        if secret == application["client_secret"]:
            return not self.secret_is_over(application)
        old = application.get("old_secret")
        return bool(old and secret == old["secret"] and datetime.fromisoformat(old["until"]) > self._clock.now())

    def rotate_secret(self, client_id: str) -> dict[str, Any]:
        """Give an application a new secret; answers it as its notification has it. The old one works for seven more
        days, unless its own time was over already."""
        application = self.known(client_id)
        now = self._clock.now()
        old_until = now if self.secret_is_over(application) else now + OLD_SECRET_LIVES
        old = {"secret": application["client_secret"], "until": old_until.isoformat()}
        made = {**application, "client_secret": f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}", "old_secret": old}
        self._keep(made)
        return {
            "clientId": client_id,
            "newClientSecret": made["client_secret"],
            "newClientSecretExpiryTime": self.set_expiry(client_id, now + SECRET_LIVES),
            "oldClientSecretExpiryTime": old_until,
        }

    def warning(self, application: Mapping[str, Any]) -> datetime | None:
        """The end of the secret when a warning of it is due now; each is answered once, missed ones together."""
        until = self.expires_at(application)
        left = until - self._clock.now()
        due = sum(left <= timedelta(days=days) for days in WARNED_BEFORE_DAYS)
        kept = self._store.get("secret_life", application["client_id"]) or {}
        if due <= kept["warned"]:
            return None
        self._store.put("secret_life", application["client_id"], {**kept, "warned": due})
        return until
