"""Exchange rates: the table, one rate by hand, many by a file."""

from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from flows import rates
from flows.models import ExchangeRate, Flow
from flows.rate_files import MOST_BYTES, BadRateFile
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE = 100


class RateForm(forms.Form):
    currency = forms.RegexField(
        r"^[A-Za-z]{3}$", label="One unit of", help_text="The currency of the settlements, like GBP."
    )
    home = forms.ChoiceField(label="Is worth, in")
    rate = forms.CharField(
        max_length=24,
        label="Rate",
        help_text="How much of your currency: 1.3025.",
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    on = forms.DateField(label="From the day", widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_homes(self)


class FileForm(forms.Form):
    home = forms.ChoiceField(label="Your books are in")
    file = forms.FileField(
        label="File of rates",
        help_text="CSV with the columns date,currency,rate, or date and pairs like GBP/USD.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        _offer_homes(self)


def _offer_homes(form: forms.Form) -> None:
    field = form.fields["home"]
    assert isinstance(field, forms.ChoiceField)
    field.choices = [(home, home) for home in rates.homes()]


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    return _page(request, RateForm(initial=_first_missing()), FileForm())


@requires(Role.BOOKKEEPER)
@require_POST
def set_one(request: TenantRequest) -> HttpResponse:
    form = RateForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            found = rates.set_rate(
                request.tenant.pk,
                request.user.actor,
                values["home"],
                values["currency"].upper(),
                values["on"],
                values["rate"],
            )
        except rates.CannotSet as error:
            form.add_error("rate" if "rate" in error.text else None, f"{error.text} {error.action}")
        else:
            messages.success(request, f"1 {found.currency} is {found.rate} {found.home} from {found.on:%-d %B %Y} on.")
            return redirect("flows:rates")
    return _page(request, form, FileForm())


@requires(Role.BOOKKEEPER)
@require_POST
def upload(request: TenantRequest) -> HttpResponse:
    form, problems = FileForm(request.POST, request.FILES), []
    if form.is_valid():
        file = form.cleaned_data["file"]
        try:
            kept = rates.upload(
                request.tenant.pk, request.user.actor, form.cleaned_data["home"], file.name, file.read(MOST_BYTES + 1)
            )
        except BadRateFile as error:
            problems = error.problems
        except rates.CannotSet as error:
            form.add_error("home", f"{error.text} {error.action}")
        else:
            messages.success(
                request, f"{kept.new} rates are new, {kept.changed} changed, {kept.same} were there already."
            )
            return redirect("flows:rates")
    return _page(request, RateForm(initial=_first_missing()), form, problems)


@requires(Role.BOOKKEEPER)
@require_POST
def remove(request: TenantRequest, pk: int) -> HttpResponse:
    rate = get_object_or_404(ExchangeRate, pk=pk)
    rates.remove(rate, request.user.actor)
    messages.success(request, "Removed. What was sent with it stays as it is.")
    return redirect("flows:rates")


def _first_missing() -> dict[str, Any]:
    waits = rates.missing()
    if waits:
        return {"home": waits[0].home, "currency": waits[0].currency, "on": waits[0].on}
    flow = Flow.objects.exclude(home="").order_by("pk").first()
    return {"home": flow.home, "currency": flow.currency} if flow else {}


def _page(request: TenantRequest, form: RateForm, files: FileForm, problems: list[str] | None = None) -> HttpResponse:
    context = {
        "form": form,
        "files": files,
        "problems": problems,
        "page": Paginator(rates.listed(), PAGE).get_page(request.GET.get("page")),
        "homes": rates.homes(),
        "missing": rates.missing()[:PAGE],
        "may_set": can(request.member, Action.MAP),
        "crumbs": [("Flows", reverse("flows:flows"))],
    }
    failed = form.errors or files.errors or problems
    return render(request, "flows/rates.html", context, status=422 if failed and request.method == "POST" else 200)
