"""Reads the queue (SQS) to which Amazon sends the notices of the installation's own application.

A message is deleted once what it says is stored, never before; SQS hands it out again otherwise. One of which nothing can be
made leaves the queue into ``PoisonMessage``, so that it does not come back for ever.
"""

import hashlib
import logging
import time
from typing import Any, Final

from django.conf import settings

from amazon import envelopes, notice_secrets, notices
from amazon.models import PoisonMessage
from amazon.queue_arns import arn_of, region_of
from kit.clock import now

BATCH: Final = 10  # the most that SQS hands over and takes back at once
WAIT_S: Final = 20  # the longest poll of SQS
READ_S: Final = 50.0  # begun anew each minute
HIDDEN_S: Final = 60  # how long nobody else gets a message that was handed over
TRIES: Final = 10  # a message whose storing broke this often is at fault itself

log = logging.getLogger(__name__)


class QueueTrouble(Exception):
    """The queue cannot be used; the text says why."""


def arn() -> str:
    """Return the ARN of the installation's queue, "" where it has none."""
    return arn_of(settings.AMAZON_SQS_QUEUE_URL) if settings.AMAZON_SQS_QUEUE_URL else ""


def read(for_s: float = READ_S, wait_s: int = WAIT_S) -> int:
    """Store what is in the queue and comes within a time; return how many messages were taken off it. Raises QueueTrouble."""
    (sqs, errors), until, taken = _client(), time.monotonic() + for_s, 0
    try:
        while (left_s := until - time.monotonic()) > 0:
            messages = _receive(sqs, min(wait_s, int(left_s)))
            if not messages and wait_s == 0:
                break
            done = [message for message in messages if _stored(message)]
            _delete(sqs, done)
            taken += len(done)
    except errors as error:
        raise QueueTrouble(str(error)) from error
    return taken


def look() -> int:
    """Return about how many messages wait in the queue. Raises QueueTrouble."""
    sqs, errors = _client()
    try:
        answer = sqs.get_queue_attributes(
            QueueUrl=settings.AMAZON_SQS_QUEUE_URL, AttributeNames=["ApproximateNumberOfMessages"]
        )
    except errors as error:
        raise QueueTrouble(str(error)) from error
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def _stored(message: dict[str, Any]) -> bool:
    """Store what a message says; False where it has to come again."""
    body = message["Body"].encode(errors="replace")
    try:
        found, refused = envelopes.read(body)
        for envelope in found:
            _keep(envelope)
    except envelopes.BadEnvelope as error:
        refused = [str(error)]
    except Exception:
        log.exception("message %s of the queue could not be stored", message["MessageId"])
        if int(message.get("Attributes", {}).get("ApproximateReceiveCount", 0)) < TRIES:
            return False
        refused = ["Storing it broke again and again; see the log."]
    if refused:
        _poison(message, body, refused[0])
    return True


def _keep(envelope: envelopes.Envelope) -> None:
    if envelope.secret is not None:
        notice_secrets.arrived(envelope)
        return
    tenants = notices.tenants_of(envelope) if envelope.seller_id else []
    if not tenants:
        log.warning("a notice of type %s is about nobody who is connected and subscribed to it", envelope.kind)
    for tenant_id in tenants:
        notices.keep(tenant_id, [envelope])


def _poison(message: dict[str, Any], body: bytes, why: str) -> None:
    log.error("message %s left the queue unread: %s", message["MessageId"], why)
    PoisonMessage.objects.get_or_create(
        message_id=message["MessageId"],
        defaults={"why": why[:200], "sha256": hashlib.sha256(body).hexdigest(), "size": len(body), "taken_at": now()},
    )


def _receive(sqs: Any, wait_s: int) -> list[dict[str, Any]]:
    answer = sqs.receive_message(
        QueueUrl=settings.AMAZON_SQS_QUEUE_URL,
        MaxNumberOfMessages=BATCH,
        WaitTimeSeconds=wait_s,
        VisibilityTimeout=HIDDEN_S,
        AttributeNames=["ApproximateReceiveCount"],
    )
    found: list[dict[str, Any]] = answer.get("Messages", [])
    return found


def _delete(sqs: Any, messages: list[dict[str, Any]]) -> None:
    """Take messages off the queue. One that stays comes again, and what it says is known by then."""
    entries = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
    if entries:
        sqs.delete_message_batch(QueueUrl=settings.AMAZON_SQS_QUEUE_URL, Entries=entries)


def _client() -> tuple[Any, tuple[type[Exception], ...]]:
    """Return a client of SQS and what it raises. Most installations are without boto3, so it is asked for only here."""
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ImportError as error:
        raise QueueTrouble(
            "AMAZON_SQS_QUEUE_URL is set, and boto3 is not installed: pip install -r requirements-sqs.txt."
        ) from error
    errors = (BotoCoreError, ClientError)
    region, endpoint = region_of(settings.AMAZON_SQS_QUEUE_URL), settings.AMAZON_SQS_ENDPOINT_URL or None
    try:
        return boto3.client("sqs", endpoint_url=endpoint, region_name=region), errors
    except errors as error:
        raise QueueTrouble(str(error)) from error
