"""Splitting the mapping: SKUs, patterns, product groups and marketplaces; the seller's groups; the customers."""

from typing import Any, Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amazon.marketplaces import is_multichannel
from amazon.models import Order
from bookkeeping.accounts import AccountKey
from flows import creation, history, mapping, rules, setup, skus
from flows.mapping_forms import CustomersForm, GroupsForm, SplitForm, shown
from flows.models import Flow, MappingRule, ProductGroup
from flows.views.flows import flow_or_404
from flows.views.mapping_pages import Named, described, frame, released, target_words
from kit import clock
from ledgers import reference
from tenants.actors import actor_names
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE: Final = 50
PREVIEW: Final = 12
LISTED: Final = 1000  # names a datalist offers; whatever exists can be typed


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    company, known = reference.cached(flow.target), mapping.load(flow)
    seen = skus.seen(flow, known, company, clock.now().date())
    text = request.GET.get("q", "").strip()
    show = request.GET.get("show", "")
    found = [
        one
        for one in seen.skus
        if (not text or text.casefold() in f"{one.sku} {one.title} {one.group}".casefold())
        and (show != "open" or not (one.has_item or one.rule))
    ]
    names = Named(company)
    split = mapping.rules_of(flow).filter(subject=MappingRule.Subject.ACCOUNT)
    split = split.exclude(sku="", product_group="", marketplace="").order_by("key", "sku", "product_group", "pk")
    people = actor_names(rule.created_by for rule in split)
    context = {
        **frame(request, flow, "skus"),
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "seen": seen,
        "open": sum(not (one.has_item or one.rule) for one in seen.skus),
        "q": text,
        "show": show,
        "rules": [
            (rule, described(rule), target_words(rule, names), people.get(rule.created_by, rule.created_by))
            for rule in split
        ],
        "groups": len(known.groups),
    }
    return render(request, "flows/mapping_skus.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: TenantRequest, pk: int) -> HttpResponse:
    """Make a split rule; *Preview* shows which SKUs it takes before anything is saved."""
    flow = flow_or_404(pk)
    company = reference.cached(flow.target)
    lines = {line.key: line for line in setup.choices(flow)}
    form = SplitForm(
        lines,
        company,
        sorted(set(ProductGroup.objects.filter(flow=flow).values_list("name", flat=True))),
        _marketplaces(flow),
        request.POST if request.method == "POST" else None,
        initial={"sku": request.GET.get("sku", ""), "keys": [AccountKey.SALES]},
    )
    preview = request.method == "POST" and "preview" in request.POST
    if request.method == "POST" and form.is_valid() and not preview:
        keys, target, conditions = form.rule()
        try:
            freed = rules.save_splits(flow, keys, target, request.user.actor, **conditions)
        except rules.BadMapping as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, f"The rule is saved. {released(freed, flow)}")
            return redirect("flows:mapping_skus", pk)
    everything = skus.names(flow)
    context = {
        **frame(request, flow, "skus"),
        "form": form,
        "skus": everything[:LISTED],
        "items": _listed(company.items),
        "preview": _preview(flow, form, everything) if request.method == "POST" else None,
        "crumbs": [("SKUs and splits", reverse("flows:mapping_skus", args=[pk]))],
    }
    return render(request, "flows/rule_new.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def rule_retire(request: TenantRequest, pk: int, rule_pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    rule = get_object_or_404(MappingRule, pk=rule_pk, flow=flow, retired_version=None)
    back = "flows:mapping_labels" if rule.subject == MappingRule.Subject.LABEL else "flows:mapping_skus"
    if request.method == "POST":
        freed = rules.retire(flow, rule.pk, request.user.actor)
        messages.success(request, f"The rule has ended. {released(freed, flow)}")
        return redirect(back, pk)
    context = {
        "title": f"End the rule for {described(rule)}?",
        "text": [
            "What is in the books stays as it is. What is not yet there is planned again without the rule.",
            "The rule stays in the history.",
        ],
        "label": "End the rule",
        "danger": True,
        "back": reverse(back, args=[pk]),
    }
    return render(request, "tenants/confirm.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def groups(request: TenantRequest, pk: int) -> HttpResponse:
    """The seller's own product groups, as a file of two columns."""
    flow = flow_or_404(pk)
    form = GroupsForm(request.POST, request.FILES) if request.method == "POST" else GroupsForm()
    if request.method == "POST" and form.is_valid():
        try:
            count = rules.load_product_groups(flow, form.cleaned_data["file"], request.user.actor)
        except rules.BadMapping as error:
            form.add_error("file", str(error))
        else:
            messages.success(request, f"{count} SKU{'s are' if count != 1 else ' is'} in product groups now.")
            return redirect("flows:mapping_groups", pk)
    found = ProductGroup.objects.filter(flow=flow).order_by("name", "sku")
    context = {
        **frame(request, flow, "skus"),
        "form": form,
        "page": Paginator(found, PAGE).get_page(request.GET.get("page")),
        "crumbs": [("SKUs and splits", reverse("flows:mapping_skus", args=[pk]))],
    }
    return render(request, "flows/mapping_groups.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def customers(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    company, known = reference.cached(flow.target), mapping.load(flow)
    chosen = {marketplace: target.customer for marketplace, target in known.customers.items()}
    # An order from elsewhere that Amazon only shipped is never invoiced.
    marketplaces = [name for name in _marketplaces(flow) if not is_multichannel(name)]
    form = CustomersForm(marketplaces, chosen, company, request.POST if request.method == "POST" else None)
    if request.method == "POST":
        if not can(request.member, Action.MAP):
            raise PermissionDenied
        if form.is_valid():
            before = flow.mapping_version
            freed = sum(
                rules.save_customer(flow, marketplace, customer, request.user.actor)
                for marketplace, customer in form.customers().items()
            )
            words = f"Saved. {released(freed, flow)}" if flow.mapping_version != before else "Nothing was different."
            messages.success(request, words)
            return redirect("flows:mapping_customers", pk)
    context = {
        **frame(request, flow, "customers"),
        "form": form,
        "customers": _listed(company.customers),
        "rows": [
            (marketplace, form[f"customer-{number}"], f"{marketplace} ({flow.currency})")
            for number, marketplace in enumerate(marketplaces)
        ],
    }
    return render(request, "flows/mapping_customers.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def general_item(request: TenantRequest, pk: int) -> HttpResponse:
    """Say whether a SKU without an item of its own is invoiced under the general item, or waits."""
    flow = flow_or_404(pk)
    creation.change(flow, request.user.actor, {"generic_items": request.POST.get("generic_items") == "on"})
    words = "are invoiced under the general item" if flow.generic_items else "wait until they have an item"
    messages.success(request, f"SKUs without an item {words}.")
    return redirect("flows:mapping_skus", pk)


def _preview(flow: Flow, form: SplitForm, everything: list[str]) -> dict[str, Any]:
    """Return which of the SKUs seen the rule's SKU or pattern and group take."""
    sku = str(form.data.get("sku", "")).strip()
    group = str(form.data.get("product_group", ""))
    of_group = dict(ProductGroup.objects.filter(flow=flow, name=group).values_list("sku", "name")) if group else {}
    taken = [one for one in (skus.matching(sku, everything) if sku else everything) if not group or one in of_group]
    return {"shown": taken[:PREVIEW], "more": max(0, len(taken) - PREVIEW), "count": len(taken), "of": len(everything)}


def _marketplaces(flow: Flow) -> list[str]:
    """Return the marketplaces that settlements and orders of the flow name."""
    found = {
        name for names in history.settlements_of(flow).values_list("marketplaces", flat=True) for name in names if name
    }
    if flow.source is not None:
        orders = Order.objects.filter(connection=flow.source).exclude(marketplace="").order_by("marketplace")
        found |= set(orders.values_list("marketplace", flat=True).distinct())
    return sorted(found, key=str.casefold)


def _listed(objects: Any) -> list[str]:
    active = [each for each in objects if each.active]
    return (
        [shown(each, active) for each in active[:LISTED]]
        if len(active) <= LISTED
        else [e.name for e in active[:LISTED]]
    )
