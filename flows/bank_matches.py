"""Which line of the bank is which payout: found by itself where it is the only possibility, else a person's choice.

What arrived on a day is claimed of a settlement only where a line of the bank is its payout, to the cent.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from django.db import IntegrityError
from django.db.models import Min, Q, QuerySet
from django.urls import reverse

from amazon.models import Payout, Settlement
from amazon.overlaps import doubted
from audit import trail
from bank import matching
from bookkeeping.money import shown
from flows import arrivals, history
from flows.cannot import Cannot
from flows.models import BankAccount, BankImport, BankLine, Plan
from kit import clock
from kit.sealed import open_from
from tenants.alerts import alert, settle_alert
from tenants.models import Alert

NOT_THERE: Final = "payout_not_at_bank"
UNMATCHED: Final = "bank_lines_unmatched"
_HOLE: Final = timedelta(days=5)  # between two imports: a long weekend has no lines
_MOST_ALERTS: Final = 20


class CannotMatch(Cannot):
    """Why a line cannot be a settlement's payout, and what to do."""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A payout that should be on an account: ``amount`` in minor units of the account's ``currency``."""

    settlement: Settlement
    amount: int
    currency: str
    trace: str = ""
    tail: str = ""

    @property
    def plain(self) -> matching.Payout:
        return matching.Payout(self.settlement.pk, self.amount, self.settlement.deposit_on, self.trace)

    def may_be_on(self, account: BankAccount) -> bool:
        """Whether nothing that is known of the account speaks against it."""
        digits = min(len(account.tail), len(self.tail))
        return account.currency == self.currency and (digits < 3 or account.tail[-digits:] == self.tail[-digits:])


def text_of(line: BankLine) -> str:
    return open_from(line, "text")


def match_all() -> int:
    """Match what has only one possibility; returns how many lines found their payout. Then say what is missing."""
    accounts = list(BankAccount.objects.order_by("pk"))
    settled = []
    for currency in sorted({one.currency for one in accounts}):
        settled += _match([one for one in accounts if one.currency == currency], currency)
    if settled:
        follow(settled)
    if accounts:
        tell(accounts)
    return len(settled)


def match(line: BankLine, settlement: Settlement, actor: str) -> None:
    """Say that a line is a settlement's payout. Raises CannotMatch."""
    found = next((one for one in possible(line) if one.settlement.pk == settlement.pk), None)
    if line.settlement_id is not None:
        raise CannotMatch("This line is another settlement's payout already.", "Take that back first.")
    if BankLine.objects.filter(settlement=settlement).exists():
        raise CannotMatch("The payout of this settlement has a line already.", "Take that back first.")
    if found is None:
        amount = shown(line.amount, line.account.currency)
        raise CannotMatch(
            f"No payout of settlement {settlement.settlement_id} comes to the {amount} of this line around its day.",
            "Choose another settlement. Where Amazon or the bank converted the payout, first enter what arrived on its page.",
        )
    if not _set(line, settlement, actor, decided=True):
        raise CannotMatch("Somebody has just decided on this line.", "Look again.")
    follow([settlement.pk])
    tell()


def unmatch(line: BankLine, actor: str) -> None:
    """Take back that a line is a payout; from then on nothing is matched to it by itself. Raises CannotMatch."""
    with trail.recorded():
        changed = BankLine.objects.filter(pk=line.pk, settlement__isnull=False).update(
            settlement=None, matched_at=None, matched_by="", decided=True
        )
        if not changed:
            raise CannotMatch("This line is no settlement's payout.", "Nothing to do.")
        trail.record(
            "bank.unmatched",
            f"bank_line:{line.pk}",
            tenant_id=line.tenant_id,
            actor=actor,
            settlement=line.settlement_id,
        )
    follow([line.settlement_id] if line.settlement_id else [])
    tell()


def set_aside(line: BankLine, actor: str, *, aside: bool = True) -> None:
    """Say that a line is no payout, or take that back: then it is matched like any other. Raises CannotMatch."""
    with trail.recorded():
        changed = BankLine.objects.filter(pk=line.pk, settlement=None).exclude(decided=aside).update(decided=aside)
        if not changed:
            raise CannotMatch("Nothing is to be changed about this line.", "Look again.")
        kind = "bank.set_aside" if aside else "bank.taken_up"
        trail.record(kind, f"bank_line:{line.pk}", tenant_id=line.tenant_id, actor=actor)
    match_all()


def possible(line: BankLine) -> list[Awaited]:
    """Return the payouts without a line that a person may say this line is, the closest day first."""
    plain = matching.Line(line.pk, line.amount, line.on)
    found = [
        one
        for one in awaited(line.account.currency, line.on - matching.BY_HAND_WITHIN)
        if matching.fits_by_hand(one.plain, plain)
    ]
    return sorted(found, key=lambda one: abs(line.on - one.settlement.deposit_on))


def awaited(currency: str, since: date) -> list[Awaited]:
    """Return the payouts in a currency, from a day on, that have no line. Failed ones are not awaited. Four queries."""
    found = Settlement.objects.filter(total__gt=0, payout_failed=False, deposit_on__gte=since, bank_lines=None)
    arriving = Q(currency=currency) | Q(received_currency=currency) | Q(converted_currency=currency)
    found = found.filter(arriving).exclude(doubted()).order_by("deposit_on", "pk")
    settlements, failed = list(found), history.failed_payouts()
    told = {
        (one.connection_id, one.settlement_id): one
        for one in Payout.objects.filter(expected=False, settlement_id__in=[one.settlement_id for one in settlements])
    }
    result = []
    for one in settlements:
        amount = expected(one, currency)
        if amount is None or one.settlement_id in failed or one.deposit_on > clock.now().date():
            continue
        payout = told.get((one.connection_id or 0, one.settlement_id))
        trace = one.trace_id or (payout.trace_id if payout else "")
        tail = one.account_tail or (payout.account_tail if payout else "")
        result.append(Awaited(one, amount, currency, trace, tail))
    return result


def expected(settlement: Settlement, currency: str) -> int | None:
    """Return what a payout should bring to an account in a currency, minor units; None where nobody knows."""
    if settlement.currency != currency:
        return arrivals.received(settlement, currency)
    converted = settlement.transferred and settlement.converted_currency not in ("", currency)
    return None if converted else settlement.total


def not_there() -> list[Awaited]:
    """Return the payouts that no imported line is, although what was imported has all days on which they could arrive."""
    accounts = list(BankAccount.objects.order_by("pk"))
    covered = _covered(accounts)
    found = []
    for currency in sorted({one.currency for one in accounts}):
        spans = [span for one in accounts if one.currency == currency for span in covered.get(one.pk, [])]
        if not spans:
            continue
        for payout in awaited(currency, min(first for first, _ in spans)):
            places = [one for one in accounts if payout.may_be_on(one)]
            if places and all(_covers(covered.get(one.pk, []), payout.settlement.deposit_on) for one in places):
                found.append(payout)
    return found


def unmatched() -> QuerySet[BankLine]:
    """Return the lines that name Amazon and are no settlement's payout, as nobody has said that they are none. Those from
    before the first settlement that is here are left out."""
    first = dict(Settlement.objects.order_by().values_list("currency").annotate(first=Min("deposit_on")))
    found = BankLine.objects.filter(amazon=True, settlement=None, decided=False)
    since = Q(pk=None)
    for currency, day in first.items():
        since |= Q(account__currency=currency, on__gte=day)
    return found.filter(since).select_related("account").order_by("-on", "-pk")


def follow(settlements: Iterable[int]) -> None:
    """Have the proofs of settlements made anew: what arrived is part of them."""
    in_the_books = [Plan.State.POSTING, Plan.State.POSTED]
    found = Plan.objects.filter(settlement__in=list(settlements), state__in=in_the_books)
    found.exclude(verdict={}).update(prove_at=clock.now())


def tell(accounts: Sequence[BankAccount] | None = None) -> None:
    """Bring the alerts up to date: payouts that are not at the bank, and lines from Amazon that are no payout."""
    wanted = set()
    for payout in not_there()[:_MOST_ALERTS]:
        settlement = payout.settlement
        wanted.add(key := f"settlement:{settlement.pk}:bank")
        alert(
            settlement.tenant_id,
            NOT_THERE,
            key,
            f"The payout of settlement {settlement.settlement_id} is on no bank line",
            f"{shown(payout.amount, payout.currency)} of {settlement.deposit_on:%-d %b %Y} is not among the imported lines of the "
            f"{matching.WITHIN.days} days after it.",
            "Look at your bank statement. If the money came in another amount or on another account, match the line; if it never "
            "came, say so on the settlement's page.",
            reverse("flows:settlement", args=[settlement.pk]),
        )
    waiting = list(unmatched())
    for account in accounts if accounts is not None else BankAccount.objects.all():
        if count := sum(one.account_id == account.pk for one in waiting):
            wanted.add(key := _lines_key(account))
            alert(
                account.tenant_id,
                UNMATCHED,
                key,
                f"{count} line{'' if count == 1 else 's'} from Amazon on {account.name} belong{'s' if count == 1 else ''} to no settlement",
                "The bank got money from Amazon, and no settlement here has a payout of that amount around that day.",
                "Choose its settlement, upload the one that is missing, or say that it is no payout.",
                reverse("flows:bank_account", args=[account.pk]),
            )
    over = Alert.objects.filter(kind__in=[NOT_THERE, UNMATCHED], settled_at=None).exclude(key__in=wanted)
    for tenant_id, key in list(over.values_list("tenant_id", "key")):
        settle_alert(tenant_id, key)


def settle_alerts(account: BankAccount) -> None:
    settle_alert(account.tenant_id, _lines_key(account))


def _match(accounts: Sequence[BankAccount], currency: str) -> list[int]:
    """Match the lines of the accounts in one currency. A payout that may be on two of them is a person's to choose."""
    free = BankLine.objects.filter(account__in=accounts, settlement=None, decided=False)
    first = free.aggregate(first=Min("on"))["first"]
    if first is None:
        return []
    payouts = {one.settlement.pk: one for one in awaited(currency, first - matching.WITHIN)}
    rows = list(free.filter(amount__in={one.amount for one in payouts.values()}))
    lines = {row.pk: matching.Line(row.pk, row.amount, row.on, text_of(row), row.amazon) for row in rows}
    on_account = {one.pk: [lines[row.pk] for row in rows if row.account_id == one.pk] for one in accounts}
    places: dict[int, list[int]] = {}
    for key, payout in payouts.items():
        likely = [one.pk for one in accounts if payout.may_be_on(one)]
        places[key] = [pk for pk in likely if any(matching.fits(payout.plain, line) for line in on_account[pk])]
    by_pk, found = {row.pk: row for row in rows}, []
    for account in accounts:
        here = [payout.plain for key, payout in payouts.items() if account.pk in places[key]]
        for key, line in matching.matched(here, on_account[account.pk]).items():
            if places[key] == [account.pk] and _set(by_pk[line], payouts[key].settlement, ""):
                found.append(key)
    return found


def _set(line: BankLine, settlement: Settlement, actor: str, *, decided: bool = False) -> bool:
    free = BankLine.objects.filter(pk=line.pk, settlement=None)
    if not actor:
        free = free.filter(decided=False)
    try:
        with trail.recorded():
            if not free.update(settlement=settlement, matched_at=clock.now(), matched_by=actor, decided=decided):
                return False
            trail.record(
                "bank.matched",
                f"bank_line:{line.pk}",
                tenant_id=line.tenant_id,
                actor=actor,
                settlement=settlement.pk,
                settlement_id=settlement.settlement_id,
                on=line.on,
                amount=line.amount,
            )
    except IntegrityError:  # the payout found its line meanwhile
        return False
    return True


def _covered(accounts: Sequence[BankAccount]) -> Mapping[int, list[tuple[date, date]]]:
    """Return, by account, the spans of days of which imports tell."""
    spans: dict[int, list[tuple[date, date]]] = {}
    for account_id, first, last in (
        BankImport.objects.filter(account__in=accounts)
        .order_by("first_on")
        .values_list("account", "first_on", "last_on")
    ):
        own = spans.setdefault(account_id, [])
        if own and first <= own[-1][1] + _HOLE:
            own[-1] = (own[-1][0], max(own[-1][1], last))
        else:
            own.append((first, last))
    return spans


def _covers(spans: Iterable[tuple[date, date]], on: date) -> bool:
    return any(first <= on and on + matching.WITHIN <= last for first, last in spans)


def _lines_key(account: BankAccount) -> str:
    return f"bank:{account.pk}:lines"
