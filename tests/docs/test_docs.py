"""What the documents name exists: settings, commands, targets, files, addresses."""

import re

import pytest
from django.core.management import get_commands
from django.urls import resolve

from amazon.sandbox.lwa import FINANCE_ROLE, ORDERS_ROLE
from connector.settings import REQUIRED
from ledgers.freshbooks.provider import SCOPES
from ledgers.registry import all_ledgers
from tenants.grants import redirect_uri
from tests.production.settings import ROOT, names

DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])
README = (ROOT / "README.md").read_text()
SLUG = re.compile(r"[^\w\- ]")


def headings(path):
    found = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {SLUG.sub("", heading.lower()).replace(" ", "-") for heading in found}


def without_code(text):
    return re.sub(r"```.*?```", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_link_leads_somewhere(path):
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(path.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        place = (path.parent / file).resolve() if file else path
        assert place.exists(), target
        if anchor:
            assert anchor in headings(place), target


def test_the_readme_lists_every_setting_and_no_other():
    table = README[README.index("## Settings") : README.index("## How it keeps")]
    first_column = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    listed = {name for cell in first_column for name in re.findall(r"`([A-Z_]+)`", cell)}
    starred = {name for cell in first_column if "*" in cell for name in re.findall(r"`([A-Z_]+)`", cell)}

    assert listed == names()
    assert starred == set(REQUIRED)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_command_or_target_that_is_named_exists(path):
    text = path.read_text()
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    commands = re.findall(r"manage\.py ([a-z_]+)", text)
    assert set(commands) <= set(get_commands())
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    assert set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets


@pytest.mark.parametrize("slug", ["amazon", *all_ledgers()])
def test_the_redirect_addresses_to_register_are_the_ones_that_are_used(settings, slug):
    settings.SITE_URL = "https://books.example.com"
    address = redirect_uri(slug)

    assert f"`SITE_URL{address.removeprefix(settings.SITE_URL)}`" in README
    assert resolve(address.removeprefix(settings.SITE_URL)).url_name == "callback"


@pytest.mark.parametrize("slug", all_ledgers())
def test_every_ledger_has_a_page_that_says_how_to_register(slug):
    page = (ROOT / "docs/ledgers" / f"{slug}.md").read_text()

    assert f"`SITE_URL/connections/{slug}/callback`" in page
    assert {"## Plan", "## Register the application"} <= set(re.findall("^## .+$", page, re.MULTILINE))
    assert "```mermaid" in page


def test_the_scopes_to_choose_at_freshbooks_are_the_ones_that_are_asked_for():
    page = (ROOT / "docs/ledgers/freshbooks.md").read_text()

    assert sorted(re.findall(r"`(user:[a-z_]+:(?:read|write))`", page)) == sorted(SCOPES)
    assert f"these {len(SCOPES)} scopes" in page


def test_the_chapter_that_the_doctor_names_is_there():
    [chapter] = re.findall(r"\(README, ([^)]+)\)", (ROOT / "connector/doctor.py").read_text())

    assert f"## {chapter}\n" in README


def test_the_roles_to_ask_for_are_the_ones_that_are_needed():
    assert f"**{FINANCE_ROLE}**" in README
    assert f"**{ORDERS_ROLE}**" in README


def test_the_repository_map_names_every_folder_with_code():
    mapped = set(re.findall(r"`([a-z]+)/`", README[README.index("## The repository") :]))

    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} <= mapped


def test_every_decision_is_listed():
    listed = (ROOT / "docs/decisions/README.md").read_text()

    assert all(f"({path.name})" in listed for path in (ROOT / "docs/decisions").glob("0*.md"))
