"""Documents and what they do to the books."""

from decimal import Decimal

import pytest

BANK, CLEARING, SALES = "Chase Operating x4417", "AMZ US Settlement Clearing", "Product Revenue:Amazon US"
FEES, DISCOUNT, LOAN = "Merchant Fees:AMZ Referral Fees", "Sales Discounts & Coupons", "Amazon Lending"


def test_invoice_debits_the_receivable_and_credits_the_item_account(api):
    made = api.post("Invoice", api.invoice("70.00", "30.50", DocNumber="114-0000001-0000001"))

    assert (made["TotalAmt"], made["Balance"], made["SyncToken"]) == (Decimal("100.50"), Decimal("100.50"), "0")
    assert made["Line"][-1]["DetailType"] == "SubTotalLineDetail"
    assert made["CustomerRef"]["name"] == "Amazon.com (USD)"
    assert (api.balance("A/R - Wholesale"), api.balance(SALES)) == (Decimal("100.50"), Decimal("-100.50"))


def test_negative_line_is_allowed_while_the_total_is_not_negative(api):
    made = api.post("Invoice", api.invoice("70.00", "-20.00"))
    refused = api.post("Invoice", api.invoice("20.00", "-20.01"))

    assert made["TotalAmt"] == 50
    assert refused == "6000"


def test_refused_document_leaves_no_trace(api):
    api.post("Invoice", api.invoice("20.00", "-20.01"))

    assert api.remote.books(api.realm).trial_balance() == {}
    assert api.query("select count(*) from Invoice") == {"totalCount": 0}


def test_payment_closes_the_invoice_and_both_show_the_link(api):
    invoice = api.post("Invoice", api.invoice("100.00"))

    paid = api.post("Payment", api.payment(100, (invoice, 100), DepositToAccountRef=api.account(CLEARING)))

    invoice = api.get("Invoice", invoice["Id"])
    assert (invoice["Balance"], paid["UnappliedAmt"]) == (0, 0)
    assert invoice["LinkedTxn"] == [{"TxnId": paid["Id"], "TxnType": "Payment"}]
    assert paid["Line"][0]["LinkedTxn"] == [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]
    assert (api.balance(CLEARING), api.balance("A/R - Wholesale")) == (100, 0)


def test_payment_goes_to_undeposited_funds_when_no_account_is_named(api):
    api.post("Payment", api.payment(40))

    assert api.balance("Undeposited Funds") == 40


def test_more_than_the_open_balance_cannot_be_applied(api):
    invoice = api.post("Invoice", api.invoice("100.00"))

    assert api.post("Payment", api.payment(150, (invoice, 150))) == "6000"


def test_invoice_of_another_customer_cannot_be_paid(api):
    invoice = api.post("Invoice", api.invoice("100.00", CustomerRef=api.customer("Somebody")))

    assert api.post("Payment", api.payment(100, (invoice, 100))) == "620"


def test_changed_payment_releases_what_it_settled(api):
    one, two = (api.post("Invoice", api.invoice("100.00")) for _ in range(2))
    paid = api.post("Payment", api.payment(100, (one, 100)))

    changed = {**api.payment(100, (two, 60)), "Id": paid["Id"], "SyncToken": paid["SyncToken"], "sparse": True}
    paid = api.post("Payment", changed)

    assert paid["UnappliedAmt"] == 40
    assert [api.get("Invoice", each["Id"])["Balance"] for each in (one, two)] == [100, 40]


def test_journal_entry_posts_as_given_and_its_lines_start_at_zero(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 80), (FEES, 20), (SALES, -100), DocNumber="AMZ-180-1"))

    assert [line["Id"] for line in made["Line"]] == ["0", "1", "2"]
    assert made["TxnTaxDetail"] == {}
    assert (api.balance(CLEARING), api.balance(FEES), api.balance(SALES)) == (80, 20, -100)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda entry: entry.update(Line=[]), "2250"),
        (lambda entry: entry["Line"][0]["JournalEntryLineDetail"].pop("PostingType"), "2260"),
        (lambda entry: entry["Line"][0].pop("Amount"), "2270"),
        (lambda entry: entry["Line"][0].update(Amount=-80), "2290"),
        (lambda entry: entry["Line"][0].update(Amount=Decimal("80.01")), "2300"),
        (lambda entry: entry["Line"][0].update(Amount=Decimal("80.001")), "2090"),
        (lambda entry: entry["Line"][0].update(Amout=80), "2010"),
        (lambda entry: entry["Line"][0]["JournalEntryLineDetail"].update(AccountRef={"value": "999"}), "2500"),
        (lambda entry: entry["Line"][0]["JournalEntryLineDetail"].update(PostingType="Dr"), "2170"),
        (lambda entry: entry.update(DocNumber="x" * 22), "2050"),
        (lambda entry: entry.update(TxnDate="2026-02-30"), "2060"),
    ],
)
def test_wrong_journal_entry_is_refused(api, change, code):
    entry = api.journal((CLEARING, 80), (SALES, -80))
    change(entry)

    assert api.post("JournalEntry", entry) == code


def test_receivable_line_of_a_journal_entry_needs_a_customer(api):
    entry = api.journal(("A/R - Wholesale", 80), (SALES, -80))
    without = api.post("JournalEntry", entry)
    entry["Line"][0]["JournalEntryLineDetail"]["Entity"] = {"Type": "Customer", "EntityRef": api.customer()}

    assert without == "6000"
    assert api.post("JournalEntry", entry)["TotalAmt"] == 80


def test_two_receivable_lines_follow_their_switch(api):
    entry = api.journal(("A/R - Wholesale", 80), ("A/R - Wholesale", 20), (SALES, -100))
    for line in entry["Line"][:2]:
        line["JournalEntryLineDetail"]["Entity"] = {"Type": "Customer", "EntityRef": api.customer()}

    refused = api.post("JournalEntry", entry)
    api.remote.switches["je_multiple_ar_ap_lines"] = "accept"

    assert refused == "6000"
    assert api.post("JournalEntry", entry)["TotalAmt"] == 100


def test_journal_entry_numbers_may_repeat(api):
    first = api.post("JournalEntry", api.journal((CLEARING, 1), (SALES, -1), DocNumber="AMZ-1-1"))
    second = api.post("JournalEntry", api.journal((CLEARING, 1), (SALES, -1), DocNumber="AMZ-1-1"))

    assert first["Id"] != second["Id"]


def test_transfer_moves_between_balance_sheet_accounts_only(api):
    body = {"FromAccountRef": api.account(CLEARING), "ToAccountRef": api.account(BANK), "Amount": Decimal("20.01")}

    made = api.post("Transfer", {**body, "TxnDate": "2026-11-14"})

    assert made["Amount"] == Decimal("20.01")
    assert (api.balance(BANK), api.balance(CLEARING)) == (Decimal("20.01"), Decimal("-20.01"))
    assert api.post("Transfer", {**body, "ToAccountRef": api.account(SALES)}) == "6000"
    assert api.post("Transfer", {**body, "Amount": 0}) == "6000"


def test_purchase_on_a_card_and_its_credit(api):
    line = {
        "Amount": 30,
        "DetailType": "AccountBasedExpenseLineDetail",
        "AccountBasedExpenseLineDetail": {"AccountRef": api.account("PPC - Amazon Sponsored")},
    }
    body = {"AccountRef": api.account("Amex Plum x1003"), "PaymentType": "CreditCard", "Line": [line]}

    api.post("Purchase", body)
    api.post("Purchase", {**body, "Credit": True, "Line": [{**line, "Amount": 10}]})

    assert (api.balance("PPC - Amazon Sponsored"), api.balance("Amex Plum x1003")) == (20, -20)


# Deposits


def test_deposit_of_direct_lines_takes_either_sign_and_nets_to_the_bank(api):
    made = api.post("Deposit", api.deposit((SALES, 100), (FEES, -15), (CLEARING, Decimal("-5.50"))))

    assert made["TotalAmt"] == Decimal("79.50")
    assert (api.balance(BANK), api.balance(SALES), api.balance(FEES)) == (Decimal("79.50"), -100, 15)
    assert api.balance(CLEARING) == Decimal("5.50")


def test_negative_deposit_is_refused_and_zero_follows_its_switch(api):
    negative = api.post("Deposit", api.deposit((SALES, 10), (FEES, -15)))
    zero = api.post("Deposit", api.deposit((SALES, 15), (FEES, -15)))
    api.remote.switches["deposit_zero_total"] = "reject"

    assert negative == "6000"
    assert zero["TotalAmt"] == 0
    assert api.post("Deposit", api.deposit((SALES, 15), (FEES, -15))) == "6000"


@pytest.mark.parametrize(
    ("setting", "bank", "liability"),
    [("documented", "no", "no"), ("documented+bank", "yes", "no"), ("documented+bank+liabilities", "yes", "yes")],
)
def test_account_types_of_a_deposit_line_follow_their_switch(api, setting, bank, liability):
    api.remote.switches["deposit_line_account_types"] = setting

    on_bank = api.post("Deposit", api.deposit(("Wise Multi-Currency", 10)))
    on_liability = api.post("Deposit", api.deposit((LOAN, 10)))

    assert ("no" if on_bank == "6000" else "yes", "no" if on_liability == "6000" else "yes") == (bank, liability)


def test_linked_line_takes_the_whole_payment_whatever_amount_is_given(api):
    paid = api.post("Payment", api.payment(40))

    made = api.post("Deposit", api.deposit(paid, (FEES, -3)))

    assert made["TotalAmt"] == 37
    assert "Id" not in made["Line"][0]
    assert (api.balance(BANK), api.balance("Undeposited Funds")) == (37, 0)
    assert api.get("Payment", paid["Id"])["LinkedTxn"] == [{"TxnId": made["Id"], "TxnType": "Deposit"}]


def test_linked_line_with_a_detail_type_asks_for_an_account(api):
    paid = api.post("Payment", api.payment(40))
    body = api.deposit(paid)
    body["Line"][0]["DetailType"] = "DepositLineDetail"

    assert api.post("Deposit", body) == "2020"


def test_only_undeposited_funds_can_be_linked_and_only_once(api):
    elsewhere = api.post("Payment", api.payment(40, DepositToAccountRef=api.account(CLEARING)))
    paid = api.post("Payment", api.payment(40))
    api.post("Deposit", api.deposit(paid))

    assert api.post("Deposit", api.deposit(elsewhere)) == "6000"
    assert api.post("Deposit", api.deposit(paid)) == "6000"


def test_deposited_payment_is_frozen_until_the_deposit_goes(api):
    paid = api.post("Payment", api.payment(40))
    deposit = api.post("Deposit", api.deposit(paid))
    paid = api.get("Payment", paid["Id"])
    token = {"Id": paid["Id"], "SyncToken": paid["SyncToken"]}

    frozen = [
        api.post("Payment", token, operation="delete"),
        api.post("Payment", {**token, "sparse": True}, operation="update", include="void"),
        api.post("Payment", {**token, "sparse": True, "PrivateNote": "x"}),
    ]
    api.post("Deposit", {"Id": deposit["Id"], "SyncToken": deposit["SyncToken"]}, operation="delete")

    assert frozen == ["6540"] * 3
    released = api.get("Payment", paid["Id"])
    assert released["LinkedTxn"] == []
    assert api.balance("Undeposited Funds") == 40


# Sales documents beside invoices


def test_sales_receipt_refund_receipt_and_credit_memo(api):
    api.post("SalesReceipt", api.invoice(50, DepositToAccountRef=api.account(CLEARING)))
    api.post("RefundReceipt", api.invoice(20, DepositToAccountRef=api.account(CLEARING)))
    memo = api.post("CreditMemo", api.invoice(5))

    assert api.balance(CLEARING) == 30
    assert memo["RemainingCredit"] == 5
    assert api.balance("A/R - Wholesale") == -5
    assert api.balance(SALES) == -25


def test_credit_memo_is_applied_through_a_payment_of_nothing(api):
    invoice, memo = api.post("Invoice", api.invoice(50)), api.post("CreditMemo", api.invoice(50))
    body = api.payment(0, (invoice, 50))
    body["Line"].append({"Amount": 50, "LinkedTxn": [{"TxnId": memo["Id"], "TxnType": "CreditMemo"}]})

    api.post("Payment", body)

    assert api.get("Invoice", invoice["Id"])["Balance"] == 0
    assert api.get("CreditMemo", memo["Id"])["Balance"] == 0


def test_amount_must_be_quantity_times_price(api):
    body = api.invoice(10)
    body["Line"][0]["SalesItemLineDetail"] |= {"Qty": 3, "UnitPrice": Decimal("3.33")}

    assert api.post("Invoice", body) == "6070"


def test_tax_code_is_tax_or_non(api):
    body = api.invoice(10)
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = {"value": "7"}

    assert api.post("Invoice", body) == "6100"


def test_automated_sales_tax_is_added_to_taxable_lines_only(api):
    api.remote.control("set_preferences", {"realm": api.realm, "preferences": {"TaxPrefs": {"UsingSalesTax": True}}})
    body = api.invoice(100, 50)
    body["Line"][0]["SalesItemLineDetail"]["TaxCodeRef"] = {"value": "TAX"}

    assert api.post("Invoice", body)["TotalAmt"] == Decimal("158.25")
    assert api.balance("Sales Tax Liability") == Decimal("-8.25")


# Numbers


def test_number_is_the_next_of_the_sequence_unless_the_company_has_its_own(api):
    automatic = api.post("Invoice", api.invoice())
    api.remote.control(
        "set_preferences", {"realm": api.realm, "preferences": {"SalesFormsPrefs": {"CustomTxnNumbers": True}}}
    )
    none = api.post("Invoice", api.invoice())
    forced = api.post("Invoice", api.invoice(DocNumber="AUTO_GENERATE"))

    assert (automatic["DocNumber"], none.get("DocNumber"), forced["DocNumber"]) == ("1001", None, "1002")


def test_repeated_number_is_refused_only_while_the_company_warns(api):
    api.post("Invoice", api.invoice(DocNumber="114-1"))
    repeated = api.post("Invoice", api.invoice(DocNumber="114-1"))
    allowed = api.post("Invoice", api.invoice(DocNumber="114-1"), include="allowduplicatedocnum")
    api.remote.switches["dup_number_warning"] = "off"

    assert repeated == "6140"
    assert allowed["DocNumber"] == "114-1"
    assert api.post("Invoice", api.invoice(DocNumber="114-1"))["DocNumber"] == "114-1"


# Void, delete, stale


def test_voided_invoice_keeps_its_lines_without_amounts(api):
    made = api.post("Invoice", api.invoice(100, PrivateNote="ref:abc"))

    voided = api.post("Invoice", {"Id": made["Id"], "SyncToken": "0"}, operation="void")

    assert (voided["TotalAmt"], voided["Balance"], voided["SyncToken"]) == (0, 0, "1")
    assert voided["PrivateNote"] == "Voided - ref:abc"
    assert voided["Line"][0]["Amount"] == 0
    assert api.remote.books(api.realm).trial_balance() == {}


def test_void_of_a_paid_invoice_leaves_the_payment_unapplied(api):
    invoice = api.post("Invoice", api.invoice(100))
    paid = api.post("Payment", api.payment(100, (invoice, 100)))
    current = api.get("Invoice", invoice["Id"])

    api.post("Invoice", {"Id": invoice["Id"], "SyncToken": current["SyncToken"]}, operation="void")

    assert api.get("Payment", paid["Id"])["UnappliedAmt"] == 100
    assert api.balance("A/R - Wholesale") == -100


def test_voided_payment_opens_its_invoice_again(api):
    invoice = api.post("Invoice", api.invoice(100))
    paid = api.post("Payment", api.payment(100, (invoice, 100)))

    voided = api.post(
        "Payment", {"Id": paid["Id"], "SyncToken": "0", "sparse": True}, operation="update", include="void"
    )

    assert voided["PrivateNote"].startswith("Voided")
    assert api.get("Invoice", invoice["Id"])["Balance"] == 100


@pytest.mark.parametrize("kind", ["Deposit", "JournalEntry"])
def test_deposit_and_journal_entry_cannot_be_voided(api, kind):
    body = api.journal((CLEARING, 5), (SALES, -5)) if kind == "JournalEntry" else api.deposit((SALES, 5))
    made = api.post(kind, body)

    assert api.post(kind, {"Id": made["Id"], "SyncToken": "0"}, operation="void") == "500"
    assert api.post(kind, {"Id": made["Id"], "SyncToken": "0"}, operation="delete") == {
        "Id": made["Id"],
        "domain": "QBO",
        "status": "Deleted",
    }
    assert api.get(kind, made["Id"]) == "610"
    assert api.remote.books(api.realm).trial_balance() == {}


def test_void_of_a_transfer_follows_its_switch(api):
    body = {"FromAccountRef": api.account(CLEARING), "ToAccountRef": api.account(BANK), "Amount": 5}
    made = api.post("Transfer", body)
    refused = api.post("Transfer", {"Id": made["Id"], "SyncToken": "0"}, operation="void")
    api.remote.switches["void_creditmemo_refund_purchase"] = "ok"

    assert refused == "500"
    assert api.post("Transfer", {"Id": made["Id"], "SyncToken": "0"}, operation="void")["Amount"] == 0
    assert api.balance(BANK) == 0


def test_stale_token_is_refused_and_a_payment_makes_the_invoice_stale(api):
    invoice = api.post("Invoice", api.invoice(100))
    api.post("Payment", api.payment(100, (invoice, 100)))

    assert api.post("Invoice", {"Id": invoice["Id"], "SyncToken": "0"}, operation="delete") == "5010"
    assert api.post("Invoice", {"Id": invoice["Id"]}, operation="delete") == "5010"


def test_full_update_clears_what_it_leaves_out_and_sparse_keeps_it(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5), PrivateNote="note"))
    token = {"Id": made["Id"], "SyncToken": "0"}

    kept = api.post("JournalEntry", {**token, "sparse": True, "DocNumber": "7"})
    cleared = api.post("JournalEntry", {**api.journal((CLEARING, 5), (SALES, -5)), **token, "SyncToken": "1"})

    assert (kept["PrivateNote"], kept["DocNumber"]) == ("note", "7")
    assert "PrivateNote" not in cleared


def test_change_of_nothing_keeps_the_token(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5), PrivateNote="note"))

    again = api.post("JournalEntry", {"Id": made["Id"], "SyncToken": "0", "sparse": True, "PrivateNote": "note"})

    assert again["SyncToken"] == "0"


def test_closed_period_blocks_every_change(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)))
    api.remote.control("close_books", {"realm": api.realm, "date": "2026-11-10"})

    assert api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5))) == "6200"
    assert api.post("JournalEntry", {"Id": made["Id"], "SyncToken": "0"}, operation="delete") == "6200"
    api.remote.control("close_books", {"realm": api.realm, "date": "2026-11-10", "password": True})
    assert api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5))) == "6210"


def test_reconciled_transaction_cannot_be_deleted(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)))
    api.remote.control("reconcile", {"realm": api.realm, "kind": "JournalEntry", "id": made["Id"]})

    assert api.post("JournalEntry", {"Id": made["Id"], "SyncToken": "0"}, operation="delete") == "6480"


# Lists


def test_name_is_unique_among_customers_and_vendors_together(api):
    assert api.post("Customer", {"DisplayName": "Amazon"}) == "6240"
    assert api.post("Customer", {"Notes": "nobody"}) == "6080"


def test_inactive_account_says_so_and_cannot_be_used(api):
    id_ = api.made["accounts"][FEES]
    api.remote.control("inactivate", {"realm": api.realm, "kind": "Account", "id": id_})

    assert api.get("Account", id_)["Name"] == "AMZ Referral Fees (deleted)"
    assert api.post("JournalEntry", api.journal((FEES, 5), (SALES, -5))) == "610"


def test_account_needs_a_type_and_a_name_of_its_own(api):
    assert api.post("Account", {"Name": "New"}) == "6010"
    assert api.post("Account", {"Name": "COGS", "AccountType": "Expense"}) == "6240"
    assert api.post("Account", {"Name": "New", "AccountType": "Bank"})["AccountSubType"] == "CashOnHand"


def test_item_sells_through_its_account(api):
    made = api.post("Item", {"Name": "Wrap", "Type": "Service", "IncomeAccountRef": api.account("Gift Wrap Revenue")})
    body = api.invoice(3)
    body["Line"][0]["SalesItemLineDetail"]["ItemRef"] = {"value": made["Id"]}

    api.post("Invoice", body)

    assert api.balance("Gift Wrap Revenue") == -3


def test_class_ids_are_long_and_inactive_classes_are_invalid_references(api):
    made = api.post("Class", {"Name": "Amazon US"})
    entry = api.journal((CLEARING, 5), (SALES, -5))
    entry["Line"][0]["JournalEntryLineDetail"]["ClassRef"] = {"value": made["Id"]}
    used = api.post("JournalEntry", entry)
    api.remote.control("inactivate", {"realm": api.realm, "kind": "Class", "id": made["Id"]})

    assert len(made["Id"]) == 19
    assert used["Line"][0]["JournalEntryLineDetail"]["ClassRef"]["name"] == "Amazon US"
    assert api.post("JournalEntry", entry) == "2500"


def test_automatic_application_consumes_payments(api):
    prefs = {"SalesFormsPrefs": {"AutoApplyPayments": True, "AutoApplyCredit": True}}
    api.remote.control("set_preferences", {"realm": api.realm, "preferences": prefs})
    one = api.post("Invoice", api.invoice(30))
    paid = api.post("Payment", api.payment(100))
    two = api.post("Invoice", api.invoice(50))

    assert paid["UnappliedAmt"] == 70
    assert [api.get("Invoice", each["Id"])["Balance"] for each in (one, two)] == [0, 0]
    assert api.get("Payment", paid["Id"])["UnappliedAmt"] == 20


# Currencies


def test_foreign_invoice_and_payment_book_the_exchange_difference(foreign):
    usd = {"CurrencyRef": {"value": "GBP"}, "CustomerRef": foreign.customer("Amazon.co.uk (GBP)")}
    invoice = foreign.post("Invoice", foreign.invoice(100, **usd, ExchangeRate=Decimal("1.25")))

    foreign.post("Payment", foreign.payment(100, (invoice, 100), **usd, ExchangeRate=Decimal("1.30")))

    assert invoice["HomeTotalAmt"] == 125
    assert foreign.balance("Accounts Receivable (A/R) - GBP") == 0
    assert foreign.balance("Undeposited Funds") == 130
    assert foreign.balance("Exchange Gain or Loss") == -5


def test_currency_is_required_and_must_be_the_customers(foreign):
    assert foreign.post("Invoice", foreign.invoice(100)) == "2020"
    assert foreign.post("Invoice", foreign.invoice(100, CurrencyRef={"value": "GBP"})) == "6000"


def test_transfer_out_of_a_foreign_account_uses_its_rate(foreign):
    clearing = foreign.post(
        "Account", {"Name": "AMZ UK Clearing", "AccountType": "Bank", "CurrencyRef": {"value": "GBP"}}
    )
    body = {
        "FromAccountRef": {"value": clearing["Id"]},
        "ToAccountRef": foreign.account(BANK),
        "Amount": Decimal("80.00"),
        "CurrencyRef": {"value": "GBP"},
        "ExchangeRate": Decimal("1.31"),
    }

    foreign.post("Transfer", body)

    assert foreign.balance(BANK) == Decimal("104.80")
    assert foreign.get("Account", clearing["Id"])["CurrentBalance"] == Decimal("-80.00")


def test_rounding_of_a_foreign_journal_stays_balanced_at_home(foreign):
    entry = foreign.journal(
        (CLEARING, Decimal("33.35")), (FEES, Decimal("0.01")), (SALES, Decimal("-33.36")),
        CurrencyRef={"value": "GBP"}, ExchangeRate=Decimal("1.2345"),
    )  # fmt: skip

    made = foreign.post("JournalEntry", entry)

    assert made["TotalAmt"] == Decimal("33.36")
    assert sum(foreign.remote.books(foreign.realm).trial_balance().values()) == 0


def test_location_stands_on_the_header_and_on_the_line_of_a_journal_entry(api):
    location = {"DepartmentRef": {"value": api.post("Department", {"Name": "US"})["Id"]}}
    entry = api.journal((CLEARING, 5), (SALES, -5), **location)
    entry["Line"][0]["JournalEntryLineDetail"] |= location

    posted = api.post("JournalEntry", entry)

    assert api.post("Invoice", api.invoice(5, **location))["DepartmentRef"]["name"] == "US"
    assert "DepartmentRef" not in posted
    assert posted["Line"][0]["JournalEntryLineDetail"]["DepartmentRef"]["name"] == "US"
