"""A caller of the pretend Amazon whose application has a queue, and the words of the Notifications API."""

from typing import Any

from werkzeug.test import TestResponse

from sandbox.jsontext import loads
from tests.sandbox.amazon_caller import Caller, demo_caller

QUEUE = "arn:aws:sqs:us-east-1:123456789012:tieout"
CONSOLE = "arn:aws:sqs:us-east-1:123456789012:tieout-secrets"
DESTINATIONS = "/notifications/v1/destinations"
SUBSCRIPTIONS = "/notifications/v1/subscriptions"
SECRET = "/applications/2023-11-30/clientSecret"
VERSIONS = {"ORDER_CHANGE": "1.0", "TRANSACTION_UPDATE": "1.0", "REPORT_PROCESSING_FINISHED": "2020-09-04"}


class Notified:
    """``as_app`` calls with the application's own token, ``as_seller`` with the seller's."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.tokens: dict[str, str] = {}

    def as_app(
        self, method: str, path: str, body: Any = None, *, scope: str = "notifications", root: str = "", **query: str
    ) -> TestResponse:
        if scope not in self.tokens:
            answer = self.caller.token("client_credentials", scope=f"sellingpartnerapi::{scope}")
            self.tokens[scope] = answer.json["access_token"]
        headers = self.caller.headers(**{"x-amz-access-token": self.tokens[scope]})
        return self.caller.client.open(root + path, method=method, json=body, headers=headers, query_string=query)

    def as_seller(self, method: str, path: str, body: Any = None, **query: str) -> TestResponse:
        headers = self.caller.headers()
        return self.caller.client.open(path, method=method, json=body, headers=headers, query_string=query)

    def destination(self, arn: str = QUEUE) -> str:
        body = {"name": "Tieout", "resourceSpecification": {"sqs": {"arn": arn}}}
        answer = self.as_app("POST", DESTINATIONS, body)
        assert answer.status_code == 200, answer.text
        return str(answer.json["payload"]["destinationId"])

    def subscribe(self, kind: str, destination_id: str, version: str = "", **more: Any) -> TestResponse:
        body = {"payloadVersion": version or VERSIONS[kind], "destinationId": destination_id, **more}
        return self.as_seller("POST", f"{SUBSCRIPTIONS}/{kind}", body)

    def taken(self, arn: str = QUEUE, **more: Any) -> list[Any]:
        """What is in the queue, as its receiver reads it; it is gone then."""
        found = self.caller.control("take_messages", arn=arn, **{"most": 100, **more})["messages"]
        return [loads(each["body"]) for each in found]


def notified(*kinds: str) -> Notified:
    """The demo seller, subscribed to ``kinds``."""
    made = Notified(demo_caller())
    if kinds:
        destination_id = made.destination()
        for kind in kinds:
            assert made.subscribe(kind, destination_id).status_code == 200
    return made
