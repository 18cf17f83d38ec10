"""The main job as the demo drives it, beside the running site: flows, mapping, live, and waiting for the site to do the work."""

import time
from collections.abc import Callable
from functools import partial

from connector.demo.outside import CURRENCY, Company
from flows import creation, setup
from flows.models import Delivery, Flow, Plan, Run
from kit.clock import now
from kit.scope import unscoped
from ledgers.registry import refresh_lists
from tenants.models import Connection, Member, Tenant

LOOK_EVERY_S = 0.2
State = Delivery.State
_MOVING = (State.READY, State.SENDING, State.UNCERTAIN, State.FAILED)


class NotDone(Exception):
    """The site did not get there: the text says what it waits for, or why it cannot go on."""


def tenant_of(email: str) -> Tenant:
    """Return the company this person signed up with."""
    with unscoped("the demo finds the company it has just signed up"):
        return Tenant.objects.get(pk=Member.objects.get(user__email=email).tenant_id)


def make_flow(company: Company, actor: str) -> Flow:
    """Create the flow into a company; the site fetches and plans (the dry run) when it sees it."""
    source = Connection.objects.get(provider="amazon")
    target = Connection.objects.get(provider=company.ledger, remote_id=company.remote_id)
    refresh_lists(target)
    values = {
        "name": f"Amazon.com {CURRENCY}, {company.name}",
        "source": source,
        "target": target,
        "currency": CURRENCY,
        "mode": company.mode,
        "approval": Flow.Approval.AUTOMATIC,
    }
    return creation.create(source.tenant_id, actor, values)


def wait_until_planned(flow: Flow, within_s: float) -> None:
    _until(partial(_ran, flow), within_s, f"the first run of {flow}")


def map_accounts(flow: Flow, actor: str) -> None:
    """Accept what is suggested for every account, and have made what the company lacks."""
    left = setup.accept_suggestions(flow, actor, create_missing=True)
    if left:
        raise NotDone(f"There is no suggestion for {', '.join(left)} of {flow}.")


def wait_until_posted(flows: list[Flow], within_s: float, say: Callable[[str], None]) -> None:
    """Wait until nothing is on its way, and say how far it is."""
    said = ""

    def done() -> bool:
        nonlocal said
        rows = Delivery.objects.filter(flow__in=flows, live=True)
        posted = rows.filter(state=State.POSTED).count()
        waiting = rows.filter(state__in=[*_MOVING, State.BLOCKED]).exclude(not_before__gt=now().date()).count()
        text = f"  {posted} documents are in the books, {waiting} on their way"
        if text != said:
            said = text
            say(text)
        planned = Plan.objects.filter(flow__in=flows, state=Plan.State.PLANNED).exists()
        unproved = Plan.objects.filter(flow__in=flows, prove_at__isnull=False).exists()
        running = Run.objects.filter(flow__in=flows, state=Run.State.RUNNING).exists()
        moving = rows.filter(state__in=_MOVING).exclude(not_before__gt=now().date())
        return bool(posted) and not planned and not unproved and not running and not moving.exists()

    _until(done, within_s, "the last document")


def _ran(flow: Flow) -> bool:
    """Whether a run of the flow has reached its end. Raises NotDone where one failed and nobody tries again."""
    run = Run.objects.filter(flow=flow).order_by("-pk").first()
    if run is None or run.state in (Run.State.RUNNING, Run.State.WAITING):
        return False
    if run.state == Run.State.DONE:
        return True
    if Flow.objects.filter(pk=flow.pk, next_run_at=None).exists():
        raise NotDone(f"A run of {flow} failed: {run.problem}")
    return False


def _until(done: Callable[[], bool], within_s: float, what: str) -> None:
    until = time.monotonic() + within_s
    while not done():
        if time.monotonic() > until:
            raise NotDone(f"Still waiting for {what} after {within_s:.0f} s; the audit page of the site says why.")
        time.sleep(LOOK_EVERY_S)
