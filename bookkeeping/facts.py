"""What a source says happened, before anyone decides what it means."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class Header:
    """A settlement as its summary row states it.

    ``starts_at`` and ``ends_at`` are aware UTC instants, the end exclusive. ``total`` is in minor units of ``currency``,
    positive when the marketplace owes the seller. ``deposit_on`` is the UTC day on which the payout is initiated.
    """

    settlement_id: str
    starts_at: datetime
    ends_at: datetime
    deposit_on: date
    total: int
    currency: str


class Label(NamedTuple):
    """The raw triple by which a marketplace names a row, trimmed, in its own spelling."""

    transaction_type: str
    amount_type: str
    amount_description: str


class Row(NamedTuple):
    """One money row of a settlement. Its identity is (report, ``line``); rows are never told apart by value.

    ``line`` counts the file's physical lines from 1 (the column header is line 1). ``amount`` is in minor units of the settlement's
    currency, positive when it raises what the marketplace owes the seller. ``posted_at`` is an aware UTC instant.
    ``quantity`` is what the row states; it is repeated on every row of an item, so only Principal rows may be summed.
    Absent text is "".
    """

    line: int
    label: Label
    amount: int
    posted_at: datetime
    order_id: str
    item_code: str
    sku: str
    quantity: int
    marketplace: str
    fulfillment: str
