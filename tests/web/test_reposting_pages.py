"""Posting a settlement anew and moving its accounts: what it would change is shown first, on the page and over REST."""

import re

import pytest
from django.urls import reverse

from audit.models import Event
from bookkeeping.accounts import AccountKey
from flows import planning, rules
from flows.models import Delivery, Plan
from kit.scope import scope
from ledgers.models import Company
from ledgers.port import Binding
from tests import factories
from tests.web.rest.conftest import caller
from tests.web.small_books import answer_all, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def flow(acme):
    return flow_of(acme)


@pytest.fixture
def moved(acme, flow):
    """A posted settlement whose selling fees are mapped to the account of storage fees since."""
    settlement = settle(acme)
    plan = post(plan_of(settlement))
    with scope(acme.pk):
        entry = Delivery.objects.get(plan=plan, kind="entry")
        other = str(int(entry.bindings["FEE_SELLING"]["account"]) + 1)
        rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account=other)}, "user:1", {})
        planning.replan(plan)
    return plan_of(settlement)


def test_the_way_leads_from_the_settlement_to_what_would_change_and_to_posting_it_anew(signed_in, bob, acme, moved):
    browser = signed_in(bob)
    settlement = browser.get(reverse("flows:settlement", args=[moved.settlement_id]))
    difference = browser.get(reverse("flows:difference", args=[moved.pk]))
    preview = browser.get(reverse("flows:repost", args=[moved.pk]))

    answer = browser.post(reverse("flows:repost", args=[moved.pk]), follow=True)
    answer_in(acme, moved)

    assert reverse("flows:repost", args=[moved.pk]) in settlement.content.decode()
    assert (
        "its own documents get an “r2” at the end of their numbers, invoices the next free number"
        in preview.content.decode()
    )
    assert reverse("flows:remap", args=[moved.pk]) in settlement.content.decode()
    assert "Would be another" in text_of(difference)
    assert "1 × journal entry: deleted" in text_of(preview)
    assert "Would be another" in text_of(preview)
    assert "posted anew by itself" in text_of(answer)
    with scope(acme.pk):
        old, new = Plan.objects.order_by("revision")
        assert (old.state, new.state, new.approved_by) == ("undone", "posted", bob.actor)
        assert Event.objects.filter(kind="plan.repost_asked", actor=bob.actor).count() == 1


def answer_in(acme, plan):
    with scope(acme.pk):
        answer_all(plan)
        planning.post_anew(plan.flow)
        answer_all(plan)


def test_the_verdict_counts_what_is_in_the_books_and_not_the_taking_back(signed_in, bob, acme, moved):
    browser, address = signed_in(bob), reverse("flows:settlement", args=[moved.settlement_id])
    browser.post(reverse("flows:remap", args=[moved.pk]))
    with scope(acme.pk):
        answer_all(moved)

    banner = browser.get(address).context["banner"]

    assert banner.state == "proved"
    assert "each of the 2 documents as" in banner.text
    assert banner.chain[2]["label"] == "2 documents"


def test_accounts_are_moved_after_a_look_at_what_moves(signed_in, bob, acme, moved):
    browser = signed_in(bob)
    preview = browser.get(reverse("flows:remap", args=[moved.pk]))
    browser.post(reverse("flows:remap", args=[moved.pk]))
    with scope(acme.pk):
        answer_all(moved)
    after = browser.get(reverse("flows:remap", args=[moved.pk]))

    found = preview.context["found"]
    assert [(paper.kind, paper.delivery.number) for paper in found.papers] == [
        ("Taking back", "AMZ-15000000001-1"),
        ("Journal entry", "AMZ-15000000001-1r2"),
    ]
    assert sorted(one.difference for one in found.accounts if one.difference) == [-300, 300]
    assert "Nothing to move" in text_of(after)
    assert plan_of(moved.settlement).state == "posted"


def test_in_a_closed_period_a_person_chooses_the_day(signed_in, bob, acme, moved):
    with scope(acme.pk):
        Company.objects.update(closed_until="2026-01-31")
    browser, place = signed_in(bob), reverse("flows:remap", args=[moved.pk])
    shown = browser.get(f"{place}?first_open_on=2026-02-05")
    refused = browser.get(f"{place}?first_open_on=2026-01-05")

    browser.post(place, {"first_open_on": "2026-02-05"})

    assert "closed until 31 January 2026" in text_of(shown)
    assert {str(paper.delivery.on) for paper in shown.context["found"].papers} == {"2026-02-05"}
    assert "Give a day after it" in text_of(refused)
    with scope(acme.pk):
        made = Delivery.objects.filter(plan=moved, key__contains="reversal")
        assert [str(row.on) for row in made] == ["2026-02-05"]


def test_a_viewer_sees_the_difference_and_decides_nothing(signed_in, acme, moved):
    browser = signed_in(factories.member(acme, "vera@acme.test", "viewer"))

    shown = browser.get(reverse("flows:difference", args=[moved.pk]))

    assert reverse("flows:repost", args=[moved.pk]) not in shown.content.decode()
    for name in ("repost", "remap"):
        assert browser.post(reverse(f"flows:{name}", args=[moved.pk])).status_code == 403
    assert plan_of(moved.settlement).state == "posted"


def test_what_is_not_in_the_books_is_neither_posted_anew_nor_moved(signed_in, bob, acme, flow):
    plan, browser = plan_of(settle(acme)), signed_in(bob)

    repost = browser.post(reverse("flows:repost", args=[plan.pk]), follow=True)
    remap = browser.post(reverse("flows:remap", args=[plan.pk]), follow=True)

    assert "Nothing of this settlement is in the books" in text_of(repost)
    assert "not wholly in the books" in text_of(remap)


def test_over_rest_the_same_is_shown_and_done(acme, alice, moved):
    rest = caller(acme, alice)
    difference = rest.get(f"plans/{moved.pk}/repost").json()
    moving = rest.get(f"plans/{moved.pk}/remap").json()

    done = rest.post(f"plans/{moved.pk}/remap", {})
    refused = rest.post(f"plans/{moved.pk}/remap", {})
    with scope(acme.pk):
        answer_all(moved)
    again = rest.post(f"plans/{moved.pk}/repost")

    [pair] = difference["documents"]
    assert (pair["before"]["number"], pair["now"]["kind"]) == ("AMZ-15000000001-1", "entry")
    assert [one["kind"] for one in moving["documents"]] == ["undo", "entry"]
    assert sum(abs(one["difference"]) for one in moving["accounts"]) == 600
    assert (done.status_code, done.json()) == (200, {"documents": 2})
    assert refused.status_code == 409
    assert again.json()["documents"] > 0
    assert plan_of(moved.settlement).state == "undoing"
