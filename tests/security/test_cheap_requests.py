"""Small requests and small files that would cost everybody much, break a page for good, or tell what is not theirs."""

from datetime import date
from unittest.mock import Mock

import pytest
from django.core import mail
from django.urls import reverse

from amazon.flat_errors import BadSettlementFile
from bookkeeping.accounts import AccountKey, Category
from flows import rules, trace
from flows.models import Delivery, Flow, Plan
from kit import csv_lines
from kit.scope import scope, unscoped
from ledgers.port import Binding
from ledgers.quickbooks import provider as quickbooks
from tenants import sharing
from tenants.consents import ConsentFailed
from tenants.models import Alert, Connection
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.django_db
COMPANY = "9341000"


def strange(number):
    """Rows with so many labels that nobody knows."""
    return tuple(("other-transaction", "other-transaction", f"Label {each:05}", "0.01") for each in range(number))


def test_a_file_of_many_strange_labels_is_no_flood_of_letters_and_no_endless_page(
    acme, alice, signed_in, django_capture_on_commit_callbacks
):
    flow, page = flow_of(acme), signed_in(alice)

    with django_capture_on_commit_callbacks(execute=True):
        plan = plan_of(settle(acme, rows=(*SALE, *strange(100))))

    labels = page.get(reverse("flows:mapping_labels", args=[flow.pk]))
    settlement = page.get(reverse("flows:settlement", args=[plan.settlement_id]))
    with scope(acme.pk):
        assert Alert.objects.filter(kind="unknown_label").count() == len(mail.outbox) == 20
        [reason] = set(Delivery.objects.filter(code="unknown_label").values_list("reason", flat=True))
    assert len(reason) < 1000
    assert reason.endswith("and 90 more")
    assert len(labels.context["rows"]) == 20
    assert len(settlement.context["unknown"]) == 25
    assert "And 75 more" in settlement.content.decode()


def test_every_strange_label_can_be_decided_and_the_next_is_asked_about(acme, alice, signed_in):
    flow, page = flow_of(acme), signed_in(alice)
    settle(acme, rows=(*SALE, *strange(22)))

    place = reverse("flows:mapping_labels", args=[flow.pk])
    shown = [one for number in (1, 2) for one, _ in page.get(place, {"page": number}).context["rows"]]
    for one in (shown[0], shown[-1]):
        page.post(place, {**one.label._asdict(), "category": Category.FEE_ADJUSTMENT.value, "everywhere": "on"})

    with scope(acme.pk):
        unknown = {one["label"][2] for one in Plan.objects.get().statement["unknown"]}
        open_alerts = Alert.objects.filter(kind="unknown_label", settled_at=None)
        assert unknown == {f"Label {each:05}" for each in range(1, 21)}
        assert open_alerts.count() == 20
        assert open_alerts.filter(title__contains="Label 00020").exists()


@pytest.mark.parametrize("start", ["1999-06-01", "2000-01-01", "2150-06-01", "9999-11-20"])
def test_a_file_of_another_century_is_refused(acme, alice, signed_in, start):
    flow_of(acme)

    with pytest.raises(BadSettlementFile):
        settle(acme, start=start)

    assert signed_in(alice).get(reverse("flows:months")).status_code == 200


@pytest.mark.parametrize("month", [date(2000, 1, 1), date(2099, 12, 1)])
def test_the_first_and_the_last_month_that_have_an_address_have_a_page(acme, alice, signed_in, month):
    flow = flow_of(acme)

    assert signed_in(alice).get(reverse("flows:month", args=[flow.pk, month])).status_code == 200


@pytest.mark.parametrize("chosen", ["²", "٣", "9" * 40, "-1", "0", "1 OR 1=1"])
def test_a_number_that_is_none_approves_nothing(acme, bob, signed_in, chosen):
    flow = flow_of(acme)
    settle(acme)

    answer = signed_in(bob).post(reverse("flows:dry_run_approve", args=[flow.pk]), {"plan": chosen})

    assert answer.status_code == 302
    with scope(acme.pk):
        assert set(Plan.objects.values_list("state", flat=True)) == {"planned"}


def test_a_page_of_rows_that_is_not_there_starts_no_process(acme, alice, signed_in, monkeypatch):
    settlement = settle(acme)
    monkeypatch.setattr(trace, "run_in_child", Mock(side_effect=AssertionError("a process was started")))

    answer = signed_in(alice).get(reverse("flows:rows", args=[settlement.pk]), {"page": "999999999"})

    assert answer.status_code == 200


def test_a_mapping_points_at_nothing_but_what_is_made_for_it(acme, globex):
    """Keys have no tenant in them: whether one is taken tells what another tenant has in the same company."""
    theirs, ours = flow_of(globex), flow_of(acme)
    with unscoped("the test lets two tenants share a company"):
        Connection.objects.filter(pk__in=[theirs.target_id, ours.target_id]).update(remote_id=COMPANY)
    with scope(globex.pk):
        theirs = Flow.objects.get(pk=theirs.pk)
        settle(globex)
        rules.create_accounts(theirs, [AccountKey.ADS], "user:1")
        keys = list(Delivery.objects.filter(plan__isnull=False, live=True).values_list("key", flat=True))
        [made] = Delivery.objects.filter(kind="account").values_list("key", flat=True)
    assert keys

    with scope(acme.pk):
        ours = Flow.objects.get(pk=ours.pk)
        for target in [*({"account": f"@{key}"} for key in keys), {"item": f"@{made}"}, {"class_": f"@{made}"}]:
            with pytest.raises(rules.BadMapping, match="The company has no active"):
                rules.save_accounts(ours, {AccountKey.ADS: Binding(**target)}, "user:1", {})
        rules.save_accounts(ours, {AccountKey.ADS: Binding(account=f"@{made}")}, "user:1", {})


@pytest.mark.parametrize("realm", ["", "0123", "٣٤", "²", "12/../34", "12?x", "9" * 31, " 12"])
def test_one_company_has_one_name(monkeypatch, realm):
    """Else its administrator could connect it twice, post twice, and keep the warning from who is connected already."""
    monkeypatch.setattr(quickbooks, "QuickBooks", Mock(side_effect=AssertionError("the company was asked")))

    with pytest.raises(ConsentFailed):
        quickbooks.PROVIDER.identify(Mock(access_token="a"), {"realmId": realm})


def test_who_has_disconnected_learns_no_more_who_else_comes_and_goes(acme, globex):
    for tenant, state in ((acme, "active"), (globex, "revoked")):
        factories.ConnectionFactory(tenant=tenant, remote_id=COMPANY, state=state)

    with scope(globex.pk):
        [mine] = sharing.with_shared(Connection.objects.all())

    assert mine.shared is False


@pytest.mark.parametrize(
    "cell", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", "\n=1", "\uff1d1", "\uff0b1", "\uff0d1", "\uff20x"]
)
def test_text_that_a_spreadsheet_would_run_is_kept_as_text(cell):
    assert csv_lines.text(cell) == f"'{cell}"
