"""States that must not look better than they are: a payout that failed, a taking back that stopped."""

import re

import pytest
from django.urls import reverse

from audit.models import Event
from flows import outcomes, undo
from flows.models import Delivery
from kit.scope import scope
from ledgers.port import Next, Posted, Refused
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.rest.conftest import caller
from tests.web.small_books import answer_all, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
CAME_BACK = ("other-transaction", "other-transaction", "Transfer of funds unsuccessful: Bank account closed", "12.50")


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def flow(acme):
    return flow_of(acme)


@pytest.fixture
def settlement(acme, flow):
    found = settle(acme)
    post(plan_of(found))
    return found


def places(browser, settlement):
    """Return list, page and dashboard as text."""
    addresses = (reverse("flows:settlements"), reverse("flows:settlement", args=[settlement.pk]), "/dashboard/")
    return [text_of(browser.get(address)) for address in addresses]


def test_a_payout_that_failed_after_it_was_booked_is_amber_everywhere(signed_in, bob, acme, settlement):
    browser = signed_in(bob)
    before = places(browser, settlement)

    browser.post(reverse("flows:payout", args=[settlement.pk]), {"came": "no"})

    listed, page, dashboard = places(browser, settlement)
    assert all("payout failed" not in text for text in before)
    assert "Paid out on" not in listed
    assert "Failed after it was booked" in listed
    assert "Ties; payout failed" in listed
    assert "Ties to the cent; the payout failed" in page
    assert "Has it come after all?" in page
    assert "Ties; payout failed" in dashboard
    assert (
        "tone-green"
        not in browser.get(reverse("flows:settlement", args=[settlement.pk]))
        .content.decode()
        .split('class="verdict', 1)[1]
        .split("</section>")[0]
    )


def test_a_payout_that_a_later_settlement_took_back_names_it(signed_in, bob, acme, settlement):
    settle(acme, "15000000002", (*SALE, CAME_BACK), start="2026-01-20")

    listed, page, _ = places(signed_in(bob), settlement)

    assert "Failed; came back in 15000000002" in listed
    assert "Settlement 15000000002 took the money back and brings it again." in page
    assert "did the payout never come?" not in page


def test_a_payout_that_failed_before_it_was_booked_leaves_the_money_on_clearing(signed_in, bob, acme, flow):
    settlement, browser = settle(acme), signed_in(bob)
    browser.post(reverse("flows:payout", args=[settlement.pk]), {"came": "no"})
    post(plan_of(settlement))

    listed, page, _ = places(browser, settlement)

    assert "Failed, as you said" in listed
    assert "The money stays on clearing until a later settlement" in page


def test_the_page_asks_once_whether_the_money_came_where_only_a_person_knows(signed_in, bob, acme, settlement):
    browser = signed_in(bob)
    newest = text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))

    settle(acme, "15000000002", start="2026-01-15")

    asked = "Amazon’s file does not tell whether the bank took the 12.50 USD of 17 Jan 2026"
    assert asked in newest
    assert asked not in text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))


def test_a_payout_is_stated_over_rest_like_on_the_page(acme, alice, settlement):
    rest = caller(acme, alice)
    failed = rest.post(f"settlements/{settlement.pk}/payout", {"came": False})
    came = rest.post(f"settlements/{settlement.pk}/payout", {"came": True})

    negative = settle(acme, "15000000002", (("Order", "ItemFees", "Commission", "-3.00"),), start="2026-01-15")
    refused = rest.post(f"settlements/{negative.pk}/payout", {"came": False})

    assert (failed.json()["payout_failed"], failed.json()["payout"]["state"]) == (True, "warning")
    assert (came.json()["payout_failed"], came.json()["payout"]["state"]) == (False, "done")
    assert (refused.status_code, refused.json()["detail"]) == (409, "This settlement has no payout.")
    with scope(acme.pk):
        kinds = ["settlement.payout_failed", "settlement.payout_arrived"]
        assert list(Event.objects.filter(kind__in=kinds).order_by("seq").values_list("kind", flat=True)) == kinds


# Taking back


@pytest.fixture
def stopped(acme, settlement):
    """A taking back whose payout is out, while the ledger refuses to delete the entry."""
    plan = plan_of(settlement)
    with scope(acme.pk):
        undo.undo(plan, "user:1")
        first = Delivery.objects.filter(plan=plan, kind="undo", state="ready").select_related("flow__target", "plan")
        [payout] = first
        outcomes.apply_answers([payout], {payout.key: Posted(f"1{payout.pk}", total=None)})
        [entry] = first.all()
        refused = Refused("6540", "The entry was reconciled.", "Undo the reconciliation.", Next.PARKED)
        outcomes.apply_answers([entry], {entry.key: refused})
    return plan_of(settlement)


def test_a_taking_back_that_stopped_says_what_is_out_what_is_in_why_and_what_to_do(
    signed_in, bob, acme, settlement, stopped
):
    browser = signed_in(bob)
    listed, page, dashboard = places(browser, settlement)
    context = browser.get(reverse("flows:settlement", args=[settlement.pk])).context

    assert "Taking back stopped" in listed
    assert "Taking back stopped" in dashboard
    assert context["banner"].state == "held"
    assert not context["under_way"]
    assert "1 of 2 documents is out of the books." in page
    assert "Still in the books (1) Entry AMZ-15000000001-1 , 20.00 USD" in page
    assert "Out of the books (1) Transfer AMZ-15000000001-P , 12.50 USD" in page
    assert "The entry was reconciled." in page
    assert "What to do: Undo the reconciliation." in page


def test_what_was_left_alone_is_not_called_a_refusal_of_the_ledger(signed_in, bob, acme, settlement, stopped):
    with scope(acme.pk):
        parked = Delivery.objects.get(state="parked")
        Delivery.objects.filter(pk=parked.pk).update(code="changed_by_hand")

    *_, dashboard = places(signed_in(bob), settlement)

    assert "Changed by hand, so left alone" in dashboard
    assert "The ledger refused it" not in dashboard


def test_from_there_it_is_replayed_and_goes_on(signed_in, bob, acme, settlement, stopped):
    with scope(acme.pk):
        parked = Delivery.objects.get(state="parked")
    place = reverse("flows:settlement", args=[settlement.pk])

    answer = signed_in(bob).post(reverse("audit:replay", args=[parked.pk]), {"next": place}, follow=True)

    assert answer.redirect_chain[-1][0] == place
    assert answer.context["banner"].state == "undoing"
    with scope(acme.pk):
        answer_all(stopped)
    assert plan_of(settlement).state == "undone"


def test_an_undo_shows_what_it_takes_back(signed_in, alice, acme, settlement, stopped):
    rows = caller(acme, alice).get("deliveries", kind="undo").json()["results"]
    listed = text_of(signed_in(alice).get(f"{reverse('audit:records')}?kind=undo"))

    assert sorted((row["number"], row["amount"], row["currency"]) for row in rows) == [
        ("AMZ-15000000001-1", 2000, "USD"),
        ("AMZ-15000000001-P", 1250, "USD"),
    ]
    assert "12.50 USD" in listed
    assert "20.00 USD" in listed


def test_a_viewer_sees_where_it_stopped_and_replays_nothing(signed_in, acme, settlement, stopped):
    viewer = factories.member(acme, "vera@acme.test", "viewer")

    page = text_of(signed_in(viewer).get(reverse("flows:settlement", args=[settlement.pk])))

    assert "Where the taking back stands" in page
    assert "Replay" not in page


def test_payments_that_are_one_in_the_ledger_are_one_line(signed_in, alice, acme):
    flow_of(acme, mode="orders")
    found = settle(acme)
    plan = post(plan_of(found))
    with scope(acme.pk):
        paid = Delivery.objects.get(plan=plan, kind="payment")
        paid.pk, paid.key = None, f"{paid.key}/second"
        paid.external_id, paid.amount = Delivery.objects.get(plan=plan, kind="payment").external_id, 300
        paid.save(force_insert=True)

    page = signed_in(alice).get(reverse("flows:settlement", args=[found.pk]))

    [(row, *_, total)] = [one for one in page.context["documents"] if one[0].kind == "payment"]
    assert total == row.amount + 300
    assert "one payment of 2 invoices" in text_of(page)
