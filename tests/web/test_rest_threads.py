"""One ``Idempotency-Key`` from many threads at once."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from django.db import connections

from audit.models import Event
from flows.models import Flow
from kit.scope import scope, unscoped
from tests import factories
from tests.web.rest.conftest import caller

CALLERS = 6


def test_the_same_key_sent_at_once_is_done_once(shared_database):
    tenant = factories.TenantFactory()
    owner = factories.member(tenant, "owner@example.test", "owner")
    rest = caller(tenant, owner)
    with scope(tenant.pk):
        flow = Flow.objects.create(name="Flow", target=factories.ConnectionFactory(tenant=tenant), currency="USD")
    together = Barrier(CALLERS)

    def send(_):
        try:
            together.wait()
            return rest.post(f"flows/{flow.pk}/run", once="a")
        finally:
            connections.close_all()

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(send, range(CALLERS)))

    assert {answer.status_code for answer in answers} <= {202, 409}
    assert 202 in {answer.status_code for answer in answers}
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} <= {"under_way"}
    with unscoped("the test looks at every tenant"):
        assert Event.objects.filter(kind="flow.run_asked").count() == 1
