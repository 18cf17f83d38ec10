"""Every write under every fault: at the end the books hold each document exactly once, and balances are right."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import How

INVOICE = {K.AR: 3500, K.SALES: -4000, K.PROMO: 500}
PAID = {K.CLEARING: 3500, K.SALES: -4000, K.PROMO: 500}
ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}


def times(amounts, n):
    return {key: n * amount for key, amount in amounts.items()}


@dataclass(frozen=True)
class Write:
    """``before`` is in the books when the fault is set; ``put`` is what meets it."""

    operation: str
    put: Callable[[Any], Any]
    balances: dict
    documents: dict
    before: Callable[[Any], Any] = field(default=lambda books: None)


def invoices(books, n=3):
    for number in range(n):
        books.invoice(f"i{number}")


def payments(books, n=3):
    for number in range(n):
        books.payment(f"p{number}", f"i{number}")


def paid(books, n=3):
    invoices(books, n)
    payments(books, n)


WRITES = {
    "invoice": Write("invoice.create", lambda books: books.invoice(), INVOICE, {"Invoice": 1}),
    "payment": Write(
        "payment.create",
        lambda books: books.payment(),
        PAID,
        {"Invoice": 1, "Payment": 1},
        lambda books: books.invoice(),
    ),
    "shared payment": Write("payment.create", payments, times(PAID, 3), {"Invoice": 3, "Payment": 1}, invoices),
    "entry": Write("journalentry.create", lambda books: books.entry(), ENTRY, {"JournalEntry": 1}),
    "transfer": Write(
        "transfer.create", lambda books: books.transfer(), {K.CLEARING: -8500, K.BANK: 8500}, {"Transfer": 1}
    ),
    "deposit": Write(
        "deposit.create",
        lambda books: books.deposit(),
        {K.BANK: 8500, K.FEE_SELLING: 1500, K.CLEARING: -10000},
        {"Deposit": 1},
    ),
    "customer": Write("customer.create", lambda books: books.customer(), {}, {"Customer": 2}),
    "batch": Write("batch", invoices, times(INVOICE, 3), {"Invoice": 3}),
    "void": Write(
        "invoice.void", lambda books: books.undo("i1", How.VOID), {}, {"Invoice": 0}, lambda books: books.invoice()
    ),
    "delete": Write(
        "journalentry.delete", lambda books: books.undo("e1"), {}, {"JournalEntry": 0}, lambda books: books.entry()
    ),
    "shared delete": Write(
        "payment.delete",
        lambda books: [books.undo(f"p{number}") for number in range(3)],
        times(INVOICE, 3),
        {"Invoice": 3, "Payment": 0},
        paid,
    ),
}
FAULTS = {
    "the answer is lost": {"boundary": "after_commit", "do": "drop_answer"},
    "the request is lost": {"boundary": "before_commit", "do": "drop_answer"},
    "it is kept late": {"boundary": "before_commit", "do": "late_commit", "seconds": 100},
    "it is kept after our look-up": {"boundary": "before_commit", "do": "late_commit", "seconds": 170},
    "the body is cut": {"boundary": "mid_answer", "do": "cut_body"},
    "the body trickles": {"boundary": "mid_answer", "do": "slow_trickle", "seconds": 400},
    "500, kept": {"boundary": "after_commit", "do": "status", "status": 500, "body": "json"},
    "502 as a page, kept": {"boundary": "after_commit", "do": "status", "status": 502, "body": "html"},
    "503 as a page": {"boundary": "before_commit", "do": "status", "status": 503, "body": "html"},
    "504 as XML, kept": {"boundary": "after_commit", "do": "status", "status": 504, "body": "xml"},
    "429": {"boundary": "before_commit", "do": "status", "status": 429},
    "429 with Retry-After": {
        "boundary": "before_commit",
        "do": "status",
        "status": 429,
        "body": "xml",
        "headers": {"Retry-After": "120"},
    },
    "401": {"boundary": "before_commit", "do": "status", "status": 401},
    "kept, answered after the deadline": {"boundary": "after_commit", "do": "latency", "seconds": 200},
    "begun after the deadline": {"boundary": "before_commit", "do": "latency", "seconds": 200},
}


def put_under_fault(books, write, fault):
    write.before(books)
    books.finish()
    books.fault(write.operation, **fault)
    write.put(books)
    books.finish()


def assert_once(books, write):
    assert set(books.states().values()) <= {"posted", "undone"}, books.states()
    live = {kind: sum(books.numbers(kind).values()) for kind in write.documents if kind != "Customer"}
    wanted = {kind: count for kind, count in write.documents.items() if kind != "Customer"}
    assert live == wanted
    if "Customer" in write.documents:
        assert len(books.documents("Customer")) == write.documents["Customer"]
    assert books.balances() == write.balances


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_whatever_happens_to_a_call_its_documents_are_in_the_books_once(books, write, fault):
    put_under_fault(books, write, fault)

    assert_once(books, write)
    assert books.stand_in.faults.rules()[0]["fired"] == 1


@pytest.mark.parametrize("fault", ["the answer is lost", "it is kept late", "the body is cut", "500, kept"])
@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
def test_where_the_remote_remembers_no_request_the_look_up_alone_prevents_a_second_document(books, write, fault):
    books.stand_in.switches["requestid_retention"] = "0"

    put_under_fault(books, write, FAULTS[fault])

    assert_once(books, write)
