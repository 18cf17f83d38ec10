"""What building a transaction yields: the object to answer with, what it posts, and what it is applied to."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import Company, Doc
from ledgers.quickbooks.sandbox.schema import amount
from sandbox.books import Posting


@dataclass(frozen=True, slots=True)
class Link:
    """``amount`` of this transaction settles part of another one (invoice, credit memo), or takes it into a deposit
    (``amount`` 0). The other one shows it as LinkedTxn."""

    kind: str
    id: str
    amount: Decimal


@dataclass(slots=True)
class Draft:
    doc: Doc
    postings: list[Posting]
    links: list[Link] = field(default_factory=list)


def header(company: Company, body: Doc, fields: tuple[str, ...]) -> Doc:
    """The plain header fields every transaction shares, and ``fields`` as they were given."""
    doc: Doc = {"TxnDate": body.get("TxnDate") or company.today()}
    for name in ("DocNumber", "PrivateNote", *fields):
        if body.get(name) is not None:
            doc[name] = body[name]
    doc |= {key: value for key, value in company.tracked(body, line=False).items() if key != "ClassRef"}
    return doc


def currency_fields(company: Company, currency: str, rate: Decimal, total: Decimal) -> Doc:
    """CurrencyRef always; rate and home total only where the company has several currencies."""
    doc: Doc = {"CurrencyRef": {"value": currency}}
    if company.multicurrency:
        doc["ExchangeRate"] = rate
        doc["HomeTotalAmt"] = (total * rate).quantize(Decimal("0.01"))
    return doc


def lines_of(body: Doc) -> list[Doc]:
    """The lines to work on; the subtotal line the server adds is nobody's input."""
    return [line for line in body.get("Line") or [] if line.get("DetailType") != "SubTotalLineDetail"]


def line_ids(lines: list[Doc], old: Doc | None, *, first: int) -> list[str]:
    """An id per line: the known one it carries, or a new one."""
    known = {each["Id"] for each in (old or {}).get("Line", []) if "Id" in each}
    used = [int(each) for each in known if each.isdigit()]
    following = max(used, default=first - 1) + 1
    ids = []
    for line in lines:
        if line.get("Id") in known and line["Id"] not in ids:
            ids.append(line["Id"])
        else:
            ids.append(str(following))
            following += 1
    return ids


def line_amount(line: Doc) -> Decimal:
    if line.get("Amount") is None:
        raise errors.required("Amount")
    return amount("Amount", line["Amount"])


def detail(line: Doc, name: str) -> Any:
    return line.get(name) or {}
