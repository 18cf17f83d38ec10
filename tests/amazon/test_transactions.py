"""A transaction taken apart: where the money is, and what is done about amounts that cannot be true."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from amazon.transactions import Leaf, parse


def money(amount, currency="USD"):
    return {"currencyAmount": Decimal(amount), "currencyCode": currency}


def leaf(kind, amount, currency="USD"):
    return {"breakdownType": kind, "breakdownAmount": money(amount, currency), "breakdowns": None}


def container(kind, amount, *parts, wrapped=False):
    inside = {"breakdowns": list(parts)} if wrapped else list(parts)
    return {"breakdownType": kind, "breakdownAmount": money(amount), "breakdowns": inside}


SALE = container("Sales", "24.00", container("ProductCharges", "24.00", leaf("OurPricePrincipal", "24.00")))
FEES = container("Expenses", "-3.60", container("AmazonFees", "-3.60", leaf("Commission", "-3.60")))


def item(*breakdowns, sku="MUG-1", quantity=2):
    contexts = [{"contextType": "ProductContext", "sku": sku, "quantityShipped": quantity}]
    return {"description": "A mug", "breakdowns": list(breakdowns), "contexts": contexts}


def transaction(transaction_id="T-1", total="20.40", **values):
    return {
        "sellingPartnerMetadata": {"sellingPartnerId": "A1SELLER", "accountType": "Standard Orders", "marketplaceId": "ATVPDKIKX0DER"},
        "relatedIdentifiers": [{"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "113-1"}],
        "transactionType": "Shipment",
        "transactionId": transaction_id,
        "transactionStatus": "Deferred",
        "description": "Order Payment",
        "postedDate": "2026-05-30T03:35:13.214Z",
        "totalAmount": money(total),
        "marketplaceDetails": {"marketplaceId": "ATVPDKIKX0DER", "marketplaceName": "Amazon.com"},
        "items": [item(SALE, FEES)],
        "contexts": [{"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": "2026-06-08T00:00:00Z"}],
        "breakdowns": [],
    } | values  # fmt: skip


def test_the_leaves_of_the_items_carry_the_money():
    found = parse(transaction())

    assert found.problem == ""
    assert found.leaves == (
        Leaf("OurPricePrincipal", ("Sales", "ProductCharges"), 2400, "MUG-1", 2),
        Leaf("Commission", ("Expenses", "AmazonFees"), -360, "MUG-1", 2),
    )
    assert (found.status, found.kind, found.total, found.currency) == ("DEFERRED", "Shipment", 2040, "USD")
    assert (found.order_id, found.account_type, found.marketplace) == ("113-1", "Standard Orders", "Amazon.com")
    assert (found.deferral_reason, found.matures_at) == ("DD7", datetime(2026, 6, 8, tzinfo=UTC))
    assert found.posted_at == datetime(2026, 5, 30, 3, 35, 13, 214000, tzinfo=UTC)


@pytest.mark.parametrize(
    ("total", "values"),
    [
        ("-9.00", {"items": [{"breakdowns": None}], "breakdowns": [leaf("FBAStorageFee", "-9.00")]}),
        ("-9.00", {"items": [item(SALE), {"breakdowns": None}], "breakdowns": [leaf("FBAStorageFee", "-9.00")]}),
        ("-9.00", {"items": None, "breakdowns": {"breakdowns": [leaf("FBAStorageFee", "-9.00")]}}),
        ("-9.00", {"items": None, "breakdowns": [container("Expenses", "-9", leaf("Fee", "-9"), wrapped=True)]}),
        ("-9.00", {"items": None, "breakdowns": [leaf("Sales", "0.00"), leaf("FBAStorageFee", "-9.00")]}),
        ("-9.00", {"items": [], "breakdowns": None}),
        ("10", {"items": "?", "contexts": {"a": 1}, "relatedIdentifiers": "?", "breakdowns": 7}),
    ],
    ids=[
        "items without",
        "one item without",
        "an object",
        "an object inside",
        "an empty container",
        "no detail",
        "odd",
    ],
)
def test_else_the_transactions_own_breakdowns_count(total, values):
    found = parse(transaction(total=total, **values))

    assert found.problem == ""
    assert [one.amount for one in found.leaves] == [found.total]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"totalAmount": money("20.41")}, "add up to 20.40 USD, its total is 20.41 USD"),
        ({"totalAmount": None}, "no total"),
        ({"totalAmount": money("20.404")}, "not an exact amount"),
        ({"totalAmount": money("1E+40")}, "cannot be true"),
        ({"totalAmount": {"currencyCode": "USD", "currencyAmount": "20.40"}}, "is no amount"),
        ({"items": [item(SALE, leaf("Commission", "-3.60", "EUR"))]}, "in EUR"),
        ({"items": [item({"breakdownType": "Fee", "breakdownAmount": "?"})]}, "cannot be read"),
        ({"postedDate": "yesterday"}, "no date"),
        ({"transactionId": None}, "no id"),
    ],
)  # fmt: skip
def test_what_cannot_be_true_is_a_problem_and_never_an_error(values, said):
    found = parse(transaction(**values))

    assert said in found.problem


def test_a_tree_without_end_and_an_empty_transaction_are_read():
    deep = leaf("Fee", "1.00")
    for _ in range(60):
        deep = container("More", "1.00", deep)

    assert "do not end" in parse(transaction(items=None, breakdowns=[deep])).problem
    assert parse({}).transaction_id.startswith("unnamed:")


@pytest.mark.parametrize(
    ("written", "status"),
    [("Released", "RELEASED"), ("DEFERRED_RELEASED", "DEFERRED_RELEASED"), ("Deferred Released", "DEFERRED_RELEASED"),
     ("Escheated", "ESCHEATED"), (None, ""), (7, "7")],
)  # fmt: skip
def test_a_status_is_folded_and_an_unknown_one_kept(written, status):
    assert parse(transaction(transactionStatus=written)).status == status


def test_the_digest_is_of_what_is_said_and_not_of_how():
    one = parse(transaction())
    reordered = parse(json.loads(json.dumps(transaction(items=[item(FEES, SALE)]), default=float), parse_float=Decimal))

    assert reordered.digest == one.digest
    assert parse(transaction(transactionStatus="Released")).digest != one.digest
    assert parse(transaction(items=[item(SALE, FEES, sku="MUG-2")])).digest != one.digest


def test_the_models_own_example_is_read():
    found = parse(
        {
            "sellingPartnerMetadata": {"sellingPartnerId": "A3", "accountType": "PAYABLE", "marketplaceId": "ATIV93840DER"},
            "relatedIdentifiers": [
                {"relatedIdentifierName": "FINANCIAL_EVENT_GROUP_ID", "relatedIdentifierValue": "4MVaHcsAfaYAlw"},
                {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": "8129762527551"},
            ],
            "transactionType": "Shipment",
            "postedDate": "2020-07-14T03:35:13.214Z",
            "totalAmount": {"currencyAmount": 10, "currencyCode": "USD"},
        }
    )  # fmt: skip

    assert (found.group_id, found.account_type, found.total) == ("4MVaHcsAfaYAlw", "Payable", 1000)
    assert "no id" in found.problem
