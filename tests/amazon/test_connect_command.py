"""``manage.py connect_amazon``: a private application whose credentials are in the environment."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.test import override_settings

from kit.scope import unscoped
from tenants.models import Connection
from tests.factories import MemberFactory
from tests.world import world

US = "ATVPDKIKX0DER"


@pytest.fixture
def seller(db):
    """A seller who has authorised our private application; the environment has what Amazon gave."""
    with world() as made:
        seller_id = made.seller()["seller"]["seller_id"]
        token = made.seller("authorise", seller_id=seller_id)["refresh_token"]
        # Not by the fixture ``settings``: it would be undone after the world, and bring the world's settings back.
        with override_settings(AMAZON_REFRESH_TOKEN=token):
            yield seller_id


def connect(user, seller_id, **options):
    said = io.StringIO()
    call_command("connect_amazon", user=user, seller=seller_id, marketplace=US, stdout=said, **options)
    return said.getvalue()


def test_it_connects_and_says_every_step_of_the_test(alice, acme, seller):
    said = connect(alice.email, seller)

    with unscoped("looking"):
        connection = Connection.objects.get(tenant=acme)
    assert (connection.provider, connection.remote_id) == ("amazon", seller)
    assert f"{connection} is connected to Acme." in said
    assert "passed   Settlement reports" in said


@pytest.mark.parametrize("who", ["bob", "stranger"])
def test_only_an_owner_of_the_company_can_be_acted_for(request, acme, seller, who):
    email = request.getfixturevalue("bob").email if who == "bob" else "stranger@example.com"

    with pytest.raises(CommandError, match="owns no such company"):
        connect(email, seller)


def test_an_owner_of_several_companies_chooses_one(alice, acme, globex, seller):
    MemberFactory(tenant=globex, user=alice, role="owner")

    with pytest.raises(CommandError, match="choose one with --tenant"):
        connect(alice.email, seller)

    assert "is connected to Globex." in connect(alice.email, seller, tenant=globex.pk)


def test_what_is_missing_in_the_environment_is_named(alice, acme, seller, settings):
    settings.AMAZON_REFRESH_TOKEN = ""

    with pytest.raises(CommandError, match="AMAZON_REFRESH_TOKEN"):
        connect(alice.email, seller)


def test_credentials_that_amazon_does_not_take_are_refused(alice, acme, seller, settings):
    settings.AMAZON_CLIENT_SECRET = "wrong"

    with pytest.raises(CommandError, match="does not take these credentials"):
        connect(alice.email, seller)
