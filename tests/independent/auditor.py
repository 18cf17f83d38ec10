"""An auditor who knows the product from outside only.

Reads Amazon's raw settlement files with csv and Decimal, and the ledger's books through the provider's public API. It imports nothing of
the product, so that both cannot share a mistake. Run as a script it takes a question as JSON on stdin and prints its findings as JSON:

    {"amazon": {"base", "client_id", "client_secret", "refresh_token"},
     "ledgers": [{"name", "base", "realm", "token", "accounts": {"CLEARING": "account name", ...}}]}

Money in the findings is decimal text. Balances are debit positive.
"""

import csv
import gzip
import io
import json
import re
import sys
import urllib.parse
import urllib.request
from collections import Counter
from decimal import Decimal

AGENT = "Auditor/1.0 (Language=Python)"
TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
MARK = re.compile(r"ref:(\S+)")
KINDS = ("JournalEntry", "Deposit", "Transfer", "Payment", "Invoice")
STATED = ("Asset", "Liability", "Equity")  # QuickBooks states no lasting balance of income and expense accounts
PAGE = 1000


def fetch(url, *, headers=(), data=None):
    request = urllib.request.Request(url, data=data, headers={"User-Agent": AGENT, **dict(headers)})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def fetch_json(url, **how):
    return json.loads(fetch(url, **how), parse_float=Decimal, parse_int=Decimal)


class Amazon:
    def __init__(self, base, client_id, client_secret, refresh_token):
        form = {
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
            "client_id": client_id,
            "client_secret": client_secret,
        }
        token = fetch_json(f"{base}/auth/o2/token", data=urllib.parse.urlencode(form).encode())["access_token"]
        self.base, self.headers = base, {"x-amz-access-token": token}

    def settlements(self):
        """Yield each settlement's rows as dictionaries, once per settlement id."""
        query = urllib.parse.urlencode({"reportTypes": TYPE, "processingStatuses": "DONE", "pageSize": 100})
        seen = set()
        while query:
            page = fetch_json(f"{self.base}/reports/2021-06-30/reports?{query}", headers=self.headers)
            for report in page["reports"]:
                rows = self._rows(report["reportDocumentId"])
                if rows[0]["settlement-id"] not in seen:
                    seen.add(rows[0]["settlement-id"])
                    yield rows
            token = page.get("nextToken")
            query = urllib.parse.urlencode({"nextToken": token}) if token else ""

    def _rows(self, document_id):
        path = f"{self.base}/reports/2021-06-30/documents/{urllib.parse.quote(document_id)}"
        document = fetch_json(path, headers=self.headers)
        raw = fetch(document["url"])
        if document.get("compressionAlgorithm") == "GZIP":
            raw = gzip.decompress(raw)
        text = raw.decode("utf-8")
        return list(csv.DictReader(io.StringIO(text), delimiter="\t", quoting=csv.QUOTE_NONE))


def settlement_findings(rows):
    head, details = rows[0], rows[1:]
    total = Decimal(head["total-amount"].strip())
    added = sum((Decimal(row["amount"].strip()) for row in details if (row["amount"] or "").strip()), Decimal(0))
    return {
        "settlement_id": head["settlement-id"],
        "starts": head["settlement-start-date"],
        "ends": head["settlement-end-date"],
        "rows": len(details),
        "header": str(total),
        "added": str(added),
    }


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
        self.by_name = {account["Name"]: account for account in accounts}
        self.by_name |= {account["FullyQualifiedName"]: account for account in accounts}
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


def company_findings(books, accounts):
    """Return what is in one company's books, added up from its documents.

    ``balances`` are by the asked keys. ``unbalanced`` names documents that do not add up to zero, ``stated_otherwise``
    accounts of the balance sheet whose balance the ledger states differently, ``twice`` what is there more than once.
    """
    every = "where Active in (true, false)"
    chart = Chart(books.all("Account", every), books.all("Item", every))
    documents = {kind: books.all(kind) for kind in KINDS}
    added, unbalanced = Counter(), []
    for kind, found in documents.items():
        for document in found:
            booked = list(effects(kind, document, chart))
            if sum(amount for _, amount in booked):
                unbalanced.append(f"{kind} {document['Id']}")
            for account, amount in booked:
                added[account] += amount
    stated_otherwise = [
        account["FullyQualifiedName"]
        for id_, account in chart.by_id.items()
        if account["Classification"] in STATED and account["CurrentBalance"] != added[id_]
    ]
    return {
        "balances": {key: str(added[chart.by_name[name]["Id"]]) for key, name in accounts.items()},
        "unbalanced": sorted(unbalanced),
        "stated_otherwise": sorted(stated_otherwise),
        "twice": twice(documents),
        "documents": {kind: len(found) for kind, found in documents.items()},
        "open_invoices": str(sum((invoice["Balance"] for invoice in documents["Invoice"]), Decimal(0))),
    }


def twice(documents):
    """Return what is in the books more than once: a mark of ours on two documents, or an invoice number."""
    marks = Counter(
        (kind, mark)
        for kind, found in documents.items()
        for document in found
        for mark in set(MARK.findall(document.get("PrivateNote", "")))
    )
    numbers = Counter(document.get("DocNumber", "") for document in documents["Invoice"])
    return sorted(
        [f"{kind} {mark}" for (kind, mark), count in marks.items() if count > 1]
        + [f"Invoice number {number}" for number, count in numbers.items() if number and count > 1]
    )


def audit(question):
    found = [settlement_findings(rows) for rows in Amazon(**question["amazon"]).settlements()]
    return {
        "settlements": sorted(found, key=lambda one: one["settlement_id"]),
        "ledgers": {
            each["name"]: company_findings(QuickBooks(each["base"], each["realm"], each["token"]), each["accounts"])
            for each in question["ledgers"]
        },
    }


if __name__ == "__main__":
    json.dump(audit(json.load(sys.stdin)), sys.stdout)
