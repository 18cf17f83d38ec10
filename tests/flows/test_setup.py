"""Creating, mapping, starting, pausing, changing and discarding a flow."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
import time_machine
from django.db import IntegrityError, transaction

from amazon.models import Settlement
from audit.models import Event
from bookkeeping.accounts import AccountClass, AccountKey
from flows import creation, onboarding, opening, planning, progress, rules, setup
from flows.models import Attempt, Delivery, Flow, MappingRule, Plan
from flows.onboarding import StepName
from kit import clock
from ledgers.models import Company, ListEntry
from ledgers.port import Binding, Check, Verdict
from tenants.models import Alert
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, answer_all, flow_of, listed, plan_of, settle

pytestmark = pytest.mark.django_db
K = AccountKey


@pytest.fixture
def quiet(monkeypatch):
    """A ledger with nothing to say against anything."""
    monkeypatch.setattr(setup, "checks", lambda flow: [])


@pytest.fixture
def flow(acme):
    return flow_of(acme, state="setup")


@pytest.fixture
def fresh(acme, in_acme):
    """A flow nobody has mapped yet."""
    flow = flow_of(acme, state="setup")
    MappingRule.objects.all().delete()
    return flow


def line(flow, key):
    return next(line for line in setup.choices(flow) if line.key == key)


def entry(flow, external_id):
    return ListEntry.objects.get(connection=flow.target, list="account", external_id=external_id)


def sent(plan):
    """Let one document of the plan have been sent."""
    row = Delivery.objects.filter(plan=plan).first()
    now = clock.now()
    attempt = Attempt.objects.create(
        tenant_id=plan.tenant_id, remote_key=row.remote_key, keys=[row.key], fence=1, sent_at=now, deadline_at=now
    )
    attempt.deliveries.add(row)


# Choosing accounts


def test_what_rows_need_and_nobody_has_decided_comes_first(acme, fresh):
    settle(acme)

    lines = setup.choices(fresh)

    needed = {K.CLEARING, K.BANK, K.SALES, K.FEE_SELLING, K.FEE_FBA}
    assert {one.key for one in lines[: len(needed)]} == needed
    assert not any(one.needed for one in lines[len(needed) :])


def test_an_account_kept_in_another_currency_is_not_offered_for_clearing(fresh):
    assets = ListEntry.objects.filter(connection=fresh.target, account_class=AccountClass.CURRENT_ASSET)
    assets.filter(name="My Amazon Clearing").update(currency="CAD")

    assert "My Amazon Clearing" not in {option.name for option in line(fresh, K.CLEARING).options}
    assert line(fresh, K.CLEARING).suggestion is None


def test_the_opening_balance_account_is_offered_once_there_is_something_to_open(fresh):
    ListEntry.objects.create(
        tenant_id=fresh.tenant_id,
        connection=fresh.target,
        list="account",
        external_id="eq",
        name="Opening Balance Equity",
        type="Equity/OpeningBalanceEquity",
        account_class=AccountClass.EQUITY,
    )
    assert K.OPENING not in {one.key for one in setup.choices(fresh)}

    creation.change(fresh, "alice", {"books_from": date(2026, 1, 1), "opening_reserve": 2000})

    assert line(fresh, K.OPENING).suggestion.account_id == "eq"


def test_the_opening_entry_is_planned_before_the_flow_is_live_and_follows_its_figures(acme, flow, in_acme):
    settle(acme)

    creation.change(flow, "alice", {"books_from": date(2026, 1, 1), "opening_reserve": 2000, "opening_loan": 500})
    first = opening.entry(flow)
    creation.change(flow, "alice", {"opening_clearing": -300})
    second = opening.entry(flow)
    creation.change(flow, "alice", {"opening_clearing": 0, "opening_reserve": 0, "opening_loan": 0})

    assert (first.state, first.on) == ("held", date(2025, 12, 31))  # nobody has chosen the opening balance account
    assert (first.pk, first.amount, second.amount) == (second.pk, 2000, 2000)
    lines = {each["key"]: each["debit"] - each["credit"] for each in second.plain_document["lines"]}
    assert lines == {"CLEARING": -300, "RESERVE": 2000, "LOAN": -500, "OPENING": -1200}
    assert opening.entry(flow) is None


def test_books_may_begin_after_the_settlement_under_way_and_not_later(acme, flow, in_acme):
    settle(acme, start="2026-01-01")
    ends = Settlement.objects.get().ends_at.date()
    today = datetime.combine(ends + timedelta(days=4), time(12), UTC)
    soon, too_late = ends + timedelta(days=15), ends + timedelta(days=16)

    with time_machine.travel(today, tick=False):
        creation.change(flow, "alice", {"books_from": soon})
        with pytest.raises(creation.CannotChange, match=r"too far ahead.*Choose a day up to"):
            creation.change(flow, "alice", {"books_from": too_late})
        with pytest.raises(creation.CannotChange, match="too far ahead"):
            creation.create(
                acme.pk, "alice", {"source": None, "target": flow.target, "currency": "USD", "books_from": too_late}
            )

    assert flow.books_from == soon


def test_a_company_has_one_flow_of_uploaded_files_for_a_currency(flow, in_acme):
    """Two empty sources are the same source, on every database."""
    with pytest.raises(IntegrityError), transaction.atomic():
        Flow.objects.create(tenant_id=flow.tenant_id, name="Twin", target=flow.target, currency=flow.currency)


def test_accepting_maps_what_is_suggested_and_makes_only_what_rows_need(acme, fresh):
    ListEntry.objects.filter(connection=fresh.target, name__in=["My Amazon Selling Fees", "My Amazon Lending"]).delete()
    settle(acme)

    left = setup.accept_suggestions(fresh, "alice", create_missing=True, only_needed=True)

    made = Delivery.objects.filter(kind="account").values_list("number", flat=True)
    assert list(made) == ["Amazon Selling Fees"]
    assert K.LOAN in left
    assert line(fresh, K.FEE_SELLING).name == "Amazon Selling Fees"


def test_settlements_of_another_currency_get_a_clearing_account_of_their_own(acme, flow, in_acme):
    pounds = Flow.objects.create(tenant=acme, name="Acme UK", target=flow.target, currency="GBP", home="USD")

    setup.accept_suggestions(pounds, "alice", create_missing=True)

    made = Delivery.objects.filter(flow=pounds, kind="account").values_list("number", flat=True)
    assert {"Amazon Clearing UK (GBP)", "Amazon Reserved Balances UK (GBP)"} <= set(made)
    assert line(pounds, K.SALES).name == line(flow, K.SALES).name
    assert line(flow, K.CLEARING).target != line(pounds, K.CLEARING).target


def test_nothing_is_made_beside_an_account_that_may_be_meant(acme, fresh):
    """Two sales accounts for Amazon: only a person knows which one, and a third would be the worst."""
    other = entry(fresh, line(fresh, K.SALES).suggestion.account_id)
    other.pk, other.external_id, other.name = None, "9001", "Amazon Sales US"
    ListEntry.objects.filter(connection=fresh.target, name="My Amazon Sales").update(name="Amazon Sales USA")
    other.save()
    settle(acme)

    left = setup.accept_suggestions(fresh, "alice", create_missing=True)

    assert K.SALES in left
    assert not Delivery.objects.filter(kind="account", number="Amazon Sales").exists()
    assert line(fresh, K.SALES).suggestion is None
    assert "9001" in line(fresh, K.SALES).perhaps.accounts


def test_an_account_of_an_unusual_type_is_taken_with_a_warning(flow, in_acme):
    advertising = line(flow, K.ADS).target.account

    rules.save_accounts(flow, {K.SALES: Binding(account=advertising)}, "alice", {})

    assert line(flow, K.SALES).problem == ""
    assert "usually belongs to income" in line(flow, K.SALES).warning
    assert line(flow, K.ADS).warning == ""


def test_the_tenants_own_bank_is_never_made(acme, fresh):
    ListEntry.objects.filter(connection=fresh.target, account_class=AccountClass.BANK).delete()

    left = setup.accept_suggestions(fresh, "alice", create_missing=True)

    assert K.BANK in left


def test_an_account_that_was_made_inactive_is_named(flow, in_acme):
    chosen = line(flow, K.SALES).target.account
    ListEntry.objects.filter(external_id=chosen).update(active=False)

    assert "no longer there or was made inactive" in line(flow, K.SALES).problem


def test_an_account_we_made_is_missed_once_the_lists_were_read_without_it(fresh):
    made = rules.create_accounts(fresh, [K.SALES], "alice")
    rules.save_accounts(fresh, made, "alice", {})
    posted_at = clock.now()
    Delivery.objects.filter(kind="account").update(state="posted", external_id="900", posted_at=posted_at)
    Company.objects.update(read_at=posted_at - timedelta(minutes=1))
    assert not line(fresh, K.SALES).problem

    Company.objects.update(read_at=posted_at + timedelta(minutes=1))

    assert "no longer there" in line(fresh, K.SALES).problem


def test_an_account_the_ledger_refuses_to_make_says_why(fresh):
    made = rules.create_accounts(fresh, [K.SALES], "alice")
    rules.save_accounts(fresh, made, "alice", {})
    Delivery.objects.filter(kind="account").update(state="parked", reason="The plan allows no more accounts.")

    assert line(fresh, K.SALES).problem == "Amazon Sales could not be made: The plan allows no more accounts."


def test_what_was_refused_goes_away_once_nothing_names_it_and_stays_while_something_does(acme, fresh):
    settle(acme)
    wanted = [K.SALES, K.FEE_SELLING]
    rules.save_accounts(fresh, rules.create_accounts(fresh, wanted, "alice"), "alice", {})
    planning.replan_open(fresh)
    Delivery.objects.filter(kind="account").update(state="parked", code="1003", reason="The plan lets nobody do this.")
    progress.tell(fresh)
    assert Alert.objects.filter(kind="waiting", settled_at=None).exists()

    rules.save_accounts(fresh, {K.SALES: Binding(account="41")}, "alice", {})
    one_left = states_of_made()
    rules.save_accounts(fresh, {K.FEE_SELLING: Binding(account="40")}, "alice", {})

    assert one_left == {"Amazon Sales": "dropped", "Amazon Selling Fees": "parked"}
    assert set(states_of_made().values()) == {"dropped"}
    assert not Alert.objects.filter(kind="waiting", settled_at=None).exists()


def test_what_may_have_been_made_after_all_is_not_dropped(acme, fresh):
    rules.save_accounts(fresh, rules.create_accounts(fresh, [K.SALES], "alice"), "alice", {})
    Delivery.objects.filter(kind="account").update(state="parked", code="cannot_tell")

    rules.save_accounts(fresh, {K.SALES: Binding(account="41")}, "alice", {})

    assert states_of_made() == {"Amazon Sales": "parked"}


def states_of_made():
    return dict(Delivery.objects.filter(kind="account").values_list("number", "state"))


# Going live, pausing


def test_going_live_needs_an_account_for_every_kind_of_amount(acme, fresh, quiet):
    settle(acme)

    with pytest.raises(setup.NotReady) as refused:
        setup.go_live(fresh, "alice")

    assert "and 1 more on the mapping page" in str(refused.value)


def test_a_check_that_blocks_posting_keeps_a_flow_from_going_live(flow, in_acme, monkeypatch):
    closed = Check("Subscription", Verdict.FAILED, "It has ended.", "Renew it.", "posting")
    monkeypatch.setattr(setup, "checks", lambda flow: [closed])

    with pytest.raises(setup.NotReady, match="Renew it"):
        setup.go_live(flow, "alice")


def test_a_check_that_blocks_the_other_mode_does_not(flow, in_acme, monkeypatch):
    other = Check("Automatic application", Verdict.FAILED, "On.", "Switch it off.", "orders")
    monkeypatch.setattr(setup, "checks", lambda flow: [other])

    setup.go_live(flow, "alice")

    assert flow.state == Flow.State.LIVE


def test_a_first_settlement_that_gives_back_a_reserve_asks_for_the_opening_figures(acme, flow, quiet, in_acme):
    settle(acme, rows=(*SALE, ("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "20.00")))

    assert any("opening balances" in text for text in setup.problems(flow))


def test_a_resumed_flow_sends_what_the_pause_held_back(acme, flow, quiet, in_acme):
    settlement = settle(acme)
    setup.go_live(flow, "alice")
    planning.approve(plan_of(settlement), "alice")
    setup.pause(flow, "alice")
    assert set(Delivery.objects.filter(plan__isnull=False).values_list("state", flat=True)) == {"held"}

    setup.resume(Flow.objects.get(), "alice")

    assert set(Delivery.objects.filter(plan__isnull=False).values_list("state", flat=True)) <= {"ready", "blocked"}
    assert not Delivery.objects.filter(code=setup.PAUSED).exists()


# Creating and changing


def values(flow, **more):
    return {"name": "Second", "source": None, "target": flow.target, "currency": "USD", "mode": "summary"} | more


def test_a_new_flow_is_in_set_up_and_due_at_once(acme, in_acme):
    target = factories.ConnectionFactory(tenant=acme)

    flow = creation.create(acme.pk, "user:7", values(Flow(target=target)))

    assert (flow.state, flow.next_run_at <= clock.now()) == ("setup", True)
    assert Event.objects.get(kind="flow.created").actor == "user:7"


def test_a_second_flow_for_the_same_uploads_into_one_company_is_refused(flow, in_acme):
    with pytest.raises(creation.CannotChange, match="already brings these settlements"):
        creation.create(flow.tenant_id, "alice", values(flow))


def test_books_in_one_currency_take_others_converted_and_several_may_take_them_as_they_are(flow, in_acme):
    Company.objects.update(multicurrency=False)
    with pytest.raises(creation.CannotChange, match="cannot hold documents in CAD"):
        creation.create(flow.tenant_id, "alice", values(flow, currency="CAD", strategy="native"))

    converted = creation.create(flow.tenant_id, "alice", values(flow, currency="CAD"))
    assert (converted.home, converted.converts, converted.books_currency) == ("USD", True, "USD")

    Company.objects.update(multicurrency=True)
    native = creation.create(flow.tenant_id, "alice", values(flow, currency="MXN", strategy="native"))
    assert (native.home, native.converts, native.books_currency) == ("USD", False, "MXN")


def test_a_later_first_day_forgets_the_plans_before_it(acme, flow, in_acme):
    early, late = settle(acme), settle(acme, "15000000002", start="2026-02-01")

    creation.change(flow, "alice", {"books_from": date(2026, 2, 1)})

    assert list(Plan.objects.values_list("settlement_id", flat=True)) == [late.pk]
    assert not Delivery.objects.filter(key__contains=early.settlement_id).exists()


def test_an_earlier_first_day_brings_them_back(acme, flow, in_acme):
    settle(acme)
    creation.change(flow, "alice", {"books_from": date(2026, 2, 1)})

    creation.change(flow, "alice", {"books_from": None})

    assert Plan.objects.count() == 1


def test_what_was_sent_is_not_left_out_of_the_books(acme, flow, in_acme):
    sent(plan_of(settle(acme)))

    with pytest.raises(creation.CannotChange, match="15000000001 ended before that day"):
        creation.change(flow, "alice", {"books_from": date(2026, 2, 1)})

    assert Plan.objects.count() == 1


def test_books_that_have_begun_keep_their_beginning(acme, in_acme):
    live = flow_of(acme)

    with pytest.raises(creation.CannotChange, match="have begun"):
        creation.change(live, "alice", {"opening_reserve": 5})

    assert creation.change(live, "alice", {"name": "Renamed"}) == ["name"]


def test_a_change_of_nothing_leaves_no_event(flow, in_acme):
    assert creation.change(flow, "alice", {"name": flow.name}) == []
    assert not Event.objects.filter(kind="flow.changed").exists()


def test_automatic_approval_lets_planned_settlements_go(acme, in_acme):
    live = flow_of(acme)
    plan = plan_of(settle(acme))

    creation.change(live, "alice", {"approval": "automatic"})

    assert Plan.objects.get(pk=plan.pk).state == Plan.State.POSTING


def test_a_discarded_flow_leaves_its_settlements(acme, flow, in_acme):
    settlement = settle(acme)

    creation.discard(flow, "alice")

    assert not Flow.objects.exists()
    settlement.refresh_from_db()
    assert Event.objects.filter(kind="flow.discarded").exists()


def test_a_flow_that_sent_something_is_not_discarded(acme, flow, in_acme):
    sent(plan_of(settle(acme)))

    with pytest.raises(creation.CannotChange, match="stays in the list"):
        creation.discard(flow, "alice")


def test_a_flow_that_was_live_is_not_discarded(acme, in_acme):
    with pytest.raises(creation.CannotChange, match="Pause it instead"):
        creation.discard(flow_of(acme), "alice")


def test_currencies_are_those_of_the_settlements_else_of_the_marketplaces(acme, in_acme):
    seller = factories.ConnectionFactory(tenant=acme, remote_id="A1", data={"currencies": ["CAD", "USD"]})
    assert creation.settled_currencies(acme.pk, seller) == ["CAD", "USD"]
    assert creation.settled_currencies(acme.pk, None) == []

    settle(acme)

    assert creation.settled_currencies(acme.pk, None) == ["USD"]


# The way to the first posting


def test_the_first_open_step_is_next(acme, fresh, quiet):
    assert onboarding.progress(None).next is StepName.SELLER
    assert onboarding.progress(fresh).next is StepName.FETCH

    settle(acme)
    assert onboarding.progress(fresh).next is StepName.MAPPING

    setup.accept_suggestions(fresh, "alice", create_missing=True)
    assert onboarding.progress(fresh).next is StepName.DRY_RUN

    setup.go_live(fresh, "alice")
    assert onboarding.progress(fresh).done == set(StepName)


def test_a_label_that_waits_does_not_keep_a_flow_from_its_dry_run(acme, flow, in_acme):
    settle(acme, rows=(*SALE, STRANGE))

    assert onboarding.progress(flow).next is StepName.DRY_RUN


def test_lists_read_again_are_remembered_with_who_asked(acme, flow, in_acme, monkeypatch):
    from ledgers import reference, registry

    monkeypatch.setattr(registry, "refresh_lists", lambda connection: reference.cached(connection))

    setup.refresh_lists(flow, "user:3")

    assert Event.objects.get(kind="lists.read").actor == "user:3"


def test_a_switch_of_mode_plans_what_is_not_approved_anew(acme, in_acme):
    live = flow_of(acme)
    waiting, booked = settle(acme), settle(acme, "15000000002", start="2026-02-01")
    planning.approve(plan_of(booked), "alice")
    answer_all(plan_of(booked))

    setup.switch_mode(live, "orders", "settled", "alice")

    assert plan_of(waiting).mode == "orders"
    assert plan_of(booked).mode == "summary"


def test_every_binding_survives_accepting(acme, fresh):
    listed(fresh.target, "class", "7")
    rules.save_accounts(fresh, {K.ADS: Binding(class_="7")}, "alice", {})

    setup.accept_suggestions(fresh, "alice", create_missing=True)

    assert line(fresh, K.ADS).target.class_ == "7"
