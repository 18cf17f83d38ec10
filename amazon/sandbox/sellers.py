"""Sellers API v1, getMarketplaceParticipations: where a seller sells.

For some sellers it lists marketplaces that are none of Amazon's shops as well, under ids that stand in no table; a switch
does so for all. Source: official model sellers.
"""

from typing import Any, Final

from werkzeug.wrappers import Response

from amazon.sandbox.lwa import Caller
from sandbox.seller import MARKETPLACES
from sandbox.store import Store
from sandbox.switches import Switch
from sandbox.wsgi import json_response

SWITCHES: Final = (
    Switch("participations", ("shops", "others too"), "whether marketplaces that are no shops of Amazon's are listed"),
)
_OTHERS: Final = (
    ("A3NONAMAZON001", "Non-Amazon", "US", "USD", "en_US", "non-amazon.com"),
    ("A2SANDBOXSI001", "SI UK Prod Marketplace", "GB", "GBP", "en_GB", "siprod.stores.amazon.co.uk"),
)


def participations(store: Store, caller: Caller, others: str) -> Response:
    """GET /sellers/v1/marketplaceParticipations."""
    seller = store.get("seller", caller.seller_id) or {}
    shops = [MARKETPLACES[country] for country in seller["countries"]]
    listed = [
        (each.marketplace_id, each.site, each.country, each.currency, each.language, each.domain) for each in shops
    ]
    listed += _OTHERS if others == "others too" else ()
    return json_response({"payload": [_participation(each, seller["store_name"]) for each in listed]})


def _participation(place: tuple[str, ...], store_name: str) -> dict[str, Any]:
    id_, name, country, currency, language, domain = place
    return {
        "marketplace": {
            "id": id_,
            "countryCode": country,
            "name": name,
            "defaultCurrencyCode": currency,
            "defaultLanguageCode": language,
            "domainName": domain,
        },
        "storeName": store_name,
        "participation": {"isParticipating": True, "hasSuspendedListings": False},
    }
