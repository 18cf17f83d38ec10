"""Pages that belong to no room: the front page, the appearance, and what a load balancer asks."""

from django.core.cache import cache
from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from amazon import appstore_views
from connector.context import THEME_COOKIE, THEMES, navigation
from tenants.providers import ProviderKind, providers

# The settlement on the front page, in cents of USD; it adds up.
EXAMPLE = (
    ("Sales", 1_248_000),
    ("Shipping and gift wrap", 31_864),
    ("Refunds", -61_240),
    ("Amazon fees", -320_477),
    ("Advertising", -84_019),
    ("Held in reserve", -50_000),
)
YEAR_S = 365 * 24 * 3600


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Lead a member into the navigation, a newcomer to the company form, and show a stranger the front page.

    Who began at Amazon before they signed in, or up, goes on with that.
    """
    if not request.user.is_authenticated:
        names = [ledger.name for ledger in providers(ProviderKind.LEDGER)]
        example = {"example": EXAMPLE, "payout": sum(minor for _, minor in EXAMPLE)}
        return render(request, "landing.html", {"ledgers": " or ".join(names) or "your ledger", **example})
    if getattr(request, "tenant", None) is None:
        return redirect("tenants:create")
    if appstore_views.waits(request):
        return redirect("amazon:appstore")
    return redirect(navigation(request.path)[0].url)


@require_POST
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the appearance in a cookie, so that the server already writes it into the page; empty follows the system."""
    target = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        target = "/"
    response = HttpResponseRedirect(target)
    chosen = request.POST.get("theme", "")
    if chosen in THEMES:
        response.set_cookie(THEME_COOKIE, chosen, max_age=YEAR_S, samesite="Lax", secure=request.is_secure())
    else:
        response.delete_cookie(THEME_COOKIE, samesite="Lax")
    return response


@require_safe
@never_cache
def live(request: HttpRequest) -> HttpResponse:
    """Answer that the process runs."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
@never_cache
def ready(request: HttpRequest) -> JsonResponse:
    """Answer whether the database and the cache can be used: 200, or 503 with the one that cannot."""
    state = {"database": _database(), "cache": _cache()}
    return JsonResponse(state, status=200 if all(state.values()) else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def _cache() -> bool:
    try:
        cache.set("health", "ok", 10)
        return bool(cache.get("health") == "ok")
    except Exception:  # every cache backend has errors of its own, and any of them means no
        return False
