"""Suggestions measured on the charts of FreshBooks businesses, against what a bookkeeper reads in each of them."""

import pytest

from bookkeeping.accounts import AccountKey
from kit import http
from ledgers.freshbooks.tests.rig import BASE, Rig
from ledgers.port import Reference
from ledgers.suggest import suggest

K = AccountKey
# A new business has "Shipping & Couriers" beside "Postage", and either may be meant: here the plainer word wins.
ARGUABLE = {K.SHIP_LABELS: "Postage"}


def read(plan: str, chart: str) -> tuple[Reference, dict[AccountKey, str | None]]:
    """What the client offers for mapping, and the account that a bookkeeper would take for each key."""
    made = Rig(plan, chart=chart)
    http.mount(BASE, made.stand_in)
    try:
        reference = made.at(BASE).reference()
    finally:
        http.unmount(BASE)
    meant = made.made["expected"] if plan == "Plus" else made.made["expected_categories"]
    prefix = "" if plan == "Plus" else "category-"
    return reference, {K(key): f"{prefix}{id_}" if id_ else None for key, id_ in meant.items()}


@pytest.mark.parametrize(
    ("plan", "chart", "least"),
    [("Plus", "bookkeeper", 24), ("Lite", "bookkeeper", 11), ("Plus", "default", 3), ("Lite", "default", 1)],
)
def test_what_is_surely_found_is_what_a_bookkeeper_would_take(plan: str, chart: str, least: int) -> None:
    reference, meant = read(plan, chart)

    found = {key: one.account_id for key, one in suggest(meant, reference.accounts).items() if one.sure}

    names = {account.id: account.name.rpartition(":")[2] for account in reference.accounts}
    wrong = {key: names[account] for key, account in found.items() if account != meant[key]}
    assert wrong.items() <= ARGUABLE.items()
    assert len(found) - len(wrong) >= least


def test_accounts_that_freshbooks_books_to_by_itself_compete_with_none() -> None:
    reference, meant = read("Plus", "bookkeeper")
    names = {account.id: account.name for account in reference.accounts}

    found = suggest([*meant, K.PETTY, K.REVENUE, K.AR], reference.accounts)

    assert {key: names[found[key].account_id] for key in (K.PETTY, K.REVENUE, K.AR, K.BANK, K.SALES)} == {
        K.PETTY: "Cash:Petty Cash",
        K.REVENUE: "Revenue",
        K.AR: "Accounts Receivable",
        K.BANK: "Cash:Mercury Checking 7741",
        K.SALES: "Revenue:Amazon Sales",
    }
    assert all(found[key].sure for key in (K.PETTY, K.REVENUE, K.AR, K.BANK, K.SALES))
