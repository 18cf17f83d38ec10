"""Whatever is written, changed and removed: the books balance and say what the documents say."""

from decimal import Decimal

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ledgers.freshbooks.sandbox import FreshBooksStandIn
from sandbox.clock import frozen

from .conftest import CLEARING, NOW, SALES, business

INVOICES, PAYMENTS, EXPENSES = "invoices/invoices", "payments/payments", "expenses/expenses"
INCOMES, CREDITS, JOURNALS = (
    "other_incomes/other_incomes",
    "credit_notes/credit_notes",
    "journal_entries/journal_entries",
)
PATHS = {"invoice": INVOICES, "payment": PAYMENTS, "expense": EXPENSES, "credit_note": CREDITS}
amounts = st.decimals(min_value=Decimal("0.01"), max_value=Decimal(999), places=2)
pick = st.integers(min_value=0, max_value=30)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("invoice"), amounts, amounts),
        st.tuples(st.just("send"), pick),
        st.tuples(st.just("draft"), pick),
        st.tuples(st.just("pay"), pick, amounts),
        st.tuples(st.just("pay by credit"), pick, amounts),
        st.tuples(st.just("expense"), amounts),
        st.tuples(st.just("income"), amounts),
        st.tuples(st.just("credit"), amounts),
        st.tuples(st.just("journal"), amounts),
        st.tuples(st.just("edit"), pick, amounts),
        st.tuples(st.just("hide"), pick, st.sampled_from([0, 1, 2])),
    ),
    max_size=14,
)


class Play:
    def __init__(self, api):
        self.api = api
        self.made = []

    def step(self, name, *values):
        getattr(self, name.replace(" ", "_"))(*values)

    def keep(self, kind, answer):
        if isinstance(answer, dict):
            self.made.append((kind, answer["id"]))

    def choose(self, number, *kinds):
        found = [each for each in self.made if each[0] in kinds]
        return found[number % len(found)] if found else None

    def invoice(self, first, second):
        lines = [
            {"name": "SALES", "qty": 3, "unit_cost": {"amount": str(first)}, "taxName1": "T", "taxAmount1": "8.375"},
            {"name": "PROMO", "unit_cost": {"amount": str(-second)}},
        ]
        body = self.api.invoice(lines=lines, discount_value="12.5")
        self.keep("invoice", self.api.post(INVOICES, body))

    def send(self, number):
        if found := self.choose(number, "invoice"):
            self.api.put(INVOICES, found[1], {"action_mark_as_sent": True})

    def draft(self, number):
        if found := self.choose(number, "invoice"):
            self.api.put(INVOICES, found[1], {"status": 1})

    def pay(self, number, amount, **fields):
        if found := self.choose(number, "invoice"):
            invoice = {"id": found[1], "currency_code": "USD"}
            self.keep("payment", self.api.pay(invoice, amount, **fields))

    def pay_by_credit(self, number, amount):
        self.pay(number, amount, type="Credit")

    def expense(self, amount):
        body = self.api.expense(amount, taxName1="T", taxPercent1="8.375")
        self.keep("expense", self.api.post(EXPENSES, body))

    def income(self, amount):
        self.api.post(INCOMES, self.api.income(amount))

    def credit(self, amount):
        lines = [{"name": "sorry", "unit_cost": {"amount": str(amount)}}]
        body = {"clientid": self.api.client, "create_date": "2026-11-10", "lines": lines}
        self.keep("credit_note", self.api.post(CREDITS, body))

    def journal(self, amount):
        self.api.post(JOURNALS, self.api.journal((CLEARING, amount), (SALES, -amount)))

    def edit(self, number, amount):
        if found := self.choose(number, "invoice", "payment", "expense"):
            money = {"amount": str(amount), "code": "USD"}
            lines = [{"name": "SALES", "unit_cost": money}]
            self.api.put(PATHS[found[0]], found[1], {"lines": lines} if found[0] == "invoice" else {"amount": money})

    def hide(self, number, state):
        if found := self.choose(number, *PATHS):
            self.api.put(PATHS[found[0]], found[1], {"vis_state": state})


@settings(max_examples=20, deadline=None)
@given(steps, st.sampled_from(["replaced", "reversed"]), st.sampled_from(["refused", "deletes_payments"]))
@example(
    [("invoice", Decimal(9), Decimal(1)), ("send", 0), ("pay", 0, Decimal(99)), ("invoice", Decimal(9), Decimal(1)),
     ("send", 1), ("pay by credit", 1, Decimal(5)), ("edit", 2, Decimal(3)), ("hide", 0, 1)],
    "reversed", "deletes_payments",
)  # fmt: skip
def test_books_balance_and_say_what_the_documents_say(play, edited, deleting):
    remote = FreshBooksStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    remote.switches["edited_entries"] = edited
    remote.switches["delete_paid_invoice"] = deleting
    api = business(remote, chart="bookkeeper")
    player = Play(api)

    for step in play:
        player.step(*step)

    def total(path, field, wanted=lambda each: True):
        return sum(
            (Decimal(each[field]["amount"]) for each in api.list(path, per_page="100") if wanted(each)), Decimal(0)
        )

    trial = remote.books(api.account).trial_balance()
    assert sum(trial.values()) == 0
    assert api.balance("Accounts Receivable") == total(INVOICES, "outstanding", lambda each: each["status"] != 1)
    cash = total(PAYMENTS, "amount", lambda each: not each["from_credit"]) + total(INCOMES, "amount")
    assert api.balance("Petty Cash") == cash - total(EXPENSES, "amount")
    assert -api.balance("Customer Credit") == total(CREDITS, "amount") - total(CREDITS, "paid")
    details: dict[str, Decimal] = {}
    for page in range(1, 10):
        for each in api.list("journal_entries/journal_entry_details", per_page="100", page=str(page)):
            side = Decimal(each["debit"]["amount"]) if each["debit"] else -Decimal(each["credit"]["amount"])
            key = str(each["sub_account"]["sub_accountid"])
            details[key] = details.get(key, Decimal(0)) + side * 100
    assert {key: value for key, value in details.items() if value} == trial
