"""What is suggested for the charts that a seller's bookkeeper has in Zoho Books, beside the accounts Zoho makes by itself.

Every chart has "Sales" beside "Amazon Sales", and "Petty Cash" and "Undeposited Funds" beside the bank. A key that a chart
names no account for has none that a careful bookkeeper would use.
"""

import pytest

from bookkeeping.accounts import AccountKey
from kit import http
from ledgers.suggest import suggest
from ledgers.zoho.accounts import CLASS_OF_KEY
from ledgers.zoho.tests.rig import BASE, Rig

K = AccountKey
BY_CLASS_OR_RARE = {K.AR, K.OPENING, K.INPUT_TAX, K.REVENUE, K.PETTY}
# The keys that are surely found in each chart, and those where a person is shown the right one among others.
FOUND = {"us": (29, 0), "uk": (28, 1)}


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
