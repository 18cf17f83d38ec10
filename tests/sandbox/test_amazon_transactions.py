"""listTransactions of the pretend Amazon: the same money as the settlements, held back first."""

from collections import Counter
from decimal import Decimal

import pytest

from amazon.sandbox import AmazonStandIn
from sandbox.clock import frozen
from sandbox.seller import Shape, seller
from tests.sandbox.amazon_caller import NOON, TODAY, Caller, demo_caller, first_error

PATH = "/finances/2024-06-19/transactions"
SINCE = "2026-08-01T00:00:00Z"


def listed(caller, **query):
    found, token = [], {}
    for _ in range(20):
        asked = query if "relatedIdentifierName" in query else {"postedAfter": SINCE, **query}
        answer = caller.get(PATH, **asked, **token)
        assert answer.status_code == 200, answer.text
        found += answer.json["payload"]["transactions"]
        if not (more := answer.json["payload"].get("nextToken")):
            return found
        token = {"nextToken": more}
    raise RecursionError("the tokens lead nowhere")


def identifiers(transaction):
    return {each["relatedIdentifierName"]: each["relatedIdentifierValue"] for each in transaction["relatedIdentifiers"]}


def minor(money):
    return round(Decimal(str(money["currencyAmount"])) * 100)


def leaves(breakdowns):
    for each in breakdowns:
        if each["breakdowns"]:
            yield from leaves(each["breakdowns"])
        else:
            yield each["breakdownType"], minor(each["breakdownAmount"])


@pytest.fixture(scope="module")
def caller():
    return demo_caller()


@pytest.fixture
def fresh():
    return demo_caller()


def load(shape, seed=8):
    stand_in = AmazonStandIn(clock=frozen(NOON))
    account = seller(shape, seed)
    stand_in.loading.load(account, TODAY)
    caller = Caller(stand_in, account.seller_id)
    caller.switch(rate_scale=0)
    return caller


def test_released_transactions_of_a_settlement_are_its_total_by_settlement_and_by_group(caller):
    stated = caller.control("truth", seller_id=caller.seller_id)["settlements"]
    released = listed(caller, transactionStatus="RELEASED")

    sums: Counter[str] = Counter()
    groups = {}
    for each in released:
        known = identifiers(each)
        if settlement := known.get("SETTLEMENT_ID"):
            sums[settlement] += minor(each["totalAmount"])
            groups[settlement] = known["FINANCIAL_EVENT_GROUP_ID"]

    assert {each["settlement_id"]: sums[each["settlement_id"]] for each in stated} == {
        each["settlement_id"]: each["total"] for each in stated
    }
    by_group = listed(
        caller,
        relatedIdentifierName="FINANCIAL_EVENT_GROUP_ID",
        relatedIdentifierValue=groups[stated[2]["settlement_id"]],
    )
    assert sum(minor(each["totalAmount"]) for each in by_group) == stated[2]["total"]


def test_every_level_of_a_transaction_comes_to_the_same(caller):
    for each in listed(caller):
        total = minor(each["totalAmount"])
        assert sum(amount for _, amount in leaves(each["breakdowns"])) == total
        assert sum(minor(top["breakdownAmount"]) for top in each["breakdowns"]) == total
        if items := each.get("items"):
            assert sum(minor(item["totalAmount"]) for item in items) == total
            assert sum(amount for item in items for _, amount in leaves(item["breakdowns"])) == total


def test_names_are_those_of_the_finances_api(caller):
    found = listed(caller)

    assert {"Shipment", "Refund", "GuaranteeClaim", "ServiceFee", "ProductAdsPayment", "Transfer"} <= {
        each["transactionType"] for each in found
    }
    names = {name for each in found for name, _ in leaves(each["breakdowns"])}
    assert {"OurPricePrincipal", "Commission", "FBAPerUnitFulfillmentFee", "ReserveDebit", "FundTransfer"} <= names
    assert not {"Principal", "Current Reserve Amount", "Subscription Fee"} & names


def test_a_held_sale_is_released_when_it_matures(fresh):
    (first, *_) = held = listed(fresh, transactionStatus="DEFERRED")
    deferred_id = first["transactionId"]
    context = first["contexts"][0]
    assert [each["transactionStatus"] for each in held] == ["Deferred"] * 3
    assert context["deferralReason"] == "DD7"
    assert not {"RELEASE_TRANSACTION_ID", "SETTLEMENT_ID", "FINANCIAL_EVENT_GROUP_ID"} & set(identifiers(first))

    fresh.travel(days=14)

    now = {each["transactionId"]: each for each in listed(fresh)}
    assert now[deferred_id]["transactionStatus"] == "Deferred_Released"
    released = now[identifiers(now[deferred_id])["RELEASE_TRANSACTION_ID"]]
    assert identifiers(released)["DEFERRED_TRANSACTION_ID"] == deferred_id
    assert released["postedDate"] == context["maturityDate"]
    assert released["totalAmount"] == first["totalAmount"]
    assert "SETTLEMENT_ID" not in identifiers(released)


def test_orders_are_found_with_both_of_their_transactions(caller):
    order_id = identifiers(listed(caller, transactionStatus="DEFERRED_RELEASED")[0])["ORDER_ID"]

    found = listed(caller, relatedIdentifierName="ORDER_ID", relatedIdentifierValue=order_id)

    assert {"Deferred_Released", "Released"} <= {each["transactionStatus"] for each in found}
    assert {identifiers(each)["ORDER_ID"] for each in found} == {order_id}


def test_a_marketplace_hides_what_its_sellers_ship_themselves_in_the_us_only():
    american, german = load(Shape("US", orders=20)), load(Shape("DE", orders=20))

    def networks(caller, **query):
        found = listed(caller, **query)
        return {item["contexts"][0]["fulfillmentNetwork"] for each in found for item in each.get("items", ())}

    assert networks(american) == {"AFN", "MFN"}
    assert networks(american, marketplaceId="ATVPDKIKX0DER") == {"AFN"}
    assert networks(german, marketplaceId="A1PA6795UKMFR9") == {"AFN", "MFN"}
    assert listed(german, marketplaceId="ATVPDKIKX0DER") == []


def test_range_begins_with_postedafter_ends_before_postedbefore_and_is_empty_beyond_180_days(caller):
    dates = sorted(each["postedDate"] for each in listed(caller))

    found = listed(caller, postedAfter=dates[3], postedBefore=dates[9])

    assert sorted(each["postedDate"] for each in found) == [each for each in dates if dates[3] <= each < dates[9]]
    assert listed(caller, postedAfter="2026-05-01T00:00:00Z") == []


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"postedBefore": "2022-03-07"},
        {"postedAfter": "2026-11-20T11:59:00Z"},
        {"postedAfter": SINCE, "postedBefore": "2026-11-20T11:58:30Z"},
        {"postedAfter": SINCE, "postedBefore": SINCE},
        {"postedAfter": SINCE, "transactionStatus": "Released"},
        {"postedAfter": SINCE, "nextToken": "made+up="},
        {"relatedIdentifierName": "ORDER_ID"},
        {"relatedIdentifierName": "SETTLEMENT_ID", "relatedIdentifierValue": "1"},
    ],
)
def test_what_cannot_be_asked_is_refused(caller, query):
    answer = caller.get(PATH, **query)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_pages_come_to_the_same_whether_some_are_empty_or_come_twice(fresh):
    whole = [each["transactionId"] for each in listed(fresh)]
    fresh.switch(transaction_page_size=40)

    assert [each["transactionId"] for each in listed(fresh)] == whole
    fresh.switch(transaction_pages="empty between")
    assert [each["transactionId"] for each in listed(fresh)] == whole
    fresh.switch(transaction_pages="repeated")
    twice = [each["transactionId"] for each in listed(fresh)]
    assert (len(twice) > len(whole), set(twice)) == (True, set(whole))
    fresh.switch(transaction_pages="loop")
    with pytest.raises(RecursionError):
        listed(fresh)


def test_a_token_goes_with_the_arguments_that_made_it(fresh):
    fresh.switch(transaction_page_size=5)
    token = fresh.get(PATH, postedAfter=SINCE).json["payload"]["nextToken"]

    assert fresh.get(PATH, postedAfter=SINCE, nextToken=token).status_code == 200
    assert fresh.get(PATH, postedAfter="2026-08-02T00:00:00Z", nextToken=token).status_code == 400
    assert fresh.get(PATH, nextToken=token).status_code == 400


def test_switches_bring_what_was_seen_of_strange_answers(fresh):
    fresh.control("seller_switches", seller_id=fresh.seller_id, values={"transaction_statuses": "upper"})
    assert {each["transactionStatus"] for each in listed(fresh)} == {"RELEASED", "DEFERRED", "DEFERRED_RELEASED"}

    fresh.switch(transaction_breakdowns="by transaction")
    assert all(item["breakdowns"] is None for each in listed(fresh) for item in each.get("items", ()))
    fresh.switch(transaction_breakdowns="object")
    assert all(isinstance(each["breakdowns"]["breakdowns"], list) for each in listed(fresh))
    fresh.switch(transaction_breakdowns="disagreeing")
    off = [minor(each["totalAmount"]) - sum(v for _, v in leaves(each["breakdowns"])) for each in listed(fresh)]
    assert set(off) == {-1}
    fresh.control("seller_switches", seller_id=fresh.seller_id, values={"transaction_statuses": "unknown"})
    assert "UNDER_REVIEW" in {each["transactionStatus"] for each in listed(fresh)}
    fresh.switch(transfer_transactions=False)
    assert all("TRANSFER_ID" not in identifiers(each) for each in listed(fresh))


def test_an_amount_is_corrected_a_day_later_and_everything_lags(fresh):
    fresh.travel(days=-8)
    fresh.switch(transaction_corrected=True)
    early = {each["transactionId"]: each for each in listed(fresh)}
    fresh.travel(days=1)

    later = {each["transactionId"]: each for each in listed(fresh)}

    changes = {minor(later[each]["totalAmount"]) - minor(early[each]["totalAmount"]) for each in early}
    assert changes == {0, 1}
    fresh.switch(finances_lag_s=24 * 3600)
    assert set(early) == {each["transactionId"] for each in listed(fresh)}


def test_another_seller_sees_none_of_it(caller):
    stranger = seller(Shape(settlements=1), 9)
    caller.stand_in.loading.load(stranger, TODAY)

    theirs = listed(Caller(caller.stand_in, stranger.seller_id))

    assert {each["sellingPartnerMetadata"]["sellingPartnerId"] for each in theirs} == {stranger.seller_id}
