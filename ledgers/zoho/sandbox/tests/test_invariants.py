"""Whatever is written, changed and removed: the books balance and the receivable is what the documents say."""

from decimal import ROUND_HALF_UP, Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledgers.zoho.sandbox import ZohoStandIn
from sandbox.clock import frozen

from .conftest import NOW, Api

CLEARING, BANK, SALES, FEES = "Amazon Clearing DE (EUR)", "Barclays Current", "Amazon Sales", "Amazon Selling Fees"
EUROS = {"contact_name": "Amazon.de customers (EUR)", "currency_code": "EUR"}
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(999), places=2)
rates = st.decimals(min_value=Decimal("0.5"), max_value=Decimal(2), places=4)
pick = st.integers(min_value=0, max_value=30)
KINDS = ("invoices", "customerpayments", "creditnotes", "journals", "banktransactions")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), amounts, rates, st.booleans()),
        st.tuples(st.just("pay"), pick, amounts, amounts, rates),
        st.tuples(st.just("credit"), amounts, rates),
        st.tuples(st.just("apply"), pick, pick, amounts),
        st.tuples(st.just("refund"), pick, amounts, rates),
        st.tuples(st.just("journal"), amounts, amounts, rates),
        st.tuples(st.just("move"), amounts, rates, st.booleans()),
        st.tuples(st.just("adjust"), rates),
        st.tuples(st.just("edit"), pick, amounts, rates),
        st.tuples(st.just("void"), pick),
        st.tuples(st.just("remove"), st.sampled_from(KINDS), pick),
    ),
    max_size=12,
)


def at_home(doc):
    """What is open of a document, at its own rate: the whole rounded less the used part rounded."""
    rate, total, used = Decimal(doc["exchange_rate"]), Decimal(doc["total"]), doc["total"] - doc["balance"]
    whole, gone = ((each * rate).quantize(Decimal("0.01"), ROUND_HALF_UP) for each in (total, Decimal(used)))
    return whole - gone


class Play:
    """Tries; what Zoho refuses does not matter here."""

    def __init__(self, api):
        self.api = api

    def all(self, kind):
        return next(value for value in self.api.get(kind).values() if isinstance(value, list))

    def choose(self, kind, number):
        found = self.all(kind)
        return found[number % len(found)] if found else None

    def invoice(self, amount, rate, sent):
        made = self.api.post("invoices", self.api.invoice(amount, exchange_rate=rate))["invoice"]
        if sent:
            self.api.post(f"invoices/{made['invoice_id']}/status/sent")

    def pay(self, number, total, part, rate):
        chosen = self.choose("invoices", number)
        parts = [(chosen, part)] if chosen else []
        body = self.api.payment(total, *parts, account=CLEARING, exchange_rate=rate)
        self.api.code("POST", "customerpayments", body)

    def credit(self, amount, rate):
        self.api.post("creditnotes", self.api.invoice(amount, exchange_rate=rate))

    def apply(self, number, other, part):
        invoice, note = self.choose("invoices", number), self.choose("creditnotes", other)
        if invoice and note:
            body = {"invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": part}]}
            self.api.code("POST", f"creditnotes/{note['creditnote_id']}/invoices", body)

    def refund(self, number, amount, rate):
        if note := self.choose("creditnotes", number):
            body = {"date": "2026-11-12", "amount": amount, "exchange_rate": rate,
                    "from_account_id": self.api.account(CLEARING)}  # fmt: skip
            self.api.code("POST", f"creditnotes/{note['creditnote_id']}/refunds", body)

    def journal(self, first, second, rate):
        sides = ((CLEARING, first), (FEES, second), (SALES, -first - second))
        euros = {"currency_id": self.api.currency("EUR"), "exchange_rate": rate}
        self.api.post("journals", self.api.journal(*sides, **euros))

    def move(self, amount, rate, back):
        pair = (BANK, CLEARING) if back else (CLEARING, BANK)
        self.api.post("banktransactions", self.api.transfer(*pair, amount, exchange_rate=rate, bank_charges=0))

    def adjust(self, rate):
        body = {"currency_id": self.api.currency("EUR"), "adjustment_date": "2026-11-20", "exchange_rate": rate,
                "notes": "n"}  # fmt: skip
        ids = f"{self.api.account(CLEARING)},{self.api.account('Accounts Receivable')}"
        self.api.code("POST", "basecurrencyadjustment", body, account_ids=ids)

    def edit(self, number, amount, rate):
        if chosen := self.choose("invoices", number):
            body = {"line_items": self.api.invoice(amount)["line_items"], "exchange_rate": rate}
            self.api.code("PUT", f"invoices/{chosen['invoice_id']}", body)

    def void(self, number):
        if chosen := self.choose("invoices", number):
            self.api.code("POST", f"invoices/{chosen['invoice_id']}/status/void")

    def remove(self, kind, number):
        if chosen := self.choose(kind, number):
            id_ = next(value for name, value in chosen.items() if name.endswith("_id"))
            self.api.code("DELETE", f"{kind}/{id_}")


@settings(max_examples=30, deadline=None)
@given(steps)
@example([("invoice", Decimal(1), Decimal(1), True), ("credit", Decimal(1), Decimal(2)), ("apply", 0, 0, Decimal(1)),
          ("void", 0)])  # fmt: skip
def test_books_balance_and_the_receivable_is_what_the_documents_say(play):
    remote = ZohoStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    remote.switches["delete_paid_invoice"] = "unapply"
    api = Api(remote, remote.control("create_organization", {"chart": "uk", "contacts": [EUROS]}))
    player = Play(api)

    for name, *values in play:
        getattr(player, name)(*values)

    books = remote.books(api.id)
    invoices, payments, notes = (player.all(kind) for kind in ("invoices", "customerpayments", "creditnotes"))
    in_books = [each for each in invoices if each["status"] not in ("draft", "void")]
    assert sum(books.trial_balance().values()) == 0
    assert all(0 <= each["balance"] <= each["total"] for each in [*invoices, *notes])
    owed = sum(each["balance"] for each in in_books) - sum(each["balance"] for each in notes)
    assert api.balance_in("Accounts Receivable", "EUR") == owed
    if not any(name == "adjust" for name, *_ in play):
        assert api.balance("Accounts Receivable") == sum(map(at_home, in_books)) - sum(
            at_home(api.get(f"creditnotes/{each['creditnote_id']}")["creditnote"]) for each in notes
        )
    assert api.balance_in("Unearned Revenue", "EUR") == -sum(each["unused_amount"] for each in payments)
