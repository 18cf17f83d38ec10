"""Journal entries by the known call, the accounts they name, and the details every document leaves (sheet §5)."""

import uuid
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import DEBIT_SIDE
from ledgers.freshbooks.sandbox.fields import Doc, code_of, day, exact, integer, money, need, short
from sandbox.books import from_minor

_OBJECT = "journal_entry"
_SPACE = uuid.UUID("d7a1b0cc-0f34-4b7e-8a5b-7a6c2a1e5f90")


def create(business: Business, body: Mapping[str, Any]) -> Doc:
    """A manual entry. There is no way to change, delete or read it by id.

    Raises:
        Refusal: 1003 for a plan without them, 1001, 1004 unbalanced, 1012 and 1042 for an account.
    """
    business.need_journals()
    if business.switches["legacy_journal_on_flexible"] == "closed" and business.permissions().get(
        "flexcoa_advanced_accounting.access"
    ):
        raise errors.denied("This endpoint is not available for this account.", object_=_OBJECT)
    need(body, ("name", "currency_code", "user_entered_date", "details"), _OBJECT)
    on_date = day(body["user_entered_date"], "user_entered_date", _OBJECT)
    business.check_open(_OBJECT, on_date)
    code = code_of(body["currency_code"], "currency_code", _OBJECT)
    lines = _lines(business, body["details"], code)
    if (rest := sum((line.amount for line in lines), Decimal(0))) != 0:
        status = int(business.switches["journal_unbalanced_status"])
        text = "The total of debits must equal the total of credits."
        raise errors.Refusal(errors.Problem(errors.INVALID, text, "details", _OBJECT, str(rest)), status=status)
    name = short(body["name"], "name", _OBJECT, 0)
    about = short(body.get("description"), "description", _OBJECT, business.switches["notes_length"])
    id_ = business.next_id("journal")
    details = business.book(Entry(f"journal:{id_}", on_date, code, "manual_journal_entry", name, about), lines)
    return {
        "id": details[0]["entryid"],
        "entryid": details[0]["entryid"],
        "name": name,
        "description": about,
        "currency_code": code,
        "user_entered_date": on_date,
        "details": [_own_detail(each) for each in details],
    }


def _lines(business: Business, given: Any, code: str) -> list[Line]:
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) < 2:
        raise errors.invalid("A journal entry needs at least two details.", "details", _OBJECT)
    return [_line(business, each, code) for each in given]


def _line(business: Business, given: Any, code: str) -> Line:
    if not isinstance(given, Mapping):
        raise errors.invalid("A detail must be an object.", "details", _OBJECT, given)
    need(given, ("sub_accountid",), _OBJECT)
    id_ = integer(given["sub_accountid"], "sub_accountid", _OBJECT)
    found = business.find("account", "$._.jesa", id_)
    if not found:
        raise errors.unknown_reference("sub_accountid", _OBJECT, id_)
    if found[0]["state"] != "active":
        raise errors.refusal(errors.INACTIVE_ACCOUNT, "The account is inactive.", "sub_accountid", _OBJECT, id_)
    sides = [name for name in ("debit", "credit") if given.get(name) not in (None, "")]
    if len(sides) != 1:
        raise errors.invalid("A detail has a debit or a credit.", "details", _OBJECT)
    amount = exact(given[sides[0]], sides[0], _OBJECT, code)
    if amount <= 0:
        raise errors.invalid("Debits and credits must be positive.", sides[0], _OBJECT, amount)
    return Line(found[0], amount if sides[0] == "debit" else -amount)


def _own_detail(detail: Doc) -> Doc:
    amount = Decimal(detail["amount"])
    text = money(abs(amount), detail["currency"])["amount"]
    return {
        "id": detail["id"],
        "detailid": detail["id"],
        "sub_accountid": int(detail["sub"]),
        "debit": text if amount > 0 else None,
        "credit": text if amount < 0 else None,
        "currency_code": detail["currency"],
        "name": detail["name"],
        "description": detail["description"],
        "user_entered_date": detail["on_date"],
    }


# What every document leaves in the journal


def shown_detail(business: Business, detail: Doc, includes: set[str]) -> Doc:
    """One line of one entry, whatever made it. ``balance`` is what the line does to its account, by the natural side
    of the account's type."""
    account = business.find("account", "$._.jesa", detail["sub"])[0]
    amount, code = Decimal(detail["amount"]), detail["currency"]
    natural = amount if account["type"] in DEBIT_SIDE else -amount
    links = dict.fromkeys(
        ("invoiceid", "paymentid", "expenseid", "incomeid", "creditid", "clientid", "categoryid"), None
    )
    return {
        "id": detail["id"],
        "detailid": detail["id"],
        "detail_type": detail["kind"],
        "name": detail["name"],
        "description": detail["description"],
        "user_entered_date": detail["on_date"],
        "currency_code": code,
        "debit": money(amount, code) if amount > 0 else None,
        "credit": money(-amount, code) if amount < 0 else None,
        "balance": money(natural, code),
        "account": _account_head(business, account),
        "sub_account": _sub_account(business, account),
        "entry": {"entryid": detail["entryid"], **links, **detail["links"]},
    }


# Accounts as journal entries know them


def listed_accounts(business: Business) -> list[Doc]:
    """Accounts with their sub-accounts, all of them: no filter works here."""
    stale = business.switches["account_balances"] == "stale"
    balances = {} if stale else business.books().trial_balance()
    found = []
    for top in business.find("account", "$._.parent", ""):
        nested = business.find("account", "$._.parent", top["uuid"])
        subs = [each for each in (top, *nested) if each["jesa_id"] is not None]
        rows = [{**_sub_account(business, each), "balance": _natural(business, each, balances)} for each in subs]
        total = sum((Decimal(row["balance"]) for row in rows), Decimal(0))
        found.append(
            {
                **_account_head(business, top),
                "balance": money(total, business.home)["amount"],
                "created_at": top["_"]["created_at"],
                "sub_accounts": rows,
            }
        )
    return found


def _natural(business: Business, account: Doc, balances: Mapping[str, int]) -> str:
    minor = balances.get(account["_"]["jesa"], 0) * (1 if account["type"] in DEBIT_SIDE else -1)
    return str(money(from_minor(minor, business.home), business.home)["amount"])


def _account_head(business: Business, account: Doc) -> Doc:
    top = business.need("account", account["parent_account"]) if account["parent_account"] else account
    return {
        "id": top["jea_id"],
        "accountid": top["jea_id"],
        "account_name": top["name"],
        "account_number": top["number"],
        "account_type": top["type"],
        "accounting_systemid": business.info["account_id"],
        "currency_code": business.home,
    }


def _sub_account(business: Business, account: Doc) -> Doc:
    custom = not account["_"]["system"]
    name = account["_"]["sub_name"]
    if custom and business.switches["custom_sub_account_names"] == "uuids":
        name = str(uuid.uuid5(_SPACE, f"{business.scope}:{account['jesa_id']}"))
    return {
        "id": account["jesa_id"],
        "sub_accountid": account["jesa_id"],
        "parentid": account["jea_id"],
        "account_sub_name": name,
        "account_sub_number": account["_"]["sub_number"],
        "account_type": account["type"],
        "custom": custom,
        "currency_code": business.home,
    }
