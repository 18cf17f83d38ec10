"""Keys and human-visible numbers.

A key names the effect: source fact, part, kind, revision, and nothing of tenant, flow, clock or content. A number is
a label that people read and look up; it guards nothing. Numbers fit 21 characters (QuickBooks DocNumber).
"""

from collections.abc import Mapping
from typing import Final

_SHOWN_DIGITS: Final = 11
_SUFFIXES: Final = ("", *(f"-{mark}" for mark in "23456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"))


class NumbersUsedUp(ValueError):
    """An order has used all 35 numbers an invoice of it can have."""


def settlement_key(settlement_id: str, part: int | str, kind: str, revision: int) -> str:
    """``part`` is the number of the month, ``P`` for the payout, ``R`` for what it leaves to be revalued, or ``L<line>`` for
    one line of the report."""
    return f"amazon/settlement/{settlement_id}/{part}/{kind}/{revision}"


def shipment_key(order_id: str, revision: int) -> str:
    return f"amazon/order/{order_id}/shipped/invoice/{revision}"


def close_out_key(invoice_number: str, kind: str, revision: int) -> str:
    return f"amazon/invoice/{invoice_number}/closed/{kind}/{revision}"


def undo_key(key: str) -> str:
    return f"{key}/undo"


def settlement_number(settlement_id: str, part: int | str, revision: int) -> str:
    """Return ``AMZ-18000000001-1``, from the second revision on ``AMZ-18000000001-1r2``; a long id keeps its last 11
    digits.
    """
    return f"AMZ-{settlement_id[-_SHOWN_DIGITS:]}-{part}{revised(revision)}"


def revised(revision: int) -> str:
    return f"r{revision}" if revision > 1 else ""


def is_shortened(settlement_id: str) -> bool:
    return len(settlement_id) > _SHOWN_DIGITS


def reversal_number(number: str) -> str:
    return f"{number}x"


def close_out_number(invoice_number: str, order_id: str) -> str:
    """Return ``X<order id>``, and for the order's further invoices ``X<order id>2`` and so on."""
    return f"X{order_id}{invoice_number.removeprefix(order_id).removeprefix('-')}"


def invoice_number(order_id: str, key: str, taken: Mapping[str, str]) -> str:
    """Return the number of the invoice with this key: the one it already has, else the first that no invoice ever had.

    ``taken`` maps every number ever given to the key of its invoice.
    """
    candidates = [order_id + suffix for suffix in _SUFFIXES]
    for number in candidates:
        if taken.get(number) == key:
            return number
    for number in candidates:
        if number not in taken:
            return number
    raise NumbersUsedUp(f"order {order_id} has used all of its {len(candidates)} invoice numbers")
