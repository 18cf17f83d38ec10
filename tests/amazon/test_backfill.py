"""Reading a seller's order history by bulk reports, in time that passes only where somebody waits."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from amazon import backfill, order_store
from amazon.backfill import begin, due, go_on, pause, resume, step, try_again
from amazon.client import Client, ServerTrouble, WaitFor
from amazon.cursors import LeaseLost, cursor_for
from amazon.models import Backfill, BackfillWindow, Cursor, Order, Resource
from amazon.order_store import store_orders
from amazon.orders import parse_order
from amazon.rates import Priority, pacer
from kit.http import Http, mount, unmount
from tenants.models import Alert
from tests.amazon.bulk_reports import BulkReports, line, report
from tests.amazon.fake_api import BASE, FILES
from tests.amazon.test_pull_orders import order
from tests.factories import ConnectionFactory

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
US = {"id": "ATVPDKIKX0DER", "country": "US", "name": "Amazon.com", "currency": "USD", "active": True}
State = BackfillWindow.State
pytestmark = pytest.mark.django_db


def placed_in(starts_at, ends_at):
    """Return a report with one order, placed and shipped in the middle of the window."""
    at = starts_at + (ends_at - starts_at) / 2
    return report(
        line(
            amazon_order_id=f"701-{at:%Y%m%d}-0000001",
            purchase_date=at.isoformat(),
            last_updated_date=(at + timedelta(days=1)).isoformat(),
        )
    )


@pytest.fixture
def amazon():
    made = BulkReports(placed_in)
    mount(BASE, made)
    mount(FILES, made)
    yield made
    unmount(BASE)
    unmount(FILES)


@pytest.fixture
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def connection(in_acme, settings):
    settings.AMAZON_RATE_SCALE = 1
    data = {"region": "NA", "marketplaces": [US]}
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data=data)


@pytest.fixture
def client(connection, clock):
    turns = pacer(connection, Priority.BACKFILL)

    def sleep(seconds):
        clock.shift(max(seconds, 0.001))  # the clock has no parts of a microsecond

    return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", turns.take, sleep=sleep)


@pytest.fixture
def run(connection, client, clock):
    """Do what a worker does until the history is read; returns the seconds that took."""

    def run(until=lambda found: found.state != Backfill.State.RUNNING):
        at = datetime.now(UTC)
        while not until(Backfill.objects.get(connection=connection)):
            try:
                step(connection, client)
            except WaitFor as wait:
                clock.shift(wait.seconds)
            assert datetime.now(UTC) - at < timedelta(days=2), "it does not come to an end"
        return (datetime.now(UTC) - at).total_seconds()

    return run


def states():
    return list(BackfillWindow.objects.order_by("-ends_at").values_list("state", flat=True))


def test_two_years_take_hardly_longer_than_the_calls_have_to(connection, amazon, run):
    begin(connection)

    took = run()

    count = BackfillWindow.objects.count()
    bound = (count - 15) / 0.0167 + amazon.takes.total_seconds()
    assert took <= 1.1 * bound
    assert Order.objects.count() == count == 25
    assert amazon.calls["createReport"] == amazon.calls["getReportDocument"] == 25
    assert amazon.refused == 0
    assert set(amazon.tokens) == {None}


def test_windows_leave_no_gap_and_the_newest_is_asked_for_first(connection, amazon, run):
    begin(connection, NOON - timedelta(days=100))

    run()

    asked = [(one["dataStartTime"], one["dataEndTime"]) for one in amazon.asked]
    assert asked[0] == ("2026-05-02T12:00:00.000Z", "2026-06-01T12:00:00.000Z")
    assert [start for start, _ in asked][:-1] == [end for _, end in asked][1:]
    assert asked[-1][0] == "2026-02-21T12:00:00.000Z"
    assert amazon.asked[0]["marketplaceIds"] == ["ATVPDKIKX0DER"]


def test_what_is_older_than_two_years_is_skipped_and_said(connection, clock):
    found = begin(connection, NOON - timedelta(days=3000))

    assert found.since == found.skipped_before == NOON - timedelta(days=729)


def test_a_report_without_data_is_an_empty_month(connection, amazon, run):
    amazon.rows = lambda starts_at, ends_at: None
    begin(connection, NOON - timedelta(days=20))

    run()

    assert states() == [State.EMPTY]
    assert amazon.calls["createReport"] == 1


def test_a_history_goes_on_from_its_rows_after_a_kill_anywhere(connection, amazon, run, client, monkeypatch):
    begin(connection, NOON - timedelta(days=100))
    killed = []

    def dies(*args, **values):
        killed.append(True)
        if len(killed) == 2:
            raise KeyboardInterrupt
        return kept(*args, **values)

    kept = backfill.store_reported
    monkeypatch.setattr(backfill, "store_reported", dies)
    with pytest.raises(KeyboardInterrupt):
        run()
    run()

    assert states() == [State.DONE] * 4
    assert amazon.calls["createReport"] == 4
    assert amazon.calls["getReportDocument"] == 5
    assert Order.objects.count() == 4


def test_a_failed_report_is_asked_for_again_and_then_told_in_amazons_words(connection, amazon, run, clock):
    amazon.ends = {1: "FATAL", 2: "FATAL", 3: "FATAL"}
    found = begin(connection, NOON - timedelta(days=20))

    run()

    window, told = BackfillWindow.objects.get(), Alert.objects.get(settled_at=None)
    assert (window.state, window.tries, amazon.calls["createReport"]) == (State.FAILED, 3, 3)
    assert "The date range is not valid" in window.problem
    assert window.action
    assert "The date range is not valid" in told.text

    found.refresh_from_db()
    assert try_again(found, "alice") == 1
    run()

    assert states() == [State.DONE]
    assert not Alert.objects.filter(settled_at=None).exists()


def test_a_report_that_fails_once_is_read_the_second_time(connection, amazon, run):
    amazon.ends = {1: "FATAL"}
    begin(connection, NOON - timedelta(days=20))

    run()

    assert states() == [State.DONE]
    assert BackfillWindow.objects.get().problem == ""


def test_a_dead_address_is_asked_for_again(connection, amazon, run):
    dead = [True]
    amazon.on_download = lambda number, answer: (403, {}, b"<Error/>") if dead and dead.pop() else answer
    begin(connection, NOON - timedelta(days=20))

    run()

    assert states() == [State.DONE]
    assert amazon.calls["getReportDocument"] == 2


def test_a_cut_off_file_is_fetched_again(connection, amazon, run):
    cut = [True]

    def answer(number, whole):
        return (*whole[:2], whole[2][:-20]) if cut and cut.pop() else whole

    amazon.on_download = answer
    begin(connection, NOON - timedelta(days=20))

    run()

    assert states() == [State.DONE]
    assert amazon.calls == {"createReport": 1, "getReport": amazon.calls["getReport"], "getReportDocument": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (report(line(), columns=["amazon-order-id", "sku"]), "lacks columns"),
        (report(line(sales_channel="Amazon.co.jp", currency="JPY", item_price="1980")), "another seller's"),
        (report(line(purchase_date="2020-01-01T00:00:00+00:00")), "which nobody asked for"),
        (report(line(product_name="für"), encoding="cp1252"), "no character in utf-8"),
    ],
)
def test_a_file_that_cannot_be_this_months_is_refused_whole_and_the_others_go_on(
    connection, amazon, run, content, said
):
    amazon.rows = lambda starts_at, ends_at: content if ends_at == NOON else placed_in(starts_at, ends_at)
    begin(connection, NOON - timedelta(days=60))

    run()

    newest = BackfillWindow.objects.get(ends_at=NOON)
    assert states() == [State.REFUSED, State.DONE]
    assert said in newest.problem
    assert Alert.objects.get(kind="history_failed", settled_at=None).url.endswith("/order-history/")
    assert Order.objects.count() == 1


def test_an_order_of_another_seller_of_the_company_gives_a_foreign_report_away(connection, amazon, run, in_acme):
    other = ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A2OTHER", data={"region": "NA"})
    amazon.rows = lambda starts_at, ends_at: report(line())
    store_orders(other, [order(number=1, updated="2026-05-12T09:00:00Z")])
    begin(connection, NOON - timedelta(days=30))

    run()

    assert states() == [State.REFUSED]


def test_a_paused_history_asks_nothing_and_goes_on_when_it_is_told(connection, amazon, run, client):
    found = begin(connection, NOON - timedelta(days=20))

    pause(found, "alice")
    step(connection, client)
    resting = due()
    resume(found, "alice")
    run()

    assert resting == []
    assert amazon.calls["createReport"] == 1
    assert states() == [State.DONE]


def test_only_one_history_of_the_site_is_worked_on_at_once(connection, in_acme, clock):
    other = ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A2OTHER", data={"region": "NA"})
    begin(connection)
    begin(other)

    first = due()
    cursor = cursor_for(connection, Resource.HISTORY)
    Cursor.objects.filter(pk=cursor.pk).update(claimed_until=NOON + timedelta(minutes=5))

    assert len(first) == 1
    assert due() == []


def made_meanwhile(connection, client, clock):
    """Ask for the reports, and let the time pass in which Amazon makes them."""
    with pytest.raises(WaitFor):
        step(connection, client)
    clock.shift(timedelta(minutes=3))


def test_a_settlement_finds_a_call_left_for_its_document(connection, amazon, run):
    begin(connection)

    run(until=lambda _: amazon.calls["getReportDocument"] >= 14)

    assert pacer(connection, Priority.PERSON).take("getReportDocument") == 0


def test_settlements_that_are_being_fetched_come_first(connection, amazon, client, clock):
    begin(connection, NOON - timedelta(days=20))
    made_meanwhile(connection, client, clock)
    cursor = cursor_for(connection, Resource.SETTLEMENTS)
    Cursor.objects.filter(pk=cursor.pk).update(claimed_until=datetime.now(UTC) + timedelta(minutes=5))

    with pytest.raises(WaitFor):
        step(connection, client)

    assert amazon.calls["getReportDocument"] == 0


def test_a_history_grows_back_to_an_earlier_day(connection, amazon, run):
    begin(connection, NOON - timedelta(days=30))
    run()

    begin(connection, NOON - timedelta(days=60))
    begin(connection, NOON - timedelta(days=10))
    run()

    assert states() == [State.DONE] * 2
    assert Backfill.objects.get().since == NOON - timedelta(days=60)


def test_what_the_orders_api_told_is_not_replaced_by_an_older_report(connection, amazon, run):
    store_orders(connection, [order(number=1, updated="2026-05-12T09:00:00.250Z", amount="30.00")])
    amazon.rows = lambda starts_at, ends_at: report(line())
    begin(connection, NOON - timedelta(days=30))

    run()

    stored = Order.objects.get()
    assert (stored.total, stored.origin, stored.items[0]["item_id"]) == (3000, "api", "1")


def test_a_later_report_brings_what_changed_and_wipes_nothing(connection, amazon, run):
    packages = [{"trackingNumber": "1Z", "carrier": "UPS", "shipTime": "2026-05-11T10:00:00Z"}]
    store_orders(connection, [order(number=1, updated="2026-05-11T09:00:00Z", packages=packages)])
    cells = line(order_status="Cancelled", item_status="Cancelled", quantity="0", currency="", item_price="")
    amazon.rows = lambda starts_at, ends_at: report(cells | {"asin": ""})
    begin(connection, NOON - timedelta(days=30))

    run()

    stored = Order.objects.get()
    assert (stored.status, stored.total, stored.currency) == ("CANCELLED", 2400, "USD")
    assert (stored.items[0]["item_id"], stored.items[0]["quantity"]) == ("1", 1)
    assert stored.tracking[0]["number"] == "1Z"
    assert stored.shipped_at == datetime(2026, 5, 11, 10, tzinfo=UTC)
    assert stored.raw


def test_the_orders_api_completes_what_a_report_told_to_the_second(connection, amazon, run):
    amazon.rows = lambda starts_at, ends_at: report(line())
    begin(connection, NOON - timedelta(days=30))
    run()

    store_orders(connection, [order(number=1, updated="2026-05-12T09:00:00Z")])

    stored = Order.objects.get()
    assert (stored.origin, stored.items[0]["item_id"]) == ("api", "1")


def test_reading_the_same_months_twice_stores_nothing_twice(connection, amazon, run):
    begin(connection, NOON - timedelta(days=30))
    run()

    BackfillWindow.objects.update(state=State.FAILED)
    try_again(Backfill.objects.get(), "alice")
    run()

    assert Order.objects.count() == 1


def test_a_reader_that_lost_its_lease_stores_nothing(connection, amazon, client, monkeypatch, clock):
    begin(connection, NOON - timedelta(days=20))
    made_meanwhile(connection, client, clock)
    fetch = backfill.fetch

    def late(*args):
        found = fetch(*args)
        clock.shift(timedelta(minutes=6))
        Cursor.objects.filter(resource=Resource.HISTORY).update(fence=99)
        return found

    monkeypatch.setattr(backfill, "fetch", late)
    with pytest.raises(LeaseLost):
        step(connection, client)

    assert Order.objects.count() == 0


def test_a_worker_that_meets_trouble_says_so_and_comes_back(connection, clock, monkeypatch):
    begin(connection)

    def no_answer(*args):
        raise ServerTrouble("createReport: no answer", 30.0)

    monkeypatch.setattr(backfill, "step", no_answer)
    go_on(connection.pk)

    assert Backfill.objects.get().problem == "createReport: no answer"


def test_whatever_breaks_is_tried_again_an_hour_later(connection, clock, monkeypatch):
    begin(connection)

    def breaks(*args):
        raise RuntimeError

    monkeypatch.setattr(backfill, "step", breaks)
    with pytest.raises(RuntimeError):
        go_on(connection.pk)

    assert due() == []
    clock.shift(timedelta(minutes=61))
    assert due() == [connection.pk]


def test_an_order_that_a_report_brings_at_the_same_moment_is_stored_once(connection, clock, monkeypatch):
    create, sent = Order.objects.bulk_create, order(number=1)

    def late(*args, **values):
        monkeypatch.undo()
        order_store.store_reported(connection, [parse_order(sent)])
        return create(*args, **values)

    monkeypatch.setattr(order_store.Order.objects, "bulk_create", late)
    store_orders(connection, [sent])

    assert Order.objects.get().items[0]["item_id"] == "1"
