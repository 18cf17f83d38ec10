"""What every page knows: the company, the person's companies, the navigation, the alerts and the chosen appearance."""

from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from tenants.members import memberships
from tenants.models import Alert

# (words, url name); an entry whose page an installation does not have is left out.
ENTRIES: Final = (
    ("Dashboard", "flows:dashboard"),
    ("Settlements", "flows:settlements"),
    ("Months", "flows:months"),
    ("Bank", "flows:bank"),
    ("Orders", "flows:orders"),
    ("Mapping", "flows:mapping"),
    ("Audit", "audit:records"),
    ("Connections", "tenants:connections"),
    ("Flows", "flows:flows"),
    ("Settings", "tenants:settings"),
)
THEMES: Final = ("light", "dark")
THEME_COOKIE: Final = "theme"


@dataclass(frozen=True, slots=True)
class Entry:
    label: str
    url: str
    current: bool


def navigation(path: str) -> list[Entry]:
    """Return the main navigation; the entry whose address the path lies under is the current one."""
    entries = []
    for label, name in ENTRIES:
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        entries.append(Entry(label, url, path.startswith(url)))
    return entries


def site(request: HttpRequest) -> dict[str, Any]:
    """Return what ``base.html`` needs. The middleware sets ``request.tenant`` and ``request.member`` for a member."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    context: dict[str, Any] = {"theme": chosen if chosen in THEMES else ""}
    tenant = getattr(request, "tenant", None)
    if tenant is None:
        return context
    return context | {
        "tenant": tenant,
        "navigation": navigation(request.path),
        "member": request.member,  # type: ignore[attr-defined]
        "memberships": memberships(request.user),  # type: ignore[arg-type]
        "open_alerts": Alert.objects.filter(settled_at__isnull=True).count(),
    }
