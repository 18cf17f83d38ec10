"""The Appstore workflow of the pretend Amazon, and who signs in at which Seller Central."""

import pytest
from werkzeug.test import Client

from amazon.sandbox import DEMO_APPLICATION
from amazon.sandbox.seller_centrals import HOSTS, countries_of
from tests.sandbox.amazon_caller import REDIRECT, Caller, demo_caller, query_of

MANAGE = "/apps/manage"
LOGIN = "https://books.example/amazon/login"
APPLICATION_ID = DEMO_APPLICATION["application_id"]


@pytest.fixture
def caller():
    made = demo_caller()
    made.control("application", login_uri=LOGIN)
    return made


def browser(caller, root="", action="open"):
    """What the seller's browser is answered when a button of *Manage your apps* is pressed."""
    form = {"application_id": APPLICATION_ID, "seller_id": caller.seller_id, "action": action}
    return Client(caller.stand_in).post(f"{root}{MANAGE}", data=form)


def opened(caller, root=""):
    """What the Login URI gets."""
    answer = browser(caller, root)
    assert answer.headers["Location"].startswith(f"{LOGIN}?")
    return query_of(answer.headers["Location"])


def confirmed(caller, asked, **changes):
    values = {"amazon_state": asked["amazon_state"], "state": "ours", "redirect_uri": REDIRECT, **changes}
    query = {name: value for name, value in values.items() if value is not None}
    return Client(caller.stand_in).get(asked["amazon_callback_uri"], query_string=query)


def test_seller_begins_at_amazon_and_arrives_with_a_code(caller):
    asked = opened(caller)
    answer = confirmed(caller, asked)

    back = query_of(answer.headers["Location"])
    assert set(asked) == {"amazon_callback_uri", "amazon_state", "selling_partner_id"}
    assert asked["amazon_callback_uri"].endswith(f"/apps/authorize/confirm/{APPLICATION_ID}")
    assert answer.headers["Location"].startswith(f"{REDIRECT}?")
    assert (back["state"], back["selling_partner_id"]) == ("ours", asked["selling_partner_id"])
    tokens = caller.token("authorization_code", code=back["spapi_oauth_code"], redirect_uri=REDIRECT).json
    assert tokens["refresh_token"].startswith("Atzr|")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"amazon_state": "guessed"}, "amazon_state"),
        ({"amazon_state": None}, "amazon_state"),
        ({"state": None}, "no state"),
        ({"redirect_uri": "https://elsewhere.example/"}, "MD5101"),
    ],
    ids=["another state", "no amazon_state", "no state of ours", "foreign redirect"],
)
def test_wrong_return_ends_on_a_page_and_the_visit_goes_on(caller, changes, text):
    asked = opened(caller)

    refused = confirmed(caller, asked, **changes)

    assert refused.status_code == 400
    assert text in refused.text
    assert confirmed(caller, asked).status_code == 302


def test_amazon_state_serves_one_return_within_half_an_hour(caller):
    first, late = opened(caller), opened(caller)
    confirmed(caller, first)

    again = confirmed(caller, first)
    caller.stand_in.clock.advance(30 * 60)

    assert again.status_code == 400
    assert confirmed(caller, late).status_code == 400


def test_draft_says_beta_and_wants_it_back(caller):
    caller.control("application", login_uri=LOGIN, draft=True)
    asked = opened(caller)

    plain = confirmed(caller, asked)
    beta = confirmed(caller, asked, version="beta")

    assert asked["version"] == "beta"
    assert (plain.status_code, "MD1000" in plain.text) == (400, True)
    assert beta.status_code == 302


def test_application_without_login_uri_is_not_opened(caller):
    caller.control("application", login_uri="")

    assert "no Login URI" in browser(caller).text


def test_page_shows_the_end_of_each_authorization_and_authorizes_again(caller):
    before = caller.client.get(MANAGE).text
    caller.stand_in.clock.advance(100 * 86_400)
    confirmed(caller, opened(caller))

    after = caller.client.get(MANAGE).text

    assert "2027-11-20" in before
    assert "2028-02-28" in after
    assert "Re-authorize" in after
    assert caller.refresh()["access_token"]


def test_revoking_on_the_page_ends_the_authorization(caller):
    answer = browser(caller, action="revoke")

    page = caller.client.get(answer.headers["Location"]).text
    assert "not authorized" in page
    assert 'value="revoke"' not in page
    assert caller.token("refresh_token", refresh_token=caller.refresh_token).json["error"] == "invalid_grant"
    assert caller.settlements().status_code == 403


def test_sellers_sign_in_where_they_sell(caller):
    truth = caller.control("seller", seed=3, shape={"country": "SE"})
    swede = Caller(caller.stand_in, truth["seller"]["seller_id"])

    at_home = caller.client.get(MANAGE, base_url="https://sellercentral.amazon.se").text
    by_path = caller.client.get(f"/sellercentral.amazon.se{MANAGE}").text
    nobody = caller.client.get(MANAGE, base_url="https://sellercentral.amazon.pl")
    foreign = browser(caller, root="/sellercentral.amazon.se")

    assert swede.seller_id in at_home
    assert caller.seller_id not in at_home
    assert swede.seller_id in by_path
    assert (nobody.status_code, foreign.status_code) == (404, 404)
    assert opened(swede, "/sellercentral.amazon.se")["amazon_callback_uri"].startswith(
        "http://localhost/sellercentral.amazon.se/apps/authorize/confirm/"
    )


def test_every_marketplace_has_its_consent_page(caller):
    query = {"application_id": APPLICATION_ID, "state": "s", "redirect_uri": REDIRECT}
    caller.stand_in.store.put("seller", caller.seller_id, {**_seller(caller), "countries": list(HOSTS)})

    pages = {
        host: caller.client.get("/apps/authorize/consent", base_url=f"https://{host}", query_string=query)
        for host in HOSTS.values()
    }

    assert len(HOSTS) == 23
    assert len(pages) == 19
    assert {each.status_code for each in pages.values()} == {200}
    assert countries_of("sellercentral-europe.amazon.com") == {"ES", "GB", "FR", "DE", "IT"}
    assert countries_of("sellercentral.amazon.example") == set()


def _seller(caller):
    return caller.stand_in.store.get("seller", caller.seller_id)
