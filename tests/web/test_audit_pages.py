"""Every record with its state, reason and way; replay, export, and the chain's proof."""

import csv
import io
import json
import re
from itertools import groupby

import pytest
from django.urls import reverse

from audit import trail
from audit.models import Event
from flows import outcomes, planning, setup
from flows.models import Delivery, Flow, Plan
from kit.scope import scope, unscoped
from ledgers.port import Next, Refused
from ledgers.registry import refresh_lists
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, flow_of, plan_of, post, settle
from tests.world import world as worlds

pytestmark = pytest.mark.django_db
QUERIES = 40


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def plan(acme):
    flow_of(acme)
    return post(plan_of(settle(acme)))


@pytest.fixture
def entry(plan):
    with scope(plan.tenant_id):
        return Delivery.objects.get(plan=plan, kind="entry")


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


def refuse(plan, next_step=Next.PARKED):
    """Let the ledger refuse the entry of a plan that is approved."""
    with scope(plan.tenant_id):
        row = Delivery.objects.select_related("flow__target", "plan__settlement").get(plan=plan, kind="entry")
        answer = Refused("6140", "The number is taken.", "Find out who took it.", next_step)
        outcomes.apply_answers([row], {row.key: answer})
    return row


@pytest.fixture
def parked(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    with scope(acme.pk):
        planning.approve(plan, "user:1")
    return refuse(plan)


def records(client, **query):
    return client.get(reverse("audit:records"), query)


def numbers(page):
    return [row.number for row, *_ in page.context["rows"]]


# The list


def test_every_document_is_listed_with_its_reason_and_what_to_do(signed_in, alice, parked):
    shown = text_of(records(signed_in(alice)))

    assert "The number is taken." in shown
    assert "Find out who took it." in shown


def test_chips_count_the_states_of_what_else_matches(signed_in, alice, acme, parked):
    page = records(signed_in(alice), kind="entry")

    assert [(chip["state"], chip["count"]) for chip in page.context["chips"]] == [("parked", 1)]


def test_several_states_are_chosen_together(signed_in, alice, acme, parked):
    browser = signed_in(alice)

    both = records(browser, state=["parked", "ready"])
    one = records(browser, state=["parked"])

    assert sorted(numbers(both)) == ["AMZ-15000000001-1", "AMZ-15000000001-P"]
    assert numbers(one) == ["AMZ-15000000001-1"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"text": "15000000001"}, 2),
        ({"text": "AMZ-15000000001-P"}, 1),
        ({"text": "15000000002"}, 0),
        ({"kind": "transfer"}, 1),
        ({"from_day": "2099-01-01"}, 0),
        ({"to_day": "2099-01-01"}, 2),
        ({"to_day": "nonsense"}, 2),
        ({"flow": "999"}, 2),
    ],
)
def test_records_are_found_by_text_kind_and_day(signed_in, alice, plan, query, found):
    assert len(numbers(records(signed_in(alice), **query))) == found


def test_records_of_another_tenant_are_not_there(signed_in, charlie, entry):
    browser = signed_in(charlie)

    assert numbers(records(browser)) == []
    assert browser.get(reverse("audit:record", args=[entry.pk])).status_code == 404
    assert browser.post(reverse("audit:replay", args=[entry.pk])).status_code == 404


@pytest.mark.parametrize("name", ["records", "integrity", "export_records", "export_trail"])
def test_a_stranger_signs_in_first(client, name):
    assert client.get(reverse(f"audit:{name}")).url.startswith(reverse("account_login"))


def test_htmx_gets_the_list_alone(signed_in, alice, plan):
    response = signed_in(alice).get(reverse("audit:records"), headers={"HX-Request": "true"})

    assert b"<html" not in response.content
    assert b"AMZ-15000000001-1" in response.content


def test_the_list_asks_as_much_for_many_records_as_for_few(signed_in, alice, acme, django_assert_max_num_queries):
    flow_of(acme)
    for number in range(8):
        settle(acme, f"1500000001{number}", start=f"2026-0{number + 1}-01")
    browser = signed_in(alice)

    with django_assert_max_num_queries(QUERIES):
        assert len(numbers(records(browser))) == 16


# Replay


def test_one_record_is_replayed(signed_in, bob, acme, parked):
    page = signed_in(bob).post(reverse("audit:replay", args=[parked.pk]), follow=True)

    assert "1 record will be sent again now" in text_of(page)
    with scope(acme.pk):
        assert Delivery.objects.get(pk=parked.pk).state == "ready"


def test_what_is_marked_is_replayed_and_the_filter_stays(signed_in, bob, acme, parked):
    response = signed_in(bob).post(reverse("audit:replay_many") + "?kind=entry", {"id": [str(parked.pk), "x"]})

    assert response.url == reverse("audit:records") + "?kind=entry"
    with scope(acme.pk):
        assert Delivery.objects.get(pk=parked.pk).state == "ready"


@pytest.mark.parametrize(("query", "state"), [("kind=entry", "ready"), ("kind=transfer", "parked")])
def test_all_that_match_the_filter_are_replayed(signed_in, bob, acme, parked, query, state):
    signed_in(bob).post(f"{reverse('audit:replay_many')}?{query}", {"all": "1"})

    with scope(acme.pk):
        assert Delivery.objects.get(pk=parked.pk).state == state


def test_what_is_still_held_says_so_and_leads_to_where_it_is_decided(signed_in, bob, acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme, rows=(*SALE, STRANGE))))
    with scope(acme.pk):
        held = Delivery.objects.get(plan=plan, state="held")

    page = signed_in(bob).post(reverse("audit:replay", args=[held.pk]), follow=True)

    assert "1 record stays as it is" in text_of(page)
    assert f'href="{reverse("flows:mapping_labels", args=[flow.pk])}"' in page.content.decode()


def test_a_viewer_replays_nothing(signed_in, viewer, acme, parked):
    browser = signed_in(viewer)

    assert browser.post(reverse("audit:replay", args=[parked.pk])).status_code == 403
    assert browser.post(reverse("audit:replay_many"), {"all": "1"}).status_code == 403
    assert (
        reverse("audit:replay", args=[parked.pk])
        not in browser.get(reverse("audit:record", args=[parked.pk])).content.decode()
    )


# One record


def test_the_way_goes_from_the_file_to_the_proof(signed_in, alice, entry):
    page = signed_in(alice).get(reverse("audit:record", args=[entry.pk]))

    titles = [event["title"] for event in page.context["events"]]
    assert titles == ["Fetched", "Read and classified", "Planned", "Approved", "In the books", "Compared"]


def test_the_way_names_people_and_not_ids(signed_in, bob, acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    browser = signed_in(bob)
    browser.post(reverse("flows:approve", args=[plan.pk]))
    with scope(acme.pk):
        row = Delivery.objects.get(plan=plan, kind="entry")

    page = browser.get(reverse("audit:record", args=[row.pk]))

    [approved] = [event for event in page.context["events"] if event["title"] == "Approved"]
    assert approved["actor"] == "bob@acme.test"


def test_what_happened_again_and_again_is_said_once(signed_in, alice, acme, entry):
    with scope(acme.pk):
        for _ in range(3):
            trail.record("plan.proved", f"plan:{entry.plan_id}", verdict="waiting")

    page = signed_in(alice).get(reverse("audit:record", args=[entry.pk]))

    assert page.context["events"][-1]["title"] == "Compared (3 times)"


def test_a_record_shows_its_document_and_what_it_carries(signed_in, alice, entry):
    page = signed_in(alice).get(reverse("audit:record", args=[entry.pk]))

    assert [line.account for line in page.context["paper"].lines][-1] == "My Amazon Sales"
    assert {(piece.key, piece.amount) for piece in page.context["pieces"]} == {
        ("SALES", 2000),
        ("FEE_SELLING", -300),
        ("FEE_FBA", -450),
    }


def test_a_call_is_shown_with_outcome_duration_and_request_but_without_its_body(signed_in, alice, acme):
    with worlds() as world:
        demo = world.seller()
        amazon = world.connect("amazon", alice, acme, demo["seller"]["seller_id"])
        books = world.connect("quickbooks", alice, acme, world.company()["realm"])
        with scope(acme.pk):
            refresh_lists(books)
            flow = Flow.objects.create(
                tenant=acme, name="Demo", source=amazon, target=books, currency="USD", approval="automatic"
            )
        world.run(flow)
        with scope(acme.pk):
            setup.accept_suggestions(flow, "user:1", create_missing=True)
            setup.go_live(flow, "user:1")
        world.deliver()
    with scope(acme.pk):
        row = Delivery.objects.filter(kind="entry", state="posted", plan__state=Plan.State.POSTED).first()
        attempt = row.attempts.get()
        outcome = attempt.outcomes.get()

    page = signed_in(alice).get(reverse("audit:record", args=[row.pk]))

    titles = [event["title"] for event in page.context["events"]]
    # What is told of the payout and the proof comes when it comes, and may have the settlement planned anew.
    own = [title for title in titles if not title.startswith(("Compared", "Amazon", "The payout"))]
    assert [title for title, _ in groupby(own)] == [
        "Fetched",
        "Read and classified",
        "Planned",
        "Approved",
        "Sent, attempt 1",
        "Answered: booked",
        "In the books",
    ]
    answered = next(event for event in page.context["events"] if event["title"] == "Answered: booked")
    assert ("Took", f"{outcome.duration_ms:,} ms") in answered["details"]
    assert ("Request", attempt.wire_id) in answered["details"]
    assert attempt.sealed_call not in page.content.decode()


def test_a_record_asks_a_bounded_number_of_questions(signed_in, alice, entry, django_assert_max_num_queries):
    browser = signed_in(alice)

    with django_assert_max_num_queries(QUERIES):
        browser.get(reverse("audit:record", args=[entry.pk]))


# Exports and the chain


def body(response):
    return b"".join(response.streaming_content).decode()


def test_the_filter_is_exported_as_csv(signed_in, alice, plan):
    response = signed_in(alice).get(reverse("audit:export_records"), {"kind": "entry"})

    [row] = csv.DictReader(io.StringIO(body(response)))
    assert (row["number"], row["amount"], row["currency"], row["state"]) == (
        "AMZ-15000000001-1",
        "20.00",
        "USD",
        "posted",
    )


def test_no_cell_of_the_export_is_a_formula(signed_in, alice, acme, plan):
    with scope(acme.pk):
        Delivery.objects.filter(kind="entry").update(reason="=HYPERLINK(1)")

    response = signed_in(alice).get(reverse("audit:export_records"), {"kind": "entry"})

    [row] = csv.DictReader(io.StringIO(body(response)))
    assert row["reason"] == "'=HYPERLINK(1)"


def test_the_export_has_nothing_of_others(signed_in, charlie, plan):
    browser = signed_in(charlie)

    assert list(csv.DictReader(io.StringIO(body(browser.get(reverse("audit:export_records")))))) == []
    assert "15000000001" not in body(browser.get(reverse("audit:export_trail")))


def test_the_trail_is_exported_with_its_digests(signed_in, alice, plan):
    lines = body(signed_in(alice).get(reverse("audit:export_trail"))).splitlines()

    events = [json.loads(line) for line in lines]
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[1]["prev_hash"] == events[0]["hash"]


def test_a_whole_trail_is_said_to_be_whole(signed_in, alice, plan):
    page = signed_in(alice).get(reverse("audit:integrity"), {"verify": "1"})

    assert "The trail is whole" in text_of(page)
    assert page.context["head"].hash in text_of(page)


def test_a_changed_event_is_named(signed_in, alice, plan):
    with unscoped("somebody meddles with the database"):
        Event.objects.filter(chain=f"tenant:{plan.tenant_id}", seq=2).update(actor="user:99")

    page = signed_in(alice).get(reverse("audit:integrity"), {"verify": "1"})

    assert "The trail was changed" in text_of(page)
    assert [problem.seq for problem in page.context["problems"]] == [2]


def test_what_failed_or_is_held_stands_above_what_came_after_it(signed_in, alice, acme, in_acme):
    flow = flow_of(acme)
    plan = plan_of(settle(acme, rows=(*SALE, STRANGE)))
    held = Delivery.objects.filter(plan=plan, state="held").first()
    later = Delivery.objects.create(
        flow=flow,
        remote_key=flow.target.remote_key,
        key="later",
        kind="account",
        document="{}",
        number="Brand new",
        external_id="9",
        state="posted",
    )

    page = signed_in(alice).get(reverse("audit:records")).content.decode()

    addresses = [reverse("audit:record", args=[row.pk]) for row in (held, later)]
    assert later.pk > held.pk
    assert page.index(addresses[0]) < page.index(addresses[1])
