"""Flows: the list, the set-up, one flow with its runs, going live, pausing, changing the mode."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amazon.models import STANDARD_ORDERS
from bookkeeping.documents import BOOKING
from flows import (
    clearing_account,
    creation,
    currencies,
    drafts,
    onboarding,
    opening,
    overview,
    schedule,
    setup,
    transit,
)
from flows.forms import ModeForm, NewFlowForm, TermsForm, every
from flows.models import Delivery, Flow, MappingRule, Plan, Run
from flows.onboarding import StepName
from flows.selectors import ledger_name
from flows.views.dashboard import place_of
from flows.views.steps import guide_of, stepper
from ledgers.models import Company
from ledgers.port import AuthorizationLost, NotSent, Unknown
from ledgers.registry import asked, layouts_of, refresh_lists
from tenants.models import Connection, Role
from tenants.providers import ProviderKind
from tenants.roles import Action, at_least, can, requires
from tenants.views import TenantRequest

RUNS = 12
MOST_TABS = 4  # more flows than that are chosen from a list
FIRST = 5  # settlements named as the first to be posted


def flow_or_404(pk: int) -> Flow:
    return get_object_or_404(Flow.objects.select_related("source", "target"), pk=pk)


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    flows = list(Flow.objects.select_related("source", "target").order_by("name", "pk"))
    motions = overview.motions(flows)
    context = {
        "rows": [(flow, ledger_name(flow), motions[flow.pk]) for flow in flows],
        "may_edit": can(request.member, Action.EDIT_FLOW),
    }
    return render(request, "flows/flows.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def new(request: TenantRequest) -> HttpResponse:
    sources, targets = (
        onboarding.connected(ProviderKind.SOURCE),
        onboarding.connected(ProviderKind.LEDGER),
    )
    posted = request.POST if request.method == "POST" else None
    unread = _read_lists(targets, chosen=request.POST.get("target", ""))
    form = NewFlowForm(posted, tenant_id=request.tenant.pk, sources=sources, targets=targets)
    if unread:
        form.add_error("target", unread)
    if posted is not None and form.is_valid():
        try:
            flow = creation.create(request.tenant.pk, request.user.actor, form.values())
        except creation.CannotChange as error:
            form.add_error(None, str(error))
        else:
            first = "fetches for the first time" if flow.source else "plans what you uploaded"
            messages.success(request, f"{flow.name} is created and {first}. Nothing is posted yet.")
            if told := currencies.told(flow.target, flow.currency, flow.strategy):
                messages.info(request, told)
            layouts = layouts_of(flow.target)
            asked = flow.mode == Flow.Mode.ORDERS or drafts.matters_in_summary(layouts)
            if "layout" not in form.fields and len(layouts) > 1 and asked:
                return redirect(f"{reverse('flows:flow_edit', args=[flow.pk])}?asked=layout#asked")
            return redirect("flows:dashboard")
    context = {
        "form": form,
        "sources": sources,
        "targets": targets,
        "currencies": any(form.currencies.values()),
        "steps": stepper(onboarding.progress(None), StepName.FLOW),
        "opening": form.told,
        "crumbs": _crumbs(),
    }
    return render(request, "flows/flow_new.html", context)


@requires(Role.VIEWER)
@require_safe
def detail(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    waits = overview.waits([flow]).get(flow.pk, [])
    context = {
        "flow": flow,
        "motion": overview.motions([flow])[flow.pk],
        "waits": [(wait, place_of(wait, flow)) for wait in waits],
        "runs": Run.objects.filter(flow=flow).order_by("-started_at", "-pk")[:RUNS],
        "plans": Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE).count(),
        "to_approve": Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).count(),
        "rules": MappingRule.objects.filter(flow=flow, retired_version=None).count(),
        "company": Company.objects.filter(connection=flow.target_id).first(),
        "clearing": clearing_account.clearings([flow])[flow.pk],
        "transit": transit.of_flows([flow]).get(flow.pk),
        "latest": overview.latest_plans([flow]).get(flow.pk, []),
        "ledger": ledger_name(flow),
        "orders_every": every(flow.orders_every_min),
        "settlements_every": every(flow.settlements_every_min),
        "may_run": can(request.member, Action.RUN),
        "may_edit": can(request.member, Action.EDIT_FLOW),
        "owns": at_least(request.member, Role.OWNER),
        "unusual": flow.account_type != STANDARD_ORDERS,
        "layout": drafts.layout_of(flow),
        "booked_as": drafts.booked_as(flow),
        "layout_in_summary": drafts.matters_in_summary(layouts_of(flow.target)),
        "exchange": currencies.told(flow.target, flow.currency, flow.strategy) if flow.home else "",
        # What it does just now stands with its runs.
        "guide": guide_of(flow, request.member) if flow.state == Flow.State.SETUP else None,
        "crumbs": _crumbs(),
    }
    return render(request, "flows/flow.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def edit(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    told = opening.told(flow) if flow.state == Flow.State.SETUP else None
    form = TermsForm(
        request.POST if request.method == "POST" else None,
        flow=flow,
        told=told,
        layouts=layouts_of(flow.target),
    )
    if request.method == "POST" and form.is_valid():
        values = form.values()
        values["name"] = values["name"].strip() or flow.name
        try:
            changed = creation.change(flow, request.user.actor, values)
        except creation.CannotChange as error:
            form.add_error(None, str(error))
        else:
            messages.success(request, "Saved." if changed else "Nothing was different.")
            return redirect("flows:flow", pk)
    context = {
        "flow": flow,
        "form": form,
        # Right after it was created: only now is it known which ledger's question it is.
        "asked": "layout" in form.fields and request.GET.get("asked") == "layout",
        "crumbs": _crumbs(flow),
        "opening": told,
        "begun_before": opening.begun_before(flow),
    }
    return render(request, "flows/flow_edit.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def discard(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    if request.method == "POST":
        try:
            creation.discard(flow, request.user.actor)
        except creation.CannotChange as error:
            messages.error(request, str(error))
            return redirect("flows:flow", pk)
        messages.success(request, f"{flow.name} is gone. What was read from Amazon is kept.")
        return redirect("flows:flows")
    context = {
        "title": f"Discard {flow.name}?",
        "text": [
            "Its mapping and its plans are removed. Nothing of it is in your books, and nothing there is changed.",
            "The settlements that were read stay; another flow can take them.",
        ],
        "label": "Discard",
        "danger": True,
        "back": reverse("flows:flow", args=[pk]),
    }
    return render(request, "tenants/confirm.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def run(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    if flow.state == Flow.State.PAUSED:
        messages.error(request, f"{flow.name} is paused. Resume it first.")
    else:
        schedule.run_now(flow, request.user.actor)
        flow.refresh_from_db()
    if request.headers.get("HX-Request"):
        return _progress(request, flow)
    if flow.state != Flow.State.PAUSED:
        messages.success(request, f"{flow.name} runs now.")
    return redirect(reverse("flows:flow", args=[pk]) if request.POST.get("next") == "flow" else "flows:dashboard")


@requires(Role.VIEWER)
@require_safe
def progress(request: TenantRequest, pk: int) -> HttpResponse:
    """The part of a page that says what the flow is doing; asked for again and again while it is busy."""
    return _progress(request, flow_or_404(pk))


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def live(request: TenantRequest, pk: int) -> HttpResponse:
    """Say what is in the way and what is posted first, then let the flow go live (again)."""
    flow = flow_or_404(pk)
    if flow.state == Flow.State.LIVE:
        return redirect("flows:flow", pk)
    if request.method == "POST":
        try:
            setup.go_live(flow, request.user.actor)
        except setup.NotReady as error:
            return _live_page(request, flow, problems=error.problems)
        except (NotSent, AuthorizationLost, Unknown) as error:
            return _live_page(request, flow, problems=[_silent(flow, error)])
        words = (
            "It posts by itself."
            if flow.approval == Flow.Approval.AUTOMATIC
            else "Approve the settlements it has planned."
        )
        messages.success(request, f"{flow.name} is live. {words}")
        return redirect(
            "flows:dashboard" if flow.approval == Flow.Approval.AUTOMATIC else reverse("flows:dry_run", args=[pk])
        )
    return _live_page(request, flow)


@requires(Role.BOOKKEEPER)
@require_safe
def checks(request: TenantRequest, pk: int) -> HttpResponse:
    """The ledger's own checks and what keeps the flow from going live, read from the ledger now."""
    flow = flow_or_404(pk)
    try:
        found = setup.checks(flow)
        results = {"steps": found, "problems": setup.problems_beside(flow, found)}
    except (NotSent, AuthorizationLost, Unknown) as error:
        results = {"steps": [], "problems": [_silent(flow, error)]}
    if request.headers.get("HX-Request"):
        return render(request, "flows/_checks.html", {"flow": flow, **results})
    return _live_page(request, flow, **results)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def pause(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    if request.method == "POST":
        if flow.state == Flow.State.LIVE:
            setup.pause(flow, request.user.actor)
            messages.success(request, f"{flow.name} is paused. What was on its way is finished.")
        return redirect("flows:flow", pk)
    context = {
        "title": f"Pause {flow.name}?",
        "text": [
            "It stops fetching and posting until you resume it. A document that is being sent right now is finished.",
            "Nothing is lost: what is planned stays, and Amazon keeps its settlements.",
        ],
        "label": "Pause",
        "back": reverse("flows:flow", args=[pk]),
    }
    return render(request, "tenants/confirm.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def mode(request: TenantRequest, pk: int) -> HttpResponse:
    """Change how later settlements are booked, having said what that means."""
    flow = flow_or_404(pk)
    now = {"mode": flow.mode, "trigger": flow.trigger}
    form = ModeForm(request.POST if request.method == "POST" else None, initial=now)
    if request.method == "POST" and form.is_valid():
        if form.cleaned_data == now:
            messages.info(request, "Nothing was different.")
        else:
            setup.switch_mode(flow, form.cleaned_data["mode"], form.cleaned_data["trigger"], request.user.actor)
            messages.success(request, f"Later settlements are booked so: {drafts.booked_as(flow)}.")
        return redirect("flows:flow", pk)
    invoices = Delivery.objects.filter(flow=flow, kind__in=BOOKING, state=Delivery.State.POSTED)
    context = {
        "flow": flow,
        "form": form,
        "layout": drafts.layout_of(flow),
        "booked_as": drafts.booked_as(flow),
        "open_invoices": invoices.filter(invoice__isnull=False, invoice__coverage__isnull=True).count(),
        "open_plans": Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).count(),
        "posted_plans": Plan.objects.filter(flow=flow, state__in=[Plan.State.POSTED, Plan.State.POSTING]).count(),
        "crumbs": _crumbs(flow),
    }
    return render(request, "flows/flow_mode.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def clearing(request: TenantRequest, pk: int) -> HttpResponse:
    """Read the clearing account's balance from the ledger and compare."""
    flow = flow_or_404(pk)
    try:
        found = clearing_account.compare_clearing(flow, request.user.actor)
    except clearing_account.NoClearing as error:
        messages.warning(request, str(error))
    except (NotSent, AuthorizationLost, Unknown) as error:
        messages.error(request, f"{flow.target} could not be read: {error} Try again in a few minutes.")
    else:
        if found.difference:
            messages.warning(request, "The clearing account is not as expected. Below it says by how much.")
        else:
            messages.success(request, "The clearing account holds exactly what it should.")
    return redirect(reverse("flows:flow", args=[pk]) if request.POST.get("next") == "flow" else "flows:dashboard")


def _progress(request: TenantRequest, flow: Flow) -> HttpResponse:
    motion = overview.motions([flow])[flow.pk]
    context = {"motion": motion, "flow": flow, "may_run": can(request.member, Action.RUN)}
    response = render(request, "flows/_progress.html", context)
    if request.headers.get("HX-Request") and request.GET.get("busy") and not motion.busy:
        # The page around it has to show what came of it.
        response["HX-Refresh"] = "true"
    return response


def _live_page(request: TenantRequest, flow: Flow, **more: Any) -> HttpResponse:
    waiting = Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).select_related("settlement")
    planned = planning_order(waiting)
    held = Delivery.objects.filter(plan__in=waiting, state=Delivery.State.HELD)
    context = {
        "flow": flow,
        "steps_of_setup": stepper(onboarding.progress(flow), StepName.LIVE) if flow.state == Flow.State.SETUP else [],
        "first": planned[:FIRST],
        "planned": len(planned),
        "held": held.count(),
        "opening": opening.entry(flow),
        "begun_before": opening.begun_before(flow),
        "crumbs": _crumbs(flow),
        **more,
    }
    return render(request, "flows/flow_live.html", context)


def planning_order(plans: Any) -> list[Plan]:
    """Return plans as they are posted: the oldest settlement first."""
    return list(plans.defer("statement", "verdict", "flags", "pairings").order_by("settlement__ends_at"))


def then(error: Exception) -> str:
    """Return what a person does where a company could not be asked."""
    if isinstance(error, NotSent) and error.after_s:
        return error.action
    return "Test its connection, then try again."


def _silent(flow: Flow, error: Exception) -> str:
    return f"{flow.target} could not be asked: {error} {then(error)}"


def _read_lists(targets: list[Connection], chosen: str) -> str:
    """Read the lists of the chosen company if nobody has yet: its accounts and currencies decide. Returns what went wrong."""
    for target in targets:
        if str(target.pk) == chosen and not Company.objects.filter(connection=target).exists():
            try:
                asked(target)
                refresh_lists(target)
            except (NotSent, AuthorizationLost, Unknown) as error:
                return f"{target} could not be read: {error} {then(error)}"
    return ""


def _crumbs(flow: Flow | None = None) -> list[tuple[str, str]]:
    found = [("Flows", reverse("flows:flows"))]
    return [*found, (flow.name, reverse("flows:flow", args=[flow.pk]))] if flow else found
