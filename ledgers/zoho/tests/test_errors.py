import pytest

from ledgers.error_rules import Course
from ledgers.port import AuthorizationLost, Next, Unknown
from ledgers.zoho import errors


@pytest.mark.parametrize("code", sorted(errors.TABLE))
def test_every_code_says_what_happened_and_what_to_do(code: str) -> None:
    rule = errors.TABLE[code]

    assert rule.text.endswith(".") or rule.quote
    assert rule.action.endswith(".")
    assert "JSON" not in rule.action


@pytest.mark.parametrize(
    ("code", "course"),
    [(1001, Next.ADOPT), (3062, Next.ADOPT), (24016, Next.ADOPT), (21004, Next.PARKED), (2006, Next.HELD)],
)
def test_a_code_decides_what_becomes_of_the_delivery(code: int, course: Next) -> None:
    refused = errors.refused({"code": code, "message": "in Zoho's words"})

    assert (refused.code, refused.next) == (str(code), course)


def test_a_code_nobody_knows_waits_for_a_person_with_zohos_own_words() -> None:
    refused = errors.refused({"code": 990011, "message": "The period is frozen"})

    assert refused.next is Next.HELD
    assert refused.text.endswith("Zoho Books says: The period is frozen")


@pytest.mark.parametrize("code", ["6041", 9017])
def test_a_lost_organization_is_no_refusal_of_one_document(code: object) -> None:
    with pytest.raises(AuthorizationLost):
        errors.refused({"code": code})


def test_an_internal_error_proves_nothing() -> None:
    with pytest.raises(Unknown):
        errors.refused({"code": 1000})


@pytest.mark.parametrize("answer", [None, [], {}, {"code": None}, {"code": True}])
def test_an_answer_without_a_code_has_none(answer: object) -> None:
    assert errors.code_of(answer) == ""


def test_throttles_and_tokens_are_never_looked_up_in_the_table() -> None:
    assert not (errors.THROTTLES | errors.UNAUTHORIZED) & set(errors.TABLE)
    assert {rule.course for rule in errors.TABLE.values()} >= {Course.HELD, Course.PARKED, Course.ADOPT, Course.UNKNOWN}
