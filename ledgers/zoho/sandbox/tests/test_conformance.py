"""Every answer fits Zoho's own OpenAPI files; where the live service is known to differ, the difference has a name."""

import re

import pytest

from ledgers.zoho.sandbox import ZohoStandIn
from ledgers.zoho.sandbox.api import ENDPOINTS
from sandbox.clock import frozen

from .conftest import NOW
from .description import DIFFERENCES, SPECS, STATUSES, described, description_of, problems
from .every_call import Recorder, session

pytestmark = [
    pytest.mark.specs,
    pytest.mark.skipif(not SPECS.is_dir(), reason="the official descriptions are not beside the checkout"),
]


@pytest.fixture(scope="module")
def called():
    remote = ZohoStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    remote.switches["search_lag_s"] = 0
    return session(remote)


def test_session_makes_every_call(called):
    made = {each["operation"] for each in called.remote.log(limit=10_000)}

    assert made >= {each.operation for each in ENDPOINTS}


def problems_of(method, path, answer):
    return list(problems(method, path, answer.status_code, answer.get_data()))


def test_every_answer_fits_its_description_or_a_named_difference(called):
    unexplained = [
        problem
        for method, path, answer in called.answers
        for problem in problems_of(method, path, answer)
        if not any(fits(*problem[:3]) for fits in DIFFERENCES.values())
    ]

    assert not unexplained


def test_every_named_difference_is_still_one(called):
    found = [problem for each in called.answers for problem in problems_of(*each)]
    statuses = {" ".join(description_of(method, path)) for method, path, _ in called.answers}

    assert {name for name, fits in DIFFERENCES.items() if any(fits(*each[:3]) for each in found)} == set(DIFFERENCES)
    assert set(STATUSES) <= statuses
    assert all(described()[tuple(each.split(" "))][1] != status for each, status in STATUSES.items())


def test_tidy_answers_have_no_empty_text_for_a_list():
    remote = ZohoStandIn(clock=frozen(NOW))
    remote.switches["rate_scale"] = 0
    remote.switches["empty_values"] = "tidy"
    api = Recorder(remote, remote.control("create_organization", {"contacts": ["Somebody"]}))
    api.invoiced(5)
    api.get("journals")
    api.get("invoices")

    fits = DIFFERENCES["empty values come as an empty text"]
    assert not [each for call in api.answers for each in problems_of(*call) if fits(*each[:3])]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda each: f"{each.method} {each.path}")
def test_endpoint_is_a_described_one_with_its_scope(endpoint):
    path = re.sub("<\\w+>", "46", endpoint.path)
    key = description_of(endpoint.method, path)

    document = described()[key][2]
    operation = document["paths"][f"/{key[1]}"][endpoint.method.lower()]
    scopes = [scope for each in operation["security"] for held in each.values() for scope in held]

    assert scopes == [f"ZohoBooks.{endpoint.scope}"]
