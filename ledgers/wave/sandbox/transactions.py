"""Money transactions: written once, never read, changed or deleted by the API (sheet §5, §6)."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from ledgers.wave.sandbox.business import Business, Doc
from ledgers.wave.sandbox.refusals import InputRefused, refused
from ledgers.wave.sandbox.subtypes import CONTRA, SYSTEM, normal_side
from sandbox.books import Posting

# The text that integrators saw (sheet §2).
_UNBALANCED: Final = "Transaction must have at least one debit and credit line item."
_ANCHORS: Final = frozenset({"CASH_AND_BANK", "CREDIT_CARD", "LOANS"})
# As a line these would make the transaction a transfer, which the API does not have.
_BANK_TYPES: Final = frozenset({"CASH_AND_BANK", "CREDIT_CARD", "MONEY_IN_TRANSIT"})


@dataclass(frozen=True, slots=True)
class _Line:
    """One side of the double entry; ``amount`` in minor units of the anchor's currency, debit positive."""

    account: Doc
    amount: int
    memo: str


def create(business: Business, given: Doc) -> Doc:
    """The stored transaction, or the first one of the same externalId where the switch says so.

    Raises:
        InputRefused: what forbids it; nothing is stored.
        GraphQLError: NOT_FOUND for an id of elsewhere.
    """
    if business.info["classic"]:
        raise refused("Transactions cannot be created in a business with classic accounting.", "businessId")
    external = given["externalId"]
    if not external.strip():
        raise refused("External id is required.", "externalId")
    if first := _first(business, external):
        return first
    business.check_open(given["date"], "date")
    anchor = _anchor(business, given["anchor"])
    lines = _lines(business, given["lineItems"], anchor.account["currency"])
    if not lines or anchor.amount + sum(line.amount for line in lines):
        raise refused(_UNBALANCED, "lineItems")
    return _store(business, {**_plain(given), "by": "api"}, anchor.account["currency"], [anchor, *lines])


def create_many(business: Business, given: list[Doc]) -> tuple[list[Doc | None], list[Doc]]:
    """(transactions by position, None where one was refused; input errors). Atomic or partial, by the switch.

    Raises:
        InputRefused: atomic, and one was refused.
    """
    made: list[Doc | None] = []
    errors: list[Doc] = []
    for at, each in enumerate(given):
        try:
            with business.store.transaction():
                made.append(create(business, each))
        except InputRefused as refusal:
            made.append(None)
            errors += refusal.under("transactions", str(at)).errors
    if errors and business.switches["bulk"] == "atomic":
        raise InputRefused(errors)
    return made, errors


def _first(business: Business, external: str) -> Doc | None:
    """The transaction that has this externalId already, if it is to be answered. Raises InputRefused."""
    taken = business.get("externalId", external)
    if taken is None or business.switches["duplicate_external_id"] == "twice":
        return None
    if taken["deleted"] and business.switches["external_id_after_delete"] == "free":
        return None
    if business.switches["duplicate_external_id"] == "first":
        return {"id": taken["transaction"]}
    raise refused("A transaction with this external id already exists.", "externalId", code="UNIQUE")


def _anchor(business: Business, given: Doc) -> _Line:
    account = business.open_account(given["accountId"], "anchor", "accountId")
    subtype = account["subtype"]
    allowed = subtype in _ANCHORS
    if subtype == "MONEY_IN_TRANSIT":
        allowed = business.switches["money_in_transit_anchor"] == "allowed"
    if business.switches["anchor_whitelist"] == "lenient":
        allowed = subtype not in SYSTEM and account["type"] in ("ASSET", "LIABILITY", "EQUITY")
    if not allowed:
        raise refused("The anchor account must be a money account.", "anchor", "accountId")
    amount = business.minor(given["amount"], account["currency"], "anchor", "amount")
    return _Line(account, amount if given["direction"] == "DEPOSIT" else -amount, "")


def _lines(business: Business, given: list[Doc], currency: str) -> list[_Line]:
    limit = business.switches["line_limit"]
    if limit and len(given) > limit:
        raise refused(f"A transaction has at most {limit} line items.", "lineItems")
    return [line for at, each in enumerate(given) for line in _line(business, each, currency, ("lineItems", str(at)))]


def _line(business: Business, given: Doc, currency: str, path: tuple[str, ...]) -> list[_Line]:
    """The line and its taxes."""
    account = business.open_account(given["accountId"], *path, "accountId")
    if account["subtype"] in SYSTEM or account["subtype"] in _BANK_TYPES:
        raise refused("The account cannot be used in a line item.", *path, "accountId")
    if account["currency"] not in (currency, business.home):
        raise refused("The account is in another currency.", *path, "accountId")
    if given.get("customerId"):
        business.refer("Customer", given["customerId"], *path, "customerId")
    sign = _sign(given["balance"], account)
    amount = business.minor(given["amount"], currency, *path, "amount")
    memo = given.get("description") or ""
    taxes = []
    for at, each in enumerate(given.get("taxes") or []):
        tax = business.refer("SalesTax", each["salesTaxId"], *path, "taxes", str(at), "salesTaxId")
        tax_amount = business.minor(each["amount"], currency, *path, "taxes", str(at), "amount")
        taxes.append(_Line(business.need("Account", tax["accountId"]), sign * tax_amount, memo))
    if business.switches["line_tax"] == "included":
        amount -= sum(abs(tax.amount) for tax in taxes)
    return [_Line(account, sign * amount, memo), *taxes]


def _sign(balance: str, account: Doc) -> int:
    if balance in ("DEBIT", "CREDIT"):
        return 1 if balance == "DEBIT" else -1
    up = 1 if normal_side(account["type"]) == "DEBIT" else -1
    if account["subtype"] in CONTRA:
        up = -up
    return up if balance == "INCREASE" else -up


def _plain(given: Doc) -> Doc:
    """What was sent, for the side door: amounts as text."""
    return {
        **{key: given.get(key) for key in ("externalId", "date", "description", "notes")},
        "anchor": {**given["anchor"], "amount": str(given["anchor"]["amount"])},
        "lineItems": [
            {**line, "amount": str(line["amount"]),
             "taxes": [{**tax, "amount": str(tax["amount"])} for tax in line.get("taxes") or []]}
            for line in given["lineItems"]
        ],
    }  # fmt: skip


def _store(business: Business, values: Doc, currency: str, lines: list[_Line]) -> Doc:
    doc = business.new("Transaction", values)
    if values["externalId"]:
        kept = {"transaction": doc["id"], "deleted": False}
        business.store.put("externalId", values["externalId"], kept, business.uuid)
    _post(business, doc, currency, lines)
    return doc


def _post(business: Business, doc: Doc, currency: str, lines: list[_Line]) -> None:
    """Into the books. What converting line by line leaves over goes to the first line."""
    rate = business.rate(currency, "anchor", "accountId")
    home = [business.converted(line.amount, currency, rate) for line in lines]
    home[0] -= sum(home)
    postings = [
        Posting(line.account["id"], currency, line.amount, at_home, line.memo)
        for line, at_home in zip(lines, home, strict=True)
    ]
    business.post(f"Transaction:{doc['id']}", doc["date"], postings)


# By hand: a person may do what the API may not. ``sides`` are accounts and signed amounts, debit positive, home currency.


def create_by_hand(business: Business, on_date: str, description: str, sides: list[tuple[Doc, Decimal]]) -> Doc:
    lines = _sides(business, sides, description)
    values = {"externalId": None, "date": on_date, "description": description, "notes": None, "by": "person"}
    return _store(business, {**values, "sides": _shown(sides)}, business.home, lines)


def edit_by_hand(business: Business, transaction: Doc, on_date: str, sides: list[tuple[Doc, Decimal]]) -> Doc:
    lines = _sides(business, sides, transaction["description"])
    doc = business.changed("Transaction", transaction, {"date": on_date, "sides": _shown(sides)})
    _post(business, doc, business.home, lines)
    return doc


def delete_by_hand(business: Business, transaction: Doc) -> None:
    business.unpost(f"Transaction:{transaction['id']}")
    business.store.delete("Transaction", transaction["id"], business.uuid)
    if external := transaction["externalId"]:
        kept = {"transaction": transaction["id"], "deleted": True}
        business.store.put("externalId", external, kept, business.uuid)


def _sides(business: Business, sides: list[tuple[Doc, Decimal]], memo: str) -> list[_Line]:
    lines = []
    for account, amount in sides:
        sign = -1 if amount < 0 else 1
        lines.append(_Line(account, sign * business.minor(abs(amount), business.home), memo))
    if sum(line.amount for line in lines) or not lines:
        raise refused(_UNBALANCED)
    return lines


def _shown(sides: list[tuple[Doc, Decimal]]) -> list[Doc]:
    return [{"accountId": account["id"], "amount": str(amount)} for account, amount in sides]
