"""The OpenAPI document and its page: whole, valid, and drawn without anything from elsewhere."""

import re
import shutil
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from openapi_spec_validator import validate
from playwright.sync_api import sync_playwright

from tests.web.rest.document import document, operations

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


def test_the_document_is_valid_and_made_without_a_warning():
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=StringIO(), file=None, format="openapi-json")

    validate(document())


def test_every_operation_has_a_name_a_summary_and_the_same_shape_of_problems():
    names = set()
    for method, path in operations():
        operation = document()["paths"][path][method]
        names.add(operation["operationId"])
        assert operation["summary"]
        assert {"400", "401", "403", "404"} <= operation["responses"].keys()
        for status, response in operation["responses"].items():
            if status >= "400":
                assert response["content"]["application/json"]["schema"]["$ref"].endswith("/Problem"), (path, status)
    assert len(names) == len(list(operations()))


def test_every_post_takes_an_idempotency_key():
    for method, path in operations():
        headers = [p["name"] for p in document()["paths"][path][method].get("parameters", []) if p["in"] == "header"]
        assert headers == (["Idempotency-Key"] if method == "post" else []), path


def test_money_is_never_a_fraction():
    fractions = [
        (name, field)
        for name, schema in document()["components"]["schemas"].items()
        for field, kind in schema.get("properties", {}).items()
        if kind.get("type") == "number"
    ]
    assert fractions == []


def test_no_secret_has_a_name_in_the_document():
    names = {field for schema in document()["components"]["schemas"].values() for field in schema.get("properties", {})}
    assert not [name for name in names if re.search("token|secret|password|sealed|digest", name)]


def test_the_document_and_its_page_are_open_to_everybody(client, db):
    page = client.get("/api/docs/")

    assert page.status_code == 200
    assert "default-src 'self'" in page["Content-Security-Policy"]
    assert "http" not in re.sub(r"<a [^>]*>", "", page.text)
    assert client.get("/api/schema").json()["openapi"].startswith("3.")


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
@pytest.mark.parametrize("appearance", ["light", "dark"])
def test_the_page_is_drawn_under_the_strict_policy(appearance):
    told, elsewhere, site = [], [], "http://localhost"

    def answer(route):
        if not route.request.url.startswith(site):
            elsewhere.append(route.request.url)
            return route.abort()
        found = Client().get(route.request.url.removeprefix(site))
        return route.fulfill(status=found.status_code, headers=dict(found.headers), body=b"".join(found))

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(color_scheme=appearance)
        page.on("console", lambda message: told.append(message.text))
        page.on("pageerror", lambda error: told.append(str(error)))
        page.route(re.compile("^http"), answer)
        page.goto(f"{site}/api/docs/")
        page.locator("#operations-settlements-settlements_upload .opblock-summary-control").click()
        page.get_by_text("A settlement that is already here answers 200").wait_for()
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        browser.close()

    assert (told, elsewhere) == ([], [])
    assert (background == "rgb(255, 255, 255)") == (appearance == "light")
