"""Something is wrong at a ledger: what a bookkeeper reads of it, what the books hold meanwhile, how it goes on once mended.

The scene is scenario E7 with accounts, customers and items that are in the ledger already; its first settlement is posted
while something is wrong.
"""

import re
from collections import Counter
from collections.abc import Callable, Set
from dataclasses import dataclass
from html import unescape

from django.test import Client

from bookkeeping.accounts import account_key
from bookkeeping.documents import document_from
from bookkeeping.entries import effect
from flows.models import Delivery, Flow
from kit.scope import scope
from ledgers.registry import refresh_lists
from tenants import apikeys
from tenants.models import Alert, Connection
from tests.flows.e7_books import E7

# The first settlement of E7, wholly in the books.
POSTED = {
    "BANK": 2001, "FEE_FBA": 2630, "FEE_REFUND_ADMIN": 135, "FEE_SELLING": 1875, "OUTPUT_TAX": -40, "PROMO": 1400,
    "REFUNDS": 4500, "RESERVE": 2000, "SALES": -17000, "SHIP_INCOME": -1100, "SUBSCRIPTION": 3999, "WRAP_INCOME": -400,
}  # fmt: skip
DONE = ("posted", "undone", "dropped")
# Nothing that a bookkeeper has to look up: codes, status lines, names of fields, markup.
TECHNICAL = re.compile(
    r"HTTP|\b[45]\d\d\b(?! orders)|\bcode\b|errno|exception|traceback|\bnull\b|\w+\.\w+\.\w+|[a-z][A-Z]\w*\b(?<!FreshBooks)"
    r"|[{}<>_]|\binput\b|GraphQL|JSON|\bAPI\b|OAuth|token"
)
NAMES = re.compile(
    r"FreshBooks|QuickBooks|Zoho Books|Tieout|Amazon\.com|AMZ-\S+|\b114-\S+|SKU-\w+|S01-\S+|\d{4}-\d\d-\d\d"
)


@dataclass(frozen=True)
class Cell:
    """``wrong`` is what somebody does at the ledger, ``right`` what mends it. ``says`` and ``do`` are in the sentence and in
    what to do; ``stops`` are the kinds of document that are held for it, what waits for them waits. With ``known`` the
    company's lists are read while it is wrong, as they are once a day."""

    name: str
    wrong: Callable[[E7], object]
    right: Callable[[E7], object]
    says: str
    do: str = ""
    stops: Set[str] = frozenset()
    known: bool = False

    def __str__(self) -> str:
        return self.name


class Scene(E7):
    """A flow that is live and whose accounts are made. Person and caller are Alice's."""

    expected = POSTED

    def __init__(self, world, alice, acme, time, into, **values):
        super().__init__(world, alice, acme, time, into=into, **values)
        self.alice = alice
        self.run()
        self.browser = Client()
        self.browser.force_login(alice)
        key = apikeys.issue(acme, alice, "test", ("read", "write"))[1]
        self.caller = Client(headers={"Authorization": f"Bearer {key}"})

    def rows(self, **chosen):
        with scope(self.acme.pk):
            return list(Delivery.objects.filter(**chosen).order_by("pk"))

    def waiting(self):
        """What is not in the books and should be."""
        with scope(self.acme.pk):
            return list(Delivery.objects.exclude(state__in=DONE).order_by("pk"))

    def stopped(self):
        return [row for row in self.waiting() if row.state in ("held", "parked", "failed")]

    def read_lists(self):
        with scope(self.acme.pk):
            refresh_lists(self.flow.target)

    def target(self):
        with scope(self.acme.pk):
            return Connection.objects.get(pk=self.flow.target_id)

    def account(self, key):
        """The ledger's id of the account that a key is mapped to."""
        return next(account for account, name in self.keys().items() if name == key)

    def replay(self, rows):
        """Replay the first over REST and the others on the audit page, and let it go out."""
        first, *others = [row.pk for row in rows]
        answer = self.caller.post(f"/api/v1/deliveries/{first}/replay")
        assert answer.status_code == 200, answer.content
        if others:
            self.browser.post("/audit/replay/", {"id": others})
        self.deliver()

    def reconnect(self):
        self.world.connect(self.ledger.slug, self.alice, self.acme, self.ledger.choice)
        self.deliver()

    def page(self, address):
        answer = self.browser.get(address)
        assert answer.status_code == 200, address
        return words(answer.content.decode())

    def alerts(self):
        with scope(self.acme.pk):
            return list(Alert.objects.filter(settled_at=None).order_by("pk"))

    def live(self):
        with scope(self.acme.pk):
            return Flow.objects.select_related("target", "source").get(pk=self.flow.pk)


# What is asked of every cell ------------------------------------------------------------------------------------------------


def held_and_replayed(scene, cell):
    """What it concerns is held with its sentence, all else is posted; a replay before it is mended changes nothing, one after
    it posts each document once."""
    cell.wrong(scene)
    theirs = scene.balances()
    if cell.known:
        scene.read_lists()
    scene.settle(1)
    stopped = scene.stopped()

    assert {row.kind for row in stopped} == cell.stops
    assert {row.state for row in stopped} == {"held"}
    for row in stopped:
        assert cell.says in row.reason, row.reason
        assert cell.do in f"{row.reason} {row.action}", row.action
        assert is_plain(row.reason), row.reason
        assert is_plain(row.action or cell.do), row.action
        page = scene.page(f"/audit/{row.pk}/")
        assert row.reason in page
        assert row.action in page
    told = [alert.text for alert in scene.alerts()]
    assert any(cell.says in text for text in told), told
    books_and_what_waits_come_to_all(scene, theirs)
    before = scene.balances()

    scene.replay(stopped)
    assert scene.balances() == before
    assert [row.pk for row in scene.stopped()] == [row.pk for row in stopped]

    cell.right(scene)
    scene.replay(scene.stopped())
    everything_is_posted_once(scene)


def lost_and_connected_again(scene, cell):
    """Nothing is sent and nothing is held: all of it waits for a person's consent, and then goes on by itself."""
    cell.wrong(scene)
    scene.settle(1)
    [alert] = [one for one in scene.alerts() if one.kind == "needs_reconnect"]

    assert scene.target().state == "needs_reconnect"
    assert scene.stopped() == []
    assert cell.says in alert.text, alert.text
    assert is_plain(alert.text), alert.text
    assert is_plain(alert.action), alert.action
    assert "wants a new consent" in scene.page(f"/flows/{scene.flow.pk}/")
    assert alert.text in scene.page("/alerts/")
    books_and_what_waits_come_to_all(scene)

    cell.right(scene)
    scene.reconnect()
    assert scene.target().state == "active"
    everything_is_posted_once(scene)


def rests_and_goes_on(scene, cell, seconds):
    """Nothing is held and nobody is asked: the company is left alone, the flow's page says why and for how long, and after
    ``seconds`` all of it goes out."""
    cell.wrong(scene)
    scene.settle(1)
    assert scene.stopped() == []
    assert scene.waiting()
    assert scene.target().state == "active"
    page = scene.page(f"/flows/{scene.flow.pk}/")
    assert cell.says in page
    assert cell.do in page
    books_and_what_waits_come_to_all(scene)

    scene.time.shift(seconds)
    cell.right(scene)
    scene.deliver()
    everything_is_posted_once(scene)


def books_and_what_waits_come_to_all(scene, theirs=None):
    """Nothing is half done, nothing is lost, nothing is there twice. ``theirs`` are balances that are not ours."""
    found = Counter(scene.balances())
    found.subtract(theirs or {})
    for row in scene.waiting():
        for key, amount in effect(document_from(row.plain_document)).items():
            found[account_key(key).value] += amount
    assert {key: amount for key, amount in found.items() if amount} == scene.expected


def everything_is_posted_once(scene):
    assert scene.stuck() == []
    assert scene.balances() == scene.expected
    numbers = [number for number, _, _ in scene.invoices()]
    assert len(numbers) == len(set(numbers))
    scene.run()
    assert scene.balances() == scene.expected
    assert scene.plan(1).verdict["verdict"] == "proved"


def words(page):
    """What a page says."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def is_plain(text):
    """Whether a bookkeeper who knows no API can read it: all but what the ledger itself says, which never stands alone."""
    ours, _, _ = text.partition(" says: ")
    return len(ours) > len("It was refused.") and not TECHNICAL.search(NAMES.sub("", ours))
