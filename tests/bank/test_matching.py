"""Which line is which payout."""

from datetime import date, timedelta

from bank.matching import Line, Payout, fits_by_hand, matched

DAY = date(2026, 1, 17)


def after(days):
    return DAY + timedelta(days)


def test_the_only_line_of_amount_and_day_is_the_payout():
    payouts = [Payout(1, 1250, DAY), Payout(2, 1250, after(14))]
    lines = [Line(10, 1250, after(3)), Line(20, 1250, after(17)), Line(30, 1251, after(3))]

    assert matched(payouts, lines) == {1: 10, 2: 20}


def test_a_line_before_the_payout_or_long_after_it_is_not():
    assert matched([Payout(1, 1250, DAY)], [Line(10, 1250, after(-1)), Line(20, 1250, after(11))]) == {}


def test_two_that_may_be_it_are_left_to_a_person():
    assert matched([Payout(1, 5, DAY)], [Line(10, 5, after(2)), Line(20, 5, after(3))]) == {}
    assert matched([Payout(1, 5, DAY), Payout(2, 5, after(1))], [Line(10, 5, after(2))]) == {}


def test_a_line_that_names_amazon_goes_before_one_that_does_not():
    lines = [Line(10, 5, after(2)), Line(20, 5, after(3), "AMAZON", amazon=True)]

    assert matched([Payout(1, 5, DAY)], lines) == {1: 20}


def test_a_trace_id_tells_two_equal_payouts_apart():
    payouts = [Payout(1, 5, DAY, "TRACE-0001"), Payout(2, 5, DAY, "TRACE-0002")]
    lines = [
        Line(10, 5, after(2), "AMAZON trace 0002", amazon=True),
        Line(20, 5, after(2), "AMAZON TRACE0001", amazon=True),
    ]

    assert matched(payouts, lines) == {1: 20, 2: 10}


def test_a_short_trace_id_proves_nothing():
    assert matched([Payout(1, 5, DAY, "17")], [Line(10, 5, DAY, "17"), Line(20, 5, DAY, "18")]) == {}


def test_by_hand_the_day_may_be_further_off_but_not_the_amount():
    payout = Payout(1, 5, DAY)

    assert fits_by_hand(payout, Line(10, 5, after(40)))
    assert not fits_by_hand(payout, Line(10, 6, after(2)))
