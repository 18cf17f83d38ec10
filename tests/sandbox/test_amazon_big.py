"""The money of a settlement of any size: every copy is a transaction of its own, and sums are those of the file."""

from decimal import Decimal

import pytest

from amazon.sandbox import AmazonStandIn
from sandbox.clock import frozen
from tests.sandbox.amazon_caller import NOON, Caller

FINANCES = "/finances/2024-06-19"


@pytest.fixture(scope="module")
def big():
    stand_in = AmazonStandIn(clock=frozen(NOON))
    stated = stand_in.controls()["big"]({"rows": 9_000})
    caller = Caller(stand_in, "A2TIEOUTBIG001")
    caller.switch(rate_scale=0)
    return caller, stated


def minor(money):
    return round(Decimal(str(money["currencyAmount"])) * 100)


def identifiers(transaction):
    return {each["relatedIdentifierName"]: each["relatedIdentifierValue"] for each in transaction["relatedIdentifiers"]}


def test_released_transactions_of_a_big_settlement_are_its_total(big):
    caller, stated = big
    query = {"postedAfter": "2026-10-01T00:00:00Z", "transactionStatus": "RELEASED"}
    found, token = [], {}

    while True:
        payload = caller.get(f"{FINANCES}/transactions", **query, **token).json["payload"]
        found += payload["transactions"]
        if "nextToken" not in payload:
            break
        token = {"nextToken": payload["nextToken"]}

    assert sum(minor(each["totalAmount"]) for each in found) == stated["total"]
    assert len({each["transactionId"] for each in found}) == len(found)
    orders = {identifiers(each).get("ORDER_ID") for each in found} - {None}
    assert len(orders) == stated["orders"]
    assert not any("{" in text for each in found for text in identifiers(each).values())


def test_copies_of_a_sale_are_linked_to_their_own_deferral(big):
    caller, _ = big
    wanted = {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "111-0000001-0000000"}

    found = caller.get(f"{FINANCES}/transactions", **wanted).json["payload"]["transactions"]

    known = {each["transactionId"]: identifiers(each) for each in found}
    links = [each[name] for each in known.values() for name in each if name.endswith("_TRANSACTION_ID")]
    assert set(links) <= set(known)
    assert {each["ORDER_ID"] for each in known.values()} == {"111-0000001-0000000"}


def test_balance_summary_and_payout_of_a_big_settlement_agree(big):
    caller, stated = big
    wanted = {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": stated["settlement_id"]}

    (summary,) = caller.get(f"{FINANCES}/summary", **wanted).json["summaries"]
    (payout,) = caller.get("/finances/transfers/2024-06-01/payouts").json["payouts"]
    (balance,) = caller.get(f"{FINANCES}/balances", asOfDate="2026-11-09").json["balances"]

    assert minor(summary["netProceeds"]) == minor(payout["amount"]) == minor(balance["amount"]) == stated["total"]
    (paid,) = caller.get(f"{FINANCES}/balances").json["balances"]
    assert minor(paid["amount"]) == 0
