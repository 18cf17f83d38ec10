"""Login with Amazon: authorisations, and the token endpoint with its three grants.

An authorisation binds one application to one selling partner for 365 days; the refresh tokens, and through them the
access tokens, die with it. Nobody is told: the next refresh answers ``invalid_grant``, the next call 403.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.applications import FINANCE_ROLE, ORDERS_ROLE, Applications
from amazon.sandbox.errors import Refused, denied, error
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import json_response

__all__ = ["FINANCE_ROLE", "NOTIFICATIONS_SCOPE", "ORDERS_ROLE", "ROTATION_SCOPE", "Caller", "Lwa"]

CODE_LIVES = timedelta(minutes=5)
ACCESS_LIVES_S = 3600
AUTHORISATION_LIVES = timedelta(days=365)

NOTIFICATIONS_SCOPE = "sellingpartnerapi::notifications"
ROTATION_SCOPE = "sellingpartnerapi::client_credential:rotation"
SCOPES = (NOTIFICATIONS_SCOPE, ROTATION_SCOPE)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who an access token speaks for; a grantless one for the application alone: no seller, no region, no roles."""

    client_id: str
    seller_id: str
    region: str
    roles: tuple[str, ...]


class Lwa:
    def __init__(self, store: Store, clock: Clock, applications: Applications) -> None:
        self._store = store
        self._clock = clock
        self._applications = applications

    # Authorisations

    def authorise(self, client_id: str, seller_id: str) -> None:
        """The seller agrees: from now on, for 365 days, with the roles the application has today."""
        application = self._applications.find(client_id=client_id)
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

    def authorisation(self, client_id: str, seller_id: str) -> dict[str, Any] | None:
        """roles, until, serial of what the seller agreed to; None when that is over, revoked or never was."""
        kept = self._store.get("authorisation", client_id, scope=seller_id)
        return self._alive(client_id, seller_id, kept["serial"]) if kept else None

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
        application = self._applications.find(client_id=form.get("client_id", ""))
        if application is None or not self._applications.accepts(application, form.get("client_secret", "")):
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
        kept = {"client_id": client_id, "seller_id": seller_id, "serial": serial, "scope": scope, "until": until}
        self._store.put("access", token, kept)
        answer: dict[str, Any] = {"access_token": token, "token_type": "bearer", "expires_in": ACCESS_LIVES_S}
        if refresh_token:
            answer["refresh_token"] = refresh_token
        if scope:
            answer["scope"] = scope
        return json_response(answer, headers={"Cache-Control": "no-store", "Pragma": "no-cache"})

    # Calls

    def caller(self, request: Request, scope: str = "") -> Caller:
        """Who is calling: a seller's application, or, for an operation that is grantless, an application with ``scope``.

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
        application = self._applications.find(client_id=kept["client_id"])
        if application is None or self._applications.secret_is_over(application):
            raise denied("The client secret of the application has expired.")
        if kept["scope"] != scope:
            raise denied("The access token is not of the kind that this operation accepts.")
        if scope:
            return Caller(kept["client_id"], "", "", ())
        authorisation = self._alive(kept["client_id"], kept["seller_id"], kept["serial"])
        if authorisation is None:
            raise denied("The access token you provided is revoked, malformed or invalid.")
        seller = self._store.get("seller", kept["seller_id"]) or {}
        return Caller(kept["client_id"], kept["seller_id"], seller["region"], tuple(authorisation["roles"]))


def _no(code: str, description: str, status: int = 400) -> Response:
    return json_response({"error": code, "error_description": description}, status)
