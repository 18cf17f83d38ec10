"""The tenant's exchange rates: set by hand or by a file, and what they change."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import QuerySet

from audit import trail
from bookkeeping.exchange import BadRate, rate_text
from bookkeeping.money import CURRENCIES
from flows import doubts, planning, rows
from flows.cannot import Cannot
from flows.models import ExchangeRate, Flow, Plan
from flows.rate_files import EARLIEST, Rate, read
from kit import clock
from ledgers.models import Company


class CannotSet(Cannot):
    """Why a rate cannot be set, and what to do."""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many rates of a file are new, other than they were, and as they were."""

    new: int
    changed: int
    same: int


@dataclass(frozen=True, slots=True)
class Missing:
    """A day on which a settlement needs a rate that nobody has set."""

    home: str
    currency: str
    on: date


def homes() -> list[str]:
    """Return the currencies of the tenant's books, those into which something is converted first; all there are, while no books
    are connected."""
    converting = set(Flow.objects.exclude(home="").values_list("home", flat=True))
    others = set(Company.objects.exclude(home_currency="").values_list("home_currency", flat=True)) - converting
    return [*sorted(converting), *sorted(others)] or sorted(CURRENCIES)


def listed() -> QuerySet[ExchangeRate]:
    return ExchangeRate.objects.order_by("-on", "currency", "home")


def missing(flow: Flow | None = None) -> list[Missing]:
    """Return the days that planned settlements wait for, of one flow or of all."""
    plans = Plan.objects.exclude(state__in=[Plan.State.UNDOING, Plan.State.UNDONE]).exclude(flow__home="")
    if flow is not None:
        plans = plans.filter(flow=flow)
    found = set()
    for kept, home, currency, total, deposit in plans.values_list(
        "exchange", "flow__home", "flow__currency", "settlement__total", "settlement__deposit_on"
    ):
        if kept and not kept["rate"]:
            found.add((home, currency, date.fromisoformat(kept["day"])))
        if kept and kept["strategy"] == Flow.Strategy.CONVERT and not kept["spot"] and total > 0:
            found.add((home, currency, deposit))
    return [Missing(*one) for one in sorted(found)]


def set_rate(
    tenant_id: int, actor: str, home: str, currency: str, on: date, text: str, *, confirmed: bool = False
) -> ExchangeRate:
    """Set what one unit of a currency is worth on a day. What was never sent follows.

    Raises:
        CannotSet: it is no rate.
        doubts.Doubted: it is an unusual one, and nobody has confirmed it.
    """
    try:
        rate = rate_text(text)
    except BadRate as error:
        raise CannotSet(str(error), "Write how much of your currency one unit of the other one is worth.") from error
    _check_pair(home, currency)
    if on < EARLIEST:
        raise CannotSet("That day is before any settlement.", f"Choose a day after {EARLIEST.year - 1}.")
    if on > _until():
        raise CannotSet("That day has not come yet: nobody knows its rate.", "Choose today, or a day before.")
    given = Rate(currency, on, rate)
    if not confirmed and (unusual := doubts.about_rates(home, [given], lambda one: "As you write it, ")):
        raise doubts.Doubted(unusual)
    keep(tenant_id, actor, home, [given])
    return ExchangeRate.objects.get(home=home, currency=currency, on=on)


def upload(tenant_id: int, actor: str, home: str, name: str, content: bytes, *, confirmed: bool = False) -> Kept:
    """Set the rates of a file.

    Raises:
        rate_files.BadRateFile: lines are wrong; nothing of it was used.
        CannotSet: it is for other books.
        doubts.Doubted: lines are unusual, and nobody has confirmed them; nothing of it was used.
    """
    _check_home(home)
    given = read(content, home, _until())
    if not confirmed and (unusual := doubts.about_rates(home, given, lambda one: f"Line {one.line}: ")):
        raise doubts.Doubted(unusual)
    return keep(tenant_id, actor, home, given, source=name[:200])


def keep(tenant_id: int, actor: str, home: str, rates: Sequence[Rate], *, source: str = "") -> Kept:
    """Store rates into ``home``, and plan again what was never sent where one is other than it was."""
    known: dict[tuple[str, date], str] = {}
    for some in rows.chunked(rates):
        stored = ExchangeRate.objects.filter(home=home, currency__in={one.currency for one in some})
        stored = stored.filter(on__range=(min(one.on for one in some), max(one.on for one in some)))
        known |= {(one.currency, one.on): one.rate for one in stored}
    different = [one for one in rates if known.get((one.currency, one.on)) != one.rate]
    new = sum((one.currency, one.on) not in known for one in rates)
    if different:
        now = clock.now()
        with trail.recorded():
            for some in rows.chunked(different):
                ExchangeRate.objects.bulk_create(
                    [
                        ExchangeRate(
                            tenant_id=tenant_id,
                            home=home,
                            currency=one.currency,
                            on=one.on,
                            rate=one.rate,
                            source=source,
                            set_at=now,
                        )
                        for one in some
                    ],
                    update_conflicts=True,
                    unique_fields=["tenant", "home", "currency", "on"],
                    update_fields=["rate", "source", "set_at"],
                )
            trail.record(
                "rates.set",
                f"rates:{home}",
                tenant_id=tenant_id,
                actor=actor,
                source=source,
                rates=[
                    {"currency": one.currency, "on": one.on, "rate": one.rate, "was": known.get((one.currency, one.on))}
                    for one in different[:100]
                ],
                count=len(different),
            )
        _follow(home, {one.currency for one in different})
    return Kept(new, len(different) - new, len(rates) - len(different))


def remove(rate: ExchangeRate, actor: str) -> None:
    """Take a rate out of the table. What was sent with it stays; what was not takes the one before it, or waits."""
    with trail.recorded():
        ExchangeRate.objects.filter(pk=rate.pk).delete()
        trail.record(
            "rates.removed",
            f"rates:{rate.home}",
            tenant_id=rate.tenant_id,
            actor=actor,
            currency=rate.currency,
            on=rate.on,
            rate=rate.rate,
        )
    _follow(rate.home, {rate.currency})


def _until() -> date:
    """Return the last day that may have a rate: it is tomorrow somewhere."""
    return clock.now().date() + timedelta(days=1)


def _check_home(home: str) -> None:
    if home not in homes():
        raise CannotSet(f"None of your books are in {home}.", "Choose the currency of your books.")


def _check_pair(home: str, currency: str) -> None:
    _check_home(home)
    if currency not in CURRENCIES:
        raise CannotSet(f"There is no currency {currency}.", "Write its three letters, like GBP.")
    if currency == home:
        raise CannotSet(f"{home} is the currency of your books itself.", "Choose the currency of the settlements.")


def _follow(home: str, currencies: set[str]) -> None:
    for flow in Flow.objects.filter(home=home, currency__in=currencies).select_related("source", "target"):
        planning.follow_rates(flow)
