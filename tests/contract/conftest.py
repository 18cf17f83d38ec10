from collections.abc import Iterator
from typing import Any

import pytest

from ledgers.registry import all_ledgers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "slug" in metafunc.fixturenames:
        metafunc.parametrize("slug", sorted(all_ledgers()))


@pytest.fixture
def rig(slug: str) -> Iterator[Any]:
    """A ledger's stand-in with a connected client (``ledgers/<slug>/tests/rig.py``)."""
    with all_ledgers()[slug].sandbox() as opened:
        yield opened
