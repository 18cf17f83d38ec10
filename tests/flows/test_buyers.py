"""Buyers in the books: only where the tenant wants them, nowhere in the open, and gone again."""

import logging
from datetime import timedelta

import pytest
import time_machine
from django.apps import apps
from django.db import connection as database

from amazon import buyers as kept
from amazon.models import Buyer, Order
from flows import buyers, creation, forgetting, mapping, outcomes, planning, setup, shipments, wire
from flows.models import Attempt, Delivery, Flow, Removal
from flows.pace import OutOfTokens
from kit import clock
from kit.scope import scope
from ledgers.port import CannotTell, Found, Next, NotRenderable, Posted, Refused
from ledgers.quoting import quoted
from ledgers.registry import refresh_lists
from tenants.models import Alert
from tests.flows.test_main_job import connected
from tests.flows.test_shipments import flow, order  # noqa: F401 - a fixture

ANN = kept.Person("Ann Buyer", "x1@marketplace.example")
NAMES = ("Robin", "Sample", "Specimen", "Muster", "Voorbeeld", "Beispiel", "Exemple", "@marketplace.example")


def bought(flow, found, person=ANN):  # noqa: F811
    kept.keep(flow.source, {found.order_id: person})
    return Buyer.objects.get(order=found)


def shipped(flow):  # noqa: F811
    shipments.plan_shipments(flow)
    return Delivery.objects.filter(kind="invoice", live=True).order_by("pk")


def customers():
    return Delivery.objects.filter(key__startswith="company/buyer/", live=True)


def answer_all_of(flow):  # noqa: F811
    """Let the ledger answer whatever is ready."""
    planning.release(flow)
    for _ in range(5):
        ready = list(Delivery.objects.filter(flow=flow, state="ready").select_related("flow__target", "plan"))
        outcomes.apply_answers(ready, {row.key: Posted(f"10{row.pk}", total=row.amount) for row in ready})


@pytest.fixture
def naming(flow):  # noqa: F811
    forgetting.switch(flow, "user:1", on=True)
    return flow


# Who is named


@pytest.mark.usefixtures("in_acme")
def test_an_invoice_names_the_marketplaces_customer_unless_the_tenant_wants_buyers(flow):  # noqa: F811
    found = order(flow)
    bought(flow, found)

    [invoice] = shipped(flow)
    forgetting.switch(flow, "user:1", on=True)
    shipments.bring_up_to_date(flow, whatever=True)

    assert invoice.plain_document["customer"] == "customer:Amazon.com:USD"
    invoice.refresh_from_db()
    assert invoice.plain_document["customer"].startswith("buyer:Amazon.com:USD:")


@pytest.mark.usefixtures("in_acme")
def test_a_buyer_who_buys_twice_is_one_customer_and_two_buyers_are_two(naming):
    bought(naming, order(naming))
    bought(naming, order(naming, letter="B"))
    bought(naming, order(naming, letter="D"), kept.Person("Ann Buyer", "x2@marketplace.example"))

    invoices = shipped(naming)

    first, second, third = (each.plain_document["customer"] for each in invoices)
    assert first == second != third
    assert customers().count() == 2
    needed = set(invoices[0].dependencies.values_list("key", flat=True))
    assert needed & set(customers().values_list("key", flat=True))


@pytest.mark.usefixtures("in_acme")
def test_the_name_is_filled_in_only_where_a_call_is_written(naming):
    bought(naming, order(naming))
    shipped(naming)

    [row] = customers()
    [post] = wire.posts_for([row])

    assert "Ann" not in row.document + row.number + row.key
    assert (post.document.person, post.document.email) == ("Ann Buyer", "x1@marketplace.example")
    assert post.document.name.startswith("Ann Buyer (Amazon ")


@pytest.mark.usefixtures("in_acme")
def test_what_a_ledger_quotes_of_a_name_is_stored_nowhere(naming):
    bought(naming, order(naming))
    shipped(naming)
    [row] = customers()

    refused = buyers.silent(row, Refused("6240", "The name Ann Buyer exists.", "Rename it.", Next.HELD))
    told = buyers.silent(row, CannotTell("the name ANN BUYER (Amazon x) belongs to a supplier"))
    found = buyers.silent(row, Found(Posted("7", number="Ann Buyer"), True, False, "name: Ann Buyer"))

    assert "Buyer" not in refused.text
    assert "Rename it." in refused.action
    assert "the marketplace's customer instead" in refused.action
    assert "Ann" not in told.reason.title()
    assert "Ann" not in str(found)


@pytest.mark.parametrize("name", ["Li Wu", "王伟", "Bo Ek", "Al", "D'Arcy", "Müller:Söhne", "X" * 70])
@pytest.mark.usefixtures("in_acme")
def test_no_name_however_short_or_written_is_left_in_a_refusal(naming, name):
    bought(naming, order(naming), kept.Person(name, "x1@marketplace.example"))
    [invoice] = shipped(naming)
    [customer] = customers()
    spelt = name.replace("'", "&#39;").replace(":", "-")[:60]

    says = quoted("The ledger refused it.", "Zoho Books", f"Customer {spelt} is inactive")
    told = [
        buyers.silent(customer, Refused("1", f"The name {spelt} (Amazon x) exists.", "", Next.HELD)).text,
        buyers.silent(customer, Refused("1", says, "", Next.HELD)).text,
        buyers.silent(invoice, Refused("1", says, "", Next.HELD)).text,
        buyers.silent(invoice, CannotTell(f"customer: {spelt} instead of another")).reason,
    ]

    assert not [text for text in told if spelt in text]
    assert told[1:3] == ["The ledger refused it."] * 2


@pytest.mark.usefixtures("in_acme")
def test_a_marketplace_rule_gives_class_and_location_and_never_the_customer_of_a_buyer(naming):
    known = mapping.load(naming)
    rule = mapping.Binding(customer="9", class_="c1")
    with_rule = mapping.replace(known, customers={"amazon.com": rule})
    bought(naming, order(naming))
    [invoice] = shipped(naming)
    document = planning.rows.document_from(invoice.plain_document)

    made = {document.customer: mapping.Binding(customer="@company/buyer/x/USD/1")}
    made |= {line.key: mapping.Binding(item="3") for line in document.lines}
    bound = mapping.bind(with_rule, document, made)[document.customer]

    assert (bound.customer, bound.class_) == ("@company/buyer/x/USD/1", "c1")


# Letting go


@pytest.mark.usefixtures("in_acme")
def test_switching_off_stops_at_once_and_what_was_sent_stays(naming):
    sent, unsent = order(naming), order(naming, letter="B")
    bought(naming, sent)
    Order.objects.filter(pk=unsent.pk).update(status="UNSHIPPED")
    shipped(naming)
    answer_all_of(naming)
    Order.objects.filter(pk=unsent.pk).update(status="SHIPPED", last_updated_at=clock.now())
    bought(naming, unsent, kept.Person("Bea", ""))
    Flow.objects.filter(pk=naming.pk).update(state="paused")
    naming.refresh_from_db()
    shipped(naming)

    forgetting.switch(naming, "user:1", on=False)

    assert not buyers.wanted_from(naming.source)
    assert not Buyer.objects.exclude(sealed="").exists()
    first, second = Delivery.objects.filter(kind="invoice", live=True).order_by("pk")
    assert first.plain_document["customer"].startswith("buyer:")
    assert second.plain_document["customer"] == "customer:Amazon.com:USD"
    assert customers().count() == 1


@pytest.mark.usefixtures("in_acme")
def test_thousands_of_buyers_are_let_go_at_once(naming):
    first = order(naming, status="UNSHIPPED")
    orders = Order.objects.bulk_create(
        Order(
            tenant_id=naming.tenant_id,
            connection=naming.source,
            order_id=f"114-{number}",
            status="UNSHIPPED",
            purchased_at=first.purchased_at,
            last_updated_at=first.last_updated_at,
        )
        for number in range(1500)
    )
    Buyer.objects.bulk_create(
        Buyer(tenant_id=naming.tenant_id, order=one, hash=f"{number:016}", sealed="k:x", fetched_at=clock.now())
        for number, one in enumerate(orders)
    )

    forgetting.switch(naming, "user:1", on=False)

    assert not Buyer.objects.exclude(sealed="").exists()


@pytest.mark.usefixtures("in_acme")
def test_what_is_sealed_is_emptied_30_days_after_the_invoice_is_in_the_books(naming):
    buyer = bought(naming, order(naming))
    shipped(naming)
    answer_all_of(naming)
    start = clock.now()

    with time_machine.travel(start + timedelta(days=29), tick=False):
        early = forgetting.purge()
    with time_machine.travel(start + timedelta(days=30, minutes=1), tick=False):
        due = forgetting.purge()

    buyer.refresh_from_db()
    assert (early, due, buyer.sealed) == (0, 1, "")
    [invoice] = Delivery.objects.filter(kind="invoice", live=True)
    shipments.bring_up_to_date(naming, whatever=True)
    assert buyers.customer_of(naming, {invoice.order_id})("Amazon.com", "USD", invoice.order_id).startswith("buyer:")


@pytest.mark.usefixtures("in_acme")
def test_a_cancelled_order_and_one_that_is_never_invoiced_keep_no_buyer(naming):
    cancelled, waiting = order(naming, status="CANCELLED"), order(naming, letter="B", status="UNSHIPPED")
    bought(naming, cancelled)
    bought(naming, waiting)

    first = forgetting.purge()
    with time_machine.travel(clock.now() + timedelta(days=61), tick=False):
        second = forgetting.purge()

    assert (first, second) == (1, 1)


@pytest.mark.usefixtures("in_acme")
def test_nothing_is_let_go_while_it_is_open_what_became_of_a_customer(naming):
    buyer = bought(naming, order(naming))
    shipped(naming)
    customers().update(state="uncertain")

    forgetting.forget(buyer.order, "user:1")
    buyer.refresh_from_db()
    kept_meanwhile = bool(buyer.sealed)
    customers().update(state="failed")
    forgetting.remove_due()
    buyer.refresh_from_db()

    assert kept_meanwhile
    assert buyer.sealed == ""
    assert not customers().exists()
    assert Removal.objects.get().done_at is None
    with time_machine.travel(clock.now() + timedelta(minutes=2), tick=False):
        forgetting.remove_due()
    assert Removal.objects.get().done_at is not None


@pytest.mark.usefixtures("in_acme")
def test_an_unsent_customer_of_a_forgotten_buyer_is_dropped_and_the_invoice_goes_on_without(naming):
    buyer = bought(naming, order(naming))
    shipped(naming)

    forgetting.forget(buyer.order, "user:1")

    [invoice] = Delivery.objects.filter(kind="invoice", live=True)
    assert invoice.plain_document["customer"] == "customer:Amazon.com:USD"
    assert not customers().exists()
    again = bought(naming, order(naming, letter="B"))
    assert (again.sealed, again.forgotten_at is None) == ("", False)


@pytest.mark.usefixtures("in_acme")
def test_a_customer_whose_name_is_gone_is_never_written(naming):
    bought(naming, order(naming))
    shipped(naming)
    Buyer.objects.update(sealed="")

    with pytest.raises(NotRenderable):
        wire.posts_for(list(customers()))


@pytest.mark.usefixtures("in_acme")
def test_summaries_and_uploaded_files_cannot_name_buyers(flow):  # noqa: F811
    Flow.objects.filter(pk=flow.pk).update(mode="summary")
    flow.refresh_from_db()

    with pytest.raises(creation.CannotChange, match="summaries"):
        forgetting.switch(flow, "user:1", on=True)


# What does not work at once


class Stubborn:
    """A lane's reader whose ledger refuses until it is let."""

    lets = False

    def __init__(self, lease, target):
        pass

    def forget(self, external_id, name, *, hide):
        return None if self.lets else Refused("x", "Ann Buyer is in use.", "Look there.", Next.PARKED)


@pytest.mark.usefixtures("in_acme")
def test_a_removal_is_tried_until_it_works_and_told_after_three_tries(naming, monkeypatch):
    monkeypatch.setattr(forgetting, "Reader", Stubborn)
    buyer = bought(naming, order(naming))
    shipped(naming)
    answer_all_of(naming)
    forgetting.forget(buyer.order, "user:1")
    said = []

    with time_machine.travel(clock.now(), tick=False) as time:
        for _ in range(3):
            forgetting.remove_due()
            said.append(Alert.objects.filter(kind="buyer_not_removed").count())
            time.shift(timedelta(hours=1))
        problem = Removal.objects.get().problem
        told = Alert.objects.get(kind="buyer_not_removed")
        monkeypatch.setattr(Stubborn, "lets", True)
        forgetting.remove_due()

    assert said == [0, 0, 1]
    assert "Ann" not in problem + told.text + told.action
    told.refresh_from_db()
    assert told.settled_at is not None
    assert Removal.objects.get().nameless_at is not None


@pytest.mark.usefixtures("in_acme")
def test_a_removal_that_waits_for_its_turn_at_the_ledgers_limit_alarms_nobody(naming, monkeypatch):
    def rests(*args, **values):
        raise OutOfTokens

    monkeypatch.setattr(forgetting, "Reader", Stubborn)
    monkeypatch.setattr(Stubborn, "forget", rests)
    buyer = bought(naming, order(naming))
    shipped(naming)
    answer_all_of(naming)
    forgetting.forget(buyer.order, "user:1")

    with time_machine.travel(clock.now(), tick=False) as time:
        for _ in range(forgetting.ALERT_AFTER):
            forgetting.remove_due()
            time.shift(timedelta(hours=1))

    assert not Alert.objects.filter(kind="buyer_not_removed").exists()
    removal = Removal.objects.get()
    assert (removal.tries, removal.problem, removal.done_at) == (0, "", None)


@pytest.mark.usefixtures("in_acme")
def test_a_customer_is_hidden_only_once_nothing_is_open_on_it(naming, monkeypatch):
    monkeypatch.setattr(forgetting, "Reader", Stubborn)
    monkeypatch.setattr(Stubborn, "lets", True)
    buyer = bought(naming, order(naming))
    shipped(naming)
    answer_all_of(naming)
    forgetting.forget(buyer.order, "user:1")

    forgetting.remove_due()
    while_open = Removal.objects.get()
    monkeypatch.setattr(forgetting.history, "unpaid", lambda _: forgetting.history.InvoiceBalance.objects.none())
    with time_machine.travel(clock.now() + timedelta(days=1, minutes=1), tick=False):
        forgetting.remove_due()

    assert (while_open.nameless_at is None, while_open.done_at) == (False, None)
    assert Removal.objects.get().done_at is not None


# All the way


@pytest.fixture
def live(world, alice, acme):
    """A flow of the demo seller that names buyers, at the company it writes to, with everything posted."""
    world.amazon.switches["buyers"] = "given"
    _, made = connected(world, alice, acme, "orders")
    with scope(acme.pk):
        forgetting.switch(made, "alice", on=True)
    world.run(made)
    with scope(acme.pk):
        setup.accept_suggestions(made, "alice", create_missing=True)
        setup.go_live(made, "alice")
    return made


def remote_customers(world, flow):  # noqa: F811
    return world.quickbooks.company(flow.target.remote_id).all("Customer")


def open_text():
    """Everything that is stored, as it stands in the tables."""
    with database.cursor() as cursor:
        tables = [model._meta.db_table for model in apps.get_models()]
        said = []
        for table in tables:
            cursor.execute(f'SELECT * FROM "{table}"')
            said.append(str(cursor.fetchall()))
    return "".join(said)


def test_buyers_are_in_the_ledger_and_nowhere_in_the_open_and_can_be_forgotten(world, acme, live, caplog):
    caplog.set_level(logging.DEBUG)

    world.run(live)
    with scope(acme.pk):
        refresh_lists(live.target)

    named = [each["DisplayName"] for each in remote_customers(world, live) if "(Amazon " in each["DisplayName"]]
    stored = open_text()
    assert named
    for name in NAMES:
        assert name not in stored + caplog.text
    with scope(acme.pk):
        rest = Delivery.objects.exclude(state__in=["held", "posted", "planned"])
        assert [(row.kind, row.state, row.code) for row in rest] == [("transfer", "dropped", "payout_failed")]
        row = Delivery.objects.filter(kind="customer", key__startswith="company/buyer/", state="posted").first()
        hash_ = row.key.split("/")[2]
        [forgotten] = Buyer.objects.filter(hash=hash_).order_by("pk")[:1]
        before = dict.fromkeys([row.external_id])
        world.quickbooks.faults.add(operation="*", boundary="after_commit", do="drop_answer")
        forgetting.forget(forgotten.order, "alice")
    forgetting.remove_due()
    with time_machine.travel(clock.now() + timedelta(hours=2)):
        forgetting.remove_due()
    with scope(acme.pk):
        removal = Removal.objects.get(delivery=row)
        assert removal.nameless_at is not None
        assert (removal.done_at is None) == bool(forgetting._is_open(row))
        assert not Attempt.objects.filter(deliveries=row).exclude(sealed_call="").exists()
        assert not Alert.objects.filter(kind="buyer_not_removed", settled_at=None).exists()
    [left] = [each for each in remote_customers(world, live) if each["Id"] in before]
    assert left["DisplayName"].startswith("Removed buyer (Amazon ")
    assert "PrimaryEmailAddr" not in left
