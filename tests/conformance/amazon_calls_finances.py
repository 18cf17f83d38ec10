"""Calls of the finances and transfers APIs whose answers are held against their models."""

from tests.conformance.amazon_models import Call

GROUPED = "2026-08-01T00:00:00Z"
NOBODYS = {"marketplaceIds": "INVALID_MARKETPLACE_ID"}


def a_settlement(caller):
    return {"settlement": caller.control("truth", seller_id=caller.seller_id)["settlements"][0]["settlement_id"]}


CALLS = [
    Call("listTransactions", {"postedAfter": GROUPED}),
    Call(
        "listTransactions", {"postedAfter": GROUPED, "transactionStatus": "DEFERRED", "marketplaceId": "ATVPDKIKX0DER"}
    ),
    Call("listTransactions", status=400),
    Call("listTransactions", {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "1"}, status=400),
    Call("listBalances"),
    Call("listBalances", {"asOfDate": "2026-10-31", "balanceType": "RESERVED"}),
    Call("listBalances", NOBODYS, status=400),
    Call(
        "listSummary",
        {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "{settlement}"},
        given=a_settlement,
    ),
    Call("listSummary", {"periodStart": "2026-10-01", "periodEnd": "2026-10-31"}),
    Call("listSummary", NOBODYS, status=400),
    Call("listPayouts"),
    Call("listPayouts", {"payoutId": "{settlement}"}, given=a_settlement),
    Call("listPayouts", NOBODYS, status=400),
    Call("listExpectedPayouts"),
    Call("listExpectedPayouts", NOBODYS, status=400),
]
