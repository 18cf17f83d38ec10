"""Requests that one step of a ledger makes beyond its first, such as the other pages of a list.

How many there will be nobody knows before, so whoever asked for the step is told of each just before it goes out.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_told: ContextVar[Callable[[], None] | None] = ContextVar("before_each_further_request", default=None)


@contextmanager
def told_to(tell: Callable[[], None]) -> Iterator[None]:
    """Call ``tell`` before each request of the step inside but the first. What it raises ends the step."""
    first = True

    def each() -> None:
        nonlocal first
        if not first:
            tell()
        first = False

    token = _told.set(each)
    try:
        yield
    finally:
        _told.reset(token)


def request() -> None:
    """Tell whoever asked that a request is about to go out."""
    if tell := _told.get():
        tell()
