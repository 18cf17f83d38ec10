"""Taking back what a ledger neither deletes nor voids: an entry of its own, sent and looked up as one."""

import pytest

from bookkeeping.documents import EntryLine, How, JournalEntry, Kind, Transfer, Undo, document_from
from bookkeeping.entries import reversed_lines
from bookkeeping.numbering import reversal_number, undo_key
from flows import answering, outbox, plans
from flows.models import Delivery
from tests.flows import slate
from tests.flows.ledger import attempts_of
from tests.flows.slate import Slate, no_answer


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def books(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made


def reverse(books, key):
    """Take a posted document back as undoing its settlement does."""
    document = document_from(books.row(key).plain_document)
    lines = (
        (EntryLine(document.source, debit=document.amount), EntryLine(document.target, credit=document.amount))
        if isinstance(document, Transfer)
        else reversed_lines(document.lines)
    )
    entry = JournalEntry(reversal_number(document.number), document.on, "USD", lines, f"Reverses {document.number}")
    return books.put(Undo(key, Kind(document.kind), How.REVERSE, entry), undo_key(key), [key])


@pytest.mark.parametrize("put", ["entry", "transfer"])
def test_a_document_is_reversed_by_an_entry_and_nothing_is_asked_that_the_ledger_cannot_show(books, put):
    row = getattr(books, put)("d1")
    books.finish()

    reverse(books, "d1")
    books.finish()

    undo = books.row(undo_key("d1"))
    assert (books.row("d1").state, undo.state) == ("undone", "posted")
    assert undo.external_id not in ("", row.external_id)
    assert attempts_of(undo.key)[0].before["CLEARING"] != 0
    assert books.balances() == {}
    assert len(books.remote.sent) == 2


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_reversal_whose_answer_is_lost_is_found_by_its_own_difference(books, kept):
    books.entry("d1")
    books.finish()
    books.fault(no_answer(kept=kept))

    reverse(books, "d1")
    books.finish()

    assert books.row("d1").state == "undone"
    assert len(books.remote.sent) == (2 if kept else 3)
    assert books.balances() == {}


def test_a_crash_over_a_reversal_reverses_once(books, monkeypatch):
    books.entry("d1")
    books.finish()
    reverse(books, "d1")
    books.crash(monkeypatch, Slate, "send")

    books.restart()
    books.finish()

    assert books.row("d1").state == "undone"
    assert books.balances() == {}


def test_what_was_reversed_already_is_not_reversed_again(books):
    books.entry("d1")
    books.finish()
    reverse(books, "d1")
    books.finish()

    books.put(Undo("d1", Kind.ENTRY, How.REVERSE, entry_of(books)), "another/undo", [])
    while outbox.work(books.remote_key):
        pass

    assert books.row("another/undo").state == "posted"
    assert len(books.remote.sent) == 2
    assert books.balances() == {}


def test_a_reversal_takes_back_its_target_alone_whatever_others_are_called(books):
    for key in ("d1", "d2"):
        books.fault(lambda *sent: books.remote.by_hand(CLEARING=77, SALES=-77) or no_answer()(*sent))
        books.entry(key)
        books.finish()
        answering.in_the_books(books.row(key), "alice", external_id="Journal")

    reverse(books, "d1")
    books.finish()

    assert (books.row("d1").state, books.row("d2").state) == ("undone", "posted")
    assert books.row("d1").external_id != books.row("d2").external_id
    assert len(books.remote.sent) == 3


def test_what_goes_by_one_id_is_not_reversed_together(books):
    for key in ("d1", "d2"):
        books.entry(key)
    books.finish()
    Delivery.objects.update(external_id="the same")

    reverse(books, "d1")
    books.finish()

    assert (books.row("d1").state, books.row("d2").state) == ("undone", "posted")


def test_a_reversal_is_read_as_the_entry_it_is(books):
    books.entry("d1")
    books.finish()

    paper = plans.paper_of(reverse(books, "d1"))

    assert dict(paper.facts) == {
        "Takes back": "AMZ-d1",
        "How": "reversed by an entry of its own",
        "Its entry": reversal_number("AMZ-d1"),
        "Dated": "14 Oct 2026",
    }
    assert (paper.debit, paper.credit) == (10000, 10000)
    assert paper.lines[0].account == "My Amazon Sales"


def entry_of(books):
    return document_from(books.row(undo_key("d1")).plain_document).reversal


def test_a_settlement_is_taken_out_by_reversals_and_posted_again(books):
    plan = books.post(books.settle())
    posted = books.balances()

    books.take_back(plan)
    books.finish()
    plan.refresh_from_db()
    out = books.balances()
    again = books.post(books.plan_again(plan))

    assert plan.state == "undone"
    assert out == {}
    undos = [row for row in books.rows_of(plan) if row.kind == "undo"]
    assert {row.plain_document["how"] for row in undos} == {"reverse"}
    assert (again.state, again.verdict["verdict"]) == ("posted", "proved")
    assert books.balances() == posted
