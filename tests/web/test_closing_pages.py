"""Closing an invoice whose order never settles: from the alert to the books, on the page and over REST."""

import re

import pytest
from django.urls import reverse

from audit.models import Event
from flows import shipments
from flows.models import Delivery
from kit.scope import scope
from tenants.models import Alert
from tests import factories
from tests.flows.test_shipments import flow, order, posted  # noqa: F401  # a fixture and its helpers
from tests.web.rest.conftest import caller

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def invoice(acme, request):
    """An invoice of 80.00 that nothing has paid for more than sixty days."""
    with scope(acme.pk):
        flow = request.getfixturevalue("flow")
        order(flow)
        posted(flow)
        shipments.plan_shipments(flow)
        return Delivery.objects.select_related("flow__target").get(kind="invoice")


def test_the_alert_leads_to_what_closing_books_and_closing_settles_it(signed_in, bob, acme, invoice):
    browser = signed_in(bob)
    with scope(acme.pk):
        told = Alert.objects.get(kind="unsettled_invoice")
    shown = browser.get(told.url)

    answer = browser.post(told.url, follow=True)
    again = browser.get(told.url)

    entry = next(paper for paper in shown.context["papers"] if paper.kind == "Journal entry")
    assert [(line.account, line.debit, line.credit) for line in entry.lines] == [
        ("My Amazon Sales", 8000, 0),
        ("My Amazon Clearing", 0, 8000),
    ]
    assert "is being closed" in text_of(answer)
    assert "Closed out" in text_of(answer)
    assert "Nothing of this invoice is open" in text_of(again)
    with scope(acme.pk):
        told.refresh_from_db()
        assert told.settled_at
        assert Event.objects.get(kind="invoice.closed_out").actor == bob.actor
        assert Delivery.objects.filter(number__startswith="X", state__in=["ready", "blocked"]).count() == 2


def test_the_record_offers_closing_while_something_is_open_and_to_those_who_may(signed_in, bob, acme, invoice):
    viewer = factories.member(acme, "vera@acme.test", "viewer")
    record, close = reverse("audit:record", args=[invoice.pk]), reverse("flows:close_out", args=[invoice.pk])

    offered = [close in signed_in(user).get(record).content.decode() for user in (bob, viewer)]
    forbidden = signed_in(viewer).post(close)
    signed_in(bob).post(close)

    assert offered == [True, False]
    assert forbidden.status_code == 403
    assert close not in signed_in(bob).get(record).content.decode()


def test_another_company_has_no_such_invoice(signed_in, charlie, invoice):
    place = reverse("flows:close_out", args=[invoice.pk])

    assert [signed_in(charlie).get(place).status_code, signed_in(charlie).post(place).status_code] == [404, 404]


def test_over_rest_it_is_shown_done_once_and_refused_then(acme, alice, invoice):
    rest = caller(acme, alice)
    shown = rest.get(f"deliveries/{invoice.pk}/close-out")

    done = rest.post(f"deliveries/{invoice.pk}/close-out")
    refused = rest.post(f"deliveries/{invoice.pk}/close-out")

    assert [(one["kind"], one["amount"]) for one in shown.json()] == [("payment", 8000), ("entry", 8000)]
    assert (done.status_code, done.json()) == (200, {"documents": 2})
    assert (refused.status_code, refused.json()["detail"]) == (409, "Nothing of this invoice is open.")


def test_an_order_that_is_not_invoiced_on_shipment_says_why(signed_in, bob, acme, alice, request):
    with scope(acme.pk):
        flow = request.getfixturevalue("flow")
        found = order(flow, {"ITEM": 8000, "DISCOUNT": -8000})
        shipments.plan_shipments(flow)

    page = text_of(signed_in(bob).get(reverse("flows:order", args=[found.pk])))
    [said] = caller(acme, alice).get(f"orders/{found.pk}").json()["not_invoiced"]

    assert "Acme US made no invoice when it shipped. Nothing is to be paid for it" in page
    assert (said["flow"], said["reason"]) == (flow.pk, "nothing_to_pay")
