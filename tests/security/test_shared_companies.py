"""Two tenants and one company outside: neither ever works with what the other agreed to."""

from urllib.parse import parse_qs, urlsplit

import pytest

from amazon.connect import client_for
from kit.http import mount, unmount
from kit.scope import scope
from tenants import connections, providers
from tenants.grants import NeedsReconnect, access_token, token_for
from tenants.models import Access, Connection
from tenants.providers import Identity
from tests.amazon.fake_api import BASE, FakeApi
from tests.tenants.conftest import endpoint  # noqa: F401
from tests.tenants.tokens import make_provider

pytestmark = pytest.mark.django_db
US = "ATVPDKIKX0DER"
ACMES_SELLER = "A2ACMESELLER001"
TOKENS = "/auth/o2/token"
COMPANY = "93412"


@pytest.fixture
def amazon(settings):
    """Amazon as far as a consent goes: it trades a code for tokens of whoever agreed, and names no seller by itself."""
    settings.AMAZON_APPLICATION_ID = "amzn1.sp.solution.1"
    settings.AMAZON_CLIENT_ID, settings.AMAZON_CLIENT_SECRET = "amzn1.application-oa2-client.1", "s3cret"
    fake = FakeApi()
    place = {"marketplace": {"id": US, "countryCode": "US", "name": "Amazon.com", "defaultCurrencyCode": "USD"}}
    participation = {**place, "storeName": "Lamps", "participation": {"isParticipating": True}}
    fake.answer("/sellers/v1/marketplaceParticipations", (200, {"payload": [participation]}))
    for base in ("https://api.amazon.com", BASE):
        mount(base, fake)
    yield fake
    for base in ("https://api.amazon.com", BASE):
        unmount(base)


def sell(amazon, user, tenant, tokens):
    """Go through Amazon's consent as a person whose seller has these tokens, and come back naming Acme's seller."""
    amazon.answers[TOKENS] = [(200, {"access_token": tokens, "refresh_token": f"r-{tokens}", "expires_in": 3600})]
    with scope(tenant.pk):
        address = connections.begin_consent(user, tenant, "amazon", extra={"marketplace": US})
        state = parse_qs(urlsplit(address).query)["state"][0]
        back = {"state": state, "selling_partner_id": ACMES_SELLER, "spapi_oauth_code": "code"}
        return connections.finish_consent(user, tenant, "amazon", back).connected[0]


def consent(endpoint, user, tenant, code, company=COMPANY):  # noqa: F811
    endpoint.codes[code] = company
    state = parse_qs(urlsplit(connections.begin_consent(user, tenant, "quickbooks")).query)["state"][0]
    back = {"state": state, "code": code, "company": company}
    return connections.finish_consent(user, tenant, "quickbooks", back).connected[0]


def token_of(connection):
    return access_token(connection.grant_id)


def test_naming_anothers_seller_in_the_callback_leaves_their_access_alone(amazon, alice, acme, charlie, globex):
    """The seller's id stands in a query that the browser brings, and in every shop window: it proves nothing."""
    acmes = sell(amazon, alice, acme, "alices")

    sell(amazon, charlie, globex, "charlies")

    assert token_of(acmes) == "alices"


def test_naming_anothers_seller_gives_no_access_when_its_owner_agrees_anew(amazon, alice, acme, charlie, globex):
    charlies = sell(amazon, charlie, globex, "charlies")

    sell(amazon, alice, acme, "alices")

    assert token_of(charlies) == "charlies"
    with scope(globex.pk):
        assert client_for(Connection.objects.get())._token() == "charlies"


def test_who_lost_their_access_does_not_go_on_with_that_of_others(endpoint, alice, acme, charlie, globex):  # noqa: F811
    """Charlie kept Acme's books once. What Acme agrees to after he left is not for him."""
    charlies = consent(endpoint, charlie, globex, "charlies")
    acmes = consent(endpoint, alice, acme, "alices")
    assert token_of(charlies) != token_of(acmes)

    endpoint.error = "invalid_grant"
    with pytest.raises(NeedsReconnect):
        access_token(charlies.grant_id, rejected=token_of(charlies))

    with scope(acme.pk):
        acmes.refresh_from_db()
    assert acmes.state == Access.ACTIVE
    assert token_of(acmes)


def test_an_end_of_one_connection_ends_nothing_of_another_tenant(endpoint, alice, acme, charlie, globex):  # noqa: F811
    charlies = consent(endpoint, charlie, globex, "charlies")
    acmes = consent(endpoint, alice, acme, "alices")

    connections.disconnect(charlies)

    assert endpoint.revoked == []
    assert token_of(acmes)
    with pytest.raises(NeedsReconnect):
        token_of(charlies)


def test_two_of_our_people_who_sign_in_there_as_one_share_no_consent(endpoint, alice, acme, charlie, globex):  # noqa: F811
    """Who knows a login today need not know it tomorrow: each goes on only with what they agreed to themselves."""
    providers.register(
        make_provider(identify=lambda tokens, params: [Identity(params["company"], "Books", subject="person-7")])
    )

    first = consent(endpoint, alice, acme, "one", company="1")
    second = consent(endpoint, charlie, globex, "two", company="2")

    assert first.grant_id != second.grant_id
    assert token_of(first) != token_of(second)


def test_a_connection_that_was_ended_opens_nothing_though_the_consent_lives_on(endpoint, alice, acme):  # noqa: F811
    providers.register(
        make_provider(identify=lambda tokens, params: [Identity(params["company"], "Books", subject="person-7")])
    )
    ended = consent(endpoint, alice, acme, "one", company="1")
    kept = consent(endpoint, alice, acme, "two", company="2")

    connections.disconnect(ended)

    assert token_of(kept)
    with pytest.raises(NeedsReconnect):
        token_for(ended)


def test_what_was_chosen_before_the_consent_cannot_be_changed_in_the_callback(amazon, charlie, globex):
    amazon.answers[TOKENS] = [(200, {"access_token": "a", "refresh_token": "r", "expires_in": 3600})]
    address = connections.begin_consent(charlie, globex, "amazon", extra={"marketplace": US})
    state = parse_qs(urlsplit(address).query)["state"][0]
    back = {"state": state, "selling_partner_id": ACMES_SELLER, "spapi_oauth_code": "code"}

    consented = connections.finish_consent(charlie, globex, "amazon", {**back, "marketplace": "A1PA6795UKMFR9"})
    (made,) = consented.connected

    assert (made.environment, made.data["region"]) == ("NA", "NA")


def test_who_names_anothers_seller_does_not_use_up_what_amazon_allows_them(amazon, alice, acme, charlie, globex):
    acmes, charlies = sell(amazon, alice, acme, "alices"), sell(amazon, charlie, globex, "charlies")

    with scope(globex.pk):
        client = client_for(charlies)
        while client._take("getReports") == 0:
            pass

    with scope(acme.pk):
        assert client_for(acmes)._take("getReports") == 0
