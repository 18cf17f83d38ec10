"""Bank transactions: deposits, transfers and what else moves money between two accounts (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import charts, errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, needed, needed_number, optional_number, plain, text
from ledgers.zoho.sandbox.organization import Money, Organization, visible
from sandbox.books import Posting, to_minor

_INCOME: Final = frozenset(kind for kind, group in charts.TYPES.items() if group == "income")
_SPENT: Final = frozenset(kind for kind, group in charts.TYPES.items() if group == "expense")
_EQUITY: Final = frozenset({"equity"})
_ANY: Final = frozenset(charts.TYPES) - {"accounts_receivable", "accounts_payable"}
_SHEET: Final = frozenset(kind for kind, group in charts.TYPES.items() if group in ("asset", "liability", "equity"))
_CARD: Final = frozenset({"credit_card"})
# transaction_type → types of account the money comes from, and goes to
TYPES: Final = {
    "deposit": (_ANY, charts.MONEY),
    "refund": (_ANY, _CARD),
    "transfer_fund": (charts.MONEY, charts.MONEY),
    "card_payment": (charts.MONEY, _CARD),
    "sales_without_invoices": (_INCOME, charts.MONEY),
    "expense_refund": (_SPENT, charts.MONEY),
    "owner_contribution": (_EQUITY, charts.MONEY),
    "interest_income": (_INCOME, charts.MONEY),
    "other_income": (_INCOME, charts.MONEY),
    "owner_drawings": (charts.MONEY, _EQUITY),
    "sales_return": (charts.MONEY, _INCOME),
}
_STATUSES: Final = ("uncategorized", "manually_added", "matched", "excluded", "categorized")


def _touches(given: str) -> search.Test:
    return lambda doc: given in (doc["from_account_id"], doc["to_account_id"])


_FILTERS: Final = {
    "account_id": _touches,
    # No variant of the reference number here.
    "reference_number": search.words("reference_number")["reference_number"],
    **search.days("date", "date", "start", "end"),
    "amount": search.amounts("amount")["amount"],
    "amount_start": search.amounts("amount_start", "amount")["amount_start_greater_equals"],
    "amount_end": search.amounts("amount_end", "amount")["amount_end_less_equals"],
    **search.anywhere("reference_number", "description"),
    **search.choice("transaction_type", {kind: search.is_("transaction_type", kind) for kind in TYPES}),
    **{
        name: filter_
        for name in ("status", "transaction_status")
        for filter_ in search.choice(
            name,
            {"All": search.everything, **{each: search.is_("status", each) for each in _STATUSES}},
        ).values()
    },
    **search.choice(
        "filter_by",
        {
            "Status.All": search.everything,
            **{f"Status.{each.title().replace('_', '')}": search.is_("status", each) for each in _STATUSES},
        },
    ),
}


def save(organization: Organization, given: Doc, old: Doc | None) -> Doc:
    merged = organization.merged(old, given)
    kind = needed(merged, "transaction_type")
    if kind not in TYPES:
        raise errors.invalid_field("transaction_type")
    source = organization.account(merged.get("from_account_id"), "from_account_id")
    target = organization.account(merged.get("to_account_id"), "to_account_id")
    _check_accounts(organization, kind, source, target)
    on_date = day(merged.get("date") or organization.today(), "date")
    money, sent, received = _amounts(organization, merged, on_date, source, target)
    charges = money.rounded(optional_number(merged, "bank_charges"))
    organization.check_open("banking", on_date, *([old["date"]] if old else []))
    if old:
        check_free(organization, old)
    id_ = old["transaction_id"] if old else organization.new_id()
    doc: Doc = {
        "transaction_id": id_,
        "transaction_type": kind,
        "from_account_id": source["account_id"],
        "from_account_name": source["account_name"],
        "to_account_id": target["account_id"],
        "to_account_name": target["account_name"],
        "date": on_date,
        "amount": plain(needed_number(merged, "amount")),
        **money.fields(),
        "bank_charges": plain(charges),
        "payment_mode": text(merged, "payment_mode", 100),
        "customer_id": text(merged, "customer_id"),
        "customer_name": "",
        "vendor_id": "",
        "vendor_name": "",
        "reference_number": text(merged, "reference_number", 100),
        "description": text(merged, "description", 500),
        "is_inclusive_tax": False,
        "status": old["status"] if old else "manually_added",
        "source": "manually_added",
    }
    total = received if money.code == target["currency_code"] else sent
    doc |= {"sub_total": plain(abs(total)), "total": plain(abs(total)), "bcy_total": plain(money.in_base(abs(total)))}
    lines = _entry(organization, money, source, target, sent, received, charges)
    organization.books.post(f"banktransaction:{id_}", on_date, lines)
    return organization.put("transaction", organization.stamped(doc, old, merged))


def _check_accounts(organization: Organization, kind: str, source: Doc, target: Doc) -> None:
    allowed = TYPES[kind]
    if kind == "transfer_fund" and organization.switches["transfer_account_types"] == "balance_sheet":
        allowed = (_SHEET, _SHEET)
    for account, types, field in ((source, allowed[0], "from_account_id"), (target, allowed[1], "to_account_id")):
        if account["account_type"] not in types:
            raise errors.invalid_field(field)
    if source["account_id"] == target["account_id"]:
        raise organization.refuse("From and to must be two accounts.")


def _amounts(
    organization: Organization, merged: Doc, on_date: str, source: Doc, target: Doc
) -> tuple[Money, Decimal, Decimal]:
    """The document's currency and rate, what leaves ``source`` and what reaches ``target``, each in its own currency."""
    foreign = {each["currency_code"]: each for each in (source, target) if each["currency_code"] != organization.base}
    if len(foreign) > 1:
        raise organization.refuse("A transfer between two foreign currencies is not possible.")
    other = next(iter(foreign.values()), None)
    default = organization.account_currency(other) if other else None
    money = organization.money(merged, on_date, default)
    if money.code != organization.base and money.code not in foreign:
        raise organization.refuse("The currency of the transaction differs from the currency of its accounts.")
    if other and money.code == organization.base:
        # Named in base, booked in the currency of the foreign account.
        rate = organization.rate(organization.account_currency(other), on_date, merged.get("exchange_rate"))
        money = Money(organization.account_currency(other), rate, organization.base)
    amount = needed_number(merged, "amount")
    if amount <= 0:
        raise errors.invalid_field("amount")
    mixed = bool(other) and source["currency_code"] != target["currency_code"]
    given_in_base = (
        mixed
        and source["currency_code"] == organization.base
        and organization.switches["transfer_amount_currency"] == "from_account"
    )
    value = money.rounded(amount / money.rate) if given_in_base else money.rounded(amount)
    sides = [value if each["currency_code"] == money.code else money.in_base(value) for each in (source, target)]
    return money, sides[0], sides[1]


def _entry(
    organization: Organization,
    money: Money,
    source: Doc,
    target: Doc,
    sent: Decimal,
    received: Decimal,
    charges: Decimal,
) -> list[Posting]:
    """Credit where the money comes from, debit where it goes; bank charges are kept back from what arrives."""
    lines = []
    for account, amount, sign in ((target, received, 1), (source, sent, -1)):
        if account["currency_code"] == money.code:
            lines.append(money.posting(account["account_id"], amount * sign))
        else:
            minor = to_minor(amount, organization.base) * sign
            lines.append(Posting(account["account_id"], organization.base, minor, minor))
    if charges:
        fees = money.posting(organization.system(charts.BANK_FEES), charges)
        back = money.posting(target["account_id"], -charges)
        if target["currency_code"] != money.code:
            back = Posting(target["account_id"], organization.base, back.home_amount, back.home_amount)
        lines += [fees, back]
    return lines


def check_free(organization: Organization, doc: Doc) -> None:
    if doc["status"] == "matched":
        raise organization.refuse("The transaction is matched with a bank feed; unmatch it first.")


def remove(organization: Organization, transaction_id: str) -> None:
    doc = organization.need("transaction", transaction_id)
    check_free(organization, doc)
    organization.check_open("banking", doc["date"])
    organization.books.remove(f"banktransaction:{transaction_id}")
    organization.bury("transaction", transaction_id)


def shown(doc: Doc) -> Doc:
    return {**visible(doc), "tags": [], "documents": [], "imported_transactions": [], "line_items": []}


def _row(organization: Organization, doc: Doc, account_id: str) -> Doc:
    """As the account asked for sees it; without one, as the account the money reaches."""
    out = account_id == doc["from_account_id"]
    own, other = ("from", "to") if out else ("to", "from")
    account = organization.get("account", doc[f"{own}_account_id"]) or {}
    names = ("transaction_id", "date", "amount", "transaction_type", "status", "source", "price_precision",
             "customer_id", "description", "currency_id", "currency_code", "currency_symbol",
             "reference_number")  # fmt: skip
    return {
        **{name: doc[name] for name in names},
        "account_id": doc[f"{own}_account_id"],
        "account_name": doc[f"{own}_account_name"],
        "account_type": account.get("account_type", ""),
        "payee": "",
        "is_paid_via_print_check": False,
        "debit_or_credit": "credit" if out else "debit",
        "offset_account_name": doc[f"{other}_account_name"],
        "is_offsetaccount_matched": False,
        "imported_transaction_id": "",
        "is_rule_exist": False,
        "rule_details": organization.loose([]),
    }


def list_all(organization: Organization, call: Call) -> Doc:
    docs = search.candidates(organization, call, "transaction")
    rows, context = search.page(organization, call, docs, _FILTERS, name="Bank Transactions", sorts=("date",))
    found = [_row(organization, doc, call.arg("account_id")) for doc in rows]
    return said("success", banktransactions=found, page_context=context)


def create(organization: Organization, call: Call) -> Doc:
    return said("The bank transaction has been recorded.", banktransaction=shown(save(organization, call.body(), None)))


def read(organization: Organization, call: Call, transaction_id: str) -> Doc:
    return said("success", banktransaction=shown(organization.need("transaction", transaction_id)))


def update(organization: Organization, call: Call, transaction_id: str) -> Doc:
    doc = save(organization, call.body(), organization.need("transaction", transaction_id))
    return said("The bank transaction has been updated.", banktransaction=shown(doc))


def delete(organization: Organization, call: Call, transaction_id: str) -> Doc:
    remove(organization, transaction_id)
    return said("The transaction has been deleted.")


_T = "banktransactions/<transaction_id>"
ENDPOINTS: Final = (
    Endpoint("GET", "banktransactions", "banktransactions.list", "banking.READ", list_all),
    Endpoint("POST", "banktransactions", "banktransactions.create", "banking.CREATE", create, 201),
    Endpoint("GET", _T, "banktransactions.read", "banking.READ", read),
    Endpoint("PUT", _T, "banktransactions.update", "banking.UPDATE", update),
    Endpoint("DELETE", _T, "banktransactions.delete", "banking.DELETE", delete),
)
