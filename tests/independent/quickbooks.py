"""A QuickBooks company as its documents have it."""

import urllib.parse

from tests.independent.reading import Books, fetch_json

KINDS = ("JournalEntry", "Deposit", "Transfer", "Payment", "Invoice")
STATED = ("Asset", "Liability", "Equity")  # QuickBooks states no lasting balance of income and expense accounts
PAGE = 1000


class QuickBooks:
    def __init__(self, base, realm, token):
        self.url = f"{base}/v3/company/{realm}/query"
        self.headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}

    def all(self, entity, where=""):
        start, found = 1, []
        while True:
            text = f"select * from {entity} {where} startposition {start} maxresults {PAGE}"
            query = urllib.parse.urlencode({"query": text, "minorversion": 75})
            page = fetch_json(f"{self.url}?{query}", headers=self.headers)["QueryResponse"].get(entity, [])
            found += page
            if len(page) < PAGE:
                return found
            start += PAGE


class Chart:
    """A company's accounts and what its items are booked to."""

    def __init__(self, accounts, items):
        self.by_id = {account["Id"]: account for account in accounts}
        self._income = {item["Id"]: item["IncomeAccountRef"]["value"] for item in items if "IncomeAccountRef" in item}

    def receivable(self, document):
        """Return the id of the receivables account of a document: the one it names, else the one of its currency."""
        if "ARAccountRef" in document:
            return document["ARAccountRef"]["value"]
        currency = document["CurrencyRef"]["value"]
        found = [each for each in self.by_id.values() if each["AccountType"] == "Accounts Receivable"]
        [one] = [each for each in found if each["CurrencyRef"]["value"] == currency][:1]
        return one["Id"]

    def income(self, item):
        return self._income[item]


def effects(kind, document, chart):
    """Yield (account id, amount) for everything one document books, debit positive. They add up to zero."""
    if kind == "JournalEntry":
        for line in document["Line"]:
            detail = line["JournalEntryLineDetail"]
            sign = 1 if detail["PostingType"] == "Debit" else -1
            yield detail["AccountRef"]["value"], sign * line["Amount"]
    elif kind == "Deposit":
        yield document["DepositToAccountRef"]["value"], document["TotalAmt"]
        for line in document["Line"]:
            yield line["DepositLineDetail"]["AccountRef"]["value"], -line["Amount"]
    elif kind == "Transfer":
        yield document["ToAccountRef"]["value"], document["Amount"]
        yield document["FromAccountRef"]["value"], -document["Amount"]
    elif kind == "Payment":
        yield document["DepositToAccountRef"]["value"], document["TotalAmt"]
        yield chart.receivable(document), -document["TotalAmt"]
    elif kind == "Invoice":
        yield chart.receivable(document), document["TotalAmt"]
        for line in document["Line"]:
            if line["DetailType"] == "SalesItemLineDetail":
                yield chart.income(line["SalesItemLineDetail"]["ItemRef"]["value"]), -line["Amount"]
            elif line["DetailType"] != "SubTotalLineDetail":
                raise ValueError(f"cannot read a line of type {line['DetailType']} of invoice {document['Id']}")


def read(base, company, token):
    return company_books(QuickBooks(base, company, token))


def company_books(remote):
    every = "where Active in (true, false)"
    chart = Chart(remote.all("Account", every), remote.all("Item", every))
    books = Books({id_: account["FullyQualifiedName"] for id_, account in chart.by_id.items()})
    for kind in KINDS:
        for document in remote.all(kind):
            note = document.get("PrivateNote", "")
            books.add(kind, document["Id"], effects(kind, document, chart), note)
            if kind == "Invoice":
                books.numbers.append(document.get("DocNumber", ""))
                books.open_invoices += document["Balance"]
    books.stated_otherwise = [
        account["FullyQualifiedName"]
        for id_, account in chart.by_id.items()
        if account["Classification"] in STATED and account["CurrentBalance"] != books.balances[id_]
    ]
    return books
