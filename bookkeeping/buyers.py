"""How a buyer is named where the name itself may not stand, and how the customer made of one is called in a ledger."""

import re
from typing import Final

from bookkeeping.documents import Customer

KEY: Final = "company/buyer/"  # begins the keys of deliveries that make a buyer's customer
REMOVED: Final = "Removed buyer"  # what a customer is called whose buyer was forgotten
_NAME: Final = 60  # of a buyer's name, so that the suffix fits into every ledger's field
_SHORT: Final = 8  # of the hash: names are unique in QuickBooks and Zoho Books, and buyers share names
_SUFFIX: Final = re.compile(r"\(Amazon [a-z2-7]{8}\)$")


def buyer_symbol(marketplace: str, currency: str, hash_: str) -> str:
    """Return the symbol of a buyer on an order's documents; the marketplace says which class and location go with it."""
    return f"buyer:{marketplace or 'Amazon'}:{currency}:{hash_}"


def is_customer(symbol: str) -> bool:
    return symbol.startswith(("customer:", "buyer:"))


def hash_in(symbol: str) -> str:
    """Return the buyer's hash of a customer symbol, "" for a marketplace's customer."""
    return symbol.rpartition(":")[2] if symbol.startswith("buyer:") else ""


def customer_key(hash_: str, currency: str) -> str:
    """Return the key of the delivery that makes a buyer's customer: one per buyer, currency and company."""
    return f"{KEY}{hash_}/{currency}/1"


def hash_in_key(key: str) -> str:
    """Return the buyer's hash of a delivery's key, "" for any other delivery."""
    return key.split("/")[2] if key.startswith(KEY) else ""


def new_customer(hash_: str, currency: str) -> Customer:
    """Return the customer to be made of a buyer, without the name: that is filled in when it is sent."""
    return Customer(buyer_symbol("", currency, hash_), "", currency)


def ledger_name(name: str, hash_: str) -> str:
    """Return what a buyer's customer is called in a ledger, the same each time and unlike any other."""
    return f"{name[:_NAME].strip()} (Amazon {hash_[:_SHORT]})"


def is_buyers_name(name: str) -> bool:
    """Whether a customer of a ledger is one that was made of a buyer."""
    return bool(_SUFFIX.search(name))
