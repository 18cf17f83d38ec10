"""What nobody could settle: each setting of each switch that no other test meets."""

from decimal import Decimal
from pathlib import Path

import pytest

from ledgers.freshbooks.sandbox.switches import SWITCHES

from .conftest import CLEARING, SALES

INVOICES, PAYMENTS, EXPENSES = "invoices/invoices", "payments/payments", "expenses/expenses"
CLIENTS, CREDITS, JOURNALS = "users/clients", "credit_notes/credit_notes", "journal_entries/journal_entries"


@pytest.mark.parametrize("switch", SWITCHES, ids=lambda each: each.name)
def test_every_switch_is_met_by_a_test(switch):
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))

    assert f'switches["{switch.name}"]' in tests


def test_number_of_a_deleted_invoice_may_be_free_or_any_number_may(api):
    gone = api.post(INVOICES, api.invoice(invoice_number="1"))
    api.put(INVOICES, gone["id"], {"vis_state": 1})
    api.remote.switches["duplicate_invoice_number"] = "refused_unless_deleted"
    again, twice = (api.post(INVOICES, api.invoice(invoice_number="1")) for _ in range(2))
    api.remote.switches["duplicate_invoice_number"] = "accepted"

    assert (again["invoice_number"], twice) == ("1", 1004)
    assert api.post(INVOICES, api.invoice(invoice_number="1"))["invoice_number"] == "1"


def test_creating_call_may_send_at_once(api):
    ignored = api.post(INVOICES, api.invoice(action_mark_as_sent=True))
    api.remote.switches["create_with_status"] = "honoured"

    assert ignored["status"] == 1
    assert api.post(INVOICES, api.invoice(status=2))["status"] == 2
    assert api.balance("Accounts Receivable") == 100


def test_negative_lines_may_be_refused_and_negative_totals_accepted(api):
    api.remote.switches["negative_total"] = "accepted"
    made = api.sent("10.00", "-15.00")
    api.remote.switches["negative_lines"] = "refused"

    assert (made["amount"]["amount"], api.balance("Accounts Receivable")) == ("-5.00", -5)
    assert api.post(INVOICES, api.invoice("10.00", "-5.00")) == 1004


def test_payment_of_a_draft_may_send_it(api):
    api.remote.switches["payment_on_draft"] = "sends"
    draft = api.post(INVOICES, api.invoice())

    api.pay(draft, "40.00")

    assert api.get(INVOICES, draft["id"])["v3_status"] == "partial"
    assert (api.balance("Revenue"), api.balance("Accounts Receivable")) == (-100, 60)


def test_deleting_an_invoice_may_take_its_payments_along(api):
    api.remote.switches["delete_paid_invoice"] = "deletes_payments"
    invoice = api.sent("100.00")
    paid = api.pay(invoice, "130.00")

    api.put(INVOICES, invoice["id"], {"vis_state": 1})

    assert api.get(PAYMENTS, paid["id"])["vis_state"] == 1
    assert api.list(CREDITS) == []
    assert api.remote.books(api.account).trial_balance() == {}


def test_second_client_with_an_address_may_be_refused(api):
    api.post(CLIENTS, {"email": "a@example.com"})
    accepted = api.post(CLIENTS, {"email": "a@example.com"})
    api.remote.switches["duplicate_client_email"] = "refused"

    assert accepted["email"] == "a@example.com"
    assert api.post(CLIENTS, {"email": "a@example.com"}) == 1004


def test_negative_expense_may_be_accepted(api):
    api.remote.switches["negative_expense"] = "accepted"

    api.post(EXPENSES, api.expense("-9.00"))

    assert (api.balance("Petty Cash"), api.balance("Operating Expenses:Commissions")) == (9, -9)


def test_single_credit_note_may_have_a_singular_key(api):
    api.remote.switches["credit_note_key"] = "credit_note"
    body = {"clientid": api.client, "create_date": "2026-11-10"}

    result = api.send("POST", CREDITS, {"credit_notes": body}).json["response"]["result"]

    assert list(result) == ["credit_note"]


def test_closed_books_may_accept_all_the_same(api):
    api.do("close_books", date="2026-11-15")
    api.remote.switches["closed_books"] = "accepted"

    assert api.sent()["lock_status"] == "locked"


def test_edited_document_may_leave_its_reversal_behind(api):
    api.remote.switches["edited_entries"] = "reversed"
    invoice = api.sent("10.00")
    api.put(INVOICES, invoice["id"], {"notes": "nothing that is posted changes"})

    api.put(INVOICES, invoice["id"], {"lines": api.invoice("12.00")["lines"]})
    edited = [each["balance"]["amount"] for each in api.details("Revenue")]
    api.put(INVOICES, invoice["id"], {"vis_state": 1})
    deleted = [each["balance"]["amount"] for each in api.details("Revenue")]

    assert edited == ["12.00", "-10.00", "10.00"]
    assert deleted == ["-12.00", "12.00", "-10.00", "10.00"]
    assert api.remote.books(api.account).trial_balance() == {}


def test_known_journal_call_may_be_closed_where_accounts_are_flexible(api):
    api.remote.switches["legacy_journal_on_flexible"] = "closed"

    assert api.post(JOURNALS, api.journal((CLEARING, "1"), (SALES, "-1"))) == 1003


def test_unbalanced_journal_entry_may_be_a_400(api):
    body = {"journal_entry": api.journal((CLEARING, "1"), (SALES, "-2"))}
    usual = api.send("POST", JOURNALS, body).status_code
    api.remote.switches["journal_unbalanced_status"] = "400"

    assert (usual, api.send("POST", JOURNALS, body).status_code) == (422, 400)


def test_accounts_a_user_made_may_hide_their_names_and_balances(api):
    api.post(JOURNALS, api.journal((CLEARING, "5"), ("Cash:Petty Cash", "-5")))
    api.remote.switches["custom_sub_account_names"] = "uuids"
    api.remote.switches["account_balances"] = "stale"

    rows = api.list("journal_entry_accounts/journal_entry_accounts", per_page="100")

    subs = {each["sub_accountid"]: each for row in rows for each in row["sub_accounts"]}
    clearing, petty = (subs[api.made["accounts"][name]] for name in (CLEARING, "Cash:Petty Cash"))
    assert (len(clearing["account_sub_name"]), clearing["custom"], clearing["balance"]) == (36, True, "0.00")
    assert (petty["account_sub_name"], petty["custom"], petty["balance"]) == ("Petty Cash", False, "0.00")
    assert api.balance(CLEARING) == Decimal(5)


def test_new_expense_account_may_be_no_category(api):
    api.remote.switches["new_account_is_category"] = "never"
    new = {"name": "Amazon Vine", "sub_type": "Operating Expense", "parent_account": None}

    made = api.business("POST", "ledger_accounts/accounts", new).json["data"]

    assert made["category_id"] is None
    assert "Amazon Vine" not in [each["category"] for each in api.list("expenses/categories", per_page="100")]


def test_plan_without_journal_entries_may_not_even_read_them(lite):
    path = "journal_entries/journal_entry_details"
    usual = (lite.send("GET", path).status_code, lite.business("GET", "reports/chart_of_accounts").status_code)
    lite.remote.switches["lite_reads"] = "refused"

    assert usual == (200, 200)
    assert lite.send("GET", path).status_code == 403
    assert lite.send("GET", "journal_entry_accounts/journal_entry_accounts").status_code == 403
    assert lite.business("GET", "reports/chart_of_accounts").status_code == 403
    assert lite.business("GET", "ledger_accounts/accounts").status_code == 403
    assert lite.page("reports/accounting/profitloss_entity")
