"""From a queue to an address of the receiver, in the three ways that customers of Amazon build.

``event_bridge``  an API destination: the header and secret of its connection, five seconds of patience, retried for
                  24 hours or 185 attempts on 401, 407, 409, 429, 5xx and silence, with respect for Retry-After
``hmac``          a forwarder of the customer's own: HMAC-SHA256 with a shared secret over timestamp (Unix seconds),
                  full stop and raw body, in hex after ``sha256=``; anything but 2xx is tried again
``sqs``           SendMessage of the SQS JSON protocol to a queue URL; its signature is void, as local SQS servers take it

The body is the notification as it lies in the queue. Source of the first: Amazon EventBridge user guide.
"""

import hashlib
import hmac
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener

from amazon.sandbox.queues import Queues, notification_id_of
from sandbox.clock import Clock
from sandbox.jsontext import dumps
from sandbox.store import Store

PATIENCE_S = 5
MOST_ATTEMPTS = 185
_RETRIED = (0, 401, 407, 409, 429)
_LONGEST_PAUSE_S = 3600
_WAYS = ("event_bridge", "hmac", "sqs")

Post = Callable[[str, bytes, Mapping[str, str]], tuple[int, Mapping[str, str]]]
"""(url, body, headers) → (status, headers); status 0 for no answer within ``PATIENCE_S``."""


class _Stay(HTTPRedirectHandler):
    def redirect_request(self, *_given: Any) -> None:
        return None


def post(url: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, Mapping[str, str]]:
    try:
        with build_opener(_Stay).open(Request(url, body, dict(headers)), timeout=PATIENCE_S) as answer:
            return answer.status, dict(answer.headers)
    except HTTPError as refused:
        with refused:
            return refused.code, dict(refused.headers)
    except OSError:
        return 0, {}


class Forwarding:
    def __init__(self, store: Store, clock: Clock, queues: Queues) -> None:
        self._store = store
        self._clock = clock
        self._queues = queues
        self._running: dict[str, threading.Event] = {}
        self.post: Post = post

    def errands(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {"forward": self.forward, "keep_forwarding": self._keep_forwarding, "stop_forwarding": self._stop}

    def actions(self) -> Mapping[str, Callable[[dict[str, Any]], Any]]:
        return {"dead_letters": lambda given: {"messages": self._store.all("dead_letter", scope=given["arn"])}}

    def forward(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Send what is due in the queue ``arn`` to ``url``, each once, in the way ``as``.

        ``secret`` (all but ``sqs``), ``header`` (``event_bridge``), ``timestamp_header`` and ``signature_header``
        (``hmac``) are the receiver's choice. Answers message_id, notification_id, attempt and status of each.
        """
        if given["as"] not in _WAYS:
            raise ValueError(f"as is one of {', '.join(_WAYS)}")
        return {"sent": [self._send(given, message) for message in self._queues.due(given["arn"])]}

    def _send(self, given: Mapping[str, Any], message: Mapping[str, Any]) -> dict[str, Any]:
        arn, attempt = given["arn"], message["attempts"] + 1
        status, headers = self.post(given["url"], *self._written(given, message["body"]))
        if 200 <= status < 300:
            self._queues.drop(arn, message["message_id"])
        elif attempt < MOST_ATTEMPTS and (given["as"] != "event_bridge" or status in _RETRIED or status >= 500):
            pause_s = max(min(2**attempt, _LONGEST_PAUSE_S), self._asked_pause_s(headers))
            self._queues.put_back(arn, message, self._clock.now() + timedelta(seconds=pause_s))
        else:
            self._queues.drop(arn, message["message_id"])
            dead = {"message_id": message["message_id"], "body": message["body"], "status": status}
            self._store.put("dead_letter", message["message_id"], dead, scope=arn)
        return {
            "message_id": message["message_id"],
            "notification_id": notification_id_of(message["body"]),
            "attempt": attempt,
            "status": status,
        }

    def _written(self, given: Mapping[str, Any], text: str) -> tuple[bytes, dict[str, str]]:
        body = text.encode()
        headers = {"Content-Type": "application/json; charset=utf-8"}
        match given["as"]:
            case "event_bridge":
                headers |= {"User-Agent": "Amazon/EventBridge/ApiDestinations", given["header"]: given["secret"]}
            case "hmac":
                timestamp = str(int(self._clock.now().timestamp()))
                signed = hmac.new(given["secret"].encode(), timestamp.encode() + b"." + body, hashlib.sha256)
                headers |= {
                    given.get("timestamp_header", "X-Tieout-Timestamp"): timestamp,
                    given.get("signature_header", "X-Tieout-Signature"): f"sha256={signed.hexdigest()}",
                }
            case _:
                region = given["arn"].split(":")[3]
                day = self._clock.now().strftime("%Y%m%d")
                headers = {
                    "Content-Type": "application/x-amz-json-1.0",
                    "X-Amz-Target": "AmazonSQS.SendMessage",
                    "Authorization": f"AWS4-HMAC-SHA256 Credential=stand-in/{day}/{region}/sqs/aws4_request,"
                    " SignedHeaders=host, Signature=0",
                }
                body = dumps({"QueueUrl": given["url"], "MessageBody": text}).encode()
        return body, headers

    def _asked_pause_s(self, headers: Mapping[str, str]) -> float:
        asked = next((value for name, value in headers.items() if name.lower() == "retry-after"), "0")
        if asked.isdecimal():
            return int(asked)
        try:
            return (parsedate_to_datetime(asked) - self._clock.now()).total_seconds()
        except (TypeError, ValueError):
            return 0

    # For as long as this process lives

    def _keep_forwarding(self, given: dict[str, Any]) -> dict[str, Any]:
        """Forward the queue again and again, ``every_s`` seconds (1), until told to stop or the process ends."""
        self._stop(given)
        self.forward(given)
        stopped = self._running[given["arn"]] = threading.Event()

        def again() -> None:
            while not stopped.wait(given.get("every_s", 1)):
                self.forward(given)

        threading.Thread(target=again, daemon=True, name=f"forwarding {given['arn']}").start()
        return {}

    def _stop(self, given: dict[str, Any]) -> dict[str, Any]:
        if running := self._running.pop(given["arn"], None):
            running.set()
        return {}
