"""What the auditor's readers share: plain requests, and what they find in a company's books."""

import json
import re
import urllib.request
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

AGENT = "Auditor/1.0 (Language=Python)"
MARK = re.compile(r"ref:(\S+)")


def fetch(url, *, headers=(), data=None):
    request = urllib.request.Request(url, data=data, headers={"User-Agent": AGENT, **dict(headers)})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def fetch_json(url, **how):
    return json.loads(fetch(url, **how), parse_float=Decimal, parse_int=Decimal)


@dataclass
class Books:
    """One company, added up from its documents. ``balances`` and ``names`` are by the ledger's account id; ``aliases`` leads from
    other ids of an account to that one. ``marks`` has (kind, mark of ours) of every document, ``numbers`` the invoices'."""

    names: dict
    balances: Counter = field(default_factory=Counter)
    aliases: dict = field(default_factory=dict)
    unbalanced: list = field(default_factory=list)
    stated_otherwise: list = field(default_factory=list)
    documents: Counter = field(default_factory=Counter)
    marks: list = field(default_factory=list)
    numbers: list = field(default_factory=list)
    open_invoices: Decimal = Decimal(0)

    def add(self, kind, label, lines, text=""):
        """Take one document: ``lines`` are (account id, amount), debit positive, ``text`` is where our mark stands."""
        lines = list(lines)
        self.documents[kind] += 1
        self.marks += [(kind, mark) for mark in set(MARK.findall(text or ""))]
        if sum(amount for _, amount in lines):
            self.unbalanced.append(f"{kind} {label}")
        for account, amount in lines:
            self.balances[account] += amount

    def twice(self):
        """Return what is in the books more than once: a mark of ours on two documents, or an invoice number."""
        marks = [f"{kind} {mark}" for (kind, mark), count in Counter(self.marks).items() if count > 1]
        numbers = [
            f"Invoice number {number}" for number, count in Counter(self.numbers).items() if number and count > 1
        ]
        return sorted(marks + numbers)
