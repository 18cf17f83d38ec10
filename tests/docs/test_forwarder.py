"""The forwarder of the documentation, as it stands there, against the endpoint."""

import hashlib
import re
import urllib.request
from io import BytesIO
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

import pytest
from django.test import Client

from amazon import notice_endpoints, notice_views
from amazon.models import Notice
from kit.scope import scope
from tests.amazon.notifications import SELLER, order_change, sent
from tests.factories import ConnectionFactory

GUIDE = (Path(__file__).resolve().parents[2] / "docs/notifications.md").read_text()
[CODE] = re.findall(r"```python\n(.*?)```", GUIDE, re.DOTALL)


def forward(request, timeout):
    """Carry a request over to the site as urllib would."""
    headers = {name.title(): value for name, value in request.header_items()}
    answer = Client().post(
        urlsplit(request.full_url).path, request.data, content_type=headers.pop("Content-Type"), headers=headers
    )
    if answer.status_code >= 400:
        raise HTTPError(request.full_url, answer.status_code, "refused", None, BytesIO())
    return BytesIO(answer.content)


@pytest.fixture
def handler(db, acme, monkeypatch):
    ConnectionFactory(tenant=acme, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    endpoint, secret = notice_endpoints.new_secret(acme.pk, "user:1")
    monkeypatch.setenv("TIEOUT_ADDRESS", notice_endpoints.url_of(endpoint))
    monkeypatch.setenv("TIEOUT_SECRET", secret)
    monkeypatch.setattr(urllib.request, "urlopen", forward)
    names = {}
    exec(CODE, names)
    return names["handler"]


def event(*bodies):
    return {"Records": [{"messageId": hashlib.md5(body).hexdigest(), "body": body.decode()} for body in bodies]}


def test_it_is_short_and_needs_nothing_but_python():
    lines = [line for line in CODE.splitlines() if line.strip()]

    assert len(lines) <= 20
    assert set(re.findall(r"^import (.*)$", CODE, re.MULTILINE)) == {"hashlib, hmac, os, time, urllib.request"}


def test_it_hands_on_what_comes_and_gives_back_only_what_may_come_again(handler, acme, monkeypatch):
    done = handler(event(sent(order_change(n=1)), sent(order_change(n=2)), b"no json"), None)
    monkeypatch.setenv("TIEOUT_SECRET", "another")
    turned_away = handler(event(sent(order_change(n=3))), None)

    assert done == {"batchItemFailures": []}
    assert len(turned_away["batchItemFailures"]) == 1
    with scope(acme.pk):
        assert sorted(Notice.objects.values_list("notification_id", flat=True)) == ["order-1", "order-2"]


def test_the_guide_names_what_the_code_does():
    for name in (notice_endpoints.KEY_HEADER, notice_endpoints.TIME_HEADER, notice_endpoints.SIGNATURE_HEADER):
        assert name in GUIDE
    assert f"{notice_views.MOST_A_MINUTE:,} notifications in a minute" in GUIDE
    assert notice_views.BODY_BYTES == 1 << 20
    assert "1 MiB" in GUIDE
