"""Where Amazon sends a seller who begins there: our Login URI, and the page that asks which company is meant."""

from typing import Final

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from amazon import appstore
from amazon.connect import SLUG
from tenants.connections import ConsentError, ConsentRefused, ConsentUnavailable
from tenants.members import SESSION_KEY as TENANT_KEY
from tenants.members import memberships
from tenants.page_forms import ProviderForm
from tenants.providers import ManualField, provider
from tenants.roles import Action, can

SESSION_KEY: Final = "amazon_appstore"


@never_cache
@require_safe
def login(request: HttpRequest) -> HttpResponseBase:
    """The Login URI. What it was asked waits in the session, out of every address, while the person signs in or up."""
    try:
        asked = appstore.read(request.GET.dict())
    except ConsentRefused as error:
        return _refused(request, error)
    request.session[SESSION_KEY] = asked.kept()
    page = reverse("amazon:appstore")
    response = redirect(page) if request.user.is_authenticated else redirect_to_login(page)
    return _private(response)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def confirm(request: HttpRequest) -> HttpResponseBase:
    """Ask which company the seller is to be connected with; then lead back to Amazon."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.path)
    asked = appstore.pending(request.session.get(SESSION_KEY))
    if asked is None:
        return _refused(request, ConsentRefused("Nothing that began at Amazon waits here.", appstore.AT_AMAZON))
    user = request.user
    places = memberships(user)
    if not places:
        return redirect("tenants:create")
    mine = {str(place.tenant_id): place.tenant for place in places if can(place, Action.CONNECT)}
    if not mine:
        error = ConsentRefused(
            "You are an owner of none of your companies here, and only an owner connects a seller account.",
            "Ask an owner to begin it in Seller Central, or to make you an owner.",
        )
        return _refused(request, error, status=403)
    if "not_now" in request.POST:
        del request.session[SESSION_KEY]
        messages.info(request, "Nothing was connected.")
        return redirect("tenants:connections")
    places_there = appstore.marketplaces(asked)
    inputs = [ManualField("company", "Company", choices=tuple((key, tenant.name) for key, tenant in mine.items()))]
    regions = {one.region for one in places_there}
    if len(regions) > 1:
        choices = tuple((one.id, f"{one.site} ({one.country})") for one in places_there)
        inputs.append(ManualField("marketplace", "Marketplace you registered in", choices=choices))
    form = ProviderForm(inputs, request.POST if request.method == "POST" else None)
    here = request.tenant.pk if request.tenant else ""  # type: ignore[attr-defined]
    form.initial["company"] = str(here) if str(here) in mine else ""
    if request.method == "POST" and form.is_valid():
        tenant = mine[form.cleaned_data["company"]]
        marketplace = form.cleaned_data.get("marketplace") or places_there[0].id
        try:
            address = appstore.go_back(user, tenant, asked, marketplace)
        except ConsentError as error:
            return _refused(request, error)
        del request.session[SESSION_KEY]
        request.session[TENANT_KEY] = tenant.pk  # the answer is for this company
        return _private(render(request, "tenants/leave.html", {"provider": provider(SLUG), "address": address}))
    context = {
        "asked": asked,
        "form": form,
        "connected": appstore.connected(asked, list(mine.values())),
        "where": sorted({one.site for one in places_there}) if len(regions) == 1 else [],
    }
    return _private(render(request, "amazon/appstore.html", context))


def waits(request: HttpRequest) -> bool:
    """Tell whether somebody who has just signed in came from Amazon."""
    return appstore.pending(request.session.get(SESSION_KEY)) is not None


def _refused(request: HttpRequest, error: ConsentError, *, status: int = 400) -> HttpResponse:
    title = "This is not set up yet" if isinstance(error, ConsentUnavailable) else "This cannot be connected"
    context = {"provider": provider(SLUG), "title": title, "text": error.text, "action": error.action, "retry": False}
    return _private(render(request, "tenants/consent_failed.html", context, status=status))


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "no-referrer"
    return response
