"""An auditor who knows the product from outside only.

Reads Amazon's raw settlement files with csv and Decimal, and the ledgers' books through the providers' public APIs. It imports nothing
of the product, so that both cannot share a mistake. Run as a script (``python -m tests.independent.auditor``) it takes a question as
JSON on stdin and prints its findings as JSON:

    {"amazon": {"base", "client_id", "client_secret", "refresh_token"},
     "ledgers": [{"name", "ledger": "quickbooks", "base", "company", "token", "accounts": {"CLEARING": "account id", ...}}]}

``company`` is what the ledger calls it: a realm, an account id, an organization, a business. Money in the findings is decimal text.
Balances are debit positive.
"""

import csv
import gzip
import io
import json
import sys
import urllib.parse
from decimal import Decimal

from tests.independent import freshbooks, quickbooks, wave, zoho
from tests.independent.reading import fetch, fetch_json

TYPE = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
READERS = {"quickbooks": quickbooks.read, "freshbooks": freshbooks.read, "wave": wave.read, "zoho": zoho.read}


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


def company_findings(books, accounts):
    """Return what is in one company's books.

    ``balances`` are by the asked keys, ``others`` the rest that is not zero, by name. ``unbalanced`` names documents that do
    not add up to zero, ``stated_otherwise`` accounts whose balance the ledger states differently, ``twice`` what is there more
    than once.
    """
    asked = {key: books.aliases.get(name, name) for key, name in accounts.items()}
    others = {
        books.names[id_]: str(amount) for id_, amount in books.balances.items() if id_ not in asked.values() and amount
    }
    return {
        "balances": {key: str(books.balances[id_]) for key, id_ in asked.items()},
        "others": dict(sorted(others.items())),
        "unbalanced": sorted(books.unbalanced),
        "stated_otherwise": sorted(books.stated_otherwise),
        "twice": books.twice(),
        "documents": dict(books.documents),
        "open_invoices": str(books.open_invoices),
    }


def audit(question):
    found = [settlement_findings(rows) for rows in Amazon(**question["amazon"]).settlements()]
    return {
        "settlements": sorted(found, key=lambda one: one["settlement_id"]),
        "ledgers": {
            each["name"]: company_findings(
                READERS[each["ledger"]](each["base"], each["company"], each["token"]), each["accounts"]
            )
            for each in question["ledgers"]
        },
    }


if __name__ == "__main__":
    json.dump(audit(json.load(sys.stdin)), sys.stdout)
