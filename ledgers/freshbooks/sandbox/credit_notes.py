"""Credit notes: what a client may still use up, kept in Customer Credit (sheet §5). They never move cash back."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ledgers.freshbooks.sandbox import errors, lines
from ledgers.freshbooks.sandbox.business import ACTIVE, DELETED, Business, Entry, Line
from ledgers.freshbooks.sandbox.charts import CUSTOMER_CREDIT, DISCOUNTS, PETTY_CASH, TAXES_PAYABLE
from ledgers.freshbooks.sandbox.clients import vis_state
from ledgers.freshbooks.sandbox.fields import Doc, code_of, day, integer, money, need, short

_OBJECT = "credit_note"
_TYPES = ("goodwill", "prepayment")


def write(business: Business, body: Mapping[str, Any], old: Doc | None) -> Doc:
    """Raises:
    Refusal: 1001, 1004, 1012; 1004 for one that is used up in part and would be changed or deleted.
    """
    if old is None:
        need(body, ("clientid", "create_date"), _OBJECT)
        client = business.referred("client", integer(body["clientid"], "clientid", _OBJECT), "clientid", _OBJECT)
        doc = _new(business, client)
    else:
        doc = {**old, "_": dict(old["_"])}
    before = doc["create_date"]
    if "create_date" in body:
        doc["create_date"] = day(body["create_date"], "create_date", _OBJECT)
    business.check_open(_OBJECT, before, doc["create_date"])
    if body.get("currency_code") and old is None:
        doc["currency_code"] = code_of(body["currency_code"], "currency_code", _OBJECT)
    if "credit_type" in body and body["credit_type"] != doc["credit_type"]:
        if body["credit_type"] not in _TYPES:
            raise errors.invalid("There is no such credit type.", "credit_type", _OBJECT, body["credit_type"])
        doc["credit_type"] = body["credit_type"]
    for name in ("credit_number", "notes", "terms", "language"):
        if body.get(name) is not None:
            doc[name] = short(body[name], name, _OBJECT, business.switches["notes_length"] if name == "notes" else 0)
    code = doc["currency_code"]
    if "lines" in body:
        doc["lines"] = lines.read(business, body["lines"], code, _OBJECT)
        sums = lines.totals(doc["lines"], Decimal(0), code)
        if sums.total < 0:
            raise errors.invalid("A credit note cannot be negative.", "lines", _OBJECT, sums.total)
        doc["amount"], doc["_"]["tax"] = money(sums.total, code), str(sums.tax)
    doc["vis_state"] = vis_state(body, doc["vis_state"], _OBJECT)
    used = Decimal(doc["paid"]["amount"])
    if doc["credit_type"] == "overpayment" and (doc["vis_state"] == DELETED or "lines" in body):
        raise errors.invalid("The credit belongs to a payment.", "credit_type", _OBJECT)
    if used and (doc["vis_state"] == DELETED or used > Decimal(doc["amount"]["amount"])):
        raise errors.invalid("The credit has been used.", "vis_state", _OBJECT)
    return _stored(business, doc)


def _new(business: Business, client: Doc) -> Doc:
    id_ = business.next_id(_OBJECT, 55_001)
    code = client["currency_code"]
    return {
        "id": id_,
        "creditid": id_,
        "clientid": client["id"],
        "accounting_systemid": business.info["account_id"],
        "credit_number": f"CR{id_ - 55_000:07d}",
        "credit_type": "goodwill",
        "create_date": "",
        "currency_code": code,
        "language": "en",
        "notes": "",
        "terms": None,
        "amount": money(Decimal(0), code),
        "paid": money(Decimal(0), code),
        "lines": [],
        "status": "created",
        "display_status": "created",
        "vis_state": ACTIVE,
        "_": {"tax": "0", "client": str(client["id"])},
    }


def _stored(business: Business, doc: Doc) -> Doc:
    amount, used = Decimal(doc["amount"]["amount"]), Decimal(doc["paid"]["amount"])
    doc["payment_status"] = "unpaid" if not used else "paid" if used == amount else "partial"
    doc["updated"] = business.stamp()
    business.put(_OBJECT, doc["id"], doc)
    source = f"credit:{doc['id']}"
    if doc["vis_state"] == DELETED:
        business.unbook(source)
    elif doc["credit_type"] != "overpayment":
        # What is paid in advance came in as money; goodwill lowers income. An overpayment is in its payment's entry.
        other = PETTY_CASH if doc["credit_type"] == "prepayment" else DISCOUNTS
        tax = Decimal(doc["_"]["tax"])
        posted = [
            Line(business.account(other), amount - tax),
            Line(business.account(TAXES_PAYABLE), tax),
            Line(business.account(CUSTOMER_CREDIT), -amount),
        ]
        links = {"creditid": doc["id"], "clientid": doc["clientid"]}
        name = f"Credit {doc['credit_number']}"
        entry = Entry(source, doc["create_date"], doc["currency_code"], "credit", name, doc["notes"], links)
        business.book(entry, posted)
    return doc


# What payments do


def overpaid(business: Business, payment: Doc, rest: Decimal) -> Doc:
    """The credit that comes of paying too much."""
    code = payment["amount"]["code"]
    client = business.need("client", payment["clientid"])
    doc = _new(business, {**client, "currency_code": code})
    doc |= {"credit_type": "overpayment", "create_date": payment["date"], "amount": money(rest, code)}
    return _stored(business, doc)


def withdraw(business: Business, id_: int) -> None:
    """Raises:
    Refusal: 1004 when the credit has been used.
    """
    doc = business.need(_OBJECT, id_)
    if Decimal(doc["paid"]["amount"]):
        raise errors.invalid("The overpayment has been used.", "vis_state", "payment", id_)
    _stored(business, {**doc, "vis_state": DELETED})


def consume(business: Business, payment: Doc, value: Decimal) -> list[list[str]]:
    """Use up ``value`` of the client's credits, the oldest first or the one that is named; [credit id, amount] each.

    Raises:
        Refusal: 1004 when there is not enough.
    """
    code, left = payment["amount"]["code"], value
    used: list[list[str]] = []
    for doc in business.find(_OBJECT, "$._.client", payment["clientid"]):
        wrong = payment["creditid"] and doc["id"] != payment["creditid"]
        if wrong or doc["vis_state"] == DELETED or doc["currency_code"] != code or not left:
            continue
        part = min(left, Decimal(doc["amount"]["amount"]) - Decimal(doc["paid"]["amount"]))
        if part > 0:
            _use(business, doc, part)
            used.append([str(doc["id"]), str(part)])
            left -= part
    if left:
        raise errors.invalid("The client has not enough credit.", "amount", "payment", value)
    return used


def give_back(business: Business, used: list[list[str]]) -> None:
    for id_, part in used:
        _use(business, business.need(_OBJECT, id_), -Decimal(part))


def _use(business: Business, doc: Doc, part: Decimal) -> None:
    paid = Decimal(doc["paid"]["amount"]) + part
    _stored(business, {**doc, "paid": money(paid, doc["currency_code"])})


def shown(business: Business, doc: Doc, includes: set[str]) -> Doc:
    return {key: value for key, value in doc.items() if key != "_" and (key != "lines" or "lines" in includes)}
