"""Two tenants, one company and one seller, in the pretend QuickBooks: the books hold every document once, both are warned."""

import pytest

from flows import mapping, setup
from flows.models import Delivery, Flow
from kit.scope import scope, unscoped
from ledgers.registry import refresh_lists
from tenants import connections, sharing
from tenants.models import Alert, Connection


def joined(world, user, tenant, demo, company, mode):
    """Connect a tenant to the seller and the company on their consent pages; returns its flow."""
    amazon = world.connect("amazon", user, tenant, demo["seller"]["seller_id"])
    books = world.connect("quickbooks", user, tenant, company["realm"])
    with scope(tenant.pk):
        refresh_lists(books)
        return Flow.objects.create(
            tenant=tenant,
            name=f"{tenant} flow",
            source=amazon,
            target=books,
            currency="USD",
            mode=mode,
            approval="automatic",
        )


@pytest.fixture
def both(world, alice, acme, charlie, globex):
    """Acme's and Globex's flows of one seller into one company."""
    world.quickbooks.switches["second_consent_kills_first"] = "no"
    demo, company = world.seller(), world.company()
    return (
        demo,
        joined(world, alice, acme, demo, company, "summary"),
        joined(world, charlie, globex, demo, company, "orders"),
    )


def go_live(world, flow):
    world.run(flow)
    with scope(flow.tenant_id):
        setup.accept_suggestions(flow, "user:1", create_missing=True)
        setup.go_live(flow, "user:1")
    world.run(flow)


def balances(world, flow):
    with scope(flow.tenant_id):
        found = {key: world.balance(flow, key) for key in mapping.load(flow).base}
    return {key: amount for key, amount in found.items() if amount}


def alerts(tenant):
    with scope(tenant.pk):
        return list(Alert.objects.filter(kind="shared_books", settled_at=None))


@pytest.mark.parametrize("kills", ["no", "yes"])
def test_what_one_tenant_posted_is_held_for_the_other_and_booked_once(world, alice, acme, charlie, globex, kills):
    """Intuit does not say whether a second consent ends the first: either way nothing is doubled."""
    world.quickbooks.switches["second_consent_kills_first"] = kills
    demo, company = world.seller(), world.company()
    first = joined(world, alice, acme, demo, company, "summary")
    go_live(world, first)
    expected = demo["expected"]["quickbooks"]["summary"]["balances"]
    assert balances(world, first) == expected

    second = joined(world, charlie, globex, demo, company, "orders")
    go_live(world, second)

    assert balances(world, first) == expected
    with scope(second.tenant_id):
        mine = Delivery.objects.filter(flow=second).exclude(kind__in=["account", "customer", "item"])
        # The payout that Amazon says has failed is planned no more.
        settled = mine.exclude(plan=None).exclude(state="dropped")
        assert settled.exists()
        assert set(settled.values_list("state", "code", "live")) == {("held", "carried_elsewhere", False)}
        said = " ".join(f"{row.reason} {row.action}" for row in mine)
    assert "another flow" in said
    assert "Acme" not in said


def test_both_are_warned_once_and_neither_learns_who_the_other_is(both, alice, acme, globex):
    of_acme, of_globex = alerts(acme), alerts(globex)

    assert (len(of_acme), len(of_globex)) == (1, 1)
    assert "also connected from another Tieout account" in of_acme[0].title
    assert "Globex" not in f"{of_acme[0].title} {of_acme[0].text} {of_acme[0].action}"
    assert "Acme " not in f"{of_globex[0].text} {of_globex[0].action}"


def test_the_checks_of_connection_and_flow_say_it_until_one_has_gone(both, acme, globex):
    _, first, second = both
    with scope(acme.pk):
        steps = connections.run_checks(first.target)
        checks = setup.checks(first)
    assert "Connected only here" in [step.name for step in steps if step.verdict == "warning"]
    assert "Connected only here" in [check.name for check in checks if check.verdict == "warning"]

    with scope(globex.pk):
        connections.disconnect(second.target)

    assert alerts(acme) == []
    assert alerts(globex) == []
    with scope(acme.pk):
        assert "Connected only here" not in [step.name for step in connections.run_checks(first.target)]


def test_the_list_of_connections_says_which_are_shared(both, acme):
    with scope(acme.pk):
        shared = {one.provider: one.shared for one in sharing.with_shared(Connection.objects.all())}

    assert shared == {"amazon": False, "quickbooks": True}


def test_a_seller_that_two_read_from_is_nothing_to_warn_of(both):
    with unscoped("the test looks at every tenant"):
        sellers = set(Connection.objects.filter(provider="amazon").values_list("pk", flat=True))
        warned = {alert.key for alert in Alert.objects.filter(kind="shared_books")}

    assert not {f"connection:{pk}:shared" for pk in sellers} & warned
