"""What people change in the ledger shows on the settlement it belongs to; what we wrote ourselves never alarms."""

from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Event
from bookkeeping.accounts import AccountKey as K
from flows import history, lanes, pace, planning, readback, tasks
from flows.looking import Reader
from flows.models import Delivery, Plan, ReadBack
from flows.replay import replay
from flows.rows import VOID
from ledgers.port import Changes, NotSent
from ledgers.quickbooks import changed as quickbooks_changes
from ledgers.quickbooks.client import QuickBooks
from tenants.models import Alert
from tests import factories
from tests.flows.ledger import Books

POSTED = {K.SALES: -6000, K.FEE_SELLING: 900, K.BANK: 5100}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def plan(books):
    """Three orders in the books: three invoices, one shared payment, one deposit; all proved."""
    books.flow.mode = "orders"
    books.flow.save()
    made = books.post(books.settle(orders=3))
    assert (made.state, made.verdict["verdict"], books.balances()) == ("posted", "proved", POSTED)
    return made


@pytest.fixture
def journal(books):
    """A settlement in one entry and a transfer, proved."""
    books.flow.mode, books.flow.layout = "summary", "journal"
    books.flow.save()
    made = books.post(books.settle(orders=3))
    assert (made.state, made.verdict["verdict"]) == ("posted", "proved")
    return made


def check(books, later=timedelta(days=2)):
    """Let a day or more pass and have the company read back."""
    books.time.shift(later.total_seconds())
    books.reconnect()
    readback.begin()
    return readback.check(books.connection.pk)


def ask(books):
    books.time.shift(readback.PAUSE.total_seconds())
    readback.ask(books.connection, "alice")
    return readback.check(books.connection.pk)


def writes(books):
    """How often something was to be created, updated, deleted or made void; balances may be read at any time."""
    return books.calls("*.[cudv]*") + books.calls("batch")


def first(plan, kind):
    return Delivery.objects.filter(plan=plan, kind=kind, live=True).order_by("id").first()


def by_hand(books, action, row, **values):
    kinds = {"invoice": "Invoice", "entry": "JournalEntry", "deposit": "Deposit", "transfer": "Transfer"}
    books.person(action, kind=kinds.get(row.kind, "Payment"), id=row.external_id, **values)


def changed(plan):
    plan.refresh_from_db()
    return {row.key: row for row in readback.changed(plan)}


def wrong(plan):
    plan.refresh_from_db()
    return {one["name"]: (one["left"], one["right"]) for one in plan.verdict["comparisons"] if one["changed"]}


def open_alerts():
    return list(Alert.objects.filter(settled_at__isnull=True).order_by("id"))


def deposit_lines(books, row, **amounts):
    [document] = [each for each in books.documents("Deposit") if each["Id"] == row.external_id]
    lines = document["Line"]
    lines[0] = {**lines[0], "Amount": lines[0]["Amount"] + amounts["add"]}
    return [{name: value for name, value in line.items() if name != "LineNum"} for line in lines]


# Nothing to tell ---------------------------------------------------------------------------------------------------------


def test_our_own_writes_never_alarm(books, plan):
    assert check(books)

    plan.refresh_from_db()
    assert (plan.state, plan.verdict["verdict"]) == ("posted", "proved")
    assert (changed(plan), open_alerts()) == ({}, [])
    assert ReadBack.objects.get().checked_at == timezone.now()


def test_a_check_is_one_metered_read_and_comes_once_a_day(books, plan):
    check(books)
    check(books, timedelta(hours=1))
    assert books.calls("cdc") == 1
    assert books.calls("query") == 1  # the balances, soon after the settlement's last document

    check(books, timedelta(hours=25))

    assert books.calls("cdc") == 2


def test_nothing_is_asked_of_a_company_on_the_day_of_its_first_posting(books, plan):
    at_once = (readback.begin(), readback.due())

    books.time.shift(86401)
    readback.begin()

    assert at_once == (0, [])
    assert readback.due() == [books.connection.pk]


@pytest.mark.parametrize("kind", ["invoice", "deposit"])
def test_another_memo_or_number_is_a_persons_own_business(books, plan, kind):
    changes = (
        {"PrivateNote": "seen by Bob", "DocNumber": "B-17"} if kind == "invoice" else {"PrivateNote": "seen by Bob"}
    )
    by_hand(books, "edit", first(plan, kind), changes=changes)

    check(books)

    assert (changed(plan), open_alerts()) == ({}, [])


def test_a_payment_that_somebody_else_enters_is_no_change_of_its_invoice(books):
    books.invoice()
    books.work()
    row = books.row("i1")
    line = {"Amount": 10, "LinkedTxn": [{"TxnId": row.external_id, "TxnType": "Invoice"}]}
    customer = {"value": books.bindings["customer:Amazon.com:USD"].customer}
    books.person("add", kind="Payment", body={"CustomerRef": customer, "TotalAmt": 10, "Line": [line]})

    check(books)

    assert (books.row("i1").state, open_alerts()) == ("posted", [])


def test_a_lost_message_costs_seconds(books, plan, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.check_books, "apply_async", lambda args, **options: sent.append(args))
    readback.ask(books.connection, "alice")

    tasks.tick()

    assert sent == [(books.connection.pk,)]


def test_who_asks_again_and_again_is_answered_once_a_minute(books, plan):
    check(books)

    readback.ask(books.connection, "alice")

    assert not readback.check(books.connection.pk)
    books.time.shift(readback.PAUSE.total_seconds())
    assert readback.check(books.connection.pk)


# What somebody did -------------------------------------------------------------------------------------------------------


def test_a_voided_invoice_turns_the_verdict_and_names_what_was_posted_and_what_is_there(books, plan):
    invoice = first(plan, "invoice")
    by_hand(books, "void", invoice)
    assert books.balances()[K.SALES] == -4000

    check(books)

    row = changed(plan)[invoice.key]
    assert (row.state, row.code, row.answered_total) == ("parked", "found_void", 0)
    assert "Somebody voided it in QuickBooks Online" in row.reason
    assert plan.verdict["verdict"] == "differs"
    assert wrong(plan)[f"invoice {invoice.number}"] == (2000, 0)
    [alert] = open_alerts()
    assert "17000000001 changed in Acme Books" in alert.title
    assert "post it again" in alert.action
    assert alert.url == f"/settlements/{plan.settlement_id}/?plan={plan.pk}"
    assert books.balances()[K.SALES] == -4000
    told = set(Event.objects.values_list("kind", "subject"))
    assert ("delivery.changed_in_ledger", f"delivery:{invoice.pk}") in told
    assert ("settlement.read_back", f"settlement:{plan.settlement_id}") in told


def test_a_payment_that_lost_its_invoice_with_the_void_is_named_too_and_the_others_are_not(books, plan):
    invoice = first(plan, "invoice")
    by_hand(books, "void", invoice)

    check(books)

    found = changed(plan)
    assert sorted(row.kind for row in found.values()) == ["invoice", "payment"]
    [payment] = [row for row in found.values() if row.kind == "payment"]
    assert payment.plain_document["cover"]["invoice"] == invoice.key
    assert (payment.code, payment.answered_total) == ("found_different", 0)


def test_a_void_invoice_is_no_longer_open_for_later_settlements(books):
    books.invoice()
    books.work()
    row = books.row("i1")
    by_hand(books, "void", row)

    check(books)

    assert books.row("i1").code == "found_void"
    assert history.open_order_ids(books.flow, without=None) == set()


def test_another_amount_on_the_deposit_is_what_the_proof_goes_by(books, plan):
    deposit = first(plan, "deposit")
    by_hand(books, "edit", deposit, changes={"Line": deposit_lines(books, deposit, add=10)})
    assert books.balances()[K.BANK] == 6100

    check(books)

    row = changed(plan)[deposit.key]
    assert (row.code, row.answered_total) == ("found_different", 6100)
    assert "it comes to 61.00 USD, not 51.00" in row.reason
    assert wrong(plan) == {f"deposit {deposit.number}": (5100, 6100)}
    assert {one["name"]: one["right"] for one in plan.verdict["comparisons"]}["header and payout"] == 6100


def test_another_account_with_the_same_amounts_differs_too(books, journal):
    transfer = first(journal, "transfer")
    other = books.bindings["CHARGE_METHOD"].account
    by_hand(books, "edit", transfer, changes={"ToAccountRef": {"value": other}})

    check(books)

    assert journal.refresh_from_db() is None
    assert journal.verdict["verdict"] == "differs"
    assert "the target account differs" in changed(journal)[transfer.key].reason


def test_a_deleted_entry_moves_nothing_any_more(books, journal):
    entry = first(journal, "entry")
    by_hand(books, "delete", entry)

    check(books)

    row = changed(journal)[entry.key]
    assert (row.code, row.answered_total) == ("found_void", 0)
    assert "Somebody deleted it" in row.reason
    assert journal.verdict["clearing"] == -5100
    assert books.balances()[K.BANK] == 5100


def test_what_is_put_back_settles_the_alert_and_proves_the_settlement_again(books, plan):
    deposit = first(plan, "deposit")
    posted_at = deposit.posted_at
    by_hand(books, "edit", deposit, changes={"TxnDate": "2026-10-01"})
    check(books)
    assert "the date is 1 Oct 2026" in changed(plan)[deposit.key].reason

    by_hand(books, "edit", deposit, changes={"TxnDate": deposit.on.isoformat()})
    ask(books)

    plan.refresh_from_db()
    deposit.refresh_from_db()
    assert (plan.state, plan.verdict["verdict"]) == ("posted", "proved")
    assert (deposit.state, deposit.reason, deposit.posted_at) == ("posted", "", posted_at)
    assert open_alerts() == []
    assert Event.objects.filter(kind="delivery.right_again", subject=f"delivery:{deposit.pk}").exists()


def test_the_same_finding_is_told_once(books, plan):
    by_hand(books, "delete", first(plan, "deposit"))
    check(books)
    events = Event.objects.filter(kind="delivery.changed_in_ledger")

    ask(books)
    books.time.shift(60)
    ask(books)

    assert (events.count(), len(open_alerts())) == (1, 1)


def test_taking_the_settlement_back_settles_the_alert_and_it_can_be_posted_again(books, journal):
    by_hand(books, "delete", first(journal, "entry"))
    check(books)
    assert len(open_alerts()) == 1

    books.take_back(journal)
    books.finish()
    again = books.plan_again(journal)
    books.post(again)

    journal.refresh_from_db()
    assert (journal.state, open_alerts()) == ("undone", [])
    assert (again.state, again.verdict["verdict"], books.balances()) == ("posted", "proved", POSTED)


def test_nothing_is_posted_by_itself(books, plan):
    by_hand(books, "delete", first(plan, "deposit"))
    check(books)
    sent = writes(books)

    books.finish_or_wait()

    assert writes(books) == sent
    assert books.numbers("Deposit") == {}


def test_a_replay_asks_the_ledger_and_never_goes_by_the_old_answer(books, plan):
    deposit = first(plan, "deposit")
    by_hand(books, "edit", deposit, changes={"TxnDate": "2026-10-01"})
    check(books)

    replay(books.tenant.pk, [deposit.pk], "alice")
    books.finish()

    deposit.refresh_from_db()
    assert (deposit.state, deposit.code) == ("parked", "found_different")
    assert sum(books.numbers("Deposit").values()) == 1


def test_a_replay_of_what_was_deleted_posts_it_once_more(books, plan):
    deposit = first(plan, "deposit")
    by_hand(books, "delete", deposit)
    check(books)

    replay(books.tenant.pk, [deposit.pk], "alice")
    books.finish()

    plan.refresh_from_db()
    assert (plan.state, plan.verdict["verdict"], books.balances()) == ("posted", "proved", POSTED)
    assert open_alerts() == []


@pytest.mark.parametrize(
    ("action", "kind", "found"), [("delete", "deposit", ["deposit"]), ("void", "invoice", ["invoice", "payment"])]
)
def test_planning_again_changes_nothing_of_what_somebody_changed(books, plan, action, kind, found):
    by_hand(books, action, first(plan, kind))
    check(books)
    documents, sent = Delivery.objects.count(), writes(books)

    planning.replan(plan)
    books.finish()

    assert sorted(row.kind for row in changed(plan).values()) == found
    assert plan.verdict["verdict"] == "differs"
    assert (Delivery.objects.count(), writes(books)) == (documents, sent)


# Nothing is missed -------------------------------------------------------------------------------------------------------


def test_a_change_while_a_check_is_running_is_seen_by_the_next(books, plan, monkeypatch):
    deposit = first(plan, "deposit")
    ask_ledger = QuickBooks.changes

    def slow(self, kinds, since):
        answered = ask_ledger(self, kinds, since)
        books.time.shift(20)
        by_hand(books, "delete", deposit)
        readback.ask(books.connection, "bob")
        books.time.shift(20)
        return answered

    with monkeypatch.context() as patch:
        patch.setattr(QuickBooks, "changes", slow)
        check(books)
    assert changed(plan) == {}

    assert readback.due() == [books.connection.pk]
    assert readback.check(books.connection.pk)
    assert [row.kind for row in changed(plan).values()] == ["deposit"]


def test_a_settlement_that_begins_to_leave_the_books_as_they_are_read_is_left_to_its_undo(books, plan, monkeypatch):
    wait_for_tokens = Reader.together

    def begins_meanwhile(self, *calls):
        Plan.objects.filter(pk=plan.pk).update(state=Plan.State.UNDOING)
        return wait_for_tokens(self, *calls)

    monkeypatch.setattr(Reader, "together", begins_meanwhile)

    assert check(books)
    assert changed(plan) == {}


def test_a_check_that_got_no_answer_moves_nothing_on(books, plan):
    check(books)
    before = ReadBack.objects.get().seen_until
    by_hand(books, "delete", first(plan, "deposit"))
    books.fault("cdc", boundary="before_commit", do="status", status=503)

    assert not check(books)
    assert ReadBack.objects.get().seen_until == before
    books.time.shift(3600)
    assert readback.check(books.connection.pk)

    assert [row.kind for row in changed(plan).values()] == ["deposit"]


def test_an_answer_that_may_be_cut_is_asked_for_kind_by_kind_and_then_by_our_own_ids(books, plan, monkeypatch):
    """Three invoices fill an answer of three: what was deleted may be missing in it."""
    monkeypatch.setattr(quickbooks_changes, "FULL", 3)
    monkeypatch.setattr("ledgers.quickbooks.sandbox.reads._CDC_OBJECTS", 3)
    by_hand(books, "delete", first(plan, "deposit"))
    by_hand(books, "void", first(plan, "invoice"))

    check(books)

    assert sorted(row.kind for row in changed(plan).values()) == ["deposit", "invoice", "payment"]
    assert books.calls("cdc") == 1 + 3
    assert wrong(plan).keys() == {f"{row.kind} {row.number}" for row in changed(plan).values()}


def test_after_more_than_thirty_days_our_own_documents_are_read(books, plan):
    check(books)
    by_hand(books, "delete", first(plan, "deposit"))

    check(books, timedelta(days=45))

    assert books.calls("cdc") == 1
    assert [row.kind for row in changed(plan).values()] == ["deposit"]
    assert plan.verdict["verdict"] == "differs"


def test_reading_every_document_goes_on_where_it_was_interrupted_at_the_pace_of_batches(books, plan, monkeypatch):
    check(books)
    books.time.shift(45 * 86400)
    books.reconnect()
    began, last = timezone.now(), first(plan, "payment")
    by_hand(books, "delete", last)
    monkeypatch.setattr(readback, "READ_AT_ONCE", 1)
    asked, paced, kept = [], [], QuickBooks.kept

    def pay(call):
        paced.append(call.operation)
        if call.operation == "batch" and paced.count("batch") == 3:
            raise pace.Resting

    def watched(self, kind, external_ids):
        asked.extend(external_ids)
        return kept(self, kind, external_ids)

    monkeypatch.setattr(pace, "together", lambda *calls: nullcontext(pay))
    monkeypatch.setattr(QuickBooks, "kept", watched)
    assert not readback.check(books.connection.pk)
    assert len(asked) == 2
    books.time.shift(readback.AGAIN.total_seconds())

    assert readback.check(books.connection.pk)

    assert len(asked) == len(set(asked)) == 3 + 1 + 1
    assert last.pk in {row.pk for row in changed(plan).values()}
    known = ReadBack.objects.get()
    assert (known.checked_at, known.seen_until) == (began, began - readback.OVERLAP)
    assert (known.reading_since, known.own_read) == (None, {})


def test_companies_that_rest_take_nobodys_place(books, monkeypatch):
    monkeypatch.setattr(readback, "BATCH", 1)
    resting = factories.ConnectionFactory(tenant=books.tenant, provider="quickbooks", remote_id="resting")
    for connection in (resting, books.connection):
        ReadBack.objects.create(tenant=books.tenant, connection=connection, next_at=timezone.now())
    assert readback.due() == [resting.pk]

    lanes.rest(lanes.claim(resting.remote_key, 60), 600, "its rate limit")

    assert readback.due() == [books.connection.pk]


def test_what_was_posted_a_moment_ago_may_not_show_yet_and_is_not_asked_for(books, plan, monkeypatch):
    check(books)
    books.time.shift(45 * 86400)
    books.reconnect()
    books.entry("fresh")
    books.work()
    asked, kept = set(), QuickBooks.kept

    def watched(self, kind, external_ids):
        asked.update((kind, external_id) for external_id in external_ids)
        return kept(self, kind, external_ids)

    monkeypatch.setattr(QuickBooks, "kept", watched)
    assert readback.check(books.connection.pk)

    assert ("deposit", first(plan, "deposit").external_id) in asked
    assert ("entry", books.row("fresh").external_id) not in asked


def test_a_payment_that_its_invoice_names_no_more_is_gone(books, plan, monkeypatch):
    """Some ledgers list changed invoices and the payments on them, and say of neither what was deleted."""
    invoices = Delivery.objects.filter(plan=plan, kind="invoice").values_list("external_id", flat=True)
    paid = frozenset(invoices)
    monkeypatch.setattr(QuickBooks, "changes", lambda *asked: Changes((), paid=paid))
    later = timedelta(days=2)
    Delivery.objects.filter(plan=plan, kind="payment").update(posted_at=timezone.now() + later)

    check(books, later)
    just_posted = changed(plan)
    check(books, later)

    assert just_posted == {}
    assert [(row.kind, row.code) for row in changed(plan).values()] == [("payment", VOID)] * 3


def test_the_cursor_goes_by_the_ledgers_clock_and_leaves_time_for_what_shows_late(books, plan, monkeypatch):
    behind, ask_ledger = timedelta(hours=1), QuickBooks.changes
    monkeypatch.setattr(
        QuickBooks, "changes", lambda *asked: replace(ask_ledger(*asked), until=timezone.now() - behind)
    )

    check(books)

    known = ReadBack.objects.get()
    assert known.checked_at - known.seen_until == behind + readback.OVERLAP


def changes_by_the_hour(monkeypatch, asked, fails_at=None):
    """A ledger that names the changes of an hour at a time, up to now."""

    def named(self, kinds, since):
        asked.append(since)
        if len(asked) == fails_at:
            raise NotSent("no answer")
        until = since + timedelta(hours=1)
        return Changes((), until=until, more=True) if until < timezone.now() else Changes(())

    monkeypatch.setattr(QuickBooks, "changes", named)


def test_changes_that_come_piece_by_piece_are_followed_to_the_end_and_no_further_than_shows_for_sure(
    books, plan, monkeypatch
):
    asked = []
    check(books)
    seen = ReadBack.objects.get().seen_until
    changes_by_the_hour(monkeypatch, asked)

    monkeypatch.setattr(readback, "ROUNDS", 50)
    check(books)

    known = ReadBack.objects.get()
    assert asked[:3] == [seen, seen + timedelta(hours=1), seen + timedelta(hours=2)]
    assert len(asked) == 49
    assert known.seen_until == known.checked_at - readback.OVERLAP


def test_of_very_many_changes_the_next_look_goes_on_where_the_last_one_came_to(books, plan, monkeypatch):
    asked = []
    check(books)
    seen = ReadBack.objects.get().seen_until
    changes_by_the_hour(monkeypatch, asked, fails_at=readback.ROUNDS + 3)

    for _ in range(3):
        check(books)

    hours = [(at - seen) / timedelta(hours=1) for at in asked]
    assert hours[:5] == [0, 1, 2, 3, 4]
    assert hours[5:8] == [5, 6, 7]  # the third of these gets no answer
    assert hours[8:] == [7, 8, 9, 10, 11]


def test_a_document_that_cannot_be_compared_is_remembered_and_keeps_nothing_else_from_being_left_behind(
    books, plan, monkeypatch
):
    deposit = first(plan, "deposit")
    by_hand(books, "edit", deposit, changes={"TxnDate": "2026-10-01"})
    compare = QuickBooks.compare

    def cannot_tell_of_deposits(self, post, kept):
        return quickbooks_cannot_tell() if kept.kind == "deposit" else compare(self, post, kept)

    with monkeypatch.context() as patch:
        patch.setattr(QuickBooks, "compare", cannot_tell_of_deposits)
        check(books)
        assert ReadBack.objects.get().seen_until == timezone.now() - readback.OVERLAP
        batches = books.calls("batch")
        check(books)

    remembered = {row.pk: row.not_compared for row in readback.not_compared(plan)}
    assert remembered == {deposit.pk: "the currency of the company is not known."}
    assert books.calls("batch") == batches + 1
    check(books)
    assert [row.kind for row in changed(plan).values()] == ["deposit"]
    assert not readback.not_compared(plan).exists()


def quickbooks_cannot_tell():
    from ledgers.port import CannotTell

    return CannotTell("the currency of the company is not known.")


def test_a_lane_that_is_busy_is_left_alone(books, plan):
    readback.ask(books.connection, "alice")
    lease = lanes.claim(books.remote_key, 60)

    assert readback.due() == []
    assert not readback.check(books.connection.pk)

    lanes.release(lease)
    assert readback.due() == [books.connection.pk]
    assert readback.check(books.connection.pk)


def test_another_tenants_company_and_documents_are_not_touched(books, plan):
    other = Books(books.time, books.stand_in, factories.TenantFactory(name="Beta"), "Beta Books")
    other.flow.mode = "orders"
    other.flow.save()
    theirs = other.post(other.settle(orders=1, settlement_id="17000000002"))
    by_hand(books, "delete", first(plan, "deposit"))

    check(books)
    other.reconnect()
    readback.begin()
    assert readback.check(other.connection.pk)

    assert [row.kind for row in changed(plan).values()] == ["deposit"]
    assert changed(theirs) == {}
    assert {alert.tenant_id for alert in open_alerts()} == {books.tenant.pk}
    assert Plan.objects.get(pk=theirs.pk).verdict["verdict"] == "proved"


def test_two_tenants_of_one_company_are_told_of_their_own_documents_only(books, plan):
    beta = factories.TenantFactory(name="Beta")
    connection = books.connect(beta)
    flow = books.flow_of(beta, connection, name="Beta US")
    books.entry("theirs", flow=flow)
    books.finish()
    by_hand(books, "delete", books.row("theirs"))

    check(books)
    assert open_alerts() == []
    assert readback.check(connection.pk)

    assert {alert.tenant_id for alert in open_alerts()} == {beta.pk}
    assert changed(plan) == {}


def test_a_check_that_fails_is_put_off_and_keeps_nothing_from_being_posted(books, plan, monkeypatch):
    def broken(self, kinds, since):
        raise KeyError("Id")

    with monkeypatch.context() as patch:
        patch.setattr(QuickBooks, "changes", broken)
        with pytest.raises(KeyError):
            check(books)
    assert readback.due() == []
    books.entry("later")
    books.work()
    assert books.row("later").state == "posted"

    books.time.shift(readback.AGAIN.total_seconds())

    assert readback.check(books.connection.pk)
    assert ReadBack.objects.get().checked_at == timezone.now()


def test_a_document_that_was_only_ever_found_is_compared_too(books):
    books.entry("e1")
    books.work()
    row = books.row("e1")
    row.state, row.code, row.posted_at = "parked", "found_different", None
    row.save()

    assert ask(books)

    row.refresh_from_db()
    assert row.state == "posted"
