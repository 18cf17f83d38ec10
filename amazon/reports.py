"""Settlement files in the database: sealed chunks that any process can write and any other read."""

import hashlib
import zlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from django.db import transaction

from amazon.models import CHUNK_BYTES, Report, ReportChunk
from audit.trail import record, recorded
from kit.clock import now
from kit.sealed import context_of
from kit.vault import seal, unseal

_DELETE_AT_ONCE: Final = 40  # chunks; one delete stays a short write


class ReportDamaged(Exception):
    """A report whose chunks are not what was stored: it never finished loading, or the database was meddled with."""


def store(
    chunks: Iterable[bytes],
    *,
    tenant_id: int,
    origin: Report.Origin,
    alive: Callable[[], None] = lambda: None,
    **fields: Any,
) -> Report:
    """Store plain bytes as they come, at most 1 MiB per transaction, and return the report, still ``loading``.

    A kill in between leaves a ``loading`` row, which the next pull removes; an error removes it at once and goes on.
    """
    report = Report.objects.create(tenant_id=tenant_id, origin=origin, created_at=now(), **fields)
    digest, size, lines, count = hashlib.sha256(), 0, 0, 0
    last = b""
    try:
        for count, piece in enumerate(_pieces(chunks), start=1):
            digest.update(piece)
            size, lines, last = size + len(piece), lines + piece.count(b"\n"), piece[-1:]
            _store_chunk(report, count - 1, zlib.compress(piece))
            alive()
    except Exception:
        discard(report)
        raise
    report.sha256, report.size, report.chunk_count = digest.hexdigest(), size, count
    report.lines = lines + (last not in (b"", b"\n"))
    with recorded():
        report.save(update_fields=["sha256", "size", "lines", "chunk_count"])
        record(
            "report.stored",
            f"report:{report.pk}",
            tenant_id=tenant_id,
            actor=report.actor,
            origin=origin,
            report_id=report.report_id,
            name=report.name,
            sha256=report.sha256,
            bytes=size,
        )
    return report


def open_report(report: Report) -> Iterator[bytes]:
    """Yield the plain bytes of a report in order, one chunk in memory at a time.

    Raises ReportDamaged (a missing or misplaced chunk, at the latest after the last byte) or vault.CannotOpen.
    """
    digest = hashlib.sha256()
    for ordinal in range(report.chunk_count):
        chunk = ReportChunk.objects.filter(report_id=report.pk, ordinal=ordinal).first()
        if chunk is None:
            raise ReportDamaged(f"chunk {ordinal} of {report.chunk_count} of report {report.pk} is missing")
        piece = zlib.decompress(unseal(chunk.sealed, context_of(chunk, "sealed")))
        digest.update(piece)
        yield piece
    if digest.hexdigest() != report.sha256:
        raise ReportDamaged(f"the chunks of report {report.pk} do not add up to what was stored")


def drop_bytes(report: Report) -> None:
    """Remove a report's chunks and keep the report."""
    report.chunk_count = 0
    report.save(update_fields=["chunk_count"])
    _delete_chunks(report)


def discard(report: Report) -> None:
    """Remove a report and its chunks, in short transactions, the report last."""
    _delete_chunks(report)
    Report.objects.filter(pk=report.pk).delete()


def _store_chunk(report: Report, ordinal: int, packed: bytes) -> None:
    with transaction.atomic():
        chunk = ReportChunk.objects.create(tenant_id=report.tenant_id, report=report, ordinal=ordinal)
        chunk.sealed = seal(packed, context_of(chunk, "sealed"))  # its place has a name only now
        chunk.save(update_fields=["sealed"])


def _delete_chunks(report: Report) -> None:
    chunks = ReportChunk.objects.filter(report_id=report.pk)
    while ids := list(chunks.values_list("pk", flat=True)[:_DELETE_AT_ONCE]):
        ReportChunk.objects.filter(pk__in=ids).delete()


def _pieces(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Regroup chunks of any size into pieces of exactly CHUNK_BYTES, the last one shorter."""
    waiting = bytearray()
    for chunk in chunks:
        waiting += chunk
        while len(waiting) >= CHUNK_BYTES:
            yield bytes(waiting[:CHUNK_BYTES])
            del waiting[:CHUNK_BYTES]
    if waiting:
        yield bytes(waiting)
