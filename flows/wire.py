"""From outbox rows to what a ledger renders, and from frozen calls back."""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from bookkeeping.documents import Kind, document_from
from flows import buyers
from flows.models import Attempt, Delivery, Dependency
from kit.sealed import open_from, seal_into
from ledgers.port import Binding, Call, Capabilities, External, Lookup, Post, Posted, Refused
from ledgers.port import Next as RefusedNext


class Waiting(Exception):
    """A delivery refers to another one that is not in the books."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


def wire_id(key: str, generation: int) -> str:
    """Return the idempotency id that goes over the wire: 40 characters that depend on the fact and the generation alone."""
    return _hash(f"{key}#{generation}")[:40]


def marker(key: str) -> str:
    """Return what a document's memo carries, so that it is known again. Two documents never share a key, so none share a marker."""
    return _hash(key)[:20]


def seen_by_balance(row: Delivery, capabilities: Capabilities) -> bool:
    """Whether only a difference of balances tells what became of a delivery whose answer is lost."""
    kind = Kind(row.kind)
    if kind is Kind.UNDO and row.plain_document.get("reversal"):
        kind = Kind.ENTRY
    return capabilities.lookup.get(kind) is Lookup.DELTA


def posts_for(rows: Sequence[Delivery]) -> list[Post]:
    """Return the rows as posts with every remote id, and every buyer's name, filled in. All rows belong to one company.

    Raises Waiting, NotRenderable."""
    if not rows:
        return []
    needed = Dependency.objects.filter(delivery__in=rows).values_list("delivery_id", "key")
    by_row: dict[int, list[str]] = {}
    for row_id, key in needed:
        by_row.setdefault(row_id, []).append(key)
    known = _externals(rows[0].remote_key, {key for keys in by_row.values() for key in keys})
    return [_post(row, by_row.get(row.pk, []), known) for row in rows]


def freeze(attempt: Attempt, call: Call) -> None:
    """Keep the call with its attempt, which has its id already; does not save."""
    plain = {**_plain(call), "query": dict(call.query), "body": base64.b64encode(call.body).decode()}
    seal_into(attempt, "sealed_call", json.dumps(plain))


def thaw(attempt: Attempt) -> Call:
    """Return the frozen call of an attempt, byte for byte."""
    plain = json.loads(open_from(attempt, "sealed_call"))
    return Call(**{**plain, "body": base64.b64decode(plain["body"]), "keys": tuple(plain["keys"])})


def answers_to_json(answers: Mapping[str, Posted | Refused]) -> dict[str, Any]:
    return {
        key: {"posted" if isinstance(answer, Posted) else "refused": _plain(answer)} for key, answer in answers.items()
    }


def answers_from_json(detail: Mapping[str, Any]) -> dict[str, Posted | Refused]:
    answers: dict[str, Posted | Refused] = {}
    for key, answer in detail.items():
        if "posted" in answer:
            answers[key] = Posted(**answer["posted"])
        elif "refused" in answer:
            answers[key] = Refused(**{**answer["refused"], "next": RefusedNext(answer["refused"]["next"])})
    return answers


def _plain(value: Posted | Refused | Call) -> dict[str, Any]:
    """Return the fields by name. Flat: ``asdict`` copies all that is in them, which takes ten times as long."""
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _externals(remote_key: str, keys: Iterable[str]) -> dict[str, External]:
    rows = Delivery.objects.filter(
        remote_key=remote_key, key__in=list(keys), live=True, external_id__gt=""
    ).values_list("key", "external_id", "version")
    return {key: External(external_id, version) for key, external_id, version in rows}


def _post(row: Delivery, keys: Sequence[str], known: Mapping[str, External]) -> Post:
    for key in keys:
        if key not in known:
            raise Waiting(key)
    bindings = {symbol: _bound(target, known) for symbol, target in row.bindings.items()}
    return Post(
        key=row.key,
        marker=marker(row.key),
        wire_id=wire_id(row.key, row.generation),
        document=buyers.named(row, document_from(json.loads(row.document))),
        bindings=bindings,
        refs={key: known[key] for key in keys},
    )


def _bound(target: Mapping[str, str], known: Mapping[str, External]) -> Binding:
    ids = {name: known[id_[1:]].external_id if id_.startswith("@") else id_ for name, id_ in target.items()}
    return Binding(**ids)


def _hash(text: str) -> str:
    return base64.b32encode(hashlib.sha256(text.encode()).digest()).decode().rstrip("=").lower()
