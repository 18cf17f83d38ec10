"""The page of a seller's notifications: turn on and off, test, the forwarder's address and secret, and whether anything comes."""

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from amazon import notice_endpoints, notice_health, subscriptions
from amazon.connect import SLUG
from amazon.models import Subscription
from amazon.notification_forms import SendTestForm, TurnOnForm
from amazon.queue_arns import key_policy, policy
from tenants.models import Access, Connection, Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

EXAMPLE: Final = "arn:aws:sqs:REGION:ACCOUNT:NAME"


@requires(Role.VIEWER)
@never_cache
@require_http_methods(["GET", "HEAD"])
def page(request: TenantRequest, pk: int) -> HttpResponse:
    return _shown(request, _connection(pk))


@requires(Role.OWNER)
@require_POST
def turn_on(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    form = _form(connection, request.POST)
    if not form.is_valid():
        return _shown(request, connection, form=form)
    arn = form.cleaned_data["arn"]
    try:
        made = subscriptions.turn_on(connection, form.chosen_way, arn, request.user.actor)
    except subscriptions.SetUpFailed as error:
        form.add_error(None, str(error))
        return _shown(request, connection, form=form)
    if problems := [each for each in made.subscribed.values() if each.get("problem")]:
        messages.warning(
            request, f"Amazon did not subscribe to {len(problems)} of {len(made.subscribed)} types; see below."
        )
    else:
        messages.success(request, "Notifications are on. What Amazon announces is looked at at once from now on.")
    return redirect("amazon:notifications", pk=pk)


@requires(Role.OWNER)
@require_http_methods(["GET", "HEAD", "POST"])
def turn_off(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    back = reverse("amazon:notifications", args=[pk])
    if request.method == "POST":
        try:
            subscriptions.turn_off(connection, request.user.actor)
        except subscriptions.SetUpFailed as error:
            messages.error(request, str(error))
        else:
            messages.success(request, "Notifications are off. Orders and settlements are polled as before.")
        return redirect(back)
    context = {
        "title": "Turn notifications off?",
        "text": [
            "Amazon sends nothing more to the queue. The queue itself, and your forwarder, are yours: remove them in AWS.",
            "Nothing is lost: orders and settlements are polled on their schedule.",
        ],
        "label": "Turn off",
        "danger": True,
        "back": back,
    }
    return render(request, "tenants/confirm.html", context)


@requires(Role.OWNER)
@require_POST
def send_test(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    form = SendTestForm(request.POST)
    if not form.is_valid():
        return _shown(request, connection, test_form=form)
    try:
        subscriptions.send_test(
            connection, form.cleaned_data["kind"], form.cleaned_data["scenario"], request.user.actor
        )
    except subscriptions.SetUpFailed as error:
        form.add_error(None, str(error))
        return _shown(request, connection, test_form=form)
    messages.success(
        request,
        "Amazon's sandbox sends it now. It is about a seller that Amazon made up, so it is counted below as one for a seller that "
        "is not connected.",
    )
    return redirect("amazon:notifications", pk=pk)


@requires(Role.OWNER)
@never_cache
@require_POST
def new_secret(request: TenantRequest, pk: int) -> HttpResponse:
    """Make the forwarder's address, or a new secret. It is in this one answer and nowhere else: no redirect carries it."""
    connection = _connection(pk)
    _, shown_once = notice_endpoints.new_secret(connection.tenant_id, request.user.actor)
    return _shown(request, connection, shown_once=shown_once)


@requires(Role.OWNER)
@require_POST
def end_earlier(request: TenantRequest, pk: int) -> HttpResponse:
    connection = _connection(pk)
    if endpoint := notice_endpoints.endpoint_of(connection.tenant_id):
        notice_endpoints.end_earlier(endpoint, request.user.actor)
        messages.success(request, "The earlier secret no longer works.")
    return redirect("amazon:notifications", pk=pk)


def _connection(pk: int) -> Connection:
    return get_object_or_404(Connection.objects.select_related("grant"), pk=pk, provider=SLUG)


def _form(connection: Connection, data: Any = None) -> TurnOnForm:
    own_queue, now = notice_health.own_queue(connection), subscriptions.subscription_of(connection)
    way = now.way if now else Subscription.Way.QUEUE if own_queue else Subscription.Way.FORWARDER
    arn = now.queue_arn if now and now.way == Subscription.Way.FORWARDER else ""
    return TurnOnForm(data, own_queue, {"way": way, "arn": arn})


def _shown(
    request: TenantRequest,
    connection: Connection,
    *,
    form: TurnOnForm | None = None,
    test_form: SendTestForm | None = None,
    shown_once: str = "",
) -> HttpResponse:
    found = notice_health.health(connection)
    form = form or _form(connection)
    arn = str(form["arn"].value() or "").strip() or form.own_queue or EXAMPLE
    wrong = form.errors or (test_form and test_form.errors)
    context = {
        "connection": connection,
        "health": found,
        "form": form,
        "test_form": test_form or SendTestForm(),
        "policy": policy(arn),
        "key_policy": key_policy(),
        "address": notice_endpoints.url_of(found.endpoint) if found.endpoint else "",
        "headers": {
            "key": notice_endpoints.KEY_HEADER,
            "time": notice_endpoints.TIME_HEADER,
            "signature": notice_endpoints.SIGNATURE_HEADER,
        },
        "shown_once": shown_once,
        "open": connection.state == Access.ACTIVE,
        "may_manage": can(request.member, Action.CONNECT),
        "crumbs": [
            ("Connections", reverse("tenants:connections")),
            (str(connection), reverse("tenants:connection", args=[connection.pk])),
        ],
    }
    return render(request, "amazon/notifications.html", context, status=400 if wrong else 200)
