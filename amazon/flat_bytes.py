"""From a byte stream to blocks of whole text lines: gzip, character set, line ends. Flat memory whatever the size."""

import codecs
import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from amazon.flat_errors import BadSettlementFile

BLOCK: Final = 256 * 1024
LONGEST_LINE: Final = 1024 * 1024
_SLICE: Final = 16 * 1024  # zlib copies what it has not consumed on every call, so it is fed small pieces
_GZIP: Final = 31  # zlib window bits: 15, and 16 for a gzip header with a checked trailer

# What people upload by mistake, by its first bytes.
_FOREIGN: Final = (
    (b"\x1f\x8b", "The file is still compressed (gzip)."),
    (b"PK\x03\x04", "The file is an Excel workbook or a zip archive."),
    (b"\xd0\xcf\x11\xe0", "The file is an old Excel workbook."),
    (b"%PDF", "The file is a PDF."),
    (b"<", "The file is XML or a web page."),
    (b"{", "The file is JSON."),
    (codecs.BOM_UTF16_LE, "The file was saved again as 'Unicode text' (UTF-16)."),
    (codecs.BOM_UTF16_BE, "The file was saved again as 'Unicode text' (UTF-16)."),
)


def decompressed(chunks: Iterable[bytes], max_bytes: int) -> Iterator[bytes]:
    """Unzip a gzip stream piece by piece, checking length and checksum of its trailer.

    Raises:
        BadSettlementFile: no gzip data, damaged, cut off, or more than ``max_bytes`` when unzipped.
    """
    inflate, produced = zlib.decompressobj(_GZIP), 0
    for data in _slices(chunks):
        full = False
        while data or full:  # a full piece may leave output waiting although all input is taken in
            if inflate.eof:  # gzip allows zero padding and further members after the first
                data = data.lstrip(b"\0")
                if not data:
                    break
                inflate = zlib.decompressobj(_GZIP)
            try:
                piece = inflate.decompress(data, BLOCK)
            except zlib.error:
                raise BadSettlementFile(0, "The compressed file is damaged.") from None
            full = len(piece) == BLOCK
            data = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            produced += len(piece)
            if produced > max_bytes:
                limit = max_bytes // (1024 * 1024)
                raise BadSettlementFile(
                    0,
                    f"The compressed file unfolds to more than {limit} MiB.",
                    "No settlement is that large. Check where the file comes from.",
                )
            if piece:
                yield piece
    if not inflate.eof:
        raise BadSettlementFile(0, "The compressed file is cut off: its end is missing.")


def _slices(chunks: Iterable[bytes]) -> Iterator[bytes]:
    for chunk in chunks:
        for start in range(0, len(chunk), _SLICE):
            yield chunk[start : start + _SLICE]


class TextBlocks:
    """Iterates over ``(number of the first line, text)``: whole lines, separated by ``\\n`` only.

    The character set is, in order of trust, the declared one, a byte order mark, UTF-8, the legacy page: Amazon's
    downloads come with several, or with none stated. It is settled by the first block that is not plain ASCII;
    ``codec`` tells which one was used so far. ``terminated`` tells, at the end, whether the last line had a line end.
    """

    def __init__(self, chunks: Iterable[bytes], charset: str = "", legacy: str = "cp1252") -> None:
        self._chunks, self._legacy = chunks, legacy
        self._declared = bool(charset)
        self.codec = _codec(charset) if charset else "ascii"
        self.terminated = True

    def __iter__(self) -> Iterator[tuple[int, str]]:
        line, first = 1, True
        for block in self._blocks():
            if first:
                block, first = self._opened(block), False
            text = self._decoded(block, line)
            if "\r" in text:
                text = text.replace("\r\n", "\n")
            yield line, text
            line += text.count("\n")

    def _blocks(self) -> Iterator[bytes]:
        """Cut the stream behind line ends, into blocks of about ``BLOCK`` bytes."""
        tail = b""
        for chunk in self._chunks:
            for start in range(0, len(chunk), BLOCK):
                piece = chunk[start : start + BLOCK]
                cut = piece.rfind(b"\n") + 1
                if cut:
                    yield tail + piece[:cut]
                    tail = piece[cut:]
                else:
                    tail += piece
                    if len(tail) > LONGEST_LINE:
                        raise BadSettlementFile(0, "The file has no line ends, so it is no settlement.")
        self.terminated = not tail
        if tail:
            yield tail

    def _opened(self, block: bytes) -> bytes:
        """Refuse what is recognisably something else, and take the byte order mark off."""
        for magic, problem in _FOREIGN:
            if block.startswith(magic):
                raise BadSettlementFile(0, problem)
        if block.startswith(codecs.BOM_UTF8):
            if not self._declared:
                self.codec, self._declared = "utf-8", True
            return block.removeprefix(codecs.BOM_UTF8)
        return block

    def _decoded(self, block: bytes, line: int) -> str:
        if b"\0" in block:
            at = line + block[: block.index(b"\0")].count(b"\n")
            raise BadSettlementFile(at, "There is a zero byte, so this is no text file.")
        if not self._declared and self.codec == "ascii" and not block.isascii():
            try:
                text = block.decode("utf-8")
            except UnicodeDecodeError:
                self.codec = self._legacy
            else:
                self.codec = "utf-8"
                return text
        try:
            return block.decode(self.codec)
        except UnicodeDecodeError as error:
            at = line + block[: error.start].count(b"\n")
            raise BadSettlementFile(
                at,
                f"The byte {block[error.start]:#04x} is no character in {self.codec}: it was re-encoded or damaged.",
            ) from None


# Names that Python does not know, or takes more narrowly than those who write them.
_ALIASES: Final = dict.fromkeys(("windows-31j", "shift_jis", "shift-jis", "x-sjis"), "cp932")


def _codec(charset: str) -> str:
    """Return Python's name of a declared character set; only supersets of ASCII can hold a settlement."""
    try:
        name = charset.strip(" \"'").casefold()
        codec = codecs.lookup(_ALIASES.get(name, name))
        usable = "\t\n-0".encode(codec.name) == b"\t\n-0"
    except (LookupError, UnicodeError):
        usable = False
    if not usable:
        raise BadSettlementFile(
            0, f"The file is declared to be in the character set {charset!r}, which cannot be read."
        )
    return codec.name
