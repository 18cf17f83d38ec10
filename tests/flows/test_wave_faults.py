"""Every money transaction of Wave under every fault, whatever Wave makes of an id that comes twice: in the books once, for nothing
but a balance tells."""

import json
import time
from datetime import UTC, datetime

import pytest
import time_machine
from django.test import override_settings

from bookkeeping.accounts import ACCOUNTS
from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import EntryLine, How, JournalEntry, Kind, Undo
from bookkeeping.numbering import undo_key
from flows.models import Attempt
from kit import http
from ledgers.port import Binding
from ledgers.registry import refresh_lists
from ledgers.wave.accounts import subtype_for
from ledgers.wave.sandbox import WaveStandIn
from ledgers.wave.sandbox.oauth import DEFAULT_APP
from tests import factories
from tests.flows.ledger import ON, START, Books, Time, _Shared

BASE = "https://wave.faults.test"
KEYS = (K.CLEARING, K.PAYOUTS, K.SALES, K.FEE_SELLING, K.REFUNDS)
WRITE = "mutation.moneyTransactionCreate"
ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}
PAYOUT = {K.CLEARING: -8500, K.PAYOUTS: 8500}
# What each does to the books, and what is in them before.
TRANSACTIONS = {
    "deposit": (lambda books: books.entry(), ENTRY, None),
    "withdrawal": (lambda books: books.transfer(target="PAYOUTS"), PAYOUT, None),
    "reversal": (lambda books: books.reverse("e1"), {}, lambda books: books.entry()),
}
DUPLICATES = ("refuse", "first", "twice")
OTHERS = (("withdrawal", "twice"), ("reversal", "twice"))  # where nothing but the balance prevents a second one
LOST = {"do": "drop_answer", "boundary": "after_commit"}
FAULTS = {
    "cut before the commit": {"do": "drop_answer", "boundary": "before_commit"},
    "cut after the commit": LOST,
    "kept late": {"do": "late_commit", "boundary": "before_commit", "seconds": 100},
    "kept after our look-up": {"do": "late_commit", "boundary": "before_commit", "seconds": 150},
    "500, kept": {"do": "status", "boundary": "after_commit", "status": 500},
    "502 as a page, kept": {"do": "status", "boundary": "after_commit", "status": 502, "body": "html"},
    "503, not kept": {"do": "status", "boundary": "before_commit", "status": 503},
    "429": {"do": "status", "boundary": "before_commit", "status": 429},
    "half an answer": {"do": "cut_body", "boundary": "mid_answer"},
    "an answer that trickles": {"do": "slow_trickle", "boundary": "mid_answer", "seconds": 400},
    "answered after the deadline": {"do": "latency", "boundary": "after_commit", "seconds": 200},
    "begun after the deadline": {"do": "latency", "boundary": "before_commit", "seconds": 200},
}
ERROR = {"message": "Internal error", "extensions": {"code": "INTERNAL_SERVER_ERROR"}}
# What becomes of the body of an answer to a transaction that was kept.
ANSWERS = {
    "errors beside data": lambda body: {**body, "errors": [ERROR]},
    "errors and no data": lambda body: {"data": None, "errors": [ERROR]},
    "errors and nothing of the transaction": lambda body: {"data": dict.fromkeys(body["data"]), "errors": [ERROR]},
    "no word of the transaction": lambda body: {"data": {}},
    "no id": lambda body: {"data": {"moneyTransactionCreate": {"didSucceed": True, "inputErrors": []}}},
    "didSucceed left out": lambda body: {"data": {"moneyTransactionCreate": {"transaction": {"id": "T1"}}}},
    "a list": lambda body: [body],
}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


class Garbled:
    """Stands before the stand-in; makes something else of one answer to a transaction."""

    def __init__(self, stand_in):
        self.stand_in, self.change = stand_in, None

    def __call__(self, environ, start_response):
        sent = environ["wsgi.input"].read()
        environ["wsgi.input"].seek(0)
        if self.change is None or b"moneyTransactionCreate" not in sent:
            return self.stand_in(environ, start_response)
        change, self.change = self.change, None
        said = []
        body = b"".join(self.stand_in(environ, lambda status, headers, exc_info=None: said.append((status, headers))))
        changed = json.dumps(change(json.loads(body))).encode()
        status, headers = said[0]
        kept = [(name, value) for name, value in headers if name.lower() != "content-length"]
        start_response(status, [*kept, ("Content-Length", str(len(changed)))])
        return [changed]


class WaveBooks(Books):
    """One business and the flow that writes to it."""

    def __init__(self, moment, stand_in):
        self.time, self.stand_in = moment, stand_in
        self.tenant = factories.TenantFactory(name="Acme")
        accounts = {ACCOUNTS[key].name: subtype_for(key.value) for key in KEYS}
        values = {"name": "Acme Books", "chart": "bare", "accounts": accounts, "products": {}}
        made = stand_in.control("create_business", values)
        self.business = made["business"]
        self.bindings = {key.value: Binding(account=made["accounts"][ACCOUNTS[key].name]) for key in KEYS}
        tokens = stand_in.control("issue_tokens", {"business": self.business})
        grant = factories.GrantFactory(
            provider="wave",
            environment="production",
            subject=self.business,
            access=tokens["access_token"],
            refresh=tokens["refresh_token"],
            expires_at=datetime.fromtimestamp(time.time() + tokens["expires_in"], UTC),
        )
        self.connection = factories.ConnectionFactory(tenant=self.tenant, grant=grant, remote_name="Acme Books")
        refresh_lists(self.connection)
        self.flow = self.flow_of(self.tenant, self.connection)
        self.remote_key = self.connection.remote_key

    def reverse(self, key):
        lines = (
            EntryLine("SALES", debit=10000),
            EntryLine("FEE_SELLING", credit=1000),
            EntryLine("CLEARING", credit=9000),
        )
        undo = Undo(key, Kind.ENTRY, How.REVERSE, JournalEntry(f"AMZ-{key}-R", ON, "USD", lines))
        return self.put(undo, undo_key(key), [key])

    def balances(self):
        self.stand_in.run_late()
        books = self.stand_in.books(self.business)
        found = {key: books.balance(self.bindings[key.value].account) for key in KEYS}
        return {key: amount for key, amount in found.items() if amount}

    def transactions(self):
        return len(self.stand_in.control("transactions", {"business": self.business}))

    def by_hand(self, amount):
        sides = {self.bindings["CLEARING"].account: amount, self.bindings["REFUNDS"].account: f"-{amount}"}
        values = {"business": self.business, "date": ON.isoformat(), "description": "By hand", "sides": sides}
        self.stand_in.control("add_transaction", values)


@pytest.fixture
def books(db, monkeypatch):
    with time_machine.travel(START, tick=False) as traveller:
        moment = Time(traveller, monkeypatch)
        stand_in = WaveStandIn(clock=_Shared(moment))
        stand_in.switches["rate_scale"] = 0
        door = Garbled(stand_in)
        http.mount(BASE, door)
        with override_settings(
            WAVE_API_BASE=BASE,
            WAVE_TOKEN_URL=f"{BASE}/oauth2/token/",
            WAVE_CLIENT_ID=DEFAULT_APP["client_id"],
            WAVE_CLIENT_SECRET=DEFAULT_APP["client_secret"],
            WAVE_RATE_SCALE=100_000.0,
        ):
            made = WaveBooks(moment, stand_in)
            made.door = door
            yield made
        http.unmount(BASE)


def under(books, transaction, duplicates, arrange):
    """Write a transaction while something goes wrong; returns how many there were before."""
    put, _, first = transaction
    books.stand_in.switches["duplicate_external_id"] = duplicates
    if first is not None:
        first(books)
        books.finish()
    before = books.transactions()
    arrange()
    put(books)
    books.finish()
    return before


def assert_once(books, transaction, before):
    assert set(books.states().values()) <= {"posted", "undone"}, books.row("e1")
    assert books.transactions() == before + 1
    assert books.balances() == transaction[1]


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(("name", "duplicates"), [*(("deposit", each) for each in DUPLICATES), *OTHERS])
def test_whatever_happens_to_a_call_its_transaction_is_in_the_books_once(books, name, fault, duplicates):
    transaction = TRANSACTIONS[name]

    before = under(books, transaction, duplicates, lambda: books.fault(WRITE, **fault))

    assert_once(books, transaction, before)
    assert books.stand_in.faults.rules()[0]["fired"] == 1


@pytest.mark.parametrize("duplicates", DUPLICATES)
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_whatever_an_answer_says_its_transaction_is_in_the_books_once(books, answer, duplicates):
    before = under(books, TRANSACTIONS["deposit"], duplicates, lambda: setattr(books.door, "change", answer))

    assert_once(books, TRANSACTIONS["deposit"], before)
    assert books.door.change is None


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_a_balance_that_shows_it_late_doubles_nothing(books, duplicates):
    books.stand_in.switches["balance_lag_s"] = 150  # at the first look it is not seen yet

    before = under(books, TRANSACTIONS["deposit"], duplicates, lambda: books.fault(WRITE, **LOST))

    assert_once(books, TRANSACTIONS["deposit"], before)


@pytest.mark.parametrize("duplicates", DUPLICATES)
def test_a_second_lost_answer_after_a_lost_request_doubles_nothing(books, duplicates):
    def arrange():
        books.fault(WRITE, boundary="before_commit", do="drop_answer")
        books.fault(WRITE, **LOST, nth=1)

    before = under(books, TRANSACTIONS["deposit"], duplicates, arrange)

    assert_once(books, TRANSACTIONS["deposit"], before)


@pytest.mark.parametrize("duplicates", DUPLICATES)
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_where_somebody_else_moved_the_balance_a_person_says_what_became_of_it(books, duplicates, kept):
    """The two together look like neither, whether ours is there or not."""
    books.stand_in.switches["duplicate_external_id"] = duplicates
    books.fault(WRITE, do="drop_answer", boundary="after_commit" if kept else "before_commit")
    books.entry()
    books.work()
    books.by_hand("7.00")

    books.finish()

    row = books.row("e1")
    assert (row.state, row.code) == ("parked", "cannot_tell")
    assert "this alone changes it by 90.00 USD" in row.reason
    assert "say here" in row.action
    assert Attempt.objects.count() == 1
    assert books.transactions() == 1 + kept
