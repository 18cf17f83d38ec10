"""What is suggested for the charts that a seller's bookkeeper has in Zoho Books, beside the accounts Zoho makes by itself.

Every chart has "Sales" beside "Amazon Sales", and "Petty Cash" and "Undeposited Funds" beside the bank. A key that a chart
names no account for has none that a careful bookkeeper would use.
"""

import pytest

from bookkeeping.accounts import AccountKey
from kit import http
from ledgers.port import RemoteAccount
from ledgers.suggest import suggest
from ledgers.zoho.accounts import CLASS_OF_KEY, class_of
from ledgers.zoho.sandbox.charts import SYSTEM
from ledgers.zoho.tests.rig import BASE, Rig

K = AccountKey
BY_CLASS_OR_RARE = {K.AR, K.OPENING, K.INPUT_TAX, K.REVENUE, K.PETTY}
# The keys that are surely found in each chart, and those where a person is shown the right one among others.
FOUND = {"us": (30, 0), "uk": (29, 1)}
# What a bookkeeper takes of the accounts that Zoho Books makes, where nobody has added any.
UNTOUCHED = {
    K.SALES: "Sales",
    K.SHIP_INCOME: "Shipping Charge",
    K.PROMO: "Discount",
    K.SHIP_LABELS: "Postage",
    K.ADS: "Advertising And Marketing",
    K.DEALS: "Advertising And Marketing",
    K.FX: "Exchange Gain or Loss",
}


@pytest.mark.parametrize("chart", FOUND)
def test_no_suggestion_is_wrong_and_what_the_chart_has_is_found(chart: str) -> None:
    rig = Rig(chart=chart)
    http.mount(BASE, rig.stand_in)
    try:
        reference = rig.ledger.reference()
    finally:
        http.unmount(BASE)
    expected = {K(key): account for key, account in rig.made["expected"].items()}

    found = suggest([key for key in K if key not in BY_CLASS_OR_RARE], reference.accounts, classes=CLASS_OF_KEY)

    sure = {key: one.account_id for key, one in found.items() if one.sure}
    shown = [key for key, one in found.items() if not one.sure and expected.get(key) in one.accounts]
    names = {account.id: account.name for account in reference.accounts}
    assert {key: names[each] for key, each in sure.items() if each != expected.get(key)} == {}
    assert (len(sure), len(shown)) == FOUND[chart]


def test_of_a_chart_that_nobody_has_touched_only_what_is_meant_is_sure() -> None:
    listed = [RemoteAccount(name, name, of_type, class_of(of_type)) for name, of_type, _ in SYSTEM]

    found = suggest([key for key in K if key not in BY_CLASS_OR_RARE], listed, classes=CLASS_OF_KEY)

    sure = {key: one.account_id for key, one in found.items() if one.sure}
    assert sure.items() <= UNTOUCHED.items()
    assert len(sure) == 6
