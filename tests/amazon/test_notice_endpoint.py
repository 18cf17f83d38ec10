"""Where forwarders hand notices in: who is let in, what is kept, and that nobody else is harmed."""

import hashlib
import hmac
import json
from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from amazon import notice_endpoints, notice_views, notices
from amazon.models import Notice, NoticeEndpoint
from audit.models import Event
from kit.clock import now
from kit.scope import scope, unscoped
from tests.amazon.notifications import SELLER, order_change, report_finished, sent, transaction_update
from tests.factories import ConnectionFactory

pytestmark = pytest.mark.django_db
BODY = sent(order_change())


@pytest.fixture(autouse=True)
def empty_cache():
    cache.clear()


@pytest.fixture
def endpoint(acme):
    """Acme's endpoint and its secret; Acme has connected ``SELLER``."""
    ConnectionFactory(tenant=acme, provider="amazon", remote_id=SELLER, data={"region": "NA"})
    return notice_endpoints.new_secret(acme.pk, "user:1")


def post(endpoint, body=BODY, **headers):
    place = reverse("amazon:notices", args=[endpoint.address])
    return Client(enforce_csrf_checks=True).post(place, body, content_type="application/json", headers=headers)


def signed(secret, body=BODY, at=None):
    stamp = str(int((at or now()).timestamp()))
    fit = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-Tieout-Timestamp": stamp, "X-Tieout-Signature": f"sha256={fit}"}


def kept():
    with unscoped("the test looks at every tenant"):
        return list(Notice.objects.order_by("pk"))


def test_a_notice_is_kept_with_its_ids_and_nothing_else(endpoint, acme, django_assert_max_num_queries):
    place, secret = endpoint

    with django_assert_max_num_queries(8):
        answer = post(place, **{"X-Tieout-Key": secret})

    [notice] = kept()
    assert (answer.status_code, answer.json()) == (202, {"taken": 1, "refused": []})
    assert (notice.tenant, notice.seller_id, notice.subject) == (acme, SELLER, "701-0000000-0000001")
    assert (notice.state, notice.handled_at) == ("waiting", None)
    assert "48110" not in str([getattr(notice, field.attname) for field in Notice._meta.fields])
    assert "Set-Cookie" not in answer.headers


def test_the_raw_body_can_be_signed_instead(endpoint):
    place, secret = endpoint

    answer = post(place, **signed(secret))

    assert answer.status_code == 202
    assert len(kept()) == 1


def test_ten_copies_in_any_order_are_one_notice(endpoint):
    place, secret = endpoint
    told = [order_change(n=1), report_finished(), transaction_update(), order_change(n=2)]

    for turn in range(5):
        for each in (*told[turn % 4 :], *told[: turn % 4]):
            assert post(place, sent(each), **{"X-Tieout-Key": secret}).status_code == 202
        assert post(place, sent(*told, *told), **{"X-Tieout-Key": secret}).status_code == 202

    assert sorted(notice.notification_id for notice in kept()) == ["order-1", "order-2", "report-1", "transaction-1"]


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        (lambda secret: {}, "Send the secret"),
        (lambda secret: {"X-Tieout-Key": "tin_guess"}, "not the one of this address"),
        (lambda secret: {"X-Tieout-Key": "tin_gu\xe9ss"}, "not the one of this address"),
        (lambda secret: signed("tin_guess"), "does not fit"),
        (lambda secret: signed(secret, b"another body"), "does not fit"),
        (lambda secret: signed(secret) | {"X-Tieout-Timestamp": "1"}, "does not fit"),
        (lambda secret: signed(secret) | {"X-Tieout-Timestamp": "soon"}, "whole seconds"),
        (lambda secret: signed(secret, at=now() - timedelta(minutes=6)), "behind our clock"),
        (lambda secret: signed(secret, at=now() + timedelta(minutes=6)), "ahead of our clock"),
    ],
)
def test_who_does_not_know_the_secret_is_told_why_and_leaves_nothing(endpoint, headers, why):
    place, secret = endpoint

    answer = post(place, **headers(secret))

    assert answer.status_code == 401
    assert why in answer.content.decode()
    assert kept() == []
    with unscoped("the test looks at every tenant"):
        assert why in NoticeEndpoint.objects.get().refused_why


@pytest.mark.parametrize("minutes", [-4, 4])
def test_clocks_may_differ_by_some_minutes(endpoint, minutes):
    place, secret = endpoint

    assert post(place, **signed(secret, at=now() + timedelta(minutes=minutes))).status_code == 202


def test_while_the_secret_is_changed_both_are_good_and_no_third(endpoint, acme):
    place, first = endpoint
    _, second = notice_endpoints.new_secret(acme.pk, "user:1")

    both = [post(place, **{"X-Tieout-Key": secret}).status_code for secret in (first, second)]
    signatures = [post(place, **signed(secret)).status_code for secret in (first, second)]
    _, third = notice_endpoints.new_secret(acme.pk, "user:1")
    after = [post(place, **{"X-Tieout-Key": secret}).status_code for secret in (first, second, third)]

    assert (both, signatures, after) == ([202, 202], [202, 202], [401, 202, 202])
    with scope(acme.pk):
        assert NoticeEndpoint.objects.get().address == place.address


def test_the_earlier_secret_ends_after_a_week_or_when_somebody_ends_it(endpoint, acme):
    place, first = endpoint
    _, second = notice_endpoints.new_secret(acme.pk, "user:1")

    with time_machine.travel(now() + timedelta(days=7, minutes=1), tick=False):
        a_week_later = [post(place, **{"X-Tieout-Key": each}).status_code for each in (first, second)]
    before = post(place, **{"X-Tieout-Key": first}).status_code
    notice_endpoints.end_earlier(place, "user:1")
    ended = [post(place, **{"X-Tieout-Key": each}).status_code for each in (first, second)]

    assert (a_week_later, before, ended) == ([401, 202], 202, [401, 202])


def test_no_secret_stands_in_the_database_or_the_trail(endpoint, acme):
    _, secret = endpoint

    with unscoped("the test looks at every tenant"):
        assert secret not in str(list(NoticeEndpoint.objects.values_list()))
        assert secret not in str(list(Event.objects.values_list()))


def test_another_companys_secret_opens_nothing_and_its_seller_is_only_counted(endpoint, globex):
    place, _ = endpoint
    theirs, their_secret = notice_endpoints.new_secret(globex.pk, "user:9")

    crossed = post(place, **{"X-Tieout-Key": their_secret})
    about_acme = post(theirs, **{"X-Tieout-Key": their_secret})

    [notice] = kept()
    assert (crossed.status_code, about_acme.status_code) == (401, 202)
    assert (notice.tenant, notice.state) == (globex, "unknown")
    assert notices.waiting() == []


def test_an_address_that_no_database_can_look_for_is_not_looked_for(django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = Client().post(reverse("amazon:notices", args=["a\0b"]), BODY, content_type="application/json")

    assert answer.status_code == 404


def test_what_is_no_notification_is_refused_for_good(endpoint):
    place, secret = endpoint
    key = {"X-Tieout-Key": secret}

    no_json, too_large = post(place, b"hello", **key), post(place, b" " * (notice_views.BODY_BYTES + 1), **key)
    unknown = post(NoticeEndpoint(address="guess"), **key)
    got = Client().get(reverse("amazon:notices", args=[place.address]))

    assert [each.status_code for each in (no_json, too_large, unknown, got)] == [400, 413, 404, 405]
    assert "no JSON" in no_json.content.decode()
    assert "larger than" in too_large.content.decode()
    assert kept() == []


def test_a_kind_that_nobody_knows_is_kept_and_nothing_is_done(endpoint):
    place, secret = endpoint
    told = json.dumps(order_change() | {"NotificationType": "LISTINGS_ITEM_STATUS_CHANGE"}).encode()

    assert post(place, told, **{"X-Tieout-Key": secret}).status_code == 202

    assert [notice.state for notice in kept()] == ["ignored"]
    assert notices.waiting() == []


def test_a_flood_of_one_company_is_put_off_and_no_other_one_notices(endpoint, globex, monkeypatch):
    monkeypatch.setattr(notice_views, "MOST_A_MINUTE", 3)
    place, secret = endpoint
    theirs, their_secret = notice_endpoints.new_secret(globex.pk, "user:9")

    flood = [post(place, sent(order_change(n=n)), **{"X-Tieout-Key": secret}) for n in range(5)]
    calm = post(theirs, **{"X-Tieout-Key": their_secret})

    assert [each.status_code for each in flood] == [202, 202, 202, 429, 429]
    assert 1 <= int(flood[-1].headers["Retry-After"]) <= 60
    assert calm.status_code == 202
    assert len(kept()) == 4


def test_old_notices_go_and_those_that_wait_stay(endpoint, acme):
    place, secret = endpoint
    post(place, sent(order_change(n=1), order_change(n=2)), **{"X-Tieout-Key": secret})
    with scope(acme.pk):
        notices.handled([notice for notice in notices.take(SELLER) if notice.notification_id == "order-1"], "fetched")

    with time_machine.travel(now() + notices.KEPT_FOR + timedelta(hours=1), tick=False):
        notices.purge()

    assert [notice.notification_id for notice in kept()] == ["order-2"]
