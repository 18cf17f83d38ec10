"""The lists of a connected company, cached for mapping: one reading fills them, pages use the rows.

Callers are in the tenant's scope, or unscoped for a lane that serves every tenant of a company.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import F, Sum

from bookkeeping.accounts import AccountClass
from bookkeeping.buyers import is_buyers_name
from kit import clock
from kit.scope import unscoped
from ledgers.models import Company, ListEntry, ReadCount
from ledgers.port import Ledger, Reference, RemoteAccount, RemoteObject
from tenants import quotas
from tenants.models import Connection

_CHUNK: Final = 500
_COLUMNS: Final = ("name", "active", "type", "account_class", "number", "sku", "account", "currency")
_List = ListEntry.List


def refresh(connection: Connection, ledger: Ledger) -> Reference:
    """Read the company's lists and keep them; what is gone from them becomes inactive. Calls the remote.

    Raises:
        NotSent, AuthorizationLost: nothing is changed then.
    """
    reference = ledger.reference()
    # Buyers are no choice for anybody's mapping, and their names stay out of this table.
    customers = [each for each in reference.customers if not is_buyers_name(each.name)]
    rows = [*_account_rows(connection, reference.accounts)]
    for name, objects in (
        (_List.ITEM, reference.items),
        (_List.CUSTOMER, customers),
        (_List.CLASS, reference.classes),
        (_List.LOCATION, reference.locations),
        (_List.CURRENCY, reference.currencies),
    ):
        rows += _object_rows(connection, name, objects)
    seen = {(row.list, row.external_id) for row in rows}
    for start in range(0, len(rows), _CHUNK):
        ListEntry.objects.bulk_create(
            rows[start : start + _CHUNK],
            update_conflicts=True,
            unique_fields=["connection", "list", "external_id"],
            update_fields=_COLUMNS,
        )
    listed = ListEntry.objects.filter(connection=connection, active=True).values_list("pk", "list", "external_id")
    gone = [pk for pk, name, external_id in listed if (name, external_id) not in seen]
    for start in range(0, len(gone), _CHUNK):
        ListEntry.objects.filter(pk__in=gone[start : start + _CHUNK]).update(active=False)
    Company.objects.update_or_create(
        connection=connection,
        defaults={
            "tenant_id": connection.tenant_id,
            "name": reference.company_name,
            # Where it is read off what people booked it may be unsaid for once: the books are in the same one still.
            **({"home_currency": reference.home_currency} if reference.home_currency else {}),
            "multicurrency": reference.multicurrency,
            "country": reference.country,
            "closed_until": reference.closed_until,
            "read_at": clock.now(),
        },
    )
    return reference


def cached(connection: Connection) -> Reference:
    """Return the lists as last read, inactive objects included; an empty home currency where they never were."""
    company = Company.objects.filter(connection=connection).first()
    rows = list(ListEntry.objects.filter(connection=connection).order_by("name", "pk"))
    return Reference(
        company_name=company.name if company else "",
        home_currency=company.home_currency if company else "",
        multicurrency=company.multicurrency if company else False,
        closed_until=company.closed_until if company else None,
        country=company.country if company else "",
        accounts=tuple(_account(row) for row in rows if row.list == _List.ACCOUNT),
        items=_objects(rows, _List.ITEM),
        customers=_objects(rows, _List.CUSTOMER),
        classes=_objects(rows, _List.CLASS),
        locations=_objects(rows, _List.LOCATION),
        currencies=_objects(rows, _List.CURRENCY),
    )


def count_read(connection: Connection, endpoint: str) -> None:
    """Count one read of the current month. A row's first read may meet another worker's."""
    month = clock.now().date().replace(day=1)
    row = ReadCount.objects.filter(connection=connection, month=month, endpoint=endpoint)
    if row.update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            ReadCount.objects.create(
                tenant_id=connection.tenant_id, connection=connection, month=month, endpoint=endpoint, count=1
            )
    except IntegrityError:
        row.update(count=F("count") + 1)


def reads_of_month(provider: str, environment: str, month: date) -> int:
    """Return how many reads the whole installation made at a provider in the month of ``month``."""
    with unscoped("the provider's budget is one for all tenants"):
        counted = ReadCount.objects.filter(
            connection__provider=provider, connection__environment=environment, month=month.replace(day=1)
        )
        return counted.aggregate(total=Sum("count"))["total"] or 0


def note_quota(connection: Connection, limit: int, remaining: int, resets_at: datetime) -> None:
    """Keep what an answer said of the company's calls of the day: see ``tenants.quotas.note``."""
    quotas.note(connection, limit, remaining, resets_at)


def count_call(connection: Connection) -> None:
    """Count one call of today, where the provider allows the application a number of them: ``Provider.daily_calls``."""
    quotas.count_call(connection.provider, connection.environment)


def _account_rows(connection: Connection, accounts: Iterable[RemoteAccount]) -> list[ListEntry]:
    return [
        ListEntry(
            tenant_id=connection.tenant_id,
            connection=connection,
            list=_List.ACCOUNT,
            external_id=account.id,
            name=account.name,
            active=account.active,
            type=account.type,
            account_class=account.account_class or "",
            number=account.number,
            currency=account.currency,
        )
        for account in accounts
    ]


def _object_rows(connection: Connection, name: ListEntry.List, objects: Iterable[RemoteObject]) -> list[ListEntry]:
    return [
        ListEntry(
            tenant_id=connection.tenant_id,
            connection=connection,
            list=name,
            external_id=each.id,
            name=each.name,
            active=each.active,
            sku=each.sku,
            account=each.account,
            currency=each.currency,
        )
        for each in objects
    ]


def _account(row: ListEntry) -> RemoteAccount:
    return RemoteAccount(
        id=row.external_id,
        name=row.name,
        type=row.type,
        account_class=AccountClass(row.account_class) if row.account_class else None,
        currency=row.currency,
        active=row.active,
        number=row.number,
    )


def _objects(rows: Sequence[ListEntry], name: ListEntry.List) -> tuple[RemoteObject, ...]:
    return tuple(
        RemoteObject(
            id=row.external_id,
            name=row.name,
            active=row.active,
            sku=row.sku,
            account=row.account,
            currency=row.currency,
        )
        for row in rows
        if row.list == name
    )
