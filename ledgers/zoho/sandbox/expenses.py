"""Expenses: one account, paid through another, in that other's currency unless told otherwise (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, empty, needed, needed_number, objects, plain, text
from ledgers.zoho.sandbox.organization import Organization, visible

_FILTERS: Final = {
    **search.words("account_name", "reference_number", "description", "customer_name"),
    **search.days("date", "date"),
    **search.amounts("amount", "total"),
    **search.same("customer_id", "vendor_id", "paid_through_account_id"),
    **search.anywhere("reference_number", "description", "account_name"),
}


def save(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    merged = organization.merged(old, given)
    paid = organization.account(merged.get("paid_through_account_id"), "paid_through_account_id")
    on_date = day(needed(merged, "date"), "date")
    # The trap of the sheet: a foreign account and no rate means rate 1 and no warning.
    money = organization.money(merged, on_date, organization.account_currency(paid))
    if paid["currency_code"] not in (organization.base, money.code):
        raise organization.refuse("The currency of the expense differs from the currency of the account.")
    rows = objects(merged, "line_items") or [
        {
            "account_id": merged.get("account_id"),
            "amount": merged.get("amount"),
            "description": merged.get("description"),
        }
    ]
    lines = []
    for row in rows:
        account = organization.account(row.get("account_id"), "account_id")
        amount = money.rounded(needed_number(row, "amount"))
        if amount <= 0:
            raise errors.invalid_field("amount")
        note = text(row, "description", 100)
        lines.append({"line_item_id": organization.new_id(), "account_id": account["account_id"], "description": note,
                      "account_name": account["account_name"], "amount": plain(amount)})  # fmt: skip
    total = sum((Decimal(line["amount"]) for line in lines), Decimal(0))
    organization.check_open("purchase", on_date, *([old["date"]] if old else []))
    id_ = old["expense_id"] if old else organization.new_id()
    doc: Doc = {
        "expense_id": id_,
        "transaction_id": id_,
        "transaction_type": "expense",
        "date": on_date,
        "account_id": lines[0]["account_id"],
        "account_name": lines[0]["account_name"],
        "paid_through_account_id": paid["account_id"],
        "paid_through_account_name": paid["account_name"],
        **money.fields(),
        "amount": plain(total),
        "sub_total": plain(total),
        "total": plain(total),
        "bcy_total": plain(money.in_base(total)),
        "tax_amount": 0,
        "is_inclusive_tax": False,
        "is_billable": False,
        "is_itemized_expense": len(lines) > 1,
        "reference_number": text(merged, "reference_number", 100),
        "description": text(merged, "description", 100),
        "customer_id": text(merged, "customer_id"),
        "customer_name": "",
        "vendor_id": "" if empty(merged.get("vendor_id")) else organization.contact(merged["vendor_id"])["contact_id"],
        "status": "nonbillable",
        "line_items": lines,
        "custom_fields": organization.custom_fields("expense", merged, id_),
    }
    entry = [money.posting(line["account_id"], Decimal(line["amount"]), line["description"]) for line in lines]
    entry.append(money.posting(paid["account_id"], -total))
    organization.books.post(f"expense:{id_}", on_date, organization.balanced(entry, money))
    return organization.put("expense", organization.stamped(doc, old, merged))


def remove(organization: Organization, expense_id: str) -> None:
    doc = organization.need("expense", expense_id)
    organization.check_open("purchase", doc["date"])
    organization.books.remove(f"expense:{expense_id}")
    organization.bury("expense", expense_id)


def shown(organization: Organization, doc: Doc) -> Doc:
    return {**visible(doc), "custom_fields": organization.loose(doc["custom_fields"]), "tags": []}


_ROW: Final = ("expense_id", "date", "account_name", "paid_through_account_name", "description", "currency_id",
               "currency_code", "bcy_total", "total", "is_billable", "reference_number", "customer_id",
               "customer_name", "vendor_id", "status", "created_time", "last_modified_time")  # fmt: skip


def list_all(organization: Organization, call: Call) -> Doc:
    sorts = ("date", "account_name", "total", "bcy_total", "reference_number", "customer_name", "created_time")
    rows, context = search.page(organization, call, organization.all("expense"), _FILTERS, name="Expenses", sorts=sorts)
    return said("success", expenses=[{name: doc[name] for name in _ROW} for doc in rows], page_context=context)


def create(organization: Organization, call: Call) -> Doc:
    doc = save(organization, call.body(), None)
    return said("The expense has been recorded.", expense=shown(organization, doc))


def read(organization: Organization, call: Call, expense_id: str) -> Doc:
    return said("success", expense=shown(organization, organization.need("expense", expense_id)))


def update(organization: Organization, call: Call, expense_id: str) -> Doc:
    doc = save(organization, call.body(), organization.need("expense", expense_id))
    return said("The expense information has been updated.", expense=shown(organization, doc))


def delete(organization: Organization, call: Call, expense_id: str) -> Doc:
    remove(organization, expense_id)
    return said("The expense has been deleted.")


_E = "expenses/<expense_id>"
ENDPOINTS: Final = (
    Endpoint("GET", "expenses", "expenses.list", "expenses.READ", list_all),
    Endpoint("POST", "expenses", "expenses.create", "expenses.CREATE", create, 201),
    Endpoint("GET", _E, "expenses.read", "expenses.READ", read),
    Endpoint("PUT", _E, "expenses.update", "expenses.UPDATE", update),
    Endpoint("DELETE", _E, "expenses.delete", "expenses.DELETE", delete),
)
