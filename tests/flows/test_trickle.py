"""Few tokens come in: what is looked at before it is written goes on all the same, and costs no more than it has to."""

import pytest

from flows import outbox, readback
from kit.clock import now
from kit.rate import RatePlan
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks
from tenants.models import Bucket
from tests import factories
from tests.flows import slate
from tests.flows.ledger import Books
from tests.flows.slate import Slate

PLAN = RatePlan(rate_per_s=0.05, burst=20)
KEY = "slate:production:app:calls"


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def slated(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made


@pytest.fixture
def neighbour(books):
    """Another company that always waits for its turn: nobody sleeps for a token then."""
    other = Books(books.time, books.stand_in, factories.TenantFactory(), "Globex Books")
    other.entry("waits")
    return other


def trickle(monkeypatch):
    """From now on a token comes every 20 seconds, and none is there."""
    monkeypatch.setattr(Slate, "limits", lambda self, call: {"app:calls": PLAN})
    Bucket.objects.create(key=KEY, tokens=0, at_s=now().timestamp())
    return now()


def spent(since):
    """How many tokens were taken since the bucket was empty."""
    level = Bucket.objects.get(pk=KEY)
    return round((level.at_s - since.timestamp()) * PLAN.rate_per_s - level.tokens)


def paced(monkeypatch):
    """Let QuickBooks have its own pace; returns what is asked of it."""
    asked = []
    for name in ("read", "find"):
        ask = getattr(QuickBooks, name)
        monkeypatch.setattr(QuickBooks, name, lambda self, *args, ask=ask: (asked.append(args), ask(self, *args))[1])
    scaled = QuickBooks.limits
    unscaled = {"calls": RatePlan(7, 3), "batches": RatePlan(0.6, 4)}
    monkeypatch.setattr(QuickBooks, "limits", lambda self, call: {name: unscaled[name] for name in scaled(self, call)})
    return asked


def test_each_undo_costs_its_looks_and_its_write_however_few_tokens_come(slated, monkeypatch):
    for number in range(4):
        slated.invoice(f"i{number}")
        slated.payment(f"p{number}", f"i{number}")
    slated.finish()
    since, read = trickle(monkeypatch), slated.remote.read
    for number in range(4):
        slated.undo(f"p{number}")
        slated.undo(f"i{number}")

    slated.finish()

    assert {slated.row(f"{kind}{number}").state for kind in "ip" for number in range(4)} == {"undone"}
    assert slated.remote.read - read == 8 * 2  # as it is now, and whether it is what was posted
    assert spent(since) == 8 * 3


def test_tokens_of_looks_that_were_not_made_are_given_back(slated, monkeypatch):
    slated.invoice()
    slated.finish()
    row = slated.row("i1")
    row.version = "7"
    row.save()
    monkeypatch.setattr(Slate, "read", lambda self, kind, external_id: slate.Posted(external_id, version="7"))
    since = trickle(monkeypatch)

    slated.undo("i1")
    slated.finish()

    assert slated.row("i1").state == "undone"
    assert spent(since) == 2  # that it is as it was needs no second look


def test_thirty_undos_are_looked_at_once_each_while_another_company_waits(books, neighbour, monkeypatch):
    for number in range(12):
        books.entry(f"e{number}")
    outbox.work(books.remote_key)
    books.finish()
    asked = paced(monkeypatch)
    for number in range(12):
        books.undo(f"e{number}")

    for _ in range(20):
        outbox.work(books.remote_key)
        books.time.shift(1)

    assert {books.row(f"e{number}").state for number in range(12)} == {"undone"}
    assert len(asked) == 12
    assert neighbour.row("waits").state == "ready"


def test_an_uncertain_batch_is_looked_up_once_while_another_company_waits(books, neighbour, monkeypatch):
    books.fault("batch", boundary="after_commit", do="drop_answer")
    for number in range(12):
        books.entry(f"e{number}")
    outbox.work(books.remote_key)
    asked = paced(monkeypatch)
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)

    for _ in range(20):
        outbox.work(books.remote_key)
        books.time.shift(1)

    assert {books.row(f"e{number}").state for number in range(12)} == {"posted"}
    assert len(asked) == 12


def test_changes_are_asked_for_only_with_the_tokens_to_read_on(slated, monkeypatch):
    slated.invoice()
    slated.finish()
    asked, changes = [], Slate.changes
    monkeypatch.setattr(Slate, "changes", lambda self, *args: (asked.append(args), changes(self, *args))[1])
    readback.ask(slated.connection, "alice")
    trickle(monkeypatch)
    slated.time.shift(1.5 / PLAN.rate_per_s)

    early = readback.check(slated.connection.pk), len(asked)
    slated.time.shift(readback.AGAIN.total_seconds())
    late = readback.check(slated.connection.pk), len(asked)

    assert (early, late) == ((False, 0), (True, 1))
