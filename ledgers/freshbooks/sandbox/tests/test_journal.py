"""Journal entries, accounts in both of their worlds, reports, the closed period, and people."""

from decimal import Decimal

import pytest

from ledgers.freshbooks.sandbox.charts import CHARTS

from .conftest import CLEARING, SALES, business

INVOICES = "invoices/invoices"
EXPENSES = "expenses/expenses"
JOURNALS = "journal_entries/journal_entries"


# Journal entries


def test_journal_entry_posts_and_is_found_by_its_details(api):
    made = api.post(JOURNALS, api.journal((CLEARING, "52.70"), (SALES, "-52.70")))

    [detail] = api.details(CLEARING)
    assert (made["entryid"], made["details"][0]["debit"], made["details"][0]["credit"]) == (
        detail["entry"]["entryid"],
        "52.70",
        None,
    )
    assert (detail["name"], detail["description"], detail["user_entered_date"]) == ("AMZ-1-1", "ref:1", "2026-11-14")
    assert (detail["debit"], detail["credit"]) == ({"amount": "52.70", "code": "USD"}, None)
    assert (api.balance(CLEARING), api.balance(SALES)) == (Decimal("52.70"), Decimal("-52.70"))


@pytest.mark.parametrize(
    ("sides", "fields", "errno"),
    [
        (((CLEARING, "10"), (SALES, "-9.99")), {}, 1004),
        (((CLEARING, "10"),), {}, 1004),
        (((CLEARING, "10"), (4711, "-10")), {}, 1012),
        (((CLEARING, "10"), (SALES, "-10")), {"name": ""}, 1001),
        (((CLEARING, "10"), (SALES, "-10")), {"user_entered_date": "x"}, 1033),
        (((CLEARING, "10"), (SALES, "-10")), {"currency_code": ""}, 1001),
    ],
)
def test_wrong_journal_entry_is_refused(api, sides, fields, errno):
    assert api.post(JOURNALS, api.journal(*sides, **fields)) == errno
    assert api.remote.books(api.account).trial_balance() == {}


@pytest.mark.parametrize(
    ("change", "errno"),
    [({"credit": "1"}, 1004), ({"debit": None}, 1004), ({"debit": "-1"}, 1004), ({"debit": "ten"}, 1015)],
)
def test_journal_detail_is_a_debit_or_a_credit_above_zero(api, change, errno):
    body = api.journal((CLEARING, "1"), (SALES, "-1"))
    body["details"][0] |= change

    assert api.post(JOURNALS, body) == errno


def test_journal_entry_on_an_archived_account_is_refused(api):
    api.do("archive_account", id=CLEARING)

    assert api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1"))) == 1042


def test_journal_entry_can_only_be_created(api):
    made = api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))

    answers = [api.send(verb, f"{JOURNALS}/{made['entryid']}").status_code for verb in ("GET", "PUT", "DELETE")]

    assert answers == [404, 404, 404]
    assert api.send("GET", JOURNALS).status_code == 405


def test_lite_plan_has_no_journal_entries_and_no_own_accounts(lite):
    body = lite.journal(("Cash:Petty Cash", "1"), ("Revenue", "-1"))

    assert lite.send("POST", JOURNALS, {"journal_entry": body}).status_code == 403
    new = {"name": "Amazon Clearing", "sub_type": "Current Asset", "parent_account": None}
    assert lite.business("POST", "ledger_accounts/accounts", new).status_code == 403


def test_owner_has_to_switch_advanced_accounting_on(remote):
    api = business(remote, chart="bookkeeper", advanced_accounting=False)

    off = api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))
    permissions = api.do("set_plan", advanced_accounting=True)

    assert off == 1003
    assert permissions["manual_journal_entries_feature.access"] is True
    assert api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1")))["entryid"]


def test_every_document_shows_its_lines_in_the_journal(api):
    invoice = api.sent("100.00", "-10.00", notes="ref:7")
    api.pay(invoice, "90.00")
    expense = api.post(EXPENSES, api.expense("12.75"))

    details = api.list("journal_entries/journal_entry_details", per_page="100")

    kinds = {(each["detail_type"], each["sub_account"]["account_sub_name"]) for each in details}
    assert kinds == {
        ("invoice", "Accounts Receivable"),
        ("invoice", "Sales"),
        ("payment", "Petty Cash"),
        ("payment", "Accounts Receivable"),
        ("expense", "Commissions"),
        ("expense", "Petty Cash"),
    }
    assert {each["entry"]["expenseid"] for each in details} == {None, expense["id"]}
    names = [each["name"] for each in details if each["sub_account"]["account_sub_name"] == "Sales"]
    assert names == ["SALES", "SALES"]


# Accounts


def test_new_account_takes_entries_in_both_worlds(api):
    new = {"name": "Amazon Deferred", "sub_type": "Current Asset", "parent_account": None}
    answer = api.business("POST", "ledger_accounts/accounts", new)
    made = answer.json["data"]

    api.post(JOURNALS, api.journal((made["jesa_id"], "5"), (SALES, "-5")))

    assert (answer.status_code, made["type"], made["state"], made["number"]) == (201, "asset", "active", "1205")
    assert api.balance("Amazon Deferred") == 5
    read = api.business("GET", f"ledger_accounts/accounts/{made['uuid']}").json["data"]
    assert read == made
    rows = api.business("GET", "reports/chart_of_accounts").json["response"]["result"]["journal_entry_accounts"]
    assert [row["balance"] for row in rows if row["account_uuid"] == made["uuid"]] == ["5.000"]


def test_expense_account_made_through_the_api_is_a_category(api):
    parent = api.business("GET", "ledger_accounts/accounts").json["data"]
    operating = next(each for each in parent if each["name"] == "Operating Expenses")
    new = {"name": "Amazon Vine", "sub_type": "Operating Expense", "parent_account": operating["uuid"]}

    made = api.business("POST", "ledger_accounts/accounts", new).json["data"]

    found = api.list("expenses/categories", per_page="100")
    assert ("Amazon Vine", made["category_id"]) in [(each["category"], each["id"]) for each in found]
    api.post(EXPENSES, api.expense("3.00", categoryid=made["category_id"]))
    assert api.balance("Amazon Vine") == 3


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"sub_type": "Current Asset", "parent_account": None}, "name"),
        ({"name": "x", "parent_account": None}, "sub_type"),
        ({"name": "x", "sub_type": "Current Asset"}, "parent_account"),
        ({"name": "x", "sub_type": "Pocket", "parent_account": None}, "sub_type"),
        ({"name": "x", "sub_type": "Current Asset", "parent_account": "nobody"}, "parent_account"),
    ],
)
def test_wrong_account_is_a_400_of_its_own_shape(api, body, field):
    answer = api.business("POST", "ledger_accounts/accounts", body)

    errors = answer.json["errors"]
    assert (answer.status_code, errors["status"], errors["details"][0]["metadata"]["field"]) == (400, 400, field)


def test_system_account_cannot_be_archived(api):
    petty = next(
        sub
        for top in api.business("GET", "ledger_accounts/accounts").json["data"]
        for sub in top["sub_accounts"]
        if sub["name"] == "Petty Cash"
    )

    answer = api.business("PUT", f"ledger_accounts/accounts/{petty['uuid']}", {"state": "archived"})

    assert answer.status_code == 400


def test_renamed_category_account_renames_the_category(api):
    api.do("rename_account", id="Operating Expenses:Amazon PPC", name="Sponsored ads")

    assert "Sponsored ads" in [each["category"] for each in api.list("expenses/categories", per_page="100")]
    assert api.balance("Sponsored ads") == 0


def test_new_account_has_the_59_default_categories(lite):
    assert lite.page("expenses/categories")["total"] == 59


def test_journal_accounts_need_their_second_page_and_show_balances_by_natural_side(api):
    api.sent("100.00")

    first = api.page("journal_entry_accounts/journal_entry_accounts")
    rows = api.list("journal_entry_accounts/journal_entry_accounts", per_page="100")

    assert (first["per_page"], first["pages"]) == (15, 2)
    revenue = next(row for row in rows if row["account_number"] == "4000")
    assert (revenue["balance"], revenue["sub_accounts"][0]["balance"]) == ("100.00", "100.00")
    assert revenue["sub_accounts"][0]["account_sub_name"] == "Sales"


def test_account_charts_say_what_a_bookkeeper_would_map(remote):
    for slug, chart in CHARTS.items():
        made = remote.control("create_business", {"chart": slug})
        assert {key for key, id_ in made["expected"].items() if id_} == {
            key for key, name in chart.expected.items() if name
        }
        assert all(made["expected_categories"][key] for key, name in chart.categories.items() if name)


# Reports


def test_reports_agree_with_the_books(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "90.00")
    api.post(EXPENSES, api.expense("12.75"))

    rows = api.business("GET", "reports/chart_of_accounts", use_ledger_entries="true").json["response"]["result"]
    profit = api.page("reports/accounting/profitloss_entity")["profitloss_entity"]
    collected = api.page("reports/accounting/payments_collected")["payments_collected"]

    cash = next(row for row in rows["journal_entry_accounts"] if row["account_name"] == "Cash")
    assert cash["balance"] == cash["sub_accounts"][0]["balance"] == "77.250"
    assert [each["total"]["amount"] for each in (*profit["income"], *profit["expenses"])] == ["100.00", "12.75"]
    assert collected["totals"] == [{"amount": "90.00", "code": "USD"}]


def test_chart_of_accounts_keeps_to_its_period_state_and_currency(api):
    api.sent("100.00", create_date="2026-10-31")
    api.do("archive_account", id="Amazon Lending")

    def revenue(**query):
        rows = api.business("GET", "reports/chart_of_accounts", **query).json["response"]["result"]
        return {row["account_name"]: row["balance"] for row in rows["journal_entry_accounts"]}

    assert revenue(start_date="2026-10-01", end_date="2026-10-31")["Revenue"] == "100.000"
    assert revenue(start_date="2026-11-01")["Revenue"] == "0.000"
    assert revenue(currency_code="EUR")["Revenue"] == "0.000"
    assert "Amazon Lending" not in revenue(state="active")


# Closed books, and people


def test_closed_books_refuse_and_lock(api):
    invoice = api.sent()
    api.do("close_books", date="2026-11-10")

    assert api.get(INVOICES, invoice["id"])["lock_status"] == "locked"
    assert api.put(INVOICES, invoice["id"], {"notes": "x"}) == 1004
    assert api.post(EXPENSES, api.expense("1.00", date="2026-11-01")) == 1004
    journal = api.journal((CLEARING, "1"), (SALES, "-1"), user_entered_date="2026-11-10")
    assert api.post(JOURNALS, journal) == 1004
    api.do("close_books", date=None)
    assert api.put(INVOICES, invoice["id"], {"notes": "x"})["notes"] == "x"


def test_person_edits_pays_and_deletes_by_hand(api):
    invoice, other = api.sent("100.00"), api.sent("40.00")

    edited = api.do("edit", kind="invoice", id=invoice["id"], changes={"lines": api.invoice("90.00")["lines"]})
    api.do("mark_paid", id=invoice["id"])
    api.do("delete", kind="invoice", id=other["id"])

    seen = api.get(INVOICES, invoice["id"])
    assert (seen["v3_status"], seen["amount"]["amount"]) == ("paid", "90.00")
    assert (edited["lines"][0]["amount"]["amount"], seen["version"] > invoice["version"]) == ("90.00", True)
    assert (api.balance("Petty Cash"), api.balance("Accounts Receivable")) == (90, 0)


def test_bank_reconciliation_moves_money_on(api):
    api.post(EXPENSES, api.expense("12.75"))

    moved = {"from": "Cash:Mercury Checking 7741", "to": "Petty Cash", "amount": "12.75", "date": "2026-11-15"}
    api.do("transfer", **moved)

    assert (api.balance("Petty Cash"), api.balance("Cash:Mercury Checking 7741")) == (0, Decimal("-12.75"))
    assert {each["detail_type"] for each in api.details("Cash:Petty Cash")} == {"expense", "bank_transfer"}


def test_person_cannot_break_the_rules_of_the_books(api):
    invoice = api.sent("100.00")
    api.pay(invoice, "10.00")

    with pytest.raises(ValueError, match="cannot be deleted"):
        api.do("delete", kind="invoice", id=invoice["id"])
