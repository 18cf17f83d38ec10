"""Bank transactions, expenses, locks, archives, the ledger's own reports (sheet §5, §7)."""

from decimal import Decimal

import pytest

from .conftest import in_currency

CLEARING, BANK, SALES, FEES = "Amazon Clearing US (USD)", "Business Checking", "Amazon Sales", "Amazon Selling Fees"
EUROS, POUNDS = "Amazon Clearing DE (EUR)", "Barclays Current"


# Bank transactions


def test_transfer_moves_and_its_delete_moves_back(api):
    made = api.post("banktransactions", api.transfer(CLEARING, BANK, Decimal("20.01"), reference_number="AMZ-1-P"))
    moved = api.balance(CLEARING), api.balance(BANK)
    api.delete(f"banktransactions/{made['banktransaction']['transaction_id']}")

    assert moved == (Decimal("-20.01"), Decimal("20.01"))
    assert (api.balance(CLEARING), api.balance(BANK)) == (0, 0)


@pytest.mark.parametrize(
    ("kind", "source", "target"),
    [
        ("deposit", SALES, BANK),
        ("card_payment", BANK, "Business Visa"),
        ("sales_without_invoices", SALES, BANK),
        ("expense_refund", FEES, BANK),
        ("owner_contribution", "Owner's Equity", BANK),
        ("interest_income", "Interest Income", BANK),
        ("other_income", "Amazon Reimbursements", BANK),
        ("owner_drawings", BANK, "Drawings"),
        ("sales_return", BANK, SALES),
        ("refund", FEES, "Business Visa"),
    ],
)
def test_each_type_takes_from_one_and_gives_to_the_other(api, kind, source, target):
    api.post("banktransactions", api.transfer(source, target, 9, transaction_type=kind))

    assert (api.balance(source), api.balance(target)) == (-9, 9)


def test_transfer_joins_banks_and_cards_unless_switched_wider(api):
    body = api.transfer(CLEARING, "Amazon Payouts in Transit", 5)
    refused = api.code("POST", "banktransactions", body)
    api.remote.switches["transfer_account_types"] = "balance_sheet"

    assert (refused, api.code("POST", "banktransactions", body)) == (4, 0)
    assert api.code("POST", "banktransactions", api.transfer(CLEARING, SALES, 5)) == 4
    assert api.code("POST", "banktransactions", api.transfer(CLEARING, CLEARING, 5)) == 12000
    assert api.code("POST", "banktransactions", api.transfer(CLEARING, BANK, 0)) == 4
    assert api.code("POST", "banktransactions", api.transfer(CLEARING, BANK, 5, transaction_type="expense")) == 4


@pytest.mark.parametrize(("setting", "euros", "pounds"), [("foreign", 100, -80), ("from_account", 125, -100)])
def test_amount_of_a_mixed_transfer_is_in_the_currency_switched(foreign, setting, euros, pounds):
    foreign.remote.switches["transfer_amount_currency"] = setting

    foreign.post("banktransactions", foreign.transfer(POUNDS, EUROS, 100, exchange_rate=Decimal("0.8")))

    assert foreign.balance_in(EUROS, "EUR") == euros
    assert foreign.balance(POUNDS) == pounds


def test_transfer_between_two_foreign_currencies_is_refused(foreign):
    assert foreign.code("POST", "banktransactions", foreign.transfer(EUROS, CLEARING, 5)) == 12000
    assert foreign.code("POST", "banktransactions", foreign.transfer(EUROS, "Wise EUR", 5)) == 0
    assert (
        foreign.code("POST", "banktransactions", foreign.transfer(EUROS, POUNDS, 5, **in_currency(foreign, "USD")))
        == 12000
    )


def test_charges_are_kept_back_from_what_arrives(foreign):
    foreign.post(
        "banktransactions", foreign.transfer(EUROS, POUNDS, 100, bank_charges=10, exchange_rate=Decimal("0.85"))
    )

    assert (foreign.balance(POUNDS), foreign.balance("Bank Fees and Charges")) == (Decimal("76.5"), Decimal("8.5"))


def test_matched_transaction_stays_until_it_is_unmatched(api):
    made = api.post("banktransactions", api.transfer(CLEARING, BANK, 5))["banktransaction"]
    path = f"banktransactions/{made['transaction_id']}"
    api.control("match", id=made["transaction_id"])
    refused = api.code("DELETE", path), api.code("PUT", path, {"amount": 6})
    api.control("unmatch", id=made["transaction_id"])

    assert refused == (12000, 12000)
    assert api.code("PUT", path, {"amount": 6}) == 0
    assert api.balance(BANK) == 6


# Expenses


def test_expense_takes_the_currency_of_what_pays_it_and_rate_1_if_none_is_known(g1):
    body = {"account_id": g1.account(FEES), "paid_through_account_id": g1.account("Amazon Clearing UK (GBP)"),
            "date": "2026-11-10", "amount": 10}  # fmt: skip

    made = g1.post("expenses", body)["expense"]

    assert (made["currency_code"], made["exchange_rate"], made["bcy_total"]) == ("GBP", 1, 10)
    assert g1.balance(FEES) == 10
    assert g1.code("POST", "expenses", {**body, "description": "x" * 101}) == 15
    assert g1.code("POST", "expenses", {**body, "amount": 0}) == 4
    assert g1.code("POST", "expenses", {**body, "paid_through_account_id": ""}) == 4


def test_expense_changes_and_goes(api):
    body = {"account_id": api.account(FEES), "paid_through_account_id": api.account(CLEARING),
            "date": "2026-11-10", "amount": 10}  # fmt: skip
    made = api.post("expenses", body)["expense"]
    api.put(f"expenses/{made['expense_id']}", {"amount": 12})
    changed = api.balance(FEES)
    api.delete(f"expenses/{made['expense_id']}")

    assert (changed, api.balance(FEES)) == (12, 0)


# Locks and archives


@pytest.mark.parametrize("module", ["all", "accountant", "sales", "banking", "purchase"])
def test_locked_period_refuses_writes_of_its_module(api, module):
    api.remote.switches["locked_code"] = 88
    bodies = {
        "accountant": ("journals", api.journal((CLEARING, 5), (SALES, -5))),
        "sales": ("invoices", api.invoice(5)),
        "banking": ("banktransactions", api.transfer(CLEARING, BANK, 5)),
        "purchase": ("expenses", {"account_id": api.account(FEES), "paid_through_account_id": api.account(CLEARING),
                                  "date": "2026-11-10", "amount": 5}),
    }  # fmt: skip
    api.control("lock", date="2026-11-14", module=module)

    codes = {name: api.code("POST", path, body) for name, (path, body) in bodies.items()}
    lock = api.get("transactionlock")["transaction_lock"]
    api.control("unlock")

    assert codes == {name: 88 if module in ("all", name) else 0 for name in bodies}
    assert (lock["transaction_lock_status"], lock["transaction_lock_date"]) == ("enabled", "2026-11-14")
    assert api.get("transactionlock")["transaction_lock"]["transaction_lock_status"] == "disabled"
    assert {api.code("POST", path, body) for path, body in bodies.values()} == {0}


def test_lock_holds_what_is_dated_on_its_day_and_lets_the_next_go(api):
    made = api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))["journal"]
    invoice, path = api.invoiced(10), f"journals/{made['journal_id']}"
    paid = api.post("customerpayments", api.payment(10, (invoice, 10)))["payment"]
    api.control("lock", date="2026-11-12")

    refused = [
        api.code("DELETE", path),
        api.code("PUT", path, {"journal_date": "2026-11-13"}),
        api.code("POST", f"invoices/{invoice['invoice_id']}/status/void"),
        api.code("DELETE", f"customerpayments/{paid['payment_id']}"),
    ]

    assert refused == [12087] * 4
    assert api.code("POST", "journals", api.journal((CLEARING, 5), (SALES, -5), journal_date="2026-11-13")) == 0


def test_archived_account_item_and_contact_are_refused_until_restored(api):
    item = next(iter(api.made["items"].values()))
    line = {"item_id": item, "rate": 1}
    for kind, id_, path, body in (
        ("account", api.account(FEES), "journals", api.journal((FEES, 5), (SALES, -5))),
        ("item", item, "invoices", {**api.invoice(), "line_items": [line]}),
        ("contact", api.contact(), "invoices", api.invoice()),
    ):
        api.control("archive", kind=kind, id=id_)
        refused = api.code("POST", path, body)
        api.control("restore", kind=kind, id=id_)

        assert (kind, refused, api.code("POST", path, body)) == (kind, 12086, 0)


def test_account_or_item_a_user_deleted_is_1002_or_2006(api):
    item = next(iter(api.made["items"].values()))
    api.control("delete", kind="item", id=item)
    api.control("delete", kind="account", id=api.account(FEES))

    assert api.code("POST", "invoices", {**api.invoice(), "line_items": [{"item_id": item, "rate": 1}]}) == 2006
    assert api.code("PUT", f"items/{item}", {"rate": 1}) == 2006
    assert api.code("GET", f"items/{item}") == 1002
    assert api.code("POST", "journals", api.journal((FEES, 5), (SALES, -5))) == 1002


# The ledger's own reports


def test_journal_view_shows_the_lines_a_document_made(api):
    invoice = api.invoiced(100)
    draft = api.invoiced(5, sent=False)
    paid = api.post("customerpayments", api.payment(100, (invoice, 100)))["payment"]
    moved = api.post("banktransactions", api.transfer(CLEARING, BANK, 7))["banktransaction"]

    def lines(id_, kind):
        found = api.get(f"transactions/{id_}/journals", entity_type=kind, report_basis="accrual")["journal"]
        return [(each["account_name"], each["debit_or_credit"], each["bcy_amount"]) for each in found["line_items"]]

    assert lines(invoice["invoice_id"], "invoice") == [
        ("Accounts Receivable", "debit", 100), (SALES, "credit", 100),
    ]  # fmt: skip
    assert lines(draft["invoice_id"], "invoice") == []
    assert lines(paid["payment_id"], "customer_payment") == [
        (CLEARING, "debit", 100), ("Accounts Receivable", "credit", 100),
    ]  # fmt: skip
    assert lines(moved["transaction_id"], "transfer_fund") == [(BANK, "debit", 7), (CLEARING, "credit", 7)]
    assert api.code("GET", f"transactions/{paid['payment_id']}/journals", entity_type="invoice") == 1002
    assert api.code("GET", f"transactions/{paid['payment_id']}/journals", entity_type="bill") == 2
    assert api.code("GET", f"transactions/{paid['payment_id']}/journals") == 2


def test_account_reports_agree_with_the_books(api):
    api.post("journals", api.journal((CLEARING, 50), (SALES, -50)))
    api.post("banktransactions", api.transfer(CLEARING, BANK, 20))
    id_ = api.account(CLEARING)

    rows = api.get("chartofaccounts/accounttransactions", account_id=id_, date_start="2026-11-01")["transactions"]
    register = api.get(f"registers/{id_}/transactions")["register_transactions"]
    account = api.get("chartofaccounts", showbalance="true", account_name=CLEARING)["chartofaccounts"][0]

    assert sorted((each["debit_or_credit"], each["debit_amount"], each["credit_amount"]) for each in rows) == [
        ("credit", "", 20), ("debit", 50, ""),
    ]  # fmt: skip
    assert register["gl_closing_balance"] == account["current_balance"] == 30
    assert api.get(f"bankaccounts/{id_}")["bankaccount"]["balance"] == 30
    assert api.get(f"bankaccounts/{id_}/balance")["balance"] == 30
    assert api.code("GET", "chartofaccounts/accounttransactions") == 4
    assert (
        api.get(f"registers/{id_}/transactions", from_date="2026-11-12")["register_transactions"][
            "account_transactions"
        ][0]["credit_amount"]
        == 20
    )
