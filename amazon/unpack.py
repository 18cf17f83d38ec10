"""Bytes of a settlement file as they are stored: unzipped where needed, never larger than the cap, never a bomb."""

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final

from amazon.flat_bytes import decompressed
from amazon.flat_errors import DOWNLOAD_AGAIN, BadSettlementFile

MAX_PLAIN_BYTES: Final = 768 << 20  # some 3 million rows; a real two-week file of a large seller has 11 MB
# Deflate reaches 1032:1; settlement rows of the most repetitive kind stay below 100:1.
MAX_RATIO: Final = 250
_RATIO_FROM_BYTES: Final = 8 << 20
_GZIP_MAGIC: Final = b"\x1f\x8b"
_TOO_LARGE: Final = "Settlement files are far smaller. Check that this is a settlement report of one period."


def plain(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the unpacked bytes of a file that may be gzip (told by its first bytes) or plain.

    Raises BadSettlementFile for an empty, damaged, oversized or suspiciously dense file.
    """
    head, rest = b"", iter(chunks)
    for chunk in rest:
        head += chunk
        if len(head) >= len(_GZIP_MAGIC):
            break
    if not head:
        raise BadSettlementFile(0, "The file is empty.", DOWNLOAD_AGAIN)
    whole = chain([head], rest)
    yield from _unzipped(whole) if head.startswith(_GZIP_MAGIC) else _capped(whole)


def _capped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > MAX_PLAIN_BYTES:
            raise BadSettlementFile(0, f"The file is larger than {MAX_PLAIN_BYTES >> 20} MiB.", _TOO_LARGE)
        yield chunk


def _unzipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    packed = size = 0

    def counted() -> Iterator[bytes]:
        nonlocal packed
        for chunk in chunks:
            packed += len(chunk)
            yield chunk

    for piece in decompressed(counted(), MAX_PLAIN_BYTES):
        size += len(piece)
        if size > _RATIO_FROM_BYTES and size > packed * MAX_RATIO:
            raise BadSettlementFile(0, "The compressed file unfolds to far more than a settlement would.", _TOO_LARGE)
        yield piece
