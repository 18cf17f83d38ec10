"""An uploaded settlement whose period overlaps another one: a flat file names no seller, so a person says whose it is."""

from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amazon.models import Report, Settlement
from amazon.overlaps import doubted
from audit.models import Event
from flows.models import Delivery, Flow, Plan
from kit.scope import scope
from tests import factories
from tests.amazon.settlements import v2
from tests.web.rest.conftest import caller
from tests.web.small_books import answer_all, flow_of, plan_of, settle
from tests.web.test_states import text_of

pytestmark = pytest.mark.django_db
FOREIGN = "19000000001"


@pytest.fixture
def flow(acme):
    return flow_of(acme, approval="automatic")


@pytest.fixture
def own(acme, flow):
    """Two settlements in the books that follow each other without a gap, 1 to 29 January."""
    found = [settle(acme, f"1500000000{n}", start=start) for n, start in enumerate(("2026-01-01", "2026-01-15"), 1)]
    for one in found:
        with scope(acme.pk):
            answer_all(plan_of(one))
    return found


def upload(browser, settlement_id=FOREIGN, start="2026-01-08", **more):
    """Upload a file on the page; returns the page that follows."""
    file = SimpleUploadedFile("foreign.txt", v2(settlement_id, start=start, **more).encode())
    return browser.post(reverse("flows:upload"), {"file": file}, follow=True)


def foreign(acme):
    with scope(acme.pk):
        return Settlement.objects.get(settlement_id=FOREIGN)


def states(acme, settlement):
    with scope(acme.pk):
        return set(Delivery.objects.filter(plan__settlement=settlement).values_list("state", "code"))


def flags(acme):
    with scope(acme.pk):
        return [flag["kind"] for plan in Plan.objects.all() for flag in plan.flags]


def test_a_file_that_overlaps_is_held_whole_in_every_flow_and_the_upload_says_so(signed_in, bob, acme, flow, own):
    with scope(acme.pk):
        other = flow_of(acme, name="Acme in orders", mode="orders", approval="automatic")
    browser = signed_in(bob)

    page = text_of(upload(browser))

    asked = (
        "Settlement 19000000001 (8 Jan 2026 to 22 Jan 2026) overlaps settlements 15000000001 (1 Jan 2026 to 15 Jan 2026), "
        "15000000002 (15 Jan 2026 to 29 Jan 2026) of this account. Is this file another seller's?"
    )
    assert f"{asked} Nothing more of it is posted until you say so.".replace("'", "&#x27;") in page
    assert "It may be another seller’s" in page
    assert states(acme, foreign(acme)) == {("held", "overlap")}
    with scope(acme.pk):
        assert set(Plan.objects.filter(settlement=foreign(acme)).values_list("flow", flat=True)) == {flow.pk, other.pk}
        rows = Delivery.objects.filter(plan__settlement=foreign(acme))
        assert not rows.filter(attempts__isnull=False).exists()
    assert "chain_gap" not in flags(acme)


def test_a_month_asks_about_a_doubted_settlement_and_does_not_count_it_as_covering_anything(
    signed_in, bob, acme, flow, own
):
    settle(acme, FOREIGN, start="2026-01-20")

    month = text_of(signed_in(bob).get(reverse("flows:month", args=[flow.pk, date(2026, 1, 1)])))

    assert "Settlement 19000000001 (19 Jan 2026 – 2 Feb 2026) overlaps another one and may be another seller" in month
    assert "No settlement covers 28 Jan 2026 – 31 Jan 2026: one is missing." in month


def test_replaying_what_is_held_does_not_post_it(acme, alice, own):
    found = settle(acme, FOREIGN, start="2026-01-08")
    with scope(acme.pk):
        ids = list(Delivery.objects.filter(plan__settlement=found).values_list("pk", flat=True))

    answer = caller(acme, alice).post("deliveries/replay", {"ids": ids})

    assert answer.json()["sent"] == 0
    assert states(acme, found) == {("held", "overlap")}


def test_what_follows_an_overlapping_file_goes_on_as_if_it_were_not_there(acme, own):
    settle(acme, FOREIGN, start="2026-01-17")

    third = settle(acme, "15000000003", start="2026-01-29")

    assert states(acme, third) == {("held", "overlap")}  # of two uploads, the later one is asked about
    with scope(acme.pk):
        Report.objects.filter(settlement=third).update(origin="api")  # as if Amazon had handed it over
    fourth = settle(acme, "15000000004", start="2026-02-12")
    assert "held" not in {state for state, _ in states(acme, third) | states(acme, fourth)}
    assert "chain_gap" not in flags(acme)


def test_a_file_that_amazon_overtakes_is_held_before_it_is_sent(acme, flow):
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(approval="review")
    found = settle(acme, FOREIGN, start="2026-01-08")
    before = states(acme, found)
    own = settle(acme, "15000000001", start="2026-01-01")
    with scope(acme.pk):
        Report.objects.filter(settlement=own).update(origin="api")

    settle(acme, "15000000002", start="2026-02-20")

    assert before == {("planned", "")}
    assert states(acme, found) == {("held", "overlap")}
    assert states(acme, own) == {("planned", "")}


def test_a_person_says_that_it_belongs_and_it_is_posted(signed_in, bob, acme, flow, own):
    browser = signed_in(bob)
    upload(browser)
    found = foreign(acme)

    question = text_of(browser.get(reverse("flows:belongs", args=[found.pk])))
    page = text_of(browser.post(reverse("flows:belongs", args=[found.pk]), follow=True))

    assert "settlements of invoiced orders run beside the others" in question
    assert "Noted: it belongs to this account." in page
    assert "Is this file another seller" not in page
    assert "held" not in {state for state, _ in states(acme, found)}
    with scope(acme.pk):
        answer_all(plan_of(found))
        assert Event.objects.get(kind="settlement.belongs").actor == bob.actor
    assert plan_of(found).state == "posted"
    assert "chain_gap" not in flags(acme)
    assert "Nothing speaks against" in text_of(browser.post(reverse("flows:belongs", args=[found.pk]), follow=True))


def test_a_person_removes_it_and_nothing_of_it_is_left_but_the_trail(signed_in, bob, acme, flow, own):
    browser = signed_in(bob)
    upload(browser)
    found = foreign(acme)

    asked = text_of(browser.get(reverse("flows:remove", args=[found.pk])))
    page = text_of(browser.post(reverse("flows:remove", args=[found.pk]), follow=True))

    assert "Nothing of it is in your books" in asked
    assert "Settlement 19000000001 is gone." in page
    with scope(acme.pk):
        assert not Settlement.objects.filter(settlement_id=FOREIGN).exists()
        assert Plan.objects.count() == 2
        report = Report.objects.get(name="foreign.txt")
        assert (report.state, report.chunk_count, report.chunks.count()) == ("refused", 0, 0)
        event = Event.objects.get(kind="settlement.removed")
        assert (event.actor, event.data["files"][0]["sha256"]) == (bob.actor, report.sha256)
    assert "A person took this file away" in text_of(browser.get(reverse("flows:files")))
    assert "January 2026 is not complete" in text_of(
        browser.get(reverse("flows:month", args=[flow.pk, date(2026, 1, 1)]))
    )
    assert "Is this file another seller" in text_of(upload(browser))  # it can come again, and is asked about again


def test_removing_the_wrong_one_of_two_lets_the_right_one_go(signed_in, bob, acme, flow):
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(approval="review")
    wrong = settle(acme, FOREIGN, start="2026-01-08")
    right = settle(acme, "15000000001", start="2026-01-01")
    before = states(acme, right)

    signed_in(bob).post(reverse("flows:remove", args=[wrong.pk]))

    assert before == {("held", "overlap")}
    assert states(acme, right) == {("planned", "")}


def test_what_was_sent_or_comes_from_amazon_is_not_removed(signed_in, bob, acme, own):
    first, second = own
    browser = signed_in(bob)
    with scope(acme.pk):
        Report.objects.filter(settlement=second).update(origin="api")
        Delivery.objects.filter(plan__settlement=first).update(state="ready")

    pages = [text_of(browser.post(reverse("flows:remove", args=[one.pk]), follow=True)) for one in own]

    assert "on its way to the ledger" in pages[0]
    assert "Amazon itself handed this settlement over" in pages[1]
    with scope(acme.pk):
        assert Settlement.objects.count() == 2


def test_periods_in_whole_days_may_share_the_day_on_which_one_ends(acme, own):
    settle(acme, "15000000003", start="2026-01-28")

    with scope(acme.pk):
        assert not Settlement.objects.filter(doubted()).exists()


def test_settlements_that_touch_come_again_or_have_another_currency_are_not_doubted(signed_in, bob, acme, own):
    browser = signed_in(bob)
    with scope(acme.pk):
        flow_of(acme, name="Acme CA", currency="CAD", approval="automatic")

    touching = text_of(upload(browser, "15000000003", "2026-01-29"))
    again = text_of(upload(browser, "15000000002", "2026-01-15"))
    canadian = text_of(upload(browser, "15000000004", "2026-01-08", currency="CAD"))
    before = text_of(upload(browser, "15000000000", "2025-12-18"))

    assert "is already here with exactly these rows" in again
    for page in (touching, again, canadian, before):
        assert "another seller" not in page
    with scope(acme.pk):
        assert not Delivery.objects.filter(state="held").exists()


def test_a_settlement_that_was_posted_before_the_doubt_stays_posted_and_its_month_asks(signed_in, bob, acme, flow):
    posted = settle(acme, FOREIGN, start="2026-01-08")
    with scope(acme.pk):
        answer_all(plan_of(posted))
    own = settle(acme, "15000000001", start="2026-01-01")
    with scope(acme.pk):
        Report.objects.filter(settlement=own).update(origin="api")
    settle(acme, "15000000002", start="2026-02-20")

    page = text_of(signed_in(bob).get(reverse("flows:settlement", args=[posted.pk])))
    month = text_of(signed_in(bob).get(reverse("flows:month", args=[flow.pk, date(2026, 1, 1)])))

    assert plan_of(posted).state == "posted"
    assert {state for state, _ in states(acme, posted)} == {"posted"}
    assert "It may be another seller" in page
    assert "nobody has decided" in month


def test_both_decisions_over_rest(acme, alice, own):
    rest = caller(acme, alice)
    file = SimpleUploadedFile("foreign.txt", v2(FOREIGN, start="2026-01-08").encode())
    uploaded = rest.upload("settlements/upload", file=file).json()
    found = rest.get(f"settlements/{uploaded['settlement']}").json()
    second = settle(acme, "19000000002", start="2026-01-10")

    belongs = rest.post(f"settlements/{found['id']}/belongs")
    removed = rest.delete(f"settlements/{second.pk}")
    refused = [rest.post(f"settlements/{own[0].pk}/belongs"), rest.post(f"settlements/{found['id']}/belongs")]

    assert uploaded["doubt"] == found["doubt"] != ""
    assert uploaded["doubt"] in uploaded["message"]
    assert (belongs.status_code, belongs.json()["doubt"]) == (200, "")
    assert (removed.status_code, rest.get(f"settlements/{second.pk}").status_code) == (204, 404)
    assert [answer.status_code for answer in refused] == [409, 409]


def test_only_a_bookkeeper_of_the_company_decides(signed_in, charlie, acme, globex, own):
    found = settle(acme, FOREIGN, start="2026-01-08")
    viewer = signed_in(factories.member(acme, "vera@acme.test", "viewer"))
    addresses = [reverse(name, args=[found.pk]) for name in ("flows:belongs", "flows:remove")]

    page = viewer.get(reverse("flows:settlement", args=[found.pk])).content.decode()

    assert [viewer.post(address).status_code for address in addresses] == [403, 403]
    assert not any(address in page for address in addresses)
    assert [signed_in(charlie).post(address).status_code for address in addresses] == [404, 404]
    stranger = caller(globex, charlie)
    assert stranger.post(f"settlements/{found.pk}/belongs").status_code == 404
    assert stranger.delete(f"settlements/{found.pk}").status_code == 404
    assert states(acme, found) == {("held", "overlap")}
