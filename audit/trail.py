"""Writes and reads the trail: events that are only added, each chained to the one before by its digest.

One chain per tenant, and one for the installation. The digests prove that nothing was changed or taken out in between.
The chain's head, printed by ``verify_audit``, kept elsewhere proves that nothing was taken off the end or written anew.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import partial
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from audit.models import ChainHead, Event
from kit.clock import now
from kit.scope import ForeignTenant, NoScope, current_tenant_id, unscoped

INSTALLATION = "installation"
_SECRET_WORDS = frozenset({"token", "tokens", "secret", "secrets", "password", "passwords", "authorization", "cookie"})
_NOT_SECRET = frozenset({"sync_token"})  # QuickBooks' version counter
# What the surrounding ``recorded()`` is going to write, each event with the mark that a rollback takes away.
_kept: ContextVar[list[tuple[Event, Callable[[], None]]] | None] = ContextVar(
    "events_of_this_transaction", default=None
)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class SecretInEvent(ValueError):
    """A key of the data is named like a secret. Events are for ever, so they hold none."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with a chain, at which event."""

    chain: str
    seq: int
    text: str


@contextmanager
def recorded() -> Iterator[None]:
    """A transaction that writes its events as its last statements, whoever records them within and whenever.

    A chain stays locked from its event to the commit, so whatever were locked after it could wait for somebody who waits for
    the chain. Nested ones join the outermost; what is rolled back, by whatever ``atomic()``, takes its events with it.
    """
    if _kept.get() is not None:
        with transaction.atomic():
            yield
        return
    mine: list[tuple[Event, Callable[[], None]]] = []
    with transaction.atomic():
        token = _kept.set(mine)
        try:
            yield
        finally:
            _kept.reset(token)
        # Django forgets the hooks of a savepoint that is rolled back.
        standing = {id(hook[1]) for hook in connection.run_on_commit}
        _write([event for event, mark in mine if id(mark) in standing])


def record(kind: str, subject: str, *, tenant_id: int | None = None, actor: str = "", **data: Any) -> None:
    """Add one event: at the end of the surrounding ``recorded()``, else at once.

    ``subject`` is like ``delivery:123``. Without ``tenant_id`` the event goes to the tenant in scope, or, where there
    is none, to the installation. ``data`` is kept as JSON: times and dates in ISO form, ``Decimal`` and floats as text.

    Raises:
        SecretInEvent: a key is named like a secret.
        ForeignTenant: another tenant is in scope.
    """
    tenant_id = _tenant(tenant_id)
    event = Event(
        tenant_id=tenant_id, chain=_chain(tenant_id), kind=kind, subject=subject, actor=actor, data=_plain(data)
    )
    kept = _kept.get()
    if kept is None:
        _write([event])
    else:
        mark = partial(_nothing, event)
        kept.append((event, mark))
        transaction.on_commit(mark)


def _nothing(_: Event) -> None:
    """Be a mark among the hooks of the transaction."""


def _write(events: Sequence[Event]) -> None:
    """Add events to their chains. Several chains are locked in the order of their names, so that nobody waits in a circle."""
    chains: dict[str, list[Event]] = {}
    for event in events:
        chains.setdefault(event.chain, []).append(event)
    with (
        transaction.atomic(savepoint=False),
        unscoped("the trail writes to the chain it was told, after checking the scope"),
    ):
        heads = [_locked_head(chain) for chain in sorted(chains)]
        for head in heads:
            for event in chains[head.chain]:
                event.seq, event.prev_hash, event.at = head.seq + 1, head.hash, now()
                event.hash = digest(event)
                head.seq, head.hash = event.seq, event.hash
            Event.objects.bulk_create(chains[head.chain], batch_size=500)
            ChainHead.objects.filter(pk=head.chain).update(seq=head.seq, hash=head.hash)


def trail(subject: str) -> QuerySet[Event]:
    """Select what happened to one subject, oldest first, of the tenant in scope."""
    return Event.objects.filter(subject=subject).order_by("seq")


def export(tenant_id: int | None) -> Iterator[str]:
    """Yield a chain as JSON lines, oldest first; with the digests, so that others can verify it."""
    for event in _events(_chain(tenant_id)):
        yield json.dumps(_content(event) | {"hash": event.hash}, sort_keys=True, ensure_ascii=False)


def chains() -> list[ChainHead]:
    """Return the head of every chain; an empty one for a chain that has lost its head."""
    heads = {head.chain: head for head in ChainHead.objects.all()}
    with unscoped("every chain is listed"):
        names = set(Event.objects.order_by().values_list("chain", flat=True).distinct())
    return [heads.get(name, ChainHead(chain=name)) for name in sorted(names | set(heads))]


def verify(tenant_id: int | None) -> list[Problem]:
    """Walk a chain and return what does not fit; an empty list proves it whole up to its head."""
    return verify_chain(_chain(tenant_id))


def verify_chain(chain: str) -> list[Problem]:
    # The head is read first: events added meanwhile come after it and are no problem.
    head = ChainHead.objects.filter(pk=chain).first() or ChainHead(chain=chain)
    problems: list[Problem] = []
    seq, hashed = 0, ""
    for event in _events(chain):
        if event.seq != seq + 1:
            problems.append(Problem(chain, event.seq, f"events {seq + 1} to {event.seq - 1} are missing"))
        elif event.prev_hash != hashed:
            problems.append(Problem(chain, event.seq, "it does not follow from the event before"))
        if digest(event) != event.hash:
            problems.append(Problem(chain, event.seq, "its content was changed"))
        if event.tenant_id != tenant_of(chain):
            problems.append(Problem(chain, event.seq, "it was moved to another tenant"))
        seq, hashed = event.seq, event.hash
        if seq == head.seq and hashed != head.hash:
            problems.append(Problem(chain, seq, "the head of the chain has another digest"))
    if seq and not head.seq:
        problems.append(Problem(chain, seq, "the head of the chain is missing"))
    if seq < head.seq:
        problems.append(Problem(chain, head.seq, f"events {seq + 1} to {head.seq} are missing at the end"))
    return problems


def digest(event: Event) -> str:
    """Return the SHA-256 of an event's content and of the digest before it, as hex."""
    text = json.dumps(_content(event), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _content(event: Event) -> dict[str, Any]:
    names = ("chain", "seq", "kind", "subject", "actor", "data", "prev_hash")
    return {name: getattr(event, name) for name in names} | {"at": event.at.isoformat(timespec="microseconds")}


def _events(chain: str) -> Iterator[Event]:
    # In pieces, each in its own scope: a caller that pauses the walk must not stay unscoped meanwhile.
    after = 0
    while True:
        with unscoped("a chain is verified and exported whole"):
            piece = list(Event.objects.filter(chain=chain, seq__gt=after).order_by("seq")[:500])
        yield from piece
        if not piece:
            return
        after = piece[-1].seq


def _locked_head(chain: str) -> ChainHead:
    """Return the head of a chain; its row stays locked until the transaction ends (SQLite has one writer anyway)."""
    heads = ChainHead.objects.select_for_update()
    found = heads.filter(pk=chain).first()
    if found is None:
        try:
            with transaction.atomic():
                ChainHead.objects.create(chain=chain)
        except IntegrityError:
            pass  # another writer began the chain
        found = heads.get(pk=chain)
    return found


def _chain(tenant_id: int | None) -> str:
    return INSTALLATION if tenant_id is None else f"tenant:{tenant_id}"


def tenant_of(chain: str) -> int | None:
    """Return whose chain it is; None for the installation's."""
    return None if chain == INSTALLATION else int(chain.removeprefix("tenant:"))


def _tenant(tenant_id: int | None) -> int | None:
    try:
        in_scope = current_tenant_id()
    except NoScope:
        return tenant_id
    if tenant_id not in (None, in_scope):
        raise ForeignTenant("an event of another tenant cannot be recorded from this scope")
    return in_scope


def _plain(value: Any) -> Any:
    """Return a value as JSON that reads back the same from both databases; floats would not, so they become text."""
    if isinstance(value, Mapping):
        return {_safe_key(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        items = [_plain(item) for item in value]
        return sorted(items, key=str) if isinstance(value, set | frozenset) else items
    if isinstance(value, Enum):
        return _plain(value.value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Decimal | float):
        return str(value)
    # Postgres cannot keep NUL in JSON.
    return str(value).replace("\x00", "�")


def _safe_key(key: str) -> str:
    name = _CAMEL.sub("_", key).lower().replace("-", "_")
    if name not in _NOT_SECRET and _SECRET_WORDS & set(name.split("_")):
        raise SecretInEvent(f"{key} is named like a secret: an event cannot hold it")
    return key
