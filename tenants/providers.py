"""The systems a tenant can connect, as data. Each app registers its own in ``ready()``; no name is known here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum, unique
from typing import TYPE_CHECKING, Any, Protocol

from kit.oauth import OAuthSpec, Tokens
from kit.rate import RatePlan

if TYPE_CHECKING:
    from tenants.models import Connection


@unique
class ProviderKind(StrEnum):
    SOURCE = "source"
    LEDGER = "ledger"


@dataclass(frozen=True, slots=True)
class Identity:
    """One company or seller a consent opens.

    ``subject`` is who granted, where one grant opens several companies (a user's id); "" means the company itself. A token
    that the provider binds to one company of a user's names both, or the next one would take its place.
    ``data`` is kept with the connection, for example region and marketplaces.
    """

    remote_id: str
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: str = ""


class CheckStep(Protocol):
    """One named step of *Test connection*; ``ledgers.port.Check`` is one.

    ``verdict`` is passed, failed, warning or skipped; ``blocks`` names the mode it forbids, "posting" or "".
    """

    @property
    def name(self) -> str: ...
    @property
    def verdict(self) -> str: ...
    @property
    def detail(self) -> str: ...
    @property
    def action(self) -> str: ...
    @property
    def blocks(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Step:
    """A step of *Test connection* for providers that are no ledger."""

    name: str
    verdict: str
    detail: str
    action: str = ""
    blocks: str = ""


@dataclass(frozen=True, slots=True)
class ManualField:
    """One input of a form: a choice before the consent, or a part of pasted credentials.

    ``pattern`` is what the whole value has to match, where it is known: one that does not is refused without a call.
    Credentials have at least ``client_id``, ``client_secret`` and ``refresh_token``.
    """

    name: str
    label: str
    secret: bool = False
    help_text: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    pattern: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of a connection's page that only its provider knows; ``template`` gets ``shown`` as ``panel``."""

    template: str
    shown: Any


def no_panels(connection: "Connection") -> Sequence[Panel]:
    """Return none: most connections have nothing to show but what all have."""
    return ()


@dataclass(frozen=True, slots=True)
class Provider:
    """One outside system.

    ``oauth`` and ``environment`` read the settings late and get what the person chose before the consent (for example
    the region). Back from it, and at every refresh, ``oauth`` also gets what the callback and then the token endpoint
    said of ``keeps``, which the grant keeps; what was chosen stands. Such values come by way of the browser, so ``oauth``
    takes only those it knows: it raises ConsentFailed for another, and nothing is sent anywhere.

    ``identify`` asks the remote what the tokens open, one Identity per company; several name the same ``subject``. Right
    after the consent its parameters are the callback's query (or the credentials form) under what the grant keeps; later,
    with nothing but an access token, they are what the grant keeps. It raises TokenRejected where the remote refuses the
    token. ``checks`` gets a connection and a mode ("" for any). Both may call the remote, so neither runs inside a
    transaction.

    ``choices`` are asked before the consent, ``manual`` is the form of pasted credentials (empty: not possible),
    ``code_param`` names the callback's code, ``consent_life`` says after what time a consent must be renewed whatever
    the tokens say, ``secret_life`` how long a secret of an application is good there,
    ``single_consent`` that a user's consent ends every earlier one of that user, ``daily_calls`` how many
    calls a day the provider allows our application over all companies (0: no such number is known), ``shared`` how we keep
    to that, by the name of the bucket; ``role`` in a sentence what the system is for, ``needs`` which plan of it and whose rights a
    consent is of use with; ``panels`` what else its connections' page shows; ``logo`` is a static path.
    """

    slug: str
    name: str
    kind: ProviderKind
    role: str
    oauth: Callable[[Mapping[str, Any]], OAuthSpec]
    environment: Callable[[Mapping[str, Any]], str]
    identify: Callable[[Tokens, Mapping[str, str]], Sequence[Identity]]
    checks: Callable[["Connection", str], Sequence[CheckStep]]
    needs: str = ""
    code_param: str = "code"
    keeps: tuple[str, ...] = ()
    single_consent: bool = False
    daily_calls: int = 0
    shared: Callable[[], Mapping[str, RatePlan]] = dict
    consent_life: timedelta | None = None
    secret_life: timedelta | None = None
    choices: tuple[ManualField, ...] = ()
    manual: tuple[ManualField, ...] = ()
    panels: Callable[["Connection"], Sequence[Panel]] = no_panels
    logo: str = ""


class TokenRejected(Exception):
    """The remote does not take the access token; a fresh one may do. ``text`` and ``action`` say what it means, and what to do,
    where that was a fresh one."""

    def __init__(self, text: str = "", action: str = "") -> None:
        super().__init__(text)
        self.text, self.action = text, action


class UnknownProvider(LookupError):
    """No app registered a provider of this name."""


_providers: dict[str, Provider] = {}


def register(spec: Provider) -> None:
    _providers[spec.slug] = spec


def providers(kind: ProviderKind | None = None) -> list[Provider]:
    """Return the registered providers by name, all or of one kind."""
    return sorted((p for p in _providers.values() if kind in (None, p.kind)), key=lambda p: p.name)


def provider(slug: str) -> Provider:
    """Return one provider.

    Raises:
        UnknownProvider
    """
    try:
        return _providers[slug]
    except KeyError:
        raise UnknownProvider(slug) from None
