"""What Amazon owes at any day, against the books of a flow, and over the last twelve months."""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import (
    Case,
    CharField,
    Exists,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Sum,
    TextField,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce, TruncDate

from amazon import held as amazon_held
from amazon import marketplaces
from amazon.finances import account_type as spelled
from amazon.models import Balance, Cursor, Payout, Resource, Settlement, Transaction
from amazon.overlaps import doubted
from amazon.transaction_pull import OVERLAP, pull_transactions
from bookkeeping.accounts import AccountKey
from bookkeeping.days import local_day
from bookkeeping.documents import Kind, document_from
from bookkeeping.entries import effect
from bookkeeping.money import shown
from bookkeeping.owed import COUNTED, Booked, Owed, Role, Settled, Span, against_books, standing, without_books
from flows import drafts, history, month_totals
from flows.models import Coverage, Flow, Plan
from flows.rows import in_the_books
from kit import clock
from tenants.alerts import alert, settle_alert
from tenants.models import Alert

YEAR: Final = timedelta(days=365)
_LATEST: Final = timedelta(days=21)  # a payout leaves within days of its settlement's end
_HELD_FOR: Final = timedelta(days=90)  # a sale may be held back that long before the settlement that has it
_LEFT: Final = ("IN_TRANSIT", "PAID")
_KINDS: Final = ("TOTAL", "AVAILABLE", "DEFERRED", "ACCOUNT_LEVEL_RESERVE")


class State(StrEnum):
    """``TIES``: nothing is left over. ``YOUNG``: something is, and Amazon may not have shown all of the day yet. ``DIFFERS``: something is.
    ``UNREAD``: Amazon's figure of the day was never read. ``UNKNOWN``: it cannot be worked out, ``Day.problem`` says why."""

    TIES = "ties"
    YOUNG = "young"
    DIFFERS = "differs"
    UNREAD = "unread"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Day:
    """One day. ``owed`` is None where ``problem`` says why nothing can be worked out. ``stated`` are Amazon's figures by its own words."""

    on: date
    state: State
    owed: Owed | None
    stated: dict[str, int]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """What there is to compare with: the first and the last day whose balance was read. ``problem`` says why nothing can be worked out,
    ``why_not`` why the books are left out; "" where neither. ``refused``: Amazon does not let us read balances or transactions."""

    problem: str
    why_not: str
    refused: bool
    first: date | None
    last: date | None


def standing_of(flow: Flow) -> Standing:
    """Return what is there to compare, and the first and the last day whose balance was read."""
    days = list(_balances(flow).order_by("as_of").values_list("as_of", flat=True).distinct()) if flow.source else []
    return Standing(_problem(flow), why_not(flow), _is_refused(flow), *((days[0], days[-1]) if days else (None, None)))


def _is_refused(flow: Flow) -> bool:
    keys = [f"connection:{flow.source_id}:forbidden:{what}" for what in ("balances", "transactions")]
    return Alert.objects.filter(key__in=keys, settled_at__isnull=True).exists()


def why_not(flow: Flow) -> str:
    """Return why a flow's books cannot be compared with what Amazon owes; "" where they can."""
    if drafts.policy_of(flow).income_and_expenses:
        return f"{flow.target.named} keeps income and expenses alone: it has no account for what Amazon owes."
    if flow.converts:
        return f"The books are in {flow.home}, at the rates of many days: they have no figure in {flow.currency}."
    return ""


def day(flow: Flow, on: date) -> Day:
    return _days(flow, [on], orders=True)[0]


def series(flow: Flow, until: date | None = None) -> list[Day]:
    """Return every day of twelve months whose balance was read, the oldest first. As many queries as one day takes."""
    if flow.source is None:
        return []
    last = until or clock.now().date()
    found = _balances(flow).filter(as_of__gt=last - YEAR, as_of__lte=last).order_by("as_of")
    return _days(flow, list(found.values_list("as_of", flat=True).distinct()))


def tell(flow: Flow) -> None:
    """Tell the members where something was left over on the last two days of which Amazon has said everything; settle it where not."""
    key = f"flow:{flow.pk}:owed"
    if flow.source is None or flow.state != Flow.State.LIVE:
        return
    last = clock.now().date()
    found = _balances(flow).filter(as_of__gt=last - timedelta(days=31)).order_by("as_of")
    certain = [one for one in _days(flow, list(found.values_list("as_of", flat=True).distinct())) if _is_certain(one)]
    if not certain:
        return
    if len(certain) < 2 or any(one.state is State.TIES for one in certain[-2:]):
        if certain[-1].state is State.TIES:
            settle_alert(flow.tenant_id, key)
        return
    owed = certain[-1].owed
    assert owed is not None
    assert owed.rest is not None
    alert(
        flow.tenant_id,
        "owed_differs",
        key,
        f"What Amazon owes in {flow.name} is off by {shown(owed.rest, flow.currency)} {flow.currency}",
        f"At the end of {owed.on:%-d %B %Y} Amazon says {shown(owed.total or 0, flow.currency)}; the books and what is known not to be in "
        f"them yet come to {shown(owed.expected, flow.currency)}. It was off the time before, too.",
        "Open the page: it has each figure. Look first for a settlement that is missing, and for what somebody changed in the ledger.",
        f"/flows/{flow.pk}/owed/",
    )


def _is_certain(one: Day) -> bool:
    return one.state in (State.TIES, State.DIFFERS)


def fetch(flow: Flow) -> int:
    """Read the transactions that a day is worked out with, from some time before the first settlement on; returns how many are new or
    have changed. Raises as ``pull_transactions``."""
    first = history.settlements_of(flow).first() if flow.source else None
    if flow.source is None or first is None:
        return 0
    pulled = pull_transactions(flow.source, first.starts_at - _HELD_FOR)
    return pulled.new + pulled.changed


def _problem(flow: Flow) -> str:
    """Return why nothing can be worked out, "" where it can."""
    if flow.source is None:
        return "Uploaded files do not say what Amazon owes on a day. Connect the seller's account first."
    if not history.settlements_of(flow).exclude(doubted()).exists():
        return "No settlement of this account is here yet. It begins with the first one."
    if _read_until(flow) is None:
        return "Amazon's transactions were not read yet: without them nobody can say what it released since the last settlement."
    return ""


def _read_until(flow: Flow) -> datetime | None:
    """Return until when everything that Amazon posted is here; None where it was never asked."""
    read = Cursor.objects.filter(connection=flow.source_id, resource=Resource.TRANSACTIONS).first()
    # The watermark stays behind the beginning of the sweep by the overlap, and the sweep may miss what is younger than the lag.
    return read.watermark + OVERLAP - amazon_held.LAG if read is not None and read.watermark is not None else None


def _days(flow: Flow, days: Sequence[date], *, orders: bool = False) -> list[Day]:
    stated = _stated(flow, days)
    if problem := _problem(flow):
        return [Day(on, State.UNKNOWN, None, stated.get(on, {}), problem) for on in days]
    if not days:
        return []
    settled = _settled(flow)
    certain = _read_until(flow)
    assert certain is not None
    compared = not why_not(flow)
    booked = list(_booked(flow)) if compared else []
    first = settled[0][1].starts_at
    released = standing(_released(flow, settled, first), days)
    held = standing(_held(flow, days), days)
    facts = [one for one, _ in settled]
    begins = _zoned(flow, first)
    found = []
    for place, on in enumerate(days):
        total = stated.get(on, {}).get("TOTAL")
        if on < begins:
            text = "No settlement that is here covers this day."
            found.append(Day(on, State.UNKNOWN, None, stated.get(on, {}), text))
            continue
        now = (facts, released[place], held[place])
        if compared:
            owed = against_books(on, total, *now, booked=booked, nowhere=_nowhere(flow, on) if orders else 0)
        else:
            owed = without_books(on, total, *now)
        found.append(
            Day(
                on,
                _state(owed, history.first_instant(flow, on + timedelta(days=1)) <= certain),
                owed,
                stated.get(on, {}),
            )
        )
    return found


def _state(owed: Owed, certain: bool) -> State:
    if owed.rest is None:
        return State.UNREAD
    if not owed.rest:
        return State.TIES
    return State.DIFFERS if certain else State.YOUNG


def _balances(flow: Flow) -> QuerySet[Balance]:
    wanted = spelled(flow.account_type)
    types = (wanted, "") if wanted == amazon_held.USUAL else (wanted,)
    found = Balance.objects.filter(connection=flow.source_id, account_type__in=types, currency=flow.currency)
    return found.filter(kind="TOTAL")


def _stated(flow: Flow, days: Sequence[date]) -> dict[date, dict[str, int]]:
    """Return what Amazon stated on days, by its own words for it, all marketplaces together. One query."""
    if flow.source is None or not days:
        return {}
    wanted = spelled(flow.account_type)
    types = (wanted, "") if wanted == amazon_held.USUAL else (wanted,)
    found = Balance.objects.filter(
        connection=flow.source, account_type__in=types, currency=flow.currency, kind__in=_KINDS, as_of__gte=min(days)
    )
    sums: dict[date, dict[str, int]] = {}
    for on, kind, amount in found.filter(as_of__lte=max(days)).values_list("as_of", "kind", "amount"):
        of_day = sums.setdefault(on, {})
        of_day[kind] = of_day.get(kind, 0) + amount
    return sums


def _zone(flow: Flow) -> ZoneInfo:
    return marketplaces.zone_of("", flow.currency)


def _zoned(flow: Flow, at: datetime) -> date:
    return local_day(at, _zone(flow))


def _settled(flow: Flow) -> list[tuple[Settled, Settlement]]:
    """Return the settlements of a flow, oldest first, with the day on which each payout left what Amazon owes."""
    found = list(history.settlements_of(flow).exclude(doubted()))
    left = _left(flow, found)
    returns = _returns(flow)
    by_number = {one.settlement_id: one for one in found}
    cancelled = {
        number: by_number[later].ends_at
        for later, pairs in returns.items()
        if later in by_number
        for number, _ in pairs
    }
    ours = {one.pk: not history.ended_before(flow, one) for one in found}
    outside = {one.settlement_id for one in found if not ours[one.pk]}
    return [
        (
            Settled(
                pk=one.pk,
                number=one.settlement_id,
                ended_on=_last_day(flow, one.ends_at),
                total=one.total,
                opening_debt=one.opening_debt,
                reserve_held=one.reserve_held,
                reserve_released=one.reserve_released,
                paid_on=left.get(one.pk),
                ours=ours[one.pk],
                taken_back=sum(
                    amount for number, amount in returns.get(one.settlement_id, ()) if number not in outside
                ),
                cancelled_on=_last_day(flow, cancelled[one.settlement_id]) if one.settlement_id in cancelled else None,
            ),
            one,
        )
        for one in found
    ]


def _last_day(flow: Flow, ends_at: datetime) -> date:
    return _zoned(flow, ends_at - timedelta(seconds=1))


def _returns(flow: Flow) -> dict[str, list[tuple[str, int]]]:
    """Return the settlements that bring back payouts which were never booked, and whose, with the amounts."""
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE).exclude(pairings=[])
    return {
        later: [(one["settlement_id"], one["amount"]) for one in pairings if one["withheld"]]
        for later, pairings in plans.values_list("settlement__settlement_id", "pairings")
    }


def _left(flow: Flow, settlements: Iterable[Settlement]) -> dict[int, date]:
    """Return on which day the payouts of settlements left what Amazon owes: by its transaction, else by what it says of the payout, else
    on the deposit day. Two queries."""
    transfers = list(_transfers(flow))
    known = Payout.objects.filter(connection=flow.source_id, expected=False)
    histories = dict(known.exclude(settlement_id="").order_by("created_at").values_list("settlement_id", "history"))
    found = {}
    for one in settlements:
        if one.total <= 0:
            continue
        until = one.ends_at + _LATEST
        posted = [at for at, amount in transfers if amount == -one.total and one.ends_at <= at < until]
        said = [step["at"] for step in histories.get(one.settlement_id, ()) if step["status"] in _LEFT and step["at"]]
        if posted:
            found[one.pk] = _zoned(flow, min(posted))
        elif said:
            found[one.pk] = _zoned(flow, datetime.fromisoformat(min(said)))
        elif one.settlement_id not in histories:
            found[one.pk] = one.deposit_on
    return found


def _trusted(flow: Flow) -> QuerySet[Transaction]:
    assert flow.source is not None
    return amazon_held.trusted(flow.source, flow.account_type, flow.currency)


def _transfers(flow: Flow) -> Iterator[tuple[datetime, int]]:
    """Yield when payouts left what Amazon owes, and their amounts below 0: transactions that are rows of no settlement. One query."""
    found = _trusted(flow).filter(kind="Transfer", total__lt=0, settlement_id="", posted_at__isnull=False)
    for posted_at, amount in found.order_by("posted_at").values_list("posted_at", "total"):
        assert posted_at is not None
        yield posted_at, amount


def _released(flow: Flow, settled: Sequence[tuple[Settled, Settlement]], since: datetime) -> Iterator[Span]:
    """Yield what Amazon released, from the day of each until the settlement ends that has it. One query.

    What only moves money between a balance and its reserve, or carries a debt on, changes nothing of what is owed."""
    whens: list[When] = []
    for place, (_, one) in enumerate(settled):
        named = Q(settlement_id=one.settlement_id)
        whens.append(When(named | Q(group_id=one.group_id) if one.group_id else named, then=Value(place)))
    for place, (_, one) in enumerate(settled):
        whens.append(When(at__gte=one.starts_at, at__lt=one.ends_at, then=Value(place)))
    # One of whose release Amazon only says that it was counts from the day on which it is no longer held.
    unheard = When(status=Transaction.Status.DEFERRED_RELEASED, then=Coalesce("matures_at", "seen_at"))
    found = _trusted(flow).exclude(status=Transaction.Status.DEFERRED)
    found = found.annotate(at=Case(unheard, default=F("posted_at"))).filter(posted_at__gte=since)
    found = found.exclude(amazon_held.is_one_with_its_release())
    found = found.annotate(text=Cast("leaves", TextField()))
    for word in ("ReserveDebit", "ReserveCredit"):
        found = found.exclude(text__contains=f'"{word}"')
    found = found.exclude(description__iexact="Payable to Amazon")
    found = found.annotate(
        place=Case(*whens, default=Value(-1), output_field=IntegerField()),
        posted_on=TruncDate("at", tzinfo=_zone(flow)),
    )
    taken = {(one.total, one.paid_on) for one, _ in settled if one.paid_on is not None}
    transfers = Q(kind="Transfer", total__lt=0, settlement_id="")
    for begins, place, amount in (
        found.exclude(transfers).order_by().values_list("posted_on", "place").annotate(Sum("total"))
    ):
        yield Span(begins, settled[place][0].ended_on if place >= 0 else None, amount)
    # A payout that is of none of the settlements here is of one that is missing.
    for posted_at, amount in _transfers(flow):
        on = _zoned(flow, posted_at)
        if posted_at >= since and (-amount, on) not in taken:
            yield Span(on, None, amount)


def _held(flow: Flow, days: Sequence[date]) -> Iterator[Span]:
    """Yield what Amazon held back, from the day of each sale to that of its release. One query."""
    assert flow.source is not None
    ends = history.first_instant(flow, min(days) + timedelta(days=1))
    until = history.first_instant(flow, max(days) + timedelta(days=1))
    found = amazon_held.held_between(flow.source, flow.account_type, flow.currency, ends, until)
    zone = _zone(flow)
    found = found.annotate(begins=TruncDate("posted_at", tzinfo=zone), ends=TruncDate("let_go_at", tzinfo=zone))
    for begins, over, amount in found.order_by().values_list("begins", "ends").annotate(Sum("total")):
        yield Span(begins, over, amount)


def _booked(flow: Flow) -> Iterator[Booked]:
    """Yield what the documents in the books moved on the accounts that count. Three queries; invoices and payments are summed."""
    found = month_totals.of_flow(flow).filter(in_the_books())
    for on, amount in found.filter(kind=Kind.INVOICE).values_list("on").annotate(Sum("amount")):
        yield Booked(on, AccountKey.AR, amount)
    account = Case(
        When(document__contains=f'"account":"{AccountKey.PETTY}"', then=Value(AccountKey.PETTY.value)),
        default=Value(AccountKey.CLEARING.value),
        output_field=CharField(),
    )
    payments = found.filter(kind=Kind.PAYMENT).annotate(into=account)
    for on, settlement, into, amount in payments.values_list("on", "plan__settlement", "into").annotate(Sum("amount")):
        yield Booked(on, AccountKey(into), amount, settlement)
        yield Booked(on, AccountKey.AR, -amount, settlement)
    rest = found.exclude(kind__in=[Kind.INVOICE, Kind.PAYMENT])
    columns = ("on", "plan__settlement", "plan__settlement__total", "key", "document")
    for on, settlement, total, key, document in rest.values_list(*columns).iterator(chunk_size=2000):
        moved = {
            line: amount for line, amount in effect(document_from(json.loads(document))).items() if line in COUNTED
        }
        if "/P/payout/" in key and settlement is not None:
            # One that carries rows of the settlement as well, as a Deposit does, pays its total all the same.
            yield Booked(on, AccountKey.CLEARING, -total, settlement, Role.PAYOUT)
            moved[AccountKey.CLEARING] = moved.get(AccountKey.CLEARING, 0) + total
        role = Role.OPENING if settlement is None and "/opening/" in key else Role.OTHER
        for line, amount in moved.items():
            yield Booked(on, AccountKey(line), amount, settlement, role)


def _nowhere(flow: Flow, on: date) -> int:
    """Return how much of the receivables at the end of a day is of orders of which Amazon shows nothing by then. Two queries."""
    until = history.first_instant(flow, on + timedelta(days=1))
    posted = month_totals.of_flow(flow).filter(in_the_books(), on__lte=on, kind=Kind.INVOICE).exclude(order_id="")
    paid = Coverage.objects.filter(
        in_the_books("payment__"), invoice__delivery=OuterRef("pk"), payment__live=True, payment__on__lte=on
    )
    taken = Subquery(paid.order_by().values("invoice").annotate(taken=Sum("payment__amount")).values("taken"))
    shows = _trusted(flow).filter(order_id=OuterRef("order_id"), posted_at__lt=until)
    unpaid = posted.annotate(taken=Coalesce(taken, Value(0))).filter(taken__lt=F("amount")).exclude(Exists(shows))
    sums: dict[str, Any] = unpaid.aggregate(amount=Sum(F("amount") - F("taken")))
    return sums["amount"] or 0
