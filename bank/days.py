"""Days as banks write them."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Final

# (form, how it is shown to a person who has to choose). The first that fits all days of a file is proposed.
FORMS: Final = {
    "%Y-%m-%d": "2026-01-31",
    "%Y/%m/%d": "2026/01/31",
    "%Y%m%d": "20260131",
    "%d.%m.%Y": "31.01.2026",
    "%d.%m.%y": "31.01.26",
    "%d/%m/%Y": "31/01/2026 (day first)",
    "%m/%d/%Y": "01/31/2026 (month first)",
    "%d/%m/%y": "31/01/26 (day first)",
    "%m/%d/%y": "01/31/26 (month first)",
    "%d-%m-%Y": "31-01-2026 (day first)",
    "%m-%d-%Y": "01-31-2026 (month first)",
    "%d %b %Y": "31 Jan 2026",
    "%d %B %Y": "31 January 2026",
    "%d-%b-%Y": "31-Jan-2026",
    "%d-%b-%y": "31-Jan-26",
    "%b %d, %Y": "Jan 31, 2026",
}


def day_of(text: str, form: str) -> date | None:
    """Return the day, without a time of day behind it; None where the text is not of the form."""
    plain = text.strip()
    for candidate in (plain, plain.partition("T")[0].partition(" ")[0]):
        try:
            return datetime.strptime(candidate, form).date()  # noqa: DTZ007  # a day has no zone
        except ValueError:
            continue
    return None


def forms_of(days: Iterable[str]) -> list[str]:
    """Return the forms in which every one of the days can be read."""
    found = [day for day in days if day.strip()]
    return [form for form in FORMS if found and all(day_of(day, form) for day in found)]
