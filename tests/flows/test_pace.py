"""Whose bucket a limit is taken from."""

from types import SimpleNamespace

import pytest

from flows import pace
from flows.lanes import Lease
from kit.rate import RatePlan
from tenants.models import Bucket

pytestmark = pytest.mark.django_db
PLAN = RatePlan(rate_per_s=1, burst=10)


def take(remote_key, *names):
    pace.take(Lease(remote_key, 1), SimpleNamespace(limits=lambda call: dict.fromkeys(names, PLAN)), None)


def test_a_limit_of_the_application_is_one_for_all_companies_of_a_provider_and_environment():
    for remote_key in ("wave:production:QnVz:1", "wave:production:2", "wave:sandbox:2", "zoho:production:2"):
        take(remote_key, "app:day", "calls")

    levels = {row.key: 10 - round(row.tokens) for row in Bucket.objects.all()}

    assert levels == {
        "wave:production:app:day": 2,
        "wave:sandbox:app:day": 1,
        "zoho:production:app:day": 1,
        "wave:production:QnVz:1:calls": 1,
        "wave:production:2:calls": 1,
        "wave:sandbox:2:calls": 1,
        "zoho:production:2:calls": 1,
    }
