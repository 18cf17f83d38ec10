"""What is asked all the time reads an index, however many documents are in the books already."""

import pytest
from django.db import connection

from flows import history, lanes
from flows.models import Delivery
from kit.scope import scope
from tests.web.small_books import flow_of

pytestmark = pytest.mark.usefixtures("everywhere")

COMPANY = "quickbooks:production:1"
ASKED = {
    "what is due anywhere": lambda: lanes.due(),
    "what is due in a lane": lambda: lanes.due().filter(remote_key=COMPANY, state__in=["ready", "failed"]),
    "what a dead worker was sending": lambda: Delivery.objects.filter(remote_key=COMPANY, state="sending"),
    "what a flow's alert counts": lambda: Delivery.objects.filter(flow=1, state__in=["held", "parked"]),
    "which keys ever were": lambda: Delivery.objects.filter(remote_key=COMPANY, key__in=["a", "b"]),
    "what an object carries": lambda: Delivery.objects.filter(remote_key=COMPANY, external_id="7", live=True),
    "numbers of some orders": lambda: Delivery.objects.filter(tenant=1, remote_key=COMPANY, order_id__in=["a", "b"]),
}
INDEXES = {
    "what is due anywhere": "delivery_work (state=?)",
    "what is due in a lane": "delivery_work (state=? AND remote_key=?)",
    "what a dead worker was sending": "delivery_work (state=? AND remote_key=?)",
    "what a flow's alert counts": "delivery_flow_state (flow_id=? AND state=?)",
    "which keys ever were": "delivery_key (remote_key=? AND key=?)",
    "what an object carries": "delivery_object (remote_key=? AND external_id=?)",
    "numbers of some orders": "delivery_order (tenant_id=? AND order_id=?)",
}


@pytest.mark.parametrize("what", ASKED)
def test_the_outbox_never_reads_every_document(what):
    if connection.vendor != "sqlite":
        pytest.skip("Postgres reads a small table whole, whatever its indexes")

    said = ASKED[what]().explain()

    assert f"SEARCH flows_delivery USING INDEX {INDEXES[what]}" in said


def test_what_covers_an_invoice_is_found_without_reading_what_covers_the_others(acme):
    if connection.vendor != "sqlite":
        pytest.skip("Postgres reads a small table whole, whatever its indexes")

    with scope(acme.pk):
        said = history.unpaid(flow_of(acme)).explain()

    assert "USING INDEX coverage_of_invoice (tenant_id=? AND invoice_id=?)" in said
