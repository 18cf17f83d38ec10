"""The outbox: what goes out, in which order, what is frozen, and what only a proof may change."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection

from amazon.models import Report, Settlement
from bookkeeping.accounts import AccountKey as K
from flows import attempts, lanes, outbox, outcomes, pace, wire
from flows.models import Attempt, Delivery, Flow, Outcome, Plan
from flows.replay import replay
from kit import clock
from ledgers.port import NotRenderable
from ledgers.quickbooks import translate
from ledgers.quickbooks.client import CAPABILITIES, QuickBooks
from tenants.models import Alert
from tests.flows.ledger import START

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


def attempts_of(key):
    return list(Attempt.objects.filter(deliveries__key=key).order_by("id"))


def results_of(key):
    return list(Outcome.objects.filter(attempt__deliveries__key=key).order_by("id").values_list("result", flat=True))


def watched(monkeypatch, watch):
    """Call ``watch`` with each call just before it is sent."""
    send = QuickBooks.send

    def sending(self, call, deadline_s):
        watch(call, deadline_s)
        return send(self, call, deadline_s)

    monkeypatch.setattr(QuickBooks, "send", sending)


# The way of a document ------------------------------------------------------------------------------------------------


def test_documents_of_every_kind_are_posted_once_and_balance(books):
    books.invoice()
    books.payment()
    books.entry()
    books.transfer()
    books.deposit()
    books.customer()

    books.work()

    assert set(books.states().values()) == {"posted"}
    assert books.balances() == {
        K.SALES: -4000 - 10000,
        K.PROMO: 500,
        K.FEE_SELLING: 1000 + 1500,
        K.CLEARING: 3500 + 9000 - 8500 - 10000,
        K.BANK: 8500 + 8500,
    }


@pytest.mark.parametrize("cents", [115, 229, 429, 1999, 100000001])
def test_amounts_that_no_float_holds_are_posted_to_the_cent(books, cents):
    books.invoice(amount=cents)
    books.payment(amount=cents)

    books.finish()

    assert set(books.states().values()) == {"posted"}
    assert books.balances()[K.CLEARING] == cents


def test_no_transaction_is_open_during_a_call(books, monkeypatch):
    depths = []
    watched(monkeypatch, lambda call, deadline_s: depths.append(len(connection.atomic_blocks)))
    books.entry()
    quiet = len(connection.atomic_blocks)  # the test's own

    books.work()

    assert depths == [quiet]


def test_the_lease_outlives_the_deadline_of_every_call_by_half_a_minute(books, monkeypatch):
    left = []
    watched(
        monkeypatch,
        lambda call, deadline_s: left.append((books.lane().claimed_until - clock.now()).total_seconds() - deadline_s),
    )
    books.entry()
    books.work()
    books.time.shift(10)
    books.entry("e2")
    books.work()

    assert left == [lanes.LEASE_MARGIN_S] * 2


def test_a_worker_that_slept_before_it_sent_sends_nothing(books, monkeypatch):
    begin = attempts.begin

    def slept(*args):
        attempt = begin(*args)
        books.time.shift(CAPABILITIES.deadline_s + 1)
        return attempt

    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(attempts, "begin", slept)
        books.work()

    assert books.calls("journalentry.create") == 0
    assert (books.row("e1").state, books.row("e1").tries) == ("ready", 0)


def test_the_bytes_and_the_sending_are_committed_before_the_call(books, monkeypatch):
    seen = []
    watched(
        monkeypatch,
        lambda call, deadline_s: seen.append(
            (books.row("e1").state, wire.thaw(attempts_of("e1")[0]).body == call.body)
        ),
    )
    books.entry()

    books.work()

    assert seen == [("sending", True)]


def test_a_document_that_changed_after_it_was_read_is_not_sent_as_it_was(books, monkeypatch):
    posts_for = wire.posts_for
    sent = []
    watched(monkeypatch, lambda call, deadline_s: sent.append(call.body))

    def replaced(rows):
        posts = posts_for(rows)
        if not sent and not Delivery.objects.filter(digest="new").exists():
            document = rows[0].document.replace("10000", "20000").replace("9000", "19000")
            Delivery.objects.filter(pk=rows[0].pk).update(document=document, digest="new")
        return posts

    books.entry()
    monkeypatch.setattr(wire, "posts_for", replaced)
    books.work()

    assert len(sent) == 1
    assert b"200.00" in sent[0]
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1}


def test_a_document_taken_out_of_the_queue_after_it_was_read_is_not_sent(books, monkeypatch):
    posts_for = wire.posts_for

    def held(rows):
        Delivery.objects.filter(pk=rows[0].pk).update(state="held")
        return posts_for(rows)

    books.entry()
    monkeypatch.setattr(wire, "posts_for", held)
    books.work()

    assert books.calls("journalentry.create") == 0
    assert books.row("e1").state == "held"


# Unknown --------------------------------------------------------------------------------------------------------------


def test_an_unknown_answer_is_not_touched_before_deadline_and_quarantine_have_passed(books):
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry()
    books.work()
    asked = books.calls()

    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s - 1)
    books.work()
    too_early = books.calls() - asked
    books.time.shift(1)
    books.work()

    assert too_early == 0
    assert results_of("e1") == ["unknown", "found"]
    assert books.row("e1").state == "failed"


def test_what_is_absent_goes_out_again_byte_for_byte(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.invoice(f"i{number}")

    books.finish()

    first, second = attempts_of("i0")
    assert wire.thaw(first) == wire.thaw(second)
    assert {books.row(f"i{number}").generation for number in range(3)} == {1}
    assert books.balances()[K.AR] == 3 * 3500


def test_what_is_absent_goes_out_again_by_itself_whatever_waits_beside_it(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.entry(f"e{number}")
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    books.time.shift(5)
    books.entry("another")

    books.work()

    assert [sorted(attempt.keys) for attempt in attempts_of("e0")] == [["e0", "e1", "e2"]] * 2
    assert len({attempt.wire_id for attempt in attempts_of("e0")}) == 1


def test_a_throttled_resend_stays_frozen(books):
    """Were it rendered anew after the 429, a late commit of the first call would be a second document."""
    books.fault("batch", boundary="before_commit", do="late_commit", seconds=400)
    books.fault("batch", boundary="before_commit", do="status", status=429, nth=2)
    for number in range(3):
        books.entry(f"e{number}")

    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    books.time.shift(5)
    books.work()
    books.entry("another")
    books.finish()

    assert len({attempt.body_sha256 for attempt in attempts_of("e0")}) == 1
    assert results_of("e0")[:3] == ["unknown", "found", "not_sent"]
    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e1": 1, "AMZ-e2": 1, "AMZ-another": 1}


@pytest.mark.parametrize("retention", ["24h", "0"])
def test_what_a_stopped_batch_left_out_is_sent_by_itself_under_the_same_generation(books, retention):
    books.stand_in.switches["requestid_retention"] = retention
    books.fault("batch.item", boundary="after_commit", do="drop_answer", nth=2)
    for number in range(3):
        books.entry(f"e{number}")

    books.finish()

    assert [len(attempts_of(f"e{number}")) for number in range(3)] == [1, 1, 2]
    assert books.row("e2").generation == 1
    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e1": 1, "AMZ-e2": 1}


def test_a_call_of_which_a_part_was_taken_back_is_not_sent_again_as_a_whole(books):
    books.fault("batch", boundary="before_commit", do="drop_answer")
    for number in range(3):
        books.entry(f"e{number}")
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    Delivery.objects.filter(key="e1").update(state="dropped", live=False)

    books.finish()

    assert books.numbers("JournalEntry") == {"AMZ-e0": 1, "AMZ-e2": 1}


def test_a_look_up_that_nobody_answers_leaves_it_uncertain(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    books.entry()
    books.work()
    books.fault("query", boundary="before_commit", do="drop_answer")
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    uncertain = books.row("e1").state

    books.finish()

    assert uncertain == "uncertain"
    assert books.calls("journalentry.create") == 1
    assert books.balances() == ENTRY


def test_a_look_up_that_cannot_tell_goes_to_a_person_and_is_looked_up_again_by_a_replay(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    books.entry()
    books.work()
    twin = books.documents("JournalEntry")[0]
    body = {key: twin[key] for key in ("DocNumber", "TxnDate", "PrivateNote", "Line")}
    second = books.person("add", kind="JournalEntry", body=body)
    books.finish()
    parked = books.row("e1")

    books.person("delete", kind="JournalEntry", id=second["Id"])
    done = replay(books.tenant.pk, [parked.pk], "alice")
    books.finish()

    assert (parked.state, parked.code) == ("parked", "cannot_tell")
    assert "one of them is too many" in parked.reason
    assert done.sent == 1
    assert books.row("e1").state == "posted"
    assert books.calls("journalentry.create") == 1


@pytest.mark.parametrize("nth", [1, 2])
def test_a_document_found_void_or_changed_goes_to_a_person_and_is_never_sent_again(books, nth):
    books.fault("invoice.create", boundary="after_commit", do="drop_answer")
    books.invoice()
    books.work()
    [made] = books.documents("Invoice")
    if nth == 1:
        books.person("void", kind="Invoice", id=made["Id"])
    else:
        books.person("edit", kind="Invoice", id=made["Id"], changes={"TxnDate": "2026-10-15"})

    books.finish()

    row = books.row("i1")
    assert (row.state, row.code) == ("parked", "found_void" if nth == 1 else "found_different")
    assert nth == 1 or "the date is 2026-10-15, not 2026-10-14" in row.reason
    assert books.calls("invoice.create") == 1


def test_an_answer_that_cannot_be_read_is_unknown_not_lost(books, monkeypatch):
    books.entry()
    send = QuickBooks.send

    def broken(self, call, deadline_s):
        send(self, call, deadline_s)
        raise KeyError("Id")

    with monkeypatch.context() as patch:
        patch.setattr(QuickBooks, "send", broken)
        books.work()
    uncertain = books.row("e1").state
    books.finish()

    assert uncertain == "uncertain"
    assert books.calls("journalentry.create") == 1
    assert books.balances() == ENTRY


# Tries ----------------------------------------------------------------------------------------------------------------


def test_eight_unknown_answers_that_prove_absent_give_it_to_a_person_and_a_replay_sends_the_same_bytes(books):
    books.fault("batch", boundary="before_commit", do="drop_answer", every=1)
    books.entry("e1")
    books.entry("e2")
    books.finish()
    parked = [books.row(key) for key in ("e1", "e2")]

    books.stand_in.faults.clear()
    done = replay(books.tenant.pk, [parked[0].pk], "alice")
    books.finish()

    assert [(row.state, row.code, row.tries) for row in parked] == [("parked", "tries_used_up", 8)] * 2
    assert done.sent == 1
    assert len({attempt.body_sha256 for attempt in attempts_of("e1")}) == 1
    assert books.states() == {"e1": "posted", "e2": "posted"}
    assert books.numbers("JournalEntry") == {"AMZ-e1": 1, "AMZ-e2": 1}


def test_an_outage_uses_up_no_tries_and_people_are_told_once(books):
    books.fault("journalentry.create", boundary="before_commit", do="status", status=429, every=1)
    books.entry()
    for _ in range(20):
        books.work()
        books.time.shift(600)
    told = Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).count()

    books.stand_in.faults.clear()
    books.finish()

    assert told == 1
    assert books.row("e1").state == "posted"
    assert books.row("e1").tries == 1
    assert not Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).exists()


def test_patience_with_a_company_doubles_up_to_a_quarter_of_an_hour(books, monkeypatch):
    monkeypatch.setattr(outcomes.random, "random", lambda: 1.0)

    waits = [outcomes.back_off_s(n, 1.0) for n in range(1, 13)]

    assert waits[:5] == [2, 4, 8, 16, 32]
    assert max(waits) == outcomes.BACK_OFF_CAP_S


def test_a_pause_before_a_retry_is_spread_above_a_floor():
    waits = [outcomes.back_off_s(5, 1.7) for _ in range(200)]

    assert min(waits) >= 1.7
    assert max(waits) <= 1.7 * 32
    assert max(waits) - min(waits) > 20


# Refused --------------------------------------------------------------------------------------------------------------


def test_a_refusal_raises_the_generation_and_an_unknown_answer_does_not(books):
    books.person("close_books", date="2026-10-31")
    books.entry("refused")
    books.work()
    books.person("close_books", date=None)
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry("unknown")
    books.finish()

    assert (books.row("refused").state, books.row("refused").generation) == ("held", 2)
    assert (books.row("unknown").state, books.row("unknown").generation) == ("posted", 1)


@pytest.mark.parametrize(
    ("break_it", "mend", "said"),
    [
        ({"action": "close_books", "date": "2026-10-31"}, {"action": "close_books", "date": None}, "closed period"),
        ({"action": "lapse", "lapsed": True}, {"action": "lapse", "lapsed": False}, "subscription has ended"),
    ],
    ids=["closed period", "lapsed subscription"],
)
def test_what_a_person_can_mend_is_held_with_what_to_do_and_a_replay_posts_it(books, break_it, mend, said):
    books.person(break_it.pop("action"), **break_it)
    row = books.entry()
    books.finish()
    held = books.row("e1")

    books.person(mend.pop("action"), **mend)
    replay(books.tenant.pk, [row.pk], "alice")
    books.finish()

    assert held.state == "held"
    assert said in held.reason
    assert held.action
    first, second = attempts_of("e1")
    assert first.wire_id != second.wire_id
    assert books.balances() == ENTRY


def test_what_waits_for_a_held_document_waits_with_it_and_goes_once_it_is_posted(books):
    books.person("close_books", date="2026-10-31")
    row = books.invoice()
    books.payment()
    books.finish()
    waiting = books.states()

    books.person("close_books", date=None)
    replay(books.tenant.pk, [row.pk], "alice")
    books.finish()

    assert waiting == {"i1": "held", "p1": "blocked"}
    assert books.states() == {"i1": "posted", "p1": "posted"}


# Adopting -------------------------------------------------------------------------------------------------------------


def someone_elses(books, number):
    line = {"Amount": 1, "DetailType": "SalesItemLineDetail"}
    line["SalesItemLineDetail"] = {"ItemRef": {"value": books.bindings["SALES"].item}}
    body = {"DocNumber": number, "CustomerRef": {"value": next(iter(books.bindings.values())).customer}, "Line": [line]}
    return books.person("add", kind="Invoice", body=body)


def test_a_number_that_another_connector_took_is_held_and_never_adopted(books):
    someone_elses(books, "113-i1")
    books.invoice()

    books.finish()

    row = books.row("i1")
    assert (row.state, row.code, row.external_id) == ("held", "taken", "")
    assert "already used in QuickBooks" in row.reason
    assert "another connector" in row.action
    assert books.balances() == {K.AR: 100, K.SALES: -100}


def test_the_same_invoice_of_another_connector_is_not_ours_however_alike_it_is(books):
    """Adopted, it would be undone one day; and two connectors would go on booking every order twice."""
    books.invoice()
    books.work()
    [ours] = books.documents("Invoice")
    alike = {name: ours[name] for name in ("DocNumber", "TxnDate", "CustomerRef", "Line")}
    books.person("add", kind="Invoice", body={**alike, "DocNumber": "113-i2"})

    books.invoice("i2")
    books.finish()

    row = books.row("i2")
    assert (row.state, row.code, row.external_id) == ("held", "taken", "")


def test_a_number_freed_by_a_person_is_posted_by_one_replay(books):
    other = someone_elses(books, "113-i1")
    books.invoice()
    books.finish()

    books.person("delete", kind="Invoice", id=other["Id"])
    replay(books.tenant.pk, [books.row("i1").pk], "alice")
    books.finish()

    assert books.row("i1").state == "posted"


def test_our_own_document_that_arrived_after_all_is_adopted(books):
    """The remote has forgotten the request id: only the number and our mark prevent a second invoice."""
    books.stand_in.switches["requestid_retention"] = "0"
    late = CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s + 1
    books.fault("invoice.create", boundary="before_commit", do="late_commit", seconds=late)
    books.invoice()
    books.work()
    books.time.shift(late - 1)
    books.work()
    books.time.shift(2)

    books.finish()

    row = books.row("i1")
    assert row.state == "posted"
    assert results_of("i1") == ["unknown", "found", "answered", "found"]
    assert [each["Id"] for each in books.documents("Invoice")] == [row.external_id]


def test_a_number_of_ours_whose_document_was_changed_is_held_with_the_difference(books):
    books.stand_in.switches["requestid_retention"] = "0"
    late = CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s + 1
    books.fault("invoice.create", boundary="before_commit", do="late_commit", seconds=late)
    books.invoice()
    books.work()
    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    books.time.shift(1)
    [made] = books.documents("Invoice")
    books.person("edit", kind="Invoice", id=made["Id"], changes={"TxnDate": "2026-10-15"})

    books.finish()

    row = books.row("i1")
    assert (row.state, row.code) == ("held", "taken")
    assert "the date is 2026-10-15" in row.reason


def test_a_customer_of_the_same_name_is_adopted_and_a_supplier_is_not(books):
    made = books.person("add", kind="Customer", body={"DisplayName": "Amazon.ca (USD)"})
    books.person("add", kind="Vendor", body={"DisplayName": "Amazon.de (USD)"})
    books.customer()
    books.customer("company/customer/Amazon.de (USD)/1", "Amazon.de (USD)")

    books.finish()

    assert books.row("company/customer/Amazon.ca (CAD)/1").external_id == made["Id"]
    supplier = books.row("company/customer/Amazon.de (USD)/1")
    assert (supplier.state, supplier.code) == ("held", "taken")
    assert "belongs to a supplier or an employee" in supplier.reason


# What a person changed ------------------------------------------------------------------------------------------------


def pay_by_hand(books, amount):
    [invoice] = books.documents("Invoice")
    line = {"Amount": amount, "LinkedTxn": [{"TxnId": invoice["Id"], "TxnType": "Invoice"}]}
    customer = {"value": invoice["CustomerRef"]["value"]}
    return books.person("add", kind="Payment", body={"TotalAmt": amount, "CustomerRef": customer, "Line": [line]})


@pytest.mark.parametrize(
    ("by_hand", "said"),
    [
        (lambda books: pay_by_hand(books, 20), "15.00 USD of it is open, and Amazon paid 35.00"),
        (lambda books: books.person("void", kind="Invoice", id=books.row("i1").external_id), "was voided"),
        (lambda books: books.person("delete", kind="Invoice", id=books.row("i1").external_id), "was deleted"),
    ],
    ids=["paid", "voided", "deleted"],
)
def test_an_invoice_changed_by_hand_is_named_when_its_payment_is_refused(books, by_hand, said):
    books.invoice()
    books.work()
    by_hand(books)
    books.payment()

    books.finish()

    row = books.row("p1")
    assert (row.state, row.code) == ("held", "invoice_changed")
    assert "113-i1" in row.reason
    assert said in row.reason
    assert row.action


def test_a_payment_by_hand_that_is_removed_again_lets_ours_through(books):
    books.invoice()
    books.work()
    paid = pay_by_hand(books, 35)
    books.payment()
    books.finish()

    books.person("delete", kind="Payment", id=paid["Id"])
    replay(books.tenant.pk, [books.row("p1").pk], "alice")
    books.finish()

    assert books.row("p1").state == "posted"
    assert books.balances() == {K.CLEARING: 3500, K.SALES: -4000, K.PROMO: 500}


def test_of_payments_that_share_a_refusal_only_the_culprit_is_held(books):
    for number in range(5):
        books.invoice(f"i{number}")
    books.work()
    books.person("void", kind="Invoice", id=books.row("i3").external_id)
    for number in range(5):
        books.payment(f"p{number}", f"i{number}")

    books.finish()

    assert {key: state for key, state in books.states().items() if key.startswith("p")} == {
        "p0": "posted",
        "p1": "posted",
        "p2": "posted",
        "p3": "held",
        "p4": "posted",
    }
    assert "113-i3" in books.row("p3").reason
    assert books.balances()[K.CLEARING] == 4 * 3500


def inflated(monkeypatch, cents=b"40.00", instead=b"45.00"):
    """Let QuickBooks come to another total, as it does where it adds tax of its own."""
    render = translate.render

    def adding(posts, company):
        return [replace(call, body=call.body.replace(cents, instead)) for call in render(posts, company)]

    monkeypatch.setattr(translate, "render", adding)


def test_an_invoice_with_another_total_is_taken_out_again_and_held_with_the_reason(books, monkeypatch):
    with monkeypatch.context() as patch:
        inflated(patch)
        books.invoice()
        books.payment()
        books.finish()
    held, balances, waiting = books.row("i1"), books.balances(), books.row("p1").state

    replay(books.tenant.pk, [held.pk], "alice")
    books.finish()

    assert (held.state, held.code, held.external_id) == ("held", "different_total", "")
    assert "booked 40.00 USD instead of 35.00 USD. It was taken out of the books again." in held.reason
    assert balances == {}
    assert waiting == "blocked"
    assert (books.row("i1").state, books.row("p1").state) == ("posted", "posted")
    assert books.balances() == {K.CLEARING: 3500, K.SALES: -4000, K.PROMO: 500}


def test_nothing_is_sent_again_while_the_wrong_document_is_still_in_the_books(books, monkeypatch):
    inflated(monkeypatch)
    books.fault("invoice.delete", boundary="before_commit", do="status", status=429, every=1)
    books.invoice()
    books.work()
    held = books.row("i1")

    done = replay(books.tenant.pk, [held.pk], "alice")
    books.work()

    assert (held.state, bool(held.external_id)) == ("held", True)
    assert (done.sent, done.kept) == (0, 1)
    assert books.calls("invoice.create") == 1


# Somebody must connect again ------------------------------------------------------------------------------------------


def test_a_lost_authorisation_stops_the_company_alerts_once_and_goes_on_by_itself(books):
    books.person("lose_access", lost=True)
    books.entry()
    for _ in range(5):
        books.work()
        books.time.shift(600)
    waiting, told = books.row("e1"), Alert.objects.filter(kind="needs_reconnect").count()
    asked = books.calls("journalentry.create")

    books.person("lose_access", lost=False)
    books.connection.state = "active"  # what a new consent does
    books.connection.save()
    books.work()

    assert (waiting.state, waiting.tries) == ("ready", 0)
    assert told == 1
    assert asked == 1
    assert books.row("e1").state == "posted"


def test_a_dead_grant_stops_the_company_and_a_new_consent_lets_it_go_on(books):
    books.person("disconnect")
    books.entry()
    books.finish_or_wait()
    state = type(books.connection).objects.get().state
    waiting = books.row("e1").state

    books.reconnect()
    books.finish()

    assert (state, waiting) == ("needs_reconnect", "ready")
    assert Alert.objects.filter(kind="needs_reconnect").count() == 1
    assert books.row("e1").state == "posted"


def test_a_401_between_two_batches_costs_one_refresh_and_no_document(books):
    for number in range(40):
        books.entry(f"e{number}")
    books.fault("batch", boundary="before_commit", do="status", status=401, nth=2)

    books.finish()

    assert books.calls("token") == 1
    assert set(books.numbers("JournalEntry").values()) == {1}
    assert len(books.numbers("JournalEntry")) == 40


def test_a_lost_refresh_answer_loses_no_document(books):
    """The rotated value is gone with the answer: only a person can connect again, and then everything goes on."""
    books.stand_in.switches["refresh_rotates"] = "always"
    books.stand_in.switches["refresh_answer_lost"] = "drop"
    books.person("expire_access")
    books.entry()
    books.finish_or_wait()
    waiting = books.row("e1").state

    books.stand_in.switches["refresh_answer_lost"] = "off"
    books.reconnect()
    books.finish()

    assert waiting == "ready"
    assert books.calls("journalentry.create") == 2  # the one with the dead token reached nobody
    assert books.balances() == ENTRY


# Faults of our own ----------------------------------------------------------------------------------------------------


def test_a_document_that_cannot_be_written_is_held_and_the_others_go_on(books, monkeypatch):
    render = translate.render

    def poisoned(posts, company):
        if any(post.key == "e2" for post in posts):
            raise KeyError("a fault of ours")
        return render(posts, company)

    monkeypatch.setattr(translate, "render", poisoned)
    for number in range(4):
        books.entry(f"e{number}")

    books.finish()

    assert books.states() == {"e0": "posted", "e1": "posted", "e2": "held", "e3": "posted"}
    assert "Nothing was sent" in books.row("e2").reason
    assert Alert.objects.filter(kind="waiting").count() == 1


def test_a_document_the_ledger_cannot_hold_is_held_with_the_ledgers_sentence(books, monkeypatch):
    render = translate.render

    def refusing(posts, company):
        if any(post.key == "e1" for post in posts):
            raise NotRenderable("e1", "It has no account.", "Map it.")
        return render(posts, company)

    monkeypatch.setattr(translate, "render", refusing)
    books.entry("e1")
    books.entry("e2")

    books.finish()

    assert books.states() == {"e1": "held", "e2": "posted"}
    assert (books.row("e1").reason, books.row("e1").action) == ("It has no account.", "Map it.")


def test_a_fault_of_ours_rests_the_lane_and_says_so(books, monkeypatch):
    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(pace, "take", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            outbox.work(books.remote_key)

    assert "ZeroDivisionError" in books.lane().pause_reason
    assert books.lane().paused_until > START
    assert Alert.objects.filter(kind="company_unreachable").count() == 1
    books.time.shift(60)
    books.finish()
    assert books.row("e1").state == "posted"
    assert not Alert.objects.filter(kind="company_unreachable", settled_at__isnull=True).exists()


def test_an_outcome_that_cannot_be_applied_is_kept_and_applied_by_the_next_owner(books, monkeypatch):
    books.entry()
    with monkeypatch.context() as patch:
        patch.setattr(outcomes, "apply_answers", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            outbox.work(books.remote_key)
    kept = results_of("e1")
    asked = books.calls()

    books.time.shift(60)
    books.work()

    assert kept == ["answered"]
    assert books.row("e1").state == "posted"
    assert books.calls() == asked


# Order ----------------------------------------------------------------------------------------------------------------


def test_a_person_comes_before_a_notice_the_schedule_and_a_backfill(books, monkeypatch):
    sent = []
    watched(monkeypatch, lambda call, deadline_s: sent.extend(call.keys))
    for priority in (3, 1, 0, 2):
        books.entry(f"e{priority}", priority=priority)

    books.work()

    assert sent == ["e0", "e1", "e2", "e3"]


def test_a_payout_waits_for_its_day(books):
    day = (START + timedelta(days=2)).date()
    books.transfer(not_before=day)

    books.work()
    before = books.row("t1").state
    books.time.shift(2 * 86400)
    books.work()

    assert (before, books.row("t1").state) == ("ready", "posted")


def test_a_paused_flow_sends_nothing_new_but_finds_out_what_it_sent(books):
    books.fault("journalentry.create", boundary="after_commit", do="drop_answer")
    plan = plan_of(books)
    books.entry("sent", plan=plan)
    books.work()
    books.entry("waits", plan=plan)
    Flow.objects.update(state=Flow.State.PAUSED)

    books.time.shift(CAPABILITIES.deadline_s + CAPABILITIES.quarantine_s)
    books.work()
    paused = books.states()
    Flow.objects.update(state=Flow.State.LIVE)

    assert paused == {"sent": "posted", "waits": "ready"}
    assert lanes.waiting() == [books.remote_key]


def plan_of(books):
    report = Report.objects.create(tenant=books.tenant, origin="upload", state="loaded", created_at=START)
    settlement = Settlement.objects.create(
        tenant=books.tenant,
        report=report,
        settlement_id="17000000001",
        currency="USD",
        starts_at=START - timedelta(days=14),
        ends_at=START,
        deposit_on=START.date(),
        total=0,
        row_count=0,
        created_at=START,
    )
    return Plan.objects.create(
        tenant=books.tenant, flow=books.flow, settlement=settlement, mode="summary", state="posting", mapping_version=0
    )


def test_attempts_and_outcomes_are_only_added(books):
    books.fault("journalentry.create", boundary="before_commit", do="drop_answer")
    books.entry()
    books.finish()

    assert [attempt.outcomes.count() for attempt in attempts_of("e1")] == [2, 1]
