"""Times and lists as they travel in query parameters and answers."""

from collections.abc import Iterable
from datetime import UTC, datetime

from werkzeug.wrappers import Request

from amazon.sandbox.errors import invalid


def written(value: datetime) -> str:
    """An instant as every answer writes it: UTC, milliseconds. Such texts sort like the instants they stand for."""
    return f"{value.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def instant(request: Request, name: str) -> datetime | None:
    """A parameter in ISO 8601, UTC when it names no zone; None when absent."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise invalid(f"{name} is not a date-time") from None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def words(request: Request, name: str, allowed: Iterable[str] = (), most: int = 0) -> list[str]:
    """A comma-separated parameter; [] when absent. ``allowed`` empty means any word, ``most`` 0 any number of them."""
    text = request.args.get(name)
    if text is None:
        return []
    found = text.split(",")
    known = set(allowed)
    if "" in found or (most and len(found) > most) or (known and not known.issuperset(found)):
        raise invalid(f"Invalid value for {name}")
    return found


def number(request: Request, name: str, default: int, highest: int) -> int:
    """A whole number from 1 to ``highest``."""
    text = request.args.get(name, str(default))
    if not text.isdecimal() or not 1 <= int(text) <= highest:
        raise invalid(f"{name} must be from 1 to {highest}")
    return int(text)
