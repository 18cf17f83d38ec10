"""What invoices and credit notes share: lines, discounts, taxes, totals, and the entry they make (sheet §7, §8)."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import charts, errors, masters
from ledgers.zoho.sandbox.fields import (
    Doc,
    day,
    empty,
    needed,
    needed_number,
    number,
    objects,
    optional_number,
    plain,
    text,
    true,
)
from ledgers.zoho.sandbox.organization import Money, Organization
from sandbox.books import Posting

NUMBER_LENGTH: Final = 100
_ZERO: Final = Decimal(0)


@dataclass(frozen=True, slots=True)
class Line:
    """``income`` is what its account gets, before discounts and without tax."""

    shown: Doc
    account: str
    gross: Decimal
    discount: Decimal
    tax: Decimal
    tax_name: str

    @property
    def net(self) -> Decimal:
        return self.gross - self.discount


@dataclass(frozen=True, slots=True)
class Sale:
    """A document without its number and state: ``doc`` as answered, ``postings`` as an invoice makes them."""

    doc: Doc
    money: Money
    total: Decimal
    postings: list[Posting]


def build(organization: Organization, kind: str, merged: Doc) -> Sale:
    """An invoice's or a credit note's content.

    Raises:
        Fault: whatever forbids it.
    """
    contact = organization.contact(merged.get("customer_id"))
    on_date = day(merged.get("date") or organization.today(), "date")
    money = organization.money(merged, on_date, organization.currency(contact["currency_id"]))
    if money.currency["currency_id"] != contact["currency_id"] and not organization.info["contact_currencies"]:
        raise organization.refuse("The currency of the transaction differs from the currency of the customer.")
    inclusive = true(merged.get("is_inclusive_tax"))
    given = objects(merged, "line_items")
    if not given:
        raise errors.missing_field("line_items")
    level = text(merged, "discount_type", default="item_level" if empty(merged.get("discount")) else "entity_level")
    if level not in ("entity_level", "item_level"):
        raise errors.invalid_field("discount_type")
    lines = [_line(organization, each, at, money, level, inclusive) for at, each in enumerate(given, 1)]

    sub_total = sum((line.net for line in lines), _ZERO)
    discount = _discount(money, merged.get("discount"), sub_total) if level == "entity_level" else _ZERO
    if discount and true(merged.get("is_discount_before_tax"), default=True) and sub_total:
        share = 1 - discount / sub_total
        lines = [_taxed_less(line, money, share) for line in lines]
    taxes = sum((line.tax for line in lines), _ZERO)
    shipping = money.rounded(optional_number(merged, "shipping_charge"))
    adjustment = money.rounded(optional_number(merged, "adjustment"))
    total = sub_total - discount + (_ZERO if inclusive else taxes) + shipping + adjustment
    if total < 0:
        raise organization.refuse(f"The total of the {kind} cannot be negative.")

    doc: Doc = {
        "customer_id": contact["contact_id"],
        "customer_name": contact["contact_name"],
        "date": on_date,
        **money.fields(),
        "reference_number": text(merged, "reference_number", 100),
        "is_inclusive_tax": inclusive,
        "discount": plain(discount),
        "discount_type": level,
        "is_discount_before_tax": true(merged.get("is_discount_before_tax"), default=True),
        "line_items": [{**line.shown, "tax_amount": plain(line.tax)} for line in lines],
        "shipping_charge": plain(shipping),
        "adjustment": plain(adjustment),
        "adjustment_description": text(merged, "adjustment_description", 100),
        "sub_total": plain(sub_total),
        "tax_total": plain(taxes),
        "total": plain(total),
        "bcy_sub_total": plain(money.in_base(sub_total)),
        "bcy_tax_total": plain(money.in_base(taxes)),
        "bcy_total": plain(money.in_base(total)),
        "taxes": _by_tax(lines),
        "notes": text(merged, "notes", 5000),
        "terms": text(merged, "terms", 10000),
        "rounding_mode": "round_half_up",
        "bcy_rounding_mode": "round_half_up",
        "tax_rounding": "item_level",
        "roundoff_value": 0,
        "transaction_rounding_type": "no_rounding",
    }
    amounts = {
        charts.DISCOUNT: discount + sum((line.discount for line in lines), _ZERO),
        charts.SHIPPING: -shipping,
        charts.OTHER_CHARGES: -adjustment,
        charts.TAX_PAYABLE: -taxes,
    }
    entry = [money.posting(organization.system(charts.RECEIVABLE), total)]
    for line in lines:
        income = line.gross - (line.tax if inclusive else _ZERO)
        entry.append(money.posting(line.account, -income, str(line.shown["description"])))
    entry += [money.posting(organization.system(name), amount) for name, amount in amounts.items() if amount]
    return Sale(doc, money, total, organization.balanced(entry, money))


def _line(organization: Organization, given: Doc, order: int, money: Money, level: str, inclusive: bool) -> Line:
    item: Doc | None = None
    if not empty(given.get("item_id")):
        item = organization.need("item", str(given["item_id"]), 400)
        organization.check_active(item, "item", item["name"])
    name = text(given, "name", 200) or (item["name"] if item else "")
    description = text(given, "description", 2000) or (item["description"] if item else "")
    if item is None and not name and empty(given.get("account_id")):
        raise errors.missing_field("item_id")
    account_id = text(given, "account_id") or (item["account_id"] if item else "")
    account = organization.account(account_id or organization.system(charts.SALES), "account_id")
    rate = Decimal(item["rate"]) if item and empty(given.get("rate")) else needed_number(given, "rate")
    quantity = optional_number(given, "quantity", Decimal(1))
    if quantity <= 0:
        raise errors.invalid_field("quantity")
    if rate < 0 and organization.info["einvoicing"]:
        raise organization.refuse("The rate of a line cannot be negative.")
    gross = money.rounded(rate * quantity)
    discount = _discount(money, given.get("discount"), gross) if level == "item_level" else _ZERO
    tax_doc = masters.tax(organization, given.get("tax_id"))
    percentage = Decimal(tax_doc["tax_percentage"]) if tax_doc else _ZERO
    shown: Doc = {
        "line_item_id": text(given, "line_item_id") or organization.new_id(),
        "item_id": item["item_id"] if item else "",
        "name": name,
        "description": description,
        "item_order": order,
        "account_id": account["account_id"],
        "account_name": account["account_name"],
        "rate": plain(rate),
        "bcy_rate": plain(money.in_base(money.rounded(rate))),
        "quantity": plain(quantity),
        "unit": text(given, "unit", 100) or (item["unit"] if item else ""),
        "discount": plain(discount),
        "discount_amount": plain(discount),
        "tax_id": tax_doc["tax_id"] if tax_doc else "",
        "tax_name": tax_doc["tax_name"] if tax_doc else "",
        "tax_type": "tax",
        "tax_percentage": plain(percentage),
        "item_total": plain(gross - discount),
        "tags": [],
    }
    line = Line(shown, account["account_id"], gross, discount, _ZERO, shown["tax_name"])
    return _with_tax(line, money, line.net, percentage, inclusive)


def _with_tax(line: Line, money: Money, base: Decimal, percentage: Decimal, inclusive: bool) -> Line:
    part = base * percentage / (100 + percentage) if inclusive else base * percentage / 100
    return Line(line.shown, line.account, line.gross, line.discount, money.rounded(part), line.tax_name)


def _taxed_less(line: Line, money: Money, share: Decimal) -> Line:
    return Line(line.shown, line.account, line.gross, line.discount, money.rounded(line.tax * share), line.tax_name)


def _discount(money: Money, given: object, amount: Decimal) -> Decimal:
    """A number, or a percentage as text: ``10%``."""
    if empty(given):
        return _ZERO
    if isinstance(given, str) and given.endswith("%"):
        return money.rounded(amount * number(given[:-1], "discount") / 100)
    return money.rounded(number(given, "discount"))


def _by_tax(lines: list[Line]) -> list[Doc]:
    totals: dict[str, Decimal] = {}
    for line in lines:
        if line.tax_name:
            totals[line.tax_name] = totals.get(line.tax_name, _ZERO) + line.tax
    return [{"tax_name": name, "tax_amount": plain(amount)} for name, amount in totals.items()]


# Numbers


def folded(value: str) -> str:
    return "".join(value.split()).casefold()


def document_number(
    organization: Organization, kind: str, prefix: str, merged: Mapping[str, object], old: Doc | None, *, own: bool
) -> str:
    """The number of a document. ``own``: ``ignore_auto_number_generation`` was sent, so the number must come along.

    Raises:
        Fault: 4 without a number, 15, the duplicate code.
    """
    field = f"{kind}_number"
    given = text(merged, field, NUMBER_LENGTH).strip()
    if old and (not given or given == old[field]):
        return str(old[field])
    if own and not given:
        needed(merged, field)
    if not own and old is None and (not given or organization.switches["unmarked_number"] == "ignored"):
        while True:
            made = f"{prefix}{organization.next_number(kind):06d}"
            if not _number_taken(organization, kind, made, old):
                return made
    if _number_taken(organization, kind, given, old):
        code = organization.switches["duplicate_number_code"]
        raise errors.Fault(code, f"{kind.capitalize()} number “{given}” already exists.")
    return given


def _number_taken(organization: Organization, kind: str, number_: str, old: Doc | None) -> bool:
    for doc in organization.store.find(kind, "$._.number", [folded(number_)], organization.id):
        if old is None or doc[f"{kind}_id"] != old[f"{kind}_id"]:
            return True
    return False


# What settles what: an application is a payment's or a credit note's part on an invoice.


def applications(organization: Organization, field: str, id_: str) -> list[Doc]:
    """``field`` is ``invoice_id`` or ``source_id``."""
    return organization.store.find("application", f"$.{field}", [id_], organization.id)


def applied(docs: list[Doc]) -> Decimal:
    return sum((Decimal(each["amount"]) for each in docs), _ZERO)


def open_balance(organization: Organization, invoice: Doc) -> Decimal:
    if invoice["_"]["state"] == "void":
        return _ZERO
    return Decimal(invoice["total"]) - applied(applications(organization, "invoice_id", invoice["invoice_id"]))


def apply(organization: Organization, source: str, source_id: str, invoice_id: str, amount: Decimal) -> Doc:
    doc = {
        "application_id": organization.new_id(),
        "source": source,
        "source_id": source_id,
        "invoice_id": invoice_id,
        "amount": plain(amount),
        "date": organization.today(),
    }
    _touch(organization, invoice_id)
    return organization.put("application", doc)


def release(organization: Organization, docs: list[Doc]) -> None:
    for each in docs:
        organization.books.remove(f"application:{each['application_id']}")
        organization.store.delete("application", each["application_id"], organization.id)
        _touch(organization, each["invoice_id"])


def _touch(organization: Organization, invoice_id: str) -> None:
    """An invoice has changed when what is applied to it has."""
    invoice = organization.need("invoice", invoice_id)
    organization.put("invoice", {**invoice, "last_modified_time": organization.stamp()})


def over_applied() -> errors.Fault:
    return errors.Fault(24016, "The amount applied to the invoice exceeds the invoice balance.")
