"""Manual journals: one currency each, no uniqueness, no void (sheet §6, §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import Doc, day, empty, ids, needed, needed_number, objects, plain, text
from ledgers.zoho.sandbox.organization import Money, Organization, visible
from sandbox.books import Posting

_FILTERS: Final = {
    **search.words("entry_number", "reference_number", "notes"),
    **search.days("date", "journal_date"),
    **search.amounts("total"),
    **search.same("journal_type", "currency_id"),
    **search.one_of("journal_ids", "journal_id"),
    **search.modified_since(),
    **search.anywhere("entry_number", "reference_number", "notes"),
    "account_id": lambda given: lambda doc: any(line["account_id"] == given for line in doc["line_items"]),
    "customer_id": lambda given: lambda doc: any(line["customer_id"] == given for line in doc["line_items"]),
    **search.choice(
        "status",
        {each: search.is_("status", each) for each in ("draft", "published", "approved", "submitted", "rejected")},
    ),
}
_CONTROL: Final = {"accounts_receivable", "accounts_payable"}


def save(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    """The journal as stored; a draft posts nothing.

    Raises:
        Fault: 21004 when debits and credits differ, and whatever else forbids it.
    """
    merged = organization.merged(old, given)
    on_date = day(needed(merged, "journal_date"), "journal_date")
    money = organization.money(merged, on_date)
    kind = text(merged, "journal_type", default="both")
    if kind not in ("both", "cash"):
        raise errors.invalid_field("journal_type")
    rows = objects(merged, "line_items")
    if not rows:
        raise errors.missing_field("line_items")
    most = organization.switches["journal_max_lines"]
    if most and len(rows) > most:
        raise organization.refuse(f"A journal can have at most {most} lines.")
    lines = [_line(organization, row, money) for row in rows]
    signed = [Decimal(line["amount"]) * (1 if line["debit_or_credit"] == "debit" else -1) for line in lines]
    if sum(signed):
        raise Fault(21004, "Please ensure that the debits and credits are equal.")
    organization.check_open("accountant", on_date, *([old["journal_date"]] if old else []))
    entry = organization.balanced(
        [
            money.posting(line["account_id"], amount, line["description"])
            for line, amount in zip(lines, signed, strict=True)
        ],
        money,
    )
    id_ = old["journal_id"] if old else organization.new_id()
    total = sum((amount for amount in signed if amount > 0), Decimal(0))
    doc: Doc = {
        "journal_id": id_,
        "entry_number": old["entry_number"] if old else str(organization.next_number("journal")),
        "journal_number_prefix": "",
        "journal_number_suffix": "",
        "reference_number": text(merged, "reference_number", 100),
        "notes": text(merged, "notes", 500),
        "journal_date": on_date,
        "journal_type": kind,
        "entity_type": "journal",
        **money.fields(),
        "line_items": lines,
        "line_item_total": plain(total),
        "total": plain(total),
        "bcy_total": plain(money.in_base(total)),
        "taxes": [],
        "status": old["status"] if old else _first_status(organization, text(merged, "status", default="published")),
        "custom_fields": organization.custom_fields("journal", merged, id_),
    }
    merged["line_items"] = [{**row, "line_id": line["line_id"]} for row, line in zip(rows, lines, strict=True)]
    posting = [[each.account, each.currency, each.amount, each.home_amount, each.memo] for each in entry]
    doc["_"] = {"entry": posting}
    doc = organization.put("journal", organization.stamped(doc, old, merged))
    _post(organization, doc)
    return doc


def _first_status(organization: Organization, asked: str) -> str:
    if asked not in ("draft", "published"):
        raise errors.invalid_field("status")
    # Where approvals are switched on nothing is in the books before somebody has approved it.
    return "draft" if organization.info["approvals"] else asked


def _line(organization: Organization, given: Doc, money: Money) -> Doc:
    account = organization.account(given.get("account_id"), "account_id")
    side = text(given, "debit_or_credit")
    if side not in ("debit", "credit"):
        raise errors.invalid_field("debit_or_credit")
    amount = money.rounded(needed_number(given, "amount"))
    if amount <= 0:
        raise errors.invalid_field("amount")
    if not empty(given.get("tax_id")):
        if organization.info["country_code"] == "IN":
            raise Fault(110942, "Tax is not supported for this transaction.")
        if not organization.info["sales_tax"]:
            raise Fault(110817, "Sales tax is not enabled for your organization.")
        # What a tax on a journal line does differs between editions and is not described: better no than wrong.
        raise organization.refuse("Tax on journal lines is not available.")
    contact = organization.contact(given["customer_id"]) if not empty(given.get("customer_id")) else None
    if (
        account["account_type"] in _CONTROL
        and not contact
        and organization.switches["party_on_control_lines"] == "required"
    ):
        raise errors.missing_field("customer_id")
    foreign = account["currency_code"] not in (organization.base, money.code)
    if foreign and organization.switches["journal_foreign_account"] == "own_currency":
        raise organization.refuse("The currency of the journal differs from the currency of the account.")
    return {
        "line_id": text(given, "line_id") or organization.new_id(),
        "account_id": account["account_id"],
        "account_name": account["account_name"],
        "customer_id": contact["contact_id"] if contact else "",
        "customer_name": contact["contact_name"] if contact else "",
        "description": text(given, "description", 500),
        "debit_or_credit": side,
        "tax_id": "",
        "tax_name": "",
        "tax_type": "",
        "tax_percentage": "",
        "amount": plain(amount),
        "bcy_amount": plain(money.in_base(amount)),
        "tags": [],
        "project_id": "",
        "project_name": "",
        "location_id": "",
        "location_name": "",
    }


def _post(organization: Organization, doc: Doc) -> None:
    source = f"journal:{doc['journal_id']}"
    if doc["status"] == "published":
        organization.books.post(source, doc["journal_date"], [Posting(*line) for line in doc["_"]["entry"]])
    else:
        organization.books.remove(source)


def publish(organization: Organization, journal_id: str, *, approved: bool = False) -> Doc:
    doc = organization.need("journal", journal_id)
    if doc["status"] == "published":
        return doc
    if organization.info["approvals"] and not approved:
        raise organization.refuse("The journal has to be approved before it is published.")
    organization.check_open("accountant", doc["journal_date"])
    doc = {**doc, "status": "published", "last_modified_time": organization.stamp()}
    organization.put("journal", doc)
    _post(organization, doc)
    return doc


def remove(organization: Organization, journal_id: str) -> None:
    doc = organization.need("journal", journal_id)
    organization.check_open("accountant", doc["journal_date"])
    organization.books.remove(f"journal:{journal_id}")
    organization.bury("journal", journal_id)


def shown(organization: Organization, doc: Doc) -> Doc:
    return {
        **visible(doc),
        "custom_fields": organization.loose(doc["custom_fields"]),
        "available_receivables_credits": [],
        "tags": [],
    }


_ROW: Final = ("journal_id", "journal_date", "entry_number", "reference_number", "currency_id", "currency_code",
               "notes", "journal_type", "entity_type", "status", "total", "bcy_total", "exchange_rate",
               "created_time", "last_modified_time")  # fmt: skip


def list_all(organization: Organization, call: Call) -> Doc:
    docs = search.candidates(organization, call, "journal")
    sorts = ("journal_date", "entry_number", "reference_number", "total", "last_modified_time", "created_time")
    rows, context = search.page(organization, call, docs, _FILTERS, name="Journals", sorts=sorts)
    found = [{**{name: doc[name] for name in _ROW}, "documents": organization.loose([])} for doc in rows]
    return said("success", journals=found, page_context=context)


def create(organization: Organization, call: Call) -> Doc:
    doc = save(organization, call.body(), None)
    return said("The journal entry has been created.", journal=shown(organization, doc))


def read(organization: Organization, call: Call, journal_id: str) -> Doc:
    return said("success", journal=shown(organization, organization.need("journal", journal_id)))


def update(organization: Organization, call: Call, journal_id: str) -> Doc:
    doc = save(organization, call.body(), organization.need("journal", journal_id))
    return said("The journal entry has been updated.", journal=shown(organization, doc))


def delete(organization: Organization, call: Call, journal_id: str) -> Doc:
    remove(organization, journal_id)
    return said("The selected journal entry has been deleted.")


def delete_many(organization: Organization, call: Call) -> Doc:
    for journal_id in ids(call.arg("journal_ids"), "journal_ids", 200):
        remove(organization, journal_id)
    return said("The selected journals have been deleted.")


def publish_one(organization: Organization, call: Call, journal_id: str) -> Doc:
    publish(organization, journal_id)
    return said("The journal has been published.")


def publish_many(organization: Organization, call: Call) -> Doc:
    for journal_id in ids(call.arg("journal_ids"), "journal_ids", 10):
        publish(organization, journal_id)
    return said("The selected journals have been published.")


def approve(organization: Organization, call: Call, journal_id: str) -> Doc:
    publish(organization, journal_id, approved=True)
    return said("You have approved the journal.")


def approve_many(organization: Organization, call: Call) -> Doc:
    for journal_id in ids(call.arg("journal_ids"), "journal_ids", 25):
        publish(organization, journal_id, approved=True)
    return said("You have approved the journals.")


def reverse(organization: Organization, call: Call, journal_id: str) -> Doc:
    """A new journal with the sides changed, on ``reversal_date``."""
    doc = organization.need("journal", journal_id)
    on_date = day(call.arg("reversal_date"), "reversal_date")
    other = {"debit": "credit", "credit": "debit"}
    merged = doc["_"]["in"]
    rows = [
        {**{k: v for k, v in row.items() if k != "line_id"}, "debit_or_credit": other[row["debit_or_credit"]]}
        for row in merged["line_items"]
    ]
    same_rate = {"currency_id": doc["currency_id"], "exchange_rate": doc["exchange_rate"]}
    made = save(organization, {**merged, **same_rate, "journal_date": on_date, "line_items": rows}, None)
    return said("The journal has been reversed.", journal=shown(organization, made))


_C, _R, _U, _D = (f"accountants.{verb}" for verb in ("CREATE", "READ", "UPDATE", "DELETE"))
_J = "journals/<journal_id>"
ENDPOINTS: Final = (
    Endpoint("GET", "journals", "journals.list", _R, list_all),
    Endpoint("POST", "journals", "journals.create", _C, create, 201),
    Endpoint("POST", "journals/status/publish", "journals.bulk_publish", _C, publish_many),
    Endpoint("POST", "journals/approve", "journals.bulk_approve", _C, approve_many),
    Endpoint("DELETE", "journals/bulkdelete", "journals.bulk_delete", _D, delete_many),
    Endpoint("GET", _J, "journals.read", _R, read),
    Endpoint("PUT", _J, "journals.update", _U, update),
    Endpoint("DELETE", _J, "journals.delete", _D, delete),
    Endpoint("POST", f"{_J}/status/publish", "journals.publish", _C, publish_one),
    Endpoint("POST", f"{_J}/approve", "journals.approve", _C, approve),
    Endpoint("POST", f"{_J}/reverse", "journals.reverse", _C, reverse),
)
