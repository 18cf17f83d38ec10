"""Customer payments: money in, applied to invoices and credit memos (sheet §3.7)."""

from decimal import Decimal

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import Company, Doc, Money, ref_to
from ledgers.quickbooks.sandbox.draft import Draft, Link, header, line_amount
from ledgers.quickbooks.sandbox.sales import deposit_account
from ledgers.quickbooks.sandbox.schema import amount
from sandbox.books import Posting

_LINKABLE = {"Invoice", "CreditMemo"}
_SCHEMA_TYPES = _LINKABLE | {"JournalEntry", "Expense", "Check", "CreditCardCredit"}


def cannot_link(text: str) -> errors.Fault:
    return errors.Fault("620", "Transactions cannot be linked", f"Transactions cannot be linked : {text}",
                        element="LinkedTxn")  # fmt: skip


def build(company: Company, kind: str, body: Doc, old: Doc | None) -> Draft:
    """The payment, its entry and what it settles. Links of ``old`` are released before this is called."""
    if body.get("TotalAmt") is None:
        raise errors.required("TotalAmt")
    total = amount("TotalAmt", body["TotalAmt"])
    if total < 0:
        raise errors.business("The amount received cannot be negative", "TotalAmt")
    customer = company.needed("Customer", body.get("CustomerRef"), "CustomerRef")
    doc = header(company, body, ("PaymentRefNum", "PaymentMethodRef"))
    money = company.money(body, currency=customer["CurrencyRef"]["value"], on_date=doc["TxnDate"])
    account = deposit_account(company, body, money)

    lines, links, paid, credited = _lines(company, body, customer, money)
    if paid - credited > total:
        raise errors.business("You can't apply more than the amount received and the credits chosen", "Line")
    # Credit taken in and not used on an invoice stays with the payment.
    unapplied = total - paid + credited
    doc |= {
        "CustomerRef": ref_to(customer),
        "DepositToAccountRef": ref_to(account),
        "TotalAmt": total,
        "UnappliedAmt": unapplied,
        "ProcessPayment": False,
        "Line": lines,
        "CurrencyRef": {"value": money.currency},
    }
    if company.multicurrency:
        doc["ExchangeRate"] = money.rate
    return Draft(doc, entry(company, money, account["Id"], total, links), links)


def entry(company: Company, money: Money, account: str, total: Decimal, links: list[Link]) -> list[Posting]:
    """Money against the receivable; each invoice leaves it at its own rate, and the difference is an exchange gain
    or loss."""
    receivable = company.receivable(money.currency)["Id"]
    lines = [money.posting(account, total)]
    rest, home = -total, 0
    for link in links:
        target = company.get(link.kind, link.id)
        its_rate = Decimal((target or {}).get("ExchangeRate", 1))
        its = Money(money.currency, its_rate, money.home)
        part = -link.amount if link.kind == "Invoice" else link.amount
        lines.append(its.posting(receivable, part))
        rest -= part
    if rest:
        lines.append(money.posting(receivable, rest))
    home = sum(line.home_amount for line in lines)
    if home:
        lines.append(Posting(company.exchange_gain()["Id"], money.currency, 0, -home))
    return lines


def _lines(company: Company, body: Doc, customer: Doc, money: Money) -> tuple[list[Doc], list[Link], Decimal, Decimal]:
    shown: list[Doc] = []
    links: list[Link] = []
    paid = credited = Decimal(0)
    for line in body.get("Line") or []:
        value = line_amount(line)
        if value <= 0:
            raise errors.business("The amount of a payment line must be positive", "Amount")
        linked = line.get("LinkedTxn") or []
        if len(linked) != 1 or not linked[0].get("TxnId") or not linked[0].get("TxnType"):
            raise errors.required("LinkedTxn")
        target_kind, target_id = linked[0]["TxnType"], linked[0]["TxnId"]
        _check_target(company, target_kind, target_id, customer, money, value, links)
        if target_kind == "Invoice":
            paid += value
        else:
            credited += value
        links.append(Link(target_kind, target_id, value))
        shown.append({"Amount": value, "LinkedTxn": [{"TxnId": target_id, "TxnType": target_kind}]})
    return shown, links, paid, credited


def _check_target(
    company: Company, kind: str, id_: str, customer: Doc, money: Money, value: Decimal, links: list[Link]
) -> None:
    if kind not in _SCHEMA_TYPES:
        raise errors.bad_enum("TxnType", kind)
    if kind not in _LINKABLE:
        raise cannot_link(f"{kind} {id_}")
    target = company.get(kind, id_)
    if target is None:
        raise errors.not_found(f"{kind} {id_}")
    if target["CustomerRef"]["value"] != customer["Id"]:
        raise cannot_link("it belongs to another customer")
    if target["CurrencyRef"]["value"] != money.currency:
        raise cannot_link("it has another currency")
    already = sum((link.amount for link in links if (link.kind, link.id) == (kind, id_)), Decimal(0))
    if value + already > target["Balance"]:
        raise errors.business(
            f"You can't apply {value + already} to {kind} {id_}: its open balance is {target['Balance']}", "Line"
        )
