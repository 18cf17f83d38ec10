"""What documents mean where a ledger books to accounts of its own, whatever it is told."""

from datetime import date

import pytest

from bookkeeping.accounts import AccountClass
from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import Cover, Expense, Invoice, InvoiceLine, Payment
from bookkeeping.planned import Planned
from flows import drafts
from flows.mapping import TenantMapping
from ledgers.port import Binding, Reference, RemoteAccount

ON = date(2026, 10, 14)
BUYER = "customer:Amazon.com:USD"
COMPANY = Reference(
    "Acme",
    "USD",
    False,
    None,
    (
        RemoteAccount("revenue", "Revenue", "income/Revenue", AccountClass.INCOME),
        RemoteAccount("petty", "Petty Cash", "asset/Petty Cash", AccountClass.BANK),
        RemoteAccount("fees", "Fees", "expense", AccountClass.EXPENSE),
        RemoteAccount("returns", "Returns", "expense", AccountClass.EXPENSE),
    ),
)
MAPPED = {K.FEE_SELLING: Binding(account="fees"), K.REFUNDS: Binding(account="returns")}
KNOWN = TenantMapping(1, MAPPED, {}, {"amazon.com": Binding(customer="7")})


def bound(document):
    [draft] = drafts.drafts([Planned("k", document)], KNOWN, COMPANY)
    assert draft.hold is None, draft.hold
    return {symbol: binding.account for symbol, binding in draft.bindings.items() if binding.account}


@pytest.mark.parametrize("key", ["SALES", "REIMB", "PROMO"])
def test_lines_of_an_invoice_need_no_account_where_all_income_goes_to_one(key):
    invoice = Invoice("1", ON, "USD", BUYER, (InvoiceLine(key, 100),), "1", income=K.REVENUE)

    assert bound(invoice) == {key: "revenue", "REVENUE": "revenue"}


def test_a_payment_goes_to_the_ledgers_own_account_unasked():
    payment = Payment("AMZ-1-1", ON, "USD", BUYER, K.PETTY, Cover("i1", 100))

    assert bound(payment) == {"PETTY": "petty"}


@pytest.mark.parametrize(("key", "account"), [("FEE_SELLING", "fees"), ("REFUNDS", "returns"), ("SALES", "returns")])
def test_an_expense_of_income_given_back_takes_the_category_of_refunds(key, account):
    expense = Expense("AMZ-1-1", ON, "USD", key, 100, K.PETTY, "Amazon.com")

    assert bound(expense) == {key: account, "PETTY": "petty"}
