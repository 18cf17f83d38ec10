"""Bad input: refused with what is wrong, where, and what to do."""

import gzip
import pickle

import pytest

from amazon.settlement_file import BadSettlementFile, decompressed, read
from bookkeeping.facts import Label
from tests.amazon.flat_files import SETTLEMENT, changed, chunked, header, row, rows, text, v1, v2

GOOD = v2(rows(1000, 2000, -500))


def refusal(data, **options):
    with pytest.raises(BadSettlementFile) as caught:
        list(read(lambda: [data], **options))
    return caught.value


def line_of(data, *words):
    """Return the line a file is refused at, once the words of the refusal are found."""
    found = refusal(data)
    for word in words:
        assert word in found.problem
    assert found.action
    return found.line


def test_a_refusal_says_line_problem_and_action():
    found = refusal(text(changed(GOOD, 4, "amount", "12,3x")))

    assert found.line == 4
    assert str(found) == f"Line 4: {found.problem} {found.action}"


def test_a_refusal_survives_pickling():
    found = refusal(b"")

    assert vars(pickle.loads(pickle.dumps(found))) == vars(found)


def test_rows_that_do_not_add_up_are_refused_with_the_difference():
    data = text(changed(GOOD, 4, "amount", "20.01"))

    assert line_of(data, "25.01 USD", "25.00", "a difference of 0.01") == 2


def test_a_missing_row_is_refused_with_the_difference():
    data = text(GOOD[:-1])

    assert line_of(data, "The 2 rows", "a difference of 5.00") == 2


def test_a_file_cut_in_the_middle_of_a_line_is_refused_there():
    whole = text(GOOD)

    for cut in range(whole.rindex(b"\n", 0, -1) + 2, len(whole) - 3):
        assert refusal(whole[:cut]).line in (2, 5)


def test_a_file_cut_in_its_trailing_cells_is_refused():
    assert line_of(text(GOOD)[:-3], "cut off") == 5


def test_a_last_line_without_line_end_is_fine_when_it_is_whole():
    assert len(list(read(lambda: [text(GOOD)[:-1]]))) == 3


def test_a_file_without_rows_is_refused():
    assert line_of(text(GOOD[:2]), "no rows") == 2


def test_an_empty_file_is_refused():
    assert line_of(b"", "empty") == 0
    assert line_of(text(GOOD[:1]), "nothing behind it") == 1


SPREADSHEETS = [
    ("comma CSV", text(GOOD).replace(b"\t", b","), 1, "CSV"),
    ("semicolon CSV", text(GOOD).replace(b"\t", b";"), 1, "CSV"),
    ("quoted header", text([[f'"{cell}"' for cell in line] for line in GOOD]), 1, "quotation marks"),
    ("quoted amount", text(changed(GOOD, 4, "amount", '"20.00"')), 4, "quotation marks"),
    ("quoted type", text(changed(GOOD, 4, "transaction-type", '"Order"')), 4, "quotation marks"),
    ("order id as number", text(changed(GOOD, 4, "order-id", "1.14E+17")), 4, "order-id is 1.14E+17"),
    ("item code as number", text(changed(GOOD, 5, "order-item-code", "1,36104E+14")), 5, "order-item-code"),
    ("settlement id as number", text(changed(GOOD, 2, "settlement-id", "1.8E+10")), 2, "settlement-id is 1.8E+10"),
    ("amount as power of ten", text(changed(GOOD, 4, "amount", "2E+03")), 4, "power of ten"),
    ("date re-formatted", text(changed(GOOD, 4, "posted-date-time", "22/09/2026 10:30")), 4, "re-formatted"),
    ("summary date re-formatted", text(changed(GOOD, 2, "settlement-end-date", "04/10/2026 14:00")), 2, "end-date"),
    ("fused columns", text([[f"{line[0]} {line[1]}", *line[2:]] for line in GOOD]), 1, "fused"),
    ("two fused columns", text([[*line[:20], "".join(line[20:22]), *line[22:]] for line in GOOD]), 1, "fused"),
    (
        "fused cells in a row",
        text([*GOOD[:3], [*GOOD[3][:13], "Principal20.00", *GOOD[3][15:]], GOOD[4]]),
        4,
        "The cell",
    ),
    ("shifted cells", text([*GOOD[:3], [*GOOD[3][:8], "", *GOOD[3][8:]], GOOD[4]]), 4, "The cell"),
    ("too many cells", text([*GOOD[:3], [*GOOD[3], "?"], GOOD[4]]), 4, "more cells"),
    ("saved as Unicode text", text(GOOD, codec="utf-16"), 0, "UTF-16"),
    ("workbook", b"PK\x03\x04rest", 0, "Excel"),
    ("lost column", text([line[:14] + line[15:] for line in GOOD]), 1, "'amount'"),
    ("column twice", text([[*line, line[7]] for line in GOOD]), 1, "twice"),
]


@pytest.mark.parametrize(
    ("data", "line", "word"), [case[1:] for case in SPREADSHEETS], ids=[c[0] for c in SPREADSHEETS]
)
def test_what_a_spreadsheet_does_is_named(data, line, word):
    assert line_of(data, word) == line


FOREIGN = [
    ("other report", b"order-id\tsku\n1\t2\n", 1, "no settlement"),
    ("date range report", b'"date/time","settlement id","type"\n', 1, "date range"),
    ("XML", b"<?xml version='1.0'?>", 0, "XML"),
    ("JSON", b'{"errors": []}', 0, "JSON"),
    ("PDF", b"%PDF-1.7\n", 0, "PDF"),
    ("still packed", gzip.compress(text(GOOD)), 0, "compressed"),
    ("binary", b"\x00\x01\x02\n", 1, "zero byte"),
    ("old Mac line ends", text(GOOD).replace(b"\n", b"\r"), 1, ""),
    ("no line ends", b"x" * 3_000_000, 0, "no line ends"),
]


@pytest.mark.parametrize(("data", "line", "word"), [case[1:] for case in FOREIGN], ids=[c[0] for c in FOREIGN])
def test_what_is_no_settlement_is_named(data, line, word):
    assert line_of(data, word) == line


OTHER = v2([row(amount=100)], head=header([row(amount=100)], settlement_id="18000000002"))
MIXED = [
    ("two files", text(GOOD) + text(OTHER), 6, "second header"),
    ("two files without header", text(GOOD) + text(OTHER[1:]), 6, "names settlement 18000000002"),
    ("the same file twice", text(GOOD) + text(GOOD), 6, "second header"),
    ("a second summary", text(GOOD) + text(GOOD[1:2]), 6, "second summary"),
    ("a foreign row", text(changed(GOOD, 4, "settlement-id", "18000000002")), 4, "names settlement 18000000002"),
    ("a row of nobody", text(changed(GOOD, 4, "settlement-id", "")), 4, "names no settlement"),
    ("another currency", text(changed(GOOD, 4, "currency", "CAD")), 4, "in CAD"),
]


@pytest.mark.parametrize(("data", "line", "word"), [case[1:] for case in MIXED], ids=[case[0] for case in MIXED])
def test_settlements_put_together_are_named(data, line, word):
    assert line_of(data, word) == line


CELLS = [
    ("row before the period", 4, "posted-date-time", "2026-09-20 13:59:59 UTC", "outside the settlement's period"),
    ("row at the end", 4, "posted-date-time", "2026-10-04 14:00:00 UTC", "outside the settlement's period"),
    ("first row outside", 3, "posted-date-time", "2026-11-04 14:00:00 UTC", "outside the settlement's period"),
    ("day outside", 4, "posted-date-time", "2026-10-05", "outside the settlement's period"),
    ("impossible day", 4, "posted-date-time", "2026-09-31 10:00:00 UTC", "re-formatted"),
    ("no amount", 4, "amount", "", "empty"),
    ("half a cent", 4, "amount", "20.005", "not an amount"),
    ("units", 4, "quantity-purchased", "1.5", "whole number"),
    ("no type", 4, "transaction-type", "", "no transaction-type"),
    ("total", 2, "total-amount", "n/a", "total-amount"),
    ("no total", 2, "total-amount", "", "total-amount is empty"),
    ("currency", 2, "currency", "dollars", "dollars"),
    ("no start", 2, "settlement-start-date", "", "settlement-start-date is empty"),
    ("start as serial", 2, "settlement-start-date", "46285.58", "settlement-start-date"),
    ("backwards", 2, "settlement-end-date", "2026-09-01 14:00:00 UTC", "not after the start"),
    ("no deposit date", 2, "deposit-date", "", "although the settlement pays out"),
    ("deposit date", 2, "deposit-date", "soon", "deposit-date"),
    ("no summary row", 2, "transaction-type", "Order", "transaction of its own"),
]


@pytest.mark.parametrize(
    ("line", "column", "value", "word"), [case[1:] for case in CELLS], ids=[case[0] for case in CELLS]
)
def test_a_bad_cell_is_named_with_its_line(line, column, value, word):
    assert line_of(text(changed(GOOD, line, column, value)), word) == line


def test_a_bad_cell_deep_in_a_large_file_is_named_with_its_line():
    cells = v2(rows(*range(1, 5001)))

    assert line_of(text(changed(cells, 4321, "amount", "x")), "amount ('x')") == 4321


def test_v1_files_are_checked_alike():
    cells = v1([row(4), row(5, Label("Order", "ItemFees", "Commission"), -5, quantity=0)])

    assert line_of(text(changed(cells, 5, "item-related-fee-amount", "x")), "item-related-fee-amount") == 5
    assert line_of(text(changed(cells, 5, "settlement-id", "1")), "names settlement 1") == 5


def unzipped(data, limit=1_000_000, size=1000):
    return b"".join(decompressed(chunked(data, size)(), limit))


@pytest.mark.parametrize("size", [1, 10, 100_000])
def test_gzip_is_unfolded_piece_by_piece(size):
    plain = text(v2(rows(*range(1, 2000))))

    assert unzipped(gzip.compress(plain), size=size) == plain


def test_gzip_members_and_padding_are_one_stream():
    assert unzipped(gzip.compress(b"one ") + gzip.compress(b"two") + b"\0" * 50) == b"one two"


def test_a_gzip_bomb_stops_at_the_limit():
    taken = []
    bomb = gzip.compress(b"0" * 50_000_000)

    with pytest.raises(BadSettlementFile, match="unfolds to more than 1 MiB"):
        taken.extend(decompressed([bomb], 1 << 20))

    assert sum(map(len, taken)) <= 1 << 20


def test_every_cut_of_a_gzip_file_is_noticed():
    packed = gzip.compress(text(GOOD))

    for cut in range(len(packed)):
        with pytest.raises(BadSettlementFile, match="cut off"):
            unzipped(packed[:cut])


def test_a_damaged_gzip_file_is_refused():
    packed = bytearray(gzip.compress(text(GOOD)))
    packed[-6] ^= 1

    with pytest.raises(BadSettlementFile, match="damaged"):
        unzipped(bytes(packed))


def test_rubbish_behind_a_gzip_file_is_refused():
    with pytest.raises(BadSettlementFile, match="damaged"):
        unzipped(gzip.compress(b"one") + b"rubbish")


def test_the_settlement_named_in_a_refusal_is_this_one():
    assert SETTLEMENT in refusal(text(changed(GOOD, 4, "settlement-id", "1"))).problem
