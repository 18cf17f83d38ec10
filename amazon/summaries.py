"""Amazon's own summary of a settlement: a total that comes from another place than the settlement's file.

Source: SP-API model Finances 2024-06-19, listSummary.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from amazon import finances, naming
from amazon.client import Client, reading
from amazon.connect import client_for
from amazon.cursors import claimed
from amazon.models import Resource, Settlement
from amazon.pull import forbidden_is_told
from audit.trail import record, recorded
from kit.clock import now
from tenants.models import Connection

ASK_AGAIN: Final = timedelta(days=1)
ASKED_FOR: Final = timedelta(days=14)  # what Amazon does not summarise by then it will not


def wanted(connection: Connection) -> list[Settlement]:
    """Return the settlements of which Amazon has stated no summary: never asked, or asked long enough ago."""
    at = now()
    found = Settlement.objects.filter(connection=connection, summary_total=None).order_by("-ends_at")
    return [
        one
        for one in found
        if one.summary_asked_at is None or (one.ends_at > at - ASKED_FOR and one.summary_asked_at < at - ASK_AGAIN)
    ]


def ask(connection: Connection, settlements: Iterable[Settlement], client: Client | None = None) -> list[Settlement]:
    """Ask for the summaries of a connection's settlements, one call each; returns those of which there is one now.

    Raises WaitFor, Forbidden, BadRequest, NotFound, tenants.grants.NeedsReconnect.
    """
    told = []
    with claimed(connection, Resource.PAYOUTS) as claim, forbidden_is_told(connection, "summaries"):
        client = client or client_for(connection)
        for one in settlements:
            claim.alive()
            total = _total(connection, client, one)
            with recorded():
                Settlement.objects.filter(pk=one.pk).update(summary_total=total, summary_asked_at=now())
                if total is not None:
                    record(
                        "settlement.summary",
                        f"settlement:{one.pk}",
                        tenant_id=one.tenant_id,
                        settlement_id=one.settlement_id,
                        total=total,
                        currency=one.currency,
                    )
            one.summary_total = total
            if total is not None:
                told.append(one)
    return told


def _total(connection: Connection, client: Client, settlement: Settlement) -> int | None:
    """Return the net proceeds of all summaries of a settlement, one per marketplace; None where there is none, or one of them is
    in another currency, or another settlement's."""
    total = None
    for sent in naming.checked(connection, finances.summaries(client, settlement.settlement_id)):
        named = finances.identifiers(sent.get("relatedIdentifiers")).get("SETTLEMENT_ID", settlement.settlement_id)
        if named != settlement.settlement_id:
            continue
        with reading("listSummary"):
            amount, currency = finances.money(sent["netProceeds"])
        if currency != settlement.currency:
            return None
        total = amount if total is None else total + amount
    return total
