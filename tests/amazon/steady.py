"""A seller who goes on selling, read by a flow at its cadence in virtual time; what the pretend Amazon counts is what it was asked."""

from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from flows import schedule
from flows.models import Flow
from kit.clock import now
from kit.http import mount, unmount
from kit.scope import scope
from sandbox.seller.shapes import Shape, seller
from tenants.connections import connect_with_credentials
from tests import factories
from tests.web.small_books import flow_of

BASES = ("https://sellingpartnerapi-na.amazon.com", "https://api.amazon.com")
AT_FIRST = datetime(2026, 3, 2, 12, tzinfo=UTC)
FORTNIGHT = timedelta(days=14)
CLOSES = timedelta(days=3, hours=10)  # from the first moment to the end of the first settlement


class Steady:
    """A live flow of a seller whose settlements close every fortnight, and nothing read yet."""

    def __init__(self, clock: Any, *, fortnights: int, orders: int, orders_every_min: int = 60) -> None:
        self.clock, self.amazon = clock, AmazonStandIn()
        last_end = now() + CLOSES + FORTNIGHT * (fortnights - 1)
        never = {"negative": 0.0, "zero": 0.0, "failed": 0.0}
        account = seller(Shape(settlements=fortnights, orders=orders, last_end=last_end, **never), seed=5)
        self.amazon.loading.load(account, now().date())
        self.seller_id, self.fortnights = account.seller_id, fortnights
        for base in BASES:
            mount(base, self.amazon)
        tenant = factories.TenantFactory()
        owner = factories.member(tenant, "steady@tieout.example", "owner")
        self.tenant_id = tenant.pk
        with scope(tenant.pk):
            self.amazon.lwa.authorise(DEMO_APPLICATION["client_id"], self.seller_id)
            pasted = {
                "marketplace": account.marketplace.marketplace_id,
                "selling_partner_id": self.seller_id,
                "client_id": DEMO_APPLICATION["client_id"],
                "client_secret": DEMO_APPLICATION["client_secret"],
                "refresh_token": self.amazon.lwa.refresh_token(DEMO_APPLICATION["client_id"], self.seller_id),
            }
            user = getattr(owner, "user", owner)
            source = connect_with_credentials(user, tenant, "amazon", pasted).connected[0]
            self.flow_id = flow_of(tenant).pk
            flow = Flow.objects.filter(pk=self.flow_id)
            flow.update(source=source, next_run_at=now(), orders_every_min=orders_every_min)
        self.run(timedelta(hours=1))  # what is old is read once

    def run(self, length: timedelta) -> Counter[str]:
        """Let time pass, with the flow run when it is due; returns the calls of that time by operation."""
        before, until = self.calls(), now() + length
        with scope(self.tenant_id):
            while True:
                due_at = Flow.objects.get(pk=self.flow_id).next_run_at
                if due_at is None or due_at > until:
                    break
                self.clock.move_to(max(now(), due_at))
                schedule.run_flow(self.flow_id)
        self.clock.move_to(until)
        return self.calls() - before

    def calls(self) -> Counter[str]:
        counted = self.amazon.counters()
        return Counter(
            {name: sum(of.values()) for name, of in counted.items() if name[0].islower() and name != "token"}
        )


@contextmanager
def steady(clock: Any, **values: Any) -> Any:
    """``clock`` is a traveller of ``time_machine`` that does not tick."""
    try:
        yield Steady(clock, **values)
    finally:
        for base in BASES:
            unmount(base)
