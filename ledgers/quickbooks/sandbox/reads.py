"""What reading answers: objects with their computed fields, company info, preferences, change data capture."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import (
    LIST_KINDS,
    TRANSACTION_KINDS,
    Company,
    Doc,
    instant,
    visible,
)

_CDC_DAYS = 30
_CDC_OBJECTS = 1000
_NOT_IN_CDC = {"TaxCode", "TaxRate"}


def shown(company: Company, kind: str, docs: list[Doc]) -> list[Doc]:
    """Stored objects as they are answered."""
    if kind == "Account":
        return [_with_balance(company, doc) for doc in docs]
    if kind == "Customer":
        return [{**visible(doc), **_owed(company, doc)} for doc in docs]
    return [visible(doc) for doc in docs]


def one(company: Company, kind: str, doc: Doc) -> Doc:
    return shown(company, kind, [doc])[0]


def _with_balance(company: Company, doc: Doc) -> Doc:
    """CurrentBalance in the account's currency, nothing for income and expense accounts. Published samples show what
    a liability owes as a negative number; that all do is unsettled, hence the switch."""
    answered = visible(doc)
    if doc["Classification"] not in ("Asset", "Liability", "Equity"):
        return {**answered, "CurrentBalance": Decimal(0), "CurrentBalanceWithSubAccounts": Decimal(0)}
    currency = doc["CurrencyRef"]["value"]
    books = company.books
    minor = books.balance(doc["Id"]) if currency == company.home else books.balance_in(doc["Id"], currency)
    if doc["Classification"] != "Asset" and company.switches["liability_balance_sign"] == "owed_positive":
        minor = -minor
    balance = company.amount_of(minor, currency)
    return {**answered, "CurrentBalance": balance, "CurrentBalanceWithSubAccounts": balance}


def _owed(company: Company, doc: Doc) -> Doc:
    balance = Decimal(0)
    for kind, field, sign in (
        ("Invoice", "Balance", 1),
        ("CreditMemo", "Balance", -1),
        ("Payment", "UnappliedAmt", -1),
    ):
        for each in company.store.find(kind, "$.CustomerRef.value", [doc["Id"]], company.realm):
            balance += sign * Decimal(each[field])
    return {"Balance": balance, "BalanceWithJobs": balance}


def company_info(company: Company) -> Doc:
    info = company.info
    return {
        "CompanyName": info["name"],
        "LegalName": info["name"],
        "CompanyAddr": {"Id": "1", "Line1": "1 Main Street", "City": "Springfield", "PostalCode": "12345"},
        "Country": info["country"],
        "Email": {"Address": "owner@example.com"},
        "FiscalYearStartMonth": "January",
        "CompanyStartDate": info["created"][:10],
        "SupportedLanguages": "en",
        "DefaultTimeZone": info["time_zone"],
        "NameValue": [
            {"Name": "NeoEnabled", "Value": "true"},
            {"Name": "OfferingSku", "Value": f"QuickBooks Online {info['plan']}"},
            {"Name": "SubscriptionStatus", "Value": "SUSPENDED" if info["lapsed"] else "PAID"},
            {"Name": "ItemCategoriesFeature", "Value": "true"},
        ],
        "domain": "QBO",
        "sparse": False,
        "Id": "1",
        "SyncToken": "4",
        "MetaData": {"CreateTime": info["created"], "LastUpdatedTime": info["created"]},
    }


def preferences(company: Company) -> Doc:
    return {
        **company.info["preferences"],
        "Id": "1",
        "SyncToken": str(company.info["preferences_token"]),
        "domain": "QBO",
        "sparse": False,
        "MetaData": {"CreateTime": company.info["created"], "LastUpdatedTime": company.info["created"]},
    }


def changes(company: Company, entities: str, since: Any) -> list[Doc]:
    """The inside of a CDC answer: one element per entity asked for, deleted ones as stubs after the live ones.

    Raises:
        Fault: 2020 without entities or changedSince, 4001 for an entity it does not cover, 6000 too far back.
    """
    if not entities:
        raise errors.required("entities")
    if not since:
        raise errors.required("changedSince")
    start = instant(str(since))
    if company.clock.now() - start > timedelta(days=_CDC_DAYS):
        raise errors.business(f"changedSince must not be more than {_CDC_DAYS} days ago")
    room = _CDC_OBJECTS
    answered: list[Doc] = []
    for kind in entities.split(","):
        if kind not in {*LIST_KINDS, *TRANSACTION_KINDS} - _NOT_IN_CDC:
            raise errors.query_error(f"invalid context declaration: {kind}")
        live = [doc for doc in company.all(kind) if instant(doc["MetaData"]["LastUpdatedTime"]) >= start]
        found = shown(company, kind, live[:room])
        found += [
            {
                "domain": "QBO",
                "status": "Deleted",
                "Id": each["Id"],
                "MetaData": {"LastUpdatedTime": each["LastUpdatedTime"]},
            }
            for each in company.all("tombstone")
            if each["kind"] == kind and instant(each["LastUpdatedTime"]) >= start
        ]
        found = found[:room]
        room -= len(found)
        answered.append({kind: found, "startPosition": 1, "maxResults": len(found)} if found else {})
    return answered
