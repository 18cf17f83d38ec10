"""``manage.py connect_company``: more companies of a consent that was given in the browser."""

import io

import pytest
from django.core.management import CommandError, call_command

from tenants import providers
from tests.tenants.test_companies import books, choose, consent, everything  # noqa: F401
from tests.tenants.tokens import identify_user, make_provider


def call(user, **options):
    said = io.StringIO()
    call_command("connect_company", user=user.email, stdout=said, **options)
    return said.getvalue()


@pytest.fixture
def calm(endpoint, books):  # noqa: F811
    """A provider whose test finds nothing."""
    spec = make_provider(identify=identify_user(endpoint, books), checks=lambda connection, mode: [])
    providers.register(spec)


@pytest.mark.usefixtures("calm")
def test_it_lists_what_the_consents_open_and_what_is_connected(alice, acme, endpoint):
    choose(alice, acme, consent(alice, acme, endpoint).grant, "2")

    lines = call(alice).splitlines()

    assert [line.split() for line in lines[1:]] == [
        ["1", "Books", "1", "(not", "connected)"],
        ["2", "Books", "2", "(Connected)"],
        ["3", "Books", "3", "(not", "connected)"],
    ]


@pytest.mark.usefixtures("calm")
def test_it_connects_what_is_named_and_says_what_it_could_not(alice, acme, endpoint):
    consent(alice, acme, endpoint)
    asked = len(endpoint.calls)

    said = call(alice, company=["1", "3"])
    with pytest.raises(CommandError, match="77"):
        call(alice, company=["77"])

    assert said.splitlines() == ["Books 1 is connected to Acme.", "Books 3 is connected to Acme."]
    assert sorted(everything()) == [("Acme", "1"), ("Acme", "3")]
    assert len(endpoint.calls) == asked


def test_only_an_owner_with_a_consent_of_their_own_can_be_acted_for(alice, bob, acme, endpoint):
    with pytest.raises(CommandError, match="has given no consent"):
        call(alice)
    with pytest.raises(CommandError, match="owns no such company"):
        call(bob)
