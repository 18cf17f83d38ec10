"""What a business offers for mapping, and its balances, over pages."""

from collections.abc import Collection, Mapping
from typing import Final

from bookkeeping.money import BadAmount
from ledgers.port import NotSent, Reference, RemoteAccount, RemoteObject
from ledgers.wave import accounts, answers, operations
from ledgers.wave.remote import READ_AGAIN_S, Remote, Row
from ledgers.wave.wire import text_of

ACTIVE: Final[Mapping[str, object]] = {"isArchived": False}
ARCHIVED: Final[Mapping[str, object]] = {"isArchived": True}


def reference(remote: Remote) -> Reference:
    """Read everything the mapping needs. Active objects only. Raises NotSent, AuthorizationLost, ReadRefused."""
    business = remote.business(operations.COMPANY)
    return Reference(
        company_name=text_of(business, "name"),
        home_currency=text_of(business, "currency", "code"),
        # Accounts may have a currency of their own, but nothing we write can state a rate.
        multicurrency=False,
        closed_until=None,  # nothing tells
        country=text_of(business, "address", "country", "code"),
        accounts=tuple(_account(row) for row in remote.pages(operations.ACCOUNTS, "accounts", **ACTIVE)),
        items=tuple(_product(row) for row in remote.pages(operations.PRODUCTS, "products", **ACTIVE)),
        customers=tuple(_customer(row) for row in remote.pages(operations.CUSTOMERS, "customers")),
    )


def balances(remote: Remote, known: Collection[str]) -> dict[str, int]:
    """Return account id -> balance in minor units of the account's currency, debit positive; of archived accounts too where
    one of the ``known`` may be among them. Accounts without one are left out. Raises NotSent, AuthorizationLost, ReadRefused."""
    rows = remote.pages(operations.ACCOUNTS, "accounts", **ACTIVE)
    if set(known) - {text_of(row, "id") for row in rows}:
        rows += remote.pages(operations.ACCOUNTS, "accounts", **ARCHIVED)
    try:
        return {text_of(row, "id"): answers.balance(row) for row in rows if row.get("balance") is not None}
    except BadAmount as error:
        raise NotSent(f"Wave answered a balance nobody can read: {error}", READ_AGAIN_S) from error


def _account(row: Row) -> RemoteAccount:
    subtype = text_of(row, "subtype", "value")
    return RemoteAccount(
        id=text_of(row, "id"),
        name=text_of(row, "name"),
        type=accounts.label(subtype),
        account_class=accounts.class_of(subtype),
        currency=text_of(row, "currency", "code"),
        active=row.get("isArchived") is not True,
        number=text_of(row, "displayId"),
    )


def _product(row: Row) -> RemoteObject:
    return RemoteObject(
        id=text_of(row, "id"),
        name=text_of(row, "name"),
        active=row.get("isArchived") is not True,
        account=text_of(row, "incomeAccount", "id"),
    )


def _customer(row: Row) -> RemoteObject:
    return RemoteObject(
        id=text_of(row, "id"),
        name=text_of(row, "name"),
        active=row.get("isArchived") is not True,
        currency=text_of(row, "currency", "code"),
    )
