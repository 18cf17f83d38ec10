"""Taking a settlement out of the books: once per document, never over what somebody changed, and ready to be posted anew."""

import pytest
from django.db import connection

from audit import trail
from bookkeeping.accounts import AccountKey as K
from flows import lanes, planner, planning, progress, rows, undo
from flows.models import Coverage, Delivery, InvoiceBalance, Plan
from flows.replay import replay
from flows.undo import CannotUndo
from kit.clock import now
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks
from tests.flows.ledger import Died

POSTED = {K.SALES: -6000, K.FEE_SELLING: 900, K.BANK: 5100}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def plan(books):
    """Three orders in the books: three invoices, one shared payment, one deposit."""
    books.flow.mode = "orders"
    books.flow.save()
    made = books.post(books.settle(orders=3))
    assert made.state == "posted"
    assert (books.balances(), len(books.documents("Payment"))) == (POSTED, 1)
    return made


def kinds(plan):
    return sorted((row.kind, row.state) for row in Delivery.objects.filter(plan=plan))


def test_a_settlement_is_taken_back_with_one_call_for_payments_that_share_an_object(books, plan):
    asked = books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"
    assert asked == 3 + 3 + 1
    assert books.balances() == {}
    assert books.calls("payment.delete") == 1
    assert {state for kind, state in kinds(plan) if kind != "undo"} == {"undone"}
    assert {state for kind, state in kinds(plan) if kind == "undo"} == {"posted"}
    assert not Coverage.objects.exists()
    assert not InvoiceBalance.objects.exists()


def test_payments_raised_the_versions_of_their_invoices_and_the_undo_knows(books, plan):
    """QuickBooks counts an invoice's SyncToken up with each payment on it: the version we stored is an old one."""
    stored = {row.external_id: row.version for row in books.rows_of(plan) if row.kind == "invoice"}
    now = {each["Id"]: each["SyncToken"] for each in books.documents("Invoice")}
    assert all(stored[id_] != now[id_] for id_ in stored)

    books.take_back(plan)
    books.finish()

    assert not Delivery.objects.filter(state__in=["held", "parked"]).exists()
    assert books.numbers("Invoice") == {}


def test_a_document_that_somebody_only_saved_again_is_taken_back(books, plan):
    deposit = next(row for row in books.rows_of(plan) if row.kind == "deposit")
    books.person("touch", kind="Deposit", id=deposit.external_id)

    books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"


def test_a_document_that_somebody_changed_is_left_alone_and_the_difference_is_said(books, plan):
    invoice = next(row for row in books.rows_of(plan) if row.kind == "invoice")
    books.take_back(plan)
    books.person("edit", kind="Invoice", id=invoice.external_id, changes={"TxnDate": "2026-10-05"})
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undoing"
    parked = Delivery.objects.get(plan=plan, kind="undo", state="parked")
    assert (parked.code, parked.kind) == ("changed_by_hand", "undo")
    assert f"{invoice.number} was changed in the ledger" in parked.reason
    assert "the date is 5 Oct 2026, not 3 Oct 2026" in parked.reason
    assert books.numbers("Invoice")[invoice.number] == 1
    invoice.refresh_from_db()
    assert (invoice.state, invoice.code, invoice.reason) == ("parked", "found_different", parked.reason)


def test_nothing_is_taken_out_while_somebody_has_changed_one_of_the_documents(books, plan):
    invoice = next(row for row in books.rows_of(plan) if row.kind == "invoice")
    books.person("edit", kind="Invoice", id=invoice.external_id, changes={"TxnDate": "2026-11-05"})

    with pytest.raises(CannotUndo, match=f"Nothing was taken out: somebody changed {invoice.number} in") as refused:
        books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert "Put it back there as it was, or delete it there" in refused.value.action
    assert (plan.state, books.calls("deposit.delete")) == ("posting", 0)
    assert not Delivery.objects.filter(plan=plan, kind="undo").exists()
    assert [row.pk for row in undo.in_the_way(plan)] == [invoice.pk]

    books.time.shift(61)
    books.person("edit", kind="Invoice", id=invoice.external_id, changes={"TxnDate": "2026-10-03"})
    books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert (plan.state, books.balances()) == ("undone", {})


def test_what_somebody_deleted_keeps_its_mark_until_its_settlement_is_out(books, plan):
    deposit = next(row for row in books.rows_of(plan) if row.kind == "deposit")
    books.person("delete", kind="Deposit", id=deposit.external_id)

    books.take_back(plan)
    deposit.refresh_from_db()
    assert (deposit.state, deposit.code) == ("parked", "found_void")
    assert replay(books.tenant.pk, [deposit.pk], "alice").sent == 0
    books.finish()

    plan.refresh_from_db()
    deposit.refresh_from_db()
    assert (plan.state, books.balances(), books.calls("deposit.delete")) == ("undone", {}, 0)
    assert (deposit.state, deposit.code, deposit.reason) == ("undone", "", "")


@pytest.mark.parametrize("why", ["the company does not answer", "its lane is busy"])
def test_what_was_seen_last_counts_where_the_ledger_cannot_be_asked(books, plan, why):
    if why == "its lane is busy":
        lanes.claim(books.remote_key, 300)
    else:
        books.fault("cdc", boundary="before_commit", do="drop_answer")

    books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"


def test_what_a_person_puts_back_is_taken_back_by_a_replay(books, plan):
    invoice = next(row for row in books.rows_of(plan) if row.kind == "invoice")
    books.take_back(plan)
    books.person("edit", kind="Invoice", id=invoice.external_id, changes={"TxnDate": "2026-10-05"})
    books.finish()

    books.person("edit", kind="Invoice", id=invoice.external_id, changes={"TxnDate": "2026-10-03"})
    replay(books.tenant.pk, [Delivery.objects.get(plan=plan, kind="undo", state="parked").pk], "alice")
    books.finish()

    plan.refresh_from_db()
    assert (plan.state, books.balances()) == ("undone", {})


def test_what_a_person_took_back_already_needs_no_call_and_is_no_trouble(books, plan):
    deposit = next(row for row in books.rows_of(plan) if row.kind == "deposit")
    books.take_back(plan)
    books.person("delete", kind="Deposit", id=deposit.external_id)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"
    assert books.calls("deposit.delete") == 0
    assert books.balances() == {}


@pytest.mark.parametrize("action", ["void", "delete"])
def test_a_payment_that_lost_an_invoice_by_hand_goes_to_a_person_and_the_rest_follows(books, plan, action):
    """QuickBooks took the invoice off the payment that it shares with two others: that payment is not ours alone any more."""
    invoice, *_ = [row for row in books.rows_of(plan) if row.kind == "invoice"]
    books.take_back(plan)
    books.person(action, kind="Invoice", id=invoice.external_id)
    books.finish()
    parked = list(Delivery.objects.filter(plan=plan, kind="undo", state="parked"))

    [payment] = books.documents("Payment")
    books.person("delete", kind="Payment", id=payment["Id"])
    replay(books.tenant.pk, [parked[0].pk], "alice")
    books.finish()

    plan.refresh_from_db()
    assert len(parked) == 3
    assert "the invoices differ" in parked[0].reason
    assert books.calls("payment.delete") == 0
    assert (plan.state, books.balances()) == ("undone", {})


def test_a_note_without_our_mark_is_a_change_too(books, plan):
    deposit = next(row for row in books.rows_of(plan) if row.kind == "deposit")
    books.take_back(plan)
    books.person("edit", kind="Deposit", id=deposit.external_id, changes={"PrivateNote": "mine now"})
    books.finish()

    parked = Delivery.objects.get(plan=plan, kind="undo", state="parked")
    assert "its number, date or note was changed" in parked.reason
    assert len(books.documents("Deposit")) == 1


def test_somebody_saves_it_between_our_look_and_our_call_and_it_is_left_alone(books, plan, monkeypatch):
    """The ledger's own version guard is the last line: what was changed a moment ago is refused, and looked at again."""
    deposit = next(row for row in books.rows_of(plan) if row.kind == "deposit")
    send = QuickBooks.send

    def saved_first(self, call, deadline_s):
        monkeypatch.setattr(QuickBooks, "send", send)
        books.person("touch", kind="Deposit", id=deposit.external_id)
        return send(self, call, deadline_s)

    books.take_back(plan)
    monkeypatch.setattr(QuickBooks, "send", saved_first)
    books.finish()
    parked = Delivery.objects.get(plan=plan, kind="undo", state="parked")
    replay(books.tenant.pk, [parked.pk], "alice")
    books.finish()

    plan.refresh_from_db()
    assert parked.code == "5010"
    assert (plan.state, books.balances()) == ("undone", {})


def test_a_settlement_taken_back_is_posted_anew_under_the_next_revision(books, plan):
    books.take_back(plan)
    books.finish()

    again = books.plan_again(plan)
    books.post(again)

    assert (again.revision, again.state) == (2, "posted")
    assert books.balances() == POSTED
    assert {number[-2:] for number in books.numbers("Invoice")} == {"-2"}
    assert not {row.key for row in books.rows_of(again)} & {row.key for row in books.rows_of(plan)}


def test_nothing_is_taken_back_while_an_answer_is_out(books):
    plan = books.settle(orders=1)
    books.time.shift(40 * 86400)
    books.reconnect()
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    planning.approve(plan, "alice")
    books.work()

    with pytest.raises(CannotUndo, match="still out"):
        books.take_back(plan)

    plan.refresh_from_db()
    assert plan.state == "posting"
    assert not Delivery.objects.filter(plan=plan, state="dropped").exists()


def test_nothing_is_taken_back_while_nobody_can_say_whether_it_is_in_the_books(books, plan):
    Delivery.objects.filter(plan=plan, kind="deposit").update(state="parked", code="cannot_tell", external_id="")

    with pytest.raises(CannotUndo, match="Nobody can say"):
        books.take_back(plan)

    plan.refresh_from_db()
    assert plan.state == "posted"


def test_a_document_found_different_is_in_the_books_and_is_not_forgotten(books):
    """Dropped, it would stay in the books for ever with nobody knowing."""
    books.flow.mode = "orders"
    books.flow.save()
    plan = books.settle(orders=1)
    books.time.shift(40 * 86400)
    books.reconnect()
    books.fault("invoice.create", boundary="after_commit", do="drop_answer")
    planning.approve(plan, "alice")
    books.work()
    [made] = books.documents("Invoice")
    books.person("edit", kind="Invoice", id=made["Id"], changes={"TxnDate": "2026-10-05"})
    books.finish()
    assert Delivery.objects.get(plan=plan, kind="invoice").code == "found_different"

    with pytest.raises(CannotUndo, match="somebody changed"):
        books.take_back(plan)
    books.person("void", kind="Invoice", id=made["Id"])
    books.time.shift(61)
    books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert (plan.state, books.balances()) == ("undone", {})


def test_an_invoice_that_a_later_settlement_pays_too_keeps_its_settlement(books, plan):
    later = books.settle(orders=1, settlement_id="17000000002", start="2026-10-15")
    balance = InvoiceBalance.objects.filter(delivery__plan=plan).first()
    Coverage.objects.create(
        tenant=books.tenant, invoice=balance, plan=later, settlement_id="17000000002", part=1, amount=500, amounts={}
    )

    with pytest.raises(CannotUndo, match="later settlement"):
        books.take_back(plan)


def test_a_refused_undo_is_visible_and_the_rest_goes_on_once_it_is_mended(books, plan):
    books.person("close_books", date="2026-10-31")
    books.take_back(plan)
    books.finish()
    plan.refresh_from_db()
    stopped = list(Delivery.objects.filter(plan=plan, state="held"))
    state = plan.state

    books.person("close_books", date=None)
    replay(books.tenant.pk, [row.pk for row in stopped], "alice")
    books.finish()

    plan.refresh_from_db()
    assert state == "undoing"
    assert stopped
    assert all("closed period" in row.reason for row in stopped)
    assert (plan.state, books.balances()) == ("undone", {})


def test_an_undo_whose_answer_is_lost_is_found_done(books, plan):
    books.fault("deposit.delete", boundary="after_commit", do="drop_answer")
    books.take_back(plan)
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"
    assert books.calls("deposit.delete") == 1


def test_a_paused_flow_still_takes_back(books, plan):
    books.flow.state = "paused"
    books.flow.save()

    books.take_back(plan)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == Plan.State.UNDONE


def test_a_payment_of_forty_invoices_whose_deletion_got_no_answer_is_settled_for_all_of_them(books):
    """More deliveries share the object than one call takes back: those that come later find it gone."""
    for number in range(40):
        books.invoice(f"i{number}")
        books.payment(f"p{number}", f"i{number}")
    books.work()
    assert len(books.documents("Payment")) == 1
    books.fault("payment.delete", boundary="after_commit", do="drop_answer")
    for number in range(40):
        books.undo(f"p{number}")

    books.finish()

    assert {books.row(f"p{number}").state for number in range(40)} == {"undone"}
    assert {books.row(f"p{number}/undo").state for number in range(40)} == {"posted"}
    assert books.calls("payment.delete") == 1
    assert books.documents("Payment") == []


# Planning an undo -----------------------------------------------------------------------------------------------------


def test_whoever_dies_while_an_undo_is_planned_is_succeeded(books, monkeypatch):
    plan = books.post(books.settle(orders=3))
    monkeypatch.setattr(rows, "CHUNK", 1)
    created, create = [], rows._create

    def dies_in_the_middle(*args):
        assert not [block for block in connection.atomic_blocks if not block._from_testcase]
        if len(created) == 1:
            raise Died
        created.append(create(*args))

    with monkeypatch.context() as patch:
        patch.setattr(rows, "_create", dies_in_the_middle)
        with pytest.raises(Died):
            books.take_back(plan)
    books.finish()
    plan.refresh_from_db()
    assert plan.state == "undoing"
    assert undo.waiting() == []
    books.time.shift(undo.LEASE.total_seconds() + 1)

    for plan_id in undo.waiting():
        undo.go_on(plan_id)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"
    undos = Delivery.objects.filter(plan=plan, kind="undo")
    assert undos.count() == len(set(undos.values_list("key", flat=True))) > 1
    assert not any(books.balances().values())


def test_what_is_sent_while_its_undo_is_asked_for_is_taken_back_once_its_answer_is_known(books, monkeypatch):
    plan = books.post(books.settle(orders=3))
    row = Delivery.objects.filter(plan=plan, state="posted").latest("pk")
    not_for_certain, asked = undo._not_for_certain, []

    def sent_just_now(found):
        asked.append(found)
        if len(asked) == 2:  # after nothing was found to refuse it
            Delivery.objects.filter(pk=row.pk).update(state="sending")
        return not_for_certain(found)

    with monkeypatch.context() as patch:
        patch.setattr(undo, "_not_for_certain", sent_just_now)
        books.take_back(plan)
    plan.refresh_from_db()
    assert plan.state == "undoing"
    assert not Delivery.objects.filter(plan=plan, kind="undo").exists()
    Delivery.objects.filter(pk=row.pk).update(state="posted")
    books.time.shift(undo.LOOK_AGAIN.total_seconds() + 1)

    for plan_id in undo.waiting():
        undo.go_on(plan_id)
    books.finish()

    plan.refresh_from_db()
    assert plan.state == "undone"


@pytest.mark.parametrize(
    "meanwhile",
    [{"state": "held", "external_id": ""}, {"state": "uncertain"}],
    ids=["taken out by an undo of its own", "replayed"],
)
def test_what_moves_while_its_undo_is_planned_is_looked_at_again(books, plan, monkeypatch, meanwhile):
    Delivery.objects.filter(plan=plan, kind="deposit").update(state="held", code="different_total")
    look = undo._not_for_certain

    def moved_after_it_was_read(found):
        rows_left = look(found)
        if Plan.objects.filter(pk=plan.pk, undo_at__gt=now()).exists():
            Delivery.objects.filter(plan=plan, kind="deposit").update(**meanwhile)
        return rows_left

    with monkeypatch.context() as patch:
        patch.setattr(undo, "_not_for_certain", moved_after_it_was_read)
        books.take_back(plan)

    plan.refresh_from_db()
    deposit = Delivery.objects.get(plan=plan, kind="deposit")
    assert (deposit.state, deposit.code) == (meanwhile["state"], "different_total")
    assert plan.undo_at == now() + undo.LOOK_AGAIN
    assert not Delivery.objects.filter(plan=plan, kind="undo").exists()


def test_what_a_planner_adds_while_an_undo_is_planned_is_not_taken_back(books, plan, monkeypatch):
    """It was never sent, and the planner drops it once it sees the undo: an undo of it would wait for ever."""
    look = undo._not_for_certain

    def meanwhile(found):
        if Plan.objects.filter(pk=plan.pk, undo_at__isnull=False).exists():
            books.entry("added", plan=plan, state="planned")
        return look(found)

    with monkeypatch.context() as patch:
        patch.setattr(undo, "_not_for_certain", meanwhile)
        books.take_back(plan)
    assert not Delivery.objects.filter(key="added/undo").exists()
    planner._go_on(plan, changed=False)
    books.finish()

    plan.refresh_from_db()
    assert (plan.state, books.balances(), books.row("added").state) == ("undone", {}, "dropped")


def test_who_takes_the_last_document_back_knows_whether_all_was_planned_by_then(books, plan):
    books.take_back(plan)
    Plan.objects.filter(pk=plan.pk).update(undo_at=now())
    books.finish()
    read_before = Plan.objects.get(pk=plan.pk)
    assert read_before.state == "undoing"
    Plan.objects.filter(pk=plan.pk).update(undo_at=None)

    with trail.recorded():
        progress.settle_plan(read_before)

    assert Plan.objects.get(pk=plan.pk).state == "undone"
