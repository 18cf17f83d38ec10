"""The dashboard: the next step of a new company; for a running one what ran, what waits, what is in the books."""

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.urls import reverse

from audit import trail
from audit.models import Event
from flows import clearing_account, month_totals, outcomes, planning
from flows.models import Delivery, Flow, Lane, Run
from flows.rows import VOID
from kit import clock
from kit.scope import scope
from ledgers.port import NotSent
from tenants import quotas
from tenants.alerts import alert
from tenants.models import Connection
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, answer_all, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


@pytest.fixture
def look(signed_in):
    return lambda user: signed_in(user).get(reverse("flows:dashboard"))


def amazon(acme):
    grant = factories.GrantFactory(provider="amazon", environment="production")
    return factories.ConnectionFactory(
        tenant=acme, grant=grant, remote_name="Acme Seller", data={"currencies": ["USD"], "region": "NA"}
    )


# The way to the first posting


def test_a_new_owner_sees_how_to_connect_amazon_and_a_way_without_it(look, alice):
    response = look(alice)

    assert reverse("tenants:connect", args=["amazon"]) in response.content.decode()
    assert reverse("flows:upload") in response.content.decode()
    assert "Books" in text_of(response)


def test_after_amazon_the_books_are_next(look, alice, acme):
    amazon(acme)

    assert reverse("tenants:connect", args=["quickbooks"]) in look(alice).content.decode()


def test_who_uploaded_a_file_needs_no_amazon_account(look, alice, acme):
    settle(acme)

    assert "Connect your books" in text_of(look(alice))


def test_with_both_connected_the_flow_is_next(look, alice, acme):
    amazon(acme)
    factories.ConnectionFactory(tenant=acme)

    assert reverse("flows:flow_new") in look(alice).content.decode()


def test_a_viewer_is_told_who_can_go_on(look, viewer):
    response = look(viewer)

    assert "An owner of this company can do this" in text_of(response)
    assert reverse("tenants:connect", args=["amazon"]) not in response.content.decode()


def test_a_first_fetch_shows_its_step_and_asks_for_itself_again(look, alice, acme, in_acme):
    flow = flow_of(acme, state="setup")
    Flow.objects.update(source=amazon(acme), claimed_until=clock.now() + timedelta(minutes=5))
    Run.objects.create(tenant=acme, flow=flow, started_at=clock.now(), step="Fetching orders", found={"settlements": 4})

    response = look(alice)

    assert "Fetching orders" in text_of(response)
    assert "4 new settlements" in text_of(response)
    assert f'hx-get="{reverse("flows:flow_progress", args=[flow.pk])}' in response.content.decode()


def test_a_first_fetch_that_found_nothing_says_what_to_do(look, alice, acme, in_acme):
    flow = flow_of(acme, state="setup")
    Flow.objects.update(source=amazon(acme), books_from="2026-01-01")
    Run.objects.create(tenant=acme, flow=flow, started_at=clock.now(), state="done")

    shown = look(alice)

    assert "ended on or after 1 January 2026" in text_of(shown)
    assert reverse("flows:flow_edit", args=[flow.pk]) in shown.content.decode()


def test_a_first_fetch_that_failed_leads_to_the_test_of_the_connection(look, alice, acme, in_acme):
    flow, source = flow_of(acme, state="setup"), amazon(acme)
    Flow.objects.update(source=source)
    Run.objects.create(tenant=acme, flow=flow, started_at=clock.now(), state="failed", problem="Amazon said no.")

    shown = look(alice)

    assert "Amazon said no." in text_of(shown)
    assert reverse("tenants:connection", args=[source.pk]) in shown.content.decode()


def test_a_mapped_flow_leads_to_its_dry_run(look, alice, acme):
    flow = flow_of(acme, state="setup")
    settle(acme)

    assert reverse("flows:dry_run", args=[flow.pk]) in look(alice).content.decode()


def test_a_second_flow_in_set_up_is_not_forgotten(look, alice, acme):
    flow_of(acme, state="setup", name="First")
    flow_of(acme, state="setup", name="Newest")

    assert "Also being set up First" in text_of(look(alice))


# A running company


def test_what_is_in_the_books_is_shown_with_its_verdict(look, alice, acme):
    flow_of(acme)
    post(plan_of(settle(acme)))

    shown = text_of(look(alice))

    assert "15000000001" in shown
    assert "Ties" in shown
    assert "should be at zero" in shown


def test_what_waits_says_why_and_leads_to_where_it_is_decided(look, alice, acme):
    flow = flow_of(acme)
    settle(acme, rows=(*SALE, STRANGE))

    shown = look(alice)

    assert "Amazon used a label that nobody has decided on" in text_of(shown)
    assert reverse("flows:mapping_labels", args=[flow.pk]) in shown.content.decode()
    assert "1 settlement to approve" in text_of(shown)


def test_clearing_says_what_is_still_to_come(look, alice, acme):
    flow = flow_of(acme)
    settlement = settle(acme, rows=(*SALE, STRANGE))
    with scope(acme.pk):
        planning.approve(plan_of(settlement), "alice")
        answer_all(plan_of(settlement))
        [clearing] = clearing_account.clearings([flow]).values()

    assert (clearing.expected, clearing.then_holds) == (-1975, 0)
    assert "now, and 0.00 USD once everything that waits is in the books. 1 document waits" in text_of(look(alice))


def test_what_somebody_deleted_in_the_ledger_is_not_still_to_come(look, alice, acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    with scope(acme.pk):
        payout = Delivery.objects.get(plan=plan, kind="transfer")
        outcomes.changed_by_hand(payout, VOID, "Somebody deleted it.", "Put it back.", 0)
        [clearing] = clearing_account.clearings([flow]).values()
        balances = month_totals.balances(flow, payout.on)

    assert (clearing.expected, clearing.then_holds, clearing.waiting) == (1250, 1250, 0)
    assert {one.account: one.then - one.amount for one in balances if one.then != one.amount} == {}


def test_alerts_stand_above_but_not_what_the_cards_say_already(look, alice, acme, in_acme):
    flow_of(acme)
    alert(acme.pk, "run_failed", "a", "Acme US could not finish its run", "Amazon is down.", "Wait.")
    alert(acme.pk, "waiting", "b", "1 document needs you", "Reason.", "Do it.")

    shown = text_of(look(alice))

    assert "Amazon is down." in shown
    assert "1 document needs you" not in shown


def test_settlements_without_a_flow_are_named(look, alice, acme):
    flow_of(acme)
    settle(acme, currency="CAD")

    assert "1 settlement in CAD is in no flow" in text_of(look(alice))


def test_a_failed_run_says_why(look, alice, acme, in_acme):
    Run.objects.create(
        tenant=acme, flow=flow_of(acme), started_at=clock.now(), state="failed", problem="Test the connection."
    )

    assert "The last run failed" in text_of(look(alice))


def test_a_ledger_that_asks_to_slow_down_is_named(look, alice, acme, in_acme):
    flow = flow_of(acme)
    planning.approve(plan_of(settle(acme)), "alice")
    reason = "QuickBooks asks us to slow down."
    later = clock.now() + timedelta(minutes=3)
    resting = {"paused_until": later, "pause_reason": reason}
    Lane.objects.update_or_create(remote_key=flow.target.remote_key, defaults=resting)

    assert f"{reason} It goes on in 3 minutes." in text_of(look(alice))


@pytest.mark.parametrize(
    ("zone", "at"),
    [("", "11:00 UTC"), ("Asia/Kolkata", "16:30 in Kolkata (11:00 UTC)")],
    ids=["nobody knows where", "where the company is"],
)
def test_a_rest_of_hours_is_said_in_hours_and_with_the_time_of_day_there(look, alice, acme, in_acme, zone, at):
    flow = flow_of(acme)
    planning.approve(plan_of(settle(acme)), "alice")
    begun = datetime(2026, 6, 9, 23, 50, tzinfo=UTC)
    until = datetime(2026, 6, 10, 11, 0, tzinfo=UTC)
    resting = {"paused_until": until, "pause_reason": "No calls are left today."}
    Lane.objects.update_or_create(remote_key=flow.target.remote_key, defaults=resting)

    with time_machine.travel(begun, tick=False):
        quotas.note(flow.target, 1000, 0, until.astimezone(ZoneInfo(zone)) if zone else until)
        shown = text_of(look(alice))

    assert f"No calls are left today. It goes on in about 11 hours, at {at}." in shown


def test_a_viewer_reads_and_cannot_run(look, viewer, acme):
    flow = flow_of(acme)
    settle(acme)

    shown = look(viewer).content.decode()

    assert "15000000001" in shown
    assert reverse("flows:flow_run", args=[flow.pk]) not in shown
    assert reverse("flows:flow_clearing", args=[flow.pk]) not in shown


def test_another_company_sees_none_of_it(look, charlie, acme):
    flow_of(acme)
    settle(acme)

    assert "15000000001" not in text_of(look(charlie))


def test_a_stranger_signs_in_first(client):
    assert reverse("account_login") in client.get(reverse("flows:dashboard")).url


def test_the_number_of_queries_does_not_grow_with_flows_and_settlements(
    signed_in, alice, acme, django_assert_max_num_queries
):
    for number in range(3):
        flow_of(acme, name=f"Flow {number}")
    for month in range(1, 5):
        settle(acme, f"1500000000{month}", rows=(*SALE, STRANGE), start=f"2026-0{month}-01")

    browser = signed_in(alice)

    with django_assert_max_num_queries(24):
        assert browser.get(reverse("flows:dashboard")).status_code == 200


# Comparing the clearing account


class Books:
    """A ledger that answers balances, or does not answer."""

    def __init__(self, balances):
        self.found = balances

    def balances(self):
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def compare(signed_in, alice, monkeypatch):
    def run(flow, balances):
        monkeypatch.setattr(clearing_account, "open_ledger", lambda connection: Books(balances))
        return signed_in(alice).post(reverse("flows:flow_clearing", args=[flow.pk]), follow=True)

    return run


def clearing_id(flow):
    return clearing_account.clearings([flow])[flow.pk].account


def test_an_equal_balance_is_said_and_remembered(compare, acme, in_acme):
    flow = flow_of(acme)
    post(plan_of(settle(acme)))

    response = compare(flow, {clearing_id(flow): 0})

    assert "holds exactly what it should" in text_of(response)
    assert Event.objects.get(kind="clearing.compared").data == {
        "account": clearing_id(flow),
        "actual": 0,
        "expected": 0,
        "currency": "USD",
    }


def test_a_strange_entry_on_clearing_is_shown_as_the_difference(compare, acme, in_acme):
    flow = flow_of(acme)
    post(plan_of(settle(acme)))

    response = compare(flow, {clearing_id(flow): 500})

    assert (
        "Books had 5.00 USD where Tieout’s documents came to 0.00 USD , just now : +5.00 is somebody else’s"
        in text_of(response)
    )


def test_both_figures_are_quoted_and_an_answer_before_the_last_posting_says_so(compare, look, alice, acme, in_acme):
    flow = flow_of(acme)
    post(plan_of(settle(acme)))

    agreed = text_of(compare(flow, {clearing_id(flow): 0}))
    post(plan_of(settle(acme, "15000000002", start="2026-03-01")))
    since = text_of(look(alice))

    assert "Acme US Books had 0.00 USD and Tieout’s documents came to 0.00 USD , just now ." in agreed
    assert "Not compared since the last posting. Before it, just now , Acme US Books had 0.00 USD" in since
    assert "Acme US Books had 0.00 USD and" not in since


def test_flows_that_share_an_account_are_named_and_compared_by_what_all_of_them_left_there(
    signed_in, compare, alice, acme, in_acme
):
    flow = flow_of(acme, name="Acme US")
    twin = Flow.objects.create(tenant=acme, name="Acme UK", target=flow.target, currency="GBP", state="live")
    for rule in flow.rules.all():
        rule.pk, rule.flow = None, twin
        rule.save()
    plan = post(plan_of(settle(acme), flow))
    Delivery.objects.filter(plan=plan, kind="transfer").update(state="held", posted_at=None)

    compare(flow, {clearing_id(flow): 1250})
    of_twin = text_of(signed_in(alice).get(reverse("flows:flow", args=[twin.pk])))

    assert "Clearing account has nothing of this flow yet." in of_twin
    assert "The same account serves Acme US: what all of them posted comes to 12.50" in of_twin
    assert "Acme US Books had 12.50" in of_twin
    assert "Compare now" not in of_twin


def test_a_flow_that_posted_nothing_claims_nothing_of_clearing(signed_in, alice, acme, in_acme):
    flow = flow_of(acme, state="setup")

    shown = text_of(signed_in(alice).get(reverse("flows:flow", args=[flow.pk])))

    assert "Clearing account has nothing of this flow yet." in shown
    assert "paid out" not in shown
    assert "Compare now" not in shown


def test_a_ledger_that_does_not_answer_changes_nothing(compare, acme, in_acme):
    response = compare(flow_of(acme), NotSent("no connection"))

    assert "could not be read" in text_of(response)
    assert not Event.objects.filter(kind="clearing.compared").exists()


def test_a_clearing_account_that_is_gone_leads_to_the_mapping(compare, acme, in_acme):
    assert "Choose another one on the mapping page" in text_of(compare(flow_of(acme), {}))


def test_two_flows_on_one_clearing_account_are_compared_together(compare, acme, in_acme):
    flow = flow_of(acme)
    post(plan_of(settle(acme)))
    twin = Flow.objects.create(tenant=acme, name="Twin", target=flow.target, currency="CAD", state="live")
    for rule in flow.rules.all():
        rule.pk, rule.flow = None, twin
        rule.save()
    Delivery.objects.filter(kind="entry").update(flow=twin)

    compare(flow, {clearing_id(flow): 0})

    assert Event.objects.get(kind="clearing.compared").data["expected"] == 0


# Several flows


def several(tenant, *names):
    """Return live flows into companies of their own, with nothing in the books."""
    with scope(tenant.pk):
        return [
            Flow.objects.create(
                tenant=tenant,
                name=name,
                target=factories.ConnectionFactory(tenant=tenant, remote_name=f"{name} Books"),
                currency="JPY",
                state="live",
            )
            for name in names
        ]


def flows_shown(response):
    return re.findall(r'id="open-\d+" href="[^"]+">([^<]+)</a>', response.content.decode())


def test_several_flows_are_a_line_each_and_those_that_need_somebody_come_first(look, alice, acme):
    flow_of(acme, name="Aa ties")
    held = flow_of(acme, name="Zz held", currency="CAD")
    post(plan_of(settle(acme)))
    post(plan_of(settle(acme, "15000000002", rows=(*SALE, STRANGE), currency="CAD")))

    shown = look(alice)

    assert flows_shown(shown) == ["Zz held", "Aa ties"]
    assert "1 of 2 flows needs you. 1 ties out to the cent." in text_of(shown)
    assert "1 held Amazon used a label that nobody has decided on" in text_of(shown)
    assert "Ties 1 of 1 proved" in text_of(shown)
    assert reverse("flows:mapping_labels", args=[held.pk]) in shown.content.decode()


def test_every_line_says_what_is_wrong_and_leads_to_it(look, alice, acme, in_acme):
    off = flow_of(acme, name="Off")
    plan = post(plan_of(settle(acme)), off_by=100)
    approve = flow_of(acme, name="Approve", currency="CAD")
    settle(acme, "15000000002", currency="CAD")
    clearing, closed, failed, setup, paused, new = several(
        acme, "Clearing", "Closed", "Failed", "Set up", "Paused", "New"
    )
    read = {"account": "1", "actual": 500, "expected": 0, "currency": "JPY"}
    trail.record(clearing_account.COMPARED, f"flow:{clearing.pk}", tenant_id=acme.pk, actor="user:1", **read)
    Connection.objects.filter(pk=closed.target_id).update(state="needs_reconnect")
    Run.objects.create(tenant=acme, flow=failed, started_at=clock.now(), state="failed", problem="Amazon is down.")
    Flow.objects.filter(pk=setup.pk).update(state="setup")
    Flow.objects.filter(pk=paused.pk).update(state="paused")

    shown = look(alice)

    page, words = shown.content.decode(), text_of(shown)
    in_order = [off, clearing, closed, failed, approve, setup, paused, new]
    assert flows_shown(shown) == [flow.name for flow in in_order]
    assert "1 does not tie 0 of 1 proved" in words
    assert "Clearing is off clearing +500" in words
    assert "1 to approve Look and approve" in words
    assert f"{reverse('flows:settlement', args=[plan.settlement_id])}?plan={plan.pk}" in page
    assert reverse("flows:flow_live", args=[paused.pk]) in page
    assert "6 of 8 flows need you." in words


def test_a_viewer_is_led_nowhere_that_only_others_may_go(look, viewer, acme, in_acme):
    paused, _ = several(acme, "Paused", "New")
    Flow.objects.filter(pk=paused.pk).update(state="paused")

    shown = look(viewer).content.decode()

    assert reverse("flows:flow_live", args=[paused.pk]) not in shown


def test_forty_flows_take_as_many_queries_as_three_and_show_fifty_at_a_time(
    signed_in, alice, acme, django_assert_max_num_queries
):
    browser = signed_in(alice)
    several(acme, *(f"Client {number:02}" for number in range(60)))

    with django_assert_max_num_queries(24):
        shown = browser.get(reverse("flows:dashboard"))
    rest = browser.get(reverse("flows:dashboard"), {"page": 2})

    assert flows_shown(shown) == [f"Client {number:02}" for number in range(50)]
    assert len(flows_shown(rest)) == 10


def test_lines_are_narrowed_down_to_those_that_need_somebody(signed_in, alice, acme, in_acme):
    _, failed, _ = several(acme, "Other", "Failed", "New")
    Run.objects.create(tenant=acme, flow=failed, started_at=clock.now(), state="failed", problem="Amazon is down.")

    shown = signed_in(alice).get(reverse("flows:dashboard"), {"show": "you"})
    unknown = signed_in(alice).get(reverse("flows:dashboard"), {"show": "everybody"})

    assert flows_shown(shown) == ["Failed"]
    assert len(flows_shown(unknown)) == 3


def test_a_table_with_a_flow_at_work_asks_for_itself_and_gets_the_table_alone(signed_in, alice, acme, in_acme):
    _, busy = several(acme, "Quiet", "Busy")
    Flow.objects.filter(pk=busy.pk).update(claimed_until=clock.now() + timedelta(minutes=5))

    shown = signed_in(alice).get(reverse("flows:dashboard"), headers={"HX-Request": "true"})

    page = shown.content.decode()
    assert f'hx-get="{reverse("flows:dashboard")}"' in page
    assert "<html" not in page
    assert flows_shown(shown)[0] == "Busy"


def test_books_without_entries_say_what_stands_in_place_of_a_clearing_account(look, compare, alice, acme, in_acme):
    flow = flow_of(acme)
    plain = factories.GrantFactory(provider="freshbooks", environment="production")
    Connection.objects.filter(pk=flow.target_id).update(provider="freshbooks", grant=plain, data={"journals": False})

    shown = text_of(look(alice))

    assert "No clearing account in these books. Everything meets in Petty Cash." in shown
    assert "should be at zero" not in shown
    assert "These books have no clearing account" in text_of(compare(flow, {}))
