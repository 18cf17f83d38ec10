"""What a log says of requests: method and path, and nothing that opens anything."""

import logging
import re
from typing import Final

from django.http import HttpRequest
from django_structlog.middlewares import RequestMiddleware as StructlogRequestMiddleware

# Links of invitations, password resets and confirmations carry their secret in the path.
_OPAQUE: Final = re.compile(r"[A-Za-z0-9_-]{24,}")


class RequestMiddleware(StructlogRequestMiddleware):
    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """Leave the query out: callbacks of a consent bring codes there."""
        return f"{request.method} {_OPAQUE.sub('…', request.path)}"


class Opaque(logging.Filter):
    """Takes such secrets out of what Django itself says of a request it refuses."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.") and isinstance(record.args, tuple):
            record.args = tuple(_OPAQUE.sub("…", arg) if isinstance(arg, str) else arg for arg in record.args)
        return True
