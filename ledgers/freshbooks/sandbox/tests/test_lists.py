"""Lists: filters that work and filters that do not, pages, order, timestamps."""

import pytest

from .conftest import CLEARING, SALES

CLIENTS = "users/clients"
INVOICES = "invoices/invoices"
PAYMENTS = "payments/payments"
EXPENSES = "expenses/expenses"
JOURNALS = "journal_entries/journal_entries"


def test_pages_default_to_15_are_capped_at_100_and_count_0_when_empty(api):
    empty = api.page(EXPENSES)
    for _ in range(17):
        api.post(EXPENSES, api.expense("1.00"))

    first, last, all_ = api.page(EXPENSES), api.page(EXPENSES, page="2"), api.page(EXPENSES, per_page="2000")

    assert (empty["pages"], empty["total"], empty["expenses"]) == (0, 0, [])
    assert (len(first["expenses"]), first["pages"], first["per_page"], first["total"]) == (15, 2, 15, 17)
    assert len(last["expenses"]) == 2
    assert (all_["per_page"], len(all_["expenses"])) == (100, 17)
    assert api.list(EXPENSES, page="9") == []


@pytest.mark.parametrize(
    ("query", "errno"), [({"page": "0"}, 1014), ({"per_page": "x"}, 1013), ({"per_page": "0"}, 1013)]
)
def test_wrong_page_is_refused(api, query, errno):
    assert api.send("GET", CLIENTS, **query).json["response"]["errors"][0]["errno"] == errno


def numbers(api, **query):
    return {each["invoice_number"] for each in api.list(INVOICES, **query)}


@pytest.fixture
def three(api):
    """Invoices 1 (draft), 2 (sent), 3 (paid), of three days, the last for another client."""
    other = api.post(CLIENTS, {"organization": "Other", "email": "o@example.com", "fname": "Olga"})
    api.post(INVOICES, api.invoice("10.00", invoice_number="1", create_date="2026-11-01"))
    api.sent("20.00", invoice_number="2", create_date="2026-11-02", due_offset_days=30)
    last = api.sent("30.00", invoice_number="3", create_date="2026-11-03", customerid=other["id"])
    api.pay(last, "30.00", note="AMZ-9-1", type="Check")
    return other


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"search[invoice_number]": "2"}, "2"),
        ({"search[date_min]": "2026-11-02"}, "23"),
        ({"search[date_max]": "2026-11-02"}, "1"),
        ({"search[date_min]": "2026-11-02", "search[date_max]": "2026-11-03"}, "2"),
        ({"search[v3_status]": "paid"}, "3"),
        ({"search[v3_status]": "draft"}, "1"),
        ({"search[paid]": "true"}, "3"),
        ({"search[outstanding]": "false"}, "3"),
        ({"search[updated_min]": "2026-11-21"}, ""),
        # Known no-ops, and what nobody knows.
        ({"search[status]": "paid"}, "123"),
        ({"search[statusid]": "4"}, "123"),
        ({"search[payment_status]": "paid"}, "123"),
        ({"search[create_date_min]": "2026-11-03"}, "123"),
        ({"search[number]": "2"}, "123"),
        ({"invoice_number": "2"}, "123"),
    ],
)
def test_invoice_filters_work_or_are_silently_ignored(api, three, query, found):
    assert numbers(api, **query) == set(found)


def test_filter_takes_a_set(api, three):
    assert numbers(api, **{"search[customerids][]": [three["id"], 1]}) == {"3"}


def test_documented_filters_can_all_be_ignored(api, three):
    api.remote.switches["filters"] = "ignored"

    assert numbers(api, **{"search[invoice_number]": "2"}) == {"1", "2", "3"}


def test_max_may_mean_up_to(api, three):
    api.remote.switches["max_filter"] = "inclusive"

    assert numbers(api, **{"search[date_max]": "2026-11-02"}) == {"1", "2"}
    assert numbers(api, **{"search[updated_max]": "2026-11-20"}) == {"1", "2", "3"}


def test_payments_clients_and_expenses_are_found_by_their_keys(api, three):
    invoice = api.list(INVOICES, **{"search[invoice_number]": "3"})[0]
    api.post(EXPENSES, api.expense("5.00", notes="a"))
    api.post(EXPENSES, api.expense("7.00", vendor="Amazon.de", date="2026-11-15"))

    def count(path, **query):
        return len(api.list(path, **{f"search[{key}]": value for key, value in query.items()}))

    assert count(PAYMENTS, invoiceid=str(invoice["id"])) == 1
    assert count(PAYMENTS, invoiceid="1") == 0
    assert count(PAYMENTS, type="Other") == 0
    assert count(PAYMENTS, amount_min="31") == 0
    assert count(PAYMENTS, currency="EUR") == 0
    assert count(PAYMENTS, notes="AMZ-9") == 1
    assert count(CLIENTS, email="o@example.com") == 1
    assert count(CLIENTS, fname_like="olg") == 1
    assert count(CLIENTS, fname="nobody") == 2
    assert count(CLIENTS, organization="nobody") == 2
    assert count(EXPENSES, vendor="Amazon.com") == 1
    assert count(EXPENSES, vendor="Amazon") == 0
    assert count(EXPENSES, vendor="Amazon.de", date_min="2026-11-15", date_max="2026-11-16") == 1
    assert count(EXPENSES, amount="7") == 1
    assert count(EXPENSES, status="9") == 2
    assert count(EXPENSES, categoryid=str(api.category())) == 2


def test_other_income_cannot_be_searched_by_text_or_day(api):
    api.post("other_incomes/other_incomes", api.income("5.00"))

    found = api.page("other_incomes/other_incomes", **{"search[source]": "Etsy", "search[date]": "2020-01-01"})
    none = api.page("other_incomes/other_incomes", **{"search[category_name]": "rentals"})

    assert (len(found["other_income"]), len(none["other_income"])) == (1, 0)


def test_journal_details_are_found_by_account_and_days_and_accounts_by_nothing(api):
    api.post(JOURNALS, api.journal((CLEARING, "5"), (SALES, "-5")))

    assert len(api.details(CLEARING)) == 1
    assert api.details(CLEARING, **{"search[start_date]": "2026-11-15"}) == []
    assert api.details(CLEARING, **{"search[end_date]": "2026-11-13"}) == []
    assert len(api.details(CLEARING, **{"search[start_date]": "2026-11-14", "search[end_date]": "2026-11-14"})) == 1
    path = "journal_entry_accounts/journal_entry_accounts"
    assert api.page(path, **{"search[account_type]": "asset"})["total"] == api.page(path)["total"]


def test_deleted_clients_are_listed_only_when_asked_for(api):
    api.put(CLIENTS, api.client, {"vis_state": 1})

    assert api.list(CLIENTS) == []
    assert [each["id"] for each in api.list(CLIENTS, **{"search[vis_state]": "1"})] == [api.client]


def test_lines_come_only_where_they_are_included(api):
    made = api.post(INVOICES, api.invoice("5.00"))

    assert "lines" not in made
    assert "lines" not in api.list(INVOICES)[0]
    assert api.get(INVOICES, made["id"], **{"include[]": "lines"})["lines"][0]["amount"]["amount"] == "5.00"
    assert api.list(INVOICES, **{"include[]": ["lines", "presentation"]})[0]["lines"]


def test_sort_keys_that_work_sort_and_others_leave_the_order(api, three):
    def order(**query):
        return "".join(each["invoice_number"] for each in api.list(INVOICES, **query))

    assert (order(sort="invoice_date_asc"), order(sort="invoice_date_desc")) == ("123", "321")
    assert order(sort="amount_asc") == order() == "321"
    api.remote.switches["list_order"] = "oldest_first"
    assert order() == "123"


def test_timestamps_are_us_eastern_but_for_the_day_a_client_signed_up(api):
    client = api.get(CLIENTS, api.client)

    assert (client["updated"], client["signup_date"]) == ("2026-11-20 13:00:00", "2026-11-20 18:00:00")


def test_version_changes_with_every_write_even_within_a_second(api):
    draft = api.post(INVOICES, api.invoice())

    assert api.put(INVOICES, draft["id"], {"notes": "x"})["version"] > draft["version"]


def test_clients_are_counted_against_the_plan(lite):
    flags = [lite.post(CLIENTS, {"organization": str(at)})["exceeds_client_limit"] for at in range(5)]
    lite.remote.switches["client_limit"] = "refused"

    assert flags == [False] * 4 + [True]
    assert lite.post(CLIENTS, {"organization": "x"}) == 1004
