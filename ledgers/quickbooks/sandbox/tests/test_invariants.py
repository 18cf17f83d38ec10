"""Whatever is written, changed and removed: the books balance and the receivable is what the documents say."""

from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledgers.quickbooks.sandbox import QuickBooksStandIn
from sandbox.clock import frozen

from .conftest import NOW, Api

CLEARING, SALES = "AMZ US Settlement Clearing", "Product Revenue:Amazon US"
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(999), places=2)
pick = st.integers(min_value=0, max_value=30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), amounts),
        st.tuples(st.just("pay"), pick, amounts, amounts),
        st.tuples(st.just("credit"), amounts),
        st.tuples(st.just("apply credit"), pick, pick, amounts),
        st.tuples(st.just("deposit"), pick, amounts),
        st.tuples(st.just("journal"), amounts),
        st.tuples(st.just("edit"), pick, amounts),
        st.tuples(st.just("void"), pick),
        st.tuples(st.just("delete"), pick),
    ),
    max_size=14,
)


class Play:
    def __init__(self, api):
        self.api = api

    def all(self, kind):
        return self.api.query(f"select * from {kind} maxresults 1000").get(kind, [])

    def choose(self, number, *kinds):
        found = [(kind, doc) for kind in kinds for doc in self.all(kind)]
        return found[number % len(found)] if found else (None, None)

    def step(self, name, *values):
        getattr(self, name.replace(" ", "_"))(*values)

    def invoice(self, amount):
        self.api.post("Invoice", self.api.invoice(amount))

    def credit(self, amount):
        self.api.post("CreditMemo", self.api.invoice(amount))

    def journal(self, amount):
        self.api.post("JournalEntry", self.api.journal((CLEARING, amount), (SALES, -amount)))

    def pay(self, number, total, part):
        _, invoice = self.choose(number, "Invoice")
        self.api.post("Payment", self.api.payment(total, *([(invoice, part)] if invoice else [])))

    def apply_credit(self, number, other, part):
        (_, invoice), (_, memo) = self.choose(number, "Invoice"), self.choose(other, "CreditMemo")
        if invoice and memo:
            body = self.api.payment(0, (invoice, part))
            body["Line"].append({"Amount": part, "LinkedTxn": [{"TxnId": memo["Id"], "TxnType": "CreditMemo"}]})
            self.api.post("Payment", body)

    def deposit(self, number, amount):
        _, paid = self.choose(number, "Payment")
        self.api.post("Deposit", self.api.deposit(*([paid] if paid else []), (SALES, amount)))

    def edit(self, number, amount):
        kind, doc = self.choose(number, "Invoice", "Payment")
        if doc:
            lines = self.api.invoice(amount)["Line"] if kind == "Invoice" else doc["Line"]
            change = {"Id": doc["Id"], "SyncToken": doc["SyncToken"], "sparse": True, "Line": lines}
            self.api.post(kind, change | ({"TotalAmt": amount} if kind == "Payment" else {}))

    def void(self, number):
        kind, doc = self.choose(number, "Invoice", "Payment")
        if kind == "Invoice":
            self.api.post(kind, {"Id": doc["Id"], "SyncToken": doc["SyncToken"]}, operation="void")
        elif doc:
            token = {"Id": doc["Id"], "SyncToken": doc["SyncToken"], "sparse": True}
            self.api.post(kind, token, operation="update", include="void")

    def delete(self, number):
        kind, doc = self.choose(number, "Invoice", "Payment", "Deposit", "CreditMemo", "JournalEntry")
        if doc:
            self.api.post(kind, {"Id": doc["Id"], "SyncToken": doc["SyncToken"]}, operation="delete")


@settings(max_examples=40, deadline=None)
@given(steps)
@example([("invoice", Decimal(1)), ("credit", Decimal(1)), ("apply credit", 0, 0, Decimal(1)), ("void", 0)])
def test_books_balance_and_the_receivable_is_what_the_documents_say(play):
    remote = QuickBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    made = remote.control("create_company", {"chart": "bookkeeper", "customers": ["Amazon.com (USD)"]})
    api = Api(remote, made)
    player = Play(api)

    for step in play:
        player.step(*step)

    books = remote.books(api.realm)
    invoices, payments, memos = player.all("Invoice"), player.all("Payment"), player.all("CreditMemo")
    assert sum(books.trial_balance().values()) == 0
    owed = sum(each["Balance"] for each in invoices) - sum(each["UnappliedAmt"] for each in payments)
    assert api.balance("A/R - Wholesale") == owed - sum(each["Balance"] for each in memos)
    assert all(0 <= each["Balance"] <= each["TotalAmt"] for each in [*invoices, *memos])
    in_funds = sum(each["TotalAmt"] for each in payments if not each["LinkedTxn"])
    assert api.balance("Undeposited Funds") == in_funds
