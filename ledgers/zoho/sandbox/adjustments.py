"""Base currency adjustment: what open foreign balances are worth at another rate (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import charts, errors, search
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, day, ids, needed, needed_number, plain, rounded
from ledgers.zoho.sandbox.organization import Money, Organization, visible
from sandbox.books import Posting, to_minor


def _accounts(organization: Organization, money: Money, on_date: str, chosen: list[str] | None) -> list[Doc]:
    """Accounts with something to adjust: their balance in the currency, in base, and at the rate."""
    found = []
    for account in organization.all("account"):
        id_ = account["account_id"]
        holds = account["currency_code"] == money.code or account["account_type"] in (
            "accounts_receivable", "accounts_payable",
        )  # fmt: skip
        if not holds or (chosen is not None and id_ not in chosen):
            continue
        foreign = organization.amount(organization.books.balance_in(id_, money.code, through=on_date), money.code)
        base = _base_balance(organization, account, money, on_date)
        adjusted = rounded(foreign * money.rate, organization.base)
        if adjusted != base:
            found.append({
                "account_id": id_,
                "account_name": account["account_name"],
                "bcy_balance": plain(base),
                "fcy_balance": plain(foreign),
                "adjusted_balance": plain(adjusted),
                "gain_or_loss": plain(adjusted - base),
                "gl_specific_type": 0,
            })  # fmt: skip
    return found


def _base_balance(organization: Organization, account: Doc, money: Money, on_date: str) -> Decimal:
    """In base, of what the account holds in this currency."""
    id_ = account["account_id"]
    if account["currency_code"] == money.code:
        return organization.amount(organization.books.balance(id_, through=on_date))
    lines = [
        posting.home_amount
        for entry in organization.books.entries(id_, end=on_date)
        for posting in entry.postings
        if posting.account == id_ and posting.currency == money.code
    ]
    return organization.amount(sum(lines))


def _money(organization: Organization, values: Doc) -> tuple[Money, str]:
    on_date = day(values.get("adjustment_date"), "adjustment_date")
    needed_number(values, "exchange_rate")
    money = organization.money({**values, "currency_id": needed(values, "currency_id")}, on_date)
    if money.code == organization.base:
        raise errors.invalid_field("currency_id")
    return money, on_date


def preview(organization: Organization, call: Call) -> Doc:
    money, on_date = _money(organization, dict(call.args))
    data = {
        "adjustment_date": on_date,
        "exchange_rate": plain(money.rate),
        "currency_id": money.currency["currency_id"],
        "currency_code": money.code,
        "accounts": _accounts(organization, money, on_date, None),
        "notes": call.arg("notes"),
    }
    return said("success", data=data)


def create(organization: Organization, call: Call) -> Doc:
    body = call.body()
    money, on_date = _money(organization, body)
    notes = needed(body, "notes")
    organization.check_open("accountant", on_date)
    chosen = ids(call.arg("account_ids"), "account_ids")
    for id_ in chosen:
        organization.need("account", id_, 400)
    accounts = _accounts(organization, money, on_date, chosen)
    if not accounts:
        raise organization.refuse("There is nothing to adjust.")
    id_ = organization.new_id()
    gain = sum((Decimal(each["gain_or_loss"]) for each in accounts), Decimal(0))
    doc: Doc = {
        "base_currency_adjustment_id": id_,
        "adjustment_date": on_date,
        "date": on_date,
        **money.fields(),
        "accounts": accounts,
        "notes": notes,
        "gain_or_loss": plain(gain),
    }
    lines = [
        Posting(each["account_id"], money.code, 0, to_minor(Decimal(each["gain_or_loss"]), organization.base))
        for each in accounts
    ]
    lines.append(Posting(organization.system(charts.EXCHANGE), money.code, 0, -to_minor(gain, organization.base)))
    organization.books.post(f"base_currency_adjustment:{id_}", on_date, lines)
    organization.put("base_currency_adjustment", organization.stamped(doc, None, body))
    return said("The adjustment has been made. The account balances will now reflect the adjustment.", data=_shown(doc))


def _shown(doc: Doc) -> Doc:
    names = ("base_currency_adjustment_id", "adjustment_date", "exchange_rate", "currency_id", "currency_code",
             "accounts", "notes")  # fmt: skip
    return {name: doc[name] for name in names}


def list_all(organization: Organization, call: Call) -> Doc:
    rows, context = search.page(
        organization, call, organization.all("base_currency_adjustment"), search.modified_since(),
        name="Base Currency Adjustments", sorts=("adjustment_date", "exchange_rate", "currency_code"),
    )  # fmt: skip
    names = ("base_currency_adjustment_id", "adjustment_date", "exchange_rate", "currency_id", "currency_code",
             "notes", "gain_or_loss")  # fmt: skip
    found = [{name: visible(doc)[name] for name in names} for doc in rows]
    return said("success", base_currency_adjustments=found, page_context=context)


def read(organization: Organization, call: Call, adjustment_id: str) -> Doc:
    return said("success", data=_shown(organization.need("base_currency_adjustment", adjustment_id)))


def delete(organization: Organization, call: Call, adjustment_id: str) -> Doc:
    doc = organization.need("base_currency_adjustment", adjustment_id)
    organization.check_open("accountant", doc["adjustment_date"])
    organization.books.remove(f"base_currency_adjustment:{adjustment_id}")
    organization.bury("base_currency_adjustment", adjustment_id)
    return said("The selected base currency adjustment has been deleted.")


_C, _R, _D = (f"accountants.{verb}" for verb in ("CREATE", "READ", "DELETE"))
_B = "basecurrencyadjustment"
ENDPOINTS: Final = (
    Endpoint("GET", _B, f"{_B}.list", _R, list_all),
    Endpoint("POST", _B, f"{_B}.create", _C, create, 201),
    Endpoint("GET", f"{_B}/accounts", f"{_B}.preview", _R, preview),
    Endpoint("GET", f"{_B}/<adjustment_id>", f"{_B}.read", _R, read),
    Endpoint("DELETE", f"{_B}/<adjustment_id>", f"{_B}.delete", _D, delete),
)
