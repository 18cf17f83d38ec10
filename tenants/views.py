"""A company's own pages: companies and switching, settings, people, API keys, alerts."""

from collections.abc import Sequence
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from kit.clock import now
from tenants import apikeys, company, members
from tenants.models import Access, Alert, ApiKey, Connection, Invitation, Member, Role, Tenant, User
from tenants.page_forms import AlertForm, InviteForm, KeyForm, RoleForm, TenantForm
from tenants.roles import Action, at_least, can, requires

PAGE = 25


class TenantRequest(HttpRequest):
    """A request behind ``requires()``: the middleware found a member."""

    tenant: Tenant
    member: Member
    user: User


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def create(request: HttpRequest) -> HttpResponse:
    form = TenantForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        tenant = members.create_tenant(cast(User, request.user), form.cleaned_data["name"])
        request.session[members.SESSION_KEY] = tenant.pk
        messages.success(request, f"{tenant.name} is added. Connect Amazon and your books next.")
        return redirect("tenants:connections")
    return render(request, "tenants/create.html", {"form": form})


@login_required
@require_POST
def switch(request: HttpRequest) -> HttpResponse:
    """Look at another of one's companies from now on. A company of others is as good as none."""
    wanted = request.POST.get("tenant", "")
    for place in members.memberships(cast(User, request.user)):
        if str(place.tenant_id) == wanted:
            request.session[members.SESSION_KEY] = place.tenant_id
            return redirect("home")
    raise Http404


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def settings(request: TenantRequest) -> HttpResponse:
    may_manage = can(request.member, Action.EDIT_TENANT)
    saving = request.POST.get("save", "")
    company_form = TenantForm(request.POST if saving == "company" else None, initial={"name": request.tenant.name})
    alert_form = AlertForm(
        request.POST if saving == "alerts" else None, initial={"wanted": request.member.wants_alert_email}
    )
    if saving == "company":
        _demand(may_manage)
    if saving == "company" and company_form.is_valid():
        company.rename(request.tenant, company_form.cleaned_data["name"], request.user)
        messages.success(request, "The name is saved.")
        return redirect("tenants:settings")
    if saving == "alerts" and alert_form.is_valid():
        request.member.wants_alert_email = alert_form.cleaned_data["wanted"]
        request.member.save(update_fields=["wants_alert_email"])
        messages.success(request, "Your choice is saved.")
        return redirect("tenants:settings")
    context = {"section": "company", "may_manage": may_manage, "company_form": company_form, "alert_form": alert_form}
    return render(request, "tenants/settings.html", context)


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def people(request: TenantRequest) -> HttpResponse:
    may_manage = can(request.member, Action.MANAGE_PEOPLE)
    form = InviteForm(request.POST or None)
    if request.method == "POST":
        _demand(may_manage)
        if form.is_valid():
            email, role = form.cleaned_data["email"], form.cleaned_data["role"]
            try:
                members.invite(request.tenant, email, role, request.user)
            except members.MemberError as error:
                form.add_error("email", str(error))
            else:
                messages.success(request, f"An invitation is on its way to {email}.")
                return redirect("tenants:members")
    everyone = list(Member.objects.select_related("user").order_by("created_at", "pk"))
    owners = [member.pk for member in everyone if member.role == Role.OWNER]
    context = {
        "section": "members",
        "may_manage": may_manage,
        "members": everyone,
        "only_owner": owners[0] if len(owners) == 1 else None,
        "invitations": Invitation.objects.filter(accepted_at__isnull=True).order_by("-created_at"),
        "form": form,
        "now": now(),
    }
    return render(request, "tenants/members.html", context)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def member_role(request: TenantRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(Member.objects.select_related("user"), pk=pk)
    form = RoleForm(request.POST or None, initial={"role": member.role})
    if request.method == "POST" and form.is_valid():
        try:
            members.change_role(member, form.cleaned_data["role"], request.user)
        except members.MemberError as error:
            messages.error(request, str(error))
        else:
            messages.success(request, f"{member.user.email} is now {member.get_role_display().lower()}.")
        return redirect("tenants:members")
    title, keys = f"Role of {member.user.email}", _keys_made_by(member)
    text = ["API keys they made go on working, with what each of them may do, whatever the role."] if keys else []
    return _question(request, title, text, "Save", "tenants:members", form=form, keys=keys)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def member_remove(request: TenantRequest, pk: int) -> HttpResponse:
    member = get_object_or_404(Member.objects.select_related("user"), pk=pk)
    leaving = member.user_id == request.user.pk
    if request.method == "POST":
        try:
            members.remove(member, request.user)
        except members.MemberError as error:
            messages.error(request, str(error))
            return redirect("tenants:members")
        messages.success(request, f"{member.user.email} no longer belongs to {request.tenant.name}.")
        return redirect("home" if leaving else "tenants:members")
    title = f"Leave {request.tenant.name}?" if leaving else f"Remove {member.user.email}?"
    keys = _keys_made_by(member)
    text = ["They can no longer open this company. What they did stays in the trail."]
    if leaving:
        text = ["You can no longer open this company. Only another owner can let you in again."]
    text += _consents_of(member)
    text += [f"API keys {'you' if leaving else 'they'} made go on working:"] if keys else []
    return _question(request, title, text, "Leave" if leaving else "Remove", "tenants:members", danger=True, keys=keys)


@requires(Role.OWNER)
@require_POST
def invitation_withdraw(request: TenantRequest, pk: int) -> HttpResponse:
    invitation = get_object_or_404(Invitation, pk=pk, accepted_at__isnull=True)
    company.withdraw(invitation, request.user)
    messages.success(request, f"The invitation of {invitation.email} no longer works.")
    return redirect("tenants:members")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """The page behind an invitation's link. The token waits in the session while the person signs in or up."""
    found = members.open_invitation(token)
    if request.method == "POST" and found and request.user.is_authenticated:
        try:
            member = members.accept(token, request.user)
        except members.MemberError as error:
            messages.error(request, str(error))
            return redirect("home")
        request.session.pop(members.INVITATION_KEY, None)
        request.session[members.SESSION_KEY] = member.tenant_id
        messages.success(request, f"Welcome to {found.tenant.name}.")
        return redirect("home")
    if found and not request.user.is_authenticated:
        request.session[members.INVITATION_KEY] = token
    response = render(request, "tenants/invitation.html", {"invitation": found}, status=200 if found else 410)
    response["Referrer-Policy"] = "no-referrer"
    return response


@requires(Role.VIEWER)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def keys(request: TenantRequest) -> HttpResponse:
    """List and make API keys. A new key is in this one answer and nowhere else: no redirect carries it."""
    may_manage = can(request.member, Action.MANAGE_KEYS)
    form = KeyForm(request.POST or None)
    shown: dict[str, Any] = {}
    if request.method == "POST":
        _demand(may_manage)
        if form.is_valid():
            key, secret = apikeys.issue(
                request.tenant, request.user, form.cleaned_data["name"], form.cleaned_data["scopes"]
            )
            shown, form = {"created": key, "secret": secret}, KeyForm()
    listed = ApiKey.objects.select_related("created_by").order_by(F("revoked_at").asc(nulls_first=True), "-created_at")
    words = dict(ApiKey.Scope.choices)
    rows = [(key, [words.get(scope, scope) for scope in key.scopes]) for key in listed]
    context = {"section": "keys", "may_manage": may_manage, "rows": rows, "form": form, **shown}
    return render(request, "tenants/keys.html", context)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def key_revoke(request: TenantRequest, pk: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=pk, revoked_at__isnull=True)
    if request.method == "POST":
        apikeys.revoke(key, request.user)
        messages.success(request, f"The key {key.name} no longer works.")
        return redirect("tenants:keys")
    text = ["Whatever uses it is refused from its next call on. This cannot be taken back."]
    return _question(request, f"Revoke {key.name}?", text, "Revoke", "tenants:keys", danger=True)


@requires(Role.VIEWER)
@require_safe
def alerts(request: TenantRequest) -> HttpResponse:
    settled = request.GET.get("show") == "settled"
    listed = Alert.objects.filter(settled_at__isnull=not settled).order_by("-raised_at", "-pk")
    address = reverse("tenants:alerts")
    tabs = [
        {"label": "Open", "url": address, "current": not settled, "count": None},
        {"label": "Settled", "url": f"{address}?show=settled", "current": settled, "count": None},
    ]
    context = {
        "page": Paginator(listed, PAGE).get_page(request.GET.get("page")),
        "settled": settled,
        "tabs": tabs,
        "may_work": at_least(request.member, Role.BOOKKEEPER),
    }
    return render(request, "tenants/alerts.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def alert_settle(request: TenantRequest, pk: int) -> HttpResponse:
    alert = get_object_or_404(Alert, pk=pk)
    company.settle(alert, request.user)
    messages.success(request, f"Settled: {alert.title}")
    return redirect("tenants:alerts")


def _demand(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _consents_of(member: Member) -> list[str]:
    """Return what happens to the connections here that a person's own consents open."""
    mine = Connection.objects.filter(grant__user=member.user_id, state=Access.ACTIVE).order_by("remote_name", "pk")
    names = ", ".join(map(str, mine))
    return [f"Waits until another owner connects it again, as the consent is theirs alone: {names}."] if names else []


def _keys_made_by(member: Member) -> list[ApiKey]:
    """Return a member's API keys of this company that work: they belong to the company and outlive role and membership."""
    return list(ApiKey.objects.filter(created_by=member.user, revoked_at__isnull=True).order_by("name", "pk"))


def _question(
    request: HttpRequest,
    title: str,
    text: list[str],
    label: str,
    back: str,
    *,
    danger: bool = False,
    form: RoleForm | None = None,
    keys: Sequence[ApiKey] = (),
) -> HttpResponse:
    """Render a page with one question; ``dialogs.js`` shows its body over the page that led here."""
    context = {"title": title, "text": text, "label": label, "back": reverse(back), "danger": danger, "form": form}
    context["keys"] = keys
    return render(request, "tenants/confirm.html", context)
