"""What notices lead to: the work of the schedule, sooner; never another result, and never more calls than are allowed."""

import random
from datetime import timedelta
from itertools import permutations

import pytest
import time_machine

from amazon import notices as kept
from amazon.client import Client
from amazon.cursors import claimed, cursor_for
from amazon.envelopes import read
from amazon.models import Backfill, BackfillWindow, Notice, Order, Report, Resource
from amazon.order_store import store_orders
from amazon.rates import Pacer
from flows import notices, schedule, shipments
from flows.models import Delivery, Flow
from kit.clock import now
from kit.http import Http, mount, unmount
from kit.scope import scope, unscoped
from tests.amazon.fake_api import BASE, FakeApi, fault
from tests.amazon.notifications import SELLER, order_change, report_finished, sent, transaction_update
from tests.amazon.test_pull_orders import NOON
from tests.amazon.test_pull_orders import order as amazon_order
from tests.factories import ConnectionFactory
from tests.flows.test_shipments import flow as orders_flow  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db
ORDERS = "/orders/2026-01-01/orders"


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def amazon(monkeypatch):
    """An Amazon that knows the orders 1 to 9 and asks for a pace, as the real one does."""
    fake = FakeApi()
    for number in range(1, 10):
        fake.answer(f"{ORDERS}/701-0000000-000000{number}", (200, {"order": amazon_order(number)}))
    mount(BASE, fake)

    def client_for(connection, priority, patience_s):
        turns = Pacer("application", "NA:grant:1", priority)
        return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", turns.take, pytest.fail, patience_s)

    monkeypatch.setattr(notices, "client_for", client_for)
    yield fake
    unmount(BASE)


@pytest.fixture
def flow(in_acme, clock, amazon, orders_flow):  # noqa: F811
    """A live flow that invoices orders when they ship, and would look at Amazon again in an hour."""
    later = now() + timedelta(hours=1)
    Flow.objects.filter(pk=orders_flow.pk).update(
        cut_over_at=now() - timedelta(days=30), next_run_at=later, next_settlements_at=later, generic_items=True
    )
    source = orders_flow.source
    source.remote_id = SELLER
    source.save()
    return Flow.objects.select_related("source", "target").get(pk=orders_flow.pk)


def tell(tenant_id, *told):
    kept.keep(tenant_id, read(sent(*told))[0])


def act():
    for tenant_id, seller_id in kept.waiting():
        notices.act(tenant_id, seller_id)


def outcomes():
    return sorted(notice.outcome for notice in Notice.objects.filter(state="handled"))


def invoices():
    return list(Delivery.objects.filter(kind="invoice", live=True).order_by("number").values_list("number", flat=True))


def order(number):
    return f"701-0000000-{number:07}"


def test_a_shipped_order_is_fetched_and_invoiced_without_waiting_for_the_schedule(flow, amazon):
    tell(flow.tenant_id, order_change(order(1)))

    act()

    assert invoices() == [order(1)]
    assert outcomes() == ["fetched"]
    assert [asked.path for asked in amazon.asked] == [f"{ORDERS}/{order(1)}"]


def test_any_order_and_ten_copies_come_to_what_polling_alone_comes_to(flow, amazon):
    polled = [amazon_order(1), amazon_order(2), amazon_order(3)]
    told = [order_change(order(number), n=number) for number in (1, 2, 3)]
    shuffled = [each for some in permutations(told) for each in some] * 2
    random.Random(7).shuffle(shuffled)

    for n, each in enumerate(shuffled):
        again = {"NotificationMetadata": {"NotificationId": f"copy-{n}"}} if n % 2 else {}
        tell(flow.tenant_id, each | again)
        act()
    by_notice = invoices(), Order.objects.count(), len(amazon.asked)
    store_orders(flow.source, polled)
    shipments.plan_shipments(flow)

    assert by_notice == (invoices(), Order.objects.count(), 3)


def test_without_notices_the_same_is_invoiced(flow):
    store_orders(flow.source, [amazon_order(1)])

    shipments.plan_shipments(flow)

    assert invoices() == [order(1)]


def test_a_thousand_notices_cost_a_burst_of_calls_and_leave_the_rest_to_one_read_of_all(flow, amazon):
    for number in range(10, 1010):
        amazon.answer(f"{ORDERS}/{order(number)}", (200, {"order": amazon_order(1) | {"orderId": order(number)}}))
    told = [order_change(order(number), n=number) for number in range(10, 1010)]
    for begin in range(0, 1000, 100):
        tell(flow.tenant_id, *told[begin : begin + 100])

    while kept.waiting():
        act()

    flow.refresh_from_db()
    assert len(amazon.asked) == 29  # one of the thirty is left to people
    assert Notice.objects.filter(outcome="fetched").count() == 29
    assert Notice.objects.filter(outcome="left to the next read of all orders").count() == 971
    assert flow.next_run_at == now() + notices.READ_ALL_AFTER


def test_an_order_that_is_not_there_yet_is_asked_for_again_and_in_the_end_left_to_the_schedule(flow, amazon, clock):
    amazon.answers[f"{ORDERS}/{order(1)}"] = [fault(404, "NotFound")]
    tell(flow.tenant_id, order_change(order(1)))

    for _ in range(6):
        act()
        clock.shift(timedelta(minutes=4))

    assert len(amazon.asked) == notices.ATTEMPTS
    assert outcomes() == ["left to the schedule"]


def test_an_order_that_amazon_refuses_holds_up_no_other(flow, amazon):
    amazon.answers[f"{ORDERS}/{order(1)}"] = [fault(400, "InvalidInput")]
    tell(flow.tenant_id, order_change(order(1), n=1))
    tell(flow.tenant_id, order_change(order(2), n=2))

    act()

    assert invoices() == [order(2)]
    assert outcomes() == ["Amazon does not give it", "fetched"]


def test_a_notice_that_breaks_off_whoever_handles_it_is_given_up(flow, clock, monkeypatch):
    monkeypatch.setattr(notices.pull, "pull_order", lambda *_, **__: 1 / 0)
    tell(flow.tenant_id, order_change(order(1)))

    for _ in range(notices.WORN):
        with pytest.raises(ZeroDivisionError):
            act()
        clock.shift(kept.LEASE + timedelta(seconds=1))
    act()

    assert outcomes() == ["left to the schedule"]


def test_trouble_at_amazon_puts_it_off_and_loses_nothing(flow, amazon, clock):
    amazon.answers[f"{ORDERS}/{order(1)}"] = [
        fault(503, "ServiceUnavailable"),
        (200, {"order": amazon_order(1)}),
    ]
    tell(flow.tenant_id, order_change(order(1)))

    act()
    before = invoices()
    clock.shift(timedelta(minutes=1))
    act()

    assert (before, invoices()) == ([], [order(1)])


def test_while_all_orders_are_read_a_notice_waits(flow, amazon, clock):
    tell(flow.tenant_id, order_change(order(1)))

    with claimed(flow.source, Resource.ORDERS):
        act()
    asked = list(amazon.asked)
    clock.shift(timedelta(seconds=6))
    act()

    assert asked == []
    assert invoices() == [order(1)]


def test_who_dies_between_storing_and_acting_leaves_it_to_the_next(flow, clock):
    tell(flow.tenant_id, order_change(order(1)))
    kept.take(SELLER)

    at_once = kept.waiting()
    clock.shift(kept.LEASE + timedelta(seconds=1))
    act()

    assert at_once == []
    assert invoices() == [order(1)]


def test_a_worker_that_was_thought_dead_does_not_end_what_another_took_over(flow, clock):
    tell(flow.tenant_id, order_change(order(1)))
    slow = kept.take(SELLER)
    clock.shift(kept.LEASE + timedelta(seconds=1))
    kept.take(SELLER)

    kept.handled(slow, "fetched")

    assert Notice.objects.get().state == "waiting"


def test_where_somebody_else_plans_the_flow_it_runs_again_at_once(flow):
    Flow.objects.filter(pk=flow.pk).update(planning_until=now() + timedelta(minutes=1))
    tell(flow.tenant_id, order_change(order(1)))

    act()

    flow.refresh_from_db()
    assert (invoices(), flow.next_run_at) == ([], now())


@pytest.mark.parametrize("change", [{"mode": "summary"}, {"trigger": "settled"}, {"state": "paused"}])
def test_a_flow_that_does_not_invoice_orders_early_asks_for_none(flow, amazon, change):
    Flow.objects.filter(pk=flow.pk).update(**change)
    tell(flow.tenant_id, order_change(order(1)))

    act()

    assert amazon.asked == []
    assert outcomes() == ["no flow needs single orders"]


def test_an_order_of_a_marketplace_in_another_region_is_not_asked_for_here(flow, amazon):
    flow.source.data = {"region": "EU", "marketplaces": [{"id": "A1PA6795UKMFR9"}]}
    flow.source.save()
    tell(flow.tenant_id, order_change(order(1)))

    act()

    assert amazon.asked == []


def test_a_settlement_report_has_settlements_looked_for_now(flow):
    tell(flow.tenant_id, report_finished())

    act()

    flow.refresh_from_db()
    assert (flow.next_run_at, flow.next_settlements_at) == (now(), now())
    assert outcomes() == ["settlements are looked for"]
    assert [pk for pk in schedule.claim_due_flows() if pk == flow.pk] == [flow.pk]


def test_reports_of_others_and_those_we_have_lead_to_nothing(flow):
    later = flow.next_run_at
    Report.objects.create(
        connection=flow.source, seller_id=SELLER, origin="api", state="loaded", report_id="7", created_at=now()
    )
    tell(flow.tenant_id, report_finished("7", n=1), report_finished("8", n=2, kind="GET_FLAT_FILE_OPEN_LISTINGS_DATA"))
    tell(flow.tenant_id, report_finished("9", n=3, status="FATAL"))

    act()

    flow.refresh_from_db()
    assert (flow.next_run_at, flow.next_settlements_at) == (later, later)
    assert outcomes() == ["known already", "of no use to a flow", "of no use to a flow"]


def test_a_report_of_the_order_history_is_fetched_now_that_it_is_made(flow):
    found = Backfill.objects.create(connection=flow.source, since=NOON - timedelta(days=60), begun_at=NOON)
    later = {"state": "requested", "due_at": NOON + timedelta(hours=1)}
    ours, other = (
        BackfillWindow.objects.create(
            backfill=found, report_id=str(n), starts_at=NOON - timedelta(days=30 * n + 30), ends_at=NOON, **later
        )
        for n in range(2)
    )
    tell(flow.tenant_id, report_finished("0", kind="GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"))

    act()

    ours.refresh_from_db()
    other.refresh_from_db()
    assert (ours.due_at, other.due_at) == (now(), NOON + timedelta(hours=1))
    assert cursor_for(flow.source, Resource.HISTORY).due_at == now()
    assert outcomes() == ["the order history goes on"]


def test_a_notice_never_puts_off_what_is_due_earlier(flow):
    earlier = now() - timedelta(minutes=5)
    Flow.objects.filter(pk=flow.pk).update(next_run_at=earlier, next_settlements_at=earlier)
    tell(flow.tenant_id, report_finished())

    act()

    flow.refresh_from_db()
    assert (flow.next_run_at, flow.next_settlements_at) == (earlier, earlier)


def test_a_transaction_has_transactions_and_payouts_read_again(flow):
    tell(flow.tenant_id, transaction_update())

    act()

    due = [cursor_for(flow.source, each).due_at for each in (Resource.TRANSACTIONS, Resource.PAYOUTS)]
    assert due == [now(), now()]


def test_what_is_asked_for_during_a_run_is_not_forgotten_at_its_end(flow, monkeypatch):
    Flow.objects.filter(pk=flow.pk).update(next_run_at=now() - timedelta(seconds=1), next_settlements_at=None)

    def pulled(connection, *rest, **more):
        tell(flow.tenant_id, report_finished())
        act()
        return schedule.pull.PullResult()

    monkeypatch.setattr(schedule.pull, "pull_settlements", pulled)
    monkeypatch.setattr(schedule, "_fetch_orders", lambda flow, run: None)
    monkeypatch.setattr(schedule, "_fetch_transfers", lambda flow, run: None)
    monkeypatch.setattr(schedule.balances, "is_due", lambda source: False)
    schedule.run_flow(flow.pk)

    flow.refresh_from_db()
    assert flow.next_settlements_at == now()
    assert flow.claimed_until is None


def test_the_other_company_of_the_same_seller_is_not_touched(flow, amazon, globex):
    with unscoped("the test arranges another tenant"):
        theirs = ConnectionFactory(tenant=globex, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    tell(flow.tenant_id, transaction_update())

    act()

    with scope(globex.pk):
        assert cursor_for(theirs, Resource.TRANSACTIONS).due_at is None
