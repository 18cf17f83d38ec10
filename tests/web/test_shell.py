"""What stands around every page."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection
from django.template.loader import get_template
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext

from connector.request_log import RequestMiddleware

pytestmark = pytest.mark.django_db
ROOT = Path(settings.BASE_DIR)


def test_a_stranger_sees_the_front_page(client):
    text = client.get("/").content.decode()

    assert "to the cent" in text
    assert "/accounts/signup/" in text


def test_a_member_is_led_into_the_navigation(signed_in, alice):
    answer = signed_in(alice).get("/")

    assert answer.status_code == 302
    assert signed_in(alice).get(answer.url).status_code == 200


def test_looking_at_a_page_writes_nothing(signed_in, alice):
    browser = signed_in(alice)
    browser.get("/settings/")

    with CaptureQueriesContext(connection) as asked:
        assert browser.get("/settings/").status_code == 200
        assert browser.get("/accounts/sessions/").status_code == 200

    assert [one["sql"] for one in asked if one["sql"].startswith(("INSERT", "UPDATE", "DELETE"))] == []


def test_a_page_forbids_everything_inline(signed_in, alice):
    answer = signed_in(alice).get("/settings/")

    text = answer.content.decode()
    assert "default-src 'self'" in answer["Content-Security-Policy"]
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=", text)


def test_no_template_of_ours_needs_an_inline_style_or_script():
    broken = [
        path.name
        for path in (ROOT / "templates").rglob("*.html")
        if re.search(r"<style|\sstyle=|\son[a-z]+=\"|<script(?![^>]*src=)|javascript:", path.read_text())
    ]

    assert broken == []


def test_every_template_of_ours_can_be_read():
    for path in (ROOT / "templates").rglob("*.html"):
        get_template(str(path.relative_to(ROOT / "templates")))


def test_the_chosen_appearance_is_in_the_page_the_server_sends(client):
    answer = client.post("/theme/", {"theme": "dark", "next": "/accounts/login/"})

    assert answer.url == "/accounts/login/"
    assert '<html lang="en" data-theme="dark">' in client.get("/").content.decode()

    client.post("/theme/", {"theme": ""})
    assert "data-theme" not in client.get("/").content.decode()


def test_an_invented_appearance_is_not_kept(client):
    client.post("/theme/", {"theme": '"><script>'})

    assert "data-theme" not in client.get("/").content.decode()


def test_changing_the_appearance_leads_nowhere_else(client):
    assert client.post("/theme/", {"theme": "dark", "next": "https://evil.test/"}).url == "/"


def test_an_unknown_address_keeps_the_way_around(signed_in, alice):
    answer = signed_in(alice).get("/nowhere/")

    assert answer.status_code == 404
    assert "Acme" in answer.content.decode()


def test_a_forbidden_page_names_the_role(signed_in, bob):
    answer = signed_in(bob).get("/companies/switch/")
    assert answer.status_code == 405

    text = signed_in(bob).post("/settings/", {"save": "company", "name": "x"}).content.decode()
    assert "bookkeeper" in text


@override_settings(DEBUG=False)
def test_a_form_without_its_token_says_to_send_it_again():
    from django.test import Client

    answer = Client(enforce_csrf_checks=True).post("/theme/", {"theme": "dark"})

    assert answer.status_code == 403
    assert "send that again" in answer.content.decode()


def test_the_page_of_a_fault_needs_nothing_that_could_be_broken(client):
    assert "on our side" in get_template("500.html").render()


def test_health_is_told_without_a_sign_in(client):
    assert client.get("/health/live").content == b"ok"
    assert client.get("/health/ready").json() == {"database": True, "cache": True}


@override_settings(CACHES={"default": {"BACKEND": "tests.web.test_shell.BrokenCache"}})
def test_a_broken_cache_makes_the_process_not_ready(client):
    answer = client.get("/health/ready")

    assert answer.status_code == 503
    assert answer.json() == {"database": True, "cache": False}


class BrokenCache:
    def __init__(self, *args):
        pass

    def close(self):
        pass

    def __getattr__(self, name):
        raise ConnectionError("no cache here")


@pytest.mark.parametrize(
    ("address", "line"),
    [
        ("/connections/amazon/callback?spapi_oauth_code=ANXyz&state=s", "GET /connections/amazon/callback"),
        ("/invitations/Zk3nV9w1oQ7tq2bJcVYy0Yw5m8Jr1u4QGx0a9d2f7Hk/", "GET /invitations/…/"),
        ("/connections/12/", "GET /connections/12/"),
    ],
)
def test_the_log_line_of_a_request_opens_nothing(address, line):
    assert RequestMiddleware.format_request(RequestFactory().get(address)) == line
