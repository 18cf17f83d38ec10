"""Suggestions on the stand-in's charts of accounts, whose truth was written by somebody who did not know the rules."""

import pytest

from bookkeeping.accounts import AccountKey
from kit import http
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.tests.rig import BASE, Rig
from ledgers.suggest import suggest

CHARTS = sorted(QuickBooksStandIn().control("charts"))


def verdicts(chart: str) -> list[bool]:
    """Whether each suggestion made on the chart is the right one."""
    rig = Rig(chart)
    http.mount(BASE, rig.stand_in)
    try:
        accounts = rig.ledger.reference().accounts
    finally:
        http.unmount(BASE)
    truth = {AccountKey(key): account for key, account in rig.expected.items()}
    return [truth[key] == suggestion.account_id for key, suggestion in suggest(truth, accounts).items()]


@pytest.mark.parametrize("chart", CHARTS)
def test_at_least_nine_in_ten_suggestions_are_right(chart: str) -> None:
    right = verdicts(chart)

    assert sum(right) >= 0.9 * len(right)


def test_a_sellers_own_chart_is_mostly_recognised() -> None:
    right = verdicts("bookkeeper")

    assert sum(right) >= 16
