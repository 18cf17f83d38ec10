"""Keeps the lists for mapping current: one reading a day of every connected company, as providers meter reads."""

from datetime import timedelta

from django.db.models import Q, QuerySet

from kit.clock import now
from kit.scope import scope, unscoped
from ledgers import registry
from ledgers.port import AuthorizationLost, NotSent, Unknown
from tenants import grants
from tenants.models import Access, Connection

FRESH = timedelta(hours=23)  # looked for every hour, so that a company is read at about the same time of every day
BATCH = 200


def stale_connections() -> list[int]:
    """Return connected companies whose lists were not read for a day, the longest unread first."""
    with unscoped("the lists of every tenant are kept current"):
        return list(_stale().order_by("company__read_at", "pk").values_list("pk", flat=True)[:BATCH])


def refresh_if_stale(connection_id: int) -> bool:
    """Read the lists of one company unless somebody just did; False where that was not possible or not needed.

    A company that cannot be read keeps the lists it has; the next round tries again.
    """
    with unscoped("the connection names its tenant"):
        connection = _stale().filter(pk=connection_id).first()
    if connection is None:
        return False
    with scope(connection.tenant_id):
        try:
            registry.refresh_lists(connection)
        except (NotSent, Unknown):
            return False
        except AuthorizationLost as error:
            # Who has lost a company must not go on counting as connected to it, though nothing is sent there.
            grants.lost(connection, str(error))
            return False
    return True


def _stale() -> QuerySet[Connection]:
    old = Q(company__isnull=True) | Q(company__read_at__lt=now() - FRESH)
    return Connection.objects.filter(old, provider__in=registry.all_ledgers(), state=Access.ACTIVE)
