"""Suggestions measured on the charts of Wave businesses, against what a bookkeeper reads in each of them."""

import pytest

from bookkeeping.accounts import AccountKey
from ledgers.port import RemoteAccount
from ledgers.suggest import suggest
from ledgers.wave import accounts
from ledgers.wave.sandbox.charts import CHARTS


@pytest.mark.parametrize(("chart", "least"), [("seller", 20), ("default", 4), ("bare", 1)])
def test_what_is_surely_found_is_what_a_bookkeeper_would_take(chart: str, least: int) -> None:
    read = CHARTS[chart]
    listed = [
        RemoteAccount(name, name, accounts.label(subtype), accounts.class_of(subtype), "USD", name not in read.archived)
        for name, subtype in read.accounts.items()
    ]

    found = suggest(AccountKey, listed, classes=accounts.CLASS_OF_KEY)

    sure = {key.value: one.account_id for key, one in found.items() if one.sure}
    assert sure.items() <= read.expected.items()
    assert len(sure) >= least
