"""Reading the general ledger: the lines a document made, an account's transactions, locks (sheet §7, "Ledger proof")."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import banking, errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, plain
from ledgers.zoho.sandbox.organization import MODULES, Organization
from sandbox.books import Entry, Posting

# entity_type → (kind of record, prefix of its source in the books)
ENTITIES: Final = {
    "journal": ("journal", "journal"),
    "invoice": ("invoice", "invoice"),
    "creditnote": ("creditnote", "creditnote"),
    "customer_payment": ("payment", "payment"),
    "expense": ("expense", "expense"),
    "creditnote_refund": ("refund", "refund"),
    "payment_refund": ("refund", "refund"),
    "base_currency_adjustment": ("base_currency_adjustment", "base_currency_adjustment"),
    **dict.fromkeys(("bank_transaction", "banktransaction", *banking.TYPES), ("transaction", "banktransaction")),
}
_KINDS: Final = {prefix: kind for kind, prefix in ENTITIES.values()}
_NAMES: Final = {"payment": "customer_payment"}
_NUMBERS: Final = ("entry_number", "invoice_number", "creditnote_number", "payment_number")


def journal_of(organization: Organization, call: Call, transaction_id: str) -> Doc:
    """The ledger lines of one document on accrual basis; a draft or void one has none.

    The other basis is refused: what cash basis makes of a half-paid invoice is nowhere described.
    """
    entity = call.arg("entity_type")
    if entity not in ENTITIES:
        raise errors.invalid_parameter("entity_type")
    if call.arg("report_basis", "accrual") != "accrual":
        raise errors.invalid_parameter("report_basis")
    kind, prefix = ENTITIES[entity]
    doc = organization.need(kind, transaction_id)
    entry = organization.books.entry(f"{prefix}:{transaction_id}")
    lines = [_line(organization, doc, posting, at) for at, posting in enumerate(entry.postings if entry else (), 1)]
    total = sum((Decimal(line["amount"]) for line in lines if line["debit_or_credit"] == "debit"), Decimal(0))
    base = sum((Decimal(line["bcy_amount"]) for line in lines if line["debit_or_credit"] == "debit"), Decimal(0))
    journal = {
        "journal_id": transaction_id,
        "entry_number": next((doc[name] for name in _NUMBERS if name in doc), ""),
        "reference_number": doc.get("reference_number", ""),
        "notes": doc.get("notes", ""),
        "journal_date": entry.on_date if entry else doc.get("date") or doc.get("journal_date", ""),
        "journal_type": "both",
        "currency_id": doc["currency_id"],
        "currency_code": doc["currency_code"],
        "currency_symbol": doc["currency_symbol"],
        "exchange_rate": doc["exchange_rate"],
        "price_precision": doc["price_precision"],
        "line_items": lines,
        "line_item_total": plain(total),
        "total": plain(total),
        "bcy_total": plain(base),
        "created_time": doc["created_time"],
        "last_modified_time": doc["last_modified_time"],
        "status": "published" if entry else "draft",
    }
    return said("success", journal=journal)


def _line(organization: Organization, doc: Doc, posting: Posting, at: int) -> Doc:
    account = organization.get("account", posting.account) or {}
    debit = posting.home_amount > 0 or (not posting.home_amount and posting.amount > 0)
    return {
        "line_id": f"{at}",
        "account_id": posting.account,
        "account_name": account.get("account_name", ""),
        "customer_id": doc.get("customer_id", ""),
        "customer_name": doc.get("customer_name", ""),
        "description": posting.memo,
        "debit_or_credit": "debit" if debit else "credit",
        "amount": plain(organization.amount(abs(posting.amount), posting.currency)),
        "bcy_amount": plain(organization.amount(abs(posting.home_amount))),
    }


# What passed through an account


def _rows(organization: Organization, account_id: str) -> list[Doc]:
    organization.need("account", account_id, 400)
    rows: list[Doc] = []
    for entry in organization.books.entries(account_id):
        prefix, _, id_ = entry.source.partition(":")
        doc = organization.get(_KINDS.get(prefix, prefix), id_) or {}
        rows += [
            _row(organization, doc, entry, each, prefix, id_) for each in entry.postings if each.account == account_id
        ]
    return rows


def _row(organization: Organization, doc: Doc, entry: Entry, posting: Posting, prefix: str, id_: str) -> Doc:
    kind = doc.get("transaction_type") or _NAMES.get(prefix, prefix)
    others = [each.account for each in entry.postings if each.account != posting.account]
    offset = organization.get("account", others[0]) if len(set(others)) == 1 else None
    amount = plain(organization.amount(abs(posting.home_amount)))
    debit = posting.home_amount >= 0
    return {
        "categorized_transaction_id": id_,
        "transaction_type": kind,
        "transaction_id": id_,
        "transaction_date": entry.on_date,
        "account_id": posting.account,
        "customer_id": doc.get("customer_id", ""),
        "payee": doc.get("customer_name", ""),
        "description": posting.memo,
        "entry_number": next((doc[name] for name in _NUMBERS if name in doc), ""),
        "currency_id": doc.get("currency_id", ""),
        "currency_code": doc.get("currency_code", organization.base),
        "debit_or_credit": "debit" if debit else "credit",
        "offset_account_name": offset["account_name"] if offset else "",
        "reference_number": doc.get("reference_number", ""),
        "reconcile_status": "unreconciled",
        "debit_amount": amount if debit else "",
        "credit_amount": "" if debit else amount,
        "fcy_amount": plain(organization.amount(abs(posting.amount), posting.currency)),
        "_": {"created": (doc.get("_") or {}).get("created", organization.clock.now().isoformat()), "at": amount},
    }


_FILTERS: Final = {
    **search.days("date", "transaction_date"),
    **search.choice("filter_by", {"TransactionType.All": search.everything}),
    **search.same("transaction_type"),
}


def account_transactions(organization: Organization, call: Call) -> Doc:
    if not call.arg("account_id"):
        raise errors.missing_field("account_id")
    sorts = ("transaction_date", "payee", "debit_amount", "credit_amount")
    rows, context = search.page(organization, call, _rows(organization, call.arg("account_id")), _FILTERS,
                                name="Account Transactions", sorts=sorts)  # fmt: skip
    found = [{key: value for key, value in row.items() if key != "_"} for row in rows]
    return said("success", transactions=found, page_context=context)


def register(organization: Organization, call: Call, account_id: str) -> Doc:
    account = organization.need("account", account_id)
    rows = _rows(organization, account_id)
    if since := call.arg("from_date"):
        rows = [row for row in rows if row["transaction_date"] >= day(since, "from_date")]
    if until := call.arg("to_date"):
        rows = [row for row in rows if row["transaction_date"] <= day(until, "to_date")]
    found, context = search.page(organization, call, rows, {}, name="Account Register", sorts=("transaction_date",))
    shown = [
        {
            "transaction_id": row["transaction_id"],
            "transaction_date": row["transaction_date"],
            "transaction_type": row["transaction_type"],
            "transaction_type_formatted": row["transaction_type"].replace("_", " ").title(),
            "account_id": account_id,
            "debit_amount": row["debit_amount"] or 0,
            "credit_amount": row["credit_amount"] or 0,
        }
        for row in found
    ]
    closing = plain(organization.amount(organization.books.balance(account_id)))
    transactions = {
        "account_transactions": shown,
        "account_type": account["account_type"],
        "gl_closing_balance": closing,
    }
    return said("success", register_transactions=transactions, page_context=context)


# Locks


def _lock(organization: Organization, at: int, lock: Doc) -> Doc:
    number = 0 if lock["module"] == "all" else MODULES.index(lock["module"]) + 1
    return {
        "transaction_lock_id": str(int(organization.id) * 100 + at),
        "transaction_lock_status": "enabled",
        "transaction_lock_date": lock["date"],
        "lock_status": "locked",
        "lock_scope": number,
        "lock_scope_formatted": lock["module"].capitalize(),
        "lock_status_formatted": "Locked",
        "partial_lock_number": 0,
        "locked_by": lock["by"],
        "user_exceptions": [],
        "user_exceptions_count": 0,
        "account_exceptions": [],
        "account_exceptions_count": 0,
        "reason": lock["reason"],
    }


def read_lock(organization: Organization, call: Call) -> Doc:
    """The lock of the whole organization, or the first of a module; ``disabled`` when nothing is locked."""
    found = sorted(organization.info["locks"], key=lambda lock: str(lock["module"] != "all"))
    if not found:
        return said("success", transaction_lock={"transaction_lock_status": "disabled", "transaction_lock_date": ""})
    return said("success", transaction_lock=_lock(organization, 1, found[0]))


def list_locks(organization: Organization, call: Call) -> Doc:
    locks = organization.info["locks"]
    rows, context = search.page(organization, call, locks, {}, name="Transaction Locks")
    found = [_lock(organization, at, lock) for at, lock in enumerate(rows, 1)]
    return said("success", transaction_locks=found, page_context=context)


_R: Final = "accountants.READ"
ENDPOINTS: Final = (
    Endpoint("GET", "transactions/<transaction_id>/journals", "transactions.journals", _R, journal_of),
    Endpoint("GET", "chartofaccounts/accounttransactions", "chartofaccounts.transactions", _R, account_transactions),
    Endpoint("GET", "registers/<account_id>/transactions", "registers.list", _R, register),
    Endpoint("GET", "transactionlock", "transactionlock.read", _R, read_lock),
    Endpoint("GET", "transactionlocks", "transactionlock.list", _R, list_locks),
)
