"""The drawing of what Amazon owes over time."""

from datetime import date

from bookkeeping.accounts import AccountKey
from bookkeeping.owed import Line, Owed, Reason
from flows.owed import Day, State
from flows.owed_chart import draw


def day(on, total, in_books, rest=0):
    books = ((AccountKey.CLEARING, in_books),)
    owed = Owed(date(2026, *on), total, books, (Line(Reason.HELD, total - in_books - rest),))
    return Day(owed.on, State.DIFFERS if rest else State.TIES, owed, {"TOTAL": total})


def test_days_that_were_not_read_are_not_drawn_and_what_is_left_over_is_marked():
    days = [day((1, 30), 0, 0), day((1, 31), 10000, 5000), day((2, 9), 2500, 2500, rest=100)]

    chart = draw(days, "USD")

    assert chart.amazon == "M0 200h0L100 0M1000 150h0"
    assert chart.books == "M0 200h0L100 100M1000 150h0"
    assert chart.off == "M1000 150h0"
    assert [(tick.text, tick.at) for tick in chart.amounts] == [("100.00", 0), ("0.00", 200)]
    assert [(tick.text, tick.percent) for tick in chart.months] == [("Feb", "20.00")]
    assert chart.summary.endswith(
        "3 days. At the end Amazon owed 25.00 USD, and the books had 25.00 of it. "
        "On 1 of the days something is left over"
    )


def test_one_day_alone_is_no_drawing():
    assert draw([day((1, 30), 100, 100)], "USD") is None
