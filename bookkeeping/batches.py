"""Rows by the batch: what a source that reads in blocks can offer, so that summing needs no look at every single row."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol, runtime_checkable

from bookkeeping.facts import Label, Row


class Group(Protocol):
    """Rows of one batch with one label and marketplace, in the order of their lines."""

    @property
    def label(self) -> Label: ...

    @property
    def marketplace(self) -> str: ...

    @property
    def amounts(self) -> Sequence[int]: ...

    def lines(self) -> Iterable[int]:
        """Return the rows' lines, in parallel to the amounts."""

    def order_ids(self) -> Iterable[str]:
        """Return the rows' order ids, in parallel to the amounts."""


class Batch(Protocol):
    """Some rows that follow one another, at least one."""

    def __iter__(self) -> Iterator[Row]: ...

    def span(self) -> tuple[datetime, datetime]:
        """Return the earliest and the latest instant at which a row of the batch was posted."""

    def groups(self) -> Sequence[Group]:
        """Return every row of the batch in exactly one group, the groups in the order of their first rows."""


@runtime_checkable
class Batched(Protocol):
    """A source of rows that can also be had by the batch: the same rows in the same order."""

    def batches(self) -> Iterator[Batch]: ...
