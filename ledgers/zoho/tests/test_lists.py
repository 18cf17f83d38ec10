from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass
from ledgers.port import AuthorizationLost, Check, NotSent
from ledgers.zoho.client import ZohoBooks
from ledgers.zoho.tests.scripted import ORGANIZATION, Script, scripted

ABOUT = {
    "organization_id": ORGANIZATION,
    "name": "Alice Inc",
    "plan_name": "PROFESSIONAL",
    "currency_code": "USD",
    "country_code": "US",
    "time_zone": "America/New_York",
    "org_settings": {"is_org_active": True},
}
CURRENCIES = [{"currency_id": "46097", "currency_code": "USD"}, {"currency_id": "46109", "currency_code": "EUR"}]


@pytest.fixture
def remote() -> Iterator[tuple[Script, ZohoBooks]]:
    with scripted() as pair:
        yield pair


# Lists -----------------------------------------------------------------------------------------------------------------


def test_lists_have_what_the_mapping_needs(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.done(organizations=[{"organization_id": "1"}, ABOUT])
    script.rows(currencies=CURRENCIES)
    script.rows(transaction_locks=[])
    script.rows(bankaccounts=[{"account_id": "5", "currency_code": "EUR"}])
    script.rows(more=True, chartofaccounts=[{"account_id": "5", "account_name": "Clearing", "account_type": "bank"}])
    script.rows(
        chartofaccounts=[
            {"account_id": "6", "account_name": "Sales", "account_type": "income", "parent_account_name": " "},
            {"account_id": "7", "account_name": "Stock", "account_type": "stock"},
        ]
    )
    script.rows(items=[{"item_id": 8, "name": "Mug", "sku": "MUG"}, {"item_id": 9, "item_type": "inventory"}])
    script.rows(contacts=[{"contact_id": "10", "contact_name": "Amazon.de (EUR)", "currency_code": "EUR"}])

    found = client.reference()

    assert (found.company_name, found.home_currency, found.multicurrency) == ("Alice Inc", "USD", True)
    assert [(each.id, each.name, each.account_class, each.currency) for each in found.accounts] == [
        ("5", "Clearing", AccountClass.BANK, "EUR"),
        ("6", "Sales", AccountClass.INCOME, ""),
        ("7", "Stock", None, "USD"),
    ]
    assert [(each.id, each.sku) for each in found.items] == [("8", "MUG")]
    assert [(each.id, each.currency) for each in found.customers] == [("10", "EUR")]
    assert [(each.name, each.id) for each in found.currencies] == [("USD", "46097"), ("EUR", "46109")]


def test_an_organization_that_is_not_seen_any_more_is_lost(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.done(organizations=[{"organization_id": "1"}])

    with pytest.raises(AuthorizationLost):
        client.reference()


def test_a_lock_of_purchases_does_not_close_the_books_and_the_last_day_counts(
    remote: tuple[Script, ZohoBooks],
) -> None:
    script, client = remote
    lock = {"transaction_lock_status": "enabled"}
    locks = [
        {**lock, "transaction_lock_date": "2026-08-31", "transaction_lock_module": "sales"},
        {**lock, "transaction_lock_date": "2026-09-30", "transaction_lock_module": "accountant"},
        {**lock, "transaction_lock_date": "2026-12-31", "transaction_lock_module": "purchase"},
        {"transaction_lock_status": "disabled", "transaction_lock_date": "2026-12-31"},
    ]
    for each in ({"organizations": [ABOUT]}, {"currencies": CURRENCIES}):
        script.rows(**each)
    script.refuse(5, status=404)
    script.done(transaction_locks=locks)
    for name in ("bankaccounts", "chartofaccounts", "items", "contacts"):
        script.rows(**{name: []})

    assert client.reference().closed_until == date(2026, 9, 30)


def test_balances_are_in_the_currency_of_the_account(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.rows(
        chartofaccounts=[{"account_id": "5", "current_balance": 12}, {"account_id": "6", "current_balance": ""}]
    )
    script.rows(bankaccounts=[{"account_id": "5", "balance": "10.50", "currency_code": "EUR"}])

    assert client.balances() == {"5": 1050, "6": 0}


def test_a_list_that_does_not_end_is_not_taken_for_whole(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    for _ in range(250):
        script.rows(more=True, chartofaccounts=[])

    with pytest.raises(NotSent):
        client.balances()


# Checks ----------------------------------------------------------------------------------------------------------------


def checked(
    remote: tuple[Script, ZohoBooks], mode: str = "orders", currency: str = "EUR", **facts: Any
) -> dict[str, Check]:
    script, client = remote
    script.done(organizations=[{**ABOUT, **facts.get("about", {})}])
    script.rows(currencies=facts.get("currencies", CURRENCIES))
    script.rows(transaction_locks=facts.get("locks", []))
    script.rows(invoices=facts.get("invoices", []))
    script.rows(journals=facts.get("journals", []))
    if "whole" in facts:
        script.done(invoice=facts["whole"])
    return {step.name: step for step in client.checks(mode, currency)}


def test_a_healthy_organization_passes(remote: tuple[Script, ZohoBooks]) -> None:
    steps = checked(remote)

    assert {step.verdict for step in steps.values()} == {"passed"}


@pytest.mark.parametrize(
    ("facts", "step", "verdict", "blocks"),
    [
        ({"about": {"org_settings": {"is_org_active": False}}}, "Organization active", "failed", "posting"),
        ({"about": {"is_org_active": False}}, "Organization active", "failed", "posting"),
        ({"currencies": CURRENCIES[:1]}, "Currency", "failed", "posting"),
        ({"journals": [{"status": "pending_approval"}]}, "Approval", "warning", ""),
        ({"about": {"country_code": "SA"}}, "Edition", "warning", ""),
        ({"invoices": [{"invoice_number": "114-0000001-0000001"}]}, "Other connectors", "warning", ""),
        (
            {"invoices": [{"invoice_number": "INV-7", "reference_number": "114-0000001-0000001"}]},
            "Other connectors",
            "warning",
            "",
        ),
    ],
    ids=["inactive", "inactive at the top", "currency off", "approval", "e-invoicing", "by number", "by reference"],
)
def test_what_stands_against_posting_is_named_with_what_to_do(
    remote: tuple[Script, ZohoBooks], facts: dict[str, Any], step: str, verdict: str, blocks: str
) -> None:
    found = checked(remote, **facts)[step]

    assert (found.verdict, found.blocks) == (verdict, blocks)
    assert found.action


def test_what_looks_like_ours_is_told_by_our_mark(remote: tuple[Script, ZohoBooks]) -> None:
    ours = {"invoice_id": "7", "invoice_number": "114-0000001-0000001-2", "reference_number": "114-0000001-0000001"}

    for notes, verdict in (("Amazon order ref:abc", "passed"), ("Amazon order", "warning")):
        steps = checked(remote, invoices=[ours], whole={**ours, "notes": notes})

        assert steps["Other connectors"].verdict == verdict


def test_a_right_that_is_missing_is_named(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.done(organizations=[ABOUT])
    script.rows(currencies=CURRENCIES)
    for _ in range(2):
        script.refuse(57, status=401)
    script.done(organizations=[ABOUT])
    script.rows(invoices=[])
    script.rows(journals=[])

    steps = {step.name: step for step in client.checks("summary", "USD")}

    assert steps["Rights"].verdict == "failed"
    assert "transaction locking" in steps["Rights"].detail
    assert steps["Locked period"].verdict == "skipped"


def test_an_organization_that_cannot_be_read_fails_once_and_skips_the_rest(remote: tuple[Script, ZohoBooks]) -> None:
    script, client = remote
    script.refuse(9017)

    first, *others = client.checks("summary", "USD")

    assert (first.verdict, first.blocks) == ("failed", "posting")
    assert {step.verdict for step in others} == {"skipped"}
