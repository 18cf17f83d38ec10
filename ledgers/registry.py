"""The ledgers of this installation, as data. Each registers itself in its app's ``ready()``; no name is known here."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from bookkeeping.accounts import AccountClass
from ledgers import reference
from ledgers.port import Layout, Ledger, NotSent, Post, Reference, Shown
from tenants import asking
from tenants.models import Connection
from tenants.providers import Provider


@dataclass(frozen=True, slots=True)
class LedgerSpec:
    """One ledger. ``open`` makes the client of a connection and calls nobody.

    ``layouts`` says without a call or a query how documents may be cut in a connected company. ``account_types`` says for a
    person how the ledger names the type of a new account of a class. ``shows_ids``: a person finds its own ids on its pages or
    in their addresses. ``kind_names`` has what its pages call a kind of document where that is not the usual word, ``shown`` says
    how they list a document where that is not as we do: pure but for the cached lists, raises NotRenderable. ``sandbox`` opens
    its stand-in, mounted in process, with a connected client: for tests only. ``logo`` is a static path.
    """

    slug: str
    name: str
    provider: Provider
    open: Callable[[Connection], Ledger]
    layouts: Callable[[Connection], tuple[Layout, ...]]
    account_types: Mapping[AccountClass, tuple[str, ...]]
    sandbox: Callable[[], AbstractContextManager[Any]]
    shows_ids: bool = True
    kind_names: Mapping[str, str] = field(default_factory=dict)
    shown: Callable[[Connection, Post], Shown | None] = lambda connection, post: None
    logo: str = ""


class UnknownLedger(LookupError):
    """The connection is not one to a ledger."""


_ledgers: dict[str, LedgerSpec] = {}


def register(spec: LedgerSpec) -> None:
    _ledgers[spec.slug] = spec


def all_ledgers() -> Mapping[str, LedgerSpec]:
    return dict(sorted(_ledgers.items()))


def ledger_spec(slug: str) -> LedgerSpec:
    """Return one ledger's spec. Raises UnknownLedger."""
    try:
        return _ledgers[slug]
    except KeyError:
        raise UnknownLedger(slug) from None


def open_ledger(connection: Connection) -> Ledger:
    """Return the client of a connected company. Raises UnknownLedger."""
    return ledger_spec(connection.provider).open(connection)


def layouts_of(connection: Connection) -> tuple[Layout, ...]:
    """Return how documents may be cut in a connected company, the usual way first. Raises UnknownLedger."""
    return ledger_spec(connection.provider).layouts(connection)


def asked(connection: Connection) -> None:
    """Count that a person has a company asked at this moment. Raises NotSent where that was too often."""
    try:
        asking.ask(connection)
    except asking.AskedTooOften as error:
        raise NotSent(error.text, error.after_s) from error


def refresh_lists(connection: Connection) -> Reference:
    """Read a connection's lists anew and keep them. Raises NotSent, AuthorizationLost."""
    return reference.refresh(connection, open_ledger(connection))
