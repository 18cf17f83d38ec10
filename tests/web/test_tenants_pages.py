"""A company's own pages: who may do what, and that another tenant's id is a 404."""

import re

import pytest
from django.core import mail
from django.urls import reverse

from kit.scope import scope, unscoped
from tenants import alerts as alert_services
from tenants import apikeys, members
from tenants.models import Alert, ApiKey, Connection, Invitation, Member, Tenant, User
from tests import factories

pytestmark = pytest.mark.django_db


def only(model, **lookup):
    with unscoped("the test looks at every tenant"):
        return model.objects.get(**lookup)


def place_of(user, tenant):
    return only(Member, user=user, tenant=tenant)


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


# Signing up, companies, switching


def test_signing_up_makes_a_company_and_its_owner(client):
    form = {"company": "Acme", "email": "ann@acme.test", "password1": "correct horse battery"}

    response = client.post(reverse("account_signup"), form)

    assert response.status_code == 302
    assert only(Member, user__email="ann@acme.test").role == "owner"
    assert client.get("/settings/").context["tenant"].name == "Acme"


def test_signing_up_without_a_company_says_what_is_missing(client):
    response = client.post(reverse("account_signup"), {"email": "ann@acme.test", "password1": "correct horse battery"})

    assert "company" in response.context["form"].errors
    assert not User.objects.exists()


def test_a_person_changes_between_their_companies(signed_in, alice, acme, globex):
    factories.MemberFactory(tenant=globex, user=alice, role="viewer")
    page = signed_in(alice)

    page.post(reverse("tenants:switch"), {"tenant": globex.pk})

    assert page.get("/settings/").context["tenant"] == globex


def test_nobody_changes_to_a_company_of_others(signed_in, alice, globex):
    page = signed_in(alice)

    response = page.post(reverse("tenants:switch"), {"tenant": globex.pk})

    assert response.status_code == 404
    assert page.get("/settings/").context["tenant"].name == "Acme"


def test_a_person_without_a_company_is_asked_for_one(signed_in):
    page = signed_in(factories.UserFactory())

    assert page.get("/").url == reverse("tenants:create")

    page.post(reverse("tenants:create"), {"name": "Fresh Start"})
    assert page.get("/settings/").context["tenant"].name == "Fresh Start"


# Settings


def test_an_owner_renames_the_company(signed_in, alice, acme):
    signed_in(alice).post(reverse("tenants:settings"), {"save": "company", "name": "Acme & Sons"})

    assert Tenant.objects.get(pk=acme.pk).name == "Acme & Sons"


def test_a_bookkeeper_cannot_rename_the_company(signed_in, bob, acme):
    response = signed_in(bob).post(reverse("tenants:settings"), {"save": "company", "name": "Mine"})

    assert response.status_code == 403
    assert Tenant.objects.get(pk=acme.pk).name == "Acme"


def test_everyone_decides_about_their_own_alert_mails(signed_in, viewer, acme):
    signed_in(viewer).post(reverse("tenants:settings"), {"save": "alerts"})

    assert place_of(viewer, acme).wants_alert_email is False


# People


def test_an_invited_person_joins_with_the_role_they_were_offered(
    signed_in, client, alice, acme, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        signed_in(alice).post(reverse("tenants:members"), {"email": "new@books.test", "role": "bookkeeper"})
    link = re.search(r"/invitations/\S+/", mail.outbox[0].body).group()

    client.get(link)
    client.post(reverse("account_signup"), {"email": "new@books.test", "password1": "correct horse battery"})

    place = only(Member, user__email="new@books.test")
    assert (place.tenant, place.role) == (acme, "bookkeeper")


def test_a_member_of_another_company_takes_an_invitation_by_a_button(signed_in, alice, acme, charlie):
    with scope(acme.pk):
        Invitation.objects.all().delete()
    token = "t" * 43
    with scope(acme.pk):
        members.invite(acme, "charlie@globex.test", "viewer", alice)
        Invitation.objects.update(token_digest=members._digest(token))
    page = signed_in(charlie)

    page.post(reverse("tenants:invitation", args=[token]))

    assert place_of(charlie, acme).role == "viewer"
    assert page.get("/settings/").context["tenant"] == acme


def test_a_used_invitation_says_so(client):
    response = client.get(reverse("tenants:invitation", args=["never-made"]))

    assert response.status_code == 410
    assert "no longer works" in response.content.decode()


def test_a_bookkeeper_sees_people_and_cannot_invite(signed_in, bob):
    page = signed_in(bob)

    assert "Invite someone" not in page.get(reverse("tenants:members")).content.decode()
    response = page.post(reverse("tenants:members"), {"email": "x@y.test", "role": "owner"})

    assert response.status_code == 403


def test_an_owner_changes_a_role(signed_in, alice, bob, acme):
    signed_in(alice).post(reverse("tenants:member_role", args=[place_of(bob, acme).pk]), {"role": "viewer"})

    assert place_of(bob, acme).role == "viewer"


@pytest.mark.parametrize("name", ["member_role", "member_remove"])
def test_whoever_changes_a_role_or_removes_a_person_sees_which_keys_go_on_working(signed_in, alice, bob, acme, name):
    address, page = reverse(f"tenants:{name}", args=[place_of(bob, acme).pk]), signed_in(alice)
    assert "go on working" not in page.get(address).content.decode()
    key, _ = apikeys.issue(acme, bob, "nightly export", ["write"])
    gone, _ = apikeys.issue(acme, bob, "old export", ["read"])
    apikeys.revoke(gone, alice)
    apikeys.issue(acme, alice, "Alice's own", ["read"])

    said = page.get(address).content.decode()

    assert "API keys they made go on working" in said
    assert f'href="{reverse("tenants:key_revoke", args=[key.pk])}">Revoke nightly export</a>' in said
    assert "old export" not in said
    assert "own</a>" not in said


def test_the_only_owner_stays(signed_in, alice, acme):
    page = signed_in(alice)

    response = page.post(reverse("tenants:member_remove", args=[place_of(alice, acme).pk]), follow=True)

    assert place_of(alice, acme).role == "owner"
    assert "only owner" in response.content.decode()


def test_a_removed_person_sees_the_company_no_longer(signed_in, alice, bob, acme):
    page = signed_in(bob)

    signed_in(alice).post(reverse("tenants:member_remove", args=[place_of(bob, acme).pk]))

    assert page.get(reverse("tenants:members")).status_code == 403


def test_whoever_removes_a_person_sees_which_connections_wait_then(signed_in, alice, bob, acme):
    address, page = reverse("tenants:member_remove", args=[place_of(bob, acme).pk]), signed_in(alice)
    assert "Waits until" not in page.get(address).content.decode()
    mine = factories.GrantFactory(user=bob)
    for name, values in {"North Ltd": {}, "South Ltd": {"state": "revoked"}}.items():
        factories.ConnectionFactory(tenant=acme, grant=mine, remote_id=name, remote_name=name, **values)

    said = page.get(address).content.decode()
    page.post(address)

    assert "Waits until another owner connects it again, as the consent is theirs alone: North Ltd." in said
    with scope(acme.pk):
        assert Connection.objects.get(remote_id="North Ltd").state == "needs_reconnect"


def test_a_withdrawn_invitation_is_gone(signed_in, alice, acme):
    with scope(acme.pk):
        invitation = members.invite(acme, "new@books.test", "viewer", alice)

    signed_in(alice).post(reverse("tenants:invitation_withdraw", args=[invitation.pk]))

    with scope(acme.pk):
        assert not Invitation.objects.exists()


# API keys


def test_a_key_is_shown_once_and_works(signed_in, alice):
    page = signed_in(alice)

    answer = page.post(reverse("tenants:keys"), {"name": "export", "scopes": ["read"]})

    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert apikeys.find(secret).name == "export"
    assert secret not in page.get(reverse("tenants:keys")).content.decode()
    assert "no-store" in answer["Cache-Control"]


def test_a_revoked_key_works_no_longer(signed_in, alice, acme):
    key, secret = apikeys.issue(acme, alice, "export", ["read"])

    signed_in(alice).post(reverse("tenants:key_revoke", args=[key.pk]))

    assert apikeys.find(secret) is None


def test_a_bookkeeper_cannot_make_a_key(signed_in, bob):
    response = signed_in(bob).post(reverse("tenants:keys"), {"name": "export", "scopes": ["read"]})

    assert response.status_code == 403
    with unscoped("the test looks at every tenant"):
        assert not ApiKey.objects.exists()


# Alerts


def test_an_open_alert_is_counted_on_every_page_and_settled_by_a_bookkeeper(signed_in, bob, acme):
    raised = alert_services.alert(acme.pk, "label", "label:1", "A new label", "Seen today.", "Give it a category.")
    page = signed_in(bob)

    assert page.get("/settings/").context["open_alerts"] == 1
    page.post(reverse("tenants:alert_settle", args=[raised.pk]))

    assert page.get("/settings/").context["open_alerts"] == 0
    assert "A new label" in page.get("/alerts/?show=settled").content.decode()


def test_a_viewer_reads_alerts_and_cannot_settle_them(signed_in, viewer, acme):
    raised = alert_services.alert(acme.pk, "label", "label:1", "A new label", "Seen today.", "Give it a category.")
    page = signed_in(viewer)

    assert "Mark as settled" not in page.get("/alerts/").content.decode()
    assert page.post(reverse("tenants:alert_settle", args=[raised.pk])).status_code == 403
    assert only(Alert, pk=raised.pk).settled_at is None


# Another tenant's ids


def test_what_belongs_to_another_tenant_is_a_404(signed_in, alice, bob, acme, charlie):
    with scope(acme.pk):
        invitation = members.invite(acme, "new@books.test", "viewer", alice)
    key, _ = apikeys.issue(acme, alice, "export", ["read"])
    raised = alert_services.alert(acme.pk, "label", "label:1", "A new label", "Seen today.", "Give it a category.")
    connection = factories.ConnectionFactory(tenant=acme)
    place = place_of(bob, acme)
    stranger = signed_in(charlie)

    answers = {
        stranger.get(reverse("tenants:connection", args=[connection.pk])).status_code,
        *(
            stranger.post(reverse(f"tenants:{name}", args=[pk])).status_code
            for name, pk in (
                ("connection_test", connection.pk),
                ("disconnect", connection.pk),
                ("member_role", place.pk),
                ("member_remove", place.pk),
                ("invitation_withdraw", invitation.pk),
                ("key_revoke", key.pk),
                ("alert_settle", raised.pk),
            )
        ),
    }

    assert answers == {404}


@pytest.mark.parametrize("path", ["/settings/", "/settings/people/", "/settings/keys/", "/alerts/", "/connections/"])
def test_a_stranger_signs_in_first(client, path):
    response = client.get(path)

    assert response.status_code == 302
    assert response.url == f"/accounts/login/?next={path}"
