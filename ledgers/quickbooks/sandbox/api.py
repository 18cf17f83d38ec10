"""The accounting API as HTTP: who may, what is asked, once per requestid (sheet §2, §5)."""

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from typing import Any

from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from ledgers.quickbooks.sandbox import errors, query, reads, requestids, schema, writes
from ledgers.quickbooks.sandbox.batch import run_batch
from ledgers.quickbooks.sandbox.company import LIST_KINDS, TRANSACTION_KINDS, Company, Doc, stamp_ms
from ledgers.quickbooks.sandbox.errors import Fault
from ledgers.quickbooks.sandbox.meters import Meters
from ledgers.quickbooks.sandbox.oauth import ACCOUNTING, NoToken, OAuth
from ledgers.quickbooks.sandbox.person import Person
from ledgers.quickbooks.sandbox.switches import SWITCHES
from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.faults import Do, Place
from sandbox.faults import Fault as Trouble
from sandbox.jsontext import dumps, loads
from sandbox.store import Store
from sandbox.wsgi import DROP_ANSWER, Abort, Control, Route, StandIn

KINDS = {kind.lower(): kind for kind in (*LIST_KINDS, *TRANSACTION_KINDS)}
_BASE = "/v3/company/<realm>"
_BATCH_REQUEST_ID = 36
_ITEM = "batch.item"
_WRITES = ("create", "update", "delete", "void")


class QuickBooksStandIn(StandIn):
    """QuickBooks Online: authorisation server and accounting API in one application.

    ``books(realm)`` reads the general ledger, ``control(name, {...})`` does what a person does in the browser
    (``person.Person``), ``switches`` and ``faults`` steer.
    """

    slug = "quickbooks"
    SWITCHES = SWITCHES

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        self.oauth = OAuth(self.store, self.clock, self.switches)
        self.meters = Meters(self.store, self.switches)
        self.requestids = requestids.RequestIds(self.store, self.clock, self.switches)
        self.person = Person(self)
        for kind in ("Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt", "JournalEntry", "Purchase"):
            self.store.index(kind, "$.DocNumber")
        for kind in TRANSACTION_KINDS:
            self.store.index(kind, "$.TxnDate")
        for kind in ("Account", "Item", "Customer", "Class", "Department"):
            self.store.index(kind, "$.FullyQualifiedName")
        for kind in ("Customer", "Vendor", "Employee"):
            self.store.index(kind, "$.DisplayName")
        for kind in ("Invoice", "Payment", "CreditMemo", "SalesReceipt", "RefundReceipt"):
            self.store.index(kind, "$.CustomerRef.value")

    # For tests in the same process

    def company(self, realm: str) -> Company:
        """Raises:
        KeyError: no such company.
        """
        info = self.store.get("company", realm)
        if info is None:
            raise KeyError(f"no company {realm}")
        return Company(self.store, self.clock, self.switches, info)

    def books(self, realm: str) -> Books:
        """The general ledger; accounts by id or name; late effects that are due are in it."""
        self.run_late()
        return self.company(realm).books

    def control(self, action: str, values: dict[str, Any] | None = None) -> Any:
        """A control action (``POST /_control/do/<action>``) without HTTP."""
        with self.store.transaction():
            return self.controls()[action](values or {})

    # The stand-in

    def routes(self) -> Iterable[Route]:
        def authorisation(name: str) -> Callable[[Request], Response]:
            return lambda request: getattr(self.oauth, name)(request)

        yield Route("GET", "/connect/oauth2", "consent.show", authorisation("show_consent"))
        yield Route("POST", "/connect/oauth2", "consent.decide", authorisation("decide"))
        yield Route("POST", "/oauth2/v1/tokens/bearer", "token", authorisation("token"))
        yield Route("POST", "/v2/oauth2/tokens/revoke", "revoke", authorisation("revoke"))
        for which in ("openid_configuration", "openid_sandbox_configuration"):
            yield Route("GET", f"/.well-known/{which}", "discovery", lambda r, w=which: self.oauth.discovery(r, w))
        yield Route("GET", "/op/v1/jwks", "discovery", lambda request: Response('{"keys":[]}', 200))
        yield Route("GET", "/v1/openid_connect/userinfo", "userinfo", authorisation("userinfo"))
        yield Route("GET", f"{_BASE}/companyinfo/<id_>", "companyinfo.read", self._read_company)
        yield Route("GET", f"{_BASE}/preferences", "preferences.read", self._read_preferences)
        yield Route("GET", f"{_BASE}/query", "query", self._query)
        yield Route("POST", f"{_BASE}/query", "query", self._query)
        yield Route("GET", f"{_BASE}/cdc", "cdc", self._cdc)
        yield Route("POST", f"{_BASE}/batch", "batch", self._batch)
        yield Route("GET", f"{_BASE}/exchangerate", "exchangerate.read", self._read_rate)
        yield Route("POST", f"{_BASE}/exchangerate", "exchangerate.update", self._write_rate)
        for path, kind in KINDS.items():
            yield Route("GET", f"{_BASE}/{path}/<id_>", f"{path}.read", self._reading(kind))
            yield Route("POST", f"{_BASE}/{path}", path, self._writing(kind))

    def operations(self) -> list[str]:
        plain = [each.operation for each in self._routes if each.operation not in KINDS]
        written = [f"{path}.{write}" for path in KINDS for write in _WRITES]
        return list(dict.fromkeys([*plain, *written]))

    def boundaries(self) -> list[str]:
        return [*super().boundaries(), f"{self.slug}.{_ITEM}:{Place.AFTER_COMMIT}"]

    def operation_of(self, request: Request, route: Route, values: Mapping[str, Any]) -> str:
        if route.operation not in KINDS:
            return route.operation
        body = _json_or_nothing(request)
        return f"{route.operation}.{_write_of(request, body)}"

    def controls(self) -> Mapping[str, Control]:
        return self.person.actions()

    # Doors

    def guard(self, request: Request, operation: str) -> Response | None:
        if not request.path.startswith("/v3/company/"):
            return None
        realm = request.path.split("/")[3]
        now = self.clock.now()
        try:
            grant = self.oauth.grant_of(request)
        except NoToken:
            return errors.unauthorised(round(now.timestamp() * 1000))
        refusal = self._refusal(grant, realm, request, operation)
        if refusal is not None:
            return self._fault_response(request, refusal)
        cost = 1
        if operation == "batch" and self.switches["batch_rate_cost"] == "n":
            cost = max(1, len(_json_or_nothing(request).get("BatchItemRequest") or []))
        metered = request.method == "GET" or operation in ("query", "cdc")
        if not self.meters.admit(realm, now, cost=cost, batch=operation == "batch") or (
            metered and not self.meters.reads_left(now)
        ):
            return errors.throttled(round(now.timestamp() * 1000), self.switches["throttle_body"])
        return None

    def _refusal(self, grant: Doc, realm: str, request: Request, operation: str) -> Fault | None:
        info = self.store.get("company", realm)
        if grant["realm"] != realm or ACCOUNTING not in grant["scope"].split() or info is None:
            return Fault(
                "3100", "message=ApplicationAuthorizationFailed; errorCode=003100; statusCode=403",
                "The application is not authorised for this company", status=403, kind="AuthorizationFault",
            )  # fmt: skip
        if info["access_lost"]:
            return Fault("120", "Authorization Failure", "The user who connected has no access to the company any more",
                         kind="AuthorizationFault")  # fmt: skip
        writing = request.method == "POST" and operation != "query"
        if info["lapsed"] and writing:
            return Fault("6190", "Invalid Company Status", "Subscription period has ended or canceled: read only")
        return None

    # Handlers

    def _answering(self, request: Request, realm: str, work: Callable[[Company], Doc], *, reads_: int = 0) -> Response:
        """The success envelope around what ``work`` yields, or its fault."""
        company = self.company(realm)
        try:
            body = work(company)
        except Fault as fault:
            raise Abort(self._fault_response(request, fault)) from fault
        self.meters.count_reads(self.clock.now(), reads_)
        return self._success(request, {"time": self._time(), **body})

    def _read_company(self, request: Request, realm: str, id_: str) -> Response:
        return self._answering(request, realm, lambda company: {"CompanyInfo": reads.company_info(company)}, reads_=1)

    def _read_preferences(self, request: Request, realm: str) -> Response:
        return self._answering(request, realm, lambda company: {"Preferences": reads.preferences(company)}, reads_=1)

    def _reading(self, kind: str) -> Callable[..., Response]:
        def read(request: Request, realm: str, id_: str) -> Response:
            return self._answering(
                request, realm, lambda company: {kind: reads.one(company, kind, company.need(kind, id_))}, reads_=1
            )

        return read

    def _query(self, request: Request, realm: str) -> Response:
        text = request.args.get("query") or request.get_data(as_text=True)
        return self._answering(request, realm, lambda company: {"QueryResponse": query.run(company, text)}, reads_=1)

    def _cdc(self, request: Request, realm: str) -> Response:
        def work(company: Company) -> Doc:
            found = reads.changes(company, request.args.get("entities", ""), request.args.get("changedSince"))
            return {"CDCResponse": [{"QueryResponse": found}]}

        return self._answering(request, realm, work, reads_=1)

    def _read_rate(self, request: Request, realm: str) -> Response:
        def work(company: Company) -> Doc:
            code = request.args.get("sourcecurrencycode", "")
            if not code:
                raise errors.required("sourcecurrencycode")
            on_date = schema.day("asofdate", request.args.get("asofdate") or company.today())
            return {"ExchangeRate": _rate_doc(company, code, on_date, company.rate(code, on_date))}

        return self._answering(request, realm, work, reads_=1)

    def _write_rate(self, request: Request, realm: str) -> Response:
        def work(company: Company) -> Doc:
            body = schema.check("ExchangeRate", _posted(request))
            for field in ("SourceCurrencyCode", "Rate"):
                if body.get(field) is None:
                    raise errors.required(field)
            on_date = schema.day("AsOfDate", body.get("AsOfDate") or company.today())
            rate = schema.number("Rate", body["Rate"])
            company.set_rate(body["SourceCurrencyCode"], on_date, rate)
            return {"ExchangeRate": _rate_doc(company, body["SourceCurrencyCode"], on_date, rate)}

        return self._answering(request, realm, work)

    def _writing(self, kind: str) -> Callable[..., Response]:
        return lambda request, realm: self._once(request, realm, kind)

    def _batch(self, request: Request, realm: str) -> Response:
        struck: list[Trouble] = []

        def after_item(operation: str) -> bool:
            """A fault at ``batch.item:after_commit``, or at the item's own operation, ends the batch there.

            What ran is stored, the rest never runs.
            """
            met = [each for each in (_ITEM, operation) if each]
            for trouble in [fault for each in met for fault in self.faults.take(each, Place.AFTER_COMMIT, exact=True)]:
                if trouble.do is Do.LATENCY:
                    self.clock.sleep(trouble.seconds)
                else:
                    struck.append(trouble)
            return bool(struck)

        def work(company: Company) -> Doc:
            requestid = self._requestid(request, realm, longest=_BATCH_REQUEST_ID)
            items, queries = run_batch(
                company, _posted(request), requestid=requestid, memory=self.requestids, after_item=after_item
            )
            metered = queries if self.switches["batch_meter"] == "n" else min(1, queries)
            self.meters.count_reads(self.clock.now(), metered)
            return {"BatchItemResponse": items}

        response = self._answering(request, realm, work)
        if struck and struck[0].do is Do.STATUS:
            return self._instead(struck[0])
        if struck:
            request.environ[DROP_ANSWER] = True
            if struck[0].do is Do.KILL:
                struck[0].kill()
        return response

    # Once per requestid

    def _requestid(self, request: Request, realm: str, longest: int = 50) -> str:
        """The checked requestid, '' for none; 600 while an earlier request with it is still running."""
        requestid = request.args.get("requestid", "")
        self.requestids.check(requestid, longest)
        if requestid and self.switches["requestid_in_flight"] == "600":
            for late in self.late_requests():
                if f"/{realm}/" in late["path"] and f"requestid={requestid}" in late["query"].split("&"):
                    raise requestids.in_use()
        return requestid

    def _once(self, request: Request, realm: str, kind: str) -> Response:
        answered: list[Doc] = []

        def work(company: Company) -> Doc:
            body_digest = _digest(request)
            requestid = self._requestid(request, realm)
            if requestid and (kept := self.requestids.recall(realm, requestid, body_digest)):
                answered.append(kept)
                return dict(kept["body"])
            body = _posted(request)
            allow = "allowduplicatedocnum" in request.args.get("include", "")
            done: Doc = {kind: writes.perform(company, kind, _write_of(request, body), body, allow_duplicate=allow)}
            done["time"] = self._time()
            if requestid:
                self.requestids.remember(realm, requestid, body_digest, 200, done)
            return done

        response = self._answering(request, realm, work)
        if answered:
            response.status_code = answered[0]["status"]
        return response

    def execute(self, request: Request, route: Route, values: Mapping[str, Any]) -> Response:
        response = super().execute(request, route, values)
        requestid = request.args.get("requestid", "")
        if (
            400 <= response.status_code < 500
            and requestid
            and route.operation in KINDS
            and _wants_json(request)
            and self.switches["requestid_replays_4xx"] == "yes"
            and self.store.get("requestid", requestid, values["realm"]) is None
        ):
            body = loads(response.get_data())
            with self.store.transaction():
                self.requestids.remember(values["realm"], requestid, _digest(request), response.status_code, body)
        return response

    # Bodies

    def _time(self) -> str:
        return stamp_ms(self.clock.now())

    def _success(self, request: Request, body: Doc) -> Response:
        if _wants_json(request):
            return Response(dumps(body), content_type="application/json;charset=UTF-8")
        inner = "".join(errors.value_xml(key, value) for key, value in body.items() if key != "time")
        text = (
            '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
            f'<IntuitResponse time="{body["time"]}" xmlns="http://schema.intuit.com/finance/v3">{inner}</IntuitResponse>'
        )
        return Response(text, content_type="application/xml;charset=UTF-8")

    def _fault_response(self, request: Request, fault: Fault) -> Response:
        time = self._time() if self.switches["error_time_field"] == "present" else ""
        if _wants_json(request):
            return Response(errors.fault_json(fault, time), fault.status, content_type="application/json;charset=UTF-8")
        return Response(errors.fault_xml(fault, time), fault.status, content_type="application/xml;charset=UTF-8")

    def error_response(self, status: int, kind: str) -> Response:
        epoch_ms = round(self.clock.now().timestamp() * 1000)
        if status == 401:
            return errors.unauthorised(epoch_ms)
        if status == 429:
            return errors.throttled(epoch_ms, kind)
        if kind == "html":
            return errors.html_error(status, "Service Unavailable" if status == 503 else "Error")
        fault = Fault("10000", "An application error has occurred while processing your request",
                      "System Failure Error", status=status, kind="SystemFault")  # fmt: skip
        if kind == "xml":
            return Response(errors.fault_xml(fault, self._time()), status, content_type="application/xml")
        return Response(errors.fault_json(fault, self._time()), status, content_type="application/json;charset=UTF-8")

    def unknown_path(self, request: Request, error: HTTPException) -> Response:
        if request.path.startswith("/v3/company/"):
            return self._fault_response(
                request, errors.unsupported(f"{request.method} {request.path.split('/', 4)[-1]}")
            )
        return errors.html_error(404, "Not Found")

    def finish(self, request: Request, response: Response) -> Response:
        response.headers["Intuit-Tid"] = f"1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"
        if request.path.startswith("/v3/"):
            response.headers["Qbo-Version"] = "1990.188"
            response.headers["Service-Time"] = "total=12, db=3"
        return response


def _write_of(request: Request, body: Doc) -> str:
    """create, update, delete or void. A payment is voided by ``operation=update&include=void``."""
    operation = request.args.get("operation", "")
    if operation == "update" and "void" in request.args.get("include", "").split(","):
        return "void"
    return operation or ("update" if body.get("Id") else "create")


def _posted(request: Request) -> Doc:
    try:
        body = loads(request.get_data())
    except ValueError as error:
        raise Fault("2000", "Invalid JSON", f"Error parsing the request: {error}") from error
    if not isinstance(body, dict):
        raise Fault("2000", "Invalid JSON", "The request is not an object")
    return body


def _json_or_nothing(request: Request) -> Doc:
    try:
        body = json.loads(request.get_data(), parse_float=Decimal)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _wants_json(request: Request) -> bool:
    return "json" in request.headers.get("Accept", "")


def _digest(request: Request) -> str:
    return requestids.digest(request.path.encode(), request.get_data())


def _rate_doc(company: Company, code: str, on_date: str, rate: Decimal) -> Doc:
    return {
        "SourceCurrencyCode": code,
        "TargetCurrencyCode": company.home,
        "Rate": rate,
        "AsOfDate": on_date,
        "domain": "QBO",
        "sparse": False,
    }
