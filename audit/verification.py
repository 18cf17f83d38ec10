"""The daily verification of the trail. Where a chain does not hold, its company is told; the result is an event itself."""

import logging
from datetime import datetime, timedelta

from audit import trail
from audit.models import ChainHead, Event
from kit.clock import now
from kit.scope import unscoped
from tenants.alerts import alert, settle_alert

EVERY = timedelta(hours=23)  # looked for every hour, so that it is done at about the same time of every day
VERIFIED = "trail.verified"
SUBJECT = "installation:trail"

log = logging.getLogger(__name__)


def last_verified() -> Event | None:
    """Return the event of the last verification; its data has chains, events and problems, as counts."""
    with unscoped("it concerns the installation"):
        return Event.objects.filter(tenant=None, kind=VERIFIED).order_by("-at", "-seq").first()


def is_due(at: datetime) -> bool:
    last = last_verified()
    return last is None or last.at <= at - EVERY


def verify_if_due() -> int | None:
    """Verify every chain once a day; return how many problems there are, None where it is not due."""
    return verify_all() if is_due(now()) else None


def verify_all() -> int:
    """Verify every chain, raise or settle an alert for each, and record that it was done."""
    heads = trail.chains()
    problems = sum(_verify(head) for head in heads)
    events = sum(head.seq for head in heads)
    trail.record(VERIFIED, SUBJECT, chains=len(heads), events=events, problems=problems)
    return problems


def _verify(head: ChainHead) -> int:
    found = trail.verify_chain(head.chain)
    for problem in found:
        log.error("the trail %s has a problem at event %s: %s", problem.chain, problem.seq, problem.text)
    tenant_id = trail.tenant_of(head.chain)
    if tenant_id is not None and found:
        alert(
            tenant_id,
            "trail_broken",
            _key(tenant_id),
            "The audit trail was changed from outside",
            f"{len(found)} of its events do not fit, the first at event {found[0].seq}: {found[0].text}. "
            "The application only adds events, so somebody changed the database itself.",
            "Ask whoever runs this installation to run verify_audit and to compare with a backup.",
        )
    elif tenant_id is not None:
        settle_alert(tenant_id, _key(tenant_id))
    return len(found)


def _key(tenant_id: int) -> str:
    return f"trail:{tenant_id}"
