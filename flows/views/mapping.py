"""Which account serves which kind of amount: the table, the suggestions, the lists it is chosen from, and its history."""

from collections.abc import Collection
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from bookkeeping.accounts import ACCOUNTS, AccountKey
from flows import onboarding, planning, rules, setup
from flows.mapping_forms import AccountsForm
from flows.models import Flow, MappingRule
from flows.onboarding import StepName
from flows.selectors import ledger_name
from flows.setup import OWN_ACCOUNTS
from flows.views.flows import flow_or_404, then
from flows.views.mapping_pages import Named, described, frame, released, target_words
from flows.views.steps import stepper
from ledgers import reference
from ledgers.port import AuthorizationLost, NotSent, Unknown
from tenants.actors import actor_names
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

VERSIONS: Final = 40


@requires(Role.VIEWER)
@require_safe
def choose(request: TenantRequest) -> HttpResponse:
    """Lead to the mapping of the only flow, else ask which."""
    flows = list(Flow.objects.select_related("target").order_by("name", "pk"))
    if len(flows) == 1:
        return redirect("flows:mapping_accounts", flows[0].pk)
    return render(
        request,
        "flows/mapping_choose.html",
        {"flows": [(flow, ledger_name(flow)) for flow in flows], "may_edit": can(request.member, Action.EDIT_FLOW)},
    )


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def accounts(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    may_map = can(request.member, Action.MAP)
    lines, company = setup.choices(flow), reference.cached(flow.target)
    can_create = rules.can_create_accounts(flow)
    form = AccountsForm(lines, company, request.POST if request.method == "POST" else None, can_create=can_create)
    if request.method == "POST":
        if not may_map:
            raise PermissionDenied
        if form.is_valid():
            return _save(request, flow, form)
        messages.error(request, "Nothing was saved. The lines marked below need another account.")
    undecided = [line for line in lines if not line.target.account]
    missing = [line for line in undecided if not line.suggestion and not line.perhaps and line.key not in OWN_ACCOUNTS]
    context = {
        **frame(request, flow, "accounts"),
        "form": form,
        "rows": form.rows(),
        "suggested": sum(bool(line.suggestion) for line in undecided),
        "perhaps": [ACCOUNTS[line.key].name for line in undecided if line.perhaps and line.needed],
        "to_make_now": [ACCOUNTS[line.key].name for line in missing if line.needed],
        "can_create": can_create,
        "to_make": [ACCOUNTS[line.key].name for line in missing],
        "open": sum(line.needed and not line.target.account for line in lines),
        "problems": [line.problem for line in lines if line.problem],
        "steps": stepper(onboarding.progress(flow), StepName.MAPPING) if flow.state == Flow.State.SETUP else [],
    }
    return render(request, "flows/mapping.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def accept(request: TenantRequest, pk: int) -> HttpResponse:
    """Take every suggestion at once and, if asked, have the missing accounts made."""
    flow = flow_or_404(pk)
    make = request.POST.get("missing", "none")
    left = setup.accept_suggestions(
        flow, request.user.actor, create_missing=make in ("needed", "all"), only_needed=make == "needed"
    )
    needed = planning.needed_keys(flow)
    open_names = [ACCOUNTS[key].name for key in left if key in needed]
    if open_names:
        messages.warning(request, f"Accepted. Left for you: {', '.join(open_names)}.")
    else:
        messages.success(request, "Accepted. Everything your settlements need has an account.")
    return redirect("flows:mapping_accounts", pk)


@requires(Role.BOOKKEEPER)
@require_POST
def lists(request: TenantRequest, pk: int) -> HttpResponse:
    """Read the company's accounts, items, customers, classes and locations anew."""
    flow = flow_or_404(pk)
    try:
        setup.refresh_lists(flow, request.user.actor)
    except (NotSent, AuthorizationLost, Unknown) as error:
        messages.error(request, f"{flow.target} could not be read: {error} {then(error)}")
    else:
        messages.success(request, f"The lists of {flow.target} are as they are there now.")
    back = {"skus": "flows:mapping_skus", "customers": "flows:mapping_customers"}
    return redirect(back.get(request.POST.get("back", ""), "flows:mapping_accounts"), pk)


@requires(Role.VIEWER)
@require_safe
def history(request: TenantRequest, pk: int) -> HttpResponse:
    """Every version of every rule: who decided it, when, and until when it counted."""
    flow = flow_or_404(pk)
    company = Named(reference.cached(flow.target))
    found = MappingRule.objects.filter(flow=flow).order_by("-version", "-pk")
    page = Paginator(found, VERSIONS).get_page(request.GET.get("page"))
    people = actor_names(rule.created_by for rule in page.object_list)
    context = {
        **frame(request, flow, "history"),
        "page": page,
        "rows": [
            (rule, described(rule), target_words(rule, company), people.get(rule.created_by, rule.created_by))
            for rule in page.object_list
        ],
    }
    return render(request, "flows/mapping_history.html", context)


def _save(request: TenantRequest, flow: Flow, form: AccountsForm) -> HttpResponse:
    targets, make = form.changes()
    reasons = {
        key: found.reason
        for key, line in form.lines.items()
        if (found := line.suggestion or line.perhaps) and targets[key].account in found.accounts
    }
    if make:
        made = rules.create_accounts(flow, make, request.user.actor)
        targets |= made
        reasons |= dict.fromkeys(made, "A new account with our default name")
    before = flow.mapping_version
    freed = rules.save_accounts(flow, targets, request.user.actor, reasons)
    if flow.mapping_version == before:
        messages.info(request, "Nothing was different.")
    else:
        messages.success(request, f"Saved. {released(freed, flow)}")
        _warn(request, flow, [key for key in targets if targets[key] != form.lines[key].target])
    return redirect("flows:mapping_accounts", flow.pk)


def _warn(request: TenantRequest, flow: Flow, keys: Collection[AccountKey]) -> None:
    """Say once more, right after it was chosen, what is unusual about an account."""
    for line in setup.choices(flow):
        if line.warning and line.key in keys:
            messages.warning(request, line.warning)
