"""A person says what became of a document that nobody can tell: on the record's page and over REST."""

import re
from dataclasses import replace

import pytest
from django.urls import reverse

from ledgers import registry
from ledgers.port import Shown
from tests import factories
from tests.flows import slate
from tests.flows.test_write_only import in_doubt
from tests.web.rest.conftest import caller

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def books(db, monkeypatch, everywhere):
    with slate.opened(monkeypatch) as made:
        yield made


@pytest.fixture
def people(books):
    return {
        role: factories.member(books.tenant, f"{role}@acme.test", role) for role in ("viewer", "bookkeeper", "owner")
    }


def test_the_record_asks_those_who_may_answer_and_takes_one_answer(signed_in, people, books):
    row = in_doubt(books)
    page, found, absent = (reverse(f"audit:{name}", args=[row.pk]) for name in ("record", "in_the_books", "not_there"))
    browser = signed_in(people["bookkeeper"])

    asked, seen = text_of(browser.get(page)), text_of(signed_in(people["viewer"]).get(page))
    refused = text_of(browser.post(found, follow=True))
    said = text_of(browser.post(found, {"note": "Transactions, 14 October"}, follow=True))
    again = text_of(browser.post(absent, follow=True))

    assert "Is it in the books?" in asked
    assert "Is it in the books?" not in seen
    assert "It is not said where it was found." in refused
    assert "Your word is kept" in said
    assert "A person said: it is in the books" in said
    assert "Transactions, 14 October." in said
    assert "Is it in the books?" not in said
    assert "not a document of which nobody can tell" in again
    assert signed_in(people["viewer"]).post(absent).status_code == 403
    assert books.row("e1").state == "posted"


def test_what_to_look_for_is_named_as_the_ledger_lists_it_and_sending_again_asks_once_more(
    signed_in, people, books, monkeypatch
):
    row = in_doubt(books)
    spec = replace(
        registry.ledger_spec("slate"),
        shown=lambda connection, post: Shown("deposit", 9000, "CLEARING", "AMZ-1 October"),
    )
    monkeypatch.setitem(registry._ledgers, "slate", spec)
    page, absent = (reverse(f"audit:{name}", args=[row.pk]) for name in ("record", "not_there"))
    browser = signed_in(people["bookkeeper"])

    shown, asked = browser.get(page), text_of(browser.get(absent))
    before = books.row("e1").state
    said = text_of(browser.post(absent, follow=True))
    asked_again = text_of(browser.get(absent, follow=True))

    assert "a deposit of 90.00 USD on My Amazon Clearing" in text_of(shown)
    assert "described AMZ-1 October" in text_of(shown)
    assert reverse("audit:replay", args=[row.pk]) not in shown.content.decode()
    assert "no deposit of 90.00 USD on My Amazon Clearing, described AMZ-1 October" in asked
    assert "it will be in your books twice" in asked
    assert before == "parked"
    assert "It will be sent again now" in said
    assert "not a document of which nobody can tell" in asked_again


def test_over_rest_what_is_not_there_goes_out_again(people, books):
    row = in_doubt(books)
    bob = caller(books.tenant, people["bookkeeper"])

    empty = bob.post(f"deliveries/{row.pk}/in-the-books", {})
    said = bob.post(f"deliveries/{row.pk}/not-there")
    again = bob.post(f"deliveries/{row.pk}/in-the-books", {"note": "seen"})
    books.finish()

    assert empty.status_code == 409
    assert (said.status_code, said.json()["state"]) == (200, "ready")
    assert again.status_code == 409
    assert books.row("e1").state == "posted"
    assert len(books.remote.sent) == 2
