"""Login with Amazon: applications, authorisations, and the token endpoint with its three grants.

An authorisation binds one application to one selling partner for 365 days; the refresh tokens, and through them the
access tokens, die with it. Nobody is told: the next refresh answers ``invalid_grant``, the next call 403.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import Refused, denied, error
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import json_response

CODE_LIVES = timedelta(minutes=5)
ACCESS_LIVES_S = 3600
AUTHORISATION_LIVES = timedelta(days=365)
OLD_SECRET_LIVES = timedelta(days=7)

ORDERS_ROLE = "Inventory and Order Tracking"
FINANCE_ROLE = "Finance and Accounting"
SCOPES = ("sellingpartnerapi::notifications", "sellingpartnerapi::client_credential:rotation")

LOOPBACK = "loopback"
"""In an application's redirect addresses: any address on this machine, so that a demo needs no registration."""

DEMO_APPLICATION: dict[str, Any] = {
    "application_id": "amzn1.sp.solution.0f6c2a51-demo-4b7e-9f21-5d3c8a7e6b10",
    "client_id": "amzn1.application-oa2-client.5d0c7be1f4a94f3e8b6a2c1d9e0f7a64",
    "client_secret": "amzn1.oa2-cs.v1.8c1f0b7e6d5a4938271605f4e3d2c1b0a9f8e7d6c5b4a39281706f5e4d3c2b1a",
    "name": "Tieout",
    "redirect_uris": [LOOPBACK],
    "draft": False,
    "roles": [FINANCE_ROLE, ORDERS_ROLE],
}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who an access token speaks for."""

    client_id: str
    seller_id: str
    region: str
    roles: tuple[str, ...]


class Lwa:
    """``replace_refresh_tokens()`` says whether a refresh hands out a new refresh token and retires the old one."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # Applications

    def applications(self) -> list[dict[str, Any]]:
        return self._store.all("application") or [DEMO_APPLICATION]

    def application(self, **field: str) -> dict[str, Any] | None:
        """The application whose ``application_id`` or ``client_id`` this is."""
        ((name, value),) = field.items()
        return next((each for each in self.applications() if each[name] == value), None)

    def add_application(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Add or replace an application; what is not given is taken from the demo application."""
        if extra := set(values) - set(DEMO_APPLICATION):
            raise ValueError(f"unknown: {', '.join(sorted(extra))}")
        made = {**DEMO_APPLICATION, **values}
        # The demo application exists without being stored; it must not vanish when another one is added.
        self._store.put("application", DEMO_APPLICATION["client_id"], self.applications()[0])
        self._store.put("application", made["client_id"], made)
        return made

    def rotate_secret(self, client_id: str) -> str:
        """Give an application a new secret; the old one works for seven more days."""
        application = self.application(client_id=client_id)
        if application is None:
            raise KeyError(client_id)
        until = self._clock.now() + OLD_SECRET_LIVES
        old = {"secret": application["client_secret"], "until": until.isoformat()}
        made = {**application, "client_secret": f"amzn1.oa2-cs.v1.{secrets.token_hex(32)}", "old_secret": old}
        self._store.put("application", client_id, made)
        return str(made["client_secret"])

    def redirect_is_registered(self, application: Mapping[str, Any], redirect_uri: str) -> bool:
        registered = application["redirect_uris"]
        local = ("http://127.0.0.1", "http://localhost", "http://[::1]", "http://testserver")
        return redirect_uri in registered or (LOOPBACK in registered and redirect_uri.startswith(local))

    # Authorisations

    def authorise(self, client_id: str, seller_id: str) -> None:
        """The seller agrees: from now on, for 365 days, with the roles the application has today."""
        application = self.application(client_id=client_id)
        if application is None or self._store.get("seller", seller_id) is None:
            raise KeyError(client_id if application is None else seller_id)
        before = self._store.get("authorisation", client_id, scope=seller_id)
        made = {
            "roles": application["roles"],
            "until": (self._clock.now() + AUTHORISATION_LIVES).isoformat(),
            # Tokens of a revoked authorisation stay dead when the seller agrees again.
            "serial": before["serial"] + before["revoked"] if before else 1,
            "revoked": False,
        }
        self._store.put("authorisation", client_id, made, scope=seller_id)

    def revoke(self, seller_id: str, client_id: str = "") -> None:
        for each in [client_id] if client_id else self._store.ids("authorisation", scope=seller_id):
            kept = self._store.get("authorisation", each, scope=seller_id)
            if kept is None:
                raise KeyError(each)
            self._store.put("authorisation", each, {**kept, "revoked": True}, scope=seller_id)

    def _alive(self, client_id: str, seller_id: str, serial: int) -> dict[str, Any] | None:
        kept = self._store.get("authorisation", client_id, scope=seller_id)
        if kept is None or kept["revoked"] or kept["serial"] != serial:
            return None
        return kept if datetime.fromisoformat(kept["until"]) > self._clock.now() else None

    def code(self, client_id: str, seller_id: str, redirect_uri: str) -> str:
        """A code for one exchange within five minutes."""
        code = f"RH{secrets.token_hex(12)}"
        until = (self._clock.now() + CODE_LIVES).isoformat()
        made = {"client_id": client_id, "seller_id": seller_id, "redirect_uri": redirect_uri, "until": until}
        self._store.put("code", code, made)
        return code

    def refresh_token(self, client_id: str, seller_id: str) -> str:
        """A refresh token of a living authorisation, as self-authorisation in the developer console shows it."""
        kept = self._store.get("authorisation", client_id, scope=seller_id)
        if kept is None:
            raise KeyError(f"{client_id} is not authorised by {seller_id}")
        token = f"Atzr|{secrets.token_urlsafe(96)}"
        made = {"client_id": client_id, "seller_id": seller_id, "serial": kept["serial"]}
        self._store.put("refresh", token, made)
        return token

    def expire_access_tokens(self, seller_id: str = "") -> int:
        """End the life of every access token (of one seller) now."""
        ended = 0
        for token in self._store.ids("access"):
            kept = self._store.get("access", token)
            if kept and seller_id in ("", kept["seller_id"]):
                self._store.put("access", token, {**kept, "until": self._clock.now().isoformat()})
                ended += 1
        return ended

    # The token endpoint

    def token(self, request: Request, *, replace: bool) -> Response:
        """POST /auth/o2/token. ``replace`` hands out a new refresh token with every refresh and retires the old one."""
        if request.mimetype != "application/x-www-form-urlencoded":
            return _no("invalid_request", "The Content-Type must be application/x-www-form-urlencoded")
        form = request.form
        application = self.application(client_id=form.get("client_id", ""))
        if application is None or not self._secret_is(application, form.get("client_secret", "")):
            return _no("invalid_client", "Client authentication failed", 401)
        match form.get("grant_type"):
            case "authorization_code":
                return self._exchange(application, form)
            case "refresh_token":
                return self._refresh(application, form, replace=replace)
            case "client_credentials":
                return self._grantless(application, form)
            case None:
                return _no("invalid_request", "The request is missing a required parameter : grant_type")
            case _:
                return _no("unsupported_grant_type", "The authorization grant type is not supported")

    def _secret_is(self, application: Mapping[str, Any], secret: str) -> bool:
        if secret == application["client_secret"]:
            return True
        old = application.get("old_secret")
        return bool(old and secret == old["secret"] and datetime.fromisoformat(old["until"]) > self._clock.now())

    def _exchange(self, application: Mapping[str, Any], form: Mapping[str, str]) -> Response:
        if not form.get("code"):
            return _no("invalid_request", "The request is missing a required parameter : code")
        kept = self._store.get("code", form["code"])
        # A code is spent by the first try to use it, whatever comes of it.
        self._store.delete("code", form["code"])
        if kept is None or kept["client_id"] != application["client_id"]:
            return _no("invalid_grant", "The provided authorization grant is invalid, expired or revoked")
        if datetime.fromisoformat(kept["until"]) <= self._clock.now():
            return _no("invalid_grant", "The provided authorization grant is invalid, expired or revoked")
        if kept["redirect_uri"] != form.get("redirect_uri", kept["redirect_uri"]):
            return _no("invalid_grant", "The redirect URI differs from that of the authorization request")
        refresh_token = self.refresh_token(kept["client_id"], kept["seller_id"])
        return self._access(kept["client_id"], kept["seller_id"], refresh_token)

    def _refresh(self, application: Mapping[str, Any], form: Mapping[str, str], *, replace: bool) -> Response:
        token = form.get("refresh_token", "")
        if not token:
            return _no("invalid_request", "The request is missing a required parameter : refresh_token")
        kept = self._store.get("refresh", token)
        if kept is None or kept["client_id"] != application["client_id"]:
            return _no("invalid_grant", "The request has an invalid grant parameter : refresh_token")
        if self._alive(kept["client_id"], kept["seller_id"], kept["serial"]) is None:
            return _no("invalid_grant", "The request has an invalid grant parameter : refresh_token")
        if replace:
            self._store.delete("refresh", token)
            token = self.refresh_token(kept["client_id"], kept["seller_id"])
        return self._access(kept["client_id"], kept["seller_id"], token)

    def _grantless(self, application: Mapping[str, Any], form: Mapping[str, str]) -> Response:
        scope = form.get("scope", "")
        if scope not in SCOPES:
            return _no("invalid_scope", "The requested scope is invalid, unknown or malformed")
        return self._access(application["client_id"], "", "", scope)

    def _access(self, client_id: str, seller_id: str, refresh_token: str, scope: str = "") -> Response:
        token = f"Atza|{secrets.token_urlsafe(96)}"
        until = (self._clock.now() + timedelta(seconds=ACCESS_LIVES_S)).isoformat()
        authorisation = self._store.get("authorisation", client_id, scope=seller_id) if seller_id else None
        serial = authorisation["serial"] if authorisation else 0
        self._store.put(
            "access", token, {"client_id": client_id, "seller_id": seller_id, "serial": serial, "until": until}
        )
        answer: dict[str, Any] = {"access_token": token, "token_type": "bearer", "expires_in": ACCESS_LIVES_S}
        if refresh_token:
            answer["refresh_token"] = refresh_token
        if scope:
            answer["scope"] = scope
        return json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    # Calls

    def caller(self, request: Request) -> Caller:
        """Who is calling.

        Raises:
            Refused: 401 for a token that is no token, 403 for one that is expired, dead or of the wrong kind.
        """
        token = request.headers.get("x-amz-access-token", "")
        if not token.startswith("Atza|"):
            raise Refused(error(401, "Access token is missing in the request header or malformed."))
        kept = self._store.get("access", token)
        if kept is None:
            raise denied("The access token you provided is revoked, malformed or invalid.")
        if datetime.fromisoformat(kept["until"]) <= self._clock.now():
            raise denied("The access token you provided has expired.")
        if not kept["seller_id"]:
            raise denied("Grantless access tokens are not accepted by this operation.")
        authorisation = self._alive(kept["client_id"], kept["seller_id"], kept["serial"])
        if authorisation is None:
            raise denied("The access token you provided is revoked, malformed or invalid.")
        seller = self._store.get("seller", kept["seller_id"]) or {}
        return Caller(kept["client_id"], kept["seller_id"], seller["region"], tuple(authorisation["roles"]))


def _no(code: str, description: str, status: int = 400) -> Response:
    return json_response({"error": code, "error_description": description}, status)
