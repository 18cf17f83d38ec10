"""One session that makes every call the stand-in offers, with full records, in an organization with VAT and currencies."""

from decimal import Decimal

from .conftest import Api

GBP_CUSTOMER = "Amazon.co.uk customers (GBP)"
CLEARING, BANK = "Amazon Clearing UK (GBP)", "Barclays Current"
FIELDS = {
    module: [{"api_name": "cf_amz_key", "label": "Amazon key", "unique": True}]
    for module in ("invoice", "payment", "creditnote")
}


def session(remote):
    """The ``Api`` after everything was called; ``api.answers`` are (method, path, answer)."""
    made = remote.control(
        "create_organization",
        {"chart": "uk", "contacts": [{"contact_name": GBP_CUSTOMER, "currency_code": "GBP"}], "custom_fields": FIELDS},
    )
    api = Recorder(remote, made)
    _lists_and_masters(api)
    _sales(api)
    _money(api)
    _ledger(api)
    _reads(api)
    _deletes(api)
    return api


class Recorder(Api):
    def __init__(self, remote, made):
        super().__init__(remote, made)
        self.answers = []

    def send(self, method, path, *arguments, **values):
        answer = super().send(method, path, *arguments, **values)
        self.answers.append((method, path, answer))
        return answer


def _lists_and_masters(api):
    api.get("organizations")
    api.get(f"organizations/{api.id}")
    api.get("users/me")
    api.tax = api.made["taxes"]["Standard Rate"]
    account = api.post("chartofaccounts", {"account_name": "Extra", "account_type": "expense"})["chart_of_account"]
    api.extra = account["account_id"]
    api.put(f"chartofaccounts/{api.extra}", {"description": "More"})
    api.post(f"chartofaccounts/{api.extra}/inactive")
    api.post(f"chartofaccounts/{api.extra}/active")
    bank = {"account_name": "Second", "account_type": "bank", "currency_code": "EUR", "account_number": "12"}
    api.second = api.post("bankaccounts", bank)["bankaccount"]["account_id"]
    item = {"name": "Mug", "rate": 12.5, "sku": "MUG-1", "account_id": api.account("Amazon Sales"), "tax_id": api.tax}
    api.item = api.post("items", {**item, "rate": Decimal("12.5")})["item"]["item_id"]
    api.put(f"items/{api.item}", {"description": "White"})
    api.post(f"items/{api.item}/inactive")
    api.post(f"items/{api.item}/active")
    contact = {"contact_name": "Ms Buyer", "contact_persons": [{"first_name": "A", "last_name": "B", "email": "a@b.c"}]}
    api.buyer = api.post("contacts", contact)["contact"]["contact_id"]
    api.put(f"contacts/{api.buyer}", {"notes": "Regular"})
    api.post(f"contacts/{api.buyer}/inactive")
    api.post(f"contacts/{api.buyer}/active")
    currency = api.post("settings/currencies", {"currency_code": "SEK", "currency_format": "1,234,567.89"})["currency"]
    api.krona = currency["currency_id"]
    rate = {"effective_date": "2026-11-01", "rate": Decimal("0.075")}
    api.post(f"settings/currencies/{api.krona}/exchangerates", rate)


def _sales(api):
    key = {"X-Unique-Identifier-Key": "cf_amz_key", "X-Upsert": "true"}
    lines = [
        {"item_id": api.item, "quantity": 2, "tax_id": api.tax},
        {"name": "Shipping", "account_id": api.account("Amazon Shipping Income"), "rate": 3, "description": "Post"},
    ]
    body = {**api.invoice(), "line_items": lines, "invoice_number": "203-1234567-1234567", "reference_number": "R1",
            "notes": "N", "shipping_charge": "1", "adjustment": Decimal("0.01"), "payment_terms": 30,
            "custom_fields": [{"api_name": "cf_amz_key", "value": "k1"}]}  # fmt: skip
    api.bill = api.post("invoices", body, ignore_auto_number_generation="true")["invoice"]["invoice_id"]
    api.put(f"invoices/{api.bill}", {"notes": "Changed"})
    api.put("invoices", {"terms": "Net"}, headers={**key, "X-Unique-Identifier-Value": "k1"})
    api.post(f"invoices/{api.bill}/status/sent")
    others = [api.invoiced(20, sent=False)["invoice_id"] for _ in range(3)]
    api.post("invoices/status/sent", invoice_ids=",".join(others))
    api.post("invoices/status/void", invoice_ids=others[0])
    api.post(f"invoices/{others[0]}/status/draft")
    api.post(f"invoices/{others[1]}/status/void")
    api.post(f"invoices/{others[0]}/approve")
    api.put(f"invoice/{api.bill}/customfields", {"custom_fields": [{"api_name": "cf_amz_key", "value": "k1"}]})
    api.spare, api.open = others[:2], others[2]
    note = {**api.invoice(8), "creditnote_number": "203-1234567-1234567-R1", "reference_number": "R"}
    api.note = api.post("creditnotes", note, ignore_auto_number_generation="true")["creditnote"]["creditnote_id"]
    api.put(f"creditnotes/{api.note}", {"notes": "Damaged"})
    api.put("creditnotes", api.invoice(2), headers={**key, "X-Unique-Identifier-Value": "c1"})
    api.post(f"creditnotes/{api.note}/invoices", {"invoices": [{"invoice_id": api.open, "amount_applied": 2}]})
    credit = {"apply_creditnotes": [{"creditnote_id": api.note, "amount_applied": 1}]}
    api.post(f"invoices/{api.open}/credits", credit)
    refund = {"date": "2026-11-12", "amount": 2, "refund_mode": "others", "from_account_id": api.account(CLEARING)}
    api.refund = api.post(f"creditnotes/{api.note}/refunds", refund)["creditnote_refund"]["creditnote_refund_id"]
    spare = api.post("creditnotes", api.invoice(5))["creditnote"]["creditnote_id"]
    for state in ("void", "draft", "open"):
        api.post(f"creditnotes/{spare}/status/{state}")
    api.spare_note = spare
    payment = api.payment(20, ({"invoice_id": api.open}, 10), account=CLEARING, reference_number="AMZ-1-1")
    api.paid = api.post("customerpayments", payment)["payment"]["payment_id"]
    api.put(f"customerpayments/{api.paid}", {"description": "Settlement"})
    upsert = api.payment(1, account=CLEARING)
    api.put("customerpayments", upsert, headers={**key, "X-Unique-Identifier-Value": "p1"})
    back = {"date": "2026-11-13", "amount": 1, "from_account_id": api.account(CLEARING)}
    api.back = api.post(f"customerpayments/{api.paid}/refunds", back)["payment_refunds"][0]["payment_refund_id"]


def _money(api):
    sides = (("Amazon Advertising", 10), (CLEARING, -10))
    made = [api.post("journals", api.journal(*sides, status="draft", notes="n"))["journal"] for _ in range(3)]
    api.journals = [each["journal_id"] for each in made]
    api.put(f"journals/{api.journals[0]}", {"reference_number": "AMZ-1-1"})
    api.post(f"journals/{api.journals[0]}/status/publish")
    api.post("journals/status/publish", journal_ids=api.journals[1])
    api.post(f"journals/{api.journals[1]}/approve")
    api.post("journals/approve", journal_ids=api.journals[2])
    api.post(f"journals/{api.journals[0]}/reverse", reversal_date="2026-12-01", is_reversal_scheduled="false")
    transfer = api.transfer(CLEARING, BANK, 7, reference_number="AMZ-1-P", description="Payout")
    api.moved = api.post("banktransactions", transfer)["banktransaction"]["transaction_id"]
    api.put(f"banktransactions/{api.moved}", {"description": "Payout of Amazon"})
    expense = {"account_id": api.extra, "date": "2026-11-05", "amount": 4, "reference_number": "E1",
               "paid_through_account_id": api.account(CLEARING), "description": "Fee"}  # fmt: skip
    api.expense = api.post("expenses", expense)["expense"]["expense_id"]
    api.put(f"expenses/{api.expense}", {"description": "Other"})


def _ledger(api):
    euros = api.currency("EUR")
    sides = (("Amazon Clearing DE (EUR)", 100), ("Amazon Sales", -100))
    api.post("journals", api.journal(*sides, currency_id=euros, exchange_rate=Decimal("0.85")))
    api.control("lock", date="2026-01-31", module="sales")
    adjustment = {"currency_id": euros, "adjustment_date": "2026-11-19", "exchange_rate": Decimal("0.9"), "notes": "n"}
    api.get("basecurrencyadjustment/accounts", **{**adjustment, "exchange_rate": "0.9"})
    clearing = api.account("Amazon Clearing DE (EUR)")
    made = api.post("basecurrencyadjustment", adjustment, account_ids=clearing)["data"]
    api.adjustment = made["base_currency_adjustment_id"]


def _reads(api):
    for path in ("chartofaccounts", "bankaccounts", "items", "contacts", "settings/currencies", "settings/taxes",
                 "invoices", "customerpayments", "creditnotes", "journals", "banktransactions", "expenses",
                 "basecurrencyadjustment", "transactionlock", "transactionlocks",
                 f"chartofaccounts/{api.extra}", f"bankaccounts/{api.second}", f"bankaccounts/{api.second}/balance",
                 f"items/{api.item}", f"contacts/{api.buyer}", f"settings/currencies/{api.krona}",
                 f"settings/currencies/{api.krona}/exchangerates", f"invoices/{api.bill}",
                 f"invoices/{api.open}/payments", f"customerpayments/{api.paid}", f"creditnotes/{api.note}",
                 f"creditnotes/{api.note}/refunds", f"creditnotes/{api.note}/refunds/{api.refund}",
                 f"journals/{api.journals[0]}", f"banktransactions/{api.moved}", f"expenses/{api.expense}",
                 f"basecurrencyadjustment/{api.adjustment}"):  # fmt: skip
        api.get(path)
    clearing = api.account(CLEARING)
    api.get("itemdetails", item_ids=api.item)
    api.get("chartofaccounts/accounttransactions", account_id=clearing)
    api.get(f"registers/{clearing}/transactions")
    api.get(f"transactions/{api.bill}/journals", entity_type="invoice")


def _deletes(api):
    applied = api.get(f"creditnotes/{api.note}")["creditnote"]["invoices"][0]["creditnote_invoice_id"]
    for path in (f"creditnotes/{api.note}/invoices/{applied}", f"creditnotes/{api.note}/refunds/{api.refund}",
                 f"creditnotes/{api.spare_note}", f"customerpayments/{api.paid}/refunds/{api.back}",
                 f"customerpayments/{api.paid}", f"invoices/{api.spare[0]}", f"journals/{api.journals[0]}",
                 f"banktransactions/{api.moved}", f"expenses/{api.expense}",
                 f"basecurrencyadjustment/{api.adjustment}", f"contacts/{api.buyer}", f"chartofaccounts/{api.extra}"):  # fmt: skip
        api.delete(path)
    api.delete("invoices", invoice_ids=api.spare[1])
    api.delete("journals/bulkdelete", journal_ids=",".join(api.journals[1:]))
    unused = api.post("items", {"name": "Gone", "rate": 1})["item"]["item_id"]
    api.delete(f"items/{unused}")
