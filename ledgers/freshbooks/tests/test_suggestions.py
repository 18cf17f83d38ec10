"""Suggestions measured on the charts of FreshBooks businesses, against what a bookkeeper reads in each of them."""

import pytest

from bookkeeping.accounts import AccountClass, AccountKey
from kit import http
from ledgers.freshbooks.client import capabilities
from ledgers.freshbooks.plan import Plan
from ledgers.freshbooks.tests.rig import BASE, Rig
from ledgers.port import Layout, Reference, RemoteAccount
from ledgers.suggest import suggest

K = AccountKey


def layout_of(plan: str) -> Layout:
    return capabilities(Plan("a", journals=plan == "Plus")).layouts[0]


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
    [("Plus", "bookkeeper", 24), ("Lite", "bookkeeper", 12), ("Plus", "default", 6), ("Lite", "default", 4)],
)
def test_what_is_surely_found_is_what_a_bookkeeper_would_take(plan: str, chart: str, least: int) -> None:
    reference, meant = read(plan, chart)

    suggested = suggest(meant, reference.accounts, classes=layout_of(plan).classes)
    found = {key: one.account_id for key, one in suggested.items() if one.sure}

    names = {account.id: account.name.rpartition(":")[2] for account in reference.accounts}
    wrong = {key: names[account] for key, account in found.items() if account != meant[key]}
    assert wrong == {}
    assert len(found) == least


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


@pytest.mark.parametrize(
    ("name", "sure"),
    [
        ("Refunds", (K.REFUNDS,)),
        ("Refunds to customers", (K.REFUNDS,)),
        ("Chargebacks", (K.CLAIMS,)),
        ("Returns", ()),
        ("Promotions", ()),
        ("Discounts", ()),
        ("Refund fees", ()),
    ],
)
def test_on_a_plan_without_entries_refunds_are_a_category_of_expenses(name: str, sure: tuple[AccountKey, ...]) -> None:
    category = RemoteAccount("category-1", name, "expense category", AccountClass.EXPENSE)

    found = suggest([K.REFUNDS, K.CLAIMS, K.PROMO], [category], classes=layout_of("Lite").classes)

    assert tuple(key for key, one in found.items() if one.sure) == sure
