"""Deposits: transactions taken out of Undeposited Funds, and direct lines (sheet §3.9)."""

from decimal import Decimal
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import CLASSIFICATION, Company, Doc, Money, balanced, ref_to
from ledgers.quickbooks.sandbox.draft import Draft, Link, currency_fields, detail, header, line_amount, line_ids
from ledgers.quickbooks.sandbox.schema import amount
from sandbox.books import Posting

DOCUMENTED_TYPES = {
    "Income",
    "Other Income",
    "Expense",
    "Other Expense",
    "Cost of Goods Sold",
    "Other Current Asset",
    "Equity",
}
_ALSO = {
    "documented": set(),
    "documented+bank": {"Bank"},
    "documented+bank+liabilities": {"Bank", "Credit Card", "Other Current Liability", "Long Term Liability"},
}
_LINKABLE = {"Payment", "SalesReceipt", "RefundReceipt", "JournalEntry", "Transfer"}


def build(company: Company, kind: str, body: Doc, old: Doc | None) -> Draft:
    """The deposit, its entry and what it takes in. Links of ``old`` are released before this is called."""
    bank = company.needed("Account", body.get("DepositToAccountRef"), "DepositToAccountRef")
    if bank["AccountType"] not in ("Bank", "Other Current Asset"):
        raise errors.business("The account to deposit to must be of type Bank or Other Current Asset",
                              "DepositToAccountRef")  # fmt: skip
    lines = body.get("Line") or []
    if not lines:
        raise errors.required("Line")
    if company.switches["deposit_max_lines"] == "1000" and len(lines) > 1000:
        raise errors.business("A deposit has at most 1000 lines", "Line")
    doc = header(company, body, ("GlobalTaxCalculation",))
    money = company.money(body, currency=bank["CurrencyRef"]["value"], on_date=doc["TxnDate"])

    shown: list[Doc] = []
    postings: list[Posting] = []
    links: list[Link] = []
    total = Decimal(0)
    for line, id_ in zip(lines, line_ids(lines, old, first=1), strict=True):
        if line.get("LinkedTxn") and not line.get("DetailType"):
            value, answered, posting, link = _linked_line(company, money, line, links)
            links.append(link)
        else:
            value, answered, posting = _direct_line(company, money, bank, line)
            answered = {"Id": id_, "LineNum": len(shown) + 1, **answered}
        total += value
        shown.append(answered)
        postings.append(posting)
    total -= _cash_back(company, money, body, doc, postings)
    if total < 0:
        raise errors.business("The total of a deposit must be 0 or greater")
    if total == 0 and company.switches["deposit_zero_total"] == "reject":
        raise errors.business("The total of a deposit must be greater than 0")

    doc |= {
        "DepositToAccountRef": ref_to(bank),
        "TotalAmt": total,
        "Line": shown,
        **currency_fields(company, money.currency, money.rate, total),
    }
    return Draft(doc, balanced([money.posting(bank["Id"], total), *postings], absorb=-1), links)


def _direct_line(company: Company, money: Money, bank: Doc, line: Doc) -> tuple[Decimal, Doc, Posting]:
    if line.get("DetailType") not in (None, "DepositLineDetail"):
        raise errors.bad_enum("DetailType", line.get("DetailType"))
    given = detail(line, "DepositLineDetail")
    value = line_amount(line)
    account = company.needed("Account", given.get("AccountRef"), "AccountRef")
    allowed = DOCUMENTED_TYPES | _ALSO[company.switches["deposit_line_account_types"]]
    if account["AccountType"] not in allowed:
        raise errors.business(f"An account of type {account['AccountType']} cannot be used on a deposit line",
                              "AccountRef")  # fmt: skip
    if account["Id"] == bank["Id"]:
        raise errors.business("A deposit line cannot use the account deposited to", "AccountRef")
    if account["CurrencyRef"]["value"] not in (company.home, money.currency):
        raise errors.business("The account has another currency than the deposit", "AccountRef")
    inner: Doc = {"AccountRef": ref_to(account)}
    for field in ("CheckNum", "PaymentMethodRef", "TaxCodeRef", "TaxApplicableOn"):
        if given.get(field) is not None:
            inner[field] = given[field]
    inner |= {k: v for k, v in company.tracked(given, line=True).items() if k == "ClassRef"}
    if entity := _entity(company, given.get("Entity")):
        inner["Entity"] = entity
    shown: Doc = {"Amount": value, "DetailType": "DepositLineDetail", "DepositLineDetail": inner}
    if line.get("Description") is not None:
        shown["Description"] = line["Description"]
    return value, shown, money.posting(account["Id"], -value, str(line.get("Description") or ""))


def _entity(company: Company, given: Any) -> Doc | None:
    """The name on a line: ``{"value", "type": "CUSTOMER" | "VENDOR"}``, the type in capitals."""
    if not given:
        return None
    kind = {"CUSTOMER": "Customer", "VENDOR": "Vendor"}.get(given.get("type"))
    if kind is None:
        raise errors.bad_enum("Entity", given.get("type"))
    found = company.needed(kind, given, "Entity")
    return {**ref_to(found), "type": given["type"]}


def _linked_line(company: Company, money: Money, line: Doc, earlier: list[Link]) -> tuple[Decimal, Doc, Posting, Link]:
    """A whole transaction out of Undeposited Funds; the amount given has no say."""
    linked = line["LinkedTxn"]
    if len(linked) != 1:
        raise errors.business("A deposit line takes in one transaction", "LinkedTxn")
    kind, id_ = linked[0].get("TxnType"), linked[0].get("TxnId")
    if kind not in _LINKABLE:
        raise errors.bad_enum("TxnType", kind)
    if kind != "JournalEntry" and linked[0].get("TxnLineId") != "0":
        raise errors.business("TxnLineId must be 0", "TxnLineId")
    target = company.get(kind, str(id_))
    if target is None:
        raise errors.not_found(f"{kind} {id_}")
    if target["_"].get("deposit") or any((link.kind, link.id) == (kind, id_) for link in earlier):
        raise errors.business(f"{kind} {id_} is in a deposit already", "LinkedTxn")
    funds = company.undeposited()["Id"]
    entry = company.books.entry(f"{kind}:{id_}")
    held = sum(line.amount for line in entry.postings if line.account == funds) if entry else 0
    if not held:
        raise errors.business(
            f"{kind} {id_} did not put money in Undeposited Funds: only such transactions can be deposited", "LinkedTxn"
        )
    currency = target["CurrencyRef"]["value"]
    if currency != money.currency or (
        currency != company.home and company.switches["uf_foreign_currency_link"] == "reject"
    ):
        raise errors.business("A foreign currency transaction cannot be linked to this deposit", "LinkedTxn")
    value = company.amount_of(held, currency)
    shown = {"Amount": value, "LinkedTxn": [{"TxnId": id_, "TxnType": kind, "TxnLineId": "0"}]}
    return value, shown, money.posting(funds, -value), Link(kind, str(id_), Decimal(0))


def _cash_back(company: Company, money: Money, body: Doc, doc: Doc, postings: list[Posting]) -> Decimal:
    given = body.get("CashBack")
    if not given:
        return Decimal(0)
    account = company.needed("Account", given.get("AccountRef"), "CashBack.AccountRef")
    if CLASSIFICATION[account["AccountType"]] == "Revenue":
        raise errors.business("Cash back cannot go to an income account", "CashBack")
    value = amount("CashBack.Amount", given.get("Amount", 0))
    doc["CashBack"] = {"AccountRef": ref_to(account), "Amount": value, "Memo": given.get("Memo") or ""}
    postings.append(money.posting(account["Id"], value))
    return value
