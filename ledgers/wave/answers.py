"""Wave's answers back to deliveries. Pure.

What was posted or refused, and whether an invoice or a payment that was found is ours, live and equal.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bookkeeping.accounts import LineKey
from bookkeeping.documents import Invoice, Payment
from bookkeeping.money import BadAmount
from ledgers.differing import difference
from ledgers.port import Call, CannotTell, Found, Post, Posted, Refused, Unknown
from ledgers.wave import accounts, errors, operations, translate, wire
from ledgers.wave.bodies import input_of
from ledgers.wave.bound import Company
from ledgers.wave.transactions import Anchor
from ledgers.wave.wire import text_of

Row = Mapping[str, Any]

_DELETES: Final = frozenset({operations.INVOICE_DELETE, operations.PAYMENT_DELETE})
_SHOWN: Final = ("date", "currency", "state", "type")


def outcome(call: Call, answer: Row, company: Company) -> Posted | Refused:
    """Return what became of the one delivery of a call. ``answer`` is the parsed body.

    Raises:
        Unknown: the answer proves neither.
    """
    operation, sent = translate.request_of(call)
    mutation = operations.MUTATIONS[operation]
    takes_back = operation in _DELETES
    data = answer.get("data")
    payload = data.get(mutation.field) if isinstance(data, Mapping) else None
    succeeded = payload.get("didSucceed") if isinstance(payload, Mapping) else None
    if found := errors.faults(answer):
        if succeeded is True:
            raise Unknown("Wave says that it kept the document, and that it met an error")
        if any(len(fault.path) > 1 for fault in found):
            # Below the mutation an answer is written once it was executed: what is missing may be of what it made.
            raise Unknown("Wave met an error while it answered what it made")
        return errors.refused(found, takes_back=takes_back)
    if not isinstance(payload, Mapping) or not isinstance(succeeded, bool):
        raise Unknown("Wave answered without saying what became of the document")
    if succeeded:
        return _posted(operation, sent, payload.get(mutation.answers), call, company)
    why = errors.input_faults(payload)
    if operation == operations.TRANSACTION_CREATE and errors.says_it_exists(why):
        return Posted(external_id=str(sent["externalId"]))
    return errors.input_refused(why, takes_back=takes_back)


def _posted(operation: str, sent: Row, answered: object, call: Call, company: Company) -> Posted:
    if operation in _DELETES:
        return Posted(external_id=str(next(iter(sent.values()))))
    row = answered if isinstance(answered, Mapping) else {}
    if operation == operations.TRANSACTION_CREATE:
        # The id is opaque and leads nowhere; without one, ours stands for it.
        return Posted(external_id=text_of(row, "id") or str(sent["externalId"]))
    if not row.get("id"):
        raise Unknown("Wave answered without the document it made")
    try:
        if operation == operations.INVOICE_CREATE:
            return invoice(row, call.lines.get(call.keys[0], ()))
        if operation == operations.PAYMENT_CREATE:
            return payment(row, company)
    except BadAmount as error:
        raise Unknown(f"Wave answered an amount nobody can read: {error}") from error
    return Posted(external_id=str(row["id"]))


def invoice(row: Row, line_keys: Sequence[LineKey] = ()) -> Posted:
    """Return an invoice as the port states it. Raises BadAmount."""
    items = _items(row)
    amounts: dict[LineKey, int] = {}
    if len(items) == len(line_keys):
        for key, item in zip(line_keys, items, strict=True):
            amounts[key] = amounts.get(key, 0) + wire.minor_units(item.get("subtotal"))
    return Posted(
        external_id=text_of(row, "id"),
        version=text_of(row, "modifiedAt"),
        number=text_of(row, "invoiceNumber"),
        total=wire.minor_units(row.get("total")),
        lines=amounts,
        balance=wire.minor_units(row.get("amountDue")),
    )


def payment(row: Row, company: Company) -> Posted:
    """Return a payment as the port states it; payments of ours are in the currency of the business. Raises BadAmount."""
    return Posted(
        external_id=text_of(row, "id"),
        version=text_of(row, "modifiedAt"),
        total=wire.minor(row.get("amount"), company.home_currency),
    )


# What was found -------------------------------------------------------------------------------------------------------


def carries(row: Row, marker: str) -> bool:
    """Tell whether an invoice or payment is ours: its memo has the marker as a whole word."""
    return marker in wire.markers(row.get("memo"))


def found(post: Post, row: Row, company: Company) -> Found | CannotTell:
    """Return an invoice or payment that is there, compared with what the post would write now. Raises NotRenderable.

    A payment's row has its ``invoice``.
    """
    _, ours = input_of(post, company)
    try:
        if isinstance(post.document, Invoice):
            keys = tuple(line.key for line in post.document.lines if line.amount)
            posted, wanted, kept = invoice(row, keys), _invoice_sent(ours, company), _invoice_kept(row)
        elif isinstance(post.document, Payment):
            posted, wanted, kept = payment(row, company), _payment_sent(ours, company), _payment_kept(row, company)
        else:
            raise TypeError(f"{post.key} carries a {post.document.kind.value}, which Wave does not give back")
    except BadAmount as error:
        return CannotTell(f"Wave answered an amount nobody can read: {error}.")
    return Found(posted, live=True, equal=wanted == kept, difference=difference(wanted, kept, _SHOWN))


def found_object(row: Row, **compared: tuple[str, str]) -> Found:
    """Return an account, customer or product of the right name; ``compared`` has (wanted, kept) by what it is."""
    wanted = {name.replace("_", " "): pair[0] for name, pair in compared.items()}
    kept = {name.replace("_", " "): pair[1] for name, pair in compared.items()}
    return Found(
        Posted(external_id=text_of(row, "id")),
        live=row.get("isArchived") is not True,
        equal=wanted == kept,
        difference=difference(wanted, kept, _SHOWN),
    )


def balance(row: Row) -> int:
    """Return an account's balance in minor units of its currency, debit positive. Raises BadAmount."""
    return accounts.debit_positive(row, wire.minor(row.get("balance"), text_of(row, "currency", "code")))


def moved(anchor: Anchor, before: int, now: int) -> bool | None:
    """Return whether the account moved by just what was posted; None where it moved otherwise."""
    if now == before:
        return False
    return True if now - before == anchor.moved else None


def _items(row: Row) -> list[Row]:
    items = row.get("items")
    return [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []


def _invoice_sent(sent: Row, company: Company) -> dict[str, object]:
    lines = [
        (item["productId"], wire.minor(item["unitPrice"], company.home_currency) * int(item["quantity"]))
        for item in sent["items"]
    ]
    return {
        "date": sent["invoiceDate"],
        "customer": sent["customerId"],
        "currency": sent["currency"],
        "state": "approved",
        "lines": sorted(lines),
        "total": sum(amount for _, amount in lines),
    }


def _invoice_kept(row: Row) -> dict[str, object]:
    return {
        "date": text_of(row, "invoiceDate"),
        "customer": text_of(row, "customer", "id"),
        "currency": text_of(row, "currency", "code"),
        "state": "a draft" if row.get("status") == "DRAFT" else "approved",
        "lines": sorted(
            (text_of(item, "product", "id"), wire.minor_units(item.get("subtotal"))) for item in _items(row)
        ),
        # Tax and discounts that somebody added are in the total alone.
        "total": wire.minor_units(row.get("total")),
    }


def _payment_sent(sent: Row, company: Company) -> dict[str, object]:
    return {
        "date": sent["paymentDate"],
        "amount": wire.minor(sent["amount"], company.home_currency),
        "account": sent["paymentAccountId"],
        "invoice": sent["invoiceId"],
    }


def _payment_kept(row: Row, company: Company) -> dict[str, object]:
    return {
        "date": text_of(row, "paymentDate"),
        "amount": wire.minor(row.get("amount"), company.home_currency),
        "account": text_of(row, "account", "id"),
        "invoice": text_of(row, "invoice", "id"),
    }
