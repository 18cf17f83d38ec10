"""A faithful stand-in for Zoho Books, written from public facts alone, with real double-entry books.

zoho = ZohoStandIn()                                   # a WSGI application, state in memory
made = zoho.control("create_organization", {"chart": "us"})
tokens = zoho.control("issue_tokens", {"user": made["user"]})
zoho.books(made["organization_id"]).balance("Amazon Clearing US (USD)")   # base currency minor units, debit positive

One process stands for all data centres: ``/eu/oauth/v2/token`` and ``/eu/books/v3/journals`` are those of the EU. A
path without such a prefix belongs to the data centre of the Host header (``www.zohoapis.eu``), else to ``us``.
"""

from ledgers.zoho.sandbox.api import ZohoStandIn

STAND_IN = ZohoStandIn

__all__ = ["STAND_IN", "ZohoStandIn"]
