"""Exchange rates: the table, one rate by hand, many by a file."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from flows import rates
from flows.doubts import Doubted
from flows.forms import AskingForm
from flows.models import ExchangeRate, Flow
from flows.rate_files import MOST_BYTES, BadRateFile
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE = 100


class RateForm(AskingForm):
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
    on = forms.DateField(
        label="Day",
        help_text="It counts for that day and the seven days after it, until there is a newer one.",
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

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


class DoubtedFile(forms.Form):
    """What was in a file that was doubted, to be sent again as it is."""

    home = forms.CharField(widget=forms.HiddenInput)
    name = forms.CharField(max_length=200, widget=forms.HiddenInput)
    content = forms.CharField(max_length=MOST_BYTES, strip=False, widget=forms.HiddenInput)


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
    form, unusual = RateForm(request.POST), list[str]()
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
                confirmed=form.confirmed,
            )
        except rates.CannotSet as error:
            form.add_error("rate" if "rate" in error.text else None, f"{error.text} {error.action}")
        except Doubted as error:
            unusual = error.doubts
            form.ask()
        else:
            counts = f"for {found.on:%-d %B %Y} and seven days after it, until there is a newer one"
            messages.success(request, f"1 {found.currency} is {found.rate} {found.home} {counts}.")
            return redirect("flows:rates")
    return _page(request, form, FileForm(), unusual=unusual)


@requires(Role.BOOKKEEPER)
@require_POST
def upload(request: TenantRequest) -> HttpResponse:
    """Take a file; one with unusual lines only when it is sent again from the question about them."""
    again = "content" in request.POST
    form: forms.Form = DoubtedFile(request.POST) if again else FileForm(request.POST, request.FILES)
    problems, doubted = list[str](), None
    if form.is_valid():
        values = form.cleaned_data
        name = values["name"] if again else values["file"].name
        content = values["content"].encode() if again else values["file"].read(MOST_BYTES + 1)
        try:
            kept = rates.upload(request.tenant.pk, request.user.actor, values["home"], name, content, confirmed=again)
        except BadRateFile as error:
            problems = error.problems
        except rates.CannotSet as error:
            form.add_error(None if again else "home", f"{error.text} {error.action}")
        except Doubted as error:
            sent = {"home": values["home"], "name": name[:200], "content": content.decode("utf-8-sig")}
            doubted = (error.doubts, DoubtedFile(sent))
        else:
            messages.success(
                request, f"{kept.new} rates are new, {kept.changed} changed, {kept.same} were there already."
            )
            return redirect("flows:rates")
    one = RateForm(initial=_first_missing())
    return _page(request, one, FileForm() if again else form, problems, doubted=doubted)


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


def _page(
    request: TenantRequest,
    form: RateForm,
    files: forms.Form,
    problems: Sequence[str] = (),
    *,
    unusual: Sequence[str] = (),
    doubted: tuple[list[str], DoubtedFile] | None = None,
) -> HttpResponse:
    context = {
        "form": form,
        "files": files,
        "problems": problems,
        "unusual": unusual,
        "doubted": doubted,
        "page": Paginator(rates.listed(), PAGE).get_page(request.GET.get("page")),
        "missing": rates.missing()[:PAGE],
        "may_set": can(request.member, Action.MAP),
        "crumbs": [("Flows", reverse("flows:flows"))],
    }
    failed = form.errors or files.errors or problems or unusual or doubted
    return render(request, "flows/rates.html", context, status=422 if failed and request.method == "POST" else 200)
