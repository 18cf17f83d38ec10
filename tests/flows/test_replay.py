"""What goes on by itself and what goes on when a person says so: replays, other flows' facts, abilities a company lacks."""

import pytest

from audit import trail
from bookkeeping.accounts import AccountKey as K
from flows import outcomes, planning, setup
from flows.models import Attempt, Delivery, Flow, Plan
from flows.replay import replay
from kit.scope import scope
from ledgers.port import Next, Refused
from tenants.models import Connection
from tests import factories

POSTED = {K.SALES: -6000, K.FEE_SELLING: 900, K.BANK: 5100}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


def refused(books, key="e1"):
    books.person("close_books", date="2026-10-31")
    row = books.entry(key)
    books.finish()
    return row


# Replay ---------------------------------------------------------------------------------------------------------------


def test_a_replay_after_a_refusal_goes_out_under_the_next_generation_and_begins_to_count_anew(books):
    row = refused(books)
    books.person("close_books", date=None)

    done = replay(books.tenant.pk, [row.pk], "alice")
    books.finish()

    first, second = Attempt.objects.filter(deliveries=row).order_by("id")
    assert (done.sent, done.kept) == (1, 0)
    assert first.wire_id != second.wire_id
    assert (books.row("e1").state, books.row("e1").tries, books.row("e1").generation) == ("posted", 1, 2)


def test_many_are_replayed_at_once_and_each_is_posted_once(books):
    rows = [refused(books, f"e{number}") for number in range(5)]
    books.person("close_books", date=None)

    done = replay(books.tenant.pk, [row.pk for row in rows], "alice")
    replay(books.tenant.pk, [row.pk for row in rows], "alice")
    books.finish()

    assert done.sent == 5
    assert books.numbers("JournalEntry") == {f"AMZ-e{number}": 1 for number in range(5)}


def test_another_tenants_rows_are_not_replayed(books):
    row = refused(books)

    done = replay(factories.TenantFactory().pk, [row.pk], "charlie")

    assert (done.sent, done.kept) == (0, 0)
    assert books.row("e1").state == "held"


def test_what_is_posted_sent_or_uncertain_is_not_replayed(books):
    books.entry("posted")
    books.work()
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    books.entry("uncertain")
    books.work()
    rows = list(Delivery.objects.filter(key__in=["posted", "uncertain"]))

    done = replay(books.tenant.pk, [row.pk for row in rows], "alice")

    assert (done.sent, done.kept) == (0, 0)
    assert {row.key: row.state for row in Delivery.objects.all()} == {"posted": "posted", "uncertain": "uncertain"}


def test_nothing_of_a_paused_flow_is_replayed(books):
    row = refused(books)
    Flow.objects.update(state="paused")

    done = replay(books.tenant.pk, [row.pk], "alice")

    assert (done.sent, done.kept) == (0, 1)


def test_what_a_pause_held_back_goes_on_when_the_flow_is_resumed_and_nothing_goes_twice(books):
    """One call is out when the flow is paused: it is finished, looked up, and not sent again."""
    books.flow.mode = "orders"
    books.flow.save()
    plan = books.settle(orders=3)
    later = books.settle(orders=1, settlement_id="17000000002", start="2026-10-15")
    books.time.shift(40 * 86400)
    books.reconnect()
    books.fault("batch", boundary="after_commit", do="drop_answer")
    with scope(books.tenant.pk):
        planning.approve(plan, "alice")
        books.work()
        planning.approve(later, "alice")
        setup.pause(books.flow, "alice")
    books.time.shift(3600)
    books.work()
    paused = {(row.kind, row.state) for row in books.rows_of(plan)}
    held = {(row.kind, row.state) for row in books.rows_of(later)}

    with scope(books.tenant.pk):
        setup.resume(books.flow, "alice")
    books.finish()

    states = {each.state for each in Plan.objects.all()}
    assert paused == {("invoice", "posted"), ("payment", "ready"), ("deposit", "posted")}
    assert held == {("invoice", "held"), ("payment", "blocked"), ("deposit", "held")}
    assert states == {"posted"}
    assert books.balances() == {key: amount * 4 // 3 for key, amount in POSTED.items()}
    assert set(books.numbers("Invoice").values()) == {1}


# Somebody else's fact -------------------------------------------------------------------------------------------------


def second_flow(books):
    """Another tenant with the same seller, the same company and a flow of its own."""
    globex = factories.TenantFactory(name="Globex")
    return books.flow_of(globex, books.connect(globex), name="Globex US")


def catch_up():
    for flow_id, until in planning.flows_to_plan():
        planning.plan_flow(flow_id, until)


def test_a_settlement_that_another_tenant_has_in_the_same_company_is_held_with_that_reason(books):
    first = books.post(books.settle(orders=3))

    second = books.post(books.settle(orders=3, flow=second_flow(books)))

    held = [row for row in books.rows_of(second) if row.state == "held"]
    assert first.state == "posted"
    assert {row.code for row in held} == {"carried_elsewhere"}
    assert "already booked in the same company by another flow" in held[0].reason
    assert books.balances() == POSTED


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_a_settlement_that_another_tenant_has_in_the_same_company_is_held_whatever_its_mode(books, mode):
    books.post(books.settle(orders=3))
    flow = second_flow(books)
    flow.mode = mode
    flow.save()

    second = books.post(books.settle(orders=3, flow=flow))

    assert {row.code for row in books.rows_of(second)} == {"carried_elsewhere"}
    assert books.balances() == POSTED


def test_replaying_what_is_booked_elsewhere_posts_nothing(books):
    books.post(books.settle(orders=3))
    second = books.post(books.settle(orders=3, flow=second_flow(books)))

    with scope(second.tenant_id):
        replay(second.tenant_id, [row.pk for row in books.rows_of(second)], "charlie")
    books.finish()

    assert books.balances() == POSTED


def test_once_the_first_is_undone_the_second_takes_the_settlement_over(books):
    first = books.post(books.settle(orders=3))
    second = books.post(books.settle(orders=3, flow=second_flow(books)))

    books.take_back(first)
    books.finish()
    catch_up()
    books.finish()

    second.refresh_from_db()
    assert second.state == "posted"
    assert books.balances() == POSTED
    assert {row.state for row in books.rows_of(second) if row.live} == {"posted"}


def test_the_first_posts_it_no_more_while_the_second_has_it(books):
    first = books.post(books.settle(orders=3))
    books.post(books.settle(orders=3, flow=second_flow(books)))
    books.take_back(first)
    books.finish()
    catch_up()
    books.finish()

    again = books.post(books.plan_again(first))

    assert {row.code for row in books.rows_of(again) if row.kind != "customer"} == {"carried_elsewhere"}
    assert books.balances() == POSTED


# What a company lacks -------------------------------------------------------------------------------------------------


def test_a_card_that_quickbooks_refuses_as_the_source_of_a_transfer_is_charged_by_a_journal_entry(books):
    books.stand_in.switches["transfer_from_card"] = "reject"
    plan = books.post(books.settle(orders=3, charge="50.00"))
    refused_row = next(row for row in books.rows_of(plan) if row.code == "plan_anew")

    catch_up()
    books.finish()

    row = books.row(refused_row.key)
    assert refused_row.state == "held"
    assert "another kind of document" in refused_row.reason
    assert (row.kind, row.state, row.generation) == ("entry", "posted", 2)
    assert books.balances()[K.CHARGE_METHOD] == -5000
    plan.refresh_from_db()
    assert plan.state == "posted"


def test_what_was_learned_of_a_company_meanwhile_is_not_forgotten(books):
    row = books.entry("e1")
    assert "classes" not in row.flow.target.data  # read before
    Connection.objects.filter(pk=row.flow.target_id).update(data={**row.flow.target.data, "classes": False})

    with trail.recorded():
        outcomes.apply_answers([row], {"e1": Refused("x", "No transfers.", "", Next.HELD, lacks="card_transfers")})

    learned = Connection.objects.get(pk=row.flow.target_id).data
    assert (learned["classes"], learned["card_transfers"]) == (False, False)


def test_the_next_charge_is_written_as_an_entry_from_the_beginning(books):
    books.stand_in.switches["transfer_from_card"] = "reject"
    books.post(books.settle(orders=3, charge="50.00"))
    catch_up()
    books.finish()
    tried = books.calls("transfer.create")

    books.post(books.settle(orders=1, settlement_id="17000000002", start="2026-10-15", charge="20.00"))

    assert books.calls("transfer.create") == tried + 1  # its payout
    assert books.balances()[K.CHARGE_METHOD] == -7000


def test_a_company_that_takes_it_gets_a_transfer(books):
    plan = books.post(books.settle(orders=3, charge="50.00"))

    assert {row.kind for row in books.rows_of(plan)} >= {"transfer"}
    assert books.balances()[K.CHARGE_METHOD] == -5000
