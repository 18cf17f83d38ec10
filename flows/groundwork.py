"""Accounts, customers and items that were to be made in a company, could not be, and are not wanted any more."""

from django.db import transaction

from flows import lanes, progress, rows
from flows.models import Delivery, Dependency, Flow, MappingRule
from kit.scope import unscoped
from tenants.models import Connection

State = Delivery.State
_STOPPED = (State.HELD, State.PARKED, State.FAILED)
_OVER = (State.POSTED, State.DROPPED, State.UNDONE)


def drop_refused(flow: Flow) -> None:
    """Forget what the flow asked to be made and the ledger refused, once no mapping names it and no document waits for it.

    What may be there after all, its answer being lost, stays for a person to look at.
    """
    refused = Delivery.objects.filter(flow=flow, plan=None, live=True, key__startswith="company/", state__in=_STOPPED)
    refused = refused.filter(external_id="", resend=None).exclude(code__in=rows.LOOK_FIRST)
    if not refused.exists():
        return
    with transaction.atomic():
        lanes.lock(flow.target.remote_key)
        keys = set(refused.values_list("key", flat=True))
        with unscoped("a company may be shared by tenants"):
            needed = Dependency.objects.filter(remote_key=flow.target.remote_key, key__in=keys, delivery__live=True)
            needed = needed.exclude(delivery__state__in=_OVER)
            unused = keys.difference(needed.values_list("key", flat=True), _mapped(flow.target))
        dropped = refused.filter(key__in=unused).update(state=State.DROPPED, live=False)
    if dropped:
        progress.tell(flow)


def _mapped(company: Connection) -> set[str]:
    """Return what mappings into a company call the objects we make there, whosever they are, without the ``@``."""
    rules = MappingRule.objects.filter(
        Connection.of_company(company.remote_key, "flow__target__"), retired_version=None
    )
    named = {value for target in rules.values_list("target", flat=True) for value in target.values()}
    return {value[1:] for value in named if value.startswith("@")}
