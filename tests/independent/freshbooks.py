"""A FreshBooks account as its journal entry details have it: the lines that every document produced."""

import urllib.parse
from collections import defaultdict
from decimal import Decimal

from tests.independent.reading import MARK, Books, fetch_json

PAGE = 100  # more is silently capped


class Account:
    def __init__(self, base, company, token):
        self.base, self.company = base, company
        self.headers = {"Authorization": f"Bearer {token}"}

    def get(self, path, **query):
        return fetch_json(f"{self.base}{path}?{urllib.parse.urlencode(query)}", headers=self.headers)

    def all(self, path, key, **query):
        page, found = 1, []
        while True:
            answer = self.get(f"/accounting/account/{self.company}/{path}", page=page, per_page=PAGE, **query)
            result = answer["response"]["result"]
            found += result[key]
            if page >= result["pages"]:
                return found
            page += 1

    def business(self):
        """Return the uuid of the business that this account belongs to."""
        me = self.get("/auth/api/v1/users/me")["response"]
        found = [
            each["business"] for each in me["business_memberships"] if each["business"]["account_id"] == self.company
        ]
        return found[0]["business_uuid"]


def read(base, company, token):
    remote = Account(base, company, token)
    details = remote.all("journal_entries/journal_entry_details", "journal_entry_details")
    names, entries = {}, defaultdict(list)
    for detail in details:
        sub = detail["sub_account"]
        names[str(sub["sub_accountid"])] = f"{detail['account']['account_name']}:{sub['account_sub_name']}"
        entries[detail["entry"]["entryid"]].append(detail)
    books = Books(names)
    for id_, lines in entries.items():
        texts = {f"{line['name']} {line['description']}" for line in lines}
        manual = lines[0]["detail_type"] == "manual_journal_entry"
        books.add(
            "journal" if manual else lines[0]["detail_type"], id_, _amounts(lines), " ".join(texts) if manual else ""
        )
    for path, key, text in (
        ("invoices/invoices", "invoices", "notes"),
        ("payments/payments", "payments", "note"),
        ("expenses/expenses", "expenses", "notes"),
    ):
        for document in remote.all(path, key):
            kind = key.removesuffix("s")
            books.marks += [(kind, mark) for mark in set(MARK.findall(document.get(text) or ""))]
            if kind == "invoice" and document["v3_status"] != "draft":
                books.numbers.append(document["invoice_number"])
                books.open_invoices += Decimal(document["outstanding"]["amount"])
    _take_chart(remote, books)
    return books


def _take_chart(remote, books):
    """Learn the other ids of the accounts, and compare what the report states of assets."""
    uuid = remote.business()
    for account in _flat(remote.get(f"/accounting/businesses/{uuid}/ledger_accounts/accounts")["data"]):
        if account["jesa_id"] is not None:
            sub = str(account["jesa_id"])
            books.aliases |= {account["uuid"]: sub, sub: sub}
            books.names.setdefault(sub, account["name"])
    report = remote.get(
        f"/accounting/businesses/{uuid}/reports/chart_of_accounts", start_date="2000-01-01", end_date="2099-12-31"
    )
    for account in _flat(report["response"]["result"]["journal_entry_accounts"]):
        sub = books.aliases.get(account["account_uuid"])
        stated = Decimal(account["balance"])
        if account["account_type"] == "asset" and sub and not account["sub_accounts"] and stated != books.balances[sub]:
            books.stated_otherwise.append(books.names[sub])


def _flat(accounts):
    for account in accounts:
        yield account
        yield from _flat(account["sub_accounts"])


def _amounts(lines):
    for line in lines:
        debit, credit = (Decimal(line[side]["amount"]) if line[side] else Decimal(0) for side in ("debit", "credit"))
        yield str(line["sub_account"]["sub_accountid"]), debit - credit
