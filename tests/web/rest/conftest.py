"""What the tests of the REST interface share: a company with real data in its books, and callers with keys."""

import json
from dataclasses import dataclass, field

import pytest
from django.db import transaction
from django.test import Client

from amazon.upload import import_file
from flows import setup
from flows.models import Delivery, Flow, Plan
from kit.scope import scope
from ledgers.registry import refresh_lists
from tenants import apikeys
from tenants.models import Tenant, User
from tests import factories
from tests import world as worlds
from tests.amazon.settlements import SALE, v2


class Caller:
    """Asks the REST interface with one API key (or none), in JSON."""

    def __init__(self, key: str = "") -> None:
        self.key = key
        self.client = Client(headers={"Authorization": f"Bearer {key}"} if key else {})

    def get(self, address, **query):
        return self.client.get(f"/api/v1/{address}", query)

    def post(self, address, body=None, once=""):
        return self.send("post", address, body, **({"Idempotency-Key": once} if once else {}))

    def patch(self, address, body):
        return self.send("patch", address, body)

    def delete(self, address):
        return self.send("delete", address)

    def upload(self, address, **fields):
        return self.client.post(f"/api/v1/{address}", fields)

    def send(self, method, address, body=None, **headers):
        content = {} if body is None else {"data": json.dumps(body), "content_type": "application/json"}
        return getattr(self.client, method)(f"/api/v1/{address}", headers=headers, **content)


def caller(tenant, user, *scopes):
    return Caller(apikeys.issue(tenant, user, "test", scopes or ("read", "write"))[1])


@dataclass
class Demo:
    """A company whose pretend seller is wholly posted in summary mode; its books are a stand-in's."""

    world: worlds.World
    tenant: Tenant
    user: User
    flow: Flow
    truth: dict
    ids: dict[str, int] = field(default_factory=dict)

    @property
    def inside(self):
        return scope(self.tenant.pk)


@pytest.fixture(scope="package")
def demo(django_db_setup, django_db_blocker):
    """Made once: every test runs in a transaction inside this one. Do not let a test change the stand-in's books."""
    with django_db_blocker.unblock(), worlds.world() as world:
        outer = transaction.atomic()
        outer._from_testcase = True  # as pytest's own: what must not run inside a transaction may run here
        outer.__enter__()
        try:
            yield make_demo(world)
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


def make_demo(world):
    tenant = factories.TenantFactory(name="Demo")
    user = factories.member(tenant, "demo@demo.test", "owner")
    truth, company = world.seller(), world.company()
    amazon = world.connect("amazon", user, tenant, truth["seller"]["seller_id"])
    books = world.connect("quickbooks", user, tenant, company["realm"])
    with scope(tenant.pk):
        refresh_lists(books)
        flow = Flow.objects.create(
            tenant=tenant, name="Demo", source=amazon, target=books, currency="USD", approval="automatic"
        )
    world.run(flow)
    with scope(tenant.pk):
        setup.accept_suggestions(flow, "alice", create_missing=True)
        setup.go_live(flow, "alice")
    world.run(flow)
    with scope(tenant.pk):
        flow = Flow.objects.select_related("source", "target").get(pk=flow.pk)
    _come_again(tenant, flow.source)
    demo = Demo(world, tenant, user, flow, truth)
    demo.ids = _ids(demo)
    return demo


def _come_again(tenant, seller):
    """Bring a settlement that no flow takes, and bring it again with other rows."""
    for rows in (SALE, (*SALE, SALE[0])):
        import_file(tenant.pk, [v2(rows=rows, currency="EUR").encode()], "again.txt", "user:1", connection_id=seller.pk)


def _ids(demo):
    """Return one id of everything an address may name."""
    from amazon.models import Order, Report
    from bank.csv_file import Columns
    from flows import bank_files
    from flows.models import BankLine, ExchangeRate, MappingRule, Run
    from kit.clock import now
    from tenants.alerts import alert
    from tenants.models import Connection

    with demo.inside:
        plan = Plan.objects.filter(state="posted").order_by("pk").first()
        account = bank_files.open_account(demo.tenant.pk, "user:1", "Business", "USD")
        columns = Columns((), "Date", "%Y-%m-%d", ".", "Amount")
        bank_files.import_file(account, "a.csv", b"Date,Amount\n2026-01-19,0.01\n", "user:1", columns)
        return {
            "flows": demo.flow.pk,
            "runs": Run.objects.first().pk,
            "settlements": plan.settlement_id,
            "plans": plan.pk,
            "revisions": Report.objects.get(state="revision").pk,
            "deliveries": Delivery.objects.filter(plan=plan, state="posted").first().pk,
            "orders": Order.objects.first().pk,
            "exchange-rates": ExchangeRate.objects.create(
                tenant=demo.tenant, home="USD", currency="GBP", on="2026-01-05", rate="1.3", set_at=now()
            ).pk,
            "bank-accounts": account.pk,
            "bank-lines": BankLine.objects.get().pk,
            "connections": Connection.objects.first().pk,
            "alerts": alert(demo.tenant.pk, "test", "test", "A title", "A text", "Do something").pk,
            "rule": MappingRule.objects.first().pk,
        }


@pytest.fixture
def rest(demo, db):
    """The demo company's own caller, with both scopes."""
    return caller(demo.tenant, demo.user)


@pytest.fixture
def stranger(demo, acme, alice):
    """A caller of another company, with both scopes."""
    return caller(acme, alice)
