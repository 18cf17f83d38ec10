"""The order history of a seller account: how far it is, what failed, and the buttons that begin, hold and try again."""

from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from amazon import backfill
from amazon.history_progress import progress
from amazon.models import Backfill
from tenants.models import Access, Connection, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

SLUG: Final = "amazon"


@requires(Role.VIEWER)
@require_safe
def page(request: TenantRequest, pk: int) -> HttpResponse:
    """The page, or its changing part where the page asks for that."""
    connection = connection_or_404(pk)
    context = {
        "connection": connection,
        "history": progress(connection),
        "may_run": can(request.member, Action.RUN) and connection.state != Access.REVOKED,
        "crumbs": [
            ("Connections", reverse("tenants:connections")),
            (str(connection), reverse("tenants:connection", args=[pk])),
        ],
    }
    part = request.headers.get("HX-Request") == "true" and "part" in request.GET
    return render(request, "amazon/_history.html" if part else "amazon/order_history.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def begin(request: TenantRequest, pk: int) -> HttpResponse:
    """Begin a history, or have one that was paused go on."""
    connection = connection_or_404(pk)
    start(connection, request.user.actor)
    messages.success(request, "The order history is being read, in the background.")
    return redirect("amazon:history", pk)


@requires(Role.BOOKKEEPER)
@require_POST
def hold(request: TenantRequest, pk: int) -> HttpResponse:
    if (found := begun(connection_or_404(pk))) is not None:
        backfill.pause(found, request.user.actor)
        messages.success(request, "The order history is paused. What was read stays.")
    return redirect("amazon:history", pk)


@requires(Role.BOOKKEEPER)
@require_POST
def again(request: TenantRequest, pk: int) -> HttpResponse:
    found = begun(connection_or_404(pk))
    count = backfill.try_again(found, request.user.actor) if found is not None else 0
    if count:
        messages.success(request, f"{count} report{'s are' if count > 1 else ' is'} asked for again.")
    else:
        messages.info(request, "Nothing has failed.")
    return redirect("amazon:history", pk)


def start(connection: Connection, actor: str) -> Backfill:
    """Begin the history of a connection as far back as Amazon gives it, or have a paused one go on."""
    found = backfill.begin(connection, actor=actor)
    backfill.resume(found, actor)
    return found


def begun(connection: Connection) -> Backfill | None:
    return Backfill.objects.filter(connection=connection).select_related("connection").first()


def connection_or_404(pk: int) -> Connection:
    return get_object_or_404(Connection.objects.select_related("grant"), pk=pk, provider=SLUG)
