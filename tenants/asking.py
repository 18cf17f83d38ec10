"""What people have a provider asked for, by a button or a page: so much for each tenant, and off the limit that all share."""

from dataclasses import replace
from typing import Final

from kit.rate import RatePlan
from tenants import buckets
from tenants.models import Connection
from tenants.providers import provider

CALLS: Final = 4  # that one takes of what all companies share: the lists of a company are the most
# Setting companies up takes some in a row; then one in five minutes, so that no tenant empties anybody's day.
_OF_A_TENANT: Final = RatePlan(rate_per_s=1 / 300, burst=30)


class AskedTooOften(Exception):
    """Nobody was asked. ``text`` says why and ``action`` what to do; ``after_s`` seconds later it may work."""

    def __init__(self, name: str, after_s: float) -> None:
        minutes = max(1, round(after_s / 60))
        self.text = f"{name} was asked as often as it may be for now."
        self.action = f"Try again in {minutes} minute{'' if minutes == 1 else 's'}."
        self.after_s = after_s
        super().__init__(f"{self.text} {self.action}")


def ask(connection: Connection) -> None:
    """Count that a person has a company asked at this moment. Raises AskedTooOften."""
    ask_provider(connection.tenant_id, connection.provider, connection.environment)


def ask_provider(tenant_id: int, slug: str, environment: str) -> None:
    """Count that a person of a tenant has a provider asked at this moment. Raises AskedTooOften."""
    spec = provider(slug)
    shared = {
        f"{slug}:{environment}:{name}": replace(plan, cost=CALLS, spared=0) for name, plan in spec.shared().items()
    }
    if wait_s := buckets.take_all({f"tenant:{tenant_id}:{slug}:asked": _OF_A_TENANT} | shared):
        raise AskedTooOften(spec.name, wait_s)
