"""Invoice, sales receipt, credit memo, refund receipt: item lines, discounts, US tax, numbers (sheet §3.6, §3.8)."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import Company, Doc, Money, balanced, ref_to
from ledgers.quickbooks.sandbox.draft import Draft, currency_fields, detail, header, line_amount, line_ids, lines_of
from ledgers.quickbooks.sandbox.schema import number
from sandbox.books import Posting

CENT = Decimal("0.01")
_TAXABLE_LINES = 750
_HEADER = (
    "BillEmail",
    "BillAddr",
    "ShipAddr",
    "ShipFromAddr",
    "CustomerMemo",
    "SalesTermRef",
    "TrackingNum",
    "ShipMethodRef",
    "ShipDate",
    "PaymentMethodRef",
    "PaymentRefNum",
    "CustomField",
    "GlobalTaxCalculation",
)
_ONLINE = (
    "AllowIPNPayment",
    "AllowOnlinePayment",
    "AllowOnlineCreditCardPayment",
    "AllowOnlineACHPayment",
)


def build(company: Company, kind: str, body: Doc, old: Doc | None, *, allow_duplicate: bool = False) -> Draft:
    """The sales document and its entry.

    Raises:
        Fault: 2020, 2500, 610, 6000, 6070, 6090, 6100, 6140, 6200 …
    """
    customer = company.refer("Customer", body.get("CustomerRef"), "CustomerRef")
    if customer is None and kind != "SalesReceipt":
        raise errors.required("CustomerRef")
    doc = header(company, body, _HEADER) | company.tracked(body, line=False)
    money = company.money(body, currency=customer["CurrencyRef"]["value"] if customer else "", on_date=doc["TxnDate"])
    if customer:
        doc["CustomerRef"] = ref_to(customer)
        for field, source in (("BillAddr", "BillAddr"), ("ShipAddr", "ShipAddr"), ("BillEmail", "PrimaryEmailAddr")):
            if field not in doc and customer.get(source):
                doc[field] = customer[source]
    lines = lines_of(body)
    if not lines:
        raise errors.required("Line")

    shown, postings, subtotal, taxable = _lines(company, money, customer, doc["TxnDate"], lines, old)
    tax = _tax(company, body, taxable)
    total = subtotal + tax
    if total < 0:
        raise errors.business("Transaction amount must be 0 or greater")
    if tax:
        postings.append(money.posting(company.tax_payable()["Id"], -tax))
    shown.append({"Amount": _gross(shown), "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {}})

    number_given = company.document_number(kind, body, old, allow_duplicate=allow_duplicate)
    doc["DocNumber"] = number_given or None
    doc |= {
        "Line": shown,
        "TxnTaxDetail": {"TotalTax": tax},
        "TotalAmt": total,
        "ApplyTaxAfterDiscount": bool(body.get("ApplyTaxAfterDiscount", False)),
        "PrintStatus": body.get("PrintStatus") or "NeedToPrint",
        "EmailStatus": body.get("EmailStatus") or "NotSet",
        **currency_fields(company, money.currency, money.rate, total),
    }
    return Draft(doc, _other_side(company, kind, body, doc, money, total, postings))


def _other_side(
    company: Company, kind: str, body: Doc, doc: Doc, money: Money, total: Decimal, postings: list[Posting]
) -> list[Posting]:
    """The entry with its one line on the other side: receivable, or the account the money goes to or leaves."""
    if kind == "Invoice":
        doc["DueDate"] = body.get("DueDate") or doc["TxnDate"]
        for field in _ONLINE:
            doc[field] = bool(body.get(field, False))
    if kind in ("Invoice", "CreditMemo"):
        account = company.receivable(money.currency)
    else:
        account = deposit_account(company, body, money, needed=kind == "RefundReceipt")
        doc["DepositToAccountRef"] = ref_to(account)
        doc["Balance"] = Decimal(0)
    entry = balanced([money.posting(account["Id"], total), *postings], absorb=1)
    if kind in ("CreditMemo", "RefundReceipt"):
        entry = [Posting(p.account, p.currency, -p.amount, -p.home_amount, p.memo) for p in entry]
    return entry


def deposit_account(company: Company, body: Doc, money: Money, *, needed: bool = False) -> Doc:
    """Where money goes: the account given, else Undeposited Funds; of type Bank or Other Current Asset."""
    account = company.refer("Account", body.get("DepositToAccountRef"), "DepositToAccountRef")
    if account is None:
        if needed:
            raise errors.required("DepositToAccountRef")
        return company.undeposited()
    if account["AccountType"] not in ("Bank", "Other Current Asset"):
        raise errors.business("The account to deposit to must be of type Bank or Other Current Asset",
                              "DepositToAccountRef")  # fmt: skip
    if account["CurrencyRef"]["value"] not in (company.home, money.currency):
        raise errors.business("The account has another currency than the transaction", "DepositToAccountRef")
    return account


def _gross(shown: list[Doc]) -> Decimal:
    return sum((line["Amount"] for line in shown if line["DetailType"] == "SalesItemLineDetail"), Decimal(0))


def _lines(
    company: Company, money: Money, customer: Doc | None, on_date: str, lines: list[Doc], old: Doc | None
) -> tuple[list[Doc], list[Posting], Decimal, Decimal]:
    """The lines as answered, their postings (credit side), the sum before tax, and what of it is taxable."""
    shown: list[Doc] = []
    postings: list[Posting] = []
    subtotal = taxable = Decimal(0)
    discount: Doc | None = None
    for at, (line, id_) in enumerate(zip(lines, line_ids(lines, old, first=1), strict=True), start=1):
        common: Doc = {"Id": id_, "LineNum": at}
        if line.get("Description") is not None:
            common["Description"] = line["Description"]
        match line.get("DetailType"):
            case "SalesItemLineDetail":
                value, inner, posted, is_taxable = _item_line(company, money, customer, on_date, line)
                shown.append({**common, "Amount": value, "DetailType": line["DetailType"], line["DetailType"]: inner})
                postings += posted
                subtotal += value
                taxable += value if is_taxable else 0
            case "DescriptionOnly":
                shown.append({**common, "DetailType": "DescriptionOnly", "DescriptionLineDetail": {}})
            case "DiscountLineDetail":
                if discount is not None:
                    raise errors.business("Only one discount line is allowed", "Line")
                discount = {**line, **common}
            case None:
                raise errors.required("DetailType")
            case other:
                raise errors.business(f"A line of type {other} is not supported on this transaction", "Line")
    if sum(1 for line in shown if line["DetailType"] == "SalesItemLineDetail") > _TAXABLE_LINES and taxable:
        raise errors.business(f"A taxable transaction has at most {_TAXABLE_LINES} lines", "Line")
    if discount is not None:
        value, line, posting = _discount_line(company, money, discount, subtotal)
        shown.append(line)
        postings.append(posting)
        subtotal -= value
    return shown, postings, subtotal, taxable


def _item_line(
    company: Company, money: Money, customer: Doc | None, on_date: str, line: Doc
) -> tuple[Decimal, Doc, list[Posting], bool]:
    given = detail(line, "SalesItemLineDetail")
    item = company.refer("Item", given.get("ItemRef"), "ItemRef")
    if item is None:
        # A line without an item is mere documentation, and its amount is ignored.
        return Decimal(0), {"TaxCodeRef": {"value": "NON"}}, [], False
    if "IncomeAccountRef" not in item:
        raise errors.business(f"The item {item['Name']} cannot be sold", "ItemRef")
    value = _line_value(line, given)
    account = item["IncomeAccountRef"]
    inner: Doc = {"ItemRef": ref_to(item), "ItemAccountRef": account}
    for field in ("UnitPrice", "Qty", "ServiceDate"):
        if given.get(field) is not None:
            inner[field] = given[field]
    if "Qty" in inner and "UnitPrice" not in inner and number("Qty", inner["Qty"]):
        inner["UnitPrice"] = (value / number("Qty", inner["Qty"])).quantize(Decimal("0.0000001")).normalize()
    inner |= {k: v for k, v in company.tracked(given, line=True).items() if k == "ClassRef"}
    code = _tax_code(company, customer, item, given)
    inner["TaxCodeRef"] = {"value": code}
    postings = [money.posting(account["value"], -value, str(line.get("Description") or ""))]
    postings += _stock(company, item, given, on_date)
    return value, inner, postings, code == "TAX"


def _line_value(line: Doc, given: Doc) -> Decimal:
    qty, price = given.get("Qty"), given.get("UnitPrice")
    if qty is None or price is None:
        return line_amount(line)
    product = (number("Qty", qty) * number("UnitPrice", price)).quantize(CENT, ROUND_HALF_UP)
    if line.get("Amount") is not None and line_amount(line) != product:
        raise errors.Fault(
            "6070",
            "Amount calculation incorrect in the request",
            f"Amount calculation incorrect in the request : Amount is not equal to UnitPrice * Qty."
            f" Supplied value:{line['Amount']}",
            element="Amount",
        )
    return product


def _tax_code(company: Company, customer: Doc | None, item: Doc, given: Doc) -> str:
    code = (given.get("TaxCodeRef") or {}).get("value")
    if code is None:
        collects = company.preference("TaxPrefs", "UsingSalesTax")
        return "TAX" if collects and item.get("Taxable") and (customer or {}).get("Taxable") else "NON"
    if code not in ("TAX", "NON"):
        raise errors.Fault("6100", "Invalid tax code", f"Tax code {code} is not TAX or NON", element="TaxCodeRef")
    return str(code)


def _tax(company: Company, body: Doc, taxable: Decimal) -> Decimal:
    """A total given is honoured; else an automated sales tax company computes one on the taxable lines."""
    given = detail(body, "TxnTaxDetail").get("TotalTax")
    if given is not None:
        return number("TotalTax", given).quantize(CENT)
    if not company.preference("TaxPrefs", "UsingSalesTax"):
        return Decimal(0)
    percent = Decimal(company.info["sales_tax_percent"])
    return (taxable * percent / 100).quantize(CENT, ROUND_HALF_UP)


def _discount_line(company: Company, money: Money, line: Doc, subtotal: Decimal) -> tuple[Decimal, Doc, Posting]:
    if not company.preference("SalesFormsPrefs", "AllowDiscount"):
        raise errors.business("Discounts are not enabled for this company", "Line")
    given = detail(line, "DiscountLineDetail")
    account: Any = company.refer("Account", given.get("DiscountAccountRef"), "DiscountAccountRef")
    account = account or company.account_of("Income", "DiscountsRefundsGiven")
    if account is None:
        raise errors.Fault("6090", "Discount account missing", "The discount line has no account", element="Line")
    inner: Doc = {"PercentBased": bool(given.get("PercentBased")), "DiscountAccountRef": ref_to(account)}
    if given.get("PercentBased"):
        inner["DiscountPercent"] = given.get("DiscountPercent", 0)
        value = (subtotal * number("DiscountPercent", inner["DiscountPercent"]) / 100).quantize(CENT, ROUND_HALF_UP)
    else:
        value = line_amount(line)
    shown = {"Id": line["Id"], "LineNum": line["LineNum"], "Amount": value, "DetailType": "DiscountLineDetail"}
    return value, {**shown, "DiscountLineDetail": inner}, money.posting(account["Id"], value)


def _stock(company: Company, item: Doc, given: Doc, on_date: str) -> list[Posting]:
    """Cost of what an inventory item line sells, in home currency."""
    if item["Type"] != "Inventory":
        return []
    if on_date < item["InvStartDate"]:
        raise errors.Fault(
            "6270", "Transaction date is prior to start date for inventory item",
            f"The date is before the inventory start date {item['InvStartDate']}", element="ItemRef",
        )  # fmt: skip
    cost = (number("Qty", given.get("Qty", 0)) * Decimal(item.get("PurchaseCost") or 0)).quantize(CENT, ROUND_HALF_UP)
    home = Money(company.home, Decimal(1), company.home)
    return [
        home.posting(item["ExpenseAccountRef"]["value"], cost),
        home.posting(item["AssetAccountRef"]["value"], -cost),
    ]
