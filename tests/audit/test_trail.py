"""The trail: chained, append-only, fail-closed, free of secrets."""

import contextlib
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction

from audit.models import ChainHead, Event
from audit.trail import SecretInEvent, digest, export, record, recorded, trail, verify
from kit.scope import ForeignTenant, NoScope, scope, unscoped
from tenants.models import Role
from tests.factories import TenantFactory


@pytest.fixture
def story(acme):
    """Three events of Acme, one of the installation between them."""
    record("delivery.planned", "delivery:1", tenant_id=acme.id, actor="user:1", amount=-1016, document="deposit")
    record("installation.started", "installation:1")
    record("delivery.sent", "delivery:1", tenant_id=acme.id)
    record("delivery.posted", "delivery:1", tenant_id=acme.id, external_id="77")
    return acme


def tamper(at_seq, /, **columns):
    with unscoped("the test tampers"):
        assert Event.objects.filter(chain__startswith="tenant:", seq=at_seq).update(**columns)


def test_subject_shows_its_whole_way_in_order(story):
    with scope(story.id):
        assert [event.kind for event in trail("delivery:1")] == ["delivery.planned", "delivery.sent", "delivery.posted"]


def test_untouched_chains_are_whole(story):
    assert verify(story.id) == []
    assert verify(None) == []


@pytest.mark.parametrize(
    "columns",
    [
        {"kind": "x.y"}, {"subject": "delivery:2"}, {"actor": "user:2"}, {"data": {"amount": 1}}, {"prev_hash": "0" * 64},
        {"hash": "0" * 64}, {"at": datetime(2020, 1, 1, tzinfo=UTC)}, {"tenant_id": None}, {"seq": 9},
    ],
    ids=lambda columns: next(iter(columns)),
)  # fmt: skip
@pytest.mark.parametrize("seq", [1, 2, 3])
def test_any_change_of_any_event_is_found(story, seq, columns):
    tamper(seq, **columns)

    assert verify(story.id) != []


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_event_taken_out_is_missed(story, seq):
    with unscoped("the test tampers"):
        Event.objects.filter(tenant=story, seq=seq).delete()

    assert "missing" in verify(story.id)[0].text


def test_lost_head_is_missed(story):
    ChainHead.objects.filter(chain=f"tenant:{story.id}").delete()

    assert verify(story.id) != []


def test_rewritten_event_with_a_fresh_digest_breaks_the_next_one(story):
    with unscoped("the test tampers"):
        event = Event.objects.get(tenant=story, seq=2)
    event.kind = "delivery.refused"
    tamper(2, kind=event.kind, hash=digest(event))

    assert [(problem.seq, problem.text) for problem in verify(story.id)] == [
        (3, "it does not follow from the event before")
    ]


def test_command_prints_heads_and_fails_on_problems(story):
    out, err = StringIO(), StringIO()
    call_command("verify_audit", stdout=out, stderr=err)
    assert f"tenant:{story.id}: whole, 3 events, head " in out.getvalue()
    tamper(2, kind="x.y")

    with pytest.raises(CommandError, match="1 problems"):
        call_command("verify_audit", stdout=out, stderr=err)
    assert f"tenant:{story.id} #2: its content was changed" in err.getvalue()


def test_event_rolls_back_with_its_transaction(acme):
    with transaction.atomic():
        record("a.b", "s:1", tenant_id=acme.id)
        transaction.set_rollback(True)
    record("a.c", "s:1", tenant_id=acme.id)

    with scope(acme.id):
        assert [(event.seq, event.kind) for event in trail("s:1")] == [(1, "a.c")]
    assert verify(acme.id) == []


def test_event_belongs_to_the_tenant_in_scope(acme, globex):
    with scope(acme.id):
        record("a.b", "s:1")
        assert Event.objects.get().tenant_id == acme.id
        with pytest.raises(ForeignTenant):
            record("a.b", "s:1", tenant_id=globex.id)


def test_events_are_written_at_the_end_of_their_transaction_in_the_order_they_were_recorded(acme):
    with recorded():
        record("a.first", "s:1", tenant_id=acme.id)
        with recorded():
            record("a.second", "s:1", tenant_id=acme.id)
        assert not ChainHead.objects.exists()
        record("installation.third", "s:2")

    with unscoped("the test looks"):
        assert list(Event.objects.order_by("chain", "seq").values_list("kind", "seq")) == [
            ("installation.third", 1), ("a.first", 1), ("a.second", 2),
        ]  # fmt: skip
    assert verify(acme.id) == verify(None) == []


def test_what_is_rolled_back_takes_its_events_with_it(acme):
    with recorded():
        record("a.kept", "s:1", tenant_id=acme.id)
        with contextlib.suppress(RuntimeError), recorded():
            record("a.lost", "s:1", tenant_id=acme.id)
            raise RuntimeError
        with contextlib.suppress(RuntimeError), transaction.atomic():
            record("a.lost", "s:1", tenant_id=acme.id)
            with recorded():
                record("a.lost", "s:1", tenant_id=acme.id)
            raise RuntimeError
    with contextlib.suppress(RuntimeError), recorded():
        record("a.lost", "s:1", tenant_id=acme.id)
        raise RuntimeError
    record("a.later", "s:1", tenant_id=acme.id)

    with scope(acme.id):
        assert [event.kind for event in trail("s:1")] == ["a.kept", "a.later"]


def test_trail_wants_a_scope_and_hides_other_tenants(story, globex):
    with pytest.raises(NoScope):
        trail("delivery:1")
    with scope(globex.id):
        assert list(trail("delivery:1")) == []


@pytest.mark.parametrize("key", ["token", "access_token", "accessToken", "client-secret", "password", "Authorization"])
@pytest.mark.parametrize("nested", [False, True])
def test_keys_named_like_secrets_are_refused(acme, key, nested):
    data = {"headers": [{key: "x"}]} if nested else {key: "x"}

    with pytest.raises(SecretInEvent):
        record("a.b", "s:1", tenant_id=acme.id, **data)


@pytest.mark.parametrize("key", ["sync_token", "SyncToken", "tokenised", "secretary"])
def test_keys_that_only_sound_alike_are_kept(acme, key):
    record("a.b", "s:1", tenant_id=acme.id, **{key: "0"})


def test_values_read_back_as_they_were_hashed(acme):
    record(
        "a.b", "s:1", tenant_id=acme.id, at=datetime(2026, 11, 20, 12, tzinfo=UTC), on=date(2026, 11, 20), ratio=0.1,
        price=Decimal("1.10"), role=Role.OWNER, items=(1, None, True), names={"b", "a"}, text="Zoë\x00 “x”", big=10**20,
    )  # fmt: skip

    with scope(acme.id):
        data = trail("s:1").get().data
    assert data == {
        "at": "2026-11-20T12:00:00+00:00", "on": "2026-11-20", "ratio": "0.1", "price": "1.10", "role": "owner",
        "items": [1, None, True], "names": ["a", "b"], "text": "Zoë\ufffd “x”", "big": 10**20,
    }  # fmt: skip
    assert verify(acme.id) == []


def test_export_is_one_event_per_line_and_can_be_verified_elsewhere(story):
    lines = [json.loads(line) for line in export(story.id)]

    assert [line["seq"] for line in lines] == [1, 2, 3]
    assert lines[1]["prev_hash"] == lines[0]["hash"]


def test_concurrent_writers_do_not_fork_the_chain(shared_database):
    acme, ready = TenantFactory(), threading.Barrier(8)

    def work(worker):
        try:
            ready.wait(10)
            for n in range(5):
                record("a.b", f"s:{worker}", tenant_id=acme.id, n=n)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))

    assert verify(acme.id) == []
    assert ChainHead.objects.get().seq == 40
    connections.close_all()


@pytest.fixture
def triggers(db):
    migration = import_module("audit.migrations.0002_refuse_changes_of_events")
    with connection.cursor() as cursor:
        editor = SimpleNamespace(connection=connection, execute=cursor.execute)
        migration.create(None, editor)
        yield
        migration.drop(None, editor)


@pytest.mark.parametrize(
    "statement",
    ["UPDATE audit_event SET kind = 'x.y'", "DELETE FROM audit_event", "UPDATE audit_event SET id = id + 1"],
)
def test_database_refuses_to_change_events(story, triggers, statement):
    with pytest.raises(DatabaseError, match="only added"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)

    assert verify(story.id) == []


def test_database_still_takes_new_events(story, triggers):
    record("a.b", "s:1", tenant_id=story.id)

    assert verify(story.id) == []
