"""The wire form of FreshBooks: amounts as text, canonical bytes, texts that carry our mark, Eastern timestamps.

Source: freshbooks.com/api (parameters, errors) and answers of the live service recorded in June 2026.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any, Final
from zoneinfo import ZoneInfo

from bookkeeping.money import BadAmount, exponent, from_decimal, to_text
from ledgers.exact_json import encode as encode
from ledgers.notes import clipped as clipped
from ledgers.notes import marked, markers_in

API_VERSION: Final = "2023-02-20"  # X-API-VERSION; what the service answers with when nothing is asked
PAGE: Final = 100  # per_page is silently capped at 100, and 15 where nothing is asked
TEXT: Final = 500  # of notes and descriptions; the service's own limits are not published
NAME: Final = 100

DELETED: Final = 1  # vis_state: 0 active, 1 deleted, 2 archived
_EASTERN: Final = ZoneInfo("America/New_York")

Body = dict[str, Any]
Row = Mapping[str, Any]


def money(amount: int, currency: str) -> Body:
    """Return minor units as FreshBooks writes them."""
    return {"amount": to_text(amount, currency), "code": currency}


def minor(value: object, currency: str) -> int:
    """Return an answered amount in minor units: a Money, text or a number, rounded to the minor unit.

    FreshBooks answers up to 26 decimals. ``currency`` counts where the value names none. Raises BadAmount.
    """
    amount = value
    if isinstance(value, Mapping):
        amount, currency = value.get("amount"), str(value.get("code") or currency)
    if isinstance(amount, bool) or not isinstance(amount, (str, int, Decimal)):
        raise BadAmount(f"{amount!r} is no amount")
    try:
        exact = Decimal(amount)
        rounded = exact.quantize(Decimal(1).scaleb(-exponent(currency)), ROUND_HALF_EVEN)
    except InvalidOperation as error:
        raise BadAmount(f"{amount!r} is no amount") from error
    return from_decimal(rounded, currency)


def code_of(value: object) -> str:
    """Return the currency that a Money names, "" for anything else."""
    return str(value.get("code") or "") if isinstance(value, Mapping) else ""


def note(marker: str, *texts: str) -> str:
    return marked([marker], texts, TEXT)


def marker_of(note: object) -> str:
    """Return the last marker in a note, "" where there is none."""
    return ["", *markers_in(note)][-1]


def name(text: str) -> str:
    """Return a name in one line, no blanks around it."""
    return clipped(" ".join(text.split()), NAME)


def instant(text: object) -> datetime | None:
    """Return an accounting timestamp as an instant: US Eastern without a zone; None where there is none.

    In the hour that comes twice in autumn it is taken for the later one, so that a change is not missed.
    """
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return (at if at.tzinfo else at.replace(tzinfo=_EASTERN, fold=1)).astimezone(UTC)


def eastern_day(at: datetime) -> date:
    """Return the date that an instant has in accounting timestamps."""
    return at.astimezone(_EASTERN).date()
