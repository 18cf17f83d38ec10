"""A caller of the pretend Amazon with the demo seller in it, at noon of a fixed day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from werkzeug.test import Client, TestResponse

from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from sandbox.clock import frozen
from sandbox.seller import demo_seller

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
TODAY = date(2026, 11, 20)
SETTLEMENTS = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
REDIRECT = "http://127.0.0.1:8000/connect/amazon/callback"


class Caller:
    """Speaks for one seller; ``answer = caller.get(path, **query)``."""

    def __init__(self, stand_in: AmazonStandIn, seller_id: str) -> None:
        self.stand_in = stand_in
        self.seller_id = seller_id
        self.client = Client(stand_in)
        self.refresh_token = self.control("authorise", seller_id=seller_id)["refresh_token"]
        self.access_token = self.refresh()["access_token"]

    def control(self, action: str, **given: Any) -> Any:
        answer = self.client.post(f"/_control/do/{action}", json=given)
        assert answer.status_code == 200, answer.text
        return answer.json

    def switch(self, **values: Any) -> None:
        assert self.client.post("/_control/switches", json=values).status_code == 200

    def token(self, grant_type: str, **form: str) -> TestResponse:
        application = {name: DEMO_APPLICATION[name] for name in ("client_id", "client_secret")}
        return self.client.post("/auth/o2/token", data={"grant_type": grant_type, **application, **form})

    def refresh(self, refresh_token: str = "") -> Any:
        answer = self.token("refresh_token", refresh_token=refresh_token or self.refresh_token)
        assert answer.status_code == 200, answer.text
        return answer.json

    def travel(self, **time: float) -> None:
        """Let time pass (fields of ``timedelta``), with a new access token: the old one lives an hour."""
        self.stand_in.clock.advance(timedelta(**time).total_seconds())
        self.access_token = self.refresh()["access_token"]

    def headers(self, **more: str) -> dict[str, str]:
        return {"x-amz-access-token": self.access_token, "user-agent": "Tests/1.0 (Language=Python)", **more}

    def get(self, path: str, *, root: str = "", headers: dict[str, str] | None = None, **query: str) -> TestResponse:
        return self.client.get(f"{root}{path}", query_string=query, headers=headers or self.headers())

    def post(self, path: str, body: Any, *, root: str = "") -> TestResponse:
        return self.client.post(f"{root}{path}", json=body, headers=self.headers())

    def delete(self, path: str) -> TestResponse:
        return self.client.delete(path, headers=self.headers())

    def request_report(self, report_type: str, **body: Any) -> TestResponse:
        given = {"reportType": report_type, "marketplaceIds": ["ATVPDKIKX0DER"], **body}
        return self.post("/reports/2021-06-30/reports", given)

    def report(self, report_id: str) -> Any:
        return self.get(f"/reports/2021-06-30/reports/{report_id}").json

    def reports(self, **query: str) -> TestResponse:
        return self.get("/reports/2021-06-30/reports", **query)

    def settlements(self, **query: str) -> TestResponse:
        return self.reports(reportTypes=SETTLEMENTS, **query)

    def document(self, document_id: str, **query: str) -> TestResponse:
        return self.get(f"/reports/2021-06-30/documents/{document_id}", **query)

    def download(self, url: str, headers: dict[str, str] | None = None) -> TestResponse:
        parts = urlsplit(url)
        return self.client.get(f"{parts.path}?{parts.query}", headers=headers)

    def orders(self, **query: str) -> TestResponse:
        return self.get("/orders/2026-01-01/orders", **query)

    def order(self, order_id: str, **query: str) -> TestResponse:
        return self.get(f"/orders/2026-01-01/orders/{order_id}", **query)


def demo_caller() -> Caller:
    stand_in = AmazonStandIn(clock=frozen(NOON))
    account = demo_seller(TODAY)
    stand_in.loading.load(account, TODAY)
    caller = Caller(stand_in, account.seller_id)
    caller.switch(rate_scale=0)
    return caller


def query_of(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def first_error(answer: TestResponse) -> dict[str, str]:
    (error,) = answer.json["errors"]
    return error
