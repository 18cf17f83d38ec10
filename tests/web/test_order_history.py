"""The order history of a seller account: its page in every state, its buttons, and the same over REST."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.urls import reverse

from amazon import backfill
from amazon.models import Backfill, BackfillWindow
from kit.scope import scope
from tests.factories import ConnectionFactory, member
from tests.web.rest.conftest import caller

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
State = BackfillWindow.State
pytestmark = pytest.mark.django_db


@pytest.fixture
def seller(acme, settings):
    settings.AMAZON_RATE_SCALE = 1
    with time_machine.travel(NOON, tick=False):
        yield ConnectionFactory(
            tenant=acme, provider="amazon", remote_id="A1SELLER", remote_name="Acme Shop", data={"region": "NA"}
        )


@pytest.fixture
def begun(acme, seller):
    with scope(acme.pk):
        return backfill.begin(seller, NOON - timedelta(days=3000))


def windows(acme, **changes):
    with scope(acme.pk):
        BackfillWindow.objects.update(**changes)


def page(client, seller, **query):
    return client.get(
        reverse("amazon:history", args=[seller.pk]), query, **({"HTTP_HX_REQUEST": "true"} if query else {})
    )


def press(client, seller, name):
    return client.post(reverse(f"amazon:{name}", args=[seller.pk]), follow=True).content.decode()


def test_before_anything_was_read_a_bookkeeper_may_begin(signed_in, bob, seller, acme):
    client = signed_in(bob)

    before = page(client, seller).content.decode()
    after = press(client, seller, "history_start")

    assert "Nothing was read yet" in before
    assert "0 of 25 months are read" in after
    assert "hx-trigger" in after
    with scope(acme.pk):
        assert Backfill.objects.get().since == NOON - timedelta(days=729)


def test_a_running_history_tells_how_long_it_takes_and_what_was_skipped(signed_in, bob, seller, begun, acme):
    text = page(signed_in(bob), seller).content.decode()
    part = page(signed_in(bob), seller, part="1").content.decode()

    # 10 of 25 calls have to wait a minute each, and a report takes some minutes.
    assert "about 13 minutes to go" in text
    assert "Amazon gives none that are older than two years" in text
    assert "<html" not in part
    assert "13 minutes" in part


def test_a_history_is_paused_and_goes_on(signed_in, bob, seller, begun, acme):
    client = signed_in(bob)

    paused = press(client, seller, "history_pause")
    running = press(client, seller, "history_start")

    assert "Go on" in paused
    assert "hx-trigger" not in paused
    assert "Pause" in running


def test_what_failed_says_why_and_is_tried_again(signed_in, bob, seller, begun, acme):
    windows(acme, state=State.DONE, orders=3)
    with scope(acme.pk):
        first = BackfillWindow.objects.order_by("-ends_at").first()
        BackfillWindow.objects.filter(pk=first.pk).update(
            state=State.FAILED, orders=0, problem="Amazon could not make the report: a range", action="Try again."
        )
        Backfill.objects.update(state=Backfill.State.DONE, finished_at=NOON)
    client = signed_in(bob)

    before = page(client, seller).content.decode()
    after = press(client, seller, "history_again")

    assert "Read, but for 1 month" in before
    assert "Amazon could not make the report: a range" in before
    assert "1 report is asked for again" in after
    assert "24 of 25 months are read" in after


def test_a_history_that_is_read_says_how_much_it_has(signed_in, bob, seller, begun, acme):
    windows(acme, state=State.DONE, orders=3)
    with scope(acme.pk):
        Backfill.objects.update(state=Backfill.State.DONE, finished_at=NOON)

    text = page(signed_in(bob), seller).content.decode()

    assert "25 of 25 months are read" in text
    assert "<dd>75" in text
    assert "hx-trigger" not in text


def test_what_hinders_it_stands_on_the_page(signed_in, bob, seller, begun, acme):
    with scope(acme.pk):
        Backfill.objects.update(problem="createReport: 403 Unauthorized")

    assert "createReport: 403 Unauthorized" in page(signed_in(bob), seller).content.decode()


def test_a_viewer_looks_and_presses_nothing(signed_in, acme, seller, begun):
    client = signed_in(member(acme, "vera@acme.test", "viewer"))

    text = page(client, seller).content.decode()
    answer = client.post(reverse("amazon:history_pause", args=[seller.pk]))

    assert "0 of 25" in text
    assert "<button" not in text.split('id="history"')[1].split("</section>")[0]
    assert answer.status_code == 403


def test_the_connection_shows_it_and_leads_to_it(signed_in, bob, seller, begun):
    text = signed_in(bob).get(reverse("tenants:connection", args=[seller.pk])).content.decode()

    assert "0 of 25 months are read" in text
    assert reverse("amazon:history", args=[seller.pk]) in text


def test_the_same_over_rest(acme, alice, seller):
    rest = caller(acme, alice)
    address = f"connections/{seller.pk}/order-history"

    before = rest.get(address).json()
    begun = rest.post(f"{address}/start").json()
    paused = rest.post(f"{address}/pause").json()
    windows(acme, state=State.FAILED, problem="no", action="Try again.")
    failed = rest.get(address).json()
    again = rest.post(f"{address}/try-again").json()

    assert (before["state"], before["windows"], before["unread"]) == ("", 0, [])
    assert (begun["state"], begun["windows"], begun["read"]) == ("running", 25, 0)
    assert begun["seconds_left"] == 778
    assert (paused["state"], paused["seconds_left"]) == ("paused", None)
    assert failed["unread"][0] | {"problem": "no", "action": "Try again."} == failed["unread"][0]
    assert (again["state"], again["unread"]) == ("running", [])


def test_books_have_no_order_history(acme, alice):
    rest = caller(acme, alice)
    books = ConnectionFactory(tenant=acme)

    assert rest.get(f"connections/{books.pk}/order-history").status_code == 404
