"""Consent and tokens of the pretend Amazon."""

import pytest
from werkzeug.test import Client

from amazon.sandbox import DEMO_APPLICATION
from tests.sandbox.amazon_caller import REDIRECT, demo_caller, first_error, query_of

CONSENT = "/apps/authorize/consent"


@pytest.fixture
def caller():
    return demo_caller()


def ask(caller, **changes):
    values = {"application_id": DEMO_APPLICATION["application_id"], "state": "s1", "redirect_uri": REDIRECT}
    return {name: value for name, value in {**values, **changes}.items() if value is not None}


def agree(caller, decision="allow", **changes):
    form = {**ask(caller, **changes), "choice": caller.seller_id, "decision": decision}
    return Client(caller.stand_in).post(CONSENT, data=form)


def test_consent_page_names_the_application_its_roles_and_the_seller(caller):
    page = caller.client.get(CONSENT, query_string=ask(caller))

    assert page.status_code == 200
    assert "Tieout" in page.text
    assert "Finance and Accounting" in page.text
    assert caller.seller_id in page.text


def test_agreeing_returns_state_seller_and_a_code_that_buys_tokens(caller):
    answer = agree(caller)

    back = query_of(answer.headers["Location"])
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    assert back["state"] == "s1"
    assert back["selling_partner_id"] == caller.seller_id
    tokens = caller.token("authorization_code", code=back["spapi_oauth_code"], redirect_uri=REDIRECT).json
    assert tokens["access_token"].startswith("Atza|")
    assert tokens["refresh_token"].startswith("Atzr|")
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 3600)


def test_code_is_spent_by_its_first_use(caller):
    code = query_of(agree(caller).headers["Location"])["spapi_oauth_code"]
    caller.token("authorization_code", code=code, redirect_uri=REDIRECT)

    again = caller.token("authorization_code", code=code, redirect_uri=REDIRECT)

    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_code_dies_after_five_minutes(caller):
    code = query_of(agree(caller).headers["Location"])["spapi_oauth_code"]
    caller.stand_in.clock.advance(300)

    late = caller.token("authorization_code", code=code, redirect_uri=REDIRECT)

    assert (late.status_code, late.json["error"]) == (400, "invalid_grant")


def test_code_is_bound_to_its_redirect_address(caller):
    code = query_of(agree(caller).headers["Location"])["spapi_oauth_code"]

    other = caller.token("authorization_code", code=code, redirect_uri="http://127.0.0.1:1/elsewhere")

    assert other.json["error"] == "invalid_grant"


def test_refusing_returns_an_error_and_no_code(caller):
    back = query_of(agree(caller, decision="deny").headers["Location"])

    assert back["error"] == "access_denied"
    assert back["state"] == "s1"
    assert "spapi_oauth_code" not in back


def test_refusing_may_also_stay_at_amazon(caller):
    caller.switch(denial="stays")

    answer = agree(caller, decision="deny")

    assert answer.status_code == 200
    assert "Location" not in answer.headers


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"redirect_uri": "https://elsewhere.example/callback"}, "MD5101"),
        ({"application_id": "amzn1.sp.solution.unknown"}, "MD1000"),
        ({"state": None}, "no state"),
    ],
    ids=["foreign redirect", "unknown application", "no state"],
)
def test_wrong_request_ends_on_a_page_and_never_goes_back(caller, changes, code):
    page = caller.client.get(CONSENT, query_string=ask(caller, **changes))

    assert page.status_code == 400
    assert code in page.text


def test_draft_application_needs_version_beta(caller):
    caller.control("application", draft=True)

    plain = caller.client.get(CONSENT, query_string=ask(caller))
    beta = caller.client.get(CONSENT, query_string=ask(caller, version="beta"))

    assert "MD1000" in plain.text
    assert beta.status_code == 200


def test_registered_redirect_is_used_when_none_is_given(caller):
    caller.control("application", redirect_uris=["https://books.example/amazon"])

    answer = agree(caller, redirect_uri=None)

    assert answer.headers["Location"].startswith("https://books.example/amazon?")


def test_refresh_gives_the_same_refresh_token_back(caller):
    tokens = caller.refresh()

    assert tokens["refresh_token"] == caller.refresh_token


def test_refresh_may_replace_the_refresh_token(caller):
    caller.switch(refresh_token_replaced=True)

    replaced = caller.refresh()["refresh_token"]

    assert replaced != caller.refresh_token
    assert caller.token("refresh_token", refresh_token=caller.refresh_token).json["error"] == "invalid_grant"
    assert caller.refresh(replaced)["access_token"]


def test_revoked_authorisation_shows_as_invalid_grant_and_403(caller):
    caller.control("revoke", seller_id=caller.seller_id)

    refreshed = caller.token("refresh_token", refresh_token=caller.refresh_token)
    called = caller.settlements()

    assert (refreshed.status_code, refreshed.json["error"]) == (400, "invalid_grant")
    assert (called.status_code, first_error(called)["code"]) == (403, "Unauthorized")


def test_tokens_of_a_revoked_authorisation_stay_dead_when_the_seller_agrees_again(caller):
    caller.control("revoke", seller_id=caller.seller_id)
    agree(caller)

    refreshed = caller.token("refresh_token", refresh_token=caller.refresh_token)

    assert refreshed.json["error"] == "invalid_grant"


def test_authorisation_ends_after_a_year(caller):
    caller.control("secret_expires", in_s=366 * 86_400)
    caller.stand_in.clock.advance(365 * 86_400)

    refreshed = caller.token("refresh_token", refresh_token=caller.refresh_token)

    assert refreshed.json["error"] == "invalid_grant"


def test_access_token_expires_after_an_hour(caller):
    caller.stand_in.clock.advance(3600)

    answer = caller.settlements()

    assert answer.status_code == 403
    assert "expired" in first_error(answer)["details"]


def test_access_tokens_can_be_made_to_expire_now(caller):
    caller.control("expire_tokens")

    answer = caller.settlements()

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("form", "status", "error"),
    [
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"refresh_token": "Atzr|unknown"}, 400, "invalid_grant"),
        ({"refresh_token": ""}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": "client_credentials", "scope": "nothing"}, 400, "invalid_scope"),
    ],
    ids=lambda value: str(value),
)
def test_token_endpoint_refuses(caller, form, status, error):
    values = {"grant_type": "refresh_token", "refresh_token": caller.refresh_token}

    answer = caller.token(**{**values, **form})

    assert (answer.status_code, answer.json["error"]) == (status, error)
    assert answer.json["error_description"]


def test_token_request_must_be_a_form(caller):
    answer = caller.client.post("/auth/o2/token", json={"grant_type": "refresh_token"})

    assert answer.json["error"] == "invalid_request"


def test_grantless_token_has_no_refresh_token_and_opens_no_seller_call(caller):
    tokens = caller.token("client_credentials", scope="sellingpartnerapi::notifications").json
    caller.access_token = tokens["access_token"]

    answer = caller.settlements()

    assert "refresh_token" not in tokens
    assert tokens["scope"] == "sellingpartnerapi::notifications"
    assert answer.status_code == 403


def test_old_secret_works_for_seven_days_beside_the_new_one(caller):
    client_id = DEMO_APPLICATION["client_id"]
    new = caller.control("rotate_secret", client_id=client_id)["client_secret"]
    refresh = {"grant_type": "refresh_token", "refresh_token": caller.refresh_token}

    before = caller.token(**refresh).status_code, caller.token(**refresh, client_secret=new).status_code
    caller.stand_in.clock.advance(7 * 86_400)
    after = caller.token(**refresh).status_code, caller.token(**refresh, client_secret=new).status_code

    assert before == (200, 200)
    assert after == (401, 200)
