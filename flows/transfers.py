"""Asking Amazon what it paid of settlements that are booked in another currency, and what its answers change."""

import logging
from datetime import timedelta
from typing import Final

from amazon import transfers
from amazon.client import BadRequest, Forbidden, NotFound
from amazon.models import Settlement
from flows import currencies, history, planning
from flows.models import Flow
from kit import clock

log = logging.getLogger(__name__)

# A transfer takes some days; what Amazon has not said weeks after the deposit day, it will not say by being asked again.
_ASKED_FOR: Final = timedelta(days=60)


def wanted(flow: Flow) -> list[Settlement]:
    """Return the settlements of whose payouts Amazon is to be asked: those it has not settled, where they arrive converted."""
    if flow.source is None or not flow.home or not currencies.arrives_converted(flow):
        return []
    recent = clock.now().date() - _ASKED_FOR
    found = history.in_the_books(flow).filter(total__gt=0, payout_failed=False)
    return [one for one in found if not one.transferred and (one.transfer_asked_at is None or one.deposit_on >= recent)]


def fetch(flow: Flow) -> int:
    """Ask Amazon for what is wanted, and plan again what its answers change; returns how many are new.

    That Amazon refuses stops nothing: its settlements go on, and the members are told. Raises WaitFor and
    tenants.grants.NeedsReconnect."""
    asked = wanted(flow)
    if flow.source is None or not asked:
        return 0
    try:
        told = transfers.ask(flow.source, asked)
    except (BadRequest, Forbidden, NotFound):
        log.exception("Amazon does not say what became of the payouts of flow %s", flow.pk)
        return 0
    for settlement in told:
        planning.follow_payout(settlement)
    return len(told)
