"""A statement as a table of text: what its columns seem to be, for a person to confirm, and its lines once that is known."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from typing import Any, Final

from bank.amounts import amount_of
from bank.days import FORMS, day_of, forms_of
from bank.lines import MOST_BYTES, MOST_LINES, BadBankFile, BankLine, checked, tidy
from bookkeeping.money import BadAmount

MARKS: Final = (".", ",")
_DELIMITERS: Final = (";", "\t", ",", "|")
_LOOKED_AT: Final = 40  # rows in which the names of the columns are looked for, below the bank's own heading
_MOST_COLUMNS: Final = 60
# Words in names of columns, in the languages of Amazon's marketplaces, the surest first.
_DAY: Final = (
    *(
        "booking date",
        "posting date",
        "posted date",
        "transaction date",
        "buchungstag",
        "buchungsdatum",
        "fecha operación",
    ),
    *("fecha", "date opération", "date", "datum", "data operacji", "data contabile", "data", "valuta", "日付", "tarih"),
)
_AMOUNT: Final = (
    "amount",
    "betrag",
    "umsatz",
    "importe",
    "montant",
    "importo",
    "kwota",
    "bedrag",
    "belopp",
    "金額",
    "tutar",
)
_IN: Final = (
    *(
        "paid in",
        "money in",
        "credit",
        "deposit",
        "haben",
        "gutschrift",
        "abono",
        "haber",
        "crédit",
        "avere",
        "entrate",
    ),
    *("uznania", "bij", "insättning", "入金"),
)
_OUT: Final = (
    *(
        "paid out",
        "money out",
        "debit",
        "withdrawal",
        "soll",
        "lastschrift",
        "cargo",
        "debe",
        "débit",
        "dare",
        "uscite",
    ),
    *("obciążenia", "af", "uttag", "出金"),
)
_TEXT: Final = (
    *("description", "details", "narrative", "memo", "payee", "reference", "name", "verwendungszweck", "buchungstext"),
    *("auftraggeber", "beguenstigter", "zahlungspflichtiger", "concepto", "libellé", "descrizione", "opis", "tytuł"),
    *("omschrijving", "meddelande", "text", "particulars", "摘要", "açıklama"),
)


@dataclass(frozen=True, slots=True)
class Columns:
    """What a person has confirmed of one bank's files, by the names of their columns.

    ``names`` is the row of names, as the file has it; ``day_form`` and ``mark`` (before the decimals) are how days and amounts
    are written. Either ``amount`` is signed, positive where money came in, or ``money_in`` and ``money_out`` hold one each.
    """

    names: tuple[str, ...]
    day: str
    day_form: str
    mark: str
    amount: str = ""
    money_in: str = ""
    money_out: str = ""
    texts: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Columns":
        values = {field.name: stored[field.name] for field in fields(cls) if field.name in stored}
        return cls(**values | {name: tuple(values.get(name, ())) for name in ("names", "texts")})


@dataclass(frozen=True, slots=True)
class Table:
    """A file cut into cells. ``rows`` are (line of the file, cells) below the names; ``names`` are unique."""

    names: tuple[str, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]

    def column(self, name: str) -> list[str]:
        at = self.names.index(name)
        return [cells[at] if at < len(cells) else "" for _, cells in self.rows]


def text_of(content: bytes) -> str:
    """Return a file's text: UTF-8 or UTF-16 by its mark, else UTF-8, else the western page. Raises BadBankFile."""
    if len(content) > MOST_BYTES:
        raise BadBankFile([f"The file has more than {MOST_BYTES // 1_000_000} MB: export fewer days at once."])
    if content[:4] in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0"):
        raise BadBankFile(["This is a workbook. Save it as CSV (UTF-8), or export CSV or OFX at your bank."])
    if content[:4] == b"%PDF":
        raise BadBankFile(["This is a PDF. Export CSV or OFX at your bank."])
    codes = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    for code in codes:
        try:
            found = content.decode(code)
        except UnicodeDecodeError:
            continue
        if "\0" not in found:
            return found
    raise BadBankFile(["The file is no text. Export CSV or OFX at your bank."])


def table_of(text: str) -> Table:
    """Cut a file into cells and find the row with the names of its columns. Raises BadBankFile."""
    lines = text.splitlines()
    if not any(line.strip() for line in lines):
        raise BadBankFile(["The file is empty: export it again."])
    if len(lines) > MOST_LINES + _LOOKED_AT:
        raise BadBankFile([f"The file has more than {MOST_LINES:,} lines: export fewer days at once."])
    delimiter = max(_DELIMITERS, key=lambda mark: _regular(lines, mark))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    try:
        rows = [(reader.line_num, tuple(cell.strip() for cell in cells)) for cells in reader]
    except csv.Error:
        told = f"Line {reader.line_num}: a cell does not end."
        raise BadBankFile([f"{told} Look for a quotation mark that nothing closes."]) from None
    # Looking for names takes long in very many cells, so it is not done where no bank's file has as many.
    if any(len(cells) > _MOST_COLUMNS for _, cells in rows):
        raise BadBankFile([f"The file has more than {_MOST_COLUMNS} columns: export fewer."])
    at = next((n for n, (_, cells) in enumerate(rows[:_LOOKED_AT]) if _are_names(cells)), None)
    if at is None:
        raise BadBankFile(
            [
                f"No line of the first {_LOOKED_AT} names the columns. Export the file with a first line such as Date, Description, Amount."
            ]
        )
    return Table(_unique(rows[at][1]), tuple(row for row in rows[at + 1 :] if any(row[1])))


def proposed(table: Table, currency: str) -> Columns:
    """Return what the columns seem to be; "" for what cannot be told. A person confirms or corrects it."""
    day = _named(table.names, _DAY)
    money_in, money_out = _named(table.names, _IN), _named(table.names, _OUT)
    amount = "" if money_in and money_out and money_in != money_out else _named(table.names, _AMOUNT)
    if amount or not (money_in and money_out):
        money_in = money_out = ""
    # A sum below the last line may have a word in place of its day.
    days = [cell for cell in table.column(day) if any(one.isdigit() for one in cell)] if day else []
    forms = forms_of(days)
    figures = [cell for name in (amount, money_in, money_out) if name for cell in table.column(name) if cell]
    marks = [mark for mark in MARKS if figures and all(_reads(cell, mark, currency) for cell in figures)]
    # 1,234 is whole thousands or three decimals: where both can be, the mark that is last in the figures.
    mark = marks[0] if len(marks) == 1 else max(MARKS, key=lambda one: sum(cell.rfind(one) > 0 for cell in figures))
    texts = tuple(name for name in table.names if name not in (day, amount, money_in, money_out) and _is(name, _TEXT))
    return Columns(table.names, day, forms[0] if forms else "", mark, amount, money_in, money_out, texts[:4])


def in_two_ways(table: Table, columns: Columns) -> bool:
    """Whether days of the file can be read in more than one way that gives other days."""
    days = [cell for cell in table.column(columns.day) if cell] if columns.day in table.names else []
    forms = forms_of(days)
    return len({tuple(day_of(day, form) for day in days) for form in forms}) > 1


def read(table: Table, columns: Columns, currency: str, until: date) -> list[BankLine]:
    """Return the lines of a file, of no day after ``until``. Rows without a day (sums, what is not booked) are passed over.

    Raises BadBankFile: with every line that is wrong; nothing of the file may be used.
    """
    if problems := problems_of(table, columns):
        raise BadBankFile(problems)
    at = {name: table.names.index(name) for name in table.names}
    found, wrong = [], []
    for number, cells in table.rows:
        values = {name: cells[n] if n < len(cells) else "" for name, n in at.items()}
        figures = [values[name] for name in (columns.amount, columns.money_in, columns.money_out) if name]
        if not any(one.isdigit() for one in values[columns.day]):
            continue  # a sum, or what is not booked yet
        if not any(figures):
            if day_of(values[columns.day], columns.day_form):
                wrong.append(f"Line {number}: there is a day and no amount.")
            continue
        on = day_of(values[columns.day], columns.day_form)
        if on is None:
            like = FORMS[columns.day_form]
            wrong.append(
                f"Line {number}: {values[columns.day][:40]!r} is not a day like {like}. Choose how days are written."
            )
            continue
        try:
            amount = _amount(values, columns, currency)
        except BadAmount as error:
            wrong.append(f"Line {number}: {error}. Choose the columns and how decimals are written.")
            continue
        if amount:
            found.append(BankLine(number, on, amount, tidy(values[name] for name in columns.texts)))
    if wrong:
        raise BadBankFile(wrong)
    return checked(found, until)


def problems_of(table: Table, columns: Columns) -> list[str]:
    """Return what is missing of the columns, or not in the file, a sentence each."""
    found = []
    chosen = [columns.day, columns.amount, columns.money_in, columns.money_out, *columns.texts]
    found += [f"The file has no column {name[:60]!r}." for name in chosen if name and name not in table.names]
    if not columns.day:
        found.append("Choose the column with the day.")
    if columns.day_form not in FORMS:
        found.append("Choose how the days are written.")
    if columns.mark not in MARKS:
        found.append("Choose what stands before the decimals.")
    pair = (columns.money_in, columns.money_out)
    if bool(columns.amount) == any(pair) or (any(pair) and not all(pair)):
        found.append("Choose one column with the amount, or the two with money in and money out.")
    elif len({columns.day, *(name for name in (columns.amount, *pair) if name)}) < (3 if all(pair) else 2):
        found.append("Choose another column for each of day and amounts.")
    return found


def _amount(values: Mapping[str, str], columns: Columns, currency: str) -> int:
    if columns.amount:
        return amount_of(values[columns.amount], columns.mark, currency)
    came, went = (
        amount_of(values[name], columns.mark, currency) if values[name] else 0
        for name in (columns.money_in, columns.money_out)
    )
    if came and went:
        raise BadAmount("There is money in and money out in one line")
    # Some banks write what went out below zero in its own column too.
    return came - abs(went)


def _regular(lines: Sequence[str], mark: str) -> int:
    """Return how much of a file has the same number of cells with a delimiter."""
    counts = Counter(line.count(mark) for line in lines[:200] if line.strip())
    counts.pop(0, None)
    return max((count * min(cells, 12) for cells, count in counts.items()), default=0)


def _are_names(cells: Sequence[str]) -> bool:
    named = [cell for cell in cells if cell]
    if len(named) < 2 or any(forms_of([cell]) for cell in named):
        return False
    return bool(_named(cells, _DAY)) and bool(_named(cells, _AMOUNT) or (_named(cells, _IN) and _named(cells, _OUT)))


def _named(names: Sequence[str], words: Sequence[str]) -> str:
    """Return the column whose name fits best: exactly, else by its beginning, else by a word in it."""
    for fits in (str.__eq__, str.startswith, _has_word):
        for word in words:
            for name in names:
                if fits(_plain(name), word):
                    return name
    return ""


def _is(name: str, words: Sequence[str]) -> bool:
    return any(word in _plain(name) for word in words)


def _has_word(name: str, word: str) -> bool:
    return word in name.replace("/", " ").replace("-", " ").split()


def _plain(name: str) -> str:
    return " ".join(name.replace("_", " ").casefold().split())


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    found: list[str] = []
    for n, name in enumerate(names, start=1):
        short = name[:80] or f"column {n}"
        found.append(short if short not in found else f"{short} ({n})")
    return tuple(found)


def _reads(cell: str, mark: str, currency: str) -> bool:
    try:
        amount_of(cell, mark, currency)
    except BadAmount:
        return False
    return True
