"""Buyers on the pages, over REST and by command: switched by owners, shown nowhere, forgotten."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from amazon import buyers
from amazon.models import Buyer
from audit.models import Event
from flows.models import Flow
from kit.scope import scope
from tenants import apikeys
from tests import factories
from tests.web.rest.conftest import Caller
from tests.web.small_books import flow_of
from tests.web.test_orders_pages import order_of

pytestmark = pytest.mark.django_db
ANN = buyers.Person("Ann Buyer", "x1@marketplace.example")


@pytest.fixture
def flow(acme):
    made = flow_of(acme, mode="orders")
    source = factories.ConnectionFactory(tenant=acme, provider="amazon", grant__provider="amazon", remote_id="A1")
    with scope(acme.pk):
        Flow.objects.filter(pk=made.pk).update(source=source, layout="journal")
        return Flow.objects.select_related("source", "target").get(pk=made.pk)


@pytest.fixture
def order(acme, flow):
    with scope(acme.pk):
        made = order_of(flow.source)
        buyers.keep(flow.source, {made.order_id: ANN})
    return made


def left(acme):
    with scope(acme.pk):
        return list(Buyer.objects.exclude(sealed=""))


def test_only_an_owner_has_buyers_named_and_reads_first_what_that_means(acme, alice, bob, signed_in, flow):
    page = reverse("flows:flow_buyers", args=[flow.pk])
    owner, bookkeeper = signed_in(alice), signed_in(bob)

    refused = bookkeeper.post(page, {"buyers": "on"})
    shown = owner.get(page).content.decode()
    owner.post(page, {"buyers": "on"})
    with scope(acme.pk):
        switched = Flow.objects.get(pk=flow.pk).buyers
        told = Event.objects.filter(kind="flow.buyers_on").count()
    again = owner.get(page).content.decode()
    owner.post(page, {"buyers": "off"})

    assert refused.status_code == 403
    for said in ("What is stored", "Where it goes", "How long", "restricted roles", "stops at once", "30 days"):
        assert said in shown
    assert (switched, told) == (True, 1)
    assert "Name buyers no longer" in again
    with scope(acme.pk):
        assert not Flow.objects.get(pk=flow.pk).buyers


def test_a_flow_that_cannot_name_buyers_says_why(acme, alice, signed_in):
    files = flow_of(acme, mode="orders", name="Files")

    shown = signed_in(alice).get(reverse("flows:flow_buyers", args=[files.pk])).content.decode()

    assert "uploaded files" in shown
    assert "Name buyers from now on" not in shown


def test_an_order_never_shows_its_buyer_and_lets_an_owner_forget_them(acme, alice, bob, charlie, signed_in, order):
    page, forget = (reverse(f"flows:{name}", args=[order.pk]) for name in ("order", "forget"))
    owner = signed_in(alice)

    shown = owner.get(page).content.decode()
    to_bob = signed_in(bob)
    answers = [to_bob.post(forget).status_code, signed_in(charlie).post(forget).status_code]
    kept_until_then = len(left(acme))
    owner.post(forget)
    after = owner.get(page).content.decode()

    assert "Ann" not in shown
    assert forget in shown
    assert forget not in to_bob.get(page).content.decode()
    assert (answers, kept_until_then, left(acme)) == ([403, 404], 1, [])
    assert "Nothing of the name is kept here" in after
    with scope(acme.pk):
        told = Event.objects.get(kind="buyer.forgotten")
    assert "Ann" not in str(told.data)


def test_buyers_are_forgotten_over_rest_and_no_answer_names_them(acme, globex, alice, charlie, order):
    own = Caller(apikeys.issue(acme, alice, "own", ("read", "write"))[1])
    reader = Caller(apikeys.issue(acme, alice, "reads", ("read",))[1])
    stranger = Caller(apikeys.issue(globex, charlie, "strange", ("read", "write"))[1])
    address = f"orders/{order.pk}/forget-buyer"

    shown = own.get(f"orders/{order.pk}").content.decode()
    refused = [reader.post(address).status_code, stranger.post(address).status_code]
    done = own.post(address)
    with scope(acme.pk):
        Buyer.objects.all().delete()
    nothing = own.post(address)

    assert "Ann" not in shown
    assert (refused, done.status_code, nothing.status_code) == ([403, 404], 204, 409)


def test_buyers_are_forgotten_by_command(acme, alice, order, capsys):
    call_command("forget_buyer", order.order_id, user=alice.email)

    assert left(acme) == []
    assert "Ann" not in capsys.readouterr().out
    with pytest.raises(CommandError, match="Nothing is kept"):
        call_command("forget_buyer", "000-0", user=alice.email)
