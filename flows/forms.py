"""The forms of the flow pages. They say what to do, and give back what was typed."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, cast

from django import forms

from amazon.connect import label
from amazon.models import STANDARD_ORDERS
from bookkeeping.money import SOUND, BadAmount, exponent, from_decimal, to_text
from bookkeeping.months import first_of_month
from flows import account_types, accruals, creation, currencies, opening
from flows.drafts import matters_in_summary
from flows.models import Flow
from flows.opening import Told
from kit import clock
from ledgers.models import Company
from ledgers.port import ORDERS, SUMMARY, Layout
from ledgers.registry import layouts_of
from tenants.models import Connection

_AMOUNT: Final = re.compile(r"[+\-−]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
_OLDEST: Final = date(2010, 1, 1)
_EVERY: Final = {15: "every 15 minutes", 60: "every hour", 360: "four times a day", 1440: "once a day"}
_ORDERS_EVERY: Final = tuple(_EVERY.items())
_SETTLEMENTS_EVERY: Final = _ORDERS_EVERY[1:]


class AskingForm(forms.Form):
    """A form whose unusual values are asked about: ``confirm`` has what was doubted, and counts where that is sent again."""

    confirm = forms.CharField(required=False, widget=forms.HiddenInput)

    def ask(self) -> None:
        self.data = {**self.data, "confirm": self._said()}

    @property
    def confirmed(self) -> bool:
        return bool(self.cleaned_data["confirm"] == self._said())

    def _said(self) -> str:
        return " ".join(str(value) for name, value in self.cleaned_data.items() if name != "confirm")


def minor_from_text(text: str, currency: str, like: str = "1234.56 or -79.41") -> int:
    """Return typed text as minor units: ``1,234.56``, ``-79.41``; empty is 0. Raises BadAmount with a sentence that has an
    amount to write it ``like``."""
    plain = "".join(text.split())
    if not plain:
        return 0
    if not _AMOUNT.fullmatch(plain):
        raise BadAmount(f"Write the amount with a point before the decimals, for example {like}.")
    try:
        amount = from_decimal(Decimal(plain.replace(",", "").replace("−", "-")), currency)
    except BadAmount:
        places = exponent(currency)
        kept = f"{places} decimals" if places else "no decimals"
        raise BadAmount(f"{text} is not an exact amount: {currency} has {kept}.") from None
    if abs(amount) > SOUND:
        raise BadAmount(f"{text} is more than any balance of a seller. Look at it once more.")
    return amount


def every(minutes: int) -> str:
    """Return a cadence in words."""
    return _EVERY.get(minutes, f"every {minutes} minutes")


def plausible_day(value: date | None) -> date | None:
    if value is not None and value < _OLDEST:
        raise forms.ValidationError("Choose a day after 2010: Amazon has no settlement files from before.")
    return value


class TermsForm(forms.Form):
    """What a flow is agreed on beyond where it leads. ``flow`` is None for a new one."""

    name = forms.CharField(
        max_length=120, required=False, help_text="How it is called on these pages. Empty: Tieout names it."
    )
    mode = forms.ChoiceField(choices=Flow.Mode.choices, initial=Flow.Mode.SUMMARY, widget=forms.RadioSelect)
    trigger = forms.ChoiceField(
        label="An order is invoiced",
        choices=Flow.Trigger.choices,
        initial=Flow.Trigger.SETTLED,
        widget=forms.RadioSelect,
    )
    layout = forms.ChoiceField(
        label="How a settlement is closed",
        required=False,
        widget=forms.RadioSelect,
        help_text="All end in the same balances.",
    )
    strategy = forms.ChoiceField(
        label="Amounts in another currency than your books",
        choices=Flow.Strategy.choices,
        widget=forms.RadioSelect,
        required=False,
        help_text="Leave documents in the settlement currency only where the account that gets the payouts is kept in it, or "
        "where you revalue the clearing account in the ledger.",
    )
    rate_from = forms.ChoiceField(
        label="Exchange rate of a settlement",
        choices=Flow.RateFrom.choices,
        widget=forms.RadioSelect,
        required=False,
        initial=Flow.RateFrom.TABLE,
        help_text="Where Amazon settles in another currency than that of your books. With Amazon's own, what it keeps of the "
        "conversion is in every line and stands on no account of its own. Amazon states it days after the settlement: let "
        "settlements wait for your approval until then.",
    )
    generic_items = forms.BooleanField(
        label="Invoice a SKU without an item under one general item",
        required=False,
        initial=True,
        help_text="Otherwise the invoice waits until the SKU has an item.",
    )
    accrues = forms.BooleanField(
        label="Accrue at each month's end what Amazon holds back",
        required=False,
        help_text="Amazon releases a sale about a week after delivery, so at a month's end some of its sales are in no settlement. "
        "They are booked on its last day against Amazon Deferred Receivable and taken back on the next day. For accrual-basis "
        "books; settlements and payouts stay as they are.",
    )
    approval = forms.ChoiceField(
        label="Before a settlement is posted",
        choices=Flow.Approval.choices,
        initial=Flow.Approval.REVIEW,
        widget=forms.RadioSelect,
    )
    books_from = forms.DateField(
        label="First day of these books",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Settlements that ended before this day stay out. Of one that runs over it, the months before this day open "
        "the clearing account with what Amazon owed, and are no income here. Take the first day nobody has booked yet. "
        "Empty: everything Amazon still has.",
    )
    opening_clearing = forms.CharField(
        label="Owed by Amazon on that day",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Usually empty. What the settlement before ended with, if it was not paid out: below zero when you owed "
        "Amazon. Seller Central: Payments, Statement view, the settlement before, closing balance.",
    )
    opening_reserve = forms.CharField(
        label="Held in reserve on that day",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Your money that Amazon held back. Seller Central: Payments, Statement view, the settlement before, "
        "account level reserve.",
    )
    opening_loan = forms.CharField(
        label="Still owed on a loan from Amazon",
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="Only if Amazon Lending takes repayments out of your settlements and the loan is not in your books yet. Seller "
        "Central: Growth, Lending, the balance on that day.",
    )
    orders_every_min = forms.TypedChoiceField(label="Look for orders", coerce=int, choices=_ORDERS_EVERY, initial=60)
    settlements_every_min = forms.TypedChoiceField(
        label="Look for settlements",
        coerce=int,
        choices=_SETTLEMENTS_EVERY,
        initial=360,
        help_text="Amazon makes a settlement about every two weeks.",
    )

    def __init__(
        self, data: Any = None, *, flow: Flow | None = None, told: Told | None = None, layouts: Sequence[Layout] = ()
    ) -> None:
        super().__init__(data, initial=_initial(flow) if flow else None)
        self.flow, self.told = flow, told
        self.tenant_id = flow.tenant_id if flow else 0
        if told is not None and not (flow and opening.stated(flow)):
            self._take_from_the_file(told)
        if len(layouts) > 1:
            offered = cast(forms.ChoiceField, self.fields["layout"])
            offered.choices = [(each.name, each.label) for each in layouts]
            self.initial["layout"] = self.initial.get("layout") or layouts[0].name
            if matters_in_summary(layouts):
                offered.label = "Where payouts go"
            offered.help_text = " ".join([str(offered.help_text), *(each.help for each in layouts if each.help)])
        else:
            del self.fields["layout"]
        fixed = flow is not None and flow.state != Flow.State.SETUP
        if flow is None or fixed or not flow.home or not currencies.may_be_native(flow.target):
            del self.fields["strategy"]
        if flow is not None and not flow.home:
            del self.fields["rate_from"]
        if flow is None or accruals.problem(flow):
            del self.fields["accrues"]
        chosen = [each for each in layouts if flow and each.name == flow.layout]
        # Several ledgers to choose from: what holds for each of them.
        self.words = {
            "summary": (chosen or layouts)[0].summary if layouts else SUMMARY,
            "orders": (chosen or layouts)[0].orders if layouts else ORDERS,
        }
        self.layout_in_summary = matters_in_summary(layouts)
        if fixed and flow is not None and flow.mode == Flow.Mode.SUMMARY:
            for name in ("generic_items",) if self.layout_in_summary else ("layout", "generic_items"):
                self.fields.pop(name, None)
        for name in creation.FIGURES:
            self.fields[name].label = f"{self.fields[name].label}{f', {flow.currency}' if flow else ''}"
        if fixed:
            for name in ("mode", "trigger", "books_from", *creation.FIGURES):
                del self.fields[name]

    def clean_books_from(self) -> date | None:
        return plausible_day(self.cleaned_data["books_from"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        currency, target = self._currency(), self._target()
        if currency:
            for name in creation.FIGURES:
                self._parse(cleaned, name, currency)
        self._check_start(cleaned, target, currency)
        return cleaned

    def values(self) -> dict[str, Any]:
        """Return the fields of the flow."""
        values = {name: value for name, value in self.cleaned_data.items() if name in creation.CHANGEABLE}
        if "accrues" in self.cleaned_data and self.flow is not None:
            since = self.flow.accrues_from or first_of_month(max(clock.now().date(), self.flow.books_from or date.min))
            values["accrues_from"] = since if self.cleaned_data["accrues"] else None
        return values

    def _source(self) -> Connection | None:
        return self.flow.source if self.flow else None

    def _currency(self) -> str:
        return self.flow.currency if self.flow else ""

    def _account_type(self) -> str:
        return self.flow.account_type if self.flow else STANDARD_ORDERS

    def _target(self) -> Connection | None:
        return self.flow.target if self.flow else None

    def _take_from_the_file(self, told: Told) -> None:
        """Offer the figures of Amazon's own file, and the day they hold on."""
        currency = told.settlement.currency
        for name, amount in (("opening_clearing", told.clearing), ("opening_reserve", told.reserve)):
            self.initial[name] = to_text(amount, currency) if amount else ""
        self.initial["books_from"] = self.initial.get("books_from") or told.day

    def _parse(self, cleaned: dict[str, Any], name: str, currency: str) -> None:
        if name not in cleaned:
            return
        try:
            cleaned[name] = minor_from_text(cleaned[name], currency)
        except BadAmount as error:
            self.add_error(name, str(error))
            return
        if name == "opening_reserve" and cleaned[name] < 0:
            self.add_error(name, "A reserve is money that Amazon holds for you: it cannot be below zero.")
        if name == "opening_loan" and cleaned[name] < 0:
            self.add_error(name, "Write what you still owe, above zero.")

    def _check_start(self, cleaned: dict[str, Any], target: Connection | None, currency: str) -> None:
        starts = cleaned.get("books_from")
        if starts is None:
            if any(isinstance(each := cleaned.get(name), int) and each for name in creation.FIGURES):
                self.add_error("books_from", "Say on which day these opening figures hold: the first day of the books.")
            return
        of = self.tenant_id, self._source(), currency, starts, self._account_type()
        if currency and (problem := creation.start_problem(*of)):
            self.add_error("books_from", problem)
        if target is None:
            return
        company = Company.objects.filter(connection=target).first()
        if company and company.closed_until and starts <= company.closed_until:
            closed = f"{company.closed_until:%-d %B %Y}"
            self.add_error(
                "books_from",
                f"The books of {company.name} are closed until {closed}. Choose a later day, or open the period.",
            )


class NewFlowForm(TermsForm):
    """Where from, where to and in which currency, beside the terms."""

    source = forms.ChoiceField(label="Amazon account", required=False)
    target = forms.ChoiceField(label="Company in your books")
    currency = forms.ChoiceField(
        label="Settlement currency", help_text="Amazon settles each currency by itself; each has a flow of its own."
    )
    account_type = forms.ChoiceField(
        label="Account type",
        required=False,
        help_text="Amazon settles invoiced orders, sales to companies on account, apart from all others.",
    )
    field_order = ["source", "target", "currency", "account_type"]

    def __init__(
        self, data: Any = None, *, tenant_id: int, sources: Sequence[Connection], targets: Sequence[Connection]
    ) -> None:
        super().__init__(data, layouts=_layouts(targets))
        self.tenant_id = tenant_id
        self.sources = {str(each.pk): each for each in sources}
        self.targets = {str(each.pk): each for each in targets}
        self.currencies: dict[str, list[str]] = {
            "": creation.settled_currencies(tenant_id, None),
            **{pk: creation.settled_currencies(tenant_id, each) for pk, each in self.sources.items()},
        }
        self.account_types = {pk: account_types.known(tenant_id, each) for pk, each in self.sources.items()}
        self.account_types[""] = account_types.known(tenant_id, None)
        types = [
            STANDARD_ORDERS,
            *sorted({one for some in self.account_types.values() for one in some} - {STANDARD_ORDERS}),
        ]
        self._choices("account_type", [(one, one) for one in types])
        if len(types) == 1:
            del self.fields["account_type"]
        by_hand = [("", "No account: files I upload")] if self.currencies[""] or not sources else []
        self._choices(
            "source",
            [(pk, label(each) if len(sources) > 1 else str(each)) for pk, each in self.sources.items()] + by_hand,
        )
        self._choices("target", [(pk, each.named) for pk, each in self.targets.items()])
        offered = sorted({currency for of_source in self.currencies.values() for currency in of_source})
        self._choices("currency", [(currency, currency) for currency in offered])
        if not any(currencies.may_differ(each, currency) for each in targets for currency in offered):
            del self.fields["rate_from"]
        if len(self.targets) == 1:
            self._start_after_closing(next(iter(self.targets.values())))
        if not sources or (len(sources) == 1 and not self.currencies[""]):
            self._begin_with_what_is_known(sources[0] if sources else None)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        source, currency = cleaned.get("source", ""), cleaned.get("currency", "")
        possible = self.currencies.get(source, [])
        if currency and currency not in possible:
            known = f"settles in {', '.join(possible)}" if possible else "has no settlement yet: upload one first"
            whose = self.sources.get(source) or "This choice"
            self.add_error("currency", f"{whose} {known}.")
        if (chosen := cleaned.get("account_type")) and chosen not in (kinds := self.account_types.get(source, [])):
            self.add_error("account_type", f"{self.sources.get(source) or 'This choice'} has {', '.join(kinds)}.")
        return cleaned

    def values(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        source, target = self.sources.get(cleaned["source"]), self.targets[cleaned["target"]]
        unusual = f" {self._account_type()}" if self._account_type() != STANDARD_ORDERS else ""
        name = cleaned["name"].strip() or f"{source or 'Uploaded files'} {cleaned['currency']}{unusual}"
        if source and not cleaned["name"].strip() and Flow.objects.filter(name=name).exclude(source=source).exists():
            name = f"{name} {source.remote_id}"  # two accounts may be called the same
        if not cleaned["name"].strip() and Flow.objects.filter(name=name).exists():
            name = f"{name} into {target.named}"
        terms = super().values()
        if not terms.get("rate_from"):
            terms.pop("rate_from", None)
        return {
            **terms,
            "source": source,
            "target": target,
            "currency": cleaned["currency"],
            "account_type": self._account_type(),
            "name": name[:120],
        }

    def _currency(self) -> str:
        return str(self.cleaned_data.get("currency", ""))

    def _account_type(self) -> str:
        return str(self.cleaned_data.get("account_type") or STANDARD_ORDERS)

    def _target(self) -> Connection | None:
        return self.targets.get(str(self.cleaned_data.get("target", "")))

    def _choices(self, name: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def _source(self) -> Connection | None:
        return self.sources.get(str(self.cleaned_data.get("source", "")))

    def _begin_with_what_is_known(self, source: Connection | None) -> None:
        """Where there is but one thing to create a flow for, and its first settlement is known, offer its figures."""
        [currency, *others] = self.currencies[str(source.pk) if source else ""] or [""]
        if not others and not self.initial.get("books_from"):
            self.told = opening.told_by(creation.first_settlement(self.tenant_id, source, currency))
            if self.told is not None:
                self._take_from_the_file(self.told)

    def _start_after_closing(self, target: Connection) -> None:
        company = Company.objects.filter(connection=target).first()
        if company and company.closed_until and (clock.now().date() - company.closed_until).days < 400:
            self.initial["books_from"] = date.fromordinal(company.closed_until.toordinal() + 1)


def _layouts(targets: Sequence[Connection]) -> Sequence[Layout]:
    """Return how documents may be cut where every company is of one ledger; else it is chosen once the flow exists."""
    offered = [layouts_of(each) for each in targets]
    return offered[0] if offered and all(each == offered[0] for each in offered) else ()


def _initial(flow: Flow) -> dict[str, Any]:
    values = {name: getattr(flow, name) for name in creation.CHANGEABLE}
    for name in creation.FIGURES:
        values[name] = to_text(values[name], flow.currency) if values[name] else ""
    return values | {"accrues": flow.accrues_from is not None}


class ModeForm(forms.Form):
    mode = forms.ChoiceField(choices=Flow.Mode.choices, widget=forms.RadioSelect)
    trigger = forms.ChoiceField(
        label="An order is invoiced", choices=Flow.Trigger.choices, widget=forms.RadioSelect, required=False
    )

    def clean_trigger(self) -> str:
        return self.cleaned_data["trigger"] or Flow.Trigger.SETTLED.value
