"""The refusal of a settlement file, in words a bookkeeper can act on."""

from typing import Final

DOWNLOAD_AGAIN: Final = (
    "Download the settlement again from Seller Central (Reports > Payments > Reports repository, flat file V2) "
    "and upload it unopened: a spreadsheet changes such a file when it saves it."
)


class BadSettlementFile(Exception):
    """A settlement file that cannot be trusted; nothing of it may be used.

    ``line`` is the physical line from 1 (the column header is line 1), 0 when the file as a whole is meant. ``problem``
    says what is wrong, ``action`` what to do; both are whole sentences.
    """

    def __init__(self, line: int, problem: str, action: str = DOWNLOAD_AGAIN) -> None:
        self.line, self.problem, self.action = line, problem, action
        super().__init__(f"Line {line}: {problem} {action}" if line else f"{problem} {action}")

    def __reduce__(self) -> tuple[type["BadSettlementFile"], tuple[int, str, str]]:
        # Large files are parsed in a child process: the exception has to survive pickling.
        return BadSettlementFile, (self.line, self.problem, self.action)


class BadCell(Exception):
    """A cell that cannot be read; the reader adds line and column. The text completes "<column> is <cell>: …"."""
