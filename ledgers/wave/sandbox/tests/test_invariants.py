"""Whatever is written, changed and removed: the books balance, and what the API shows is what the documents say."""

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from ledgers.wave.sandbox import WaveStandIn
from sandbox.clock import frozen

from .conftest import NOW, Api, business

amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(999), places=2)
pick = st.integers(min_value=0, max_value=30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), amounts, st.sampled_from(["SAVED", "DRAFT"])),
        st.tuples(st.just("approve"), pick),
        st.tuples(st.just("edit"), pick, amounts),
        st.tuples(st.just("delete"), pick),
        st.tuples(st.just("pay"), pick, amounts),
        st.tuples(st.just("change"), pick, amounts),
        st.tuples(st.just("unpay"), pick),
        st.tuples(st.just("transaction"), amounts, amounts),
        st.tuples(st.just("remove"), pick),
    ),
    max_size=14,
)


class Play:
    """A client and a person who do anything to anything."""

    def __init__(self, api):
        self.api, self.sent = api, 0

    def choose(self, number, kind):
        found = self.api.remote.business(self.api.id).all(kind)
        return found[number % len(found)] if found else None

    def invoice(self, amount, status):
        self.api.invoice(amount, status=status)

    def approve(self, number):
        if chosen := self.choose(number, "Invoice"):
            self.api.do("invoiceApprove", invoiceId=chosen["id"])

    def edit(self, number, amount):
        if chosen := self.choose(number, "Invoice"):
            items = [{"productId": self.api.made["products"]["Goods"], "unitPrice": str(amount)}]
            self.api.do("invoicePatch", id=chosen["id"], items=items)

    def delete(self, number):
        if chosen := self.choose(number, "Invoice"):
            self.api.do("invoiceDelete", invoiceId=chosen["id"])

    def pay(self, number, amount):
        if chosen := self.choose(number, "Invoice"):
            self.api.pay(chosen, amount)

    def change(self, number, amount):
        if chosen := self.choose(number, "InvoicePayment"):
            self.api.do("invoicePaymentPatch", id=chosen["id"], amount=str(amount))

    def unpay(self, number):
        if chosen := self.choose(number, "InvoicePayment"):
            self.api.do("invoicePaymentDelete", id=chosen["id"])

    def transaction(self, sales, fees):
        self.sent += 1
        lines = [("Goods", sales), ("Fees", -fees)]
        if sales != fees:
            self.api.post(sales - fees, *lines, external=f"e{self.sent}")

    def remove(self, number):
        if chosen := self.choose(number, "Transaction"):
            self.api.remote.control("delete_transaction", {"business": self.api.id, "id": chosen["id"]})


@settings(max_examples=25, deadline=None)
@given(steps)
def test_books_balance_and_the_receivable_is_what_the_invoices_say(play):
    remote = WaveStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    api = Api(remote, business(remote))
    player = Play(api)

    for name, *values in play:
        getattr(player, name)(*values)

    selection = "status amountDue { value } amountPaid { value } total { value }"
    listed = api.of(f"invoices(pageSize: 99) {{ edges {{ node {{ {selection} }} }} }}")["invoices"]["edges"]
    saved = [
        {key: Decimal(money["value"]) for key, money in each["node"].items() if key != "status"}
        for each in listed
        if each["node"]["status"] != "DRAFT"
    ]
    books = {name: Decimal(text) for name, text in api.balances().items()}
    accounts = api.of("accounts(pageSize: 99) { edges { node { name balance normalBalanceType } } }")["accounts"][
        "edges"
    ]
    shown = {
        each["node"]["name"]: Decimal(each["node"]["balance"])
        * (1 if each["node"]["normalBalanceType"] == "DEBIT" else -1)
        for each in accounts
    }
    assert sum(books.values()) == 0
    assert {name: amount for name, amount in shown.items() if amount} == books
    assert books.get("Accounts Receivable", 0) == sum(each["amountDue"] for each in saved)
    over = sum(max(each["amountPaid"] - each["total"], 0) for each in saved)
    assert -books.get("Customer Credits", 0) == over
