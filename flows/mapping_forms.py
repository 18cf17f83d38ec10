"""The forms of the mapping pages: accounts, split rules, product groups, customers, labels."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from django import forms

from amazon.labels import CATEGORY_NAMES
from bookkeeping.accounts import ACCOUNTS, AccountKey, Category
from bookkeeping.facts import Label
from flows.categories import GROUPS
from flows.fitting import UNUSUAL, USUAL, Classes, grouped
from flows.forms import plausible_day
from flows.setup import OWN_ACCOUNTS, Choice
from ledgers.port import Binding, Reference, RemoteAccount, RemoteObject

CREATE: Final = "+"  # the choice that has a default account made


class AccountsForm(forms.Form):
    """A select of fitting accounts per line of the mapping, and of classes and locations where the company has them."""

    def __init__(
        self, lines: Sequence[Choice], company: Reference, data: Any = None, *, can_create: bool = True
    ) -> None:
        super().__init__(data)
        self.lines = {line.key: line for line in lines}
        never = OWN_ACCOUNTS | {AccountKey.OPENING}
        self.makeable = {line.key for line in lines if can_create and line.key not in never}
        self.classes, self.locations = _active(company.classes), _active(company.locations)
        for line in lines:
            wanted = line.target.account or (line.suggestion.account_id if line.suggestion else "")
            self._add(f"account-{line.key}", self._accounts(line), wanted, f"key-{line.key} account-column")
            if self.classes:
                named = f"key-{line.key} class-column"
                self._add(f"class-{line.key}", _pairs(self.classes, "No class"), line.target.class_, named)
            if self.locations:
                named = f"key-{line.key} location-column"
                self._add(f"location-{line.key}", _pairs(self.locations, "No location"), line.target.department, named)

    def rows(self) -> list[dict[str, Any]]:
        """Return what a row of the table shows: the line, its fields, and whether the suggestion is shown as chosen."""
        return [
            {
                "line": line,
                "about": ACCOUNTS[key],
                "account": self[f"account-{key}"],
                "class": self[f"class-{key}"] if self.classes else None,
                "location": self[f"location-{key}"] if self.locations else None,
                "class_name": _name_of(self.classes, line.target.class_),
                "location_name": _name_of(self.locations, line.target.department),
                "suggested": bool(line.suggestion and not line.target.account),
            }
            for key, line in self.lines.items()
        ]

    def changes(self) -> tuple[dict[AccountKey, Binding], list[AccountKey]]:
        """Return the wanted target of every line, and the keys whose account is to be made first."""
        targets, make = {}, []
        for key, line in self.lines.items():
            account = self.cleaned_data[f"account-{key}"]
            if account == CREATE:
                make.append(key)
            item = line.target.item if account == line.target.account else ""
            targets[key] = Binding(
                account=account,
                item=item,
                class_=self.cleaned_data.get(f"class-{key}", "") if account else "",
                department=self.cleaned_data.get(f"location-{key}", "") if account else "",
            )
        return targets, make

    def _accounts(self, line: Choice) -> list[tuple[str, Any]]:
        choices: list[tuple[str, Any]] = [("", "Choose an account…" if line.needed else "None")]
        if line.target.account and line.target.account not in {option.id for option in line.options}:
            choices.append((line.target.account, line.name or "An account that is gone"))
        if line.key in self.makeable and not line.making:
            choices.append((CREATE, f"Create “{ACCOUNTS[line.key].name}”"))
        perhaps = line.perhaps.accounts if line.perhaps else ()
        return choices + _grouped([line.key], line.options, perhaps, line.classes)

    def _add(self, name: str, choices: Sequence[tuple[str, Any]], initial: str, named_by: str) -> None:
        select = forms.Select(
            attrs={"aria-labelledby": named_by}
        )  # the row's and the column's head: no room for labels
        field = forms.ChoiceField(choices=choices, initial=initial, required=False, widget=select)
        field.error_messages["invalid_choice"] = "This account is no longer offered. Choose another one."
        self.fields[name] = field


class SplitForm(forms.Form):
    """A rule for part of an account key: which rows, and what they get."""

    keys = forms.MultipleChoiceField(
        label="For",
        choices=[(key.value, ACCOUNTS[key].name) for key in (
            AccountKey.SALES, AccountKey.SHIP_INCOME, AccountKey.WRAP_INCOME, AccountKey.PROMO, AccountKey.REFUNDS,
            AccountKey.FEE_SELLING, AccountKey.FEE_FBA,
        )],
        initial=[AccountKey.SALES],
        widget=forms.CheckboxSelectMultiple,
    )  # fmt: skip
    sku = forms.CharField(
        label="SKU",
        max_length=120,
        required=False,
        help_text="One SKU, or a pattern with * for any characters: MUG-* takes every SKU that begins so.",
        widget=forms.TextInput(attrs={"list": "skus", "autocomplete": "off"}),
    )
    product_group = forms.ChoiceField(required=False)
    marketplace = forms.ChoiceField(required=False)
    account = forms.ChoiceField(
        required=False, help_text="Empty: the account of the item, else the one the mapping has."
    )
    item = forms.CharField(
        required=False,
        max_length=300,
        help_text="Its income account must be the account of the rule.",
        widget=forms.TextInput(attrs={"list": "items", "autocomplete": "off"}),
    )
    class_ = forms.ChoiceField(label="Class", required=False)
    department = forms.ChoiceField(label="Location", required=False)
    effective_from = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Rows before this day are booked as without the rule. Empty: all that is not in the books yet.",
    )

    def __init__(
        self,
        lines: Mapping[AccountKey, Choice],
        company: Reference,
        groups: Sequence[str],
        marketplaces: Sequence[str],
        data: Any = None,
        initial: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data, initial=dict(initial or {}))
        self.lines, self.company = lines, company
        self._offer("product_group", [("", "Any"), *((name, name) for name in groups)], bool(groups))
        self._offer("marketplace", [("", "Any"), *((name, name) for name in marketplaces)], True)
        options = {option.id: option for line in lines.values() for option in line.options}
        of_sales = _grouped([AccountKey.SALES], sorted(options.values(), key=lambda one: one.name.casefold()))
        self._offer(
            "account", [("", "Not set"), *((name.removeprefix(UNUSUAL), some) for name, some in of_sales)], True
        )
        self._offer("class_", _pairs(_active(company.classes), "Not set"), bool(_active(company.classes)))
        self._offer("department", _pairs(_active(company.locations), "Not set"), bool(_active(company.locations)))

    def clean_sku(self) -> str:
        return str(self.cleaned_data["sku"]).strip()

    def clean_item(self) -> RemoteObject | None:
        return find(self.cleaned_data["item"], self.company.items, "item")

    def clean_effective_from(self) -> date | None:
        return plausible_day(self.cleaned_data["effective_from"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        item, account, keys = cleaned.get("item"), cleaned.get("account", ""), cleaned.get("keys", [])
        if not any(cleaned.get(name) for name in ("sku", "product_group", "marketplace")):
            self.add_error("sku", "Say which SKU, product group or marketplace this is for.")
        if not any(cleaned.get(name) for name in ("account", "item", "class_", "department")):
            self.add_error("account", "Choose at least one: account, item, class or location.")
        if item and AccountKey.SALES in keys and account and item.account and item.account != account:
            names = {each.id: each.name for each in self.company.accounts}
            booked = names.get(item.account, "another account")
            self.add_error(
                "account", f"The item {item.name} books to {booked}. Choose that account, or leave the account empty."
            )
        for key in keys:
            offered = {option.id for option in self.lines[AccountKey(key)].options}
            if account and account not in offered:
                self.add_error("account", f"This account cannot serve as {ACCOUNTS[AccountKey(key)].name}.")
        return cleaned

    def rule(self) -> tuple[list[AccountKey], Binding, dict[str, Any]]:
        """Return keys, target and conditions. An item brings the account it books to."""
        cleaned = self.cleaned_data
        item = cleaned["item"]
        target = Binding(
            account=cleaned["account"] or (item.account if item else ""),
            item=item.id if item else "",
            class_=cleaned.get("class_", ""),
            department=cleaned.get("department", ""),
        )
        conditions = {name: cleaned.get(name, "") for name in ("sku", "product_group", "marketplace")}
        keys = [AccountKey(key) for key in cleaned["keys"]]
        return keys, target, {**conditions, "effective_from": cleaned["effective_from"]}

    def _offer(self, name: str, choices: Sequence[tuple[str, Any]], there: bool) -> None:
        if not there:
            del self.fields[name]
            return
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(choices)


class GroupsForm(forms.Form):
    """A file of two columns, SKU and product group."""

    MOST_BYTES: Final = 2 << 20

    file = forms.FileField(
        label="Product groups as CSV",
        help_text="Two columns: SKU, product group. The file replaces the groups there are.",
        widget=forms.FileInput(attrs={"accept": ".csv,.txt,text/csv"}),
    )

    def clean_file(self) -> str:
        file = self.cleaned_data["file"]
        if file.size > self.MOST_BYTES:
            raise forms.ValidationError(
                "The file is larger than 2 MB. Split it, or leave out columns that are not needed."
            )
        try:
            return str(file.read().decode("utf-8-sig"))
        except UnicodeDecodeError:
            raise forms.ValidationError(
                "The file is not in UTF-8. In your spreadsheet, save it as “CSV UTF-8”."
            ) from None


class CustomersForm(forms.Form):
    """The customer of each marketplace's invoices; empty is the generic one that we make."""

    def __init__(
        self, marketplaces: Sequence[str], chosen: Mapping[str, str], company: Reference, data: Any = None
    ) -> None:
        names = {each.id: each.name for each in company.customers}
        super().__init__(data)
        self.company, self.marketplaces = company, list(marketplaces)
        for number, marketplace in enumerate(marketplaces):
            self.fields[f"customer-{number}"] = forms.CharField(
                label=marketplace,
                required=False,
                max_length=300,
                initial=names.get(chosen.get(marketplace.casefold(), ""), ""),
                widget=forms.TextInput(attrs={"list": "customers", "autocomplete": "off"}),
            )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        for name in self.fields:
            try:
                cleaned[name] = find(cleaned.get(name, ""), self.company.customers, "customer")
            except forms.ValidationError as error:
                self.add_error(name, error)
        return cleaned

    def customers(self) -> dict[str, str]:
        """Return marketplace -> customer's id, "" for the generic one."""
        found = (self.cleaned_data[f"customer-{number}"] for number in range(len(self.marketplaces)))
        return {
            marketplace: customer.id if customer else ""
            for marketplace, customer in zip(self.marketplaces, found, strict=True)
        }


class LabelForm(forms.Form):
    """What one of Amazon's labels means. The label travels in hidden fields."""

    transaction_type = forms.CharField(max_length=120, required=False, widget=forms.HiddenInput)
    amount_type = forms.CharField(max_length=200, required=False, widget=forms.HiddenInput)
    amount_description = forms.CharField(max_length=300, required=False, widget=forms.HiddenInput)
    category = forms.ChoiceField(
        label="What it is",
        choices=[
            ("", "Choose…"),
            *((group.name, [(each.category.value, each.name) for each in group.choices]) for group in GROUPS),
        ],
        error_messages={"required": "Choose what this label means."},
    )
    effective_from = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text="Settlements that end before this day keep the earlier meaning. Empty: all.",
    )
    everywhere = forms.BooleanField(label="Also in the other flows where it waits", required=False, initial=True)

    def clean_effective_from(self) -> date | None:
        return plausible_day(self.cleaned_data["effective_from"])

    @property
    def label(self) -> Label:
        source = self.cleaned_data if self.is_bound else self.initial
        return Label(source["transaction_type"], source["amount_type"], source["amount_description"])

    @property
    def chosen(self) -> Category:
        return Category(self.cleaned_data["category"])

    @property
    def chosen_name(self) -> str:
        return CATEGORY_NAMES[self.chosen]


def find(text: str, objects: Sequence[RemoteObject], noun: str) -> RemoteObject | None:
    """Return the active object of a typed name, ``name`` or ``name · id``. Raises ValidationError with what to do."""
    wanted = text.strip()
    if not wanted:
        return None
    active = _active(objects)
    named = [each for each in active if each.name.casefold() == wanted.casefold()]
    if len(named) == 1:
        return named[0]
    exact = next((each for each in active if shown(each, active) == wanted), None)
    if exact is not None:
        return exact
    if named:
        raise forms.ValidationError(f"Several are called {wanted}. Choose one from the list, with its number.")
    raise forms.ValidationError(
        f"The ledger has no active {noun} called {wanted}. Choose one from the list, or read the lists again."
    )


def shown(one: RemoteObject, others: Sequence[RemoteObject]) -> str:
    """Return how an object is named in a list: with its id where the name alone is not enough."""
    same = sum(each.name.casefold() == one.name.casefold() for each in others)
    return f"{one.name} · {one.id}" if same > 1 else one.name


def _name_of(objects: Sequence[RemoteObject], wanted: str) -> str:
    return next((each.name for each in objects if each.id == wanted), "")


def _active(objects: Sequence[RemoteObject]) -> list[RemoteObject]:
    return [each for each in objects if each.active]


def _grouped(
    keys: Sequence[AccountKey], accounts: Sequence[RemoteAccount], first: Sequence[str] = (), classes: Classes = USUAL
) -> list[tuple[str, Any]]:
    """Return the choices of a select, the usual types first."""
    found = grouped(keys, accounts, first, classes)
    return [(heading, [(each.id, _label(each)) for each in some]) for heading, some in found]


def _label(account: RemoteAccount) -> str:
    return f"{account.number} {account.name}".strip() + (f" ({account.currency})" if account.currency else "")


def _pairs(objects: Sequence[RemoteObject], empty: str) -> list[tuple[str, str]]:
    return [("", empty), *((each.id, each.name) for each in objects)]
