"""A real settlement in the old layout, from a person's upload to a green proof; it is not part of the project."""

from pathlib import Path

import pytest

from amazon.upload import import_file
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label
from flows import creation, mapping, planning, reading, rules, setup, statements
from flows.models import Delivery, Flow, Plan
from kit.scope import scope
from ledgers.registry import refresh_lists
from tenants.models import Alert

REAL = Path(__file__).parents[3] / "shared" / "samples" / "settlement_v1_ca_cad_2025-08.txt"
TRANSPORT = Label("Order", "Shipment-Fees", "FBA transportation fee")
pytestmark = pytest.mark.skipif(not REAL.exists(), reason="the real settlement is not on this machine")


@pytest.fixture
def flow(world, alice, acme):
    company = world.company(name="Loonie Books", chart="bookkeeper", country="CA", home_currency="CAD")
    books = world.connect("quickbooks", alice, acme, company["realm"])
    with scope(acme.pk):
        refresh_lists(books)
        yield Flow.objects.create(
            tenant=acme, name="Canada", target=books, currency="CAD", mode="summary", approval="automatic"
        )


def upload(acme, name=REAL.name):
    found = import_file(acme.pk, [REAL.read_bytes()], name, "alice")
    planning.plan_uploaded(found.settlement)
    return found.settlement


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_it_is_held_until_a_person_decides_and_then_proved(world, acme, flow, mode):
    Flow.objects.filter(pk=flow.pk).update(mode=mode)
    flow.refresh_from_db()
    settlement = upload(acme)
    plan = Plan.objects.select_related("settlement", "flow__target", "flow__source").get(settlement=settlement)
    assert (settlement.total, settlement.opening_debt) == (101608, -6231)
    assert set(Delivery.objects.filter(plan=plan).values_list("state", "code").distinct()) <= {
        ("held", "continuity"),
        ("held", "unknown_label"),
    }
    [told] = Alert.objects.filter(kind="unknown_label", settled_at=None)
    assert "FBA transportation fee" in told.title

    creation.change(flow, "alice", {"opening_clearing": -6231})
    rules.save_label(flow, TRANSPORT, Category.FBA_FEE, "alice")
    setup.accept_suggestions(flow, "alice", create_missing=True)
    setup.go_live(flow, "alice")
    world.deliver()

    plan.refresh_from_db()
    stuck = Delivery.objects.exclude(state__in=["posted", "dropped"]).values_list("number", "state", "reason")
    assert list(stuck) == []
    assert not Alert.objects.filter(kind="unknown_label", settled_at=None).exists()
    assert (plan.state, plan.verdict["verdict"]) == ("posted", "proved")
    books = world.quickbooks.books(flow.target.remote_id)
    bank = mapping.load(flow).base[AccountKey.BANK].account
    assert books.balance(bank) == 101608 + moved_to_bank(plan)
    assert world.balance(flow, AccountKey.CLEARING) == 0


def moved_to_bank(plan):
    """What rows of the settlement moved between Amazon and the bank beside the payout."""
    return sum(-one["amount"] for one in plan.statement["movements"] if one["kind"] in "FB")


def test_its_lines_lead_back_to_its_rows(world, acme, flow):
    settlement = upload(acme)
    plan = Plan.objects.select_related("settlement", "flow__target", "flow__source").get(settlement=settlement)
    built = statements.from_json(plan.statement)
    how = reading.reading(flow, mapping.load(flow))

    for part, by_key in built.totals.items():
        for key, amount in by_key.items():
            rows = reading.source_rows(settlement, how, built, part, key)
            assert sum(row.amount for row in rows) == amount, key
