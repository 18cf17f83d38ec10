"""What Amazon owes at any day, against the books."""

from datetime import date, timedelta
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from bookkeeping.accounts import ACCOUNTS, AccountKey
from bookkeeping.owed import Reason
from flows import owed, owed_chart
from flows.owed import State
from flows.views.flows import flow_or_404
from kit import clock
from tenants.models import Role
from tenants.roles import requires
from tenants.views import TenantRequest

# What a difference is called, and a word on it.
REASONS: Final = {
    Reason.RELEASED: ("Released since the last settlement ended", "The next settlement brings it."),
    Reason.EARLY: (
        "Of that, in the books already",
        "Entries of the next settlement that are dated in an earlier month.",
    ),
    Reason.HELD: ("Held back by Amazon", "Sales that are shipped and not released: they are in no settlement yet."),
    Reason.DEFERRED: ("Of what is held back, in the books already", "It stands on the deferred account above."),
    Reason.INVOICED: ("Of all that, invoiced already", "It stands in receivables above, before Amazon's fees."),
    Reason.NOWHERE: (
        "Invoiced, and nothing of it at Amazon yet",
        "Amazon shows no transaction of these orders by that day.",
    ),
    Reason.UNPOSTED: (
        "Settlements that are not in the books in full",
        "They ended by that day, and something of them waits.",
    ),
    Reason.LATER: (
        "Settlements whose documents are dated later",
        "They ended by that day and are booked on a day after it.",
    ),
    Reason.PAYOUT: (
        "Payouts on another day than in the books",
        "They leave Amazon on one day and the books on their deposit day.",
    ),
    Reason.BEFORE: (
        "From before the books began",
        "What Amazon owed when they began, less what the opening entry has of it.",
    ),
    Reason.UNPAID: (
        "Settlements that ended and are not paid out",
        "What their payouts will bring, or a debt that is carried on.",
    ),
    Reason.RESERVE: ("Kept back as a reserve", "As the last settlement's file states it."),
}
STATED: Final = (
    ("AVAILABLE", "Available"),
    ("DEFERRED", "Held back (deferred)"),
    ("ACCOUNT_LEVEL_RESERVE", "Reserve"),
)


@requires(Role.VIEWER)
@require_safe
def owed_page(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    standing = owed.standing_of(flow)
    wanted, unreadable = _wanted(request.GET.get("on", ""))
    on = wanted or standing.last
    days = owed.series(flow)
    chosen = owed.day(flow, on) if on else None
    chart = owed_chart.draw(days, flow.currency)
    context = {
        "flow": flow,
        "standing": standing,
        "on": on,
        "unreadable": unreadable,
        "chosen": chosen,
        "verdict": verdict(chosen) if chosen else None,
        "books": [(_called(key), amount) for key, amount in chosen.owed.books] if chosen and chosen.owed else [],
        "lines": [(*REASONS[line.reason], line) for line in chosen.owed.lines] if chosen and chosen.owed else [],
        "stated": [(name, chosen.stated[kind]) for kind, name in STATED if kind in chosen.stated] if chosen else [],
        "before": on - timedelta(days=1) if on and standing.first and on > standing.first else None,
        "after": on + timedelta(days=1) if on and standing.last and on < standing.last else None,
        "days": list(reversed(days)),
        "chart": chart,
        "crumbs": [("Flows", reverse("flows:flows")), (flow.name, reverse("flows:flow", args=[pk]))],
    }
    return render(request, "flows/owed.html", context)


def verdict(chosen: owed.Day) -> tuple[str, str, str]:
    """Return the state of a badge, a title and a sentence."""
    match chosen.state:
        case State.TIES:
            return "proved", "It ties", "Every difference between Amazon's figure and the books has its reason."
        case State.YOUNG:
            text = "Amazon may show a transaction two days late. Before it has shown all of this day, nothing is wrong."
            return "waiting", "Not all of this day may be here", text
        case State.DIFFERS:
            text = "Nothing that Tieout knows explains it. Look for a settlement that is missing, and for what somebody changed."
            return "failed", "Something is left over", text
        case State.UNREAD:
            text = "Amazon's figure is read once a day, for the day before. Below is what it should be."
            return "skipped", "Amazon's figure of this day was never read", text
        case State.UNKNOWN:
            return "skipped", "It cannot be worked out", chosen.problem


def _called(key: AccountKey) -> str:
    return "Accounts receivable" if key is AccountKey.AR else ACCOUNTS[key].name


def _wanted(text: str) -> tuple[date | None, bool]:
    """Return the day that was asked for, and whether what was asked for is none."""
    if not text:
        return None, False
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None, True
    if not date(2000, 1, 1) <= found <= clock.now().date():
        return None, True
    return found, False
