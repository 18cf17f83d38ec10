"""Texts within a ledger's lengths, and the notes that carry our marks. Pure."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

_MARKER: Final = re.compile(r"(?<!\S)ref:(\S+)")


def clipped(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def marked(markers: Iterable[str], texts: Iterable[str], length: int) -> str:
    """Return a note: the texts, shortened where they must be, and every marker whole at the end."""
    tail = " ".join(f"ref:{marker}" for marker in markers)
    head = clipped(" ".join(text.strip() for text in texts if text.strip()), length - len(tail) - 1)
    return f"{head} {tail}" if head else tail


def markers_in(note: object) -> Sequence[str]:
    """Return the markers in a note, in order."""
    return _MARKER.findall(str(note or ""))


def markers(note: object) -> frozenset[str]:
    """Return the markers in a note."""
    return frozenset(markers_in(note))
