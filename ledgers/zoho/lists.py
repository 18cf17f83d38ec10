"""What an organization offers for mapping, its locks and its balances."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Final

from bookkeeping.documents import Kind
from ledgers.port import NotSent, Reference, RemoteAccount, RemoteObject
from ledgers.zoho import accounts, wire
from ledgers.zoho.remote import READ_AGAIN_S, Declined, Remote, Row
from ledgers.zoho.translate import BANK_ACCOUNTS, RESOURCES

# A lock of purchases or stock does not concern what we write.
_OTHER_MODULES: Final = frozenset({"purchase", "inventory_adjustments"})
_ENABLED: Final = frozenset({"enabled", "enabled_with_logging"})
_STOCK: Final = frozenset({"inventory"})
_BY_CREATION: Final = {"sort_column": "created_time", "sort_order": "A"}


class NotThere(Exception):
    """The person does not see the organization any more."""


def reference(remote: Remote) -> Reference:
    """Read everything the mapping needs. Active objects only. Raises NotSent, AuthorizationLost, Declined, NotThere."""
    about = organization(remote)
    home = wire.text(about.get("currency_code"))
    currencies = currency_ids(remote)
    return Reference(
        company_name=wire.text(about.get("name")),
        home_currency=home,
        multicurrency=len(currencies) > 1,
        closed_until=closed_until(remote),
        country=wire.text(about.get("country_code") or about.get("country")),
        accounts=tuple(_accounts(remote, home)),
        items=tuple(_item(row) for row in _all(remote, Kind.ITEM, {"filter_by": "Status.Active"}) if not _stocked(row)),
        customers=tuple(
            _customer(row)
            for row in _all(remote, Kind.CUSTOMER, {"filter_by": "Status.Active", **_BY_CREATION})
            if wire.text(row.get("contact_type") or "customer") == "customer"
        ),
        currencies=tuple(RemoteObject(id=each, name=code, currency=code) for code, each in currencies.items()),
    )


def organization(remote: Remote) -> Row:
    """Return what Zoho says of the organization, with its plan. Raises NotSent, AuthorizationLost, Declined, NotThere."""
    for row in remote.organizations():
        if wire.text(row.get("organization_id")) == remote.organization:
            return row
    raise NotThere("The person who connected Zoho Books does not see this organization any more.")


def is_active(about: Row) -> bool:
    """Tell whether an organization can be used; it says so at the top or under its settings, or not at all."""
    settings = about.get("org_settings")
    within = settings.get("is_org_active") if isinstance(settings, Mapping) else None
    return about.get("is_org_active") is not False and within is not False


def currency_ids(remote: Remote) -> dict[str, str]:
    """Return currency code -> id of what is switched on. Raises NotSent, AuthorizationLost, Declined."""
    rows, _ = remote.pages("/settings/currencies", ("currencies",))
    return {wire.text(row.get("currency_code")): wire.text(row.get("currency_id")) for row in rows}


def closed_until(remote: Remote) -> date | None:
    """Return the last locked day of what we write to; None where nothing is. Raises NotSent, AuthorizationLost, Declined."""
    try:
        locks, _ = remote.pages("/transactionlocks", ("transaction_locks",))
    except Declined:
        # Not every edition has the list; the single lock is older.
        answer = remote.get("/transactionlock")
        one = answer.get("transaction_lock")
        locks = [one] if isinstance(one, Mapping) else wire.rows(answer.get("transaction_locks"))
    days = [
        date.fromisoformat(until[:10])
        for lock in locks
        if lock.get("transaction_lock_status") in _ENABLED
        and lock.get("transaction_lock_module") not in _OTHER_MODULES
        and (until := wire.text(lock.get("transaction_lock_date")))
    ]
    return max(days, default=None)


def balances(remote: Remote, home: str) -> dict[str, int]:
    """Return account id -> balance in minor units of the account's currency, debit positive.

    A bank account says its balance in its own currency; the others are kept in home currency.

    Raises:
        NotSent, AuthorizationLost, Declined.
    """
    rows = _all(remote, Kind.ACCOUNT, {"showbalance": "true"})
    known = {
        wire.text(row["account_id"]): wire.minor(
            row.get("current_balance"), wire.text(row.get("currency_code")) or home
        )
        for row in rows
    }
    for row in _banks(remote):
        known[wire.text(row["account_id"])] = wire.minor(
            row.get("balance"), wire.text(row.get("currency_code")) or home
        )
    return known


def _accounts(remote: Remote, home: str) -> Iterable[RemoteAccount]:
    banks = {wire.text(row.get("account_id")): wire.text(row.get("currency_code")) for row in _banks(remote)}
    for row in _all(remote, Kind.ACCOUNT, {"filter_by": "AccountType.Active"}):
        external_id, kind = wire.text(row.get("account_id")), wire.text(row.get("account_type"))
        own = wire.text(row.get("currency_code")) or banks.get(external_id) or home
        yield RemoteAccount(
            id=external_id,
            name=_path(row),
            type=kind,
            account_class=accounts.class_of(kind),
            # Profit and loss takes any currency: it has none of its own.
            currency=own if accounts.has_currency(kind) else "",
            active=row.get("is_active") is not False,
            number=wire.text(row.get("account_code")),
        )


def _path(row: Row) -> str:
    parent, name = wire.text(row.get("parent_account_name")).strip(), wire.text(row.get("account_name"))
    return f"{parent}:{name}" if parent else name


def _item(row: Row) -> RemoteObject:
    return RemoteObject(
        id=wire.text(row.get("item_id")),
        name=wire.text(row.get("name")),
        sku=wire.text(row.get("sku")),
        account=wire.text(row.get("account_id")),
    )


def _customer(row: Row) -> RemoteObject:
    return RemoteObject(
        id=wire.text(row.get("contact_id")),
        name=wire.text(row.get("contact_name")),
        currency=wire.text(row.get("currency_code")),
    )


def _stocked(row: Row) -> bool:
    """Tell whether an item keeps stock: Zoho then books cost of goods by itself, and refuses what was not in stock."""
    return wire.text(row.get("item_type")) in _STOCK


def _banks(remote: Remote) -> list[Row]:
    rows, _ = remote.pages(BANK_ACCOUNTS.path, BANK_ACCOUNTS.many, {"filter_by": "Status.All"})
    return rows


def _all(remote: Remote, kind: Kind, query: Mapping[str, str]) -> list[Row]:
    resource = RESOURCES[kind]
    rows, complete = remote.pages(resource.path, resource.many, query)
    if not complete:
        raise NotSent(f"Zoho Books has more {resource.many[0]} than can be read", READ_AGAIN_S)
    return rows
