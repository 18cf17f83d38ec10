from typing import Any

import pytest

from ledgers.error_rules import Course
from ledgers.freshbooks.errors import TABLE, Fault, faults, refused, rule
from ledgers.port import AuthorizationLost, Next, NotSent, Unknown


def old(errno: int, field: str = "", message: str = "m") -> dict[str, Any]:
    return {"response": {"errors": [{"errno": errno, "field": field, "message": message, "object": "invoice"}]}}


def new(code: int, *details: dict[str, Any]) -> dict[str, Any]:
    return {"code": code, "message": f"Request failed with status_code: {code}", "details": list(details)}


def info(reason: str, field: str = "", message: str = "m") -> dict[str, Any]:
    return {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "accounting.api.freshbooks.com",
        "metadata": {"object": "invoice", "message": message, "value": "", "field": field},
    }


UNNAMED_ACCOUNT = {
    "errors": {
        "message": "bad",
        "status": "INVALID",
        "details": [{"reason": "name", "metadata": {"message": "m", "field": "name"}}],
    }
}


@pytest.mark.parametrize(
    ("answer", "status", "code", "field"),
    [
        (old(1012, "invoiceid"), 404, "1012", "invoiceid"),
        ({"response": {"errors": {"errno": 1012, "field": "invoiceid", "message": "m"}}}, 200, "1012", "invoiceid"),
        (new(5, info("1012", "invoiceid")), 404, "1012", "invoiceid"),
        (new(16), 401, "401", ""),
        (new(7), 403, "1003", ""),
        ({"error": "unauthenticated", "error_description": "m"}, 401, "401", ""),
        ({"errno": 422, "message": "Validation failed", "details": ["Unrecognized event"]}, 422, "422", ""),
        (UNNAMED_ACCOUNT, 400, "name", "name"),
        ({"errors": {"message": "no", "status": "PERMISSION_DENIED", "details": []}}, 403, "1003", ""),
        ({"errno": 2001, "error": {"title": "too long"}}, 422, "2001", "title"),
        ({"error_type": "payments", "message": "m"}, 400, "400", ""),
        ({"message": "Not Found"}, 404, "404", ""),
    ],
    ids=["old", "one object in 200", "rpc", "rpc bare", "rpc rights", "sign-in", "events", "ledger accounts",
         "ledger accounts bare", "projects", "online payments", "message"],
)  # fmt: skip
def test_every_form_of_error_is_read(answer: dict[str, Any], status: int, code: str, field: str) -> None:
    (fault,) = faults(answer, status)

    assert (fault.code, fault.field) == (code, field)
    assert fault.message or code == "401"


@pytest.mark.parametrize(
    "answer",
    [{"response": {"result": {}}}, {"data": []}, {"response": {"errors": []}}, {}, [], None, {"response": {"id": 1}}],
)
def test_an_answer_without_an_error_has_none(answer: Any) -> None:
    assert faults(answer) == []


@pytest.mark.parametrize("code", sorted(TABLE))
def test_every_refusal_says_what_happened_and_what_to_do(code: str) -> None:
    known = TABLE[code]

    assert known.text.endswith((".", "books.")) or known.quote
    assert known.action.endswith(".")


@pytest.mark.parametrize(
    ("fault", "becomes"),
    [
        (Fault("409", "concurrent change", "invoice_number"), Next.FAILED),
        (Fault("1003", "access denied"), Next.HELD),
        (Fault("403", "forbidden"), Next.HELD),
        (Fault("1012", "Category not found.", "categoryid"), Next.HELD),
        (Fault("1042", "inactive account", "sub_accountid"), Next.HELD),
        (Fault("1004", "This account is archived", "categoryid"), Next.HELD),
        (Fault("1038", "Write access denied", "due_date"), Next.PARKED),
        (Fault("1017", "too long", "invoice_number"), Next.PARKED),
        (Fault("1001", "required", "invoice_number"), Next.PARKED),
        (Fault("1004", "must be unique", "invoice_number"), Next.ADOPT),
        (Fault("1004", "value refused", "invoice_number"), Next.ADOPT),
        (Fault("1004", "Name already exists", "name"), Next.ADOPT),
        (Fault("1004", "Books are closed for this date", "date"), Next.HELD),
        (Fault("1004", "m", "lock_status"), Next.HELD),
        (Fault("422", "Your subscription has expired"), Next.HELD),
        (Fault("402", "Payment required"), Next.HELD),
        (Fault("1004", "You have reached your client limit"), Next.HELD),
        (Fault("9999", "something new"), Next.PARKED),
        (Fault("1004", "Debits and credits must be equal", "details"), Next.PARKED),
    ],
)
def test_what_becomes_of_a_delivery(fault: Fault, becomes: Next) -> None:
    assert refused([fault]).next is becomes


def test_the_sentence_quotes_freshbooks_where_its_own_words_help() -> None:
    answer = refused([Fault("1012", "Category 5 not found.", "categoryid")])

    assert answer.text.endswith("FreshBooks says: Category 5 not found.")
    assert answer.field == "categoryid"


@pytest.mark.parametrize(
    ("found", "raised"),
    [
        ([Fault("500", "internal")], Unknown),
        ([Fault("1001", "m"), Fault("500", "internal")], Unknown),
        ([Fault("401", "expired")], AuthorizationLost),
        ([Fault("429", "slow down")], NotSent),
    ],
)
def test_what_proves_nothing_or_concerns_the_whole_call_is_no_refusal(
    found: list[Fault], raised: type[Exception]
) -> None:
    with pytest.raises(raised):
        refused(found)


def test_missing_rights_are_not_mistaken_for_a_locked_period() -> None:
    assert rule(Fault("1003", "This account is locked by its plan")).course is Course.HELD
    assert "consent" in rule(Fault("1003", "locked")).text
