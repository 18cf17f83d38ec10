import pytest

from amazon.label_hints import hint
from amazon.labels import UNKNOWN_RULE, classify
from bookkeeping.accounts import Category
from bookkeeping.facts import Label

C = Category


@pytest.mark.parametrize(
    ("label", "category"),
    [
        (("Order", "Shipment-Fees", "FBATransportationFee"), C.FBA_FEE),
        (("other-transaction", "MCF Inventory Reimbursement", "MULTICHANNEL_ORDER_LOST"), C.REIMBURSEMENT),
        (("ServiceFee", "Refund for Advertiser", "TransactionTotalAmount"), C.ADVERTISING),
        (("other-transaction", "other-transaction", "LowInventoryLevelFee"), C.FBA_FEE),
        (("other-transaction", "other-transaction", "INCORRECT_FEES_ITEMS"), C.REIMBURSEMENT),
        (("other-transaction", "Capacity Reservation Fee", "Reservation Fee"), C.STORAGE_FEE),
        (("other-transaction", "Capacity Reservation Fee", "Performance Credits"), C.STORAGE_FEE),
        (("other-transaction", "Capacity Reservation Fee", "Tax"), C.FEE_TAX),
    ],
)
def test_a_label_without_a_rule_is_explained_and_still_waits_for_a_person(
    label: tuple[str, str, str], category: C
) -> None:
    found = hint(Label(*label))

    assert found
    assert found.category is category
    assert found.reason
    assert classify(Label(*label)).rule == UNKNOWN_RULE


def test_of_a_label_that_nobody_has_seen_nothing_is_said() -> None:
    assert hint(Label("other-transaction", "other-transaction", "Greenlight Credit")) is None
