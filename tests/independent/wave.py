"""A Wave business as its accounts and invoices state it: Wave shows nobody its money transactions."""

import json
from decimal import Decimal

from tests.independent.reading import MARK, Books, fetch_json

PAGE = 50
ACCOUNTS = """query($business: ID!, $page: Int!) { business(id: $business) { accounts(page: $page, pageSize: 50) {
  pageInfo { totalPages } edges { node { id name balanceInBusinessCurrency normalBalanceType } } } } }"""
INVOICES = """query($business: ID!, $page: Int!) { business(id: $business) { invoices(page: $page, pageSize: 50) {
  pageInfo { totalPages } edges { node { id invoiceNumber status memo amountDue { value } } } } } }"""


class Business:
    def __init__(self, base, company, token):
        self.url, self.company = f"{base}/graphql/public", company
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def all(self, query, name):
        page, found = 1, []
        while True:
            asked = {"query": query, "variables": {"business": self.company, "page": page}}
            answer = fetch_json(self.url, headers=self.headers, data=json.dumps(asked).encode())
            if "errors" in answer:
                raise ValueError(answer["errors"])
            connection = answer["data"]["business"][name]
            found += [edge["node"] for edge in connection["edges"]]
            if page >= connection["pageInfo"]["totalPages"]:
                return found
            page += 1


def read(base, company, token):
    remote = Business(base, company, token)
    accounts = remote.all(ACCOUNTS, "accounts")
    books = Books({account["id"]: account["name"] for account in accounts})
    for account in accounts:
        stated = Decimal(account["balanceInBusinessCurrency"] or 0)
        books.balances[account["id"]] = stated if account["normalBalanceType"] == "DEBIT" else -stated
    if sum(books.balances.values()):
        books.unbalanced.append("the sum of all accounts")
    for invoice in remote.all(INVOICES, "invoices"):
        if invoice["status"] != "DRAFT":
            books.documents["invoice"] += 1
            books.numbers.append(invoice["invoiceNumber"])
            books.marks += [("invoice", mark) for mark in set(MARK.findall(invoice["memo"] or ""))]
            books.open_invoices += Decimal(invoice["amountDue"]["value"])
    return books
