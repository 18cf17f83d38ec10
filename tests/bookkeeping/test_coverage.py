"""The coverage rules, one at a time."""

import pytest

from bookkeeping.coverage import Coverage, OpenInvoice, cover, covered_by, remainders
from bookkeeping.figures import OrderPart, Statement
from bookkeeping.statement import build
from tests.bookkeeping import e7
from tests.bookkeeping.meanings import classify
from tests.bookkeeping.test_statement import stated

ORDER = e7.ORDERS["A"]
ITEM = "600000000065"


def invoice(lines: dict[str, int], units: int, **more: object) -> OpenInvoice:
    return OpenInvoice("inv", ORDER, ORDER, "customer", e7.day("18 Sep"), lines, {ITEM: units}, **more)  # type: ignore[arg-type]


def nothing(order_id: str, part: OrderPart) -> None:
    return None


def covering(table: str, *invoices: OpenInvoice) -> tuple[Coverage, dict[str, int]]:
    """What one month's rows of order A take off the invoice, and what is left for the entry."""
    statement = stated((("22 Sep", "Order", "A", table),))
    ((coverage, _),) = cover(statement, invoices, nothing)
    return coverage, remainders(statement, [coverage])[1]


@pytest.mark.parametrize(
    ("table", "lines", "units", "covered", "left", "closes"),
    [
        ("P 80.00 (2)", {"SALES": 8000}, 2, {"SALES": 8000}, {}, True),
        ("P 40.00 (1)", {"SALES": 8000}, 2, {"SALES": 4000}, {}, False),
        ("P 44.99 (3)", {"SALES": 4500}, 3, {"SALES": 4500}, {"SALES": -1}, True),
        ("P 45.01 (3)", {"SALES": 4500}, 3, {"SALES": 4500}, {"SALES": 1}, True),
        ("P 50.00 (1)", {"SALES": 4500}, 3, {"SALES": 4500}, {"SALES": 500}, True),
        ("P 80.00 (2), promo P -8.00", {"SALES": 8000, "PROMO": -800}, 2, {"SALES": 8000, "PROMO": -800}, {}, True),
        ("P 80.00 (2), promo P -8.00", {"SALES": 8000}, 2, {"SALES": 8000}, {"PROMO": -800}, True),
        ("P 40.00 (1), promo P -8.00", {"SALES": 8000}, 2, {"SALES": 4000}, {"PROMO": -800}, False),
        ("promo P -8.00", {"SALES": 8000, "PROMO": -800}, 2, {}, {"PROMO": -800}, False),
        ("P -5.00 (0)", {"SALES": 8000}, 2, {}, {"SALES": -500}, False),
        ("P 30.00 (1), Shipping 6.00", {"SALES": 8000, "SHIP_INCOME": 500}, 2, {"SALES": 3000, "SHIP_INCOME": 500},
         {"SHIP_INCOME": 100}, False),
        ("P 30.00 (1), promo P 1.00", {"SALES": 8000, "PROMO": -800}, 2, {"SALES": 3000}, {"PROMO": 100}, False),
        ("Shipping 6.00", {"SALES": 8000}, 2, {}, {"SHIP_INCOME": 600}, False),
        ("P 75.00 (1)", {"SALES": 8000, "PROMO": -500}, 2, {"SALES": 8000, "PROMO": -500}, {"SALES": -500, "PROMO": 500}, True),
    ],
    ids=[
        "equal rows close it",
        "half the units leave it open",
        "a cent less with all units closes it",
        "a cent more goes to the entry",
        "more than the balance closes it before all units",
        "promotion on the invoice",
        "promotion unknown to the invoice",
        "promotion unknown to a half settled invoice",
        "nothing positive covers nothing",
        "negative rows cover nothing",
        "more on one key than the invoice has",
        "the opposite sign of the invoice",
        "a key the invoice does not have",
        "reaching the balance closes key by key",
    ],
)  # fmt: skip
def test_cover(
    table: str, lines: dict[str, int], units: int, covered: dict[str, int], left: dict[str, int], closes: bool
) -> None:
    coverage, rest = covering(table, invoice(lines, units))

    assert coverage.by_key == covered
    assert rest == left
    assert (covered_by(invoice(lines, units), [coverage]).remaining == {}) is closes


def test_units_settled_before_count_towards_the_end() -> None:
    coverage, left = covering("P 39.00 (1)", invoice({"SALES": 8000}, 2, covered={"SALES": 4000}, settled={ITEM: 1}))

    assert coverage.by_key == {"SALES": 4000}
    assert left == {"SALES": -100}


def test_units_count_even_where_nothing_is_paid() -> None:
    coverage, _ = covering("P 0.00 (1)", invoice({"SALES": 8000}, 2))

    assert coverage.amount == 0
    assert covered_by(invoice({"SALES": 8000}, 2), [coverage]).settled == {ITEM: 1}


def test_rows_after_the_invoice_closed_start_again() -> None:
    rows = e7.rows_from((("22 Sep", "Order", "A", "P 80.00 (2)"), ("2 Oct", "Order", "A", "P 10.00 (1)")))
    header = e7.header(1)
    statement: Statement = build(
        type(header)(header.settlement_id, header.starts_at, header.ends_at, header.deposit_on, 9000, "USD"),
        rows,
        classify=classify,
        zone_of=e7.ZONE,
    )
    asked = []

    def make(order_id: str, part: OrderPart) -> None:
        asked.append((order_id, part.part))

    found = cover(statement, [invoice({"SALES": 8000}, 2)], make)

    assert asked == [(ORDER, 2)]
    assert [coverage.part for coverage, _ in found] == [1]


def test_forgetting_a_coverage_frees_exactly_it() -> None:
    first = Coverage("inv", ORDER, ORDER, "1", 1, {"SALES": 3000}, {ITEM: 1})
    second = Coverage("inv", ORDER, ORDER, "2", 1, {"SALES": 5000}, {ITEM: 1})
    whole = invoice({"SALES": 8000}, 2)

    assert covered_by(whole, [first, second]).balance == 0
    assert covered_by(whole, [second]).remaining == {"SALES": 3000}
    assert covered_by(whole, []).balance == 8000


def test_settlement_that_was_carried_before_the_invoice_was_made_does_not_pay_it() -> None:
    statement = stated((("22 Sep", "Order", "A", "P 80.00 (2)"),))

    found = cover(statement, [invoice({"SALES": 8000}, 2, not_for=(statement.header.settlement_id,))], nothing)

    assert found == ()
