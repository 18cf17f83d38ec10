"""Amounts as banks write them."""

import pytest

from bank.amounts import amount_of
from bookkeeping.money import BadAmount


@pytest.mark.parametrize(
    ("text", "mark", "amount"),
    [
        ("1,234.56", ".", 123456),
        ("12,34,567.00", ".", 123456700),
        ("1.234,56", ",", 123456),
        ("1 234,56", ",", 123456),
        ("1'234.56", ".", 123456),
        ("-5.00", ".", -500),
        ("\N{MINUS SIGN}5.00", ".", -500),
        ("5.00-", ".", -500),
        ("(5.00)", ".", -500),
        ("USD 5.00", ".", 500),
        ("-$5.00", ".", -500),
        ("$-5.00", ".", -500),
        ("5.00 DR", ".", -500),
        ("5.00CR", ".", 500),
        (".5", ".", 50),
    ],
)
def test_usual_forms_are_read_exactly(text, mark, amount):
    assert amount_of(text, mark, "USD") == amount


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("12,50", "."),
        ("1.23", ","),
        ("1,234", ","),
        ("1.2.3", "."),
        ("", "."),
        ("abc", "."),
        ("1e5", "."),
        ("5.005", "."),
        ("9" * 16, "."),
    ],
)
def test_what_could_be_another_amount_is_refused(text, mark):
    with pytest.raises(BadAmount):
        amount_of(text, mark, "USD")


def test_thousands_of_digits_are_refused_before_they_are_made_a_number(monkeypatch):
    monkeypatch.setattr("bank.amounts.Decimal", lambda text: pytest.fail("made a number"))

    with pytest.raises(BadAmount, match="too long"):
        amount_of("1" * 100_000, ".", "USD")
