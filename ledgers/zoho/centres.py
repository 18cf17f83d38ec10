"""Zoho's data centres: the only servers that a client secret or a token is ever sent to.

Source: Zoho Books API documentation, "Multi DC"; Zoho Accounts, "Multi-DC support". A callback names its centre; what it
names is taken only from this list.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Centre:
    """``location`` is Zoho's own short name; ``accounts`` gives tokens, ``api`` ends before ``/books``, ``web`` is where
    people work."""

    location: str
    name: str
    accounts: str
    api: str
    web: str


def _centre(location: str, name: str, accounts: str, api: str) -> Centre:
    return Centre(
        location,
        name,
        f"https://accounts.{accounts}",
        f"https://www.zohoapis.{api}",
        f"https://books.{accounts}/app",
    )


CENTRES: Final[Mapping[str, Centre]] = {
    each.location: each
    for each in (
        _centre("us", "United States (zoho.com)", "zoho.com", "com"),
        _centre("eu", "Europe (zoho.eu)", "zoho.eu", "eu"),
        _centre("in", "India (zoho.in)", "zoho.in", "in"),
        _centre("au", "Australia (zoho.com.au)", "zoho.com.au", "com.au"),
        _centre("jp", "Japan (zoho.jp)", "zoho.jp", "jp"),
        _centre("ca", "Canada (zohocloud.ca)", "zohocloud.ca", "ca"),
        _centre("sa", "Saudi Arabia (zoho.sa)", "zoho.sa", "sa"),
        _centre("cn", "China (zoho.com.cn)", "zoho.com.cn", "com.cn"),
    )
}


class UnknownCentre(ValueError):
    """A name or server that is not on the list."""


def of_accounts(address: str) -> Centre | None:
    """Return the centre whose accounts server this is; None for any other address."""
    return _by("accounts", address)


def of_api(address: str) -> Centre | None:
    """Return the centre whose API this is; None for any other address."""
    return _by("api", address)


def named(location: str) -> Centre:
    """Return a centre by its short name. Raises UnknownCentre."""
    try:
        return CENTRES[location.strip().lower()]
    except KeyError:
        raise UnknownCentre(f"{location!r} is no data centre of Zoho that we know") from None


def _by(attribute: str, address: str) -> Centre | None:
    try:
        parts = urlsplit(address)
    except ValueError:  # a bracket that nothing closes
        return None
    plain = parts.scheme == "https" and not parts.query and parts.path in ("", "/")
    host = parts.netloc.lower() if plain else ""
    return next((each for each in CENTRES.values() if urlsplit(getattr(each, attribute)).netloc == host), None)
