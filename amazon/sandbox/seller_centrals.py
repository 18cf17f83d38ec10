"""The Seller Centrals: one host per marketplace, five European ones share theirs.

Source: Selling Partner API documentation, "seller central urls"; that of Ireland is a guess.
"""

import re

_EUROPE = "sellercentral-europe.amazon.com"
HOSTS = {
    "CA": "sellercentral.amazon.ca",
    "US": "sellercentral.amazon.com",
    "MX": "sellercentral.amazon.com.mx",
    "BR": "sellercentral.amazon.com.br",
    "IE": "sellercentral.amazon.ie",
    "ES": _EUROPE,
    "GB": _EUROPE,
    "FR": _EUROPE,
    "BE": "sellercentral.amazon.com.be",
    "NL": "sellercentral.amazon.nl",
    "DE": _EUROPE,
    "IT": _EUROPE,
    "SE": "sellercentral.amazon.se",
    "ZA": "sellercentral.amazon.co.za",
    "PL": "sellercentral.amazon.pl",
    "EG": "sellercentral.amazon.eg",
    "TR": "sellercentral.amazon.com.tr",
    "SA": "sellercentral.amazon.sa",
    "AE": "sellercentral.amazon.ae",
    "IN": "sellercentral.amazon.in",
    "SG": "sellercentral.amazon.sg",
    "AU": "sellercentral.amazon.com.au",
    "JP": "sellercentral.amazon.co.jp",
}
"""country → host"""

_LOOKS_LIKE_ONE = re.compile(r"(seller|vendor)central[-.a-z]*\.amazon\.[.a-z]+")


def looks_like_one(name: str) -> bool:
    return _LOOKS_LIKE_ONE.fullmatch(name) is not None


def countries_of(host: str) -> set[str]:
    """The marketplaces whose sellers sign in at this host; none for a host that nobody knows."""
    return {country for country, known in HOSTS.items() if known == host}
