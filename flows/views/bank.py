"""The bank: accounts, the import of their statements, and which line is which payout."""

from dataclasses import replace
from typing import Any, Final

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from amazon.models import Settlement
from bank.csv_file import Columns, in_two_ways, table_of, text_of
from bank.days import FORMS
from bank.lines import MOST_BYTES, BadBankFile
from flows import bank_files, bank_matches
from flows.models import BankAccount, BankLine, Flow
from flows.views.settlements import number_or
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

PAGE: Final = 100
_SHOWS: Final = {"unmatched": "Without a payout", "matched": "Payouts", "aside": "Set aside"}
_NONE: Final = [("", "none")]


class AccountForm(forms.Form):
    name = forms.CharField(max_length=80, label="Name", help_text="As you know it: Business account.")
    currency = forms.RegexField(r"^[A-Za-z]{3}$", label="Currency", help_text="Three letters, like USD.")
    tail = forms.CharField(
        max_length=6,
        required=False,
        label="Last digits",
        help_text="Of the account number, three to six; tells accounts of one file apart.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class FileForm(forms.Form):
    file = forms.FileField(
        label="Statement",
        help_text="OFX, QFX or CSV, as your bank exports it. A file may overlap earlier ones.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty: export it again."},
    )


class ColumnsForm(forms.Form):
    """What the columns of a CSV are, with the file itself, to be sent again as it is."""

    day = forms.ChoiceField(label="Day")
    day_form = forms.ChoiceField(label="Days are written like", choices=list(FORMS.items()))
    amount = forms.ChoiceField(
        label="Amount",
        required=False,
        help_text="One column, above zero where money came in; or none, and the two below.",
    )
    money_in = forms.ChoiceField(label="Money in", required=False)
    money_out = forms.ChoiceField(label="Money out", required=False)
    mark = forms.ChoiceField(
        label="Before the decimals", choices=[(".", "a point: 1,234.56"), (",", "a comma: 1.234,56")]
    )
    texts = forms.MultipleChoiceField(
        label="Text", required=False, widget=forms.CheckboxSelectMultiple, help_text="What the bank writes of a line."
    )
    name = forms.CharField(max_length=200, widget=forms.HiddenInput)
    content = forms.CharField(max_length=MOST_BYTES, strip=False, widget=forms.HiddenInput)

    def __init__(self, names: tuple[str, ...], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in ("day", "amount", "money_in", "money_out", "texts"):
            empty = [] if field == "texts" else _NONE
            self.fields[field].choices = [*empty, *((name, name) for name in names)]  # type: ignore[attr-defined]


@requires(Role.VIEWER)
@require_safe
def listing(request: TenantRequest) -> HttpResponse:
    """Every account with what is open on it; the payouts that are on none."""
    return _listing(request, AccountForm(initial=_first_account()))


@requires(Role.BOOKKEEPER)
@require_POST
def open_account(request: TenantRequest) -> HttpResponse:
    form = AccountForm(request.POST)
    if form.is_valid():
        values = form.cleaned_data
        try:
            account = bank_files.open_account(
                request.tenant.pk, request.user.actor, values["name"], values["currency"], values["tail"]
            )
        except bank_files.CannotKeep as error:
            form.add_error(None, f"{error.text} {error.action}")
        else:
            messages.success(request, f"{account.name} is here. Now import a statement of it.")
            return redirect("flows:bank_account", account.pk)
    return _listing(request, form)


@requires(Role.VIEWER)
@require_safe
def account(request: TenantRequest, pk: int) -> HttpResponse:
    return _account(request, get_object_or_404(BankAccount, pk=pk), FileForm())


@requires(Role.BOOKKEEPER)
@require_POST
def upload(request: TenantRequest, pk: int) -> HttpResponse:
    """Take a statement; a CSV whose columns nobody has confirmed first shows what they seem to be."""
    account = get_object_or_404(BankAccount, pk=pk)
    form = FileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _account(request, account, form)
    file = form.cleaned_data["file"]
    content = file.read(MOST_BYTES + 1)
    try:
        taken = bank_files.import_file(account, file.name, content, request.user.actor)
    except BadBankFile as error:
        return _account(request, account, form, error.problems)
    except bank_files.NeedsColumns as asked:
        return _columns(request, account, asked, file.name, content)
    return _taken(request, account, taken)


@requires(Role.BOOKKEEPER)
@require_POST
def confirm(request: TenantRequest, pk: int) -> HttpResponse:
    """Take a CSV with the columns that a person has confirmed; they are remembered for the account."""
    account = get_object_or_404(BankAccount, pk=pk)
    posted = {name: request.POST.get(name, "") for name in ("name", "content")}
    content = posted["content"].encode()
    given = Columns(
        names=(),
        texts=tuple(request.POST.getlist("texts")),
        **{name: request.POST.get(name, "") for name in ("day", "day_form", "amount", "money_in", "money_out", "mark")},
    )
    try:
        taken = bank_files.import_file(account, posted["name"], content, request.user.actor, given)
    except BadBankFile as error:
        asked = _asked_again(account, content, given, error.problems)
        if asked is None:
            return _account(request, account, FileForm(), error.problems)
        return _columns(request, account, asked, posted["name"], content)
    except bank_files.NeedsColumns as asked:
        return _columns(request, account, asked, posted["name"], content)
    return _taken(request, account, taken)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def remove(request: TenantRequest, pk: int) -> HttpResponse:
    account = get_object_or_404(BankAccount, pk=pk)
    if request.method == "POST":
        bank_files.remove_account(account, request.user.actor)
        messages.success(request, f"{account.name} and all its lines are forgotten.")
        return redirect("flows:bank")
    context = {"account": account, "lines": account.lines.count(), "crumbs": _crumbs(account)}
    return render(request, "flows/bank_remove.html", context)


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def match(request: TenantRequest, pk: int) -> HttpResponse:
    """Let a person choose which payout a line is."""
    line = get_object_or_404(BankLine.objects.select_related("account", "settlement"), pk=pk)
    if request.method == "POST":
        settlement = get_object_or_404(Settlement, pk=number_or(request.POST.get("settlement"), 0))
        try:
            bank_matches.match(line, settlement, request.user.actor)
        except bank_matches.CannotMatch as error:
            messages.error(request, f"{error.text} {error.action}")
            return redirect("flows:bank_match", pk)
        messages.success(
            request, f"The line of {line.on:%-d %b %Y} is the payout of settlement {settlement.settlement_id}."
        )
        return redirect("flows:bank_account", line.account_id)
    context = {
        "line": line,
        "text": bank_matches.text_of(line),
        "possible": bank_matches.possible(line) if line.settlement_id is None else [],
        "crumbs": _crumbs(line.account),
    }
    return render(request, "flows/bank_match.html", context)


@requires(Role.BOOKKEEPER)
@require_POST
def unmatch(request: TenantRequest, pk: int) -> HttpResponse:
    line = get_object_or_404(BankLine, pk=pk)
    try:
        bank_matches.unmatch(line, request.user.actor)
    except bank_matches.CannotMatch as error:
        messages.error(request, f"{error.text} {error.action}")
    else:
        messages.success(request, "Taken back. The line waits for you; nothing is matched to it by itself any more.")
    return redirect(f"{reverse('flows:bank_account', args=[line.account_id])}?show=aside")


@requires(Role.BOOKKEEPER)
@require_POST
def aside(request: TenantRequest, pk: int) -> HttpResponse:
    line, away = get_object_or_404(BankLine, pk=pk), request.POST.get("aside") != "no"
    try:
        bank_matches.set_aside(line, request.user.actor, aside=away)
    except bank_matches.CannotMatch as error:
        messages.error(request, f"{error.text} {error.action}")
    else:
        messages.success(
            request, "Set aside: it is no payout." if away else "Taken up again: it is matched like any other."
        )
    return redirect("flows:bank_account", line.account_id)


def _listing(request: TenantRequest, form: AccountForm) -> HttpResponse:
    waiting = list(bank_matches.unmatched())
    accounts = list(BankAccount.objects.order_by("name", "pk"))
    last = {one.pk: one.imports.order_by("-last_on").first() for one in accounts}
    context = {
        "rows": [(one, last[one.pk], sum(line.account_id == one.pk for line in waiting)) for one in accounts],
        "missing": bank_matches.not_there(),
        "form": form,
        "may_upload": can(request.member, Action.UPLOAD),
    }
    return render(request, "flows/bank.html", context, status=422 if form.errors else 200)


def _account(
    request: TenantRequest, account: BankAccount, form: FileForm, problems: list[str] | None = None
) -> HttpResponse:
    shown = request.GET.get("show", "")
    lines = account.lines.select_related("settlement")
    found = {
        "unmatched": lines.filter(settlement=None, decided=False).order_by("-amazon", "-on", "-pk"),
        "matched": lines.exclude(settlement=None).order_by("-on", "-pk"),
        "aside": lines.filter(settlement=None, decided=True).order_by("-on", "-pk"),
    }
    shown = shown if shown in found else "unmatched"
    here = reverse("flows:bank_account", args=[account.pk])
    page = Paginator(found[shown], PAGE).get_page(request.GET.get("page"))
    context = {
        "account": account,
        "form": form,
        "problems": problems or [],
        "page": page,
        "rows": [(line, bank_matches.text_of(line)) for line in page],
        "show": shown,
        "tabs": [
            {"label": label, "url": f"{here}?show={name}", "current": name == shown, "count": found[name].count()}
            for name, label in _SHOWS.items()
        ],
        "imports": account.imports.order_by("-at", "-pk")[:10],
        "may_upload": can(request.member, Action.UPLOAD),
        "crumbs": [("Bank", reverse("flows:bank"))],
    }
    return render(request, "flows/bank_account.html", context, status=422 if problems or form.errors else 200)


def _columns(
    request: TenantRequest, account: BankAccount, asked: bank_files.NeedsColumns, name: str, content: bytes
) -> HttpResponse:
    columns = asked.columns
    initial = {**columns.to_json(), "texts": list(columns.texts), "name": name[:200], "content": text_of(content)}
    context = {
        "account": account,
        "form": ColumnsForm(asked.table.names, initial=initial),
        "asked": asked,
        "two_ways": in_two_ways(asked.table, columns),
        "crumbs": _crumbs(account),
    }
    return render(request, "flows/bank_columns.html", context, status=422 if asked.problems else 200)


def _asked_again(
    account: BankAccount, content: bytes, given: Columns, problems: list[str]
) -> bank_files.NeedsColumns | None:
    """Return the question about the columns with what is wrong with the answer; None where the file itself is wrong."""
    try:
        table = table_of(text_of(content))
    except BadBankFile:
        return None
    return bank_files.NeedsColumns(table, replace(given, names=table.names), problems)


def _taken(request: TenantRequest, account: BankAccount, taken: bank_files.Imported) -> HttpResponse:
    read = f"{taken.lines} lines were read. {taken.kept} brought money in, {taken.new} of them are new"
    told = f"{read}; {taken.matched} payouts found their line."
    messages.success(request, told)
    return redirect("flows:bank_account", account.pk)


def _crumbs(account: BankAccount) -> list[tuple[str, str]]:
    return [("Bank", reverse("flows:bank")), (account.name, reverse("flows:bank_account", args=[account.pk]))]


def _first_account() -> dict[str, Any]:
    """Propose the currency in which the books of a flow are kept."""
    flow = Flow.objects.order_by("pk").first()
    return {} if flow is None or BankAccount.objects.exists() else {"currency": flow.home or flow.currency}
