"""Template tags of the pages: money, states, times, icons and the navigation."""

from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django import template
from django.contrib.humanize.templatetags.humanize import naturaltime
from django.templatetags.static import static
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from bookkeeping.money import to_text

register = template.Library()

MINUS: Final = "\N{MINUS SIGN}"
DASH: Final = "\N{EN DASH}"

# State of a row of any table -> (tone, icon, words where the caller gives none). A word means the same everywhere.
STATES: Final = {
    "posted": ("green", "check-circle", "Posted"),
    "proved": ("green", "check-circle", "Ties"),
    "tied": ("green", "check-circle", "Ties"),
    "done": ("green", "check-circle", "Done"),
    "passed": ("green", "check-circle", "Passed"),
    "active": ("green", "check-circle", "Connected"),
    "live": ("green", "play", "Live"),
    "loaded": ("green", "check-circle", "Loaded"),
    "ready": ("blue", "ready", "Ready"),
    "sending": ("blue", "send", "Being sent"),
    "posting": ("blue", "send", "Posting"),
    "planning": ("blue", "refresh", "Planning"),
    "running": ("blue", "refresh", "Running"),
    "loading": ("blue", "refresh", "Loading"),
    "undoing": ("blue", "undo", "Being undone"),
    "held": ("amber", "pause", "Held"),
    "uncertain": ("amber", "question", "Answer unknown"),
    "setup": ("amber", "planned", "Being set up"),
    "waiting": ("amber", "clock", "Waiting"),
    "pending": ("amber", "clock", "Waiting"),
    "warning": ("amber", "warning", "Look at this"),
    "open": ("amber", "warning", "Open"),
    "failed": ("red", "cross-circle", "Failed"),
    "parked": ("red", "stop", "Needs a person"),
    "off": ("red", "cross-circle", "Does not tie"),
    "refused": ("red", "cross-circle", "Refused"),
    "needs_reconnect": ("red", "warning", "Connect again"),
    "expired": ("neutral", "clock", "Expired"),
    "planned": ("neutral", "planned", "Planned"),
    "blocked": ("neutral", "link", "Waits for another document"),
    "paused": ("neutral", "pause", "Paused"),
    "skipped": ("neutral", "skip", "Skipped"),
    "undone": ("neutral", "undo", "Taken back"),
    "dropped": ("neutral", "skip", "Replaced"),
    "revoked": ("neutral", "skip", "Disconnected"),
    "settled": ("neutral", "check-circle", "Settled"),
    "absent": ("neutral", "planned", "Not connected"),
}


@register.simple_tag
def icon(name: str, label: str = "") -> SafeString:
    """Return an icon of ``static/img/icons.svg``; decorative, unless a label says what it stands for."""
    source = f"{static('img/icons.svg')}#{name}"
    if label:
        return format_html('<svg class="icon" role="img" aria-label="{}"><use href="{}"></use></svg>', label, source)
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}"></use></svg>', source)


@register.simple_tag
def money(minor: int | None, currency: str, show: str = "code") -> SafeString:
    """Return an amount in minor units for reading: thousands separated, a real minus, figures of one width.

    ``show`` is ``code`` (1,234.50 USD), ``bare`` (the column names the currency) or ``signed`` (bare, with a plus).
    None gives a dash.
    """
    if minor is None:
        return format_html('<span class="money zero">{}</span>', DASH)
    plain = to_text(minor, currency)
    whole, _, decimals = plain.removeprefix("-").partition(".")
    sign = MINUS if minor < 0 else "+" if minor > 0 and show == "signed" else ""
    text = f"{sign}{int(whole):,}" + (f".{decimals}" if decimals else "")
    tone = " negative" if minor < 0 else " zero" if minor == 0 else ""
    unit = format_html(' <span class="currency">{}</span>', currency) if show == "code" else ""
    return format_html('<data class="money{}" value="{}">{}{}</data>', tone, plain, text, unit)


@register.simple_tag
def tone(state: str) -> str:
    """Return the tone of a state: green, amber, red, blue or neutral."""
    return STATES.get(str(state), ("neutral", "", ""))[0]


@register.simple_tag
def state_icon(state: str) -> str:
    """Return the icon's name of a state."""
    return STATES.get(str(state), ("", "planned", ""))[1]


@register.simple_tag
def state_badge(state: str, label: str = "") -> SafeString:
    """Return a badge of icon and words; the words are the label, or the usual ones of the state."""
    colour, shape, words = STATES.get(str(state), ("neutral", "planned", str(state).replace("_", " ").capitalize()))
    return format_html('<span class="badge tone-{}">{}{}</span>', colour, icon(shape), label or words)


@register.simple_tag(takes_context=True)
def when(context: template.Context, at: datetime | date | None, show: str = "both") -> SafeString:
    """Return a ``<time>``: ``both`` (20 Nov 2026, 08:03 · 5 minutes ago), ``relative``, ``absolute`` or ``date``.

    Times are in the zone the context names as ``zone``, else in UTC; the tooltip says which.
    """
    if at is None:
        return format_html('<span class="muted">{}</span>', DASH)
    if not isinstance(at, datetime):
        return format_html('<time datetime="{}">{}</time>', at.isoformat(), date_format(at, "j M Y"))
    local = at.astimezone(ZoneInfo(str(context.get("zone") or "UTC")))
    absolute = date_format(local, "j M Y, H:i")
    if show == "date":
        absolute = date_format(local, "j M Y")
    relative = "just now" if abs(timezone.now() - at) < timedelta(seconds=45) else str(naturaltime(at))
    title = date_format(local, "l j F Y, H:i:s") + f" {local.tzname()}"
    first, second = (relative, "") if show == "relative" else (absolute, relative if show == "both" else "")
    rest = format_html(' <span class="sub">{}</span>', second) if second else ""
    return format_html('<time datetime="{}" title="{}">{}{}</time>', at.isoformat(), title, first, rest)


@register.filter
def initials(text: str) -> str:
    """Return the one or two letters that stand for a person or company."""
    words = str(text).split("@")[0].replace(".", " ").replace("-", " ").split()
    return "".join(word[0] for word in words[:2]) or "?"
