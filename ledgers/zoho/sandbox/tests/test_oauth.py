"""Consent in eight data centres, tokens and their limits, who may call (sheet §1, §2)."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from ledgers.zoho.sandbox.datacentres import DATA_CENTRES
from ledgers.zoho.sandbox.oauth import FULL_ACCESS
from sandbox.faults import AnswerDropped

from .conftest import Api

CALLBACK = "http://localhost:8000/callback"
APP = {"client_id": "1000.SANDBOX", "client_secret": "sandbox-secret"}


def consent(api, decision="allow", dc="us", base=None, user=None, **changes):
    fields = {
        "client_id": "1000.SANDBOX",
        "response_type": "code",
        "scope": FULL_ACCESS,
        "redirect_uri": CALLBACK,
        "state": "s1",
        "access_type": "offline",
        "prompt": "consent",
        **changes,
    }
    form = {**fields, "choice": user or api.made["user"], "decision": decision}
    answer = Client(api.remote).post(f"/{dc}/oauth/v2/auth", data=form, base_url=base)
    return answer, {k: v[0] for k, v in parse_qs(urlsplit(answer.headers.get("Location", "")).query).items()}


def token(api, dc="us", **form):
    return Client(api.remote).post(f"/{dc}/oauth/v2/token", data={**APP, **form})


def exchange(api, code, dc="us", **changes):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **changes}
    return token(api, dc, **form)


def refresh(api, value, dc="us", **changes):
    return token(api, dc, grant_type="refresh_token", refresh_token=value, **changes)


def agreed(api, **changes):
    """The token answer after a consent."""
    return exchange(api, consent(api, **changes)[1]["code"]).json


def test_consent_page_is_a_form_that_offers_the_users(api):
    query = {"client_id": "1000.SANDBOX", "response_type": "code", "scope": FULL_ACCESS, "redirect_uri": CALLBACK,
             "state": "<s>"}  # fmt: skip

    page = Client(api.remote).get("/us/oauth/v2/auth", query_string=query).text

    assert '<form method="post" action="/us/oauth/v2/auth">' in page
    assert 'value="&lt;s&gt;"' in page
    assert f'name="choice" value="{api.made["user"]}"' in page


@pytest.mark.parametrize("location", sorted(DATA_CENTRES))
def test_grant_names_where_it_lives(remote, location):
    api = Api(remote, remote.control("create_organization", {"location": location}))
    here = f"http://localhost/{location}"

    _, back = consent(api)
    made = exchange(api, back["code"], location).json
    answer = Client(remote).get(
        f"{made['api_domain']}/books/v3/organizations",
        headers={"Authorization": f"Zoho-oauthtoken {made['access_token']}"},
    )

    assert (back["location"], back["accounts-server"], back["state"]) == (location, here, "s1")
    assert made["api_domain"] == here
    assert (made["token_type"], made["expires_in"]) == ("Bearer", 3600)
    assert answer.json["organizations"][0]["organization_id"] == api.id


def test_official_hosts_need_no_prefix_and_name_each_other(remote):
    api = Api(remote, remote.control("create_organization", {"location": "eu"}))

    _, back = consent(api, base="https://accounts.zoho.com")
    form = {**APP, "grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK}
    made = Client(remote).post("/oauth/v2/token", data=form, base_url="https://accounts.zoho.eu").json

    assert back["accounts-server"] == "https://accounts.zoho.eu"
    assert made["api_domain"] == "https://www.zohoapis.eu"


def test_refusal_comes_back_as_access_denied(api):
    assert consent(api, "deny")[1] == {"error": "access_denied", "state": "s1"}


def test_unregistered_redirect_goes_nowhere(api):
    answer, _ = consent(api, redirect_uri="https://evil.example/")

    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_code_works_once_and_for_a_minute(api):
    first, late = consent(api)[1]["code"], consent(api)[1]["code"]

    used = [exchange(api, first).json, exchange(api, first).json]
    api.remote.clock.advance(61)

    assert "refresh_token" in used[0]
    assert used[1] == {"error": "invalid_code"}
    assert exchange(api, late).json == {"error": "invalid_code"}


def test_errors_of_the_token_endpoint_come_inside_http_200(remote):
    api = Api(remote, remote.control("create_organization", {"location": "eu"}))
    code = consent(api)[1]["code"]

    answers = {
        "invalid_client": exchange(api, code, "us"),
        "invalid_client_secret": exchange(api, code, "eu", client_secret="wrong"),
        "invalid_redirect_uri": exchange(api, code, "eu", redirect_uri="http://localhost/other"),
        "invalid_code": refresh(api, "1000.nothing", "eu"),
    }

    assert {name: (each.status_code, each.json["error"]) for name, each in answers.items()} == {
        name: (200, name) for name in answers
    }
    assert token(api, "eu").status_code == 400


def test_refresh_answers_no_refresh_token_and_the_old_one_goes_on(api):
    value = agreed(api)["refresh_token"]

    answers = [refresh(api, value).json for _ in range(3)]

    assert all("refresh_token" not in each for each in answers)
    assert len({each["access_token"] for each in answers}) == 3


def test_eleventh_access_token_in_ten_minutes_is_denied_for_a_while(api):
    value = agreed(api)["refresh_token"]
    for _ in range(9):
        assert "access_token" in refresh(api, value).json

    denied = refresh(api, value)
    api.remote.clock.advance(601)

    assert (denied.status_code, denied.json["error"], denied.json["status"]) == (200, "Access Denied", "failure")
    assert "access_token" in refresh(api, value).json


def test_twenty_first_grant_ends_the_first(api):
    grants = [api.remote.control("issue_tokens", {"user": api.made["user"]}) for _ in range(20)]

    assert refresh(api, api.tokens["refresh_token"]).json == {"error": "invalid_code"}
    assert api.send("GET", "items", token=api.tokens["access_token"]).status_code == 401
    assert "access_token" in refresh(api, grants[0]["refresh_token"]).json


def test_second_consent_kills_the_first_when_switched_so(api):
    api.remote.switches["live_refresh_tokens"] = 1
    first = agreed(api)["refresh_token"]

    second = agreed(api)["refresh_token"]

    assert refresh(api, first).json == {"error": "invalid_code"}
    assert "access_token" in refresh(api, second).json


def test_repeat_without_asking_for_consent_brings_no_refresh_token(api):
    agreed(api)

    silent = agreed(api, prompt="")
    api.remote.switches["repeat_consent_refresh_token"] = "present"

    assert "refresh_token" not in silent
    assert "refresh_token" in agreed(api, prompt="")


def test_online_access_brings_no_refresh_token(api):
    assert "refresh_token" not in agreed(api, access_type="online")


def test_sixteenth_access_token_ends_the_first(api):
    api.remote.switches["access_tokens_per_10_min"] = 100
    value = agreed(api)["refresh_token"]
    tokens = [refresh(api, value).json["access_token"] for _ in range(16)]

    assert api.send("GET", "items", token=tokens[0]).status_code == 401
    assert api.send("GET", "items", token=tokens[1]).status_code == 200


def test_access_token_lives_an_hour_in_its_own_data_centre_and_only_in_the_header(api):
    value = api.tokens["access_token"]
    elsewhere = Client(api.remote).get(
        "/eu/books/v3/items",
        query_string={"organization_id": api.id},
        headers={"Authorization": f"Zoho-oauthtoken {value}"},
    )
    in_query = Client(api.remote).get(
        "/us/books/v3/items", query_string={"organization_id": api.id, "access_token": value}
    )
    bearer = api.send("GET", "items", headers={"Authorization": f"Bearer {value}"})
    works = api.send("GET", "items")
    api.remote.clock.advance(3600)
    late = api.send("GET", "items")

    assert works.status_code == 200
    assert [each.status_code for each in (elsewhere, in_query, bearer, late)] == [401] * 4
    assert late.json["code"] == 57


@pytest.mark.parametrize("newer", [False, True], ids=["older call", "newer call"])
def test_revocation_ends_the_grant_with_its_access_tokens(api, newer):
    basic = "Basic " + base64.b64encode(b"1000.SANDBOX:sandbox-secret").decode()
    path, headers = ("revoke/token", {"Authorization": basic}) if newer else ("token/revoke", {})
    form = {"token": api.tokens["refresh_token"], "token_type": "refresh_token"}

    answer = Client(api.remote).post(f"/us/oauth/v2/{path}", data=form, headers=headers)

    assert answer.json == {"status": "success"}
    assert api.send("GET", "items").status_code == 401
    assert refresh(api, api.tokens["refresh_token"]).json == {"error": "invalid_code"}


def test_missing_scope_is_57_with_another_text(api):
    narrow = api.remote.control("issue_tokens", {
        "user": api.made["user"], "scope": "ZohoBooks.invoices.READ,ZohoBooks.settings.ALL",
    })["access_token"]  # fmt: skip

    refused = api.send("POST", "invoices", api.invoice(), token=narrow)
    bad = api.send("GET", "invoices", token="1000.no")

    assert api.send("GET", "invoices", token=narrow).status_code == 200
    assert api.send("GET", "items", token=narrow).status_code == 200
    assert (refused.status_code, refused.json["code"]) == (bad.status_code, bad.json["code"]) == (401, 57)
    assert refused.json["message"] != bad.json["message"]


def test_one_grant_reaches_every_organization_of_its_user_and_no_other(remote, api):
    second = remote.control("create_organization", {"user": api.made["user"], "chart": "uk"})
    stranger = remote.control("create_organization", {})

    seen = {each["organization_id"] for each in api.get("organizations")["organizations"]}

    assert seen == {api.id, second["organization_id"]}
    assert api.code("GET", "items", organization_id=second["organization_id"]) == 0
    assert api.code("GET", "items", organization_id=stranger["organization_id"]) == 6041
    assert api.code("GET", "items", organization_id="0") == 6041


def test_user_who_is_removed_loses_the_organization(api):
    api.control("remove_user", user=api.made["user"])

    assert api.code("GET", "items") == 6041


@pytest.mark.parametrize(("setting", "code"), [("6041", 6041), ("57", 57)])
def test_inactive_organization_is_shown_and_refused(api, setting, code):
    api.remote.switches["inactive_organization"] = setting
    api.control("set_active", active=False)

    assert api.get("organizations")["organizations"][0]["org_settings"] == {"is_org_active": False}
    assert api.code("GET", "items") == code


def test_application_is_switched_on_per_data_centre_with_a_secret_of_its_own(remote):
    api = Api(remote, remote.control("create_organization", {"location": "eu"}))
    remote.control("register_app", {"locations": ["us", "eu"], "secrets": {"eu": "other"}})
    code = consent(api)[1]["code"]
    indian = Api(remote, remote.control("create_organization", {"location": "in"}))

    assert exchange(api, code, "eu").json == {"error": "invalid_client_secret"}
    assert "access_token" in exchange(api, code, "eu", client_secret="other").json
    assert consent(indian)[0].status_code == 400


def test_callback_may_name_a_server_nobody_listed(api):
    api.remote.switches["callback_accounts_server"] = "unlisted"
    unlisted = consent(api)[1]["accounts-server"]
    api.remote.switches["callback_accounts_server"] = "absent"

    assert unlisted == "https://accounts.zoho.example"
    assert "accounts-server" not in consent(api)[1]


def test_api_domain_may_be_the_legacy_one_or_missing(api):
    api.remote.switches["api_domain"] = "legacy"
    legacy = agreed(api)["api_domain"]
    api.remote.switches["api_domain"] = "absent"

    assert legacy == "https://api.zoho.com"
    assert "api_domain" not in agreed(api)


def test_status_of_token_errors_can_be_another(api):
    api.remote.switches["token_error_status"] = 400
    api.remote.switches["throttle_error_status"] = 429
    api.remote.switches["access_tokens_per_10_min"] = 0

    assert refresh(api, "1000.nothing").status_code == 400
    assert refresh(api, api.tokens["refresh_token"]).status_code == 429


def test_answer_of_a_refresh_can_be_lost(api):
    api.remote.switches["token_answer_lost"] = "drop"

    with pytest.raises(AnswerDropped):
        refresh(api, api.tokens["refresh_token"])

    api.remote.switches["token_answer_lost"] = "off"
    assert "access_token" in refresh(api, api.tokens["refresh_token"]).json


def test_code_life_can_be_longer(api):
    api.remote.switches["code_life_s"] = 180
    code = consent(api)[1]["code"]
    api.remote.clock.advance(170)

    assert "access_token" in exchange(api, code).json


def test_person_disconnects_and_expires(api):
    api.remote.control("expire_access", {"user": api.made["user"]})
    expired = api.send("GET", "items").status_code
    renewed = refresh(api, api.tokens["refresh_token"]).json
    api.remote.control("disconnect", {"user": api.made["user"]})

    assert (expired, "access_token" in renewed) == (401, True)
    assert refresh(api, api.tokens["refresh_token"]).json == {"error": "invalid_code"}


def test_eleventh_code_in_ten_minutes_is_refused(api):
    codes = [consent(api)[1].get("code") for _ in range(11)]
    api.remote.clock.advance(601)

    assert [bool(each) for each in codes] == [True] * 10 + [False]
    assert "code" in consent(api)[1]


def test_eleventh_refresh_token_in_ten_minutes_is_denied(api):
    api.remote.switches["code_life_s"] = 3600
    early = [consent(api)[1]["code"] for _ in range(10)]
    api.remote.clock.advance(601)
    codes = [*early, consent(api)[1]["code"]]

    answers = [exchange(api, code).json for code in codes]

    assert ["refresh_token" in each for each in answers] == [True] * 10 + [False]
    assert answers[10]["error"] == "Access Denied"


def test_token_of_old_is_14(api):
    answer = api.send("GET", "items", headers={"Authorization": "Zoho-authtoken abc"})

    assert (answer.status_code, answer.json["code"]) == (401, 14)


def test_user_without_an_organization_is_9017(api):
    api.control("remove_user", user=api.made["user"])

    assert api.code("GET", "organizations") == 9017


def test_server_info_lists_every_data_centre(api):
    answer = Client(api.remote).get("/us/oauth/serverinfo").json

    assert set(answer["locations"]) == set(DATA_CENTRES)
