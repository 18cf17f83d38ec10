"""Invoices and their payments: what is in the books, what each status means, what is refused."""

import pytest

from .conftest import ACCOUNTS, Api, business

MONEY = "status total { value minorUnitValue } amountDue { value } amountPaid { value }"


def status(api, invoice):
    return api.read(invoice, "status")["status"]


# Into the books


def test_draft_is_outside_the_books_until_it_is_approved(api):
    draft = api.invoice("10", status="DRAFT", selection="id status")
    before = api.balances()
    approved = api.do("invoiceApprove", "invoice { id status }", invoiceId=draft["id"])
    sent = api.do(
        "invoiceMarkSent", "invoice { status lastSentVia lastSentAt }", invoiceId=draft["id"], sendMethod="MARKED_SENT"
    )

    assert (draft["status"], before) == ("DRAFT", {})
    assert approved == {"id": draft["id"], "status": "SAVED"}
    assert sent == {"status": "SENT", "lastSentVia": "MARKED_SENT", "lastSentAt": "2026-11-20T18:00:00.000Z"}
    assert api.balances() == {"Accounts Receivable": "10.00", "Goods": "-10.00"}
    assert api.refused("invoiceApprove", invoiceId=draft["id"]) == ["input.invoiceId"]


def test_status_left_out_makes_a_draft(api):
    given = {"businessId": api.id, "customerId": api.made["customers"]["Amazon"]}
    made = api.do(
        "invoiceCreate", "invoice { status invoiceDate dueDate invoiceNumber memo title items { id } }", **given
    )

    assert made == {"status": "DRAFT", "invoiceDate": "2026-11-20", "dueDate": "2026-11-20", "invoiceNumber": "1",
                    "memo": None, "title": "Invoice", "items": []}  # fmt: skip


def test_lines_are_rounded_half_away_from_zero_and_may_be_negative(api):
    promo = {"productId": api.made["products"]["Promo"], "unitPrice": "-3.005", "taxes": []}
    goods = {"productId": api.made["products"]["Goods"], "quantity": "1.5", "unitPrice": "3.33", "description": "three"}
    shown = (
        "items { quantity unitPrice description subtotal { value } total { value } account { name } product { name } }"
    )
    made = api.invoice(items=[goods, promo], selection=f"{MONEY} subtotal {{ value }} taxTotal {{ value }} {shown}")

    assert [each["subtotal"]["value"] for each in made["items"]] == ["5.00", "-3.01"]
    assert made["items"][0] == {
        "quantity": "1.5", "unitPrice": "3.33", "description": "three", "subtotal": {"value": "5.00"},
        "total": {"value": "5.00"}, "account": {"name": "Goods"}, "product": {"name": "Goods"},
    }  # fmt: skip
    assert made["total"] == {"value": "1.99", "minorUnitValue": "199"}
    assert api.balances() == {"Accounts Receivable": "1.99", "Goods": "-5.00", "Promo": "3.01"}


def test_taxes_are_the_products_own_or_those_of_the_line_or_none(api):
    def tax(name, **more):
        made = api.do("salesTaxCreate", "salesTax { id }", businessId=api.id, name=name, abbreviation=name, **more)
        return made["id"]

    gst, pst = tax("GST", rate="0.05"), tax("PST", rate="0.10", isCompound=True)
    goods = api.made["products"]["Goods"]
    api.do("productPatch", "product { id }", id=goods, defaultSalesTaxIds=[gst])
    own = api.invoice("10.10", selection="total { value }")
    none = api.invoice(items=[{"productId": goods, "unitPrice": "10", "taxes": []}], selection="total { value }")
    both = api.invoice(
        items=[{"productId": goods, "unitPrice": "10", "taxes": [{"salesTaxId": pst}, {"salesTaxId": gst}]}],
        selection="taxTotal { value } items { taxes { amount { value } salesTax { abbreviation rate } } }",
    )

    assert (own["total"]["value"], none["total"]["value"]) == ("10.61", "10.00")
    assert both["taxTotal"]["value"] == "1.55"
    assert [each["amount"]["value"] for each in both["items"][0]["taxes"]] == ["0.50", "1.05"]
    assert both["items"][0]["taxes"][0]["salesTax"] == {"abbreviation": "GST", "rate": "0.050000"}
    assert (api.balances()["GST"], api.balances()["PST"]) == ("-1.01", "-1.05")


def test_patch_replaces_the_lines_and_the_books_follow(api):
    invoice = api.invoice("10")
    items = [{"productId": api.made["products"]["Goods"], "unitPrice": "12"}]
    api.do("invoicePatch", "invoice { id }", id=invoice["id"], items=items, memo="m", invoiceDate="2026-10-01")

    assert api.read(invoice, "memo invoiceDate total { value }") == {
        "memo": "m", "invoiceDate": "2026-10-01", "total": {"value": "12.00"},
    }  # fmt: skip
    assert api.balances() == {"Accounts Receivable": "12.00", "Goods": "-12.00"}


def test_deleted_invoice_leaves_the_books_and_frees_its_number(api):
    invoice = api.invoice("10", invoiceNumber="A-1")
    api.do("invoiceDelete", invoiceId=invoice["id"])

    assert api.balances() == {}
    again = "mutation($i: InvoiceDeleteInput!) { invoiceDelete(input: $i) { didSucceed } }"
    assert api.errors(again, {"i": {"invoiceId": invoice["id"]}}) == [("NOT_FOUND", ["invoiceDelete"])]
    assert "id" in api.invoice("10", invoiceNumber="A-1")


def test_clone_is_a_draft_of_today_under_the_next_number(api):
    invoice = api.invoice("10", invoiceNumber="INV-009")
    clone = api.do(
        "invoiceClone", "invoice { status invoiceNumber invoiceDate total { value } }", invoiceId=invoice["id"]
    )

    assert clone == {
        "status": "DRAFT",
        "invoiceNumber": "INV-010",
        "invoiceDate": "2026-11-20",
        "total": {"value": "10.00"},
    }


# Numbers


def test_number_is_rejected_when_another_invoice_has_it(api):
    api.invoice("1", invoiceNumber="112")
    other = api.invoice("1", invoiceNumber="12")

    assert api.invoice("1", invoiceNumber="112")["inputErrors"][0]["path"] == ["input", "invoiceNumber"]
    assert api.refused("invoicePatch", id=other["id"], invoiceNumber="112") == ["input.invoiceNumber"]
    api.remote.switches["duplicate_invoice_number"] = "accept"
    assert "id" in api.invoice("1", invoiceNumber="112")


def test_number_left_out_continues_from_the_highest(api):
    numbers = [api.invoice("1", selection="invoiceNumber", **given)["invoiceNumber"] for given in
               ({}, {}, {"invoiceNumber": "114-0000001-0000007"}, {})]  # fmt: skip

    assert numbers == ["1", "2", "114-0000001-0000007", "114-0000001-0000008"]


def test_number_filter_finds_what_contains_it(api):
    for number in ("12", "112", "121", "13", "AMZ-12"):
        api.invoice("1", invoiceNumber=number)
    found = api.of(
        "invoices(invoiceNumber: $n, sort: [INVOICE_NUMBER_ASC]) { edges { node { invoiceNumber } } }",
        n=("String", "12"),
    )

    assert [each["node"]["invoiceNumber"] for each in found["invoices"]["edges"]] == ["112", "12", "121", "AMZ-12"]


def test_lists_are_filtered_and_ordered(api):
    customer = api.do("customerCreate", "customer { id }", businessId=api.id, name="Zed")["id"]
    for number, (price, on) in enumerate((("5", "2026-10-03"), ("7", "2026-10-01"), ("6", "2026-10-02"))):
        api.invoice(price, invoiceNumber=str(number), invoiceDate=on)
        api.remote.clock.advance(1)
    paid, late, draft = api.invoice("8", invoiceNumber="p", customerId=customer), None, None
    api.pay(paid, "8")
    late = api.invoice("9", invoiceNumber="l", dueDate="2026-11-01")
    draft = api.invoice("9", invoiceNumber="d", status="DRAFT")

    def numbers(arguments="", **variables):
        found = api.of(f"invoices{arguments} {{ edges {{ node {{ invoiceNumber }} }} }}", **variables)["invoices"][
            "edges"
        ]
        return "".join(each["node"]["invoiceNumber"] for each in found)

    assert (numbers(), numbers("(sort: [CREATED_AT_ASC])")) == ("dlp210", "012pld")
    assert numbers("(sort: [INVOICE_DATE_ASC, TOTAL_DESC], pageSize: 3)") == "120"
    assert numbers("(sort: [CUSTOMER_NAME_DESC, AMOUNT_DUE_ASC, STATUS_ASC, DUE_AT_ASC, AMOUNT_PAID_ASC])")[0] == "p"
    assert numbers('(invoiceDateStart: "2026-10-02", invoiceDateEnd: "2026-10-02")') == "2"
    assert (numbers("(status: PAID)"), numbers("(status: DRAFT)"), numbers("(status: OVERDUE)")) == ("p", "d", "l")
    assert numbers("(status: UNPAID, sort: [CREATED_AT_ASC])") == "012l"
    assert (numbers("(customerId: $c)", c=("ID", customer)), numbers('(amountDue: "6.00")')) == ("p", "2")
    assert (numbers("(currency: CAD)"), numbers("(sourceId: 1)")) == ("", "")
    assert (
        numbers('(modifiedAtAfter: "2026-11-20T18:00:00.500Z", modifiedAtBefore: "2026-11-20T18:00:02.500Z")') == "21"
    )
    assert status(api, late) == "OVERDUE"
    assert status(api, draft) == "DRAFT"


# Payments


def test_payments_close_the_invoice_one_by_one(api):
    invoice = api.invoice("10")
    seen = [status(api, invoice)]
    for amount in ("4", "6.00", "0.50"):
        api.pay(invoice, amount)
        seen.append(status(api, invoice))

    assert seen == ["SAVED", "PARTIAL", "PAID", "OVERPAID"]
    assert api.read(invoice, MONEY) == {
        "status": "OVERPAID", "total": {"value": "10.00", "minorUnitValue": "1000"}, "amountDue": {"value": "0.00"},
        "amountPaid": {"value": "10.50"},
    }  # fmt: skip
    assert api.balances() == {"Clearing": "10.50", "Goods": "-10.00", "Customer Credits": "-0.50"}


def test_payment_is_read_with_its_one_invoice_only(api):
    invoice = api.invoice("10", invoiceNumber="7")
    made = api.pay(invoice, "4", "id invoice { id } customer { name } account { id } paymentMethod exchangeRate active")
    single = "payments { amount memo paymentDate account { id } businessCurrency { code } }"
    listed = "invoices { edges { node { payments { id } } } }"

    assert made["invoice"] == {"id": invoice["id"]}
    assert (made["customer"]["name"], made["paymentMethod"], made["exchangeRate"], made["active"]) == ("Amazon", "OTHER",
                                                                                                    "1", True)  # fmt: skip
    assert api.read(invoice, single)["payments"] == [
        {"amount": "4.00", "memo": "AMZ-1", "paymentDate": "2026-10-31", "account": {"id": api.account("Clearing")},
         "businessCurrency": {"code": "USD"}}
    ]  # fmt: skip
    one = api.of(
        "invoicePayment(id: $p) { paymentCurrency { code } invoiceCurrency { code } state }", p=("ID!", made["id"])
    )
    assert one["invoicePayment"]["invoiceCurrency"] == {"code": "USD"}
    assert api.of(listed)["invoices"]["edges"][0]["node"]["payments"] == []
    api.remote.switches["payments_in_lists"] = "null"
    assert api.of(listed)["invoices"]["edges"][0]["node"]["payments"] is None


def test_payment_goes_to_cash_and_bank_or_money_in_transit(api):
    invoice = api.invoice("10")

    for name, taken in {
        "Bank": True,
        "Transit": True,
        "Card": False,
        "Payouts": False,
        "Accounts Receivable": False,
    }.items():
        answer = api.pay(invoice, "1", into=name)
        assert ("id" in answer) is taken, name
    assert answer["inputErrors"][0]["path"] == ["input", "paymentAccountId"]
    api.remote.control("archive_account", {"business": api.id, "account": "Bank"})
    assert api.pay(invoice, "1", into="Bank")["inputErrors"][0]["path"] == ["input", "paymentAccountId"]


@pytest.mark.parametrize(
    ("changes", "path"),
    [({"amount": "0"}, "amount"), ({"amount": "1.005"}, "amount"), ({"exchangeRate": "1.1"}, "exchangeRate"),
     ({"exchangeRate": "0"}, "exchangeRate")],
)  # fmt: skip
def test_payment_that_cannot_be_is_refused(api, changes, path):
    answer = api.pay(api.invoice("10"), **{"amount": "1", **changes})

    assert answer["inputErrors"][0]["path"] == ["input", path]


def test_draft_cannot_be_paid_or_sent(api):
    draft = api.invoice("10", status="DRAFT")

    assert api.pay(draft, "1")["inputErrors"][0]["path"] == ["input", "invoiceId"]
    assert api.refused("invoiceMarkSent", invoiceId=draft["id"], sendMethod="MARKED_SENT") == ["input.invoiceId"]


def test_payment_can_be_changed_and_deleted(api):
    invoice = api.invoice("10")
    first, second = api.pay(invoice, "8"), api.pay(invoice, "5")
    over = api.balances()
    changed = api.do("invoicePaymentPatch", "invoicePayment { amount memo account { name } }", id=first["id"], amount="3",
                     paymentAccountId=api.account("Bank"), memo=None)  # fmt: skip
    partial = api.balances()
    api.do("invoicePaymentDelete", id=second["id"])

    assert over == {"Clearing": "13.00", "Goods": "-10.00", "Customer Credits": "-3.00"}
    assert changed == {"amount": "3.00", "memo": None, "account": {"name": "Bank"}}
    assert partial == {"Bank": "3.00", "Clearing": "5.00", "Goods": "-10.00", "Accounts Receivable": "2.00"}
    assert api.balances() == {"Bank": "3.00", "Goods": "-10.00", "Accounts Receivable": "7.00"}
    assert status(api, invoice) == "PARTIAL"


def test_smaller_invoice_turns_its_payment_into_a_credit(api):
    invoice = api.invoice("10")
    api.pay(invoice, "10")
    api.remote.control("edit_invoice", {"business": api.id, "id": invoice["id"], "changes": {
        "items": [{"productId": api.made["products"]["Goods"], "unitPrice": "6"}]}})  # fmt: skip

    assert status(api, invoice) == "OVERPAID"
    assert api.balances() == {"Clearing": "10.00", "Goods": "-6.00", "Customer Credits": "-4.00"}


def test_paid_invoice_is_not_deleted_or_goes_with_its_payments(api):
    invoice = api.invoice("10")
    api.pay(invoice, "10")

    assert api.refused("invoiceDelete", invoiceId=invoice["id"]) == ["input.invoiceId"]
    api.remote.switches["delete_paid_invoice"] = "delete"
    api.do("invoiceDelete", invoiceId=invoice["id"])
    assert api.balances() == {}


# Refusals


def test_closed_period_guards_invoices_and_payments(api):
    invoice, draft = api.invoice("10"), api.invoice("5", status="DRAFT")
    payment = api.pay(invoice, "4")
    api.remote.control("close_period", {"business": api.id, "date": "2026-10-31"})

    assert api.invoice("1")["inputErrors"][0]["path"] == ["input", "invoiceDate"]
    assert api.refused("invoiceApprove", invoiceId=draft["id"]) == ["input.invoiceId"]
    assert api.refused("invoicePatch", id=invoice["id"], invoiceDate="2026-11-05") == ["input.invoiceDate"]
    assert api.refused("invoiceDelete", invoiceId=invoice["id"]) == ["input.invoiceDate"]
    assert api.pay(invoice, "1")["inputErrors"][0]["path"] == ["input", "paymentDate"]
    assert api.refused("invoicePaymentDelete", id=payment["id"]) == ["input.id"]
    assert api.refused("invoicePaymentPatch", id=payment["id"], memo="x") == ["input.paymentDate"]
    assert "id" in api.pay(invoice, "1", paymentDate="2026-11-01")
    assert "id" in api.invoice("1", status="DRAFT")
    api.remote.switches["closed_period"] = "accept"
    assert "id" in api.pay(invoice, "1")


def test_negative_total_and_long_invoices(api):
    refused = api.invoice("-1")
    api.remote.switches["negative_total_invoice"] = "accept"
    taken = api.invoice("-1", selection="amountDue { value }")
    api.remote.switches["line_limit"] = 2

    assert refused["inputErrors"][0]["path"] == ["input", "items"]
    assert taken == {"amountDue": {"value": "0.00"}}
    assert api.balances() == {"Accounts Receivable": "-1.00", "Goods": "1.00"}
    assert api.invoice("1", "1", "1")["inputErrors"][0]["path"] == ["input", "items"]


def test_products_that_cannot_be_sold_any_more_are_refused(api):
    bought = api.do("productCreate", "product { id isSold isBought }", businessId=api.id, name="Box", unitPrice="1",
                    expenseAccountId=api.account("Fees"))  # fmt: skip
    assert (bought["isSold"], bought["isBought"]) == (False, True)
    assert api.invoice(items=[{"productId": bought["id"]}])["inputErrors"][0]["path"] == [
        "input",
        "items",
        "0",
        "productId",
    ]

    api.do("productArchive", "product { isArchived }", id=api.made["products"]["Goods"])
    api.remote.control("archive_account", {"business": api.id, "account": "Promo"})
    for name in ("Goods", "Promo"):
        answer = api.invoice(items=[{"productId": api.made["products"][name], "unitPrice": "1"}])
        assert answer["inputErrors"][0]["path"] == ["input", "items", "0", "productId"]


def test_price_left_out_is_the_products(api):
    made = api.do("productCreate", "product { id unitPrice }", businessId=api.id, name="Mug", unitPrice="1.234565",
                  incomeAccountId=api.account("Goods"))  # fmt: skip
    invoice = api.invoice(items=[{"productId": made["id"], "quantity": "3"}], selection="total { value }")

    assert made["unitPrice"] == "1.23457"
    assert invoice["total"]["value"] == "3.70"


# Currencies


def test_foreign_invoice_is_carried_at_its_rate_and_the_payment_realises_the_difference(remote):
    accounts = {**ACCOUNTS, "Pounds": {"subtype": "CASH_AND_BANK", "currency": "GBP"}}
    api = Api(remote, business(remote, accounts=accounts, rates={"GBP": "1.30"}))
    invoice = api.invoice(
        "100", currency="GBP", exchangeRate="1.31", selection="id exchangeRate total { value currency { code } }"
    )
    carried = api.balances()
    api.pay(invoice, "40", exchangeRate="1.30")
    api.pay(invoice, "60", into="Pounds")

    assert invoice["total"] == {"value": "100.00", "currency": {"code": "GBP"}}
    assert carried == {"Accounts Receivable (GBP)": "131.00", "Goods": "-131.00"}
    assert api.balances() == {
        "Clearing": "52.00",
        "Pounds": "78.60",
        "Loss on Foreign Exchange": "0.40",
        "Goods": "-131.00",
    }
    pounds = api.of("account(id: $a) { balance balanceInBusinessCurrency }", a=("ID!", api.account("Pounds")))[
        "account"
    ]
    assert pounds == {"balance": "60.00", "balanceInBusinessCurrency": "78.60"}


def test_last_payment_closes_a_foreign_receivable_to_the_cent(remote):
    api = Api(remote, business(remote, rates={"GBP": "1.25"}))
    invoice = api.invoice("0.10", "0.10", "0.10", currency="GBP")
    api.pay(invoice, "0.20", exchangeRate="1.25")
    api.pay(invoice, "0.10", exchangeRate="1.25")

    assert api.balances() == {"Clearing": "0.38", "Goods": "-0.39", "Loss on Foreign Exchange": "0.01"}


def test_foreign_invoice_takes_the_rate_of_the_business_or_is_refused(remote):
    api = Api(remote, business(remote, rates={"GBP": "1.30"}))

    assert api.invoice("1", currency="GBP", selection="exchangeRate") == {"exchangeRate": "1.30"}
    assert api.invoice("1", currency="EUR")["inputErrors"][0]["path"] == ["input", "currency"]
    assert api.invoice("1", currency="EUR", exchangeRate="0")["inputErrors"][0]["path"] == ["input", "exchangeRate"]
    assert "id" in api.invoice("1", currency="EUR", exchangeRate="1.1")


def test_customer_owes_what_is_open(api):
    invoice = api.invoice("10", dueDate="2026-11-01")
    api.invoice("5")
    api.invoice("99", status="DRAFT")
    owed = "customer(id: $c) { outstandingAmount { value } overdueAmount { value } }"
    customer = ("ID!", api.made["customers"]["Amazon"])
    before = api.of(owed, c=customer)["customer"]
    api.pay(invoice, "10")

    assert before == {"outstandingAmount": {"value": "15.00"}, "overdueAmount": {"value": "10.00"}}
    assert api.of(owed, c=customer)["customer"]["outstandingAmount"] == {"value": "5.00"}
    assert api.refused("customerDelete", id=customer[1]) == ["input.id"]
