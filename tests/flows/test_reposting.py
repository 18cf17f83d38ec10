"""Moving the accounts of a settlement that is in the books, and what a person may do meanwhile."""

import pytest

from bookkeeping.accounts import AccountKey
from flows import reposting, rules, undo
from flows.models import Delivery
from ledgers.port import Binding
from tests.web.small_books import answer_all, flow_of, plan_of, post, settle


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

    with django_assert_max_num_queries(50):
        assert books.take_back(plan) == 40 + 40 + 1
