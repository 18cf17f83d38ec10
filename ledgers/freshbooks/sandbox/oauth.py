"""Consent, tokens that die with the next refresh, scopes, revocation (sheet §1)."""

import secrets
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store
from sandbox.switches import Switches
from sandbox.wsgi import DROP_ANSWER, json_response, posted_json

_CODE_LIFE = timedelta(minutes=5)
ACCESS_LIFE_S = 43_200
_OBJECTS = (
    "bill_payments", "bill_vendors", "billable_items", "bills", "business", "clients", "credit_notes", "estimates",
    "expenses", "invoices", "journal_entries", "notifications", "online_payments", "other_income", "payments",
    "profile", "projects", "reports", "retainers", "taxes", "teams", "time_entries",
)  # fmt: skip
_READ_ONLY = ("profile", "notifications", "reports")
SCOPES = (
    *(f"user:{name}:read" for name in _OBJECTS),
    *(f"user:{name}:write" for name in _OBJECTS if name not in _READ_ONLY),
)

DEFAULT_APP = {
    "client_id": "sandbox-client",
    "client_secret": "sandbox-secret",
    "name": "Tieout",
    # FreshBooks registers exact https addresses only. A stand-in also lets a developer's machine and tests in: a
    # trailing * stands for any ending.
    "redirect_uris": ["http://localhost*", "http://127.0.0.1*", "http://testserver*", "https://testserver*"],
    "scopes": list(SCOPES),
}


class NoToken(Exception):
    """The bearer token opens nothing: missing, unknown, expired, or replaced by a later one."""


class OAuth:
    """The authorisation side. A grant is one person's consent to one application; it has one living pair."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches

    # Applications

    def register_app(self, values: dict[str, Any]) -> dict[str, Any]:
        """``client_id``, ``client_secret``, ``name``, ``redirect_uris``, ``scopes``, each optional.

        Raises:
            ValueError: a redirect address that FreshBooks would not register.
        """
        for uri in values.get("redirect_uris", []):
            if urlsplit(uri).scheme != "https" or urlsplit(uri).query:
                raise ValueError(f"redirect addresses are https and have no query: {uri}")
        app = {**DEFAULT_APP, **values}
        self._store.put("app", app["client_id"], app)
        return app

    def _app(self, client_id: str) -> dict[str, Any] | None:
        if client_id == DEFAULT_APP["client_id"] and not self._store.get("app", client_id):
            self._store.put("app", client_id, dict(DEFAULT_APP))
        return self._store.get("app", client_id)

    # Consent

    def _wrong_request(self, values: Any) -> str:
        app = self._app(values.get("client_id", ""))
        if app is None:
            return "Client authentication failed due to unknown client."
        if not any(_covers(pattern, values.get("redirect_uri", "")) for pattern in app["redirect_uris"]):
            return "The redirect uri included is not valid."
        if values.get("response_type") != "code":
            return "The authorization server does not support this response type."
        return ""

    def _scopes(self, values: Any) -> list[str] | None:
        """What is asked for; all of the application's when nothing is. None: one wrong scope fails them all."""
        enabled = (self._app(values["client_id"]) or {})["scopes"]
        asked = values.get("scope", "").split() or list(enabled)
        return asked if set(asked) <= set(enabled) & set(SCOPES) else None

    def show_consent(self, request: Request) -> Response:
        if wrong := self._wrong_request(request.args):
            return refusal_page(wrong)
        asked = self._scopes(request.args)
        if asked is None:
            return self._back(request.args, _WRONG_SCOPE)
        names = ("client_id", "response_type", "scope", "redirect_uri", "state")
        return consent_page(
            title="Connect to FreshBooks",
            app=str((self._app(request.args["client_id"]) or {})["name"]),
            scopes=asked,
            legend="Who are you?",
            choices=[(each["email"], each["email"]) for each in self._store.all("person")],
            hidden={name: request.args.get(name, "") for name in names},
            action="/oauth/authorize",
        )

    def decide(self, request: Request) -> Response:
        values = request.form
        if wrong := self._wrong_request(values):
            return refusal_page(wrong)
        asked = self._scopes(values)
        if asked is None:
            return self._back(values, _WRONG_SCOPE)
        if values.get("decision") != "allow":
            text = "The resource owner or authorization server denied the request."
            return self._back(values, {"error": "access_denied", "error_description": text})
        person = values.get("choice", "")
        if self._store.get("person", person) is None:
            return refusal_page("Choose who you are.")
        code = secrets.token_hex(32)
        kept = {
            "client_id": values["client_id"],
            "person": person,
            "scope": " ".join(asked),
            "redirect_uri": values["redirect_uri"],
            "expires": (self._clock.now() + _CODE_LIFE).isoformat(),
            "used": False,
        }
        self._store.put("code", code, kept)
        return self._back(values, {"code": code})

    def _back(self, values: Any, said: dict[str, str]) -> Response:
        state = {"state": values["state"]} if values.get("state") else {}
        return redirect(f"{values['redirect_uri']}?{urlencode({**said, **state})}", code=302)

    # Tokens

    def token(self, request: Request) -> Response:
        values = _posted(request)
        app = self._app(str(values.get("client_id", "")))
        if app is None or not secrets.compare_digest(app["client_secret"], str(values.get("client_secret", ""))):
            return _error("invalid_client", "Client authentication failed.", 401)
        kind = values.get("grant_type")
        uri = str(values.get("redirect_uri", ""))
        if kind == "authorization_code":
            grant = self._by_code(app, str(values.get("code", "")), uri)
        elif kind == "refresh_token":
            known = any(_covers(pattern, uri) for pattern in app["redirect_uris"])
            grant = self._by_refresh(app, str(values.get("refresh_token", ""))) if known else None
        else:
            return _error("unsupported_grant_type", "The authorization grant type is not supported.", 400)
        if grant is None:
            text = "The provided authorization grant is invalid, expired, revoked, or does not match."
            return _error("invalid_grant", text, 400)
        if kind == "refresh_token" and self._switches["refresh_answer_lost"] == "drop":
            request.environ[DROP_ANSWER] = True
        return json_response(self.issue(grant), headers={"Cache-Control": "no-store"})

    def _by_code(self, app: dict[str, Any], code: str, uri: str) -> dict[str, Any] | None:
        kept = self._store.get("code", code)
        if kept is None or kept["used"] or kept["client_id"] != app["client_id"] or kept["redirect_uri"] != uri:
            return None
        if self._clock.now() > datetime.fromisoformat(kept["expires"]):
            return None
        self._store.put("code", code, {**kept, "used": True})
        return self.grant(app["client_id"], kept["person"], kept["scope"])

    def _by_refresh(self, app: dict[str, Any], value: str) -> dict[str, Any] | None:
        kept = self._store.get("refresh", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if grant is None or grant["client_id"] != app["client_id"]:
            return None
        if grant["refresh"] == value:
            return grant
        if self._switches["refresh_reuse"] == "ends_grant":
            self._end(grant)
        return None

    def grant(self, client_id: str, person: str, scope: str) -> dict[str, Any]:
        """The one grant of this application and person; a second consent takes the place of the first."""
        id_ = f"{client_id}:{person}"
        grant = {"id": id_, "client_id": client_id, "person": person, "scope": scope, "access": "", "refresh": ""}
        self._store.put("grant", id_, grant)
        return grant

    def issue(self, grant: dict[str, Any]) -> dict[str, Any]:
        """A new pair. Whatever the grant had before is dead at once."""
        now = self._clock.now()
        grant = {**grant, "access": secrets.token_hex(32), "refresh": secrets.token_hex(32)}
        self._store.put("grant", grant["id"], grant)
        self._store.put("refresh", grant["refresh"], {"grant": grant["id"]})
        expires = (now + timedelta(seconds=ACCESS_LIFE_S)).isoformat()
        self._store.put("access", grant["access"], {"grant": grant["id"], "expires": expires})
        return {
            "access_token": grant["access"],
            "token_type": "Bearer",
            "expires_in": ACCESS_LIFE_S,
            "refresh_token": grant["refresh"],
            "scope": grant["scope"],
            "created_at": int(now.timestamp()),
        }

    def grant_of(self, request: Request) -> dict[str, Any]:
        """The living grant behind the request's bearer token.

        Raises:
            NoToken: there is none.
        """
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        kept = self._store.get("access", value) if scheme.lower() == "bearer" else None
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if kept is None or grant is None or grant["access"] != value:
            raise NoToken
        if self._clock.now() >= datetime.fromisoformat(kept["expires"]):
            raise NoToken
        return grant

    # The end of a grant

    def _end(self, grant: dict[str, Any]) -> None:
        self._store.put("grant", grant["id"], {**grant, "access": "", "refresh": ""})

    def end_person(self, person: str) -> int:
        """The person takes the application's access away in FreshBooks; answers how many grants ended."""
        living = [each for each in self._store.all("grant") if each["person"] == person and each["access"]]
        for grant in living:
            self._end(grant)
        return len(living)

    def expire_access(self, person: str) -> int:
        """Make the living access tokens of a person expire now; answers how many."""
        living = [each for each in self._store.all("grant") if each["person"] == person and each["access"]]
        for grant in living:
            expired = {"grant": grant["id"], "expires": self._clock.now().isoformat()}
            self._store.put("access", grant["access"], expired)
        return len(living)

    def revoke(self, request: Request) -> Response:
        if self._switches["revoke"] == "404":
            return _error("not_found", "The requested resource was not found.", 404)
        values = _posted(request)
        app = self._app(str(values.get("client_id", "")))
        if app is None or not secrets.compare_digest(app["client_secret"], str(values.get("client_secret", ""))):
            return _error("invalid_client", "Client authentication failed.", 401)
        value = str(values.get("token", ""))
        kept = self._store.get("refresh", value) or self._store.get("access", value)
        grant = self._store.get("grant", kept["grant"]) if kept else None
        if grant is not None and value in (grant["access"], grant["refresh"]):
            self._end(grant)
        return json_response({})


_WRONG_SCOPE = {
    "error": "invalid_scope",
    "error_description": "The requested scope is invalid, unknown, or malformed.",
}


def _posted(request: Request) -> dict[str, Any]:
    """The values of a form or of a JSON object."""
    if request.mimetype == "application/json":
        try:
            body = posted_json(request)
        except ValueError:
            return {}
        return body if isinstance(body, dict) else {}
    return request.form.to_dict()


def _error(name: str, text: str, status: int) -> Response:
    return json_response({"error": name, "error_description": text}, status)


def _covers(pattern: str, uri: str) -> bool:
    return uri.startswith(pattern[:-1]) if pattern.endswith("*") else uri == pattern
