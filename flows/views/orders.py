"""Orders as Amazon tells them: the list, and one order with its items, its documents and the rows that settled it."""

from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from amazon.models import Order
from bookkeeping.documents import BOOKING
from flows import closing, forgetting, selectors, trace
from flows.filters import OrderFilter, status_words
from flows.models import Delivery
from flows.readable import Names, kinds_of, papers
from flows.views.settlements import is_part
from tenants.models import Role
from tenants.roles import at_least, requires
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
    buyer, removals = forgetting.state_of(order)
    context: dict[str, Any] = {
        "order": order,
        "buyer": buyer,
        "buyer_sealed": buyer is not None and bool(buyer.sealed),
        "removals": removals,
        "owns": at_least(request.member, Role.OWNER),
        "status": status_words(order.status),
        "documents": [
            (row, kinds_of(row.flow.target)[row.kind]) for row in selectors.documents_of_order(order.order_id)
        ],
        "not_invoiced": selectors.not_invoiced(order),
        "carried": selectors.carriers_of_order(order.order_id),
        "settled": trace.rows_of_order(candidates, order.order_id) if asked else [],
        "asked": asked,
        "candidates": len(candidates),
        "crumbs": [("Orders", reverse("flows:orders"))],
    }
    return render(request, "flows/order.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def close_out(request: TenantRequest, pk: int) -> HttpResponse:
    """Show what closes an invoice whose order never settles, then do it."""
    row = get_object_or_404(Delivery.objects.select_related("flow__target", "flow__source"), pk=pk, kind__in=BOOKING)
    back = reverse("audit:record", args=[pk])
    if request.method == "POST":
        try:
            closing.close_out(row, request.user.actor)
        except closing.CannotClose as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            messages.success(
                request, f"Invoice {row.number} is being closed. If rows of its order come, they get a new one."
            )
        return redirect(back)
    context: dict[str, Any] = {
        "row": row,
        "order": Order.objects.filter(order_id=row.order_id).only("pk", "order_id", "status").first(),
        "back": back,
        "crumbs": [("Audit", reverse("audit:records")), (f"Invoice {row.number}", back)],
    }
    try:
        found = closing.preview(row)
    except closing.CannotClose as error:
        context["problem"] = f"{error.text} {error.action}"
    else:
        context["papers"] = papers(found, Names(row.flow.target, [row, *found]))
    return render(request, "flows/close_out.html", context)
