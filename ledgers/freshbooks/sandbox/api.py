"""FreshBooks as HTTP: who may, what is asked, in which envelope it is answered (sheet §2, §3)."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from ledgers.freshbooks.sandbox import accounts, errors, identity, invoices, journals, lists, reports, webhooks, writes
from ledgers.freshbooks.sandbox.business import DELETED, Business, visible
from ledgers.freshbooks.sandbox.errors import Refusal
from ledgers.freshbooks.sandbox.fields import Doc
from ledgers.freshbooks.sandbox.meters import Meters
from ledgers.freshbooks.sandbox.oauth import NoToken, OAuth
from ledgers.freshbooks.sandbox.person import Person
from ledgers.freshbooks.sandbox.resources import DETAILS, RESOURCES, Resource
from ledgers.freshbooks.sandbox.switches import SWITCHES
from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import Abort, Control, Route, StandIn, json_response, posted_json

_ACCOUNT = "/accounting/account/<key>"
_BUSINESS = "/accounting/businesses/<key>"
_EVENTS = "/events/account/<key>/events/callbacks"
_VERSION, _NEWER = "2023-02-20", "2023-09-25"
_CHANGES = ("send", "delete")
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

Work = Callable[[Business], Doc]


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
        for resource in RESOURCES:
            yield from self._resource_routes(resource)
        yield Route("GET", f"{_ACCOUNT}/{DETAILS.path}", "detail.list", self._listing(DETAILS))
        yield Route("POST", f"{_ACCOUNT}/journal_entries/journal_entries", "journal_entry.create", self._create_journal)
        yield Route(
            "GET", f"{_ACCOUNT}/journal_entry_accounts/journal_entry_accounts", "journal_entry_account.list",
            self._journal_accounts,
        )  # fmt: skip
        yield Route("GET", f"{_ACCOUNT}/invoices/invoices/<id_>/share_link", "invoice.share", self._share_link)
        for name in reports.REPORTS:
            yield Route("GET", f"{_ACCOUNT}/reports/accounting/{name}", "report.read", self._reporting(name))
        yield Route("GET", f"{_BUSINESS}/reports/chart_of_accounts", "report.read", self._chart_of_accounts)
        ledger = f"{_BUSINESS}/ledger_accounts/accounts"
        yield Route("GET", ledger, "ledger_account.list", self._list_ledger)
        yield Route("POST", ledger, "ledger_account.create", self._create_ledger)
        yield Route("GET", f"{ledger}/<id_>", "ledger_account.read", self._read_ledger)
        yield Route("PUT", f"{ledger}/<id_>", "ledger_account.update", self._update_ledger)
        for name, work in (("types", accounts.types), ("sub_types", accounts.sub_types)):
            yield Route(
                "GET", f"/accounting/ledger_accounts/{name}", "ledger_account.types",
                lambda request, w=work: json_response({"data": w()}),
            )  # fmt: skip
        yield Route("GET", _EVENTS, "callback.list", self._list_callbacks)
        yield Route("POST", _EVENTS, "callback.create", self._create_callback)
        for method, name in (("GET", "read"), ("PUT", "update"), ("DELETE", "delete")):
            yield Route(method, f"{_EVENTS}/<id_>", f"callback.{name}", getattr(self, f"_{name}_callback"))

    def _resource_routes(self, resource: Resource) -> Iterable[Route]:
        base, kind = f"{_ACCOUNT}/{resource.path}", resource.kind
        yield Route("GET", base, f"{kind}.list", self._listing(resource))
        yield Route("GET", f"{base}/<id_>", f"{kind}.read", self._reading(resource))
        if resource.write:
            yield Route("POST", base, f"{kind}.create", self._creating(resource))
            yield Route("PUT", f"{base}/<id_>", f"{kind}.update", self._updating(resource))
        if resource.http_delete:
            yield Route("DELETE", f"{base}/<id_>", f"{kind}.delete", self._deleting(resource))

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
        key = request.path.split("/")[3]
        if key in ("types", "sub_types"):
            return None
        try:
            self._check(grant, key, request.method, operation)
        except Refusal as refusal:
            return self._refused(request, refusal)
        wait = self.meters.admit(key, self.clock.now())
        return self._throttled(request, wait) if wait else None

    def _check(self, grant: Doc, key: str, method: str, operation: str) -> None:
        person = self.store.get("person", grant["person"]) or {"memberships": []}
        try:
            business = self.business(key)
        except KeyError:
            business = None
        member = business and any(each["business"] == business.scope for each in person["memberships"])
        if business is None or not member:
            raise errors.denied("The user does not have access to this account.")
        kind = operation.partition(".")[0]
        verb = "read" if method == "GET" else "write"
        if kind in _SCOPES and f"user:{_SCOPES[kind]}:{verb}" not in grant["scope"].split():
            raise errors.denied("The access token does not have the scope this takes.")
        if method != "GET" and business.info["status"] == "cancelled":
            raise errors.denied("The subscription of this account has been cancelled.")

    # Handlers

    def _answering(self, request: Request, key: str, work: Work, status: int = 200) -> Response:
        try:
            return json_response(work(self.business(key)), status)
        except Refusal as refusal:
            raise Abort(self._refused(request, refusal)) from refusal

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

    def _listing(self, resource: Resource) -> Callable[..., Response]:
        def handle(request: Request, key: str) -> Response:
            args, wanted = request.args, lists.includes(request.args)

            def work(business: Business) -> Doc:
                found = lists.chosen(
                    business, resource.kind, args, resource.filters, lambda doc: resource.show(business, doc, wanted)
                )
                found = lists.ordered(business, found, args.get("sort", ""), resource.sorts)
                page, numbers = lists.page_of(found, args)
                return _result({resource.plural: page, **numbers})

            return self._answering(request, key, work)

        return handle

    def _reading(self, resource: Resource) -> Callable[..., Response]:
        def handle(request: Request, key: str, id_: str) -> Response:
            def work(business: Business) -> Doc:
                return self._single(request, business, resource, business.need(resource.kind, id_))

            return self._answering(request, key, work)

        return handle

    def _creating(self, resource: Resource) -> Callable[..., Response]:
        def handle(request: Request, key: str) -> Response:
            def work(business: Business) -> Doc:
                made = writes.create(business, resource, _body(request, resource.bodies))
                return self._single(request, business, resource, made)

            return self._answering(request, key, work)

        return handle

    def _updating(self, resource: Resource) -> Callable[..., Response]:
        def handle(request: Request, key: str, id_: str) -> Response:
            def work(business: Business) -> Doc:
                body = _body(request, resource.bodies)
                if resource.http_delete and resource.kind != "invoice":
                    body = {name: value for name, value in body.items() if name != "vis_state"}
                changed = writes.change(business, resource, id_, body)
                return self._single(request, business, resource, changed)

            return self._answering(request, key, work)

        return handle

    def _deleting(self, resource: Resource) -> Callable[..., Response]:
        def handle(request: Request, key: str, id_: str) -> Response:
            def work(business: Business) -> Doc:
                writes.change(business, resource, id_, {"vis_state": DELETED})
                return {"response": {}}

            # "204 Deleted" is what the one older description of taxes has.
            return self._answering(request, key, work, 204 if resource.kind == "tax" else 200)

        return handle

    def _single(self, request: Request, business: Business, resource: Resource, doc: Doc) -> Doc:
        name = self.switches["credit_note_key"] if resource.kind == "credit_note" else resource.key
        return _result({name: resource.show(business, doc, lists.includes(request.args))})

    def _share_link(self, request: Request, key: str, id_: str) -> Response:
        def work(business: Business) -> Doc:
            return _result({"share_link": invoices.share_link(business, business.need("invoice", id_))})

        return self._answering(request, key, work)

    # The journal, ledger accounts, reports

    def _create_journal(self, request: Request, key: str) -> Response:
        def work(business: Business) -> Doc:
            return _result({"journal_entry": journals.create(business, _body(request, ("journal_entry",)))})

        return self._answering(request, key, work)

    def _journal_accounts(self, request: Request, key: str) -> Response:
        def work(business: Business) -> Doc:
            page, numbers = lists.page_of(journals.listed_accounts(business), request.args)
            return _result({"journal_entry_accounts": page, **numbers})

        return self._answering(request, key, work)

    def _reporting(self, name: str) -> Callable[..., Response]:
        def handle(request: Request, key: str) -> Response:
            return self._answering(
                request, key, lambda business: _result({name: reports.REPORTS[name](business, request.args)})
            )

        return handle

    def _chart_of_accounts(self, request: Request, key: str) -> Response:
        return self._answering(
            request, key, lambda business: _result(reports.chart_of_accounts(business, request.args))
        )

    def _list_ledger(self, request: Request, key: str) -> Response:
        return self._answering(
            request, key, lambda business: {"data": accounts.listed(business, request.args.get("state", ""))}
        )

    def _create_ledger(self, request: Request, key: str) -> Response:
        def work(business: Business) -> Doc:
            return {"data": accounts.create(business, _object(request))}

        return self._answering(request, key, work, 201)

    def _read_ledger(self, request: Request, key: str, id_: str) -> Response:
        def work(business: Business) -> Doc:
            return {"data": accounts.shown(business, business.need("account", id_))}

        return self._answering(request, key, work)

    def _update_ledger(self, request: Request, key: str, id_: str) -> Response:
        def work(business: Business) -> Doc:
            return {"data": accounts.update(business, id_, _object(request))}

        return self._answering(request, key, work)

    # Events

    def _list_callbacks(self, request: Request, key: str) -> Response:
        def work(business: Business) -> Doc:
            page, numbers = lists.page_of([visible(each) for each in business.all("callback")], request.args)
            return _result({"callbacks": page, **numbers})

        return self._answering(request, key, work)

    def _create_callback(self, request: Request, key: str) -> Response:
        def work(business: Business) -> Doc:
            return _callback(webhooks.write(business, _body(request, ("callback",)), None))

        return self._answering(request, key, work)

    def _read_callback(self, request: Request, key: str, id_: str) -> Response:
        return self._answering(request, key, lambda business: _callback(business.need("callback", id_)))

    def _update_callback(self, request: Request, key: str, id_: str) -> Response:
        def work(business: Business) -> Doc:
            old = business.need("callback", id_)
            return _callback(webhooks.write(business, _body(request, ("callback",)), old))

        return self._answering(request, key, work)

    def _delete_callback(self, request: Request, key: str, id_: str) -> Response:
        def work(business: Business) -> Doc:
            business.need("callback", id_)
            business.store.delete("callback", id_, business.scope)
            return {"response": {}}

        return self._answering(request, key, work)

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
        return errors.answer(refusal, "accounting", new=self._newer_form("", status), switches=self.switches)

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


# Envelopes


def _result(value: Doc) -> Doc:
    return {"response": {"result": value}}


def _callback(doc: Doc) -> Doc:
    return _result({"callback": visible(doc)})


def _object(request: Request) -> Doc:
    """The posted object.

    Raises:
        Refusal: 1005.
    """
    try:
        body = posted_json(request)
    except ValueError as error:
        raise Refusal(errors.Problem(errors.UNPARSED, f"The request is no JSON: {error}"), status=400) from error
    if not isinstance(body, dict):
        raise Refusal(errors.Problem(errors.UNPARSED, "The request is no object."), status=400)
    return body


def _body(request: Request, names: tuple[str, ...]) -> Doc:
    """What stands under the first of ``names`` that is there.

    Raises:
        Refusal: 1001 when none is.
    """
    outer = _object(request)
    for name in names:
        if isinstance(outer.get(name), dict):
            return dict(outer[name])
    raise errors.required(names[0], names[0])


def _json_or_nothing(request: Request) -> Doc:
    try:
        body = posted_json(request)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _inner(body: Doc) -> Doc:
    return next((each for each in body.values() if isinstance(each, dict)), {})
