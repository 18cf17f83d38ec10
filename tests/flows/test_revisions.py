"""A settlement that comes again with other rows: compared, decided by a person, never posted over."""

import pytest

from amazon.load import Fate
from amazon.models import Report, Settlement
from amazon.upload import import_file
from flows import planning, revisions
from flows.models import Delivery, Plan
from tenants.models import Alert
from tests.amazon.settlements import SALE, v2
from tests.factories import ConnectionFactory
from tests.web.small_books import answer_all, flow_of, plan_of, post, settle

PRINCIPAL, COMMISSION, FEE = SALE
OTHER = (PRINCIPAL, ("Order", "ItemFees", "Commission", "-2.50"), ("FBAFees", "Storage", "Base fee", "-1.00"))

pytestmark = pytest.mark.usefixtures("in_acme")


def again(acme, rows=OTHER, **more):
    return import_file(acme.pk, [v2(rows=rows).encode()], "again.txt", "user:1", **more)


def documents(settlement):
    return sorted(Delivery.objects.filter(plan__settlement=settlement).values_list("key", "amount", "state", "live"))


def test_rows_are_told_as_added_removed_and_changed_with_sums_per_category(acme):
    flow_of(acme)
    settle(acme)

    found = revisions.compare(again(acme).report)

    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    told = {(one.kind, one.row.label.amount_description): one for one in found.rows}
    changed = told["changed", "Commission"]
    assert (changed.before.amount, changed.now.amount, changed.before.line, changed.now.line) == (-300, -250, 4, 4)
    assert {("added", "Base fee"), ("removed", "FBAPerUnitFulfillmentFee")} < set(told)
    assert [(one.category, one.difference) for one in found.categories] == [
        ("fba_fee", 450),
        ("selling_fee", 50),
        ("storage_fee", -100),
    ]


def test_one_that_was_never_posted_is_planned_anew_with_the_version_that_counts(acme):
    flow_of(acme)
    settlement = settle(acme)

    revisions.accept(again(acme).report, "user:1")

    assert plan_of(settlement).statement["header"]["total"] == 1650
    assert Delivery.objects.get(key__contains="/P/payout/", live=True).amount == 1650


def test_one_that_is_in_the_books_with_its_payout_is_never_posted_over(acme):
    flow_of(acme, approval="automatic")
    settlement = settle(acme)
    answer_all(plan_of(settlement))
    before = documents(settlement)
    assert {state for _, _, state, _ in before} == {"posted"}

    waiting = again(acme)
    assert (waiting.fate, documents(settlement)) == (Fate.REVISION, before)
    revisions.accept(waiting.report, "user:1")

    assert documents(settlement) == before
    assert len(plan_of(settlement).verdict["differs"]) >= 2


def test_one_that_was_taken_back_is_posted_again_with_the_version_that_counts(acme):
    flow = flow_of(acme)
    settlement = settle(acme)
    plan = post(plan_of(settlement))
    Plan.objects.filter(pk=plan.pk).update(state=Plan.State.UNDONE)
    Delivery.objects.filter(plan=plan).update(live=False, state="undone")

    revisions.accept(again(acme).report, "user:1")
    assert Plan.objects.count() == 1
    new = planning.plan_settlement(flow, Settlement.objects.get())

    assert (new.revision, new.statement["header"]["total"]) == (2, 1650)


def test_the_alert_ends_when_no_version_waits_any_more(acme):
    flow_of(acme)
    settle(acme)
    first, same, third = again(acme), again(acme), again(acme, rows=(PRINCIPAL,))

    alert = Alert.objects.get(kind="settlement_differs", settled_at=None)
    assert alert.url == f"/settlements/files/{third.report.pk}/"
    revisions.reject(first.report, "user:1")
    assert Report.objects.get(pk=same.report.pk).state == Report.State.REFUSED
    assert Alert.objects.filter(pk=alert.pk, settled_at=None).exists()
    revisions.accept(third.report, "user:1")

    assert not Alert.objects.filter(settled_at=None).exists()
    assert Settlement.objects.get().total == 2000


def test_the_same_id_of_another_seller_is_another_settlement(acme):
    one, other = (ConnectionFactory(tenant=acme, provider="amazon", remote_id=f"A{n}") for n in (1, 2))
    again(acme, connection_id=one.pk)

    found = again(acme, rows=SALE, connection_id=other.pk)

    assert found.fate is Fate.NEW
    assert Settlement.objects.count() == 2


def test_an_accepted_version_of_a_known_seller_gives_the_settlement_its_seller(acme):
    again(acme, rows=SALE)
    seller = ConnectionFactory(tenant=acme, provider="amazon", remote_id="A1")

    revisions.accept(again(acme, connection_id=seller.pk).report, "user:1")

    assert Settlement.objects.get().seller_id == "A1"
