"""Consent, tokens, their limits and their end, per data centre (sheet §2)."""

import base64
import binascii
import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from werkzeug.utils import redirect
from werkzeug.wrappers import Request, Response

from ledgers.zoho.sandbox import errors
from ledgers.zoho.sandbox.datacentres import DATA_CENTRES, accounts_server, api_domain
from ledgers.zoho.sandbox.fields import Doc
from sandbox.clock import Clock
from sandbox.consent import consent_page, refusal_page
from sandbox.store import Store
from sandbox.switches import Switches
from sandbox.wsgi import DROP_ANSWER, json_response

# fmt: off
GROUPS: Final = (
    "contacts", "settings", "estimates", "invoices", "customerpayments", "creditnotes", "projects", "expenses",
    "salesorders", "purchaseorders", "bills", "debitnotes", "vendorpayments", "banking", "accountants",
    "custommodules", "fixedasset", "deliverychallans",
)
# fmt: on
FULL_ACCESS: Final = "ZohoBooks.fullaccess.all"
_ACCESS_LIFE_S: Final = 3600
_WINDOW: Final = timedelta(minutes=10)
_PER_WINDOW: Final = 10  # authorization codes, and refresh tokens, of one user and client
_UNLISTED: Final = "https://accounts.zoho.example"
_HIDDEN: Final = ("client_id", "response_type", "scope", "redirect_uri", "state", "access_type", "prompt")

DEFAULT_APP: Final[Doc] = {
    "client_id": "1000.SANDBOX",
    "client_secret": "sandbox-secret",
    # One secret for every data centre, unless there is one of its own here.
    "secrets": {},
    "name": "Tieout",
    # Data centres the application is switched on for.
    "locations": list(DATA_CENTRES),
    # A trailing * stands for any ending: every loopback port of a developer's machine is registered.
    "redirect_uris": ["http://localhost*", "http://127.0.0.1*", "http://testserver*", "https://testserver*"],
}


class Denied(Exception):
    """The token endpoint says no: ``error`` in the body, under a status that is usually 200."""

    def __init__(self, http_status: int, error: str, **more: str) -> None:
        super().__init__(error)
        self.response = json_response({"error": error, **more}, http_status)


class OAuth:
    """Documents of the store: ``user``, ``app``, ``code``, ``refresh`` (a grant is its refresh token) and ``access``."""

    def __init__(self, store: Store, clock: Clock, switches: Switches) -> None:
        self._store, self._clock, self._switches = store, clock, switches
        store.index("access", "$.grant")

    # Applications

    def register_app(self, values: Doc) -> Doc:
        app = {**DEFAULT_APP, **values}
        self._store.put("app", app["client_id"], app)
        return app

    def _app(self, client_id: str) -> Doc | None:
        kept = self._store.get("app", client_id)
        return kept or (dict(DEFAULT_APP) if client_id == DEFAULT_APP["client_id"] else None)

    # Consent

    def _wrong_request(self, values: Mapping[str, str]) -> str:
        app = self._app(values.get("client_id", ""))
        if app is None:
            return "ERROR_invalid_client"
        if not any(_covers(pattern, values.get("redirect_uri", "")) for pattern in app["redirect_uris"]):
            return "ERROR_invalid_redirect_uri"
        if values.get("response_type") != "code":
            return "ERROR_invalid_response_type"
        scopes = values.get("scope", "").split(",")
        return "" if all(_known(scope) for scope in scopes) else "ERROR_invalid_scope"

    def show_consent(self, request: Request, dc: str) -> Response:
        if wrong := self._wrong_request(request.args):
            return refusal_page(wrong)
        app = self._app(request.args["client_id"]) or {}
        return consent_page(
            title="Zoho Accounts",
            app=str(app["name"]),
            scopes=request.args["scope"].split(","),
            legend="Continue as",
            choices=[(user["id"], f"{user['email']} ({user['location']})") for user in self._store.all("user")],
            hidden={name: request.args.get(name, "") for name in _HIDDEN},
            action=f"/{dc}/oauth/v2/auth",
        )

    def decide(self, request: Request, dc: str) -> Response:
        values = request.form
        if wrong := self._wrong_request(values):
            return refusal_page(wrong)
        back = {"state": values["state"]} if values.get("state") else {}
        if values.get("decision") != "allow":
            return _back(values["redirect_uri"], {"error": "access_denied", **back})
        user = self._store.get("user", values.get("choice", ""))
        if user is None:
            return refusal_page("Choose who you are.")
        app = self._app(values["client_id"]) or {}
        if user["location"] not in app["locations"]:
            return refusal_page("ERROR_multi_dc_not_enabled")
        if not self._window("codes", f"{user['id']}:{app['client_id']}", _PER_WINDOW):
            return refusal_page("Access Denied: too many requests in a short time.", 400)
        code = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        kept = {name: values.get(name, "") for name in _HIDDEN}
        made = {"user": user["id"], "at": self._clock.now().isoformat(), "used": False}
        self._store.put("code", code, {**kept, **made})
        return _back(values["redirect_uri"], {"code": code, **back, **self._whereabouts(request, user["location"])})

    def _whereabouts(self, request: Request, location: str) -> dict[str, str]:
        server = {"listed": accounts_server(request, location), "unlisted": _UNLISTED, "absent": ""}[
            self._switches["callback_accounts_server"]
        ]
        return {"location": location} | ({"accounts-server": server} if server else {})

    # Tokens

    def token(self, request: Request, dc: str) -> Response:
        values = {**request.args.to_dict(), **request.form.to_dict()}
        kind = values.get("grant_type", "")
        if kind not in ("authorization_code", "refresh_token"):
            return json_response({"error": "invalid_request"}, 400)
        try:
            app = self._client(values, dc)
            if kind == "authorization_code":
                return json_response({**self._by_code(app, values, dc), **self._domain(request, dc)})
            grant = self._by_refresh(app, values.get("refresh_token", ""), dc)
            answer = self._access(grant)
        except Denied as denied:
            return denied.response
        if self._switches["token_answer_lost"] == "drop":
            request.environ[DROP_ANSWER] = True
        return json_response({**answer, **self._domain(request, dc)})

    def _domain(self, request: Request, dc: str) -> dict[str, str]:
        said = {"listed": api_domain(request, dc), "legacy": "https://api.zoho.com", "absent": ""}[
            self._switches["api_domain"]
        ]
        return {"api_domain": said} if said else {}

    def _denied(self, error: str) -> Denied:
        return Denied(self._switches["token_error_status"], error)

    def _throttled(self) -> Denied:
        return Denied(
            self._switches["throttle_error_status"],
            "Access Denied",
            error_description="You have made too many requests continuously. Please try again after some time.",
            status="failure",
        )

    def _client(self, values: Mapping[str, str], dc: str) -> Doc:
        app = self._app(values.get("client_id", ""))
        if app is None or dc not in app["locations"]:
            raise self._denied("invalid_client")
        secret = app["secrets"].get(dc, app["client_secret"])
        if not secrets.compare_digest(secret, values.get("client_secret", "")):
            raise self._denied("invalid_client_secret")
        return app

    def _by_code(self, app: Doc, values: Mapping[str, str], dc: str) -> Doc:
        kept = self._store.get("code", values.get("code", ""))
        user = self._store.get("user", kept["user"]) if kept else None
        if kept is None or user is None or kept["client_id"] != app["client_id"]:
            raise self._denied("invalid_code")
        if user["location"] != dc:
            raise self._denied("invalid_client")
        if kept["redirect_uri"] != values.get("redirect_uri", ""):
            raise self._denied("invalid_redirect_uri")
        late = self._clock.now() - datetime.fromisoformat(kept["at"]) > timedelta(seconds=self._switches["code_life_s"])
        if kept["used"] or late:
            raise self._denied("invalid_code")
        self._store.put("code", values["code"], {**kept, "used": True})
        grant, shown = self._grant(app, user, kept)
        answer = self._access(grant)
        return {**answer, "refresh_token": grant["token"]} if shown else answer

    def _grant(self, app: Doc, user: Doc, code: Doc) -> tuple[Doc, bool]:
        """The grant of a code, and whether its refresh token is shown: only with offline access, and on a repeat
        only after prompt=consent."""
        offline = code["access_type"] == "offline"
        before = self._living(user["id"], app["client_id"])
        silent = code["prompt"] != "consent" and self._switches["repeat_consent_refresh_token"] == "absent"
        if before and silent and offline:
            return before[-1], False
        if offline and not self._window("refresh", f"{user['id']}:{app['client_id']}", _PER_WINDOW):
            raise self._throttled()
        return self.new_grant(app["client_id"], user["id"], code["scope"], offline=offline), offline

    def new_grant(self, client_id: str, user_id: str, scope: str = FULL_ACCESS, *, offline: bool = True) -> Doc:
        """A grant; with it the oldest one too many of the same user and client ends."""
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        grant = {"token": token, "client_id": client_id, "user": user_id, "scope": scope, "offline": offline,
                 "over": False}  # fmt: skip
        self._store.put("refresh", token, grant)
        living = self._living(user_id, client_id)
        for old in living[: max(0, len(living) - self._switches["live_refresh_tokens"])]:
            self._end(old)
        return grant

    def _living(self, user_id: str, client_id: str) -> list[Doc]:
        return [
            grant
            for grant in self._store.all("refresh")
            if (grant["user"], grant["client_id"]) == (user_id, client_id) and grant["offline"] and not grant["over"]
        ]

    def _by_refresh(self, app: Doc, value: str, dc: str) -> Doc:
        grant = self._store.get("refresh", value)
        user = self._store.get("user", grant["user"]) if grant else None
        if grant is None or user is None or not grant["offline"] or grant["over"]:
            raise self._denied("invalid_code")
        if grant["client_id"] != app["client_id"] or user["location"] != dc:
            raise self._denied("invalid_client")
        return grant

    def _access(self, grant: Doc) -> Doc:
        """A new access token of the grant, as the token endpoint answers it."""
        if not self._window("access", grant["token"], self._switches["access_tokens_per_10_min"]):
            raise self._throttled()
        return self.issue(grant)

    def issue(self, grant: Doc) -> Doc:
        """The same without counting."""
        now = self._clock.now()
        token = f"1000.{secrets.token_hex(16)}.{secrets.token_hex(16)}"
        expires = (now + timedelta(seconds=_ACCESS_LIFE_S)).isoformat()
        self._store.put("access", token, {"token": token, "grant": grant["token"], "expires": expires})
        tokens = self._store.find("access", "$.grant", [grant["token"]])
        for old in tokens[: max(0, len(tokens) - self._switches["live_access_tokens"])]:
            self._store.delete("access", old["token"])
        return {"access_token": token, "token_type": "Bearer", "expires_in": _ACCESS_LIFE_S}

    def _window(self, what: str, key: str, most: int) -> bool:
        """Count one more; False when ten minutes have seen too many: refused until the first of them is that old."""
        now = self._clock.now()
        kept = self._store.get(f"window:{what}", key) or {"at": []}
        recent = [at for at in kept["at"] if now - datetime.fromisoformat(at) < _WINDOW]
        if len(recent) >= most:
            return False
        self._store.put(f"window:{what}", key, {"at": [*recent, now.isoformat()]})
        return True

    # Who is asking

    def grant_of(self, request: Request, dc: str) -> Doc:
        """The living grant behind ``Authorization: Zoho-oauthtoken …``.

        Raises:
            Fault: 57, or 14 for the tokens of old.
        """
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "zoho-authtoken":
            raise errors.old_token()
        kept = self._store.get("access", value) if scheme.lower() == "zoho-oauthtoken" else None
        grant = self._store.get("refresh", kept["grant"]) if kept else None
        user = self._store.get("user", grant["user"]) if grant else None
        if kept is None or grant is None or grant["over"] or user is None or user["location"] != dc:
            raise errors.bad_token()
        if self._clock.now() >= datetime.fromisoformat(kept["expires"]):
            raise errors.bad_token()
        return grant

    # The end

    def _end(self, grant: Doc) -> None:
        self._store.put("refresh", grant["token"], {**grant, "over": True})

    def end_user(self, user_id: str) -> int:
        """What the user does on the page of connected applications; answers how many grants ended."""
        living = [each for each in self._store.all("refresh") if each["user"] == user_id and not each["over"]]
        for grant in living:
            self._end(grant)
        return len(living)

    def expire_access(self, user_id: str) -> int:
        expired = 0
        for kept in self._store.all("access"):
            grant = self._store.get("refresh", kept["grant"])
            if grant and grant["user"] == user_id:
                expired += self._store.delete("access", kept["token"])
        return expired

    def revoke(self, request: Request, dc: str) -> Response:
        """The older call: ``token`` as parameter, nothing else."""
        return self._revoke(request.values.get("token", ""))

    def revoke_by_client(self, request: Request, dc: str) -> Response:
        """The newer call: Basic client credentials, form ``token``."""
        scheme, _, encoded = request.headers.get("Authorization", "").partition(" ")
        try:
            client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            client_id = secret = ""
        try:
            self._client({"client_id": client_id, "client_secret": secret} if scheme.lower() == "basic" else {}, dc)
        except Denied as denied:
            return denied.response
        return self._revoke(request.form.get("token", ""))

    def _revoke(self, value: str) -> Response:
        if grant := self._store.get("refresh", value):
            self._end(grant)
        elif not self._store.delete("access", value):
            return json_response({"error": "invalid_token"}, 400)
        return json_response({"status": "success"})

    def server_info(self, request: Request, dc: str) -> Response:
        places = {location: accounts_server(request, location) for location in DATA_CENTRES}
        return json_response({"result": "success", "locations": places})


def covers(scopes: str, group: str, verb: str) -> bool:
    """Whether comma-separated scopes allow a verb (CREATE, READ, UPDATE, DELETE) in a group."""
    held = {scope.lower() for scope in scopes.split(",")}
    wanted = {FULL_ACCESS, f"ZohoBooks.{group}.{verb}", f"ZohoBooks.{group}.ALL"}
    return bool(held & {scope.lower() for scope in wanted})


def _known(scope: str) -> bool:
    product, _, rest = scope.partition(".")
    group, _, verb = rest.partition(".")
    known: Iterable[str] = ("fullaccess", *GROUPS)
    return product == "ZohoBooks" and group in known and verb.upper() in ("CREATE", "READ", "UPDATE", "DELETE", "ALL")


def _covers(pattern: str, uri: str) -> bool:
    return uri.startswith(pattern[:-1]) if pattern.endswith("*") else uri == pattern


def _back(uri: str, values: dict[str, str]) -> Response:
    return redirect(f"{uri}{'&' if '?' in uri else '?'}{urlencode(values)}", code=302)
