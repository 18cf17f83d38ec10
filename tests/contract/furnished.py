"""Rigs that are furnished once in a process: what their stand-ins keep is copied for the next ones."""

from collections.abc import Hashable
from typing import Any, Protocol

_KEPT: dict[Hashable, tuple[bytes, dict[str, Any]]] = {}


class Rig(Protocol):
    stand_in: Any

    def furnish(self) -> None: ...
    def read(self) -> None: ...


def furnish(rig: Rig, key: Hashable) -> None:
    """Give a new rig what it needs. ``key`` names all that rigs of this kind can differ in.

    To have it made through the client takes most of a short test's time. Copied are the stand-in's whole file and the plain
    values that the rig has learned; its client is its own, and reads the lists itself.
    """
    store = rig.stand_in.store
    if key not in _KEPT:
        rig.furnish()
        learned: dict[str, Any] = {
            name: value for name, value in vars(rig).items() if isinstance(value, str | int | dict | list)
        }
        _KEPT[key] = store.content(), {name: _copy(value) for name, value in learned.items()}
    else:
        content, learned = _KEPT[key]
        store.replace_content(content)
        # In place: the client holds the lists.
        for name, value in learned.items():
            mine: Any = getattr(rig, name)
            if isinstance(mine, dict):
                mine.clear()
                mine.update(value)
            elif isinstance(mine, list):
                mine[:] = value
            else:
                setattr(rig, name, value)
    rig.read()


def _copy(value: Any) -> Any:
    return value.copy() if isinstance(value, dict | list) else value
