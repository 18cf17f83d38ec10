"""FreshBooks' objects back to deliveries. Pure.

What was posted, and whether a document that was found is ours, live and equal.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final

from bookkeeping.accounts import LineKey
from bookkeeping.documents import Invoice, Kind
from ledgers.differing import difference, in_words
from ledgers.freshbooks import wire
from ledgers.freshbooks.accounts import is_deleted
from ledgers.freshbooks.bodies import Company, as_made, body_of
from ledgers.freshbooks.wire import Body, Row
from ledgers.port import Found, Post, Posted, Unknown

_MARKED: Final[Mapping[Kind, str]] = {
    Kind.INVOICE: "notes",
    Kind.PAYMENT: "note",
    Kind.EXPENSE: "notes",
    Kind.ENTRY: "description",
    Kind.TRANSFER: "description",
}
_DRAFT: Final = "draft"
_AT: Final = "@"


def marker_of(kind: Kind, row: Row) -> str:
    """Return our mark in a document, "" where it has none."""
    return wire.marker_of(row.get(_MARKED[kind])) if kind in _MARKED else ""


def is_draft(row: Row) -> bool:
    """Tell whether an invoice is in no books yet. Its numeric status lags behind the one in words."""
    spoken = row.get("v3_status")
    return spoken in (_DRAFT, "created") if spoken else row.get("status") == 1


def posted(kind: Kind, row: Row, currency: str = "", line_keys: Sequence[LineKey] = ()) -> Posted:
    """Return a remote object as the port states it. Raises BadAmount.

    An entry has no address of its own: its id names the day under which it is found again.
    """
    return Posted(
        external_id=external_id(kind, row),
        version=str(row.get("version") or row.get("updated") or "") if kind not in (Kind.ENTRY, Kind.TRANSFER) else "",
        number=str(row.get("invoice_number") or row.get("name") or ""),
        total=total_of(kind, row, currency),
        lines=_lines(row, line_keys, currency) if kind is Kind.INVOICE else {},
        balance=wire.minor(row["outstanding"], currency) if kind is Kind.INVOICE and row.get("outstanding") else None,
    )


def external_id(kind: Kind, row: Row) -> str:
    """Return the id under which a document is kept and read again. Raises Unknown where the answer has none."""
    match kind:
        case Kind.ENTRY | Kind.TRANSFER:
            number = row.get("entryid") or row.get("id")
            found = f"{number}{_AT}{row.get('user_entered_date')}" if number else ""
        case Kind.ACCOUNT:
            found = str(row.get("jesa_id") or "")
        case _:
            found = str(row.get("id") or "")
    if not found:
        raise Unknown(f"FreshBooks answered without the id of the {kind.value}")
    return found


def entry_of(external: str) -> tuple[str, date | None]:
    """Return number and day of an entry from its id."""
    number, _, day = external.partition(_AT)
    try:
        return number, date.fromisoformat(day)
    except ValueError:
        return number, None


def total_of(kind: Kind, row: Row, currency: str) -> int | None:
    """Return the object's total in minor units; None for what has none. Raises BadAmount."""
    match kind:
        case Kind.ENTRY | Kind.TRANSFER:
            details, code = row.get("details") or (), str(row.get("currency_code") or currency)
            return sum(wire.minor(each["debit"], code) for each in details if each.get("debit"))
        case Kind.INVOICE | Kind.PAYMENT | Kind.EXPENSE:
            return wire.minor(row["amount"], currency) if row.get("amount") else None
        case _:
            return None


def _lines(row: Row, line_keys: Sequence[LineKey], currency: str) -> dict[LineKey, int]:
    """Return the answered amounts by line key; {} where the lines do not match up."""
    lines = row.get("lines") or ()
    if len(lines) != len(line_keys):
        return {}
    amounts: dict[LineKey, int] = {}
    for key, line in zip(line_keys, lines, strict=True):
        amounts[key] = amounts.get(key, 0) + _line(line, currency)
    return amounts


def _line(line: Row, currency: str) -> int:
    """Return what a line adds up to: as answered, else quantity times price."""
    if line.get("amount"):
        return wire.minor(line["amount"], currency)
    return int(Decimal(str(line.get("qty") or 0)) * wire.minor(line.get("unit_cost"), currency))


# What was found -------------------------------------------------------------------------------------------------------


def found(post: Post, row: Row, company: Company) -> Found:
    """Return a remote object that is ours as a look-up result, compared with what the post would write now."""
    made = as_made(post)
    line_keys: Sequence[LineKey] = ()
    if isinstance(made.document, Invoice):
        line_keys = [line.key for line in made.document.lines if line.amount]
    return found_as(made.document.kind, body_of(made, company), row, company, line_keys)


def found_as(kind: Kind, wanted: Body, row: Row, company: Company, line_keys: Sequence[LineKey] = ()) -> Found:
    """Return a remote object compared with the body that was written, or would be. Raises BadAmount."""
    currency = _currency(kind, wanted) or company.home_currency
    ours, theirs = _essence(kind, wanted, currency), _essence(kind, row, currency)
    return Found(
        posted(kind, row, currency, line_keys),
        live=is_live(kind, row),
        equal=ours == theirs,
        difference=_differs(ours, theirs, currency),
    )


def is_live(kind: Kind, row: Row) -> bool:
    """Tell whether an object counts: an archived document does, an archived account, client or item cannot be used."""
    if kind in (Kind.CUSTOMER, Kind.ITEM):
        return not row.get("vis_state")
    return row.get("state") != "archived" if kind is Kind.ACCOUNT else not is_deleted(row)


def _currency(kind: Kind, body: Body) -> str:
    return (
        wire.code_of(body.get("amount"))
        if kind in (Kind.PAYMENT, Kind.EXPENSE)
        else str(body.get("currency_code") or "")
    )


def _essence(kind: Kind, row: Row, currency: str) -> dict[str, object]:
    """Return what makes a document what it is, by a bookkeeper's name for it, alike for what we write and what FreshBooks
    keeps."""
    match kind:
        case Kind.ACCOUNT:
            return {"type": row.get("sub_type")}
        case Kind.CUSTOMER:
            return {"currency": row.get("currency_code")}
        case Kind.ITEM:
            return {"name": row.get("name")}
        case Kind.PAYMENT:
            return {
                "date": row.get("date"),
                "invoice": str(row.get("invoiceid")),
                "amount": _amount(row, currency),
                "currency": wire.code_of(row.get("amount")),
                _CREDIT: bool(row.get("overpaymentid")),
            }
        case Kind.EXPENSE:
            return {
                "date": row.get("date"),
                "category": str(row.get("categoryid")),
                "amount": _amount(row, currency),
                "currency": wire.code_of(row.get("amount")),
            }
        case Kind.INVOICE:
            lines = [_line(line, currency) for line in row.get("lines") or ()]
            return {
                "date": row.get("create_date"),
                "client": str(row.get("customerid")),
                "currency": row.get("currency_code"),
                "amount": _amount(row, currency) if row.get("amount") else sum(lines),
                "lines": sorted(lines),
                "state": "a draft" if is_draft(row) else "sent",
            }
        case _:
            return {
                "date": row.get("user_entered_date"),
                "currency": row.get("currency_code"),
                "lines": sorted(_sides(row.get("details") or (), currency)),
            }


def _amount(row: Row, currency: str) -> int:
    return wire.minor(row.get("amount"), currency)


def _sides(details: Iterable[Row], currency: str) -> list[tuple[str, int]]:
    """Return (sub-account, amount) of each line, debit positive."""
    sides: list[tuple[str, int]] = []
    for each in details:
        debit, credit = (wire.minor(each[side], currency) if each.get(side) else 0 for side in ("debit", "credit"))
        sides.append((str(each.get("sub_accountid")), debit - credit))
    return sides


_SHOWN: Final = ("date", "amount", "currency", "type", "state")
_CREDIT: Final = "credit of the client"


def _differs(ours: Mapping[str, object], theirs: Mapping[str, object], currency: str) -> str:
    """Return what differs for a bookkeeper, "" where nothing does."""

    def said(value: object) -> object:
        return f"{wire.money(value, currency)['amount']} {currency}" if isinstance(value, int) else in_words(value)

    alike = {name: value for name, value in ours.items() if name != _CREDIT}
    differs = difference(alike, theirs, _SHOWN, said)
    if ours.get(_CREDIT) == theirs.get(_CREDIT):
        return differs
    credit = "a part of it became a credit of the client, because less was open on the invoice"
    return f"{differs}, {credit}" if differs else credit
