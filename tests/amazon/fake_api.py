"""A Selling Partner API of a few lines: answers what a test queued, and remembers what was asked."""

import json
from collections import defaultdict
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

BASE = "https://sellingpartnerapi-na.amazon.com"
FILES = "https://files.example"


@dataclass
class Asked:
    path: str
    raw_query: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def query(self):
        return dict(parse_qsl(self.raw_query, keep_blank_values=True))

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode()))


@dataclass
class FakeApi:
    """``answers[path]`` is a list of (status, body) or callables of the request; the last one stays."""

    answers: dict = field(default_factory=lambda: defaultdict(list))
    asked: list = field(default_factory=list)

    def answer(self, path, *answers):
        self.answers[path].extend(answers)

    def asked_for(self, path):
        return [asked for asked in self.asked if asked.path == path]

    def __call__(self, environ, start_response):
        headers = {name[5:].lower().replace("_", "-"): value for name, value in environ.items() if name[:5] == "HTTP_"}
        body = environ["wsgi.input"].read()
        asked = Asked(environ["PATH_INFO"], environ.get("QUERY_STRING", ""), headers, body)
        self.asked.append(asked)
        queue = self.answers[asked.path]
        if not queue:
            answer = (404, {"errors": [{"code": "NotFound", "message": asked.path}]})
        else:
            answer = queue.pop(0) if len(queue) > 1 else queue[0]
        if callable(answer):
            answer = answer(asked)
        if isinstance(answer, Exception):
            raise answer
        status, body = answer[:2]
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        extra = answer[2] if len(answer) > 2 else {"x-amzn-RequestId": "req-1"}
        start_response(f"{status} -", [("Content-Type", "application/json"), *extra.items()])
        return [content]


def fault(status, code, message="", details=""):
    return status, {"errors": [{"code": code, "message": message, "details": details}]}
