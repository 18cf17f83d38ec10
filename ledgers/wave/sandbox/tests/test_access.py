"""Who may ask: consent, tokens, scopes, plans, businesses of others."""

from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from sandbox.faults import AnswerDropped

from .conftest import Api, business

CALLBACK = "http://localhost:8000/callback"
SCOPE = "offline_access user:read business:read account:read account:write"
ME = "{ user { id } }"


def page(remote, **changes):
    query = {
        "client_id": "sandbox-client",
        "response_type": "code",
        "scope": SCOPE,
        "redirect_uri": CALLBACK,
        **changes,
    }
    return Client(remote).get("/oauth2/authorize/", query_string={"state": "<s>", **query})


def consent(remote, choice, decision="allow", **changes):
    fields = {"client_id": "sandbox-client", "response_type": "code", "scope": SCOPE, "redirect_uri": CALLBACK,
              "state": "s1", **changes}  # fmt: skip
    return Client(remote).post("/oauth2/authorize/", data={**fields, "choice": choice, "decision": decision})


def callback(answer):
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(remote, secret="sandbox-secret", **form):
    data = {"client_id": "sandbox-client", "client_secret": secret, "redirect_uri": CALLBACK, **form}
    return Client(remote).post("/oauth2/token/", data=data)


def exchange(remote, code, **more):
    return token(remote, grant_type="authorization_code", code=code, **more)


def refresh(remote, value):
    return token(remote, grant_type="refresh_token", refresh_token=value)


def connect(api, choice="", **changes):
    return exchange(api.remote, callback(consent(api.remote, choice or api.id, **changes))["code"]).json


# Consent


def test_consent_page_offers_the_businesses_and_all_of_them(api):
    other = business(api.remote, name="Wished", chart="seller")
    free = business(api.remote, name="Frugal", plan="free")

    shown = page(api.remote, scope="no:such", businessId=other["business"])

    assert shown.status_code == 200
    assert shown.text.index(other["business"]) < shown.text.index(api.id) < shown.text.index('value="all"')
    assert "Frugal (needs Wave Pro)" in shown.text
    assert 'value="&lt;s&gt;"' in shown.text
    assert consent(api.remote, free["business"]).status_code == 400


def test_code_buys_a_token_of_one_business_once(api):
    back = callback(consent(api.remote, api.id))
    first, second = exchange(api.remote, back["code"]), exchange(api.remote, back["code"])

    assert (back["state"], first.json["businessId"], first.json["token_type"]) == ("s1", api.id, "Bearer")
    assert (first.json["expires_in"], first.json["scope"]) == (7200, SCOPE.removeprefix("offline_access "))
    assert (second.status_code, second.json["error"]) == (400, "invalid_grant")
    assert refresh(api.remote, first.json["refresh_token"]).json["error"] == "invalid_grant"


def test_code_lives_a_minute(api):
    back = callback(consent(api.remote, api.id))
    api.remote.clock.advance(60)

    assert exchange(api.remote, back["code"]).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"decision": "deny"}, "access_denied", id="denied"),
        pytest.param({"scope": "account:create"}, "invalid_scope", id="unknown scope"),
    ],
)
def test_refusals_come_back_on_the_redirect(api, changes, error):
    assert callback(consent(api.remote, api.id, **changes)) == {"error": error, "state": "s1"}


def test_wrong_redirect_or_application_goes_nowhere(api):
    for changes in ({"redirect_uri": "https://evil.example/"}, {"client_id": "x"}, {"response_type": "token"}):
        assert (consent(api.remote, api.id, **changes).status_code, page(api.remote, **changes).status_code) == (
            400,
            400,
        )
    back = callback(consent(api.remote, api.id))
    assert exchange(api.remote, back["code"], redirect_uri="http://localhost:9/").json["error"] == "invalid_grant"
    assert token(api.remote, secret="wrong", grant_type="refresh_token").status_code == 401
    assert token(api.remote, grant_type="password").json["error"] == "unsupported_grant_type"


# Tokens


def test_token_of_all_businesses_sees_those_of_its_owner(api):
    second, foreign = business(api.remote), business(api.remote, user="charlie@example.com")
    tokens = connect(api, "all")
    listed = api.send("{ businesses { edges { node { id } } } }", token=tokens["access_token"]).json

    ids = [each["node"]["id"] for each in listed["data"]["businesses"]["edges"]]
    assert tokens["businessId"] is None
    assert ids == [api.id, second["business"]]
    assert foreign["business"] not in ids


def test_refresh_rotates_and_the_old_value_is_over(api):
    old = api.tokens["refresh_token"]
    new = refresh(api.remote, old).json["refresh_token"]
    harmless = refresh(api.remote, old)
    alive = refresh(api.remote, new)
    api.remote.switches["refresh_reuse_revokes_grant"] = "yes"
    refresh(api.remote, old)

    assert harmless.json["error"] == "invalid_grant"
    assert alive.status_code == 200
    assert refresh(api.remote, alive.json["refresh_token"]).json["error"] == "invalid_grant"


def test_refresh_without_a_new_value_keeps_the_old(api):
    api.remote.switches["refresh_token"] = "absent"
    answers = [refresh(api.remote, api.tokens["refresh_token"]) for _ in range(2)]

    assert ["refresh_token" in each.json for each in answers] == [False, False]
    assert {each.status_code for each in answers} == {200}


def test_no_offline_access_no_refresh_token(api):
    without = connect(api, scope="user:read")
    api.remote.switches["offline_access_in_scope"] = "present"
    told = connect(api)

    assert "refresh_token" not in without
    assert "offline_access" in told["scope"].split()


def test_lost_refresh_answer_has_rotated_the_value(api):
    api.remote.faults.drop_next_answer("token")

    with pytest.raises(AnswerDropped):
        refresh(api.remote, api.tokens["refresh_token"])

    assert refresh(api.remote, api.tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_access_ends_after_two_hours_by_hand_or_by_revocation(api):
    other = Api(api.remote, api.made)
    api.remote.clock.advance(7200)
    late = api.send(ME).json["errors"][0]
    fresh = Api(api.remote, api.made)
    expired = api.remote.control("expire_access", {"business": api.id})
    by_hand = fresh.errors(ME)
    revoked = Client(api.remote).post(
        "/oauth2/token-revoke/",
        data={"client_id": "sandbox-client", "client_secret": "sandbox-secret", "token": other.tokens["refresh_token"]},
    )
    ended = api.remote.control("revoke", {"business": api.id})

    assert (late["message"], late["extensions"]["code"]) == ("authentication expired", "UNAUTHENTICATED")
    assert (expired, by_hand) == ({"expired": 3}, [("UNAUTHENTICATED", None)])
    assert revoked.status_code == 200
    assert refresh(api.remote, other.tokens["refresh_token"]).json["error"] == "invalid_grant"
    assert ended == {"ended": 2}
    assert refresh(api.remote, fresh.tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_revocation_may_not_exist(api):
    api.remote.switches["revoke_endpoint"] = "missing"

    assert Client(api.remote).post("/oauth2/token-revoke/", data={"token": "x"}).status_code == 404


def test_applications_can_be_registered(api):
    api.remote.control(
        "register_app", {"client_id": "mine", "client_secret": "s", "redirect_uris": ["https://a.test/"]}
    )
    back = callback(consent(api.remote, api.id, client_id="mine", redirect_uri=""))
    tokens = exchange(api.remote, back["code"], client_id="mine", client_secret="s", redirect_uri="")
    named = api.send("{ oAuthApplication { clientId name } }", token=tokens.json["access_token"]).json

    assert named["data"]["oAuthApplication"] == {"clientId": "mine", "name": "Tieout"}


# Scopes, plans, others' ids

ACCOUNTS = "query($b: ID!) { business(id: $b) { id accounts { edges { node { id } } } } }"
CREATE = """mutation($input: AccountCreateInput!) { accountCreate(input: $input) { didSucceed } }"""


def test_each_field_asks_for_its_scope_and_writing_is_not_reading(api):
    writer = Api(api.remote, api.made, scope="business:read account:write")
    given = {"input": {"businessId": api.id, "name": "x", "subtype": "INCOME"}}

    written = writer.send(CREATE, given).json
    read = writer.send(ACCOUNTS, {"b": api.id}).json
    api.remote.switches["missing_scope"] = "UNAUTHENTICATED"
    other = writer.errors(ACCOUNTS, {"b": api.id})
    wild = Api(api.remote, api.made, scope="business:* account:*")

    assert written["data"]["accountCreate"]["didSucceed"]
    assert read["data"] == {"business": {"id": api.id, "accounts": None}}
    assert [(e["extensions"]["code"], e["path"]) for e in read["errors"]] == [("FORBIDDEN", ["business", "accounts"])]
    assert other == [("UNAUTHENTICATED", ["business", "accounts"])]
    assert "errors" not in wild.send(ACCOUNTS, {"b": api.id}).json
    assert wild.errors(ME) == [("UNAUTHENTICATED", ["user"])]


def test_ids_of_others_are_not_found(api):
    foreign = Api(api.remote, business(api.remote, user="charlie@example.com"))
    posting = {**foreign.posting("1", ("Goods", "1")), "businessId": api.id}
    create = "mutation($i: MoneyTransactionCreateInput!) { moneyTransactionCreate(input: $i) { didSucceed } }"

    own_other = business(api.remote)

    assert api.errors(ACCOUNTS, {"b": foreign.id}) == [("NOT_FOUND", ["business"])]
    assert api.errors(ACCOUNTS, {"b": own_other["business"]}) == [("NOT_FOUND", ["business"])]
    assert api.errors(ACCOUNTS, {"b": "QnVzaW5lc3M6eA=="}) == [("NOT_FOUND", ["business"])]
    assert api.errors(CREATE, {"input": {"businessId": foreign.id, "name": "x", "subtype": "INCOME"}}) == [
        ("NOT_FOUND", ["accountCreate"])
    ]
    archive = "mutation($id: ID!) { accountArchive(input: {id: $id}) { didSucceed } }"
    for id_ in (foreign.account("Goods"), "junk", api.made["customers"]["Amazon"]):
        assert api.errors(archive, {"id": id_}) == [("NOT_FOUND", ["accountArchive"])]
    assert api.errors(create, {"i": posting}) == [("NOT_FOUND", ["moneyTransactionCreate"])]
    api.remote.switches["unknown_reference"] = "input_error"
    made = api.send(create.replace("didSucceed", "didSucceed inputErrors { path }"), {"i": posting}).json["data"]
    assert made["moneyTransactionCreate"]["inputErrors"] == [{"path": ["input", "anchor", "accountId"]}]
    assert api.balances() == {}


@pytest.mark.parametrize("code", ["FORBIDDEN", "UNAUTHENTICATED", "NOT_FOUND"])
def test_business_without_pro_is_not_served(api, code):
    api.remote.control("set_plan", {"business": api.id, "plan": "free"})
    api.remote.switches["free_plan"] = code
    listed = api.send("{ businesses { edges { node { name accounts { edges { node { id } } } } } } }").json

    assert api.errors(ACCOUNTS, {"b": api.id}) == [(code, ["business"])]
    assert listed["data"]["businesses"]["edges"][0]["node"]["accounts"] is None
    api.remote.control("set_plan", {"business": api.id, "plan": "pro"})
    assert "errors" not in api.send(ACCOUNTS, {"b": api.id}).json


def test_business_without_pro_may_be_served(api):
    api.remote.control("set_plan", {"business": api.id, "plan": "free"})
    api.remote.switches["free_plan"] = "served"

    assert "errors" not in api.send(ACCOUNTS, {"b": api.id}).json


def test_business_left_out_is_the_tokens_own(api):
    mine = business(api.remote, currency="CAD", timezone="America/Toronto", name="Second")
    one, every = Api(api.remote, mine), Api(api.remote, mine, all=True)
    question = "{ business { name timezone currency { code exponent symbol } isClassicAccounting isArchived } }"

    assert one.ask(question)["business"] == {
        "name": "Second", "timezone": "America/Toronto", "isClassicAccounting": False, "isArchived": False,
        "currency": {"code": "CAD", "exponent": 2, "symbol": "$"},
    }  # fmt: skip
    assert every.ask("{ business { id } user { defaultEmail } }") == {
        "business": {"id": api.id},
        "user": {"defaultEmail": "owner@example.com"},
    }
