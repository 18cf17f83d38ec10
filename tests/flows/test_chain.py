"""The chain of settlements: what is missing between two, what overlaps, and what says so."""

from datetime import timedelta

import pytest
import time_machine
from django.urls import reverse

from amazon.models import Payout, Settlement
from amazon.upload import import_file
from flows import chain, planning, uploads
from flows.models import Delivery, Flow
from tenants.models import Alert
from tests.amazon.settlements import SALE, v2
from tests.factories import ConnectionFactory
from tests.web.small_books import flow_of, plan_of, settle

HELD = ("other-transaction", "other-transaction", "Current Reserve Amount", "-5.00")
GIVEN_BACK = ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "5.00")
DEBT = ("other-transaction", "other-transaction", "Payable to Amazon", "-12.50")
FEE = ("other-transaction", "other-transaction", "Storage Fee", "-12.50")
FIRST, SECOND, THIRD, FOURTH = "2026-01-01", "2026-01-15", "2026-01-29", "2026-02-12"

pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture(autouse=True)
def february():
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        yield


@pytest.fixture
def flow(acme):
    return flow_of(acme)


def bring(acme, *starts, rows=SALE, first=1):
    return [settle(acme, f"1500000000{n}", rows=rows, start=start) for n, start in enumerate(starts, first)]


def alerts():
    return Alert.objects.filter(settled_at=None)


def states(settlement):
    return set(Delivery.objects.filter(plan=plan_of(settlement)).values_list("code", flat=True))


def test_a_gap_raises_one_alert_which_ends_when_the_missing_one_comes(acme, flow):
    bring(acme, FIRST)
    bring(acme, THIRD, FOURTH, first=3)

    [found], [told] = chain.gaps(), alerts()
    assert (found.before.settlement_id, found.after.settlement_id) == ("15000000001", "15000000003")
    assert told.title == "A settlement is missing after 15000000001, in USD"
    assert "Nothing is known of 15 Jan 2026 to 29 Jan 2026" in told.text
    assert told.url == f"{reverse('flows:upload')}?before={found.after.pk}"

    bring(acme, SECOND, first=2)
    assert not chain.gaps()
    assert not alerts().exists()


def test_what_is_missing_is_told_as_far_as_neighbours_and_payouts_tell(acme, flow):
    source = ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1")
    Flow.objects.filter(pk=flow.pk).update(source=source)
    bring(acme, FIRST, rows=[*SALE, HELD])
    last = settle(acme, "15000000003", rows=[*SALE, DEBT], start=THIRD)
    between = {"starts_at": last.starts_at - timedelta(days=14), "ends_at": last.starts_at, "seen_at": last.created_at}
    Payout.objects.create(
        tenant=acme,
        connection=source,
        payout_id="p",
        settlement_id="15",
        status="PAID",
        currency="USD",
        amount=7,
        **between,
    )

    told = chain.gaps()[0].told()

    assert told == [
        "Amazon says that it paid out 0.07 USD for settlement 15 in between.",
        "The last one that is missing comes to \N{MINUS SIGN}12.50 USD: the next one opens with that.",
        "It gives back a reserve of 5.00 USD and the last one holds back 0.00 USD.",
    ]


def test_posting_goes_on_over_a_gap_unless_the_debt_that_is_carried_in_is_unknown(acme, flow):
    bring(acme, FIRST)

    sold = settle(acme, "15000000003", start=THIRD)
    owed = settle(acme, "15000000005", rows=[*SALE, DEBT], start="2026-02-26")

    assert states(sold) == {""}
    assert states(owed) == {"continuity"}


def test_the_debt_of_the_settlement_before_is_what_the_next_one_must_open_with(acme, flow):
    settle(acme, rows=[FEE])

    following = settle(acme, "15000000002", rows=[*SALE, DEBT], start=SECOND)
    again = settle(acme, "15000000003", rows=[*SALE, DEBT], start=THIRD)

    assert (states(following), states(again)) == ({""}, {"continuity"})


def test_invoiced_orders_beside_standard_ones_are_no_gap_and_hide_none(acme, flow):
    seller = ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1")
    Flow.objects.filter(pk=flow.pk).update(source=seller)
    starts = {"1": FIRST, "3": THIRD, "7": "2026-01-08", "8": "2026-01-22", "9": "2026-02-05"}
    for n, start in starts.items():
        settle(acme, f"1500000000{n}", start=start)
    Settlement.objects.update(belongs=True)  # a person said so

    chain.tell()

    assert [(gap.before.settlement_id[-1], gap.after.settlement_id[-1]) for gap in chain.gaps()] == [("1", "3")]
    seventh = Settlement.objects.get(settlement_id="15000000007")
    assert chain.around(Flow.objects.get(), seventh) == chain.Around(
        None, None, Settlement.objects.get(settlement_id="15000000008"), parallel=True
    )


def test_of_two_that_end_together_the_one_whose_reserve_fits_goes_before(acme, flow):
    plain, held = settle(acme), settle(acme, "15000000002", rows=[*SALE, HELD])
    Settlement.objects.update(belongs=True)

    following = settle(acme, "15000000003", rows=[*SALE, GIVEN_BACK], start=SECOND)
    other = settle(acme, "15000000004", start=SECOND)
    Settlement.objects.update(belongs=True)

    assert chain.around(flow, following).before == held
    assert chain.around(flow, other).before == plain


def test_what_ended_before_the_books_begin_leaves_no_gap(acme, flow):
    Flow.objects.update(books_from="2026-01-20")

    bring(acme, FIRST, THIRD)

    assert not chain.gaps()
    assert not alerts().exists()


def test_an_overlap_raises_one_alert_which_ends_with_the_decision(acme, flow):
    bring(acme, FIRST, "2026-01-08")

    [told] = alerts()
    assert told.title == "Settlement 15000000002 overlaps another one"
    assert told.url == reverse("flows:belongs", args=[Settlement.objects.get(settlement_id="15000000002").pk])

    uploads.state_belongs(Settlement.objects.get(settlement_id="15000000002"), "user:1")
    assert not alerts().exists()


def test_an_alert_that_a_person_settled_is_not_raised_again_for_the_same_gap(acme, flow):
    bring(acme, FIRST, THIRD)
    Alert.objects.update(settled_at="2026-03-01T12:00:00Z")

    planning.plan_new(flow)

    assert not alerts().exists()


def test_the_pages_draw_the_gap_between_its_neighbours_and_say_how_to_get_what_is_missing(acme, flow, bob, client):
    first, third = bring(acme, FIRST, THIRD)
    client.force_login(bob)

    listed = client.get(reverse("flows:settlements")).content.decode()
    shown = client.get(reverse("flows:settlement", args=[third.pk])).content.decode()
    how = client.get(f"{reverse('flows:upload')}?before={third.pk}").content.decode()

    assert listed.index(third.settlement_id) < listed.index("Missing") < listed.rindex(f"/settlements/{first.pk}/")
    assert f"{reverse('flows:upload')}?before={third.pk}" in listed
    assert "A settlement is missing before this one" in shown
    assert "Missing: 15 Jan 2026 to 29 Jan 2026, in USD" in how
    assert "Request report" in how


def test_what_is_missing_of_another_company_is_no_address(acme, flow, globex, bob, client):
    foreign = import_file(globex.pk, [v2().encode()], "s.txt", "user:1").settlement
    client.force_login(bob)

    assert client.get(f"{reverse('flows:upload')}?before={foreign.pk}").status_code == 404
