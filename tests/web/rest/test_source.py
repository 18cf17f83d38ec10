"""Amazon's own data over REST: rows behind a figure, versions that wait for a decision; and the trail's proof."""

import pytest

from amazon.models import Report
from audit.models import Event
from flows import planning, revisions
from flows.models import Flow
from kit.scope import scope
from tests.amazon.settlements import SALE
from tests.web.rest.conftest import caller
from tests.web.small_books import flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def rest(acme, alice):
    return caller(acme, alice)


@pytest.fixture
def plan(acme):
    flow_of(acme)
    return post(plan_of(settle(acme, rows=[*SALE, *[("Order", "ItemPrice", "Principal", "1.00")] * 120])))


@pytest.fixture
def again(acme, plan):
    """The same settlement with a row more, waiting for a decision."""
    settle(acme, rows=[*SALE, *[("Order", "ItemPrice", "Principal", "1.00")] * 121])
    with scope(acme.pk):
        return Report.objects.get(state="revision")


def test_rows_come_in_pages_with_what_they_add_up_to(rest, plan):
    address = f"settlements/{plan.settlement_id}/rows"

    first, second = (rest.get(address, plan=plan.pk, part=1, key="SALES", page=page).json() for page in (1, 2))
    fee = rest.get(address, type="Order", amount="ItemFees", description="Commission").json()

    assert (first["count"], first["total"], first["more"], len(first["rows"])) == (121, 14000, True, 100)
    assert (second["more"], len(second["rows"])) == (False, 21)
    assert [(row["amount_description"], row["amount"], row["line"]) for row in fee["rows"]] == [("Commission", -300, 4)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"key": "SALES"}, 400),
        ({"page": 0}, 400),
        ({"line": "x"}, 400),
        ({"plan": 999_999}, 404),
        ({"part": 9, "key": "SALES"}, 404),
    ],
)
def test_rows_of_what_is_not_there_are_refused(rest, plan, query, status):
    named = {"plan": plan.pk} if "part" in query else {}

    assert rest.get(f"settlements/{plan.settlement_id}/rows", **named, **query).status_code == status


def test_a_version_is_compared_and_accepted_and_the_books_keep_their_rows(rest, acme, plan, again):
    shown = rest.get(f"revisions/{again.pk}").json()

    accepted = rest.post(f"revisions/{again.pk}/accept")

    assert [row["id"] for row in (shown,)] == [again.pk]
    assert shown["comparison"]["rows_now"] - shown["comparison"]["rows_before"] == 1
    assert (shown["posted"], accepted.json()) == (1, {"plans": 1})
    assert rest.get("revisions").json()["results"] == []
    assert rest.post(f"revisions/{again.pk}/accept").status_code == 404
    rows = f"settlements/{plan.settlement_id}/rows"
    behind = rest.get(rows, plan=plan.pk, part=1, key="SALES", page=2).json()
    assert (behind["count"], len(behind["rows"])) == (121, 21)
    assert rest.get(rows, plan=plan.pk).json()["count"] == 123
    assert rest.get(rows).json()["count"] == 124


def test_a_version_is_refused_and_the_first_goes_on_counting(rest, acme, again):
    answer = rest.post(f"revisions/{again.pk}/reject")

    assert answer.status_code == 204
    with scope(acme.pk):
        again.refresh_from_db()
        assert again.state == "refused"
        assert Event.objects.get(kind="settlement.revision_rejected").actor.startswith("key:")


def test_somebody_who_was_slower_is_told(rest, again, monkeypatch):
    def decided(report, actor):
        raise ValueError("no revision any more")

    monkeypatch.setattr(revisions, "accept", decided)

    assert rest.post(f"revisions/{again.pk}/accept").json()["code"] == "refused"


def test_a_flow_that_never_posted_is_discarded_and_one_that_did_is_not(rest, acme, plan):
    draft = flow_of(acme, name="Draft", state="setup", currency="EUR")

    gone, kept = (rest.delete(f"flows/{pk}") for pk in (draft.pk, plan.flow_id))

    assert (gone.status_code, kept.status_code) == (204, 409)
    with scope(acme.pk):
        assert list(Flow.objects.values_list("pk", flat=True)) == [plan.flow_id]
        assert Event.objects.get(kind="flow.discarded").actor.startswith("key:")


def test_the_trail_is_verified(rest, acme, plan):
    whole = rest.get("events/verify").json()
    with scope(acme.pk):
        event = Event.objects.order_by("seq").first()
        Event.objects.filter(pk=event.pk).update(kind="something.else")

    broken = rest.get("events/verify").json()

    assert (whole["whole"], whole["problems"]) == (True, [])
    assert whole["seq"] > 0
    assert (broken["whole"], broken["problems"]) == (
        False,
        [{"seq": event.seq, "text": "its content was changed"}],
    )


def test_a_plan_says_why_it_could_not_be_made(rest, acme, plan, monkeypatch):
    def broken(plan, mode):
        raise RuntimeError("The file is not what it was.")

    monkeypatch.setattr("flows.planner.making.make", broken)
    with scope(acme.pk):
        planning.replan(plan)

    assert rest.get(f"plans/{plan.pk}").json()["problem"] == "The file is not what it was."
