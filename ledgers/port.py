"""The port every ledger implements, and the only hierarchy of outcomes.

A ledger translates neutral documents to one remote API and back. It never decides accounts, retries, audits or touches
our tables; the outbox does. A write has two steps, so that what was sent can be resent byte for byte: ``render`` turns
deliveries into frozen calls, ``send`` performs one call.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum, unique
from typing import Any, Final, Protocol

from bookkeeping.accounts import AccountClass, AccountKey, LineKey
from bookkeeping.documents import Document, How, Kind
from bookkeeping.policy import Policy
from kit.rate import RatePlan


class NotSent(Exception):
    """Nothing happened remotely: no connection, DNS, TLS, throttled, or 401. Safe to send again after ``after_s``."""

    def __init__(self, reason: str, after_s: float = 0) -> None:
        super().__init__(reason)
        self.after_s = after_s

    @property
    def action(self) -> str:
        """What somebody does who asked for it: ask again, and when."""
        hours = round(self.after_s / 3600)
        return (
            f"Try again in about {hours} hour{'' if hours == 1 else 's'}." if hours else "Try again in a few minutes."
        )


class AuthorizationLost(Exception):
    """The grant no longer opens this company. A person must connect again; nothing happened remotely."""


class Unknown(Exception):
    """Anything else after the first byte: the remote may or may not have committed. Only a look-up may clear it."""


class Partly(Exception):
    """A call of several deliveries broke off. ``answers`` has what is known, ``unknown`` names what only a look-up may clear;
    nothing happened to the others, which are safe to send again after ``after_s``."""

    def __init__(
        self, reason: str, answers: "Mapping[str, Posted | Refused]", unknown: Collection[str] = (), after_s: float = 0
    ) -> None:
        super().__init__(reason)
        self.answers, self.unknown, self.after_s = answers, unknown, after_s


@unique
class Next(StrEnum):
    """What becomes of a refused delivery."""

    HELD = "held"  # a person mends something (mapping, closed period); then replay
    FAILED = "failed"  # the same again later may work
    PARKED = "parked"  # wants a person to look; no automatic retry
    ADOPT = "adopt"  # the number or name exists: look it up, adopt only what carries our marker


@dataclass(frozen=True, slots=True)
class Refused:
    """A parsed answer that proves the remote did not commit this delivery.

    ``text`` says what happened, ``action`` what to do, both for a bookkeeper; ``code`` and ``field`` are the ledger's.
    ``lacks`` names the ability of ``policy.Policy`` that the company turns out not to have: planned without it, the
    fact gets another kind of document.
    """

    code: str
    text: str
    action: str
    next: Next
    field: str = ""
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Posted:
    """A document that is in the books. ``external_id`` and ``version`` are the remote's; ``total`` is in minor units as
    answered, ``lines`` the answered amounts by line key and ``balance`` what is still open of it (invoices only),
    ``url`` a link for a person."""

    external_id: str
    version: str = ""
    number: str = ""
    total: int | None = None
    lines: Mapping[LineKey, int] = field(default_factory=dict)
    url: str = ""
    balance: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """``live`` is False for a voided document, ``equal`` False where content differs from ours, and ``difference`` says
    how, for a bookkeeper; ``posted`` is as the remote has it. The look-up of an Undo is Found where its target is gone
    or void, Absent where that still stands."""

    posted: Posted
    live: bool
    equal: bool
    difference: str = ""


@dataclass(frozen=True, slots=True)
class Absent:
    """The remote proves it does not hold this document. The only answer that permits a resend."""


@dataclass(frozen=True, slots=True)
class CannotTell:
    reason: str


@dataclass(frozen=True, slots=True)
class Kept:
    """A document as the ledger has it now. ``live`` is False where it is void or gone; ``content`` is the ledger's own
    form of it, for ``compare``, empty where it is gone."""

    kind: Kind
    external_id: str
    live: bool
    version: str = ""
    content: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a company, whoever wrote it. ``incomplete`` are the kinds of which there may be more, or of which
    the ledger does not say what was deleted: our own documents of these are to be read with ``kept``.

    ``until`` is the ledger's own clock when it answered, or up to when it was looked, None where neither is known. ``paid``
    are invoices of which every payment that is left is among the documents: one of ours on them that is not is gone.
    ``more``: there was too much at once; what changed after ``until``, which is later than was asked for, is to be asked for anew.
    """

    documents: tuple[Kept, ...]
    incomplete: frozenset[Kind] = frozenset()
    until: datetime | None = None
    paid: frozenset[str] = frozenset()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A document as the ledger's own pages list it: ``kind`` in their word ("deposit"), ``amount`` in minor units and above
    zero, ``account`` the remote id of the account it stands on, and the ``description`` it was given."""

    kind: str
    amount: int
    account: str
    description: str = ""


@unique
class Lookup(StrEnum):
    EXACT = "exact"  # find() tells Found from Absent
    DELTA = "delta"  # only a balance difference tells


@dataclass(frozen=True, slots=True)
class Words:
    """What a way of booking makes in a ledger, for a person: ``short`` in a few words after its name, ``about`` in sentences,
    ``books`` what will be there."""

    short: str
    about: str
    books: str


SUMMARY: Final = Words(
    "one balanced entry per settlement and month",
    "One balanced entry for each settlement and month, and the payout. Income, refunds and every kind of fee are on their own "
    "accounts.",
    "About 3 documents per settlement.",
)
ORDERS: Final = Words(
    "an invoice for each order",
    "An invoice for each order, with its items, paid when Amazon settles it; then the fees, refunds and the payout of the "
    "settlement.",
    "Two documents per order, and the settlement’s own. Sales by item can be reported.",
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of cutting a settlement's documents in this ledger, as a person chooses it. ``name`` has at most 12
    characters; ``label`` and ``help`` are for the page, ``summary`` and ``orders`` say what each mode makes. ``classes`` has the
    class of the account that serves a key where these documents need another than the usual one."""

    name: str
    label: str
    policy: Policy
    help: str = ""
    classes: Mapping[AccountKey, AccountClass] = field(default_factory=dict)
    summary: Words = SUMMARY
    orders: Words = ORDERS


@dataclass(frozen=True, slots=True)
class Capabilities:
    """Differences between ledgers, as data.

    ``layouts`` has at least one; the first is what is taken unless somebody chooses. ``readable`` are the kinds that
    ``read``, ``changes`` and ``kept`` can see. ``confirm_s`` goes with ``Lookup.DELTA``: a document that is not seen counts
    as absent only when it is not seen again this much later.
    """

    kinds: frozenset[Kind]
    lookup: Mapping[Kind, Lookup]
    undo: Mapping[Kind, How]
    quarantine_s: int  # how long after a lost answer a late commit may still land
    deadline_s: int  # total deadline of a write call
    layouts: tuple[Layout, ...]
    readable: frozenset[Kind]
    multicurrency: bool
    confirm_s: int = 0


@dataclass(frozen=True, slots=True)
class Binding:
    """What a symbol of a document means in the company: remote ids, "" where it means nothing.

    An id that starts with ``@`` is the key of the delivery that creates the object; the outbox replaces it before
    rendering.
    """

    account: str = ""
    item: str = ""
    customer: str = ""
    department: str = ""  # QuickBooks calls it location
    class_: str = ""


@dataclass(frozen=True, slots=True)
class External:
    """A delivery that is in the books, as a later one refers to it."""

    external_id: str
    version: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """One delivery, ready to be rendered. ``marker`` goes into the remote memo; ``wire_id`` is the idempotency id (at
    most 40 characters).

    ``bindings`` has every symbol of the document, with no ``@`` left; ``refs`` the deliveries it depends on, by key;
    ``before`` what ``Ledger.before`` returned when it was last sent.
    """

    key: str
    marker: str
    wire_id: str
    document: Document
    bindings: Mapping[str, Binding]
    refs: Mapping[str, External] = field(default_factory=dict)
    before: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Call:
    """One frozen remote call. ``keys`` are the deliveries it carries, in the order of the answer.

    ``lines`` has, for each invoice in it, the line keys in the order they were written: the wire does not carry them,
    the answer is read back with them.
    """

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes
    wire_id: str
    keys: tuple[str, ...]
    operation: str = "write"  # what limits() goes by
    lines: Mapping[str, Sequence[LineKey]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RemoteAccount:
    """``account_class`` is None for a type we never post to. ``currency`` is "" in a single-currency company."""

    id: str
    name: str
    type: str
    account_class: AccountClass | None
    currency: str = ""
    active: bool = True
    number: str = ""


@dataclass(frozen=True, slots=True)
class RemoteObject:
    """An item, customer, class or location; ``account`` is an item's income account, "" where the ledger's items have none,
    ``currency`` a customer's."""

    id: str
    name: str
    active: bool = True
    sku: str = ""
    account: str = ""
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a company offers for mapping. ``closed_until`` is the last day of the closed period, ``country`` is spelled
    as the ledger spells it. ``currencies`` are the ones switched on, named by their ISO code, where the ledger writes them by
    an id of its own."""

    company_name: str
    home_currency: str
    multicurrency: bool
    closed_until: date | None
    accounts: tuple[RemoteAccount, ...]
    items: tuple[RemoteObject, ...] = ()
    customers: tuple[RemoteObject, ...] = ()
    classes: tuple[RemoteObject, ...] = ()
    locations: tuple[RemoteObject, ...] = ()
    country: str = ""
    currencies: tuple[RemoteObject, ...] = ()


@unique
class Verdict(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """One named step of *Test connection*. ``action`` says what to do when it did not pass; ``blocks`` names what it
    forbids ("" nothing, "orders" the orders mode, "posting" everything)."""

    name: str
    verdict: Verdict
    detail: str
    action: str = ""
    blocks: str = ""


class Ledger(Protocol):
    """One remote company, authorised. Methods that call the remote may raise NotSent, AuthorizationLost or Unknown."""

    @property
    def capabilities(self) -> Capabilities: ...

    def checks(self, mode: str, currency: str = "") -> list[Check]:
        """Return the named steps of *Test connection* for a mode ("summary" or "orders") and a settlement currency, ""
        if not known."""
        ...

    def reference(self) -> Reference: ...

    def limits(self, call: Call) -> Mapping[str, RatePlan]:
        """Return the company's token buckets by name; the plan's cost is taken of each before the call is sent."""
        ...

    def render(self, posts: Sequence[Post]) -> list[Call]:
        """Return the calls that carry the posts, in order. Pure: same posts, same bytes.

        Raises ``NotRenderable`` with the key of a post that this ledger cannot hold."""
        ...

    def before(self, call: Call) -> Mapping[str, int]:
        """Return what ``find`` has to compare with should the answer of this call be lost: account id -> balance in minor
        units, debit positive, of the accounts it will move. Empty, and nothing is asked, where look-ups are exact. What
        ``limits`` says of the call is for this read, too."""
        ...

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        """Perform one call and return the outcome of every delivery in it, by key. Raises Partly, too."""
        ...

    def read(self, kind: Kind, external_id: str) -> Posted | None:
        """Return one document as the ledger has it now; None where it is gone."""
        ...

    def find(self, post: Post) -> Found | Absent | CannotTell:
        """Look a delivery up by what the remote can filter on, compare marker and content on our side."""
        ...

    def changes(self, kinds: Collection[Kind], since: datetime) -> Changes:
        """Return the documents of these kinds that were made, changed, made void or deleted at ``since`` or later, by the
        ledger's clock. Other people's documents are among them."""
        ...

    def kept(self, kind: Kind, external_ids: Sequence[str]) -> Sequence[Kept]:
        """Return these documents as the ledger has them now, in any order; the ones that are gone too. At most 1000 of them:
        one call of the operation "batch"."""
        ...

    def compare(self, post: Post, kept: Kept) -> Found | CannotTell:
        """Compare a document that is there with what the post wrote, by what matters to the books: date, accounts,
        amounts, party. Number and memo are people's own. Pure."""
        ...

    def forget(self, external_id: str, name: str, *, hide: bool) -> Refused | None:
        """Take a person out of a customer: call it ``name``, empty everything else that is personal, and with ``hide`` make it
        inactive as far as the ledger can. Safe to repeat, also after Unknown; one that is gone needs nothing. None: done."""
        ...

    def balances(self) -> Mapping[str, int]:
        """Return account id -> book balance in minor units of the account's currency, debit positive."""
        ...


class NotRenderable(Exception):
    """A document the ledger cannot hold; says so before anything is sent."""

    def __init__(self, key: str, text: str, action: str) -> None:
        super().__init__(text)
        self.key, self.text, self.action = key, text, action
