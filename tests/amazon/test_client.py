"""The Selling Partner API client, against queued answers."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from amazon.client import (
    BadRequest,
    Client,
    Document,
    DocumentExpired,
    Forbidden,
    NotFound,
    ServerTrouble,
    Throttled,
    WaitFor,
)
from kit.http import Http, mount, unmount
from tests.amazon.fake_api import BASE, FILES, FakeApi, fault

REPORTS = "/reports/2021-06-30/reports"
ORDERS = "/orders/2026-01-01/orders"
SELLERS = "/sellers/v1/marketplaceParticipations"
JAN, FEB = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)


@pytest.fixture
def api():
    fake = FakeApi()
    mount(BASE, fake)
    mount(FILES, fake)
    yield fake
    unmount(BASE)
    unmount(FILES)


class Tokens:
    """Hands out Atza|1, and Atza|2 once the first was rejected."""

    def __init__(self):
        self.rejected = []

    def __call__(self, rejected=""):
        if rejected:
            self.rejected.append(rejected)
        return f"Atza|{len(self.rejected) + 1}"


@pytest.fixture
def tokens():
    return Tokens()


@pytest.fixture
def client(api, tokens):
    return Client(Http("Tieout/1.0 (Language=Python)"), BASE, tokens, lambda operation: 0.0, sleep=pytest.fail)


def report(number, **fields):
    return {
        "reportId": f"{number}",
        "reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        "processingStatus": "DONE",
        "createdTime": "2026-01-15T00:00:00Z",
        "reportDocumentId": f"amzn1.doc/{number}+=",
        **fields,
    }


def test_every_call_carries_token_and_user_agent(api, client):
    api.answer(SELLERS, (200, {"payload": []}))

    client.marketplace_participations()

    assert api.asked[0].headers["x-amz-access-token"] == "Atza|1"
    assert api.asked[0].headers["user-agent"].startswith("Tieout/1.0")


def test_unknown_marketplaces_of_a_seller_are_kept(api, client):
    us = {"id": "ATVPDKIKX0DER", "countryCode": "US", "name": "Amazon.com", "defaultCurrencyCode": "USD"}
    odd = {"id": "A3XXXX", "countryCode": "US", "name": "SI Prod Marketplace"}
    api.answer(SELLERS, (200, {"payload": [
        {"marketplace": us, "storeName": "Shop", "participation": {"isParticipating": True}},
        {"marketplace": odd, "participation": {"isParticipating": False}},
    ]}))  # fmt: skip

    found = client.marketplace_participations()

    assert [(p.marketplace_id, p.currency, p.active) for p in found] == [
        ("ATVPDKIKX0DER", "USD", True),
        ("A3XXXX", "", False),
    ]


def test_report_pages_after_the_first_send_the_token_alone(api, client):
    api.answer(REPORTS, (200, {"reports": [report(1)], "nextToken": "a+b/c=="}), (200, {"reports": [report(2)]}))

    found = list(client.settlement_reports(JAN))

    assert [info.report_id for info in found] == ["1", "2"]
    first, second = api.asked
    assert first.query == {
        "reportTypes": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
        "processingStatuses": "DONE",
        "pageSize": "100",
        "createdSince": "2026-01-01T00:00:00.000Z",
    }
    assert second.raw_query == "nextToken=a%2Bb%2Fc%3D%3D"


def test_a_page_token_that_comes_back_ends_the_walk_as_trouble(api, client):
    api.answer(REPORTS, (200, {"reports": [], "nextToken": "same"}))

    with pytest.raises(ServerTrouble, match="twice"):
        list(client.settlement_reports(JAN))

    assert len(api.asked) == 2


def test_order_pages_repeat_every_parameter_beside_the_token(api, client):
    api.answer(ORDERS, (200, {"orders": [], "lastUpdatedBefore": "2026-01-31T23:58:00Z"}))

    client.search_orders(JAN, FEB)
    page = client.search_orders(JAN, FEB, "t+/=")

    first, second = api.asked
    assert second.query == {**first.query, "paginationToken": "t+/="}
    assert "paginationToken=t%2B%2F%3D" in second.raw_query
    assert first.query["lastUpdatedBefore"] == "2026-02-01T00:00:00.000Z"
    assert page.covered_until == datetime(2026, 1, 31, 23, 58, tzinfo=UTC)
    assert page.next_token == ""


def test_buyers_and_recipients_are_never_asked_for(api, client):
    api.answer(ORDERS, (200, {"orders": []}))
    api.answer(f"{ORDERS}/701-1", (200, {"order": {"orderId": "701-1"}}))

    client.search_orders(JAN, FEB)
    client.order("701-1")

    for asked in api.asked:
        assert not {"BUYER", "RECIPIENT", "TAX", "PAYMENT"} & set(asked.query["includedData"].split(","))


def test_amounts_of_orders_never_become_floats(api, client):
    api.answer(f"{ORDERS}/701-1", (200, b'{"order": {"number": 0.1}}'))

    assert client.order("701-1")["number"] == Decimal("0.1")


def test_an_expired_token_is_replaced_once_and_the_call_repeated(api, client, tokens):
    expired = fault(403, "Unauthorized", "Access to requested resource is denied.", "The access token has expired.")
    api.answer(SELLERS, expired, (200, {"payload": []}))

    assert client.marketplace_participations() == []

    assert tokens.rejected == ["Atza|1"]
    assert [asked.headers["x-amz-access-token"] for asked in api.asked] == ["Atza|1", "Atza|2"]


def test_a_missing_role_is_forbidden_and_does_not_refresh_at_every_call(api, client, tokens):
    api.answer(SELLERS, fault(403, "Unauthorized", "Access to requested resource is denied."))

    for _ in range(3):
        with pytest.raises(Forbidden, match="denied"):
            client.marketplace_participations()

    assert len(tokens.rejected) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(fault(400, "InvalidInput", "not valid"), BadRequest, id="bad request"),
        pytest.param(fault(404, "NotFound"), NotFound, id="not found"),
        pytest.param(fault(429, "QuotaExceeded"), Throttled, id="throttled"),
        pytest.param(fault(500, "InternalFailure"), ServerTrouble, id="server error"),
        pytest.param((503, b"<html>busy</html>"), ServerTrouble, id="html"),
        pytest.param((200, b"<html>fine</html>"), ServerTrouble, id="html with 200"),
        pytest.param((200, {"unexpected": 1}), ServerTrouble, id="unknown shape"),
        pytest.param(ConnectionResetError(), ServerTrouble, id="reset"),
        pytest.param(ConnectionRefusedError(), ServerTrouble, id="refused"),
    ],
)
def test_every_failure_has_its_type(api, client, answer, error):
    api.answer(SELLERS, answer)

    with pytest.raises(error) as raised:
        client.marketplace_participations()

    assert type(raised.value) is error


def test_a_refusal_keeps_the_request_id_for_amazons_support(api, client):
    api.answer(REPORTS, (400, {"errors": [{"code": "InvalidInput"}]}, {"x-amzn-RequestId": "abc-123"}))

    with pytest.raises(BadRequest) as raised:
        list(client.settlement_reports(JAN))

    assert raised.value.request_id == "abc-123"


def test_throttling_waits_about_one_token_of_the_published_plan_and_is_told_to_the_others(api, tokens):
    told = []
    client = Client(Http("Tieout/1.0"), BASE, tokens, lambda operation: 0.0, pytest.fail, too_fast=told.append)
    api.answer(ORDERS, fault(429, "QuotaExceeded"))

    with pytest.raises(Throttled) as raised:
        client.search_orders(JAN, FEB)

    assert 89 <= raised.value.seconds <= 179
    assert told == ["searchOrders"]


def test_a_short_wait_is_slept_and_a_long_one_goes_to_the_caller(api, tokens):
    api.answer(SELLERS, (200, {"payload": []}))
    slept, waits = [], [2.0, 0.0, 170.0]
    client = Client(Http("Tieout/1.0"), BASE, tokens, lambda operation: waits.pop(0), slept.append)

    client.marketplace_participations()
    with pytest.raises(WaitFor) as raised:
        client.marketplace_participations()

    assert slept == [2.0]
    assert raised.value.seconds == 170.0
    assert len(api.asked) == 1


def test_short_waits_do_not_add_up_without_bound(api, tokens):
    slept = []
    client = Client(Http("Tieout/1.0"), BASE, tokens, lambda operation: 2.0, slept.append)

    with pytest.raises(WaitFor):
        client.marketplace_participations()

    assert sum(slept) <= 5.0


def test_a_document_is_downloaded_without_the_token(api, client):
    api.answer(
        "/reports/2021-06-30/documents/amzn1.doc/1", (200, {"url": f"{FILES}/x?sig=s", "compressionAlgorithm": "GZIP"})
    )
    api.answer("/x", (200, b"bytes", {"Content-Type": "text/plain; charset=utf-8"}))

    document = client.report_document("amzn1.doc/1")
    with client.download(document) as (_, chunks):
        content = b"".join(chunks)

    assert content == b"bytes"
    assert document.gzipped
    assert "x-amz-access-token" not in api.asked[-1].headers


def test_a_dead_document_address_says_so(api, client):
    api.answer("/x", (403, b"<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"))

    with pytest.raises(DocumentExpired), client.download(Document(f"{FILES}/x?sig=s", gzipped=False)):
        pass


def test_a_document_address_is_not_shown():
    assert "sig" not in repr(Document(f"{FILES}/x?sig=s", gzipped=True))
