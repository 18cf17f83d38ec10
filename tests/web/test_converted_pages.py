"""Pages of a settlement in dollars that stands in books in euros: every figure with its own currency."""

from html import unescape

import pytest
from django.urls import reverse

from flows import planning
from flows.models import Delivery
from tests.flows.test_converted_forms import FORMS, converted  # noqa: F401  # a fixture
from tests.web.rest.conftest import caller
from tests.web.small_books import answer_all, plan_of, post
from tests.web.test_rate_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def read(signed_in, bob):
    browser = signed_in(bob)
    return lambda name, *args: unescape(text_of(browser.get(reverse(name, args=args)))).replace("\xa0", " ")


def arrived(plan):
    planning.state_received(plan.settlement, "user:1", 1100, "EUR")
    answer_all(plan)
    return plan_of(plan.settlement)


def test_figures_of_amazon_stay_in_the_settlements_currency(converted, read, acme, bob):  # noqa: F811
    plan = arrived(post(converted(FORMS["zoho"], "summary")))
    entry = Delivery.objects.get(key__contains="/entry/")

    month = read("flows:month", plan.flow_id, entry.on.replace(day=1))
    record = read("audit:record", entry.pk)
    told = caller(acme, bob).get(f"flows/{plan.flow_id}/months/{entry.on:%Y-%m}").json()

    assert (told["currency"], told["settlement_currency"]) == ("EUR", "USD")
    assert "Total, USD Of this month, USD" in month
    assert "Debit, EUR" in month
    assert "20.00 USD rows behind" in record
    assert "Amount, EUR" not in record


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_what_was_compared_has_the_figures_of_the_books_and_what_arrived(converted, read, mode):  # noqa: F811
    plan = arrived(post(converted(FORMS["zoho"], mode)))

    page = read("flows:settlement", plan.settlement_id)

    payout = Delivery.objects.get(key__contains="/P/payout/")
    assert payout.amount == 1150  # 12.50 at 0.92, the day's rate
    assert f"Entry {payout.number} 11.50 EUR As it was sent 11.50 EUR As QuickBooks Online answered" in page
    assert "What arrived 11.00 EUR As you said 11.00 EUR On the payout, as it was sent 0.00 EUR" in page
    assert "Payout 12.50 USD Amazon's stated total 12.50 USD Payout, before it was converted" in page
    assert "Amazon's total 12.50 USD At 0.9 11.25 EUR Arrived 11.00 EUR" in page


def test_books_without_entries_claim_no_payout_and_say_what_moved_petty_cash(converted, read):  # noqa: F811
    plan = arrived(post(converted(FORMS["without entries"], "summary")))

    page = read("flows:settlement", plan.settlement_id)

    assert "Petty Cash is moved by 11.00 EUR: exactly what arrived." in page
    assert "Petty Cash 11.00 EUR What the documents moved it by 11.00 EUR What arrived, as you said" in page
    assert "Amazon's total 12.50 USD At 0.9 11.25 EUR" in page
    assert page.count("Arrived 11.00 EUR") == 1
    assert "FX_COST 0.25 EUR As it was sent 0.25 EUR" in page
    assert "0.25 EUR 0.00 USD" not in page
