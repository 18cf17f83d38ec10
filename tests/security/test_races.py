"""The same decision by many at once: it is taken once."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from audit.models import Event
from flows import planning, replay, setup, undo
from flows.models import Delivery, Flow, Plan
from kit.scope import scope, unscoped
from tenants import members
from tenants.models import Invitation, Member
from tests import factories
from tests.web.small_books import flow_of, plan_of, post, settle

AT_ONCE = 5


def at_once(tenant, work):
    """Call ``work`` from several threads in the tenant's scope; returns what each returned, or its error."""

    def one(number):
        try:
            with scope(tenant.pk):
                return work(number)
        except Exception as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def errors(found):
    return [each for each in found if isinstance(each, Exception)]


def events(kind):
    with unscoped("the test counts"):
        return Event.objects.filter(kind=kind).count()


@pytest.fixture
def acme(shared_database):
    return factories.TenantFactory(name="Acme")


def test_a_settlement_is_approved_once(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))

    sent = at_once(acme, lambda number: planning.approve(plan_of(plan.settlement), f"user:{number}"))

    assert errors(sent) == []
    assert sorted(map(bool, sent)) == [False] * (AT_ONCE - 1) + [True]
    assert events("plan.approved") == 1


def test_a_settlement_is_taken_back_once(acme):
    flow_of(acme)
    plan = post(plan_of(settle(acme)))

    found = at_once(acme, lambda number: undo.undo(plan_of(plan.settlement), f"user:{number}"))

    assert len([each for each in found if isinstance(each, undo.CannotUndo)]) == AT_ONCE - 1
    assert len(errors(found)) == AT_ONCE - 1
    with scope(acme.pk):
        undos = Delivery.objects.filter(kind="undo").exclude(state="dropped")
        assert undos.count() == undos.values("key").distinct().count() > 0
    assert events("plan.undo_asked") == 1


def test_a_flow_that_goes_live_twice_has_one_opening(acme, monkeypatch):
    flow = flow_of(acme, state="setup")
    settle(acme)
    monkeypatch.setattr(setup, "problems", lambda flow: [])
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(opening_clearing=5_000, books_from="2026-01-01")

    def live(number):
        setup.go_live(Flow.objects.select_related("source", "target").get(pk=flow.pk), f"user:{number}")

    found = at_once(acme, live)

    assert errors(found) == []
    with scope(acme.pk):
        assert Delivery.objects.filter(key__contains="/opening/", live=True).count() == 1
        assert Delivery.objects.filter(key__contains="/opening/").count() == 1


def test_a_record_is_replayed_once(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    with scope(acme.pk):
        planning.approve(plan, "user:1")
        Delivery.objects.filter(plan=plan).update(state="parked", code="tries_used_up")
        ids = list(Delivery.objects.filter(plan=plan).values_list("pk", flat=True))

    found = at_once(acme, lambda number: replay.replay(acme.pk, ids, f"user:{number}"))

    assert errors(found) == []
    assert events("delivery.replayed") == len(ids)


def test_a_settlement_that_many_plan_at_once_has_one_plan(acme):
    flow = flow_of(acme)
    from amazon.upload import import_file
    from tests.amazon.settlements import v2

    import_file(acme.pk, [v2().encode()], "a.txt", "user:1")

    def plan(_number):
        planning.plan_new(Flow.objects.select_related("source", "target").get(pk=flow.pk))

    found = at_once(acme, plan)

    assert errors(found) == []
    with scope(acme.pk):
        assert Plan.objects.count() == 1
        keys = list(Delivery.objects.filter(live=True).values_list("key", flat=True))
    assert len(keys) == len(set(keys)) > 0


def test_an_invitation_gives_one_place_however_many_take_it(acme):
    alice = factories.member(acme, "alice@acme.test", "owner")
    people = [factories.UserFactory() for _ in range(AT_ONCE)]
    with scope(acme.pk):
        import hashlib
        from datetime import timedelta

        from kit.clock import now

        Invitation.objects.create(
            email="x@y.test",
            role="owner",
            token_digest=hashlib.sha256(b"token").hexdigest(),
            invited_by=alice,
            expires_at=now() + timedelta(days=1),
        )

    found = at_once(acme, lambda number: members.accept("token", people[number]))

    assert len([each for each in found if isinstance(each, members.MemberError)]) == AT_ONCE - 1
    with scope(acme.pk):
        assert Member.objects.count() == 2


def test_two_owners_who_remove_each_other_leave_one(acme):
    owners = [factories.member(acme, f"owner{number}@acme.test", "owner") for number in range(AT_ONCE)]
    with scope(acme.pk):
        places = list(Member.objects.order_by("pk"))

    at_once(acme, lambda number: members.remove(places[number], owners[(number + 1) % AT_ONCE]))

    with scope(acme.pk):
        assert Member.objects.filter(role="owner").count() == 1
