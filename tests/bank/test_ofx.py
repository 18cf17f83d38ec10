"""OFX statements in both forms, and hostile ones."""

from datetime import date

import pytest

from bank import ofx
from bank.lines import BadBankFile

UNTIL = date(2026, 12, 31)


def sgml(*lines, currency="USD", account="123456789", end="</OFX>"):
    body = "\n".join(
        f"<STMTTRN>\n<TRNTYPE>CREDIT\n<DTPOSTED>{on}120000.000[-5:EST]\n<TRNAMT>{amount}\n<FITID>{fitid}\n<NAME>{name}\n</STMTTRN>"
        for on, amount, fitid, name in lines
    )
    return (
        "OFXHEADER:100\nDATA:OFXSGML\nVERSION:102\nENCODING:USASCII\nCHARSET:1252\n\n<OFX>\n<BANKMSGSRSV1><STMTTRNRS>"
        f"<STMTRS><CURDEF>{currency}\n<BANKACCTFROM><BANKID>1\n<ACCTID>{account}\n<ACCTTYPE>CHECKING\n</BANKACCTFROM>"
        f"<BANKTRANLIST><DTSTART>20260101\n{body}\n</BANKTRANLIST><LEDGERBAL><BALAMT>9\n</LEDGERBAL></STMTRS>"
        f"</STMTTRNRS></BANKMSGSRSV1>\n{end}"
    )


LINES = (("20260117", "12.50", "A1", "AMAZON.COM &amp; CO"), ("20260131", "-1900.00", "A2", "RENT"))
XML = """<?xml version="1.0" encoding="UTF-8"?><?OFX OFXHEADER="200" VERSION="211"?><OFX><BANKMSGSRSV1><STMTTRNRS><STMTRS>
<CURDEF>USD</CURDEF><BANKACCTFROM><ACCTID>123456789</ACCTID></BANKACCTFROM><BANKTRANLIST>
<STMTTRN><DTPOSTED>20260117</DTPOSTED><TRNAMT>12.50</TRNAMT><FITID>A1</FITID><PAYEE><NAME>AMAZON.COM &amp; CO</NAME></PAYEE></STMTTRN>
<STMTTRN><DTPOSTED>20260131</DTPOSTED><TRNAMT>-1900.00</TRNAMT><FITID>A2</FITID><NAME>RENT</NAME></STMTTRN>
</BANKTRANLIST></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"""


def read(text, currency="USD", tail=""):
    return ofx.read(text, currency, tail, UNTIL)


@pytest.mark.parametrize("text", [sgml(*LINES), XML], ids=["1.x", "2.x"])
def test_both_forms_give_the_same_lines(text):
    assert ofx.is_ofx(text)
    assert [(one.on, one.amount, one.bank_id, one.text) for one in read(text)] == [
        (date(2026, 1, 17), 1250, "A1", "AMAZON.COM & CO"),
        (date(2026, 1, 31), -190000, "A2", "RENT"),
    ]


def test_of_two_accounts_the_digits_choose():
    both = sgml(*LINES[:1], account="111", end="") + sgml(*LINES[1:], account="222")

    assert [one.bank_id for one in read(both, tail="222")] == ["A2"]
    with pytest.raises(BadBankFile, match="2 accounts"):
        read(both)
    with pytest.raises(BadBankFile, match="another account"):
        read(both, tail="999")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (sgml(*LINES, currency="EUR"), "statement is in EUR"),
        (sgml(*LINES, end=""), "cut off"),
        (sgml(("2026", "1.00", "A", "x")), r"Line \d+: '2026120000.000\[-5:EST\]' is not a day"),
        (sgml(("20260117", "1e9", "A", "x")), "is not an amount"),
        (sgml(("20260117", "1.005", "A", "x")), "not an exact amount"),
        (sgml(("20260117", "1.00", "A", "x" * 5000)), "longer than any"),
        ("OFXHEADER:100\n<OFX></OFX>", "no statement"),
        ('<!DOCTYPE lolz [<!ENTITY lol "lol">]><OFX>&lol;</OFX>', "document type"),
    ],
)
def test_bad_and_hostile_files_are_refused(text, told):
    with pytest.raises(BadBankFile, match=told):
        read(text)


def test_an_entity_of_its_own_is_text():
    assert read(sgml(("20260117", "1.00", "A", "&lol; &#65;")))[0].text == "&lol; A"
