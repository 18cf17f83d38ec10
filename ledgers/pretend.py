"""What the demo has to know of a ledger's stand-in: how the site finds it, how a company is made there, who signs in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from typing import Any

Made = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Pretend:
    """One ledger's stand-in as the demo uses it.

    ``settings`` returns the site's environment for a stand-in at an address whose limits are scaled. ``rate`` is what the
    stand-in is switched to for that scale. ``create`` returns the control action that makes a company of a name, ``company``
    the remote id of its connection, ``known_as`` what it is called in calls of the public API, which follow ``audited`` in the
    address. ``asked`` is what a person answers before they leave for the consent page, ``signs_in`` the choice there, ``token``
    the control action that gives another application a token. ``in_transit``: the API reaches neither bank nor card, so payouts
    wait in an account of their own. ``in_use`` returns what the control actions ``inactivate`` and ``reactivate`` want to be told
    of an account that settlements are booked to; None where nothing shows what an inactive one does.
    """

    settings: Callable[[str, int], Mapping[str, str]]
    rate: Callable[[int], Mapping[str, Any]]
    create: Callable[[str], tuple[str, Mapping[str, Any]]]
    company: Callable[[Made], str]
    known_as: Callable[[Made], str]
    signs_in: Callable[[Made], str]
    token: Callable[[Made], tuple[str, Mapping[str, Any]]]
    asked: Mapping[str, str] = field(default_factory=dict)
    audited: str = ""
    in_transit: bool = False
    in_use: Callable[[Made], Mapping[str, Any]] | None = None


def pretended() -> list[str]:
    """Return the slugs of the ledgers that have a stand-in to show."""
    # Settings may still come from a stage that is only being built: nothing of the models is read before.
    from ledgers.registry import all_ledgers

    return [slug for slug in all_ledgers() if find_spec(f"ledgers.{slug}.pretend")]


def pretend_of(slug: str) -> Pretend:
    """Return what ``ledgers/<slug>/pretend.py`` says. It is not imported before a demo asks: it knows the stand-in."""
    found: Pretend = import_module(f"ledgers.{slug}.pretend").PRETEND
    return found
