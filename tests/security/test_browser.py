"""What a browser is told, and what it can be talked into: cookies, headers, hosts, redirects, guesses."""

import io
import logging
import re

import pytest
from django.contrib.auth.password_validation import ValidationError, validate_password
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from django.utils.module_loading import import_string

from tests import factories
from tests.factories import PASSWORD
from tests.production.settings import COMPLETE, run

pytestmark = pytest.mark.django_db
LOGIN = {"login": "alice@acme.test", "password": PASSWORD}


@pytest.fixture(autouse=True)
def nobody_has_tried_yet():
    cache.clear()


def sign_in(client, **more):
    return client.post(reverse("account_login"), LOGIN | more)


def test_the_session_cookie_is_for_the_site_alone(alice, client):
    cookie = sign_in(client).cookies["sessionid"]

    assert (cookie["httponly"], cookie["samesite"]) == (True, "Lax")


@pytest.mark.parametrize("name", ["flows:dashboard", "flows:settlements", "audit:records", "tenants:members"])
def test_a_page_of_a_company_is_not_left_in_the_browser(alice, client, name):
    client.force_login(alice)

    assert client.get(reverse(name))["Cache-Control"] == "private, no-store"


def test_a_session_that_somebody_planted_is_not_the_one_that_is_signed_in(alice, client):
    client.get("/invitations/x/")
    client.get(reverse("account_login"))
    session = client.session
    session["planted"] = 1
    session.save()
    planted = session.session_key

    sign_in(client)

    assert client.session.session_key != planted


def test_changing_the_password_ends_the_sessions_elsewhere(alice, client):
    stolen = Client()
    sign_in(stolen)
    sign_in(client)
    new = "another horse battery staple"

    client.post(reverse("account_change_password"), {"oldpassword": PASSWORD, "password1": new, "password2": new})

    assert stolen.get("/settings/").status_code == 302


@pytest.mark.parametrize("address", ["/", "/accounts/login/", "/settings/", "/api/docs/", "/nowhere/", "/api/v1/flows"])
def test_every_answer_keeps_scripts_frames_and_forms_of_others_out(alice, signed_in, address):
    answer = signed_in(alice).get(address)

    policy = answer["Content-Security-Policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["default-src"] == "'self'"
    assert directives["frame-ancestors"] == "'none'"
    assert directives["base-uri"] == "'none'"
    assert directives["form-action"] == "'self'"
    assert directives.get("script-src", "'self'") == "'self'"
    assert not re.search(r"unsafe-(inline|eval)", directives.get("script-src", directives["default-src"]))
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:evil.example"],
)
def test_no_address_sends_people_to_another_site(alice, acme, client, signed_in, target):
    assert sign_in(client, next=target).url == "/"
    page = signed_in(alice)
    assert page.post("/theme/", {"next": target, "theme": "dark"}).url == "/"
    assert page.post(f"{reverse('account_logout')}?next={target}").url == "/"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "127.0.0.1:80@evil.example", "testserver.evil"]
)
def test_a_foreign_host_gets_no_page_and_no_letter(alice, client, host):
    answer = client.post(reverse("account_reset_password"), {"email": "alice@acme.test"}, headers={"host": host})

    assert answer.status_code == 400
    assert mail.outbox == []


def test_a_forwarded_host_is_not_believed(alice, client):
    client.post(
        reverse("account_reset_password"), {"email": "alice@acme.test"}, headers={"x-forwarded-host": "evil.example"}
    )

    assert "evil.example" not in mail.outbox[0].body


def test_production_takes_no_host_for_its_own_unseen():
    """Links in letters name the host that asked for them."""
    done = run({**COMPLETE, "ALLOWED_HOSTS": "tieout.test,*"}, "-c", "import connector.settings")

    assert done.returncode == 1
    assert "ALLOWED_HOSTS" in done.stderr


def test_guessing_a_password_ends_soon(alice, client):
    for number in range(30):
        client.post(reverse("account_login"), LOGIN | {"password": f"guess {number}"})

    answer = sign_in(client)

    assert answer.status_code in (200, 429)
    assert "_auth_user_id" not in client.session


def test_guessing_from_many_addresses_ends_soon_too(alice, settings):
    for number in range(30):
        Client(REMOTE_ADDR=f"10.0.0.{number}").post(reverse("account_login"), LOGIN | {"password": f"guess {number}"})
    client = Client(REMOTE_ADDR="10.0.1.1")

    sign_in(client)

    assert "_auth_user_id" not in client.session


def test_an_invented_forwarded_address_does_not_make_a_new_guesser(alice):
    for number in range(30):
        client = Client(headers={"x-forwarded-for": f"10.0.0.{number}"})
        client.post(reverse("account_login"), {"login": f"person{number}@acme.test", "password": "guess"})
    client = Client(headers={"x-forwarded-for": "10.9.9.9"})

    sign_in(client)

    assert "_auth_user_id" not in client.session


@pytest.mark.parametrize("password", ["short", "password1234", "alice@acme.test", "111111111111"])
def test_a_weak_password_is_refused(alice, password):
    with pytest.raises(ValidationError):
        validate_password(password, alice)


def test_a_reset_says_the_same_whether_the_address_is_known_or_not(alice, client):
    known = client.post(reverse("account_reset_password"), {"email": "alice@acme.test"})
    unknown = client.post(reverse("account_reset_password"), {"email": "nobody@acme.test"})

    assert (known.status_code, known.url) == (unknown.status_code, unknown.url)


def test_a_link_of_a_reset_works_once(alice, client):
    client.post(reverse("account_reset_password"), {"email": "alice@acme.test"})
    link = re.search(r"http://[^/\s]+(/accounts/password/reset/key/\S+)", mail.outbox[0].body)[1]
    new = "another horse battery staple"
    form = client.get(link, follow=True)
    client.post(form.redirect_chain[-1][0], {"password1": new, "password2": new})

    again = Client().get(link, follow=True)

    assert "no longer works" in again.content.decode() or "invalid" in again.content.decode().lower()


@pytest.mark.parametrize("what", ["invitations/{}/", "accounts/password/reset/key/1-cxyz12-{}/"])
@pytest.mark.parametrize("csrf", [True, False])
def test_no_link_that_opens_something_reaches_a_log(settings, what, csrf):
    token = "Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6"
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    for name in settings.LOGGING["handlers"]["console"].get("filters", ()):
        handler.addFilter(import_string(settings.LOGGING["filters"][name]["()"])())
    root = logging.getLogger()
    root.addHandler(handler)
    client = Client(enforce_csrf_checks=csrf, raise_request_exception=False)
    try:
        client.get("/" + what.format(token))
        client.post("/" + what.format(token))
        client.get("/nowhere/" + token)
    finally:
        root.removeHandler(handler)

    assert "/nowhere/" in written.getvalue()
    assert token not in written.getvalue()


def test_an_embedded_site_keeps_its_files_for_its_owner(tmp_path):
    env = {"TIEOUT_VAR": str(tmp_path / "var")}

    done = run(env, "-c", "import connector.settings")

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "var").stat().st_mode & 0o077 == 0


def test_a_second_factor_is_asked_for_before_anything_is_shown(alice, client):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(alice, generate_totp_secret())

    sign_in(client)

    assert client.get("/settings/").status_code == 302
    assert client.get(reverse("mfa_deactivate_totp")).status_code == 302


def test_a_second_factor_is_not_taken_off_without_the_password(alice, signed_in):
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    TOTP.activate(alice, generate_totp_secret())
    stolen = signed_in(alice)

    stolen.post(reverse("mfa_deactivate_totp"))

    assert Authenticator.objects.filter(user=alice).exists()


def test_another_address_of_a_person_is_no_way_into_their_companies(charlie, signed_in):
    """Charlie says that Ann's address is his too."""
    form = {"company": "Acme", "email": "ann@acme.test", "password1": PASSWORD}
    Client().post(reverse("account_signup"), form)
    page = signed_in(charlie)

    answer = page.post(reverse("account_email"), {"action_add": "", "email": "ann@acme.test"})
    page.post(reverse("account_email"), {"action_primary": "", "email": "ann@acme.test"})

    assert answer.context["form"].errors
    charlie.refresh_from_db()
    assert charlie.email == "charlie@globex.test"
    assert page.get("/settings/").context["tenant"].name == "Globex"


def test_a_person_who_was_removed_is_out_with_the_next_click(acme, alice, bob, signed_in):
    from kit.scope import scope
    from tenants import members
    from tenants.models import Member

    page = signed_in(bob)
    assert page.get("/settings/").status_code == 200

    with scope(acme.pk):
        members.remove(Member.objects.get(user=bob), alice)

    assert page.get("/settings/").status_code == 403


def test_a_person_who_is_not_active_any_more_is_out(acme, bob, signed_in):
    page = signed_in(bob)
    bob.is_active = False
    bob.save()

    assert page.get("/settings/").status_code == 302


def test_there_is_no_admin(signed_in):
    page = signed_in(factories.UserFactory(is_staff=True, is_superuser=True))

    assert page.get("/admin/").status_code == 404
