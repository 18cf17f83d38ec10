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


def effects(kind, document):
    """Yield (account id, amount) of one document, debit positive, without the implicit receivables and item accounts."""
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


def company_findings(books, accounts):
    """Return balances by the asked keys, twice: as the ledger states them, and added up from its documents."""
    chart = books.all("Account", "where Active in (true, false)")
    by_name = {account["Name"]: account for account in chart} | {
        account["FullyQualifiedName"]: account for account in chart
    }
    documents = {kind: books.all(kind) for kind in KINDS}
    added = Counter()
    for kind, found in documents.items():
        for document in found:
            for account, amount in effects(kind, document):
                added[account] += amount
    marks = Counter(
        (kind, mark)
        for kind, found in documents.items()
        for document in found
        for mark in set(MARK.findall(document.get("PrivateNote", "")))
    )
    numbers = Counter(document.get("DocNumber", "") for document in documents["Invoice"])
    return {
        "balances": {key: str(by_name[name]["CurrentBalance"]) for key, name in accounts.items() if name in by_name},
        "added": {key: str(added[by_name[name]["Id"]]) for key, name in accounts.items() if name in by_name},
        "documents": {kind: len(found) for kind, found in documents.items()},
        "twice": sorted(
            [f"{kind} {mark}" for (kind, mark), count in marks.items() if count > 1]
            + [f"Invoice number {number}" for number, count in numbers.items() if number and count > 1]
        ),
        "open_invoices": str(sum((invoice["Balance"] for invoice in documents["Invoice"]), Decimal(0))),
    }


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
