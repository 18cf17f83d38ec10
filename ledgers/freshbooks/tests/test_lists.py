"""What a business offers for mapping, its balances, and the steps of *Test connection*."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from bookkeeping.documents import How, Kind
from ledgers.freshbooks import accounts
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.client import FreshBooks, capabilities
from ledgers.freshbooks.plan import plans
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.scripted import ACCOUNT, Script, scripted
from ledgers.port import AuthorizationLost, Check, NotSent, RemoteAccount, Verdict
from ledgers.suggest import suggest

C = AccountClass
Pair = tuple[Script, FreshBooks]
ALLOWED = {
    "client.limit": -1,
    "advanced_accounting.access": True,
    "flexcoa_advanced_accounting.access": True,
    "manual_journal_entries_feature.access": True,
}
REFUSED = {"client.limit": 5, "advanced_accounting.access": False, "manual_journal_entries_feature.access": False}


def me(permissions: dict[str, Any] | None = None, status: str = "active", name: str = "Example Business LLC") -> Any:
    business = {
        "id": 8675309,
        "business_uuid": "b-uuid",
        "account_id": "ACM123",
        "name": name,
        "address": {"country": "United States"},
    }
    return {
        "response": {
            "id": 4242424,
            "identity_id": 4242424,
            "business_memberships": [
                {"id": 1, "role": "owner", "business": business, "fasttrack_token": "secret"},
                {"id": 2, "role": "no_seat_employee", "business": {"id": 2, "account_id": None, "name": "No books"}},
            ],
            "permissions": {"ACM123": ALLOWED if permissions is None else permissions},
            "subscription_statuses": {"ACM123": status},
            "roles": [{"role": "admin", "accountid": "ACM123", "userid": 1, "systemid": 9}],
        }
    }


def ledger(
    uuid: str, name: str, number: str, kind: str, sub_type: str, jesa: int | None, **more: Any
) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "number": number, "type": kind, "sub_type": sub_type, "jesa_id": jesa,
            "parent_account": None, "state": "active", **more}  # fmt: skip


CHART = [
    ledger("u1", "Cash", "1000", "asset", "Cash & Bank", None, system_account_name="Cash", jea_id=1),
    ledger(
        "u2", "Petty Cash", "1000-1", "asset", "Cash & Bank", 11, parent_account="u1", system_account_name="Petty Cash"
    ),
    ledger("u3", "Checking", "1000-2", "asset", "Cash & Bank", 12, parent_account="u1"),
    ledger(
        "u4", "Accounts Receivable", "1200", "asset", "Current Asset", 13, system_account_name="Accounts Receivable"
    ),
    ledger("u5", "Amazon Clearing", "1203", "asset", "Current Asset", 14),
    ledger("u6", "Furniture", "1500-1", "asset", "Property, Plant, and Equipment", 15),
    ledger("u7", "Credit Cards", "2003", "liability", "Current Liability", None),
    ledger("u8", "Visa", "2003-1", "liability", "Current Liability", 16, parent_account="u7"),
    ledger("u9", "Taxes Payable", "2005", "liability", "Current Liability", 17),
    ledger("ua", "Sales Tax Payable (Amazon)", "2007", "liability", "Current Liability", 18),
    ledger("ub", "Loan", "2500", "liability", "Long Term Liability", 19),
    ledger("uc", "Opening Balance", "3001", "equity", "Equity", 20),
    ledger("ud", "Revenue", "4000", "income", "Revenue", 21, system_account_name="Revenue"),
    ledger("ue", "Amazon Sales", "4001", "income", "Revenue", 22),
    ledger("uf", "Freight", "5000-1", "expense", "Cost of Goods Sold", 23),
    ledger("ug", "Old fees", "6000-1", "expense", "Operating Expense", 24, state="archived"),
]
JOURNAL = [
    {
        "id": 1,
        "account_name": "Cash",
        "account_number": "1000",
        "account_type": "asset",
        "currency_code": "CAD",
        "sub_accounts": [
            {"sub_accountid": 11, "account_sub_name": "Petty Cash", "account_sub_number": "1"},
            {"sub_accountid": "0000-uuid", "account_sub_name": "Checking", "account_sub_number": "2"},
        ],
    },
    {"id": 2, "account_name": "Revenue", "account_number": "4000", "account_type": "income", "currency_code": "CAD",
     "sub_accounts": [{"sub_accountid": 21, "account_sub_name": "Sales", "account_sub_number": "1"}]},
]  # fmt: skip
CATEGORIES = [
    {"id": 1, "categoryid": 1, "category": "Operating", "parentid": None, "is_cogs": False, "vis_state": 0},
    {"id": 2, "categoryid": 2, "category": "Advertising", "parentid": 1, "is_cogs": False, "vis_state": 0},
    {"id": 3, "categoryid": 3, "category": "Cost of Goods Sold", "parentid": None, "is_cogs": True, "vis_state": 2},
]


@pytest.fixture
def remote() -> Iterator[Pair]:
    with scripted() as pair:
        yield pair


def refuse_journal(script: Script) -> None:
    script.will_refuse(1003, message="access denied", status=403)


def test_a_business_with_journal_offers_ledger_accounts_by_their_journal_numbers(remote: Pair) -> None:
    script, client = remote
    script.will(200, me())
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list(
        "clients",
        {"id": 7, "organization": "Amazon.com (CAD)", "currency_code": "CAD", "vis_state": 0},
        {"id": 8, "organization": "", "fname": "Ann", "lname": "Other", "currency_code": "USD", "vis_state": 2},
    )
    script.will(200, {"data": CHART})
    script.will_list("items", {"id": 9, "name": "Mug", "sku": "MUG", "vis_state": 0})

    read = client.reference()

    assert (read.company_name, read.home_currency, read.multicurrency, read.country) == (
        "Example Business LLC", "CAD", False, "United States",
    )  # fmt: skip
    assert {each.id: (each.name, each.account_class, each.active) for each in read.accounts} == {
        "11": ("Cash:Petty Cash", C.BANK, True),
        "12": ("Cash:Checking", C.BANK, True),
        "13": ("Accounts Receivable", C.RECEIVABLE, True),
        "14": ("Amazon Clearing", C.CURRENT_ASSET, True),
        "15": ("Furniture", None, True),
        "16": ("Credit Cards:Visa", C.CARD, True),
        "17": ("Taxes Payable", None, True),
        "18": ("Sales Tax Payable (Amazon)", C.CURRENT_LIABILITY, True),
        "19": ("Loan", C.LOAN, True),
        "20": ("Opening Balance", C.EQUITY, True),
        "21": ("Revenue", C.INCOME, True),
        "22": ("Amazon Sales", C.INCOME, True),
        "23": ("Freight", C.COST_OF_SALES, True),
        "24": ("Old fees", C.EXPENSE, False),
    }
    assert [(each.id, each.name, each.sku) for each in read.items] == [("9", "Mug", "MUG")]
    assert [(each.id, each.name, each.currency, each.active) for each in read.customers] == [
        ("7", "Amazon.com (CAD)", "CAD", True), ("8", "Ann Other", "USD", False),
    ]  # fmt: skip


def test_the_two_accounts_of_freshbooks_own_are_named_by_their_type(remote: Pair) -> None:
    types = {each.id: each.type for each in accounts.from_ledger(CHART)}

    assert (types["11"], types["14"]) == ("asset (Cash & Bank)/Petty Cash", "asset (Current Asset)")
    for key, account in ((AccountKey.PETTY, "11"), (AccountKey.REVENUE, "21"), (AccountKey.AR, "13")):
        assert [id_ for id_, each in types.items() if each.endswith(f"/{ACCOUNTS[key].name}")] == [account]


@pytest.mark.parametrize(
    ("rows", "found"),
    [
        (accounts.from_ledger(CHART), {AccountKey.PETTY: ("11",), AccountKey.REVENUE: ("21",)}),
        (accounts.from_journal(JOURNAL), {AccountKey.PETTY: ("11",), AccountKey.REVENUE: ("21",)}),
        (accounts.from_categories(CATEGORIES), {AccountKey.PETTY: ("petty-cash",), AccountKey.REVENUE: ("revenue",)}),
    ],
    ids=["ledger accounts", "journal accounts", "categories"],
)
def test_the_two_accounts_of_freshbooks_own_are_recognised_by_themselves(
    rows: list[RemoteAccount], found: dict[AccountKey, tuple[str, ...]]
) -> None:
    suggested = suggest((AccountKey.PETTY, AccountKey.REVENUE), rows)

    assert {key: one.accounts for key, one in suggested.items() if one.sure} == found


def test_new_accounts_have_the_types_of_the_company() -> None:
    known = accounts.sub_types((each.account_class, each.number, each.type) for each in accounts.from_ledger(CHART))

    assert accounts.sub_type_for("SALES", known) == accounts.sub_type_for("REFUNDS", known) == "Revenue"
    assert accounts.sub_type_for("CLEARING", known) == "Current Asset"
    assert accounts.sub_type_for("LOAN", known) == "Long Term Liability"
    assert accounts.sub_type_for("LOAN", {C.CURRENT_LIABILITY: "Short Term"}) == "Short Term"
    assert accounts.sub_type_for("FEE_INBOUND", {}) == "Cost of Goods Sold"


def test_the_usual_type_of_a_company_counts_where_its_first_account_is_not_shown() -> None:
    fees = [(C.EXPENSE, "6100-1", "expense (Payroll)"), *[(C.EXPENSE, "6200", "expense (Running Costs)")] * 2]

    assert accounts.sub_types(fees) == {C.EXPENSE: "Running Costs"}
    assert accounts.sub_types([*fees, (C.EXPENSE, "6000-1", "expense (Overhead)")]) == {C.EXPENSE: "Overhead"}


def test_accounts_that_are_answered_below_another_are_offered_too(remote: Pair) -> None:
    script, client = remote
    below = ledger("u2", "Checking", "1000-2", "asset", "Cash & Bank", 12)
    above = ledger("u1", "Cash", "1000", "asset", "Cash & Bank", None, sub_accounts=[below])
    script.will(200, me())
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list("clients")
    script.will(200, {"data": [above, below]})
    script.will_list("items")

    (account,) = client.reference().accounts

    assert (account.id, account.name, account.account_class) == ("12", "Cash:Checking", C.BANK)


def test_without_ledger_accounts_those_of_the_journal_are_offered_and_none_without_a_number(remote: Pair) -> None:
    script, client = remote
    script.will(200, me({**ALLOWED, "flexcoa_advanced_accounting.access": False}))
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list("clients")
    script.will_list("items")

    read = client.reference()

    assert [(each.id, each.name, each.number, each.account_class) for each in read.accounts] == [
        ("11", "Cash:Petty Cash", "1000-1", C.BANK), ("21", "Revenue:Sales", "4000-1", C.INCOME),
    ]  # fmt: skip
    assert [each.type.rpartition("/")[2] for each in read.accounts] == ["Petty Cash", "Revenue"]


@pytest.mark.parametrize(("report", "currency"), [("GBP", "GBP"), (None, "EUR")], ids=["a report", "its clients"])
def test_the_small_plan_offers_categories_and_something_tells_its_currency(
    remote: Pair, report: str | None, currency: str
) -> None:
    script, client = remote
    script.will(200, me(REFUSED))
    refuse_journal(script)
    script.will_list("clients", {"id": 7, "organization": "Ann", "currency_code": "EUR"})
    if report is None:
        refuse_journal(script)
    else:
        script.will_give("profitloss_entity", {"currency_code": report})
    script.will_list("categories", *CATEGORIES)
    script.will_list("items")

    read = client.reference()

    assert read.home_currency == currency
    assert [(each.id, each.name, each.account_class, each.active) for each in read.accounts] == [
        ("petty-cash", "Petty Cash", C.BANK, True),
        ("revenue", "Revenue", C.INCOME, True),
        ("category-1", "Operating", C.EXPENSE, True),
        ("category-2", "Operating:Advertising", C.EXPENSE, True),
        ("category-3", "Cost of Goods Sold", C.COST_OF_SALES, False),
    ]
    assert [plan.journals for plan in script.learned] == [False]
    assert Kind.ENTRY not in client.capabilities.kinds


def test_a_business_that_the_person_lost_has_to_be_connected_again() -> None:
    company = replace(make.COMPANY, plan=replace(make.PLAN, account_id="OTHER"))
    with scripted(company) as (script, client):
        script.will(200, me())

        with pytest.raises(AuthorizationLost):
            client.reference()


def test_a_refused_list_is_tried_again_later(remote: Pair) -> None:
    script, client = remote
    script.will(200, me())
    script.will_list("journal_entry_accounts", *JOURNAL)
    script.will_list("clients")
    refuse_journal(script)

    with pytest.raises(NotSent):
        client.reference()


def detail(number: int, sub_account: int, amount: str, side: str = "debit", code: str = "USD", **more: Any) -> Any:
    other = "credit" if side == "debit" else "debit"
    return {"detailid": number, "id": number, side: {"amount": amount, "code": code}, other: None,
            "sub_account": {"sub_accountid": sub_account}, **more}  # fmt: skip


def test_balances_are_the_sum_of_the_journal_over_all_pages() -> None:
    company = replace(make.COMPANY, classes={"14": C.CURRENT_ASSET, "22": C.INCOME, "30": C.BANK})
    with scripted(company) as (script, client):
        script.will_list("journal_entry_details", total=4)
        script.will_list(
            "journal_entry_details", detail(1, 14, "85.005"), detail(2, 22, "100.00", "credit"), pages=2, total=4
        )
        script.will_list(
            "journal_entry_details",
            detail(3, 14, "5", "credit"),
            detail(4, 14, "9.00", code="CAD"),
            page=2,
            pages=2,
            total=4,
        )

        assert client.balances() == {"14": 8000, "22": -10000, "30": 0}


def test_of_a_very_long_journal_only_the_accounts_are_read_that_amazons_money_passes() -> None:
    classes = {"14": C.CURRENT_ASSET, "15": C.CURRENT_ASSET, "22": C.INCOME, "30": C.BANK}
    with scripted(replace(make.COMPANY, classes=classes)) as (script, client):
        script.will_list("journal_entry_details", total=20_001)
        script.will_list("journal_entry_details", detail(1, 14, "85.00"), detail(2, 22, "7.00"))
        script.will_list("journal_entry_details")

        assert client.balances() == {"14": 8500, "15": 0}

    searched = [value for asked in script.asked for name, value in asked["query"] if name == "search[sub_accountid]"]
    assert searched == ["14", "15"]


def test_the_small_plan_has_balances_of_its_two_accounts() -> None:
    company = replace(make.LITE, classes={"petty-cash": C.BANK, "revenue": C.INCOME})
    petty = {
        "account": {"account_number": "1000", "account_type": "asset", "account_name": "Cash"},
        "sub_account": {"sub_accountid": 11, "account_sub_name": "Petty Cash", "account_sub_number": "1"},
    }
    revenue = {
        "account": {"account_number": "4000", "account_type": "income", "account_name": "Revenue"},
        "sub_account": {"sub_accountid": 21, "account_sub_name": "Sales", "account_sub_number": "1"},
    }
    with scripted(company) as (script, client):
        script.will_list("journal_entry_details", total=2)
        script.will_list(
            "journal_entry_details",
            {**detail(1, 11, "35.00"), **petty},
            {**detail(2, 21, "35.00", "credit"), **revenue},
        )

        assert client.balances() == {"petty-cash": 3500, "revenue": -3500}


# Plans and capabilities -----------------------------------------------------------------------------------------------


def test_every_business_with_books_is_one_company_and_no_credential_is_kept() -> None:
    (plan,) = plans(me()["response"])

    assert plan == make.PLAN
    assert "secret" not in str(plan.data())


@pytest.mark.parametrize(
    ("permissions", "journals"),
    [(ALLOWED, True), (REFUSED, False), ({}, False), ({**ALLOWED, "advanced_accounting.access": False}, False)],
)
def test_what_can_be_posted_follows_from_the_permissions(permissions: dict[str, Any], journals: bool) -> None:
    (plan,) = plans(me(permissions)["response"])

    known = capabilities(plan)

    assert [layout.name for layout in known.layouts] == (["feed", "direct"] if journals else ["documents"])
    assert (Kind.ENTRY in known.kinds, Kind.EXPENSE in known.kinds) == (journals, not journals)
    assert {layout.policy.payments_to for layout in known.layouts} == {"PETTY"}
    assert {layout.policy.income_to for layout in known.layouts} == {"REVENUE"}
    assert known.undo[Kind.ENTRY] is How.REVERSE
    assert known.undo[Kind.EXPENSE] is How.DELETE


def test_payouts_are_in_transit_where_the_bank_has_a_feed() -> None:
    feed, direct = (layout.policy for layout in capabilities(make.PLAN).layouts)

    assert (feed.payouts_to, feed.charges_to) == ("PAYOUTS", "PAYOUTS")
    assert (direct.payouts_to, direct.charges_to) == ("BANK", "CHARGE_METHOD")


# Test connection ------------------------------------------------------------------------------------------------------


def checked(
    mode: str = "summary",
    currency: str = "USD",
    company: Company = make.COMPANY,
    answer: Any = None,
    invoices: tuple[Any, ...] = (),
    refused: tuple[str, ...] = (),
    clients: int = 0,
    says: str = "USD",
) -> dict[str, Check]:
    with scripted(company) as (script, client):
        script.will(200, answer or me())
        for plural in ("clients", "invoices", "payments", "expenses", "items"):
            if plural in refused:
                refuse_journal(script)
            else:
                script.will_list(plural, *(invoices if plural == "invoices" else ()))
        if "journal" in refused:
            refuse_journal(script)
            script.will_give("profitloss_entity", {"currency_code": says})
        else:
            script.will_list("journal_entry_accounts", *({**row, "currency_code": "USD"} for row in JOURNAL))
        script.will_list("clients", total=clients)
        steps = client.checks(mode, currency)
    return {step.name: step for step in steps}


def test_a_healthy_business_passes_every_step() -> None:
    steps = checked()

    assert [name for name, step in steps.items() if step.verdict is not Verdict.PASSED] == []
    assert all(step.detail for step in steps.values())


@pytest.mark.parametrize(
    ("asked", "name", "verdict", "blocks"),
    [
        ({"answer": me(status="cancelled")}, "Subscription", Verdict.FAILED, "posting"),
        ({"answer": me(name="Another Inc")}, "Right business", Verdict.WARNING, ""),
        ({"answer": me(REFUSED)}, "Plan", Verdict.FAILED, "posting"),
        ({"company": make.LITE}, "Plan", Verdict.WARNING, ""),
        ({"company": make.LITE, "answer": me(REFUSED)}, "Plan", Verdict.WARNING, ""),
        ({"company": make.LITE, "answer": me(REFUSED)}, "Advanced Accounting", Verdict.SKIPPED, ""),
        ({"refused": ("journal",)}, "Advanced Accounting", Verdict.FAILED, "posting"),
        ({"refused": ("payments", "invoices")}, "Permissions", Verdict.FAILED, "posting"),
        ({"currency": "GBP"}, "Currency", Verdict.WARNING, ""),
        ({"company": replace(make.COMPANY, home_currency=""), "refused": ("journal",), "says": ""}, "Currency", Verdict.FAILED, "posting"),
        ({"mode": "orders"}, "Invoice numbers", Verdict.WARNING, ""),
        ({"company": make.LITE, "answer": me(REFUSED)}, "Invoice numbers", Verdict.WARNING, ""),
        ({"answer": me({**ALLOWED, "client.limit": 5}), "clients": 5}, "Clients", Verdict.WARNING, ""),
        ({"answer": me({**ALLOWED, "client.limit": 5}), "clients": 4}, "Clients", Verdict.PASSED, ""),
        ({"invoices": ({"id": 1, "invoice_number": "113-0000001-0000001", "notes": ""},)}, "Other connectors", Verdict.WARNING, ""),
        ({"invoices": ({"id": 1, "invoice_number": "113-0000001-0000001", "notes": "ref:m"},)}, "Other connectors", Verdict.PASSED, ""),
    ],
)  # fmt: skip
def test_what_forbids_posting_or_wants_a_warning_is_named(
    asked: dict[str, Any], name: str, verdict: Verdict, blocks: str
) -> None:
    step = checked(**asked)[name]

    assert (step.verdict, step.blocks) == (verdict, blocks)
    assert step.action or verdict in (Verdict.PASSED, Verdict.SKIPPED)


def test_a_closed_period_is_seen_by_its_locked_invoices() -> None:
    rows = (
        {"id": 1, "create_date": "2025-12-31", "lock_status": "locked"},
        {"id": 2, "create_date": "2026-10-01", "lock_status": "unlocked"},
    )

    assert "2025-12-31" in checked(invoices=rows)["Closed period"].detail


def test_the_plan_that_was_read_is_kept() -> None:
    with scripted() as (script, client):
        script.will(200, me(REFUSED))
        for plural in ("clients", "invoices", "payments", "expenses", "items", "journal_entry_accounts"):
            script.will_list(plural)
        script.will_give("profitloss_entity", {"currency_code": "USD"})
        script.will_list("clients", total=1)

        client.checks("summary")

    assert [(plan.journals, plan.client_limit) for plan in script.learned] == [(False, 5)]


def test_a_business_that_cannot_be_read_fails_the_first_step_and_skips_the_rest() -> None:
    with scripted() as (script, client):
        script.answers.append(ConnectionRefusedError("closed"))

        first, *rest = client.checks("summary")

    assert (first.verdict, first.blocks) == (Verdict.FAILED, "posting")
    assert {step.verdict for step in rest} == {Verdict.SKIPPED}
    assert ACCOUNT not in first.detail
