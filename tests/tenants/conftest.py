import pytest

from kit import http
from tenants import grants, providers
from tests.tenants.tokens import BASE, TokenEndpoint, make_provider


@pytest.fixture
def endpoint(monkeypatch):
    """The test provider and its token endpoint, in place of every real provider."""
    monkeypatch.setattr(providers, "_providers", {})
    monkeypatch.setattr(grants, "PAUSE_S", 0)
    monkeypatch.setattr(grants, "POLL_S", 0.002)
    providers.register(make_provider())
    endpoint = TokenEndpoint()
    http.mount(BASE, endpoint)
    yield endpoint
    http.unmount(BASE)
