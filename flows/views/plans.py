"""The dry run of a flow: every planned settlement with its totals, what would be created, what is held; and the approval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Count, F, Sum
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from flows import access, onboarding, opening, overview, planning, setup
from flows import plans as plans_of
from flows.models import Delivery, Flow, Plan
from flows.onboarding import StepName
from flows.readable import kinds_of
from flows.verdicts import NEEDS_PERSON
from flows.views.dashboard import place_of
from flows.views.flows import flow_or_404
from flows.views.settlements import number_or
from flows.views.steps import stepper
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE: Final = 20
_WAITING: Final = (Plan.State.PLANNING, Plan.State.PLANNED)
State = Delivery.State


@dataclass(frozen=True, slots=True)
class Made:
    """Documents of one kind that a plan would create: how many, and their sum in minor units."""

    kind: str
    count: int
    amount: int

    @property
    def words(self) -> str:
        noun = self.kind.lower()
        return noun if self.count == 1 else noun[:-1] + "ies" if noun.endswith("y") else f"{noun}s"


@dataclass(frozen=True, slots=True)
class Row:
    plan: Plan
    made: tuple[Made, ...]
    held: tuple[tuple[str, int], ...]  # cause, how many

    @property
    def under_way(self) -> bool:
        """Whether it is being planned, or planned again, so that nobody can approve what they see."""
        return self.plan.asked > self.plan.made

    @property
    def held_count(self) -> int:
        return sum(count for _, count in self.held)


@requires(Role.VIEWER)
@require_safe
def dry_run(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    plans = Plan.objects.filter(flow=flow, state__in=_WAITING).select_related("settlement", "flow")
    page = Paginator(
        plans.defer("statement", "verdict", "flags", "pairings").order_by("settlement__ends_at"), PAGE
    ).get_page(request.GET.get("page"))
    waits = overview.waits([flow]).get(flow.pk, [])
    made_first = Delivery.objects.filter(flow=flow, plan=None, live=True).exclude(state=State.POSTED)
    opened, kinds = opening.entry(flow), kinds_of(flow.target)
    context = {
        "flow": flow,
        "page": page,
        "rows": _rows(list(page.object_list), kinds),
        "motion": overview.motions([flow])[flow.pk],
        "ready": plans.filter(state=Plan.State.PLANNED, asked=F("made")).count(),
        "waits": [(wait, place_of(wait, flow)) for wait in waits],
        "made_first": [
            Made(kinds[kind], count, 0)
            for kind, count in made_first.filter(kind__in=planning.GROUNDWORK)
            .order_by("kind")
            .values_list("kind")
            .annotate(Count("pk"))
        ],
        "opening": plans_of.paper_of(opened) if opened is not None and page.number == 1 else None,
        "opening_missing": setup.opening_missing(flow),
        "begun_before": opening.begun_before(flow),
        "may_approve": can(request.member, Action.APPROVE),
        "may_edit": can(request.member, Action.EDIT_FLOW),
        "steps": stepper(onboarding.progress(flow), StepName.DRY_RUN) if flow.state == Flow.State.SETUP else [],
        "crumbs": [("Flows", reverse("flows:flows")), (flow.name, reverse("flows:flow", args=[pk]))],
    }
    return render(request, "flows/dry_run.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def approve(request: TenantRequest, pk: int) -> HttpResponse:
    """Approve one planned settlement, or all of them, the oldest first."""
    flow = flow_or_404(pk)
    back = redirect("flows:dry_run", pk)
    if flow.state != Flow.State.LIVE:
        messages.error(request, "Let the flow go live first; then what is approved can be posted.")
        return back
    plans = Plan.objects.filter(flow=flow, state=Plan.State.PLANNED).select_related("settlement", "flow__target")
    if chosen := request.POST.get("plan", ""):
        plans = plans.filter(pk=number_or(chosen, 0))
    found = list(plans.order_by("settlement__ends_at"))
    documents = sum(planning.approve(plan, request.user.actor) for plan in found)
    left = set(plans.filter(pk__in=[plan.pk for plan in found]).values_list("pk", flat=True))
    approved = [plan.settlement.settlement_id for plan in found if plan.pk not in left]
    if approved:
        which = f"Settlement {approved[0]} is" if len(approved) == 1 else f"{len(approved)} settlements are"
        goes = f"{documents} documents go" if documents != 1 else "1 document goes"
        messages.success(request, f"{which} approved. {goes} to {flow.target} now.")
        if closed := access.target_closed(flow):
            messages.warning(request, closed)
    if left:
        messages.warning(request, "What is being planned again cannot be approved yet. Look at it once it is done.")
    elif not approved:
        messages.info(request, "Nothing waits for approval: somebody was faster.")
    return back


def _rows(plans: list[Plan], kinds: Mapping[str, str]) -> list[Row]:
    """Return what each plan would create and what of it is held. Two queries."""
    alive = Delivery.objects.filter(plan__in=plans, live=True).exclude(state__in=[State.DROPPED, State.UNDONE])
    sums = alive.order_by("kind").values_list("plan_id", "kind").annotate(Count("pk"), Sum("amount"))
    made: dict[int, list[Made]] = {}
    for plan_id, kind, count, amount in sums:
        made.setdefault(plan_id, []).append(Made(kinds[kind], count, amount))
    stopped = Delivery.objects.filter(plan__in=plans, state__in=NEEDS_PERSON)
    held: dict[int, list[tuple[str, int]]] = {}
    for plan_id, code, count in stopped.order_by("code").values_list("plan_id", "code").annotate(Count("pk")):
        held.setdefault(plan_id, []).append((overview.cause(code), count))
    return [Row(plan, tuple(made.get(plan.pk, ())), tuple(held.get(plan.pk, ()))) for plan in plans]
