from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from ledgers.registry import all_ledgers


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "slug" in metafunc.fixturenames:
        rigged = [slug for slug in sorted(all_ledgers()) if find_spec(f"ledgers.{slug}.tests.rig")]
        metafunc.parametrize("slug", rigged)


@pytest.fixture
def rig(slug: str) -> Iterator[Any]:
    """A ledger's stand-in with a connected client (``ledgers/<slug>/tests/rig.py``)."""
    with all_ledgers()[slug].sandbox() as opened:
        yield opened
