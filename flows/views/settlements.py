"""Settlements: the list, the files that do not count, one settlement with its proof, and the rows behind a figure."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from amazon import overlaps
from amazon.models import Report, Settlement
from bookkeeping.facts import Label
from bookkeeping.money import shown
from bookkeeping.remarks import FlagKind, HoldReason
from flows import (
    arrivals,
    categories,
    chain,
    drafts,
    overview,
    plans,
    prove,
    readback,
    selectors,
    shortfall,
    trace,
    transit,
    uploads,
    verdicts,
    waterfall,
)
from flows.filters import SettlementFilter
from flows.models import Delivery, Flow, Plan
from flows.overview import Place
from flows.payouts import Payout, Payouts, has_to_be_asked, may_be_stated
from flows.readable import kinds_of, line_of_movement
from flows.views.dashboard import place_of
from kit.clock import now
from tenants.actors import actor_names
from tenants.models import Access, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE: Final = 25
MOST_FLOWS: Final = 2  # side by side, each with how it stands there; more are chosen from a list
PAGE_DOCUMENTS: Final = 50
IN_THE_BOOKS: Final = (Plan.State.POSTING, Plan.State.POSTED)
UNDER_WAY: Final = ("posting", "undoing", "planning")  # states of the banner that change by themselves


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    form = SettlementFilter(request.GET, selectors.settlement_currencies(), selectors.settlement_years())
    page = Paginator(selectors.settlements(**form.chosen), PAGE).get_page(request.GET.get("page"))
    shown, today = list(page), now().date()
    entered, known = selectors.entered(shown), Payouts(shown)
    gaps = {gap.after.pk: gap for gap in chain.gaps()}
    context = {
        "filter": form,
        "page": page,
        "rows": [
            (one, known.of(one, today), selectors.alike(entered.get(one.pk, [])), gaps.get(one.pk)) for one in shown
        ],
        "tabs": _tabs(files=False),
        "may_upload": can(request.member, Action.UPLOAD),
    }
    return render(request, "flows/_settlements.html" if is_part(request) else "flows/settlements.html", context)


@requires(Role.VIEWER)
@require_safe
def files(request: TenantRequest) -> HttpResponse:
    """Files that were refused, and other versions of known settlements that wait for a decision."""
    page = Paginator(selectors.refused_files(), PAGE).get_page(request.GET.get("page"))
    names = actor_names({report.actor for report in page if report.actor})
    context = {
        "page": page,
        "rows": [(report, names.get(report.actor, "")) for report in page],
        "waiting": selectors.waiting_revisions(),
        "tabs": _tabs(files=True),
        "may_upload": can(request.member, Action.UPLOAD),
    }
    return render(request, "flows/files.html", context)


@requires(Role.VIEWER)
@require_safe
def detail(request: TenantRequest, pk: int) -> HttpResponse:
    settlement = get_object_or_404(Settlement.objects.select_related("report", "connection"), pk=pk)
    entered = selectors.entered([settlement]).get(settlement.pk, [])
    plan = _plan(request, settlement, entered[0].plan.pk if entered else 0)
    known, today = Payouts([settlement]), now().date()
    payout = known.of(settlement, today)
    context = {
        "settlement": settlement,
        "payout": payout,
        "versions": settlement.reports.filter(state=Report.State.REVISION),
        "crumbs": [("Settlements", reverse("flows:settlements"))],
        "entered": entered,
        "options": _options(entered, plan) if len(entered) > MOST_FLOWS else [],
        "plan": plan,
        "may_state_payout": can(request.member, Action.APPROVE) and may_be_stated(settlement, known.came_back),
        "doubt": overlaps.doubt(settlement),
        "may_upload": can(request.member, Action.UPLOAD),
        "place": chain.place_of(settlement),
        "may_decide": can(request.member, Action.APPROVE),
        "may_remove": can(request.member, Action.UPLOAD) and uploads.why_kept(settlement) is None,
        "asks_payout": has_to_be_asked(settlement, today, known.came_back),
    }
    if plan is None:
        context |= {"why": selectors.why_unplanned(settlement), "may_edit": can(request.member, Action.EDIT_FLOW)}
    else:
        context |= _plan_context(request, settlement, plan, payout)
    return render(request, "flows/settlement.html", context)


@requires(Role.VIEWER)
@require_safe
def rows(request: TenantRequest, pk: int) -> HttpResponse:
    """Amazon's own rows: those behind one figure, or all of them."""
    settlement = get_object_or_404(Settlement.objects.select_related("report"), pk=pk)
    plan = _plan(request, settlement, 0)
    number = number_or(request.GET.get("page"), 1)
    try:
        found = trace.rows_of(settlement, plan, _wanted(request), number)
    except trace.NoSuchRows as error:
        raise Http404(str(error)) from None
    back = address(plan) if plan else reverse("flows:settlement", args=[pk])
    context = {
        "settlement": settlement,
        "found": found,
        "number": number,
        "first": (number - 1) * trace.PAGE_ROWS + 1,
        "last": (number - 1) * trace.PAGE_ROWS + len(found.rows),
        "carried": None if found.total is None else found.total - found.covered,
        "crumbs": [
            ("Settlements", reverse("flows:settlements")),
            (f"Settlement {settlement.settlement_id}", back),
        ],
        "order_pages": selectors.order_pages({row.order_id for row in found.rows if row.order_id}),
    }
    return render(request, "flows/rows.html", context)


def address(plan: Plan) -> str:
    """Return where a plan is shown."""
    return f"{reverse('flows:settlement', args=[plan.settlement_id])}?plan={plan.pk}"


def documents_in_words(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def is_part(request: TenantRequest) -> bool:
    """Whether htmx asks for the list alone."""
    return "HX-Request" in request.headers and "HX-Boosted" not in request.headers


def _plan_context(request: TenantRequest, settlement: Settlement, plan: Plan, payout: Payout) -> dict[str, Any]:
    ledger = selectors.ledger_name(plan.flow)
    counts = plans.counts_by_state(plan)
    documents = plans.documents_of(plan)
    entries = plans.papers_of(plan, documents.filter(kind__in=plans.ENTRIES)[:PAGE_DOCUMENTS])
    page = Paginator(documents, PAGE_DOCUMENTS).get_page(request.GET.get("page"))
    shown = selectors.name_undos(page.object_list)
    needs = selectors.dependencies_of(shown)
    back = plans.taking_back(plan)
    payout_on = selectors.payout_days([plan]).get(plan.pk)
    held = plan.state in IN_THE_BOOKS and any(counts.get(state) for state in verdicts.NEEDS_PERSON)
    banner = verdicts.banner(
        plan,
        counts,
        ledger,
        payout_on,
        payout_failed=payout.failed,
        taking_back=back,
        short=shortfall.of(plan) if held else (),
    )
    changed = plans.changed_since(plan) if plan.state in IN_THE_BOOKS else []
    touched = list(readback.changed(plan)[:PAGE_DOCUMENTS])
    told, unknown = {HoldReason.OVERLAP, *(row.code for row in touched)}, plans.unknown_labels(plan)
    waits = [wait for wait in overview.waits_of(plan) if wait.place != Place.LABELS and wait.code not in told]
    return {
        "ledger": ledger,
        "booked_as": drafts.booked_as(plan.flow, plan.mode),
        "exchange": _exchange(plan),
        "arrived": _arrived(settlement, plan.flow.home),
        "banner": banner,
        "under_way": banner.state in UNDER_WAY,
        "changed": changed,
        "back": back if back and back.stopped else None,
        "read_back_at": readback.compared_at(readback.last(plan.flow.target), plan),
        "not_compared": readback.not_compared(plan)[:PAGE_DOCUMENTS],
        "only_shown": readback.only_shown(plan.flow.target),
        # What failed will not come to the bank, whatever stands on the account until it is taken back.
        "transit": transit.of_plan(plan) if plan.state in IN_THE_BOOKS and not payout.failed else None,
        "payout_told": bool(payout.failed) and payout.failed in banner.text,
        "touched": touched,
        "may_check": can(request.member, Action.RUN) and plan.flow.target.state == Access.ACTIVE,
        "to_reconnect": plan.flow.target.state != Access.ACTIVE,
        "older_mapping": plan.state in IN_THE_BOOKS and plan.mapping_version < plan.flow.mapping_version,
        "chart": waterfall.draw(prove.steps(plan), settlement.total, settlement.currency) if plan.statement else None,
        "unknown": unknown[:PAGE],
        "unknown_more": len(unknown) - PAGE,
        "to_revalue": Plan.objects.filter(plans.to_revalue(), pk=plan.pk).exists(),
        "residue": next((flag["text"] for flag in plan.flags if flag["kind"] == FlagKind.EXCHANGE_RESIDUE), ""),
        "flags": [flag for flag in plan.flags if flag["kind"] != FlagKind.EXCHANGE_RESIDUE],
        "waits": [(wait, mended_at(wait, plan)) for wait in waits],
        "groups": categories.GROUPS,
        "entries": [(paper, line_of_movement(paper.delivery)) for paper in entries],
        "page": page,
        "documents": _grouped(kinds_of(plan.flow.target), shown, needs),
        "revisions": plans.other_revisions(plan),
        "approved_by": actor_names([plan.approved_by])[plan.approved_by],
        "may_approve": can(request.member, Action.APPROVE) and plan.state == Plan.State.PLANNED,
        "may_undo": can(request.member, Action.UNDO) and plan.state in IN_THE_BOOKS,
        "may_repost": can(request.member, Action.UNDO) and plans.may_be_posted_again(plan),
        "may_map": can(request.member, Action.MAP),
        "may_replay": can(request.member, Action.REPLAY),
        "live": plan.flow.state == Flow.State.LIVE,
    }


def _exchange(plan: Plan) -> dict[str, Any] | None:
    """Return at which rate a settlement enters books in another currency, and how many days older it is than its day."""
    if plan.terms is None:
        return None
    day = date.fromisoformat(plan.terms["day"])
    found = date.fromisoformat(plan.terms["rate_on"]) if plan.terms["rate_on"] else None
    return {**plan.terms, "day": day, "rate_on": found, "days": (day - found).days if found else 0}


def _arrived(settlement: Settlement, home: str) -> dict[str, Any]:
    """Return what arrived of a payout in the currency of the books, whose figure that is, and whether Amazon says another."""
    amount, of_amazon = arrivals.received(settlement, home), arrivals.of_amazon(settlement, home)
    by_person = settlement.received is not None and settlement.received_currency == home
    whose = ""
    if amount is not None:
        whose = "as entered here" if by_person else "as Amazon says"
    elif settlement.transfer_status and not settlement.transferred:
        whose = f"Amazon says of its transfer: {settlement.transfer_status}"
    elif settlement.transferred and settlement.converted is not None:
        whose = f"Amazon paid {shown(settlement.converted, settlement.converted_currency)}"
    return {"amount": amount, "whose": whose, "differs": by_person and of_amazon not in (None, amount)}


def _grouped(
    kinds: Mapping[str, str], shown: list[Delivery], needs: dict[int, list[Delivery]]
) -> list[tuple[Any, ...]]:
    """Return documents for the table: (delivery, kind, what it needs, what is one payment with it, their sum)."""
    found: list[tuple[Any, ...]] = []
    for row, others in selectors.sharing(shown):
        named = {one.pk: selectors.worth_naming(needs[one.pk]) for one in (row, *others)}
        together = [(one, named[one.pk]) for one in (row, *others)] if others else []
        total = sum(one.amount for one in (row, *others))
        found.append((row, kinds[row.kind], [] if others else named[row.pk], together, total))
    return found


def mended_at(wait: overview.Wait, plan: Plan) -> str:
    """Return where a person mends what waits of a plan."""
    if wait.code == HoldReason.CONTINUITY:  # the opening balances are the flow's
        return reverse("flows:flow_edit", args=[plan.flow_id])
    if wait.code == HoldReason.OVERLAP:
        return reverse("flows:belongs", args=[plan.settlement_id])
    if wait.code == HoldReason.AMOUNT_RECEIVED:
        return reverse("flows:received", args=[plan.settlement_id])
    if wait.code == HoldReason.PAYOUT_FAILED:
        return reverse("flows:payout", args=[plan.settlement_id])
    if wait.place == Place.RECORDS:
        return f"{reverse('audit:records')}?plan={plan.pk}&state=held&state=parked"
    return place_of(wait, plan.flow)


def _options(entered: list[selectors.Entered], plan: Plan | None) -> list[dict[str, Any]]:
    """Return the flows that have a settlement, each with its standing, to choose from."""
    shown_in = plan.flow_id if plan else 0
    return [
        {
            "value": one.plan.pk,
            "label": f"{one.plan.flow.name}: {one.standing.label}",
            "current": one.plan.flow_id == shown_in,
        }
        for one in entered
    ]


def _plan(request: TenantRequest, settlement: Settlement, otherwise: int) -> Plan | None:
    """Return the plan the address names, else the given one."""
    wanted = number_or(request.GET.get("plan"), otherwise)
    return get_object_or_404(plans.plans().filter(settlement=settlement), pk=wanted) if wanted else None


def _wanted(request: TenantRequest) -> trace.Wanted:
    asked = request.GET
    by_label = "type" in asked
    return trace.Wanted(
        part=number_or(asked.get("part"), 0),
        key=asked.get("key", ""),
        order_id=asked.get("order", ""),
        label=Label(asked["type"], asked.get("amount", ""), asked.get("description", "")) if by_label else None,
        line=number_or(asked.get("line"), 0),
    )


def _tabs(*, files: bool) -> list[dict[str, Any]]:
    count = selectors.refused_files().count() + selectors.waiting_revisions().count()
    return [
        {"label": "Settlements", "url": reverse("flows:settlements"), "current": not files, "count": None},
        {"label": "Files that do not count", "url": reverse("flows:files"), "current": files, "count": count or None},
    ]


def number_or(text: str | None, otherwise: int) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and 0 < len(text) < 10 else otherwise
