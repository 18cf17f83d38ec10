"""Double entry: balanced or not written."""

from decimal import Decimal

import pytest

from sandbox.books import Books, Posting, Unbalanced, from_minor, to_minor
from sandbox.store import Store


@pytest.fixture
def books():
    return Books(Store(), "1", "USD")


def usd(account, amount):
    return Posting(account, "USD", amount, amount)


def test_unbalanced_entry_writes_nothing(books):
    with pytest.raises(Unbalanced):
        books.post("a", "2026-11-01", [usd("bank", 100), usd("sales", -99)])

    assert books.trial_balance() == {}


def test_posting_a_source_again_replaces_its_entry(books):
    books.post("a", "2026-11-01", [usd("bank", 100), usd("sales", -100)])

    books.post("a", "2026-11-02", [usd("bank", 40), usd("sales", -40)])

    assert books.balance("bank") == 40
    assert len(books.entries()) == 1


def test_foreign_entry_must_balance_in_its_own_currency(books):
    lines = [Posting("bank", "GBP", 100, 130), Posting("sales", "GBP", -90, -130)]

    with pytest.raises(Unbalanced):
        books.post("a", "2026-11-01", lines)


def test_exchange_difference_is_a_line_of_home_currency_only(books):
    lines = [Posting("bank", "GBP", 100, 130), Posting("ar", "GBP", -100, -125), Posting("fx", "GBP", 0, -5)]

    books.post("a", "2026-11-01", lines)

    assert books.balance_in("bank", "GBP") == 100
    assert books.trial_balance() == {"ar": -125, "bank": 130, "fx": -5}


def test_trial_balance_is_of_the_dates_asked(books):
    books.post("a", "2026-10-31", [usd("bank", 100), usd("sales", -100)])
    books.post("b", "2026-11-01", [usd("bank", 7), usd("sales", -7)])

    assert books.trial_balance("2026-11-01") == {"bank": 7, "sales": -7}
    assert books.balance("bank", through="2026-10-31") == 100


def test_entries_of_an_account_show_all_their_lines(books):
    books.post("a", "2026-11-01", [usd("bank", 100), usd("sales", -100)])
    books.post("b", "2026-11-01", [usd("fees", 7), usd("card", -7)])

    (entry,) = books.entries("bank")

    assert [line.account for line in entry.postings] == ["bank", "sales"]


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("1.23", "USD", 123), ("150", "JPY", 150), ("1.2345", "KWD", 1234)]
)
def test_minor_units_follow_the_currency(text, currency, minor):
    assert to_minor(Decimal(text), currency) == minor
    assert to_minor(from_minor(minor, currency), currency) == minor
