"""Notices about an application's secret: kept before anything is answered, and only for whoever may be told."""

import pytest
from django.core.cache import cache

from amazon import notice_endpoints, notice_queue
from amazon.envelopes import BadEnvelope, read
from amazon.models import Notice
from kit.scope import unscoped
from kit.sealed import open_from
from tenants.models import ApplicationSecret
from tests.amazon.notifications import new_secret, sent
from tests.amazon.test_notice_endpoint import post
from tests.factories import ConnectionFactory, GrantFactory

pytestmark = pytest.mark.django_db
OURS, PRIVATE = "amzn1.application-oa2-client.ours", "amzn1.application-oa2-client.private"


@pytest.fixture(autouse=True)
def installation(settings):
    cache.clear()
    settings.AMAZON_CLIENT_ID = OURS


def kept():
    return [
        (row.client_id, row.tenant_id, open_from(row, "secret")) for row in ApplicationSecret.objects.order_by("pk")
    ]


def private_of(tenant):
    grant = GrantFactory(provider="amazon", application=PRIVATE, tenant=tenant)
    return ConnectionFactory(tenant=tenant, grant=grant, data={"region": "NA"})


def test_a_forwarder_may_bring_the_secret_of_its_own_companys_application_only(acme, globex):
    private_of(acme)
    place, secret = notice_endpoints.new_secret(acme.pk, "user:1")
    theirs, their_secret = notice_endpoints.new_secret(globex.pk, "user:9")

    crossed = post(theirs, sent(new_secret(PRIVATE, "new-1")), **{"X-Tieout-Key": their_secret})
    ours = post(place, sent(new_secret(OURS, "new-2")), **{"X-Tieout-Key": secret})
    own = post(place, sent(new_secret(PRIVATE, "new-3", n=2)), **{"X-Tieout-Key": secret})

    assert {crossed.status_code, ours.status_code, own.status_code} == {202}
    assert kept() == [(PRIVATE, acme.pk, "new-3")]
    with unscoped("the test looks at every tenant"):
        assert "new-3" not in str(list(Notice.objects.values_list()))


def test_the_installations_queue_brings_its_own(monkeypatch):
    message = {"MessageId": "m-1", "Body": sent(new_secret(OURS, "new-1")).decode()}

    assert notice_queue._stored(message)
    assert notice_queue._stored(message)

    assert kept() == [(OURS, None, "new-1")]


def test_a_secret_that_could_not_be_kept_stays_in_the_queue(monkeypatch):
    monkeypatch.setattr("amazon.secrets.arrived", lambda *_, **__: 1 / 0)

    assert not notice_queue._stored({"MessageId": "m-1", "Body": sent(new_secret(OURS, "new-1")).decode()})


def test_neither_a_printed_notice_nor_an_error_says_the_secret():
    [found], _ = read(sent(new_secret(OURS, "new-1")))
    nameless = new_secret("", "new-1")
    del nameless["payload"]["applicationOAuthClientNewSecret"]["clientId"]

    with pytest.raises(BadEnvelope) as refused:
        read(sent(nameless))

    assert "new-1" not in repr(found) + str(refused.value)
