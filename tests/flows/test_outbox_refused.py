"""What the ledger refuses, what somebody else has, and what somebody changed by hand: held with its reason, and mendable."""

from dataclasses import replace

import pytest

from bookkeeping.accounts import AccountKey as K
from flows.replay import replay
from ledgers.quickbooks import translate
from ledgers.quickbooks.client import CAPABILITIES
from tests.flows.ledger import attempts_of, results_of

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1000, K.CLEARING: 9000}


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


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
    assert "the date is 15 Oct 2026" in row.reason


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
