"""Every record with its state, reason and whole way; replay, export, and the proof that the trail is whole."""

from collections.abc import Iterator
from typing import Any, Final

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Case, When
from django.http import HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit import trail
from audit.carried import pieces
from audit.models import ChainHead, Event
from audit.verification import last_verified
from audit.way import way
from bookkeeping.documents import Kind
from bookkeeping.money import shown, to_text
from flows import answering, closing, overview, plans, replay, selectors
from flows.filters import DeliveryFilter
from flows.models import Delivery
from flows.readable import kinds_of, line_of_movement
from flows.verdicts import NEEDS_PERSON
from flows.views.settlements import mended_at
from kit import csv_lines
from kit.scope import scope
from tenants.actors import actor_names
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE: Final = 50
AT_ONCE: Final = 5_000  # rows one replay of a filter takes; the rest is replayed with the next
LONGEST_ID: Final = 18  # digits; the database's own have 64 bits
_PIECE: Final = 1_000
_COLUMNS: Final = (
    *("record", "flow", "company", "settlement", "kind", "number", "date", "amount", "currency", "state", "reason"),
    *("what to do", "tries", "order", "remote id", "posted at", "changed at", "key"),
)
State = Delivery.State


@requires(Role.VIEWER)
@require_safe
def records(request: TenantRequest) -> HttpResponse:
    form = DeliveryFilter(request.GET)
    chosen = form.chosen
    states = chosen.pop("state", [])
    everything = selectors.deliveries(**chosen)
    counts = selectors.state_counts(everything)
    found = selectors.deliveries(states, **chosen)
    if any(counts.get(state) for state in replay.REPLAYABLE):
        # What somebody has to look at is not to stand below what goes well.
        found = found.order_by(Case(When(state__in=replay.REPLAYABLE, then=0), default=1), "-pk")
    page = Paginator(found.defer("document", "bindings", "answered_lines"), PAGE).get_page(request.GET.get("page"))
    waiting = sum(counts.get(state, 0) for state in replay.REPLAYABLE if not states or state in states)
    context = {
        "filter": form,
        "plan": chosen.get("plan"),
        "chips": _chips(request.GET, counts, states),
        "page": page,
        "rows": [
            (row, kinds_of(row.flow.target)[row.kind], row.state in replay.REPLAYABLE)
            for row in selectors.name_undos(page.object_list)
        ],
        "waiting": waiting,
        "may_replay": can(request.member, Action.REPLAY),
        "query": _without(request.GET, "page").urlencode(),
    }
    part = "HX-Request" in request.headers and "HX-Boosted" not in request.headers
    return render(request, "audit/_records.html" if part else "audit/records.html", context)


@requires(Role.VIEWER)
@require_safe
def record(request: TenantRequest, pk: int) -> HttpResponse:
    rows = Delivery.objects.select_related("flow__target", "plan__settlement__report", "plan__flow__target")
    row = get_object_or_404(rows.prefetch_related("dependencies"), pk=pk)
    selectors.name_undos([row])
    moments = way(row)
    names = actor_names({moment.actor for moment in moments if moment.actor})
    may_say = can(request.member, Action.REPLAY) and answering.may_be_said(row)
    context = {
        "row": row,
        "kind": kinds_of(row.flow.target)[row.kind],
        "ledger": selectors.ledger_name(row.flow),
        "events": [
            {
                "title": moment.title + (f" ({moment.again + 1} times)" if moment.again else ""),
                "at": moment.at,
                "state": moment.state,
                "text": moment.text,
                "actor": names.get(moment.actor, ""),
                "details": moment.details,
            }
            for moment in moments
        ],
        "paper": plans.paper_of(row),
        "line": line_of_movement(row),
        "needs": selectors.dependencies_of([row])[row.pk],
        "dependants": selectors.dependants_of(row),
        "pieces": pieces(row),
        "mended_at": _mended_at(row) if can(request.member, Action.REPLAY) else "",
        # A replay only asks the ledger again, which could not tell; beside the question it would look like an answer.
        "may_replay": can(request.member, Action.REPLAY) and row.state in replay.REPLAYABLE and not may_say,
        "sought": answering.sought(row) if may_say else None,
        "may_close": row.kind == Kind.INVOICE and can(request.member, Action.UNDO) and closing.may_be_closed(row),
        "crumbs": [("Audit", reverse("audit:records"))],
    }
    return render(request, "audit/record.html", context)


def _mended_at(row: Delivery) -> str:
    """Return the page on which what holds a document is decided, "" where it is this one."""
    if row.plan is None or row.state not in NEEDS_PERSON:
        return ""
    address = mended_at(overview.wait_of(row), row.plan)
    return "" if address.startswith(reverse("audit:records")) else address


@requires(Role.BOOKKEEPER)
@require_POST
def replay_many(request: TenantRequest) -> HttpResponse:
    """Replay the records a person marked, or with ``all`` every record the filter in the address finds."""
    if "all" in request.POST:
        chosen = DeliveryFilter(request.GET).chosen
        found = selectors.deliveries(chosen.pop("state", []), **chosen).filter(state__in=replay.REPLAYABLE)
        ids = list(found.values_list("pk", flat=True)[:AT_ONCE])
    else:
        sent = request.POST.getlist("id")
        ids = [int(each) for each in sent if each.isascii() and each.isdecimal() and len(each) <= LONGEST_ID]
    if ids:
        _tell(request, replay.replay(request.tenant.pk, ids, request.user.actor))
    else:
        messages.error(request, "Mark at least one record that failed, is held or needs a person.")
    query = request.GET.urlencode()
    return redirect(reverse("audit:records") + (f"?{query}" if query else ""))


@requires(Role.BOOKKEEPER)
@require_POST
def replay_one(request: TenantRequest, pk: int) -> HttpResponse:
    row = get_object_or_404(Delivery, pk=pk)
    _tell(request, replay.replay(request.tenant.pk, [row.pk], request.user.actor))
    back = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(back, {request.get_host()}, require_https=request.is_secure()):
        back = reverse("audit:record", args=[pk])
    return redirect(back)


@requires(Role.BOOKKEEPER)
@require_POST
def in_the_books(request: TenantRequest, pk: int) -> HttpResponse:
    """Take a person's word that a document of which nobody can tell is in the books."""
    row = get_object_or_404(Delivery, pk=pk)
    sent = {name: request.POST.get(name, "") for name in ("external_id", "note")}
    try:
        answering.in_the_books(row, request.user.actor, **sent)
    except answering.CannotSay as error:
        messages.error(request, f"{error.text} {error.action}")
    else:
        messages.success(request, "It counts as in the books from now on. Your word is kept with it.")
    return redirect("audit:record", pk)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def not_there(request: TenantRequest, pk: int) -> HttpResponse:
    """Ask once more, then take a person's word that a document of which nobody can tell is not in the books: it goes out again."""
    row = get_object_or_404(Delivery.objects.select_related("flow__target"), pk=pk)
    selectors.name_undos([row])
    if request.method != "POST" and answering.may_be_said(row):
        wanted, ledger = answering.sought(row), selectors.ledger_name(row.flow)
        context = {
            "title": f"Send {row.number} again?",
            "text": [
                f"You say that {row.flow.target.remote_name} ({ledger}) has no {wanted.kind} of "
                f"{shown(wanted.amount, wanted.currency)}{f' on {wanted.account}' if wanted.account else ''}, described "
                f"{wanted.description}.",
                "If it is there after all, it will be in your books twice. Look through all pages of that account first.",
            ],
            "label": "It is not there: send it again",
            "danger": True,
            "back": reverse("audit:record", args=[pk]),
        }
        return render(request, "tenants/confirm.html", context)
    try:
        if request.method != "POST":
            raise answering.no_question()
        answering.not_there(row, request.user.actor)
    except answering.CannotSay as error:
        messages.error(request, f"{error.text} {error.action}")
    else:
        messages.success(request, "It will be sent again now, as it was.")
    return redirect("audit:record", pk)


@requires(Role.VIEWER)
@require_safe
def export_records(request: TenantRequest) -> StreamingHttpResponse:
    """What the filter finds, as CSV."""
    lines = _csv(request.tenant.pk, DeliveryFilter(request.GET).chosen)
    return _download(lines, "text/csv; charset=utf-8", "records.csv")


@requires(Role.VIEWER)
@require_safe
def export_trail(request: TenantRequest) -> StreamingHttpResponse:
    """The whole chain as JSON lines, with the digests, so that others can verify it."""
    tenant_id = request.tenant.pk
    lines = (f"{line}\n" for line in trail.export(tenant_id))
    return _download(lines, "application/x-ndjson", "trail.ndjson")


@requires(Role.VIEWER)
@require_safe
def integrity(request: TenantRequest) -> HttpResponse:
    """The head of the chain and, when asked, a walk over every event of it."""
    asked = "verify" in request.GET
    context = {
        "head": ChainHead.objects.filter(pk=f"tenant:{request.tenant.pk}").first(),
        "first": Event.objects.order_by("seq").first(),
        "last": Event.objects.order_by("-seq").first(),
        "last_daily": last_verified(),
        "asked": asked,
        "problems": trail.verify(request.tenant.pk) if asked else [],
        "crumbs": [("Audit", reverse("audit:records"))],
    }
    return render(request, "audit/integrity.html", context)


def _tell(request: TenantRequest, done: replay.Replayed) -> None:
    if done.sent:
        messages.success(request, f"{done.sent:,} record{'' if done.sent == 1 else 's'} will be sent again now.")
    if done.kept:
        kept = "1 record stays as it is" if done.kept == 1 else f"{done.kept:,} records stay as they are"
        messages.warning(request, f"{kept}: the reason is still there. Mend it first; the record says how.")
    if not done.sent and not done.kept:
        messages.info(request, "There was nothing to send again.")


def _chips(query: QueryDict, counts: dict[str, int], chosen: list[str]) -> list[dict[str, Any]]:
    """Return a link per state that takes the state into the filter, or out of it."""
    chips = []
    for state, label in State.choices:
        if not counts.get(state) and state not in chosen:
            continue
        other = _without(query, "page", "state")
        other.setlist("state", [each for each in chosen if each != state] + [state] * (state not in chosen))
        chips.append(
            {
                "state": state,
                "label": label,
                "count": counts.get(state, 0),
                "on": state in chosen,
                "query": other.urlencode(),
            }
        )
    return chips


def _without(query: QueryDict, *names: str) -> QueryDict:
    other = query.copy()
    for name in names:
        other.pop(name, None)
    return other


def _download(lines: Iterator[str], content_type: str, name: str) -> StreamingHttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingHttpResponse(lines, content_type=content_type, headers=headers)


def _csv(tenant_id: int, chosen: dict[str, Any]) -> Iterator[str]:
    """Yield lines of CSV, newest first. Each piece is read in its own scope: the response outlives the request's."""
    yield csv_lines.line(_COLUMNS)
    last: int | None = None
    states = chosen.pop("state", [])
    while True:
        with scope(tenant_id):
            rows = selectors.deliveries(states, **chosen).defer("document", "bindings", "answered_lines")
            piece = selectors.name_undos((rows if last is None else rows.filter(pk__lt=last))[:_PIECE])
        if not piece:
            return
        for row in piece:
            yield csv_lines.line(_cells(row))
        last = piece[-1].pk


def _cells(row: Delivery) -> tuple[str, ...]:
    return (
        str(row.pk),
        csv_lines.text(row.flow.name),
        csv_lines.text(row.flow.target.remote_name),
        row.plan.settlement.settlement_id if row.plan else "",
        row.kind,
        csv_lines.text(row.number),
        row.on.isoformat() if row.on else "",
        to_text(row.amount, row.currency) if row.currency else "",
        row.currency,
        row.state,
        csv_lines.text(row.reason),
        csv_lines.text(row.action),
        str(row.tries),
        csv_lines.text(row.order_id),
        csv_lines.text(row.external_id),
        row.posted_at.isoformat() if row.posted_at else "",
        row.updated_at.isoformat(),
        csv_lines.text(row.key),
    )
