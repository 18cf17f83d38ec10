"""Scenario E7 as Amazon would send it, into a company of a pretend ledger with an account of its own for every key.

What has to be known of a ledger is in ``ledgers/<slug>/tests/e7.py``: ``slug``, the ``choice`` of the company on the consent
page, its ``own`` accounts by key, the keys that are ``unmade``, the ids of its ``receivables`` and ``items`` by name, its
``books``, how often each kind of document is there (``count``), every live invoice (``invoices``) and how a period is closed
(``close``).
"""

from collections import Counter
from datetime import UTC, datetime, timedelta

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from flows import mapping, planning, readback, reposting, rules, setup, undo
from flows.models import Delivery, Flow, Plan
from kit.scope import scope
from ledgers.port import Binding
from ledgers.quickbooks.tests.e7 import QuickBooksCompany
from ledgers.registry import refresh_lists
from tests.amazon import flat_files
from tests.bookkeeping import e7

PROFIT_AND_LOSS = {
    AccountClass.INCOME,
    AccountClass.CONTRA_INCOME,
    AccountClass.OTHER_INCOME,
    AccountClass.EXPENSE,
    AccountClass.COST_OF_SALES,
}


class E7:
    """The seller, the company and the flow between them. Documents go out with every step.

    ``into`` makes the ledger's side in the world, of the values in ``company``.
    """

    def __init__(self, world, alice, acme, time, company=None, into=QuickBooksCompany, **values):
        self.world, self.acme, self.time = world, acme, time
        self.seller_id = world.seller("seller", shape={"settlements": 0}, seed=7)["seller"]["seller_id"]
        self.ledger = into(world, **(company or {}))
        self.company = self.ledger.made
        amazon = world.connect("amazon", alice, acme, self.seller_id)
        books = world.connect(self.ledger.slug, alice, acme, self.ledger.choice)
        with scope(acme.pk):
            refresh_lists(books)
            self.flow = Flow.objects.create(
                **{
                    "tenant": acme,
                    "name": "E7",
                    "source": amazon,
                    "target": books,
                    "currency": "USD",
                    "mode": "summary",
                    "approval": "automatic",
                    "cut_over_at": e7.boundary("1 Sep"),
                }
                | values
            )
            self._map()
            setup.go_live(self.flow, "alice")

    def _map(self):
        keys = [key for key in AccountKey if key not in self.ledger.unmade | self.ledger.own.keys()]
        made = rules.create_accounts(self.flow, keys, "alice")
        made |= {key: Binding(account=account) for key, account in self.ledger.own.items()}
        rules.save_accounts(self.flow, made, "alice", {})

    # Amazon

    def publish(self, *numbers):
        """Let Amazon produce the reports of these settlements."""
        for n in numbers:
            header, rows = e7.settlement(n)
            self.publish_rows(header, rows)

    def publish_rows(self, header, rows):
        text = flat_files.text(flat_files.v2(rows, head=header)).decode()
        with self.world.amazon.store.transaction():
            self.world.amazon.controls()["publish"](
                {
                    "seller_id": self.seller_id,
                    "text": text,
                    "starts_at": header.starts_at.isoformat(),
                    "ends_at": header.ends_at.isoformat(),
                }
            )

    def put_order(self, shipped, status="SHIPPED"):
        with self.world.amazon.store.transaction():
            self.world.amazon.controls()["put_order"](
                {"seller_id": self.seller_id, "order": order_json(shipped, status)}
            )

    def ship(self, letters=None):
        for shipped in e7.SHIPPED:
            if letters is None or shipped.letter in letters:
                self.put_order(shipped)

    def cancel(self, letter):
        self.put_order(next(one for one in e7.SHIPPED if one.letter == letter), "CANCELLED")

    # Us

    def run(self):
        """Run the flow, an hour after it ran the last time."""
        self.time.shift(3600)
        self.world.run(self.flow)
        self.deliver()
        with scope(self.acme.pk):
            self.flow.refresh_from_db()

    def deliver(self):
        """Post what is due, and give a ledger that shows balances alone the minutes it needs between some calls."""
        for _ in range(20):
            self.world.deliver()
            with scope(self.acme.pk):
                if not Delivery.objects.filter(state__in=["ready", "uncertain", "failed"]).exists():
                    return
            self.time.shift(120)

    def settle(self, *numbers):
        """Publish and post settlements, one after the other."""
        for n in numbers:
            self.publish(n)
            self.run()

    def switch(self, mode, trigger="settled", cut_over_at=None):
        with scope(self.acme.pk):
            setup.switch_mode(self.flow, mode, trigger, "alice")
            if cut_over_at:
                Flow.objects.filter(pk=self.flow.pk).update(cut_over_at=cut_over_at)
            self.flow.refresh_from_db()

    def undo(self, n):
        with scope(self.acme.pk):
            undo.undo(self.plan(n), "alice")
        self.deliver()

    def redo(self, n, mode):
        """Undo a settlement and post it again in a mode."""
        with scope(self.acme.pk):
            Flow.objects.filter(pk=self.flow.pk).update(mode=mode)
            self.flow.refresh_from_db()
            reposting.repost(self.plan(n), "alice")
        self.deliver()
        with scope(self.acme.pk):
            planning.post_anew(self.flow)
        self.deliver()

    def redo_undone(self, n):
        with scope(self.acme.pk):
            plan = Plan.objects.select_related("settlement", "flow__target", "flow__source").get(
                flow=self.flow, settlement__settlement_id=e7.SETTLEMENT_IDS[n], state="undone"
            )
            reposting.repost(plan, "alice")
        self.deliver()

    def map(self, targets):
        """Map keys to other accounts, by name of the chart or by another key."""
        with scope(self.acme.pk):
            base = mapping.load(self.flow).base
            rules.save_accounts(self.flow, {key: base[other] for key, other in targets.items()}, "alice", {})
            self.flow.refresh_from_db()

    def map_sku(self, pattern):
        """Let invoices of SKUs that fit use the item *Thing*."""
        with scope(self.acme.pk):
            item = Binding(item=self.ledger.items["Thing"])
            rules.save_split(self.flow, AccountKey.SALES, item, "alice", sku=pattern)
            self.flow.refresh_from_db()
        self.deliver()

    def close_books(self, until):
        self.ledger.close(until)
        with scope(self.acme.pk):
            refresh_lists(self.flow.target)

    def plan(self, n):
        with scope(self.acme.pk):
            plans = Plan.objects.exclude(state="undone").select_related("settlement", "flow__target", "flow__source")
            return plans.get(flow=self.flow, settlement__settlement_id=e7.SETTLEMENT_IDS[n])

    def read_back(self):
        """Have the company asked what was changed there. Each of our documents comes back as a change, and is compared."""
        with scope(self.acme.pk):
            Delivery.objects.update(version="")
            readback.ask(self.flow.target, "alice")
        assert readback.check(self.flow.target_id)
        with scope(self.acme.pk):
            assert not Delivery.objects.exclude(not_compared="").exists()

    def stuck(self):
        """What is not in the books and should be."""
        with scope(self.acme.pk):
            rows = Delivery.objects.exclude(state__in=["posted", "undone", "dropped"])
            return [(row.number, row.state, row.reason) for row in rows]

    # The books

    @property
    def books(self):
        return self.ledger.books

    def keys(self):
        """Account id → key."""
        with scope(self.acme.pk):
            base = mapping.load(self.flow).base
            made = {f"@{row.key}": row.external_id for row in Delivery.objects.filter(kind="account", live=True)}
        found = {made.get(target.account, target.account): key.value for key, target in base.items()}
        return {**dict.fromkeys(self.ledger.receivables, "AR"), **found}

    def balances(self, through="9999-12-31"):
        names = self.keys()
        totals = Counter()
        for account, amount in self.books.trial_balance(end=through).items():
            totals[names.get(account, f"account {account}")] += amount
        return {key: amount for key, amount in sorted(totals.items()) if amount}

    def profit(self):
        """Month → key → amount, income positive, from the entries of the pretend company."""
        names, months = self.keys(), {}
        for entry in self.books.entries():
            for posting in entry.postings:
                key = names.get(posting.account, posting.account)
                if key in ACCOUNTS and ACCOUNTS[key].account_class in PROFIT_AND_LOSS:
                    months.setdefault(entry.on_date[:7], Counter())[key] -= posting.home_amount
        return {
            month: {key: amount for key, amount in sorted(by_key.items()) if amount}
            for month, by_key in sorted(months.items())
            if any(by_key.values())
        }

    def month_totals(self):
        return {month: sum(by_key.values()) for month, by_key in self.profit().items()}

    def at_month_ends(self, key):
        return [self.balances(through=day).get(key, 0) for day in ("2025-09-30", "2025-10-31", "2025-11-30")]

    def count(self):
        return self.ledger.count()

    def invoices(self):
        """(number, day, cents) of every live invoice, by day."""
        return sorted(self.ledger.invoices(), key=lambda one: (one[1], one[0]))


def order_json(shipped, status):
    """An order as the Orders API 2026-01-01 states it, changed just now; tax stands beside the prices."""
    amounts = shipped.amounts
    tax = amounts["SALES"] // 12
    parts = {
        "ITEM": amounts["SALES"],
        "SHIPPING": amounts.get("SHIP_INCOME", 0),
        "GIFT_WRAP": amounts.get("WRAP_INCOME", 0),
        "TAX": tax,
        "DISCOUNT": -amounts.get("PROMO", 0),
    }
    total = sum(amounts.values()) + tax
    breakdowns = [{"type": kind, "subtotal": money(amount)} for kind, amount in parts.items() if amount]
    changed = datetime.now(UTC) - timedelta(minutes=10)
    return {
        "orderId": shipped.order_id,
        "createdTime": instant(shipped.at - timedelta(days=1)),
        "lastUpdatedTime": instant(changed),
        "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER", "marketplaceName": e7.MARKETPLACE},
        "fulfillment": {"fulfillmentStatus": status, "fulfilledBy": "MERCHANT"},
        "proceeds": {"grandTotal": money(total)},
        "orderItems": [
            {
                "orderItemId": f"6000000000{ord(shipped.letter)}",
                "quantityOrdered": shipped.units,
                "product": {"asin": "B000000000", "title": "Thing", "sellerSku": e7.sku(shipped.letter)},
                "fulfillment": {"quantityFulfilled": shipped.units, "quantityUnfulfilled": 0},
                "proceeds": {"proceedsTotal": money(total), "breakdowns": breakdowns},
            }
        ],
        "packages": [
            {
                "packageReferenceId": "1",
                "shipTime": instant(shipped.at),
                "carrier": "UPS",
                "trackingNumber": f"1Z{shipped.letter}",
                "packageItems": [],
            }
        ],
    }


def money(cents):
    return {"amount": f"{cents // 100}.{cents % 100:02d}", "currencyCode": "USD"}


def instant(value):
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def days(*found):
    return [(number, e7.day(on).isoformat(), e7.cents(total)) for number, on, total in found]
