"""Notifications as they are written: an envelope, and inside it what happened.

The envelope is in PascalCase for ORDER_CHANGE and TRANSACTION_UPDATE, in camelCase for the others. Source: the
official notification schemas.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from amazon.sandbox.times import written

ORDER_CHANGE = "ORDER_CHANGE"
REPORT_PROCESSING_FINISHED = "REPORT_PROCESSING_FINISHED"
TRANSACTION_UPDATE = "TRANSACTION_UPDATE"
NEW_SECRET = "APPLICATION_OAUTH_CLIENT_NEW_SECRET"
SECRET_EXPIRY = "APPLICATION_OAUTH_CLIENT_SECRET_EXPIRY"

_PASCAL = (ORDER_CHANGE, TRANSACTION_UPDATE)
_REPORT_VERSION = "2020-09-04"
_FINAL = ("DONE", "CANCELLED", "FATAL")

_ORDER_STATUSES = {
    "PENDING_AVAILABILITY": "PendingAvailability",
    "PENDING": "Pending",
    "UNSHIPPED": "Unshipped",
    "PARTIALLY_SHIPPED": "PartiallyShipped",
    "SHIPPED": "Shipped",
    "CANCELLED": "Canceled",
    "UNFULFILLABLE": "Unfulfillable",
}


class Event(NamedTuple):
    """``payload`` as the notification carries it; ``about`` is what it is about, "" when nothing can be said twice."""

    kind: str
    payload: Mapping[str, Any]
    at: datetime
    about: str = ""
    marketplace_id: str = ""
    change: str = ""


def event_of(kind: str, seller_id: str, thing: Mapping[str, Any], now: datetime) -> Event | None:
    """What Amazon tells about a thing in the shape of its own API; None while there is nothing to tell.

    ``thing`` is an order (Orders 2026-01-01), a report (Reports 2021-06-30; it is told when its processing ends) or a
    transaction (Finances 2024-06-19).
    """
    if kind == ORDER_CHANGE:
        marketplace_id = thing["salesChannel"]["marketplaceId"]
        return Event(kind, _order(seller_id, thing), now, "", marketplace_id, "OrderStatusChange")
    if kind == REPORT_PROCESSING_FINISHED:
        if thing["processingStatus"] not in _FINAL:
            return None
        ended_at = datetime.fromisoformat(thing.get("processingEndTime") or now.isoformat())
        return Event(kind, _report(seller_id, thing), max(now, ended_at), str(thing["reportId"]))
    if kind == TRANSACTION_UPDATE:
        return Event(kind, _transaction(seller_id, thing), now)
    raise ValueError(f"nothing is told by {kind}")


def envelope(event: Event, *, application_id: str, subscription_id: str, notification_id: str) -> dict[str, Any]:
    version = _REPORT_VERSION if event.kind == REPORT_PROCESSING_FINISHED else "1.0"
    made: dict[str, Any] = {
        "NotificationVersion": version,
        "NotificationType": event.kind,
        "PayloadVersion": version,
        "EventTime": written(event.at),
        "Payload": dict(event.payload),
        "NotificationMetadata": {
            "ApplicationId": application_id,
            "SubscriptionId": subscription_id,
            "PublishTime": written(event.at),
            "NotificationId": notification_id,
        },
    }
    if event.kind in _PASCAL:
        return made
    made["NotificationMetadata"] = _camel(made["NotificationMetadata"])
    return _camel(made)


def with_unknown_fields(body: Mapping[str, Any]) -> dict[str, Any]:
    """The same notification with fields that no schema names, at every level of the envelope."""
    return {name: with_unknown_fields(value) if isinstance(value, dict) else value for name, value in body.items()} | {
        "AddedLater": {"Since": "2027-01-01", "Values": [1, None]}
    }


def mock_event(kind: str, now: datetime, seller_id: str = "A3TESTSELLER00") -> Event | None:
    """A mock of this type, about nobody's order, report or transaction; None for a type that has none."""
    order_id, at = "902-1845936-5435065", written(now)
    things: dict[str, Mapping[str, Any]] = {
        ORDER_CHANGE: {
            "orderId": order_id,
            "createdTime": at,
            "lastUpdatedTime": at,
            "salesChannel": {"channelName": "AMAZON", "marketplaceId": "ATVPDKIKX0DER"},
            "fulfillment": {"fulfillmentStatus": "UNSHIPPED", "fulfilledBy": "MERCHANT"},
            "orderItems": [{"orderItemId": "OIID34853450", "quantityOrdered": 1, "product": {"sellerSku": "TEST"}}],
        },
        REPORT_PROCESSING_FINISHED: {
            "reportId": "54517018502",
            "reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
            "processingStatus": "DONE",
            "reportDocumentId": "amzn1.spdoc.1.4.na.test.T1.2651",
        },
        TRANSACTION_UPDATE: {
            "sellingPartnerMetadata": {"accountType": "PAYABLE", "marketplaceId": "ATVPDKIKX0DER"},
            "relatedIdentifiers": [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": order_id}],
            "transactionType": "Shipment",
            "postedDate": at,
            "totalAmount": {"currencyAmount": 10, "currencyCode": "USD"},
        },
    }
    return event_of(kind, seller_id, things[kind], now) if kind in things else None


def new_secret(values: Mapping[str, Any], now: datetime) -> Event:
    times = {name: written(value) if isinstance(value, datetime) else value for name, value in values.items()}
    return Event(NEW_SECRET, {"applicationOAuthClientNewSecret": times}, now)


def secret_expiry(client_id: str, until: datetime, now: datetime) -> Event:
    told = {
        "clientId": client_id,
        "clientSecretExpiryTime": written(until),
        "clientSecretExpiryReason": "PERIODIC_ROTATION",
    }
    return Event(SECRET_EXPIRY, {"applicationOAuthClientSecretExpiry": told}, now)


def _order(seller_id: str, order: Mapping[str, Any]) -> dict[str, Any]:
    fulfillment = order["fulfillment"]
    items = [_item(each) for each in order["orderItems"]]
    shipped = sum(each["QuantityShipped"] for each in items)
    status = _ORDER_STATUSES[fulfillment["fulfillmentStatus"]]
    address = order.get("recipient", {}).get("deliveryAddress", {})
    window = fulfillment.get("shipByWindow", {})
    summary = {
        "MarketplaceId": order["salesChannel"]["marketplaceId"],
        "OrderStatus": status,
        "PurchaseDate": order["createdTime"],
        "DestinationPostalCode": address.get("postalCode"),
        "FulfillmentType": "AFN" if fulfillment.get("fulfilledBy") == "AMAZON" else "MFN",
        "OrderType": "Preorder" if "PREORDER" in order.get("programs", []) else "StandardOrder",
        "NumberOfItemsShipped": shipped,
        "NumberOfItemsUnshipped": sum(each["Quantity"] for each in items) - shipped,
        **{
            name: window[key]
            for name, key in (("EarliestShipDate", "earliestDateTime"), ("LatestShipDate", "latestDateTime"))
            if key in window
        },
        "OrderPrograms": ["Prime"] if "PRIME" in order.get("programs", []) else [],
        "OrderItems": items,
    }
    return {
        "OrderChangeNotification": {
            "NotificationLevel": "OrderLevel",
            "SellerId": seller_id,
            "AmazonOrderId": order["orderId"],
            "OrderChangeType": "OrderStatusChange",
            "OrderChangeTrigger": {"TimeOfOrderChange": order["lastUpdatedTime"], "ChangeReason": f"Order is {status}"},
            "Summary": summary,
        }
    }


def _item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "OrderItemId": item["orderItemId"],
        "SellerSKU": item.get("product", {}).get("sellerSku", ""),
        "SupplySourceId": None,
        "Quantity": item["quantityOrdered"],
        "QuantityShipped": item.get("fulfillment", {}).get("quantityFulfilled", 0),
    }


def _report(seller_id: str, report: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        "sellerId": seller_id,
        "accountId": f"amzn1.merchant.o.{seller_id}",
        "reportId": str(report["reportId"]),
        "reportType": report["reportType"],
        "processingStatus": report["processingStatus"],
    }
    if report.get("reportDocumentId"):
        told["reportDocumentId"] = report["reportDocumentId"]
    return {"reportProcessingFinishedNotification": told}


def _transaction(seller_id: str, transaction: Mapping[str, Any]) -> dict[str, Any]:
    metadata, total = transaction["sellingPartnerMetadata"], transaction["totalAmount"]
    return {
        "TransactionUpdateNotification": {
            "SellingPartnerMetadata": {
                "SellingPartnerId": seller_id,
                "MarketplaceId": metadata["marketplaceId"],
                "AccountType": metadata["accountType"],
            },
            "RelatedIdentifiers": [
                {
                    # OrderId here, ORDER_ID in the Finances API.
                    "RelatedIdentifierName": "".join(
                        word.capitalize() for word in each["relatedIdentifierName"].split("_")
                    ),
                    "RelatedIdentifierValue": each["relatedIdentifierValue"],
                }
                for each in transaction.get("relatedIdentifiers", [])
            ],
            "TransactionType": transaction["transactionType"],
            "PostedDate": transaction["postedDate"],
            "TotalAmount": {"CurrencyAmount": total["currencyAmount"], "CurrencyCode": total["currencyCode"]},
        }
    }


def _camel(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].lower() + name[1:]: value for name, value in values.items()}
