"""QuickBooks' answers back to deliveries. Pure.

What was posted or refused, and whether a document that was found is ours, live and equal.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from bookkeeping.accounts import AccountClass, LineKey
from bookkeeping.documents import Payment
from bookkeeping.money import BadAmount
from ledgers.differing import difference
from ledgers.port import Call, Found, Next, Post, Posted, Refused, Unknown
from ledgers.quickbooks import errors, wire
from ledgers.quickbooks.bodies import Company, body_of
from ledgers.quickbooks.translate import ENTITIES

# Where a person opens the object; the id is appended. Source: addresses of the web application.
_PAGES: Final[Mapping[str, str]] = {
    "Invoice": "invoice?txnId=",
    "Payment": "recvpayment?txnId=",
    "JournalEntry": "journal?txnId=",
    "Transfer": "transfer?txnId=",
    "Deposit": "deposit?txnId=",
    "Customer": "customerdetail?nameId=",
}
_GONE: Final = "610"
# How a rule of its own about accounts is refused; whether a credit card may be the source of a transfer is not documented.
_REFUSED_FOR_ITS_ACCOUNTS: Final = frozenset({"2500", "2600", "6000"})
_BY_PATH: Final = {f"/{entity.lower()}": entity for entity in ENTITIES.values()}


def outcome(call: Call, answer: object, company: Company, web: str = "") -> dict[str, Posted | Refused]:
    """Return what became of each delivery of a call, by key.

    ``answer`` is the parsed body; ``web`` the address of the web application, "" for no links.

    Raises:
        Unknown: the answer does not account for every delivery, or reports an error that proves nothing.
        NotSent, AuthorizationLost: a fault of the whole call says so.
    """
    if call.path == "/batch" and (whole := errors.faults(answer)):
        return dict.fromkeys(call.keys, errors.refused(whole))
    request = wire.decode(call.body)
    outcomes: dict[str, Posted | Refused] = {}
    for keys, entity, sent, undoes, item in _items(call, request, answer):
        if found := errors.faults(item):
            refused = errors.refused(found, item=item is not answer)
            if undoes and refused.code == _GONE:
                refused = replace(
                    refused, next=Next.ADOPT
                )  # somebody was faster, or not: looked up like a taken number
            if _moves_from_a_card(entity, sent, company) and refused.code in _REFUSED_FOR_ITS_ACCOUNTS:
                refused = replace(refused, next=Next.HELD, lacks="card_transfers")
            outcomes |= dict.fromkeys(keys, refused)
        else:
            remote = item.get(entity)
            if not isinstance(remote, Mapping) or not remote.get("Id"):
                raise Unknown(f"QuickBooks answered without the {entity}")
            outcomes |= _posted(call, keys, entity, sent, remote, company, web)
    return outcomes


def _items(
    call: Call, request: Mapping[str, Any], answer: object
) -> Iterator[tuple[Sequence[str], str, Mapping[str, Any], bool, Mapping[str, Any]]]:
    """Yield (keys, entity, what was sent, whether it takes back, what was answered) for each object of the call."""
    if not isinstance(answer, Mapping):
        raise Unknown("QuickBooks answered with something that is not an object")
    if call.path != "/batch":
        yield call.keys, _BY_PATH[call.path], request, "operation" in call.query, answer
        return
    listed = answer.get("BatchItemResponse")
    by_id = {item.get("bId"): item for item in listed if isinstance(item, Mapping)} if isinstance(listed, list) else {}
    for sent in request["BatchItemRequest"]:
        start, _, stop = sent["bId"].partition("-")
        entity = next(name for name in ENTITIES.values() if name in sent)
        item = by_id.get(sent["bId"])
        if item is None:
            raise Unknown("QuickBooks left an item of the batch unanswered")
        yield call.keys[int(start) : int(stop)], entity, sent[entity], sent["operation"] != "create", item


def _moves_from_a_card(entity: str, sent: Mapping[str, Any], company: Company) -> bool:
    source = _value(sent, "FromAccountRef")
    return entity == "Transfer" and company.classes.get(source) is AccountClass.CARD


def _posted(
    call: Call,
    keys: Sequence[str],
    entity: str,
    sent: Mapping[str, Any],
    remote: Mapping[str, Any],
    company: Company,
    web: str,
) -> dict[str, Posted]:
    try:
        if entity == "Payment" and "Line" in sent:
            covered = linked(remote, company)
            invoices = [line["LinkedTxn"][0]["TxnId"] for line in sent["Line"]]
            return {
                key: posted(entity, remote, company, web, total=covered.get(invoice, 0))
                for key, invoice in zip(keys, invoices, strict=True)
            }
        return {key: posted(entity, remote, company, web, line_keys=call.lines.get(key, ())) for key in keys}
    except BadAmount as error:
        raise Unknown(f"QuickBooks answered an amount nobody can read: {error}") from error


def posted(
    entity: str,
    remote: Mapping[str, Any],
    company: Company,
    web: str = "",
    *,
    total: int | None = None,
    line_keys: Sequence[LineKey] = (),
) -> Posted:
    """Return a remote object as the port states it. ``total`` overrides the object's own. Raises BadAmount."""
    external_id = str(remote["Id"])
    page = _PAGES.get(entity)
    return Posted(
        external_id=external_id,
        version=str(remote.get("SyncToken", "")),
        number=str(remote.get("DocNumber") or remote.get("PaymentRefNum") or ""),
        total=total_of(entity, remote, company) if total is None else total,
        lines=_lines(remote, line_keys, company) if entity == "Invoice" else {},
        url=f"{web}/{page}{external_id}" if web and page else "",
        balance=wire.minor(remote["Balance"], _currency(remote, company))
        if entity == "Invoice" and "Balance" in remote
        else None,
    )


def total_of(entity: str, remote: Mapping[str, Any], company: Company) -> int | None:
    """Return the object's total in minor units; None for what has none, or was deleted. Raises BadAmount."""
    currency = _currency(remote, company)
    if entity == "JournalEntry" and "Line" in remote:
        return sum(
            wire.minor(line["Amount"], currency)
            for line in remote["Line"]
            if line.get("JournalEntryLineDetail", {}).get("PostingType") == "Debit"
        )
    amount = remote.get("Amount" if entity == "Transfer" else "TotalAmt")
    return None if amount is None else wire.minor(amount, currency)


def linked(remote: Mapping[str, Any], company: Company) -> dict[str, int]:
    """Return what a Payment takes off each invoice, by invoice id. Raises BadAmount."""
    covered: dict[str, int] = {}
    for line in remote.get("Line", ()):
        for link in line.get("LinkedTxn", ()):
            if link.get("TxnType") == "Invoice":
                amount = wire.minor(line.get("Amount"), _currency(remote, company))
                covered[link["TxnId"]] = covered.get(link["TxnId"], 0) + amount
    return covered


def _lines(remote: Mapping[str, Any], line_keys: Sequence[LineKey], company: Company) -> dict[LineKey, int]:
    """Return the answered amounts by line key; {} where the lines do not match up.

    The subtotal that QuickBooks appends to every answer is no line.
    """
    lines = [line for line in remote.get("Line", ()) if line.get("DetailType") == "SalesItemLineDetail"]
    if len(lines) != len(line_keys):
        return {}
    amounts: dict[LineKey, int] = {}
    for key, line in zip(line_keys, lines, strict=True):
        amounts[key] = amounts.get(key, 0) + wire.minor(line.get("Amount", 0), _currency(remote, company))
    return amounts


def _currency(remote: Mapping[str, Any], company: Company) -> str:
    return str((remote.get("CurrencyRef") or {}).get("value") or company.home_currency)


# What was found -------------------------------------------------------------------------------------------------------


def carries(remote: Mapping[str, Any], marker: str) -> bool:
    """Tell whether a remote transaction is ours: its note has the marker as a whole word."""
    return marker in wire.markers(remote.get("PrivateNote"))


def is_void(remote: Mapping[str, Any]) -> bool:
    """Tell whether a transaction was voided: it stays with its amounts at zero and "Voided" in front of its note."""
    noted = str(remote.get("PrivateNote") or "").startswith("Voided")
    return noted and not remote.get("TotalAmt")  # a note of a person's own may begin with the word


def found(post: Post, remote: Mapping[str, Any], company: Company, web: str = "") -> Found:
    """Return a remote object that is ours as a look-up result, compared with what the post would write now."""
    entity = ENTITIES[post.document.kind]
    ours = body_of(post, company)
    total = line_keys = None
    if isinstance(post.document, Payment):
        total = linked(remote, company).get(ours["Line"][0]["LinkedTxn"][0]["TxnId"], 0)
    elif entity == "Invoice":
        line_keys = tuple(line.key for line in post.document.lines if line.amount)  # type: ignore[attr-defined]
    wanted, kept = _essence(entity, ours, company), _essence(entity, remote, company, _invoices(entity, ours))
    return Found(
        posted(entity, remote, company, web, total=total, line_keys=line_keys or ()),
        live=not is_void(remote) and remote.get("Active") is not False,
        equal=wanted == kept,
        difference=difference(wanted, kept, ("date", "amount", "type", "currency")),
    )


def _invoices(entity: str, ours: Mapping[str, Any]) -> frozenset[str] | None:
    return (
        frozenset(link["TxnId"] for line in ours["Line"] for link in line["LinkedTxn"]) if entity == "Payment" else None
    )


def _essence(
    entity: str, body: Mapping[str, Any], company: Company, invoices: frozenset[str] | None = None
) -> dict[str, object]:
    """Return what makes a document what it is, by a bookkeeper's name for it, alike for what we write and what
    QuickBooks keeps.

    ``invoices`` narrows a shared Payment to the invoices of one delivery.
    """
    match entity:
        case "Account":
            return {"type": body.get("AccountType")}
        case "Customer":
            return {"currency": _currency(body, company)}
        case "Item":
            return {"income account": _value(body, "IncomeAccountRef")}
        case "Transfer":
            return {
                "date": body.get("TxnDate"),
                "source account": _value(body, "FromAccountRef"),
                "target account": _value(body, "ToAccountRef"),
                "amount": body.get("Amount"),
            }
        case "Payment":
            lines = sorted(
                (link["TxnId"], line.get("Amount", 0))
                for line in body.get("Line", ())
                for link in line.get("LinkedTxn", ())
                if invoices is None or link["TxnId"] in invoices
            )
            return {
                "date": body.get("TxnDate"),
                "customer": _value(body, "CustomerRef"),
                "account": _value(body, "DepositToAccountRef"),
                "invoices": lines,
            }
        case _:
            customer = _value(body, "CustomerRef")
            return {
                "date": body.get("TxnDate"),
                "customer": customer,
                "account": "" if customer else _value(body, "DepositToAccountRef"),
                "cash back": (body.get("CashBack") or {}).get("Amount", 0),
                "lines": sorted(_line_essences(body)),
            }


def _line_essences(body: Mapping[str, Any]) -> Iterator[tuple[str, str, Any]]:
    for line in body.get("Line", ()):
        kind = str(line.get("DetailType"))
        detail = line.get(kind) or {}
        if kind != "SubTotalLineDetail":
            where = _value(detail, "ItemRef") or _value(detail, "AccountRef")
            yield where, str(detail.get("PostingType", "")), line.get("Amount", 0)


def _value(body: Mapping[str, Any], name: str) -> str:
    return str((body.get(name) or {}).get("value", ""))
