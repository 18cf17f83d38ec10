"""Statements as tables: what the columns seem to be, and their lines."""

from datetime import date

import pytest

from bank import csv_file
from bank.csv_file import Columns, proposed, read, table_of, text_of
from bank.lines import BadBankFile

UNTIL = date(2026, 12, 31)
LAYOUTS = {
    "US, signed": (
        'Date,Description,Amount\n01/17/2026,AMAZON.COM PAYMENTS,12.50\n01/31/2026,RENT,"-1,900.00"\n',
        "USD",
    ),
    "UK, in and out": (
        "Date,Type,Description,Paid out,Paid in,Balance\n31/01/2026,DD,RENT,1900.00,,5.00\n"
        "17/01/2026,BACS,AMAZON PAYMENTS UK,,12.50,5.00\n",
        "GBP",
    ),
    "German": (
        "Kontoauszug;;;\nIBAN;DE00;;\n\nBuchungstag;Valuta;Verwendungszweck;Betrag\n31.01.2026;31.01.2026;MIETE;-1.900,00\n"
        "17.01.2026;17.01.2026;AMAZON PAYMENTS EUROPE;12,50 €\nSumme;;;-1.887,50\n",
        "EUR",
    ),
    "French": (
        "Date opération;Libellé;Débit;Crédit\n31/01/2026;LOYER;-1 900,00;\n17/01/2026;VIR AMAZON PAYMENTS;;12,50\n",
        "EUR",
    ),
    "Tabs, ISO, signs behind": (
        "Transaction date\tDetails\tAmount\n2026-01-31\tRENT\t1900.00-\n2026-01-17T08:00:00\tAMZN\t12.50+\n",
        "USD",
    ),
    "Words for months": (
        "Posted Date,Payee,Amount\n31-Jan-2026,RENT,(1900.00)\n17-Jan-2026,AMAZON,$12.50\n",
        "USD",
    ),
}


def lines(content, currency="USD", **changes):
    table = table_of(content)
    columns = proposed(table, currency)
    return read(table, Columns(**columns.to_json() | changes), currency, UNTIL)


@pytest.mark.parametrize(("content", "currency"), LAYOUTS.values(), ids=LAYOUTS)
def test_usual_layouts_are_proposed_rightly(content, currency):
    found = lines(content, currency)

    by_day = {one.on: one.amount for one in found}
    assert by_day == {date(2026, 1, 17): 1250, date(2026, 1, 31): -190000}
    assert [one.names_amazon for one in found if one.amount > 0] == [True]


def test_yen_have_no_decimals():
    assert [one.amount for one in lines('日付,摘要,金額\n2026/01/17,AMAZON,"12,500"\n', "JPY")] == [12500]


def test_days_that_can_be_read_in_two_ways_are_said_to_be():
    both = table_of("Date,Amount\n03/04/2026,1.00\n")
    one = table_of("Date,Amount\n13/04/2026,1.00\n")

    assert csv_file.in_two_ways(both, proposed(both, "USD"))
    assert not csv_file.in_two_ways(one, proposed(one, "USD"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("Date,Amount\n2026-01-17,12.50\n2026-01-xx,1.00\n", "Line 3: '2026-01-xx' is not a day"),
        ("Date,Amount\n2026-01-17,12.50\n2026-01-18,1.2.3\n", "Line 3: '1.2.3' is not an amount"),
        ("Date,Amount\n2026-01-17,12.505\n", "Line 2: '12.505' is not an exact amount of USD"),
        ("Date;Amount\n2026-01-17;12,50\n", "Line 2: '12,50' is not an amount"),
        ("Date,Amount\n2027-01-17,12.50\n", "Line 2: 2027-01-17 has not come yet"),
        ("Date,Amount\n1999-01-17,12.50\n", "before any settlement"),
        ("Date,Amount\n", "has no lines"),
        ("one,two\n1,2\n", "names the columns"),
        ("", "empty"),
        ('Date,Amount\n2026-01-17,"12.50\n', "a cell does not end"),
    ],
)
def test_a_bad_file_is_refused_with_its_line_and_what_to_do(content, told):
    with pytest.raises(BadBankFile, match=told.replace("'", ".").replace(".", r".")):
        lines(content, day_form="%Y-%m-%d", mark=".")


@pytest.mark.parametrize("separator", [",", ";"])
def test_a_file_of_very_many_columns_is_refused_before_anybody_looks_at_their_names(separator, monkeypatch):
    monkeypatch.setattr(csv_file, "_are_names", lambda cells: pytest.fail("looked at"))
    names = separator.join(["Date", "Amount", *(f"c{n}" for n in range(40_000))])

    with pytest.raises(BadBankFile, match="more than 60 columns"):
        table_of(f"{names}\n{separator.join('12')}\n")


@pytest.mark.parametrize("content", [b"PK\x03\x04rest", b"%PDF-1.7", b"\x00\x01\x02" * 9, b"x" * 2_000_001])
def test_what_is_no_text_is_refused(content):
    with pytest.raises(BadBankFile):
        text_of(content)


def test_western_and_unicode_files_are_read():
    assert (
        text_of("Libellé".encode("cp1252")) == text_of("Libellé".encode("utf-16")) == text_of("\ufeffLibellé".encode())
    )


def test_columns_survive_being_stored():
    columns = proposed(table_of(LAYOUTS["German"][0]), "EUR")

    assert Columns.from_json(columns.to_json()) == columns
    assert columns.texts == ("Verwendungszweck",)


@pytest.mark.parametrize(
    "changes",
    [{"amount": ""}, {"day": "Amount"}, {"day": "Nowhere"}, {"day_form": "%s"}, {"mark": ";"}, {"money_in": "Date"}],
)
def test_columns_that_cannot_be_are_named(changes):
    with pytest.raises(BadBankFile):
        lines("Date,Amount\n2026-01-17,12.50\n", **changes)
