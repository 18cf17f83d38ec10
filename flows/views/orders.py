"""Orders as Amazon tells them: the list, and one order with its items, its documents and the rows that settled it."""

from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from amazon.models import Order
from flows import selectors, trace
from flows.filters import OrderFilter, status_words
from flows.readable import KIND_NAMES
from flows.views.settlements import is_part
from tenants.models import Role
from tenants.roles import requires
from tenants.views import TenantRequest

PAGE: Final = 25


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    form = OrderFilter(request.GET, selectors.order_statuses(), selectors.order_marketplaces())
    page = Paginator(selectors.orders(**form.chosen), PAGE).get_page(request.GET.get("page"))
    shown = list(page.object_list)
    invoices = selectors.invoices_of(shown)
    context = {
        "filter": form,
        "page": page,
        "rows": [(order, status_words(order.status), invoices.get(order.order_id, [])) for order in shown],
    }
    return render(request, "flows/_orders.html" if is_part(request) else "flows/orders.html", context)


@requires(Role.VIEWER)
@require_safe
def detail(request: TenantRequest, pk: int) -> HttpResponse:
    """One order. Amazon's rows are looked for in its settlements where that is quick, else when a person asks."""
    order = get_object_or_404(Order.objects.select_related("connection").defer("raw"), pk=pk)
    candidates = selectors.settlements_around(order)
    quick = sum(one.row_count for one in candidates) <= trace.QUICK_ROWS
    asked = quick or request.GET.get("rows") == "all"
    context: dict[str, Any] = {
        "order": order,
        "status": status_words(order.status),
        "documents": [(row, KIND_NAMES[row.kind]) for row in selectors.documents_of_order(order.order_id)],
        "carried": selectors.carriers_of_order(order.order_id),
        "settled": trace.rows_of_order(candidates, order.order_id) if asked else [],
        "asked": asked,
        "candidates": len(candidates),
        "crumbs": [("Orders", reverse("flows:orders"))],
    }
    return render(request, "flows/order.html", context)
