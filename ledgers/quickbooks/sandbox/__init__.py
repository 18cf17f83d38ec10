"""A faithful stand-in for QuickBooks Online, written from public facts alone, with real double-entry books.

quickbooks = QuickBooksStandIn()                       # a WSGI application, state in memory
made = quickbooks.control("create_company", {"chart": "bookkeeper"})
tokens = quickbooks.control("issue_tokens", {"realm": made["realm"]})
quickbooks.books(made["realm"]).balance("AMZ US Settlement Clearing")   # minor units, debit positive
"""

from ledgers.quickbooks.sandbox.api import QuickBooksStandIn

STAND_IN = QuickBooksStandIn

__all__ = ["STAND_IN", "QuickBooksStandIn"]
