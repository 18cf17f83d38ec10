"""A live flow into a pretend QuickBooks company, with time that only moves when a test moves it.

Documents are put into the outbox as planning would put them; what the books say comes from the stand-in's own ledger.
"""

import time
from collections import Counter
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import time_machine
from django.db.models.base import ModelState
from django.test import override_settings

from amazon.upload import import_file
from bookkeeping.accounts import ACCOUNTS
from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import (
    Cover,
    Customer,
    Deposit,
    DepositLine,
    EntryLine,
    How,
    Invoice,
    InvoiceLine,
    JournalEntry,
    Kind,
    Payment,
    Transfer,
    Undo,
    document_from,
)
from bookkeeping.numbering import undo_key
from bookkeeping.planned import Planned
from flows import lanes, mapping, outbox, planning, rows, rules, undo
from flows.models import Attempt, Delivery, Flow, Lane, Outcome, Plan
from flows.rows import Draft
from kit import http
from kit.clock import now
from kit.oauth import Tokens
from kit.scope import scope, unscoped
from ledgers.port import Binding
from ledgers.quickbooks import accounts
from ledgers.quickbooks.client import QuickBooks
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.registry import refresh_lists
from sandbox.clock import Clock
from tenants import grants
from tenants.models import Connection, Grant
from tests import factories
from tests.amazon.settlements import COLUMNS
from tests.world import QUICKBOOKS

START = datetime(2026, 10, 20, 12, tzinfo=UTC)
ON = date(2026, 10, 14)
BUYER = "customer:Amazon.com:USD"
_KEYS = (K.CLEARING, K.BANK, K.CHARGE_METHOD, K.SALES, K.PROMO, K.FEE_SELLING, K.ADS, K.REFUNDS, K.OUTPUT_TAX)
_ITEMS = (K.SALES, K.PROMO)


class Time:
    """The clock, the monotonic clock and sleeping, together; nothing really waits."""

    def __init__(self, traveller, monkeypatch):
        self._traveller, self._monotonic, self.slept = traveller, time.monotonic(), []
        monkeypatch.setattr(time, "monotonic", lambda: self._monotonic)
        monkeypatch.setattr(time, "sleep", self.sleep)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.shift(max(seconds, 0.001))  # a clock that shows microseconds has to move

    def now(self):
        return self._monotonic

    def shift(self, seconds):
        self._traveller.shift(seconds)
        self._monotonic += seconds


class _Shared(Clock):
    """The stand-in's clock: the test's time. What it sleeps, the whole test sleeps."""

    def __init__(self, moment):
        super().__init__(source=lambda: datetime.now(UTC))
        self._moment = moment

    def sleep(self, seconds):
        self._moment.shift(seconds)

    advance = sleep


class Books:
    """One company and the flow that writes to it."""

    def __init__(self, moment, stand_in=None, tenant=None, name="Acme Books"):
        self.time = moment
        self.stand_in = stand_in or QuickBooksStandIn(clock=_Shared(moment))
        self.stand_in.switches["rate_scale"] = 0
        self.tenant = tenant or factories.TenantFactory(name="Acme")
        made = self.stand_in.control(
            "create_company", {"name": name, "chart": "us_default", "customers": ["Amazon.com (USD)"]}
        )
        self.realm = made["realm"]
        self.bindings = {BUYER: Binding(customer=made["customers"]["Amazon.com (USD)"])}
        for key in _KEYS:
            account_type, sub_type = accounts.type_for(key.value)
            body = {"Name": f"{ACCOUNTS[key].name} (Tieout)", "AccountType": account_type, "AccountSubType": sub_type}
            self.bindings[key.value] = Binding(account=self._add("Account", body))
        for key in _ITEMS:
            account = self.bindings[key.value].account
            body = {"Name": f"{key} item", "Type": "Service", "IncomeAccountRef": {"value": account}}
            self.bindings[key.value] = Binding(account=account, item=self._add("Item", body))
        self.connection = self.connect(self.tenant, name)
        self.flow = self.flow_of(self.tenant, self.connection)
        self.remote_key = self.connection.remote_key

    def connect(self, tenant, name="Acme Books"):
        with unscoped("the test arranges"):
            grant = Grant.objects.filter(subject=self.realm).first() or self._grant()
            connection = factories.ConnectionFactory(tenant=tenant, grant=grant, remote_name=name)
            refresh_lists(connection)
        return connection

    def _grant(self):
        tokens = self.stand_in.control("issue_tokens", {"realm": self.realm})
        return factories.GrantFactory(
            environment="production",
            subject=self.realm,
            access=tokens["access_token"],
            refresh=tokens["refresh_token"],
            expires_at=datetime.fromtimestamp(time.time() + tokens["expires_in"], UTC),
        )

    def flow_of(self, tenant, connection, **values):
        with unscoped("the test arranges"):
            return Flow.objects.create(
                **{
                    "tenant": tenant,
                    "name": "Acme US",
                    "target": connection,
                    "currency": "USD",
                    "state": Flow.State.LIVE,
                    **values,
                }
            )

    # Documents ----------------------------------------------------------------------------------------------------------

    def put(self, document, key, needs=(), flow=None, **values):
        """Put a document into the outbox, ready to go or waiting for what it needs; returns its row."""
        flow = flow or self.flow
        bound = {symbol: self.bindings[symbol] for symbol in mapping.symbols(document)}
        draft = Draft(Planned(key, document, depends_on=tuple(needs)), bound, None, tuple(needs))
        with unscoped("the test arranges"):
            rows.ensure(flow, [draft], Delivery.State.PLANNED)
            made = Delivery.objects.filter(flow=flow, key=key, live=True)
            rows.release(made)
            if values:
                made.update(**values)
            return made.get()

    def entry(self, key="e1", amount=10000, flow=None, **values):
        lines = (
            EntryLine("SALES", credit=amount),
            EntryLine("FEE_SELLING", debit=amount // 10),
            EntryLine("CLEARING", debit=amount - amount // 10),
        )
        return self.put(JournalEntry(f"AMZ-{key}", ON, "USD", lines), key, flow=flow, **values)

    def invoice(self, key="i1", amount=3500, **values):
        lines = (InvoiceLine("SALES", amount + 500, 1, "MUG"), InvoiceLine("PROMO", -500))
        document = Invoice(f"113-{key}", ON, "USD", BUYER, lines, f"113-{key}")
        return self.put(document, key, **values)

    def payment(self, key="p1", invoice="i1", amount=3500, reference="AMZ-17000000001-1", **values):
        document = Payment(reference, ON, "USD", BUYER, "CLEARING", Cover(invoice, amount))
        return self.put(document, key, [invoice], **values)

    def transfer(self, key="t1", amount=8500, source="CLEARING", target="BANK", **values):
        return self.put(Transfer(f"AMZ-{key}", ON, "USD", source, target, amount), key, **values)

    def deposit(self, key="d1", amount=8500, **values):
        lines = (DepositLine("FEE_SELLING", -1500), DepositLine("CLEARING", amount + 1500))
        return self.put(Deposit(f"AMZ-{key}", ON, "USD", "BANK", lines), key, **values)

    def customer(self, key="company/customer/Amazon.ca (CAD)/1", name="Amazon.ca (USD)", **values):
        return self.put(Customer(f"customer:{name}", name, "USD"), key, **values)

    def many(self, count, prefix="many", flow=None):
        """Put that many entries into the outbox at once."""
        first = self.entry(f"{prefix}0", flow=flow)
        rows_ = []
        for number in range(1, count):
            document = replace(document_from(first.plain_document), number=f"AMZ-{prefix}{number}")
            values = {
                "key": f"{prefix}{number}",
                "document": document.canonical().decode(),
                "digest": document.digest(),
            }
            row = copy(first)
            row.pk = row.id = None
            row._state = ModelState()
            for name, value in values.items():
                setattr(row, name, value)
            rows_.append(row)
        with unscoped("the test arranges"):
            Delivery.objects.bulk_create(rows_)

    # Settlements --------------------------------------------------------------------------------------------------------

    def settle(self, orders=3, settlement_id="17000000001", start="2026-10-01", flow=None, charge=""):
        """Bring in a settlement of that many orders, 20.00 each less 3.00 of fees, and plan it; returns the plan."""
        flow = flow or self.flow
        with scope(flow.tenant_id):
            found = import_file(
                flow.tenant_id, [_settlement(orders, settlement_id, start, charge).encode()], "settlement.txt", "alice"
            )
            if not mapping.load(flow).base:
                rules.save_accounts(flow, {K(key): self.bindings[key] for key in _KEYS}, "alice", {})
                flow.refresh_from_db()
            rules.save_customer(flow, "Amazon.com", self.bindings[BUYER].customer, "alice")
            planning.plan_uploaded(found.settlement)
            return Plan.objects.filter(flow=flow, settlement=found.settlement).exclude(state="undone").get()

    def post(self, plan):
        """Approve a plan and have it posted; its payout's day is past."""
        self.time.shift(40 * 86400)
        self.reconnect()
        with scope(plan.tenant_id):
            planning.approve(plan, "alice")
        self.finish()
        with unscoped("the test looks"):
            plan.refresh_from_db()
        return plan

    def take_back(self, plan):
        with scope(plan.tenant_id):
            plan.refresh_from_db()
            return undo.undo(plan, "alice")

    def plan_again(self, plan):
        with scope(plan.tenant_id):
            return planning.plan_settlement(plan.flow, plan.settlement)

    def rows_of(self, plan):
        with unscoped("the test looks"):
            return list(Delivery.objects.filter(plan=plan).order_by("id"))

    def undo(self, key, how=How.DELETE, **values):
        """Take a posted document back, as undoing its settlement does."""
        kind = Kind(self.row(key).kind)
        return self.put(Undo(key, kind, how), undo_key(key), [key], **values)

    # Work ---------------------------------------------------------------------------------------------------------------

    def work(self):
        """Serve the lane until nothing is due at this moment."""
        while outbox.work(self.remote_key):
            pass

    def finish(self):
        """Serve the lane, and let time pass to the next thing that is due, until nothing moves by itself any more."""
        for _ in range(200):
            self.work()
            with unscoped("the test looks"):
                moving = Delivery.objects.filter(remote_key=self.remote_key, live=True).exclude(
                    state__in=["posted", "held", "parked", "blocked", "undone", "dropped", "planned"]
                )
                due = list(moving.values_list("next_attempt_at", flat=True))
            if not due:
                return
            lane = self.lane()
            waits = [moment for moment in (*due, lane.paused_until, lane.claimed_until) if moment and moment > now()]
            self.time.shift((min(waits) - now()).total_seconds() if waits else 30)
        raise AssertionError(f"still moving: {self.states()}")

    def finish_or_wait(self):
        """Serve the lane for half an hour, whatever it waits for."""
        for _ in range(60):
            self.work()
            self.time.shift(30)

    def reconnect(self):
        """What a person's new consent does."""
        tokens = self.stand_in.control("issue_tokens", {"realm": self.realm})
        with unscoped("the test arranges"):
            grant = self.connection.grant
            grant.refresh_from_db()
            grants.store_tokens(
                grant, Tokens(tokens["access_token"], tokens["refresh_token"], expires_in_s=tokens["expires_in"])
            )
            grant.state = "active"
            grant.save()
            Connection.objects.filter(grant=grant).update(state="active")

    def crash(self, monkeypatch, where, name, error=None):
        """Let the worker die there, leaving its lease behind as a killed process does."""

        def die(*args, **kwargs):
            raise error or Died

        with monkeypatch.context() as patch:
            patch.setattr(where, name, die)
            patch.setattr(lanes, "release", lambda lease: None)
            try:
                outbox.work(self.remote_key)
            except Died:
                return
        raise AssertionError(f"{name} was never reached")

    def restart(self):
        """A new process: the file lock proves the old one dead."""
        lanes.free_all()

    # What is seen -------------------------------------------------------------------------------------------------------

    def row(self, key):
        with unscoped("the test looks"):
            return Delivery.objects.filter(remote_key=self.remote_key, key=key).order_by("-live", "-id").first()

    def states(self):
        with unscoped("the test looks"):
            return dict(Delivery.objects.filter(remote_key=self.remote_key).values_list("key", "state"))

    def lane(self):
        return Lane.objects.get(remote_key=self.remote_key)

    def balances(self):
        """Every balance of our accounts that is not zero, debit positive, from the stand-in's general ledger."""
        books = self.stand_in.books(self.realm)
        found = {key: books.balance(self.bindings[key.value].account) for key in _KEYS}
        found[K.AR] = sum(
            books.balance(account["Id"])
            for account in self.documents("Account")
            if account["AccountType"] == "Accounts Receivable"
        )
        return {key: amount for key, amount in found.items() if amount}

    def documents(self, kind):
        """Every document of a kind in the company, void ones too."""
        self.stand_in.run_late()
        return [dict(each) for each in self.stand_in.store.all(kind, self.realm)]

    def numbers(self, kind):
        """How often each number (or reference) is in the books, void ones left out."""
        return Counter(
            each.get("DocNumber") or each.get("PaymentRefNum") or each["PrivateNote"]
            for each in self.documents(kind)
            if not str(each.get("PrivateNote", "")).startswith("Voided")
        )

    def calls(self, operation="*"):
        """How often an operation reached the stand-in, stored or not."""
        return len(self.stand_in.log(operation))

    def fault(self, operation="*", **rule):
        self.stand_in.faults.add(operation=operation, **rule)

    def person(self, action, **values):
        return self.stand_in.control(action, {"realm": self.realm, **values})

    def _add(self, kind, body):
        return self.stand_in.control("add", {"realm": self.realm, "kind": kind, "body": body})["Id"]


def _settlement(orders, settlement_id, start, charge):
    rows_ = [("Order", "ItemPrice", "Principal", "20.00"), ("Order", "ItemFees", "Commission", "-3.00")]
    begin = datetime.fromisoformat(start)
    stamp = "%Y-%m-%d %H:%M:%S UTC"
    moved = [("Transfer", "other-transaction", "Successful charge", charge)] if charge else []
    total = 17 * orders + float(charge or 0)
    lines = [
        {
            "settlement-id": settlement_id,
            "settlement-start-date": begin.strftime(stamp),
            "settlement-end-date": (begin + timedelta(days=14)).strftime(stamp),
            "deposit-date": (begin + timedelta(days=16)).strftime(stamp),
            "total-amount": f"{total:.2f}",
            "currency": "USD",
        }
    ]
    posted = begin + timedelta(days=2, hours=12)
    common = {
        "settlement-id": settlement_id,
        "posted-date": posted.strftime("%Y-%m-%d"),
        "posted-date-time": posted.strftime(stamp),
    }
    for order in range(orders):
        for transaction_type, amount_type, description, amount in rows_:
            lines.append(
                {
                    **common,
                    "order-id": f"113-{settlement_id[-7:]}-{order:07d}",
                    "marketplace-name": "Amazon.com",
                    "fulfillment-id": "AFN",
                    "sku": "MUG",
                    "order-item-code": f"{order}",
                    "quantity-purchased": "1" if description == "Principal" else "",
                    "transaction-type": transaction_type,
                    "amount-type": amount_type,
                    "amount-description": description,
                    "amount": amount,
                }
            )
    for _, amount_type, description, amount in moved:
        lines.append(
            {
                **common,
                "transaction-type": "other-transaction",
                "amount-type": amount_type,
                "amount-description": description,
                "amount": amount,
            }
        )
    text = ["\t".join(COLUMNS), *("\t".join(line.get(name, "") for name in COLUMNS) for line in lines)]
    return "\n".join(text) + "\n"


def attempts_of(key):
    """Every call that carried a delivery, oldest first."""
    return list(Attempt.objects.filter(deliveries__key=key).order_by("id"))


def results_of(key):
    """What was learned of a delivery's calls, in the order in which it was recorded."""
    return list(Outcome.objects.filter(attempt__deliveries__key=key).order_by("id").values_list("result", flat=True))


def watched(monkeypatch, watch):
    """Call ``watch`` with each call just before it is sent."""
    send = QuickBooks.send

    def sending(self, call, deadline_s):
        watch(call, deadline_s)
        return send(self, call, deadline_s)

    monkeypatch.setattr(QuickBooks, "send", sending)


class Died(BaseException):
    """A process is gone: nothing of its own code runs any more."""


@contextmanager
def opened(monkeypatch):
    with time_machine.travel(START, tick=False) as traveller:
        moment = Time(traveller, monkeypatch)
        stand_in = QuickBooksStandIn(clock=_Shared(moment))
        http.mount(QUICKBOOKS, stand_in)
        with override_settings(
            QBO_API_BASE=QUICKBOOKS,
            QBO_TOKEN_URL=f"{QUICKBOOKS}/oauth2/v1/tokens/bearer",
            QBO_CLIENT_ID="sandbox-client",
            QBO_CLIENT_SECRET="sandbox-secret",
            QBO_RATE_SCALE=100_000.0,
        ):
            try:
                yield Books(moment, stand_in)
            finally:
                http.unmount(QUICKBOOKS)
