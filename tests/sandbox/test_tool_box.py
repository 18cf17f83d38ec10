"""The tool box: transactions, faults, late commits, control API, served over sockets."""

import http.client
import json
import subprocess
import sys
from datetime import UTC, datetime
from urllib.request import Request as UrlRequest
from urllib.request import urlopen

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from sandbox.clock import frozen
from sandbox.faults import AnswerDropped
from sandbox.jsontext import dumps, loads
from sandbox.serve import serve
from sandbox.store import Store
from sandbox.switches import Switch
from sandbox.wsgi import Abort, Route, StandIn, json_response, posted_json

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


class Notes(StandIn):
    """A remote system that keeps notes."""

    slug = "notes"
    SWITCHES = (Switch("mood", ("kind", "rude"), "how it answers"), Switch("limit", (7,), "any number"))

    def routes(self):
        return [Route("POST", "/notes", "note.create", self.create), Route("GET", "/notes", "note.list", self.list)]

    def create(self, request: Request) -> Response:
        text = posted_json(request)["text"]
        self.store.put("note", str(self.store.next_number("note")), {"text": text})
        if text == "refused":
            raise Abort(json_response({"error": "refused"}, 400))
        return json_response({"text": text, "padding": "x" * 200})

    def list(self, request: Request) -> Response:
        return json_response([note["text"] for note in self.store.all("note")])


@pytest.fixture
def notes():
    return Notes(clock=frozen(NOON))


def texts(notes):
    return [note["text"] for note in notes.store.all("note")]


def test_decimals_survive_json_exactly():
    assert (
        dumps(loads('{"a":0.10,"b":[1e2,12345678901234567890.12]}')) == '{"a":0.10,"b":[100,12345678901234567890.12]}'
    )


def test_a_refused_request_stores_nothing(notes):
    answer = Client(notes).post("/notes", json={"text": "refused"})

    assert answer.status_code == 400
    assert texts(notes) == []


def test_dropped_answer_is_an_exception_in_process_and_the_effect_stays(notes):
    notes.faults.drop_next_answer("note.create")

    with pytest.raises(AnswerDropped):
        Client(notes).post("/notes", json={"text": "one"})

    assert texts(notes) == ["one"]


def test_fault_before_commit_stores_nothing(notes):
    notes.faults.add(operation="note.*", boundary="before_commit", do="status", status=503, body="html")

    answer = Client(notes).post("/notes", json={"text": "one"})

    assert answer.status_code == 503
    assert answer.content_type.startswith("text/html")
    assert texts(notes) == []


def test_rule_fires_on_the_nth_request_only(notes):
    notes.faults.add(operation="note.create", boundary="after_commit", do="status", status=504, nth=2)

    statuses = [Client(notes).post("/notes", json={"text": str(n)}).status_code for n in range(3)]

    assert statuses == [200, 504, 200]


def test_rule_fires_on_every_second_request(notes):
    notes.faults.add(operation="note.create", boundary="after_commit", do="status", status=500, every=2)

    statuses = [Client(notes).post("/notes", json={"text": str(n)}).status_code for n in range(4)]

    assert statuses == [200, 500, 200, 500]


def test_late_commit_appears_only_when_its_time_has_come(notes):
    notes.faults.add(operation="note.create", boundary="before_commit", do="late_commit", seconds=30)
    with pytest.raises(AnswerDropped):
        Client(notes).post("/notes", json={"text": "late"})

    before = Client(notes).get("/notes").json
    notes.clock.advance(31)
    after = Client(notes).get("/notes").json

    assert (before, after) == ([], ["late"])


def test_cut_body_in_process_fails_while_reading(notes):
    notes.faults.add(operation="note.create", boundary="mid_answer", do="cut_body")

    with pytest.raises(AnswerDropped) as dropped:
        Client(notes).post("/notes", json={"text": "one"}).get_data()

    assert dropped.value.sent > 0
    assert texts(notes) == ["one"]


def test_impossible_fault_is_refused(notes):
    with pytest.raises(ValueError, match="impossible"):
        notes.faults.add(operation="*", boundary="mid_answer", do="status", status=500)


def test_control_api_sets_switches_faults_and_time(notes):
    client = Client(notes)

    client.post("/_control/switches", json={"mood": "rude", "limit": 12})
    client.post("/_control/faults", json={"operation": "*", "boundary": "after_commit", "do": "drop_answer"})
    client.post("/_control/time", json={"advance_s": 60})
    overview = client.get("/_control/").json

    assert overview["switches"]["mood"]["value"] == "rude"
    assert overview["switches"]["limit"]["value"] == 12
    assert overview["faults"][0]["do"] == "drop_answer"
    assert overview["now"] == "2026-11-20T12:01:00+00:00"
    assert "notes.note.create:after_commit" in overview["boundaries"]


def test_unknown_setting_is_refused_and_changes_nothing(notes):
    answer = Client(notes).post("/_control/switches", json={"limit": 3, "mood": "angry"})

    assert answer.status_code == 400
    assert notes.switches["limit"] == 7


def test_log_tells_what_was_asked_and_answered(notes):
    notes.faults.add(operation="note.create", boundary="after_commit", do="drop_answer", nth=2)
    client = Client(notes)
    client.post("/notes?requestid=1", json={"text": "one"})
    with pytest.raises(AnswerDropped):
        client.post("/notes?requestid=2", json={"text": "two"})

    log = client.get("/_control/log").json

    assert [(row["query"], row["status"]) for row in log] == [("requestid=1", 200), ("requestid=2", 0)]
    assert client.get("/_control/counters").json == {"note.create": {"0": 1, "200": 1}}


def test_state_survives_in_its_file(tmp_path):
    first = Notes(store=Store(tmp_path / "file.sqlite3"), clock=frozen(NOON))
    Client(first).post("/notes", json={"text": "kept"})
    Client(first).post("/_control/time", json={"advance_s": 5})

    second = Notes(store=Store(tmp_path / "file.sqlite3"), clock=frozen(NOON))

    assert texts(second) == ["kept"]
    assert second.clock.offset.total_seconds() == 5


def test_two_stand_ins_share_a_file_and_see_nothing_of_each_other(tmp_path):
    store = Store(tmp_path / "file.sqlite3")
    one, two = store.view("one"), store.view("two")

    one.put("note", "1", {"text": "mine"})

    assert two.get("note", "1") is None


def test_inner_failure_takes_back_only_the_inner_part():
    store = Store()

    def inner():
        with store.transaction():
            store.put("note", "2", {})
            raise RuntimeError

    with store.transaction():
        store.put("note", "1", {})
        with pytest.raises(RuntimeError):
            inner()

    assert store.ids("note") == ["1"]


@pytest.fixture
def server():
    notes = Notes()
    server = serve(notes)
    yield notes, server.url
    server.stop()


def post(url, text):
    return urlopen(UrlRequest(url + "/notes", data=json.dumps({"text": text}).encode()), timeout=5)


def test_served_dropped_answer_closes_without_a_byte(server):
    notes, url = server
    notes.faults.drop_next_answer()

    with pytest.raises(http.client.RemoteDisconnected):
        post(url, "one")

    assert texts(notes) == ["one"]


def test_served_cut_body_is_an_incomplete_read(server):
    notes, url = server
    notes.faults.add(operation="*", boundary="mid_answer", do="cut_body")

    with pytest.raises(http.client.IncompleteRead):
        post(url, "one").read()


def test_served_trickle_arrives_whole(server):
    notes, url = server
    notes.faults.add(operation="*", boundary="mid_answer", do="slow_trickle", seconds=0.05)

    assert json.loads(post(url, "one").read())["text"] == "one"


def test_only_loopback_is_bound():
    with pytest.raises(ValueError, match="loopback"):
        serve(Notes(), host="0.0.0.0")


def test_kill_fault_kills_that_process(notes):
    victim = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    notes.faults.add(operation="*", boundary="after_commit", do="kill", pid=victim.pid)

    with pytest.raises(AnswerDropped):
        Client(notes).post("/notes", json={"text": "one"})

    assert victim.wait(timeout=5) == -9
    assert texts(notes) == ["one"]


def test_kill_fault_without_a_pid_is_refused(notes):
    with pytest.raises(ValueError, match="pid"):
        notes.faults.add(operation="*", boundary="after_commit", do="kill", pid=0)
