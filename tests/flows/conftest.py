import pytest

from tests import world as worlds


@pytest.fixture
def world(db):
    with worlds.world() as made:
        yield made
