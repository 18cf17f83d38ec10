"""Requests that bring too much, or try to say more than they may; and what the answers must never hold."""

import io
import json
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from flows.models import Flow
from kit.scope import scope, unscoped
from tenants import apikeys
from tenants.models import Connection, Grant, Member
from tests import factories
from tests.security.addresses import OF_COMPANIES
from tests.web.small_books import flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
LARGE = 5 << 20


class Watched(io.BytesIO):
    """A body that tells how much of it was read."""

    taken = 0

    def read(self, size=-1):
        piece = super().read(size)
        self.taken += len(piece)
        return piece


def large_form(client, address, **headers):
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
    body = Watched(head + bytes(LARGE) + b"\r\n--b--\r\n")
    answer = client.generic(
        "POST", address, b"", "multipart/form-data; boundary=b", headers=headers,
        **{"wsgi.input": body, "CONTENT_TYPE": "multipart/form-data; boundary=b", "CONTENT_LENGTH": str(len(body.getvalue()))},
    )  # fmt: skip
    return answer, body.taken


@pytest.mark.parametrize(
    "address", ["/accounts/login/", "/settlements/upload/", "/theme/", "/api/v1/settlements/upload"]
)
def test_nobody_fills_the_disk_without_signing_in(address):
    for csrf in (True, False):
        answer, taken = large_form(Client(enforce_csrf_checks=csrf), address)

        assert answer.status_code in (401, 404, 413)
        assert taken == 0


def test_an_invented_key_does_not_open_the_door_for_large_bodies():
    answer, taken = large_form(Client(), "/api/v1/settlements/upload", authorization="Bearer tie_invented")

    assert (answer.status_code, taken) == (401, 0)


def test_members_and_keys_may_bring_large_files(signed_in, bob, acme, alice):
    _, value = apikeys.issue(acme, alice, "test", ["write"])

    by_page, taken = large_form(signed_in(bob), reverse("flows:upload"))
    by_key, _ = large_form(Client(), "/api/v1/settlements/upload", authorization=f"Bearer {value}")

    assert by_page.status_code == 422  # zeros are no settlement
    assert taken > LARGE
    assert by_key.status_code == 409


@pytest.fixture
def rest(acme, alice):
    return Client(headers={"Authorization": f"Bearer {apikeys.issue(acme, alice, 'test', ['read', 'write'])[1]}"})


def test_a_body_changes_only_what_its_address_is_about(rest, acme, globex):
    flow = flow_of(acme)
    foreign = factories.ConnectionFactory(tenant=globex)
    more = {
        "tenant": globex.pk,
        "state": "setup",
        "target": foreign.pk,
        "source": foreign.pk,
        "mapping_version": 99,
        "id": 1,
        "currency": "EUR",
    }

    answer = rest.patch(
        f"/api/v1/flows/{flow.pk}", json.dumps({"name": "New", **more}), content_type="application/json"
    )

    assert answer.status_code in (200, 400)
    with scope(acme.pk):
        after = Flow.objects.get(pk=flow.pk)
    assert (after.tenant_id, after.state, after.target_id, after.source_id, after.currency) == (
        acme.pk, "live", flow.target_id, None, "USD",
    )  # fmt: skip
    assert after.mapping_version == flow.mapping_version


@pytest.mark.parametrize(
    "body",
    [
        "[" * 100_000,
        '{"name":' * 50_000,
        '{"name": "' + "x" * 1_000_000 + '"}',
        '{"opening_clearing": ' + "9" * 10_000 + "}",
        '{"opening_clearing": 1e400}',
        '{"opening_clearing": NaN}',
        '{"name": "\\u0000"}',
        '{"name": "\\ud800"}',
        "[]",
        '"x"',
        "null",
        "{" + ",".join(f'"a{n}": 1' for n in range(50_000)) + "}",
    ],
    ids=[
        "deep lists",
        "deep objects",
        "long",
        "endless",
        "infinite",
        "NaN",
        "zero",
        "surrogate",
        "list",
        "text",
        "null",
        "wide",
    ],
)
def test_a_body_made_to_break_something_is_refused(rest, acme, body):
    flow = flow_of(acme)

    answer = rest.patch(f"/api/v1/flows/{flow.pk}", body, content_type="application/json")

    assert 400 <= answer.status_code < 500 or "wide" in body or body.startswith('{"a0"')
    assert answer.status_code != 500


def test_a_key_is_in_no_log(acme, alice):
    _, value = apikeys.issue(acme, alice, "test", ["read"])
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        Client(headers={"Authorization": f"Bearer {value}"}).get("/api/v1/flows")
        Client(headers={"Authorization": f"Bearer {value}x"}).get("/api/v1/flows")
        Client(headers={"Authorization": f"Bearer {value}"}).delete("/api/v1/flows/1")
    finally:
        root.removeHandler(handler)
        root.setLevel(level)

    assert "/api/v1/flows" in written.getvalue()
    assert value[:16] not in written.getvalue()


def test_no_page_export_or_answer_holds_a_secret(signed_in, alice, acme, rest):
    flow_of(acme)
    settlement = post(plan_of(settle(acme))).settlement
    with scope(acme.pk):
        connection = Connection.objects.select_related("grant").first()
        ids = {
            "connection": connection.pk,
            "flow": flow_id(),
            "settlement": settlement.pk,
            "plan": plan_of(settlement).pk,
            "member": Member.objects.get(user=alice).pk,
        }
    sealed = [
        value
        for row in Grant.objects.values_list("access_token", "refresh_token", "client_secret")
        for value in row
        if value
    ]
    secrets = ["access-1", "refresh-1", alice.password, *sealed]
    pages = [
        reverse(name, args=[ids[about] for about in page.about])
        for name, page in OF_COMPANIES.items()
        if page.get and set(page.about) <= set(ids) and "checks" not in name
    ]
    lists = [
        "flows",
        "runs",
        "settlements",
        "plans",
        "deliveries",
        "connections",
        "alerts",
        "events",
        "events/export",
        "key",
    ]
    browser = signed_in(alice)

    answers = [browser.get(page) for page in pages] + [rest.get(f"/api/v1/{name}") for name in lists]

    assert sealed
    for answer in answers:
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        for secret in secrets:
            assert secret not in content.decode(), answer.request["PATH_INFO"]


def flow_id():
    return Flow.objects.first().pk


def test_the_trail_of_a_company_names_no_tenant_but_its_own(acme, alice, charlie, globex, rest):
    with scope(globex.pk):
        flow_of(globex, name="Kwyjibo")

    content = b"".join(rest.get("/api/v1/events/export").streaming_content).decode()

    assert "Kwyjibo" not in content
    assert all(json.loads(line)["chain"] == f"tenant:{acme.pk}" for line in content.splitlines())


def test_a_name_of_a_file_cannot_add_a_header(rest, acme):
    answer = rest.post("/api/v1/settlements/upload", {"file": SimpleUploadedFile('a"\r\nX-Evil: 1', b"x")})

    assert "X-Evil" not in answer.headers


def test_a_key_dies_with_nothing_but_its_own_end_and_opens_one_company(acme, globex, alice, rest):
    factories.MemberFactory(tenant=globex, user=alice, role="owner")
    with unscoped("the test looks at every tenant"):
        theirs = flow_of(globex)

    assert rest.get(f"/api/v1/flows/{theirs.pk}").status_code == 404
    assert rest.get("/api/v1/flows", headers={"X-Tenant": str(globex.pk)}).json()["results"] == []
