"""Who may ask: consent, tokens and what a refresh does to them, identity, plans."""

from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from ledgers.freshbooks.sandbox.oauth import SCOPES
from sandbox.faults import AnswerDropped

from .conftest import NOW, business

CLIENTS = "users/clients"
INVOICES = "invoices/invoices"
CALLBACK = "http://localhost:8000/connections/freshbooks/callback"
APP = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "redirect_uri": CALLBACK}
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
