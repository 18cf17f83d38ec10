"""Journal entries, transfers and purchases (sheet §3.10, §3.11, §3.12)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import BALANCE_SHEET_TYPES, Company, Doc, Money, balanced, ref_to
from ledgers.quickbooks.sandbox.draft import Draft, currency_fields, detail, header, line_amount, line_ids, lines_of
from ledgers.quickbooks.sandbox.schema import amount, number
from sandbox.books import Posting

_OWN_CURRENCY = {"Bank", "Credit Card", "Accounts Receivable", "Accounts Payable"}


def build_journal(company: Company, kind: str, body: Doc, old: Doc | None) -> Draft:
    lines = lines_of(body)
    if not lines:
        raise errors.Fault("2250", "Journal entry has no lines", "A journal entry needs lines", element="Line")
    if company.switches["je_max_lines"] == "1000" and len(lines) > 1000:
        raise errors.business("A journal entry has at most 1000 lines", "Line")
    doc = header(company, body, ("Adjustment", "GlobalTaxCalculation"))
    doc.pop("DepartmentRef", None)  # a journal entry has its location on the line
    money = company.money(body, on_date=doc["TxnDate"])

    shown: list[Doc] = []
    postings: list[Posting] = []
    accounts: list[Doc] = []
    debit = credit = Decimal(0)
    for line, id_ in zip(lines, line_ids(lines, old, first=0), strict=True):
        value, side, account, inner = _journal_line(company, line)
        debit, credit = (debit + value, credit) if side > 0 else (debit, credit + value)
        accounts.append(account)
        answered: Doc = {"Id": id_, "Amount": value, "DetailType": "JournalEntryLineDetail",
                         "JournalEntryLineDetail": inner}  # fmt: skip
        if line.get("Description") is not None:
            answered["Description"] = line["Description"]
        shown.append(answered)
        postings.append(money.posting(account["Id"], value * side, str(line.get("Description") or "")))
    if debit != credit:
        raise errors.Fault(
            "2300", "Total debits do not equal total credits",
            f"The debits ({debit}) and credits ({credit}) of the journal entry differ", element="Line",
        )  # fmt: skip
    _check_accounts(company, accounts, money)
    doc |= {
        "Adjustment": bool(body.get("Adjustment", False)),
        "Line": shown,
        "TxnTaxDetail": {},
        "TotalAmt": debit,
        **currency_fields(company, money.currency, money.rate, debit),
    }
    return Draft(doc, balanced(postings))


def _journal_line(company: Company, line: Doc) -> tuple[Decimal, int, Doc, Doc]:
    """Amount, side (+1 debit, −1 credit), account and detail of one line."""
    if line.get("DetailType") != "JournalEntryLineDetail":
        raise (
            errors.required("DetailType")
            if not line.get("DetailType")
            else errors.bad_enum("DetailType", line["DetailType"])
        )
    given = detail(line, "JournalEntryLineDetail")
    if not given.get("PostingType"):
        raise errors.Fault("2260", "Posting type missing", "PostingType must be Debit or Credit", element="PostingType")
    if line.get("Amount") is None:
        raise errors.Fault("2270", "Amount missing", "A journal entry line needs an amount", element="Amount")
    value = amount("Amount", line["Amount"])
    if value < 0:
        raise errors.Fault("2290", "Negative amount", "The amount of a journal entry line is positive",
                           element="Amount")  # fmt: skip
    account = company.needed("Account", given.get("AccountRef"), "AccountRef")
    inner: Doc = {
        "PostingType": given["PostingType"],
        "AccountRef": ref_to(account),
        **company.tracked(given, line=True),
    }
    entity = _entity(company, given.get("Entity"))
    if entity:
        inner["Entity"] = entity
    for account_type, who in (("Accounts Receivable", "Customer"), ("Accounts Payable", "Vendor")):
        if account["AccountType"] == account_type and (entity or {}).get("Type") != who:
            raise errors.business(
                f"When you use {account_type}, you must choose a {who.lower()} in the Name field", "Entity"
            )
    return value, 1 if given["PostingType"] == "Debit" else -1, account, inner


def _entity(company: Company, given: Any) -> Doc | None:
    """The name on a line: ``{"Type": "Customer" | "Vendor", "EntityRef": {"value"}}``."""
    if not given:
        return None
    if given.get("Type") not in ("Customer", "Vendor"):
        raise errors.bad_enum("Type", given.get("Type"))
    return {"Type": given["Type"], "EntityRef": ref_to(company.needed(given["Type"], given.get("EntityRef"), "Entity"))}


def _check_accounts(company: Company, accounts: list[Doc], money: Money) -> None:
    parties = [each for each in accounts if each["AccountType"] in ("Accounts Receivable", "Accounts Payable")]
    if len(parties) > 1 and company.switches["je_multiple_ar_ap_lines"] == "reject":
        raise errors.business("A journal entry can have only one accounts receivable or accounts payable line", "Line")
    foreign = {each["CurrencyRef"]["value"] for each in accounts if each["AccountType"] in _OWN_CURRENCY}
    foreign -= {company.home}
    if len(foreign) > 1 or (foreign and money.currency not in {company.home, *foreign}):
        raise errors.business("The journal entry must have the same currency as its bank, A/R and A/P accounts", "Line")


def build_transfer(company: Company, kind: str, body: Doc, old: Doc | None) -> Draft:
    source = company.needed("Account", body.get("FromAccountRef"), "FromAccountRef")
    target = company.needed("Account", body.get("ToAccountRef"), "ToAccountRef")
    if body.get("Amount") is None:
        raise errors.required("Amount")
    value = amount("Amount", body["Amount"])
    if value <= 0:
        raise errors.business("The amount of a transfer must be greater than 0", "Amount")
    for account, element in ((source, "FromAccountRef"), (target, "ToAccountRef")):
        if account["AccountType"] not in BALANCE_SHEET_TYPES:
            raise errors.business(f"A transfer cannot use an account of type {account['AccountType']}", element)
    if source["Id"] == target["Id"]:
        raise errors.business("A transfer needs two different accounts", "ToAccountRef")
    if source["AccountType"] == "Credit Card" and company.switches["transfer_from_card"] == "reject":
        raise errors.business("A transfer cannot take money from a credit card account", "FromAccountRef")
    doc = header(company, body, ())
    foreign = {each["CurrencyRef"]["value"] for each in (source, target)} - {company.home}
    if len(foreign) > 1:
        raise errors.business("A transfer between two foreign currencies is not possible", "CurrencyRef")
    money = company.money(body, on_date=doc["TxnDate"])
    if money.currency != company.home and money.currency not in foreign:
        raise errors.business("The transfer has another currency than its accounts", "CurrencyRef")
    doc |= {
        "FromAccountRef": ref_to(source),
        "ToAccountRef": ref_to(target),
        "Amount": value,
        "CurrencyRef": {"value": money.currency},
    }
    if company.multicurrency:
        doc["ExchangeRate"] = money.rate
    return Draft(doc, [money.posting(target["Id"], value), money.posting(source["Id"], -value)])


_PAYS_FROM = {"Cash": "Bank", "Check": "Bank", "CreditCard": "Credit Card"}


def build_purchase(company: Company, kind: str, body: Doc, old: Doc | None) -> Draft:
    payment_type = body.get("PaymentType")
    if not payment_type:
        raise errors.required("PaymentType")
    paid_from = company.needed("Account", body.get("AccountRef"), "AccountRef")
    if payment_type not in _PAYS_FROM or paid_from["AccountType"] != _PAYS_FROM[payment_type]:
        raise errors.business(f"A purchase of type {payment_type} cannot be paid from this account", "AccountRef")
    credit = bool(body.get("Credit", False))
    if credit and payment_type != "CreditCard":
        raise errors.business("Only a credit card purchase can be a credit", "Credit")
    lines = lines_of(body)
    if not lines:
        raise errors.required("Line")
    doc = header(company, body, ("PaymentMethodRef", "PrintStatus"))
    money = company.money(body, currency=paid_from["CurrencyRef"]["value"], on_date=doc["TxnDate"])
    if entity := body.get("EntityRef"):
        who = "Customer" if entity.get("type") == "Customer" else "Vendor"
        doc["EntityRef"] = {**ref_to(company.needed(who, entity, "EntityRef")), "type": who}

    shown: list[Doc] = []
    postings: list[Posting] = []
    for line, id_ in zip(lines, line_ids(lines, old, first=1), strict=True):
        value, answered, account = _purchase_line(company, line)
        shown.append({"Id": id_, **answered})
        postings.append(money.posting(account, value, str(line.get("Description") or "")))
    total = sum((line["Amount"] for line in shown), Decimal(0))
    if total < 0:
        raise errors.business("Transaction amount must be 0 or greater")
    doc |= {
        "AccountRef": ref_to(paid_from),
        "PaymentType": payment_type,
        "Credit": credit,
        "Line": shown,
        "TotalAmt": total,
        "CurrencyRef": {"value": money.currency},
    }
    if company.multicurrency:
        doc["ExchangeRate"] = money.rate
    entry = balanced([money.posting(paid_from["Id"], -total), *postings])
    if credit:
        entry = [Posting(p.account, p.currency, -p.amount, -p.home_amount, p.memo) for p in entry]
    return Draft(doc, entry)


def _purchase_line(company: Company, line: Doc) -> tuple[Decimal, Doc, str]:
    name = line.get("DetailType")
    given = detail(line, str(name))
    inner: Doc = {"BillableStatus": given.get("BillableStatus") or "NotBillable", "TaxCodeRef": {"value": "NON"}}
    inner |= {k: v for k, v in company.tracked(given, line=True).items() if k == "ClassRef"}
    if name == "AccountBasedExpenseLineDetail":
        value = line_amount(line)
        account = company.needed("Account", given.get("AccountRef"), "AccountRef")
        inner["AccountRef"] = ref_to(account)
        posts_to = account["Id"]
    elif name == "ItemBasedExpenseLineDetail":
        item = company.needed("Item", given.get("ItemRef"), "ItemRef")
        if "ExpenseAccountRef" not in item:
            raise errors.business(f"The item {item['Name']} cannot be bought", "ItemRef")
        inner |= {"ItemRef": ref_to(item)} | {key: given[key] for key in ("Qty", "UnitPrice") if given.get(key)}
        value = _expense_value(line, given)
        posts_to = item["ExpenseAccountRef"]["value"]
    else:
        raise errors.required("DetailType") if name is None else errors.bad_enum("DetailType", name)
    answered: Doc = {"Amount": value, "DetailType": name, str(name): inner}
    if line.get("Description") is not None:
        answered["Description"] = line["Description"]
    return value, answered, posts_to


def _expense_value(line: Doc, given: Doc) -> Decimal:
    if line.get("Amount") is not None:
        return line_amount(line)
    product = number("Qty", given.get("Qty", 1)) * number("UnitPrice", given.get("UnitPrice", 0))
    return product.quantize(Decimal("0.01"), ROUND_HALF_UP)
