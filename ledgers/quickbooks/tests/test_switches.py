"""Points that nobody outside Intuit can settle are switches of the stand-in. The client gives the same books either way."""

from collections.abc import Iterator

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import How, Kind
from ledgers.port import Absent, Found, Unknown
from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.tests import factories as make
from ledgers.quickbooks.tests.rig import Rig, rig

NAMES = (
    "old_refresh_grace", "refresh_rotates", "requestid_retention", "requestid_replays_4xx", "requestid_other_body",
    "requestid_in_flight", "deposit_line_account_types", "deposit_zero_total", "void_linked_invoice", "missing_synctoken",
    "dup_number_warning", "sku_in_select_star", "error_time_field", "batch_order", "batch_meter", "batch_rate_cost",
)  # fmt: skip
SETTINGS = [
    pytest.param(switch.name, setting, id=f"{switch.name}={setting}")
    for switch in QuickBooksStandIn.SWITCHES
    if switch.name in NAMES
    for setting in switch.settings[1:]
]


@pytest.fixture
def switched(request: pytest.FixtureRequest) -> Iterator[Rig]:
    name, setting = request.param
    with rig() as made:
        made.stand_in.switches[name] = setting
        yield made


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "switched" in metafunc.fixturenames:
        metafunc.parametrize(
            "switched", [each.values for each in SETTINGS], indirect=True, ids=[each.id for each in SETTINGS]
        )


def test_a_settlement_is_posted_and_taken_back(switched: Rig) -> None:
    invoices = switched.deliver(*(switched.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in (1, 2)))
    payments = switched.deliver(*(switched.post(make.payment(f"i{n}"), f"p{n}", invoices) for n in (1, 2)))
    deposit = switched.deliver(switched.post(make.deposit(), "d1"))
    posted = {**invoices, **payments, **deposit}

    in_the_books = switched.balances()
    switched.deliver(switched.post(make.undo("d1", Kind.DEPOSIT), "u-d1", posted))
    switched.deliver(*(switched.post(make.undo(f"p{n}", Kind.PAYMENT), f"u-p{n}", posted) for n in (1, 2)))
    for n in (1, 2):
        current = switched.ledger.find(switched.post(make.invoice(number=f"113-{n}"), f"i{n}"))
        assert isinstance(current, Found)
        target = {f"i{n}": current.posted}
        switched.deliver(switched.post(make.undo(f"i{n}", Kind.INVOICE, How.VOID), f"u-i{n}", target))

    assert in_the_books == {K.SALES: -8000, K.PROMO: 1000, K.CLEARING: -3000, K.FEE_SELLING: 1500, K.BANK: 8500}
    assert switched.balances() == {}


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "not kept"])
def test_a_lost_answer_is_looked_up_and_posts_once(switched: Rig, kept: bool) -> None:
    post = switched.post(make.entry(), "e1")
    (call,) = switched.ledger.render([post])
    if kept:
        switched.lose_next_answer()
    else:
        switched.lose_next_request()
    with pytest.raises(Unknown):
        switched.ledger.send(call, 10.0)

    found = switched.ledger.find(post)
    if found == Absent():
        switched.ledger.send(call, 10.0)

    assert isinstance(found, Found if kept else Absent)
    assert switched.balances() == {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}
