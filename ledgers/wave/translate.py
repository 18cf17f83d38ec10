"""Neutral documents to frozen Wave calls, one call each. Pure: the same posts and business give the same bytes.

The one read-back of a money transaction is the balance it moves, so no two documents ever travel together.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bookkeeping.documents import Invoice, Kind, Undo
from ledgers.port import Call, Post
from ledgers.wave import operations, wire
from ledgers.wave.bodies import input_of
from ledgers.wave.bound import Company

LOOKED_FOR: Final = "looked for"  # the operation of a call before which the client asks Wave once
_CREATED: Final = (
    Kind.ACCOUNT, Kind.CUSTOMER, Kind.ITEM, Kind.INVOICE, Kind.PAYMENT, Kind.TRANSFER, Kind.ENTRY,
)  # fmt: skip
_TAKEN_BACK: Final = (Kind.ENTRY, Kind.TRANSFER, Kind.PAYMENT, Kind.INVOICE)
# What others refer to comes first; taking back goes the other way.
_PHASES: Final[Mapping[tuple[Kind, Kind | None], int]] = {
    phase: number
    for number, phase in enumerate([*((kind, None) for kind in _CREATED), *((Kind.UNDO, kind) for kind in _TAKEN_BACK)])
}


def render(posts: Sequence[Post], company: Company) -> list[Call]:
    """Return the calls that carry the posts, by phase and within one as they come.

    Raises:
        NotRenderable: names the first post that Wave cannot hold; nothing is rendered then.
    """
    return [_call(post, company) for post in sorted(posts, key=_phase)]


def request_of(call: Call) -> tuple[str, Mapping[str, Any]]:
    """Return the operation of a rendered call, and its input."""
    request = wire.decode(call.body)
    return request["operationName"], request["variables"]["input"]


def _phase(post: Post) -> int:
    document = post.document
    kind = (Kind.UNDO, document.target_kind) if isinstance(document, Undo) else (document.kind, None)
    return _PHASES.get(kind, len(_PHASES))


def _call(post: Post, company: Company) -> Call:
    operation, body = input_of(post, company)
    request = {
        "operationName": operation,
        "query": operations.MUTATIONS[operation].document,
        "variables": {"input": body},
    }
    document = post.document
    lines = tuple(line.key for line in document.lines if line.amount) if isinstance(document, Invoice) else ()
    return Call(
        method="POST",
        path=wire.PATH,
        query={},
        body=wire.encode(request),
        wire_id=post.wire_id,
        keys=(post.key,),
        operation=LOOKED_FOR if operation in operations.LOOKED_FOR else "write",
        lines={post.key: lines} if lines else {},
    )
