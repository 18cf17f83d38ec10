"""Moving the accounts of a settlement that is in the books, and what a person may do meanwhile."""

import pytest

from bookkeeping.accounts import AccountKey
from flows import differences, planning, readback, reposting, rules, undo
from flows.models import Delivery, Flow
from ledgers.port import Binding
from tests.web.small_books import answer_all, flow_of, listed, plan_of, post, settle


@pytest.mark.usefixtures("in_acme")
def test_a_settlement_whose_accounts_are_being_moved_can_be_taken_back(acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})
    reposting.remap(plan_of(plan.settlement), "alice")

    undo.undo(plan_of(plan.settlement), "alice")
    answer_all(plan)

    assert plan_of(plan.settlement).state == "undone"
    documents = Delivery.objects.filter(plan=plan).exclude(kind="undo")
    assert set(documents.values_list("state", flat=True)) == {"undone", "dropped"}
    assert set(Delivery.objects.filter(plan=plan, kind="undo").values_list("state", flat=True)) == {"posted"}


@pytest.mark.usefixtures("everywhere")
def test_taking_back_many_documents_asks_the_database_no_more_often(books, django_assert_max_num_queries):
    books.flow.mode = "orders"
    books.flow.save()
    plan = books.post(books.settle(orders=40))
    readback.look_now(books.connection)  # what was changed there is asked once a minute at most

    with django_assert_max_num_queries(56):
        assert books.take_back(plan) == 40 + 40 + 1


@pytest.mark.usefixtures("in_acme")
def test_after_moving_accounts_nothing_would_come_out_otherwise(acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})
    planning.replan(plan_of(plan.settlement))
    before = plan_of(plan.settlement).verdict["differs"]
    reposting.remap(plan_of(plan.settlement), "alice")
    answer_all(plan)

    planning.replan(plan_of(plan.settlement))

    assert [Delivery.objects.get(key=key).kind for key in before] == ["entry"]
    assert plan_of(plan.settlement).verdict["differs"] == []
    assert not differences.difference(plan_of(plan.settlement))


@pytest.mark.usefixtures("in_acme")
def test_accounts_that_are_mapped_otherwise_once_more_are_seen(acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account="40")}, "alice", {})
    reposting.remap(plan_of(plan.settlement), "alice")
    answer_all(plan)
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account="41")}, "alice", {})

    planning.replan(plan_of(plan.settlement))

    [key] = plan_of(plan.settlement).verdict["differs"]
    assert key.endswith("/entry/2")
    [(before, now)] = differences.difference(plan_of(plan.settlement)).documents
    assert (before.delivery.key, now.delivery.bindings["FEE_SELLING"]) == (key, {"account": "41"})


@pytest.mark.usefixtures("in_acme")
def test_an_account_that_we_made_is_the_same_under_the_ledgers_own_number(acme):
    flow = flow_of(acme)
    made = rules.create_accounts(flow, [AccountKey.ADS], "alice")[AccountKey.ADS]
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: made}, "alice", {})
    plan = post(plan_of(settle(acme)))
    number = Delivery.objects.get(key=made.account[1:]).external_id
    listed(flow.target, "account", number, account_class="expense")
    rules.save_accounts(flow, {AccountKey.FEE_SELLING: Binding(account=number)}, "alice", {})

    planning.replan(plan_of(plan.settlement))

    assert plan_of(plan.settlement).verdict["differs"] == []


@pytest.mark.usefixtures("in_acme")
def test_what_posting_anew_would_book_is_shown_in_the_mode_it_would_be_posted_in(acme):
    flow = flow_of(acme)
    plan = post(plan_of(settle(acme)))
    Flow.objects.filter(pk=flow.pk).update(mode="orders")

    found = differences.difference(plan_of(plan.settlement))

    assert "Invoice" in {now.kind for _, now in found.documents if now}
