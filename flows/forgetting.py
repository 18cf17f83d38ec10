"""Letting go of buyers: switched off, due, or because somebody asks. What is sealed is emptied, and a forgotten buyer's
customer in a ledger loses its name.

Nothing is let go while it is open what became of a customer that was sent: it can only be looked up by name. Whoever is left
is emptied by the next run of ``purge``.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from amazon.models import Buyer, Order
from amazon.orders import CANCELLED
from audit import trail
from bookkeeping.buyers import KEY, REMOVED, hash_in_key, ledger_name
from bookkeeping.documents import Kind
from flows import buyers, drafts, history, lanes, planner, planning, shipments
from flows.creation import CannotChange
from flows.lanes import LEASE_MARGIN_S, LeaseLost
from flows.looking import Reader
from flows.models import Attempt, Delivery, Flow, Removal
from flows.pace import OutOfTokens, Resting
from flows.rows import LOOK_FIRST, chunked
from kit import clock
from kit.scope import scope, unscoped
from tenants.alerts import alert, settle_alert
from tenants.models import Access

KEPT: Final = timedelta(
    days=30
)  # after the invoice is in the books; Amazon's data policy allows no longer after delivery
AT_MOST: Final = timedelta(days=60)  # of an order that gets no invoice
ALERT_AFTER: Final = 3  # tries
_SOON: Final = timedelta(minutes=1)
_LATER: Final = timedelta(days=1)
_BATCH: Final = 500

log = logging.getLogger(__name__)
State = Delivery.State


class NoBuyer(Exception):
    """Nothing is known of an order's buyer."""


# Wanted or not


def problem(flow: Flow) -> str:
    """Return why a flow cannot name buyers, and what to do; "" where it can."""
    if flow.source is None:
        return "This flow takes uploaded files, which do not say who bought. Connect the seller account first."
    if flow.mode != Flow.Mode.ORDERS:
        return "This flow books summaries, which name no customer. Change how it is booked first."
    if drafts.policy_of(flow).order_entries:
        return "This flow books orders as journals, which name no customer. Choose another layout first."
    return ""


def switch(flow: Flow, actor: str, *, on: bool) -> bool:
    """Have the flow's invoices name buyers from now on, or no longer; False where it was so already.

    Switched off, nothing more is asked of Amazon, and what is sealed and not needed by another flow is emptied at once. What
    is in the ledger stays there. Raises CannotChange."""
    if on and (why := problem(flow)):
        raise CannotChange(why)
    with trail.recorded():
        if not Flow.objects.filter(pk=flow.pk, buyers=not on).update(buyers=on):
            return False
        trail.record(f"flow.buyers_{'on' if on else 'off'}", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor)
    flow.buyers = on
    if not on:
        if flow.source is not None and not buyers.wanted_from(flow.source):
            _empty(Buyer.objects.filter(order__connection=flow.source).exclude(sealed=""))
        _plan_again([flow])
    return True


# What is sealed


def purge() -> int:
    """Empty what is due: see ``_due``. Returns how many orders' buyers were let go. For the schedule."""
    with unscoped("the schedule serves every tenant"):
        tenants = list(_due().order_by().values_list("tenant_id", flat=True).distinct())
    emptied = 0
    for tenant_id in tenants:
        with scope(tenant_id):
            while gone := _empty(Buyer.objects.filter(pk__in=list(_due().values_list("pk", flat=True)[:_BATCH]))):
                emptied += gone
                trail.record("buyers.emptied", f"tenant:{tenant_id}", tenant_id=tenant_id, orders=gone)
    with unscoped("the schedule serves every tenant"):
        made = Delivery.objects.filter(kind=Kind.CUSTOMER, key__startswith=KEY)
        _empty_calls(Attempt.objects.filter(deliveries__in=made, sent_at__lte=clock.now() - KEPT))
    return emptied


def forget(order: Order, actor: str) -> None:
    """Forget an order's buyer, in all of their orders: what is sealed is emptied, their customer in each ledger loses its name
    and is hidden, and nothing is made of them again. Raises NoBuyer."""
    buyer = Buyer.objects.filter(order=order).first()
    if buyer is None:
        raise NoBuyer
    now = clock.now()
    with trail.recorded():
        same = Buyer.objects.filter(hash=buyer.hash, forgotten_at=None)
        orders = same.update(forgotten_at=now)
        if not orders:
            return
        made = buyers.customers([buyer.hash])
        for row in made:
            Removal.objects.get_or_create(
                tenant_id=row.tenant_id, delivery=row, defaults={"asked_by": actor, "asked_at": now, "next_at": now}
            )
        trail.record(
            "buyer.forgotten",
            f"order:{order.pk}",
            tenant_id=order.tenant_id,
            actor=actor,
            orders=orders,
            customers=len(made),
        )
    _empty(Buyer.objects.filter(hash=buyer.hash))
    # Those that wait for other reasons name them, too.
    _plan_again({row.flow_id: row.flow for row in made if row.external_id}.values())
    transaction.on_commit(lambda: planner.hint("flows.tasks.remove_buyers", order.pk, "short"))


def _due() -> QuerySet[Buyer]:
    """Return what is to be emptied: forgotten, wanted by no flow, of an order that was cancelled, invoiced 30 days ago, or
    fetched so long ago that no invoice is to be expected."""
    now = clock.now()
    wanting = Flow.objects.filter(source=OuterRef("order__connection"), buyers=True, mode=Flow.Mode.ORDERS)
    invoiced = Delivery.objects.filter(
        tenant=OuterRef("tenant"), order_id=OuterRef("order__order_id"), kind=Kind.INVOICE, posted_at__lte=now - KEPT
    )
    over = Q(fetched_at__lte=now - AT_MOST) | Q(order__status__in=CANCELLED) | Q(forgotten_at__isnull=False)
    due = Buyer.objects.exclude(sealed="").filter(over | ~Exists(wanting) | Exists(invoiced))
    return due.exclude(hash__in=buyers.in_flight()).order_by("pk")


def _empty(found: QuerySet[Buyer]) -> int:
    """Empty what is sealed of these, and of the calls that carried it; drop what was not sent and can no longer be named."""
    open_ = buyers.in_flight()
    rows = [(pk, hash_) for pk, hash_ in found.values_list("pk", "hash") if hash_ not in open_]
    emptied = 0
    flows: dict[int, Flow] = {}
    for some in chunked(rows):
        emptied += Buyer.objects.filter(pk__in=[pk for pk, _ in some]).exclude(sealed="").update(sealed="")
    for hashes in chunked(sorted({hash_ for _, hash_ in rows})):
        left = set(Buyer.objects.filter(hash__in=hashes).exclude(sealed="").values_list("hash", flat=True))
        made = buyers.customers(set(hashes) - left)
        _empty_calls(Attempt.objects.filter(deliveries__in=[row.pk for row in made]))
        flows |= {flow.pk: flow for flow in _dropped(row for row in made if not row.external_id)}
    _plan_again(flows.values())
    return emptied


def _empty_calls(found: QuerySet[Attempt]) -> None:
    """Empty the frozen calls that carried names, where none of them can go out again or is to be looked up."""
    again = Delivery.objects.filter(resend__isnull=False).values("resend")
    found = found.exclude(sealed_call="").exclude(deliveries__state__in=[State.SENDING, State.UNCERTAIN])
    ids = list(found.exclude(pk__in=again).values_list("pk", flat=True))
    for some in chunked(ids):
        Attempt.objects.filter(pk__in=some).update(sealed_call="")


def _dropped(made: Iterable[Delivery]) -> list[Flow]:
    """Drop customers that were not sent; returns the flows in which something waited for them."""
    flows: dict[int, Flow] = {}
    for row in made:
        with transaction.atomic():
            lanes.lock(row.remote_key)
            unsent = Delivery.objects.filter(pk=row.pk, resend=None, external_id="").exclude(code__in=LOOK_FIRST)
            unsent = unsent.exclude(state__in=[State.SENDING, State.UNCERTAIN, State.POSTED])
            if unsent.update(state=State.DROPPED, live=False):
                flows[row.flow_id] = row.flow
                # Another flow of the company may wait for the same customer.
                waiting = Delivery.objects.filter(dependencies__key=row.key, remote_key=row.remote_key, live=True)
                flows |= {one.flow_id: one.flow for one in waiting.select_related("flow__source", "flow__target")}
    return list(flows.values())


def _plan_again(flows: Iterable[Flow]) -> None:
    for flow in flows:
        shipments.bring_up_to_date(flow, whatever=True)
        planning.replan_open(flow)


# In the ledgers


def remove_due() -> None:
    """Take the names out of ledgers that are to lose them; what does not work is tried again. For the schedule."""
    with unscoped("the schedule serves every tenant"):
        due = Removal.objects.filter(done_at=None, next_at__lte=clock.now()).select_related("delivery__flow__target")
        for removal in list(due.order_by("next_at")[:_BATCH]):
            with scope(removal.tenant_id):
                try:
                    _remove(removal)
                except Exception as error:
                    log.exception("removal %s did not work", removal.pk)
                    _try_later(removal, f"Tieout met a fault of its own ({type(error).__name__}).")


def _remove(removal: Removal) -> None:
    row, now = removal.delivery, clock.now()
    if not row.live:
        Removal.objects.filter(pk=removal.pk).update(done_at=now)
        return
    if not row.external_id:
        # It may be there, and the outbox is finding out; else it is dropped now, and done with the next look.
        _empty(Buyer.objects.filter(hash=hash_in_key(row.key)))
        _wait(removal, _SOON)
        return
    if row.flow.target.state != Access.ACTIVE:
        _try_later(removal, "The company is not connected.")
        return
    hide = not _is_open(row)
    if removal.nameless_at and not hide:
        _wait(removal, _LATER)
        return
    lease = lanes.claim(row.remote_key, LEASE_MARGIN_S)
    if lease is None:
        _wait(removal, _SOON)
        return
    try:
        refused = Reader(lease, row.flow.target).forget(
            row.external_id, ledger_name(REMOVED, hash_in_key(row.key)), hide=hide
        )
    except OutOfTokens:
        _wait(removal, _SOON)
        return
    except (Resting, LeaseLost):
        _try_later(removal, "The ledger could not be reached.")
        return
    finally:
        lanes.release(lease)
    if refused is not None:
        # Its text may quote the name, which nobody here knows any more.
        _try_later(removal, f"The ledger refused to change the customer (code {refused.code}). {refused.action}")
        return
    with trail.recorded():
        nameless_at = removal.nameless_at or now
        Removal.objects.filter(pk=removal.pk).update(
            nameless_at=nameless_at, done_at=now if hide else None, next_at=now + _LATER, problem="", tries=0
        )
        trail.record(
            "buyer.removed", f"delivery:{row.pk}", tenant_id=row.tenant_id, customer=row.external_id, hidden=hide
        )
    settle_alert(row.tenant_id, _alert_key(removal))


def _is_open(row: Delivery) -> bool:
    """Whether something of ours is still to be booked on a customer: then it must stay one that can be used."""
    naming = Delivery.objects.filter(remote_key=row.remote_key, dependencies__key=row.key, live=True)
    if naming.exclude(state__in=[State.POSTED, State.PARKED]).exists():
        return True
    flows = Flow.objects.filter(pk__in=naming.values("flow"))
    return any(history.unpaid(flow).filter(delivery__in=naming).exists() for flow in flows)


def _wait(removal: Removal, how_long: timedelta) -> None:
    Removal.objects.filter(pk=removal.pk).update(next_at=clock.now() + how_long)


def _try_later(removal: Removal, why: str) -> None:
    """Try again after a growing pause, up to a day; who waits for it is told after some tries."""
    row, tries = removal.delivery, removal.tries + 1
    pause = min(_SOON * 2.0 ** min(tries, 20), _LATER)
    Removal.objects.filter(pk=removal.pk).update(tries=F("tries") + 1, problem=why, next_at=clock.now() + pause)
    if tries >= ALERT_AFTER:
        alert(
            row.tenant_id,
            "buyer_not_removed",
            _alert_key(removal),
            f"A forgotten buyer is still named in {row.flow.target}",
            why,
            f"It is tried again by itself. Or rename customer no. {row.external_id} in the ledger and make it inactive.",
            f"/audit/{row.pk}/",
        )


def _alert_key(removal: Removal) -> str:
    return f"removal:{removal.pk}"


def state_of(order: Order) -> tuple[Buyer | None, list[Removal]]:
    """Return what is kept of an order's buyer, and how far its removal is, ledger by ledger."""
    buyer = Buyer.objects.filter(order=order).first()
    if buyer is None or buyer.forgotten_at is None:
        return buyer, []
    made = buyers.customers([buyer.hash])
    removals = Removal.objects.filter(delivery__in=made).select_related("delivery__flow__target").order_by("pk")
    return buyer, list(removals)
