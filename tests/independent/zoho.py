"""A Zoho Books organization as the ledger lines of its documents have it."""

import urllib.parse
from decimal import Decimal

from tests.independent.reading import Books, fetch_json

# list, the id in it, and what its ledger lines are asked as
KINDS = (
    ("journals", "journal_id", "journal"),
    ("invoices", "invoice_id", "invoice"),
    ("customerpayments", "payment_id", "customer_payment"),
    ("banktransactions", "transaction_id", "transfer_fund"),
)
OTHERS = ("creditnotes", "expenses")  # a settlement makes none of these
# What a list can be sorted by, so that its pages do not shift: each has names of its own.
SORTS = {"chartofaccounts": "account_name", "journals": "journal_date", "banktransactions": "date"}


class Organization:
    def __init__(self, base, company, token):
        self.base, self.company = f"{base}/books/v3", company
        self.headers = {"Authorization": f"Zoho-oauthtoken {token}"}

    def get(self, path, **query):
        query = urllib.parse.urlencode({"organization_id": self.company, **query})
        return fetch_json(f"{self.base}/{path}?{query}", headers=self.headers)

    def all(self, path, **query):
        """Return every row of a list: its key is its path."""
        page, found, sort = 1, [], SORTS.get(path, "created_time")
        while True:
            answer = self.get(path, page=page, sort_column=sort, **query)
            found += answer[path]
            if not answer["page_context"]["has_more_page"]:
                return found
            page += 1


def read(base, company, token):
    remote = Organization(base, company, token)
    accounts = remote.all("chartofaccounts", showbalance="true")
    books = Books({account["account_id"]: account["account_name"] for account in accounts})
    for path, id_, entity in KINDS:
        for document in remote.all(path):
            if document.get("status") == "draft":
                continue
            ledger = remote.get(f"transactions/{document[id_]}/journals", entity_type=entity)["journal"]
            text = " ".join(str(ledger.get(name, "")) for name in ("notes", "reference_number"))
            text = " ".join([text, str(document.get("description", ""))])
            books.add(entity, document[id_], _lines(ledger), text)
            if entity == "invoice":
                books.numbers.append(document["invoice_number"])
                books.open_invoices += Decimal(document["balance"])
    for path in OTHERS:
        books.documents[path] += len(remote.all(path))
    stated = {account["account_id"]: Decimal(account["current_balance"] or 0) for account in accounts}
    books.stated_otherwise = [books.names[id_] for id_ in stated if stated[id_] != books.balances[id_]]
    return books


def _lines(ledger):
    """Yield (account id, amount in base currency) of what one document books, debit positive."""
    for line in ledger["line_items"]:
        sign = 1 if line["debit_or_credit"] == "debit" else -1
        yield line["account_id"], sign * Decimal(line["bcy_amount"])
