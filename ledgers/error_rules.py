"""What an error of a ledger means for a bookkeeper, and what becomes of the delivery. Pure.

Each ledger has a table of these for its own codes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Protocol, TypeVar

from ledgers.port import Next, Unknown


@unique
class Course(StrEnum):
    """What an error does to the delivery. The first four are ``port.Next``."""

    HELD = Next.HELD.value
    FAILED = Next.FAILED.value
    PARKED = Next.PARKED.value
    ADOPT = Next.ADOPT.value
    NOT_SENT = "not_sent"
    AUTHORIZATION_LOST = "authorization_lost"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` says what happened, ``action`` what to do; ``quote`` adds the ledger's own sentence to the text."""

    course: Course
    text: str
    action: str
    quote: bool = False


class Coded(Protocol):
    @property
    def code(self) -> str: ...


_C = TypeVar("_C", bound=Coded)


def deciding(rules: Sequence[tuple[_C, Rule]]) -> tuple[_C, Rule]:
    """Return which error of one answer decides: a lost authorisation, else the first.

    Raises:
        Unknown: one of them does not prove that nothing was kept.
    """
    for fault, each in rules:
        if each.course is Course.UNKNOWN:
            raise Unknown(f"{each.text} (code {fault.code or '?'})")
    return next((pair for pair in rules if pair[1].course is Course.AUTHORIZATION_LOST), rules[0])
