"""Notifications as Amazon sends them, after the official examples; every id is made up."""

import json

SELLER = "A1SELLER"
SUBSCRIBED = {"SubscriptionId": "s-1"}
SETTLEMENTS = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"


def order_change(
    order_id="701-0000000-0000001", *, n=1, seller=SELLER, status="Shipped", at="2026-06-01T11:59:00Z", **more
):
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "ORDER_CHANGE",
        "PayloadVersion": "1.0",
        "EventTime": at,
        "Payload": {
            "OrderChangeNotification": {
                "NotificationLevel": "OrderLevel",
                "SellerId": seller,
                "AmazonOrderId": order_id,
                "OrderChangeType": "OrderStatusChange",
                "OrderChangeTrigger": {"TimeOfOrderChange": at, "ChangeReason": "Status"},
                "Summary": {
                    "MarketplaceId": "ATVPDKIKX0DER",
                    "OrderStatus": status,
                    "DestinationPostalCode": "48110",
                    "FulfillmentType": "MFN",
                },
            }
        },
        "NotificationMetadata": {"ApplicationId": "amzn1.sellerapps.app.1", "NotificationId": f"order-{n}"}
        | SUBSCRIBED,
        **more,
    }


def report_finished(report_id="54517018502", *, n=1, seller=SELLER, kind=SETTLEMENTS, status="DONE"):
    return {
        "notificationVersion": "2020-09-04",
        "notificationType": "REPORT_PROCESSING_FINISHED",
        "payloadVersion": "2020-09-04",
        "eventTime": "2026-06-01T11:59:00.213Z",
        "payload": {
            "reportProcessingFinishedNotification": {
                "sellerId": seller,
                "accountId": f"amzn1.merchant.o.{seller}",
                "reportId": report_id,
                "reportType": kind,
                "processingStatus": status,
                "reportDocumentId": "amzn1.tortuga.3.ed4cd0d8",
            }
        },
        "notificationMetadata": {"notificationId": f"report-{n}", "subscriptionId": "s-1"},
    }


def transaction_update(*, n=1, seller=SELLER):
    return {
        "NotificationVersion": "1.0",
        "NotificationType": "TRANSACTION_UPDATE",
        "PayloadVersion": "1.0",
        "EventTime": "2026-06-01T11:59:00.213Z",
        "NotificationMetadata": {"NotificationId": f"transaction-{n}"} | SUBSCRIBED,
        "Payload": {
            "TransactionUpdateNotification": {
                "SellingPartnerMetadata": {"SellingPartnerId": seller, "AccountType": "Standard Orders"},
                "RelatedIdentifiers": [
                    {"RelatedIdentifierName": "OrderId", "RelatedIdentifierValue": "701-0000000-0000001"}
                ],
                "TransactionType": "Shipment",
                "PostedDate": "2026-06-01T11:58:00.213Z",
            }
        },
    }


def new_secret(client_id, secret, *, n=1):
    return {
        "notificationVersion": "1.0",
        "notificationType": "APPLICATION_OAUTH_CLIENT_NEW_SECRET",
        "payloadVersion": "1.0",
        "eventTime": "2026-06-01T11:59:00.213Z",
        "payload": {
            "applicationOAuthClientNewSecret": {
                "clientId": client_id,
                "newClientSecret": secret,
                "newClientSecretExpiryTime": "2026-11-28T11:59:00.213Z",
                "oldClientSecretExpiryTime": "2026-06-08T11:59:00.213Z",
            }
        },
        "notificationMetadata": {"notificationId": f"secret-{n}"},
    }


def sent(*notifications):
    """Return a body: the one notification, or a list of them."""
    return json.dumps(notifications[0] if len(notifications) == 1 else notifications).encode()
