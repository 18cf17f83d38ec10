"""Who may ask what: no key, a key that may not, a key of another company."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from connector.throttling import PerKey
from tenants import apikeys
from tenants.models import ApiKey
from tests.web.rest.conftest import Caller, caller
from tests.web.rest.document import address, operations

EVERY = sorted(operations())
WRITES = [(method, path) for method, path in EVERY if method != "get"]
READS = [(method, path) for method, path in EVERY if method == "get"]
NAMED = [(method, path) for method, path in EVERY if "{" in path]


def problem_of(answer):
    problem = answer.json()
    assert answer["Content-Type"] == "application/json"
    assert problem["detail"]
    assert problem["action"]
    assert problem["code"]
    return problem


@pytest.mark.parametrize(("method", "path"), EVERY)
def test_without_a_key_nothing_is_told(demo, db, method, path):
    answer = Caller().send(method, address(path, demo.ids))

    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Bearer"
    assert problem_of(answer)["code"] == "not_authenticated"


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_key_for_reading_changes_nothing(demo, db, method, path):
    answer = caller(demo.tenant, demo.user, "read").send(method, address(path, demo.ids))

    assert answer.status_code == 403
    assert problem_of(answer)["code"] == "permission_denied"


@pytest.mark.parametrize(("method", "path"), READS)
def test_a_key_for_writing_reads_nothing(demo, db, method, path):
    answer = caller(demo.tenant, demo.user, "write").send(method, address(path, demo.ids))

    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path"), NAMED)
def test_what_belongs_to_another_company_is_not_there(demo, stranger, method, path):
    answer = stranger.send(method, address(path, demo.ids))

    assert answer.status_code == 404
    assert problem_of(answer)["code"] == "not_found"


@pytest.mark.parametrize(
    "path", [path for method, path in READS if "{" not in path and not path.endswith(("key", "export", "verify"))]
)
def test_the_lists_of_a_new_company_are_empty(stranger, path):
    answer = stranger.get(path.removeprefix("/api/v1/"), **({"kind": "none"} if path.endswith("events") else {}))

    assert answer.json()["results"] == []


def test_ids_in_a_body_that_belong_to_another_company_are_not_there(demo, stranger):
    new = {"name": "Theirs", "currency": "USD", "source": None, "target": demo.flow.target_id}

    assert stranger.post("flows", new).status_code == 404
    assert stranger.post("deliveries/replay", {"ids": [demo.ids["deliveries"]]}).status_code == 404
    assert (
        stranger.upload(
            "settlements/upload", file=SimpleUploadedFile("a.txt", b"x"), connection=demo.flow.source_id
        ).status_code
        == 404
    )


@pytest.mark.parametrize(
    "value", ["", "Bearer", "Bearer ", "Bearer a b", "Bearer tie_wrong", "Bearer \xff", "Basic eA=="]
)
def test_a_key_that_is_none_is_refused(db, value):
    answer = Client().get("/api/v1/flows", headers={"Authorization": value})

    assert answer.status_code == 401


def test_a_revoked_key_is_refused_from_its_next_call_on(acme, alice):
    key, value = apikeys.issue(acme, alice, "test", ["read"])
    assert Caller(value).get("flows").status_code == 200

    apikeys.revoke(key, alice)

    assert problem_of(Caller(value).get("flows"))["code"] == "authentication_failed"


def test_a_key_says_which_company_it_opens(acme, alice):
    answer = caller(acme, alice, "read").get("key")

    assert answer.json() == {"name": "test", "scopes": ["read"], "tenant": acme.pk, "tenant_name": "Acme"}


def test_a_key_sees_its_own_company_whoever_is_signed_in(demo, signed_in, charlie, rest):
    browser = signed_in(charlie)

    answer = browser.get("/api/v1/flows", headers={"Authorization": f"Bearer {rest.key}"})

    assert [flow["id"] for flow in answer.json()["results"]] == [demo.flow.pk]


def test_a_person_who_is_signed_in_needs_a_key_all_the_same(signed_in, alice):
    assert signed_in(alice).get("/api/v1/flows").status_code == 401


@pytest.mark.parametrize("path", ["", "v1", "v1/", "v1/flows/", "v1/flows/x", "v2/flows"])
def test_an_address_that_is_none_is_a_problem_in_the_same_shape(db, client, path):
    for answer in (client.get(f"/api/{path}"), client.post(f"/api/{path}")):
        assert answer.status_code == 404
        assert problem_of(answer)["code"] == "not_found"


def test_a_body_that_is_no_json_is_refused_with_what_to_do(rest, demo):
    address = f"/api/v1/flows/{demo.flow.pk}"

    assert rest.client.patch(address, "{", content_type="application/json").json()["code"] == "parse_error"
    assert rest.client.patch(address, "a=1", content_type="text/plain").status_code == 415


def test_a_method_an_address_does_not_know_is_refused(rest):
    assert problem_of(rest.delete("flows"))["code"] == "method_not_allowed"


def test_what_breaks_is_a_problem_too_and_is_logged(rest, monkeypatch, caplog):
    rest.client.raise_request_exception = False
    monkeypatch.setattr(ApiKey, "actor", property(lambda self: 1 / 0))

    answer = rest.post("flows/1/run", once="a")

    assert answer.status_code == 500
    assert problem_of(answer)["code"] == "error"
    assert "ZeroDivisionError" in caplog.text


def test_a_key_that_asks_too_often_is_told_how_long_to_wait(demo, rest, globex, charlie, monkeypatch):
    monkeypatch.setattr(PerKey, "THROTTLE_RATES", {"key": "2/min"})
    other = caller(globex, charlie)

    codes = [rest.get("key").status_code for _ in range(2)]
    answer = rest.get("key")

    assert codes == [200, 200]
    assert answer.status_code == 429
    assert 0 < int(answer["Retry-After"]) <= 60
    assert problem_of(answer)["code"] == "throttled"
    assert other.get("key").status_code == 200
