"""People, roles, invitations, keys, sign-up, and the tenant of a request."""

from datetime import timedelta

import pytest
import time_machine
from allauth.account.forms import SignupForm as AccountSignupForm
from allauth.core.context import request_context
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.db import SessionStore
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError
from django.http import HttpResponse
from django.test import RequestFactory

from kit.clock import now
from kit.scope import NoScope, current_tenant_id, enter, scope
from tenants import apikeys, members
from tenants.middleware import TenantMiddleware
from tenants.models import ApiKey, Invitation, Member, Role, User
from tenants.roles import Action, can, requires
from tests.factories import MemberFactory

pytestmark = pytest.mark.django_db


def place(user, tenant):
    with scope(tenant.pk):
        return Member.objects.get(user=user)


def test_address_is_one_person_whatever_its_case(alice):
    with pytest.raises(IntegrityError):
        User.objects.create(email="ALICE@acme.test")


def test_founder_is_the_owner():
    user = User.objects.create_user("dora@new.test")

    tenant = members.create_tenant(user, " Dora Ltd ")

    assert (tenant.name, place(user, tenant).role) == ("Dora Ltd", Role.OWNER)


@pytest.fixture
def invited(acme, alice, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        members.invite(acme, " Dora@New.test", Role.VIEWER, alice)
    return mail.outbox[0].body.split("/invitations/")[1].split("/")[0]


def test_invitation_gives_its_role_once(acme, invited, charlie):
    dora = User.objects.create_user("dora@new.test")

    members.accept(invited, dora)

    assert place(dora, acme).role == Role.VIEWER
    with pytest.raises(members.MemberError):
        members.accept(invited, charlie)


def test_invitation_is_kept_as_a_digest_and_ends_after_a_week(acme, invited, charlie):
    with scope(acme.id):
        assert invited not in str(Invitation.objects.values().get())
    with time_machine.travel(now() + timedelta(days=8), tick=False), pytest.raises(members.MemberError):
        members.accept(invited, charlie)


def test_newer_invitation_ends_the_earlier(acme, alice, invited):
    members.invite(acme, "dora@new.test", Role.BOOKKEEPER, alice)

    assert members.open_invitation(invited) is None


def test_member_is_not_invited_again(acme, alice, bob):
    with pytest.raises(members.MemberError, match="member already"):
        members.invite(acme, "BOB@acme.test", Role.OWNER, alice)


def test_accepting_does_not_lower_the_role_a_member_has(acme, alice, invited):
    members.accept(invited, alice)

    assert place(alice, acme).role == Role.OWNER


@pytest.mark.parametrize(
    "change", [lambda m, by: members.remove(m, by), lambda m, by: members.change_role(m, Role.VIEWER, by)]
)
def test_last_owner_stays(acme, alice, change):
    with pytest.raises(members.MemberError, match="only owner"):
        change(place(alice, acme), alice)
    assert place(alice, acme).role == Role.OWNER


def test_role_changes_and_places_end(acme, alice, bob):
    members.change_role(place(bob, acme), Role.OWNER, alice)
    members.remove(place(alice, acme), bob)

    assert [m.user for m in members.memberships(bob)] == [bob]
    assert members.memberships(alice) == []


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.VIEWER, {Action.SEE}),
        (Role.BOOKKEEPER, set(Action) - {Action.CONNECT, Action.MANAGE_PEOPLE, Action.MANAGE_KEYS, Action.EDIT_TENANT}),
        (Role.OWNER, set(Action)),
    ],
)
def test_roles_allow(role, allowed):
    assert {action for action in Action if can(Member(role=role), action)} == allowed
    assert not can(None, Action.SEE)


@pytest.mark.parametrize(("least", "passes"), [("viewer", True), ("bookkeeper", True), ("owner", False)])
def test_view_is_guarded_by_role(bob, acme, least, passes):
    request = RequestFactory().get("/x")
    request.user, request.member = bob, place(bob, acme)
    view = requires(least)(lambda request: HttpResponse("seen"))

    if passes:
        assert view(request).content == b"seen"
    else:
        with pytest.raises(PermissionDenied, match="Owner"):
            view(request)


def test_stranger_signs_in_first():
    request = RequestFactory().get("/x?y=1")
    request.user = AnonymousUser()

    response = requires("viewer")(lambda request: HttpResponse())(request)

    assert response.status_code == 302
    assert response.url.endswith("?next=/x%3Fy%3D1")


def through_middleware(user, session, view=None):
    def look(request):
        seen["tenant"] = request.tenant
        seen["role"] = request.member and request.member.role
        try:
            seen["scope"] = current_tenant_id()
        except NoScope:
            seen["scope"] = None
        return HttpResponse()

    seen = {}
    request = RequestFactory().get("/")
    request.user, request.session = user, session
    TenantMiddleware(view or look)(request)
    return seen


def test_request_runs_in_the_persons_first_tenant(alice, acme, globex):
    MemberFactory(tenant=globex, user=alice, role="viewer")

    assert through_middleware(alice, {}) == {"tenant": acme, "role": "owner", "scope": acme.id}


def test_request_runs_in_the_chosen_tenant(alice, globex):
    MemberFactory(tenant=globex, user=alice, role="viewer")

    seen = through_middleware(alice, {members.SESSION_KEY: globex.id})

    assert seen == {"tenant": globex, "role": "viewer", "scope": globex.id}


def test_foreign_tenant_in_the_session_is_not_entered(alice, acme, globex):
    assert through_middleware(alice, {members.SESSION_KEY: globex.id})["scope"] == acme.id


def test_stranger_has_no_tenant_and_no_scope():
    assert through_middleware(AnonymousUser(), {}) == {"tenant": None, "role": None, "scope": None}


def test_scope_entered_during_a_request_ends_with_it(acme):
    def view(request):
        enter(acme.id)
        return HttpResponse()

    through_middleware(AnonymousUser(), {}, view)

    with pytest.raises(NoScope):
        current_tenant_id()


def test_key_is_shown_once_and_found_by_its_value(acme, alice):
    key, value = apikeys.issue(acme, alice, "nightly", ["read"])

    found = apikeys.find(value)

    assert (found.pk, found.tenant, found.scopes) == (key.pk, acme, ["read"])
    with scope(acme.id):
        row = ApiKey.objects.values().get()
    assert value.startswith(row["prefix"])
    assert value not in str(row)
    assert row["last_used_at"] is not None


def test_revoked_and_invented_keys_are_not_found(acme, alice):
    key, value = apikeys.issue(acme, alice, "nightly", ["read", "write"])
    apikeys.revoke(key, alice)

    assert apikeys.find(value) is None
    assert apikeys.find("tie_invented") is None


def test_unknown_key_scope_is_refused(acme, alice):
    with pytest.raises(ValueError, match="everything"):
        apikeys.issue(acme, alice, "nightly", ["everything"])


@pytest.fixture
def sign_up(rf):
    """Send allauth's sign-up form, which is built on ours; return the form and the session."""

    def post(session=None, **fields):
        request = rf.post("/", {"email": "dora@new.test", "password1": "correct horse battery staple", **fields})
        request.session = SessionStore()
        request.session.update(session or {})
        request.user = AnonymousUser()
        with request_context(request):
            form = AccountSignupForm(request.POST)
            if form.is_valid():
                form.save(request)
        return form, request.session

    return post


def test_signing_up_makes_a_tenant_and_its_owner(sign_up):
    form, session = sign_up(company="Dora Ltd")

    (place,) = members.memberships(User.objects.get(email="dora@new.test"))
    assert form.is_valid()
    assert (place.tenant.name, place.role, session[members.SESSION_KEY]) == ("Dora Ltd", Role.OWNER, place.tenant_id)


def test_signing_up_wants_a_company(sign_up):
    form, _ = sign_up(company=" ")

    assert list(form.errors) == ["company"]


def test_signing_up_with_an_invitation_takes_that_place(sign_up, acme, invited):
    _, session = sign_up({members.INVITATION_KEY: invited})

    (place,) = members.memberships(User.objects.get(email="dora@new.test"))
    assert (place.tenant, place.role, session[members.SESSION_KEY]) == (acme, Role.VIEWER, acme.id)
