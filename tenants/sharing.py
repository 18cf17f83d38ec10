"""Books that another tenant is connected to as well: both are told, and neither learns who the other is.

Whoever is connected was let in by an administrator of the company, so that somebody else is, is no secret to them. What one
of the two posts is held for the other (``flows.rows``); this is only the warning.
"""

from typing import Final

from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet

from kit.scope import unscoped
from tenants.alerts import alert, settle_alert
from tenants.models import Access, Connection
from tenants.providers import ProviderKind, Step, provider, providers

TEXT: Final = "This company is also connected from another Tieout account; both could post the same settlement."
ACTION: Final = (
    "Let only one of the two post an Amazon account into it: ask the company's administrators who else connected it, and "
    "disconnect the one that is not needed. Until then Tieout holds here what the other account has posted there."
)


def elsewhere(connection: Connection) -> bool:
    """Tell whether another tenant is connected to the same books."""
    return bool(_others(connection))


def with_shared(connections: QuerySet[Connection]) -> QuerySet[Connection]:
    """Return the connections with what ``elsewhere`` says of each, as ``shared``, in the same query."""
    with unscoped("two tenants may share a company, and both have to know"):
        same = Connection.objects.filter(
            provider=OuterRef("provider"), environment=OuterRef("environment"), remote_id=OuterRef("remote_id")
        )
        others = same.exclude(state=Access.REVOKED).exclude(tenant_id=OuterRef("tenant_id"))
    ledgers = [spec.slug for spec in providers(ProviderKind.LEDGER)]
    shared = Q(Exists(others), provider__in=ledgers) & ~Q(state=Access.REVOKED)
    return connections.annotate(shared=ExpressionWrapper(shared, output_field=BooleanField()))


def step(connection: Connection) -> Step | None:
    """Return the warning as a step of *Test connection*, None where nobody else is connected."""
    return Step("Connected only here", "warning", TEXT, ACTION) if elsewhere(connection) else None


def tell(connection: Connection) -> None:
    """Warn this tenant and the others, each about its own connection."""
    others = _others(connection)
    for each in (connection, *others) if others else ():
        alert(
            each.tenant_id,
            "shared_books",
            _key(each),
            f"{each} is also connected from another Tieout account",
            TEXT,
            ACTION,
            f"/connections/{each.pk}/",
        )


def settle(connection: Connection) -> None:
    """End the warnings that are over, now that a connection has ended."""
    settle_alert(connection.tenant_id, _key(connection))
    others = _others(connection)
    if len(others) == 1:
        settle_alert(others[0].tenant_id, _key(others[0]))


def _others(connection: Connection) -> list[Connection]:
    if provider(connection.provider).kind is not ProviderKind.LEDGER:
        return []  # any number of accounts may read from a seller
    with unscoped("two tenants may share a company, and both have to know"):
        same = Connection.objects.filter(Connection.of_company(connection.remote_key))
        return list(same.exclude(state=Access.REVOKED).exclude(tenant_id=connection.tenant_id).order_by("pk"))


def _key(connection: Connection) -> str:
    return f"connection:{connection.pk}:shared"
