"""Dates, numbers and character sets, settled per file."""

from datetime import UTC, datetime

import pytest

from amazon.flat_cells import amount
from amazon.settlement_file import BadSettlementFile, read
from bookkeeping.facts import Label
from tests.amazon.flat_files import PLAIN, STYLES, changed, header, row, rows, text, v2

AMOUNTS = [
    ("12.34", ".", 1234),
    ("-5.67", ".", -567),
    ("95,00", ",", 9500),
    ("1.234,56", ",", 123456),
    ("1 234,56", ",", 123456),
    ("1\u00a0234,56", ",", 123456),
    ("1'234.56", ".", 123456),
    ("1,23,456.78", ".", 12345678),
    ("5.67-", ".", -567),
    ("(5.67)", ".", -567),
    ("\u22125.67", ".", -567),
    ("7", ".", 700),
    ("7.5", ".", 750),
    ("7.500", ".", 750),
    ("0.0", ".", 0),
    ("7.505", ".", None),
    ("12,34", ".", None),
    ("1,2,3", ".", None),
    ("1.234,56", ".", None),
    ("1,23,456", ",", None),
    ("1.", ".", None),
    ("", ".", None),
    ("1e3", ".", None),
    ("$5.00", ".", None),
    ("٣", ".", None),
    ("--5", ".", None),
    ("NaN", ".", None),
]


@pytest.mark.parametrize(("cell", "mark", "minor"), AMOUNTS, ids=[f"{cell} by {mark}" for cell, mark, _ in AMOUNTS])
def test_an_amount_is_exact_or_none(cell, mark, minor):
    assert amount(cell, mark, 2) == minor


@pytest.mark.parametrize(
    ("cell", "minor"), [("1234", 1234), ("1,234", 1234), ("1.234", 1234), ("12.00", 12), ("1.5", None)]
)
def test_without_decimals_both_marks_group_thousands(cell, minor):
    assert amount(cell, ".", 0) == minor


def with_amounts(total, *amounts, currency="USD"):
    lines = rows(*[0] * len(amounts))
    cells = changed(v2(lines, head=header(lines, currency=currency)), 2, "total-amount", total)
    for line, spelled in enumerate(amounts, start=3):
        cells = changed(cells, line, "amount", spelled)
    return text(cells)


def amounts_of(data):
    return [one.amount for one in read(lambda: [data])]


def test_the_mark_is_settled_by_a_later_row_when_the_total_has_none():
    assert amounts_of(with_amounts("3", "1", "1,50", "0,50")) == [100, 150, 50]


def test_only_the_reading_under_which_the_rows_add_up_is_taken():
    assert amounts_of(with_amounts("1230", "1.230")) == [123000]
    assert amounts_of(with_amounts("1,23", "1,230")) == [123]


def test_amounts_that_add_up_under_both_marks_are_refused():
    with pytest.raises(BadSettlementFile, match="two ways"):
        read(lambda: [with_amounts("0", "1.230", "-1.230")])


def test_a_cell_in_another_number_style_is_named():
    with pytest.raises(BadSettlementFile) as caught:
        amounts_of(with_amounts("3.00", "1.00", "2,00"))

    assert (caught.value.line, "amount ('2,00')" in caught.value.problem) == (4, True)


def dated(style, posted, start, end, deposit):
    cells = v2(rows(*[1] * len(posted)), style)
    for column, value in (("settlement-start-date", start), ("settlement-end-date", end), ("deposit-date", deposit)):
        cells = changed(cells, 2, column, value)
    for line, value in enumerate(posted, start=3):
        cells = changed(cells, line, "posted-date-time", value)
    return text(cells)


def test_a_slash_date_is_settled_by_start_before_end():
    data = dated(PLAIN, ["02/05/2026 00:00:00 UTC"], "02/02/2026", "03/01/2026", "03/02/2026")

    posted = [one.posted_at for one in read(lambda: [data])]

    assert posted == [datetime(2026, 2, 5, tzinfo=UTC)]


def test_a_slash_date_is_settled_by_the_days_of_the_rows():
    days = ["04/01/2026 09:00:00 UTC", "09/01/2026 09:00:00 UTC", "10/01/2026 09:00:00 UTC"]
    data = dated(PLAIN, days, "03/01/2026 00:00:00 UTC", "11/01/2026 00:00:00 UTC", "13/01/2026 00:00:00 UTC")

    found = read(lambda: [data])

    assert found.header.starts_at == datetime(2026, 1, 3, tzinfo=UTC)
    assert [one.posted_at.month for one in found] == [1, 1, 1]


def test_slash_dates_that_make_sense_both_ways_are_refused():
    days = ["04/01/2026 09:00:00 UTC"]
    data = dated(PLAIN, days, "03/01/2026 00:00:00 UTC", "10/01/2026 00:00:00 UTC", "12/01/2026 00:00:00 UTC")

    with pytest.raises(BadSettlementFile, match="cannot be told apart"):
        read(lambda: [data])


def test_rows_may_spell_days_unlike_the_summary_row():
    lines = rows(500)
    cells = changed(v2(lines), 3, "posted-date-time", "")

    found = list(read(lambda: [text(changed(cells, 3, "posted-date", "22/09/26"))]))

    assert found[0].posted_at == datetime(2026, 9, 22, 12, tzinfo=UTC)


def test_a_date_in_another_form_than_the_files_is_named():
    cells = changed(v2(rows(1, 2)), 4, "posted-date-time", "9/22/2026 10:30")

    with pytest.raises(BadSettlementFile) as caught:
        list(read(lambda: [text(cells)]))

    assert (caught.value.line, "posted-date-time" in caught.value.problem) == (4, True)


@pytest.mark.parametrize(
    ("codec", "options", "sku"),
    [
        ("utf-8", {}, "Käse"),
        ("utf-8-sig", {}, "Käse"),
        ("cp1252", {}, "Käse"),
        ("cp1252", {"charset": "Cp1252"}, "Käse"),
        ("iso-8859-1", {"charset": "ISO-8859-1"}, "Käse"),
        ("cp932", {"legacy": "cp932"}, "茶碗"),
        ("cp932", {"charset": "windows-31j"}, "茶碗"),
        ("cp932", {"charset": "Shift_JIS"}, "①"),
        ("shift_jis", {"charset": '"Shift_JIS"'}, "茶碗"),
        ("utf-8", {"charset": "utf8"}, "茶碗"),
    ],
)
def test_the_character_set_is_declared_marked_utf8_or_the_legacy_page(codec, options, sku):
    data = text(v2([row(sku=sku)]), codec=codec)

    assert [one.sku for one in read(lambda: [data], **options)] == [sku]


@pytest.mark.parametrize(("currency", "codec"), [("JPY", "cp932"), ("EUR", "cp1252")])
def test_the_legacy_page_follows_the_currency(currency, codec):
    lines = [row(amount=0, sku="茶碗" if currency == "JPY" else "Käse")]
    cells = v2(lines, head=header(lines, currency=currency))
    for line, column in ((2, "total-amount"), (3, "amount")):
        cells = changed(cells, line, column, "0")

    assert list(read(lambda: [text(cells, codec=codec)])) == lines


def test_the_character_set_that_was_needed_is_told():
    found = read(lambda: [text(v2([row(sku="Käse")]), codec="cp1252")])

    list(found)

    assert found.codec == "cp1252"


def test_undecodable_bytes_are_refused_with_their_line():
    data = text(v2(rows(1, 2, 3))).replace(b"SKU-1", b"SKU-\x81", 2).replace(b"SKU-\x81", b"SKU-1", 1)

    with pytest.raises(BadSettlementFile) as caught:
        list(read(lambda: [data]))

    assert (caught.value.line, "0x81" in caught.value.problem) == (4, True)


def test_a_declared_character_set_is_not_second_guessed():
    data = text(v2([row(sku="Käse")]), codec="cp1252")

    with pytest.raises(BadSettlementFile) as caught:
        read(lambda: [data], charset="utf-8")

    assert caught.value.line == 3


@pytest.mark.parametrize("charset", ["klingon", "utf-16", "hex"])
def test_a_character_set_that_cannot_hold_a_settlement_is_refused(charset):
    with pytest.raises(BadSettlementFile, match=charset):
        read(lambda: [text(v2(rows(1)))], charset=charset)


def test_labels_in_other_scripts_survive():
    label = Label("CouponRedemptionFee", "CouponRedemptionFee", "夏のセール")
    data = text(v2([row(label=label)], STYLES["plain"]), codec="cp932")

    assert [one.label for one in read(lambda: [data], legacy="cp932")] == [label]
