"""Path converters of the flows' addresses."""

from datetime import date


class MonthConverter:
    """A calendar month as ``yyyy-mm``; views get, and addresses take, its first day."""

    regex = "20[0-9]{2}-(?:0[1-9]|1[0-2])"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(f"{value}-01")

    def to_url(self, value: date) -> str:
        return f"{value:%Y-%m}"
