"""A real settlement in the old layout, read where it lies; it is not part of the project."""

from pathlib import Path

import pytest

from amazon.labels import classify
from amazon.marketplaces import zone_of
from amazon.settlement_file import Name, read
from bookkeeping.accounts import Category
from bookkeeping.statement import build

REAL = Path(__file__).parents[3] / "shared" / "samples" / "settlement_v1_ca_cad_2025-08.txt"
pytestmark = pytest.mark.skipif(not REAL.exists(), reason="the real settlement is not on this machine")


@pytest.fixture(scope="module")
def settlement():
    return read(lambda: [REAL.read_bytes()])


def test_its_total_ties(settlement):
    rows = list(settlement)

    assert settlement.layout is Name.V1
    assert (settlement.header.total, settlement.header.currency) == (101608, "CAD")
    assert sum(row.amount for row in rows) == 101608


def test_every_row_is_classified_or_its_label_listed(settlement):
    labels = {row.label for row in settlement}

    unknown = {label for label in labels if classify(label).category is Category.UNKNOWN}

    assert {tuple(label) for label in unknown} == {("Order", "Shipment-Fees", "FBA transportation fee")}


def test_its_balance_movements_are_told_from_its_activity(settlement):
    by_category = {}
    for row in settlement:
        category = classify(row.label).category
        by_category[category] = by_category.get(category, 0) + row.amount

    assert by_category[Category.OPENING_DEBT] == -6231
    assert by_category[Category.DEBT_COLLECTED] == 6231
    assert by_category[Category.PAYOUT_MOVEMENT] < 0 < by_category[Category.REIMBURSEMENT]


def test_its_units_are_counted_once(settlement):
    sold = sum(row.quantity for row in settlement if classify(row.label).category is Category.PRODUCT_SALE)

    assert sold == 39


def test_it_builds_a_statement(settlement):
    statement = build(
        settlement.header, settlement, classify=classify, zone_of=lambda site: zone_of(site, settlement.header.currency)
    )

    assert [part.month.isoformat() for part in statement.parts] == ["2025-08-01"]
    assert [one.label.amount_type for one in statement.unknown] == ["Shipment-Fees"]
