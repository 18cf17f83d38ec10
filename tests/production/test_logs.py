"""What reaches a log: what happened, and nothing that opens anything."""

import io
import logging
import logging.config

import pytest
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.test import Client
from django.urls import path

CODE = "RHcodeThatOpensASeller0123456789"
STATE = "state-that-belongs-to-alice-0123456789"
SECRET = "Atzr|a-refresh-token-in-a-variable"


def breaks(request):
    token = SECRET
    raise RuntimeError("the page broke with nothing of " + str(len(token)))


urlpatterns = [path("breaks/", breaks)]


@pytest.fixture
def log():
    """Everything that is logged, at every level, as the console's formatter writes it."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter(**formatter()))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(level)


def formatter():
    plain = settings.LOGGING["formatters"]["plain"]
    return {"fmt": plain["format"], "style": plain["style"]}


@pytest.mark.parametrize("signed_in", [True, False], ids=["alice", "nobody"])
@pytest.mark.parametrize(
    ("slug", "query"),
    [
        ("amazon", {"spapi_oauth_code": CODE, "state": STATE, "selling_partner_id": "A2EXAMPLE"}),
        ("quickbooks", {"code": CODE, "state": STATE, "realmId": "9341"}),
    ],
)
def test_the_codes_of_a_callback_are_not_logged(alice, log, slug, query, signed_in):
    client = Client()
    if signed_in:
        client.force_login(alice)

    client.get(f"/connections/{slug}/callback", query)

    assert f"/connections/{slug}/callback" in log.getvalue()
    assert CODE not in log.getvalue()
    assert STATE not in log.getvalue()


@pytest.mark.urls(__name__)
def test_an_exception_is_logged_without_the_values_of_variables(db, log):
    client = Client(raise_request_exception=False)

    assert client.get("/breaks/", {"code": CODE}).status_code == 500

    written = log.getvalue()
    assert "RuntimeError: the page broke with nothing of" in written
    assert 'File "' in written
    assert SECRET not in written
    assert CODE not in written


def test_a_foreign_host_is_refused_without_its_query_in_the_log(db, log):
    answer = Client().get("/health/ready", {"code": CODE}, headers={"host": "evil.example"})

    assert answer.status_code == 400
    assert DisallowedHost.__name__ in log.getvalue() or "Invalid HTTP_HOST" in log.getvalue()
    assert CODE not in log.getvalue()


def test_the_body_of_a_sign_in_is_not_logged(alice, log):
    Client().post("/accounts/login/", {"login": "alice@acme.test", "password": SECRET})

    assert "/accounts/login/" in log.getvalue()
    assert SECRET not in log.getvalue()
