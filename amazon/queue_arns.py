"""Queues that Amazon can send to: their names, and the policy that lets it. Pure."""

import json
import re
from typing import Final
from urllib.parse import urlsplit

from amazon.notifications import PRINCIPAL

_ARN: Final = re.compile(
    r"arn:aws:sqs:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>[A-Za-z0-9_-]{1,80}(?:\.fifo)?)"
)
_HOST: Final = re.compile(r"sqs\.(?P<region>[a-z0-9-]+)\.amazonaws\.com")


class BadArn(ValueError):
    """Amazon cannot send there; the text says why and what to do."""


def checked(arn: str) -> str:
    """Return the ARN of a queue that notifications can go to. Raises BadArn."""
    arn = arn.strip()
    if arn.startswith("http"):
        raise BadArn("This is the queue's URL. Copy its ARN, which stands beside it and begins with arn:aws:sqs:.")
    found = _ARN.fullmatch(arn)
    if not found:
        raise BadArn("This is no ARN of a queue. It looks like arn:aws:sqs:eu-west-1:123456789012:name.")
    if found["name"].endswith(".fifo"):
        raise BadArn("Amazon sends no notifications to FIFO queues. Make a standard queue and enter its ARN.")
    return arn


def region_of(url: str) -> str:
    """Return the AWS region of a queue by its URL; that of a stand-in on a host of its own is us-east-1."""
    found = _HOST.fullmatch(urlsplit(url).hostname or "")
    return found["region"] if found else "us-east-1"


def arn_of(url: str) -> str:
    """Return the ARN of a queue by its URL."""
    account, _, name = urlsplit(url).path.strip("/").partition("/")
    return f"arn:aws:sqs:{region_of(url)}:{account}:{name}"


def policy(arn: str) -> str:
    """Return the access policy to paste into the queue."""
    statement = {
        "Sid": "AmazonSellingPartnerNotifications",
        "Effect": "Allow",
        "Principal": {"AWS": PRINCIPAL},
        "Action": ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        "Resource": arn,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=2)


def key_policy() -> str:
    """Return what to add to the policy of a key of one's own that encrypts the queue (SSE-KMS)."""
    statement = {
        "Sid": "AmazonSellingPartnerNotifications",
        "Effect": "Allow",
        "Principal": {"AWS": PRINCIPAL},
        "Action": ["kms:GenerateDataKey", "kms:Decrypt"],
        "Resource": "*",
    }
    return json.dumps(statement, indent=2)
