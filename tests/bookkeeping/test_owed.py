"""What Amazon owes against the books: worked example E2, day by day, and every reason for which the two may differ.

E2: 28 Sep to 12 Oct. September 565.60 with 120.00 of the reserve released, October 616.70 with 250.00 kept; 1,182.30 paid on 14 Oct.
"""

from datetime import date

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.owed import Booked, Reason, Role, Settled, Span, against_books, standing, without_books

CLEARING, RESERVE, DEFERRED, AR = AccountKey.CLEARING, AccountKey.RESERVE, AccountKey.DEFERRED, AccountKey.AR
SEP, OCT = 9, 10
E2 = Settled(
    1, "E2", date(2025, OCT, 12), 118230, reserve_held=-25000, reserve_released=12000, paid_on=date(2025, OCT, 14)
)
# Before it: 120.00 kept back, all else paid.
BEFORE = Settled(7, "E1", date(2025, SEP, 27), 0, reserve_held=-12000, ours=False)
OPENING = Booked(date(2025, SEP, 27), RESERVE, 12000, role=Role.OPENING)
PART_1 = [Booked(date(2025, SEP, 30), CLEARING, 56560, 1), Booked(date(2025, SEP, 30), RESERVE, -12000, 1)]
PART_2 = [Booked(date(2025, OCT, 12), CLEARING, 61670, 1), Booked(date(2025, OCT, 12), RESERVE, 25000, 1)]
PAYOUT = Booked(date(2025, OCT, 14), CLEARING, -118230, 1, Role.PAYOUT)
ALL = [OPENING, *PART_1, *PART_2, PAYOUT]


def lines(owed):
    return {line.reason: line.amount for line in owed.lines}


# September's sales and fees without the reserve: 445.60; October's 866.70.
@pytest.mark.parametrize(
    ("on", "total", "released", "in_books", "reasons"),
    [
        pytest.param((SEP, 29), 52000, 40000, 12000, {Reason.RELEASED: 40000}, id="open period"),
        pytest.param(
            (SEP, 30),
            56560,
            44560,
            56560,
            {Reason.RELEASED: 44560, Reason.EARLY: -44560},
            id="month end is in the books",
        ),
        pytest.param((OCT, 12), 143230, 0, 143230, {}, id="settled, not paid"),
        pytest.param((OCT, 14), 25000, 0, 25000, {}, id="paid"),
    ],
)
def test_each_day_of_a_settlement_that_two_months_share_ties(on, total, released, in_books, reasons):
    day = date(2025, *on)

    owed = against_books(day, total, [BEFORE, E2], released, 0, booked=ALL)

    assert (owed.in_books, lines(owed), owed.rest) == (in_books, reasons, 0)


def test_what_is_held_back_is_a_difference_until_it_is_accrued():
    day = date(2025, SEP, 30)
    accrued = Booked(day, DEFERRED, 14500)

    not_accrued = against_books(day, 71060, [BEFORE, E2], 44560, 14500, booked=ALL)
    is_accrued = against_books(day, 71060, [BEFORE, E2], 44560, 14500, booked=[*ALL, accrued])

    assert (not_accrued.in_books, lines(not_accrued)[Reason.HELD], not_accrued.rest) == (56560, 14500, 0)
    assert is_accrued.in_books == 71060
    assert (lines(is_accrued)[Reason.HELD], lines(is_accrued)[Reason.DEFERRED], is_accrued.rest) == (14500, -14500, 0)


def test_an_invoice_made_on_shipment_stands_for_what_amazon_holds_of_its_order_before_fees():
    day = date(2025, OCT, 15)
    invoices = [Booked(day, AR, 20000), Booked(day, AR, 3000)]

    owed = against_books(day, 39500, [BEFORE, E2], 0, 14500, booked=[*ALL, *invoices], nowhere=3000)

    assert owed.in_books == 48000
    assert lines(owed) == {Reason.HELD: 14500, Reason.INVOICED: -20000, Reason.NOWHERE: -3000}
    assert owed.rest == 0


@pytest.mark.parametrize(
    ("booked", "unposted"),
    [
        pytest.param([OPENING], 131230, id="nothing of it"),
        pytest.param([OPENING, *PART_1], 86670, id="one part"),
    ],
)
def test_a_settlement_that_ended_and_waits_is_named_with_what_is_missing(booked, unposted):
    owed = against_books(date(2025, OCT, 13), 143230, [BEFORE, E2], 0, 0, booked=booked)

    [line] = owed.lines
    assert (line.reason, line.amount, owed.rest) == (Reason.UNPOSTED, unposted, 0)
    assert [(share.number, share.amount) for share in line.shares] == [("E2", unposted)]


def test_a_payout_that_amazon_begins_before_its_deposit_day_is_between_the_two():
    early = Settled(1, "E2", E2.ended_on, 118230, 0, -25000, 12000, paid_on=date(2025, OCT, 13))

    before, then = (against_books(date(2025, OCT, on), 25000, [BEFORE, early], 0, 0, booked=ALL) for on in (13, 14))

    assert (before.in_books, lines(before), before.rest) == (143230, {Reason.PAYOUT: -118230}, 0)
    assert (then.in_books, lines(then), then.rest) == (25000, {}, 0)


def test_fees_that_come_into_the_books_with_the_deposit_are_booked_later():
    # The Deposit pays 1,182.30 and carries October's fees of 438.30, so that its line on clearing is -744.00.
    gross = [Booked(date(2025, OCT, 12), CLEARING, 105500, 1), Booked(date(2025, OCT, 12), RESERVE, 25000, 1)]
    fees = Booked(date(2025, OCT, 14), CLEARING, -43830, 1)

    owed = against_books(
        date(2025, OCT, 13), 143230, [BEFORE, E2], 0, 0, booked=[OPENING, *PART_1, *gross, fees, PAYOUT]
    )

    assert (owed.in_books, lines(owed), owed.rest) == (187060, {Reason.LATER: -43830}, 0)


def test_what_amazon_owed_before_the_books_is_a_difference_as_far_as_no_opening_entry_has_it():
    booked = [*PART_1, *PART_2, PAYOUT]

    owed = against_books(date(2025, OCT, 14), 25000, [BEFORE, E2], 0, 0, booked=booked)

    assert (owed.in_books, lines(owed), owed.rest) == (13000, {Reason.BEFORE: 12000}, 0)


def test_a_debt_is_carried_on_and_counted_once():
    # E3: A comes to -38.50 without a payout; B carries it, a card pays it, and 216.36 are paid.
    first = Settled(1, "A", date(2025, 11, 14), -3850)
    second = Settled(2, "B", date(2025, 11, 28), 21636, opening_debt=-3850, paid_on=date(2025, 12, 1))
    booked = [
        Booked(date(2025, 11, 14), CLEARING, -3850, 1),
        Booked(date(2025, 11, 17), CLEARING, 3850, 2),
        Booked(date(2025, 11, 28), CLEARING, 21636, 2),
        Booked(date(2025, 12, 1), CLEARING, -21636, 2, Role.PAYOUT),
    ]

    days = [(14, -3850, 0), (17, 0, 3850), (28, 21636, 0)]
    found = [
        against_books(date(2025, 11, on), total, [first, second], released, 0, booked=booked)
        for on, total, released in days
    ]

    assert [(one.expected, one.rest) for one in found] == [(-3850, 0), (0, 0), (21636, 0)]


def test_a_payout_that_failed_unbooked_and_its_return_cancel():
    # 100.00 is paid and fails before it was booked; the next settlement brings it again, beside 40.00 of its own.
    first = Settled(1, "A", date(2025, 11, 14), 10000, paid_on=date(2025, 11, 16), cancelled_on=date(2025, 11, 28))
    second = Settled(2, "B", date(2025, 11, 28), 14000, taken_back=10000)
    booked = [Booked(date(2025, 11, 14), CLEARING, 10000, 1), Booked(date(2025, 11, 28), CLEARING, 4000, 2)]

    gone, back = (
        against_books(date(2025, 11, on), total, [first, second], 0, 0, booked=booked)
        for on, total in ((17, 0), (28, 14000))
    )

    assert (lines(gone), gone.rest) == ({Reason.PAYOUT: -10000}, 0)
    assert (lines(back), back.rest) == ({}, 0)


def test_an_amount_that_nothing_explains_is_left_over_and_a_day_without_a_figure_claims_nothing():
    off = against_books(date(2025, OCT, 14), 25001, [BEFORE, E2], 0, 0, booked=ALL)
    unread = against_books(date(2025, OCT, 14), None, [BEFORE, E2], 0, 0, booked=ALL)

    assert off.rest == 1
    assert (unread.rest, unread.expected) == (None, 25000)


def test_a_document_of_no_settlement_is_no_explanation():
    stray = Booked(date(2025, OCT, 14), CLEARING, 500)

    owed = against_books(date(2025, OCT, 14), 25000, [BEFORE, E2], 0, 0, booked=[*ALL, stray])

    assert owed.rest == -500


def test_without_books_amazons_figure_is_made_of_its_files_and_transactions():
    owed = without_books(date(2025, OCT, 13), 152000, [BEFORE, E2], 4270, 4500)

    assert lines(owed) == {Reason.UNPAID: 118230, Reason.RESERVE: 25000, Reason.RELEASED: 4270, Reason.HELD: 4500}
    assert owed.rest == 0


def test_a_span_stands_from_its_day_up_to_the_day_of_its_end():
    spans = [
        Span(date(2025, 1, 2), date(2025, 1, 4), 5),
        Span(date(2025, 1, 3), None, 7),
        Span(date(2025, 1, 9), date(2025, 1, 9), 3),
    ]

    assert standing(spans, [date(2025, 1, day) for day in (1, 2, 3, 4, 9)]) == [0, 5, 12, 7, 7]
