"""A ledger's own words behind a sentence of ours, where they can be told apart: they may name a person."""

from typing import Final

MOST: Final = 300  # characters of what a ledger says
_SAYS: Final = " says: "


def quoted(text: str, ledger: str, said: str) -> str:
    """Return a sentence with what the ledger said behind it."""
    said = said.strip()[:MOST]
    return f"{text} {ledger}{_SAYS}{said}" if said else text


def unquoted(text: str) -> str:
    """Return a sentence without what a ledger said behind it."""
    ours, says, _ = text.partition(_SAYS)
    return ours[: ours.rfind(". ") + 1] if says else text
