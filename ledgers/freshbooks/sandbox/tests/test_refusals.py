"""The bodies of refusals, throttles, answers that are lost, late or broken, and what survives."""

from datetime import timedelta
from decimal import Decimal

import pytest
from werkzeug.test import Client

from ledgers.freshbooks.sandbox import FreshBooksStandIn
from sandbox.clock import frozen
from sandbox.faults import AnswerDropped
from sandbox.store import Store

from .conftest import CLEARING, NOW, SALES, business

CLIENTS = "users/clients"
INVOICES = "invoices/invoices"
EXPENSES = "expenses/expenses"
JOURNALS = "journal_entries/journal_entries"
ME = "/auth/api/v1/users/me"


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

    assert [each["invoice_number"] for each in api.list(INVOICES)] == ["114-1"]


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
