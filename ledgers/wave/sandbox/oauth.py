"""Consent, tokens, rotation, revocation (sheet §3)."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ledgers.wave.sandbox.businesses import DEFAULT_USER
from ledgers.wave.sandbox.ids import business_id, business_of, plain_id
from sandbox.clock import Clock
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store
from sandbox.switches import Switches
from sandbox.wsgi import json_response

_READ = ("user", "business", "account", "customer", "vendor", "product", "sales_tax", "invoice", "estimate",
         "transaction")  # fmt: skip
_WRITE = ("account", "customer", "product", "sales_tax", "invoice", "estimate", "transaction")
SCOPES = frozenset({
    "offline_access", "invoice:send", "estimate:send",
    *(f"{each}:{verb}" for each in _READ for verb in ("read", "*")), *(f"{each}:write" for each in _WRITE),
})  # fmt: skip
EVERYTHING = " ".join(sorted(scope for scope in SCOPES if not scope.endswith("*")))
ALL_BUSINESSES = "all"

_CODE_LIFE = timedelta(seconds=60)
_ACCESS_LIFE_S = 7200

DEFAULT_APP = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "name": "Tieout",
    # A trailing * stands for any ending: every loopback port of a developer's machine is registered.
    "redirect_uris": ["http://localhost*", "http://127.0.0.1*", "http://testserver*", "https://testserver*"],
}


class NoToken(Exception):
    """The bearer token opens nothing. The text is the one Wave shows."""


class OAuth:
    """The authorisation side. Grants, codes and tokens are documents of the store.

    A grant belongs to a user and, unless ``business`` is "", to one business (its uuid).
    """

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches

    # Applications

    def register_app(self, values: dict[str, Any]) -> dict[str, Any]:
        app = {**DEFAULT_APP, **values}
        self._store.put("app", app["client_id"], app)
        return app

    def app(self, client_id: str) -> dict[str, Any] | None:
        if client_id == DEFAULT_APP["client_id"] and not self._store.get("app", client_id):
            self.register_app({})
        return self._store.get("app", client_id)

    def _authenticated(self, request: Request) -> dict[str, Any] | None:
        app = self.app(request.form.get("client_id", ""))
        secret = request.form.get("client_secret", "")
        return app if app and secrets.compare_digest(app["client_secret"], secret) else None

    # Consent

    def _wrong_request(self, values: Any) -> str:
        app = self.app(values.get("client_id", ""))
        if app is None:
            return "The client_id is unknown."
        uri = values.get("redirect_uri")
        if uri and not any(_covers(pattern, uri) for pattern in app["redirect_uris"]):
            return "The redirect_uri is not registered for this application."
        return "" if values.get("response_type") == "code" else "The response_type must be code."

    def show_consent(self, request: Request) -> Response:
        """The page. Nobody is logged in yet, so any scope is accepted here (sheet §3)."""
        if wrong := self._wrong_request(request.args):
            return refusal_page(wrong)
        app = self.app(request.args["client_id"]) or {}
        names = ("client_id", "response_type", "scope", "redirect_uri", "state")
        wished = request.args.get("businessId") or request.args.get("business_id")
        offered = [
            (business_id(each["uuid"]), each["name"] if each["plan"] == "pro" else f"{each['name']} (needs Wave Pro)")
            for each in self._store.all("business")
            if not each["archived"]
        ]
        offered.sort(key=lambda each: each[0] != wished)
        return consent_page(
            title="Connect to Wave",
            app=str(app["name"]),
            scopes=request.args.get("scope", "").split(),
            legend="Choose a business",
            choices=[*offered, (ALL_BUSINESSES, "All my businesses")],
            hidden={name: request.args.get(name, "") for name in names},
            action="/oauth2/authorize/",
        )

    def decide(self, request: Request) -> Response:
        values = request.form
        if wrong := self._wrong_request(values):
            return refusal_page(wrong)
        app = self.app(values["client_id"]) or {}
        uri = values.get("redirect_uri") or app["redirect_uris"][0].rstrip("*")
        back = {"state": values["state"]} if values.get("state") else {}
        scope = values.get("scope", "")
        if not scope or not set(scope.split()) <= SCOPES:
            return _back(uri, {"error": "invalid_scope", **back})
        if values.get("decision") != "allow":
            return _back(uri, {"error": "access_denied", **back})
        choice = values.get("choice", "")
        chosen = self._store.get("business", business_of(choice) or "")
        if choice != ALL_BUSINESSES and chosen is None:
            return refusal_page("Choose a business.")
        if chosen and chosen["plan"] != "pro":
            return refusal_page("Only businesses on Wave Pro can be connected.")
        grant = self.new_grant(
            values["client_id"], chosen["uuid"] if chosen else "", scope, chosen["user"] if chosen else DEFAULT_USER
        )
        code = secrets.token_urlsafe(24)
        expires = (self._clock.now() + _CODE_LIFE).isoformat()
        kept = {"grant": grant["id"], "redirect_uri": values.get("redirect_uri", ""), "expires": expires, "used": False}
        self._store.put("code", code, kept)
        return _back(uri, {"code": code, **back})

    def new_grant(self, client_id: str, business: str, scope: str, user: str) -> dict[str, Any]:
        id_ = str(self._store.next_number("grant"))
        grant = {"id": id_, "client_id": client_id, "business": business, "scope": scope, "user": user, "over": False,
                 "refresh": ""}  # fmt: skip
        self._store.put("grant", id_, grant)
        return grant

    # Tokens

    def token(self, request: Request) -> Response:
        app = self._authenticated(request)
        if app is None:
            return json_response({"error": "invalid_client"}, 401)
        kind = request.form.get("grant_type")
        if kind == "authorization_code":
            grant = self._by_code(app, request.form.get("code", ""), request.form.get("redirect_uri", ""))
        elif kind == "refresh_token":
            grant = self._by_refresh(app, request.form.get("refresh_token", ""))
        else:
            return json_response({"error": "unsupported_grant_type"}, 400)
        if grant is None:
            return json_response({"error": "invalid_grant"}, 400)
        rotate = kind == "authorization_code" or self._switches["refresh_token"] == "rotated"
        return json_response(self.issue(grant, rotate=rotate), headers={"Cache-Control": "no-store"})

    def _by_code(self, app: dict[str, Any], code: str, redirect_uri: str) -> dict[str, Any] | None:
        kept = self._store.get("code", code)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["client_id"] != app["client_id"] or grant["over"]:
            return None
        if kept["redirect_uri"] and kept["redirect_uri"] != redirect_uri:
            return None
        if kept["used"]:
            self._end(grant)  # RFC 6749 §4.1.2: tokens of a code that comes twice are revoked
            return None
        if self._clock.now() >= datetime.fromisoformat(kept["expires"]):
            return None
        self._store.put("code", code, {**kept, "used": True})
        return grant

    def _by_refresh(self, app: dict[str, Any], value: str) -> dict[str, Any] | None:
        kept = self._store.get("refresh", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["client_id"] != app["client_id"] or grant["over"]:
            return None
        if kept["replaced"]:
            if self._switches["refresh_reuse_revokes_grant"] == "yes":
                self._end(grant)
            return None
        return grant

    def issue(self, grant: dict[str, Any], *, rotate: bool) -> dict[str, Any]:
        """The token answer. With ``rotate`` and offline_access there is a new refresh token, and the old one is over."""
        granted = grant["scope"].split()
        answer: dict[str, Any] = {"access_token": secrets.token_urlsafe(22)}
        if rotate and "offline_access" in granted:
            if grant["refresh"]:
                self._store.put("refresh", grant["refresh"], {"grant": grant["id"], "replaced": True})
            grant = {**grant, "refresh": secrets.token_urlsafe(22)}
            self._store.put("refresh", grant["refresh"], {"grant": grant["id"], "replaced": False})
            self._store.put("grant", grant["id"], grant)
            answer["refresh_token"] = grant["refresh"]
        expires = (self._clock.now() + timedelta(seconds=_ACCESS_LIFE_S)).isoformat()
        self._store.put("access", answer["access_token"], {"grant": grant["id"], "expires": expires})
        if self._switches["offline_access_in_scope"] == "absent":
            granted = [scope for scope in granted if scope != "offline_access"]
        return {
            **answer,
            "token_type": "Bearer",
            "expires_in": _ACCESS_LIFE_S,
            "scope": " ".join(granted),
            "userId": plain_id("User", grant["user"]),
            "businessId": business_id(grant["business"]) if grant["business"] else None,
        }

    def grant_of(self, request: Request) -> dict[str, Any]:
        """The living grant behind the request's bearer token.

        Raises:
            NoToken: there is none.
        """
        kept = self._store.get("access", bearer(request))
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["over"]:
            raise NoToken("authentication required")
        if self._clock.now() >= datetime.fromisoformat(kept["expires"]):
            raise NoToken("authentication expired")
        return grant

    # The end of a grant

    def _end(self, grant: dict[str, Any]) -> None:
        self._store.put("grant", grant["id"], {**grant, "over": True})

    def _of(self, business: str) -> list[dict[str, Any]]:
        """Living grants of one business, with those that span all of its owner's."""
        info = self._store.get("business", business) or {}
        return [
            grant
            for grant in self._store.all("grant")
            if not grant["over"]
            and (grant["business"] == business or (not grant["business"] and grant["user"] == info.get("user")))
        ]

    def end_business(self, business: str) -> int:
        """The user disconnects the application inside Wave; answers how many grants ended."""
        living = self._of(business)
        for grant in living:
            self._end(grant)
        return len(living)

    def expire_access(self, business: str) -> int:
        """Make every access token that opens the business expire now; answers how many."""
        grants = {grant["id"] for grant in self._of(business)}
        expired = 0
        for value in self._store.ids("access"):
            kept = self._store.get("access", value) or {}
            if kept["grant"] in grants:
                self._store.put("access", value, {**kept, "expires": self._clock.now().isoformat()})
                expired += 1
        return expired

    def revoke(self, request: Request) -> Response:
        if self._switches["revoke_endpoint"] == "missing":
            return Response("Not Found", 404, content_type="text/html;charset=UTF-8")
        if self._authenticated(request) is None:
            return json_response({"error": "invalid_client"}, 401)
        value = request.form.get("token", "")
        kept = self._store.get("refresh", value) or self._store.get("access", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if grant is not None:
            self._end(grant)
        return Response(status=200)  # RFC 7009 §2.2: an unknown token is no error


def bearer(request: Request) -> str:
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value if scheme.lower() == "bearer" else ""


def _covers(pattern: str, uri: str) -> bool:
    return uri.startswith(pattern[:-1]) if pattern.endswith("*") else uri == pattern


def _back(uri: str, values: dict[str, str]) -> Response:
    return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", code=302)
