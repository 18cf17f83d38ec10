"""Asking Amazon what became of payouts and what it makes of settlements, and what its answers change."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

from amazon import payouts, summaries, transfers
from amazon.client import BadRequest, Forbidden, NotFound
from amazon.models import Settlement
from flows import currencies, history, planning, proving
from flows.models import Flow, Plan
from kit import clock
from tenants.actors import AMAZON
from tenants.models import Connection

log = logging.getLogger(__name__)

# A transfer takes some days; what Amazon has not said weeks after the deposit day, it will not say by being asked again.
_ASKED_FOR: Final = timedelta(days=60)


def wanted(flow: Flow) -> list[Settlement]:
    """Return the settlements of which Amazon is to be asked what it paid: those it has not settled, where payouts arrive converted."""
    if flow.source is None or not flow.home or not currencies.arrives_converted(flow):
        return []
    recent = clock.now().date() - _ASKED_FOR
    found = history.in_the_books(flow).filter(total__gt=0, payout_failed=False)
    unsettled = [one for one in found if not (one.transferred and (one.group_id or one.converted is not None))]
    return [one for one in unsettled if one.transfer_asked_at is None or one.deposit_on >= recent]


def fetch(flow: Flow) -> int:
    """Ask Amazon for what is wanted, and follow its answers; returns of how many payouts it says something new.

    That Amazon refuses stops nothing: its settlements go on, and the members are told. Raises WaitFor and
    tenants.grants.NeedsReconnect."""
    if flow.source is None:
        return 0
    source = flow.source
    found = _unless_refused(lambda: _payouts(source), flow)
    found += _unless_refused(lambda: _converted(flow, source), flow)
    _unless_refused(lambda: _summaries(source), flow)
    return found


def _payouts(source: Connection) -> int:
    asked = payouts.wanted(source)
    told = payouts.ask(source, asked) if asked else []
    for one in told:
        # Only what is new: what a person said of an older word of Amazon's stays.
        if one.failed or one.mended:
            planning.state_payout_failed(one.settlement, AMAZON, failed=one.failed)
        planning.follow_payout(one.settlement)
        _prove_again(one.settlement)
    return len(told)


def _converted(flow: Flow, source: Connection) -> int:
    asked = wanted(flow)
    told = transfers.ask(source, asked) if asked else []
    for settlement in told:
        planning.follow_payout(settlement)
    return len(told)


def _summaries(source: Connection) -> int:
    asked = summaries.wanted(source)
    told = summaries.ask(source, asked) if asked else []
    for settlement in told:
        _prove_again(settlement)
    return len(told)


def _prove_again(settlement: Settlement) -> None:
    """Have it compared with what is in the books already."""
    for plan in Plan.objects.filter(settlement=settlement, state=Plan.State.POSTED):
        proving.ask(plan)


def _unless_refused(ask: Callable[[], int], flow: Flow) -> int:
    try:
        return ask()
    except (BadRequest, Forbidden, NotFound):
        log.exception("Amazon does not say what became of the payouts of flow %s", flow.pk)
        return 0
