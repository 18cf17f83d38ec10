"""Items, contacts, currencies with their rates, taxes (sheet §7)."""

from typing import Final

from ledgers.zoho.sandbox import errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import (
    Doc,
    day,
    empty,
    folded,
    ids,
    needed,
    needed_number,
    number,
    objects,
    optional_number,
    plain,
    text,
)
from ledgers.zoho.sandbox.organization import Organization, visible
from sandbox.books import exponent

_STATUS: Final = {
    "Status.All": search.everything,
    "Status.Active": lambda doc: doc["status"] == "active",
    "Status.Inactive": lambda doc: doc["status"] == "inactive",
}

# Items

_ITEM_FILTERS: Final = {
    **search.words("name", "description"),
    **search.amounts("rate"),
    **search.same("tax_id", "tax_name", "account_id"),
    **search.anywhere("name", "sku", "description"),
    **search.choice("filter_by", _STATUS),
}


def save_item(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    merged = organization.merged(old, given)
    name, sku = needed(merged, "name", 100), text(merged, "sku", 100)
    for other in (*organization.called("item", "name", name), *organization.called("item", "sku", sku)):
        if not old or other["item_id"] != old["item_id"]:
            raise Fault(1001, f"Item “{name}” already exists.")
    tax = organization.need("tax", text(merged, "tax_id"), 400) if not empty(merged.get("tax_id")) else None
    account_id = text(merged, "account_id")
    account = organization.account(account_id, "account_id") if account_id else None
    id_ = old["item_id"] if old else organization.new_id()
    doc: Doc = {
        "item_id": id_,
        "name": name,
        "status": old["status"] if old else "active",
        "description": text(merged, "description", 2000),
        "rate": plain(needed_number(merged, "rate")),
        "unit": text(merged, "unit", 100),
        "sku": sku,
        "product_type": text(merged, "product_type", default="goods"),
        "item_type": text(merged, "item_type", default="sales"),
        "account_id": account["account_id"] if account else "",
        "account_name": account["account_name"] if account else "",
        "tax_id": tax["tax_id"] if tax else "",
        "tax_name": tax["tax_name"] if tax else "",
        "tax_percentage": str(tax["tax_percentage"]) if tax else "",
        "tax_type": tax["tax_type"] if tax else "",
        "custom_fields": organization.custom_fields("item", merged, id_),
        "_": {"name": folded(name), "sku": folded(sku)},
    }
    if doc["product_type"] not in ("goods", "service", "digital_service"):
        raise errors.invalid_field("product_type")
    if doc["item_type"] not in ("sales", "purchases", "sales_and_purchases", "inventory"):
        raise errors.invalid_field("item_type")
    return organization.put("item", organization.stamped(doc, old, merged))


def _item(organization: Organization, doc: Doc) -> Doc:
    return {**visible(doc), "custom_fields": organization.loose(doc["custom_fields"])}


def list_items(organization: Organization, call: Call) -> Doc:
    rows, context = search.page(organization, call, organization.all("item"), _ITEM_FILTERS, name="Items",
                                sorts=("name", "rate", "tax_name", "created_time", "last_modified_time"))  # fmt: skip
    return said("success", items=[_item(organization, doc) for doc in rows], page_context=context)


def items_of(organization: Organization, call: Call) -> Doc:
    found = [organization.need("item", each) for each in ids(call.arg("item_ids"), "item_ids")]
    return said("success", items=[_item(organization, doc) for doc in found])


def create_item(organization: Organization, call: Call) -> Doc:
    return said("The item has been added.", item=_item(organization, save_item(organization, call.body(), None)))


def read_item(organization: Organization, call: Call, item_id: str) -> Doc:
    return said("success", item=_item(organization, organization.need("item", item_id)))


def update_item(organization: Organization, call: Call, item_id: str) -> Doc:
    body = call.body()
    doc = save_item(organization, body, organization.need("item", item_id, 400))
    return said("The item details have been updated.", item=_item(organization, doc))


def delete_item(organization: Organization, call: Call, item_id: str) -> Doc:
    organization.need("item", item_id)
    if any(line.get("item_id") == item_id for doc in organization.all("invoice") for line in doc["line_items"]):
        raise organization.refuse("Items that are part of transactions cannot be deleted.")
    organization.bury("item", item_id)
    return said("The item has been deleted.")


def set_status(organization: Organization, kind: str, id_: str, status: str) -> Doc:
    doc = organization.need(kind, id_)
    return organization.put(kind, {**doc, "status": status, "last_modified_time": organization.stamp()})


def activate_item(organization: Organization, call: Call, item_id: str) -> Doc:
    set_status(organization, "item", item_id, "active")
    return said("The item has been marked as active.")


def inactivate_item(organization: Organization, call: Call, item_id: str) -> Doc:
    set_status(organization, "item", item_id, "inactive")
    return said("The item has been marked as inactive.")


# Contacts

_CONTACT_FILTERS: Final = {
    **search.words("contact_name", "company_name", "first_name", "last_name", "email", "phone"),
    **search.same("contact_type"),
    **search.anywhere("contact_name", "company_name", "email"),
    **search.choice("filter_by", _STATUS),
}
_ADDRESS: Final = ("attention", "address", "street2", "state_code", "city", "state", "zip", "country", "fax", "phone")


def save_contact(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    merged = organization.merged(old, given)
    name = needed(merged, "contact_name", 200)
    for other in organization.called("contact", "name", name):
        if not old or other["contact_id"] != old["contact_id"]:
            raise Fault(3062, f'The customer "{name}" already exists. Specify a different name.')
    currency = organization.money(merged, organization.today()).currency
    if old and currency["currency_id"] != old["currency_id"] and in_use(organization, old["contact_id"]):
        raise organization.refuse("The currency of a contact with transactions cannot be changed.")
    kind = text(merged, "contact_type", default="customer")
    if kind not in ("customer", "vendor"):
        raise errors.invalid_field("contact_type")
    persons = objects(merged, "contact_persons")
    first = persons[0] if persons else {}
    id_ = old["contact_id"] if old else organization.new_id()
    doc: Doc = {
        "contact_id": id_,
        "contact_name": name,
        "company_name": text(merged, "company_name", 200),
        "contact_type": kind,
        "customer_sub_type": text(merged, "customer_sub_type", default="business"),
        "status": old["status"] if old else "active",
        "payment_terms": int(optional_number(merged, "payment_terms")),
        "payment_terms_label": text(merged, "payment_terms_label", 100, "Due on Receipt"),
        "currency_id": currency["currency_id"],
        "currency_code": currency["currency_code"],
        "currency_symbol": currency["currency_symbol"],
        "notes": text(merged, "notes", 2000),
        "billing_address": _address(merged.get("billing_address")),
        "shipping_address": _address(merged.get("shipping_address")),
        "custom_fields": organization.custom_fields("contact", merged, id_),
        "_": {"name": folded(name)},
        **{field: text(first, field, 100) for field in ("first_name", "last_name", "email", "phone", "mobile")},
    }
    return organization.put("contact", organization.stamped(doc, old, merged))


def _address(given: object) -> Doc:
    return {field: text(given if isinstance(given, dict) else {}, field) for field in _ADDRESS}


def in_use(organization: Organization, contact_id: str) -> bool:
    kinds = ("invoice", "payment", "creditnote")
    return any(organization.store.find(kind, "$.customer_id", [contact_id], organization.id) for kind in kinds)


def _contact(organization: Organization, doc: Doc) -> Doc:
    answer = visible(doc)
    for field in ("first_name", "last_name", "email", "phone", "mobile"):
        answer.pop(field)
    return {
        **answer,
        "has_transaction": in_use(organization, doc["contact_id"]),
        "exchange_rate": organization.loose([]),
        "custom_fields": organization.loose(doc["custom_fields"]),
        "contact_persons": [],
    }


def _contact_row(doc: Doc) -> Doc:
    names = ("contact_id", "contact_name", "company_name", "contact_type", "status", "payment_terms", "currency_id",
             "payment_terms_label", "currency_code", "first_name", "last_name", "email", "phone", "mobile",
             "created_time", "last_modified_time")  # fmt: skip
    return {name: doc[name] for name in names}


def list_contacts(organization: Organization, call: Call) -> Doc:
    rows, context = search.page(organization, call, organization.all("contact"), _CONTACT_FILTERS, name="Contacts",
                                sorts=("contact_name", "first_name", "last_name", "email", "created_time",
                                       "last_modified_time"))  # fmt: skip
    return said("success", contacts=[_contact_row(doc) for doc in rows], page_context=context)


def create_contact(organization: Organization, call: Call) -> Doc:
    doc = save_contact(organization, call.body(), None)
    return said("The contact has been added.", contact=_contact(organization, doc))


def read_contact(organization: Organization, call: Call, contact_id: str) -> Doc:
    return said("success", contact=_contact(organization, organization.need("contact", contact_id)))


def update_contact(organization: Organization, call: Call, contact_id: str) -> Doc:
    doc = save_contact(organization, call.body(), organization.need("contact", contact_id))
    return said("Contact information has been saved.", contact=_contact(organization, doc))


def delete_contact(organization: Organization, call: Call, contact_id: str) -> Doc:
    organization.need("contact", contact_id)
    if in_use(organization, contact_id):
        raise organization.refuse("Contacts with transactions cannot be deleted.")
    organization.bury("contact", contact_id)
    return said("The customer has been deleted.")


def activate_contact(organization: Organization, call: Call, contact_id: str) -> Doc:
    set_status(organization, "contact", contact_id, "active")
    return said("The contact has been marked as active.")


def inactivate_contact(organization: Organization, call: Call, contact_id: str) -> Doc:
    set_status(organization, "contact", contact_id, "inactive")
    return said("The contact has been marked as inactive.")


# Currencies

_SYMBOLS: Final = {"USD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "INR": "₹"}


def add_currency(organization: Organization, code: str, *, base: bool = False) -> Doc:
    if len(code) != 3 or not code.isalpha():
        raise errors.invalid_field("currency_code")
    if not base and not organization.info["multicurrency"]:
        raise organization.refuse("Upgrade to a plan with multi-currency handling to add currencies.")
    if any(each["currency_code"] == code for each in organization.all("currency")):
        raise organization.refuse("This currency already exists.")
    precision = exponent(code)
    doc: Doc = {
        "currency_id": organization.new_id(),
        "currency_code": code,
        "currency_name": code,
        "currency_symbol": _SYMBOLS.get(code, code),
        "price_precision": precision,
        "currency_format": "1,234,567" + (f".{'89123'[:precision]}" if precision else ""),
        "is_base_currency": base,
    }
    return organization.put("currency", organization.stamped(doc, None, {}))


def add_rate(organization: Organization, currency_id: str, on_date: str, given: object) -> Doc:
    currency = organization.need("currency", currency_id)
    if currency["is_base_currency"]:
        raise organization.refuse("The base currency has no exchange rate.")
    value = number(given, "rate")
    if value <= 0:
        raise errors.invalid_field("rate")
    doc = {
        "exchange_rate_id": organization.new_id(),
        "currency_id": currency_id,
        "currency_code": currency["currency_code"],
        "effective_date": on_date,
        "rate": plain(value),
    }
    for old in organization.store.find("exchange_rate", "$.currency_id", [currency_id], organization.id):
        if old["effective_date"] == on_date:
            doc["exchange_rate_id"] = old["exchange_rate_id"]
    return organization.put("exchange_rate", organization.stamped(doc, None, {}))


def _currency(organization: Organization, doc: Doc) -> Doc:
    stored = organization.stored_rate(doc, organization.today())
    names = ("currency_id", "currency_code", "currency_name", "currency_symbol", "price_precision", "currency_format",
             "is_base_currency")  # fmt: skip
    return {
        **{name: doc[name] for name in names},
        "exchange_rate": stored["rate"] if stored else 0,
        "effective_date": stored["effective_date"] if stored else "",
        "auto_exchange_rate_enabled": False,
    }


def list_currencies(organization: Organization, call: Call) -> Doc:
    filters = search.choice("filter_by", {"Currencies.ExcludeBaseCurrency": lambda doc: not doc["is_base_currency"]})
    rows, context = search.page(organization, call, organization.all("currency"), filters, name="Currencies")
    return said("success", currencies=[_currency(organization, doc) for doc in rows], page_context=context)


def create_currency(organization: Organization, call: Call) -> Doc:
    doc = add_currency(organization, needed(call.body(), "currency_code").upper())
    return said("The currency has been added.", currency=_currency(organization, doc))


def read_currency(organization: Organization, call: Call, currency_id: str) -> Doc:
    return said("success", currency=_currency(organization, organization.need("currency", currency_id)))


def list_rates(organization: Organization, call: Call, currency_id: str) -> Doc:
    """``from_date``: of that day or the closest before, and what came after."""
    currency = organization.need("currency", currency_id)
    rates = organization.store.find("exchange_rate", "$.currency_id", [currency_id], organization.id)
    if since := call.arg("from_date"):
        closest = organization.stored_rate(currency, day(since, "from_date"))
        first = closest["effective_date"] if closest else since
        rates = [each for each in rates if each["effective_date"] >= first]
    shown = [{k: v for k, v in visible(each).items() if not k.endswith("_time")} for each in rates]
    return said("success", exchange_rates=sorted(shown, key=lambda each: str(each["effective_date"]), reverse=True))


def create_rate(organization: Organization, call: Call, currency_id: str) -> Doc:
    body = call.body()
    on_date = day(body.get("effective_date") or organization.today(), "effective_date")
    doc = add_rate(organization, currency_id, on_date, body.get("rate"))
    shown = {key: value for key, value in visible(doc).items() if not key.endswith("_time")}
    return said("The exchange rate has been added.", exchange_rate=shown)


# Taxes


def add_tax(organization: Organization, name: str, percentage: str) -> Doc:
    doc = {
        "tax_id": organization.new_id(),
        "tax_name": name,
        "tax_percentage": plain(number(percentage, "tax_percentage")),
        "tax_type": "tax",
        "is_value_added": organization.info["country_code"] != "US",
        "is_default_tax": False,
        "is_editable": True,
    }
    return organization.put("tax", organization.stamped(doc, None, {}))


def tax(organization: Organization, id_: object) -> Doc | None:
    """The tax a line names.

    Raises:
        Fault: 110817 when the organization has sales tax switched off, 1002.
    """
    if empty(id_):
        return None
    if not organization.info["sales_tax"]:
        raise Fault(110817, "Sales tax is not enabled for your organization.")
    return organization.need("tax", str(id_), 400)


def list_taxes(organization: Organization, call: Call) -> Doc:
    rows, context = search.page(organization, call, organization.all("tax"), {}, name="Taxes")
    shown = [{k: v for k, v in visible(each).items() if not k.endswith("_time")} for each in rows]
    return said("success", taxes=shown, page_context=context)


_C, _R = "settings.CREATE", "settings.READ"
ENDPOINTS: Final = (
    Endpoint("GET", "items", "items.list", _R, list_items),
    Endpoint("POST", "items", "items.create", _C, create_item, 201),
    Endpoint("GET", "itemdetails", "items.details", _R, items_of),
    Endpoint("GET", "items/<item_id>", "items.read", _R, read_item),
    Endpoint("PUT", "items/<item_id>", "items.update", "settings.UPDATE", update_item),
    Endpoint("DELETE", "items/<item_id>", "items.delete", "settings.DELETE", delete_item),
    Endpoint("POST", "items/<item_id>/active", "items.active", _C, activate_item),
    Endpoint("POST", "items/<item_id>/inactive", "items.inactive", _C, inactivate_item),
    Endpoint("GET", "contacts", "contacts.list", "contacts.READ", list_contacts),
    Endpoint("POST", "contacts", "contacts.create", "contacts.CREATE", create_contact, 201),
    Endpoint("GET", "contacts/<contact_id>", "contacts.read", "contacts.READ", read_contact),
    Endpoint("PUT", "contacts/<contact_id>", "contacts.update", "contacts.UPDATE", update_contact),
    Endpoint("DELETE", "contacts/<contact_id>", "contacts.delete", "contacts.DELETE", delete_contact),
    Endpoint("POST", "contacts/<contact_id>/active", "contacts.active", "contacts.CREATE", activate_contact),
    Endpoint("POST", "contacts/<contact_id>/inactive", "contacts.inactive", "contacts.CREATE", inactivate_contact),
    Endpoint("GET", "settings/currencies", "currencies.list", _R, list_currencies),
    Endpoint("POST", "settings/currencies", "currencies.create", _C, create_currency, 201),
    Endpoint("GET", "settings/currencies/<currency_id>", "currencies.read", _R, read_currency),
    Endpoint("GET", "settings/currencies/<currency_id>/exchangerates", "exchangerates.list", _R, list_rates),
    Endpoint("POST", "settings/currencies/<currency_id>/exchangerates", "exchangerates.create", _C, create_rate, 201),
    Endpoint("GET", "settings/taxes", "taxes.list", _R, list_taxes),
)
