import pytest

from amazon.marketplaces import MARKETPLACES, Region, by_country, by_currency, by_id, by_site, is_multichannel, zone_of
from bookkeeping.money import exponent


def test_there_are_twenty_three_with_distinct_ids_countries_and_sites():
    for name in ("id", "country", "site"):
        assert len({getattr(one, name) for one in MARKETPLACES}) == 23


def test_an_id_leads_to_its_marketplace():
    found = by_id("A1F83G8C2ARO7P")

    assert (found.country, found.region, found.currency, found.zone.key) == ("GB", Region.EU, "GBP", "Europe/London")
    assert found.seller_central == "https://sellercentral-europe.amazon.com"


def test_an_internal_id_is_nobodys():
    assert by_id("AZ4B0ZS3LGLX") is None


@pytest.mark.parametrize(
    ("site", "country"),
    [
        ("Amazon.com", "US"),
        ("amazon.CO.UK", "GB"),
        (" Amazon.ca ", "CA"),
        ("Non-Amazon CA", "CA"),
        ("non-amazon uk", "GB"),
        ("Non-Amazon", None),
        ("", None),
        ("SI Prod Marketplace", None),
    ],
)
def test_site_names_are_found_in_any_case(site, country):
    found = by_site(site)

    assert (found and found.country) == country


def test_uk_and_gb_are_one_country():
    assert by_country("UK") is by_country("gb")


@pytest.mark.parametrize(("site", "expected"), [("Non-Amazon", True), ("non-amazon CA", True), ("Amazon.ca", False)])
def test_multichannel_orders_are_told_by_their_site(site, expected):
    assert is_multichannel(site) is expected


def test_a_blank_marketplace_counts_days_like_the_settlements_principal_one():
    assert zone_of("", "CAD").key == zone_of("Non-Amazon", "CAD").key == "America/Los_Angeles"
    assert zone_of("", "EUR").key == "Europe/Berlin"
    assert zone_of("Amazon.ie", "EUR").key == "Europe/Dublin"
    assert zone_of("", "CHF").key == "UTC"


def test_every_settlement_currency_has_a_principal_marketplace():
    assert all(by_currency(one.currency) for one in MARKETPLACES)
    assert exponent(by_country("JP").currency) == 0
