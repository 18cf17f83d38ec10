"""Invitations and sign-up in the hands of somebody who means ill."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from kit.scope import scope
from tenants import members
from tenants.models import Invitation, Member, User
from tests import factories

pytestmark = pytest.mark.django_db
SIGN_UP = {"email": "victoria@victim.test", "password1": "correct horse battery"}


@pytest.fixture
def bait(globex, charlie, django_capture_on_commit_callbacks):
    """The link of Charlie's invitation to Globex."""
    with django_capture_on_commit_callbacks(execute=True):
        members.invite(globex, "anybody@example.test", "owner", charlie)
    return "/invitations/" + mail.outbox[-1].body.split("/invitations/")[1].split("\n")[0]


def companies_of(email):
    return [place.tenant.name for place in members.memberships(User.objects.get(email=email))]


def test_who_was_led_over_a_strangers_invitation_gets_the_company_they_typed(client, bait):
    client.get(bait)

    client.post(reverse("account_signup"), {**SIGN_UP, "company": "Victoria Ltd"})

    assert companies_of("victoria@victim.test") == ["Victoria Ltd"]


def test_the_sign_up_page_names_the_company_an_invitation_leads_into(client, bait):
    client.get(bait)

    page = client.get(reverse("account_signup")).content.decode()

    assert "Globex" in page
    assert "charlie@globex.test" in page
    assert 'name="company"' in page


def test_an_invitation_that_ended_gives_no_company_with_the_name_of_an_address(client, bait, globex):
    client.get(bait)
    with scope(globex.pk):
        Invitation.objects.all().delete()

    answer = client.post(reverse("account_signup"), SIGN_UP)

    assert "company" in answer.context["form"].errors


def test_a_company_name_cannot_break_out_of_the_subject_of_an_email(
    at, alice, acme, django_capture_on_commit_callbacks
):
    at(alice, acme).post(
        reverse("tenants:settings"), {"save": "company", "name": "Acme\r\nBcc: everybody@example.test"}
    )

    with django_capture_on_commit_callbacks(execute=True):
        at(alice, acme).post(reverse("tenants:members"), {"email": "dora@new.test", "role": "viewer"})

    (sent,) = mail.outbox
    assert sent.subject == "Invitation to Acme Bcc: everybody@example.test"
    assert sent.recipients() == ["dora@new.test"]


def test_a_name_from_outside_cannot_keep_an_alert_from_being_sent(acme, alice, django_capture_on_commit_callbacks):
    from tenants.alerts import alert

    with django_capture_on_commit_callbacks(execute=True):
        alert(acme.pk, "test", "k", "Books\nX-Header: 1 has to be connected again", "Why", "What")

    assert [sent.subject for sent in mail.outbox] == ["Books X-Header: 1 has to be connected again"]


def test_nobody_sends_letters_to_the_world_through_invitations(at, charlie, globex, django_capture_on_commit_callbacks):
    page = at(charlie, globex)

    with django_capture_on_commit_callbacks(execute=True):
        for number in range(80):
            page.post(reverse("tenants:members"), {"email": f"stranger{number}@example.test", "role": "viewer"})
    answer = page.post(reverse("tenants:members"), {"email": "one-more@example.test", "role": "viewer"})

    assert len(mail.outbox) <= 50
    assert "Too many invitations" in answer.content.decode()


def test_inviting_the_same_person_again_and_again_is_limited_too(
    at, charlie, globex, django_capture_on_commit_callbacks
):
    page = at(charlie, globex)

    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(80):
            page.post(reverse("tenants:members"), {"email": "victim@example.test", "role": "viewer"})

    assert len(mail.outbox) <= 50


def test_an_invitation_by_somebody_who_has_left_no_longer_works(acme, alice, bob, django_capture_on_commit_callbacks):
    """Else an owner who is about to be removed keeps a way back in."""
    with scope(acme.pk):
        members.change_role(Member.objects.get(user=bob), "owner", alice)
    with django_capture_on_commit_callbacks(execute=True):
        members.invite(acme, "bobs-other-address@example.test", "owner", bob)
    token = mail.outbox[-1].body.split("/invitations/")[1].split("/")[0]

    with scope(acme.pk):
        members.remove(Member.objects.get(user=bob), alice)

    assert members.open_invitation(token) is None


def test_an_invitation_by_somebody_who_is_no_owner_any_more_no_longer_works(
    acme, alice, bob, django_capture_on_commit_callbacks
):
    with scope(acme.pk):
        members.change_role(Member.objects.get(user=bob), "owner", alice)
    with django_capture_on_commit_callbacks(execute=True):
        members.invite(acme, "bobs-other-address@example.test", "owner", bob)
    token = mail.outbox[-1].body.split("/invitations/")[1].split("/")[0]

    with scope(acme.pk):
        members.change_role(Member.objects.get(user=bob), "viewer", alice)

    assert members.open_invitation(token) is None


def test_an_invited_viewer_is_no_owner_by_accepting_twice(acme, alice, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        members.invite(acme, "dora@new.test", "viewer", alice)
    address = "/invitations/" + mail.outbox[-1].body.split("/invitations/")[1].split("\n")[0]
    dora = factories.UserFactory(email="dora@new.test")
    page = Client()
    page.force_login(dora)

    page.post(address, {"role": "owner", "tenant": "1"})
    page.post(address, {"role": "owner"})

    (place,) = members.memberships(dora)
    assert place.role == "viewer"
