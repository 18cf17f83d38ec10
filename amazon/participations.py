"""The marketplaces in which a seller sells: read with the consent, then once a day, as sellers join others later.

Amazon also lists ids for its own use and of tests; listings that are suspended change nothing about the money. Source: SP-API
Sellers v1, getMarketplaceParticipations: call it once after the authorization and daily, and keep the answer.
"""

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from amazon.client import AmazonError, Client, Participation, moment
from amazon.connect import client_for
from amazon.marketplaces import by_id
from audit.trail import record, recorded
from kit.clock import now
from tenants.models import Connection

log = logging.getLogger(__name__)

EVERY: Final = timedelta(days=1)
_READ_AT: Final = "marketplaces_at"  # in a connection's data: when they were read, ISO 8601


def account_data(region: str, found: Sequence[Participation]) -> dict[str, Any]:
    """Return what a connection keeps of the seller's account; marketplaces Amazon uses for itself are left out."""
    known = [(one, place) for one in found if (place := by_id(one.marketplace_id))]
    return {
        "region": region,
        "marketplaces": [
            {
                "id": place.id,
                "country": place.country,
                "name": place.site,
                "currency": one.currency or place.currency,
                "active": one.active,
            }
            for one, place in known
        ],
        "currencies": sorted({one.currency or place.currency for one, place in known if one.active}),
    }


def refresh(connection: Connection, client: Client | None = None) -> list[str]:
    """Read the marketplaces once a day; returns the names of those that were joined since. Nothing waits for an answer: where
    Amazon gives none, the next run asks again.

    Raises tenants.grants.NeedsReconnect.
    """
    read_at = connection.data.get(_READ_AT)
    if moment(read_at or connection.created_at.isoformat()) > now() - EVERY:
        return []
    try:
        found = (client or client_for(connection)).marketplace_participations()
    except AmazonError as error:
        log.warning("the marketplaces of connection %s were not read: %s", connection.pk, error)
        return []
    return _keep(connection, account_data(connection.data["region"], found))


def _keep(connection: Connection, told: dict[str, Any]) -> list[str]:
    with recorded():
        own = Connection.objects.select_for_update().get(pk=connection.pk)
        before = {one["id"] for one in own.data.get("marketplaces", ()) if one.get("active")}
        after = {one["id"]: one["name"] for one in told["marketplaces"] if one["active"]}
        # An answer without any marketplace we know says nothing about those that were there.
        own.data = {**own.data, **(told if after else {}), _READ_AT: now().isoformat()}
        own.save(update_fields=["data"])
        joined = [after[one] for one in after.keys() - before]
        if after and after.keys() != before:
            record(
                "connection.marketplaces",
                f"connection:{own.pk}",
                tenant_id=own.tenant_id,
                marketplaces=sorted(after.values()),
            )
    connection.data = own.data
    return sorted(joined)
