"""Bringing a settlement in the books up to the mapping and data of now: what that would change, and doing it."""

from datetime import date
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from flows import differences, drafts, plans, reposting, selectors, undo
from flows.models import Plan
from flows.views.settlements import IN_THE_BOOKS, PAGE_DOCUMENTS, address, documents_in_words
from ledgers import reference
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest


@requires(Role.VIEWER)
@require_safe
def difference(request: TenantRequest, pk: int) -> HttpResponse:
    """What is in the books beside what would be posted now."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    may = can(request.member, Action.UNDO)
    context = {
        "booked_as": drafts.booked_as(plan.flow),
        **_compared(plan),
        "may_undo": may and plan.state in IN_THE_BOOKS,
        "may_move": may and plan.state == Plan.State.POSTED,
    }
    return render(request, "flows/difference.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def repost(request: TenantRequest, pk: int) -> HttpResponse:
    """Show what posting a settlement anew would change, then take it out of the books and post it anew."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    if request.method == "POST":
        try:
            count = reposting.repost(plan, request.user.actor)
        except (reposting.CannotRepost, undo.CannotUndo) as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            messages.success(
                request,
                f"{documents_in_words(count)} will be taken out of {plan.flow.target.remote_name}; then the settlement is "
                "posted anew by itself.",
            )
        return redirect("flows:settlement", plan.settlement_id)
    context = {
        **_compared(plan),
        "ledger": selectors.ledger_name(plan.flow),
        "booked_as": drafts.booked_as(plan.flow),
        "consequences": plans.consequences_of_undo(plan),
        "in_the_way": list(undo.in_the_way(plan)),
        "open": plan.state in IN_THE_BOOKS,
    }
    return render(request, "flows/repost.html", context)


class MoveForm(forms.Form):
    """Where entries go whose period is closed."""

    first_open_on = forms.DateField(
        label="Day of the new entries",
        required=False,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text="What is dated in the closed period is reversed and booked anew on this day.",
    )


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def remap(request: TenantRequest, pk: int) -> HttpResponse:
    """Show what moves a settlement's entries to the accounts that are mapped now, then do it."""
    plan = get_object_or_404(plans.plans(), pk=pk)
    form = MoveForm(request.POST or request.GET)
    day: date | None = form.cleaned_data["first_open_on"] if form.is_valid() else None
    if request.method == "POST" and form.is_valid():
        try:
            count = reposting.remap(plan, request.user.actor, day)
        except reposting.CannotRepost as error:
            messages.error(request, f"{error.text} {error.action}")
        else:
            done = f"{documents_in_words(count)} go to {plan.flow.target.remote_name} now." if count else ""
            messages.success(request, done or "No account changed, so there is nothing to move.")
        return redirect(address(plan))
    context: dict[str, Any] = {**_frame(plan), "form": form, "closed_until": _closed_until(plan)}
    try:
        context["found"] = differences.moving(plan, reposting.moves(plan, day))
    except reposting.CannotRepost as error:
        context["problem"] = f"{error.text} {error.action}"
    return render(request, "flows/remap.html", context)


def _closed_until(plan: Plan) -> date | None:
    return reference.cached(plan.flow.target).closed_until


def _compared(plan: Plan) -> dict[str, Any]:
    found = differences.difference(plan)
    return {
        **_frame(plan),
        "found": found,
        "documents": found.documents[:PAGE_DOCUMENTS],
        "more": max(0, len(found.documents) - PAGE_DOCUMENTS),
    }


def _frame(plan: Plan) -> dict[str, Any]:
    return {
        "plan": plan,
        "settlement": plan.settlement,
        "back": address(plan),
        "crumbs": [
            ("Settlements", reverse("flows:settlements")),
            (f"Settlement {plan.settlement.settlement_id}", address(plan)),
        ],
    }
