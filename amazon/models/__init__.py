"""What has been read from Amazon: how far, which files, which settlements and orders, what it says of the money, and its notices."""

from amazon.models.backfill import Backfill, BackfillWindow
from amazon.models.cursors import Cursor, Resource
from amazon.models.finances import Balance, Payout, Transaction
from amazon.models.notices import Notice, NoticeEndpoint, PoisonMessage, Subscription
from amazon.models.orders import Buyer, Order
from amazon.models.reports import CHUNK_BYTES, STANDARD_ORDERS, Report, ReportChunk, Settlement

__all__ = [
    "CHUNK_BYTES",
    "STANDARD_ORDERS",
    "Backfill",
    "BackfillWindow",
    "Balance",
    "Buyer",
    "Cursor",
    "Notice",
    "NoticeEndpoint",
    "Order",
    "Payout",
    "PoisonMessage",
    "Report",
    "ReportChunk",
    "Resource",
    "Settlement",
    "Subscription",
    "Transaction",
]
