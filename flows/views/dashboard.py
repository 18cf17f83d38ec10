"""What ran, what waits and why, what is in the books; for a new company, the one thing to do next."""

from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from flows import onboarding, overview
from flows.models import Flow
from flows.overview import Card, Place, Wait
from flows.views.steps import next_of, stepper
from tenants.models import Alert, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

SHOWN_ALERTS = 3


@requires(Role.VIEWER)
@require_safe
def dashboard(request: TenantRequest) -> HttpResponse:
    flows = list(Flow.objects.select_related("source", "target").order_by("name", "pk"))
    in_setup = sorted((flow for flow in flows if flow.state == Flow.State.SETUP), key=lambda flow: -flow.pk)
    running = [flow for flow in flows if flow.state != Flow.State.SETUP]
    guided = in_setup[0] if in_setup else None
    # What waits stands in each flow's own card.
    alerts = (
        Alert.objects.filter(settled_at__isnull=True)
        .exclude(kind__in=("waiting", "unknown_label"))
        .order_by("-raised_at", "-pk")
    )
    context = {
        "guide": _guide(request, guided) if guided or not flows else None,
        "also_in_setup": in_setup[1:],
        "cards": [_card(card) for card in overview.cards(running)],
        "alerts": alerts[:SHOWN_ALERTS],
        "alert_count": alerts.count(),
        "uncovered": overview.uncovered() if flows else [],
        "may_run": can(request.member, Action.RUN),
        "may_edit": can(request.member, Action.EDIT_FLOW),
        "may_approve": can(request.member, Action.APPROVE),
        "flows": flows,
    }
    return render(request, "flows/dashboard.html", context)


def _guide(request: TenantRequest, flow: Flow | None) -> dict[str, Any]:
    progress = onboarding.progress(flow)
    asked = next_of(progress, request.member)
    motion = overview.motions([flow])[flow.pk] if flow and asked.polls else None
    return {"flow": flow, "steps": stepper(progress), "next": asked, "motion": motion}


def _card(card: Card) -> dict[str, Any]:
    return {"card": card, "waits": [(wait, place_of(wait, card.flow)) for wait in card.waits]}


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
        case Place.FLOW:
            return reverse("flows:flow", args=[flow.pk])
        case _:
            return f"{reverse('audit:records')}?flow={flow.pk}&state=held&state=parked"
