"""Amazon's marketplaces: where each is, in which currency it settles, and in which zone its days begin."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique
from typing import Final
from zoneinfo import ZoneInfo


@unique
class Region(StrEnum):
    """A region of the Selling Partner API; tokens belong to one of them."""

    NA = "NA"
    EU = "EU"
    FE = "FE"


@dataclass(frozen=True, slots=True)
class Marketplace:
    """``country`` is ISO 3166 (GB, not UK). ``site`` is the name in orders and settlements. ``seller_central`` is where
    the seller signs in and consents. The API does not state the zone: ``zone`` is that of Seller Central's reports."""

    id: str
    country: str
    region: Region
    currency: str
    site: str
    seller_central: str
    zone: ZoneInfo


_EUROPE: Final = "sellercentral-europe.amazon.com"
_TABLE: Final = """
CA A2EUQ1WTGCTBG2 NA CAD Amazon.ca     sellercentral.amazon.ca       America/Los_Angeles
US ATVPDKIKX0DER  NA USD Amazon.com    sellercentral.amazon.com      America/Los_Angeles
MX A1AM78C64UM0Y8 NA MXN Amazon.com.mx sellercentral.amazon.com.mx   America/Los_Angeles
BR A2Q3Y263D00KWC NA BRL Amazon.com.br sellercentral.amazon.com.br   America/Sao_Paulo
DE A1PA6795UKMFR9 EU EUR Amazon.de     {europe}                      Europe/Berlin
IE A28R8C7NBKEWEA EU EUR Amazon.ie     sellercentral.amazon.ie       Europe/Dublin
ES A1RKKUPIHCS9HS EU EUR Amazon.es     {europe}                      Europe/Madrid
GB A1F83G8C2ARO7P EU GBP Amazon.co.uk  {europe}                      Europe/London
FR A13V1IB3VIYZZH EU EUR Amazon.fr     {europe}                      Europe/Paris
BE AMEN7PMS3EDWL  EU EUR Amazon.com.be sellercentral.amazon.com.be   Europe/Brussels
NL A1805IZSGTT6HS EU EUR Amazon.nl     sellercentral.amazon.nl       Europe/Amsterdam
IT APJ6JRA9NG5V4  EU EUR Amazon.it     {europe}                      Europe/Rome
SE A2NODRKZP88ZB9 EU SEK Amazon.se     sellercentral.amazon.se       Europe/Stockholm
ZA AE08WJ6YKNBMC  EU ZAR Amazon.co.za  sellercentral.amazon.co.za    Africa/Johannesburg
PL A1C3SOZRARQ6R3 EU PLN Amazon.pl     sellercentral.amazon.pl       Europe/Warsaw
EG ARBP9OOSHTCHU  EU EGP Amazon.eg     sellercentral.amazon.eg       Africa/Cairo
TR A33AVAJ2PDY3EV EU TRY Amazon.com.tr sellercentral.amazon.com.tr   Europe/Istanbul
SA A17E79C6D8DWNP EU SAR Amazon.sa     sellercentral.amazon.sa       Asia/Riyadh
AE A2VIGQ35RCS4UG EU AED Amazon.ae     sellercentral.amazon.ae       Asia/Dubai
IN A21TJRUUN4KGV  EU INR Amazon.in     sellercentral.amazon.in       Asia/Kolkata
SG A19VAU5U5O7RUS FE SGD Amazon.sg     sellercentral.amazon.sg       Asia/Singapore
AU A39IBJ37TRP1C6 FE AUD Amazon.com.au sellercentral.amazon.com.au   Australia/Sydney
JP A1VC38T7YXB528 FE JPY Amazon.co.jp  sellercentral.amazon.co.jp    Asia/Tokyo
""".replace("{europe}", _EUROPE)


def _row(line: str) -> Marketplace:
    country, key, region, currency, site, seller_central, zone = line.split()
    return Marketplace(key, country, Region(region), currency, site, f"https://{seller_central}", ZoneInfo(zone))


MARKETPLACES: Final[tuple[Marketplace, ...]] = tuple(map(_row, _TABLE.split("\n")[1:-1]))

_BY_ID: Final[Mapping[str, Marketplace]] = {one.id: one for one in MARKETPLACES}
_BY_SITE: Final[Mapping[str, Marketplace]] = {one.site.casefold(): one for one in MARKETPLACES}
_BY_COUNTRY: Final[Mapping[str, Marketplace]] = {one.country: one for one in MARKETPLACES}
# The first of its currency in the table; Germany leads the euro area, being the largest.
_PRINCIPAL: Final[Mapping[str, Marketplace]] = {one.currency: one for one in reversed(MARKETPLACES)}
_MULTICHANNEL: Final = "non-amazon"


def by_id(marketplace_id: str) -> Marketplace | None:
    """Return the marketplace, None for the test and internal ids that the API lists for some sellers."""
    return _BY_ID.get(marketplace_id)


def by_country(country: str) -> Marketplace | None:
    """Return a country's marketplace; Amazon writes both UK and GB."""
    code = country.strip().upper()
    return _BY_COUNTRY.get("GB" if code == "UK" else code)


def by_site(site: str) -> Marketplace | None:
    """Return the marketplace of a site name as orders and settlements spell it, in any case.

    ``Non-Amazon CA`` (orders from elsewhere, shipped by Amazon) belongs to Canada. None for ``Non-Amazon`` alone,
    for a blank and for a name that is not in the table.
    """
    name = " ".join(site.split()).casefold()
    if name.startswith(_MULTICHANNEL):
        return by_country(name.removeprefix(_MULTICHANNEL))
    return _BY_SITE.get(name)


def is_multichannel(site: str) -> bool:
    """Tell whether the site is a pseudo marketplace: an order from elsewhere that Amazon only shipped."""
    return site.strip().casefold().startswith(_MULTICHANNEL)


def by_currency(currency: str) -> Marketplace | None:
    """Return the principal marketplace of a settlement currency."""
    return _PRINCIPAL.get(currency)


def zone_of(site: str, currency: str) -> ZoneInfo:
    """Return the zone in whose days a settlement row is counted.

    A blank or unknown marketplace takes the zone of the settlement's principal marketplace. A currency that no
    marketplace settles in counts in UTC.
    """
    place = by_site(site) or by_currency(currency)
    return place.zone if place else ZoneInfo("UTC")
