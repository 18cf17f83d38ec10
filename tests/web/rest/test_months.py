"""The months over REST, on a company with real data: the same figures as the page, and the pretend company's own."""

from datetime import date

import pytest

from flows import month_report


def test_a_month_adds_up_and_agrees_with_its_page(demo, rest):
    [first, *_] = [one for one in rest.get(f"flows/{demo.flow.pk}/months").json() if one["complete"]]

    told = rest.get(f"flows/{demo.flow.pk}/months/{first['month'][:7]}").json()

    accounts = [one for section in (*told["profit_and_loss"], *told["balance_sheet"]) for one in section["accounts"]]
    with demo.inside:
        page = month_report.report(demo.flow, date.fromisoformat(first["month"]))
    assert sum(one["debit"] for one in accounts) == sum(one["credit"] for one in accounts) == page.totals.debit > 0
    assert sum(one["waiting"] for one in accounts) == 0
    assert told["result"] == page.totals.result
    assert told["verdict"] == first
    assert [one["settlement_id"] for one in told["settlements"]] == [
        one.settlement.settlement_id for one in page.settlements
    ]


def test_all_months_together_are_the_books_of_the_pretend_company(demo, rest):
    months = [one["month"][:7] for one in rest.get(f"flows/{demo.flow.pk}/months").json()]

    told = [rest.get(f"flows/{demo.flow.pk}/months/{month}").json() for month in months]

    # What waits is not there: the profit and loss accounts of the company hold exactly what the months say.
    books = demo.world.quickbooks.books(demo.flow.target.remote_id)
    names = {one["Id"]: one for one in demo.world.quickbooks.company(demo.flow.target.remote_id).all("Account")}
    held = {names[account]["FullyQualifiedName"]: amount for account, amount in books.trial_balance().items() if amount}
    summed: dict[str, int] = {}
    for month in told:
        for section in (*month["profit_and_loss"], *month["balance_sheet"]):
            for one in section["accounts"]:
                summed[one["account"]] = summed.get(one["account"], 0) + one["net"]
    assert {name: amount for name, amount in summed.items() if amount} == held


@pytest.mark.parametrize("month", ["2026-13", "2026-1", "x", "2026-01-01"])
def test_what_is_no_month_is_not_there(demo, rest, month):
    assert rest.get(f"flows/{demo.flow.pk}/months/{month}").status_code == 404


def test_another_tenants_months_are_not_there(demo, stranger):
    assert stranger.get(f"flows/{demo.flow.pk}/months").status_code == 404
    assert stranger.get(f"flows/{demo.flow.pk}/months/2026-01").status_code == 404
