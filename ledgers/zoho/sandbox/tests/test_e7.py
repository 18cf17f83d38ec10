"""The documents of recipes' example E7, posted by hand in each of its three ways: Zoho takes them and the books agree.

No planner and no client here: the tables of the example are the input, so the books of the stand-in are judged by
themselves.
"""

from decimal import Decimal

import pytest

CUSTOMER = "Amazon.com customers (USD)"
# Part → date, and its remainder in orders mode by account key: credit positive.
PARTS = {
    "S1-1": ("2026-09-30", {"REFUNDS": "-25.00", "FEE_SELLING": "-12.75", "FEE_FBA": "-14.80",
                            "FEE_REFUND_ADMIN": "-0.75"}),
    "S1-2": ("2026-10-04", {"SUBSCRIPTION": "-39.99", "FEE_SELLING": "-6.00", "FEE_FBA": "-11.50",
                            "FEE_REFUND_ADMIN": "-0.60", "REFUNDS": "-20.00", "RESERVE": "-20.00",
                            "OUTPUT_TAX": "0.40"}),
    "S2-1": ("2026-10-18", {"ADS": "-120.00", "CLAIMS": "-55.00", "FEE_STORAGE": "-18.00", "FEE_SELLING": "-3.00",
                            "FEE_FBA": "-7.20", "FEE_REFUND_ADMIN": "-1.20", "FEE_OTHER": "9.00", "REIMB": "14.00",
                            "RESERVE": "20.00", "SALES": "10.00"}),
    "S3-1": ("2026-10-31", {"SALES": "12.00", "PROMO": "-12.00", "REFUNDS": "-44.99", "FEE_SELLING": "-36.30",
                            "FEE_FBA": "-23.60", "FEE_REFUND_ADMIN": "-1.35"}),
    "S3-2": ("2026-11-01", {"SUBSCRIPTION": "-39.99", "RESERVE": "-15.00"}),
    "S4-1": ("2026-11-15", {"FEE_SELLING": "-10.50", "FEE_FBA": "-5.50", "RESERVE": "-54.00"}),
}  # fmt: skip
# Order → the part that settles it, its date, its lines.
ORDERS = {
    "114-0000001-0000001": ("S1-1", "2026-09-22", {"SALES": "80.00", "SHIP_INCOME": "6.00", "WRAP_INCOME": "4.00",
                                                   "PROMO": "-14.00"}),
    "114-0000002-0000002": ("S1-1", "2026-09-28", {"SALES": "30.00"}),
    "114-0000003-0000003": ("S1-2", "2026-10-02", {"SALES": "60.00", "SHIP_INCOME": "5.00"}),
    "114-0000002-0000002-2": ("S2-1", "2026-10-06", {"SALES": "30.00", "PROMO": "-3.00"}),
    "114-0000004-0000004": ("S2-1", "2026-10-08", {"SALES": "44.99"}),
    "114-0000005-0000005": ("S3-1", "2026-10-20", {"SALES": "240.00", "SHIP_INCOME": "12.00", "PROMO": "-12.00"}),
    "114-0000006-0000006": ("S3-1", "2026-10-25", {"SALES": "35.00", "SHIP_INCOME": "4.99"}),
    "114-0000007-0000007": ("S4-1", "2026-11-05", {"SALES": "70.00"}),
}  # fmt: skip
EXPECTED = {
    "BANK": "109.36", "CHARGE_METHOD": "-50.00", "CLEARING": "0", "RESERVE": "69.00", "OUTPUT_TAX": "-0.40",
    "SALES": "-611.99", "SHIP_INCOME": "-27.99", "WRAP_INCOME": "-4.00", "PROMO": "41.00", "REFUNDS": "89.99",
    "CLAIMS": "55.00", "REIMB": "-14.00", "FEE_OTHER": "-9.00", "FEE_SELLING": "68.55", "FEE_FBA": "62.60",
    "FEE_REFUND_ADMIN": "3.90", "FEE_STORAGE": "18.00", "ADS": "120.00", "SUBSCRIPTION": "79.98",
}  # fmt: skip
# How many documents of each kind every way takes.
COUNTS = {
    "summary": {"journals": 7, "banktransactions": 3, "invoices": 0, "customerpayments": 0},
    "invoices": {"journals": 7, "banktransactions": 3, "invoices": 8, "customerpayments": 5},
    "journals": {"journals": 15, "banktransactions": 3, "invoices": 0, "customerpayments": 0},
}


class Poster:
    def __init__(self, api):
        self.api, self.keys = api, api.made["expected"]
        self.usd = {"currency_id": api.currency("USD"), "exchange_rate": 1}

    def journal(self, number, on_date, rest):
        """``rest`` by account key, credit positive; clearing takes the difference."""
        signed = {key: Decimal(each) for key, each in rest.items()}
        signed["CLEARING"] = signed.get("CLEARING", Decimal(0)) - sum(signed.values())
        lines = [
            {
                "account_id": self.keys[key],
                "amount": abs(each),
                "debit_or_credit": "credit" if each > 0 else "debit",
                "description": key,
            }
            for key, each in signed.items()
            if each
        ]
        body = {"reference_number": number, "journal_date": on_date, "line_items": lines, **self.usd}
        self.api.post("journals", body)

    def transfer(self, number, on_date, source, target, amount):
        body = {
            "transaction_type": "transfer_fund",
            "from_account_id": self.keys[source],
            "to_account_id": self.keys[target],
            "amount": Decimal(amount),
            "date": on_date,
            "reference_number": number,
            **self.usd,
        }
        self.api.post("banktransactions", body)

    def invoice(self, number, on_date, lines):
        body = {
            "customer_id": self.api.contact(CUSTOMER),
            "invoice_number": number,
            "date": on_date,
            "line_items": [
                {"name": key, "account_id": self.keys[key], "rate": Decimal(each), "quantity": 1}
                for key, each in lines.items()
            ],
            **self.usd,
        }
        return self.api.post("invoices", body, ignore_auto_number_generation="true")["invoice"]

    def payment(self, number, on_date, invoices):
        body = self.api.payment(
            sum(each["total"] for each in invoices),
            *((each, each["total"]) for each in invoices),
            account="Amazon Clearing US (USD)",
            date=on_date,
            reference_number=number,
        )
        self.api.post("customerpayments", body)

    def post(self, way):
        made = {part: [] for part in PARTS}
        for number, (part, on_date, lines) in ORDERS.items():
            if way == "invoices":
                made[part].append(self.invoice(number, on_date, lines))
            elif way == "journals":
                self.journal(number, on_date, lines)
        if way == "invoices":
            ids = ",".join(each["invoice_id"] for found in made.values() for each in found)
            self.api.post("invoices/status/sent", invoice_ids=ids)
        for part, (on_date, rest) in PARTS.items():
            if made[part]:
                self.payment(f"AMZ-{part}", on_date, made[part])
            self.journal(f"AMZ-{part}", on_date, self.whole(part, rest) if way == "summary" else rest)
        self.journal("AMZ-S3-C1", "2026-10-18", {"CHARGE_METHOD": "50.00"})
        self.transfer("AMZ-S1-P", "2026-10-06", "CLEARING", "BANK", "20.01")
        self.transfer("AMZ-S3-F1", "2026-10-20", "BANK", "CLEARING", "20.01")
        self.transfer("AMZ-S3-P", "2026-11-03", "CLEARING", "BANK", "109.36")

    def whole(self, part, rest):
        """In summary mode the part carries the rows of its orders as well."""
        total = {key: Decimal(each) for key, each in rest.items()}
        for its, _, lines in ORDERS.values():
            for key, each in lines.items() if its == part else ():
                total[key] = total.get(key, Decimal(0)) + Decimal(each)
        return total


@pytest.mark.parametrize("way", COUNTS)
def test_four_settlements_end_in_the_balances_of_the_example(api, way):
    Poster(api).post(way)

    books, keys = api.remote.books(api.id), api.made["expected"]
    ends = {key: books.balance(keys[key]) for key in EXPECTED}
    months = [books.balance(keys["CLEARING"], through=day) for day in ("2026-09-30", "2026-10-31", "2026-11-30")]
    counts = {kind: len(next(iter(v for v in api.get(kind).values() if isinstance(v, list)))) for kind in COUNTS[way]}
    assert ends == {key: int(Decimal(each) * 100) for key, each in EXPECTED.items()}
    assert books.balance("Accounts Receivable") == 0
    assert months == [5270, 16435, 0]
    assert sum(books.trial_balance().values()) == 0
    assert counts == COUNTS[way]


def test_everything_can_be_deleted_again_in_reverse_order(api):
    Poster(api).post("invoices")
    found = {kind: api.get(kind) for kind in ("banktransactions", "journals", "customerpayments", "invoices")}

    for kind, field in (("banktransactions", "transaction_id"), ("journals", "journal_id"),
                        ("customerpayments", "payment_id"), ("invoices", "invoice_id")):  # fmt: skip
        for each in found[kind][kind]:
            api.delete(f"{kind}/{each[field]}")

    assert api.remote.books(api.id).trial_balance() == {}
