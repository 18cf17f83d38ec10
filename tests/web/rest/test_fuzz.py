"""Requests nobody thought of, made from the OpenAPI document: no answer it does not name, and never a broken one."""

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from connector.wsgi import application

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]


schema = schemathesis.openapi.from_wsgi("/api/schema", application)


@pytest.fixture(autouse=True)
def requests_leave_the_connection_open():
    """The application closes a connection that it finds inside a transaction; ours is, as Django's own test client's."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@schema.parametrize()
@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
def test_no_request_breaks_anything_or_is_answered_with_what_is_not_documented(case, demo, rest):
    # Half of the requests name something that exists.
    id_ = (case.path_parameters or {}).get("id")
    if isinstance(id_, int) and id_ % 2:
        case.path_parameters["id"] = demo.ids[case.path.split("/")[3]]

    case.call_and_validate(headers={"Authorization": f"Bearer {rest.key}"}, checks=CHECKS)
