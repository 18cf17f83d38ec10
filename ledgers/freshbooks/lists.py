"""What a company offers for mapping, and its balances."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import Kind
from ledgers.freshbooks import accounts, journal, wire
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.journal import Journal
from ledgers.freshbooks.plan import Plan, plans
from ledgers.freshbooks.remote import Remote, RemoteRefused
from ledgers.freshbooks.translate import RESOURCES, address
from ledgers.freshbooks.wire import Row
from ledgers.port import AuthorizationLost, Reference, RemoteAccount, RemoteObject

JOURNAL_ACCOUNTS: Final = "/journal_entry_accounts/journal_entry_accounts"
CATEGORIES: Final = "/expenses/categories"
_WHOLE: Final = 20_000  # lines, a hundred to a request
PROFIT_AND_LOSS: Final = "/reports/accounting/profitloss_entity"


def plan_of(remote: Remote, account_id: str) -> Plan:
    """Return what the business may do now: plans and permissions change.

    Raises AuthorizationLost where the person has no part in it any more; NotSent, RemoteRefused."""
    found = next((plan for plan in plans(remote.me()) if plan.account_id == account_id), None)
    if found is None:
        raise AuthorizationLost("The person who connected FreshBooks has no access to this business any more.")
    return found


def reference(remote: Remote, plan: Plan) -> Reference:
    """Read everything the mapping needs. Raises NotSent, AuthorizationLost, RemoteRefused."""
    company = Company(plan)
    journal_rows, clients = _journal_accounts(remote, plan), _all(remote, company, Kind.CUSTOMER)
    return Reference(
        company_name=plan.name,
        # A business that says it nowhere bills its clients in it.
        home_currency=home_currency(remote, plan, journal_rows) or _most(clients),
        multicurrency=False,  # it keeps several currencies side by side, and never adds them up
        closed_until=None,  # FreshBooks does not say; a document of a closed period is locked
        country=plan.country,
        accounts=tuple(_accounts(remote, company, journal_rows)),
        items=tuple(
            RemoteObject(
                str(row["id"]), str(row.get("name") or ""), not row.get("vis_state"), str(row.get("sku") or "")
            )
            for row in _all(remote, company, Kind.ITEM)
        ),
        customers=tuple(
            RemoteObject(
                str(row["id"]), _client(row), not row.get("vis_state"), currency=str(row.get("currency_code") or "")
            )
            for row in clients
        ),
    )


def home_currency(remote: Remote, plan: Plan, journal_rows: Iterable[Row]) -> str:
    """Return the currency that most accounts of the journal have; where they cannot be read, that of a report. "" where
    neither says. Raises NotSent, AuthorizationLost."""
    if code := _most(journal_rows):
        return code
    try:
        report = remote.get(_of_account(plan, PROFIT_AND_LOSS), "profitloss_entity")
    except RemoteRefused:
        return ""
    return str((report or {}).get("currency_code") or "")


def _most(rows: Iterable[Row]) -> str:
    codes = Counter(str(row["currency_code"]) for row in rows if row.get("currency_code"))
    return codes.most_common(1)[0][0] if codes else ""


def balances(remote: Remote, company: Company) -> dict[str, int]:
    """Return account id -> balance in minor units of the books' currency, debit positive, from the lines of the journal: the
    balances that FreshBooks states with its accounts may be old. Of a very long journal only current assets are told, which
    the accounts are that Amazon's money passes.

    Raises:
        NotSent, AuthorizationLost, RemoteRefused; BadAmount.
    """
    whole = Journal(remote, company.plan.account_id)
    if whole.length() <= _WHOLE:
        found, lines = dict.fromkeys(company.classes, 0), whole.lines()
    else:
        passed = [id_ for id_, of in company.classes.items() if of is AccountClass.CURRENT_ASSET]
        found = dict.fromkeys(passed, 0)
        lines = [row for id_ in passed for row in whole.lines(sub_account=id_)]
    for row in lines:
        code = next((code for side in ("debit", "credit") if (code := wire.code_of(row.get(side)))), "")
        if code and company.home_currency and code != company.home_currency:
            continue
        account = _account_of(row, found)
        found[account] = found.get(account, 0) + journal.movement(row, company.home_currency)
    return found


def _account_of(row: Row, known: Iterable[str]) -> str:
    """Return our id of a journal line's account: its sub-account, or one of the two that a plan without journal has."""
    number = journal.sub_account_of(row)
    if number in known or accounts.PETTY_ID not in known:
        return number
    account, sub = row.get("account") or {}, row.get("sub_account") or {}
    above, own = str(account.get("account_number") or ""), str(sub.get("account_sub_number") or "")
    kind = str(account.get("account_type") or "")
    full = own if "-" in own or not own else f"{above}-{own}"
    system = accounts.system_of(str(sub.get("account_sub_name") or ""), kind, full)
    system = system or accounts.system_of(str(account.get("account_name") or ""), kind, above)
    return {accounts.PETTY: accounts.PETTY_ID, accounts.REVENUE: accounts.REVENUE_ID}.get(system, number)


def _accounts(remote: Remote, company: Company, journal_rows: Iterable[Row]) -> list[RemoteAccount]:
    plan = company.plan
    if not plan.journals:
        return accounts.from_categories(remote.pages(_of_account(plan, CATEGORIES), "categories"))
    if plan.chart:
        return accounts.from_ledger(remote.ledger_accounts(address(Kind.ACCOUNT, company)))
    return accounts.from_journal(journal_rows)


def _journal_accounts(remote: Remote, plan: Plan) -> list[Row]:
    """Return the accounts of the journal, none where the plan does not show them."""
    try:
        return remote.pages(_of_account(plan, JOURNAL_ACCOUNTS), "journal_entry_accounts")
    except RemoteRefused:
        if plan.journals and not plan.chart:
            raise
        return []


def _all(remote: Remote, company: Company, kind: Kind) -> list[Row]:
    return remote.pages(address(kind, company), RESOURCES[kind].plural)


def _client(row: Row) -> str:
    person = f"{row.get('fname') or ''} {row.get('lname') or ''}".strip()
    return str(row.get("organization") or person or row.get("email") or row["id"])


def _of_account(plan: Plan, path: str) -> str:
    return f"/accounting/account/{plan.account_id}{path}"
