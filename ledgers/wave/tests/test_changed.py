import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from bookkeeping.documents import Kind
from ledgers import further
from ledgers.port import CannotTell, External, Kept
from ledgers.wave import changed
from ledgers.wave.client import Wave
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import Script, page, scripted, top

SINCE = datetime(2026, 10, 14, 3, 30, tzinfo=timezone(timedelta(hours=2)))
BOTH = [Kind.INVOICE, Kind.PAYMENT]
PAYMENT = {
    "id": "P1",
    "amount": "35.00",
    "paymentDate": "2026-10-14",
    "memo": "ref:m-k1",
    "modifiedAt": "m1",
    "account": {"id": make.account("CLEARING")},
}


@pytest.fixture
def remote() -> Iterator[tuple[Script, Wave]]:
    with scripted() as pair:
        yield pair


def test_changed_invoices_come_with_the_payments_of_ours(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    ours, theirs = make.remote_invoice(id="I1"), make.remote_invoice(id="I2", memo="thanks")
    script.business(invoices=page(ours, theirs))
    script.business(invoice={**ours, "payments": [PAYMENT]})

    changes = client.changes(BOTH, SINCE)

    assert [(each.kind, each.external_id, each.live) for each in changes.documents] == [
        (Kind.INVOICE, "I1", True),
        (Kind.INVOICE, "I2", True),
        (Kind.PAYMENT, "P1", True),
    ]
    assert changes.documents[2].version == "m1"
    assert (changes.until, changes.paid) == (None, {"I1"})
    assert script.asked[0]["variables"]["modifiedAtAfter"] == "2026-10-14T01:30:00.000Z"
    assert script.operations() == ["Invoices", "Invoice"]


def test_wave_never_says_what_was_deleted_so_invoices_are_to_be_read(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page())

    assert client.changes(BOTH, SINCE).incomplete == {Kind.INVOICE}


def test_of_very_many_changed_invoices_the_payments_of_the_first_are_read_and_the_rest_later(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    monkeypatch.setattr(changed, "INVOICES", 1)
    later = make.remote_invoice(id="I2", modifiedAt="2026-10-15T08:00:00.000Z")
    script.business(invoices=page(later, make.remote_invoice(id="I1")))
    script.business(invoice=make.remote_invoice(id="I1", payments=[PAYMENT]))

    changes = client.changes(BOTH, SINCE)

    assert (changes.paid, changes.until, changes.more) == ({"I1"}, datetime(2026, 10, 14, 8, tzinfo=UTC), True)
    assert [each.external_id for each in changes.documents if each.kind is Kind.PAYMENT] == ["P1"]


@pytest.mark.parametrize(
    ("changed_s", "taken", "until_s"),
    [((0, 1, 2), "01", 1), ((0, 0, 0), "012", None), ((1, 1, 2), "01", 1), ((1, 1, 1), "012", None)],
    ids=["seen before", "all at the last moment", "two at once", "all at once"],
)
def test_however_many_changed_at_once_the_next_look_begins_later(
    remote: tuple[Script, Wave],
    monkeypatch: pytest.MonkeyPatch,
    changed_s: tuple[int, ...],
    taken: str,
    until_s: int | None,
) -> None:
    script, client = remote
    monkeypatch.setattr(changed, "INVOICES", 1)
    at = [(SINCE + timedelta(seconds=each)).astimezone(UTC) for each in changed_s]
    rows = [make.remote_invoice(id=str(n), modifiedAt=each.isoformat()) for n, each in enumerate(at)]
    script.business(invoices=page(*rows))
    for row in rows[: len(taken)]:
        script.business(invoice={**row, "payments": []})

    changes = client.changes(BOTH, SINCE)

    assert changes.paid == set(taken)
    assert (changes.until, changes.more) == (
        None if until_s is None else SINCE + timedelta(seconds=until_s),
        until_s is not None,
    )


def test_all_pieces_of_many_invoices_take_one_walk_and_every_request_is_told(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    told: list[int] = []
    monkeypatch.setattr(changed, "SINGLY", 1)
    script.business(invoices=page(make.remote_invoice(id="I1"), make.remote_invoice(id="I2"), of=3))
    script.business(invoices=page(make.remote_invoice(id="I3"), number=2, of=3))
    script.business(invoices=page(make.remote_invoice(id="I4"), number=3, of=3))

    with further.told_to(lambda: told.append(len(script.asked))):
        pieces = [client.kept(Kind.INVOICE, ids) for ids in (["I1", "I2"], ["I3", "I4"])]

    assert [each.external_id for piece in pieces for each in piece] == ["I1", "I2", "I3", "I4"]
    assert script.operations() == ["Invoices"] * 3
    assert told == [1, 2]


def test_a_walk_of_a_while_ago_serves_no_later_look(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    monkeypatch.setattr(changed, "SINGLY", 1)
    script.business(invoices=page(make.remote_invoice(id="I1"), make.remote_invoice(id="I2")))
    script.business(invoices=page(make.remote_invoice(id="I1"), make.remote_invoice(id="I2", status="DRAFT")))
    client.kept(Kind.INVOICE, ["I1", "I2"])
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now + changed.WALK_S + 1)

    _, later = client.kept(Kind.INVOICE, ["I1", "I2"])

    assert later.content["status"] == "DRAFT"


def test_invoices_alone_need_no_payments(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice()))

    changes = client.changes([Kind.INVOICE], SINCE)

    assert (len(changes.documents), changes.incomplete, changes.paid) == (1, {Kind.INVOICE}, set())


def test_what_wave_refuses_to_list_is_incomplete(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(400, {"errors": [top("BAD_USER_INPUT")]})

    assert client.changes(BOTH, SINCE).incomplete == set(BOTH)


def test_documents_are_read_as_they_are_now_the_gone_ones_too(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoicePayment={**PAYMENT, "invoice": {"id": "I1"}})
    script.will(
        200,
        {"errors": [top("NOT_FOUND")], "data": {"business": {"id": make.BUSINESS, "invoicePayment": None}}},
    )

    there, gone = client.kept(Kind.PAYMENT, ["P1", "P2", "P1"])

    assert (there.external_id, there.live, there.content["invoice"]) == ("P1", True, {"id": "I1"})
    assert gone == Kept(Kind.PAYMENT, "P2", live=False)


def test_many_invoices_are_found_in_the_whole_list_and_what_it_misses_is_asked_for_by_itself(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    monkeypatch.setattr(changed, "SINGLY", 1)
    script.business(invoices=page(make.remote_invoice(id="I1"), make.remote_invoice(id="I4")))
    script.business(invoice=make.remote_invoice(id="I2"))
    script.business(invoice=None)

    found = client.kept(Kind.INVOICE, ["I1", "I2", "I3"])

    assert [(each.external_id, each.live) for each in found] == [("I1", True), ("I2", True), ("I3", False)]
    assert script.operations() == ["Invoices", "Invoice", "Invoice"]


@pytest.mark.parametrize("kind", [Kind.ENTRY, Kind.TRANSFER])
def test_money_transactions_can_be_read_by_nobody(remote: tuple[Script, Wave], kind: Kind) -> None:
    script, client = remote

    with pytest.raises(ValueError, match="gives no"):
        client.kept(kind, ["T1"])
    with pytest.raises(ValueError, match="gives no"):
        client.read(kind, "T1")
    assert client.changes([kind], SINCE).incomplete == {kind}
    assert script.asked == []


def test_one_document_is_read_with_its_total_and_is_none_once_gone(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoice=make.remote_invoice(amountDue=make.money(0)))
    script.business(invoicePayment={**PAYMENT, "invoice": {"id": "I1"}})
    script.business(invoicePayment=None)

    invoice, payment = client.read(Kind.INVOICE, "I1"), client.read(Kind.PAYMENT, "P1")

    assert (invoice.total, invoice.balance) == (3500, 0)  # type: ignore[union-attr]
    assert payment.total == 3500  # type: ignore[union-attr]
    assert client.read(Kind.PAYMENT, "P1") is None


@pytest.mark.parametrize(
    ("document", "content", "difference"),
    [
        (make.invoice(memo="another"), make.remote_invoice(invoiceNumber="7", memo="mine"), ""),
        (make.invoice(), make.remote_invoice(invoiceDate="2026-11-01"), "the date is 1 Nov 2026, not 14 Oct 2026"),
        (make.payment(), {**PAYMENT, "invoice": {"id": "I1"}}, ""),
        (make.payment(), {**PAYMENT, "account": {"id": "x"}, "invoice": {"id": "I1"}}, "the account differs"),
        (make.payment(), {**PAYMENT, "amount": "30.00", "invoice": {"id": "I1"}}, "the amount differs"),
    ],
    ids=["number and memo are people's own", "date", "payment", "account", "amount"],
)
def test_what_is_there_is_compared_by_what_matters_to_the_books(
    remote: tuple[Script, Wave], document: Any, content: Any, difference: str
) -> None:
    _, client = remote
    post = make.post(document, refs={"inv1": External("I1")})

    answer = client.compare(post, Kept(document.kind, "X1", live=True, content=content))

    assert (answer.equal, answer.difference) == (not difference, difference)  # type: ignore[union-attr]


def test_an_amount_nobody_can_read_is_not_compared(remote: tuple[Script, Wave]) -> None:
    _, client = remote
    content = make.remote_invoice(total={"minorUnitValue": "many"})

    answer = client.compare(make.post(make.invoice()), Kept(Kind.INVOICE, "X1", live=True, content=content))

    assert isinstance(answer, CannotTell)
