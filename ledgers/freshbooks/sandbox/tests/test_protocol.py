"""Who may ask, what a refresh does, lists, the bodies of refusals, throttles, lost and late answers, webhooks."""

import base64
import hashlib
import hmac
import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.freshbooks.sandbox.charts import CHARTS
from ledgers.freshbooks.sandbox.oauth import SCOPES
from sandbox.clock import frozen
from sandbox.faults import AnswerDropped
from sandbox.store import Store

from .conftest import CLEARING, NOW, SALES, Api, business

CALLBACK = "http://localhost:8000/connections/freshbooks/callback"
APP = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "redirect_uri": CALLBACK}
INVOICES, PAYMENTS, CLIENTS = "invoices/invoices", "payments/payments", "users/clients"
EXPENSES, JOURNALS = "expenses/expenses", "journal_entries/journal_entries"
ME = "/auth/api/v1/users/me"


# Authorisation


def consent(remote, person="owner@example.com", decision="allow", **changes):
    fields = {
        "client_id": "sandbox-client",
        "response_type": "code",
        "scope": "user:profile:read user:invoices:read user:invoices:write",
        "redirect_uri": CALLBACK,
        "state": "s1",
        **changes,
    }
    return Client(remote).post("/oauth/authorize", data={**fields, "choice": person, "decision": decision})


def returned(answer):
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(remote, **values):
    return Client(remote).post("/auth/oauth/token", json={**APP, **values})


def refresh(remote, value, **changes):
    return token(remote, grant_type="refresh_token", refresh_token=value, **changes)


def works(remote, access_token):
    return Client(remote).get(ME, headers={"Authorization": f"Bearer {access_token}"}).status_code == 200


def test_consent_page_is_a_form_that_asks_who_one_is(api):
    query = {**APP, "response_type": "code", "state": "<s>", "scope": "user:profile:read"}

    page = Client(api.remote).get("/oauth/authorize", query_string=query).text

    assert 'value="owner@example.com"' in page
    assert 'value="&lt;s&gt;"' in page


def test_code_works_once_and_for_five_minutes(api):
    code, late = (returned(consent(api.remote))["code"] for _ in range(2))

    first, second = (token(api.remote, grant_type="authorization_code", code=code) for _ in range(2))
    api.remote.clock.advance(301)
    third = token(api.remote, grant_type="authorization_code", code=late)

    assert (first.json["token_type"], first.json["expires_in"], first.json["created_at"]) == (
        "Bearer",
        43_200,
        int(NOW.timestamp()),
    )
    assert first.json["scope"] == "user:profile:read user:invoices:read user:invoices:write"
    assert [(each.status_code, each.json["error"]) for each in (second, third)] == [(400, "invalid_grant")] * 2


def test_token_call_takes_a_form_as_well(api):
    values = {**APP, "grant_type": "refresh_token", "refresh_token": api.tokens["refresh_token"]}

    assert Client(api.remote).post("/auth/oauth/token", data=values).status_code == 200


def test_code_needs_the_same_redirect_and_secret(api):
    code = returned(consent(api.remote))["code"]

    other = token(api.remote, grant_type="authorization_code", code=code, redirect_uri="http://localhost:1/")
    wrong = token(api.remote, grant_type="authorization_code", code=code, client_secret="x")
    strange = token(api.remote, grant_type="password")

    assert [each.json["error"] for each in (other, wrong, strange)] == [
        "invalid_grant",
        "invalid_client",
        "unsupported_grant_type",
    ]


def test_state_and_refusal_come_back(api):
    assert returned(consent(api.remote))["state"] == "s1"
    assert returned(consent(api.remote, decision="deny"))["error"] == "access_denied"


@pytest.mark.parametrize("scope", ["user:profile:write", "user:reports:write", "user:unicorns:read"])
def test_one_wrong_scope_fails_the_whole_consent(api, scope):
    answer = consent(api.remote, scope=f"user:invoices:read {scope}")

    assert returned(answer)["error"] == "invalid_scope"


def test_scope_that_the_application_has_not_fails_too_and_none_means_all_it_has(api):
    scopes = ["user:profile:read", "user:clients:read"]
    uri = "https://tieout.example.com/callback"
    api.remote.control("register_app", {"client_id": "small", "scopes": scopes, "redirect_uris": [uri]})
    small = {"client_id": "small", "redirect_uri": uri}

    assert returned(consent(api.remote, **small))["error"] == "invalid_scope"
    code = returned(consent(api.remote, scope="", **small))["code"]
    answer = token(api.remote, grant_type="authorization_code", code=code, **small)
    assert answer.json["scope"] == " ".join(scopes)


@pytest.mark.parametrize("uri", ["http://tieout.example.com/", "https://tieout.example.com/?a=b"])
def test_only_https_without_a_query_can_be_registered(api, uri):
    with pytest.raises(ValueError, match="https"):
        api.remote.control("register_app", {"client_id": "x", "redirect_uris": [uri]})


def test_unregistered_redirect_goes_nowhere(api):
    answer = consent(api.remote, redirect_uri="https://evil.example/")

    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_refresh_kills_the_old_pair_at_once(api):
    old = api.tokens

    new = refresh(api.remote, old["refresh_token"]).json

    assert not works(api.remote, old["access_token"])
    assert works(api.remote, new["access_token"])
    assert refresh(api.remote, old["refresh_token"]).json["error"] == "invalid_grant"
    assert works(api.remote, new["access_token"])


def test_lost_refresh_answer_is_fatal(api):
    api.remote.switches["refresh_answer_lost"] = "drop"
    with pytest.raises(AnswerDropped):
        refresh(api.remote, api.tokens["refresh_token"])
    api.remote.switches["refresh_answer_lost"] = "off"

    assert refresh(api.remote, api.tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert not works(api.remote, api.tokens["access_token"])


def test_reuse_can_end_the_grant(api):
    api.remote.switches["refresh_reuse"] = "ends_grant"
    new = refresh(api.remote, api.tokens["refresh_token"]).json

    refresh(api.remote, api.tokens["refresh_token"])

    assert not works(api.remote, new["access_token"])
    assert refresh(api.remote, new["refresh_token"]).status_code == 400


def test_access_token_lives_twelve_hours_and_the_refresh_token_for_ever(api):
    api.remote.clock.advance(43_199)
    alive = works(api.remote, api.tokens["access_token"])
    api.remote.clock.advance(1)
    dead = works(api.remote, api.tokens["access_token"])
    api.remote.clock.advance(400 * 86_400)

    assert (alive, dead) == (True, False)
    assert refresh(api.remote, api.tokens["refresh_token"]).status_code == 200


def test_second_consent_of_the_same_person_kills_the_first(api):
    code = returned(consent(api.remote))["code"]
    token(api.remote, grant_type="authorization_code", code=code)

    assert not works(api.remote, api.tokens["access_token"])


def test_revocation_ends_the_pair_or_is_not_there(api):
    api.remote.switches["revoke"] = "404"
    values = {**APP, "token": api.tokens["refresh_token"]}
    missing = Client(api.remote).post("/auth/oauth/revoke", json=values).status_code
    api.remote.switches["revoke"] = "works"
    wrong = Client(api.remote).post("/auth/oauth/revoke", json={**values, "client_secret": "x"}).status_code

    done = Client(api.remote).post("/auth/oauth/revoke", json=values).status_code

    assert (missing, wrong, done) == (404, 401, 200)
    assert not works(api.remote, api.tokens["access_token"])


def test_person_can_disconnect_and_tokens_can_expire(api):
    assert api.remote.control("expire_access", {"person": "owner@example.com"}) == {"expired": 1}
    expired = works(api.remote, api.tokens["access_token"])
    api.tokens = refresh(api.remote, api.tokens["refresh_token"]).json
    assert api.remote.control("disconnect", {"person": "owner@example.com"}) == {"ended": 1}

    assert not expired
    assert refresh(api.remote, api.tokens["refresh_token"]).status_code == 400


# Identity


def test_identity_has_no_result_level_and_three_ids(api):
    me = api.send("GET", ME).json["response"]

    [membership] = me["business_memberships"]
    made = api.made
    assert (membership["business"]["id"], membership["business"]["business_uuid"]) == (
        made["business_id"],
        made["business_uuid"],
    )
    assert (membership["business"]["account_id"], membership["role"]) == (made["account_id"], "owner")
    assert membership["fasttrack_token"]
    assert me["subscription_statuses"] == {made["account_id"]: "active"}


@pytest.mark.parametrize(("plan", "journals"), [("Lite", False), ("Plus", True), ("Premium", True), ("Select", True)])
def test_plan_decides_about_journal_entries(remote, plan, journals):
    api = business(remote, plan=plan)

    permissions = api.send("GET", ME).json["response"]["permissions"][api.account]

    assert permissions["manual_journal_entries_feature.access"] is journals
    assert permissions["flexcoa_advanced_accounting.access"] is journals
    assert permissions["client.limit"] == {"Lite": 5, "Plus": 50}.get(plan, -1)


def test_feature_that_a_plan_has_not_may_be_unmentioned(lite):
    lite.remote.switches["lite_permissions"] = "absent"

    assert lite.send("GET", ME).json["response"]["permissions"][lite.account] == {"client.limit": 5}


def test_one_person_may_have_several_businesses_and_one_without_an_account(remote):
    first = business(remote)
    remote.control("create_business", {"person": first.made["person"], "accounting": False, "role": "no_seat_employee"})

    me = first.send("GET", ME).json["response"]

    assert [each["business"]["account_id"] for each in me["business_memberships"]] == [first.account, None]
    assert list(me["permissions"]) == [first.account]


def test_account_of_somebody_else_is_forbidden_and_ids_of_two_worlds_are_not_mixed(api, lite):
    own = api.made

    answers = [
        api.send("GET", path).status_code
        for path in (
            f"/accounting/account/{lite.account}/{CLIENTS}",
            f"/accounting/account/{own['business_uuid']}/{CLIENTS}",
            f"/accounting/businesses/{own['account_id']}/ledger_accounts/accounts",
            "/accounting/account/nobody/users/clients",
        )
    ]

    assert answers == [403] * 4


def test_lost_membership_and_role(api):
    api.do("set_role", person="owner@example.com", role="business_accountant")
    role = api.send("GET", ME).json["response"]["business_memberships"][0]["role"]
    api.do("lose_access", person="owner@example.com")

    assert role == "business_accountant"
    assert api.send("GET", CLIENTS).status_code == 403
    assert api.send("GET", ME).json["response"]["business_memberships"] == []


def test_missing_scope_fails_only_at_use(api):
    scope = "user:profile:read user:clients:read user:invoices:read"
    api.tokens = api.remote.control("issue_tokens", {"person": "owner@example.com", "scope": scope})

    assert api.send("GET", INVOICES).status_code == 200
    assert api.send("POST", INVOICES, {"invoice": api.invoice()}).status_code == 403
    assert api.send("GET", "journal_entries/journal_entry_details").status_code == 403
    assert api.business("GET", "ledger_accounts/accounts").status_code == 403


def test_scopes_of_the_sheet_are_there():
    assert "user:journal_entries:write" in SCOPES
    assert "user:reports:write" not in SCOPES


def test_cancelled_subscription_reads_and_does_not_write(api):
    api.do("set_plan", status="cancelled")

    assert api.send("GET", CLIENTS).status_code == 200
    assert api.send("POST", CLIENTS, {"client": {"organization": "x"}}).status_code == 403
    statuses = api.send("GET", ME).json["response"]["subscription_statuses"]
    assert statuses == {api.account: "cancelled"}


# The bodies of refusals


def test_old_form_of_an_error(api):
    answer = api.send("GET", f"{INVOICES}/999")

    assert answer.status_code == 404
    assert answer.headers["x-api-version"] == "2023-02-20"
    assert answer.json == {
        "response": {
            "errors": [
                {"errno": 1012, "field": "invoiceid", "message": "Invoice not found.", "object": "invoice",
                 "value": "999"}
            ]
        }
    }  # fmt: skip


def test_new_form_of_an_error_for_who_asks_for_a_newer_version(api):
    answer = api.send("GET", f"{INVOICES}/999", headers={"X-API-VERSION": "2023-09-25"})

    assert answer.headers["x-api-version"] == "2023-09-25"
    assert (answer.json["code"], answer.json["message"]) == (5, "Request failed with status_code: 404")
    [detail] = answer.json["details"]
    assert (detail["reason"], detail["metadata"]["field"]) == ("1012", "invoiceid")


@pytest.mark.parametrize(
    ("form", "missing", "wrong"),
    [("old", "response", "response"), ("new", "code", "code"), ("mixed", "code", "response")],
)
def test_form_can_be_settled(api, form, missing, wrong):
    api.remote.switches["error_form"] = form

    assert next(iter(api.send("GET", f"{INVOICES}/999").json)) == missing
    assert next(iter(api.send("POST", INVOICES, {"invoice": {}}).json)) == wrong
    api.tokens = {"access_token": "dead"}
    assert next(iter(api.send("GET", INVOICES).json)) == missing


def test_errors_can_be_one_object_inside_a_200(api):
    api.remote.switches["errors_are"] = "object"
    api.remote.switches["errors_status"] = "200"

    answer = api.send("POST", EXPENSES, {"expense": api.expense("1.00", categoryid=1)})

    assert (answer.status_code, answer.json["response"]["errors"]["errno"]) == (200, 1012)
    assert api.balance("Petty Cash") == 0


def test_each_family_refuses_in_its_own_way(api):
    dead = {"Authorization": "Bearer dead"}

    auth = Client(api.remote).get(ME, headers=dead)
    accounting = Client(api.remote).get(f"/accounting/account/{api.account}/{CLIENTS}", headers=dead)
    events = api.send("GET", f"/events/account/{api.account}/events/callbacks/1")
    ledger = api.business("GET", "ledger_accounts/accounts/none")

    assert (auth.status_code, auth.json["error"]) == (401, "unauthenticated")
    assert (accounting.status_code, accounting.json["response"]["errors"][0]["errno"]) == (401, 1003)
    assert events.json == {"errno": 404, "message": "Callback not found."}
    assert ledger.json["errors"]["status"] == 404


@pytest.mark.parametrize("data", ["{", "[]"])
def test_body_that_is_no_object_is_a_1005(api, data):
    answer = api.http.post(f"/accounting/account/{api.account}/{CLIENTS}", data=data, headers=api.headers)

    assert (answer.status_code, answer.json["response"]["errors"][0]["errno"]) == (400, 1005)


def test_body_without_its_wrapper_is_refused(api):
    assert api.send("POST", CLIENTS, {"organization": "x"}).json["response"]["errors"][0]["errno"] == 1001


def test_plan_without_the_feature_may_answer_404(lite):
    lite.remote.switches["permission_error"] = "404"

    answer = lite.send("POST", JOURNALS, {"journal_entry": lite.journal(("Revenue", "1"), ("Revenue", "-1"))})

    assert (answer.status_code, answer.json["response"]["errors"][0]["errno"]) == (404, 1012)


# Lists


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


# Throttles, faults


def test_too_many_requests_in_a_second_are_429_and_do_not_count(api):
    api.remote.switches["rate_scale"] = 100
    answers = [api.send("GET", CLIENTS) for _ in range(4)]
    answers += [api.business("GET", "ledger_accounts/accounts"), api.send("GET", CLIENTS)]
    api.remote.clock.advance(1)

    assert [each.status_code for each in answers] == [200] * 5 + [429]
    assert "Retry-After" not in answers[-1].headers
    assert api.send("GET", CLIENTS).status_code == 200


def test_throttle_may_say_how_long_and_speak_no_json(api):
    api.remote.switches["rate_scale"] = 1
    api.remote.switches["retry_after"] = "present"
    forms = []
    for form in ("json", "text", "html"):
        api.remote.switches["throttle_body"] = form
        answer = api.send("GET", CLIENTS)
        forms.append((answer.status_code, answer.mimetype, answer.headers["Retry-After"]))

    assert forms == [(429, "application/json", "1"), (429, "text/plain", "1"), (429, "text/html", "1")]


def test_answer_lost_after_the_commit_leaves_the_document(api):
    api.remote.faults.drop_next_answer("invoice.create")

    with pytest.raises(AnswerDropped):
        api.post(INVOICES, api.invoice(invoice_number="114-1"))

    assert numbers(api) == {"114-1"}


def test_late_commit_comes_after_our_look_up(api):
    api.remote.faults.add(operation="journal_entry.create", boundary="before_commit", do="late_commit", seconds=60)
    with pytest.raises(AnswerDropped):
        api.post(JOURNALS, api.journal((CLEARING, "5"), (SALES, "-5")))
    before = api.details(CLEARING)

    api.remote.clock.advance(61)

    assert (before, len(api.details(CLEARING))) == ([], 1)
    assert api.balance(CLEARING) == 5


@pytest.mark.parametrize("do", ["cut_body", "slow_trickle"])
def test_body_that_breaks_or_crawls_has_been_stored(api, do):
    api.remote.faults.add(operation="payment.create", boundary="after_commit", do=do, seconds=1)
    invoice = api.sent()

    try:
        whole = api.pay(invoice, "10.00")["amount"]["amount"] == "10.00"
    except AnswerDropped:
        whole = False

    assert whole is (do == "slow_trickle")
    assert api.balance("Petty Cash") == 10


@pytest.mark.parametrize(("place", "balance"), [("before_commit", 0), ("after_commit", Decimal("12.75"))])
def test_html_error_page_may_or_may_not_hide_a_commit(api, place, balance):
    api.remote.faults.add(operation="expense.create", boundary=place, do="status", status=502, body="html")

    answer = api.send("POST", EXPENSES, {"expense": api.expense("12.75")})

    assert (answer.status_code, answer.mimetype) == (502, "text/html")
    assert -api.balance("Petty Cash") == balance


def test_two_numbers_at_once_are_a_409_that_succeeds_when_repeated(api):
    api.remote.faults.add(operation="invoice.create", boundary="before_commit", do="status", status=409)

    first = api.send("POST", INVOICES, {"invoice": api.invoice()})
    second = api.send("POST", INVOICES, {"invoice": api.invoice()})

    assert (first.status_code, first.json["response"]["errors"][0]["errno"]) == (409, 409)
    assert second.status_code == 200


def test_sending_and_deleting_are_boundaries_of_their_own(api):
    names = api.remote.boundaries()
    draft = api.post(INVOICES, api.invoice())
    api.remote.faults.drop_next_answer("invoice.send")

    with pytest.raises(AnswerDropped):
        api.put(INVOICES, draft["id"], {"action_mark_as_sent": True})

    assert {"freshbooks.invoice.send:after_commit", "freshbooks.payment.delete:before_commit"} <= set(names)
    assert api.balance("Accounts Receivable") == 100


def test_unknown_path_and_method_are_refused_in_the_family_s_words(api):
    assert api.send("GET", "clients").json["response"]["errors"][0]["message"] == "Not Found"
    assert api.send("PATCH", CLIENTS).status_code == 405


def test_state_survives_the_process_with_its_tokens(tmp_path):
    first = FreshBooksStandIn(Store(tmp_path / "s.sqlite3"), frozen(NOW))
    api = business(first)
    api.sent("100.00")
    first.store.close()

    again = FreshBooksStandIn(Store(tmp_path / "s.sqlite3"), frozen(NOW + timedelta(hours=1)))

    assert again.books(api.account).balance("Accounts Receivable") == 10_000
    api.remote, api.http = again, Client(again)
    assert len(api.list(INVOICES)) == 1


def test_account_charts_say_what_a_bookkeeper_would_map(remote):
    for slug, chart in CHARTS.items():
        made = remote.control("create_business", {"chart": slug})
        assert {key for key, id_ in made["expected"].items() if id_} == {
            key for key, name in chart.expected.items() if name
        }
        assert all(made["expected_categories"][key] for key, name in chart.categories.items() if name)


# Webhooks


def register(api, event="invoice.update", uri="https://tieout.example.com/hooks"):
    path = f"/events/account/{api.account}/events/callbacks"
    return api.send("POST", path, {"callback": {"event": event, "uri": uri}})


def verify(api, callback, verifier):
    path = f"/events/account/{api.account}/events/callbacks/{callback['callbackid']}"
    return api.send("PUT", path, {"callback": {"verifier": verifier}})


def handshake(api, event):
    made = register(api, event).json["response"]["result"]["callback"]
    [sent] = api.do("take_webhooks")
    verify(api, made, sent["fields"]["verifier"])
    return made, sent


def test_callback_is_verified_by_what_was_sent_to_it(api):
    made = register(api).json["response"]["result"]["callback"]
    [sent] = api.do("take_webhooks")

    wrong = verify(api, made, "guess")
    right = verify(api, made, sent["fields"]["verifier"])

    assert (made["verified"], wrong.status_code) == (False, 422)
    assert right.json["response"]["result"]["callback"]["verified"] is True
    assert sent["uri"] == "https://tieout.example.com/hooks"


def test_unknown_event_is_a_422_of_the_events_family(api):
    answer = register(api, "unicorn.create")

    assert (answer.status_code, answer.json) == (
        422,
        {"errno": 422, "message": "Unrecognized event.", "details": ["Unrecognized event."]},
    )


def test_webhook_is_signed_over_json_in_python_s_spacing(api):
    made, verification = handshake(api, "invoice")
    invoice = api.sent()

    webhooks = api.do("take_webhooks")

    assert [each["fields"]["name"] for each in webhooks] == ["invoice.create", "invoice.update"]
    fields, headers = webhooks[0]["fields"], webhooks[0]["headers"]
    assert (fields["object_id"], fields["account_id"]) == (str(invoice["id"]), api.account)
    message = json.dumps(fields, separators=(", ", ": ")).encode()
    key = verification["fields"]["verifier"].encode()
    assert (
        headers["X-FreshBooks-Hmac-SHA256"]
        == base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    )
    assert made["event"] == "invoice"


def test_webhooks_may_come_late_twice_and_unsigned_at_first(api):
    api.remote.switches["verification_signed"] = "no"
    _, verification = handshake(api, "payment.delete")
    api.remote.switches["webhook_copies"] = 2
    api.remote.switches["webhook_delay_s"] = 120
    paid = api.pay(api.sent(), "10.00")
    api.put(PAYMENTS, paid["id"], {"vis_state": 1})

    early = api.do("take_webhooks")
    api.remote.clock.advance(120)
    due = api.do("take_webhooks")

    assert "X-FreshBooks-Hmac-SHA256" not in verification["headers"]
    assert (early, [each["fields"]["name"] for each in due]) == ([], ["payment.delete"] * 2)


def test_callback_can_be_asked_again_listed_and_deleted(api):
    made, _ = handshake(api, "client")
    path = f"/events/account/{api.account}/events/callbacks"

    api.send("PUT", f"{path}/{made['callbackid']}", {"callback": {"resend": True}})
    again = api.do("take_webhooks")
    listed = api.send("GET", path).json["response"]["result"]["callbacks"]
    api.send("DELETE", f"{path}/{made['callbackid']}")
    api.post(CLIENTS, {"organization": "x"})

    assert ([each["fields"]["name"] for each in again], len(listed)) == (["callback.verify"], 1)
    assert api.do("take_webhooks") == []
    assert Api(api.remote, api.made).send("GET", f"{path}/{made['callbackid']}").status_code == 404
