"""Planning: in place while nothing was sent, never against what was sent, by one planner at a time."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from amazon.load import settlement_rows
from amazon.models import Report
from amazon.upload import import_file
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.batches import Batched
from bookkeeping.facts import Label
from flows import bindings, carried, making, planner, planning, reading, reposting, revisions, rows, rules
from flows.models import Carrier, Coverage, Delivery, Flow, Plan
from kit import clock
from kit.scope import scope, unscoped
from ledgers.models import ListEntry
from ledgers.port import Binding
from tenants.models import Alert, Connection
from tests.amazon import flat_files
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, answer_all, flow_of, plan_of, post, settle

LABEL = Label(*STRANGE[:3])

pytestmark = pytest.mark.usefixtures("in_acme")


def deliveries(plan):
    rows = Delivery.objects.filter(plan=plan).exclude(kind="undo").order_by("pk")
    return {row.key: (row.state, row.digest, row.live) for row in rows}


def revise(acme, rows):
    """Bring the settlement again with other rows, and accept them."""
    settle(acme, rows=rows)
    report = Report.objects.get(state="revision")
    revisions.accept(report, "alice")


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_changed_data_is_planned_in_place_while_nothing_was_sent(acme, mode):
    flow_of(acme, mode=mode)
    plan = plan_of(settle(acme))
    before = plan.digest

    revise(acme, [*SALE, ("Order", "ItemFees", "Commission", "-1.00")])

    plan = plan_of(plan.settlement)
    assert (plan.state, plan.revision, plan.report) == ("planned", 1, plan.settlement.report)
    assert plan.digest != before
    assert plan.statement["header"]["total"] == 1150
    assert not plan.verdict["differs"]


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_changed_data_leaves_what_is_in_the_books_and_says_so(acme, mode):
    flow_of(acme, mode=mode)
    plan = post(plan_of(settle(acme)))
    before, statement, digest = deliveries(plan), plan.statement, plan.digest
    covered = list(Coverage.objects.values_list("amounts", flat=True))

    revise(acme, [*SALE, ("Order", "ItemFees", "Commission", "-1.00")])

    plan = plan_of(plan.settlement)
    assert deliveries(plan) == before
    assert (plan.state, plan.statement, plan.digest) == ("posted", statement, digest)
    assert list(Coverage.objects.values_list("amounts", flat=True)) == covered
    assert plan.report != plan.settlement.report
    assert plan.verdict["differs"]
    assert plan.verdict["verdict"] == "proved"


@pytest.mark.parametrize("mode", ["summary", "orders"])
def test_posting_anew_takes_the_old_revision_out_and_the_new_one_in(acme, mode):
    flow_of(acme, mode=mode)
    plan = post(plan_of(settle(acme)))
    revise(acme, [*SALE, ("Order", "ItemFees", "Commission", "-1.00")])

    reposting.repost(plan_of(plan.settlement), "alice")
    answer_all(plan)
    planning.plan_new(plan.flow)
    answer_all(plan)

    old, new = Plan.objects.order_by("revision")
    assert (old.state, new.state, new.revision, new.approved_by) == ("undone", "posted", 2, "alice")
    assert {state for state, *_ in deliveries(old).values()} == {"undone"}
    assert new.statement["header"]["total"] == 1150
    assert new.verdict["verdict"] == "proved"


def test_a_settlement_cannot_be_posted_anew_twice(acme):
    flow_of(acme)
    plan = post(plan_of(settle(acme)))
    reposting.repost(plan, "alice")
    answer_all(plan)
    planning.post_anew(plan.flow)

    with pytest.raises(reposting.CannotRepost):
        reposting.repost(Plan.objects.get(revision=1), "alice")


def test_the_rest_of_a_settlement_waits_where_what_was_sent_would_come_out_otherwise(acme):
    flow = flow_of(acme, mode="orders")
    plan = plan_of(settle(acme))
    planning.approve(plan, "alice")
    Delivery.objects.filter(plan=plan, kind="invoice").update(state="posted", external_id="7")
    before = deliveries(plan)

    revise(acme, [("Order", "ItemPrice", "Principal", "21.00"), *SALE[1:]])

    assert deliveries(plan) == before
    plan = plan_of(plan.settlement, flow)
    assert plan.statement["header"]["total"] == 1250
    assert len(plan.verdict["differs"]) == 1


def test_a_document_that_came_out_otherwise_is_not_planned_again(acme):
    flow = flow_of(acme)
    plan = plan_of(settle(acme, rows=[*SALE, STRANGE]))
    planning.approve(plan, "alice")
    entry = Delivery.objects.filter(plan=plan, kind="entry").first()
    Delivery.objects.filter(pk=entry.pk).update(state="held", code="different_total", external_id="7")

    rules.save_split(flow, AccountKey.SALES, Binding(account="40"), "alice", sku="LAMP-*")

    after = Delivery.objects.get(pk=entry.pk)
    assert (after.state, after.code, after.digest) == ("held", "different_total", entry.digest)


def test_a_mapping_that_only_names_what_was_sent_otherwise_holds_nothing_up(acme):
    flow = flow_of(acme, mode="orders")
    plan = plan_of(settle(acme, rows=[*SALE, STRANGE]))
    planning.approve(plan, "alice")
    Delivery.objects.filter(plan=plan, kind="invoice").update(state="posted", external_id="7", answered_total=2000)

    rules.save_split(flow, AccountKey.SALES, Binding(account="40"), "alice", sku="LAMP-*")
    rules.save_label(flow, LABEL, Category.FEE_ADJUSTMENT, "alice")

    plan = plan_of(plan.settlement, flow)
    assert not plan.statement["unknown"]
    assert [Delivery.objects.get(plan=plan, key=key).kind for key in plan.verdict["differs"]] == ["invoice"]
    assert not Delivery.objects.filter(plan=plan, state="held").exists()


def test_a_mapping_change_leaves_posted_settlements_and_serves_later_ones(acme):
    flow = flow_of(acme)
    first = post(plan_of(settle(acme)))
    account = Binding(account="40")

    rules.save_accounts(flow, {AccountKey.FEE_SELLING: account}, "alice", {})
    second = plan_of(settle(acme, "15000000002", start="2026-01-15"))

    entry = Delivery.objects.get(plan=first, kind="entry")
    assert (entry.state, entry.bindings["FEE_SELLING"]["account"]) == ("posted", first_account(entry))
    assert Delivery.objects.get(plan=second, kind="entry").bindings["FEE_SELLING"]["account"] == "40"
    assert not plan_of(first.settlement).verdict["differs"]


def test_planning_a_posted_settlement_again_only_says_what_would_come_out_otherwise(acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    before, statement, version = deliveries(plan), plan.statement, plan.mapping_version
    rules.save_split(flow, AccountKey.SALES, Binding(account="40"), "alice", sku="LAMP-*")

    planning.replan(plan)

    assert deliveries(plan) == before
    assert (plan.state, plan.statement, plan.mapping_version) == ("posted", statement, version)
    assert [Delivery.objects.get(plan=plan, key=key).kind for key in plan.verdict["differs"]] == ["entry"]


def first_account(entry):
    """The account that the entry's first mapping named."""
    name = ListEntry.objects.get(external_id=entry.bindings["FEE_SELLING"]["account"]).name
    assert name == "My Amazon Selling Fees"
    return entry.bindings["FEE_SELLING"]["account"]


def test_what_is_carried_adds_up_to_the_settlement(acme):
    flow_of(acme, mode="orders")

    plan = plan_of(settle(acme))

    assert sum(Carrier.objects.filter(plan=plan).values_list("amount", flat=True)) == plan.settlement.total


# Labels


def test_an_unknown_label_is_told_once_and_settled_when_decided(acme, mailoutbox, django_capture_on_commit_callbacks):
    flow = flow_of(acme)
    with django_capture_on_commit_callbacks(execute=True):
        settle(acme, rows=[*SALE, STRANGE])
        settle(acme, "15000000002", rows=[*SALE, STRANGE], start="2026-01-15")
    [told] = Alert.objects.filter(kind="unknown_label")
    assert "Greenlight Credit" in told.title
    assert len([mail for mail in mailoutbox if "Greenlight" in mail.subject]) <= 1

    rules.save_label(flow, LABEL, Category.FEE_ADJUSTMENT, "alice")

    assert Alert.objects.get(kind="unknown_label").settled_at
    assert not Delivery.objects.filter(state="held").exists()


def test_a_label_is_asked_about_as_long_as_one_settlement_needs_it(acme):
    flow = flow_of(acme)
    settle(acme, rows=[*SALE, STRANGE])
    settle(acme, "15000000002", rows=[*SALE, STRANGE], start="2026-01-15")

    rules.save_label(flow, LABEL, Category.FEE_ADJUSTMENT, "alice", date(2026, 1, 20))

    assert [plan.statement["unknown"] == [] for plan in Plan.objects.order_by("settlement__ends_at")] == [False, True]
    assert Alert.objects.get(kind="unknown_label").settled_at is None


def test_review_flags_stay_with_the_plan(acme):
    flow_of(acme)

    plan = plan_of(settle(acme, rows=[*SALE, ("other-transaction", "other-transaction", "EPR Pay on Behalf", "-1.00")]))

    assert [flag["kind"] for flag in plan.flags] == ["new_label"]


# One planner at a time, and none that is lost


def test_a_planner_that_dies_leaves_its_settlement_marked(acme, monkeypatch):
    flow = flow_of(acme, mode="orders")
    store = carried.store
    monkeypatch.setattr(carried, "store", lambda *_: (_ for _ in ()).throw(SystemExit))
    with pytest.raises(SystemExit):
        settle(acme)
    plan = Plan.objects.get()
    assert (plan.state, plan.asked > plan.made, plan.carried_digest) == ("planning", True, "")
    assert planning.approve(plan, "alice") == 0

    monkeypatch.setattr(carried, "store", store)
    planning.plan_new(flow)

    plan = plan_of(plan.settlement)
    assert (plan.state, plan.asked) == ("planned", plan.made)
    assert Coverage.objects.filter(plan=plan).count() == 1
    assert Delivery.objects.filter(plan=plan).count() == len(deliveries(plan))


def test_what_a_person_approves_is_what_they_saw(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    planner.mark(Plan.objects.filter(pk=plan.pk))

    assert planning.approve(plan, "alice") == 0

    planner.catch_up(plan.flow)
    assert planning.approve(plan, "alice") == 2


def test_two_planners_never_meet(acme):
    flow = flow_of(acme)
    plan = plan_of(settle(acme))

    with planner.sole(flow) as mine:
        planning.replan(plan)

        assert mine
        assert plan.asked > plan.made
        assert planning.flows_to_plan() == []

    [(flow_id, until)] = planning.flows_to_plan()
    assert planning.flows_to_plan() == []
    planning.plan_flow(flow_id, until - timedelta(seconds=1))
    plan.refresh_from_db()
    assert plan.asked > plan.made
    planning.plan_flow(flow_id, until)
    plan.refresh_from_db()
    assert plan.asked == plan.made
    flow.refresh_from_db()
    assert flow.planning_until is None


def test_a_claim_ends_by_itself(acme):
    flow = flow_of(acme)
    plan = plan_of(settle(acme))
    planner.mark(Plan.objects.filter(pk=plan.pk))
    Flow.objects.filter(pk=flow.pk).update(planning_until=clock.now() - timedelta(seconds=1))

    assert planner.catch_up(flow)


def test_much_work_is_left_to_the_long_queue(acme, monkeypatch):
    flow_of(acme)
    monkeypatch.setattr(planner, "QUICK_ROWS", 1)
    sent = []
    monkeypatch.setattr(planner, "hint", lambda *args: sent.append(args))

    settlement = settle(acme)

    plan = plan_of(settlement)
    assert plan.state == "planning"
    assert ("flows.tasks.plan_flow", plan.flow_id, "long") in sent
    planning.plan_flow(plan.flow_id)
    assert plan_of(settlement).state == "planned"


def test_one_broken_settlement_does_not_stop_the_others(acme, monkeypatch):
    flow = flow_of(acme)
    statement = reading.statement

    def broken(settlement, *args):
        if settlement.settlement_id == "15000000001":
            raise ValueError("the file is gone")
        return statement(settlement, *args)

    monkeypatch.setattr(reading, "statement", broken)
    first, second = settle(acme), settle(acme, "15000000002", start="2026-01-15")
    assert (plan_of(first).state, plan_of(first).problem) == ("planning", "the file is gone")
    assert plan_of(second).state == "planned"
    assert Alert.objects.filter(kind="plan_failed", settled_at=None).count() == 1

    monkeypatch.setattr(reading, "statement", statement)
    planning.plan_new(flow)

    assert (plan_of(first).state, plan_of(first).problem) == ("planned", "")
    assert not Alert.objects.filter(kind="plan_failed", settled_at=None).exists()


# A company that two flows write to


def test_a_settlement_that_another_tenant_booked_in_the_same_company_is_held(acme, globex):
    flow = flow_of(acme)
    post(plan_of(settle(acme)))
    with unscoped("the test arranges another tenant"):
        other = flow_of(globex, name="Globex US")
        Connection.objects.filter(pk=other.target_id).update(remote_id=flow.target.remote_id)
    with scope(globex.pk):
        plan = plan_of(settle(globex))
        rows = Delivery.objects.filter(plan=plan)
        assert {(row.state, row.code, row.live) for row in rows} == {("held", "carried_elsewhere", False)}


# The opening entry


def opened(acme, **values):
    flow = flow_of(acme)
    Flow.objects.filter(pk=flow.pk).update(**values)
    flow.refresh_from_db()
    return flow


def test_the_opening_entry_waits_for_its_account_and_follows_the_mapping(acme):
    flow = opened(acme, opening_clearing=-6231, books_from="2026-01-01")

    planning.plan_opening(flow)

    [entry] = Delivery.objects.filter(kind="entry")
    assert (entry.state, entry.code, entry.number) == ("held", "unmapped_account", "AMZ-OPENING-USD")
    rules.save_accounts(flow, {AccountKey.OPENING: Binding(account="77")}, "alice", {})
    entry.refresh_from_db()
    assert (entry.state, entry.on.isoformat()) == ("ready", "2025-12-31")
    assert entry.bindings["OPENING"] == {"account": "77"}


def test_an_opening_entry_that_is_written_by_two_at_once_is_compared_again(acme, monkeypatch):
    flow = opened(acme, opening_clearing=-6231, books_from="2026-01-01")
    write, tried = rows.write, []

    def late(*args):
        tried.append(args)
        if len(tried) == 1:
            raise rows.Moved
        write(*args)

    monkeypatch.setattr(rows, "write", late)

    planning.plan_opening(flow)

    assert Delivery.objects.filter(kind="entry").count() == 1


def test_an_opening_account_is_made_as_equity_where_there_is_none(acme):
    flow = opened(acme, opening_reserve=5000)
    assert AccountKey.OPENING in planning.needed_keys(flow)

    made = rules.create_accounts(flow, [AccountKey.OPENING], "alice")
    rules.save_accounts(flow, made, "alice", {})
    settle(acme)
    planning.plan_opening(flow)

    account = Delivery.objects.get(kind="account")
    assert account.plain_document["name"] == "Opening Balance Equity"
    entry = Delivery.objects.get(kind="entry", plan=None)
    assert (entry.state, entry.on.isoformat()) == ("blocked", "2025-12-30")


def test_a_changed_opening_figure_replaces_the_entry_that_was_not_sent(acme):
    flow = opened(acme, opening_clearing=-6231, books_from="2026-01-01")
    planning.plan_opening(flow)
    Flow.objects.filter(pk=flow.pk).update(opening_clearing=0, opening_reserve=0)
    flow.refresh_from_db()

    planning.replan_open(flow)

    assert list(Delivery.objects.filter(kind="entry").values_list("state", "live")) == [("dropped", False)]


def test_a_dry_run_reads_and_writes_nothing(acme):
    flow_of(acme)
    plan = plan_of(settle(acme))
    before = deliveries(plan)

    made = making.make(plan, "orders")

    assert {one.planned.document.kind for one in made.drafts} >= {"invoice", "payment", "deposit"}
    assert deliveries(plan) == before
    assert made.planning.digest() != plan.digest


# Large settlements


def of_orders(acme, count, settlement_id, day):
    """Bring a settlement of one day of September and this many orders."""
    start = datetime(2026, 9, day, tzinfo=UTC)
    rows = [
        flat_files.row(3 + n, order_id=f"111-{n:07}-{n:07}", item_code=str(n), posted_at=start) for n in range(count)
    ]
    head = flat_files.header(rows, settlement_id=settlement_id, starts_at=start, ends_at=start + timedelta(days=1))
    found = import_file(acme.pk, [flat_files.text(flat_files.v2(rows, head=head))], "file.txt", "alice")
    planning.plan_uploaded(found.settlement)
    return plan_of(found.settlement)


def queries_of(plan):
    with CaptureQueriesContext(connection) as seen:
        planning.replan(plan)
    return len(seen)


def test_planning_again_asks_no_more_of_the_database_for_more_orders(acme):
    flow_of(acme, mode="orders")
    few, many = of_orders(acme, 3, "18000000001", 22), of_orders(acme, 60, "18000000002", 25)

    assert Delivery.objects.filter(plan=many, kind="invoice").count() == 60
    assert queries_of(many) == queries_of(few)


def test_what_was_made_in_a_company_is_asked_for_once_even_where_nothing_was(acme, monkeypatch):
    flow = flow_of(acme, mode="orders")
    plan = post(of_orders(acme, 5, "18000000001", 22))
    rules.save_accounts(flow, {AccountKey.SALES: Binding(account="40")}, "alice", {})
    asked = []
    monkeypatch.setattr(bindings, "made_in", lambda remote_key: asked.append(remote_key) or {})

    planning.replan(plan_of(plan.settlement))

    assert len(plan_of(plan.settlement).verdict["differs"]) == 5
    assert asked == [flow.target.remote_key]


def test_rows_of_a_settlement_come_by_the_batch(acme):
    flow_of(acme)

    _, rows = settlement_rows(settle(acme))

    assert isinstance(rows, Batched)
