"""What the witness of the Zoho Books stand-in would see, and that what is let pass is still needed."""

import json
from io import BytesIO

import pytest

from ledgers.zoho.sandbox.tests.description import SPECS
from ledgers.zoho.tests.witness import TAKEN, Witness

pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPECS.is_dir(), reason="the description is not beside the checkout"),
]
JOURNAL = {"journal_date": "2026-10-14", "line_items": [{"account_id": "1", "debit_or_credit": "debit", "amount": 1.5}]}
MADE = {"code": 0, "message": "success", "journal": {"journal_id": "46", "total": 1.5}}


def faults(method="POST", path="journals", query="", sent=JOURNAL, status="201 Created", answer=MADE):
    def app(environ, start_response):
        start_response(status, [])
        return [json.dumps(answer).encode()]

    body = json.dumps(sent).encode() if sent else b""
    witness = Witness(app)
    environ = {
        "REQUEST_METHOD": method,
        "PATH_INFO": f"/books/v3/{path}",
        "QUERY_STRING": f"organization_id=10{query}",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": BytesIO(body),
    }
    assert b"".join(witness(environ, lambda *_: None)) == json.dumps(answer).encode()
    return witness.faults


def test_what_fits_is_no_fault():
    assert faults() == set()
    assert faults(status="400 Bad Request", answer={"code": 4, "message": "no"}) == set()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sent": {**JOURNAL, "colour": "red"}}, "asked POST journals: /colour is None: no such field"),
        ({"sent": {**JOURNAL, "line_items": 5}}, "asked POST journals: line_items is 5: 5 is not of type 'array'"),
        ({"query": "&colour=red"}, "asked POST journals: ?colour is 'red': no such parameter"),
        ({"status": "200 OK"}, "answered POST journals: status is 200: described: 201"),
        (
            {"answer": {**MADE, "journal": {"journal_id": 46}}},
            "answered POST journals: journal/journal_id is 46: 46 is not of type 'string'",
        ),
    ],
)
def test_what_does_not_fit_is_named(changes, said):
    assert faults(**changes) == {said}


@pytest.mark.parametrize("name", TAKEN)
def test_a_difference_of_requests_is_still_one(name):
    invoice = {"customer_id": "1", "line_items": [{"account_id": "1", "rate": 1}]}
    payment = {"customer_id": "1", "payment_mode": "others", "amount": 1, "date": "2026-10-14", "invoices": []}
    taken = TAKEN.pop(name)
    try:
        found = (
            faults()
            | faults(path="invoices", sent=invoice, status="400", answer={})
            | faults(path="customerpayments", sent=payment, status="400", answer={})
            | faults("GET", "invoices", "&sort_order=D", sent=None, status="400", answer={})
        )
    finally:
        TAKEN[name] = taken

    assert found
