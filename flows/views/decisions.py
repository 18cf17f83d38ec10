"""What a person decides about one settlement: approve, take back, post again, name a label, choose a version."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from amazon import overlaps
from amazon.models import Report, Settlement
from bookkeeping.accounts import Category
from bookkeeping.money import BadAmount, to_text
from flows import access, payouts, planning, plans, readback, revisions, rules, selectors, undo, uploads
from flows.doubts import Doubted
from flows.forms import AskingForm, minor_from_text
from flows.models import Flow, Plan
from flows.verdicts import NEEDS_PERSON
from flows.views.settlements import PAGE_DOCUMENTS, address, documents_in_words
from tenants.models import Access, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def approve(request: TenantRequest, pk: int) -> HttpResponse:
    """Show what would be made in the ledger, and let it go."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    if request.method == "POST":
        sent = planning.approve(plan, request.user.actor)
        if sent:
            messages.success(
                request, f"Approved. {documents_in_words(sent)} can go to {plan.flow.target.remote_name} now."
            )
            if closed := access.target_closed(plan.flow):
                messages.warning(request, closed)
        elif plan.state == Plan.State.PLANNED and plan.flow.state == Flow.State.LIVE:
            messages.error(
                request, "Nothing was approved: it was being planned anew. Look at it once more, then approve it."
            )
        else:
            messages.error(request, "Nothing was approved: it was approved before, or the flow is not live.")
        return redirect(address(plan))
    documents = plans.documents_of(plan)
    page = Paginator(documents, PAGE_DOCUMENTS).get_page(request.GET.get("page"))
    context = {
        "plan": plan,
        "settlement": plan.settlement,
        "ledger": selectors.ledger_name(plan.flow),
        "page": page,
        "opening": plans.opening_of(plan) if page.number == 1 else None,
        "papers": plans.papers_of(plan, page.object_list),
        "totals": plans.totals_by_kind(plan),
        "made_first": plans.papers_of(plan, plans.made_first(plan)),
        "held": documents.filter(state__in=NEEDS_PERSON).count(),
        "live": plan.flow.state == Flow.State.LIVE,
        "open": plan.state == Plan.State.PLANNED,
        "back": address(plan),
        "crumbs": _crumbs(plan),
    }
    return render(request, "flows/approve.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def take_back(request: TenantRequest, pk: int) -> HttpResponse:
    """Say what taking a settlement out of the books means, then do it."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    if request.method == "POST":
        try:
            count = undo.undo(plan, request.user.actor)
        except undo.CannotUndo as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            messages.success(
                request, f"{documents_in_words(count)} will be taken out of {plan.flow.target.remote_name}."
            )
        return redirect(address(plan))
    context = {
        "plan": plan,
        "settlement": plan.settlement,
        "ledger": selectors.ledger_name(plan.flow),
        "consequences": plans.consequences_of_undo(plan),
        "not_sent": plans.not_sent_yet(plan),
        "in_the_way": list(undo.in_the_way(plan)),
        "open": plan.state in (Plan.State.POSTING, Plan.State.POSTED),
        "back": address(plan),
        "crumbs": _crumbs(plan),
    }
    return render(request, "flows/undo.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def post_again(request: TenantRequest, pk: int) -> HttpResponse:
    """Plan a settlement again that was taken back, under its next revision."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    if not plans.may_be_posted_again(plan):
        messages.error(request, "It is still in the books, or planned again already.")
        return redirect(address(plan))
    new = planning.plan_settlement(plan.flow, plan.settlement)
    planning.release(plan.flow)
    messages.success(request, f"Planned again as revision {new.revision}, with the mapping as it is now.")
    return redirect(address(new))


@requires(Role.BOOKKEEPER)
@require_POST
def revalued(request: TenantRequest, pk: int) -> HttpResponse:
    """Let a person say that the clearing account is revalued: the ledger does it for nobody else."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    plans.state_revalued(plan, request.user.actor)
    messages.success(request, "Noted: the clearing account is revalued.")
    return redirect(address(plan))


@requires(Role.BOOKKEEPER)
@require_POST
def check_books(request: TenantRequest, pk: int) -> HttpResponse:
    """Have the company read back now: whatever somebody changed there shows on its settlements a moment later."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    ledger = selectors.ledger_name(plan.flow)
    if plan.flow.target.state == Access.ACTIVE:
        readback.ask(plan.flow.target, request.user.actor)
        messages.success(request, f"{ledger} is being asked what was changed there. Look again in a moment.")
    else:
        messages.error(request, f"{plan.flow.target.remote_name} has to be connected again first.")
    return redirect(address(plan))


@requires(Role.BOOKKEEPER)
@require_POST
def labels(request: TenantRequest, pk: int) -> HttpResponse:
    """Save the categories a person chose for labels; what they held is planned again and goes on."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    saved, known = [], {one.value for one in Category} - {Category.UNKNOWN}
    for unknown in plans.unknown_labels(plan):
        chosen = request.POST.get(f"label-{unknown.line}", "")
        if chosen in known:
            rules.decide_label(plan.flow, unknown.label, Category(chosen), request.user.actor)
            saved.append(unknown.name)
    if saved:
        messages.success(request, f"Saved. What waited for {', '.join(saved)} was planned again.")
    else:
        messages.error(request, "Nothing was saved: choose a category for at least one label.")
    return redirect(address(plan))


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def payout(request: TenantRequest, pk: int) -> HttpResponse:
    """Let a person say that the payout never came, or that it came after all: Amazon's file does not tell."""
    settlement = get_object_or_404(Settlement, pk=pk, total__gt=0)
    if request.method == "POST":
        try:
            payouts.state(settlement, request.user.actor, came=request.POST.get("came") != "no")
        except payouts.CannotState as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            messages.success(request, "Noted. What depends on it was planned again.")
        return redirect("flows:settlement", pk)
    return render(request, "flows/payout.html", {"settlement": settlement})


class ReceivedForm(AskingForm):
    currency = forms.ChoiceField(label="Currency of the account")
    received = forms.CharField(
        max_length=30,
        label="Amount on the bank statement",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )

    def __init__(self, data: Any, settlement: Settlement) -> None:
        super().__init__(data)
        field = self.fields["currency"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(one, one) for one in payouts.arrives_in(settlement)]
        if settlement.received is not None:
            self.initial["received"] = to_text(settlement.received, settlement.received_currency)
            self.initial["currency"] = settlement.received_currency

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if {"currency", "received"} <= cleaned.keys():
            try:
                cleaned["received"] = minor_from_text(cleaned["received"], cleaned["currency"], "1234.56")
            except BadAmount as error:
                self.add_error("received", str(error))
        return cleaned


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def received(request: TenantRequest, pk: int) -> HttpResponse:
    """Let a person say how much of a payout arrived where Amazon, or the bank, converted it."""
    settlement = get_object_or_404(Settlement, pk=pk, total__gt=0)
    form, unusual = ReceivedForm(request.POST if request.method == "POST" else None, settlement), list[str]()
    if request.method == "POST" and form.is_valid():
        values = form.cleaned_data
        try:
            payouts.state_received(
                settlement, request.user.actor, values["received"], values["currency"], confirmed=form.confirmed
            )
        except payouts.CannotState as error:
            form.add_error(None, f"{error.text} {error.action}")
        except Doubted as error:
            unusual = error.doubts
            form.ask()
        else:
            messages.success(request, "Noted. The payout goes on with it.")
            return redirect("flows:settlement", pk)
    context = {
        "settlement": settlement,
        "form": form,
        "unusual": unusual,
        "possible": payouts.arrives_in(settlement),
        "amazon": settlement.transferred and settlement.converted,
    }
    return render(request, "flows/received.html", context, status=422 if form.errors or unusual else 200)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def belongs(request: TenantRequest, pk: int) -> HttpResponse:
    """Let a person say that an uploaded settlement is this seller's although it overlaps another one."""
    settlement = get_object_or_404(Settlement, pk=pk)
    if request.method == "POST":
        try:
            uploads.state_belongs(settlement, request.user.actor)
        except uploads.CannotDecide as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            messages.success(request, "Noted: it belongs to this account. What was held of it was planned again.")
        return redirect("flows:settlement", pk)
    context = {"settlement": settlement, "doubt": overlaps.doubt(settlement), "kept": uploads.why_kept(settlement)}
    return render(request, "flows/belongs.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: TenantRequest, pk: int) -> HttpResponse:
    """Take away an uploaded settlement of which nothing was ever sent."""
    settlement = get_object_or_404(Settlement, pk=pk)
    back = reverse("flows:settlement", args=[pk])
    if request.method == "POST":
        try:
            uploads.remove(settlement, request.user.actor)
        except uploads.CannotDecide as error:
            messages.error(request, f"{error.text} {error.action}")
            return redirect(back)
        messages.success(request, f"Settlement {settlement.settlement_id} is gone. Nothing of it was in your books.")
        return redirect("flows:settlements")
    context = {
        "title": f"Remove settlement {settlement.settlement_id}?",
        "text": [
            "The uploaded file and what was planned of it are removed. Nothing of it is in your books, and nothing there is "
            "changed.",
            "The trail keeps that it was here. If it belongs to this account after all, upload it again.",
        ],
        "label": "Remove it",
        "danger": True,
        "back": back,
    }
    return render(request, "tenants/confirm.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def revision(request: TenantRequest, pk: int) -> HttpResponse:
    """Another version of a settlement beside the one that counts, and the decision between them."""
    report = get_object_or_404(selectors.waiting_revisions(), pk=pk)
    if request.method == "POST":
        return _decide(request, report)
    in_the_books = [Plan.State.POSTING, Plan.State.POSTED]
    context = {
        "report": report,
        "settlement": report.settlement,
        "comparison": revisions.compare(report),
        "may_decide": can(request.member, Action.APPROVE),
        "posted": Plan.objects.filter(settlement=report.settlement, state__in=in_the_books).count(),
        "crumbs": [("Settlements", reverse("flows:settlements")), ("Files", reverse("flows:files"))],
    }
    return render(request, "flows/revision.html", context)


def _decide(request: TenantRequest, report: Report) -> HttpResponse:
    if not can(request.member, Action.APPROVE):
        raise PermissionDenied
    if request.POST.get("decision") == "accept":
        revisions.accept(report, request.user.actor)
        messages.success(request, "The new version counts from now on. The old file is kept with it.")
    else:
        revisions.reject(report, request.user.actor)
        messages.success(request, "The first version goes on counting.")
    return redirect("flows:settlement", report.settlement_id)


def _crumbs(plan: Plan) -> list[tuple[str, str]]:
    name = f"Settlement {plan.settlement.settlement_id}"
    return [("Settlements", reverse("flows:settlements")), (name, address(plan))]
