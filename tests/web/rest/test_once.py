"""``Idempotency-Key``: a request sent again is answered again, and done once."""

from datetime import timedelta

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile

from audit.models import Event
from connector import tasks
from flows.models import RequestKey
from kit import clock
from tests.web.rest.conftest import caller


@pytest.fixture
def run(demo):
    return f"flows/{demo.flow.pk}/run"


def asked(demo):
    with demo.inside:
        return Event.objects.filter(kind="flow.run_asked").count()


def test_the_same_request_gets_its_first_answer_and_is_done_once(demo, rest, run):
    before = asked(demo)

    first, second = rest.post(run, once="a"), rest.post(run, once="a")

    assert (first.status_code, second.status_code) == (202, 202)
    assert second.json() == first.json()
    assert ("Idempotent-Replayed" in first, second["Idempotent-Replayed"]) == (False, "true")
    assert asked(demo) == before + 1


def test_without_a_key_every_request_counts(demo, rest, run):
    before = asked(demo)

    rest.post(run)
    rest.post(run)

    assert asked(demo) == before + 2


def test_a_key_used_for_another_body_is_refused(demo, rest):
    address = f"flows/{demo.flow.pk}/mapping/suggestions"
    rest.post(address, {"create_missing": False}, once="a")

    answer = rest.post(address, {"create_missing": True}, once="a")

    assert answer.status_code == 422
    assert answer.json()["code"] == "key_reused"


def test_a_key_used_at_another_address_is_refused(demo, rest, run):
    rest.post(run, once="a")

    assert rest.post(f"flows/{demo.flow.pk}/pause", once="a").status_code == 422


def test_a_request_still_under_way_is_not_begun_again(demo, rest, run):
    rest.post(run, once="a")
    with demo.inside:
        RequestKey.objects.update(status=None, answer="")
    before = asked(demo)

    answer = rest.post(run, once="a")

    assert answer.status_code == 409
    assert answer.json()["code"] == "under_way"
    assert asked(demo) == before


def test_a_request_that_died_may_be_sent_again(demo, rest, run):
    rest.post(run, once="a")
    with demo.inside:
        RequestKey.objects.update(status=None, answer="")

    with time_machine.travel(clock.now() + timedelta(minutes=11), tick=False):
        answer = rest.post(run, once="a")

    assert answer.status_code == 202


def test_an_answer_is_kept_for_a_day(demo, rest, run):
    rest.post(run, once="a")

    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        answer = rest.post(run, once="a")
        with demo.inside:
            assert RequestKey.objects.count() == 1

    assert "Idempotent-Replayed" not in answer


def test_what_is_over_is_purged_and_what_may_be_asked_again_stays(demo, rest, run):
    rest.post(run, once="a")
    with time_machine.travel(clock.now() + timedelta(hours=23), tick=False):
        rest.post(run, once="b")
    with demo.inside:
        RequestKey.objects.create(tenant=demo.tenant, caller="x", name="dead", created_at=clock.now())

    with time_machine.travel(clock.now() + timedelta(hours=25), tick=False):
        tasks.purge()

    with demo.inside:
        assert RequestKey.objects.get().name == "b"


def test_a_refusal_is_not_kept_because_it_did_nothing(demo, rest, run):
    rest.post(f"flows/{demo.flow.pk}/pause")
    assert rest.post(run, once="a").status_code == 409

    rest.post(f"flows/{demo.flow.pk}/resume")
    answer = rest.post(run, once="a")

    assert answer.status_code == 202


def test_keys_of_two_callers_do_not_meet(demo, rest, run):
    other = caller(demo.tenant, demo.user)
    before = asked(demo)

    rest.post(run, once="a")
    other.post(run, once="a")

    assert asked(demo) == before + 2


def test_a_file_sent_again_counts_as_the_same_whatever_its_boundary(demo, rest):
    def send(content):
        file = SimpleUploadedFile("groups.csv", content)
        address = f"/api/v1/flows/{demo.flow.pk}/mapping/product-groups"
        return rest.client.post(address, {"file": file}, headers={"Idempotency-Key": "a"})

    first, second, other = send(b"A-1,Toys\n"), send(b"A-1,Toys\n"), send(b"A-1,Games\n")

    assert (first.status_code, second.status_code, other.status_code) == (200, 200, 422)
    assert second["Idempotent-Replayed"] == "true"
    assert second.json()["version"] == first.json()["version"]


@pytest.mark.parametrize("name", ["x" * 201, "\x7f", "", " "])
def test_a_key_that_cannot_be_one_is_refused(rest, run, name):
    answer = rest.send("post", run, **{"Idempotency-Key": name})

    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["fields"]
