"""Leaves of Amazon's finances mean what the settlement's rows will mean."""

import pytest

from amazon.labels import classify
from amazon.leaf_labels import label_of
from bookkeeping.accounts import AccountKey, Category


@pytest.mark.parametrize(
    ("kind", "leaf", "category", "account"),
    [
        ("Shipment", "OurPricePrincipal", Category.PRODUCT_SALE, AccountKey.SALES),
        ("shipment", "ourPricePrincipal", Category.PRODUCT_SALE, AccountKey.SALES),
        ("Shipment", "OurPriceTax", Category.TAX_COLLECTED, AccountKey.TAX_CLEARING),
        ("Shipment", "OurPriceDiscount", Category.PROMO_REBATE, AccountKey.PROMO),
        ("Shipment", "ShippingPrincipal", Category.SHIPPING_CHARGE, AccountKey.SHIP_INCOME),
        ("Shipment", "ShippingDiscount", Category.PROMO_REBATE, AccountKey.PROMO),
        ("Shipment", "GiftwrapPrincipal", Category.GIFT_WRAP, AccountKey.WRAP_INCOME),
        ("Shipment", "MarketplaceFacilitatorTax-Principal", Category.TAX_WITHHELD, AccountKey.TAX_CLEARING),
        ("Shipment", "Commission", Category.SELLING_FEE, AccountKey.FEE_SELLING),
        ("Shipment", "FBAPerUnitFulfillmentFee", Category.FBA_FEE, AccountKey.FEE_FBA),
        ("Shipment", "ShippingChargeback", Category.FBA_SHIP_CHARGEBACK, AccountKey.FEE_FBA),
        ("Refund", "OurPricePrincipal", Category.REFUND, AccountKey.REFUNDS),
        ("Refund", "RefundCommission", Category.REFUND_ADMIN_FEE, AccountKey.FEE_REFUND_ADMIN),
        ("Refund", "RestockingDeductionPrincipal", Category.REFUND, AccountKey.REFUNDS),
        ("GuaranteeClaim", "OurPricePrincipal", Category.CLAIM, AccountKey.CLAIMS),
    ],
)
def test_a_leaf_is_booked_where_its_row_will_be(kind, leaf, category, account):
    found = classify(label_of(kind, ("Sales", "ProductCharges"), leaf))

    assert (found.category, found.account) == (category, account)


def test_a_leaf_that_nobody_knows_keeps_its_words_and_waits_for_a_person():
    label = label_of("Shipment", ("Expenses", "AmazonFees"), "SpaceTravelFee")

    assert label == ("Order", "AmazonFees", "SpaceTravelFee")
    assert classify(label).category is Category.UNKNOWN
