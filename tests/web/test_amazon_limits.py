"""What Amazon still allows for a seller, on its connection's page."""

from amazon.rates import pacer
from kit.scope import scope
from tests import factories


def test_the_page_of_a_seller_says_what_amazon_still_allows(signed_in, acme, bob):
    seller = factories.ConnectionFactory(tenant=acme, provider="amazon", grant__provider="amazon", remote_id="A1")
    page, address = signed_in(bob), f"/connections/{seller.pk}/"
    before = page.get(address).content.decode()
    with scope(acme.pk):
        turns = pacer(seller)
        while turns.take("getReports") == 0:
            pass

    after = page.get(address).content.decode()

    assert "Nothing has been asked of Amazon yet." in before
    assert "Lists of reports" not in before
    assert "Lists of reports" in after
    assert '<td class="num">2</td><td class="num">10</td><td>every 45 s</td>' in after
