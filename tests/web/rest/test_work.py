"""The work over REST, on a company with real data: flows, settlements and their proof, documents, replay, upload."""

import gzip
import json
from datetime import UTC, datetime

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from amazon.models import Settlement
from amazon.reports import open_report
from audit.models import Event
from flows import readback, setup
from flows.models import Delivery, Flow, Plan
from kit import clock
from kit.scope import unscoped
from ledgers.port import NotSent
from tenants import quotas
from tenants.models import Alert, Connection
from tests.amazon import settlements as settlement_files
from tests.web.rest.conftest import caller


def only(model, **lookup):
    with unscoped("the test looks at every tenant"):
        return model.objects.get(**lookup)


def every(answer):
    assert answer.status_code == 200, answer.json()
    return answer.json()["results"]


# Flows


def test_a_flow_is_created_in_set_up_and_fetches_at_once(demo, rest):
    new = {"name": "By hand", "currency": "USD", "source": None, "target": demo.flow.target_id}

    answer = rest.post("flows", {**new, "mode": "orders", "books_from": "2026-01-01"})

    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["mode"], made["ledger"], made["currency"]) == ("setup", "orders", "quickbooks", "USD")
    assert made["next_run_at"] is not None


def test_how_the_books_begin_is_told_and_stated(demo, rest):
    with demo.inside:
        Flow.objects.filter(pk=demo.flow.pk).update(state="setup")
        first = Plan.objects.order_by("settlement__ends_at").first().settlement
        Settlement.objects.filter(pk=first.pk).update(reserve_released=2000)
    address = f"flows/{demo.flow.pk}"

    before = rest.get(f"{address}/opening").json()
    answer = rest.patch(address, {"books_from": before["told"]["books_from"], "opening_reserve": 2000})
    after = rest.get(f"{address}/opening").json()

    assert answer.status_code == 200
    assert before["told"]["opening_reserve"] == 2000
    assert (before["missing"], before["entry"]) == (True, None)
    assert (after["missing"], after["opening_reserve"]) == (False, 2000)
    assert (after["entry"]["number"], after["entry"]["amount"]) == ("AMZ-OPENING-USD", 2000)


def test_the_same_flow_twice_is_refused_with_its_name(demo, rest):
    new = {"name": "Again", "currency": "USD", "source": demo.flow.source_id, "target": demo.flow.target_id}

    answer = rest.post("flows", new)

    assert answer.status_code == 409
    assert "Demo already brings" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"name": ""}, "name"),
        ({"currency": "usd"}, "currency"),
        ({"mode": "both"}, "mode"),
        ({"books_from": "1900-01-01"}, "books_from"),
        ({"orders_every_min": 0}, "orders_every_min"),
        ({"opening_clearing": 12.5}, "opening_clearing"),
    ],
)
def test_a_flow_that_cannot_be_is_refused_field_by_field(demo, rest, wrong, where):
    new = {"name": "New", "currency": "EUR", "source": None, "target": demo.flow.target_id}

    answer = rest.post("flows", {**new, **wrong})

    assert answer.status_code == 400
    assert list(answer.json()["fields"]) == [where]


def test_a_seller_account_is_no_ledger_company(demo, rest):
    new = {"name": "New", "currency": "EUR", "source": None, "target": demo.flow.source_id}

    answer = rest.post("flows", new)

    assert answer.status_code == 400
    assert "ledger company" in answer.json()["detail"]


def test_settings_change_and_the_trail_names_the_key(demo, rest):
    answer = rest.patch(f"flows/{demo.flow.pk}", {"approval": "review", "orders_every_min": 30})

    assert (answer.json()["approval"], answer.json()["orders_every_min"]) == ("review", 30)
    with demo.inside:
        assert Event.objects.filter(kind="flow.changed").last().actor.startswith("key:")


def test_a_live_flow_changes_its_mode_for_what_comes_and_keeps_its_beginning(demo, rest):
    switched = rest.patch(f"flows/{demo.flow.pk}", {"mode": "orders", "trigger": "shipped"})
    refused = rest.patch(f"flows/{demo.flow.pk}", {"books_from": "2026-01-01"})

    assert (switched.json()["mode"], switched.json()["trigger"]) == ("orders", "shipped")
    assert refused.status_code == 409
    assert refused.json()["action"]
    with demo.inside:
        assert not Plan.objects.filter(state="posted", mode="orders").exists()


def test_what_a_flow_joins_cannot_be_changed(demo, rest):
    rest.patch(f"flows/{demo.flow.pk}", {"currency": "EUR", "target": demo.flow.source_id})

    assert rest.get(f"flows/{demo.flow.pk}").json()["currency"] == "USD"


def test_run_now_makes_the_flow_due(demo, rest):
    answer = rest.post(f"flows/{demo.flow.pk}/run")

    assert answer.status_code == 202
    assert datetime.fromisoformat(answer.json()["next_run_at"]) <= clock.now()


def test_a_flow_is_paused_and_goes_on(demo, rest):
    paused = rest.post(f"flows/{demo.flow.pk}/pause")
    refused = rest.post(f"flows/{demo.flow.pk}/run")
    resumed = rest.post(f"flows/{demo.flow.pk}/resume")

    assert [paused.json()["state"], refused.status_code, resumed.json()["state"]] == ["paused", 409, "live"]


def test_a_flow_that_is_not_ready_names_everything_in_the_way(demo, rest):
    new = {"name": "By hand", "currency": "USD", "source": None, "target": demo.flow.target_id}
    made = rest.post("flows", new).json()

    answer = rest.post(f"flows/{made['id']}/go-live")

    assert answer.status_code == 409
    assert any("Choose an account for" in problem for problem in answer.json()["problems"])


def test_a_ledger_that_does_not_answer_changes_nothing(demo, rest, monkeypatch):
    def unreachable(flow):
        raise NotSent("no route")

    rest.post(f"flows/{demo.flow.pk}/pause")
    monkeypatch.setattr(setup, "checks", unreachable)

    answer = rest.post(f"flows/{demo.flow.pk}/resume")

    assert (answer.status_code, answer.json()["code"]) == (503, "unreachable")
    assert only(Flow, pk=demo.flow.pk).state == "paused"


def test_runs_say_what_they_found(demo, rest):
    runs = every(rest.get("runs", flow=demo.flow.pk, state="done"))

    with demo.inside:
        assert runs[-1]["found"]["settlements"] == Settlement.objects.filter(currency="USD").count()
    assert every(rest.get("runs", state="failed")) == []


def test_the_books_are_compared_when_asked_and_what_we_wrote_ourselves_never_alarms(demo, rest):
    with demo.inside:
        verdicts = list(Plan.objects.order_by("pk").values_list("state", "verdict__verdict"))

    answer = rest.post(f"flows/{demo.flow.pk}/check-books")
    compared = readback.check(demo.flow.target_id)

    assert (answer.status_code, answer.json()["books_compared_at"], compared) == (202, None, True)
    assert rest.get(f"flows/{demo.flow.pk}").json()["books_compared_at"] is not None
    with demo.inside:
        assert not Delivery.objects.filter(state="parked").exists()
        assert not Alert.objects.filter(kind="changed_in_ledger").exists()
        assert list(Plan.objects.order_by("pk").values_list("state", "verdict__verdict")) == verdicts


def test_a_company_that_cannot_be_read_is_not_asked(demo, rest):
    with demo.inside:
        Connection.objects.filter(pk=demo.flow.target_id).update(state="needs_reconnect")

    answer = rest.post(f"flows/{demo.flow.pk}/check-books")

    assert (answer.status_code, answer.json()["code"]) == (409, "refused")


# Settlements, plans and their proof


def test_settlements_are_listed_newest_first_with_the_verdict_of_each_plan(demo, rest):
    found = every(rest.get("settlements"))

    assert [one["ends_at"] for one in found] == sorted((one["ends_at"] for one in found), reverse=True)
    verdicts = {plan["verdict"] for one in found for plan in one["plans"]}
    assert "proved" in verdicts
    assert "proof" not in found[0]["plans"][0]


def test_a_settlement_shows_every_comparison_with_both_figures(demo, rest):
    answer = rest.get(f"settlements/{demo.ids['settlements']}").json()

    [plan] = answer["plans"]
    proof = plan["proof"]
    assert proof["verdict"] == "proved"
    rows = next(one for one in proof["comparisons"] if one["name"] == "rows and header")
    assert (rows["left"], rows["right"], rows["difference"]) == (answer["total"], answer["total"], 0)
    with demo.inside:
        posted = Delivery.objects.filter(plan=plan["id"], state="posted").count()
    assert len([one for one in proof["comparisons"] if "/" in one["detail"]]) == posted
    assert plan["steps"][-1]["running"] == answer["total"]
    assert plan["currency"] == answer["currency"] == "USD"


def test_a_held_settlement_says_what_it_waits_for(demo, rest):
    [held] = [plan for plan in every(rest.get("plans")) if plan["verdict"] == "waiting"]

    proof = rest.get(f"plans/{held['id']}").json()["proof"]

    assert "unknown_label" in {one["reason"] for one in proof["waiting"]}


def test_settlements_are_found_by_flow_day_and_amazons_id(demo, rest):
    newest = every(rest.get("settlements"))[0]

    assert every(rest.get("settlements", settlement_id=newest["settlement_id"])) == [newest]
    assert newest in every(rest.get("settlements", ended_from=newest["ends_at"][:10], flow=demo.flow.pk))
    assert every(rest.get("settlements", ended_to="2001-01-01")) == []
    assert every(rest.get("settlements", flow=10**9)) == []


def test_a_plan_is_approved_once(demo, rest):
    with demo.inside:
        Plan.objects.filter(pk=demo.ids["plans"]).update(state="planned")

    first, second = rest.post(f"plans/{demo.ids['plans']}/approve"), rest.post(f"plans/{demo.ids['plans']}/approve")

    assert (first.status_code, second.status_code) == (200, 409)
    assert only(Plan, pk=demo.ids["plans"]).approved_by.startswith("key:")


def test_a_plan_of_a_paused_flow_is_not_approved(demo, rest):
    rest.post(f"flows/{demo.flow.pk}/pause")

    answer = rest.post(f"plans/{demo.ids['plans']}/approve")

    assert answer.json()["detail"] == "The flow is not live."


# Uploads


def file_of(demo):
    with demo.inside:
        settlement = Plan.objects.get(pk=demo.ids["plans"]).settlement
        return b"".join(open_report(settlement.report))


def test_an_uploaded_settlement_is_read_once(acme, alice):
    rest = caller(acme, alice)
    content = settlement_files.v2().encode()

    first = rest.upload("settlements/upload", file=SimpleUploadedFile("a.txt", content))
    second = rest.upload("settlements/upload", file=SimpleUploadedFile("b.txt.gz", gzip.compress(content)))

    assert (first.status_code, first.json()["fate"]) == (201, "new")
    assert (second.status_code, second.json()["fate"]) == (200, "same")


def test_a_file_that_is_already_here_says_so(demo, rest):
    content = file_of(demo)

    answer = rest.upload("settlements/upload", file=SimpleUploadedFile("a.txt", content))

    assert (answer.status_code, answer.json()["fate"]) == (200, "same")
    assert answer.json()["settlement"] == demo.ids["settlements"]


@pytest.mark.parametrize("damage", ["cut", "empty", "other"])
def test_a_damaged_file_is_refused_with_the_line_and_what_to_do(demo, rest, damage):
    content = file_of(demo)
    damaged = {"cut": content[: len(content) // 2], "empty": b"", "other": b"sku,price\nA,1\n"}[damage]

    answer = rest.upload("settlements/upload", file=SimpleUploadedFile("a.txt", damaged))

    assert answer.status_code == 409
    assert answer.json()["action"]
    assert isinstance(answer.json()["line"], int)


def test_an_upload_without_a_file_names_the_field(rest):
    assert list(rest.upload("settlements/upload").json()["fields"]) == ["file"]


# Documents


def test_documents_are_found_by_several_states_and_by_what_they_are(demo, rest):
    both = every(rest.get("deliveries", state=["held", "posted"], page_size=500))
    kinds = every(rest.get("deliveries", kind=["transfer", "entry"], flow=demo.flow.pk))

    assert {row["state"] for row in both} == {"held", "posted"}
    assert {row["kind"] for row in kinds} == {"transfer", "entry"}
    row = next(row for row in kinds if row["state"] == "posted" and row["plan"])
    assert row in every(rest.get("deliveries", number=row["number"], external_id=row["external_id"]))
    assert row in every(rest.get("deliveries", on_from=row["on"], on_to=row["on"], plan=row["plan"]))
    assert every(rest.get("deliveries", order_id="none")) == []
    assert rest.get("deliveries", state="nonsense").json()["fields"]["state"]


def test_a_document_shows_its_content_and_every_attempt(demo, rest):
    row = rest.get(f"deliveries/{demo.ids['deliveries']}").json()

    assert row["document"]["kind"] == row["kind"]
    [attempt] = row["attempts"]
    [outcome] = attempt["outcomes"]
    assert outcome["result"] == "answered"
    assert outcome["told"]
    assert row["currency"] == "USD"
    assert isinstance(row["amount"], int)


def test_held_documents_are_replayed_and_stay_with_their_reason(demo, rest):
    held = every(rest.get("deliveries", state="held"))

    one = rest.post(f"deliveries/{held[0]['id']}/replay")
    many = rest.post("deliveries/replay", {"ids": [row["id"] for row in held]})

    assert one.json() == {"sent": 0, "kept": 1}
    assert many.json() == {"sent": 0, "kept": len(held)}


def test_a_parked_document_goes_out_again(demo, rest):
    with demo.inside:
        row = Delivery.objects.filter(state="posted", plan__isnull=False).first()
        Delivery.objects.filter(pk=row.pk).update(state="parked", reason="Refused.", tries=8)

    answer = rest.post("deliveries/replay", {"ids": [row.pk, row.pk]})

    assert answer.json() == {"sent": 1, "kept": 0}
    row = only(Delivery, pk=row.pk)
    assert (row.state, row.tries) == ("ready", 0)


@pytest.mark.parametrize("ids", [[], [0], [2**63], ["x"], None])
def test_ids_that_cannot_be_are_refused(rest, ids):
    assert rest.post("deliveries/replay", {"ids": ids}).status_code == 400


# Orders, connections, alerts, the trail


def test_orders_are_found_and_shown_with_their_items(demo, rest):
    [first, *_] = every(rest.get("orders"))

    assert every(rest.get("orders", order_id=first["order_id"])) == [first]
    assert every(rest.get("orders", purchased_to="2001-01-01")) == []
    whole = rest.get(f"orders/{first['id']}").json()
    assert whole["items"]
    assert "raw" not in whole


def test_connections_are_shown_with_their_calls_of_the_day_and_without_any_secret(demo, rest):
    with demo.inside:
        books = Connection.objects.get(provider="quickbooks")
        quotas.note(books, 2000, 1240, datetime(2026, 6, 10, tzinfo=UTC))

    found = every(rest.get("connections"))

    said = {one["provider"]: one["quota"] for one in found}
    assert said["amazon"] is None
    assert {name: said["quickbooks"][name] for name in ("daily_limit", "remaining", "resets_at")} == {
        "daily_limit": 2000,
        "remaining": 1240,
        "resets_at": "2026-06-10T00:00:00Z",
    }

    assert {(one["provider"], one["kind"]) for one in found} == {("amazon", "source"), ("quickbooks", "ledger")}
    with demo.inside:
        grants = [connection.grant for connection in Connection.objects.select_related("grant")]
    text = json.dumps(found)
    assert not [grant for grant in grants if grant.access_token in text or grant.refresh_token in text]


def test_an_alert_is_settled_by_a_key(demo, rest):
    answer = rest.post(f"alerts/{demo.ids['alerts']}/settle")

    assert answer.json()["settled_at"]
    assert answer.json()["id"] not in [one["id"] for one in every(rest.get("alerts", open="true"))]
    with demo.inside:
        assert Alert.objects.get(pk=demo.ids["alerts"]).settled_at
        assert Event.objects.get(kind="alert.settled").actor.startswith("key:")


def test_the_trail_of_a_document_is_its_whole_way(demo, rest):
    events = every(rest.get("events", subject=f"plan:{demo.ids['plans']}"))

    kinds = [event["kind"] for event in events]
    assert kinds[0] == "plan.made"
    assert {"plan.approved", "plan.proved"} <= set(kinds)
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)


def test_the_exported_trail_is_the_companys_chain(demo, rest):
    answer = rest.client.get("/api/v1/events/export", headers={"Accept": "application/x-ndjson"})

    lines = [json.loads(line) for line in b"".join(answer.streaming_content).decode().splitlines()]
    assert answer["Content-Type"] == "application/x-ndjson"
    assert {line["chain"] for line in lines} == {f"tenant:{demo.tenant.pk}"}
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


# Pages of lists


def test_a_list_is_walked_page_by_page_without_a_gap(demo, rest):
    seen, answer = [], rest.get("deliveries", page_size=7).json()
    seen += [row["id"] for row in answer["results"]]
    while answer["next"]:
        answer = rest.client.get(answer["next"]).json()
        seen += [row["id"] for row in answer["results"]]

    with demo.inside:
        assert seen == list(Delivery.objects.order_by("-id").values_list("id", flat=True))


@pytest.mark.parametrize("cursor", ["x", "cD1hYmM=", "cD05OTk5OTk5OTk5OTk5OTk5OTk5OTk5", "bz05OTk5OTk5"])
def test_a_cursor_that_was_never_given_out_does_no_harm(rest, cursor):
    for list_ in ("deliveries", "settlements", "events"):
        assert rest.get(list_, cursor=cursor).status_code in (200, 404)


@pytest.mark.parametrize(
    ("address", "most"),
    [
        ("flows", 2),
        ("runs", 2),
        ("settlements", 3),
        ("plans", 2),
        ("deliveries", 2),
        ("orders", 2),
        ("connections", 2),
        ("alerts", 2),
        ("events", 2),
        ("flows/{flows}", 2),
        ("flows/{flows}/mapping", 12),
        ("flows/{flows}/mapping/lists", 4),
        ("settlements/{settlements}", 11),
        ("plans/{plans}", 7),
        ("deliveries/{deliveries}", 5),
        ("orders/{orders}", 3),
    ],
)
def test_queries_do_not_grow_with_the_rows(demo, rest, django_assert_max_num_queries, address, most):
    rest.get("key")  # notes that the key is used

    with django_assert_max_num_queries(most) as counted:
        answer = rest.get(address.format(**demo.ids), page_size=500)

    assert answer.status_code == 200
    if "results" in answer.json():
        before = len(counted)
        with django_assert_max_num_queries(before):
            rest.get(address.format(**demo.ids), page_size=1)
