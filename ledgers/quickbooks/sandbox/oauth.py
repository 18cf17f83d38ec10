"""Consent, tokens, rotation, revocation, discovery (sheet §1)."""

import base64
import binascii
import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store
from sandbox.switches import Switches
from sandbox.wsgi import DROP_ANSWER, json_response, posted_json

ACCOUNTING = "com.intuit.quickbooks.accounting"
_SCOPES = {ACCOUNTING, "com.intuit.quickbooks.payment", "openid", "profile", "email", "phone", "address"}
_CODE_LIFE = timedelta(minutes=10)
_ACCESS_LIFE_S = 3600
_REFRESH_LIFE_S = 8_640_000
_HARD_LIFE_S = 157_680_000
_SAME_VALUE_FOR = timedelta(hours=24)

DEFAULT_APP = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "name": "Tieout",
    # A trailing * stands for any ending: every loopback port of a developer's machine is registered.
    "redirect_uris": ["http://localhost*", "http://127.0.0.1*", "http://testserver*", "https://testserver*"],
}


class NoToken(Exception):
    """The bearer token opens nothing: missing, unknown, expired, or its grant is over."""


class OAuth:
    """The authorisation side. Grants, codes and tokens are documents of the store."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches

    # Applications

    def register_app(self, values: dict[str, Any]) -> dict[str, Any]:
        app = {**DEFAULT_APP, **values}
        self._store.put("app", app["client_id"], app)
        return app

    def _app(self, client_id: str) -> dict[str, Any] | None:
        if client_id == DEFAULT_APP["client_id"] and not self._store.get("app", client_id):
            self.register_app({})
        return self._store.get("app", client_id)

    def _authenticated(self, request: Request) -> dict[str, Any] | None:
        """The application whose Basic credentials the request carries."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        app = self._app(client_id) if scheme.lower() == "basic" else None
        return app if app and secrets.compare_digest(app["client_secret"], secret) else None

    # Consent

    def _wrong_request(self, values: Any) -> str:
        app = self._app(values.get("client_id", ""))
        if app is None:
            return "The client_id is unknown."
        if not any(_covers(pattern, values.get("redirect_uri", "")) for pattern in app["redirect_uris"]):
            return "The redirect_uri is not registered for this application."
        if values.get("response_type") != "code":
            return "The response_type must be code."
        scopes = values.get("scope", "").split()
        return "" if scopes and set(scopes) <= _SCOPES else "The scope is unknown."

    def show_consent(self, request: Request) -> Response:
        if wrong := self._wrong_request(request.args):
            return refusal_page(wrong)
        app = self._app(request.args["client_id"]) or {}
        names = ("client_id", "response_type", "scope", "redirect_uri", "state")
        return consent_page(
            title="Connect to QuickBooks",
            app=str(app["name"]),
            scopes=request.args["scope"].split(),
            legend="Choose a company",
            choices=[(each["realm"], f"{each['name']} ({each['realm']})") for each in self._store.all("company")],
            hidden={name: request.args.get(name, "") for name in names},
            action="/connect/oauth2",
        )

    def decide(self, request: Request) -> Response:
        values = request.form
        if wrong := self._wrong_request(values):
            return refusal_page(wrong)
        back = {"state": values["state"]} if values.get("state") else {}
        if values.get("decision") != "allow":
            return _back(values["redirect_uri"], {"error": "access_denied", **back})
        realm = values.get("choice", "")
        if self._store.get("company", realm) is None:
            return refusal_page("Choose a company.")
        grant = self.new_grant(values["client_id"], realm, values["scope"])
        code = "AB1" + secrets.token_urlsafe(24)
        expires = self._clock.now() + _CODE_LIFE
        kept = {"grant": grant, "redirect_uri": values["redirect_uri"], "expires": expires.isoformat(), "used": False}
        self._store.put("code", code, kept)
        return _back(values["redirect_uri"], {"code": code, **back, "realmId": realm})

    def new_grant(self, client_id: str, realm: str, scope: str = ACCOUNTING) -> str:
        id_ = str(self._store.next_number("grant"))
        now = self._clock.now().isoformat()
        self._store.put(
            "grant",
            id_,
            {"id": id_, "client_id": client_id, "realm": realm, "scope": scope, "consented": now, "over": False,
             "refresh": "", "refresh_since": now, "refresh_used": now},
        )  # fmt: skip
        return id_

    def supersede(self, grant: dict[str, Any]) -> None:
        """End the earlier grants of the same application and company, if that is how it is."""
        if self._switches["second_consent_kills_first"] == "no":
            return
        for other in self._store.all("grant"):
            same = (other["client_id"], other["realm"]) == (grant["client_id"], grant["realm"])
            if same and other["id"] != grant["id"] and int(other["id"]) < int(grant["id"]):
                self._end(other)

    # Tokens

    def token(self, request: Request) -> Response:
        app = self._authenticated(request)
        if app is None:
            return json_response({"error": "invalid_client"}, 401)
        kind = request.form.get("grant_type")
        if kind == "authorization_code":
            grant = self._by_code(app, request.form.get("code", ""), request.form.get("redirect_uri", ""))
            rotated = True
        elif kind == "refresh_token":
            grant = self._by_refresh(app, request.form.get("refresh_token", ""))
            rotated = grant is not None and self._rotation_due(grant)
        else:
            return json_response({"error": "unsupported_grant_type"}, 400)
        if grant is None:
            return json_response({"error": "invalid_grant", "error_description": "Incorrect or invalid token"}, 400)
        hard = request.headers.get("x-include-refresh-token-hard-expires-in", "").lower() == "true"
        if kind == "refresh_token" and rotated and self._switches["refresh_answer_lost"] == "drop":
            request.environ[DROP_ANSWER] = True
        return json_response(
            self.issue(grant, rotate=rotated, hard=hard), headers={"Cache-Control": "no-cache, no-store"}
        )

    def _by_code(self, app: dict[str, Any], code: str, redirect_uri: str) -> dict[str, Any] | None:
        kept = self._store.get("code", code)
        if kept is None:
            return None
        grant = self._store.get("grant", kept["grant"])
        if grant is None or grant["client_id"] != app["client_id"] or kept["redirect_uri"] != redirect_uri:
            return None
        if kept["used"]:
            self._end(grant)  # RFC 6749 §4.1.2: tokens of a code that comes twice are revoked
            return None
        if self._clock.now() > datetime.fromisoformat(kept["expires"]) or grant["over"]:
            return None
        self._store.put("code", code, {**kept, "used": True})
        self.supersede(grant)
        return grant

    def _by_refresh(self, app: dict[str, Any], value: str) -> dict[str, Any] | None:
        kept = self._store.get("refresh", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["client_id"] != app["client_id"] or grant["over"]:
            return None
        now = self._clock.now()
        if (now - datetime.fromisoformat(grant["refresh_used"])).total_seconds() > _REFRESH_LIFE_S or (
            now - datetime.fromisoformat(grant["consented"])
        ).total_seconds() > _HARD_LIFE_S:
            return None
        if kept["replaced"]:
            grace = timedelta(hours=24) if self._switches["old_refresh_grace"] == "24h" else timedelta()
            if now - datetime.fromisoformat(kept["replaced"]) >= grace:
                if self._switches["refresh_reuse_revokes_grant"] == "yes":
                    self._end(grant)
                return None
        return grant

    def _rotation_due(self, grant: dict[str, Any]) -> bool:
        if self._switches["refresh_rotates"] == "always":
            return True
        return bool(self._clock.now() - datetime.fromisoformat(grant["refresh_since"]) >= _SAME_VALUE_FOR)

    def issue(self, grant: dict[str, Any], *, rotate: bool, hard: bool = False) -> dict[str, Any]:
        """The token answer; with ``rotate`` the refresh token gets a new value and the old one is replaced."""
        now = self._clock.now()
        if rotate:
            if old := self._store.get("refresh", grant["refresh"]):
                self._store.put("refresh", grant["refresh"], {**old, "replaced": now.isoformat()})
            grant = {**grant, "refresh": f"RT1-{secrets.token_hex(20)}", "refresh_since": now.isoformat()}
            self._store.put("refresh", grant["refresh"], {"grant": grant["id"], "replaced": ""})
        grant = {**grant, "refresh_used": now.isoformat()}
        self._store.put("grant", grant["id"], grant)
        access = f"eyJ.{secrets.token_urlsafe(300)}"
        expires = (now + timedelta(seconds=_ACCESS_LIFE_S)).isoformat()
        self._store.put("access", access, {"grant": grant["id"], "expires": expires})
        answer = {
            "token_type": "bearer",
            "access_token": access,
            "expires_in": _ACCESS_LIFE_S,
            "refresh_token": grant["refresh"],
            "x_refresh_token_expires_in": _REFRESH_LIFE_S,
        }
        if "openid" in grant["scope"].split():
            answer["id_token"] = f"eyJ.{secrets.token_urlsafe(60)}.{secrets.token_urlsafe(20)}"
        if hard:
            lived = int((now - datetime.fromisoformat(grant["consented"])).total_seconds())
            answer["x_refresh_token_hard_expires_in"] = _HARD_LIFE_S - lived
        return answer

    def grant_of(self, request: Request) -> dict[str, Any]:
        """The living grant behind the request's bearer token.

        Raises:
            NoToken: there is none.
        """
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        kept = self._store.get("access", value) if scheme.lower() == "bearer" else None
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["over"]:
            raise NoToken
        if self._clock.now() >= datetime.fromisoformat(kept["expires"]):
            raise NoToken
        return grant

    # The end of a grant

    def _end(self, grant: dict[str, Any]) -> None:
        self._store.put("grant", grant["id"], {**grant, "over": True})

    def end_company(self, realm: str) -> int:
        """Disconnect as the user does inside QuickBooks; answers how many grants ended."""
        living = [grant for grant in self._store.all("grant") if grant["realm"] == realm and not grant["over"]]
        for grant in living:
            self._end(grant)
        return len(living)

    def expire_access(self, realm: str) -> int:
        """Make every access token of the company expire now; answers how many."""
        expired = 0
        for value in self._store.ids("access"):
            kept = self._store.get("access", value) or {}
            grant = self._store.get("grant", kept["grant"])
            if grant and grant["realm"] == realm:
                self._store.put("access", value, {**kept, "expires": self._clock.now().isoformat()})
                expired += 1
        return expired

    def revoke(self, request: Request) -> Response:
        if self._authenticated(request) is None:
            return json_response({"error": "invalid_client"}, 401)
        value = request.form.get("token", "")
        if not value and request.get_data():
            try:
                value = posted_json(request).get("token", "")
            except (ValueError, AttributeError):
                return json_response({"error": "invalid_request"}, 400)
        kept = self._store.get("refresh", value) or self._store.get("access", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if grant is None:
            return json_response({"error": "invalid_request"}, 400)
        if self._store.get("refresh", value):
            self._end(grant)
        else:
            self._store.delete("access", value)
        return Response(status=200)

    # Discovery

    def discovery(self, request: Request, which: str) -> Response:
        base = request.host_url.rstrip("/")
        return json_response(
            {
                "issuer": f"{base}/op/v1",
                "authorization_endpoint": f"{base}/connect/oauth2",
                "token_endpoint": f"{base}/oauth2/v1/tokens/bearer",
                "userinfo_endpoint": f"{base}/v1/openid_connect/userinfo",
                "revocation_endpoint": f"{base}/v2/oauth2/tokens/revoke",
                "jwks_uri": f"{base}/op/v1/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "email", "profile", "address", "phone"],
                "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
                "claims_supported": ["aud", "exp", "iat", "iss", "realmid", "sub"],
            }
        )

    def userinfo(self, request: Request) -> Response:
        try:
            grant = self.grant_of(request)
        except NoToken:
            return json_response({"error": "invalid_token"}, 401)
        return json_response({"sub": f"person-{grant['realm']}", "email": "owner@example.com", "emailVerified": True})


def _covers(pattern: str, uri: str) -> bool:
    return uri.startswith(pattern[:-1]) if pattern.endswith("*") else uri == pattern


def _back(uri: str, values: dict[str, str]) -> Response:
    return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", code=302)
