"""The consent that begins at Amazon: in the Appstore, or by *Manage Your Apps* when an authorization is renewed.

Amazon sends the seller's browser to our Login URI with a state of its own. Whoever signs in here chooses the company, and goes back
to Amazon with that state and one of ours; from there on it is the consent that begins here.
Source: SP-API, Selling Partner Appstore authorization workflow; facts §2.2.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from django.conf import settings

from amazon import consent
from amazon.connect import SLUG
from amazon.marketplaces import MARKETPLACES, Marketplace
from kit.clock import now
from kit.scope import unscoped
from tenants import grants
from tenants.connections import RENEWED, ConsentRefused, ConsentUnavailable
from tenants.consents import make_state
from tenants.models import Access, Connection, Tenant, User

LIFE: Final = timedelta(minutes=30)  # for a person who signs up first
LONGEST: Final = 2000
_UNCLEAN: Final = re.compile(r"[\s\\\x00-\x20\x7f]")
AT_AMAZON: Final = "Begin again in Seller Central: Manage Your Apps, or the application's page in the Appstore."


@dataclass(frozen=True, slots=True)
class Asked:
    """What Amazon sent a seller's browser with. ``at`` is when, in ISO form; ``draft``: the application is not published."""

    callback: str
    amazon_state: str
    seller_id: str
    draft: bool
    at: str

    def kept(self) -> dict[str, Any]:
        """Return it for a session."""
        return asdict(self)


def read(params: Mapping[str, str]) -> Asked:
    """Return what the query of our Login URI says. Raises ConsentRefused for what Amazon does not send."""
    callback, amazon_state = params.get("amazon_callback_uri", ""), params.get("amazon_state", "")
    seller_id = params.get("selling_partner_id", "").strip()
    if not amazon_state or not seller_id or max(len(callback), len(amazon_state), len(seller_id)) > LONGEST:
        raise ConsentRefused("This is not how Amazon sends people here: something is missing.", AT_AMAZON)
    if not (seller_id.isprintable() and amazon_state.isprintable()):  # no database keeps a zero byte
        raise ConsentRefused(
            "This is not how Amazon sends people here: it holds signs that Amazon does not use.", AT_AMAZON
        )
    if not _is_amazons(callback):
        raise ConsentRefused("The address to go back to is not in Amazon's Seller Central.", AT_AMAZON)
    return Asked(callback, amazon_state, seller_id, params.get("version") == "beta", now().isoformat())


def pending(kept: object) -> Asked | None:
    """Return what waits in a session, None where nothing does, or for too long."""
    if not isinstance(kept, dict):
        return None
    asked = Asked(**kept)
    age = now() - datetime.fromisoformat(asked.at)
    return asked if timedelta(0) <= age < LIFE else None


def marketplaces(asked: Asked) -> tuple[Marketplace, ...]:
    """Return where the consent may belong: the marketplaces of the host that asked, all of them for a stand-in's."""
    host = (urlsplit(asked.callback).hostname or "").lower()
    return _HOSTS.get(host, MARKETPLACES)


def connected(asked: Asked, tenants: list[Tenant]) -> list[Connection]:
    """Return the connections that these tenants have to the seller who is to be connected."""
    with unscoped("a person sees what is connected in their own companies"):
        found = Connection.objects.filter(provider=SLUG, remote_id=asked.seller_id, tenant__in=tenants)
        return list(found.exclude(state=Access.REVOKED).select_related("tenant").order_by("tenant__name", "pk"))


def go_back(user: User, tenant: Tenant, asked: Asked, marketplace_id: str) -> str:
    """Return the address at Amazon where the seller agrees, with a state of ours that only this person and company can use.

    Raises:
        ConsentUnavailable: the installation has no application.
        ConsentRefused: no marketplace of those that may be meant.
    """
    if marketplace_id not in {one.id for one in marketplaces(asked)}:
        raise ConsentRefused("No marketplace was chosen.", AT_AMAZON)
    if not settings.AMAZON_CLIENT_ID:
        raise ConsentUnavailable(
            "This installation is not registered with Amazon.",
            "Ask whoever runs it to set the credentials of its application at Amazon.",
        )
    chosen = {"marketplace": marketplace_id}
    state = make_state(user, tenant, SLUG, consent.environment(chosen), chosen | {RENEWED: asked.seller_id})
    params = {"amazon_state": asked.amazon_state, "state": state, "redirect_uri": grants.redirect_uri(SLUG)}
    if asked.draft or settings.AMAZON_APP_DRAFT:
        params["version"] = "beta"
    return f"{asked.callback}{'&' if urlsplit(asked.callback).query else '?'}{urlencode(params)}"


def _is_amazons(address: str) -> bool:
    """Tell whether an address is in Seller or Vendor Central, or at the stand-in that plays it. Anything else is somebody's trap."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    if _UNCLEAN.search(address) or parts.username is not None or parts.password is not None or parts.fragment:
        return False
    if settings.AMAZON_CONSENT_BASE:
        base = urlsplit(settings.AMAZON_CONSENT_BASE)
        if (parts.scheme, parts.netloc) == (base.scheme, base.netloc):
            return True
    return parts.scheme == "https" and port in (None, 443) and (parts.hostname or "").lower() in _HOSTS


def _hosts() -> dict[str, tuple[Marketplace, ...]]:
    """Return the marketplaces by each host that their Seller or Vendor Central may have."""
    found: dict[str, tuple[Marketplace, ...]] = {}
    for one in MARKETPLACES:
        central = urlsplit(one.seller_central).hostname or ""
        for host in dict.fromkeys((central, f"sellercentral.{one.site.lower()}")):
            for name in (host, host.replace("sellercentral", "vendorcentral", 1)):
                found[name] = (*found.get(name, ()), one)
    return found


_HOSTS: Final = _hosts()
