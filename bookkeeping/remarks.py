"""What a plan says beside its documents: why something waits, and what a person should look at."""

from dataclasses import dataclass
from enum import StrEnum, unique

from bookkeeping.facts import Label


@unique
class HoldReason(StrEnum):
    """Why a document is not sent yet. Every one ends by something a person or a later report does."""

    UNKNOWN_LABEL = "unknown_label"
    PAYOUT_UNMATCHED = "payout_unmatched"
    PAYOUT_FAILED = "payout_failed"
    CONTINUITY = "continuity"
    OVERLAP = "overlap"
    UNMAPPED_ACCOUNT = "unmapped_account"
    UNMAPPED_SKU = "unmapped_sku"
    ITEM_ACCOUNT = "item_account"
    NUMBERS_USED_UP = "numbers_used_up"
    NO_RATE = "no_rate"
    AMOUNT_RECEIVED = "amount_received"
    BOOKS_CURRENCY = "books_currency"


@dataclass(frozen=True, slots=True)
class Hold:
    """``text`` says what happened and what ends it, for a bookkeeper; ``subject`` names the label, SKU or line it is
    about.
    """

    reason: HoldReason
    text: str
    subject: str = ""


@unique
class FlagKind(StrEnum):
    """What is worth a look. A flag never stops anything."""

    SIGN_CONFLICT = "sign_conflict"
    NEW_LABEL = "new_label"
    TAX_RESIDUAL = "tax_residual"
    LARGE_DIFFERENCE = "large_difference"
    RESERVE_GAP = "reserve_gap"
    CHAIN_GAP = "chain_gap"
    LONG_SETTLEMENT_ID = "long_settlement_id"
    PAYOUT_CANCELLED = "payout_cancelled"
    BEFORE_BOOKS = "before_books"
    EXCHANGE_RESIDUE = "exchange_residue"


@dataclass(frozen=True, slots=True)
class Flag:
    """``amount`` is in minor units of the settlement's currency; ``part`` is 0 where the flag belongs to no month."""

    kind: FlagKind
    text: str
    part: int = 0
    order_id: str = ""
    label: Label | None = None
    amount: int = 0
