"""Buyers in the books: switched on and off for a flow, and forgotten from an order's page. For owners."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from amazon.models import Buyer, Order
from flows import buyers, creation, forgetting
from flows.views.flows import flow_or_404
from tenants.models import Role
from tenants.roles import requires
from tenants.views import TenantRequest


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def switch(request: TenantRequest, pk: int) -> HttpResponse:
    """Say what naming buyers means, then switch it on or off."""
    flow = flow_or_404(pk)
    if request.method == "POST":
        try:
            different = forgetting.switch(flow, request.user.actor, on=request.POST.get("buyers") == "on")
        except creation.CannotChange as error:
            messages.error(request, str(error))
        else:
            said = "From now on invoices name the buyer." if flow.buyers else "No buyer is asked for or named any more."
            messages.success(request, said if different else "Nothing was different.")
        return redirect("flows:flow", pk)
    context = {
        "flow": flow,
        "problem": "" if flow.buyers else forgetting.problem(flow),
        "others": flow.source is not None and buyers.wanted_from(flow.source) and not flow.buyers,
        "days": forgetting.KEPT.days,
        "at_most": forgetting.AT_MOST.days,
        "crumbs": [("Flows", reverse("flows:flows")), (flow.name, reverse("flows:flow", args=[pk]))],
    }
    return render(request, "flows/buyers.html", context)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def forget(request: TenantRequest, pk: int) -> HttpResponse:
    """Say what forgetting an order's buyer means, then do it."""
    order = get_object_or_404(Order.objects.filter(pk__in=Buyer.objects.values("order")).defer("raw"), pk=pk)
    if request.method == "POST":
        forgetting.forget(order, request.user.actor)
        messages.success(request, "The buyer is forgotten here. Their customer in the ledger loses its name next.")
        return redirect("flows:order", pk)
    return render(request, "flows/forget.html", {"order": order})
