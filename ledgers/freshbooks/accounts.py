"""Accounts of FreshBooks: what we create, what an existing one may be used for, and how each is named. Pure.

The id of an account is the number of its sub-account in the journal: ``jesa_id`` of a ledger account, ``sub_accountid`` of
a journal entry. A plan without journal entries shows no accounts; there expenses have categories, and the two accounts
that FreshBooks books everything else to have an id of their own here.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, Final

from bookkeeping.accounts import ACCOUNTS, AccountClass, LineKey, account_key
from ledgers.freshbooks.wire import DELETED, Row
from ledgers.port import RemoteAccount

_C = AccountClass
AccountType = tuple[str, str]  # type and sub type, as FreshBooks names them

# The sub type of a new account has to be one of the company's; these are what a new company begins with.
TYPES: Final[Mapping[AccountClass, AccountType]] = {
    _C.BANK: ("asset", "Cash & Bank"),
    _C.CARD: ("liability", "Current Liability"),
    _C.CURRENT_ASSET: ("asset", "Current Asset"),
    _C.CURRENT_LIABILITY: ("liability", "Current Liability"),
    _C.LOAN: ("liability", "Current Liability"),
    _C.INCOME: ("income", "Income"),
    _C.CONTRA_INCOME: ("income", "Income"),
    _C.OTHER_INCOME: ("income", "Income"),
    _C.EXPENSE: ("expense", "Operating Expense"),
    _C.COST_OF_SALES: ("expense", "Cost of Goods Sold"),
    _C.RECEIVABLE: ("asset", "Current Asset"),
    _C.EQUITY: ("equity", "Equity"),
}
# Number of the account of a class that every company has.
_BASES: Final[Mapping[AccountClass, str]] = {
    _C.BANK: "1000",
    _C.CURRENT_ASSET: "1200",
    _C.CURRENT_LIABILITY: "2000",
    _C.EQUITY: "3000",
    _C.INCOME: "4000",
    _C.COST_OF_SALES: "5000",
    _C.EXPENSE: "6000",
}
# Of which class an account is made where the company shows how it calls that one only.
_LIKE: Final[Mapping[AccountClass, AccountClass]] = {
    _C.CONTRA_INCOME: _C.INCOME,
    _C.OTHER_INCOME: _C.INCOME,
    _C.LOAN: _C.CURRENT_LIABILITY,
    _C.CARD: _C.CURRENT_LIABILITY,
}
_FIRST: Final = 1000  # what the base account outweighs
PETTY: Final = "Petty Cash"  # every payment and expense is booked to it, whatever we send
REVENUE: Final = "Revenue"  # the income of every invoice likewise
RECEIVABLE: Final = "Accounts Receivable"
_CREDIT_CARDS: Final = "2003"
# FreshBooks moves these itself, by documents we never make.
_NEVER: Final = frozenset(
    {
        "accounts payable",
        "taxes payable",
        "customer credit",
        "unearned revenue",
        "customer deposits",
        "deferred discounts",
    }
)
_SUB_TYPE: Final = re.compile(r"\((.+)\)")
CATEGORY: Final = "category-"
PETTY_ID: Final = "petty-cash"
REVENUE_ID: Final = "revenue"


def sub_type_for(key: LineKey, known: Mapping[AccountClass, str]) -> str:
    """Return the sub type of the account we create for a key. ``known`` are the company's own (``sub_types``)."""
    account_class = ACCOUNTS[account_key(key)].account_class
    like = _LIKE.get(account_class, account_class)
    return known.get(account_class) or known.get(like) or TYPES[account_class][1]


def sub_types(accounts: Iterable[tuple[AccountClass | None, str, str]]) -> dict[AccountClass, str]:
    """Return how a company calls the sub type of each class, from (class, number, type) of its accounts: as its base account
    of that class has it, else as most have it."""
    seen: dict[AccountClass, Counter[str]] = {}
    for account_class, number, account_type in accounts:
        named = _SUB_TYPE.search(account_type)
        if account_class and named:
            of_base = number.partition("-")[0] == _BASES.get(account_class)
            seen.setdefault(account_class, Counter())[named[1]] += _FIRST if of_base else 1
    return {account_class: counted.most_common(1)[0][0] for account_class, counted in seen.items()}


def class_of(account_type: str, sub_type: str, number: str, name: str) -> AccountClass | None:
    """Return what an existing account may be used for, None for one we never post to."""
    words, base = sub_type.lower(), number.partition("-")[0]
    if name.lower() in _NEVER:
        return None
    if name == RECEIVABLE:
        return _C.RECEIVABLE
    match account_type:
        case "asset":
            if "cash" in words or "bank" in words or (not words and base.startswith("10")):
                return _C.BANK
            return _C.CURRENT_ASSET if "current" in words or (not words and base.startswith("12")) else None
        case "liability":
            if base == _CREDIT_CARDS or "credit card" in words:
                return _C.CARD
            return _C.CURRENT_LIABILITY if "current" in words or not words else _C.LOAN
        case "income":
            return _C.OTHER_INCOME if "other" in words else _C.INCOME
        case "expense":
            return _C.COST_OF_SALES if "cost of" in words or base.startswith("5") else _C.EXPENSE
        case "equity":
            return _C.EQUITY
    return None


def from_ledger(rows: Iterable[Row]) -> list[RemoteAccount]:
    """Return ledger accounts that a journal line can name. One that only groups others has no number of its own there."""
    by_uuid = {str(row.get("uuid")): row for row in rows}
    found: list[RemoteAccount] = []
    for row in by_uuid.values():
        if not _is_number(row.get("jesa_id")):
            continue
        number, name, sub_type = (str(row.get(field) or "") for field in ("number", "name", "sub_type"))
        system = _system(str(row.get("system_account_name") or name), str(row.get("type") or ""), number)
        found.append(
            RemoteAccount(
                id=str(row["jesa_id"]),
                name=_path(row, by_uuid, "parent_account", "name"),
                type=_type(str(row.get("type") or ""), sub_type, system),
                account_class=class_of(str(row.get("type") or ""), sub_type, number, system or name),
                active=row.get("state") != "archived",
                number=number,
            )
        )
    return found


def from_journal(rows: Iterable[Row]) -> list[RemoteAccount]:
    """Return the accounts of the journal with their sub-accounts: what is there without ledger accounts.

    Accounts that people made may have no number here, and no journal line can name such a one.
    """
    found: list[RemoteAccount] = []
    for account in rows:
        kind, above = str(account.get("account_type") or ""), str(account.get("account_number") or "")
        for row in account.get("sub_accounts") or ():
            if not _is_number(row.get("sub_accountid")):
                continue
            own, name = str(row.get("account_sub_number") or ""), str(row.get("account_sub_name") or "")
            number = own if "-" in own or not own else f"{above}-{own}"
            system = _system(name, kind, number) or _system(str(account.get("account_name") or ""), kind, above)
            found.append(
                RemoteAccount(
                    id=str(row["sub_accountid"]),
                    name=f"{account.get('account_name')}:{name}",
                    type=_type(kind, "", system),
                    account_class=class_of(kind, "", number, system or name),
                    number=number,
                )
            )
    return found


def from_categories(rows: Iterable[Row]) -> list[RemoteAccount]:
    """Return expense categories as accounts, and the two that FreshBooks books money and income to."""
    by_id = {str(row.get("categoryid") or row.get("id")): row for row in rows}
    categories = [
        RemoteAccount(
            id=f"{CATEGORY}{category_id}",
            name=_path(row, by_id, "parentid", "category"),
            type="expense category",
            account_class=_C.COST_OF_SALES if row.get("is_cogs") is True else _C.EXPENSE,
            active=not row.get("vis_state"),
        )
        for category_id, row in by_id.items()
    ]
    own = (
        RemoteAccount(PETTY_ID, PETTY, _type("asset", TYPES[_C.BANK][1], PETTY), _C.BANK, number="1000-1"),
        RemoteAccount(REVENUE_ID, REVENUE, _type("income", TYPES[_C.INCOME][1], REVENUE), _C.INCOME, number="4000"),
    )
    return [*own, *categories]


def category_of(account: str) -> int | None:
    """Return the number of the expense category that an account id names."""
    number = account.removeprefix(CATEGORY)
    return int(number) if account.startswith(CATEGORY) and number.isdigit() else None


def system_of(name: str, account_type: str, number: str) -> str:
    """Return which of the two accounts that FreshBooks books to by itself this is, "" for any other."""
    return found if (found := _system(name, account_type, number)) != RECEIVABLE else ""


def _system(name: str, account_type: str, number: str) -> str:
    if account_type == "asset" and (name == PETTY or number == "1000-1"):
        return PETTY
    if account_type == "income" and (name == REVENUE or number == "4000"):
        return REVENUE
    return RECEIVABLE if account_type == "asset" and (name == RECEIVABLE or number == "1200") else ""


def _type(account_type: str, sub_type: str, system: str) -> str:
    """Return the type for a person, ``asset (Current Asset)``. After a slash comes the name of an account that FreshBooks
    books to by itself: it is that of the account's key, and no other type ends so."""
    spoken = f"{account_type} ({sub_type})" if sub_type else account_type
    return f"{spoken}/{system}" if system else spoken


def _path(row: Row, rows: Mapping[str, Row], parent: str, name: str) -> str:
    """Return the name with those of its parents before it."""
    names: list[str] = []
    seen: set[Any] = set()
    at: Row | None = row
    while at is not None and id(at) not in seen:
        seen.add(id(at))
        names.insert(0, str(at.get(name) or ""))
        at = rows.get(str(at.get(parent))) if at.get(parent) else None
    return ":".join(names)


def _is_number(value: object) -> bool:
    """Whether a journal line can name it: accounts that people made have another kind of id in some lists."""
    return str(value).isdigit()


def is_deleted(row: Row) -> bool:
    return row.get("vis_state") == DELETED
