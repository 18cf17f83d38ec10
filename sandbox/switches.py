"""Behaviour nobody could settle from outside: each open question is a switch, so that a client meets every setting."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.store import Store

type_of_setting = str | int | bool


@dataclass(frozen=True, slots=True)
class Switch:
    """``settings`` are the allowed values, the first is the default. A single number means: any number."""

    name: str
    settings: Sequence[type_of_setting]
    meaning: str

    @property
    def default(self) -> type_of_setting:
        return self.settings[0]

    def check(self, value: object) -> type_of_setting:
        number = isinstance(self.default, int) and not isinstance(self.default, bool) and len(self.settings) == 1
        if number and isinstance(value, int) and not isinstance(value, bool):
            return value
        for setting in self.settings:
            if type(setting) is type(value) and setting == value:
                return setting
        raise ValueError(f"{self.name} is one of {list(self.settings)}, not {value!r}")


class Switches(Mapping[str, Any]):
    """``switches["name"]`` reads, ``switches["name"] = value`` sets; what was set survives a restart.

    Raises:
        KeyError: no such switch.
        ValueError: not one of its settings.
    """

    def __init__(self, store: Store, known: Sequence[Switch]) -> None:
        self._store = store
        self.known = {switch.name: switch for switch in known}

    def __getitem__(self, name: str) -> Any:
        switch = self.known[name]
        kept = self._store.get("switch", name)
        return switch.default if kept is None else kept["value"]

    def __setitem__(self, name: str, value: object) -> None:
        self._store.put("switch", name, {"value": self.known[name].check(value)})

    def __iter__(self) -> Iterator[str]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)
