"""The bulk report of orders at Amazon: asked for, and fetched as orders once it is made.

GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL and not the one by last update: windows of order dates divide the past
without gap or overlap, and stay the same however often they are read; by last update an order moves on into a later window
while the earlier one is being made, and is missed. What changes meanwhile comes by ``searchOrders``. Asking costs one call a
month of history where ``searchOrders`` takes one a hundred orders. It has neither names nor street addresses.

Source: Reports API 2021-06-30; report type values.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from amazon.all_orders import AllOrders
from amazon.client import AmazonError, BadRequest, Client, Document, DocumentExpired, NotFound, reading, stamp
from amazon.flat_errors import BadSettlementFile
from amazon.load import declared_charset
from amazon.unpack import plain

ALL_ORDERS: Final = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_ORDER_DATE_GENERAL"
_MOST_MARKETPLACES: Final = 25  # Reports 2021-06-30 createReport, marketplaceIds
_EXPLANATION_BYTES: Final = 2000


class Damaged(Exception):
    """A file that did not arrive whole; another copy may."""


def request_report(client: Client, marketplace_ids: Sequence[str], starts_at: datetime, ends_at: datetime) -> str:
    """Ask for the orders placed in a window and return the report's id. Raises AmazonError.

    Asked twice, Amazon makes two reports, or answers with the earlier one.
    """
    body = {
        "reportType": ALL_ORDERS,
        "marketplaceIds": list(marketplace_ids[:_MOST_MARKETPLACES]),
        "dataStartTime": stamp(starts_at),
        "dataEndTime": stamp(ends_at),
    }
    answer = client.call("createReport", "POST", "/reports/2021-06-30/reports", body=body)
    with reading("createReport"):
        return str(answer["reportId"])


def fetch(client: Client, document_id: str, legacy: str, alive: Callable[[], None]) -> AllOrders:
    """Download a report and read it as it comes, calling ``alive`` with every piece.

    Raises DocumentExpired, Damaged, all_orders.BadReport, AmazonError.
    """
    document = client.report_document(document_id)
    with client.download(document) as (content_type, chunks):
        return AllOrders(_unpacked(chunks, alive), declared_charset(content_type), legacy)


def explanation(client: Client, document_id: str) -> str:
    """Return what a report that failed says in its document, "" where that cannot be read. Raises WaitFor for its turn."""
    try:
        document = client.report_document(document_id)
    except (BadRequest, NotFound):
        return ""
    try:
        return _beginning(client, document)
    except (AmazonError, DocumentExpired, BadSettlementFile):
        return ""


def _beginning(client: Client, document: Document) -> str:
    begun = b""
    with client.download(document) as (_, chunks):
        for piece in plain(chunks):
            begun += piece
            if len(begun) >= _EXPLANATION_BYTES:
                break
    text = begun[:_EXPLANATION_BYTES].decode("utf-8", errors="replace")
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


def _unpacked(chunks: Iterable[bytes], alive: Callable[[], None]) -> Iterator[bytes]:
    try:
        for piece in plain(chunks):
            alive()
            yield piece
    except BadSettlementFile as error:
        raise Damaged(error.problem) from error
