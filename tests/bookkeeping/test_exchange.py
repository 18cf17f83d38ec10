"""Rates and what amounts are worth at them."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookkeeping.exchange import BadRate, converted, exactly, rate_of, rate_text, turned_round

RATES = st.decimals("0.0001", "20000", places=6).map(lambda value: rate_text(format(value, "f")))
CURRENCIES = st.sampled_from(["USD", "GBP", "JPY", "KWD"])


@pytest.mark.parametrize(
    ("amount", "currency", "rate", "home", "expected"),
    [
        (81875, "GBP", "1.302", "USD", 106601),
        (375, "GBP", "1.3", "USD", 488),  # 4.875: half goes to the even cent
        (365, "GBP", "1.3", "USD", 474),  # 4.745
        (-375, "GBP", "1.3", "USD", -488),
        (100000, "JPY", "0.0067", "USD", 67000),
        (12345, "USD", "149.5", "JPY", 18456),
        (1000, "USD", "0.30725", "KWD", 3072),  # 3.0725 dinars
    ],
)
def test_amounts_are_rounded_once_half_even(amount: int, currency: str, rate: str, home: str, expected: int) -> None:
    assert converted(amount, currency, rate, home) == expected


@given(st.integers(-(10**12), 10**12), CURRENCIES, RATES, CURRENCIES)
def test_signs_are_symmetric(amount: int, currency: str, rate: str, home: str) -> None:
    assert converted(-amount, currency, rate, home) == -converted(amount, currency, rate, home)


@pytest.mark.parametrize("text", ["", "0", "0.000", "-1.3", "1,3", "1e3", "abc", "1.2.3", "NaN", "1234567890"])
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(BadRate):
        rate_text(text)


def test_a_rate_is_kept_without_zeros_at_the_end() -> None:
    assert [rate_text(text) for text in ("1.3000", " 2 ", "0.860", "100")] == ["1.3", "2", "0.86", "100"]


@given(RATES)
def test_a_rate_turned_round_twice_is_nearly_itself(rate: str) -> None:
    there_and_back = float(turned_round(turned_round(rate)))

    assert there_and_back == pytest.approx(float(rate), rel=1e-4)


@given(st.integers(1000, 10**9), st.integers(1, 10**8), CURRENCIES, CURRENCIES)
def test_the_rate_of_a_payout_gives_what_was_received_however_halves_are_rounded(
    sent: int, received: int, currency: str, home: str
) -> None:
    rate = rate_of(sent, currency, received, home)

    assert abs(exactly(sent, currency, rate, home) - received) < Fraction(1, 2)


def test_a_rate_that_comes_to_half_a_cent_gets_another_decimal() -> None:
    assert rate_of(1500000, "EUR", 1500004, "USD") == "1.0000027"  # 1.000003 is 15,000.045: 04 to us, 05 to Zoho


def test_an_amount_that_no_rate_gives_is_refused() -> None:
    with pytest.raises(BadRate, match="No rate of 12 decimals"):
        rate_of(3 * 10**15, "EUR", 10**15 + 1, "USD")


def test_six_decimals_are_enough_for_an_ordinary_payout_and_seven_for_a_large_one() -> None:
    assert rate_of(7700, "GBP", 9940, "USD") == "1.290909"
    assert rate_of(9876543, "EUR", 8494111, "GBP") == "0.8600288"
