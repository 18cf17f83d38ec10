"""What is read from any statement of a bank account."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

MOST_BYTES: Final = 2_000_000
MOST_LINES: Final = 20_000
TEXT_KEPT: Final = 140  # characters; SWIFT MT940 and SEPA give a payment's purpose 140
EARLIEST: Final = date(2010, 1, 1)
_NAMED: Final = 10  # wrong lines that a refusal names
_AMAZON: Final = re.compile(r"\b(amazon|amzn|amz)", re.IGNORECASE)


class BadBankFile(ValueError):
    """Nothing of the file was used. ``problems`` says what is wrong and what to do, a sentence with its line each."""

    def __init__(self, problems: Sequence[str]) -> None:
        more = len(problems) - _NAMED
        self.problems = [*problems[:_NAMED], *([f"{more} more lines are wrong."] if more > 0 else [])]
        super().__init__(" ".join(self.problems))


@dataclass(frozen=True, slots=True)
class BankLine:
    """One line. ``amount`` is in minor units of the account's currency, positive where money came in.

    ``line`` is where it stands in the file. ``bank_id`` is the bank's own id of it (FITID of OFX), "" where there is none.
    """

    line: int
    on: date
    amount: int
    text: str
    bank_id: str = ""

    @property
    def names_amazon(self) -> bool:
        return bool(_AMAZON.search(self.text))


def tidy(parts: Iterable[str]) -> str:
    """Return the text of a line without blanks and control characters to spare, at most TEXT_KEPT characters of it."""
    joined = " ".join(" ".join(parts).split())
    return "".join(one for one in joined if unicodedata.category(one)[0] != "C")[:TEXT_KEPT].strip()


def checked(found: Sequence[BankLine], until: date) -> list[BankLine]:
    """Return lines as they are. Raises BadBankFile where there are none, too many, or days that cannot be."""
    if not found:
        raise BadBankFile(["The file has no lines of an account: export the days in which payouts arrived."])
    if len(found) > MOST_LINES:
        raise BadBankFile([f"The file has more than {MOST_LINES:,} lines: export fewer days at once."])
    problems = []
    for one in found:
        if one.on < EARLIEST:
            problems.append(f"Line {one.line}: {one.on} is before any settlement. Is that column the day?")
        elif one.on > until:
            problems.append(f"Line {one.line}: {one.on} has not come yet. Is the form of the day right?")
    if problems:
        raise BadBankFile(problems)
    return list(found)
