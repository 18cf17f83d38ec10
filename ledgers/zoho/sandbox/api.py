"""Zoho Books as HTTP: authorization servers and APIs of eight data centres in one application (sheet §1–§5)."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from ledgers.zoho.sandbox import (
    accounts,
    adjustments,
    banking,
    creditnotes,
    errors,
    expenses,
    invoices,
    journals,
    ledger,
    masters,
    organizations,
    payments,
)
from ledgers.zoho.sandbox.datacentres import located
from ledgers.zoho.sandbox.endpoints import Call, Endpoint
from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import Doc
from ledgers.zoho.sandbox.limits import Limits
from ledgers.zoho.sandbox.oauth import OAuth, covers
from ledgers.zoho.sandbox.organization import Organization
from ledgers.zoho.sandbox.person import Person
from ledgers.zoho.sandbox.switches import SWITCHES
from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import Abort, Control, Route, StandIn, json_response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    endpoint
    for part in (accounts, masters, invoices, payments, creditnotes, journals, banking, expenses, adjustments, ledger)
    for endpoint in part.ENDPOINTS
)
_API = "/<dc>/books/v3/"


class ZohoStandIn(StandIn):
    """``books(organization_id)`` reads a general ledger, ``control(name, {...})`` does what a person does in the
    browser (``person.Person``), ``switches`` and ``faults`` steer."""

    slug = "zoho"
    SWITCHES = SWITCHES

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        self.oauth = OAuth(self.store, self.clock, self.switches)
        self.limits = Limits(self.store, self.switches)
        self.person = Person(self)
        for kind, paths in {
            "account": ("$.account_name", "$._.seed", "$._.name"),
            "contact": ("$._.name",),
            "item": ("$._.name", "$._.sku"),
            "application": ("$.invoice_id", "$.source_id"),
            "refund": ("$.source_id",),
            "invoice": ("$._.number", "$._.reference", "$.customer_id"),
            "creditnote": ("$._.number", "$._.reference", "$.customer_id"),
            "payment": ("$._.reference", "$.customer_id"),
            "journal": ("$._.reference",),
            "transaction": ("$._.reference",),
            "exchange_rate": ("$.currency_id",),
        }.items():
            for path in paths:
                self.store.index(kind, path)

    # For tests in the same process

    def organization(self, organization_id: str) -> Organization:
        """Raises:
        KeyError: no such organization.
        """
        info = self.store.get("organization", organization_id)
        if info is None:
            raise KeyError(f"no organization {organization_id}")
        return Organization(self.store, self.clock, self.switches, info)

    def books(self, organization_id: str) -> Books:
        """The general ledger; accounts by id or name; late effects that are due are in it."""
        self.run_late()
        return self.organization(organization_id).books

    def control(self, action: str, values: dict[str, Any] | None = None) -> Any:
        """A control action (``POST /_control/do/<action>``) without HTTP."""
        with self.store.transaction():
            return self.controls()[action](values or {})

    # The stand-in

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith("/_control"):
            return super().__call__(environ, start_response)
        environ = {**environ, "PATH_INFO": located(path, environ.get("HTTP_HOST", ""))}
        id_ = Request(environ, populate_request=False).args.get("organization_id", "")
        self.limits.enter(id_)
        try:
            return super().__call__(environ, start_response)
        finally:
            self.limits.leave(id_)

    def routes(self) -> Iterable[Route]:
        oauth = self._authorization
        yield Route("GET", "/<dc>/oauth/v2/auth", "consent.show", oauth("show_consent"))
        yield Route("POST", "/<dc>/oauth/v2/auth", "consent.decide", oauth("decide"))
        yield Route("POST", "/<dc>/oauth/v2/token", "token", oauth("token"))
        yield Route("POST", "/<dc>/oauth/v2/token/revoke", "revoke", oauth("revoke"))
        yield Route("POST", "/<dc>/oauth/v2/revoke/token", "revoke", oauth("revoke_by_client"))
        yield Route("GET", "/<dc>/oauth/serverinfo", "serverinfo", oauth("server_info"))
        yield Route("GET", f"{_API}organizations", "organizations.list", self._list_organizations)
        yield Route("GET", f"{_API}organizations/<organization_id>", "organizations.read", self._read_organization)
        yield Route("GET", f"{_API}users/me", "users.me", self._read_user)
        for endpoint in ENDPOINTS:
            yield Route(endpoint.method, _API + endpoint.path, endpoint.operation, self._handling(endpoint))

    def _authorization(self, name: str) -> Callable[..., Response]:
        return lambda request, dc: getattr(self.oauth, name)(request, dc)

    def controls(self) -> Mapping[str, Control]:
        return self.person.actions()

    # Doors

    def guard(self, request: Request, operation: str) -> Response | None:
        dc, _, rest = request.path.lstrip("/").partition("/")
        if not rest.startswith("books/v3/"):
            return None
        try:
            self._admit(request, dc, operation)
        except Fault as fault:
            return fault.response()
        return None

    def _admit(self, request: Request, dc: str, operation: str) -> None:
        now = self.clock.now()
        grant = self.oauth.grant_of(request, dc)
        if refused := self.limits.check_user(grant["user"], now):
            raise refused
        group, _, verb = _SCOPES[operation].partition(".")
        if operation.startswith("organizations."):
            if not covers(grant["scope"], group, verb):
                raise errors.scope_missing()
            return
        id_ = request.args.get("organization_id", "")
        info = self.store.get("organization", id_)
        if info is None or grant["user"] not in info["users"]:
            raise errors.not_associated(id_)
        if not info["is_org_active"]:
            inactive = self.switches["inactive_organization"] == "57"
            raise errors.scope_missing() if inactive else errors.not_associated(id_)
        if refused := self.limits.check(info, now):
            raise refused
        if not covers(grant["scope"], group, verb):
            raise errors.scope_missing()

    # Handlers

    def _handling(self, endpoint: Endpoint) -> Callable[..., Response]:
        def handle(request: Request, dc: str, **values: str) -> Response:
            organization = self.organization(request.args["organization_id"])
            try:
                body = endpoint.action(organization, Call.of(request), **values)
            except Fault as fault:
                raise Abort(fault.response()) from fault
            return self._success(request, body, endpoint.status)

        return handle

    def _success(self, request: Request, body: Doc, status: int = 200) -> Response:
        response = json_response({"code": 0, **body}, status)
        if status == 201:
            made = next((value for value in body.values() if isinstance(value, dict)), {})
            id_ = next((value for name, value in made.items() if name.endswith("_id")), "")
            # Live answers name the old path here.
            response.headers["location"] = f"/api/v3/{request.path.rsplit('/books/v3/', 1)[-1]}/{id_}"
        return response

    def _seen_by(self, request: Request, dc: str) -> tuple[str, list[Organization]]:
        user = self.oauth.grant_of(request, dc)["user"]
        found = [each for each in self.store.all("organization") if user in each["users"]]
        return user, [Organization(self.store, self.clock, self.switches, info) for info in found]

    def _list_organizations(self, request: Request, dc: str) -> Response:
        user, seen = self._seen_by(request, dc)
        if not seen:
            raise Abort(Fault(9017, "User does not belong to any organization.").response())
        shown = [organizations.listed(each, user) for each in seen]
        return self._success(request, {"message": "success", "organizations": shown})

    def _read_organization(self, request: Request, dc: str, organization_id: str) -> Response:
        user, seen = self._seen_by(request, dc)
        for each in seen:
            if each.id == organization_id:
                return self._success(
                    request, {"message": "success", "organization": organizations.detailed(each, user)}
                )
        raise Abort(errors.not_associated(organization_id).response())

    def _read_user(self, request: Request, dc: str) -> Response:
        user = self.store.get("user", self.oauth.grant_of(request, dc)["user"]) or {}
        shown = {
            "user_id": user["id"],
            "name": user["email"].partition("@")[0],
            "email_ids": [{"email": user["email"], "is_selected": True}],
            "status": "active",
            "user_role": "admin",
            "user_type": "zoho",
        }
        return self._success(request, {"message": "success", "user": shown})

    # Bodies

    def error_response(self, status: int, kind: str) -> Response:
        if kind != "json":
            return errors.html_error(status)
        return Fault(errors.BY_STATUS.get(status, 1000), "Internal Error", status).response()

    def unknown_path(self, request: Request, error: HTTPException) -> Response:
        if "/books/v3/" not in request.path:
            return errors.html_error(404)
        return errors.unknown_url().response() if error.code != 405 else Fault(5, "Method not allowed", 405).response()

    def finish(self, request: Request, response: Response) -> Response:
        response.headers["server"] = "ZGS"
        response.headers["cache-control"] = "no-store, no-cache, must-revalidate, private"
        if "/books/v3/" not in request.path or "/books/v3/organizations" in request.path:
            return response
        response.headers["content-disposition"] = "attachment;"
        info = self.store.get("organization", request.args.get("organization_id", ""))
        known = info is not None and response.status_code != 401
        if info is not None and known and self.switches["quota_headers"] == "present":
            response.headers.update(self.limits.headers(info, self.clock.now()))
        return response


_SCOPES = {
    "organizations.list": "settings.READ",
    "organizations.read": "settings.READ",
    "users.me": "settings.READ",
    **{endpoint.operation: endpoint.scope for endpoint in ENDPOINTS},
}
