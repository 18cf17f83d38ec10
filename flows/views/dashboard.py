"""What ran, what waits and why, what is in the books; for a new company, the one thing to do next."""

from collections.abc import Sequence
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from flows import glance, overview
from flows.glance import Group, Line, Need
from flows.models import Flow
from flows.overview import Place, Wait
from flows.views.steps import Link, guide_of
from tenants.models import Alert, Member, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

SHOWN_ALERTS: Final = 3
PER_PAGE: Final = 50
_TABS: Final = {Group.YOU: "Need you", Group.WORK: "At work", Group.TIES: "Tie out", Group.REST: "Others"}
_DECIDED: Final = (Place.LABELS, Place.ACCOUNTS, Place.SKUS)


@requires(Role.VIEWER)
@require_safe
def dashboard(request: TenantRequest) -> HttpResponse:
    """Show the one flow with all that matters of it; several as a line each, with their details on their own pages."""
    flows = list(Flow.objects.select_related("source", "target").order_by("name", "pk"))
    in_setup = sorted((flow for flow in flows if flow.state == Flow.State.SETUP), key=lambda flow: -flow.pk)
    running = [flow for flow in flows if flow.state != Flow.State.SETUP]
    several = len(running) > 1
    # What waits stands with each flow.
    alerts = (
        Alert.objects.filter(settled_at__isnull=True)
        .exclude(kind__in=("waiting", "unknown_label"))
        .order_by("-raised_at", "-pk")
    )
    context = {
        "alerts": alerts[:SHOWN_ALERTS],
        "alert_count": alerts.count(),
        "uncovered": overview.uncovered() if flows else [],
        "may_run": can(request.member, Action.RUN),
        "may_edit": can(request.member, Action.EDIT_FLOW),
        "may_approve": can(request.member, Action.APPROVE),
    }
    if several:
        context |= _several(request, flows)
        if request.headers.get("HX-Request"):
            return render(request, "flows/_glance.html", context)
    else:
        guided = in_setup[0] if in_setup else None
        context |= {
            "guide": _guide(guided, request.member) if guided or not flows else None,
            "also_in_setup": in_setup[1:],
            "cards": [
                {"card": card, "waits": [(wait, place_of(wait, card.flow)) for wait in card.waits]}
                for card in overview.cards(running)
            ],
        }
    return render(request, "flows/dashboard.html", context)


def _several(request: TenantRequest, flows: Sequence[Flow]) -> dict[str, Any]:
    groups = glance.grouped(glance.lines(flows))
    chosen = request.GET.get("show", "")
    everything = [line for group in Group for line in groups[group]]
    everything.sort(key=lambda line: line.need)
    shown = groups[Group(chosen)] if chosen in set(Group) else everything
    page = Paginator(shown, PER_PAGE).get_page(request.GET.get("page"))
    here = reverse("flows:dashboard")
    tabs = [{"label": "All", "url": here, "current": shown is everything, "count": len(everything)}]
    tabs += [
        {"label": label, "url": f"{here}?show={group}", "current": chosen == group, "count": len(groups[group])}
        for group, label in _TABS.items()
        if groups[group] or chosen == group
    ]
    return {
        "page": page,
        "rows": [(line, _next(line, request.member)) for line in page.object_list],
        "tabs": tabs if len(tabs) > 2 else [],
        "count": len(everything),
        "need_you": len(groups[Group.YOU]),
        "tie": len(groups[Group.TIES]),
        "busy": any(line.motion.busy for line in everything),
    }


def _next(line: Line, member: Member) -> Link | None:
    """Return what a person does about a flow, None where there is nothing to do, or not for this person."""
    flow = line.flow
    match line.need:
        case Need.OFF:
            plan = line.off[-1]
            address = reverse("flows:settlement", args=[plan.settlement_id])
            return Link("See what differs", f"{address}?plan={plan.pk}")
        case Need.CLOSED:
            return Link("To the connections", reverse("tenants:connections"))
        case Need.HELD:
            wait = line.waits[0]
            said = "Set the rate" if wait.place is Place.RATES else "Decide" if wait.place in _DECIDED else "Look"
            return Link(said, place_of(wait, flow))
        case Need.APPROVE:
            approves = can(member, Action.APPROVE)
            return Link("Look and approve" if approves else "Look", reverse("flows:dry_run", args=[flow.pk]))
        case Need.CLEARING | Need.FAILED:
            return Link("See why", reverse("flows:flow", args=[flow.pk]))
        case Need.SETUP:
            return Link("Go on", reverse("flows:flow", args=[flow.pk]))
        case Need.PAUSED if can(member, Action.EDIT_FLOW):
            return Link("Resume", reverse("flows:flow_live", args=[flow.pk]))
    return None


def _guide(flow: Flow | None, member: Member) -> dict[str, Any]:
    guide = guide_of(flow, member)
    return guide | {"motion": overview.motions([flow])[flow.pk] if flow and guide["next"].polls else None}


def place_of(wait: Wait, flow: Flow) -> str:
    """Return the address where a person mends what waits."""
    match wait.place:
        case Place.LABELS:
            return reverse("flows:mapping_labels", args=[flow.pk])
        case Place.ACCOUNTS:
            return reverse("flows:mapping_accounts", args=[flow.pk])
        case Place.SKUS:
            return reverse("flows:mapping_skus", args=[flow.pk])
        case Place.RATES:
            return reverse("flows:rates")
        case Place.SETTLEMENTS:
            return f"{reverse('flows:settlements')}?flow={flow.pk}"
        case Place.FLOW:
            return reverse("flows:flow", args=[flow.pk])
        case _:
            return f"{reverse('audit:records')}?flow={flow.pk}&state=held&state=parked"
