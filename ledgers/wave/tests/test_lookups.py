from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.documents import Kind
from ledgers.port import (
    Absent,
    AuthorizationLost,
    External,
    Found,
    NotSent,
)
from ledgers.wave.client import Wave
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import Script, page, scripted, top

CLEARING = make.account("CLEARING")
POSTED = {"inv1": External("I1")}


@pytest.fixture
def remote() -> Iterator[tuple[Script, Wave]]:
    with scripted() as pair:
        yield pair


def found(client: Wave, document: Any, **options: Any) -> Any:
    return client.find(make.post(document, **options))


def test_an_invoice_is_found_by_its_number_and_mark(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    longer = make.remote_invoice(id="I9", invoiceNumber="113-0000001-00000012")
    foreign = make.remote_invoice(id="I8", memo="somebody's")
    script.business(invoices=page(longer, foreign, make.remote_invoice()))
    script.business(invoices=page(longer, foreign))

    there, absent = found(client, make.invoice()), found(client, make.invoice())

    assert (there.posted.external_id, there.live, there.equal, there.difference) == (
        make.remote_invoice()["id"], True, True, "",
    )  # fmt: skip
    assert isinstance(absent, Absent)
    assert script.asked[0]["variables"]["invoiceNumber"] == "113-0000001-0000001"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"invoiceDate": "2026-10-15"}, "the date is 15 Oct 2026, not 14 Oct 2026"),
        ({"customer": {"id": "C9"}}, "the customer differs"),
        ({"status": "DRAFT"}, "the state is a draft, not approved"),
        ({"total": make.money(3850)}, "the total differs"),
        ({"items": []}, "the lines differ"),
    ],
)
def test_an_invoice_that_somebody_changed_says_how(
    remote: tuple[Script, Wave], change: dict[str, Any], said: str
) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(**change)))

    answer = found(client, make.invoice())

    assert (answer.equal, answer.difference) == (False, said)


def test_a_status_nobody_knows_is_as_good_as_any(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(invoices=page(make.remote_invoice(status="FACTORED")))

    assert found(client, make.invoice()).equal


def payment(**changes: Any) -> dict[str, Any]:
    row = {
        "id": "P1",
        "amount": "35.00",
        "paymentDate": "2026-10-14",
        "memo": "AMZ-17000000001-1 ref:m-k1",
        "modifiedAt": "m",
        "account": {"id": CLEARING},
        "originInvoicePayment": None,
    }
    return {**row, **changes}


def test_a_payment_is_found_through_its_invoice(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    refund = payment(id="P2", originInvoicePayment={"id": "P1"})
    script.business(invoice=make.remote_invoice(payments=[payment(id="P0", memo="cash"), refund, payment()]))
    script.business(invoice=make.remote_invoice(payments=[payment(amount="34.00")]))
    script.business(invoice=make.remote_invoice(payments=None))
    script.business(invoice=None)

    answers = [found(client, make.payment(), refs=POSTED) for _ in range(4)]

    assert (answers[0].posted.external_id, answers[0].equal, answers[0].posted.total) == ("P1", True, 3500)
    assert (answers[1].equal, answers[1].difference) == (False, "the amount differs")
    assert [type(answer) for answer in answers[2:]] == [Absent, Absent]
    assert script.asked[0]["variables"]["invoiceId"] == "I1"


def test_lists_are_looked_through_for_just_the_name_over_all_pages(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(customers=page({"id": "C1", "name": "Amazon.com (USD) old"}, of=2))
    script.business(customers=page({"id": "C2", "name": "Amazon.com (USD)", "currency": None}, number=2, of=2))
    script.business(accounts=page({"id": "A1", "name": "amazon clearing"}))
    script.business(
        accounts=page({"id": "A2", "name": "Amazon Clearing", "isArchived": True, "subtype": {"value": "X"}})
    )
    script.business(products=page())
    script.business(products=page())

    customer, account, item = (found(client, each) for each in (make.customer(), make.new_account(), make.item()))

    assert (customer.posted.external_id, customer.live, customer.equal) == ("C2", True, True)
    assert (account.posted.external_id, account.live, account.equal) == ("A2", False, False)
    assert isinstance(item, Absent)
    assert [asked["variables"]["page"] for asked in script.asked[:2]] == [1, 2]
    assert [asked["variables"].get("isArchived") for asked in script.asked[2:4]] == [False, True]


def test_a_buyer_is_looked_for_by_the_address(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(customers=page({"id": "C1", "name": "Jane Doe"}, {"id": "C2", "name": "Jane Doe (7f3a)"}))
    buyer = replace(make.customer("Jane Doe (7f3a)"), email="7f3a@marketplace.example")

    assert found(client, buyer).posted.external_id == "C2"
    assert script.asked[0]["variables"]["email"] == "7f3a@marketplace.example"


def test_a_deleted_invoice_is_gone_and_one_that_stands_is_not(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    undo, refs = make.undo("i1", Kind.INVOICE), {"i1": External("I1")}
    missing = {"errors": [top("NOT_FOUND", "business", "invoice")]}
    script.will(200, {**missing, "data": {"business": {"id": make.BUSINESS, "invoice": None}}})
    script.business(invoice=make.remote_invoice())

    assert isinstance(found(client, undo, refs=refs), Found)
    assert isinstance(found(client, undo, refs=refs), Absent)


def test_a_business_that_the_token_does_not_open_is_lost(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.will(200, {"errors": [top("NOT_FOUND", "business")], "data": {"business": None}})
    script.data(business={"id": "another", "name": "x"})

    for _ in range(2):
        with pytest.raises(AuthorizationLost):
            client.reference()


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, {"errors": [top("INTERNAL_SERVER_ERROR")]}), (502, b""), (200, b"{"), (429, b"")],
)
def test_whatever_goes_wrong_with_a_read_changes_nothing(remote: tuple[Script, Wave], status: int, body: Any) -> None:
    script, client = remote
    script.will(status, body)

    with pytest.raises(NotSent):
        client.balances()
