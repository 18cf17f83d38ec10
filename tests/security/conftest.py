"""What the tests of attacks share: Charlie, who owns Globex and may look at Acme."""

import pytest
from django.test import Client

from tests import factories
from tests.web.conftest import pretend, signed_in  # noqa: F401


@pytest.fixture
def viewer_in_acme(acme, charlie):
    """Charlie with a second place: he may look at Acme."""
    factories.MemberFactory(tenant=acme, user=charlie, role="viewer")
    return charlie


@pytest.fixture
def at():
    """Return a function that gives a browser in which a person looks at one of their companies."""

    def look(user, tenant):
        client = Client()
        client.force_login(user)
        session = client.session
        session["tenant_id"] = tenant.pk
        session.save()
        return client

    return look
