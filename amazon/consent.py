"""Amazon as a provider: consent in Seller Central, or the pasted credentials of a seller's own (private) application.

Source: SP-API website authorization workflow; LWA token endpoint.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from django.conf import settings

from amazon.checks import run
from amazon.client import Client, Forbidden, Participation, WaitFor
from amazon.connect import HTTP, SLUG, api_base, application
from amazon.marketplaces import MARKETPLACES, Marketplace, by_id
from amazon.naming import SELLER_ID
from amazon.panels import panels
from amazon.participations import account_data
from amazon.secrets import LIFE
from kit.oauth import OAuthSpec, Tokens
from tenants.connections import RENEWED, ConsentFailed, ConsentRefused, ConsentUnavailable, connect_with_credentials
from tenants.models import Connection, Tenant, User
from tenants.providers import Identity, ManualField, Provider, ProviderKind

REAUTHORIZE_AFTER: Final = timedelta(days=365)  # an application's authorization ends after a year, whatever was used

_MARKETPLACE: Final = ManualField(
    "marketplace",
    "Marketplace you registered in",
    help_text="One consent covers every marketplace of the same region.",
    choices=tuple((one.id, f"{one.site} ({one.country})") for one in MARKETPLACES),
)
_MANUAL: Final = (
    _MARKETPLACE,
    ManualField(
        "selling_partner_id",
        "Merchant token",
        help_text="In Seller Central under Settings, Account Info, Your Merchant Token. It begins with A.",
        pattern=SELLER_ID.pattern,
    ),
    ManualField("client_id", "LWA client id", help_text="Begins with amzn1.application-oa2-client."),
    ManualField("client_secret", "LWA client secret", secret=True),
    ManualField(
        "refresh_token",
        "Refresh token",
        secret=True,
        help_text="From Develop Apps, Authorize, of your own application. Begins with Atzr|.",
    ),
)


def chosen_marketplace(chosen: Mapping[str, Any]) -> Marketplace:
    """Return the marketplace a person chose. Raises ConsentRefused for none or an unknown one."""
    found = by_id(str(chosen.get("marketplace") or ""))
    if found is None:
        raise ConsentRefused(
            "No marketplace was chosen.", "Choose the marketplace you registered in, then connect again."
        )
    return found


def oauth(chosen: Mapping[str, Any]) -> OAuthSpec:
    """Return the endpoints. The consent page is in the Seller Central of the chosen marketplace.

    It wants ``application_id`` in place of OAuth's own parameters, and ``version=beta`` of a draft application.
    """
    base = settings.AMAZON_CONSENT_BASE or chosen_marketplace(chosen).seller_central
    extra = {"application_id": settings.AMAZON_APPLICATION_ID}
    if settings.AMAZON_APP_DRAFT:
        extra["version"] = "beta"
    return replace(application(), authorize_url=f"{base.rstrip('/')}/apps/authorize/consent", authorize_extra=extra)


def environment(chosen: Mapping[str, Any]) -> str:
    """Return the API region: a seller's authorization, tokens and reports belong to one."""
    return chosen_marketplace(chosen).region.value


def identify(tokens: Tokens, params: Mapping[str, str]) -> Sequence[Identity]:
    """Return the seller a consent opened, with its marketplaces. ``selling_partner_id`` comes with the callback."""
    seller_id, marketplace = params.get("selling_partner_id", "").strip(), chosen_marketplace(params)
    if not SELLER_ID.fullmatch(seller_id):
        raise ConsentRefused(
            f"{seller_id!r} is no merchant token.",
            "Copy it from Seller Central: Settings, Account Info, Your Merchant Token. It begins with A.",
        )
    named = params.get(RENEWED)
    if named and named != seller_id:
        raise ConsentRefused(
            f"You agreed for the seller {seller_id}, and it was {named} that was to be connected.",
            "Sign in to Seller Central with the account of that seller, then begin again.",
        )
    region = marketplace.region.value
    client = Client(HTTP, api_base(region), lambda rejected="": tokens.access_token, _once)
    try:
        found = client.marketplace_participations()
    except Forbidden as error:
        raise ConsentRefused(
            f"Amazon gave an authorization, but it does not open the seller's account ({error}).",
            f"Check that the account is registered in {marketplace.site}, then connect again.",
        ) from None
    except WaitFor as error:
        raise ConsentFailed(f"Amazon did not answer: {error}.", "Connect again in a few minutes.") from None
    return [Identity(seller_id, _name(seller_id, marketplace, found), account_data(region, found))]


def connect_from_environment(user: User, tenant: Tenant, marketplace_id: str, seller_id: str) -> list[Connection]:
    """Connect the private application whose credentials the installation got in its environment.

    Raises ConsentUnavailable where they are missing, else as ``tenants.connections.connect_with_credentials``.
    """
    values = {
        "client_id": settings.AMAZON_CLIENT_ID,
        "client_secret": settings.AMAZON_CLIENT_SECRET,
        "refresh_token": settings.AMAZON_REFRESH_TOKEN,
    }
    missing = [f"AMAZON_{name.upper()}" for name, value in values.items() if not value]
    if missing:
        raise ConsentUnavailable(
            f"These settings are missing: {', '.join(missing)}.", "Set them, or paste the credentials instead."
        )
    account = {"marketplace": marketplace_id, "selling_partner_id": seller_id}
    return connect_with_credentials(user, tenant, SLUG, values | account).connected


def _once(operation: str) -> float:
    """One call per consent needs no pacing."""
    return 0.0


def _name(seller_id: str, marketplace: Marketplace, found: Sequence[Participation]) -> str:
    """Return the store's name where the seller registered, else any, else the seller id."""
    here = [one for one in found if one.marketplace_id == marketplace.id]
    return next((one.store_name for one in (*here, *found) if one.store_name), seller_id)


PROVIDER: Final = Provider(
    slug=SLUG,
    name="Amazon Seller Central",
    kind=ProviderKind.SOURCE,
    role="Where your orders, settlements and payouts come from. Nothing is ever changed there.",
    oauth=oauth,
    environment=environment,
    identify=identify,
    checks=run,
    code_param="spapi_oauth_code",
    consent_life=REAUTHORIZE_AFTER,
    secret_life=LIFE,
    choices=(_MARKETPLACE,),
    manual=_MANUAL,
    panels=panels,
)
