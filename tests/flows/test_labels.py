"""Labels nobody knows: asked about once for a seller, and decided once for all of its flows."""

import pytest

from bookkeeping.accounts import Category
from bookkeeping.facts import Label
from flows import rules
from flows.models import Delivery, Plan
from tenants.models import Alert
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, flow_of, settle

LABEL = Label(*STRANGE[:3])
OWED = (*STRANGE[:3], "-1234.50")

pytestmark = pytest.mark.usefixtures("in_acme")


def test_two_flows_of_one_seller_ask_about_a_label_once(acme):
    flow_of(acme, name="One")
    flow_of(acme, name="Two", mode="orders")

    settle(acme, rows=(*SALE, STRANGE))

    assert Plan.objects.count() == 2
    assert Alert.objects.filter(kind="unknown_label").count() == 1


def test_the_decision_serves_both_and_settles_the_question(acme):
    flow = flow_of(acme, name="One")
    flow_of(acme, name="Two", mode="orders")
    settle(acme, rows=(*SALE, STRANGE))

    rules.decide_label(flow, LABEL, Category.FEE_ADJUSTMENT, "alice")

    assert not Delivery.objects.filter(state="held").exists()
    assert [plan.statement["unknown"] for plan in Plan.objects.all()] == [[], []]
    assert Alert.objects.get(kind="unknown_label").settled_at


def test_it_stays_asked_while_one_of_them_does_not_know(acme):
    flow = flow_of(acme, name="One")
    flow_of(acme, name="Two", mode="orders")
    settle(acme, rows=(*SALE, STRANGE))

    rules.save_label(flow, LABEL, Category.FEE_ADJUSTMENT, "alice")

    assert Alert.objects.get(kind="unknown_label").settled_at is None


def test_amounts_in_an_alert_have_a_real_minus(acme):
    flow_of(acme)

    settle(acme, rows=(*SALE, OWED))

    assert "together −1,234.50 USD" in Alert.objects.get(kind="unknown_label").text
