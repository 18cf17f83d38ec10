from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping.money import BadAmount
from ledgers.freshbooks import wire


@given(amount=st.integers(-(10**12), 10**12), currency=st.sampled_from(["USD", "JPY", "KWD"]))
def test_what_is_written_is_read_back_exactly(amount: int, currency: str) -> None:
    assert wire.minor(wire.money(amount, currency), currency) == amount


@pytest.mark.parametrize(
    ("value", "currency", "minor"),
    [
        ({"amount": "1500.00", "code": "USD"}, "", 150000),
        ({"amount": "12.34000000000000000000000000", "code": "USD"}, "USD", 1234),
        ({"amount": "12.345", "code": "USD"}, "USD", 1234),
        ("70.56", "USD", 7056),
        ("200", "USD", 20000),
        (Decimal("0.1"), "USD", 10),
        (5, "JPY", 5),
        ({"amount": "1500.00", "code": "JPY"}, "USD", 1500),
    ],
)
def test_amounts_come_as_money_text_or_numbers_with_any_decimals(value: object, currency: str, minor: int) -> None:
    assert wire.minor(value, currency) == minor


@pytest.mark.parametrize("value", [None, "", "many", True, 1.5, {"amount": None}, {"amount": "NaN", "code": "USD"}, []])
def test_what_is_no_amount_is_refused(value: object) -> None:
    with pytest.raises(BadAmount):
        wire.minor(value, "USD")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-06-29 12:52:44", datetime(2026, 6, 29, 16, 52, 44, tzinfo=UTC)),
        ("2026-12-29 12:52:44", datetime(2026, 12, 29, 17, 52, 44, tzinfo=UTC)),
        ("2026-11-01 01:30:00", datetime(2026, 11, 1, 6, 30, tzinfo=UTC)),
        ("2026-08-22T04:31:10.449944Z", datetime(2026, 8, 22, 4, 31, 10, 449944, tzinfo=UTC)),
        (None, None),
        ("yesterday", None),
    ],
)
def test_timestamps_are_eastern_unless_they_say_otherwise(text: object, instant: datetime | None) -> None:
    assert wire.instant(text) == instant


def test_the_eastern_day_may_be_the_day_before() -> None:
    assert wire.eastern_day(datetime(2026, 10, 15, 3, 0, tzinfo=UTC)) == date(2026, 10, 14)


def test_a_note_keeps_its_mark_whole_however_long_the_text() -> None:
    noted = wire.note("m1", "x" * 2000)

    assert len(noted) == wire.TEXT
    assert wire.marker_of(noted) == "m1"


@pytest.mark.parametrize(
    ("text", "marker"), [("AMZ-1 ref:m1", "m1"), ("xref:m1", ""), ("ref:a ref:b", "b"), (None, ""), ("", "")]
)
def test_the_mark_is_the_last_whole_word_of_its_kind(text: object, marker: str) -> None:
    assert wire.marker_of(text) == marker
