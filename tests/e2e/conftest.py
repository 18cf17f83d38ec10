"""A real browser before a served site."""

import os
import shutil

import pytest
from playwright.sync_api import sync_playwright

from connector.demo import outside
from connector.demo.processes import running
from connector.demo.stage import Stage, ports_of

RATE_SCALE = 60
PATIENCE_MS = 30_000


@pytest.fixture
def stage(tmp_path):
    """Both stand-ins and the site, each in a process of its own."""
    stage = Stage(tmp_path, RATE_SCALE, ports=ports_of("quickbooks"))
    children = []
    with running(children):
        children += [stage.open_outside(), stage.open_site()]
        for child in children:
            child.ready()
        yield stage


@pytest.fixture
def pretended(stage):
    """The demo seller, and one company that keeps its books at the pretended QuickBooks."""
    return outside.prepare(stage.amazon, stage.ledgers, RATE_SCALE, [("quickbooks", "summary")])


@pytest.fixture
def open_page(stage):
    """Return a function that opens a page; nothing on a page of the site may fail or break the content policy.

    Playwright's loop must end with the test: while it runs, Django takes the thread for an asynchronous one.
    """
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        pytest.skip("Chromium is not installed")
    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # Chromium has none to offer to root
    complaints = []

    def listen(said):
        if said.type == "error" and said.location["url"].startswith(stage.site):
            complaints.append(f"{said.location['url']}: {said.text}")

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=sandbox)

        def open_one(**context):
            page = browser.new_context(**context).new_page()
            page.set_default_timeout(PATIENCE_MS)
            page.on("pageerror", lambda error: complaints.append(str(error)))
            page.on("console", listen)
            return page

        yield open_one
        browser.close()
    assert complaints == []
