"""A provider for tests, and its token endpoint: rotating, single use, with a consent page nobody needs to see."""

import json
import threading
from urllib.parse import parse_qsl

from kit.oauth import OAuthSpec
from tenants.providers import Identity, Provider, ProviderKind, Step, TokenRejected

BASE = "https://provider.test"


class TokenEndpoint:
    """Refresh tokens are single use. ``before`` and ``after`` may raise: the answer is lost before, or after, the rotation.

    ``holders`` says whose an access token is; where there is but a ``single`` consent of each, the next one ends it.
    """

    def __init__(self):
        self.lock = threading.Lock()
        self.live = {"refresh-1": "93412"}  # refresh token -> company
        self.codes = {"code-1": "93412"}
        self.count = 1
        self.calls = []
        self.revoked = []
        self.before = self.after = lambda: None
        self.error = None
        self.rotates = True
        self.expires_in = 3600
        self.holders = {}
        self.single = False
        self.paths = []

    def __call__(self, environ, start_response):
        form = dict(parse_qsl(environ["wsgi.input"].read().decode()))
        form["basic"] = environ.get("HTTP_AUTHORIZATION", "")
        self.calls.append(form)
        self.paths.append(environ["PATH_INFO"])
        self.before()
        with self.lock:
            status, answer = self.answer(environ["PATH_INFO"], form)
        self.after()
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(answer).encode()]

    def answer(self, path, form):
        if self.error:
            return "400 Bad Request", {"error": self.error}
        if path == "/revoke":
            self.revoked.append(form["token"])
            return "200 OK", {}
        offered = form.get("code") or form.get("refresh_token")
        known = self.codes if "code" in form else self.live
        if offered not in known:
            return "400 Bad Request", {"error": "invalid_grant"}
        company = known.pop(offered) if self.rotates or "code" in form else known[offered]
        self.count += 1
        answer = {"access_token": f"access-{self.count}", "expires_in": self.expires_in}
        if self.single and "code" in form:
            self.live = {token: whose for token, whose in self.live.items() if whose != company}
            self.holders = {token: whose for token, whose in self.holders.items() if whose != company}
        self.holders[answer["access_token"]] = company
        if self.rotates or "code" in form:
            answer["refresh_token"] = f"refresh-{self.count}"
            self.live[answer["refresh_token"]] = company
        return "200 OK", answer

    @property
    def refreshes(self):
        return sum("refresh_token" in call for call in self.calls)


def spec_of(chosen):
    return OAuthSpec(
        client_id="our-id",
        client_secret="our-secret",
        authorize_url=f"{BASE}/authorize",
        token_url=f"{BASE}/token",
        revoke_url=f"{BASE}/revoke",
        client_auth="body",
        scopes=("books",),
    )


def identify(tokens, params):
    if params.get("company") == "none":
        return []
    return [Identity(name, f"Books {name}", {"region": params.get("region", "")}) for name in params["company"].split()]


def identify_user(endpoint, companies):
    """Return an ``identify`` that opens all companies of the user whose the token is."""

    def identify(tokens, params):
        user = endpoint.holders.get(tokens.access_token)
        if user is None:
            raise TokenRejected
        return [Identity(company, f"Books {company}", {"since": "2026"}, user) for company in companies[user]]

    return identify


def checks(connection, mode):
    return [Step("Sign in", "passed", "ok"), Step("Books open", "failed", "closed until May", "Open them.", "posting")]


def make_provider(**changes):
    values = {
        "slug": "quickbooks",
        "name": "Testbooks",
        "kind": ProviderKind.LEDGER,
        "role": "Keeps the books.",
        "oauth": spec_of,
        "environment": lambda chosen: "sandbox",
        "identify": identify,
        "checks": checks,
    }
    return Provider(**(values | changes))
