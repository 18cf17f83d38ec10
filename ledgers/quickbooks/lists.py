"""What a company offers for mapping, and its balances: one batch of queries, more pages only where a list is long."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, Final, TypeVar

from ledgers.port import Reference, Refused, RemoteAccount, RemoteObject
from ledgers.quickbooks import accounts, wire
from ledgers.quickbooks.remote import ReadRefused, Remote, Row

# One batch answers at most 1000 objects in all: the first pages share them.
_FIRST_PAGES: Final[Mapping[str, int]] = {"Account": 350, "Item": 250, "Customer": 200, "Class": 90, "Department": 90}
# A company without the feature or the plan refuses these; it then has none.
_OPTIONAL: Final = frozenset({"Class", "Department"})
_SOLD: Final = frozenset({"Service", "NonInventory", "Inventory"})

_T = TypeVar("_T")


def reference(remote: Remote) -> Reference:
    """Read everything the mapping needs. Active objects only. Raises NotSent, AuthorizationLost, ReadRefused."""
    statements = [
        wire.select("CompanyInfo"),
        wire.select("Preferences"),
        *(f"{_select(entity)} ORDERBY Id STARTPOSITION 1 MAXRESULTS {size}" for entity, size in _FIRST_PAGES.items()),
    ]
    info, preferences, *firsts = remote.queries(statements)
    company, settings = one(info), one(preferences)
    rows = {entity: _all(remote, entity, first) for entity, first in zip(_FIRST_PAGES, firsts, strict=True)}
    currency: Mapping[str, Any] = settings.get("CurrencyPrefs") or {}
    multicurrency = currency.get("MultiCurrencyEnabled") is True
    return Reference(
        company_name=str(company.get("CompanyName", "")),
        home_currency=home_currency(settings),
        multicurrency=multicurrency,
        closed_until=closed_until(settings),
        country=str(company.get("Country", "")),
        accounts=_each(rows["Account"], lambda row: _account(row, multicurrency)),
        items=_each((row for row in rows["Item"] if row.get("Type") in _SOLD), _object),
        customers=_each(rows["Customer"], _object),
        classes=_each(rows["Class"], _object),
        locations=_each(rows["Department"], _object),
    )


def balances(remote: Remote, home_currency: str) -> dict[str, int]:
    """Return account id -> CurrentBalance in minor units of the account's currency.

    QuickBooks answers it debit positive, and keeps it for balance-sheet accounts only.

    Raises:
        NotSent, AuthorizationLost, ReadRefused.
    """
    rows = remote.pages(wire.select("Account", wire.ANY))
    return {
        str(row["Id"]): wire.minor(row.get("CurrentBalance", 0), _value(row, "CurrencyRef") or home_currency)
        for row in rows
    }


def one(rows: list[Row] | Refused) -> Row:
    """Return the single row of a statement. Raises ReadRefused."""
    if isinstance(rows, Refused):
        raise ReadRefused(rows)
    return rows[0] if rows else {}


def home_currency(preferences: Row) -> str:
    return _value(preferences.get("CurrencyPrefs") or {}, "HomeCurrency")


def closed_until(preferences: Row) -> date | None:
    """Return the last day of the closed period; None where the books are open."""
    closed = (preferences.get("AccountingInfoPrefs") or {}).get("BookCloseDate")
    return date.fromisoformat(str(closed)[:10]) if closed else None


def _select(entity: str) -> str:
    return wire.select(entity, columns=wire.ITEM_COLUMNS if entity == "Item" else "*")


def _all(remote: Remote, entity: str, first: list[Row] | Refused) -> list[Row]:
    if isinstance(first, Refused):
        if entity in _OPTIONAL:
            return []
        raise ReadRefused(first)
    if len(first) < _FIRST_PAGES[entity]:
        return first
    return first + remote.pages(_select(entity), start=len(first) + 1)


def _each(rows: Iterable[Row], read: Callable[[Row], _T]) -> tuple[_T, ...]:
    return tuple(read(row) for row in rows)


def _account(row: Row, multicurrency: bool) -> RemoteAccount:
    account_type, sub_type = str(row.get("AccountType", "")), str(row.get("AccountSubType", ""))
    return RemoteAccount(
        id=str(row["Id"]),
        name=str(row.get("FullyQualifiedName") or row.get("Name", "")),
        type=f"{account_type}/{sub_type}" if sub_type else account_type,
        account_class=accounts.class_of(account_type, sub_type),
        currency=_value(row, "CurrencyRef") if multicurrency else "",
        active=row.get("Active") is not False,
        number=str(row.get("AcctNum", "")),
    )


def _object(row: Row) -> RemoteObject:
    return RemoteObject(
        id=str(row["Id"]),
        name=str(row.get("FullyQualifiedName") or row.get("DisplayName") or row.get("Name", "")),
        active=row.get("Active") is not False,
        sku=str(row.get("Sku", "")),
        account=_value(row, "IncomeAccountRef"),
        currency=_value(row, "CurrencyRef"),
    )


def _value(row: Row, name: str) -> str:
    return str((row.get(name) or {}).get("value", ""))
