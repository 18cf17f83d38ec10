"""The REST interface, put together: version 1, its OpenAPI document and its page, which needs no network."""

from collections.abc import Callable
from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer2
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.viewsets import ViewSetMixin

from amazon import history_api, notice_api
from audit import api as audit
from connector import idempotency, problems
from flows.api import bank, deliveries, mapping, months, orders, owed, plans, rates, revisions, settlements
from flows.api import flows as flow_api
from tenants import api as tenants


class Once:
    """A view set whose POSTs honour ``Idempotency-Key``: its handler is called under the key."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        problems.refuse_large_body(request)
        if request.method == "POST" and (handler := getattr(self, "post", None)):
            self.post = _under_its_key(handler)


def _under_its_key(handler: Callable[..., Response]) -> Callable[..., Response]:
    def post(request: Request, *args: Any, **kwargs: Any) -> Response:
        return idempotency.once(request, lambda: handler(request, *args, **kwargs))

    return post


class Routes(SimpleRouter):
    """Addresses without a slash at the end and with whole numbers as ids; every POST under its key."""

    def __init__(self) -> None:
        super().__init__(trailing_slash=False, use_regex_path=False)

    def add(self, prefix: str, viewset: type[ViewSetMixin]) -> None:
        under_keys = type(
            viewset.__name__, (Once, viewset), {"__doc__": viewset.__doc__, "lookup_value_converter": "int"}
        )
        self.register(prefix, under_keys, basename=viewset.__name__)


routes = Routes()
routes.add("flows", flow_api.FlowViewSet)
routes.add("flows", mapping.MappingViewSet)
routes.add("flows", months.MonthViewSet)
routes.add("flows", owed.OwedViewSet)
routes.add("runs", flow_api.RunViewSet)
routes.add("settlements", settlements.SettlementViewSet)
routes.add("revisions", revisions.RevisionViewSet)
routes.add("plans", plans.PlanViewSet)
routes.add("deliveries", deliveries.DeliveryViewSet)
routes.add("orders", orders.OrderViewSet)
routes.add("exchange-rates", rates.RateViewSet)
routes.add("bank-accounts", bank.BankAccountViewSet)
routes.add("bank-lines", bank.BankLineViewSet)
routes.add("connections", tenants.ConnectionViewSet)
routes.add("connections", notice_api.NotificationViewSet)
routes.add("connections", history_api.HistoryViewSet)
routes.add("alerts", tenants.AlertViewSet)
routes.add("events", audit.EventViewSet)


@cache
def document() -> bytes:
    """Return the OpenAPI document as JSON; it takes a second to make and never changes while the site runs."""
    made = SchemaGenerator().get_schema(request=None, public=True)
    rendered: bytes = OpenApiJsonRenderer2().render(made)
    return rendered


@require_safe
def schema(request: HttpRequest) -> HttpResponse:
    return HttpResponse(document(), content_type=OpenApiJsonRenderer2.media_type)


app_name = "api"
urlpatterns = [
    path("v1/", include(routes.urls)),
    path("v1/key", tenants.KeyView.as_view(), name="key"),
    path("schema", schema, name="schema"),
    path("docs/", TemplateView.as_view(template_name="api/docs.html"), name="docs"),
    re_path("", csrf_exempt(problems.no_such_address)),
]
