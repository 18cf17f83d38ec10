"""Create, update, void, delete: the rules every object shares, and what a write does to the objects it touches."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ledgers.quickbooks.sandbox import deposit, errors, journal, lists, payment, reads, sales, schema
from ledgers.quickbooks.sandbox.company import LIST_KINDS, NUMBERED_SALES, TRANSACTION_KINDS, Company, Doc
from ledgers.quickbooks.sandbox.draft import Draft, Link, line_ids, lines_of

# What a client may echo back from an answer and the server computes itself.
_READ_ONLY = {
    "Id",
    "SyncToken",
    "MetaData",
    "domain",
    "sparse",
    "status",
    "TotalAmt",
    "HomeTotalAmt",
    "Balance",
    "HomeBalance",
    "UnappliedAmt",
    "RemainingCredit",
    "LinkedTxn",
    "FullyQualifiedName",
    "Classification",
    "CurrentBalance",
    "CurrentBalanceWithSubAccounts",
    "BalanceWithJobs",
    "InvoiceLink",
}
_BUILDERS: dict[str, Callable[[Company, str, Doc, Doc | None], Draft]] = {
    "Payment": payment.build,
    "Deposit": deposit.build,
    "JournalEntry": journal.build_journal,
    "Transfer": journal.build_transfer,
    "Purchase": journal.build_purchase,
}
_VOIDED_BY_INCLUDE = {"Payment", "SalesReceipt"}
_VOID_UNSETTLED = {"CreditMemo", "RefundReceipt", "Purchase", "Transfer"}


def perform(company: Company, kind: str, operation: str, body: Any, *, allow_duplicate: bool = False) -> Doc:
    """One create, update, void or delete, as answered.

    Raises:
        Fault: whatever forbids it; nothing must be stored then.
    """
    body = schema.check(kind, body)
    match operation:
        case "create":
            return reads.one(company, kind, create(company, kind, body, allow_duplicate=allow_duplicate))
        case "update":
            return reads.one(company, kind, update(company, kind, body, allow_duplicate=allow_duplicate))
        case "void":
            return reads.one(company, kind, void(company, kind, body))
        case "delete":
            return delete(company, kind, body)
    raise errors.unsupported(operation)


def create(company: Company, kind: str, body: Doc, *, allow_duplicate: bool = False) -> Doc:
    """The new object as stored."""
    return _save(company, kind, _writable(kind, body), None, allow_duplicate=allow_duplicate)


def update(company: Company, kind: str, body: Doc, *, allow_duplicate: bool = False) -> Doc:
    """The changed object. Sparse: only what is sent changes; full: what is left out is cleared."""
    old = _current(company, kind, body)
    given = _writable(kind, body)
    if body.get("sparse"):
        _sparse_needs(kind, given)
        given = {**old["_"]["in"], **given}
    return _save(company, kind, {k: v for k, v in given.items() if v is not None}, old, allow_duplicate=allow_duplicate)


def delete(company: Company, kind: str, body: Doc) -> Doc:
    """Remove a transaction for good; answers the stub."""
    if kind not in TRANSACTION_KINDS:
        raise errors.unsupported("delete")
    old = _current(company, kind, body)
    _check_free(company, kind, old, deleting=True)
    company.check_open(old["TxnDate"])
    _release(company, kind, old)
    if kind in ("Invoice", "CreditMemo"):
        _unapply_all(company, kind, old)
    company.books.remove(f"{kind}:{old['Id']}")
    company.bury(kind, old["Id"])
    return {"Id": old["Id"], "domain": "QBO", "status": "Deleted"}


def void(company: Company, kind: str, body: Doc) -> Doc:
    """Keep the transaction with amounts of nothing; answers it."""
    settled = kind == "Invoice" or kind in _VOIDED_BY_INCLUDE
    allowed = kind in _VOID_UNSETTLED and company.switches["void_creditmemo_refund_purchase"] == "ok"
    if not settled and not allowed:
        raise errors.unsupported("void")
    old = _current(company, kind, body)
    if old["_"].get("void"):
        return old
    _check_free(company, kind, old, deleting=False)
    company.check_open(old["TxnDate"])
    _release(company, kind, old)
    if kind in ("Invoice", "CreditMemo"):
        _unapply_all(company, kind, old)
    return _emptied(company, kind, company.need(kind, old["Id"]))


# Steps


def _writable(kind: str, body: Doc) -> Doc:
    computed = _READ_ONLY - ({"TotalAmt"} if kind == "Payment" else set())
    return {key: value for key, value in body.items() if key not in computed}


def _sparse_needs(kind: str, given: Doc) -> None:
    if kind == "Purchase" and not given.get("PaymentType"):
        raise errors.required("PaymentType")


def _current(company: Company, kind: str, body: Doc) -> Doc:
    """The object a change is meant for, when the SyncToken is the current one."""
    if not body.get("Id"):
        raise errors.required("Id")
    old = company.need(kind, str(body["Id"]))
    token = body.get("SyncToken")
    if token is None and company.switches["missing_synctoken"] == "2020":
        raise errors.required("SyncToken")
    if token != old["SyncToken"]:
        raise errors.stale()
    return old


def _check_free(company: Company, kind: str, old: Doc, *, deleting: bool) -> None:
    if old["_"].get("deposit"):
        raise errors.in_a_deposit()
    if deleting and old["_"].get("reconciled"):
        raise errors.Fault(
            "6480",
            "Transaction is matched or reconciled",
            "The transaction is matched to a bank feed and cannot be deleted",
        )
    if old["_"].get("applied") and company.switches["void_linked_invoice"] == "refuse":
        raise errors.business("The transaction is linked to a payment; unlink it first")


def _save(company: Company, kind: str, given: Doc, old: Doc | None, *, allow_duplicate: bool) -> Doc:
    if kind in LIST_KINDS:
        # Our notes keep the input of a list object, so that a sparse update merges into what was written.
        built = lists.build(company, kind, given, old)
        doc = company.stamped(kind, {**_kept(built), "_": {"in": given}}, old)
        company.put(kind, doc)
        return doc
    if old is not None:
        _check_free_for_change(company, kind, old)
        _release(company, kind, old)
    draft = _build(company, kind, given, old, allow_duplicate=allow_duplicate)
    company.check_open(draft.doc["TxnDate"])
    notes = {**(old["_"] if old else {}), "in": _with_line_ids(kind, given, old)}
    if kind in ("Invoice", "CreditMemo"):
        _set_balance(company, kind, draft.doc, notes)
    notes["links"] = [[link.kind, link.id, link.amount] for link in draft.links]
    doc = company.stamped(kind, {**_kept(draft.doc), "LinkedTxn": _linked(notes), "_": notes}, old)
    company.put(kind, doc)
    company.books.post(f"{kind}:{doc['Id']}", doc["TxnDate"], draft.postings)
    _take(company, kind, doc["Id"], draft.links)
    if old is None:
        _auto_apply(company, kind, doc)
        return company.need(kind, doc["Id"])
    return doc


def _with_line_ids(kind: str, given: Doc, old: Doc | None) -> Doc:
    """The input with the ids its lines were given, so that a sparse update without lines keeps them."""
    if not given.get("Line") or kind == "Payment":
        return given
    lines = lines_of(given)
    ids = line_ids(lines, old, first=0 if kind == "JournalEntry" else 1)
    return {**given, "Line": [{**line, "Id": id_} for line, id_ in zip(lines, ids, strict=True)]}


def _kept(doc: Doc) -> Doc:
    return {key: value for key, value in doc.items() if value is not None}


def _check_free_for_change(company: Company, kind: str, old: Doc) -> None:
    if old["_"].get("deposit"):
        raise errors.in_a_deposit()
    if old["_"].get("void"):
        raise errors.business("A voided transaction cannot be changed")
    company.check_open(old["TxnDate"])


def _build(company: Company, kind: str, given: Doc, old: Doc | None, *, allow_duplicate: bool) -> Draft:
    if kind in NUMBERED_SALES:
        return sales.build(company, kind, given, old, allow_duplicate=allow_duplicate)
    return _BUILDERS[kind](company, kind, given, old)


# What settles what. A target keeps ``applied`` {payment id: amount} and ``deposit`` (id) among its notes.


def _set_balance(company: Company, kind: str, doc: Doc, notes: Doc) -> None:
    applied = sum((Decimal(each) for each in notes.get("applied", {}).values()), Decimal(0))
    balance = Decimal(doc["TotalAmt"]) - applied
    if balance < 0:
        raise errors.business("The total cannot be less than what is applied to it; unlink the payment first")
    doc["Balance"] = balance
    if kind == "CreditMemo":
        doc["RemainingCredit"] = balance
    if company.multicurrency:
        doc["HomeBalance"] = (balance * Decimal(doc.get("ExchangeRate", 1))).quantize(Decimal("0.01"))


def _linked(notes: Doc) -> list[Doc]:
    linked = [{"TxnId": id_, "TxnType": "Payment"} for id_ in notes.get("applied", {})]
    if notes.get("deposit"):
        linked.append({"TxnId": notes["deposit"], "TxnType": "Deposit"})
    return linked


def _take(company: Company, kind: str, id_: str, links: list[Link]) -> None:
    for link in links:
        target = company.need(link.kind, link.id)
        notes = target["_"]
        if kind == "Deposit":
            notes["deposit"] = id_
        else:
            applied = notes.setdefault("applied", {})
            applied[id_] = Decimal(applied.get(id_, 0)) + link.amount
            _set_balance(company, link.kind, target, notes)
        target["LinkedTxn"] = _linked(notes)
        company.touch(link.kind, target)


def _release(company: Company, kind: str, old: Doc) -> None:
    """Give back what ``old`` had settled or taken in."""
    for target_kind, target_id, _ in old["_"].get("links", []):
        target = company.get(target_kind, target_id)
        if target is None:
            continue
        notes = target["_"]
        if kind == "Deposit":
            notes.pop("deposit", None)
        else:
            notes.get("applied", {}).pop(old["Id"], None)
            _set_balance(company, target_kind, target, notes)
        target["LinkedTxn"] = _linked(notes)
        company.touch(target_kind, target)


def _unapply_all(company: Company, kind: str, old: Doc) -> None:
    """An invoice goes: its payments stay, with that much more unapplied."""
    for payment_id in list(old["_"].get("applied", {})):
        paying = company.need("Payment", payment_id)
        given = dict(paying["_"]["in"])
        given["Line"] = [
            line
            for line in given.get("Line", [])
            if (line["LinkedTxn"][0]["TxnType"], line["LinkedTxn"][0]["TxnId"]) != (kind, old["Id"])
        ]
        _reapply(company, paying, given)


def _reapply(company: Company, paying: Doc, given: Doc) -> None:
    _release(company, "Payment", paying)
    draft = payment.build(company, "Payment", given, paying)
    notes = {**paying["_"], "in": given, "links": [[link.kind, link.id, link.amount] for link in draft.links]}
    doc = company.stamped("Payment", {**_kept(draft.doc), "LinkedTxn": _linked(notes), "_": notes}, paying)
    company.put("Payment", doc)
    company.books.post(f"Payment:{doc['Id']}", doc["TxnDate"], draft.postings)
    _take(company, "Payment", doc["Id"], draft.links)


def _emptied(company: Company, kind: str, old: Doc) -> Doc:
    """The voided form: amounts 0, lines kept without quantity and price, links gone."""
    note = old.get("PrivateNote")
    doc = {key: value for key, value in old.items() if key not in ("Id", "SyncToken", "MetaData", "domain", "sparse")}
    doc |= {"PrivateNote": f"Voided - {note}" if note else "Voided", "LinkedTxn": []}
    for field in ("TotalAmt", "HomeTotalAmt", "Balance", "HomeBalance", "RemainingCredit", "UnappliedAmt", "Amount"):
        if field in doc:
            doc[field] = Decimal(0)
    if kind == "Payment":
        doc["Line"] = []
    else:
        doc["Line"] = [_empty_line(line) for line in doc.get("Line", [])]
    if "TxnTaxDetail" in doc:
        doc["TxnTaxDetail"] = {"TotalTax": Decimal(0)}
    doc["_"] = {**old["_"], "void": True, "applied": {}, "links": []}
    doc = company.stamped(kind, doc, old)
    company.put(kind, doc)
    company.books.remove(f"{kind}:{doc['Id']}")
    return doc


def _empty_line(line: Doc) -> Doc:
    empty = {**line, "Amount": Decimal(0)} if "Amount" in line else dict(line)
    if inner := line.get(line.get("DetailType", "")):
        empty[line["DetailType"]] = {key: value for key, value in inner.items() if key not in ("Qty", "UnitPrice")}
    return empty


def _auto_apply(company: Company, kind: str, doc: Doc) -> None:
    """AutoApplyCredit and AutoApplyPayments: the company settles by itself what is open on both sides."""
    if kind == "Invoice" and company.preference("SalesFormsPrefs", "AutoApplyCredit"):
        for paying in company.store.find(
            "Payment", "$.CustomerRef.value", [doc["CustomerRef"]["value"]], company.realm
        ):
            _apply_rest(company, paying["Id"])
    if kind == "Payment" and company.preference("SalesFormsPrefs", "AutoApplyPayments"):
        _apply_rest(company, doc["Id"])


def _apply_rest(company: Company, payment_id: str) -> None:
    paying = company.need("Payment", payment_id)
    rest = Decimal(paying["UnappliedAmt"])
    lines = list(paying["_"]["in"].get("Line", []))
    customer = paying["CustomerRef"]["value"]
    for invoice in company.store.find("Invoice", "$.CustomerRef.value", [customer], company.realm):
        part = min(rest, Decimal(invoice["Balance"]))
        linked_already = any(line["LinkedTxn"][0]["TxnId"] == invoice["Id"] for line in lines)
        if part > 0 and not linked_already and invoice["CurrencyRef"] == paying["CurrencyRef"]:
            lines.append({"Amount": part, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]})
            rest -= part
    if len(lines) != len(paying["_"]["in"].get("Line", [])):
        _reapply(company, paying, {**paying["_"]["in"], "Line": lines})
