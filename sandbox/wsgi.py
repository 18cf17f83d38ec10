"""The base of every stand-in: a WSGI application with durable state, a request log, faults and a control API."""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from werkzeug.exceptions import HTTPException
from werkzeug.routing import Map, Rule
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Request, Response

from sandbox.clock import Clock
from sandbox.faults import AnswerDropped, Do, Fault, Faults, Place, boundaries
from sandbox.jsontext import dumps, loads
from sandbox.store import Store
from sandbox.switches import Switch, Switches

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_LOG = """
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY, space TEXT NOT NULL, at TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
    query TEXT NOT NULL, operation TEXT NOT NULL, status INTEGER NOT NULL, note TEXT NOT NULL)"""
_LOG_KEEPS = 50_000

# A handler sets this key of the request's environ to have its effect stored and its answer lost.
DROP_ANSWER = "sandbox.drop_answer"

Control = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True, slots=True)
class Route:
    """``path`` in werkzeug's rule syntax; ``handler(request, **path values)`` answers a Response.

    ``operation`` names the boundary; several paths may share it. A stand-in whose operation depends on the body
    overrides ``StandIn.operation_of``.
    """

    method: str
    path: str
    operation: str
    handler: Callable[..., Response]


class Abort(Exception):
    """Raised inside a handler: nothing of this request is stored, and this is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dumps(value), status=status, content_type="application/json;charset=UTF-8", headers=headers)


@cache
def _map_of(routes: tuple[tuple[str, str], ...]) -> Map:
    """The map of (method, path) to its place: compiling one takes longer than most tests of a stand-in."""
    rules = [Rule(path, methods=[method], endpoint=at) for at, (method, path) in enumerate(routes)]
    return Map(rules, strict_slashes=False, merge_slashes=False)


class StandIn:
    """One remote system. A request is one transaction: its effect is stored wholly or not at all.

    A subclass sets ``slug``, answers ``routes()`` and may override the hooks below. ``store`` defaults to memory;
    give a file and the state survives the process. Requests under ``/_control/`` are the tester's, not the client's
    (``sandbox.control``): they are neither logged nor faulted.
    """

    slug = ""
    SWITCHES: Sequence[Switch] = ()

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        self.store = (store or Store()).view(self.slug)
        self.clock = clock or Clock()
        self.switches = Switches(self.store, self.SWITCHES)
        self.faults = Faults(self.store)
        self.store.execute(_LOG)
        self._routes = list(self.routes())
        self._map = _map_of(tuple((each.method, each.path) for each in self._routes))
        if kept := self.store.get("clock", "offset"):
            self.clock.offset = timedelta(seconds=kept["seconds"])

    # What a subclass says

    def routes(self) -> Iterable[Route]:
        raise NotImplementedError

    def operations(self) -> list[str]:
        """Every operation a fault can name."""
        return list(dict.fromkeys(each.operation for each in self._routes))

    def operation_of(self, request: Request, route: Route, values: Mapping[str, Any]) -> str:
        return route.operation

    def guard(self, request: Request, operation: str) -> Response | None:
        """Answered instead of the handler's answer: throttles and other doors. Runs in a transaction of its own."""
        return None

    def error_response(self, status: int, kind: str) -> Response:
        """The system's own way to fail with this status, as ``json``, ``xml`` or ``html``."""
        if kind == "json":
            return json_response({"error": status}, status)
        if kind == "xml":
            return Response(f"<error>{status}</error>", status=status, content_type="application/xml")
        return Response(
            f"<html><body><h1>{status}</h1></body></html>", status=status, content_type="text/html;charset=UTF-8"
        )

    def unknown_path(self, request: Request, error: HTTPException) -> Response:
        return self.error_response(error.code or 404, "json")

    def finish(self, request: Request, response: Response) -> Response:
        """The last touch on every answer, for headers that are always there."""
        return response

    def controls(self) -> Mapping[str, Control]:
        """This stand-in's own control actions: name → function of the posted JSON object."""
        return {}

    def errands(self) -> Mapping[str, Control]:
        """Control actions that call others: they run outside any transaction, so that those may call back."""
        return {}

    # The way of a request

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        request = Request(environ)
        if request.path.startswith("/_control"):
            from sandbox.control import answer_control

            return answer_control(self, request)(environ, start_response)
        self.run_late()
        response, trouble = self._answer(request)
        body = response(environ, start_response)
        return _broken(response.get_data(), trouble, self.clock) if trouble else body

    def _answer(self, request: Request) -> tuple[Response, Fault | None]:
        # The body is read once here, so that a late commit can keep it and a handler can read it again.
        request.get_data(cache=True)
        try:
            route, values = self._match(request)
        except HTTPException as error:
            return self._done(request, "unknown", self.unknown_path(request, error)), None
        operation = self.operation_of(request, route, values)
        if instead := self._before(request, operation):
            return self._done(request, operation, instead, "fault: status, not stored"), None
        with self.store.transaction():
            response = self.guard(request, operation)
        if response is None:
            response = self.execute(request, route, values)
        if request.environ.get(DROP_ANSWER):
            self._drop(request, operation, "dropped by a switch, stored")
        return self._after(request, operation, response)

    def _match(self, request: Request) -> tuple[Route, Mapping[str, Any]]:
        """Raises:
        HTTPException: no route, or not by this method.
        """
        at, values = self._map.bind_to_environ(request.environ).match()
        return self._routes[at], values

    def execute(self, request: Request, route: Route, values: Mapping[str, Any]) -> Response:
        try:
            with self.store.transaction():
                return route.handler(request, **values)
        except Abort as abort:
            return abort.response

    def _before(self, request: Request, operation: str) -> Response | None:
        for fault in self.faults.take(operation, Place.BEFORE_COMMIT):
            match fault.do:
                case Do.LATENCY:
                    self.clock.sleep(fault.seconds)
                case Do.STATUS:
                    return self._instead(fault)
                case Do.LATE_COMMIT:
                    self._keep_late(request, fault.seconds)
                    self._drop(request, operation, "fault: late_commit")
                case _:
                    self._kill_or_drop(request, operation, fault, "not stored")
        return None

    def _after(self, request: Request, operation: str, response: Response) -> tuple[Response, Fault | None]:
        trouble, note = None, ""
        for fault in self.faults.take(operation, Place.AFTER_COMMIT):
            match fault.do:
                case Do.LATENCY:
                    self.clock.sleep(fault.seconds)
                case Do.STATUS:
                    response, note = self._instead(fault), "fault: status, stored"
                case Do.CUT_BODY | Do.SLOW_TRICKLE:
                    trouble, note = fault, f"fault: {fault.do}"
                case _:
                    self._kill_or_drop(request, operation, fault, "stored")
        for fault in self.faults.take(operation, Place.MID_ANSWER):
            trouble, note = fault, f"fault: {fault.do}, mid answer"
        return self._done(request, operation, response, note), trouble

    def _kill_or_drop(self, request: Request, operation: str, fault: Fault, what: str) -> None:
        if fault.do is Do.KILL:
            fault.kill()
        self._drop(request, operation, f"fault: {fault.do}, {what}")

    def _drop(self, request: Request, operation: str, note: str) -> None:
        self._log(request, operation, 0, note)
        raise AnswerDropped

    def _instead(self, fault: Fault) -> Response:
        response = self.error_response(fault.status, fault.body)
        response.headers.update(fault.headers)
        return response

    def _done(self, request: Request, operation: str, response: Response, note: str = "") -> Response:
        self._log(request, operation, response.status_code, note)
        return self.finish(request, response)

    # Commits that come late

    def _keep_late(self, request: Request, seconds: float) -> None:
        due = self.clock.now() + timedelta(seconds=seconds)
        kept = {
            "due": due.isoformat(),
            "method": request.method,
            "path": request.path,
            "query": request.query_string.decode(),
            "headers": dict(request.headers),
            "body": base64.b64encode(request.get_data()).decode(),
        }
        with self.store.transaction():
            self.store.put("late", str(self.store.next_number("late")), kept)

    def late_requests(self) -> list[dict[str, Any]]:
        """Requests whose answer is lost and whose effect is still to come."""
        return self.store.all("late")

    def run_late(self, *, everything: bool = False) -> int:
        """Store the effects that are due by now; every request does this first, so no timer is needed."""
        done = 0
        for id_ in self.store.ids("late"):
            kept = self.store.get("late", id_)
            if kept is None or not (everything or datetime.fromisoformat(kept["due"]) <= self.clock.now()):
                continue
            if not self.store.delete("late", id_):
                continue
            headers = {key: value for key, value in kept["headers"].items() if key.lower() != "content-length"}
            builder = EnvironBuilder(
                path=kept["path"],
                query_string=kept["query"],
                method=kept["method"],
                headers=headers,
                data=base64.b64decode(kept["body"]),
            )
            request = Request(builder.get_environ())
            request.get_data(cache=True)
            route, values = self._match(request)
            response = self.execute(request, route, values)
            operation = self.operation_of(request, route, values)
            self._log(request, operation, response.status_code, "late commit")
            done += 1
        return done

    # Memory of requests

    def _log(self, request: Request, operation: str, status: int, note: str) -> None:
        with self.store.transaction():
            rows = self.store.execute(
                "INSERT INTO requests (space, at, method, path, query, operation, status, note)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING seq",
                (
                    self.slug,
                    self.clock.now().isoformat(),
                    request.method,
                    request.path,
                    request.query_string.decode("latin-1"),
                    operation,
                    status,
                    note,
                ),
            )
            self.store.execute(
                "DELETE FROM requests WHERE space = ? AND seq <= ?", (self.slug, rows[0][0] - _LOG_KEEPS)
            )

    def log(self, operation: str = "*", limit: int = 1000) -> list[dict[str, Any]]:
        """The last requests, oldest first: seq, at, method, path, query, operation, note, status (0: none left)."""
        rows = self.store.execute(
            "SELECT seq, at, method, path, query, operation, status, note FROM requests"
            " WHERE space = ? AND operation GLOB ? ORDER BY seq DESC LIMIT ?",
            (self.slug, operation, limit),
        )
        names = ("seq", "at", "method", "path", "query", "operation", "status", "note")
        return [dict(zip(names, row, strict=True)) for row in reversed(rows)]

    def counters(self) -> dict[str, dict[str, int]]:
        """operation → {status: how many}, over the log that is kept."""
        counted: dict[str, dict[str, int]] = {}
        for operation, status, count in self.store.execute(
            "SELECT operation, status, count(*) FROM requests WHERE space = ? GROUP BY 1, 2 ORDER BY 1, 2", (self.slug,)
        ):
            counted.setdefault(operation, {})[str(status)] = count
        return counted

    def forget_requests(self) -> None:
        self.store.execute("DELETE FROM requests WHERE space = ?", (self.slug,))

    def boundaries(self) -> list[str]:
        return list(boundaries(self.slug, self.operations()))


def _broken(body: bytes, fault: Fault, clock: Clock) -> Iterator[bytes]:
    """The body of an answer that breaks on its way, or crawls."""
    if fault.do is Do.SLOW_TRICKLE:
        for at in range(len(body)):
            clock.sleep(fault.seconds / len(body))
            yield body[at : at + 1]
        return
    half = max(1, len(body) // 2)
    yield body[:half]
    if fault.do is Do.KILL:
        fault.kill()
    raise AnswerDropped(sent=half)


def posted_json(request: Request) -> Any:
    """The JSON value of the body, decimals exact.

    Raises:
        ValueError: the body is no JSON.
    """
    try:
        return loads(request.get_data())
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
