"""A ledger that shows no single document of most kinds, only balances: what is lost is looked up by their difference.

It exists for these tests alone. ``Remote`` is the company, with what goes wrong there; ``SlateBooks`` is a live flow into it.
"""

import json
import time
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import time_machine

from bookkeeping.accounts import ACCOUNTS
from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import How, Kind, Undo
from bookkeeping.entries import effect, own_total
from bookkeeping.policy import Policy
from flows import rules
from kit.rate import RatePlan
from kit.scope import scope
from ledgers import registry
from ledgers.port import (
    Absent,
    Binding,
    Call,
    CannotTell,
    Capabilities,
    Changes,
    Found,
    Layout,
    Lookup,
    NotSent,
    Posted,
    Reference,
    RemoteAccount,
    RemoteObject,
    Unknown,
)
from ledgers.port import Kept as KeptNow
from ledgers.registry import LedgerSpec, refresh_lists
from tenants import providers
from tenants.providers import Provider, ProviderKind
from tests import factories
from tests.flows.ledger import BUYER, START, Books, Time

KEYS = (*(key for key in ACCOUNTS if key in {K.CLEARING, K.BANK, K.CHARGE_METHOD, K.PAYOUTS, K.RESERVE}), K.SALES)
KEYS += (K.PROMO, K.FEE_SELLING, K.ADS, K.REFUNDS, K.OUTPUT_TAX)
ITEMS = (K.SALES, K.PROMO)
SHOWN = frozenset({Kind.INVOICE, Kind.PAYMENT})
FEED = Layout("feed", "The bank's lines come by a feed", Policy(payouts_to=K.PAYOUTS, charges_to=K.PAYOUTS))
CAPABILITIES = Capabilities(
    kinds=SHOWN | {Kind.ENTRY, Kind.TRANSFER, Kind.UNDO},
    lookup={
        Kind.INVOICE: Lookup.EXACT,
        Kind.PAYMENT: Lookup.EXACT,
        Kind.UNDO: Lookup.EXACT,
        Kind.ENTRY: Lookup.DELTA,
        Kind.TRANSFER: Lookup.DELTA,
    },
    undo={
        Kind.INVOICE: How.DELETE,
        Kind.PAYMENT: How.DELETE,
        Kind.ENTRY: How.REVERSE,
        Kind.TRANSFER: How.REVERSE,
    },
    quarantine_s=30,
    deadline_s=30,
    layouts=(FEED, Layout("direct", "Straight to the bank", Policy())),
    readable=SHOWN,
    multicurrency=False,
    confirm_s=60,
)


class Remote:
    """The company: what was posted under which id, balances, and what goes wrong with the next call."""

    def __init__(self):
        self.posted = {}
        self.moves = []
        self.faults = []
        self.sent = []
        self.read = 0
        self.stale_s = 0
        self.reads_fail = 0
        self.hidden = set()  # accounts whose balance is not told

    def post(self, wire_id, moves, after_s=0.0):
        """Book something, at once or late. The same id is booked once."""
        if wire_id not in self.posted:
            self.posted[wire_id] = moves
            self.moves.append((time.monotonic() + after_s, moves))

    def by_hand(self, **moves):
        """A person books something."""
        self.moves.append((time.monotonic(), moves))

    def balance(self, account, stale_s=0.0):
        until = time.monotonic() - stale_s
        return sum(moves.get(account, 0) for at, moves in self.moves if at <= until)

    def balances(self):
        found = {key: self.balance(key.value) for key in (*KEYS, K.AR)}
        return {key: amount for key, amount in found.items() if amount}


class Slate:
    """The port over ``Remote``."""

    capabilities = CAPABILITIES

    def __init__(self, remote):
        self.remote = remote

    def checks(self, mode, currency=""):
        return []

    def reference(self):
        accounts = tuple(
            RemoteAccount(key.value, f"My {ACCOUNTS[key].name}", "", ACCOUNTS[key].account_class) for key in KEYS
        )
        customers = (RemoteObject("buyer", "Amazon.com (USD)"),)
        items = tuple(RemoteObject(f"item-{key}", f"{key} item", account=key.value) for key in ITEMS)
        return Reference("Slate Ltd", "USD", False, None, accounts, items, customers)

    def limits(self, call):
        return {"calls": RatePlan(1000.0, 1000)}

    def render(self, posts):
        return [self._call(post) for post in posts]

    def _call(self, post):
        document = post.document
        if isinstance(document, Undo) and not document.reversal:
            moves = {"undoes": post.refs[document.target].external_id}
        else:
            moves = effect(document.reversal if isinstance(document, Undo) else document)
        body = json.dumps(moves, sort_keys=True).encode()
        return Call("POST", "/", {}, body, post.wire_id, (post.key,), lines={})

    def before(self, call):
        self._reading()
        return {account: self.remote.balance(account, self.remote.stale_s) for account in json.loads(call.body)}

    def _reading(self):
        if self.remote.reads_fail:
            self.remote.reads_fail -= 1
            raise NotSent("Slate does not answer", 30)
        self.remote.read += 1

    def send(self, call, deadline_s):
        moves = json.loads(call.body)
        self.remote.sent.append(call.body)
        fault = self.remote.faults.pop(0) if self.remote.faults else None
        if fault is not None:
            return fault(self, call, moves)
        self.commit(call, moves)
        [key] = call.keys
        return {key: Posted(f"id-{call.wire_id[:8]}")}

    def commit(self, call, moves, after_s=0.0):
        if "undoes" in moves:
            undone = next(id_ for id_ in self.remote.posted if moves["undoes"] == f"id-{id_[:8]}")
            moves = {account: -amount for account, amount in self.remote.posted[undone].items()}
        self.remote.post(call.wire_id, moves, after_s)

    def find(self, post):
        self._reading()
        if not post.before:
            known = post.wire_id in self.remote.posted
            total = own_total(post.document)
            return Found(Posted(f"id-{post.wire_id[:8]}", total=total), True, True) if known else Absent()
        document = post.document
        meant = effect(document.reversal if isinstance(document, Undo) else document)
        moved = {key: self.remote.balance(key, self.remote.stale_s) - was for key, was in post.before.items()}
        if moved == meant:
            return Found(Posted(""), True, True)
        return CannotTell("somebody else posted there.") if any(moved.values()) else Absent()

    def read(self, kind, external_id):
        assert kind in SHOWN
        self._reading()
        return Posted(external_id)

    def changes(self, kinds, since):
        assert set(kinds) <= SHOWN
        self._reading()
        return Changes(())

    def kept(self, kind, external_ids):
        assert kind in SHOWN
        return [KeptNow(kind, each, True, content={"id": each}) for each in external_ids]

    def compare(self, post, kept):
        return Found(Posted(kept.external_id, total=own_total(post.document)), True, True)

    def balances(self):
        self._reading()
        told = [key.value for key in KEYS if key not in self.remote.hidden]
        return {account: self.remote.balance(account, self.remote.stale_s) for account in told}


class SlateBooks(Books):
    """One company and the flow that writes to it."""

    def __init__(self, moment, remote):
        self.time, self.remote = moment, remote
        self.tenant = factories.TenantFactory(name="Acme")
        self.bindings = {BUYER: Binding(customer="buyer")}
        self.bindings |= {
            key.value: Binding(account=key.value, item=f"item-{key}" if key in ITEMS else "") for key in KEYS
        }
        self.connection = self.connect(self.tenant)
        self.flow = self.flow_of(self.tenant, self.connection)
        self.remote_key = self.connection.remote_key

    def connect(self, tenant, name="Slate Ltd"):
        grant = factories.GrantFactory(provider="slate", environment="production", subject="slate-1")
        connection = factories.ConnectionFactory(tenant=tenant, grant=grant, remote_name=name)
        refresh_lists(connection)
        return connection

    def settle(self, *args, flow=None, **values):
        flow = flow or self.flow
        with scope(flow.tenant_id):
            rules.save_accounts(flow, {key: self.bindings[key.value] for key in KEYS}, "alice", {})
            flow.refresh_from_db()
        return super().settle(*args, flow=flow, **values)

    def reconnect(self):
        """Nobody lets go of this company."""

    def balances(self):
        return self.remote.balances()

    def fault(self, *faults):
        """What the next calls meet, one after the other; None meets nothing."""
        self.remote.faults += faults


def no_answer(after_s=0.0, kept=True):
    """A call whose answer is lost: kept at once, ``after_s`` later, or not at all."""

    def fault(slate, call, moves):
        if kept:
            slate.commit(call, moves, after_s)
        raise Unknown("no answer came")

    return fault


@contextmanager
def opened(monkeypatch, **capabilities):
    with time_machine.travel(START, tick=False) as traveller:
        moment, remote = Time(traveller, monkeypatch), Remote()
        provider = Provider("slate", "Slate", ProviderKind.LEDGER, "The books.", None, lambda: "production", None, None)
        if capabilities:
            monkeypatch.setattr(Slate, "capabilities", replace(CAPABILITIES, **capabilities))
        spec = LedgerSpec(
            "slate", "Slate", provider, lambda _: Slate(remote), lambda _: Slate.capabilities.layouts, {}, nullcontext
        )
        monkeypatch.setitem(registry._ledgers, "slate", spec)
        monkeypatch.setitem(providers._providers, "slate", provider)
        yield SlateBooks(moment, remote)
