"""Invoices before the settlement: made once per order, taken back, closed, watched."""

from datetime import UTC, date, datetime, timedelta

import pytest

from amazon.models import Order
from amazon.upload import import_file
from bookkeeping.accounts import AccountKey
from flows import closing, history, making, planner, planning, rows, rules, shipments
from flows.models import Coverage, Delivery, Flow, InvoiceBalance, Shipment
from kit import clock
from ledgers.models import Company, ListEntry
from ledgers.port import Binding
from tenants.models import Alert
from tests import factories
from tests.amazon import flat_files
from tests.bookkeeping import e7
from tests.web.small_books import answer_all, flow_of, listed, plan_of

LETTER = "A"
ORDER = e7.ORDERS[LETTER]

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture
def flow(acme):
    made = flow_of(acme, mode="orders", approval="automatic")
    seller = factories.GrantFactory(provider="amazon", subject="A1SELLER")
    source = factories.ConnectionFactory(tenant=acme, grant=seller, remote_name="Seller")
    Flow.objects.filter(pk=made.pk).update(
        source=source, trigger="shipped", cut_over_at=e7.boundary("1 Sep"), layout="journal"
    )
    return Flow.objects.select_related("source", "target").get(pk=made.pk)


def order(flow, amounts=None, units=2, *, on="18 Sep", letter=LETTER, **values):
    """An order as it is stored, one item, its tax beside the prices."""
    amounts = amounts or {"ITEM": 8000}
    tax = 640
    item = {
        "item_id": f"6000000000{ord(letter)}",
        "sku": e7.sku(letter),
        "asin": "",
        "title": "",
        "quantity": units,
        "fulfilled": units,
        "total": sum(amounts.values()) + tax,
        "subtotals": {**amounts, "TAX": tax},
        "taxes": {"ITEM": tax},
        "discounts": {},
        "tax_basis": "added",
    } | values.pop("item", {})
    shipped_at = e7.at(on)
    return Order.objects.create(
        **{
            "tenant_id": flow.tenant_id,
            "connection": flow.source,
            "order_id": e7.ORDERS[letter],
            "status": "SHIPPED",
            "channel": "AMAZON",
            "fulfilled_by": "MERCHANT",
            "purchased_at": shipped_at - timedelta(days=1),
            "last_updated_at": shipped_at,
            "shipped_at": shipped_at,
            "marketplace_id": "ATVPDKIKX0DER",
            "marketplace": "Amazon.com",
            "currency": "USD",
            "total": item["total"],
            "items": [item],
            "tracking": [{"carrier": "UPS", "number": "1Z1", "shipped_at": ""}],
        }
        | values
    )


def change(found, **values):
    Order.objects.filter(pk=found.pk).update(last_updated_at=clock.now(), **values)


def settle(flow, *tables, n=1, total=None):
    """Bring settlement Sn with rows like those of the scenario, planned and posted."""
    rows = e7.rows_from(tables)
    head = e7.header(n)
    head = type(head)(
        head.settlement_id, head.starts_at, head.ends_at, head.deposit_on, sum(row.amount for row in rows), "USD"
    )
    text = flat_files.text(flat_files.v2(rows, head=head))
    found = import_file(flow.tenant_id, [text], "file.txt", "alice", connection_id=flow.source_id)
    planning.plan_uploaded(found.settlement)
    plan = plan_of(found.settlement)
    answer_all(plan)
    return plan_of(found.settlement)


def invoices():
    rows = Delivery.objects.filter(kind="invoice").exclude(state="dropped").order_by("pk")
    return [(row.number, row.on.isoformat(), row.amount, row.state) for row in rows]


def reasons():
    return list(Shipment.objects.order_by("pk").values_list("reason", flat=True))


def posted(flow):
    """Invoice what shipped and let the ledger answer."""
    shipments.plan_shipments(flow)
    answer_all_of(flow)


def answer_all_of(flow):
    class Plan:
        pass

    plan = Plan()
    plan.flow = flow
    answer_all(plan)


def test_a_shipped_order_is_invoiced_once_without_tax_and_with_its_tracking_number(flow):
    order(flow, {"ITEM": 8000, "SHIPPING": 600, "GIFT_WRAP": 400, "DISCOUNT": -1400})

    assert shipments.plan_shipments(flow) == 1
    assert shipments.plan_shipments(flow) == 0

    assert invoices() == [(ORDER, "2025-09-18", 7600, "blocked")]
    document = Delivery.objects.get(kind="invoice").plain_document
    assert document["tracking"] == "1Z1"
    assert {line["key"]: line["amount"] for line in document["lines"]} == {
        "SALES": 8000,
        "SHIP_INCOME": 600,
        "WRAP_INCOME": 400,
        "PROMO": -1400,
    }
    assert reasons() == [""]


def test_tax_inside_the_prices_is_taken_out(flow):
    included = {"subtotals": {"ITEM": 12000, "TAX": 2000}, "taxes": {"ITEM": 2000}, "total": 12000}
    order(flow, item={**included, "tax_basis": "included"})

    shipments.plan_shipments(flow)

    assert [amount for _, _, amount, _ in invoices()] == [10000]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"item": {"tax_basis": "unclear"}}, "totals_unclear"),
        ({"item": {"subtotals": {"ITEM": 8000, "OTHER": 1, "TAX": 640}, "total": 8641}}, "totals_unclear"),
        ({"total": 1}, "totals_unclear"),
        ({"amounts": {"ITEM": 1200, "DISCOUNT": -1200}}, "nothing_to_pay"),
    ],
    ids=["no identity holds", "an amount of no known kind", "items do not add up", "a full promotion"],
)
def test_an_order_without_an_invoice_says_why(flow, values, reason):
    order(flow, **values)

    assert shipments.plan_shipments(flow) == 0

    assert (invoices(), reasons()) == ([], [reason])
    assert Alert.objects.filter(kind="order_totals_unclear").exists() == (reason == "totals_unclear")


@pytest.mark.parametrize(
    "values",
    [
        {"status": "PARTIALLY_SHIPPED", "shipped_at": None},
        {"channel": "NON_AMAZON"},
        {"currency": "CAD"},
        {"shipped_at": e7.at("18 Sep") - timedelta(days=60)},
    ],
    ids=["partly shipped", "another channel", "another currency", "before the cut-over"],
)
def test_an_order_the_trigger_is_not_about_is_left_alone(flow, values):
    order(flow, **values)

    assert shipments.plan_shipments(flow) == 0

    assert (invoices(), reasons()) == ([], [])


@pytest.mark.parametrize(("mode", "trigger"), [("summary", "shipped"), ("orders", "settled")])
def test_no_order_is_invoiced_on_shipment_in_another_mode(flow, mode, trigger):
    Flow.objects.filter(pk=flow.pk).update(mode=mode, trigger=trigger)
    flow.refresh_from_db()
    order(flow)

    assert shipments.plan_shipments(flow) == 0


def test_a_placed_order_is_invoiced_on_the_day_of_its_purchase_once_it_has_prices(flow):
    Flow.objects.filter(pk=flow.pk).update(trigger="placed")
    flow.refresh_from_db()
    found = order(flow, status="PENDING", shipped_at=None)
    assert shipments.plan_shipments(flow) == 0

    change(found, status="UNSHIPPED")
    shipments.plan_shipments(flow)

    assert invoices() == [(ORDER, "2025-09-17", 8000, "blocked")]


def test_a_shipment_in_a_closed_month_is_left_to_the_settlement(flow):
    Company.objects.update(closed_until=date(2025, 9, 30))
    order(flow)

    shipments.plan_shipments(flow)

    assert (invoices(), reasons()) == ([], ["period_closed"])


def test_units_that_settled_before_the_shipment_was_seen_are_left_to_their_settlement(flow):
    settle(flow, ("22 Sep", "Order", "A", "P 26.67 (1)"))
    order(flow, units=3)

    posted(flow)

    assert [(number, amount) for number, _, amount, _ in invoices()] == [(ORDER, 2667), (f"{ORDER}-2", 5333)]
    balance = InvoiceBalance.objects.get(from_shipment=True)
    assert (balance.not_for, balance.units) == ([e7.SETTLEMENT_IDS[1]], {"600000000065": 2})
    plan = plan_of(history.settlements_of(flow).get())
    covered = making.make(plan, plan.mode).planning.coverage
    assert balance.delivery.key not in {one.invoice for one in covered}


def test_everything_settled_already_gives_no_invoice(flow):
    settle(flow, ("22 Sep", "Order", "A", "P 80.00 (2)"))
    order(flow)

    posted(flow)

    assert reasons() == ["carried_already"]
    assert len(invoices()) == 1


def test_one_invoice_is_paid_in_two_months_of_one_settlement(flow):
    order(flow)
    posted(flow)

    plan = settle(flow, ("22 Sep", "Order", "A", "P 40.00 (1)"), ("2 Oct", "Order", "A", "P 40.00 (1)"))

    paid = Coverage.objects.filter(plan=plan).order_by("part").values_list("part", "amount", "payment__key")
    head = f"amazon/settlement/{e7.SETTLEMENT_IDS[1]}"
    assert list(paid) == [
        (1, 4000, f"{head}/1/payment/{ORDER}/1"),
        (2, 4000, f"{head}/2/payment/{ORDER}/1"),
    ]
    assert plan.verdict["verdict"] == "proved"
    assert history.open_order_ids(flow, without=None) == set()
    assert history.open_order_ids(flow, without=plan) == {ORDER}


def test_an_unmapped_sku_is_invoiced_once_it_is_mapped(flow):
    Flow.objects.filter(pk=flow.pk).update(generic_items=False)
    flow.refresh_from_db()
    order(flow)
    shipments.plan_shipments(flow)
    assert [(state, code) for state, code in Delivery.objects.filter(kind="invoice").values_list("state", "code")] == [
        ("held", "unmapped_sku")
    ]
    sales = ListEntry.objects.get(name="My Amazon Sales").external_id
    ListEntry.objects.create(
        tenant_id=flow.tenant_id, connection=flow.target, list="item", external_id="i1", name="Lamp", account=sales
    )

    rules.save_split(flow, AccountKey.SALES, Binding(item="i1"), "alice", sku="SKU-A")

    assert [state for *_, state in invoices()] == ["blocked"]
    assert Delivery.objects.filter(kind="invoice").get().plain_document["lines"][0]["key"].startswith("SALES/")


def test_a_held_invoice_goes_on_even_where_its_settlement_counts_on_it(flow):
    Flow.objects.filter(pk=flow.pk).update(generic_items=False)
    flow.refresh_from_db()
    order(flow)
    shipments.plan_shipments(flow)
    plan = settle(flow, ("22 Sep", "Order", "A", "P 80.00 (2), Comm -12.00"))
    assert sorted(Delivery.objects.filter(state="blocked").values_list("kind", flat=True)) == ["payment"]

    Flow.objects.filter(pk=flow.pk).update(generic_items=True)
    flow.refresh_from_db()
    listed(flow.target, "customer", "c1")
    rules.save_customer(flow, "Amazon.com", "c1", "alice")
    answer_all_of(flow)

    assert not Delivery.objects.exclude(state__in=["posted", "dropped"]).exists()
    assert plan_of(plan.settlement).verdict["verdict"] == "proved"
    assert Coverage.objects.get().amount == 8000


def test_a_settlement_invoices_an_order_itself_whose_shipment_invoice_is_given_up(flow):
    Flow.objects.filter(pk=flow.pk).update(generic_items=False, approval="review")
    flow.refresh_from_db()
    found = order(flow)
    shipments.plan_shipments(flow)
    plan = settle(flow, ("22 Sep", "Order", "A", "P 80.00 (2), Comm -12.00"))
    assert Coverage.objects.get(plan=plan).invoice.from_shipment

    change(found, items=[{**found.items[0], "tax_basis": "unclear"}])
    shipments.plan_shipments(flow)
    planning.plan_new(flow, at_once=True)

    assert [number for number, *_ in invoices()] == [ORDER]
    assert not Coverage.objects.get(plan=plan).invoice.from_shipment


def test_nothing_is_invoiced_while_settlements_are_planned(flow):
    order(flow)

    with planner.sole(flow):
        assert shipments.plan_shipments(flow) == 0

    assert shipments.plan_shipments(flow) == 1


# Cancelled, or never settled


def faster_outbox(monkeypatch, times):
    """Let rows be sent just before they are written, that many times."""
    write, tried = rows.write, []

    def late(*args):
        tried.append(args)
        if len(tried) <= times:
            raise rows.Moved
        write(*args)

    monkeypatch.setattr(rows, "write", late)


def test_an_invoice_is_planned_again_where_the_outbox_was_faster(flow, monkeypatch):
    order(flow)
    faster_outbox(monkeypatch, 1)

    assert shipments.plan_shipments(flow) == 1
    assert len(invoices()) == 1


def test_an_order_whose_invoice_could_not_be_written_is_looked_at_again(flow, monkeypatch):
    order(flow)
    faster_outbox(monkeypatch, rows.ROUNDS)

    assert shipments.plan_shipments(flow) == 0
    assert not Shipment.objects.exists()
    assert shipments.plan_shipments(flow) == 1


def test_an_invoice_that_is_sent_while_its_order_is_cancelled_is_taken_back_later(flow, monkeypatch):
    found = order(flow)
    shipments.plan_shipments(flow)
    faster_outbox(monkeypatch, 1)

    change(found, status="CANCELLED")
    shipments.plan_shipments(flow)

    assert len(invoices()) == 1
    shipments.plan_shipments(flow)
    assert (invoices(), reasons()) == ([], ["cancelled"])


def test_an_order_cancelled_before_its_invoice_was_sent_loses_it(flow):
    found = order(flow)
    shipments.plan_shipments(flow)

    change(found, status="CANCELLED")
    shipments.plan_shipments(flow)

    assert (invoices(), reasons()) == ([], ["cancelled"])
    assert not InvoiceBalance.objects.exists()


def test_an_invoice_of_this_month_is_voided_when_its_order_is_cancelled(flow, monkeypatch):
    monkeypatch.setattr(closing, "_today", lambda flow: e7.day("28 Sep"))
    found = order(flow)
    posted(flow)

    change(found, status="CANCELLED")
    posted(flow)
    shipments.plan_shipments(flow)

    assert [state for *_, state in invoices()] == ["undone"]
    assert Delivery.objects.filter(kind="undo").count() == 1
    assert reasons() == ["taken_back"]
    assert not InvoiceBalance.objects.exists()


def test_an_invoice_that_is_replayed_while_its_order_is_cancelled_is_left_to_the_next_run(flow):
    order(flow)
    posted(flow)
    Delivery.objects.filter(kind="invoice").update(state="parked", code="found_different")
    balance = InvoiceBalance.objects.select_related("delivery__flow__target").get()
    Delivery.objects.filter(kind="invoice").update(state="uncertain")

    closing._take_back(flow, balance, balance.delivery)

    assert Delivery.objects.get(kind="invoice").state == "uncertain"


def test_an_invoice_of_an_earlier_month_is_closed_out_when_its_order_is_cancelled(flow, monkeypatch):
    monkeypatch.setattr(closing, "_today", lambda flow: e7.day("9 Nov"))
    found = order(flow)
    posted(flow)

    change(found, status="CANCELLED")
    posted(flow)
    posted(flow)

    made = Delivery.objects.filter(plan=None, kind__in=["payment", "entry"]).order_by("kind")
    assert [(row.kind, row.number, row.on.isoformat(), row.amount, row.state) for row in made] == [
        ("entry", f"X{ORDER}", "2025-11-09", 8000, "posted"),
        ("payment", f"X{ORDER}", "2025-11-09", 8000, "posted"),
    ]
    [covered] = Coverage.objects.all()
    assert (covered.settlement_id, covered.part, covered.plan, covered.amount) == ("close-out", 0, None, 8000)
    assert covered.payment.kind == "payment"


def test_rows_that_come_after_a_close_out_start_a_new_invoice(flow):
    order(flow)
    posted(flow)
    closing.close_out(Delivery.objects.get(kind="invoice"), "alice")
    answer_all_of(flow)

    plan = settle(flow, ("22 Sep", "Order", "A", "P 80.00 (2)"))

    assert [number for number, *_ in invoices()] == [ORDER, f"{ORDER}-2"]
    assert plan.verdict["verdict"] == "proved"


def test_only_the_open_balance_is_closed_out_from_the_accounts_it_was_booked_to(flow):
    order(flow)
    posted(flow)
    settle(flow, ("22 Sep", "Order", "A", "P 30.00 (1)"))
    rules.save_accounts(flow, {AccountKey.SALES: Binding(account="40")}, "alice", {})
    row = Delivery.objects.get(kind="invoice")

    assert closing.close_out(row, "alice") == 2

    entry = Delivery.objects.get(kind="entry", plan=None)
    assert entry.amount == 5000
    assert entry.bindings["SALES"]["account"] == row.bindings["SALES"]["account"]
    with pytest.raises(closing.CannotClose):
        closing.close_out(row, "alice")


def test_an_invoice_without_rows_for_sixty_days_is_told_once_and_settled_when_closed(flow):
    order(flow)
    posted(flow)

    shipments.plan_shipments(flow)
    shipments.plan_shipments(flow)

    [told] = Alert.objects.filter(kind="unsettled_invoice")
    assert ORDER in told.title
    closing.close_out(Delivery.objects.get(kind="invoice"), "alice")
    told.refresh_from_db()
    assert told.settled_at


def test_where_thousands_wait_the_next_is_told_of_once_the_first_is_dealt_with(flow, monkeypatch):
    monkeypatch.setattr(closing, "TOLD_AT_ONCE", 1)
    order(flow, letter="B", on="19 Sep")
    order(flow, letter="A", on="18 Sep")
    posted(flow)
    shipments.plan_shipments(flow)
    [first] = Alert.objects.filter(kind="unsettled_invoice")
    oldest = Delivery.objects.filter(kind="invoice").earliest("on")

    closing.close_out(oldest, "alice")
    shipments.plan_shipments(flow)

    first.refresh_from_db()
    assert oldest.number in first.title
    assert first.settled_at
    assert Alert.objects.filter(kind="unsettled_invoice", settled_at=None).count() == 1


def test_an_invoice_that_settlements_are_paying_is_not_told_of(flow):
    recent = datetime.now(UTC) - timedelta(days=5)
    order(flow)
    posted(flow)
    settlement = settle(flow, ("22 Sep", "Order", "A", "P 30.00 (1)")).settlement
    type(settlement).objects.filter(pk=settlement.pk).update(ends_at=recent)

    shipments.plan_shipments(flow)

    assert not Alert.objects.filter(kind="unsettled_invoice").exists()
