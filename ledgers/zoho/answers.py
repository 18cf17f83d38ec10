"""Zoho's answers back to deliveries. Pure.

What was posted, whether it came out as it was sent (Zoho drops fields it does not know without a word), and whether a
document that was found is ours, live and equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from bookkeeping.accounts import LineKey
from bookkeeping.documents import Invoice, Kind, Payment, Revaluation
from bookkeeping.money import to_text
from ledgers import differing
from ledgers.bound import account_of
from ledgers.port import Found, Post, Posted
from ledgers.zoho import wire
from ledgers.zoho.bodies import Company, body_of
from ledgers.zoho.translate import RESOURCES

# Where a person opens the document; the id is appended to the web application's address.
_PAGES: Final[Mapping[Kind, str]] = {
    Kind.INVOICE: "#/invoices/",
    Kind.PAYMENT: "#/paymentsreceived/",
    Kind.ENTRY: "#/accountant/journals/",
    Kind.CUSTOMER: "#/contacts/",
}
_DATES: Final[Mapping[Kind, str]] = {Kind.ENTRY: "journal_date", Kind.REVALUATION: "adjustment_date"}
_NOTES: Final = dict.fromkeys((Kind.INVOICE, Kind.ENTRY, Kind.REVALUATION), "notes")
DRAFT: Final = "draft"
# In the books only once it is marked as sent, or published.
TO_BE_SENT: Final = frozenset({DRAFT, "approved"})
# A person has to approve it first; then it is marked as sent like any other.
WAITING: Final = frozenset({"pending_approval", "rejected"})
_UNBOOKED: Final = WAITING | {DRAFT}
_VOID: Final = "void"

Row = Mapping[str, Any]


def id_of(kind: Kind, row: Row) -> str:
    """Return a remote object's id, "" where it has none."""
    return wire.text(row.get(RESOURCES[kind].id))


def version_of(row: Row) -> str:
    """Return when the object was last changed, in Zoho's own spelling: it has no other version. "" where it does not say."""
    return wire.text(row.get("last_modified_time"))


def status_of(row: Row) -> str:
    return wire.text(row.get("status")).lower()


def currency_of(row: Row, company: Company) -> str:
    """Return a document's currency code, from its code or its id, else the home currency."""
    if code := wire.text(row.get("currency_code")):
        return code
    by_id = {each: code for code, each in company.currencies.items()}
    return by_id.get(wire.text(row.get("currency_id")), company.home_currency)


def posted(
    kind: Kind,
    row: Row,
    company: Company,
    *,
    total: int | None = None,
    line_keys: Sequence[LineKey] = (),
    version: str | None = None,
) -> Posted:
    """Return a remote object as the port states it. ``total`` and ``version`` override the object's own. Raises BadAmount."""
    external_id, page = id_of(kind, row), _PAGES.get(kind)
    currency = currency_of(row, company)
    is_invoice = kind is Kind.INVOICE
    return Posted(
        external_id=external_id,
        version=version_of(row) if version is None else version,
        number=wire.text(row.get("invoice_number") or row.get("reference_number")),
        total=total_of(kind, row, company) if total is None else total,
        lines=_lines(row, line_keys, currency) if is_invoice else {},
        url=f"{company.web}{page}{external_id}" if company.web and page else "",
        balance=wire.minor(row["balance"], currency) if is_invoice and "balance" in row else None,
    )


def total_of(kind: Kind, row: Row, company: Company) -> int | None:
    """Return the object's total in minor units of its currency; None for what has none. Raises BadAmount."""
    currency = currency_of(row, company)
    if kind is Kind.ENTRY:
        lines = wire.rows(row.get("line_items"))
        debits = [wire.minor(line.get("amount"), currency) for line in lines if line.get("debit_or_credit") == "debit"]
        return sum(debits) if lines else _amount(row, "total", currency)
    if kind is Kind.REVALUATION:
        return lost(row, company.home_currency)
    name = {Kind.INVOICE: "total", Kind.PAYMENT: "amount", Kind.TRANSFER: "amount"}.get(kind)
    if kind is Kind.INVOICE and status_of(row) == _VOID:
        return 0
    return _amount(row, name, currency) if name else None


def covered(row: Row, company: Company) -> dict[str, int]:
    """Return what a payment takes off each invoice, by invoice id. Raises BadAmount."""
    taken: dict[str, int] = {}
    for line in wire.rows(row.get("invoices")):
        invoice = wire.text(line.get("invoice_id"))
        amount = wire.minor(line.get("amount_applied"), currency_of(row, company))
        taken[invoice] = taken.get(invoice, 0) + amount
    return taken


def lost(row: Row, home: str) -> int | None:
    """Return what an adjustment takes off its accounts in minor units of home currency: what it gains, the other way round.

    A list states the sum, a single one each account. None where neither is stated. Raises BadAmount.
    """
    said = [each["gain_or_loss"] for each in (row, *wire.rows(row.get("accounts"))) if "gain_or_loss" in each]
    amounts = [wire.minor(each, home) for each in said]
    if "gain_or_loss" in row:
        return -amounts[0]
    return -sum(amounts) if amounts else None


def deviations(kind: Kind, sent: Row, row: Row, company: Company) -> str:
    """Return what came out otherwise than it was sent, for a bookkeeper; "" where nothing did.

    Looked at are currency, rate, total and number, as far as the answer states them. Raises BadAmount.
    """
    said = []
    currency = currency_of({"currency_id": sent["currency_id"]}, company) if "currency_id" in sent else ""
    if currency and (stated := _stated_currency(row, company) or currency) != currency:
        said.append(f"the currency is {stated}, not {currency}")
    if "exchange_rate" in sent and row.get("exchange_rate") not in (None, ""):
        rate = wire.number(row["exchange_rate"])
        # Of a transfer counts what it comes to in home currency: its rate may have more decimals than Zoho keeps.
        if rate != wire.number(sent["exchange_rate"]) and (kind is not Kind.TRANSFER or _short(sent, row, company)):
            said.append(f"the exchange rate is {_plain(rate)}, not {_plain(wire.number(sent['exchange_rate']))}")
    if kind is Kind.INVOICE:
        wanted = sum((wire.number(each["rate"]) * each["quantity"] for each in sent["line_items"]), Decimal(0))
        if (total := wire.number(row.get("total"))) != wanted:
            said.append(f"the total is {_plain(total)}, not {_plain(wanted)}")
        if wire.text(row.get("invoice_number")) != sent["invoice_number"]:
            said.append(f"the number is {wire.text(row.get('invoice_number'))}, not {sent['invoice_number']}")
    return ", ".join(said)


def _lines(row: Row, line_keys: Sequence[LineKey], currency: str) -> dict[LineKey, int]:
    """Return the answered amounts by line key; {} where the lines do not match up."""
    lines = wire.rows(row.get("line_items"))
    if len(lines) != len(line_keys):
        return {}
    amounts: dict[LineKey, int] = {}
    for key, line in zip(line_keys, lines, strict=True):
        amounts[key] = amounts.get(key, 0) + _line_amount(line, currency)
    return amounts


def _line_amount(line: Row, currency: str) -> int:
    if line.get("item_total") not in (None, ""):
        return wire.minor(line["item_total"], currency)
    return wire.minor(wire.number(line.get("rate")) * wire.number(line.get("quantity", 1)), currency)


def _amount(row: Row, name: str, currency: str) -> int | None:
    return wire.minor(row[name], currency) if row.get(name) not in (None, "") else None


# What was found -------------------------------------------------------------------------------------------------------


def carries(kind: Kind, row: Row, marker: str) -> bool:
    """Tell whether a remote document is ours: its note has the marker as a whole word."""
    return marker in wire.markers(noted(kind, row))


def noted(kind: Kind, row: Row) -> str:
    return wire.text(row.get(_NOTES.get(kind, "description")))


def is_void(row: Row) -> bool:
    return status_of(row) == _VOID


def found(post: Post, row: Row, company: Company, *, as_draft: bool = False) -> Found:
    """Return a remote object that is ours as a look-up result, compared with what the post would write now.

    What the row does not state (a list leaves lines and accounts out) is not compared. A draft is not in the books, so it is
    never equal, but ``as_draft``. Raises NotRenderable, BadAmount.
    """
    kind, document, ours = post.document.kind, post.document, body_of(post, company)
    total: int | None = None
    line_keys: Sequence[LineKey] = ()
    if isinstance(document, Payment):
        taken = covered(row, company)
        total = taken.get(ours["invoices"][0]["invoice_id"], 0) if taken else document.total
    elif isinstance(document, Invoice):
        line_keys = tuple(line.key for line in document.lines if line.amount)
    differs = difference(kind, ours, row, company, as_draft=as_draft)
    if isinstance(document, Revaluation) and not differs:
        differs = otherwise(account_of(post, document.account), document.amount, document.rounding, row, company)
    alive = not is_void(row) and status_of(row) != "inactive" and row.get("is_active") is not False
    return Found(
        posted(kind, row, company, total=total, line_keys=line_keys),
        live=alive,
        equal=not differs,
        difference=differs,
    )


def difference(kind: Kind, ours: Row, row: Row, company: Company, *, as_draft: bool = False) -> str:
    """Return how a remote object differs from the one we write, for a bookkeeper; "" where it does not. Raises BadAmount."""
    differs = _differs(_essence(kind, ours, company, ours), _essence(kind, row, company, ours))
    if not differs and kind is Kind.TRANSFER:
        differs = _short(ours, row, company)
    if not differs and not as_draft and status_of(row) in _UNBOOKED:
        return "it is a draft, or waits for approval, and so is not in the books"
    return differs


def _short(ours: Row, row: Row, company: Company) -> str:
    """Return what a transfer comes to in home currency at the rate that Zoho kept; "" where that is as at the one that was sent.
    It may keep fewer decimals, and takes 1 where it did not understand one."""
    currency, home = currency_of(ours, company), company.home_currency
    if currency == home or row.get("exchange_rate") in (None, ""):
        return ""
    amount = wire.minor(ours["amount"], currency)
    kept, wanted = wire.number(row["exchange_rate"]), wire.number(ours["exchange_rate"])
    booked, meant = (wire.home_amount(amount, currency, rate, home) for rate in (kept, wanted))
    if booked == meant:
        return ""
    return (
        f"the exchange rate is {_plain(kept)}, not {_plain(wanted)}, so {to_text(booked, home)} {home} arrive and not "
        f"{to_text(meant, home)}"
    )


def otherwise(account: str, amount: int, rounding: int, row: Row, company: Company) -> str:
    """Return how an adjustment moved something else than this account by this amount; "" where it did not. Raises BadAmount."""
    moved = {wire.text(each.get("account_id")) for each in wire.rows(row.get("accounts"))}
    if moved and moved != {account}:
        return "the account differs"
    home = company.home_currency
    if (total := lost(row, home)) is None or abs(total - amount) <= rounding:
        return ""
    return f"the amount is {to_text(total, home)} {home}, not {to_text(amount, home)} {home}"


def _essence(kind: Kind, body: Row, company: Company, ours: Row) -> dict[str, object]:
    """Return what makes a document what it is, by a bookkeeper's name for it, alike for what we write and what Zoho keeps;
    None for what the body does not state.

    ``ours`` narrows a shared payment to the invoice of one delivery.
    """
    match kind:
        case Kind.ACCOUNT:
            return {"type": body.get("account_type"), "currency": _stated_currency(body, company)}
        case Kind.CUSTOMER:
            kept = wire.text(body.get("contact_type") or "customer")
            return {"kind of contact": kept, "currency": _stated_currency(body, company)}
        case Kind.ITEM:
            return {"income account": body.get("account_id") or None}
        case Kind.TRANSFER:
            return {
                "date": body.get("date"),
                "source account": body.get("from_account_id") or None,
                "target account": body.get("to_account_id") or None,
                "amount": _number(body.get("amount")),
                "currency": _stated_currency(body, company),
            }
        case Kind.REVALUATION:
            # Of the rate nothing is said: which one it is depends on what else was open there.
            return {"date": body.get(_DATES[kind]), "currency": _stated_currency(body, company)}
        case Kind.PAYMENT:
            invoice = ours["invoices"][0]["invoice_id"]
            taken = {wire.text(each.get("invoice_id")): each for each in wire.rows(body.get("invoices"))}
            applied = _number(taken[invoice].get("amount_applied")) if invoice in taken else Decimal(0)
            return {
                "date": body.get("date"),
                "customer": body.get("customer_id") or None,
                "account": body.get("account_id") or None,
                "invoice": applied if taken else None,
                "exchange rate": _number(body.get("exchange_rate")),
            }
        case _:
            lines = wire.rows(body.get("line_items"))
            total = _number(body.get("total"))
            return {
                "date": body.get(_DATES.get(kind, "date")),
                "customer": body.get("customer_id") or None,
                "currency": _stated_currency(body, company),
                "exchange rate": _number(body.get("exchange_rate")),
                "total": _own_total(kind, lines) if lines else total,
                "lines": sorted(_line_essences(kind, lines)) if lines else None,
            }


def _own_total(kind: Kind, lines: Sequence[Row]) -> Decimal:
    if kind is Kind.ENTRY:
        debits = (wire.number(line.get("amount")) for line in lines if line.get("debit_or_credit") == "debit")
        return sum(debits, Decimal(0))
    return sum((_extended(line) for line in lines), Decimal(0))


def _extended(line: Row) -> Decimal:
    if line.get("item_total") not in (None, ""):
        return wire.number(line["item_total"])
    return wire.number(line.get("rate")) * wire.number(line.get("quantity", 1))


def _line_essences(kind: Kind, lines: Sequence[Row]) -> Iterator[tuple[str, str, Decimal]]:
    for line in lines:
        amount = wire.number(line.get("amount")) if kind is Kind.ENTRY else _extended(line)
        yield wire.text(line.get("account_id")), wire.text(line.get("debit_or_credit")), amount


def _stated_currency(body: Row, company: Company) -> str | None:
    stated = body.get("currency_code") or body.get("currency_id")
    return currency_of(body, company) if stated else None


def _number(value: object) -> Decimal | None:
    return None if value in (None, "") else wire.number(value)


_SHOWN: Final = frozenset({"date", "amount", "type", "currency", "exchange rate", "total", "kind of contact"})


def _differs(wanted: Mapping[str, object], kept: Mapping[str, object]) -> str:
    both = {name: value for name, value in wanted.items() if value is not None and kept[name] is not None}
    return differing.difference(both, kept, _SHOWN, in_words)


def in_words(value: object) -> object:
    """Return a value for a sentence: a date as 1 Oct 2026, a number without the zeros that say nothing."""
    return _plain(value) if isinstance(value, Decimal) else differing.in_words(value)


def _plain(value: Decimal) -> str:
    """Return a number without the zeros that say nothing."""
    written = format(value, "f")
    return written.rstrip("0").rstrip(".") if "." in written else written
