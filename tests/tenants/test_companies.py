"""One person's consent and the many companies it opens, in one tenant and in several."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine

from audit.trail import trail
from kit.clock import now
from kit.oauth import OAuthSpec
from kit.scope import scope, unscoped
from tenants import companies, members, providers, upkeep
from tenants.connections import ConsentFailed, begin_consent, disconnect, finish_consent
from tenants.grants import NeedsReconnect, access_token, lost, token_for
from tenants.models import Access, Alert, Connection, Grant
from tests import factories
from tests.tenants.tokens import BASE, identify_user, make_provider, spec_of


@pytest.fixture
def books(endpoint):
    """What each user of the provider may open there."""
    found = {"u1": ["1", "2", "3"], "u2": ["9"]}
    providers.register(make_provider(identify=identify_user(endpoint, found)))
    return found


@pytest.fixture
def single(endpoint, books):
    """The same provider, where a user's consent ends every earlier one."""
    endpoint.single = True
    providers.register(make_provider(identify=identify_user(endpoint, books), single_consent=True))


@pytest.fixture
def alice_in_globex(alice, globex):
    return factories.MemberFactory(tenant=globex, user=alice)


def consent(user, tenant, endpoint, remote_user="u1", **callback):
    code = f"code of {len(endpoint.calls)}"
    endpoint.codes[code] = remote_user
    state = parse_qs(urlsplit(begin_consent(user, tenant, "quickbooks")).query)["state"][0]
    with scope(tenant.pk):
        return finish_consent(user, tenant, "quickbooks", {"state": state, "code": code, **callback})


def choose(user, tenant, grant, *remote_ids):
    with scope(tenant.pk):
        return companies.connect(user, tenant, grant, remote_ids)


def everything():
    with unscoped("looking at every tenant"):
        return {(each.tenant.name, each.remote_id): each for each in Connection.objects.select_related("tenant")}


def states():
    return {key: each.state for key, each in everything().items()}


def test_a_consent_to_several_companies_connects_none_before_a_person_chose(alice, acme, endpoint, books):
    consented = consent(alice, acme, endpoint)

    assert (consented.connected, consented.choose) == ([], True)
    assert (consented.grant.user, consented.grant.tenant) == (alice, None)
    assert everything() == {}


def test_the_one_company_of_a_person_is_connected_at_once(alice, acme, endpoint, books):
    consented = consent(alice, acme, endpoint, "u2")

    assert ([each.remote_id for each in consented.connected], consented.choose) == (["9"], False)


def test_only_what_was_chosen_is_connected(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant

    made = choose(alice, acme, grant, "2", "3", "77")

    assert [(each.remote_id, each.remote_name, each.data) for each in made] == [
        ("2", "Books 2", {"since": "2026"}),
        ("3", "Books 3", {"since": "2026"}),
    ]
    with scope(acme.pk):
        assert [event.kind for event in trail(f"connection:{made[0].pk}")] == ["connection.connected"]


def test_a_further_company_is_added_without_a_second_consent(alice, acme, globex, alice_in_globex, endpoint, books):
    """The twenty-first consent would end the first one; this is how an accountant with forty clients needs one."""
    grant = consent(alice, acme, endpoint).grant
    (first,) = choose(alice, acme, grant, "1")
    asked = len(endpoint.calls)

    (second,) = choose(alice, globex, grant, "2")

    assert len(endpoint.calls) == asked
    assert (first.grant_id, second.grant_id, second.tenant) == (grant.pk, grant.pk, globex)
    assert token_for(first) == token_for(second)


def test_companies_say_where_they_are_connected_to_who_belongs_there(
    alice, acme, globex, alice_in_globex, endpoint, books
):
    stranger = factories.TenantFactory(name="Initech")
    factories.ConnectionFactory(tenant=stranger, grant__subject="x", remote_id="3")
    grant = consent(alice, acme, endpoint).grant
    (here,) = choose(alice, acme, grant, "1")
    choose(alice, globex, grant, "2")

    offered = companies.offered(alice, acme, grant)

    assert [(each.identity.remote_id, each.connection, each.elsewhere) for each in offered] == [
        ("1", here, ()),
        ("2", None, ("Globex",)),
        ("3", None, ()),
    ]


def test_what_is_connected_is_not_connected_again(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    choose(alice, acme, grant, "1")

    assert choose(alice, acme, grant, "1") == []


def test_a_lost_company_is_chosen_again_without_a_consent_while_the_first_lives(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    (connection,) = choose(alice, acme, grant, "1")
    lost(connection, "Closed.")
    asked = len(endpoint.calls)

    (again,) = choose(alice, acme, grant, "1")

    assert (again.pk, again.state, len(endpoint.calls)) == (connection.pk, Access.ACTIVE, asked)
    with scope(acme.pk):
        assert not Alert.objects.filter(settled_at__isnull=True).exists()


def test_a_consent_is_nobody_elses_to_use(alice, acme, charlie, endpoint, books):
    consent(alice, acme, endpoint)

    assert [grant.subject for grant in companies.own_grants(alice)] == ["u1"]
    assert not companies.own_grants(charlie).exists()


def test_a_token_the_remote_does_not_take_is_refreshed_once_to_list_the_companies(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    endpoint.holders.clear()

    assert [each.remote_id for each in choose(alice, acme, grant, "1")] == ["1"]
    assert endpoint.refreshes == 1


def test_companies_of_another_user_are_never_offered(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    endpoint.holders[access_token(grant.pk)] = "u2"

    with pytest.raises(ConsentFailed, match="whose companies"):
        companies.offered(alice, acme, grant)


def test_a_second_consent_goes_on_with_every_connection_of_the_first(
    alice, acme, globex, alice_in_globex, endpoint, books
):
    grant = consent(alice, acme, endpoint).grant
    choose(alice, acme, grant, "1")
    choose(alice, globex, grant, "2")
    endpoint.error = "invalid_grant"
    with pytest.raises(NeedsReconnect):
        access_token(grant.pk, rejected=access_token(grant.pk))
    endpoint.error = None
    assert set(states().values()) == {Access.NEEDS_RECONNECT}

    consented = consent(alice, globex, endpoint)

    assert consented.grant == grant
    assert set(states().values()) == {Access.ACTIVE}
    assert {token_for(each) for each in everything().values()} == {access_token(grant.pk)}
    with unscoped("looking at both"):
        assert not Alert.objects.filter(settled_at__isnull=True).exists()


def test_a_second_consent_opens_nothing_where_its_person_does_not_belong(alice, acme, bob, globex, endpoint, books):
    place = factories.MemberFactory(tenant=globex, user=alice)
    factories.MemberFactory(tenant=globex)
    grant = consent(alice, acme, endpoint).grant
    choose(alice, acme, grant, "1")
    choose(alice, globex, grant, "2")

    with scope(globex.pk):
        members.remove(place, alice)
    consent(alice, acme, endpoint)

    assert states() == {("Acme", "1"): Access.ACTIVE, ("Globex", "2"): Access.NEEDS_RECONNECT}


def test_a_second_consent_opens_nothing_where_its_person_may_only_look(alice, acme, bob, globex, endpoint, books):
    place = factories.MemberFactory(tenant=globex, user=alice)
    factories.MemberFactory(tenant=globex)
    grant = consent(alice, acme, endpoint).grant
    choose(alice, acme, grant, "1")
    choose(alice, globex, grant, "2")
    with scope(globex.pk):
        members.remove(place, alice)
    factories.MemberFactory(tenant=globex, user=alice, role="viewer")

    consent(alice, acme, endpoint)

    assert states() == {("Acme", "1"): Access.ACTIVE, ("Globex", "2"): Access.NEEDS_RECONNECT}


def test_what_a_second_consent_no_longer_opens_stays_closed(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    for each in choose(alice, acme, grant, "1", "2"):
        lost(each, "Closed.")
    books["u1"] = ["2", "3"]

    consent(alice, acme, endpoint)

    assert states() == {("Acme", "1"): Access.NEEDS_RECONNECT, ("Acme", "2"): Access.ACTIVE}
    with scope(acme.pk):
        assert Alert.objects.filter(settled_at__isnull=True).exists()


def test_who_leaves_a_company_takes_their_consent_along(alice, bob, acme, endpoint, books):
    factories.MemberFactory(tenant=acme)
    (connection,) = choose(alice, acme, consent(alice, acme, endpoint).grant, "1")

    with scope(acme.pk):
        members.remove(members.member_of(alice, acme.pk), bob)

    with pytest.raises(NeedsReconnect):
        token_for(connection)
    with scope(acme.pk):
        alert = Alert.objects.get()
    assert alert.title == "Books 1 has to be connected again"
    assert "no longer belongs to Acme" in alert.text


def test_a_consent_serves_only_who_belongs_however_they_left(alice, acme, endpoint, books):
    (connection,) = choose(alice, acme, consent(alice, acme, endpoint).grant, "1")

    with unscoped("a row that went by itself"):
        members.member_of(alice, acme.pk).delete()

    with pytest.raises(NeedsReconnect):
        token_for(connection)


def test_two_lost_companies_of_a_consent_are_named_in_one_alert(alice, acme, endpoint, books):
    for each in choose(alice, acme, consent(alice, acme, endpoint).grant, "1", "2"):
        lost(each, "Closed.")

    with scope(acme.pk):
        assert Alert.objects.get().title == "Books 1, Books 2 have to be connected again"


def test_another_owner_takes_a_waiting_company_over_with_their_own_consent(alice, bob, acme, endpoint, books):
    (connection,) = choose(alice, acme, consent(alice, acme, endpoint).grant, "1")
    lost(connection, "Closed.")

    consented = consent(bob, acme, endpoint, "u1")

    assert [each.pk for each in consented.connected] == [connection.pk]
    assert consented.grant.user == bob
    assert Grant.objects.get(user=alice).state == Access.REVOKED
    with scope(acme.pk):
        assert not Alert.objects.filter(settled_at__isnull=True).exists()


def test_disconnecting_one_company_keeps_the_consent_and_the_last_one_withdraws_it(alice, acme, endpoint, books):
    first, second = choose(alice, acme, consent(alice, acme, endpoint).grant, "1", "2")

    disconnect(first)
    assert endpoint.revoked == []
    assert token_for(second)

    disconnect(second)
    assert endpoint.revoked == ["refresh-2"]
    assert Grant.objects.get().refresh_token == ""


def test_disconnecting_a_waiting_company_leaves_the_alert_of_the_others(alice, acme, endpoint, books):
    first, second = choose(alice, acme, consent(alice, acme, endpoint).grant, "1", "2")
    lost(first, "Closed.")
    lost(second, "Closed.")

    disconnect(first)
    with scope(acme.pk):
        assert Alert.objects.filter(settled_at__isnull=True).exists()

    disconnect(second)
    with scope(acme.pk):
        assert not Alert.objects.filter(settled_at__isnull=True).exists()


def test_one_refresh_serves_every_company_of_a_consent(alice, acme, globex, alice_in_globex, endpoint, books):
    grant = consent(alice, acme, endpoint).grant
    (first,) = choose(alice, acme, grant, "1")
    (second,) = choose(alice, globex, grant, "2")
    old = token_for(first)

    fresh = token_for(first, rejected=old)

    assert token_for(second, rejected=old) == fresh
    assert endpoint.refreshes == 1


@pytest.mark.usefixtures("single")
def test_where_one_consent_lives_the_same_person_loses_none_of_their_tenants(
    alice, acme, globex, alice_in_globex, endpoint
):
    grant = consent(alice, acme, endpoint).grant
    (first,) = choose(alice, acme, grant, "1")
    consent(alice, globex, endpoint)
    (second,) = choose(alice, globex, grant, "2")

    refreshed = token_for(first, rejected=token_for(first))

    assert endpoint.holders[refreshed] == "u1"
    assert token_for(second) == refreshed
    assert set(states().values()) == {Access.ACTIVE}


@pytest.mark.usefixtures("single")
def test_where_one_consent_lives_that_of_another_person_ends_with_a_sentence_and_without_a_call(
    alice, acme, charlie, globex, endpoint
):
    (first,) = choose(alice, acme, consent(alice, acme, endpoint).grant, "1")

    (second,) = choose(charlie, globex, consent(charlie, globex, endpoint).grant, "2")

    assert states() == {("Acme", "1"): Access.NEEDS_RECONNECT, ("Globex", "2"): Access.ACTIVE}
    assert token_for(second)
    assert endpoint.refreshes == 0
    with scope(acme.pk):
        alert = Alert.objects.get()
    assert "as the same Testbooks user" in alert.text
    assert "Globex" not in alert.text
    with pytest.raises(NeedsReconnect):
        token_for(first)


@pytest.mark.usefixtures("single")
def test_where_one_consent_lives_another_owner_of_the_tenant_goes_on_with_its_companies(alice, bob, acme, endpoint):
    choose(alice, acme, consent(alice, acme, endpoint).grant, "1", "2")

    consented = consent(bob, acme, endpoint)

    assert [each.remote_id for each in consented.connected] == ["1", "2"]
    assert {token_for(each) for each in consented.connected} == {access_token(consented.grant.pk)}
    with scope(acme.pk):
        assert not Alert.objects.exists()


def test_a_consent_nobody_chose_anything_of_is_withdrawn_after_a_day(alice, acme, endpoint, books):
    grant = consent(alice, acme, endpoint).grant

    assert upkeep.withdraw_unused() == 0
    with time_machine.travel(now() + timedelta(hours=25), tick=False):
        assert upkeep.withdraw_unused() == 1

    grant.refresh_from_db()
    assert (endpoint.revoked, grant.state, grant.refresh_token) == (["refresh-2"], Access.REVOKED, "")


def test_a_consent_in_use_is_not_withdrawn_whatever_its_age(alice, acme, endpoint, books):
    choose(alice, acme, consent(alice, acme, endpoint).grant, "1")

    with time_machine.travel(now() + timedelta(days=400), tick=False):
        assert upkeep.withdraw_unused() == 0


def test_companies_of_several_people_are_no_answer_to_one_consent(alice, acme, endpoint, books):
    def two_people(tokens, params):
        return [*identify_user(endpoint, {"u1": ["1"]})(tokens, params), providers.Identity("2", "Two", subject="u2")]

    providers.register(make_provider(identify=two_people))

    with pytest.raises(ConsentFailed):
        consent(alice, acme, endpoint)
    assert not Grant.objects.exists()


SERVERS = {"eu": f"{BASE}/eu"}


def by_region(chosen):
    """Endpoints by the callback's ``location``, of a list of our own."""
    location = chosen.get("location")
    if location is None:
        return spec_of(chosen)
    if location not in SERVERS:
        raise ConsentFailed("This server is not known.", "Connect again.")
    base = SERVERS[location]
    return OAuthSpec("our-id", "our-secret", f"{base}/authorize", f"{base}/token", client_auth="body")


@pytest.fixture
def regions(endpoint, books):
    spec = make_provider(identify=identify_user(endpoint, books), oauth=by_region, keeps=("location", "api_domain"))
    providers.register(spec)


@pytest.mark.usefixtures("regions")
def test_the_callback_decides_where_the_code_and_later_refreshes_go(alice, acme, endpoint):
    grant = consent(alice, acme, endpoint, location="eu", unasked="x").grant

    access_token(grant.pk, rejected=access_token(grant.pk))

    assert endpoint.paths == ["/eu/token", "/eu/token"]
    assert grant.data == {"location": "eu"}


@pytest.mark.usefixtures("regions")
def test_a_server_the_provider_does_not_know_is_sent_nothing(alice, acme, endpoint):
    with pytest.raises(ConsentFailed, match="not known"):
        consent(alice, acme, endpoint, location="evil")

    assert endpoint.calls == []
    assert not Grant.objects.exists()


@pytest.mark.usefixtures("regions")
def test_a_server_that_is_known_no_longer_is_sent_nothing_and_wants_a_new_consent(alice, acme, endpoint, monkeypatch):
    (connection,) = choose(alice, acme, consent(alice, acme, endpoint, location="eu").grant, "1")
    asked = len(endpoint.calls)
    monkeypatch.delitem(SERVERS, "eu")

    with pytest.raises(NeedsReconnect):
        token_for(connection, rejected=token_for(connection))
    disconnect(connection)

    assert len(endpoint.calls) == asked
    assert states() == {("Acme", "1"): Access.REVOKED}


@pytest.mark.usefixtures("regions")
def test_what_was_chosen_stands_over_the_callback(alice, acme, endpoint):
    endpoint.codes["code"] = "u1"
    state = parse_qs(urlsplit(begin_consent(alice, acme, "quickbooks", extra={"location": "eu"})).query)["state"][0]

    finish_consent(alice, acme, "quickbooks", {"state": state, "code": "code", "location": "evil"})

    assert endpoint.paths == ["/eu/token"]
