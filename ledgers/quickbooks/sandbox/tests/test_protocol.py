"""Who may ask, what a requestid promises, queries, batches, faults, throttles."""

import base64
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs, urlsplit

import pytest
from werkzeug.test import Client

from ledgers.quickbooks.sandbox import QuickBooksStandIn
from ledgers.quickbooks.sandbox.charts import CHARTS
from sandbox.clock import frozen
from sandbox.faults import AnswerDropped
from sandbox.jsontext import loads
from sandbox.store import Store

from .conftest import NOW, Api

BASIC = "Basic " + base64.b64encode(b"sandbox-client:sandbox-secret").decode()
CLEARING, SALES = "AMZ US Settlement Clearing", "Product Revenue:Amazon US"
CALLBACK = "http://localhost:8000/callback"


# Authorisation


def consent(remote, realm, decision="allow", **changes):
    fields = {
        "client_id": "sandbox-client",
        "response_type": "code",
        "scope": "com.intuit.quickbooks.accounting",
        "redirect_uri": CALLBACK,
        "state": "s1",
        **changes,
    }
    return Client(remote).post("/connect/oauth2", data={**fields, "choice": realm, "decision": decision})


def callback(answer):
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["Location"]).query).items()}


def token(remote, authorization=BASIC, headers=None, **form):
    return Client(remote).post(
        "/oauth2/v1/tokens/bearer", data=form, headers={"Authorization": authorization, **(headers or {})}
    )


def exchange(remote, code):
    return token(remote, grant_type="authorization_code", code=code, redirect_uri=CALLBACK)


def refresh(remote, value):
    return token(remote, grant_type="refresh_token", refresh_token=value)


def test_consent_page_is_a_form_that_offers_the_companies(api):
    query = {"client_id": "sandbox-client", "response_type": "code", "scope": "com.intuit.quickbooks.accounting",
             "redirect_uri": CALLBACK, "state": "<s>"}  # fmt: skip

    page = Client(api.remote).get("/connect/oauth2", query_string=query).text

    assert f'value="{api.realm}"' in page
    assert 'value="&lt;s&gt;"' in page
    assert '<form method="post" action="/connect/oauth2">' in page


def test_code_arrives_with_state_and_realm_and_works_once(api):
    back = callback(consent(api.remote, api.realm))

    first, second = exchange(api.remote, back["code"]), exchange(api.remote, back["code"])

    assert (back["state"], back["realmId"]) == ("s1", api.realm)
    assert first.json["expires_in"] == 3600
    assert "x_refresh_token_hard_expires_in" not in first.json
    assert (second.status_code, second.json["error"]) == (400, "invalid_grant")
    assert refresh(api.remote, first.json["refresh_token"]).json["error"] == "invalid_grant"


def test_refusal_comes_back_as_access_denied(api):
    assert callback(consent(api.remote, api.realm, "deny")) == {"error": "access_denied", "state": "s1"}


def test_code_expires_after_ten_minutes(api):
    back = callback(consent(api.remote, api.realm))
    api.remote.clock.advance(601)

    assert exchange(api.remote, back["code"]).json["error"] == "invalid_grant"


def test_unregistered_redirect_goes_nowhere(api):
    answer = consent(api.remote, api.realm, redirect_uri="https://evil.example/")

    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_wrong_secret_is_an_invalid_client(api):
    wrong = "Basic " + base64.b64encode(b"sandbox-client:wrong").decode()

    assert token(api.remote, wrong, grant_type="refresh_token", refresh_token="x").status_code == 401


def test_refresh_keeps_its_value_for_a_day_and_then_rotates(api):
    value = api.tokens["refresh_token"]
    same = refresh(api.remote, value).json["refresh_token"]
    api.remote.clock.advance(25 * 3600)
    rotated = refresh(api.remote, value).json["refresh_token"]

    assert same == value
    assert rotated != value


def test_reuse_of_a_rotated_value_ends_the_grant_or_not(api):
    api.remote.switches["refresh_rotates"] = "always"
    old = api.tokens["refresh_token"]
    new = refresh(api.remote, old).json["refresh_token"]
    api.remote.switches["refresh_reuse_revokes_grant"] = "no"
    harmless = refresh(api.remote, old)
    alive = refresh(api.remote, new)
    api.remote.switches["refresh_reuse_revokes_grant"] = "yes"
    refresh(api.remote, old)

    assert harmless.json["error"] == "invalid_grant"
    assert alive.status_code == 200
    assert refresh(api.remote, alive.json["refresh_token"]).json["error"] == "invalid_grant"


def test_old_value_has_a_day_of_grace_when_switched_so(api):
    api.remote.switches["refresh_rotates"] = "always"
    api.remote.switches["old_refresh_grace"] = "24h"
    old = api.tokens["refresh_token"]
    refresh(api.remote, old)

    assert refresh(api.remote, old).status_code == 200


def test_lost_refresh_answer_has_rotated_the_value(api):
    api.remote.switches["refresh_rotates"] = "always"
    api.remote.switches["refresh_answer_lost"] = "drop"
    value = api.tokens["refresh_token"]

    with pytest.raises(AnswerDropped):
        refresh(api.remote, value)

    assert refresh(api.remote, value).json["error"] == "invalid_grant"


def test_hard_expiry_is_told_to_who_asks(api):
    answer = token(api.remote, headers={"x-include-refresh-token-hard-expires-in": "true"},
                   grant_type="refresh_token", refresh_token=api.tokens["refresh_token"])  # fmt: skip

    assert answer.json["x_refresh_token_hard_expires_in"] == 157680000


def test_refresh_token_dies_after_a_hundred_idle_days(api):
    api.remote.clock.advance(101 * 86400)

    assert refresh(api.remote, api.tokens["refresh_token"]).json["error"] == "invalid_grant"


def test_second_consent_ends_the_first_grant(api):
    exchange(api.remote, callback(consent(api.remote, api.realm))["code"])

    assert api.send("GET", "preferences").status_code == 401


def test_revoked_refresh_token_ends_its_access_tokens(api):
    answer = Client(api.remote).post(
        "/v2/oauth2/tokens/revoke", json={"token": api.tokens["refresh_token"]}, headers={"Authorization": BASIC}
    )

    assert answer.status_code == 200
    assert api.send("GET", "preferences").status_code == 401


def test_expired_token_is_the_gateways_lower_case_fault(api):
    api.remote.clock.advance(3601)

    answer = api.send("GET", "preferences")

    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]
    assert answer.json["fault"]["error"][0]["code"] == "3200"


def test_token_of_another_company_is_not_authorised(api):
    other = api.remote.control("create_company", {})
    api.realm = other["realm"]

    answer = api.send("GET", "preferences")

    assert (answer.status_code, answer.json["Fault"]["Error"][0]["code"]) == (403, "3100")


def test_lost_access_and_lapsed_subscription(api):
    api.remote.control("lapse", {"realm": api.realm})
    write = api.post("Customer", {"DisplayName": "x"})
    read = api.send("GET", "preferences").status_code
    api.remote.control("lose_access", {"realm": api.realm})

    assert (write, read) == ("6190", 200)
    assert api.get("Account", "1") == "120"


# HTTP


def test_every_answer_carries_a_tid(api):
    assert "intuit_tid" not in api.send("GET", "preferences").headers  # the captured spelling
    assert api.send("GET", "preferences").headers["intuit-tid"]
    assert refresh(api.remote, "x").headers["Intuit-Tid"]


def test_unknown_path_and_bad_id(api):
    assert api.send("GET", "nothing").json["Fault"]["Error"][0]["code"] == "500"
    bad = api.send("GET", "invoice/abc").json
    assert (bad["Fault"]["Error"][0]["code"], "time" in bad) == ("2030", False)


def test_fault_is_xml_when_nobody_asks_for_json(api):
    answer = Client(api.remote).get(
        f"/v3/company/{api.realm}/invoice/99", headers={"Authorization": f"Bearer {api.tokens['access_token']}"}
    )

    assert answer.content_type.startswith("application/xml")
    assert '<Error code="610">' in answer.text


def test_time_is_pacific(api):
    assert api.send("GET", "preferences").json["time"].endswith("-08:00")


# requestid


def test_same_requestid_is_executed_once_and_answered_twice_alike(api):
    entry = api.journal((CLEARING, 5), (SALES, -5))

    answers = [api.send("POST", "journalentry", entry, requestid="k1").get_data() for _ in range(2)]

    assert answers[0] == answers[1]
    assert api.balance(CLEARING) == 5


def test_refused_request_is_executed_again_unless_switched(api):
    entry = api.journal((CLEARING, 5), (SALES, -5))
    api.remote.control("close_books", {"realm": api.realm, "date": "2026-11-30"})
    api.post("JournalEntry", entry, requestid="k1")
    api.remote.switches["requestid_replays_4xx"] = "yes"
    api.post("JournalEntry", entry, requestid="k2")
    api.remote.control("close_books", {"realm": api.realm, "date": None})

    assert api.post("JournalEntry", entry, requestid="k1")["Id"]
    assert api.post("JournalEntry", entry, requestid="k2") == "6200"


def test_other_body_under_the_same_requestid(api):
    api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)), requestid="k1")
    replayed = api.post("JournalEntry", api.journal((CLEARING, 6), (SALES, -6)), requestid="k1")
    api.remote.switches["requestid_other_body"] = "600"

    assert replayed["TotalAmt"] == 5
    assert api.post("JournalEntry", api.journal((CLEARING, 6), (SALES, -6)), requestid="k1") == "600"


@pytest.mark.parametrize(("retention", "posted"), [("24h", 10), ("forever", 5), ("0", 10)])
def test_requestid_is_remembered_as_long_as_switched(api, retention, posted):
    api.remote.switches["requestid_retention"] = retention
    entry = api.journal((CLEARING, 5), (SALES, -5))
    api.post("JournalEntry", entry, requestid="k1")
    api.remote.clock.advance(timedelta(hours=25).total_seconds())
    api.tokens = api.remote.control("issue_tokens", {"realm": api.realm})

    api.post("JournalEntry", entry, requestid="k1")

    assert api.balance(CLEARING) == posted


def test_long_requestid_is_malformed(api):
    assert api.post("Customer", {"DisplayName": "x"}, requestid="k" * 51) == "2130"


def test_answer_lost_after_commit_is_found_by_its_number_and_its_requestid(api):
    api.remote.faults.drop_next_answer("invoice.create")
    with pytest.raises(AnswerDropped):
        api.post("Invoice", api.invoice(5, DocNumber="114-1"), requestid="k1")

    found = api.query("select * from Invoice where DocNumber = '114-1'")["Invoice"]
    again = api.post("Invoice", api.invoice(5, DocNumber="114-1"), requestid="k1")

    assert [each["Id"] for each in found] == [again["Id"]]


def test_late_commit_is_in_flight_and_then_there(api):
    api.remote.faults.add(operation="journalentry.create", boundary="before_commit", do="late_commit", seconds=100)
    entry = api.journal((CLEARING, 5), (SALES, -5))
    with pytest.raises(AnswerDropped):
        api.post("JournalEntry", entry, requestid="k1")

    during = api.post("JournalEntry", entry, requestid="k1")
    api.remote.clock.advance(101)

    assert during == "600"
    assert api.balance(CLEARING) == 5
    assert api.post("JournalEntry", entry, requestid="k1")["TotalAmt"] == 5
    assert api.balance(CLEARING) == 5


# Queries


@pytest.fixture
def documents(api):
    for number in range(1, 6):
        api.post("Invoice", api.invoice(number, DocNumber=f"114-{number}", TxnDate=f"2026-11-0{number}"))
    return api


@pytest.mark.parametrize(
    ("where", "numbers"),
    [
        ("DocNumber = '114-2'", "2"),
        ("DocNumber IN ('114-4', '114-1')", "14"),
        ("DocNumber LIKE '114%'", "12345"),
        ("TxnDate > '2026-11-02' AND TxnDate <= '2026-11-04'", "34"),
        ("Id IN ('1', '3')", "13"),
        ("MetaData.CreateTime >= '2026-11-20T18:00:00Z'", "12345"),
        ("MetaData.CreateTime > '2026-11-20T10:00:00-08:00'", ""),
    ],
)
def test_where(documents, where, numbers):
    found = documents.query(f"SELECT * FROM Invoice WHERE {where} ORDERBY Id")

    assert "".join(each["DocNumber"][-1] for each in found.get("Invoice", [])) == numbers


def test_pages_and_order(documents):
    page = documents.query("select * from Invoice order by TxnDate desc startposition 2 maxresults 2")

    assert [each["DocNumber"] for each in page["Invoice"]] == ["114-4", "114-3"]
    assert (page["startPosition"], page["maxResults"]) == (2, 2)
    assert documents.query("select * from Invoice startposition 9") == {}
    assert documents.query("select count(*) from Invoice where DocNumber = '114-1'") == {"totalCount": 1}


def test_only_named_fields_are_answered(documents):
    (found,) = documents.query("select Id, TotalAmt from Invoice where DocNumber = '114-1'")["Invoice"]

    assert set(found) == {"Id", "TotalAmt", "domain", "sparse"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("select * from Invoice startposition 0", "4001"),
        ("select * from Invoice maxresults 1001", "4001"),
        ("select * from Invoice where DepartmentRef = '1'", "4001"),
        ("select * from Payment where DocNumber = '1'", "4001"),
        ("select * from Nonsense", "4001"),
        ("select * from Invoice where DocNumber = '1' or Id = '2'", "4000"),
        ("select * from Invoice where DocNumber <> '1'", "4000"),
        ("select * Invoice", "4000"),
    ],
)
def test_query_that_cannot_be_asked(api, text, code):
    assert api.query(text) == code


def test_inactive_objects_are_hidden_unless_asked_for(api):
    api.remote.control("inactivate", {"realm": api.realm, "kind": "Account", "id": api.made["accounts"][CLEARING]})

    named = "Name LIKE 'AMZ US Settlement%'"

    assert api.query(f"select * from Account where {named}") == {}
    assert len(api.query(f"select * from Account where {named} and Active in (true, false)")["Account"]) == 1


def test_apostrophe_is_escaped(api):
    api.post("Customer", {"DisplayName": "O'Brien"})

    assert api.query(r"select * from Customer where DisplayName = 'O\'Brien'")["maxResults"] == 1


def test_account_query_shows_balances(api):
    api.post("JournalEntry", api.journal((CLEARING, 5), ("Amazon Lending", -5)))

    balances = {each["Name"]: each["CurrentBalance"] for each in api.query("select * from Account")["Account"]}

    assert (balances[CLEARING], balances["Amazon Lending"]) == (5, -5)


def test_changes_since_with_deleted_stubs(api):
    made = api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)))
    api.post("JournalEntry", {"Id": made["Id"], "SyncToken": "0"}, operation="delete")
    api.post("Invoice", api.invoice(5))

    answer = api.send("GET", "cdc", entities="Invoice,JournalEntry,Payment", changedSince="2026-11-20T00:00:00Z")
    invoice, journal, payment = loads(answer.get_data())["CDCResponse"][0]["QueryResponse"]

    assert invoice["maxResults"] == 1
    assert journal["JournalEntry"][0]["status"] == "Deleted"
    assert payment == {}


# Batches


def batch(api, *items, **query):
    return api.send("POST", "batch", {"BatchItemRequest": list(items)}, **query)


def create(api, bid, amount):
    return {"bId": bid, "operation": "create", "JournalEntry": api.journal((CLEARING, amount), (SALES, -amount))}


def test_items_of_a_batch_are_independent(api):
    wrong = {"bId": "b", "operation": "create", "JournalEntry": {}}

    answered = batch(api, create(api, "a", 5), wrong, {"bId": "c", "Query": "select count(*) from JournalEntry"}).json

    one, two, three = answered["BatchItemResponse"]
    assert one["JournalEntry"]["TotalAmt"] == 5
    assert two["Fault"]["Error"][0]["code"] == "2250"
    assert three["QueryResponse"] == {"totalCount": 1}


def test_invoice_is_voided_in_a_batch_by_option(api):
    invoice = api.post("Invoice", api.invoice(5))
    body = {"Id": invoice["Id"], "SyncToken": "0"}

    answered = batch(api, {"bId": "a", "operation": "update", "optionsData": "void", "Invoice": body}).json

    assert answered["BatchItemResponse"][0]["Invoice"]["Balance"] == 0


def test_batch_sent_again_posts_only_what_was_not(api):
    items = [create(api, "a", 5), create(api, "b", 7)]
    api.remote.faults.add(operation="batch.item", boundary="after_commit", do="drop_answer")
    with pytest.raises(AnswerDropped):
        batch(api, *items, requestid="k1")
    half = api.balance(CLEARING)

    answered = batch(api, *items, requestid="k1").json

    assert (half, api.balance(CLEARING)) == (5, 12)
    assert len(answered["BatchItemResponse"]) == 2


def test_fault_at_an_operation_strikes_it_inside_a_batch_as_well(api):
    api.remote.faults.add(operation="journalentry.create", boundary="after_commit", do="drop_answer", nth=2)

    with pytest.raises(AnswerDropped):
        batch(api, create(api, "a", 5), create(api, "b", 7), create(api, "c", 9))

    assert api.balance(CLEARING) == 12


def test_lost_answer_of_a_batch_has_stored_every_item(api):
    api.remote.faults.drop_next_answer()
    with pytest.raises(AnswerDropped):
        batch(api, create(api, "a", 5), create(api, "b", 7))

    assert api.balance(CLEARING) == 12


def test_unauthorised_in_the_middle_of_a_batch(api):
    api.remote.faults.add(operation="batch.item", boundary="after_commit", do="status", status=401)

    assert batch(api, create(api, "a", 5), create(api, "b", 7)).status_code == 401
    assert api.balance(CLEARING) == 5


def test_too_many_items_and_long_bids(api):
    many = [create(api, str(n), 1) for n in range(31)]
    assert batch(api, *many).json["Fault"]["Error"][0]["code"] == "1040"
    assert batch(api, create(api, "b" * 11, 1), requestid="k").json["Fault"]["Error"][0]["code"] == "2130"


# Throttles and faults


def test_eleventh_request_in_a_second_is_throttled(api):
    api.remote.switches["rate_scale"] = 100

    statuses = [api.send("GET", "preferences").status_code for _ in range(11)]

    assert statuses == [200] * 10 + [429]
    assert api.send("GET", "preferences").json["fault"]["type"] == "SERVICE"
    api.remote.clock.advance(1.1)
    assert api.send("GET", "preferences").status_code == 200


def test_more_than_five_hundred_a_minute_and_forty_batches(api):
    api.remote.switches["rate_scale"] = 100
    statuses = []
    for _ in range(505):
        statuses.append(api.send("GET", "preferences").status_code)
        api.remote.clock.advance(0.11)

    assert statuses.count(200) == 500
    api.remote.clock.advance(61)
    batches = []
    for _ in range(41):
        batches.append(batch(api, {"bId": "a", "Query": "select * from Preferences"}).status_code)
        api.remote.clock.advance(0.5)
    assert batches.count(200) == 40


def test_monthly_block_stops_reads_and_lets_writes_through(api):
    api.remote.switches["coreplus_monthly_block"] = 1
    api.send("GET", "preferences")

    assert api.send("GET", "preferences").status_code == 429
    assert api.post("Customer", {"DisplayName": "x"})["Id"]
    assert api.remote.control("coreplus") == {"reads": 1}


@pytest.mark.parametrize(("kind", "starts"), [("json", b'{"Fault"'), ("xml", b"<?xml"), ("html", b"<html")])
def test_server_errors_come_in_three_forms(api, kind, starts):
    api.remote.faults.add(operation="*.read", boundary="before_commit", do="status", status=503, body=kind)

    assert api.send("GET", "preferences").get_data().startswith(starts)


def test_every_write_has_named_boundaries(api):
    names = set(api.remote.boundaries())

    assert {"quickbooks.invoice.create:after_commit", "quickbooks.deposit.delete:before_commit",
            "quickbooks.batch.item:after_commit", "quickbooks.token:mid_answer"} <= names  # fmt: skip


# Companies


def test_state_survives_a_restart(tmp_path):
    first = QuickBooksStandIn(store=Store(tmp_path / "file"), clock=frozen(NOW))
    first.switches["rate_scale"] = 0
    api = Api(first, first.control("create_company", {"chart": "bookkeeper"}))
    api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)), requestid="k1")

    api.remote = QuickBooksStandIn(store=Store(tmp_path / "file"), clock=frozen(NOW))
    api.http = Client(api.remote)
    api.post("JournalEntry", api.journal((CLEARING, 5), (SALES, -5)), requestid="k1")

    assert api.balance(CLEARING) == 5


@pytest.mark.parametrize("chart", sorted(CHARTS))
def test_every_chart_can_be_made_and_its_truth_names_accounts(remote, chart):
    made = remote.control("create_company", {"chart": chart})

    expected = made["expected"]
    company = remote.company(made["realm"])
    assert {CHARTS[chart].expected[key] for key in expected} == {
        company.need("Account", id_)["FullyQualifiedName"] if id_ else None for id_ in expected.values()
    }


def test_somebody_edits_in_the_browser(api):
    invoice = api.post("Invoice", api.invoice(5))
    act = api.remote.control

    act("add", {"realm": api.realm, "kind": "Invoice", "body": api.invoice(9, DocNumber="114-9")})
    act("touch", {"realm": api.realm, "kind": "Invoice", "id": invoice["Id"]})
    act("edit", {"realm": api.realm, "kind": "Invoice", "id": invoice["Id"], "changes": {"PrivateNote": "mine"}})
    act("rename_account", {"realm": api.realm, "id": api.made["accounts"][CLEARING], "name": "Amazon pot"})
    act("void", {"realm": api.realm, "kind": "Invoice", "id": invoice["Id"]})

    assert api.get("Invoice", invoice["Id"])["SyncToken"] == "3"
    assert api.get("Account", api.made["accounts"][CLEARING])["Name"] == "Amazon pot"
    assert api.query("select * from Invoice where DocNumber = '114-9'")["Invoice"][0]["TotalAmt"] == Decimal(9)


def test_exchange_rate_is_read_and_set(foreign):
    foreign.send(
        "POST", "exchangerate", {"SourceCurrencyCode": "GBP", "Rate": Decimal("1.4"), "AsOfDate": "2026-11-01"}
    )

    after = foreign.send("GET", "exchangerate", sourcecurrencycode="GBP", asofdate="2026-11-10")
    before = foreign.send("GET", "exchangerate", sourcecurrencycode="GBP", asofdate="2026-10-10")

    assert [loads(each.get_data())["ExchangeRate"]["Rate"] for each in (after, before)] == [
        Decimal("1.4"),
        Decimal("1.25"),
    ]
