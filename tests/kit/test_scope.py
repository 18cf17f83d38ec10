"""The tenant manager fails closed: for reads, writes, related rows, lazily evaluated sets, threads."""

import threading

import pytest
from django.db.models import Count, Value
from django.db.models.functions import Upper

from kit.clock import now
from kit.scope import ForeignTenant, NoScope, current_tenant_id, enter, outside, scope, unscoped
from tenants.models import Alert, Connection, Member
from tests.factories import ConnectionFactory, MemberFactory

pytestmark = pytest.mark.django_db


def raise_alert(tenant_id, key="k"):
    return Alert(tenant_id=tenant_id, kind="t", key=key, title="t", text="t", action="a")


def test_query_without_scope_raises(acme):
    with pytest.raises(NoScope):
        Member.objects.all()


def test_query_in_scope_sees_its_tenant_only(acme, alice, charlie):
    with scope(acme.id):
        assert [m.user for m in Member.objects.all()] == [alice]


def test_unscoped_query_sees_everybody(alice, charlie):
    with unscoped("counting"):
        assert Member.objects.count() == 2


def test_unscoped_wants_a_reason():
    with pytest.raises(ValueError, match="reason"), unscoped(""):
        pass


def test_related_manager_without_scope_raises(alice):
    with pytest.raises(NoScope):
        alice.memberships.count()


def test_related_manager_hides_other_tenants(acme, globex, alice):
    MemberFactory(tenant=globex, user=alice)

    with scope(acme.id):
        assert [m.tenant_id for m in alice.memberships.all()] == [acme.id]


def test_prefetch_and_joins_hide_other_tenants(acme, globex):
    mine = ConnectionFactory(tenant=acme)
    ConnectionFactory(tenant=globex, grant=mine.grant)

    with scope(acme.id):
        (found,) = Connection.objects.select_related("grant").prefetch_related("grant__connections")
        assert list(found.grant.connections.all()) == [mine]


def test_row_of_another_tenant_cannot_be_read_again(acme, globex):
    member = MemberFactory(tenant=globex)

    with scope(acme.id), pytest.raises(Member.DoesNotExist):
        member.refresh_from_db()


@pytest.mark.parametrize(
    "evaluate",
    [
        pytest.param(list, id="list"),
        pytest.param(bool, id="bool"),
        pytest.param(len, id="len"),
        pytest.param(lambda q: q.count(), id="count"),
        pytest.param(lambda q: q.exists(), id="exists"),
        pytest.param(lambda q: list(q.iterator()), id="iterator"),
        pytest.param(lambda q: q.first(), id="first"),
        pytest.param(lambda q: q.update(key="x"), id="update"),
        pytest.param(lambda q: q.delete(), id="delete"),
        pytest.param(lambda q: list(q.values_list("pk")), id="values_list"),
        pytest.param(lambda q: q.aggregate(n=Count("pk")), id="aggregate"),
        pytest.param(lambda q: q.in_bulk(), id="in_bulk"),
        pytest.param(lambda q: list(q.filter(key="k")[:1]), id="slice"),
    ],
)
@pytest.mark.parametrize("where", ["no scope", "another tenant"])
def test_set_built_in_a_scope_cannot_be_evaluated_elsewhere(acme, globex, evaluate, where):
    with scope(acme.id):
        raise_alert(acme.id).save()
        built = Alert.objects.all()

    with scope(globex.id) if where == "another tenant" else outside(), pytest.raises((NoScope, ForeignTenant)):
        evaluate(built)
    with scope(acme.id):
        assert Alert.objects.get().key == "k"


def test_new_row_gets_the_tenant_in_scope(acme):
    with scope(acme.id):
        row = raise_alert(None)
        row.save()

        assert row.tenant_id == acme.id


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda row: row.save(), id="save"),
        pytest.param(lambda row: Alert.objects.bulk_create([row]), id="bulk_create"),
        pytest.param(lambda row: Alert.objects.create(tenant_id=row.tenant_id, key="c"), id="create"),
        pytest.param(lambda row: Alert.objects.get_or_create(tenant_id=row.tenant_id, key="g"), id="get_or_create"),
        pytest.param(
            lambda row: Alert.objects.update_or_create(tenant_id=row.tenant_id, key="u"), id="update_or_create"
        ),
        pytest.param(lambda row: row.delete(), id="delete"),
    ],
)
def test_write_for_another_tenant_is_refused(acme, globex, write):
    with unscoped("arranging"):
        row = raise_alert(globex.id)
        row.save()

    with scope(acme.id), pytest.raises(ForeignTenant):
        write(row)
    with unscoped("looking"):
        assert Alert.objects.count() == 1


def test_row_cannot_be_moved_to_another_tenant(acme, globex):
    with scope(acme.id):
        row = raise_alert(acme.id)
        row.save()

        with pytest.raises(ForeignTenant):
            Alert.objects.update(tenant=globex)
        row.tenant = globex
        with pytest.raises(ForeignTenant):
            Alert.objects.bulk_update([row], ["tenant"])


def test_many_rows_are_written_as_they_are(acme, django_assert_num_queries):
    with scope(acme.id):
        rows = [raise_alert(acme.id, key=f"k{number}") for number in range(3)]
        for row in rows:
            row.save()
            row.title, row.settled_at = f"title of {row.key}", now()
        with django_assert_num_queries(1):
            written = Alert.objects.bulk_update(rows, ["title", "settled_at"])

        found = {row.key: (row.title, row.settled_at) for row in Alert.objects.all()}
    assert written == 3
    assert found == {row.key: (row.title, row.settled_at) for row in rows}


def test_many_rows_may_be_written_with_expressions_and_in_a_filtered_set(acme):
    with scope(acme.id):
        rows = [raise_alert(acme.id, key=key) for key in ("a", "b")]
        for row in rows:
            row.save()
            row.title = Upper(Value(f"new {row.key}"))
        Alert.objects.filter(key="a").bulk_update(rows, ["title"])

        titles = dict(Alert.objects.values_list("key", "title"))
    assert titles["a"] == "NEW A"
    assert titles["b"] != "NEW B"


def test_row_of_another_tenant_is_not_written_under_a_borrowed_name(acme, globex):
    with scope(globex.id):
        theirs = raise_alert(globex.id)
        theirs.save()
    forged = Alert(pk=theirs.pk, tenant_id=acme.id, title="ours")

    with scope(acme.id):
        written = Alert.objects.bulk_update([forged], ["title"])

    with scope(globex.id):
        assert Alert.objects.get(pk=theirs.pk).title != "ours"
    assert written == 0


def test_write_without_scope_raises(acme):
    with pytest.raises(NoScope):
        raise_alert(acme.id).save()


def test_raw_sql_is_refused_in_scope(acme):
    with scope(acme.id), pytest.raises(ForeignTenant):
        Alert.objects.raw("SELECT * FROM tenants_alert")


def test_empty_set_needs_no_scope():
    assert list(Alert.objects.none()) == []


def test_another_thread_has_no_scope(acme):
    seen = []

    def look():
        try:
            current_tenant_id()
        except NoScope as error:
            seen.append(error)

    with scope(acme.id):
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

    assert len(seen) == 1


def test_scopes_nest_and_end(acme, globex):
    with scope(acme.id):
        with scope(globex.id):
            assert current_tenant_id() == globex.id
        assert current_tenant_id() == acme.id
    with pytest.raises(NoScope):
        current_tenant_id()


def test_entered_scope_ends_with_the_surrounding_block(acme):
    with outside():
        enter(acme.id)
        assert current_tenant_id() == acme.id
    with pytest.raises(NoScope):
        current_tenant_id()
