"""Connecting and disconnecting the systems outside: cards, consent, pasted credentials, the test, the end."""

from datetime import UTC, datetime, time
from typing import Any, Final, cast

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tenants import announcing, asking, companies, grants, quotas, renewing, sharing, untested
from tenants import connections as services
from tenants.models import Access, Connection, Grant, Role
from tenants.page_forms import ProviderForm, SecretForm
from tenants.providers import CheckStep, Provider, ProviderKind, UnknownProvider, provider, providers
from tenants.roles import Action, at_least, can, requires
from tenants.views import TenantRequest

GROUPS: Final = ((ProviderKind.SOURCE, "Where you sell"), (ProviderKind.LEDGER, "Your books"))
PERMISSION: Final = {
    ProviderKind.SOURCE: "read your orders, settlements and reports",
    ProviderKind.LEDGER: "read and write your books",
}
TESTED_AT_ONCE: Final = 3  # a test is some seconds of a provider's time, and a browser waits for all of them
TITLES: Final = {
    services.ConsentRefused: "The consent was not given",
    services.ConsentExpired: "That took too long",
    services.ConsentForeign: "This consent was not begun here",
    services.ConsentReplayed: "This consent was used already",
    services.ConsentUnavailable: "This is not set up yet",
    services.ConsentFailed: "It did not work this time",
}


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    """Show a card for each connection, and for each provider one from which to connect."""
    present = list(
        Connection.objects.exclude(state=Access.REVOKED).select_related("grant").order_by("created_at", "pk")
    )
    groups = []
    for kind, title in GROUPS:
        cards = [
            {
                "provider": spec,
                "connections": [c for c in present if c.provider == spec.slug],
            }
            for spec in providers(kind)
        ]
        if cards:
            connected = any(card["connections"] for card in cards)
            groups.append({"title": title, "cards": cards, "connected": connected})
    testing = any(connection.tested == "testing" for connection in present)
    return render(request, "tenants/connections.html", {"groups": groups, "testing": testing, **_rights(request)})


@requires(Role.VIEWER)
@require_safe
def detail(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    grant = connection.grant
    mine = grant.user_id == request.user.pk and grant.state == Access.ACTIVE
    spec = _provider(connection.provider)
    context = {
        "connection": connection,
        "provider": spec,
        "panels": spec.panels(connection) if connection.state != Access.REVOKED else (),
        "may_renew": renewable(connection),
        "may_renew_secret": renewing.renewable_secret(connection),
        "secret": renewing.secret_ending(connection) if renewing.renewable_secret(connection) else None,
        "may_add": mine and can(request.member, Action.CONNECT),
        "quota": quotas.of(connection),
        "budget": quotas.of_all(connection) if can(request.member, Action.CONNECT) else "",
        "shared": sharing.step(connection) if connection.state != Access.REVOKED else None,
        "go_on": _go_on() if "new" in request.GET else None,
        "crumbs": _crumbs(),
        **_rights(request),
    }
    return render(request, "tenants/connection.html", context)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: TenantRequest, slug: str) -> HttpResponse:
    """Ask what the provider wants to know first, then lead to its consent page.

    The way out is a page and not a redirect: browsers apply ``form-action`` to every redirect that follows a form, and
    the consent pages send people across hosts of their own.
    """
    spec = _provider(slug)
    form = ProviderForm(spec.choices, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            address = services.begin_consent(request.user, request.tenant, slug, extra=form.cleaned_data)
        except services.ConsentError as error:
            return _not_connected(request, spec, error)
        return _private(render(request, "tenants/leave.html", {"provider": spec, "address": address}))
    context = {
        "provider": spec,
        "form": form,
        "permission": PERMISSION[spec.kind],
        "consents": [
            {"grant": grant, "serves": companies.serves(grant, request.user)}
            for grant in companies.own_grants(request.user, slug)
        ],
        "crumbs": _crumbs(),
    }
    return render(request, "tenants/connect.html", context)


@requires(Role.OWNER)
@require_POST
def renew(request: TenantRequest, pk: int) -> HttpResponse:
    """Lead to the consent page once more, for the same company and with what was chosen then."""
    connection = _connection(pk)
    spec = _provider(connection.provider)
    try:
        address = services.begin_renewal(request.user, connection)
    except services.ConsentError as error:
        return _not_connected(request, spec, error)
    return _private(render(request, "tenants/leave.html", {"provider": spec, "address": address}))


@never_cache
@require_safe
def callback(request: HttpRequest, slug: str) -> HttpResponse:
    """Where the consent page sends people back. Nothing here may carry the query on: it opens the account."""
    spec = _provider(slug)
    member = getattr(request, "member", None)
    if not can(member, Action.CONNECT):
        error = services.ConsentForeign(
            "You are not signed in here as an owner of the company.",
            "Sign in as the owner who began it, choose the company, and connect again from Connections.",
        )
        return _not_connected(request, spec, error, status=403)
    mine = cast(TenantRequest, request)
    try:
        consented = services.finish_consent(mine.user, mine.tenant, slug, request.GET.dict())
    except services.ConsentError as error:
        return _not_connected(request, spec, error)
    return _private(_after_consent(mine, consented))


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: TenantRequest, pk: int) -> HttpResponse:
    """Ask which of the companies a person's own consent opens are to be connected; nobody else's consent is there."""
    grant = get_object_or_404(Grant, pk=pk, user=request.user)
    spec = _provider(grant.provider)
    chosen = request.POST.getlist("company")
    try:
        if chosen:
            return _connected(request, companies.connect(request.user, request.tenant, grant, chosen))
        offered = companies.offered(request.user, request.tenant, grant)
    except services.ConsentError as error:
        return _not_connected(request, spec, error)
    except grants.NeedsReconnect:
        messages.warning(request, f"This consent has ended. Agree once more at {spec.name}.")
        return redirect("tenants:connect", slug=spec.slug)
    except grants.RefreshFailed as error:
        return _not_connected(request, spec, services.ConsentFailed(str(error), "Try again in a few minutes."))
    context = {
        "provider": spec,
        "offered": offered,
        "left": any(each.choosable for each in offered),
        "nothing_chosen": request.method == "POST",
        "crumbs": _crumbs(),
    }
    return render(request, "tenants/companies.html", context)


@requires(Role.OWNER)
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def credentials(request: TenantRequest, slug: str) -> HttpResponse:
    """Connect by the credentials of an application the company registered itself."""
    spec = _provider(slug)
    if not spec.manual:
        raise Http404
    form = ProviderForm(spec.manual, request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            consented = services.connect_with_credentials(request.user, request.tenant, slug, form.cleaned_data)
        except services.ConsentError as error:
            form.add_error(None, f"{error.text} {error.action}")
        else:
            return _after_consent(request, consented)
    context = {"provider": spec, "form": form, "crumbs": _crumbs()}
    return render(request, "tenants/credentials.html", context)


@requires(Role.OWNER)
@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def secret(request: TenantRequest, pk: int) -> HttpResponse:
    """Take a new client secret of the connection's private application, once the provider took it."""
    connection = _connection(pk)
    if not renewing.renewable_secret(connection):
        messages.info(request, "Its application is not yours: whoever runs this site renews the secret.")
        return redirect("tenants:connection", pk=pk)
    form = SecretForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        day = form.cleaned_data["ends_on"]
        ends_at = datetime.combine(day, time(), UTC) if day else None
        try:
            renewing.renew_secret(connection, form.cleaned_data["client_secret"].strip(), ends_at, request.user)
        except services.ConsentError as error:
            form.add_error(None, f"{error.text} {error.action}")
        else:
            announcing.warn_of_secrets(connection.tenant_id)
            messages.success(request, "The new secret works and is used from now on.")
            return redirect("tenants:connection", pk=pk)
    crumbs = [*_crumbs(), (str(connection), reverse("tenants:connection", args=[pk]))]
    context = {"provider": _provider(connection.provider), "connection": connection, "form": form, "crumbs": crumbs}
    return render(request, "tenants/secret.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def test(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    if connection.state == Access.REVOKED:
        messages.error(request, "This connection is ended. Connect again first.")
    else:
        try:
            asking.ask(connection)
        except asking.AskedTooOften as error:
            messages.error(request, str(error))
        else:
            _say(request, connection, services.run_checks(connection, actor=request.user.actor))
    return redirect(f"{reverse('tenants:connection', args=[pk])}#checks")


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def disconnect(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    if request.method == "POST":
        services.disconnect(connection, actor=request.user.actor)
        messages.success(request, f"{connection} is disconnected.")
        return redirect("tenants:connections")
    name = _provider(connection.provider).name
    context = {
        "title": f"Disconnect {connection}?",
        "text": [
            f"Tieout forgets its access to {name} and withdraws it there, unless another company of this site uses it.",
            "Flows over this connection stop and what waits keeps waiting. Nothing in your books is changed.",
        ],
        "label": "Disconnect",
        "danger": True,
        "back": reverse("tenants:connections"),
    }
    return render(request, "tenants/confirm.html", context)


def renewable(connection: Connection) -> bool:
    """Tell whether an owner can renew the consent of a connection by agreeing to the same once more."""
    limited = connection.grant.hard_expires_at is not None and not connection.grant.application
    return limited and connection.state != Access.REVOKED and bool(_provider(connection.provider).consent_life)


def _provider(slug: str) -> Provider:
    try:
        return provider(slug)
    except UnknownProvider:
        raise Http404 from None


def _connection(pk: int) -> Connection:
    return get_object_or_404(Connection.objects.select_related("grant__user", "created_by"), pk=pk)


def _crumbs() -> list[tuple[str, str]]:
    return [("Connections", reverse("tenants:connections"))]


def _rights(request: TenantRequest) -> dict[str, Any]:
    return {
        "may_manage": can(request.member, Action.CONNECT),
        "may_test": at_least(request.member, Role.BOOKKEEPER),
    }


def _after_consent(request: TenantRequest, consented: services.Consented) -> HttpResponse:
    """Test and show what a consent connected; where it opens more, ask which of it to connect."""
    shown = _connected(request, consented.connected)
    return redirect("tenants:companies", pk=consented.grant.pk) if consented.choose else shown


def _connected(request: TenantRequest, made: list[Connection]) -> HttpResponse:
    """Test what was connected and show it: its page, or the list where there are several. What would take long is tested by a
    worker."""
    for connection in made[:TESTED_AT_ONCE]:
        _say(request, connection, services.run_checks(connection, actor=request.user.actor), new=True)
    if later := made[TESTED_AT_ONCE:]:
        untested.test_later(later)
        names = ", ".join(str(connection) for connection in later)
        connected = "are connected and are" if len(later) > 1 else "is connected and is"
        messages.info(request, f"{names} {connected} being tested: the cards below say how that went.")
    if len(made) != 1:
        return redirect("tenants:connections")
    return redirect(f"{reverse('tenants:connection', args=[made[0].pk])}?new")


def _go_on() -> tuple[str, str]:
    """Return the words and the address of the next step of whoever has just connected something."""
    for kind, words in ((ProviderKind.SOURCE, "Connect where you sell"), (ProviderKind.LEDGER, "Connect your books")):
        slugs = [spec.slug for spec in providers(kind)]
        if not Connection.objects.filter(provider__in=slugs, state=Access.ACTIVE).exists():
            return words, reverse("tenants:connections")
    return "Go on to the dashboard", reverse("home")


def _say(request: HttpRequest, connection: Connection, steps: list[CheckStep], *, new: bool = False) -> None:
    failed = [step.name for step in steps if step.verdict == "failed"]
    begin = f"{connection} is connected" if new else str(connection)
    if failed:
        messages.warning(request, f"{begin}, but the test found something: {', '.join(failed)}. See below what to do.")
    elif doubts := [step.name for step in steps if step.verdict == "warning"]:
        things = f"{len(doubts)} thing{'' if len(doubts) == 1 else 's'} to look at"
        tested = begin if new else f"{begin} is tested"
        messages.warning(request, f"{tested}; {things}: {', '.join(doubts)}. See below.")
    else:
        messages.success(request, f"{begin} and tested: all is well." if new else f"{begin} is tested: all is well.")
    if new and sharing.elsewhere(connection):
        messages.warning(request, sharing.TEXT)


def _not_connected(
    request: HttpRequest, spec: Provider, error: services.ConsentError, *, status: int = 400
) -> HttpResponse:
    context = {
        "provider": spec,
        "title": TITLES.get(type(error), "Not connected"),
        "text": error.text,
        "action": error.action,
        "retry": can(getattr(request, "member", None), Action.CONNECT)
        and not isinstance(error, services.ConsentUnavailable),
    }
    return _private(render(request, "tenants/consent_failed.html", context, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    return response
