import pytest

from tests import world as worlds
from tests.flows import ledger


@pytest.fixture
def world(db):
    with worlds.world() as made:
        yield made


@pytest.fixture
def books(db, monkeypatch):
    with ledger.opened(monkeypatch) as made:
        yield made
