"""FreshBooks as HTTP: the doors a request passes, and how it is refused (sheet §2, §3)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from ledgers.freshbooks.sandbox import accounts, errors, identity, invoices
from ledgers.freshbooks.sandbox.business import DELETED, Business
from ledgers.freshbooks.sandbox.endpoints import ENDPOINTS, Endpoint
from ledgers.freshbooks.sandbox.errors import Refusal
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.meters import Meters
from ledgers.freshbooks.sandbox.oauth import NoToken, OAuth
from ledgers.freshbooks.sandbox.person import Person
from ledgers.freshbooks.sandbox.resources import RESOURCES
from ledgers.freshbooks.sandbox.switches import SWITCHES
from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import Abort, Control, Route, StandIn, json_response, posted_json

_VERSION, _NEWER = "2023-02-20", "2023-09-25"
# The scope of everything that is no resource of its own.
_SCOPES = {
    "journal_entry": "journal_entries",
    "journal_entry_account": "journal_entries",
    "detail": "journal_entries",
    "ledger_account": "journal_entries",
    "report": "reports",
    **{resource.kind: resource.scope for resource in RESOURCES},
}
_INDEXES = (
    ("account", "$._.jesa"),
    ("account", "$._.parent"),
    ("account", "$.name"),
    ("account", "$.number"),
    ("category", "$.category"),
    ("client", "$.email"),
    ("invoice", "$.invoice_number"),
    ("payment", "$._.invoice"),
    ("expense", "$._.vendor"),
    ("expense", "$._.categoryid"),
    ("credit_note", "$._.client"),
    ("detail", "$.source"),
    ("detail", "$.sub"),
)


class FreshBooksStandIn(StandIn):
    """FreshBooks: authorisation server, identity, accounting, ledger accounts and events in one application.

    ``books(account_id)`` reads the general ledger of one currency, ``control(name, {...})`` does what a person does
    in the browser (``person.Person``), ``switches`` and ``faults`` steer.
    """

    slug = "freshbooks"
    SWITCHES = SWITCHES

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        self.oauth = OAuth(self.store, self.clock, self.switches)
        self.meters = Meters(self.switches)
        self.person = Person(self)
        for kind, path in _INDEXES:
            self.store.index(kind, path)

    # For tests in the same process

    def business(self, key: str) -> Business:
        """The business of an account id or a business uuid.

        Raises:
            KeyError: there is none.
        """
        for info in self.store.all("business"):
            if key and key in (info["account_id"], info["uuid"]):
                return Business(self.store, self.clock, self.switches, info)
        raise KeyError(f"no business {key}")

    def books(self, account_id: str, currency: str = "") -> Books:
        """The general ledger in one currency, the business's own by default; accounts by sub-account id or name.

        Late effects that are due are in it.
        """
        self.run_late()
        return self.business(account_id).books(currency)

    def control(self, action: str, values: dict[str, Any] | None = None) -> Any:
        """A control action (``POST /_control/do/<action>``) without HTTP."""
        with self.store.transaction():
            return self.controls()[action](values or {})

    # The stand-in

    def routes(self) -> Iterable[Route]:
        def authorisation(name: str) -> Callable[[Request], Response]:
            return lambda request: getattr(self.oauth, name)(request)

        yield Route("GET", "/oauth/authorize", "consent.show", authorisation("show_consent"))
        yield Route("POST", "/oauth/authorize", "consent.decide", authorisation("decide"))
        yield Route("POST", "/auth/oauth/token", "token", authorisation("token"))
        yield Route("POST", "/auth/oauth/revoke", "revoke", authorisation("revoke"))
        yield Route("GET", "/auth/api/v1/users/me", "identity.read", self._me)
        for each in ENDPOINTS:
            yield Route(each.method, each.path, each.operation, self._endpoint(each))
        for name, work in (("types", accounts.types), ("sub_types", accounts.sub_types)):
            yield Route(
                "GET",
                f"/accounting/ledger_accounts/{name}",
                "ledger_account.types",
                lambda request, w=work: json_response({"data": w()}),
            )

    def operations(self) -> list[str]:
        updates = [each for each in super().operations() if each.endswith(".update")]
        told_apart = [each.replace(".update", ".delete") for each in updates if not each.startswith("ledger_")]
        return list(dict.fromkeys([*super().operations(), "invoice.send", *told_apart]))

    def operation_of(self, request: Request, route: Route, values: Mapping[str, Any]) -> str:
        """An update that deletes, and one that sends an invoice, are operations of their own."""
        kind, _, verb = route.operation.partition(".")
        if verb != "update" or kind == "ledger_account":
            return route.operation
        body = _inner(_json_or_nothing(request))
        if body.get("vis_state") == DELETED:
            return f"{kind}.delete"
        if kind == "invoice" and (body.get("action_mark_as_sent") or body.get("status") == invoices.SENT):
            return "invoice.send"
        return route.operation

    def controls(self) -> Mapping[str, Control]:
        return self.person.actions()

    # Doors

    def guard(self, request: Request, operation: str) -> Response | None:
        if not request.path.startswith(("/accounting/", "/events/")):
            return None
        try:
            grant = self.oauth.grant_of(request)
        except NoToken:
            return self._refused(request, errors.unauthenticated())
        if operation == "ledger_account.types":
            return None
        try:
            business = self._entered(grant, request, operation)
        except Refusal as refusal:
            return self._refused(request, refusal)
        wait = self.meters.admit(business, self.clock.now())
        return self._throttled(request, wait) if wait else None

    def _entered(self, grant: Doc, request: Request, operation: str) -> str:
        """The id of the business, once membership, scope and subscription have been looked at.

        An account id opens nothing among businesses, nor a uuid the other way.

        Raises:
            Refusal: 1003.
        """
        _, _, world, key, *_ = request.path.split("/")
        person = self.store.get("person", grant["person"]) or {"memberships": []}
        name = "uuid" if world == "businesses" else "account_id"
        mine = [self.store.get("business", each["business"]) or {} for each in person["memberships"]]
        info = next((each for each in mine if each[name] == key), None)
        if info is None:
            raise errors.denied("The user does not have access to this account.")
        kind = operation.partition(".")[0]
        verb = "read" if request.method == "GET" else "write"
        if kind in _SCOPES and f"user:{_SCOPES[kind]}:{verb}" not in grant["scope"].split():
            raise errors.denied("The access token does not have the scope this takes.")
        if request.method != "GET" and info["status"] == "cancelled":
            raise errors.denied("The subscription of this account has been cancelled.")
        return str(info["id"])

    # Handlers

    def _endpoint(self, endpoint: Endpoint) -> Callable[..., Response]:
        def handle(request: Request, key: str, **values: str) -> Response:
            try:
                answer = endpoint.work(self.business(key), request, **values)
            except Refusal as refusal:
                raise Abort(self._refused(request, refusal)) from refusal
            return Response(status=204) if endpoint.status == 204 else json_response(answer, endpoint.status)

        return handle

    def _me(self, request: Request) -> Response:
        try:
            grant = self.oauth.grant_of(request)
        except NoToken:
            return self._refused(request, errors.unauthenticated())
        if "user:profile:read" not in grant["scope"].split():
            return self._refused(request, errors.denied("The access token does not have the scope this takes."))
        person = self.store.get("person", grant["person"]) or {}
        memberships = [
            (each, Business(self.store, self.clock, self.switches, self.store.get("business", each["business"]) or {}))
            for each in person["memberships"]
        ]
        return json_response(identity.me(person, memberships))

    # Errors

    def _refused(self, request: Request, refusal: Refusal) -> Response:
        new = self._newer_form(request.headers.get("X-API-VERSION", ""), refusal.status)
        return errors.answer(refusal, errors.family_of(request.path), new=new, switches=self.switches)

    def _newer_form(self, version: str, status: int) -> bool:
        form = self.switches["error_form"]
        if form == "version":
            return version >= _NEWER
        return form == "new" or (form == "mixed" and status in (401, 404))

    def _throttled(self, request: Request, wait_s: int) -> Response:
        kind = self.switches["throttle_body"]
        if kind == "html":
            response = errors.html_error(429, "Too Many Requests")
        elif kind == "text":
            response = Response("Rate limit exceeded", status=429, content_type="text/plain")
        else:
            response = self._refused(request, Refusal(errors.Problem(429, "Rate limit exceeded."), status=429))
        if self.switches["retry_after"] == "present":
            response.headers["Retry-After"] = str(wait_s)
        return response

    def error_response(self, status: int, kind: str) -> Response:
        if kind == "html":
            return errors.html_error(status, "Service Unavailable" if status == 503 else "Error")
        errno = {401: errors.DENIED, 403: errors.DENIED, 404: errors.NOT_FOUND}.get(status, status)
        refusal = Refusal(errors.Problem(errno, _MESSAGES.get(status, "Unexpected error.")), status=status)
        response = errors.answer(refusal, "accounting", new=self._newer_form("", status), switches=self.switches)
        response.status_code = status
        return response

    def unknown_path(self, request: Request, error: HTTPException) -> Response:
        status = error.code or 404
        return self._refused(request, Refusal(errors.Problem(errors.NOT_FOUND, error.name), status=status))

    def finish(self, request: Request, response: Response) -> Response:
        if request.path.startswith(("/accounting/", "/events/")):
            response.headers["x-api-version"] = request.headers.get("X-API-VERSION", _VERSION)
        return response


_MESSAGES = {
    409: "The record was changed at the same time. Please try again.",
    429: "Rate limit exceeded.",
    500: "An unexpected error occurred.",
}


def _json_or_nothing(request: Request) -> Doc:
    try:
        body = posted_json(request)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _inner(body: Doc) -> Doc:
    return next((each for each in body.values() if isinstance(each, dict)), {})
