"""OFX statements, 1.x (SGML, tags need not end) and 2.x (XML), also as QFX: tags and their text, and nothing else.

A reader of our own, as both forms are the same sequence of tags and the file comes from anywhere: no document type, no
entity but the five of XML and numbers, no nesting that could grow, a cap on size. Source: OFX 1.6 and 2.2, §2, §3, §11.4.
"""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from bank.lines import MOST_LINES, BadBankFile, BankLine, checked, tidy
from bookkeeping.money import SOUND, BadAmount, from_decimal

_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._]{0,40})\s*>([^<]*)")
_AMOUNT: Final = re.compile(r"[+-]?(?:\d{1,15}(?:[.,]\d{0,6})?|[.,]\d{1,6})")
_ENTITY: Final = re.compile(r"&(?:amp|lt|gt|quot|apos|nbsp|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")
_TEXTS: Final = ("NAME", "MEMO", "REFNUM", "CHECKNUM")
_STATEMENTS: Final = ("STMTRS", "CCSTMTRS")
_ACCOUNTS: Final = ("BANKACCTFROM", "CCACCTFROM")
_SHORT: Final = 4000  # a value that is longer is no value of a statement


@dataclass(slots=True)
class _Statement:
    account: str = ""
    currency: str = ""
    lines: list[tuple[int, dict[str, str]]] = field(default_factory=list)


def is_ofx(text: str) -> bool:
    head = text[:4000].upper()
    return "OFXHEADER" in head or "<OFX>" in head


def read(text: str, currency: str, tail: str, until: date) -> list[BankLine]:
    """Return the lines of the statement of one account: the only one in the file, else the one whose number ends in ``tail``.

    Raises BadBankFile: it is of another currency or account, damaged, or no statement.
    """
    if "<!DOCTYPE" in text.upper() or "<!ENTITY" in text.upper():
        raise BadBankFile(
            ["The file declares a document type, which no bank's OFX does. Export it again at your bank."]
        )
    statement = _of_account(_statements(text), tail)
    if statement.currency.upper() != currency:
        stated = statement.currency or "no currency"
        raise BadBankFile([f"The statement is in {stated}, the account in {currency}. Choose the right account."])
    found, wrong = [], []
    for number, values in statement.lines:
        try:
            line = _line(number, values, currency)
        except BadAmount as error:
            wrong.append(f"Line {number}: {error}. Export the file again at your bank.")
        else:
            if line.amount:
                found.append(line)
    if wrong:
        raise BadBankFile(wrong)
    return checked(found, until)


class _Reading:
    """What the tags so far have said."""

    def __init__(self) -> None:
        self.found: list[_Statement] = []
        self.transaction: dict[str, str] | None = None
        self.in_account = self.ended = False

    def opens(self, number: int, name: str, value: str) -> None:
        if name in _STATEMENTS:
            self.found.append(_Statement())
        elif not self.found:
            return
        elif name in _ACCOUNTS:
            self.in_account = True
        elif name == "STMTTRN":
            self.transaction = {}
            self.found[-1].lines.append((number, self.transaction))
            if len(self.found[-1].lines) > MOST_LINES:
                raise BadBankFile([f"The file has more than {MOST_LINES:,} lines: export fewer days at once."])
        elif self.transaction is not None:
            self.transaction.setdefault(name, value)
        elif name == "ACCTID" and self.in_account:
            self.found[-1].account = value
        elif name == "CURDEF":
            self.found[-1].currency = value

    def closes(self, name: str) -> None:
        if name == "OFX":
            self.ended = True
        elif name in _ACCOUNTS:
            self.in_account = False
        elif name in ("STMTTRN", "BANKTRANLIST"):
            self.transaction = None


def _statements(text: str) -> list[_Statement]:
    reading = _Reading()
    for number, closing, name, value in _tags(text):
        if closing:
            reading.closes(name)
        else:
            reading.opens(number, name, value)
    if not reading.found:
        raise BadBankFile(["The file has no statement of a bank account. Export transactions as OFX, QFX or CSV."])
    if not reading.ended:
        raise BadBankFile(["The file is cut off before its end. Export it again at your bank."])
    return reading.found


def _of_account(found: list[_Statement], tail: str) -> _Statement:
    accounts = {one.account for one in found}
    fitting = [one for one in found if tail and one.account.replace(" ", "").endswith(tail)]
    if tail and not fitting and any(accounts):
        told = f"The file is of another account: none in it ends in {tail}."
        raise BadBankFile([f"{told} Choose the right account, or correct its last digits."])
    if len(accounts) > 1 and not fitting:
        told = f"The file has statements of {len(accounts)} accounts."
        raise BadBankFile([f"{told} Give this account the last digits of its number, so that they can be told apart."])
    chosen = fitting or found
    return _Statement(chosen[0].account, chosen[0].currency, [line for one in chosen for line in one.lines])


def _line(number: int, values: dict[str, str], currency: str) -> BankLine:
    text = values.get("DTPOSTED", "")
    try:
        on = date(int(text[:4]), int(text[4:6]), int(text[6:8]))
    except ValueError:
        raise BadAmount(f"{text[:30]!r} is not a day (DTPOSTED)") from None
    written = values.get("TRNAMT", "").replace(" ", "")
    if not _AMOUNT.fullmatch(written):
        raise BadAmount(f"{written[:30]!r} is not an amount (TRNAMT)")
    try:
        amount = from_decimal(Decimal(written.replace(",", ".")), currency)
    except (BadAmount, InvalidOperation):
        raise BadAmount(f"{written[:30]!r} is not an exact amount of {currency}") from None
    if abs(amount) > SOUND:
        raise BadAmount(f"{written[:30]!r} is more than any account of a seller holds")
    return BankLine(number, on, amount, tidy(values.get(name, "") for name in _TEXTS), values.get("FITID", "")[:255])


def _tags(text: str) -> Iterator[tuple[int, bool, str, str]]:
    """Yield line of the file, whether the tag closes, its name, and the text behind it."""
    number = at = 0
    for found in _TAG.finditer(text):
        number += text.count("\n", at, found.start())
        at = found.start()
        value = found[3].strip()
        if len(value) > _SHORT:
            raise BadBankFile([f"Line {number + 1}: a value is longer than any of a statement. Export the file again."])
        yield number + 1, bool(found[1]), found[2].upper(), _ENTITY.sub(lambda one: html.unescape(one[0]), value)
