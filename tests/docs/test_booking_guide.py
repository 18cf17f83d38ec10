"""The tables of the bookkeepers' guide are what the bookkeeping code makes of the rows in it.

``python -m tests.docs.test_booking_guide`` writes them anew.
"""

import re
from pathlib import Path

import pytest

from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountKey, account_key
from bookkeeping.documents import Payment
from bookkeeping.policy import Mode
from tests.bookkeeping.books import _lines
from tests.bookkeeping.company import Company
from tests.bookkeeping.e7 import ZONE
from tests.bookkeeping.test_examples import settled

GUIDE = Path(__file__).resolve().parents[2] / "docs/how-settlements-are-booked.md"
NAMES = {"entry": "Journal entry"}


def rows(text):
    """Return the rows of the guide's own table, written as the bookkeeping tests write theirs."""
    return tuple(re.findall(r"^\| (\d+ \w{3}) \| (\w+) \| (\w?) ?\| (.+?) \|$", text, re.MULTILINE))


def books(text, mode):
    header, facts = settled(7, "24 Sep", "8 Oct", "10 Oct", "39.76", rows(text))
    company = Company([(header, facts)], zone=ZONE)
    company.settle(header.settlement_id, mode)
    return company.books


def shown(document):
    """Return one document as text: what it is, its day, and a line per account as it was posted, debits first."""
    kind = NAMES.get(document.kind.value, document.kind.value.capitalize())
    if isinstance(document, Payment):
        name = f"{kind} {document.reference} of invoice {document.cover.invoice.split('/')[-2]}"
    else:
        name = f"{kind} {document.number}"
    body = [f"**{name}**, {document.on.day} {document.on:%B}", "", "| account | debit | credit |", "|---|---:|---:|"]
    for _, key, amount in sorted(_lines(document), key=lambda line: line[2] < 0):
        account = "Accounts Receivable" if key == AccountKey.AR else ACCOUNTS[account_key(key)].name
        debit, credit = (f"{abs(amount) / 100:,.2f}" if side else "" for side in (amount > 0, amount < 0))
        body.append(f"| {account} | {debit} | {credit} |")
    return "\n".join(body)


def accounts():
    listed = [account for account in ACCOUNTS.values() if account.key not in SYSTEM]
    lines = [f"| {one.name} | {one.meaning} | {one.account_class.replace('_', ' ')} |" for one in listed]
    return "\n".join(["| account | what is on it | kind |", "|---|---|---|", *lines])


def computed(text):
    """Return what belongs under each mark of the guide."""
    by_mode = {mode.value: "\n\n".join(map(shown, books(text, mode).live())) for mode in Mode}
    return by_mode | {"accounts": accounts()}


def part(name):
    return re.compile(rf"<!-- computed: {name} -->\n(.*?)\n<!-- end -->", re.DOTALL)


def renewed(text):
    for name, block in computed(text).items():
        new = f"<!-- computed: {name} -->\n\n{block}\n\n<!-- end -->"
        text = part(name).sub(lambda _, new=new: new, text, count=1)
    return text


@pytest.mark.parametrize("name", ["summary", "orders", "accounts"])
def test_a_computed_part_of_the_guide_is_what_the_code_makes(name):
    text = GUIDE.read_text()

    assert part(name).search(text).group(1).strip() == computed(text)[name]


def test_the_example_ties_and_both_ways_agree():
    text = GUIDE.read_text()
    assert len(rows(text)) == 6

    summary, orders = (books(text, mode) for mode in (Mode.SUMMARY, Mode.ORDERS))

    assert summary.balances() == orders.balances()
    assert summary.profit() == orders.profit()
    assert (orders.balance("CLEARING"), orders.balance("AR"), orders.balance("BANK")) == (0, 0, 3976)


if __name__ == "__main__":
    GUIDE.write_text(renewed(GUIDE.read_text()))
