from typing import Any

import pytest

from ledgers.error_rules import Course
from ledgers.port import AuthorizationLost, Next, NotSent, Refused, Unknown
from ledgers.quickbooks.errors import TABLE, Fault, faults, mapping_of, refused


def fault(code: str, detail: str = "", message: str = "", kind: str = "ValidationFault") -> Fault:
    return Fault(code, message, detail, "", kind)


def span(first: int, last: int, step: int = 1) -> tuple[str, ...]:
    return tuple(str(code) for code in range(first, last + 1, step))


# Every code of the published table, with what becomes of the delivery.
PUBLISHED: dict[Course, tuple[str, ...]] = {
    Course.AUTHORIZATION_LOST: ("3200", "3100", "3202", *span(100, 150)),
    Course.NOT_SENT: ("3001",),
    Course.UNKNOWN: ("600", "10000", "10100", "10200"),
    Course.ADOPT: ("6140", "6240"),
    Course.HELD: ("610", "2500", "5020", "5030", "6190", "6200", "6210", "6250", "6270", "6540"),
    Course.PARKED: (
        "500", "2130", "620", "630", "700", "800", "1010", "1020", "1040", "1050", *span(2000, 2030), "2050",
        "2060", "2070", *span(2080, 2110), "2140", "2170", "2250", *span(2260, 2300, 10), "2600", "3000",
        "4000", "4001", "4002", "5000", "5010", "6000", "6010", "6030", "6040", "6041", "6050", "6070", "6080", "6090",
        "6100", *span(6150, 6170, 10), "6220", "6230", "6430", "6440", "6470", "6450", "6480",
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("code", "course"), [(code, course) for course, codes in PUBLISHED.items() for code in codes], ids=str
)
def test_each_published_code_has_a_sentence_an_action_and_a_next_state(code: str, course: Course) -> None:
    known = TABLE[code]

    assert known.course is course
    assert known.text.endswith(".")
    assert known.text[0].isupper()
    assert known.action.endswith((".", "replay."))
    assert code not in known.text


def test_the_table_has_no_code_that_is_not_published() -> None:
    assert set(TABLE) == {code for codes in PUBLISHED.values() for code in codes}


@pytest.mark.parametrize(
    ("detail", "thing"),
    [
        ("Invalid Reference Id : Accounts element id 99 not found", "account"),
        ("Invalid Reference Id : Klasses element id 99 not found", "class"),
        ("Invalid Reference Id : Depts element id 99 not found", "location"),
        ("Invalid Reference Id : Names element id 99 not found", "customer"),
        ("Invalid Reference Id : Items element id 99 not found", "item"),
        ("Invalid Reference Id : TaxCodes element id 99 not found", "tax code"),
        ("Something else entirely", ""),
    ],
)
def test_a_broken_reference_names_the_mapping_that_broke(detail: str, thing: str) -> None:
    answer = refused([fault("2500", detail)])

    assert mapping_of(fault("2500", detail)) == thing
    assert answer.next is Next.HELD
    assert answer.field == thing
    assert thing in answer.text


def test_free_text_of_quickbooks_is_shown_to_the_bookkeeper() -> None:
    answer = refused([fault("6000", "Business Validation Error: the moon is full")])

    assert answer == Refused(
        "6000",
        "QuickBooks refused the document. QuickBooks says: Business Validation Error: the moon is full",
        TABLE["6000"].action,
        Next.PARKED,
    )


def test_an_unlisted_code_is_parked_with_what_quickbooks_says() -> None:
    answer = refused([fault("7777", "Something new")])

    assert (answer.next, answer.code) == (Next.PARKED, "7777")
    assert "Something new" in answer.text


@pytest.mark.parametrize(
    ("code", "kind", "error"),
    [
        ("3200", "", AuthorizationLost),
        ("120", "", AuthorizationLost),
        ("3100", "AuthorizationFault", AuthorizationLost),
        ("9999", "AUTHENTICATION", AuthorizationLost),
        ("3001", "SERVICE", NotSent),
        ("600", "", Unknown),
        ("10000", "SystemFault", Unknown),
        ("9999", "SystemFault", Unknown),
        ("", "", Unknown),
    ],
)
def test_faults_that_are_no_refusal_raise_the_ports_outcome(code: str, kind: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        refused([fault(code, kind=kind)])


@pytest.mark.parametrize(("code", "following"), [("3001", Next.FAILED), ("3200", Next.HELD)])
def test_an_item_of_a_batch_stops_alone(code: str, following: Next) -> None:
    assert refused([fault(code)], item=True).next is following


def test_an_error_that_proves_nothing_outweighs_the_others() -> None:
    with pytest.raises(Unknown):
        refused([fault("6000"), fault("10000")])


@pytest.mark.parametrize(
    "answer",
    [
        {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "003001", "element": "e"}], "type": "t"}},
        {"fault": {"error": [{"message": "m", "detail": "d", "code": "3001", "element": "e"}], "type": "t"}},
        {
            "Fault": {"Error": [{"Message": "m", "Detail": "d", "code": 3001, "element": "e"}], "type": "t"},
            "time": "now",
        },
    ],
    ids=["documented", "gateway", "number"],
)
def test_faults_are_read_in_every_shape(answer: Any) -> None:
    assert faults(answer) == [Fault("3001", "m", "d", "e", "t")]


@pytest.mark.parametrize("answer", [{"Invoice": {"Id": "1"}}, {}, [], None, "text", {"QueryResponse": {}}])
def test_an_answer_without_a_fault_has_none(answer: Any) -> None:
    assert faults(answer) == []


@pytest.mark.parametrize("answer", [{"Fault": {}}, {"Fault": {"Error": []}}, {"fault": {"error": None}}])
def test_an_empty_fault_proves_nothing(answer: Any) -> None:
    with pytest.raises(Unknown):
        refused(faults(answer))
