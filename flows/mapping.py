"""The tenant's mapping as a value: which line key a row gets, and which remote ids a line key means.

A base rule serves an account key. A split rule (SKU, SKU pattern, product group, marketplace) sends part of a key
elsewhere under a line key of its own, in both modes alike. Between split rules the more specific wins: exact SKU, then
pattern, then product group, then marketplace.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from django.db.models import QuerySet

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.buyers import hash_in, is_customer
from bookkeeping.documents import (
    Customer,
    Deposit,
    Document,
    Expense,
    Invoice,
    Item,
    JournalEntry,
    NewAccount,
    Payment,
    Revaluation,
    Transfer,
    Undo,
)
from flows.models import Flow, MappingRule, ProductGroup
from ledgers.port import Binding

_INCOME: Final = (AccountClass.INCOME, AccountClass.OTHER_INCOME)
_NAMES: Final = tuple(each.name for each in fields(Binding))


@dataclass(frozen=True, slots=True)
class Split:
    """A split rule. ``name`` is the part of the line key behind the slash: it depends on the conditions alone."""

    key: AccountKey
    sku: str
    product_group: str
    marketplace: str
    effective_from: date | None
    target: Binding

    @property
    def name(self) -> str:
        return hashlib.sha256("\0".join((self.sku, self.product_group, self.marketplace)).encode()).hexdigest()[:8]

    @property
    def rank(self) -> tuple[int, int, str]:
        by_sku = 0 if not self.sku else 2 if "*" in self.sku else 3
        return (by_sku or bool(self.product_group), bool(self.marketplace), self.name)

    @property
    def conditions(self) -> str:
        return ", ".join(part for part in (self.sku, self.product_group, self.marketplace) if part)

    def takes(self, sku: str, group: str, marketplace: str, on: date) -> bool:
        return (
            (self.effective_from is None or self.effective_from <= on)
            and (not self.sku or sku_fits(sku, self.sku))
            and (not self.product_group or group == self.product_group)
            and (not self.marketplace or marketplace.casefold() == self.marketplace.casefold())
        )


def sku_fits(sku: str, pattern: str) -> bool:
    """Tell whether a rule's SKU or pattern takes a SKU. Only ``*`` means something: SKUs have other signs of their own."""
    return fnmatchcase(sku, pattern.replace("[", "[[]").replace("?", "[?]"))


class Unmapped(Exception):
    """Line keys or customers of a document that the mapping does not know."""

    def __init__(self, symbols: tuple[str, ...]) -> None:
        super().__init__(", ".join(symbols))
        self.symbols = symbols


@dataclass(frozen=True, slots=True)
class TenantMapping:
    """One version of a flow's mapping."""

    version: int
    base: Mapping[AccountKey, Binding]
    splits: Mapping[AccountKey, Sequence[Split]]  # most specific first
    customers: Mapping[str, Binding]  # marketplace, case-folded
    groups: Mapping[str, str] = field(default_factory=dict)  # SKU -> product group

    def line_key(self, key: AccountKey, sku: str, marketplace: str, on: date) -> LineKey:
        """Return the line key of a row: the account key, or the account key and the split that takes the row."""
        for split in self.splits.get(key, ()):
            if split.takes(sku, self.groups.get(sku, ""), marketplace, on):
                return f"{key}/{split.name}"
        return key.value

    def target(self, line_key: LineKey) -> Binding:
        """Return what a line key means: the split's target, completed by the key's base rule. Empty where nothing is mapped."""
        key = account_key(line_key)
        base = self.base.get(key, Binding())
        wanted = line_key.partition("/")[2]
        for split in self.splits.get(key, ()):
            if split.name == wanted:
                own = {name: value for name, value in asdict(split.target).items() if value}
                # An item of the base belongs to the base's income account.
                return replace(replace(base, item="") if split.target.account else base, **own)
        return base

    def customer(self, symbol: str) -> Binding:
        """Return the customer a tenant chose for a marketplace, empty where none."""
        return self.customers.get(marketplace_of(symbol).casefold(), Binding())

    def label(self, line_key: LineKey) -> str:
        """Return the line key for a person: the account's default name and, for a split, its conditions."""
        key = account_key(line_key)
        name = line_key.partition("/")[2]
        conditions = next((split.conditions for split in self.splits.get(key, ()) if split.name == name), "")
        return f"{ACCOUNTS[key].name} – {conditions}" if conditions else ACCOUNTS[key].name


def load(flow: Flow, version: int | None = None) -> TenantMapping:
    """Return the flow's current mapping, or an earlier version of it. Product groups are always the current ones."""
    rules = rules_of(flow, version).exclude(subject=MappingRule.Subject.LABEL)
    base: dict[AccountKey, Binding] = {}
    splits: dict[AccountKey, list[Split]] = {}
    customers: dict[str, Binding] = {}
    for rule in rules.order_by("id"):
        target = Binding(**rule.target)
        if rule.subject == MappingRule.Subject.CUSTOMER:
            customers[rule.marketplace.casefold()] = target
        elif rule.sku or rule.product_group or rule.marketplace:
            split = Split(
                AccountKey(rule.key), rule.sku, rule.product_group, rule.marketplace, rule.effective_from, target
            )
            splits.setdefault(split.key, []).append(split)
        else:
            base[AccountKey(rule.key)] = target
    return TenantMapping(
        version=flow.mapping_version if version is None else version,
        base=base,
        splits={key: sorted(of_key, key=lambda split: split.rank, reverse=True) for key, of_key in splits.items()},
        customers=customers,
        groups=dict(ProductGroup.objects.filter(flow=flow).values_list("sku", "name")),
    )


def rules_of(flow: Flow, version: int | None = None) -> QuerySet[MappingRule]:
    """Return the rules that count now, or that counted in an earlier version of the mapping."""
    rules = MappingRule.objects.filter(flow=flow)
    if version is None:
        return rules.filter(retired_version=None)
    return rules.filter(version__lte=version).exclude(retired_version__lte=version)


def marketplace_of(customer_symbol: str) -> str:
    """Return the marketplace of a customer's or buyer's symbol."""
    return customer_symbol.split(":")[1]


def symbols(document: Document) -> set[str]:
    """Return every line key and customer symbol a document names."""
    match document:
        case Invoice(customer=customer, lines=lines, income=income):
            return {customer, *(line.key for line in lines), *([income] if income else ())}
        case Payment(customer=customer, account=account):
            return {customer, account}
        case JournalEntry(lines=entry_lines):
            return {line.key for line in entry_lines}
        case Deposit(account=account, lines=deposit_lines):
            return {account, *(line.key for line in deposit_lines)}
        case Transfer(source=source, target=target):
            return {source, target}
        case Expense(key=key, account=account):
            return {key, account}
        case Item(key=key):
            return {key}
        case Revaluation(account=account):
            return {account}
        case Undo(reversal=JournalEntry() as reversal):
            return symbols(reversal)
        case NewAccount() | Customer():
            return set()
    return set()


def bind(mapping: TenantMapping, document: Document, made: Mapping[str, Binding]) -> dict[str, Binding]:
    """Return the binding of every symbol. ``made`` has what deliveries of this company create (items, customers), by symbol.

    Raises Unmapped with every symbol that has no account, item or customer."""
    bindings: dict[str, Binding] = {}
    missing: list[str] = []
    for symbol in sorted(symbols(document)):
        if is_customer(symbol):
            binding, own = mapping.customer(symbol), made.get(symbol, Binding())
            if hash_in(symbol):
                # The marketplace's class and location, the buyer's own customer.
                binding = replace(binding, customer=own.customer)
            elif not binding.customer:
                binding = own
            found = bool(binding.customer)
        else:
            binding = meaning(mapping, document, symbol)
            found = bool(binding.account)
            if isinstance(document, Invoice) and not binding.item and not document.income:
                item = made.get(symbol, Binding()).item
                binding, found = replace(binding, item=item), found and bool(item)
        if found:
            bindings[symbol] = binding
        else:
            missing.append(symbol)
    if missing:
        raise Unmapped(tuple(missing))
    return bindings


def meaning(mapping: TenantMapping, document: Document, symbol: LineKey) -> Binding:
    """Return what a line key means in a document. For one that nobody has mapped that is the one account to which the ledger
    books all income, or where there are only expenses the category of refunds for income that is given back, and that of
    Amazon's conversion for what exchange rates took. Empty where nothing serves it."""
    target = mapping.target(symbol)
    if target.account:
        return target
    if isinstance(document, Invoice) and document.income:
        return replace(mapping.target(document.income), item="")
    if isinstance(document, Expense) and ACCOUNTS[account_key(symbol)].account_class in _INCOME:
        lost = account_key(symbol) is AccountKey.FX
        return mapping.target(AccountKey.FX_COST if lost else AccountKey.REFUNDS)
    return target


def needs(bindings: Iterable[Binding]) -> set[str]:
    """Return the keys of the deliveries that create what the bindings name."""
    named = (getattr(binding, name) for binding in bindings for name in _NAMES)
    return {value[1:] for value in named if value.startswith("@")}
