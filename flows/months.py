"""Whether a calendar month is complete in the books of one flow, and what is missing where it is not.

A month is complete when it is over, settlements cover all of it without a gap, each settlement that touches it is in
the books and proved, and no document dated in it is anywhere else than in the books. Days are those of the
marketplace's zone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum, unique
from typing import Any, Final
from zoneinfo import ZoneInfo

from django.db.models import Count

from amazon import marketplaces
from amazon.models import Report, Settlement
from bookkeeping.days import local_day
from bookkeeping.months import first_of_month, next_month, uncovered
from bookkeeping.proof import Verdict
from flows import history, month_totals, selectors
from flows.models import Delivery, Flow, Plan
from flows.payouts import Payout, Payouts
from flows.verdicts import NEEDS_PERSON, Standing, day, standing, stopped
from kit import clock

PERIOD_DAYS: Final = 31  # Amazon closes a settlement about every two weeks; beyond a month one is missing, not open


@unique
class Todo(StrEnum):
    """Where a person does what a month lacks."""

    NOTHING = ""
    SETTLEMENT = "settlement"
    UPLOAD = "upload"
    HELD = "held"
    WAITING = "waiting"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Lack:
    """One thing that keeps a month from being complete. ``settlement`` is the one it is about, by our id."""

    text: str
    todo: Todo
    state: str = "held"
    settlement: int | None = None


@dataclass(frozen=True, slots=True)
class Completeness:
    """The verdict over a month. ``state`` is a badge's. ``begins_on`` is set where the figures begin within the month, ``note``
    where nothing but the first settlement says so.
    """

    month: date
    begins_on: date | None
    complete: bool
    state: str
    title: str
    text: str
    lacks: tuple[Lack, ...] = ()
    documents: int = 0
    waiting: int = 0
    changed: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Touching:
    """A settlement with something in a month. ``falls`` is the sum of its rows of the month, None where nobody knows yet.

    ``covers``: its period and the month overlap; else only what is dated in the month touches it, such as its payout.
    """

    settlement: Settlement
    plan: Plan | None
    standing: Standing
    payout: Payout
    falls: int | None
    covers: bool


@dataclass(frozen=True, slots=True)
class Dated:
    """How many documents of one day, state and plan there are; ``changed``: in the ledger, since they were posted."""

    on: date
    state: str
    booked: bool
    changed: bool
    plan: int | None
    count: int


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a flow, for any of its months. ``dated`` counts documents."""

    flow: Flow
    zone: ZoneInfo
    today: date
    settlements: tuple[Settlement, ...]
    plans: Mapping[int, Plan]
    standings: Mapping[int, Standing]
    payouts: Payouts
    other_versions: frozenset[int]
    doubted: frozenset[int]
    dated: tuple[Dated, ...]

    @property
    def own(self) -> list[Settlement]:
        """Return the settlements that are the seller's beyond doubt."""
        return [one for one in self.settlements if one.pk not in self.doubted]

    @property
    def first_at(self) -> datetime | None:
        """Return the beginning of the first settlement."""
        return min((one.starts_at for one in self.own), default=None)

    def whole(self, month: date) -> tuple[datetime, datetime]:
        begins, ends = (datetime.combine(on, time.min, self.zone) for on in (month, next_month(month)))
        return begins, ends

    def bounds(self, month: date) -> tuple[datetime, datetime]:
        """Return the instants between which settlements have to cover a month: from where the books were said to begin, or
        from the first settlement on where nobody said it and that one begins within the month."""
        begins, ends = self.whole(month)
        if self.flow.books_from:
            begins = max(begins, datetime.combine(self.flow.books_from, time.min, self.zone))
        elif self.first_at and self.first_at < ends:
            begins = max(begins, self.first_at)
        return begins, ends

    def of(self, month: date) -> list[Dated]:
        return [one for one in self.dated if month <= one.on < next_month(month)]


def known(flow: Flow) -> Known:
    """Read what completeness depends on. Ten queries at most, however many months and settlements."""
    zone = marketplaces.zone_of("", flow.currency)
    settlements = tuple(history.in_the_books(flow))
    found = selectors.plans_for_lists().filter(flow=flow, settlement__in=settlements).order_by("revision")
    plans = {plan.settlement_id: plan for plan in found}
    held = Delivery.objects.filter(stopped(), plan__in=plans.values())
    waiting = dict(held.order_by().values_list("plan_id").annotate(Count("pk")))
    payout_on = selectors.payout_days(plans.values())
    versions = Report.objects.filter(settlement__in=settlements, state=Report.State.REVISION)
    payouts, by_pk = Payouts(settlements), {one.pk: one for one in settlements}
    dated = month_totals.of_flow(flow).annotate(booked=month_totals.IS_BOOKED, changed=month_totals.IS_CHANGED)
    counted = dated.values_list("on", "state", "booked", "changed", "plan_id").annotate(Count("pk"))
    return Known(
        flow=flow,
        zone=zone,
        today=local_day(clock.now(), zone),
        settlements=settlements,
        plans=plans,
        standings={
            plan.settlement_id: standing(
                plan.state,
                plan.proof or "",  # type: ignore[attr-defined]
                waiting.get(plan.pk, 0),
                bool(plan.differs),  # type: ignore[attr-defined]
                payout_on.get(plan.pk),
                payout_failed=payouts.failed(by_pk[plan.settlement_id]),
            )
            for plan in plans.values()
        },
        payouts=payouts,
        other_versions=frozenset(versions.values_list("settlement_id", flat=True)),
        doubted=frozenset(history.doubted_in(flow).values_list("pk", flat=True)),
        dated=tuple(Dated(*one) for one in counted),
    )


def months(about: Known) -> list[date]:
    """Return the months from the first that has anything to the present one, the newest first."""
    days = [local_day(one.starts_at, about.zone) for one in about.settlements[:1]]
    first = max(min(days, default=about.today), about.flow.books_from or date.min)
    first = min([first, *(one.on for one in about.dated)])
    last = max([about.today, *(one.on for one in about.dated)])
    found = [first_of_month(min(first, last))]
    while found[-1] < first_of_month(last):
        found.append(next_month(found[-1]))
    return found[::-1]


def completeness(about: Known, month: date) -> Completeness:
    """Return the verdict over one month."""
    name = f"{month:%B %Y}"
    dated = about.of(month)
    booked = sum(one.count for one in dated if one.booked)
    waiting = sum(one.count for one in dated) - booked
    changed = sum(one.count for one in dated if one.changed)

    def said(state: str, title: str, text: str, lacks: Sequence[Lack] = ()) -> Completeness:
        complete = state == "proved"
        return Completeness(
            month, begins_on, complete, state, title, text, tuple(lacks), booked, waiting, changed, note
        )

    begins, ends = about.bounds(month)
    begins_on = local_day(begins, about.zone) if about.whole(month)[0] < begins < ends else None
    note = "" if about.flow.books_from or begins_on is None else _first(begins_on)
    if month > about.today:
        return said("planned", f"{name} has not begun", "There is nothing to close yet.")
    if begins >= ends:
        text = f"Your books begin on {day(about.flow.books_from or month)}. What was settled before stays out of them."
        if dated:
            text += " What is dated here opens them: it is no income or fee, and moves balances only."
        lacks = list(_unposted(about, month))
        worst = "held" if any(lack.state == "held" for lack in lacks) else "waiting" if lacks else "skipped"
        return said(worst, f"{name} is before your books", text, lacks)
    if not about.flow.books_from and about.first_at and about.first_at >= ends and not dated:
        text = f"{_first(local_day(about.first_at, about.zone))} If an earlier one should be in these books, upload it."
        return said("skipped", f"{name} is before the first settlement", text)
    lacks = [*_unclosed(about, month), *_unproved(about, month), *_unposted(about, month)]
    over = next_month(month) <= about.today
    if over and not lacks:
        since = f" from {day(begins_on)}" if begins_on else ""
        return said("proved", f"{name} is complete{since}", _claim(about, month, begins_on))
    if not over:
        text = "It is not over. What is in the books so far stands below."
    else:
        text = "Do not close it yet: the figures below change when what is missing is in the books."
    states = [lack.state for lack in lacks]
    worst = next((state for state in ("off", "held") if state in states), "waiting")
    return said(worst, f"{name} is not complete", text, lacks)


def touching(about: Known, month: date) -> list[Touching]:
    """Return the settlements with something in the month, the oldest first, with their part of it. One query."""
    found = _touching(about, month)
    plans = {one.pk: about.plans[one.pk] for one in found if one.pk in about.plans}
    statements = Plan.objects.filter(pk__in=[plan.pk for plan in plans.values()]).values_list("pk", "statement")
    falls = {pk: _falls(statement, month) for pk, statement in statements}
    begins, ends = about.bounds(month)
    return [
        Touching(
            settlement=one,
            plan=(plan := plans.get(one.pk)),
            standing=about.standings.get(one.pk, Standing("pending", "Not planned yet")),
            payout=about.payouts.of(one, about.today),
            falls=falls.get(plan.pk) if plan else None,
            covers=one.starts_at < ends and one.ends_at > begins,
        )
        for one in found
    ]


def undecided(about: Known, month: date) -> int:
    """Return the sum of the month's rows whose labels nobody has given a meaning: no document carries them yet."""
    plans = [about.plans[one.pk].pk for one in _touching(about, month) if one.pk in about.plans]
    found = Plan.objects.filter(pk__in=plans).exclude(state=Plan.State.UNDONE).values_list("statement", flat=True)
    return sum(
        one["amount"]
        for statement in found
        for one in (statement or {}).get("unknown", [])
        if one["part"] in _parts(statement, month)
    )


def _touching(about: Known, month: date) -> list[Settlement]:
    begins, ends = about.bounds(month)
    dated = {one.plan for one in about.of(month)}
    plans = {pk for pk, plan in about.plans.items() if plan.pk in dated}
    return [
        one
        for one in about.settlements
        if (one.starts_at < ends and one.ends_at > begins)
        or (one.total > 0 and month <= one.deposit_on < next_month(month))
        or one.pk in plans
    ]


def _unclosed(about: Known, month: date) -> Iterator[Lack]:
    """Yield the stretches of the month that no settlement covers. One that may be another seller's covers nothing."""
    begins, ends = about.bounds(month)
    own = about.own
    last = max((one.ends_at for one in own), default=None)
    for start, end in uncovered(((one.starts_at, one.ends_at) for one in own), begins, ends):
        stretch = _stretch(about, start, end)
        if last is not None and start >= last and about.today - local_day(start, about.zone) <= timedelta(PERIOD_DAYS):
            text = (
                f"The settlement that begins on {day(local_day(start, about.zone))} is still open at Amazon, which "
                "closes one about every two weeks. It comes by itself."
            )
            yield Lack(text, Todo.NOTHING, "waiting")
        elif last is None:
            text = "No settlement is known yet. Each comes when Amazon closes its period; earlier ones can be uploaded."
            yield Lack(text, Todo.UPLOAD, "waiting")
        elif any(one.starts_at < start for one in own):
            yield Lack(f"No settlement covers {stretch}: one is missing. Upload its file.", Todo.UPLOAD)
        else:
            first = day(local_day(min(one.starts_at for one in own), about.zone))
            when = "in this month" if end < ends else "after this month"
            text = (
                f"Tieout begins {when}, with the settlement that starts on {first}; none covers {stretch}. If you sold "
                "on Amazon in that time, upload its settlements. If you did not, nothing is missing."
            )
            yield Lack(text, Todo.UPLOAD)


def _unproved(about: Known, month: date) -> Iterator[Lack]:
    for one in _touching(about, month):
        begins, ends = (local_day(at, about.zone) for at in (one.starts_at, one.ends_at))
        name = f"Settlement {one.settlement_id} ({day(begins)} – {day(ends)})"
        plan = about.plans.get(one.pk)
        if one.pk in about.doubted:
            if plan is None or plan.state != Plan.State.UNDONE:
                text = f"{name} overlaps another one and may be another seller's; nobody has decided."
                yield Lack(text, Todo.SETTLEMENT, settlement=one.pk)
            continue
        if one.pk in about.other_versions:
            yield Lack(
                f"{name} came again with other rows, and nobody has decided.", Todo.SETTLEMENT, settlement=one.pk
            )
        if plan is None:
            yield Lack(f"{name} is not planned yet.", Todo.SETTLEMENT, "waiting", one.pk)
        elif plan.state != Plan.State.POSTED or plan.proof != Verdict.PROVED:  # type: ignore[attr-defined]
            shown = about.standings[one.pk]
            state = (
                shown.state if shown.state == "off" else "waiting" if shown.state in ("waiting", "posting") else "held"
            )
            words = shown.label[0].lower() + shown.label[1:]
            yield Lack(f"{name}: {words}.", Todo.SETTLEMENT, state, one.pk)


def _unposted(about: Known, month: date) -> Iterator[Lack]:
    """Yield what is dated in the month and not in the books, or not as it was posted."""
    counts: dict[Todo, int] = {}
    for one in about.of(month):
        if one.booked and not one.changed:
            continue
        todo = Todo.CHANGED if one.changed else Todo.HELD if one.state in NEEDS_PERSON else Todo.WAITING
        counts[todo] = counts.get(todo, 0) + one.count
    for todo, state, one_is, they_are, words in (
        (Todo.CHANGED, "off", "was", "were", f"changed in {selectors.ledger_name(about.flow)} since posting"),
        (Todo.HELD, "held", "is", "are", "held"),
        (Todo.WAITING, "waiting", "is", "are", "not in the books yet"),
    ):
        if count := counts.get(todo, 0):
            many = f"{count:,} documents" if count > 1 else "A document"
            yield Lack(f"{many} dated in this month {they_are if count > 1 else one_is} {words}.", todo, state)


def _first(on: date) -> str:
    return f"Tieout begins on {day(on)}, with the first settlement; what Amazon settled before is in none of these figures."


def _claim(about: Known, month: date, begins_on: date | None) -> str:
    found = _touching(about, month)
    ids = ", ".join(one.settlement_id for one in found)
    whose = "your books begin" if about.flow.books_from else "Tieout begins"
    it = f"it from {day(begins_on)}, when {whose}," if begins_on else "it"
    return (
        f"Every settlement that covers {it} is posted and proved, without a gap: {ids}. Proved means what each settlement's "
        "page lists: Amazon's rows, Amazon's total, every document as the ledger answered it, and the payout."
    )


def _stretch(about: Known, start: datetime, end: datetime) -> str:
    first, last = local_day(start, about.zone), local_day(end - timedelta(seconds=1), about.zone)
    return day(first) if first == last else f"{day(first)} – {day(last)}"


def _parts(statement: Mapping[str, Any], month: date) -> set[int]:
    return {part["n"] for part in statement.get("parts", []) if part["month"] == month.isoformat()}


def _falls(statement: Mapping[str, Any] | None, month: date) -> int | None:
    """Return the sum of a settlement's rows of one month, None where it is not planned."""
    if not statement:
        return None
    parts = _parts(statement, month)
    amounts: list[int] = [one["amount"] for one in statement["sums"] if one["part"] in parts]
    return sum(amounts)
