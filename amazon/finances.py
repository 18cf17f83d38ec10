"""Asking Amazon about the money: transactions, balances, summaries, payouts and those that are expected.

A page token goes with the same arguments as the call that gave it, a page may be empty and still have one, and a token that comes
twice is refused. Source: SP-API models Finances 2024-06-19 and Transfers 2024-06-01.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from amazon.client import Client, reading, refuse_loop, stamp
from bookkeeping.money import SOUND, BadAmount, from_decimal

_FINANCES: Final = "/finances/2024-06-19"
_TRANSFERS: Final = "/finances/transfers/2024-06-01"

Sent = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TransactionsPage:
    """One page of transactions as Amazon sent them; ``next_token`` is "" after the last one."""

    transactions: tuple[Sent, ...]
    next_token: str


def transactions(client: Client, after: datetime, before: datetime, page_token: str = "") -> TransactionsPage:
    """Return one page of the transactions posted within [after, before), of every marketplace.

    ``before`` must be two minutes old. Bounds more than 180 days apart are answered with nothing. No marketplace is given: with one,
    what sellers in the United States ship themselves would be left out.
    """
    return _transactions(client, {"postedAfter": stamp(after), "postedBefore": stamp(before)}, page_token)


def transactions_of_order(client: Client, order_id: str) -> Iterator[Sent]:
    """Yield every transaction of an order."""
    params = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order_id}
    token, seen = "", set[str]()
    while True:
        page = _transactions(client, params, token)
        yield from page.transactions
        if not (token := page.next_token):
            return
        refuse_loop(token, seen)


def balances(client: Client, as_of: date) -> Iterator[Sent]:
    """Yield what Amazon owed at the end of a day, per account type and marketplace, each with its parts nested."""
    return _pages(client, "listBalances", f"{_FINANCES}/balances", {"asOfDate": as_of.isoformat()}, "balances")


def summaries(client: Client, settlement_id: str) -> Iterator[Sent]:
    """Yield Amazon's own summaries of a settlement."""
    params = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": settlement_id}
    return _pages(client, "listSummary", f"{_FINANCES}/summary", params, "summaries")


def payouts(client: Client, after: datetime, before: datetime) -> Iterator[Sent]:
    """Yield the payouts that were created within [after, before), newest first within an account."""
    params = {"createdAfter": stamp(after), "createdBefore": stamp(before)}
    return _pages(client, "listPayouts", f"{_TRANSFERS}/payouts", params, "payouts")


def payout(client: Client, payout_id: str) -> Sent | None:
    """Return one payout, None where Amazon has none of that id."""
    params = {"payoutId": payout_id}
    found = _pages(client, "listPayouts", f"{_TRANSFERS}/payouts", params, "payouts")
    return next((one for one in found if str(one.get("id")) == payout_id), None)


def expected_payouts(client: Client) -> Iterator[Sent]:
    """Yield the payouts that are to come."""
    return _pages(client, "listExpectedPayouts", f"{_TRANSFERS}/payouts/expected", {}, "expectedPayouts")


def money(sent: Any) -> tuple[int, str]:
    """Return (minor units, currency) of an amount as Amazon writes it. Raises ValueError, TypeError, KeyError."""
    currency, number = sent["currencyCode"], sent["currencyAmount"]
    if not isinstance(currency, str) or isinstance(number, bool) or not isinstance(number, int | Decimal):
        raise BadAmount(f"{number!r} {currency!r} is no amount")
    exact = Decimal(number)
    if not exact.is_finite() or abs(exact) > SOUND or abs(amount := from_decimal(exact, currency)) > SOUND:
        raise BadAmount(f"{number} {currency} cannot be true")
    return amount, currency


def identifiers(sent: Any, name: str = "relatedIdentifier") -> dict[str, str]:
    """Return related identifiers by their name, the first of each; what is no identifier is left out."""
    found: dict[str, str] = {}
    for one in sequence(sent):
        if isinstance(one, Mapping) and isinstance(one.get(f"{name}Name"), str):
            found.setdefault(one[f"{name}Name"].upper(), text(one.get(f"{name}Value")))
    return found


def account_type(sent: Any) -> str:
    """Return an account type in the one spelling it has here: ``STANDARD_ORDERS`` of one API is ``Standard Orders`` of another."""
    return " ".join(word[:1].upper() + word[1:].lower() for word in text(sent).replace("_", " ").split())[:40]


def text(sent: Any) -> str:
    """Return what should be text: "" for nothing, and for what is neither text nor a number."""
    if isinstance(sent, bool) or not isinstance(sent, str | int | Decimal):
        return ""
    return str(sent).replace("\0", "").strip()


def sequence(sent: Any) -> Sequence[Any]:
    """Return what should be a list: empty where it is none."""
    return sent if isinstance(sent, list | tuple) else ()


def _transactions(client: Client, params: Mapping[str, str], page_token: str) -> TransactionsPage:
    asked = {**params, "nextToken": page_token} if page_token else params
    answer = client.get("listTransactions", f"{_FINANCES}/transactions", asked)
    with reading("listTransactions"):
        payload = answer["payload"]
        return TransactionsPage(_objects(payload.get("transactions")), text(payload.get("nextToken")))


def _pages(client: Client, operation: str, path: str, params: Mapping[str, str], name: str) -> Iterator[Sent]:
    asked, seen = params, set[str]()
    while True:
        answer = client.get(operation, path, asked)
        with reading(operation):
            found, token = _objects(answer.get(name)), text(answer.get("nextToken"))
        yield from found
        if not token:
            return
        refuse_loop(token, seen)
        asked = {**params, "nextToken": token}


def _objects(sent: Any) -> tuple[Sent, ...]:
    if sent is None:
        return ()
    if not isinstance(sent, list) or not all(isinstance(one, Mapping) for one in sent):
        raise TypeError("no list of objects")
    return tuple(sent)
