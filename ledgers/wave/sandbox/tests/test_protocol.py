"""How the endpoint answers: the order of checks, errors, pages, ids, throttles, faults, durability."""

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from graphql import get_introspection_query
from werkzeug.test import Client

from ledgers.wave.sandbox import WaveStandIn
from sandbox.clock import Clock, frozen
from sandbox.faults import AnswerDropped
from sandbox.jsontext import loads
from sandbox.store import Store

from .conftest import NOW, Api, business

ME = "{ user { id } }"
NAME = "query($b: ID!) { business(id: $b) { name } }"


# Parse, validate, coerce, authenticate, execute


@pytest.mark.parametrize(
    ("document", "variables", "code"),
    [
        pytest.param("{ user {", {}, "GRAPHQL_PARSE_FAILED", id="no document"),
        pytest.param("{ user { shoeSize } }", {}, "GRAPHQL_VALIDATION_FAILED", id="unknown field"),
        pytest.param("mutation { accountArchive(input: {}) { didSucceed } }", {}, "GRAPHQL_VALIDATION_FAILED",
                     id="required input missing in the text"),
        pytest.param(NAME, {}, "BAD_USER_INPUT", id="required variable missing"),
        pytest.param("mutation($i: AccountArchiveInput!) { accountArchive(input: $i) { didSucceed } }", {"i": {}},
                     "BAD_USER_INPUT", id="required input missing in a variable"),
        pytest.param("query($p: Int) { businesses(page: $p) { pageInfo { currentPage } } }", {"p": "1"},
                     "BAD_USER_INPUT", id="wrong type"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_document_is_said_before_the_token_is_asked_for(api, document, variables, code):
    answer = api.send(document, variables, token="")
    api.remote.switches["status_invalid"] = 400
    switched = api.send(document, variables, token="")

    assert (answer.status_code, switched.status_code) == (200, 400)
    assert "data" not in answer.json
    assert {each["extensions"]["code"] for each in answer.json["errors"]} == {code}
    assert len(answer.json["errors"][0]["extensions"]["id"]) == 36


def test_other_code_of_a_wrong_variable(api):
    api.remote.switches["variable_error_code"] = "VARIABLE_VALUE"

    assert api.errors(NAME) == [("VARIABLE_VALUE", None)]


def test_valid_document_without_a_token_is_unauthenticated(api):
    answer = api.send(ME, token="")
    api.remote.switches["status_unauthenticated"] = 401

    assert (answer.status_code, answer.json["errors"][0]["extensions"]["code"]) == (200, "UNAUTHENTICATED")
    assert api.send(ME, token="unknown").status_code == 401


def test_shape_is_open_to_everybody(api):
    answer = api.send(get_introspection_query(), token="").json

    assert "MoneyTransactionCreateInput" in {each["name"] for each in answer["data"]["__schema"]["types"]}


def test_body_that_is_no_request_is_a_400(api):
    for body in (b"{", b"[]", b"{}", b'{"query": 1}', b'{"query": "{ user { id } }", "variables": [1]}'):
        assert Client(api.remote).post("/graphql/public", data=body).status_code == 400
    assert Client(api.remote).get("/graphql/public").status_code == 405
    assert Client(api.remote).get("/elsewhere").status_code == 404


def test_one_operation_of_a_document_is_chosen_by_name(api):
    document = "query A { user { id } } query B { businesses { edges { node { id } } } }"

    assert list(loads(api.send(document, operationName="B").get_data())["data"]) == ["businesses"]
    assert api.errors(document) == [("GRAPHQL_VALIDATION_FAILED", None)]
    assert [each["operation"] for each in api.remote.log()] == ["query.businesses", "graphql"]


def test_null_where_there_must_be_something_blanks_the_answer(api):
    document = "{ accountSubtypes { value archivable } }"
    blank = api.send(document).json
    api.remote.switches["archivable"] = "given"

    assert blank["data"] is None
    assert blank["errors"][0]["extensions"]["code"] == "INTERNAL_SERVER_ERROR"
    assert len(api.ask(document)["accountSubtypes"]) == 38


def test_part_of_the_answer_arrives_beside_an_error(api):
    answer = api.send('query($b: ID!) { business(id: $b) { name invoice(id: "x") { id } } }', {"b": api.id}).json

    assert answer["data"]["business"]["name"].startswith("Business")
    assert answer["data"]["business"]["invoice"] is None
    assert answer["errors"][0]["path"] == ["business", "invoice"]


def test_scalars_read_and_write_as_the_sheet_says(api):
    document = """mutation($a: Decimal!, $d: Date!) { moneyTransactionCreate(input: {businessId: "x", externalId: "e",
        date: $d, description: "", anchor: {accountId: "x", amount: $a, direction: DEPOSIT}, lineItems: []})
        { didSucceed } }"""
    good = {"a": "1.10", "d": "2026-02-28"}

    for change in (
        {"a": True},
        {"a": "x"},
        {"a": "NaN"},
        {"a": None},
        {"d": "2026-02-30"},
        {"d": "2026-2-1"},
        {"d": 1},
    ):
        assert api.errors(document, {**good, **change}) == [("BAD_USER_INPUT", None)], change
    for amount in ("1.10", 1, 1.5):
        assert api.errors(document, {**good, "a": amount}) == [("NOT_FOUND", ["moneyTransactionCreate"])]
    for text in ('"1.1"', "1", "1.1"):
        assert api.errors(document.replace("$a: Decimal!, ", "").replace("$a", text), good)[0][0] == "NOT_FOUND"
    assert api.errors(document.replace("$a: Decimal!, ", "").replace("$a", "true"), good)[0][0].endswith("FAILED")
    moved = (
        "query($b: ID!, $t: DateTime) { business(id: $b) { customers(modifiedAtAfter: $t) { edges { node { id } } } } }"
    )
    assert api.errors(moved, {"b": api.id, "t": "2026-01-01"}) == [("BAD_USER_INPUT", None)]
    assert "errors" not in api.send(moved, {"b": api.id, "t": "2026-01-01T00:00:00.000Z"}).json


def test_ids_are_opaque_base64_that_name_their_business(api):
    node = api.of("id createdAt accounts(pageSize: 1) { edges { node { id business { id } } } }")
    [account] = [each["node"] for each in node["accounts"]["edges"]]
    uuid = base64.b64decode(node["id"]).decode().removeprefix("Business:")

    assert account["business"]["id"] == node["id"] == api.id
    assert base64.b64decode(account["id"]).decode().endswith(f";Business:{uuid}")
    assert base64.b64decode(api.made["customers"]["Amazon"]).decode().startswith(f"Business:{uuid};Customer:")
    assert node["createdAt"] == "2026-11-20T18:00:00.000Z"


# Pages


def test_pages_follow_each_other_and_end_empty(api):
    def page(number, **more):
        found = api.of(
            "accounts(page: $p, pageSize: 7) { edges { node { name } } pageInfo { currentPage totalPages totalCount } }",
            p=("Int", number), **more,
        )["accounts"]  # fmt: skip
        return [each["node"]["name"] for each in found["edges"]], found["pageInfo"]

    pages = [page(number) for number in (1, 2, 3, 4)]

    assert [len(names) for names, _ in pages] == [7, 7, 4, 0]
    assert len({name for names, _ in pages for name in names}) == 18
    assert pages[0][1] == {"currentPage": 1, "totalPages": 3, "totalCount": 18}
    api.remote.switches["page_totals"] = "null"
    assert page(1)[1] == {"currentPage": 1, "totalPages": None, "totalCount": None}


def test_page_sizes_have_defaults_and_perhaps_a_limit(api):
    for number in range(60):
        api.do("customerCreate", businessId=api.id, name=f"{number}")
        business(api.remote, chart="bare", name=f"{number}", accounts={"Goods": "INCOME", "Promo": "DISCOUNTS"})
    every = Api(api.remote, api.made, all=True)
    ask = "customers(pageSize: $s) { edges { node { name } } }"

    assert len(api.of("customers { edges { node { id } } }")["customers"]["edges"]) == 45
    assert len(every.ask("{ businesses { edges { node { id } } } }")["businesses"]["edges"]) == 10
    assert len(api.of(ask, s=("Int", 200))["customers"]["edges"]) == 61
    api.remote.switches["page_size_limit"] = 50
    assert len(api.of(ask, s=("Int", 50))["customers"]["edges"]) == 50
    for size in (51, 0):
        document = (
            f"query($b: ID!) {{ business(id: $b) {{ customers(pageSize: {size}) {{ edges {{ node {{ id }} }} }} }} }}"
        )
        assert api.errors(document, {"b": api.id}) == [("BAD_USER_INPUT", ["business", "customers"])]


# Throttles


def served(api, times, document=ME, variables=None):
    return [api.send(document, variables).status_code for _ in range(times)]


def test_sixty_a_minute_of_one_field_and_token(api):
    api.remote.switches["rate_scale"] = 100
    other = Api(api.remote, api.made)

    assert served(api, 61) == [200] * 60 + [429]
    assert (served(api, 1, NAME, {"b": api.id}), served(other, 1)) == ([200], [200])
    answer = api.send(ME)
    assert (answer.headers["Retry-After"], answer.json["errors"][0]["extensions"]["code"]) == (
        "60",
        "TOO_MANY_REQUESTS",
    )
    api.remote.clock.advance(60)
    assert served(api, 1) == [200]


def test_throttles_are_scaled_and_may_not_say_when(api):
    api.remote.switches["rate_scale"] = 5
    api.remote.switches["retry_after"] = "none"

    assert served(api, 4) == [200, 200, 200, 429]
    assert "Retry-After" not in api.send(ME).headers


def test_throttled_write_is_not_stored(api):
    api.remote.switches["rate_scale"] = 2
    document = """mutation($b: ID!) { a: customerCreate(input: {businessId: $b, name: "a"}) { didSucceed }
        b: customerCreate(input: {businessId: $b, name: "b"}) { didSucceed } }"""

    assert api.send(document, {"b": api.id}).status_code == 429
    api.remote.switches["rate_scale"] = 0
    assert [each["name"] for each in api.remote.business(api.id).all("Customer")] == ["Amazon"]


def test_calls_of_a_day_are_counted_for_the_application(api):
    api.remote.switches["rate_scale"] = 100
    api.remote.switches["daily_calls"] = 3
    other = Api(api.remote, business(api.remote, user="bob@example.com"))

    assert [*served(api, 2), *served(other, 2)] == [200, 200, 200, 429]
    assert other.send(ME).headers["Retry-After"] == str(6 * 3600)
    assert api.remote.control("calls") == {"2026-11-20": 3}
    api.remote.clock.advance(6 * 3600)
    assert served(api, 1) == [200]


class Meeting(Clock):
    """A clock on which everybody waits for everybody else."""

    def __init__(self, parties):
        super().__init__(lambda: NOW)
        self.barrier = Barrier(parties, timeout=30)

    def sleep(self, seconds):
        self.barrier.wait()


def test_of_three_requests_at_once_two_are_served():
    remote = WaveStandIn(clock=Meeting(3))
    api = Api(remote, business(remote))
    remote.faults.add(operation="query.user", boundary="before_commit", do="latency", every=1)

    with ThreadPoolExecutor(3) as pool:
        statuses = [each.result() for each in [pool.submit(lambda: api.send(ME).status_code) for _ in range(3)]]

    assert sorted(statuses) == [200, 200, 429]


def test_third_request_at_once_is_too_much(api):
    api.remote.switches["rate_scale"] = 100
    token = api.tokens["access_token"]
    api.remote.meters.enter(token)
    one_beside = api.send(ME).status_code
    api.remote.meters.enter(token)
    two_beside = api.send(ME)

    assert (one_beside, two_beside.status_code, two_beside.headers["Retry-After"]) == (200, 429, "1")
    assert api.send(ME, token=Api(api.remote, api.made).tokens["access_token"]).status_code == 200
    api.remote.meters.leave(token)
    assert api.send(ME).status_code == 200


# Faults


def test_answer_lost_after_commit_leaves_the_posting(api):
    api.remote.faults.drop_next_answer("mutation.moneyTransactionCreate")
    read = api.of("accounts { edges { node { id } } }")

    with pytest.raises(AnswerDropped):
        api.post("10", ("Goods", "10"))

    assert read
    assert api.balances() == {"Clearing": "10.00", "Goods": "-10.00"}
    assert api.post_refused("10", ("Goods", "10")) == ["input.externalId"]


def test_request_lost_before_commit_leaves_nothing(api):
    api.remote.faults.add(operation="mutation.*", boundary="before_commit", do="drop_answer")

    with pytest.raises(AnswerDropped):
        api.post("10", ("Goods", "10"))

    assert api.balances() == {}
    assert api.post("10", ("Goods", "10"))


def test_commit_may_come_late(api):
    api.remote.faults.add(operation="mutation.*", boundary="before_commit", do="late_commit", seconds=30)

    with pytest.raises(AnswerDropped):
        api.post("10", ("Goods", "10"))

    assert api.balances() == {}
    api.remote.clock.advance(30)
    assert api.remote.books(api.id).balance("Clearing") == 1000


@pytest.mark.parametrize(
    ("place", "stored"), [("before_commit", {}), ("after_commit", {"Clearing": "2.00", "Goods": "-2.00"})]
)
def test_status_instead_of_an_answer(api, place, stored):
    for status in (500, 429):
        api.remote.faults.add(operation="mutation.*", boundary=place, do="status", status=status, headers={"X": "y"})
        answer = api.http.post("/graphql/public", json=request(api, f"{place}{status}"), headers=authorised(api))
        assert (answer.status_code, answer.headers["X"]) == (status, "y")
        assert answer.json["errors"][0]["extensions"]["code"] in ("INTERNAL_SERVER_ERROR", "TOO_MANY_REQUESTS")
    assert api.balances() == stored


def test_body_is_cut_or_slow_and_stored(api):
    api.remote.faults.add(operation="mutation.*", boundary="mid_answer", do="cut_body")
    with pytest.raises(AnswerDropped):
        api.post("1", ("Goods", "1"))
    api.remote.faults.add(operation="mutation.*", boundary="after_commit", do="slow_trickle", seconds=9)
    slow = api.post("1", ("Goods", "1"), external="e2")

    assert slow
    assert api.balances() == {"Clearing": "2.00", "Goods": "-2.00"}


def test_operations_have_names_that_faults_can_use(api):
    api.of("name")
    api.of("invoices(pageSize: 1) { edges { node { id } } }")
    fragments = """query($b: ID!, $c: ID!) { ...F } fragment F on Query { business(id: $b) { ...A } }
        fragment A on Business { name customer(id: $c) { name } }"""
    api.ask(fragments, b=api.id, c=api.made["customers"]["Amazon"])
    api.send("{ ...F } fragment F on Query { ...F }")
    api.do("customerCreate", businessId=api.id, name="x")
    names = [each["operation"] for each in api.remote.log()]

    assert names == ["query.business", "query.business.invoices", "query.business.customer", "graphql",
                     "mutation.customerCreate"]  # fmt: skip
    assert set(names) <= set(api.remote.operations())
    assert "wave.mutation.moneyTransactionCreate:after_commit" in api.remote.boundaries()


def request(api, external):
    document = "mutation($i: MoneyTransactionCreateInput!) { moneyTransactionCreate(input: $i) { didSucceed } }"
    posting = {**api.posting("1", ("Goods", "1"), external=external), "businessId": api.id}
    return {"query": document, "variables": {"i": posting}}


def authorised(api):
    return {"Authorization": f"Bearer {api.tokens['access_token']}"}


# State


def test_everything_survives_a_restart(tmp_path):
    first = WaveStandIn(Store(tmp_path / "outside.sqlite3"), frozen(NOW))
    api = Api(first, business(first))
    api.post("10", ("Goods", "10"))
    invoice = api.invoice("5")
    first.store.close()

    second = WaveStandIn(Store(tmp_path / "outside.sqlite3"), frozen(NOW))
    api.remote, api.http = second, Client(second)

    assert api.read(invoice, "status total { value }") == {"status": "SAVED", "total": {"value": "5.00"}}
    assert api.balances()["Clearing"] == "10.00"


def test_control_api_lists_switches_and_actions(api):
    shown = json.loads(Client(api.remote).get("/_control/").get_data())

    assert {"create_business", "categorise", "transactions", "delete_transaction"} <= set(shown["actions"])
    assert shown["switches"]["duplicate_external_id"]["settings"] == ["refuse", "first", "twice"]
    answer = Client(api.remote).post("/_control/do/close_period", json={"business": "none", "date": "2026-01-01"})
    assert answer.status_code == 400
