"""Flows: created, changed, started, paused, discarded; the dry run and its approval. Each action by the right people only."""

import re
from datetime import date, timedelta

import pytest
from django.urls import reverse

from audit.models import Event
from bookkeeping.money import BadAmount
from flows import setup
from flows.forms import minor_from_text
from flows.models import Flow, Plan, Run
from kit import clock
from kit.clock import now
from ledgers.models import Company
from ledgers.port import Check, NotSent, Verdict
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
READ = ("flow", "flow_progress", "dry_run")
WRITE = ("flow_edit", "flow_discard", "flow_live", "flow_checks", "flow_pause", "flow_mode")
POST = ("flow_run", "flow_clearing", "dry_run_approve")


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


@pytest.fixture
def flow(acme):
    return flow_of(acme, state="setup")


@pytest.fixture
def bobs(signed_in, bob):
    return signed_in(bob)


@pytest.fixture
def amazon(acme):
    grant = factories.GrantFactory(provider="amazon", environment="production")
    data = {"currencies": ["CAD", "USD"], "region": "NA"}
    return factories.ConnectionFactory(tenant=acme, grant=grant, remote_name="Acme Seller", data=data)


@pytest.fixture
def books(acme, in_acme):
    connection = factories.ConnectionFactory(tenant=acme, remote_name="Acme Books")
    Company.objects.create(
        tenant=acme, connection=connection, name="Acme Books", home_currency="USD", multicurrency=False
    )
    return connection


@pytest.fixture
def no_checks(monkeypatch):
    passed = [Check("Company reachable", Verdict.PASSED, "It answers.")]
    monkeypatch.setattr(setup, "checks", lambda flow: passed)


def at(name, pk):
    return reverse(f"flows:{name}", args=[pk])


def terms(**more):
    return {
        "name": "",
        "mode": "summary",
        "trigger": "settled",
        "layout": "deposit",
        "approval": "review",
        "generic_items": "on",
        "books_from": "",
        "opening_clearing": "",
        "opening_reserve": "",
        "orders_every_min": "60",
        "settlements_every_min": "360",
    } | more


# Who may


@pytest.mark.parametrize("name", READ)
def test_everybody_of_the_company_reads(signed_in, viewer, charlie, client, flow, name):
    assert signed_in(viewer).get(at(name, flow.pk)).status_code == 200
    assert signed_in(charlie).get(at(name, flow.pk)).status_code == 404
    assert reverse("account_login") in client.get(at(name, flow.pk)).url


@pytest.mark.parametrize("name", [*WRITE, *POST])
def test_a_viewer_changes_nothing_and_a_stranger_finds_nothing(signed_in, viewer, charlie, flow, name):
    assert signed_in(viewer).post(at(name, flow.pk)).status_code == 403
    other = signed_in(charlie)
    assert (other.get if name == "flow_checks" else other.post)(at(name, flow.pk)).status_code == 404


@pytest.mark.parametrize("name", POST)
def test_actions_are_never_done_by_following_a_link(bobs, flow, name):
    assert bobs.get(at(name, flow.pk)).status_code == 405


def test_a_viewer_creates_no_flow(signed_in, viewer):
    assert signed_in(viewer).get(reverse("flows:flow_new")).status_code == 403


def test_the_list_shows_the_flows_of_this_company_only(signed_in, alice, charlie, acme):
    flow_of(acme, name="Acme Canada")

    assert "Acme Canada" in text_of(signed_in(alice).get(reverse("flows:flows")))
    assert "Acme Canada" not in text_of(signed_in(charlie).get(reverse("flows:flows")))


def test_an_empty_list_leads_to_the_first_flow(signed_in, alice):
    assert reverse("flows:flow_new") in signed_in(alice).get(reverse("flows:flows")).content.decode()


def test_a_flow_is_shown_with_a_bounded_number_of_queries(bobs, acme, django_assert_max_num_queries):
    flow = flow_of(acme)
    for month in range(1, 5):
        settle(acme, f"1500000000{month}", rows=(*SALE, STRANGE), start=f"2026-0{month}-01")
    bobs.get(reverse("flows:flows"))

    with django_assert_max_num_queries(32):
        bobs.get(at("flow", flow.pk))
    with django_assert_max_num_queries(28):
        bobs.get(at("dry_run", flow.pk))


# Creating


def test_without_books_the_page_leads_to_connecting_them(bobs, amazon):
    assert reverse("tenants:connections") in bobs.get(reverse("flows:flow_new")).content.decode()


def test_without_amazon_and_files_the_page_leads_to_an_upload(bobs, books):
    assert reverse("flows:upload") in bobs.get(reverse("flows:flow_new")).content.decode()


def test_a_flow_is_created_and_fetches_at_once(bobs, bob, amazon, books):
    asked = terms(
        source=amazon.pk, target=books.pk, currency="USD", books_from="2026-01-01", opening_reserve="1,020.50"
    )

    response = bobs.post(reverse("flows:flow_new"), asked)

    assert response.url == reverse("flows:dashboard")
    flow = Flow.objects.get()
    assert (flow.name, flow.state, flow.currency) == ("Acme Seller USD", "setup", "USD")
    assert (flow.books_from, flow.opening_reserve, flow.opening_clearing) == (date(2026, 1, 1), 102050, 0)
    assert flow.next_run_at <= clock.now()
    assert Event.objects.get(kind="flow.created").actor == bob.actor


def test_a_flow_of_uploaded_files_needs_no_amazon_account(bobs, acme, books):
    settle(acme)

    bobs.post(reverse("flows:flow_new"), terms(source="", target=books.pk, currency="USD"))

    assert Flow.objects.get().source is None


def test_only_currencies_of_the_sellers_settlements_are_offered(bobs, acme, amazon, books):
    page = bobs.get(reverse("flows:flow_new")).content.decode()
    assert 'value="CAD"' in page
    assert 'value="EUR"' not in page


def test_a_currency_the_books_do_not_have_is_converted_and_that_is_said(bobs, amazon, books):
    response = bobs.post(
        reverse("flows:flow_new"), terms(source=amazon.pk, target=books.pk, currency="CAD", name="Mine"), follow=True
    )

    assert "Acme Books keeps its books in USD only: amounts are converted from CAD at your rates." in text_of(response)
    assert Flow.objects.get().converts


def test_where_the_rate_of_a_settlement_comes_from_is_asked_where_currencies_differ(bobs, amazon, books):
    page = bobs.get(reverse("flows:flow_new"))
    values = {"source": amazon.pk, "target": books.pk}

    bobs.post(reverse("flows:flow_new"), terms(**values, currency="CAD", rate_from="amazon"))
    bobs.post(reverse("flows:flow_new"), terms(**values, currency="USD"))

    assert "Amazon's own, where it states one before anything is sent" in text_of(page).replace("’", "'").replace(
        "&#x27;", "'"
    )
    assert dict(Flow.objects.values_list("currency", "rate_from")) == {"CAD": "amazon", "USD": "table"}


def test_where_the_rate_comes_from_is_not_asked_where_books_and_settlements_have_one_currency(bobs, acme, books):
    settle(acme)

    assert "rate_from" not in bobs.get(reverse("flows:flow_new")).context["form"].fields


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("opening_reserve", "20,5", "Write the amount with a point"),
        ("opening_reserve", "20.005", "not an exact amount: USD has 2 decimals"),
        ("opening_reserve", "-20.00", "cannot be below zero"),
        ("opening_clearing", "twenty", "Write the amount with a point"),
        ("books_from", "1999-01-01", "after 2010"),
        ("approval", "", "This field is required"),
    ],
)
def test_bad_input_is_answered_with_a_sentence_and_what_was_typed(bobs, amazon, books, field, typed, says):
    asked = terms(source=amazon.pk, target=books.pk, currency="USD", books_from="2026-01-01") | {field: typed}

    response = bobs.post(reverse("flows:flow_new"), asked)

    assert says in text_of(response)
    assert f'value="{typed}"' in response.content.decode() or not typed
    assert not Flow.objects.exists()


def test_opening_figures_need_the_day_they_hold_on(bobs, amazon, books):
    asked = terms(source=amazon.pk, target=books.pk, currency="USD", opening_reserve="20.00")

    assert "Say on which day these opening figures hold" in text_of(bobs.post(reverse("flows:flow_new"), asked))


def test_books_do_not_begin_in_a_closed_period(bobs, amazon, books):
    Company.objects.update(closed_until=date(2026, 3, 31))
    asked = terms(source=amazon.pk, target=books.pk, currency="USD", books_from="2026-03-01")

    assert "closed until 31 March 2026" in text_of(bobs.post(reverse("flows:flow_new"), asked))


def test_the_day_after_a_closed_period_is_proposed(bobs, amazon, books):
    closed = clock.now().date() - timedelta(days=20)
    Company.objects.update(closed_until=closed)

    assert f'value="{closed + timedelta(days=1)}"' in bobs.get(reverse("flows:flow_new")).content.decode()


def test_a_second_flow_of_the_same_pair_is_refused(bobs, acme, books):
    settle(acme)
    asked = terms(source="", target=books.pk, currency="USD")
    bobs.post(reverse("flows:flow_new"), asked)

    assert "already brings these settlements" in text_of(bobs.post(reverse("flows:flow_new"), asked))


def test_lists_nobody_has_read_are_read_first(bobs, amazon, books, monkeypatch):
    Company.objects.all().delete()
    read = []
    monkeypatch.setattr("flows.views.flows.refresh_lists", read.append)

    bobs.post(reverse("flows:flow_new"), terms(source=amazon.pk, target=books.pk, currency="USD"))

    assert read == [books]
    assert Flow.objects.exists()


def test_books_that_cannot_be_read_get_no_flow(bobs, amazon, books, monkeypatch):
    Company.objects.all().delete()

    def down(connection):
        raise NotSent("QuickBooks does not answer.")

    monkeypatch.setattr("flows.views.flows.refresh_lists", down)

    response = bobs.post(reverse("flows:flow_new"), terms(source=amazon.pk, target=books.pk, currency="USD"))

    assert "Acme Books could not be read: QuickBooks does not answer." in text_of(response)
    assert not Flow.objects.exists()


def test_another_companys_connection_is_no_choice(bobs, globex, amazon, books):
    foreign = factories.ConnectionFactory(tenant=globex)

    response = bobs.post(reverse("flows:flow_new"), terms(source=amazon.pk, target=foreign.pk, currency="USD"))

    assert response.status_code == 200
    assert not Flow.objects.exists()


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("", "USD", 0),
        ("0.1", "USD", 10),
        ("1,234.56", "USD", 123456),
        ("−79.41", "USD", -7941),
        ("1 000", "JPY", 1000),
        ("1.234", "KWD", 1234),
    ],
)
def test_amounts_are_read_exactly(text, currency, minor):
    assert minor_from_text(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("1,23", "USD"),
        ("1.2.3", "USD"),
        ("1e3", "USD"),
        ("0.5", "JPY"),
        ("NaN", "USD"),
        ("١", "USD"),
        ("9" * 24, "USD"),
    ],
)
def test_what_is_no_exact_amount_is_refused(text, currency):
    with pytest.raises(BadAmount):
        minor_from_text(text, currency)


# Changing


def test_a_change_is_saved_and_remembered(bobs, bob, flow, in_acme):
    response = bobs.post(at("flow_edit", flow.pk), terms(mode="orders", name="Canada", orders_every_min="15"))

    assert response.url == at("flow", flow.pk)
    flow.refresh_from_db()
    assert (flow.mode, flow.name, flow.orders_every_min) == ("orders", "Canada", 15)
    assert Event.objects.get(kind="flow.changed").actor == bob.actor


def test_accruing_is_switched_on_from_this_month_and_off_where_somebody_sees_it(bobs, acme, flow, in_acme):
    no_seller = bobs.get(at("flow_edit", flow.pk)).content.decode()
    seller = factories.ConnectionFactory(tenant=acme, provider="amazon", grant__provider="amazon", remote_id="A1")
    Flow.objects.filter(pk=flow.pk).update(source=seller)

    offered = bobs.get(at("flow_edit", flow.pk)).content.decode()
    bobs.post(at("flow_edit", flow.pk), terms(accrues="on"))
    flow.refresh_from_db()
    on, page = flow.accrues_from, bobs.get(at("flow", flow.pk)).content.decode()
    bobs.post(at("flow_edit", flow.pk), terms())
    flow.refresh_from_db()

    assert "what Amazon holds back" not in no_seller
    assert "what Amazon holds back" in offered
    assert on == now().date().replace(day=1)
    assert f"accrued since {on:%B %Y}" in page
    assert flow.accrues_from is None


def test_a_live_flow_keeps_its_beginning_and_its_mode(bobs, acme, in_acme):
    live = flow_of(acme)

    bobs.post(at("flow_edit", live.pk), terms(mode="orders", books_from="2026-02-01", opening_reserve="5.00"))

    live.refresh_from_db()
    assert (live.mode, live.books_from, live.opening_reserve) == ("summary", None, 0)


def test_the_first_settlement_itself_tells_the_opening_figures(bobs, acme, flow):
    settle(acme, rows=(*SALE, ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "20.00")))

    assert "It gives back 20.00 USD held before it" in text_of(bobs.get(at("flow_edit", flow.pk)))


def test_the_figures_of_the_first_settlement_are_entered_already(bobs, acme, flow):
    settle(
        acme,
        rows=(
            *SALE,
            ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "20.00"),
            ("other-transaction", "other-transaction", "Payable to Amazon", "-5.00"),
        ),
        start="2026-01-01",
    )

    page = bobs.get(at("flow_edit", flow.pk)).content.decode()

    assert 'name="opening_reserve" value="20.00"' in page
    assert 'name="opening_clearing" value="-5.00"' in page
    assert 'name="books_from" value="2026-01-01"' in page or 'name="books_from" value="2025-12-31"' in page


def test_a_new_flow_of_uploaded_files_begins_with_what_the_first_one_says(bobs, acme, in_acme, books):
    settle(acme, rows=(*SALE, ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "20.00")))

    page = bobs.get(reverse("flows:flow_new")).content.decode()

    assert 'name="opening_reserve" value="20.00"' in page


def test_the_opening_entry_is_the_first_document_of_the_dry_run_and_of_the_first_approval(bobs, acme, flow):
    first = plan_of(settle(acme, "15000000001", start="2026-01-01"))
    second = plan_of(settle(acme, "15000000002", start="2026-02-01"))
    bobs.post(at("flow_edit", flow.pk), terms(books_from="2026-01-01", opening_reserve="20.00", opening_loan="7.50"))

    dry_run = text_of(bobs.get(at("dry_run", flow.pk)))
    approval = text_of(bobs.get(reverse("flows:approve", args=[first.pk])))

    assert dry_run.index("AMZ-OPENING-USD") < dry_run.index("15000000001")
    assert "Written first" not in dry_run
    documents = approval[approval.index("Documents") :]
    assert documents.index("AMZ-OPENING-USD") < documents.index("Memo")
    assert "AMZ-OPENING-USD" not in text_of(bobs.get(reverse("flows:approve", args=[second.pk])))
    assert "before everything else: AMZ-OPENING-USD" in text_of(bobs.get(at("flow_live", flow.pk)))


def test_a_first_day_far_ahead_is_refused_with_what_to_do(bobs, flow):
    response = bobs.post(at("flow_edit", flow.pk), terms(books_from="2031-01-01"))

    assert "is too far ahead" in text_of(response)
    assert "set the flow up when that day is near" in text_of(response)


def test_a_first_day_that_would_leave_out_posted_work_is_refused(bobs, acme, flow, in_acme):
    from tests.flows.test_setup import sent

    sent(plan_of(settle(acme)))

    response = bobs.post(at("flow_edit", flow.pk), terms(books_from="2026-06-01"))

    assert "was already sent. Undo it first." in text_of(response)


# Running


def test_a_flow_whose_company_is_closed_to_us_says_so_and_leads_to_the_connections(bobs, flow, in_acme):
    type(flow.target).objects.filter(pk=flow.target_id).update(state="revoked")

    page = bobs.get(at("flow", flow.pk))

    assert "is disconnected. Nothing is posted there until an owner connects it again" in text_of(page)
    assert reverse("tenants:connections") in page.content.decode()


def test_run_now_makes_the_flow_due_and_says_who_asked(bobs, bob, acme, in_acme):
    live = flow_of(acme)

    bobs.post(at("flow_run", live.pk))

    live.refresh_from_db()
    assert live.next_run_at <= clock.now()
    assert Event.objects.get(kind="flow.run_asked").actor == bob.actor


def test_run_now_by_htmx_answers_with_the_progress_alone(bobs, acme, in_acme):
    live = flow_of(acme)

    response = bobs.post(at("flow_run", live.pk), headers={"HX-Request": "true"})

    assert "Starts in a moment" in text_of(response)
    assert "<html" not in response.content.decode()


def test_a_paused_flow_does_not_run(bobs, acme, in_acme):
    paused = flow_of(acme, state="paused")

    response = bobs.post(at("flow_run", paused.pk), follow=True)

    assert "is paused. Resume it first." in text_of(response)
    paused.refresh_from_db()
    assert paused.next_run_at is None


def test_the_page_shows_itself_anew_when_the_work_is_done(bobs, acme, in_acme):
    live = flow_of(acme)
    Run.objects.create(tenant=acme, flow=live, started_at=clock.now(), state="done")

    response = bobs.get(at("flow_progress", live.pk) + "?busy=1", headers={"HX-Request": "true"})

    assert response["HX-Refresh"] == "true"


# Going live, pausing, changing the mode, discarding


def test_the_page_names_what_is_posted_first(bobs, acme, flow):
    settle(acme)

    assert "15000000001" in text_of(bobs.get(at("flow_live", flow.pk)))


def test_the_checks_are_shown_with_what_is_in_the_way(bobs, acme, flow, monkeypatch):
    ended = Check("Subscription", Verdict.FAILED, "It has ended.", "Renew it.", "posting")
    monkeypatch.setattr(setup, "checks", lambda flow: [ended])

    part = bobs.get(at("flow_checks", flow.pk), headers={"HX-Request": "true"})
    whole = bobs.get(at("flow_checks", flow.pk))

    assert "Subscription: It has ended. Renew it." in text_of(part)
    assert "<html" not in part.content.decode()
    assert "Renew it." in text_of(whole)
    assert "Go live" in text_of(whole)


def test_going_live_with_something_in_the_way_says_so(bobs, acme, flow, monkeypatch, in_acme):
    ended = Check("Subscription", Verdict.FAILED, "It has ended.", "Renew it.", "posting")
    monkeypatch.setattr(setup, "checks", lambda flow: [ended])

    assert "Renew it." in text_of(bobs.post(at("flow_live", flow.pk)))
    flow.refresh_from_db()
    assert flow.state == "setup"


def test_a_ledger_that_does_not_answer_keeps_a_flow_from_going_live(bobs, flow, monkeypatch, in_acme):
    def silent(flow):
        raise NotSent("No connection.")

    monkeypatch.setattr(setup, "checks", silent)

    assert "could not be asked: No connection." in text_of(bobs.get(at("flow_checks", flow.pk)))
    assert "could not be asked: No connection." in text_of(bobs.post(at("flow_live", flow.pk)))
    flow.refresh_from_db()
    assert flow.state == "setup"


def test_a_flow_goes_live_and_leads_to_what_waits_for_approval(bobs, bob, acme, flow, no_checks, in_acme):
    settle(acme)

    response = bobs.post(at("flow_live", flow.pk))

    assert response.url == at("dry_run", flow.pk)
    flow.refresh_from_db()
    assert flow.state == "live"
    assert Event.objects.get(kind="flow.live").actor == bob.actor


def test_pausing_asks_first_and_resuming_checks_again(bobs, acme, no_checks, in_acme):
    live = flow_of(acme)
    assert "stops fetching and posting" in text_of(bobs.get(at("flow_pause", live.pk)))

    bobs.post(at("flow_pause", live.pk))
    live.refresh_from_db()
    assert live.state == "paused"
    assert "Resume" in text_of(bobs.get(at("flow_live", live.pk)))

    bobs.post(at("flow_live", live.pk))
    live.refresh_from_db()
    assert live.state == "live"


def test_a_change_of_mode_says_what_stays(bobs, bob, acme, in_acme):
    live = flow_of(acme)
    post(plan_of(settle(acme)))
    settle(acme, "15000000002", start="2026-02-01")

    shown = text_of(bobs.get(at("flow_mode", live.pk)))
    bobs.post(at("flow_mode", live.pk), {"mode": "orders"})

    assert "1 settlement in the books stays as it is" in shown
    assert "1 settlement not approved yet is planned again" in shown
    assert "there is no back-fill" in shown
    live.refresh_from_db()
    assert live.mode == "orders"
    assert Event.objects.get(kind="flow.mode_changed").actor == bob.actor


def test_discarding_asks_first(bobs, flow, in_acme):
    assert "Nothing of it is in your books" in text_of(bobs.get(at("flow_discard", flow.pk)))

    assert bobs.post(at("flow_discard", flow.pk)).url == reverse("flows:flows")

    assert not Flow.objects.exists()


def test_a_live_flow_is_not_discarded(bobs, acme, in_acme):
    live = flow_of(acme)

    assert "Pause it instead" in text_of(bobs.post(at("flow_discard", live.pk), follow=True))
    assert Flow.objects.exists()


# The dry run


def test_the_dry_run_shows_what_would_be_created_and_what_is_held(bobs, acme, flow):
    settle(acme, rows=(*SALE, STRANGE))

    shown = text_of(bobs.get(at("dry_run", flow.pk)))

    assert "15000000001" in shown
    assert "19.75" in shown
    assert re.search(r"1 journal entry", shown)
    assert "1 transfer" in shown
    assert "Amazon used a label that nobody has decided on" in shown
    assert "Approve" not in shown


def test_money_from_before_the_first_settlement_is_asked_for(bobs, acme, flow, in_acme):
    settle(acme, rows=(*SALE, ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "20.00")))
    assert "Enter the opening figures" in text_of(bobs.get(at("dry_run", flow.pk)))

    bobs.post(at("flow_edit", flow.pk), terms(books_from="2026-01-01", opening_reserve="20.00"))

    assert "Enter the opening figures" not in text_of(bobs.get(at("dry_run", flow.pk)))


def test_before_it_is_live_nothing_can_be_approved(bobs, acme, flow, in_acme):
    settle(acme)

    assert "Let the flow go live first" in text_of(bobs.post(at("dry_run_approve", flow.pk), follow=True))
    assert Plan.objects.get().state == Plan.State.PLANNED


def test_one_settlement_is_approved_by_name(bobs, bob, acme, in_acme):
    live = flow_of(acme)
    first, second = settle(acme), settle(acme, "15000000002", start="2026-02-01")

    response = bobs.post(at("dry_run_approve", live.pk), {"plan": plan_of(second).pk}, follow=True)

    assert "Settlement 15000000002 is approved" in text_of(response)
    assert plan_of(first).state == "planned"
    assert plan_of(second).approved_by == bob.actor


def test_all_are_approved_at_once(bobs, acme, in_acme):
    live = flow_of(acme)
    settle(acme)
    settle(acme, "15000000002", start="2026-02-01")

    response = bobs.post(at("dry_run_approve", live.pk), follow=True)

    assert "2 settlements are approved" in text_of(response)
    assert not Plan.objects.filter(state="planned").exists()


def test_a_plan_of_another_flow_is_not_approved_here(bobs, acme, in_acme):
    live, other = flow_of(acme), flow_of(acme, name="Other", currency="CAD")
    foreign = plan_of(settle(acme, currency="CAD"))

    bobs.post(at("dry_run_approve", live.pk), {"plan": foreign.pk})

    assert plan_of(foreign.settlement, other).state == "planned"


def test_nothing_planned_says_so(bobs, flow):
    assert "Nothing is planned" in text_of(bobs.get(at("dry_run", flow.pk)))


# When an order is invoiced


def test_invoices_before_the_settlement_are_chosen_with_their_consequences(bobs, amazon, books):
    page = text_of(bobs.get(reverse("flows:flow_new")))
    asked = terms(source=amazon.pk, target=books.pk, currency="USD", mode="orders", trigger="shipped")

    bobs.post(reverse("flows:flow_new"), asked)

    assert "which accrual accounting does not allow" in page
    assert "before any settlement is approved" in page
    assert Flow.objects.get().trigger == "shipped"


def test_the_trigger_of_a_live_flow_is_switched_with_its_mode(bobs, acme, in_acme):
    live = flow_of(acme, mode="orders")

    bobs.post(at("flow_mode", live.pk), {"mode": "orders", "trigger": "shipped"})

    live.refresh_from_db()
    assert (live.mode, live.trigger) == ("orders", "shipped")
    assert live.cut_over_at <= clock.now()


def test_a_mode_that_is_already_so_changes_nothing(bobs, acme, in_acme):
    live = flow_of(acme)

    response = bobs.post(at("flow_mode", live.pk), {"mode": "summary", "trigger": "settled"}, follow=True)

    assert "Nothing was different" in text_of(response)
    assert not Event.objects.filter(kind="flow.mode_changed").exists()


def test_what_is_being_planned_again_cannot_be_approved(bobs, acme, in_acme):
    live = flow_of(acme)
    plan = plan_of(settle(acme))
    Plan.objects.filter(pk=plan.pk).update(asked=plan.made + 1)

    shown = bobs.get(at("dry_run", live.pk))
    response = bobs.post(at("dry_run_approve", live.pk), follow=True)

    assert "being planned" in text_of(shown)
    assert "Planning 1 settlement" in text_of(shown)
    assert "cannot be approved yet" in text_of(response)
    assert Plan.objects.get().state == "planned"


def test_a_flow_that_is_being_planned_is_not_discarded(bobs, acme, flow, in_acme):
    settle(acme)
    Flow.objects.update(planning_until=clock.now() + timedelta(minutes=5))

    assert "being planned at this moment" in text_of(bobs.post(at("flow_discard", flow.pk), follow=True))
    assert Flow.objects.exists()


def test_a_live_summary_is_not_asked_about_invoices(bobs, acme, in_acme):
    live = flow_of(acme)

    page = bobs.get(at("flow_edit", live.pk)).content.decode()
    bobs.post(
        at("flow_edit", live.pk), {"approval": "automatic", "orders_every_min": "60", "settlements_every_min": "60"}
    )

    assert "generic_items" not in page
    live.refresh_from_db()
    assert (live.approval, live.generic_items, live.layout) == ("automatic", True, "")


# Which books, and what is made there


def test_companies_of_one_name_are_told_apart_by_their_ledger(bobs, acme, flow):
    grant = factories.GrantFactory(provider="wave", environment="production")
    other = factories.ConnectionFactory(tenant=acme, grant=grant, remote_name=flow.target.remote_name)
    settlement = settle(acme)
    plan = plan_of(settlement, flow)

    asked = bobs.get(reverse("flows:flow_new")).content.decode()
    settled = bobs.get(f"{reverse('flows:settlement', args=[settlement.pk])}?plan={plan.pk}").content.decode()

    assert f">{other.remote_name}, Wave</option>" in asked
    assert f">{other.remote_name}, QuickBooks Online</option>" in asked
    assert f"into {other.remote_name}, QuickBooks Online" in settled
    assert f"{other.remote_name}, QuickBooks Online" in text_of(bobs.get(at("flow", flow.pk)))


def test_after_a_switch_a_settlement_says_how_it_was_booked_itself(bobs, acme, in_acme):
    flow = flow_of(acme)
    settlement = settle(acme)
    post(plan_of(settlement))

    setup.switch_mode(flow, "orders", "settled", "alice")
    settled = text_of(bobs.get(reverse("flows:settlement", args=[settlement.pk])))

    assert "Summary: one balanced entry per settlement and month" in settled
    assert "Orders: an invoice for each order" not in settled
    assert "Orders: an invoice for each order" in text_of(bobs.get(at("flow", flow.pk)))


@pytest.mark.parametrize(
    ("provider", "values", "words"),
    [
        ("quickbooks", {}, "The bank line matches the payout in one click"),
        ("wave", {}, "One deposit or withdrawal on the clearing account"),
        ("freshbooks", {}, "an expense for each kind of fee"),
        ("zoho", {"layout": "journals", "mode": "orders"}, "Now: Orders: a journal for each order"),
    ],
)
def test_both_ways_of_booking_are_described_as_the_ledger_makes_them(bobs, in_acme, flow, provider, values, words):
    type(flow.target).objects.filter(pk=flow.target_id).update(provider=provider)
    Flow.objects.filter(pk=flow.pk).update(**values)

    page = text_of(bobs.get(at("flow_mode", flow.pk)))

    assert words in page
    assert ("in one click" in page) == (provider == "quickbooks")


def test_documents_are_called_what_the_ledger_calls_them(bobs, acme, in_acme):
    flow = flow_of(acme)
    settlement = settle(acme)
    address = reverse("flows:settlement", args=[settlement.pk])

    usual = text_of(bobs.get(address))
    type(flow.target).objects.filter(pk=flow.target_id).update(provider="wave")
    in_wave = text_of(bobs.get(address))

    assert "Journal entry AMZ-" in usual
    assert "Transaction AMZ-" in in_wave
    assert "Journal entry" not in in_wave
