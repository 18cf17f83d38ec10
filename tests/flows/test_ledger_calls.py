"""Keeping to a ledger's limits costs no more time than they ask for: the benchmark of the same name, small."""

from benchmarks import metered
from ledgers.freshbooks.tests.e7 import FreshBooksBusiness


def test_a_settlement_takes_the_time_that_the_limits_ask_for_and_is_never_refused(db):
    run = metered.posted(FreshBooksBusiness, 20, {"plan": "Lite"}, mode="orders", layout="documents")

    assert run.refused == 0
    assert run.count("order") == 6 * run.orders  # an invoice made and sent, a payment, and a look before each
    assert 0.95 <= run.seconds / run.bound_s <= 1.05
