"""A faithful stand-in for FreshBooks, written from public facts alone, with real double-entry books.

freshbooks = FreshBooksStandIn()                       # a WSGI application, state in memory
made = freshbooks.control("create_business", {"plan": "Plus", "chart": "bookkeeper"})
tokens = freshbooks.control("issue_tokens", {"person": made["person"]})
freshbooks.books(made["account_id"]).balance("Petty Cash")              # minor units, debit positive
"""

from ledgers.freshbooks.sandbox.api import FreshBooksStandIn

STAND_IN = FreshBooksStandIn

__all__ = ["STAND_IN", "FreshBooksStandIn"]
