"""A faithful stand-in for Wave Accounting, written from public facts alone, with real double-entry books.

wave = WaveStandIn()                                   # a WSGI application, state in memory
made = wave.control("create_business", {"chart": "default"})
tokens = wave.control("issue_tokens", {"business": made["business"]})
wave.books(made["business"]).balance("Sales")          # minor units, debit positive, by account name or id
"""

from ledgers.wave.sandbox.api import WaveStandIn

STAND_IN = WaveStandIn

__all__ = ["STAND_IN", "WaveStandIn"]
