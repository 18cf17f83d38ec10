"""One login at FreshBooks, Wave and Zoho Books, and its companies in several tenants, against the stand-ins."""

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.test import Client as Browser
from django.urls import reverse
from werkzeug.test import Client

from flows.models import Flow
from kit import http, oauth
from kit.clock import now
from kit.scope import scope, unscoped
from kit.sealed import open_from
from ledgers import registry
from ledgers.freshbooks.sandbox import FreshBooksStandIn
from ledgers.port import AuthorizationLost
from ledgers.wave.sandbox import WaveStandIn
from ledgers.zoho.sandbox import ZohoStandIn
from tenants import asking, companies, connections, grants, quotas
from tenants.models import Alert, Bucket, Connection, Grant
from tests import factories
from tests.web.rest.conftest import caller
from tests.world import _Form

SCALE = 100_000.0
NAMES = ("North Ltd", "South Ltd", "West Ltd")


@dataclass
class Login:
    """A user at a provider who may open three companies; ``choice`` is what they tick on its consent page."""

    slug: str
    stand_in: Any
    choice: str
    extra: dict[str, str]

    def consent(self, user, tenant, **changed):
        """Go through the provider's own consent page and come back with what it says, or something ``changed``."""
        with scope(tenant.pk):
            page = urlsplit(connections.begin_consent(user, tenant, self.slug, extra=self.extra))
            base = f"{page.scheme}://{page.netloc}"
            browser = Client(self.stand_in)
            form = _Form(browser.get(page.path, query_string=page.query, base_url=base).text)
            decided = {**form.fields, "choice": self.choice, "decision": "allow"}
            answer = browser.post(urlsplit(form.action).path, data=decided, base_url=base)
            back = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
            return connections.finish_consent(user, tenant, self.slug, {**back, **changed})


def freshbooks(settings):
    stand_in, base = FreshBooksStandIn(), "https://freshbooks.test"
    made = [stand_in.control("create_business", {"name": name, "plan": "Plus"}) for name in NAMES]
    settings.FRESHBOOKS_API_BASE = base
    settings.FRESHBOOKS_AUTHORIZE_URL = f"{base}/oauth/authorize"
    settings.FRESHBOOKS_TOKEN_URL = f"{base}/auth/oauth/token"
    settings.FRESHBOOKS_REVOKE_URL = f"{base}/auth/oauth/revoke"
    settings.FRESHBOOKS_CLIENT_ID, settings.FRESHBOOKS_CLIENT_SECRET = "sandbox-client", "sandbox-secret"
    settings.FRESHBOOKS_RATE_SCALE = SCALE
    return Login("freshbooks", stand_in, made[0]["person"], {}), [base]


def wave(settings):
    stand_in, base = WaveStandIn(), "https://wave.test"
    for name in NAMES:
        stand_in.control("create_business", {"name": name})
    settings.WAVE_API_BASE = base
    settings.WAVE_AUTHORIZE_URL = f"{base}/oauth2/authorize/"
    settings.WAVE_TOKEN_URL = f"{base}/oauth2/token/"
    settings.WAVE_REVOKE_URL = f"{base}/oauth2/token-revoke/"
    settings.WAVE_CLIENT_ID, settings.WAVE_CLIENT_SECRET = "sandbox-client", "sandbox-secret"
    settings.WAVE_RATE_SCALE = SCALE
    return Login("wave", stand_in, "all", {}), [base]


def zoho(settings):
    """A user of the EU who had the data centre of the US chosen: where the code goes, the callback says."""
    stand_in = ZohoStandIn()
    user = stand_in.control("create_organization", {"name": NAMES[0], "location": "eu", "trial": True})["user"]
    for name in NAMES[1:]:
        stand_in.control("create_organization", {"name": name, "user": user})
    settings.ZOHO_CLIENTS = dict.fromkeys(settings.ZOHO_CLIENTS, ("1000.SANDBOX", "sandbox-secret"))
    settings.ZOHO_ACCOUNTS_BASE = settings.ZOHO_API_BASE = ""
    settings.ZOHO_RATE_SCALE = SCALE
    hosts = ["accounts.zoho.com", "accounts.zoho.eu", "www.zohoapis.com", "www.zohoapis.eu"]
    return Login("zoho", stand_in, user, {"centre": "us"}), [f"https://{host}" for host in hosts]


@pytest.fixture(params=[freshbooks, wave, zoho], ids=lambda make: make.__name__)
def login(request, settings, db):
    settings.SITE_URL = "http://127.0.0.1:8000"
    made, bases = request.param(settings)
    made.stand_in.switches["rate_scale"] = 0
    for base in bases:
        http.mount(base, made.stand_in)
    yield made
    for base in bases:
        http.unmount(base)


@pytest.fixture
def two(login, alice, acme, globex):
    """The login's consent, with a company of it connected in each of two tenants of Alice."""
    factories.MemberFactory(tenant=globex, user=alice)
    consented = login.consent(alice, acme)
    assert (consented.choose, consented.connected) == (True, [])
    return [add(alice, acme, consented.grant, "North Ltd"), add(alice, globex, consented.grant, "South Ltd")]


def add(user, tenant, grant, name):
    offered = {each.identity.name: each.identity.remote_id for each in companies.offered(user, tenant, grant)}
    assert set(offered) == set(NAMES)
    (made,) = companies.connect(user, tenant, grant, [offered[name]])
    return made


def read(connection):
    """Read the company's lists over its connection and return its name there."""
    with scope(connection.tenant_id):
        return registry.refresh_lists(Connection.objects.get(pk=connection.pk)).company_name


def test_one_consent_serves_companies_of_several_tenants_through_refreshes_and_ends_with_the_last(login, two):
    first, second = two
    assert (first.grant_id, read(first), read(second)) == (second.grant_id, "North Ltd", "South Ltd")

    grants.refresh_now(first.grant_id)
    assert (read(first), read(second)) == ("North Ltd", "South Ltd")

    with scope(first.tenant_id):
        connections.disconnect(first)
    assert read(second) == "South Ltd"
    grant = Grant.objects.get()
    endpoints, old = grants.spec_of(grant), open_from(grant, "refresh_token")

    with scope(second.tenant_id):
        connections.disconnect(second)
    with pytest.raises(AuthorizationLost):
        read(second)
    with pytest.raises(oauth.InvalidGrant):
        oauth.refresh(grants.HTTP, endpoints, refresh_token=old, redirect_uri=grants.redirect_uri(login.slug))


def test_the_same_persons_next_consent_goes_on_with_what_the_first_serves(login, two, alice, globex):
    first, second = two

    consented = login.consent(alice, globex)
    grants.refresh_now(consented.grant.pk)

    assert consented.grant.pk == first.grant_id
    assert (read(first), read(second)) == ("North Ltd", "South Ltd")


def test_another_persons_consent_as_the_same_user_ends_the_first_only_where_one_lives_and_says_so(login, two, db):
    first, second = two
    initech = factories.TenantFactory(name="Initech")
    charlie = factories.member(initech, "charlie@initech.test", "owner")

    third = add(charlie, initech, login.consent(charlie, initech).grant, "West Ltd")

    assert read(third) == "West Ltd"
    with unscoped("looking at every tenant"):
        told = list(Alert.objects.filter(kind="needs_reconnect").order_by("pk"))
    if login.slug == "freshbooks":
        assert [each.tenant_id for each in told] == [first.tenant_id, second.tenant_id]
        assert "FreshBooks lets only a user's latest consent live" in told[0].text
        with pytest.raises(AuthorizationLost):
            read(first)
    else:
        assert told == []
        assert (read(first), read(second)) == ("North Ltd", "South Ltd")


@pytest.mark.parametrize("login", [zoho], indirect=True, ids=["zoho"])
def test_what_a_company_has_left_of_its_day_is_known_after_a_call(login, two):
    read(two[0])

    with scope(two[0].tenant_id):
        assert re.fullmatch(
            r"9\d\d of 1,000 calls left today, until midnight in New York \(0[45]:00 UTC\)", quotas.of(two[0]).text
        )


@pytest.mark.parametrize("login", [zoho], indirect=True, ids=["zoho"])
@pytest.mark.parametrize(
    "changed", [{"accounts-server": "https://accounts.zoho.example"}, {"location": "xx"}], ids=["server", "location"]
)
def test_the_code_goes_to_no_server_that_only_the_callback_knows(login, alice, acme, changed):
    with pytest.raises(connections.ConsentFailed, match="Nothing was sent"):
        login.consent(alice, acme, **changed)

    assert not Grant.objects.exists()


@pytest.mark.parametrize("login", [freshbooks], indirect=True, ids=["freshbooks"])
def test_a_refresh_whose_answer_is_lost_ends_the_login_and_every_company_says_so(login, two):
    """FreshBooks ends the old pair with the refresh, so nobody knows the new one: only another consent helps."""
    login.stand_in.switches["refresh_answer_lost"] = "drop"
    login.stand_in.control("expire_access", {"person": login.choice})

    for connection in two:
        with pytest.raises(AuthorizationLost):
            read(connection)

    with unscoped("looking at every tenant"):
        told = Alert.objects.filter(kind="needs_reconnect").values_list("tenant_id", flat=True)
        assert sorted(told) == sorted(each.tenant_id for each in two)


@pytest.mark.parametrize("login", [wave], indirect=True, ids=["wave"])
@pytest.mark.parametrize("empty", ["tenant:{tenant}:wave:asked", "wave:production:app:calls"], ids=["own", "of all"])
def test_who_asked_too_often_is_refused_at_every_door_and_makes_no_call(login, two, alice, acme, empty, settings):
    """Wave counts the calls of the day over all companies: no tenant's buttons use up the others'."""
    connection = two[0]
    read(connection)
    with scope(acme.pk):
        flow = Flow.objects.create(tenant=acme, name="Acme US", target=connection, currency="USD")
    Bucket.objects.update_or_create(key=empty.format(tenant=acme.pk), defaults={"tokens": 0, "at_s": now().timestamp()})
    settings.WAVE_RATE_SCALE = 1.0
    browser, rest = Browser(), caller(acme, alice)
    browser.force_login(alice)
    before = quotas.calls_today("wave", "production")

    answers = [
        browser.post(reverse("tenants:connection_test", args=[connection.pk]), follow=True),
        browser.get(reverse("flows:flow_checks", args=[flow.pk]), headers={"HX-Request": "true"}),
        browser.post(reverse("flows:mapping_lists", args=[flow.pk]), follow=True),
        browser.get(reverse("tenants:companies", args=[connection.grant_id])),
        rest.post(f"flows/{flow.pk}/go-live"),
    ]

    assert [("Try again in" in answer.content.decode()) for answer in answers] == [True] * 5
    assert quotas.calls_today("wave", "production") == before


@pytest.mark.django_db
def test_asking_takes_of_what_the_tenant_has_and_of_what_all_companies_share(acme, globex):
    ours, theirs = (factories.ConnectionFactory(tenant=tenant, grant__provider="wave") for tenant in (acme, globex))

    for _ in range(30):
        asking.ask(ours)
    with pytest.raises(asking.AskedTooOften) as refused:
        asking.ask(ours)
    asking.ask(theirs)

    assert refused.value.action == "Try again in 5 minutes."
    assert round(Bucket.objects.get(key=f"wave:{ours.environment}:app:calls").tokens) == 2000 - 31 * asking.CALLS
