"""``Idempotency-Key``: a POST sent again with its key gets the first answer, and nothing is done twice.

The key belongs to the API key that sent it. What was done is remembered for a day; a refusal did nothing and is not
kept, so the same key may be sent again once the cause is mended.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.http import QueryDict
from rest_framework import exceptions, status
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from flows.models import RequestKey
from kit.clock import now
from kit.scope import unscoped
from tenants.api import caller

HEADER: Final = "Idempotency-Key"
LONGEST: Final = 200
KEPT_FOR: Final = timedelta(hours=24)
PRESUMED_DEAD: Final = timedelta(minutes=10)  # longer than any request may take


class UnderWay(exceptions.APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "under_way"
    default_detail = "A request with this key is still under way."
    action = "Wait a moment and send it again: you get its answer."


class OtherRequest(exceptions.APIException):
    status_code = status.HTTP_422_UNPROCESSABLE_ENTITY
    default_code = "key_reused"
    default_detail = "This key was already used for another request."
    action = "Use a new key for every new request."


def once(request: Request, answer: Callable[[], Response]) -> Response:
    """Return the first answer to this key; the first time, do what is asked by calling ``answer``."""
    name = request.headers.get(HEADER)
    if name is None:
        return answer()
    if not name.strip() or len(name) > LONGEST or not name.isprintable():
        raise exceptions.ValidationError({HEADER: f"1 to {LONGEST} printable characters."})
    found = _claim(caller(request).actor, name, _digest(request))
    if found.status is not None:
        return Response(json.loads(found.answer), found.status, headers={"Idempotent-Replayed": "true"})
    response = None
    try:
        response = answer()
    finally:
        if response is not None and status.is_success(response.status_code):
            body = JSONRenderer().render(response.data).decode()
            RequestKey.objects.filter(pk=found.pk).update(status=response.status_code, answer=body)
        else:
            RequestKey.objects.filter(pk=found.pk).delete()
    return response


def _claim(caller: str, name: str, digest: str) -> RequestKey:
    """Return the key's row: new and ours, or with its answer. Raises UnderWay, OtherRequest."""
    at = now()
    RequestKey.objects.filter(_over(at), caller=caller, name=name).delete()
    try:
        with transaction.atomic():
            return RequestKey.objects.create(caller=caller, name=name, digest=digest, created_at=at)
    except IntegrityError:
        row = RequestKey.objects.filter(caller=caller, name=name).first()
    if row is None:  # it was refused in this very moment
        raise UnderWay
    if row.digest != digest:
        raise OtherRequest
    if row.status is None:
        raise UnderWay
    return row


def purge() -> int:
    """Delete the keys and answers that nobody gets any more, of every tenant; return how many."""
    with unscoped("what is over is of no use to any tenant"):
        deleted, _ = RequestKey.objects.filter(_over(now())).delete()
    return deleted


def _over(at: datetime) -> Q:
    return Q(created_at__lte=at - KEPT_FOR) | Q(status=None, created_at__lte=at - PRESUMED_DEAD)


def _digest(request: Request) -> str:
    """Return the SHA-256 of what is asked: method, address and content. The boundaries of a form do not count."""
    hashed = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode())
    if any(isinstance(parser, MultiPartParser) for parser in request.parsers or ()):
        assert isinstance(request.data, QueryDict)
        for name, values in sorted(request.data.lists()):
            for value in values:
                hashed.update(f"{name}\n".encode())
                _add(hashed, value)
    else:
        hashed.update(request.body)
    return hashed.hexdigest()


def _add(hashed: "hashlib._Hash", value: "str | UploadedFile[Any]") -> None:
    if isinstance(value, str):
        hashed.update(hashlib.sha256(value.encode()).digest())
        return
    content = hashlib.sha256()
    for chunk in value.chunks():
        content.update(chunk)
    value.seek(0)
    hashed.update(content.digest())
