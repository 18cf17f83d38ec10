from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass
from kit.scope import ForeignTenant, NoScope, scope, unscoped
from ledgers import reference
from ledgers.models import Company, ListEntry
from ledgers.port import Reference, RemoteAccount, RemoteObject
from tenants.models import Connection, Grant, Tenant

pytestmark = pytest.mark.django_db

CHECKING = RemoteAccount("1", "Checking", "Bank/Checking", AccountClass.BANK)
STRANGE = RemoteAccount("2", "Payroll clearing", "Other Current Liability/PayrollClearing", None, number="2100")
READ = Reference(
    company_name="Crafts Ltd",
    home_currency="USD",
    multicurrency=False,
    closed_until=date(2025, 12, 31),
    country="US",
    accounts=(CHECKING, STRANGE),
    items=(RemoteObject("9", "Mug", sku="MUG-1", account="5"),),
    customers=(RemoteObject("7", "Amazon.com (USD)", currency="USD"),),
    classes=(RemoteObject("1000000000000000001", "Berlin"),),
    locations=(RemoteObject("1", "Berlin"),),
)


class Answers:
    """A ledger that answers one reading."""

    def __init__(self, read: Reference) -> None:
        self.read = read

    def reference(self) -> Reference:
        return self.read


def connection(name: str = "Alice", realm: str = "46208") -> Connection:
    with unscoped("a test lays out its tenants"):
        tenant = Tenant.objects.create(name=name)
        grant, _ = Grant.objects.get_or_create(provider="quickbooks", environment="sandbox", subject=realm)
        return Connection.objects.create(
            tenant=tenant, grant=grant, provider="quickbooks", environment="sandbox", remote_id=realm
        )


def refresh(of: Connection, read: Reference = READ) -> None:
    ledger: Any = Answers(read)
    with scope(of.tenant_id):
        reference.refresh(of, ledger)


def test_what_was_read_comes_back_as_it_was() -> None:
    alice = connection()

    refresh(alice)

    with scope(alice.tenant_id):
        assert reference.cached(alice) == READ


def test_a_company_that_was_never_read_has_no_lists() -> None:
    alice = connection()

    with scope(alice.tenant_id):
        known = reference.cached(alice)

    assert (known.home_currency, known.accounts) == ("", ())


def test_a_second_reading_replaces_the_first_and_keeps_what_is_gone_as_inactive() -> None:
    alice = connection()
    refresh(alice)

    refresh(alice, replace(READ, company_name="Crafts Inc", accounts=(replace(CHECKING, name="Main"),), items=()))

    with scope(alice.tenant_id):
        known = reference.cached(alice)
        assert (Company.objects.count(), ListEntry.objects.count()) == (1, 6)
    assert known.company_name == "Crafts Inc"
    assert {(each.name, each.active) for each in known.accounts} == {("Main", True), ("Payroll clearing", False)}
    assert [each.active for each in known.items] == [False]


def test_a_currency_that_was_read_once_stays_where_a_later_reading_does_not_say_it() -> None:
    company = connection()
    with scope(company.tenant_id):
        for home_currency in ("USD", ""):
            reference.refresh(company, Answers(replace(READ, home_currency=home_currency)))  # type: ignore[arg-type]

        assert reference.cached(company).home_currency == "USD"


def test_what_comes_back_is_active_again() -> None:
    alice = connection()
    refresh(alice)
    refresh(alice, replace(READ, accounts=()))

    refresh(alice)

    with scope(alice.tenant_id):
        assert reference.cached(alice).accounts == READ.accounts


def test_lists_of_one_tenant_are_not_another_tenants() -> None:
    alice, bob = connection("Alice"), connection("Bob", "99")
    refresh(alice)

    with scope(bob.tenant_id):
        assert ListEntry.objects.count() == 0
        assert reference.cached(bob).accounts == ()
        with pytest.raises(ForeignTenant):
            ListEntry.objects.create(
                tenant_id=alice.tenant_id, connection=alice, list="item", external_id="1", name="x"
            )
    with pytest.raises(NoScope):
        ListEntry.objects.count()


def test_two_tenants_may_have_the_same_company() -> None:
    alice, bob = connection("Alice"), connection("Bob")

    refresh(alice)
    refresh(bob)

    with scope(bob.tenant_id):
        assert reference.cached(bob) == READ


def test_reads_are_counted_by_month_over_all_tenants() -> None:
    alice, bob = connection("Alice"), connection("Bob", "99")

    for of, endpoint in ((alice, "query"), (alice, "query"), (alice, "batch"), (bob, "query")):
        with scope(of.tenant_id):
            reference.count_read(of, endpoint)

    today = reference.clock.now().date()
    assert reference.reads_of_month("quickbooks", "sandbox", today) == 4
    assert reference.reads_of_month("quickbooks", "production", today) == 0
