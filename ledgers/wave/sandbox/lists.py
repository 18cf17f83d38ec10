"""Accounts, customers, products and sales taxes: what a mutation may do to them."""

from typing import Any

from ledgers.wave.sandbox.business import Business, Doc, rounded
from ledgers.wave.sandbox.refusals import refused
from ledgers.wave.sandbox.subtypes import BOUGHT_FROM, SOLD_INTO, SYSTEM, type_of

_ABBREVIATION = 10
_PLACES_OF_PRICE, _PLACES_OF_RATE = 5, 6


def _named(business: Business, given: Doc, *, needed: bool) -> None:
    if (needed or "name" in given) and not (given.get("name") or "").strip():
        raise refused("Name is required.", "name")


# Accounts


def create_account(business: Business, given: Doc) -> Doc:
    _named(business, given, needed=True)
    _check_name_free(business, given["name"])
    subtype = given["subtype"]
    currency = given.get("currency") or business.home
    if currency != business.home and type_of(subtype) not in ("ASSET", "LIABILITY"):
        raise refused("This kind of account is kept in the currency of the business.", "currency")
    return business.new_account(
        given["name"],
        subtype,
        currency=currency,
        description=given.get("description"),
        displayId=given.get("displayId"),
    )


def patch_account(business: Business, account: Doc, given: Doc) -> Doc:
    _named(business, given, needed=False)
    if given["sequence"] != account["sequence"]:
        raise refused("The account was changed in the meantime.", "sequence", code="CONFLICT")
    changes: Doc = {key: given[key] for key in ("name", "description", "displayId") if key in given}
    if changes.get("name", account["name"]) != account["name"]:
        _check_name_free(business, changes["name"])
    return change_account(business, account, changes)


def archive_account(business: Business, account: Doc) -> Doc:
    if account["subtype"] in SYSTEM:
        raise refused("An account that Wave made cannot be archived.", "id")
    return change_account(business, account, {"isArchived": True})


def change_account(business: Business, account: Doc, changes: Doc) -> Doc:
    return business.changed("Account", account, {**changes, "sequence": account["sequence"] + 1})


def _check_name_free(business: Business, name: str) -> None:
    taken = business.store.find("Account", "$.name", [name], business.uuid)
    if taken and business.switches["duplicate_account_name"] == "reject":
        raise refused("Name has already been taken.", "name", code="UNIQUE")


# Customers


def _customer(given: Doc) -> Doc:
    names = (
        "name", "firstName", "lastName", "email", "phone", "fax", "mobile", "tollFree", "website", "internalNotes",
        "displayId", "currency",
    )  # fmt: skip
    values: Doc = {name: given[name] for name in names if name in given}
    if "address" in given:
        values["address"] = _address(given["address"])
    return values


def _address(given: Any) -> Doc | None:
    if given is None:
        return None
    country, province = given.get("countryCode"), given.get("provinceCode")
    return {
        **{name: given.get(name) for name in ("addressLine1", "addressLine2", "city", "postalCode")},
        "country": {"code": country, "name": country} if country else None,
        "province": {"code": province} if province else None,
    }


def create_customer(business: Business, given: Doc) -> Doc:
    _named(business, given, needed=True)
    return business.new("Customer", {"isArchived": False, **_customer(given)})


def patch_customer(business: Business, customer: Doc, given: Doc) -> Doc:
    _named(business, given, needed=False)
    return business.changed("Customer", customer, _customer(given))


def delete_customer(business: Business, customer: Doc) -> None:
    if any(invoice["customerId"] == customer["id"] for invoice in business.all("Invoice")):
        raise refused("The customer has invoices.", "id")
    business.store.delete("Customer", customer["id"], business.uuid)


# Products


def _product(business: Business, given: Doc) -> Doc:
    values: Doc = {key: given[key] for key in ("name", "description") if key in given}
    if given.get("unitPrice") is not None:
        values["unitPrice"] = str(rounded(given["unitPrice"], _PLACES_OF_PRICE))
    for field, allowed in (("incomeAccountId", SOLD_INTO), ("expenseAccountId", BOUGHT_FROM)):
        if field not in given:
            continue
        values[field] = given[field]
        if given[field] and business.open_account(given[field], field)["subtype"] not in allowed:
            raise refused("The account is of the wrong type.", field)
    if "defaultSalesTaxIds" in given:
        values["defaultSalesTaxIds"] = given["defaultSalesTaxIds"] or []
        for id_ in values["defaultSalesTaxIds"]:
            business.refer("SalesTax", id_, "defaultSalesTaxIds")
    return values


def create_product(business: Business, given: Doc) -> Doc:
    _named(business, given, needed=True)
    values = {"description": None, "incomeAccountId": None, "expenseAccountId": None, "defaultSalesTaxIds": [],
              "isArchived": False, **_product(business, given)}  # fmt: skip
    return business.new("Product", _traded(values))


def patch_product(business: Business, product: Doc, given: Doc) -> Doc:
    _named(business, given, needed=False)
    return business.changed("Product", product, _traded({**product, **_product(business, given)}))


def _traded(values: Doc) -> Doc:
    if not values["incomeAccountId"] and not values["expenseAccountId"]:
        raise refused("A product is sold, bought, or both: choose an account.", "incomeAccountId")
    return values


def archive(business: Business, kind: str, doc: Doc) -> Doc:
    return business.changed(kind, doc, {"isArchived": True})


# Sales taxes


def create_sales_tax(business: Business, given: Doc) -> Doc:
    _named(business, given, needed=True)
    abbreviation = given["abbreviation"].strip()
    if not 1 <= len(abbreviation) <= _ABBREVIATION:
        raise refused(f"Abbreviation must have 1 to {_ABBREVIATION} characters.", "abbreviation")
    if any(tax["abbreviation"] == abbreviation for tax in business.all("SalesTax")):
        raise refused("Abbreviation has already been taken.", "abbreviation", code="UNIQUE")
    account = business.system_account("SALES_TAX", business.home, given["name"])
    return business.new(
        "SalesTax",
        {
            "name": given["name"],
            "abbreviation": abbreviation,
            "rate": str(rounded(given["rate"], _PLACES_OF_RATE)),
            "description": given.get("description"),
            "isCompound": bool(given.get("isCompound")),
            "isRecoverable": bool(given.get("isRecoverable")),
            "showTaxNumberOnInvoices": bool(given.get("showTaxNumberOnInvoices")),
            "taxNumber": given.get("taxNumber"),
            "isArchived": False,
            "accountId": account["id"],
        },
    )
