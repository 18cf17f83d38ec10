"""What the documents of one flow did to the accounts in a month, and what stands on the balance sheet at its end.

A document belongs to the month of its own date. Payments are summed by the database, and so are the receivables of
invoices; the lines of everything else are read. Amounts are minor units of the flow's currency, debit positive where
they have one sign. Ten thousand invoices and their payments take well under a second.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Final

from django.db.models import (
    BooleanField,
    Count,
    ExpressionWrapper,
    F,
    OuterRef,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
)
from django.db.models.functions import Cast, Coalesce

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.documents import Kind, document_from
from bookkeeping.entries import signed_lines
from bookkeeping.months import BALANCE_SHEET, PROFIT_AND_LOSS, next_month
from flows import currencies, drafts
from flows.models import Coverage, Delivery, Flow, Plan
from flows.readable import kinds_of
from flows.rows import changed_by_hand, gone_by_hand, in_the_books
from kit.scope import unscoped
from ledgers.models import ListEntry

State = Delivery.State
# What somebody changed in the ledger counts as it was posted; what is void there is not booked any more.
IS_BOOKED: Final = ExpressionWrapper(in_the_books(), BooleanField())
IS_CHANGED: Final = ExpressionWrapper(changed_by_hand(), BooleanField())
# Not revaluations: they move home money alone, and months are in the currency of the documents.
BOOKED: Final = (Kind.INVOICE, Kind.PAYMENT, Kind.ENTRY, Kind.DEPOSIT, Kind.TRANSFER, Kind.EXPENSE)
_GONE: Final = (State.DROPPED, State.UNDONE)
# What only this product moves, so that what it moved is what stands there. Banks and cards have other movements too, and so
# has petty cash where it is all there is: there it is what our documents left.
CARRIED: Final = (
    AccountKey.CLEARING,
    AccountKey.RESERVE,
    AccountKey.PAYOUTS,
    AccountKey.PETTY,
    AccountKey.AR,
    AccountKey.DEFERRED,
    AccountKey.TAX_WITHHELD_ASSET,
    AccountKey.INPUT_TAX,
    AccountKey.TAX_CLEARING,
    AccountKey.OUTPUT_TAX,
    AccountKey.LOAN,
)
_ALWAYS_SHOWN: Final = (AccountKey.CLEARING, AccountKey.RESERVE)
# Books of income and expenses have no account but this for what Amazon owes, holds back and withheld.
_ONE_FOR_ALL: Final = (AccountKey.PETTY,)
_ALL_IN_ONE: Final = (
    "What Amazon paid out, and what it owes you, holds back or withheld: these books have no accounts for it"
)
_RECEIVABLES: Final = "Accounts receivable"

# Where a line was booked: what it stands for, and the company's own id of the account ("" where none is chosen).
Place = tuple[AccountKey, str]


@dataclass(frozen=True, slots=True)
class AccountTotal:
    """One account of the company: lines in the books, and the net of those that are not there yet (debit positive)."""

    account: str
    account_class: AccountClass
    debit: int
    credit: int
    waiting: int

    @property
    def net(self) -> int:
        return self.debit - self.credit


@dataclass(frozen=True, slots=True)
class Section:
    """The accounts of one kind, in the order of the statement they belong to."""

    title: str
    accounts: tuple[AccountTotal, ...]

    @property
    def debit(self) -> int:
        return sum(one.debit for one in self.accounts)

    @property
    def credit(self) -> int:
        return sum(one.credit for one in self.accounts)

    @property
    def net(self) -> int:
        return self.debit - self.credit

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.accounts)


@dataclass(frozen=True, slots=True)
class KindTotal:
    """The documents of one kind: how many are in the books and their sum as posted, and how many are not there.

    ``changed`` of those in the books are otherwise in the ledger now.
    """

    kind: str
    name: str
    posted: int
    amount: int
    waiting: int
    changed: int

    @property
    def unchanged(self) -> int:
        return self.posted - self.changed


@dataclass(frozen=True, slots=True)
class Totals:
    """One month of a flow. Over all sections debits equal credits, and what waits sums to 0."""

    profit_and_loss: tuple[Section, ...]
    balance_sheet: tuple[Section, ...]
    kinds: tuple[KindTotal, ...]

    @property
    def sections(self) -> tuple[Section, ...]:
        return (*self.profit_and_loss, *self.balance_sheet)

    @property
    def debit(self) -> int:
        return sum(one.debit for one in self.sections)

    @property
    def credit(self) -> int:
        return sum(one.credit for one in self.sections)

    @property
    def result(self) -> int:
        """Return income less expenses: a profit is positive."""
        return -sum(one.net for one in self.profit_and_loss)

    @property
    def result_waiting(self) -> int:
        """Return how far what waits will move the result."""
        return -sum(one.waiting for one in self.profit_and_loss)

    @property
    def result_with_waiting(self) -> int:
        return self.result + self.result_waiting

    @property
    def posted(self) -> int:
        return sum(one.posted for one in self.kinds)

    @property
    def unchanged(self) -> int:
        return sum(one.unchanged for one in self.kinds)

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.kinds)


@dataclass(frozen=True, slots=True)
class Share:
    """What one settlement (its id in the address and Amazon's) has on an account; neither for what is of none."""

    settlement: int | None
    settlement_id: str
    amount: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What the documents dated up to a day leave on an account, debit positive; ``then`` with those that wait.

    For the clearing account, or petty cash in its place, ``shares`` says which settlements it is made of, and ``undecided`` how
    much of ``then`` are rows whose labels nobody has given a meaning: the documents that will carry them are not made yet.
    """

    account: str
    meaning: str
    amount: int
    then: int
    shares: tuple[Share, ...] = ()
    undecided: int = 0


@dataclass(frozen=True, slots=True)
class OpenInvoices:
    """Invoices dated up to a day that no settlement had paid by then, and what was open of them."""

    count: int
    amount: int


def of_flow(flow: Flow) -> QuerySet[Delivery]:
    """Return the documents of a flow that are in the books or on their way there, and are its own."""
    found = Delivery.objects.filter(flow=flow, live=True, kind__in=BOOKED, on__isnull=False)
    return found.exclude(state__in=_GONE).order_by()


def in_month(flow: Flow, month: date) -> QuerySet[Delivery]:
    return of_flow(flow).filter(on__gte=month, on__lt=next_month(month))


def changed_in(flow: Flow, month: date) -> QuerySet[Delivery]:
    """Return the documents of a month that somebody changed or voided in the ledger, as they were posted."""
    return in_month(flow, month).filter(changed_by_hand()).annotate(booked=IS_BOOKED).order_by("on", "pk")


def totals(flow: Flow, month: date) -> Totals:
    found = in_month(flow, month)
    sums: dict[Place, list[int]] = {}
    for _, posted, key, amount, place in _lines(flow, found):
        debit_credit_waiting = sums.setdefault((key, place), [0, 0, 0])
        if not posted:
            debit_credit_waiting[2] += amount
        else:
            debit_credit_waiting[0 if amount > 0 else 1] += abs(amount)
    accounts = _by_account(flow, sums)
    return Totals(
        profit_and_loss=_sections(PROFIT_AND_LOSS, accounts),
        balance_sheet=_sections(BALANCE_SHEET, accounts),
        kinds=_kinds(found, kinds_of(flow.target)),
    )


def balances(flow: Flow, until: date) -> tuple[Balance, ...]:
    """Return what stands on the accounts that only this product moves, by the documents dated up to a day."""
    found = of_flow(flow).filter(on__lte=until).exclude(gone_by_hand())
    plain = drafts.policy_of(flow).income_and_expenses
    always, passed = (_ONE_FOR_ALL, AccountKey.PETTY) if plain else (_ALWAYS_SHOWN, AccountKey.CLEARING)
    moved: dict[Place, list[int]] = {}
    shares: dict[int | None, int] = {}
    invoiced = found.filter(kind=Kind.INVOICE).annotate(booked=IS_BOOKED).values_list("booked").annotate(Sum("amount"))
    for booked, amount in invoiced:
        _add(moved, (AccountKey.AR, ""), booked, amount)
    for plan, posted, key, amount, place in _lines(flow, found.exclude(kind=Kind.INVOICE)):
        if key not in CARRIED:
            continue
        _add(moved, (key, place), posted, amount)
        if key is passed and posted:
            shares[plan] = shares.get(plan, 0) + amount
    names = _Names(flow, (place for _, place in moved))
    by_name: dict[tuple[int, str], list[int]] = {}
    for (key, place), (amount, waiting) in moved.items():
        of_account = by_name.setdefault((CARRIED.index(key), names.account(key, place)), [0, 0])
        of_account[0] += amount
        of_account[1] += waiting
    there = {key for key, _ in moved}
    for key in always:
        if key not in there:
            by_name[CARRIED.index(key), ACCOUNTS[key].name] = [0, 0]
    made_of, undecided = _shares(flow, shares), _undecided(flow, until)
    passing = [one for one in sorted(by_name) if CARRIED[one[0]] is passed][-1]
    by_name[passing][1] += undecided
    return tuple(
        Balance(
            account=name,
            meaning=_ALL_IN_ONE if plain and CARRIED[rank] is passed else ACCOUNTS[CARRIED[rank]].meaning,
            amount=amount,
            then=amount + waiting,
            shares=made_of if CARRIED[rank] is passed else (),
            undecided=undecided if (rank, name) == passing else 0,
        )
        for (rank, name), (amount, waiting) in sorted(by_name.items())
        if amount or waiting or CARRIED[rank] in always
    )


def open_invoices(flow: Flow, until: date) -> OpenInvoices:
    """Return the invoices in the books that nothing dated up to a day had paid in full."""
    posted = of_flow(flow).filter(on__lte=until).filter(in_the_books())
    sums = dict(posted.filter(kind__in=[Kind.INVOICE, Kind.PAYMENT]).values_list("kind").annotate(Sum("amount")))
    amount = sums.get(Kind.INVOICE, 0) - sums.get(Kind.PAYMENT, 0)
    if not amount:
        return OpenInvoices(0, 0)
    paid = Coverage.objects.filter(
        in_the_books("payment__"), invoice__delivery=OuterRef("pk"), payment__live=True, payment__on__lte=until
    )
    # Coverage is in the settlement's currency, the invoice in that of the books; a payment is of one invoice, whatever the ledger
    # books as one with it.
    taken = Subquery(paid.order_by().values("invoice").annotate(taken=Sum("payment__amount")).values("taken"))
    unpaid = posted.filter(kind=Kind.INVOICE).annotate(taken=Coalesce(taken, Value(0))).filter(taken__lt=F("amount"))
    return OpenInvoices(unpaid.count(), amount)


def _undecided(flow: Flow, until: date) -> int:
    """Return the sum of the rows up to a day whose labels nobody has given a meaning, as they will move clearing."""
    plans = flow.plans.exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE]).exclude(statement__unknown=[])
    amount = 0
    for unknown, parts, terms in plans.values_list("statement__unknown", "statement__parts", "exchange"):
        there = {part["n"] for part in parts or () if date.fromisoformat(part["month"]) <= until}
        rows = sum(one["amount"] for one in unknown or () if one["part"] in there)
        amount += currencies.in_books(flow, rows, terms)
    return amount


def _add(moved: dict[Place, list[int]], place: Place, posted: bool, amount: int) -> None:
    moved.setdefault(place, [0, 0])[0 if posted else 1] += amount


def _lines(flow: Flow, found: QuerySet[Delivery]) -> Iterator[tuple[int | None, bool, AccountKey, int, str]]:
    """Yield (plan, whether it is in the books, what it stands for, amount, the company's account) of every line.

    The lines of payments come summed. An invoice has the lines that the ledger answered. A payout that waits for the amount
    received is still in the settlement's currency, and counts for what it stands for.
    """
    bound = found.annotate(bound=Cast("bindings", TextField()), booked=IS_BOOKED)
    places = cache(_places)
    payments = bound.filter(kind=Kind.PAYMENT).values_list("plan", "booked", "bound").annotate(Sum("amount"))
    for plan, booked, text, amount in payments:
        [(key, place)] = places(text).items() or [(AccountKey.CLEARING, "")]
        yield plan, booked, account_key(key), amount, place
        yield plan, booked, AccountKey.AR, -amount, ""
    rest = bound.exclude(kind=Kind.PAYMENT)
    columns = ("plan", "booked", "document", "answered_lines", "amount", "bound", "currency", "plan__exchange")
    for plan, booked, document, answered, amount, text, currency, terms in rest.values_list(*columns).iterator(
        chunk_size=2000
    ):
        account_of = places(text)
        for line, signed in _signed(document, answered, amount):
            own = currency == flow.books_currency
            moved = signed if own else currencies.in_books(flow, signed, terms or {})
            yield plan, booked, account_key(line), moved, account_of.get(line, "")


def _signed(document: str, answered: Mapping[LineKey, int], amount: int) -> Iterable[tuple[LineKey, int]]:
    if answered and '"income":""' in document:
        return [(AccountKey.AR, amount), *((line, -each) for line, each in answered.items())]
    return signed_lines(document_from(json.loads(document)))


def _places(bindings: str) -> dict[LineKey, str]:
    """Return the company's account of each line key; customers are left out."""
    plain: dict[str, dict[str, str]] = json.loads(bindings)
    return {symbol: target["account"] for symbol, target in plain.items() if target.get("account")}


class _Names:
    """The accounts of a company by the ids that bindings use. What we had made is known by our own key and by theirs."""

    def __init__(self, flow: Flow, places: Iterable[str]) -> None:
        used = {place for place in places if place}
        keys = [place[1:] for place in used if place.startswith("@")]
        with unscoped("what another tenant of the company made is shared, not made twice"):
            made = Delivery.objects.filter(remote_key=flow.target.remote_key, key__in=keys).order_by("live")
            found = list(made.values_list("key", "external_id", "document"))
        self._ids: dict[str, str] = {}
        self._made: dict[str, str] = {}
        for key, external_id, document in found:
            self._ids[f"@{key}"] = external_id or f"@{key}"
            self._made[self._ids[f"@{key}"]] = json.loads(document)["name"]
        listed = ListEntry.objects.filter(
            connection=flow.target, list=ListEntry.List.ACCOUNT, external_id__in={self.own(place) for place in used}
        )
        self._listed = {entry.external_id: entry for entry in listed}

    def own(self, place: str) -> str:
        """Return the company's own id of an account, our key while it is not made."""
        return self._ids.get(place, place)

    def account(self, key: AccountKey, place: str) -> str:
        own = self.own(place)
        if own in self._listed:
            return self._listed[own].name
        if own in self._made:
            return self._made[own]
        return _RECEIVABLES if key is AccountKey.AR else f"{ACCOUNTS[key].name} (no account chosen yet)"

    def account_class(self, key: AccountKey, place: str) -> AccountClass:
        listed = self._listed.get(self.own(place))
        return AccountClass(listed.account_class) if listed and listed.account_class else ACCOUNTS[key].account_class


def _by_account(flow: Flow, sums: Mapping[Place, list[int]]) -> list[AccountTotal]:
    """Return one total per account of the company, in the order of the chart: several keys may be one account."""
    names = _Names(flow, (place for _, place in sums))
    found: dict[tuple[str, str], tuple[AccountKey, str, list[int]]] = {}
    order = {key: rank for rank, key in enumerate(AccountKey)}
    for (key, place), amounts in sorted(sums.items(), key=lambda one: order[one[0][0]]):
        own = names.own(place)
        total = found.setdefault((own, "" if own else key), (key, place, [0, 0, 0]))[2]
        for position, amount in enumerate(amounts):
            total[position] += amount
    return [
        AccountTotal(names.account(key, place), names.account_class(key, place), *amounts)
        for key, place, amounts in found.values()
    ]


def _sections(
    order: Iterable[tuple[str, frozenset[AccountClass]]], accounts: list[AccountTotal]
) -> tuple[Section, ...]:
    found = (Section(title, tuple(one for one in accounts if one.account_class in classes)) for title, classes in order)
    return tuple(section for section in found if section.accounts)


def _kinds(found: QuerySet[Delivery], names: Mapping[str, str]) -> tuple[KindTotal, ...]:
    counted: dict[str, list[int]] = {}
    flagged = found.annotate(booked=IS_BOOKED, changed=IS_CHANGED)
    grouped = flagged.values_list("kind", "booked", "changed").annotate(Count("pk"), Sum("amount"))
    for kind, booked, changed, count, amount in grouped:
        of_kind = counted.setdefault(kind, [0, 0, 0, 0])
        if booked:
            of_kind[0] += count
            of_kind[1] += amount
            of_kind[3] += count if changed else 0
        else:
            of_kind[2] += count
    return tuple(KindTotal(kind, names[kind], *counted[kind]) for kind in BOOKED if kind in counted)


def _shares(flow: Flow, amounts: Mapping[int | None, int]) -> tuple[Share, ...]:
    found = {plan: amount for plan, amount in amounts.items() if amount}
    plans = flow.plans.filter(pk__in=[plan for plan in found if plan]).order_by("settlement__ends_at", "pk")
    named = plans.values_list("pk", "settlement_id", "settlement__settlement_id")
    of_settlements = [Share(pk, settlement_id, found[plan]) for plan, pk, settlement_id in named]
    return (*([Share(None, "", found[None])] if None in found else []), *of_settlements)
