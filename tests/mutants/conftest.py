"""The worlds that the checks ask for."""

import pytest

from tests.flows import slate
from tests.flows.conftest import books
from tests.flows.test_lanes import slow_calls
from tests.flows.test_undo import plan

__all__ = ["books", "plan", "slow_calls"]


@pytest.fixture
def write_only_books(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made
