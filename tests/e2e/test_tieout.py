"""What the demo's verdict is made of: it must say so when the books are not as the truth has them."""

from dataclasses import replace
from decimal import Decimal

import pytest

from connector.demo import tieout
from connector.demo.bank import beside_payouts
from connector.demo.outside import Company, Outside
from connector.demo.tieout import Books, Line, Result
from flows.models import Delivery

IDS = {"CLEARING": "1", "BANK": "2", "FEE_SELLING": "3", "ADS": "3"}
COMPANY = Company("quickbooks", "summary", {"realm": "9"})
SETTLEMENT = {"total": 0, "deposit_on": "2026-03-02", "charges": [], "bank_movements": []}
BALANCES = {"CLEARING": "10.00", "BANK": "90.00", "FEE_SELLING": "7.00", "ADS": "7.00"}
FOUND = {
    "balances": BALANCES,
    "others": {},
    "open_invoices": "0",
    "stated_otherwise": [],
    "unbalanced": [],
    "twice": [],
}
OUTSIDE = Outside(
    amazon="",
    ledgers={},
    truth={
        "today": "2026-03-31",
        "payouts": {"made": 15001, "returned": 2000},
        "settlements": [
            {**SETTLEMENT, "settlement_id": "1", "total": 4002},
            {**SETTLEMENT, "settlement_id": "2", "charges": [500, 250], "bank_movements": [-1]},
        ],
        "expected": {
            "quickbooks": {
                "summary": {
                    "held": [
                        {"settlement": "1", "what": "part entry", "number": "AMZ-1-2"},
                        {"settlement": "1", "what": "deposit", "number": "AMZ-1-P"},
                    ],
                    "balances": {"CLEARING": 1000, "BANK": 9000, "FEE_SELLING": 500, "ADS": 200},
                }
            }
        },
    },
    companies=[COMPANY],
)


def books(**changes):
    return tieout._books(OUTSIDE, COMPANY, IDS, {**FOUND, **changes})


def line(settlement_id, difference=0):
    return Line(COMPANY.name, settlement_id, "01 Jan - 15 Jan", 40, 123456, 123456, 0, 123456, difference, "proved")


def test_books_that_are_as_expected_are_not_blamed():
    beside = (
        ("held: AMZ-1-P", Decimal("-40.02")),
        ("bank verification (micro deposit) in settlement 2", Decimal("0.01")),
    )

    assert books() == Books(COMPANY, Decimal(0), Decimal(90), Decimal("130.01"), wrong=(), beside=beside)
    assert books().unexplained == 0


def test_where_money_stays_in_transit_charges_to_the_card_lie_between_amazons_payouts_and_the_account():
    expected = {"held": []}

    beside = dict(beside_payouts(OUTSIDE.truth, expected, in_transit=True))

    assert beside == {
        "charged to the card in settlement 2": -750,
        "bank verification (micro deposit) in settlement 2": 1,
    }


def test_a_bank_balance_that_amazons_payouts_and_the_named_amounts_do_not_come_to_is_unexplained():
    off = books(balances={**BALANCES, "BANK": "91.50"})

    text = tieout.table(Result((), (off,), (), 0, 48, ()), rate_scale=1)

    assert off.unexplained == Decimal("1.50")
    assert "1.50  not explained by any of these" in text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"balances": {**BALANCES, "FEE_SELLING": "7.01", "ADS": "7.01"}}, "FEE_SELLING is off by 0.01"),
        ({"open_invoices": "3", "others": {"Receivable": "3.00"}}, "open invoices are off by 3.00"),
        ({"others": {"Cash": "3"}}, "in other accounts is Cash 3; expected beyond open invoices: nothing"),
        ({"twice": ["Deposit abc"]}, "in the books twice: Deposit abc"),
        ({"unbalanced": ["Invoice 3"]}, "Invoice 3 does not balance"),
        ({"stated_otherwise": ["Fees"]}, "Fees has a balance for which there are no documents"),
    ],
    ids=[
        "an account",
        "receivables",
        "an account nothing is mapped to",
        "a document there twice",
        "an unbalanced document",
        "a balance from nowhere",
    ],
)
def test_whatever_is_off_in_the_books_is_named(changes, said):
    assert books(**changes).wrong == (said,)


def test_payouts_that_the_ledger_answers_no_total_of_count_as_they_were_booked():
    posted = {"number": "AMZ-1-P", "state": Delivery.State.POSTED}

    rows = [
        Delivery(**posted, amount=500),
        Delivery(**posted, amount=900, answered_total=70),
        Delivery(number="AMZ-2-P", state=Delivery.State.HELD, amount=8000),
        Delivery(number="AMZ-1-1", state=Delivery.State.POSTED, amount=30000),
    ]

    assert tieout._paid(rows) == 570


def test_clearing_is_told_as_the_difference():
    assert books(balances={**BALANCES, "CLEARING": "9.50"}).clearing == Decimal("-0.50")


def test_table_fits_a_terminal_and_names_what_does_not_tie():
    reason = (
        "Give these labels a category: other-transaction / other-transaction / Something very long and new (7.25 USD)"
    )
    result = Result(
        lines=(line("22942859575"), line("23030236521", difference=1)),
        books=(replace(books(), failed=(("22942859575", 1250, True, "23030236521"), ("23030236521", 900, False, ""))),),
        held=(("summary", "AMZ-23187504084-1", reason),),
        expected_held=1,
        orders=48,
        problems=("summary 23030236521: 0.01",),
    )

    text = tieout.table(result, rate_scale=60)

    assert max(len(each) for each in text.splitlines()) <= tieout.WIDTH
    assert "2 settlements" in text
    assert "60 times" in text
    assert "    130.01  paid out by Amazon" in text
    assert "    -40.02  held: AMZ-1-P" in text
    assert "     90.00  in the bank account" in text
    assert "payout failed: 12.50 of settlement 22942859575 is in the column payout; settlement 23030236521" in text
    assert "payout failed: 9.00 of settlement 23030236521; the money stays on clearing" in text
    assert text.endswith("NOT TIED: summary 23030236521: 0.01")
