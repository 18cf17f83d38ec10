"""Amazon, pretended: consent page, Login with Amazon, Selling Partner API and report storage behind one address.

Paths are the official ones: ``/apps/authorize/consent``, ``/apps/manage``, ``/auth/o2/token``, ``/sellers/v1``,
``/reports/2021-06-30``, ``/orders/2026-01-01``, ``/finances``, ``/notifications/v1``, ``/applications/2023-11-30``,
and ``/documents`` for presigned downloads. A leading ``/na``, ``/eu``, ``/fe`` or ``/sandbox`` stands for the regional
and the sandbox host names, a leading ``/sellercentral.amazon.se`` for that Seller Central; the host names themselves
are understood as well. Without a region in the address none is checked, and without a Seller Central all sellers sign in.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException, NotFound
from werkzeug.wrappers import Request, Response

from amazon.sandbox import money, notifications, orders, queues, report_requests, reports, sellers
from amazon.sandbox.applications import Applications
from amazon.sandbox.consent import CONFIRM, MANAGE, PATH, Consent
from amazon.sandbox.errors import Refused, denied, error
from amazon.sandbox.forwarding import Forwarding
from amazon.sandbox.groups import Groups
from amazon.sandbox.loading import Loading
from amazon.sandbox.lwa import FINANCE_ROLE, ORDERS_ROLE, Caller, Lwa
from amazon.sandbox.merchants import Merchants
from amazon.sandbox.notifications import DYNAMIC, GRANTLESS, Notifications
from amazon.sandbox.order_actions import OrderActions
from amazon.sandbox.order_book import OrderBook
from amazon.sandbox.orders import OrderRules, Orders
from amazon.sandbox.plans import PLANS, SANDBOX_PLAN, Buckets
from amazon.sandbox.queues import Queues
from amazon.sandbox.report_requests import ReportRules, Requests
from amazon.sandbox.report_schedules import Schedules
from amazon.sandbox.reports import Reports
from amazon.sandbox.seller_centrals import looks_like_one
from amazon.sandbox.signed import Signer
from amazon.sandbox.static_cases import ANSWERED, StaticCases
from sandbox.switches import Switch
from sandbox.wsgi import Control, Route, StandIn

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_HOST = re.compile(r"(?P<sandbox>sandbox\.)?sellingpartnerapi-(?P<region>na|eu|fe)\.")
_AGENT = re.compile(r".{1,500}", re.DOTALL)
_WITH_LIMIT_HEADER = (400, 404)
_ROLES = (("/orders/", ORDERS_ROLE), ("/finances/", FINANCE_ROLE))
"""Canned answers need the role of their operation as well; reports have one by their type."""


class AmazonStandIn(StandIn):
    """``loading`` takes sellers in, ``lwa`` hands out tokens without a browser; the rest is HTTP."""

    slug = "amazon"
    SWITCHES = (
        Switch("rate_scale", (1,), "factor on every usage plan's rate; 0 switches throttling off"),
        Switch("limit_header", ("sent", "omitted"), "x-amzn-RateLimit-Limit on 2xx, 400 and 404"),
        Switch("throttle_code", ("QuotaExceeded", "TooManyRequests", "RequestThrottled"), "error code of a 429"),
        Switch("missing_user_agent", (403, 400, 200), "status for a request without user-agent; 200 accepts it"),
        Switch(
            "refresh_token_replaced", (False, True), "every refresh hands out a new refresh token, the old one dies"
        ),
        Switch("denial", ("returns", "stays"), "a seller who refuses is sent back with an error, or stays at Amazon"),
        Switch("group_pages", ("full", "first empty"), "whether the first page of event groups holds any"),
        Switch(
            "equal_static_cases", ("success", "error"), "which of two sandbox cases that fit equally well is answered"
        ),
        *orders.SWITCHES,
        *reports.SWITCHES,
        *sellers.SWITCHES,
        *report_requests.SWITCHES,
        *notifications.SWITCHES,
        *queues.SWITCHES,
        *money.SWITCHES,
    )

    @cached_property
    def lwa(self) -> Lwa:
        return Lwa(self.store, self.clock, self.applications)

    @cached_property
    def applications(self) -> Applications:
        return Applications(self.store, self.clock)

    @cached_property
    def loading(self) -> Loading:
        return Loading(
            self.store,
            self.clock,
            self.switches,
            self.applications,
            self.lwa,
            self.reports,
            self.groups,
            self.buckets,
            self.static_cases,
            self.money,
        )

    @cached_property
    def money(self) -> money.Money:
        return money.Money(self.store, self.clock, self.signer, self._switch_of)

    @cached_property
    def merchants(self) -> Merchants:
        return Merchants(self.clock, self.loading, self.reports, self.money, self.queues)

    @cached_property
    def reports(self) -> Reports:
        return Reports(self.store, self.clock, self.signer, self.queues)

    @cached_property
    def requests(self) -> Requests:
        return Requests(self.store, self.clock, self.reports, self.order_book)

    @cached_property
    def schedules(self) -> Schedules:
        return Schedules(self.store, self.clock, self.requests)

    @cached_property
    def order_book(self) -> OrderBook:
        return OrderBook(self.store)

    @cached_property
    def orders(self) -> Orders:
        return Orders(self.order_book, self.clock, self.signer)

    @cached_property
    def order_actions(self) -> OrderActions:
        return OrderActions(self.order_book, self.clock, self.loading.register, self.queues)

    @cached_property
    def groups(self) -> Groups:
        return Groups(self.store, self.clock, self.signer)

    @cached_property
    def queues(self) -> Queues:
        return Queues(self.store, self.clock, self.applications, self.lwa, self._switch_of, self.catch_up)

    @cached_property
    def notifications(self) -> Notifications:
        return Notifications(self.store, self.clock, self.applications, self.queues, self._switch_of)

    @cached_property
    def forwarding(self) -> Forwarding:
        return Forwarding(self.store, self.clock, self.queues)

    @cached_property
    def buckets(self) -> Buckets:
        return Buckets(self.store)

    @cached_property
    def signer(self) -> Signer:
        return Signer(self.store)

    @cached_property
    def static_cases(self) -> StaticCases:
        return StaticCases(self.store)

    @cached_property
    def consent(self) -> Consent:
        return Consent(self.store, self.clock, self.applications, self.lwa)

    # What there is

    def routes(self) -> Iterable[Route]:
        for operation, (method, path) in ANSWERED.items():
            yield self._route(method, path, operation, self._answers_in_sandbox_only)
        orders = "/orders/2026-01-01/orders"
        yield Route("GET", PATH, "consent.show", self.consent.show)
        yield Route("POST", PATH, "consent.decide", self._decide)
        yield Route("GET", MANAGE, "apps.manage", self.consent.manage)
        yield Route("POST", MANAGE, "apps.act", self.consent.act)
        yield Route("GET", f"{CONFIRM}/<application_id>", "apps.confirm", self.consent.confirm)
        yield Route("POST", "/auth/o2/token", "token", self._token)
        yield Route("GET", "/documents/<path:document_id>", "downloadDocument", self._download)
        yield self._route(
            "GET",
            "/sellers/v1/marketplaceParticipations",
            "getMarketplaceParticipations",
            lambda _, caller: sellers.participations(self.store, caller, str(self._switch("participations", caller))),
        )
        yield from self._report_routes()
        yield self._route("GET", "/finances/v0/financialEventGroups", "listFinancialEventGroups", self._find_groups)
        yield self._route("GET", orders, "searchOrders", self._search_orders)
        yield self._route("GET", f"{orders}/<order_id>", "getOrder", self._get_order)
        for method, path, operation, handler in (*self.notifications.operations(), *self.money.operations()):
            yield self._route(method, path, operation, handler)

    def _report_routes(self) -> Iterable[Route]:
        reports, schedules = "/reports/2021-06-30/reports", "/reports/2021-06-30/schedules"
        one, scheduled = f"{reports}/<report_id>", f"{schedules}/<report_schedule_id>"
        yield self._route("GET", reports, "getReports", self.reports.find)
        yield self._route("POST", reports, "createReport", self._create_report)
        yield self._route("GET", one, "getReport", lambda _, caller, report_id: self.reports.get(caller, report_id))
        yield self._route(
            "DELETE", one, "cancelReport", lambda _, caller, report_id: self.requests.cancel(caller, report_id)
        )
        yield self._route("POST", schedules, "createReportSchedule", self.schedules.create)
        yield self._route("GET", schedules, "getReportSchedules", self.schedules.find)
        yield self._route(
            "GET",
            scheduled,
            "getReportSchedule",
            lambda _, caller, report_schedule_id: self.schedules.get(caller, report_schedule_id),
        )
        yield self._route(
            "DELETE",
            scheduled,
            "cancelReportSchedule",
            lambda _, caller, report_schedule_id: self.schedules.cancel(caller, report_schedule_id),
        )
        yield self._route(
            "GET", "/reports/2021-06-30/documents/<report_document_id>", "getReportDocument", self._document
        )

    def controls(self) -> Mapping[str, Control]:
        return {
            **self.loading.actions(),
            **self.merchants.actions(),
            **self.order_actions.actions(),
            **self.queues.actions(),
            **self.forwarding.actions(),
        }

    def errands(self) -> Mapping[str, Control]:
        return self.forwarding.errands()

    def _route(self, method: str, path: str, operation: str, handler: Callable[..., Response]) -> Route:
        """A route of the Selling Partner API: its handler gets the request and who is calling."""
        role = next((role for start, role in _ROLES if path.startswith(start)), "")

        def answer(request: Request, **values: Any) -> Response:
            try:
                caller = self.lwa.caller(request, GRANTLESS.get(operation, ""))
                sandbox = bool(request.environ.get("amazon.sandbox"))
                if operation in DYNAMIC and not sandbox:
                    return self.unknown_path(request, NotFound())
                if sandbox and operation not in DYNAMIC:
                    if role not in ("", *caller.roles):
                        raise denied("The application is not authorized for the role of this operation.")
                    errors_win = self.switches["equal_static_cases"] == "error"
                    return self.static_cases.answer(operation, request, values, errors_win=errors_win)
                return handler(request, caller, **values)
            except Refused as refused:
                return refused.response

        return Route(method, path, operation, answer)

    def _answers_in_sandbox_only(self, request: Request, caller: Caller, **values: Any) -> Response:
        return self.unknown_path(request, NotFound())

    # The door

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        _read_address(environ)
        self.catch_up()
        return super().__call__(environ, start_response)

    def catch_up(self) -> None:
        """Let the reports run and end that are due by now."""
        with self.store.transaction():
            self.schedules.run(self._report_rules)
            self.requests.settle()

    def guard(self, request: Request, operation: str) -> Response | None:
        if operation not in PLANS:
            return None
        try:
            return self._admit(request, operation)
        except Refused as refused:
            return refused.response

    def _admit(self, request: Request, operation: str) -> Response | None:
        if not _AGENT.fullmatch(request.headers.get("user-agent", "")) and self.switches["missing_user_agent"] != 200:
            return error(self.switches["missing_user_agent"], "The user-agent header is missing or too long.")
        caller = self.lwa.caller(request, GRANTLESS.get(operation, ""))
        region = request.environ.get("amazon.region")
        if region and caller.region and region != caller.region:
            raise denied("The access token does not belong to this region.")
        sandbox = bool(request.environ.get("amazon.sandbox"))
        scale = self._switch("rate_scale", caller)
        plan = SANDBOX_PLAN if sandbox and operation not in DYNAMIC else self.buckets.plan(caller.seller_id, operation)
        plan = plan._replace(rate=plan.rate * scale)
        request.environ["amazon.rate"] = plan.rate
        key = f"{caller.client_id}:{caller.seller_id}:{operation}{':sandbox' if sandbox else ''}"
        if scale and not self.buckets.take(key, plan, self.clock.now()):
            return error(429, code=str(self._switch("throttle_code", caller)))
        return None

    def finish(self, request: Request, response: Response) -> Response:
        response.headers["x-amzn-RequestId"] = str(uuid.uuid4())
        rate = request.environ.get("amazon.rate")
        told = response.status_code < 300 or response.status_code in _WITH_LIMIT_HEADER
        if rate is not None and told and self.switches["limit_header"] == "sent":
            response.headers["x-amzn-RateLimit-Limit"] = str(rate)
        return response

    def unknown_path(self, request: Request, raised: HTTPException) -> Response:
        return error(403, code="MissingAuthenticationToken", message="Missing Authentication Token")

    def error_response(self, status: int, kind: str) -> Response:
        return error(status) if kind == "json" else super().error_response(status, kind)

    def _switch(self, name: str, caller: Caller) -> Any:
        return self.loading.switch(name, caller.seller_id)

    def _switch_of(self, name: str, seller_id: str) -> Any:
        return self.loading.switch(name, seller_id)

    # Handlers that need a switch or the address

    def _decide(self, request: Request) -> Response:
        return self.consent.decide(request, denial_returns=self.switches["denial"] == "returns")

    def _token(self, request: Request) -> Response:
        return self.lwa.token(request, replace=self.switches["refresh_token_replaced"])

    def _document(self, request: Request, caller: Caller, report_document_id: str) -> Response:
        base = f"{request.scheme}://{request.host}{request.environ.get('amazon.root', '')}"
        return self.reports.document(
            request,
            caller,
            report_document_id,
            base,
            compression=str(self._switch("document_compression", caller)),
            link=str(self._switch("document_link", caller)),
        )

    def _create_report(self, request: Request, caller: Caller) -> Response:
        return self.requests.create(request, caller, self._report_rules(caller.seller_id))

    def _report_rules(self, seller_id: str) -> ReportRules:
        names = ("takes_s", "outcome", "long_range", "identical", "columns")
        return ReportRules(**{name: self.loading.switch(f"report_{name}", seller_id) for name in names})

    def _download(self, request: Request, document_id: str) -> Response:
        kept = self.store.get("document", document_id)
        charset = self.loading.switch("document_charset", kept["seller_id"] if kept else "")
        return self.reports.download(request, document_id, str(charset))

    def _find_groups(self, request: Request, caller: Caller) -> Response:
        empty = self._switch("group_pages", caller) == "first empty"
        return self.groups.find(request, caller, empty_pages=empty)

    def _search_orders(self, request: Request, caller: Caller) -> Response:
        return self.orders.search(request, caller, self._order_rules(caller))

    def _get_order(self, request: Request, caller: Caller, order_id: str) -> Response:
        return self.orders.get(request, caller, order_id, self._order_rules(caller))

    def _order_rules(self, caller: Caller) -> OrderRules:
        return OrderRules(
            visible_after_s=self._switch("order_visible_after_s", caller),
            buyers=self._switch("buyers", caller),
            sequence=self._switch("order_sequence", caller),
            pages=self._switch("order_pages", caller),
            prices=self._switch("order_prices", caller),
            discounts=self._switch("order_discounts", caller),
        )


def _read_address(environ: "WSGIEnvironment") -> None:
    """Understand the official host names, and leading parts of the path that stand for them."""
    environ["amazon.root"] = environ.get("SCRIPT_NAME", "")
    host = environ.get("HTTP_HOST", "").partition(":")[0]
    if match := _HOST.match(host):
        environ["amazon.region"] = match["region"].upper()
        environ["amazon.sandbox"] = bool(match["sandbox"])
    elif looks_like_one(host):
        environ["amazon.seller_central"] = host
    while True:
        first = environ.get("PATH_INFO", "")[1:].partition("/")[0]
        if first in ("na", "eu", "fe"):
            environ["amazon.region"] = first.upper()
        elif first == "sandbox":
            environ["amazon.sandbox"] = True
        elif looks_like_one(first):
            environ["amazon.seller_central"] = first
        else:
            return
        environ["SCRIPT_NAME"] = f"{environ.get('SCRIPT_NAME', '')}/{first}"
        environ["PATH_INFO"] = environ["PATH_INFO"][len(first) + 1 :]
