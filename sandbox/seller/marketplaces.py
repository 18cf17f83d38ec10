"""The marketplaces a pretend seller can sell on.

Ids, regions and currencies: Selling Partner API documentation, "marketplace ids" and "SP-API endpoints". The zone is
that of the marketplace's own calendar; the API states none.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marketplace:
    """One Amazon site. ``exponent`` is the number of decimals of ``currency``; ``coupon`` is text in its language."""

    country: str
    marketplace_id: str
    region: str
    currency: str
    exponent: int
    site: str
    zone: str
    language: str
    coupon: str = "Save 10 percent"

    @property
    def withheld(self) -> str:
        """The first half of the label of tax that Amazon collects and keeps."""
        return {"EU": "MarketplaceFacilitatorVAT", "AU": "LowValueGoodsTax"}.get(
            self.country if self.country == "AU" else self.region, "MarketplaceFacilitatorTax"
        )

    @property
    def domain(self) -> str:
        return f"www.{self.site.lower()}"

    @property
    def multi_channel(self) -> str:
        """The name of sales through other channels that Amazon only ships."""
        return f"Non-Amazon {self.country}"


_PACIFIC = "America/Los_Angeles"

MARKETPLACES = {
    marketplace.country: marketplace
    for marketplace in (
        Marketplace("US", "ATVPDKIKX0DER", "NA", "USD", 2, "Amazon.com", _PACIFIC, "en_US"),
        Marketplace("CA", "A2EUQ1WTGCTBG2", "NA", "CAD", 2, "Amazon.ca", _PACIFIC, "en_CA", "Économisez 10 %"),
        Marketplace("MX", "A1AM78C64UM0Y8", "NA", "MXN", 2, "Amazon.com.mx", _PACIFIC, "es_MX", "Ahorra más"),
        Marketplace("GB", "A1F83G8C2ARO7P", "EU", "GBP", 2, "Amazon.co.uk", "Europe/London", "en_GB", "Save £2"),
        Marketplace("DE", "A1PA6795UKMFR9", "EU", "EUR", 2, "Amazon.de", "Europe/Berlin", "de_DE", "10 % für Sie"),
        Marketplace("FR", "A13V1IB3VIYZZH", "EU", "EUR", 2, "Amazon.fr", "Europe/Paris", "fr_FR", "Économisez"),
        Marketplace("SE", "A2NODRKZP88ZB9", "EU", "SEK", 2, "Amazon.se", "Europe/Stockholm", "sv_SE", "Köp två"),
        Marketplace("AU", "A39IBJ37TRP1C6", "FE", "AUD", 2, "Amazon.com.au", "Australia/Sydney", "en_AU"),
        Marketplace("JP", "A1VC38T7YXB528", "FE", "JPY", 0, "Amazon.co.jp", "Asia/Tokyo", "ja_JP", "割引クーポン"),
    )
}

EXPONENTS = {each.currency: each.exponent for each in MARKETPLACES.values()}
"""How many decimals each currency has."""
