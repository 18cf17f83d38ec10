"""A general ledger of a few lines, posting neutral documents the way an accountant reads them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from bookkeeping.documents import Deposit, Document, Expense, Invoice, JournalEntry, Payment, Transfer, Undo

BALANCE_SHEET = frozenset(
    [
        "CLEARING",
        "RESERVE",
        "DEFERRED",
        "TAX_WITHHELD_ASSET",
        "PAYOUTS",
        "AR",
        "INPUT_TAX",
        "TAX_CLEARING",
        "OUTPUT_TAX",
        "LOAN",
        "CHARGE_METHOD",
        "BANK",
        "PETTY",
        "OPENING",
    ]
)


class Books:
    """Amounts are cents, debit positive. A key is posted once; the same key with another body is an error."""

    def __init__(self) -> None:
        self.documents: dict[str, Document] = {}
        self.taken_back: set[str] = set()
        self.reversals: list[JournalEntry] = []

    def post(self, key: str, document: Document) -> None:
        if key in self.documents:
            assert self.documents[key] == document, f"{key} was posted with another body"
            return
        self.documents[key] = document
        if isinstance(document, Undo):
            assert document.target in self.documents, f"{document.target} is not in the books"
            if document.target_kind == "invoice":
                paying = [
                    one for one in self.live() if isinstance(one, Payment) and one.cover.invoice == document.target
                ]
                assert not paying, "an invoice is voided while a payment stands on it"
            if document.reversal:
                self.reversals.append(document.reversal)
            else:
                self.taken_back.add(document.target)
        elif isinstance(document, Payment):
            assert document.cover.invoice in self.documents, "a payment needs its invoice"
            assert self.open_balance(document.cover.invoice) >= 0, "an invoice is overpaid"

    def live(self) -> list[Document]:
        posted = [one for key, one in self.documents.items() if key not in self.taken_back]
        return [one for one in posted if not isinstance(one, Undo)] + list(self.reversals)

    def open_balance(self, invoice_key: str) -> int:
        paid = sum(one.total for one in self.live() if isinstance(one, Payment) and one.cover.invoice == invoice_key)
        return self.documents[invoice_key].total - paid

    def lines(self) -> Iterable[tuple[date, str, int]]:
        for document in self.live():
            yield from _lines(document)

    def by_name(self) -> dict[str, dict[str, int]]:
        """Profit as ``profit`` has it, but each line under the key that its own name says, not its account's."""
        named = Books()
        for n, one in enumerate(self.live()):
            named.documents[str(n)] = replace(one, income="") if isinstance(one, Invoice) else one
        return named.profit()

    def balance(self, key: str, until: date | None = None) -> int:
        return sum(amount for on, one, amount in self.lines() if one == key and (until is None or on <= until))

    def balances(self) -> dict[str, int]:
        totals: Counter[str] = Counter()
        for _, key, amount in self.lines():
            totals[key] += amount
        return {key: amount for key, amount in sorted(totals.items()) if amount}

    def profit(self) -> dict[str, dict[str, int]]:
        """Month (``2025-09``) → key → amount, income positive; keys that are 0 left out."""
        months: dict[str, Counter[str]] = {}
        for on, key, amount in self.lines():
            if key.partition("/")[0] not in BALANCE_SHEET:
                months.setdefault(f"{on:%Y-%m}", Counter())[key] -= amount
        return {
            month: {key: amount for key, amount in sorted(by_key.items()) if amount}
            for month, by_key in sorted(months.items())
            if any(by_key.values())
        }

    def count(self, *, shared: bool = True) -> dict[str, int]:
        """How many documents of each kind stand; ``shared`` payments of a customer, day and reference are one call."""
        counted: Counter[str] = Counter(one.kind.value for one in self.live())
        if shared:
            counted["payment"] = len(
                {(one.customer, one.on, one.reference) for one in self.live() if isinstance(one, Payment)}
            )
        return {kind: n for kind, n in sorted(counted.items()) if n}


def _lines(document: Document) -> Iterable[tuple[date, str, int]]:
    match document:
        case Invoice(on=on, lines=lines):
            yield on, "AR", sum(line.amount for line in lines)
            for line in lines:
                yield on, document.income or line.key, -line.amount
        case Expense(on=on, key=key, account=account, amount=amount):
            yield on, key, amount
            yield on, account, -amount
        case Payment(on=on, account=account, cover=cover):
            yield on, account, cover.amount
            yield on, "AR", -cover.amount
        case JournalEntry(on=on, lines=lines):
            assert sum(line.debit for line in lines) == sum(line.credit for line in lines), (
                f"{document.number} does not balance"
            )
            for line in lines:
                yield on, line.key, line.debit - line.credit
        case Transfer(on=on, source=source, target=target, amount=amount):
            yield on, target, amount
            yield on, source, -amount
        case Deposit(on=on, account=account, lines=lines):
            yield on, account, sum(line.amount for line in lines)
            for line in lines:
                yield on, line.key, -line.amount
