"""Reports: balances per account, and the few of the older family (sheet §5). Each in one currency."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from werkzeug.datastructures import MultiDict

from ledgers.freshbooks.sandbox.business import DELETED, Business
from ledgers.freshbooks.sandbox.charts import DEBIT_SIDE
from ledgers.freshbooks.sandbox.fields import Doc, day, money
from sandbox.books import from_minor

Args = MultiDict[str, str]


def _period(args: Args) -> tuple[str, str]:
    start = day(args.get("start_date", "0001-01-01"), "start_date", "report")
    return start, day(args.get("end_date", "9999-12-31"), "end_date", "report")


def chart_of_accounts(business: Business, args: Args) -> Doc:
    """Every account with what was booked in the period, by its natural side, three decimals; an account with
    sub-accounts has their sum and its own."""
    code, state = args.get("currency_code", business.home), args.get("state", "")
    movements = business.books(code).trial_balance(*_period(args))
    tops = business.find("account", "$._.parent", "")
    rows = [_account_row(business, each, movements, code) for each in tops if state in ("", each["state"])]
    if args.get("sort") == "account_number_asc":
        rows.sort(key=lambda row: [int(part) for part in str(row["account_number"]).split("-")])
    return {"journal_entry_accounts": rows}


def _account_row(business: Business, account: Doc, movements: Mapping[str, int], code: str) -> Doc:
    below = [
        _account_row(business, each, movements, code)
        for each in business.find("account", "$._.parent", account["uuid"])
    ]
    own = _natural(account, movements, code)
    total = own + sum((Decimal(row["balance"]) for row in below), Decimal(0))
    return {
        "account_name": account["name"],
        "account_number": account["number"],
        "account_type": account["type"],
        "balance": f"{total:.3f}",
        "currency_code": code,
        "sub_accounts": below,
        "account_uuid": account["uuid"],
        "parent_account_uuid": account["parent_account"],
        "account_sub_type": account["sub_type"],
        "system_account_name": account["system_account_name"],
        "auto_created": account["auto_created"],
        "state": account["state"],
    }


def _natural(account: Doc, movements: Mapping[str, int], code: str) -> Decimal:
    amount = from_minor(movements.get(account["_"]["jesa"], 0), code)
    return amount if account["type"] in DEBIT_SIDE else -amount


def profit_and_loss(business: Business, args: Args) -> Doc:
    code = args.get("currency_code", business.home)
    movements = business.books(code).trial_balance(*_period(args))
    rows: dict[str, list[Doc]] = {"income": [], "expense": []}
    for account in business.all("account"):
        amount = _natural(account, movements, code)
        if account["type"] in rows and amount:
            rows[account["type"]].append({"description": account["name"], "total": money(amount, code)})
    start, end = _period(args)
    return {
        "company_name": business.info["name"],
        "currency_code": code,
        "cash_based": False,
        "resolution": "",
        "start_date": start,
        "end_date": end,
        "download_token": "",
        "labels": [],
        "income": rows["income"],
        "expenses": rows["expense"],
    }


def payments_collected(business: Business, args: Args) -> Doc:
    start, end = _period(args)
    found = [
        each
        for each in business.all("payment")
        if each["vis_state"] != DELETED and start <= each["date"] <= end and not each["from_credit"]
    ]
    sums: dict[str, Decimal] = {}
    for each in found:
        code = each["amount"]["code"]
        sums[code] = sums.get(code, Decimal(0)) + Decimal(each["amount"]["amount"])
    return {
        "currency_codes": list(sums),
        "clientids": sorted({each["clientid"] for each in found}),
        "start_date": start,
        "end_date": end,
        "download_token": "",
        "payment_methods": sorted({each["type"] for each in found}),
        "summary_only": False,
        "totals": [money(total, code) for code, total in sums.items()],
        "payments": [_collected(business, each) for each in found],
    }


def _collected(business: Business, payment: Doc) -> dict[str, Any]:
    client = business.need("client", payment["clientid"])
    return {
        "amount": payment["amount"],
        "client": client["organization"],
        "clientid": payment["clientid"],
        "date": payment["date"],
        "description": payment["note"],
        "invoiceid": payment["invoiceid"],
        "method": payment["type"],
    }


def tax_summary(business: Business, args: Args) -> Doc:
    start, end = _period(args)
    code = args.get("currency_code", business.home)
    billed = [
        each
        for each in business.all("invoice")
        if each["vis_state"] != DELETED and each["_"]["status"] != 1 and each["currency_code"] == code
        and start <= each["create_date"] <= end
    ]  # fmt: skip
    taxes: dict[str, Decimal] = {}
    for invoice in billed:
        left = (100 - Decimal(invoice["discount_value"])) / 100
        for line in invoice["lines"]:
            for side in ("1", "2"):
                if line[f"taxName{side}"]:
                    rate = Decimal(line[f"taxAmount{side}"] or 0)
                    part = Decimal(line["amount"]["amount"]) * left * rate / 100
                    taxes[line[f"taxName{side}"]] = taxes.get(line[f"taxName{side}"], Decimal(0)) + part
    total = sum((Decimal(each["amount"]["amount"]) for each in billed), Decimal(0))
    return {
        "currency_code": code,
        "cash_based": False,
        "start_date": start,
        "end_date": end,
        "download_token": "",
        "total_invoiced": money(total, code),
        "taxes": [{"tax_name": name, "tax_collected": money(part, code)} for name, part in taxes.items()],
    }


REPORTS = {
    "profitloss_entity": profit_and_loss,
    "payments_collected": payments_collected,
    "taxsummary": tax_summary,
}
