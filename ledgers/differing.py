"""How what a ledger keeps differs from what we write, in words for a bookkeeper. Pure."""

from collections.abc import Callable, Collection, Mapping
from datetime import date


def in_words(value: object) -> object:
    """Return a value for a sentence: a date as 1 Oct 2026."""
    if not isinstance(value, str):
        return value
    try:
        on = date.fromisoformat(value)
    except ValueError:
        return value
    return f"{on.day} {on:%b %Y}"


def difference(
    wanted: Mapping[str, object],
    kept: Mapping[str, object],
    shown: Collection[str],
    said: Callable[[object], object] = in_words,
) -> str:
    """Return what differs, "" where nothing does. The values of those ``shown`` are said, ids and lines are named only."""
    return ", ".join(
        f"the {name} is {said(kept[name])}, not {said(value)}"
        if name in shown
        else f"the {name} differ{'' if name.endswith('s') else 's'}"
        for name, value in wanted.items()
        if kept[name] != value
    )
