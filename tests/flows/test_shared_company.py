"""Two tenants in one company, each by a connection of their own: trouble of the one is not the other's."""

from dataclasses import replace

import pytest

from flows import pace
from kit.scope import scope
from ledgers import registry
from ledgers.port import NotSent
from tenants.models import Alert
from tests import factories
from tests.flows import slate
from tests.flows.slate import Slate, no_answer


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


class Shared:
    """A company that Globex opens as well, by a consent that may be no use for a while."""

    def __init__(self, books, monkeypatch):
        self.books, self.trouble, self.asked = books, True, 0
        self.globex = factories.TenantFactory(name="Globex")
        self.connection = books.connect(self.globex)
        self.flow = books.flow_of(self.globex, self.connection)
        spec, shared = registry._ledgers["slate"], self

        class Troubled(Slate):
            def _reading(self):
                shared.asked += 1
                if shared.trouble:
                    raise NotSent("The token endpoint asks us to slow down.", 600)
                super()._reading()

        def opened(connection):
            return (Troubled if connection.tenant_id == self.globex.pk else Slate)(books.remote)

        monkeypatch.setitem(registry._ledgers, "slate", replace(spec, open=opened))

    def states(self, prefix):
        return {state for key, state in self.books.states().items() if key.startswith(prefix)}

    def alerts(self, tenant):
        with scope(tenant.pk):
            return Alert.objects.filter(kind="company_unreachable", settled_at=None).count()


@pytest.fixture
def shared(db, monkeypatch):
    with slate.opened(monkeypatch) as books:
        yield Shared(books, monkeypatch)


@pytest.mark.parametrize("priority", [0, 20], ids=["urgent", "as urgent as the other"])
def test_a_consent_that_is_no_use_lets_the_others_of_the_company_go_on(shared, priority):
    books = shared.books
    for number in range(3):
        books.entry(f"theirs{number}", flow=shared.flow, priority=priority)
        books.entry(f"ours{number}")

    books.work()
    meanwhile = shared.states("theirs"), shared.states("ours"), shared.asked
    books.work()

    assert meanwhile == ({"ready"}, {"posted"}, 1)
    assert (shared.asked, books.lane().paused_until) == (1, None)


def test_who_has_such_a_consent_is_told_and_goes_on_once_it_serves_again(shared):
    books = shared.books
    books.entry("theirs", flow=shared.flow)
    for number in range(pace.OUTAGE):
        books.entry(f"ours{number}")
        books.work()
        books.time.shift(601)
    told = shared.alerts(shared.globex), shared.alerts(books.tenant)

    shared.trouble = False
    books.work()

    assert told == (1, 0)
    assert (shared.states("theirs"), shared.states("ours")) == ({"posted"}, {"posted"})
    assert shared.alerts(shared.globex) == 0


def test_what_became_of_a_document_is_told_over_a_connection_that_does_not_rest(shared):
    books = shared.books
    shared.trouble = False
    books.fault(no_answer())
    books.entry("theirs", flow=shared.flow)
    books.work()
    shared.trouble = True

    books.entry("ours")
    for _ in range(5):
        books.time.shift(60)
        books.work()

    assert books.states() == {"theirs": "posted", "ours": "posted"}
