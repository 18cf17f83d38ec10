"""A walk over every address of the site: as a stranger, as another company's owner, as a member who may not."""

import hashlib
from datetime import date, timedelta

import pytest
from django.apps import apps
from django.db import transaction
from django.db.models import Q
from django.test import Client
from django.urls import NoReverseMatch, reverse

from amazon import buyers
from amazon.models import Order, Report
from amazon.upload import import_file
from bank.csv_file import Columns
from flows import bank_files
from flows.models import BankLine, Delivery, ExchangeRate, MappingRule, Run
from kit.clock import now
from kit.scope import ScopedModel, scope, unscoped
from tenants import apikeys
from tenants.alerts import alert
from tenants.models import Connection, Grant, Invitation, Member
from tests import factories
from tests.amazon.settlements import SALE, v2
from tests.security.addresses import BOOKKEEPER, OF_COMPANIES, OWNER, PAGES, RANKS, VIEWER, names
from tests.web.small_books import STRANGE, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
SECRET_WORD = "Kwyjibo"  # stands in everything of Acme's that has a name


@pytest.fixture(scope="module")
def world(django_db_setup, django_db_blocker):
    """Something of everything an address may name, all of it Acme's: (Acme, its members by role, ids by ``Page.about``).

    Made once; every test runs in a transaction inside this one.
    """
    with django_db_blocker.unblock():
        outer = transaction.atomic()
        outer._from_testcase = True  # as pytest's own: what must not run inside a transaction may run here
        outer.__enter__()
        try:
            yield make_world()
        finally:
            transaction.set_rollback(True)
            outer.__exit__(None, None, None)


def make_world():
    acme = factories.TenantFactory(name="Acme")
    members = {role: factories.member(acme, f"{role}@acme.test", role) for role in RANKS}
    alice = members[OWNER]
    flow = flow_of(acme, name=f"{SECRET_WORD} flow")
    posted = post(plan_of(settle(acme)))
    waiting = plan_of(settle(acme, "15000000002", (*SALE, STRANGE), start="2026-01-15", sku=f"{SECRET_WORD}-1"))
    import_file(acme.pk, [v2(rows=(*SALE, SALE[0])).encode()], f"{SECRET_WORD}.txt", "user:1")
    key, _ = apikeys.issue(acme, alice, SECRET_WORD, ["read"])
    seller = factories.ConnectionFactory(
        tenant=acme, provider="amazon", grant__provider="amazon", remote_id="A1", remote_name=f"{SECRET_WORD} shop"
    )
    with scope(acme.pk):
        offered = Invitation.objects.create(
            email=f"{SECRET_WORD}@acme.test", role="viewer", token_digest="x", expires_at=now() + timedelta(days=1)
        )
        order = Order.objects.create(
            connection=seller,
            order_id=f"{SECRET_WORD}-2",
            status="SHIPPED",
            purchased_at=now(),
            last_updated_at=now(),
        )
        buyers.keep(seller, {order.order_id: buyers.Person(f"{SECRET_WORD} Buyer", "")})
        invoice = Delivery.objects.create(
            flow=flow,
            remote_key=flow.target.remote_key,
            key="invoice",
            kind="invoice",
            document="{}",
            number=f"{SECRET_WORD}-2",
            currency="USD",
            state="posted",
            external_id="9",
        )
        Run.objects.create(flow=flow, started_at=now(), problem=SECRET_WORD)
        account = bank_files.open_account(acme.pk, "user:1", SECRET_WORD, "USD")
        statement = f"Date,Description,Amount\n2026-01-19,AMAZON {SECRET_WORD},12.51\n".encode()
        columns = Columns((), "Date", "%Y-%m-%d", ".", "Amount", texts=("Description",))
        bank_files.import_file(account, f"{SECRET_WORD}.csv", statement, "user:1", columns)
        ids = {
            "flow": flow.pk,
            "month": date(2026, 1, 1),
            "plan": waiting.pk,
            "posted": posted.pk,
            "settlement": waiting.settlement_id,
            "revision": Report.objects.get(state="revision").pk,
            "order": order.pk,
            "invoice": invoice.pk,
            "delivery": Delivery.objects.filter(plan=waiting, state="held").first().pk,
            "rate": ExchangeRate.objects.create(
                tenant=acme, home="USD", currency="GBP", on="2026-01-05", rate="1.3", set_at=now(), source=SECRET_WORD
            ).pk,
            "bank": account.pk,
            "bank_line": BankLine.objects.get().pk,
            "rule": MappingRule.objects.filter(flow=flow).first().pk,
            "member": Member.objects.get(user=alice).pk,
            "invitation": offered.pk,
            "key": key.pk,
            "alert": alert(acme.pk, "test", "test", SECRET_WORD, "Why", "What").pk,
            "connection": seller.pk,
            # Of a consent that lives, the provider would be asked.
            "grant": factories.GrantFactory(provider="amazon", user=alice, state="needs_reconnect").pk,
            "target": flow.target_id,
            "provider": "amazon",
        }
    return acme, members, ids


@pytest.fixture
def acme(world, db):
    return world[0]


@pytest.fixture
def members(world, db):
    return world[1]


@pytest.fixture
def alice(members):
    return members[OWNER]


@pytest.fixture
def acmes(world, db):
    return world[2]


def address(name, ids):
    page = PAGES[name]
    return reverse(name, args=[ids[about] for about in page.about])


def asked(page):
    """Return the methods an address answers to."""
    return [method for method in ("get", "post") if getattr(page, method)]


def digest(tenant):
    """Return a digest of a tenant, all its rows, and what it has been granted."""
    tenant.refresh_from_db()
    hashed = hashlib.sha256(tenant.name.encode())
    with unscoped("the test looks at all of a tenant"):
        connections = Connection.objects.filter(tenant=tenant).values("grant")
        people = Member.objects.filter(tenant=tenant).values("user")
        rows = [Grant.objects.filter(Q(pk__in=connections) | Q(user__in=people))]
        models = [model for model in apps.get_models() if issubclass(model, ScopedModel)]
        for found in [*rows, *(model.objects.filter(tenant=tenant) for model in models)]:
            hashed.update(repr(list(found.order_by("pk").values_list())).encode())
    return hashed.hexdigest()


@pytest.fixture(scope="module")
def as_it_was(world):
    return digest(world[0])


@pytest.fixture
def untouched(acme, as_it_was):
    """See, after the test, that all rows of Acme are as they were."""
    yield
    assert digest(acme) == as_it_was


def bodies(ids):
    """Forms that name everything at once, as somebody would who only tries."""
    return {
        **{name: str(value) for name, value in ids.items()},
        "id": str(ids["delivery"]),
        "source": str(ids["connection"]),
        "target": str(ids["target"]),
        "tenant": "1",
        "role": "owner",
        "save": "company",
        "name": "Mine now",
        "email": "me@globex.test",
        "scopes": "write",
        "decision": "accept",
        "all": "1",
        "wanted": "",
        "missing": "all",
        "marketplace": "ATVPDKIKX0DER",
        "state": "paused",
    }


def test_the_digest_notices_what_the_walk_looks_for(acme, acmes):
    before = digest(acme)

    with scope(acme.pk):
        Delivery.objects.filter(pk=acmes["delivery"]).update(state="ready")

    assert digest(acme) != before


def test_every_address_of_the_site_is_classified():
    there = names()

    assert sorted(there) == sorted(PAGES)


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_a_stranger_signs_in_first(name, acmes, untouched):
    place = address(name, acmes)

    for method in ("get", "post"):
        answer = getattr(Client(), method)(place)

        assert answer.status_code == 302
        assert answer.url.startswith(f"{reverse('account_login')}?next=/")


@pytest.mark.parametrize("name", [name for name, page in PAGES.items() if page.outside == "person"])
def test_a_stranger_sees_no_page_of_a_person(name):
    for method in ("get", "post"):
        answer = getattr(Client(), method)(reverse(name))

        assert answer.status_code == 302
        assert answer.url.startswith(reverse("account_login"))


@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if {*page.about} - {"provider"}])
def test_what_belongs_to_another_company_is_not_there(name, acmes, charlie, untouched, signed_in):
    page, place = signed_in(charlie), address(name, acmes)

    for method in asked(PAGES[name]):
        answer = getattr(page, method)(place, bodies(acmes))

        assert answer.status_code == 404
        assert SECRET_WORD not in answer.content.decode()


def test_a_part_of_another_company_is_not_there_under_ones_own(acmes, globex, charlie, untouched, signed_in):
    own = flow_of(globex)

    answer = signed_in(charlie).post(reverse("flows:rule_retire", args=[own.pk, acmes["rule"]]))

    assert answer.status_code == 404


@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if not {*page.about} - {"provider"}])
def test_a_page_without_an_id_shows_and_takes_nothing_of_another_company(name, acmes, charlie, untouched, signed_in):
    page, place = signed_in(charlie), address(name, acmes)

    for method in asked(PAGES[name]):
        answer = getattr(page, method)(place, bodies(acmes))
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content

        assert answer.status_code < 500
        # What Charlie types himself is only shown back to him.
        assert SECRET_WORD not in content.decode()
    if PAGES[name].get:
        part = page.get(place, bodies(acmes), headers={"HX-Request": "true"})
        shown = b"".join(part.streaming_content) if part.streaming else part.content
        assert SECRET_WORD not in shown.decode()


def below(role):
    return [] if role is None else list(RANKS[: RANKS.index(role)])


FORBIDDEN = [
    (name, method, role)
    for name, page in OF_COMPANIES.items()
    for method in ("get", "post")
    for role in below(getattr(page, method))
]


@pytest.mark.parametrize(("name", "method", "role"), FORBIDDEN)
def test_a_member_below_the_role_is_refused_and_changes_nothing(
    name, method, role, acmes, members, untouched, signed_in
):
    answer = getattr(signed_in(members[role]), method)(address(name, acmes), bodies(acmes))

    assert answer.status_code == 403


# The check asks the ledger, which counts its reads.
@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if page.get and "checks" not in name])
def test_looking_changes_nothing(name, acmes, alice, untouched, signed_in):
    """A link, a picture or a prefetch must not do anything in somebody's name."""
    place = address(name, acmes)

    answer = signed_in(alice).get(place)

    assert answer.status_code in (200, 302)


@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if page.post])
def test_a_form_from_another_site_is_refused(name, acmes, alice, untouched):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice)

    assert browser.post(address(name, acmes), bodies(acmes)).status_code == 403


@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if not page.post])
def test_what_only_shows_takes_no_form(name, acmes, alice, signed_in):
    assert signed_in(alice).post(address(name, acmes)).status_code == 405


@pytest.mark.parametrize("name", [name for name, page in OF_COMPANIES.items() if not page.get])
def test_what_only_acts_is_no_link(name, acmes, alice, signed_in):
    assert signed_in(alice).get(address(name, acmes)).status_code == 405


@pytest.mark.parametrize("name", OF_COMPANIES)
def test_who_has_no_company_sees_none(name, acmes, signed_in):
    nobody = signed_in(factories.UserFactory())

    for method in ("get", "post"):
        assert getattr(nobody, method)(address(name, acmes)).status_code == 403


@pytest.mark.parametrize("role", RANKS)
def test_the_roles_are_what_the_table_says(role, acmes, members, signed_in):
    """The table would otherwise be right by being too strict."""
    member = signed_in(members[role])

    for name, page in OF_COMPANIES.items():
        if page.get in (VIEWER, BOOKKEEPER, OWNER) and role not in below(page.get) and name != "flows:flow_checks":
            assert member.get(address(name, acmes)).status_code != 403, name


def test_every_page_of_a_company_has_an_address_with_ids_as_numbers():
    for name, page in OF_COMPANIES.items():
        for about in page.about:
            if about != "provider":
                with pytest.raises(NoReverseMatch):
                    reverse(name, args=["x"] * len(page.about))
