"""Lists and their traps, bodies, envelopes, accounts, items and contacts, what a person does by hand (sheet §3, §5, §7)."""

from decimal import Decimal
from urllib.parse import urlencode

import pytest
from werkzeug.test import Client

from ledgers.zoho.sandbox import ZohoStandIn
from ledgers.zoho.sandbox.charts import CHARTS
from ledgers.zoho.sandbox.switches import SWITCHES
from sandbox.clock import frozen
from sandbox.jsontext import dumps, loads
from sandbox.store import Store

from .conftest import NOW, Api

CLEARING, BANK, SALES = "Amazon Clearing US (USD)", "Business Checking", "Amazon Sales"


def journals(api, **query):
    return [each["reference_number"] for each in api.get("journals", **query)["journals"]]


@pytest.fixture
def listed(api):
    """Journals AMZ-1 … AMZ-5 of 10 … 50, one a day."""
    for number in range(1, 6):
        amount = number * 10
        body = api.journal((CLEARING, amount), (SALES, -amount), reference_number=f"AMZ-{number}", notes=f"n{number}")
        api.post("journals", {**body, "journal_date": f"2026-11-0{number}"})
    return api


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"reference_number": "AMZ-3"}, "3"),
        ({"reference_number": "amz-3"}, "3"),
        ({"reference_number_startswith": "AMZ-"}, "54321"),
        ({"reference_number_contains": "Z-5"}, "5"),
        ({"date": "2026-11-02"}, "2"),
        ({"date_start": "2026-11-02", "date_end": "2026-11-04"}, "432"),
        ({"date_before": "2026-11-02"}, "1"),
        ({"date_after": "2026-11-04"}, "5"),
        ({"total": "20"}, "2"),
        ({"total_greater_equals": "40"}, "54"),
        ({"total_less_than": "20"}, "1"),
        ({"notes": "n4"}, "4"),
        ({"status": "draft"}, ""),
        ({"sort_column": "total", "sort_order": "A"}, "12345"),
        ({"sort_column": "created_time", "sort_order": "A"}, "12345"),
        ({"from_date": "2026-11-05"}, "54321"),
        ({"referencenumber": "AMZ-3"}, "54321"),
    ],
    ids=str,
)
def test_journals_are_found_by_documented_filters_and_unknown_ones_are_ignored(listed, query, found):
    assert journals(listed, **query) == [f"AMZ-{each}" for each in found]


@pytest.mark.parametrize(
    "query",
    [{"status": "posted"}, {"sort_column": "color"}, {"page": "0"}, {"total": "x"}, {"last_modified_time": "now"},
     {"sort_order": "X"}],
    ids=str,
)  # fmt: skip
def test_wrong_value_of_a_known_parameter_is_2(listed, query):
    assert listed.code("GET", "journals", **query) == 2


def test_filters_can_all_be_dropped_in_silence(listed):
    listed.remote.switches["filters"] = "ignored"

    assert len(journals(listed, reference_number="AMZ-3")) == 5


def test_new_record_stays_out_of_searches_for_a_moment(listed):
    listed.remote.clock.advance(60)
    listed.remote.switches["search_lag_s"] = 2
    listed.post("journals", listed.journal((CLEARING, 1), (SALES, -1), reference_number="AMZ-6"))
    at_once = journals(listed, reference_number="AMZ-6"), len(journals(listed))
    listed.remote.clock.advance(2)

    assert at_once == ([], 6)
    assert journals(listed, reference_number="AMZ-6") == ["AMZ-6"]


def test_pages_say_whether_there_is_more(listed):
    first = listed.get("journals", per_page="2", page="1")["page_context"]
    last = listed.get("journals", per_page="2", page="3")

    assert (first["has_more_page"], first["per_page"]) == (True, 2)
    assert (last["page_context"]["has_more_page"], len(last["journals"])) == (False, 1)
    assert listed.get("journals", per_page="500")["page_context"]["per_page"] == 200


def test_modified_since_needs_its_plus_escaped(listed):
    listed.remote.clock.advance(3600)
    listed.tokens = listed.remote.control("issue_tokens", {"user": listed.made["user"]})
    since = listed.remote.organization(listed.id).stamp()
    found = listed.get("journals", reference_number="AMZ-1")["journals"][0]
    listed.put(f"journals/{found['journal_id']}", {"notes": "later"})

    assert journals(listed, last_modified_time=since) == ["AMZ-1"]
    assert listed.code("GET", "journals", last_modified_time="2026-11-20T10:00:00 0100") == 2


def test_invoice_counts_as_modified_when_somebody_pays_it(api):
    paid, other = api.invoiced(10), api.invoiced(20)
    api.remote.clock.advance(3000)
    since = api.remote.organization(api.id).stamp()
    api.post("customerpayments", api.payment(10, (paid, 10)))

    found = api.get("invoices", last_modified_time=since)["invoices"]

    assert [each["invoice_id"] for each in found] == [paid["invoice_id"]] != [other["invoice_id"]]


def test_invoices_payments_and_bank_transactions_have_their_own_filters(api):
    invoice = api.invoiced(100, reference_number="R1")
    api.invoiced(7, sent=False)
    api.post("customerpayments", api.payment(40, (invoice, 40), reference_number="AMZ-1-1", description="first"))
    api.post("banktransactions", api.transfer(CLEARING, BANK, 5, reference_number="AMZ-1-P"))

    def count(path, **query):
        return len(next(value for value in api.get(path, **query).values() if isinstance(value, list)))

    assert count("invoices", invoice_number="inv-000001") == 1
    assert count("invoices", invoice_number_startswith="INV") == 2
    assert count("invoices", status="unpaid") == 1
    assert count("invoices", filter_by="Status.Draft") == 1
    assert count("invoices", balance="60") == 1
    assert count("invoices", customer_id=api.contact("Somebody")) == 0
    assert count("customerpayments", reference_number="AMZ-1-1") == 1
    assert count("customerpayments", notes="first") == 1
    assert count("customerpayments", amount_greater_than="40") == 0
    # Documented for lists of payments: no filter by time of change.
    assert count("customerpayments", last_modified_time="anything") == 1
    assert count("banktransactions", reference_number="AMZ-1-P") == 1
    assert count("banktransactions", reference_number_startswith="nothing") == 1
    assert count("banktransactions", account_id=api.account(SALES)) == 0
    assert count("banktransactions", transaction_type="deposit") == 0
    assert count("banktransactions", status="uncategorized") == 0
    assert count("banktransactions", amount_start="4", amount_end="6") == 1
    assert count("chartofaccounts", account_name_starts_with="amazon clearing") == 1
    assert count("chartofaccounts", filter_by="AccountType.Equity") == 4
    assert count("bankaccounts", filter_by="Status.Active") == 5
    assert count("items", name_contains="order") == 1
    assert count("contacts", contact_name="somebody") == 1
    assert count("settings/currencies", filter_by="Currencies.ExcludeBaseCurrency") == 0


# Bodies and envelopes


def test_body_comes_as_json_or_as_the_older_form_and_not_otherwise(api):
    body = api.journal((CLEARING, 5), (SALES, -5))
    form = {"Content-Type": "application/x-www-form-urlencoded"}

    older = api.send("POST", "journals", data=urlencode({"JSONString": dumps(body)}), headers=form)
    plain = api.send("POST", "journals", data=urlencode({"journal_date": "2026-11-10"}), headers=form)
    broken = api.send("POST", "journals", data="{", headers={"Content-Type": "application/json"})
    a_list = api.send("POST", "journals", data="[]", headers={"Content-Type": "application/json"})

    assert older.status_code == 201
    assert [(each.status_code, each.json["code"]) for each in (plain, broken, a_list)] == [(400, 1038)] * 3


def test_created_record_names_its_old_path(api):
    answer = api.send("POST", "journals", api.journal((CLEARING, 5), (SALES, -5)))

    assert answer.headers["location"] == f"/api/v3/journals/{answer.json['journal']['journal_id']}"
    assert answer.headers["content-disposition"] == "attachment;"


def test_numbers_have_no_padding_ids_are_long_texts_and_times_have_the_local_offset(api):
    body = loads(api.send("POST", "journals", api.journal((CLEARING, Decimal("5.50")), (SALES, Decimal("-5.50")))).data)
    made = body["journal"]

    assert str(made["total"]) == "5.5"
    assert (len(made["journal_id"]), made["created_time"]) == (19, "2026-11-20T13:00:00-0500")


def test_empty_values_are_loose_or_tidy(api):
    api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))
    loose = api.get("journals")["journals"][0]["documents"]
    api.remote.switches["empty_values"] = "tidy"

    assert (loose, api.get("journals")["journals"][0]["documents"]) == ("", [])


def test_unknown_paths_and_methods_are_5(api):
    unknown, wrong = api.send("GET", "reports/trialbalance"), api.send("PATCH", "items")

    assert (unknown.status_code, unknown.json["code"]) == (404, 5)
    assert (wrong.status_code, wrong.json["code"]) == (405, 5)


# Masters


def test_items_are_unique_by_name_and_by_sku(api):
    made = api.post("items", {"name": "Mug", "rate": 5, "sku": "MUG", "account_id": api.account(SALES)})["item"]
    api.put(f"items/{made['item_id']}", {"rate": 6})

    assert api.code("POST", "items", {"name": "mug", "rate": 5}) == 1001
    assert api.code("POST", "items", {"name": "Cup", "rate": 5, "sku": "mug"}) == 1001
    assert api.code("POST", "items", {"name": "Cup"}) == 4
    assert api.code("POST", "items", {"name": "Cup", "rate": 1, "product_type": "thing"}) == 4
    assert api.get("itemdetails", item_ids=made["item_id"])["items"][0]["rate"] == 6


def test_item_used_on_an_invoice_stays(api):
    item = next(iter(api.made["items"].values()))
    api.post("invoices", {**api.invoice(), "line_items": [{"item_id": item, "rate": 3}]}, send="true")

    assert api.code("DELETE", f"items/{item}") == 12000
    assert api.balance(SALES) == -3


def test_contacts_are_unique_by_name_and_keep_their_currency_once_used(foreign):
    name = "Amazon.de customers (EUR)"
    foreign.invoiced(5)

    assert foreign.code("POST", "contacts", {"contact_name": name.upper()}) == 3062
    path = f"contacts/{foreign.contact(name)}"
    assert foreign.code("PUT", path, {"currency_code": "USD"}) == 12000
    assert foreign.code("DELETE", path) == 12000
    assert foreign.code("POST", "contacts", {"contact_name": "x", "contact_type": "friend"}) == 4


def test_accounts_are_made_changed_archived_and_deleted_by_rule(api):
    made = api.post("chartofaccounts", {"account_name": "New", "account_type": "income"})["chart_of_account"]
    path = f"chartofaccounts/{made['account_id']}"
    api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))

    assert api.code("POST", "chartofaccounts", {"account_name": "new", "account_type": "income"}) == 12000
    assert api.code("POST", "chartofaccounts", {"account_name": "Other", "account_type": "revenue"}) == 4
    assert api.code("POST", "bankaccounts", {"account_name": "Other", "account_type": "income"}) == 4
    assert api.code("PUT", path, {"account_code": "400"}) == 0
    assert api.code("PUT", f"chartofaccounts/{api.account(SALES)}", {"account_type": "expense"}) == 12000
    assert api.code("DELETE", path) == 0
    assert api.code("DELETE", f"chartofaccounts/{api.account(SALES)}") == 12000
    assert api.code("DELETE", f"chartofaccounts/{api.account('Accounts Receivable')}") == 12000
    assert api.code("GET", f"bankaccounts/{api.account(SALES)}") == 1002


@pytest.mark.parametrize(("setting", "currency"), [("ignored", "GBP"), ("kept", "EUR")])
def test_currency_of_an_account_that_is_no_bank_is_ignored_or_kept(foreign, setting, currency):
    foreign.remote.switches["foreign_asset_accounts"] = setting
    body = {"account_name": "Reserve", "account_type": "other_current_asset", "currency_id": foreign.currency("EUR")}

    assert foreign.post("chartofaccounts", body)["chart_of_account"]["currency_code"] == currency


def test_organization_is_described_with_and_without_its_plan(foreign):
    row, alone = foreign.get("organizations")["organizations"][0], foreign.get(f"organizations/{foreign.id}")

    assert (row["plan_name"], row["currency_code"], row["time_zone"]) == ("Professional", "GBP", "Europe/London")
    assert "plan_name" not in alone["organization"]
    assert foreign.code("GET", "organizations/1") == 6041


# What a person does


def test_person_edits_voids_and_deletes_what_the_client_wrote(api):
    invoice = api.invoiced(100)
    gone = api.invoiced(10)
    journal = api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))["journal"]
    note = api.post("creditnotes", api.invoice(4))["creditnote"]
    api.control("edit", kind="journal", id=journal["journal_id"], changes={"notes": "by hand"})
    api.control("void", kind="invoice", id=invoice["invoice_id"])
    api.control("void", kind="creditnote", id=note["creditnote_id"])
    api.control("delete", kind="invoice", id=gone["invoice_id"])

    assert api.get(f"journals/{journal['journal_id']}")["journal"]["notes"] == "by hand"
    assert api.get(f"invoices/{invoice['invoice_id']}")["invoice"]["status"] == "void"
    assert api.code("GET", f"invoices/{gone['invoice_id']}") == 1002
    assert api.balance("Accounts Receivable") == 0


def test_person_takes_a_number_and_pays_by_hand(api):
    made = api.control("add", kind="invoice", body=api.invoice(30, invoice_number="114-1"))
    theirs = api.code("POST", "invoices", api.invoice(invoice_number="114-1"), ignore_auto_number_generation="true")
    ours = api.invoiced(20)
    api.control("add", kind="payment", body=api.payment(20, (ours, 20), account=BANK))

    assert (made["invoice_number"], theirs) == ("114-1", 1001)
    assert api.code("POST", "customerpayments", api.payment(20, (ours, 20))) == 24016
    assert api.balance(BANK) == 20


def test_person_renames_a_system_account_and_zoho_still_finds_it(api):
    api.control("rename_account", id=api.account("Accounts Receivable"), name="Debtors")
    api.invoiced(10)

    assert api.balance("Debtors") == 10


def test_person_sets_rates_and_settings_and_reads_the_books(foreign):
    foreign.control("set_rate", currency_code="EUR", date="2026-11-01", rate="0.9")
    euros = {"currency_id": foreign.currency("EUR")}
    sides = (("Amazon Clearing DE (EUR)", 10), (SALES, -10))
    foreign.post("journals", foreign.journal(*sides, **euros))
    foreign.control("upgrade", sales_tax=False)

    trial = foreign.control("trial_balance")
    entries = foreign.control("entries", account="Amazon Clearing DE (EUR)")

    assert trial == {foreign.account("Amazon Clearing DE (EUR)"): 900, foreign.account(SALES): -900}
    assert entries[0]["postings"][0]["amount"] == 1000
    assert len(foreign.control("records", kind="journal")) == 1
    assert {each["organization_id"] for each in foreign.control("organizations")} == {foreign.id}


def test_second_person_sees_the_organization_once_invited(api):
    user = api.remote.control("create_user", {"location": "us"})
    tokens = api.remote.control("issue_tokens", {"user": user["id"]})
    before = api.send("GET", "items", token=tokens["access_token"]).json["code"]
    api.control("add_user", user=user["id"])

    assert (before, api.send("GET", "items", token=tokens["access_token"]).json["code"]) == (6041, 0)


def test_wrong_seed_and_wrong_action_are_told(api):
    with pytest.raises(ValueError, match="unknown: colour"):
        api.remote.control("create_organization", {"colour": "red"})
    with pytest.raises(ValueError, match="no module"):
        api.control("lock", date="2026-11-01", module="garden")
    with pytest.raises(ValueError, match="1002"):
        api.control("void", kind="invoice", id="46")
    with pytest.raises(ValueError, match="no data centre"):
        api.remote.control("create_user", {"location": "mars"})


@pytest.mark.parametrize("chart", CHARTS.values(), ids=lambda each: each.slug)
def test_every_expected_account_is_in_its_chart(remote, chart):
    made = remote.control("create_organization", {"chart": chart.slug})

    assert all(made["expected"].values())
    assert set(made["currencies"]) == {chart.home, *chart.currencies}


def test_state_survives_the_process(tmp_path):
    file = tmp_path / "zoho.sqlite3"
    first = ZohoStandIn(store=Store(file), clock=frozen(NOW))
    api = Api(first, first.control("create_organization", {"contacts": ["Somebody"]}))
    api.invoiced(12)

    again = ZohoStandIn(store=Store(file), clock=frozen(NOW))

    assert again.books(api.id).balance("Accounts Receivable") == 1200


def test_control_door_shows_switches_and_actions():
    remote = ZohoStandIn(clock=frozen(NOW))

    overview = Client(remote).get("/_control/").json
    made = Client(remote).post("/_control/do/create_organization", json={"chart": "uk"}).json

    assert set(overview["switches"]) == {each.name for each in SWITCHES}
    assert made["organization_id"]
    assert {"void", "edit", "delete", "lock", "archive"} <= set(overview["actions"])
