"""What Amazon's word for a payout changes in the plan of its settlement."""

import pytest

from amazon.client import Forbidden
from amazon.models import Settlement
from amazon.payouts import Told
from audit.models import Event
from flows import payouts, planning, transfers
from flows.models import Delivery, Flow
from tests.factories import ConnectionFactory
from tests.web.small_books import flow_of, plan_of, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def flow(acme, in_acme):
    return flow_of(acme)


@pytest.fixture
def settlement(acme, flow):
    return settle(acme)


@pytest.fixture
def says(monkeypatch, flow, settlement):
    """Let Amazon say something of the payout, as the flow's run hears it."""

    def say(status):
        before = Settlement.objects.get(pk=settlement.pk)
        Settlement.objects.update(transfer_status=status)
        one = Settlement.objects.get(pk=settlement.pk)
        failed = one.transfer_failed and not before.transfer_failed
        told = Told(one, failed=failed, mended=before.transfer_failed and one.transferred)
        monkeypatch.setattr(transfers.payouts, "wanted", lambda source: [one])
        monkeypatch.setattr(transfers.payouts, "ask", lambda source, asked: [told])
        monkeypatch.setattr(transfers.summaries, "wanted", lambda source: [])
        source = ConnectionFactory.build(tenant=None, grant=None, provider="amazon", remote_id="A1", environment="NA")
        transfers.fetch(Flow(pk=flow.pk, tenant_id=flow.tenant_id, currency="USD", source=source, target=flow.target))
        return Settlement.objects.get(pk=settlement.pk)

    return say


def held(settlement):
    return set(Delivery.objects.filter(plan=plan_of(settlement), state="held").values_list("code", flat=True))


def test_a_payout_that_amazon_calls_failed_is_held_until_it_is_paid_after_all(says, settlement):
    told = says("FAILED")
    assert told.payout_failed
    assert held(settlement) == {"payout_failed"}
    known = payouts.Payouts([told]).of(told, told.deposit_on)
    assert known.text == "Failed, says Amazon"
    assert Event.objects.get(kind="settlement.payout_failed").actor == "amazon"

    assert not says("PAID").payout_failed
    assert held(settlement) == set()


def test_what_a_person_said_of_an_older_word_of_amazons_stays(says, settlement):
    says("FAILED")
    planning.state_payout_failed(settlement, "alice", failed=False)

    assert not says("FAILED").payout_failed


def test_a_refusal_of_amazons_stops_nothing(monkeypatch, says, settlement):
    def refused(source, asked):
        raise Forbidden("Access to requested resource is denied.")

    with monkeypatch.context() as patch:
        patch.setattr(transfers, "_payouts", lambda source: refused(source, []))

        assert says("PAID").transfer_status == "PAID"
