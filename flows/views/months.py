"""Closing a month: whether it is complete, its totals per account, the balances at its end, and the settlements in it."""

from datetime import date
from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookkeeping.months import next_month, previous_month
from flows import month_report, selectors
from flows.models import Delivery, Flow
from flows.month_report import MonthReport
from flows.months import Lack, Todo
from flows.readable import kinds_of
from flows.views.flows import MOST_TABS, flow_or_404
from flows.views.settlements import number_or
from kit.clock import now
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

State = Delivery.State
_HELD: Final = (State.HELD, State.PARKED)
_WAITING: Final = tuple(
    state for state in State.values if state not in (State.POSTED, State.UNDONE, State.DROPPED)
)  # held ones too: none of them is in the books


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    """The months of one flow, each complete or not."""
    flows = list(Flow.objects.select_related("source", "target").order_by("name", "pk"))
    wanted = number_or(request.GET.get("flow"), 0)
    flow = get_object_or_404(Flow.objects.select_related("source", "target"), pk=wanted) if wanted else None
    flow = flow or (flows[0] if flows else None)
    address = reverse("flows:months")
    tabs = [
        {"label": one.name, "url": f"{address}?flow={one.pk}", "current": one == flow, "count": None} for one in flows
    ]
    context = {
        "flow": flow,
        "tabs": tabs if 1 < len(flows) <= MOST_TABS else [],
        "options": [{"value": one.pk, "label": one.name, "current": one == flow} for one in flows]
        if len(flows) > MOST_TABS
        else [],
        "rows": month_report.listed(flow) if flow else [],
        "may_edit": can(request.member, Action.EDIT_FLOW),
    }
    return render(request, "flows/months.html", context)


@requires(Role.VIEWER)
@require_safe
def detail(request: TenantRequest, pk: int, month: date) -> HttpResponse:
    flow = flow_or_404(pk)
    found = month_report.report(flow, month)
    context = {
        "flow": flow,
        "report": found,
        "ledger": selectors.ledger_name(flow),
        "lacks": [(lack, *_todo(lack, found)) for lack in found.verdict.lacks],
        "kinds": [
            (kind, records(found, [State.POSTED], kind.kind), records(found, _WAITING, kind.kind))
            for kind in found.totals.kinds
        ],
        "changed": [(row, kinds_of(flow.target)[row.kind]) for row in found.changed],
        "all_posted": records(found, [State.POSTED]),
        "all_waiting": records(found, _WAITING),
        "before": _with_a_page(previous_month(month)),
        "after": _with_a_page(next_month(month)),
        "may_run": can(request.member, Action.RUN),
        "printed_at": now(),
        "crumbs": [("Months", f"{reverse('flows:months')}?flow={pk}")],
    }
    return render(request, "flows/month.html", context)


@requires(Role.VIEWER)
@require_safe
def export(request: TenantRequest, pk: int, month: date) -> HttpResponse:
    """The totals per account, as CSV."""
    flow = flow_or_404(pk)
    name = f"tieout-{pk}-{month:%Y-%m}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(
        "".join(month_report.csv_of(flow, month)), content_type="text/csv; charset=utf-8", headers=headers
    )


def records(found: MonthReport, states: Any, kind: str = "") -> str:
    """Return the address of the records of a month in some states."""
    query = [("flow", found.flow.pk), ("dated_from", found.month), ("dated_to", found.last_day)]
    chosen = [*query, *([("kind", kind)] if kind else []), *(("state", state) for state in states)]
    return f"{reverse('audit:records')}?{urlencode(chosen)}"


def _with_a_page(month: date) -> date | None:
    """Return a month, None where it lies outside of the years that have an address."""
    return month if 2000 <= month.year <= 2099 else None


def _todo(lack: Lack, found: MonthReport) -> tuple[str, str]:
    """Return where a person does what is missing, and the words for it."""
    match lack.todo:
        case Todo.SETTLEMENT:
            return reverse("flows:settlement", args=[lack.settlement]), "Open the settlement"
        case Todo.UPLOAD:
            return reverse("flows:upload"), "Upload it"
        case Todo.HELD:
            return records(found, _HELD), "See why"
        case Todo.WAITING:
            return records(found, [state for state in _WAITING if state not in _HELD]), "Look"
        case Todo.CHANGED:
            return "#changed", "What was posted"
        case Todo.NOTHING:
            return "", ""
