"""Orders: the list, and one order with its items, documents and rows."""

import re
from datetime import UTC, datetime

import pytest
from django.urls import reverse

from amazon.models import Order
from flows import trace
from kit.scope import scope
from tests import factories
from tests.web.small_books import flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
ORDER = "701-1234567-1234567"
QUERIES = 40


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def seller(acme):
    return factories.ConnectionFactory(tenant=acme, provider="amazon", grant__provider="amazon", remote_id="A1")


def order_of(seller, order_id=ORDER, **values):
    facts = {
        "status": "SHIPPED",
        "purchased_at": datetime(2025, 12, 20, tzinfo=UTC),
        "last_updated_at": datetime(2025, 12, 22, tzinfo=UTC),
        "shipped_at": datetime(2025, 12, 21, tzinfo=UTC),
        "marketplace": "Amazon.com",
        "currency": "USD",
        "total": 2000,
        "items": [
            {
                "item_id": "1",
                "sku": "LAMP-1",
                "asin": "B0",
                "title": "Desk lamp",
                "quantity": 1,
                "fulfilled": 1,
                "total": 2000,
                "subtotals": {"ITEM": 2000},
            }
        ],
        "tracking": [{"carrier": "UPS", "number": "1Z999", "shipped_at": None}],
    }
    with scope(seller.tenant_id):
        return Order.objects.create(tenant_id=seller.tenant_id, connection=seller, order_id=order_id, **facts | values)


def order_ids(page):
    return [order.order_id for order, *_ in page.context["rows"]]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, True),
        ({"text": "701-1234"}, True),
        ({"text": "111-"}, False),
        ({"status": "SHIPPED"}, True),
        ({"status": "CANCELLED"}, False),
        ({"marketplace": "Amazon.com"}, True),
        ({"purchased_from": "2025-12-20", "purchased_to": "2025-12-20"}, True),
        ({"purchased_from": "2025-12-21"}, False),
        ({"shipped_to": "2025-12-20"}, False),
        ({"invoice": "none"}, True),
        ({"invoice": "posted"}, False),
    ],
)
def test_orders_are_found(signed_in, alice, seller, query, found):
    order_of(seller)
    order_of(seller, "222-2", status="CANCELLED", purchased_at=datetime(2026, 3, 1, tzinfo=UTC), shipped_at=None)

    page = signed_in(alice).get(reverse("flows:orders"), query)

    assert (ORDER in order_ids(page)) is found


def test_the_list_says_whether_an_order_is_invoiced(signed_in, alice, acme, seller):
    order_of(seller)
    flow = flow_of(acme, mode="orders")
    flow.source = seller
    with scope(acme.pk):
        flow.save()
    post(plan_of(settle(acme)))

    page = signed_in(alice).get(reverse("flows:orders"), {"invoice": "posted"})

    assert order_ids(page) == [ORDER]
    assert "In the books" in text_of(page)


def test_an_order_shows_items_tracking_documents_and_rows(signed_in, alice, acme, seller):
    order = order_of(seller)
    flow = flow_of(acme, mode="orders")
    flow.source = seller
    with scope(acme.pk):
        flow.save()
    settlement = settle(acme)
    post(plan_of(settlement))

    page = signed_in(alice).get(reverse("flows:order", args=[order.pk]))

    assert "Desk lamp" in text_of(page)
    assert "1Z999" in text_of(page)
    assert [kind for _, kind in page.context["documents"]] == ["Invoice", "Payment"]
    [(found, rows)] = page.context["settled"]
    assert found == settlement
    assert [row.amount for row in rows] == [2000, -300, -450]


def test_in_summary_mode_the_settlement_is_found_by_its_rows(signed_in, alice, acme, seller):
    order = order_of(seller)
    settlement = settle(acme)

    page = signed_in(alice).get(reverse("flows:order", args=[order.pk]))

    assert "No invoice names this order" in text_of(page)
    assert [found for found, _ in page.context["settled"]] == [settlement]


def test_long_settlements_are_read_only_when_a_person_asks(signed_in, alice, acme, seller, monkeypatch):
    order = order_of(seller)
    settle(acme)
    monkeypatch.setattr(trace, "QUICK_ROWS", 1)
    browser = signed_in(alice)
    address = reverse("flows:order", args=[order.pk])

    assert browser.get(address).context["settled"] == []
    assert len(browser.get(address, {"rows": "all"}).context["settled"]) == 1


def test_a_pending_order_has_no_amount_yet(signed_in, alice, seller):
    order_of(seller, status="PENDING", total=None, currency="", items=[], shipped_at=None)

    assert "not known yet" in text_of(signed_in(alice).get(reverse("flows:orders")))


def test_an_order_of_another_tenant_is_not_there(signed_in, charlie, seller):
    order = order_of(seller)

    assert signed_in(charlie).get(reverse("flows:order", args=[order.pk])).status_code == 404
    assert order_ids(signed_in(charlie).get(reverse("flows:orders"))) == []


def test_a_stranger_signs_in_first(client):
    assert client.get(reverse("flows:orders")).url.startswith(reverse("account_login"))


def test_the_list_asks_as_much_for_many_orders_as_for_one(signed_in, alice, seller, django_assert_max_num_queries):
    for number in range(20):
        order_of(seller, f"333-{number}")
    browser = signed_in(alice)

    with django_assert_max_num_queries(QUERIES):
        assert len(order_ids(browser.get(reverse("flows:orders")))) == 20
