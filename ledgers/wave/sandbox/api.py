"""One endpoint, and the order in which a request meets its checks (sheet §1, §2)."""

import uuid as uuids
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    SelectionSetNode,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values
from graphql.utilities import get_operation_ast
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Request, Response

from ledgers.wave.sandbox.business import Business, prepare
from ledgers.wave.sandbox.graph import executable_schema
from ledgers.wave.sandbox.ids import business_of
from ledgers.wave.sandbox.meters import Meters
from ledgers.wave.sandbox.oauth import NoToken, OAuth, bearer
from ledgers.wave.sandbox.person import Person
from ledgers.wave.sandbox.refusals import TooFast
from ledgers.wave.sandbox.session import Session
from ledgers.wave.sandbox.switches import SWITCHES
from sandbox.books import Books
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import Abort, Control, Route, StandIn, json_response, posted_json

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PATH = "/graphql/public"
# Set while the request is one too many of its token.
_CROWDED = "wave.crowded"
_INSIDE_BUSINESS = (
    "account", "accounts", "customer", "customers", "product", "products", "salesTax", "salesTaxes", "invoice",
    "invoices", "invoicePayment",
)  # fmt: skip


class WaveStandIn(StandIn):
    """Wave: authorisation server and GraphQL API in one application.

    ``books(business)`` reads the general ledger, ``control(name, {...})`` does what a person does in the browser
    (``person.Person``), ``switches`` and ``faults`` steer. Operations are named ``mutation.<field>``,
    ``query.<field>`` and ``query.business.<field>``, after the first field that is asked for.
    """

    slug = "wave"
    SWITCHES = SWITCHES

    def __init__(self, store: Store | None = None, clock: Clock | None = None) -> None:
        super().__init__(store, clock)
        prepare(self.store)
        self.oauth = OAuth(self.store, self.clock, self.switches)
        self.meters = Meters(self.store, self.switches)
        self.schema = executable_schema()
        self.person = Person(self)

    # For tests in the same process

    def business(self, id_: str) -> Business:
        """Raises KeyError: no such business."""
        info = self.store.get("business", business_of(id_) or "")
        if info is None:
            raise KeyError(f"no business {id_}")
        return Business(self.store, self.clock, self.switches, info)

    def books(self, business: str) -> Books:
        """The general ledger; accounts by id or name; late effects that are due are in it."""
        self.run_late()
        return self.business(business).books

    def control(self, action: str, values: dict[str, Any] | None = None) -> Any:
        """A control action (``POST /_control/do/<action>``) without HTTP."""
        with self.store.transaction():
            return self.controls()[action](values or {})

    # The stand-in

    def routes(self) -> Iterable[Route]:
        def authorisation(name: str) -> Callable[[Request], Response]:
            return lambda request: getattr(self.oauth, name)(request)

        yield Route("GET", "/oauth2/authorize/", "consent.show", authorisation("show_consent"))
        yield Route("POST", "/oauth2/authorize/", "consent.decide", authorisation("decide"))
        yield Route("POST", "/oauth2/token/", "token", authorisation("token"))
        yield Route("POST", "/oauth2/token-revoke/", "revoke", authorisation("revoke"))
        yield Route("POST", _PATH, "graphql", self._graphql)

    def operations(self) -> list[str]:
        query, mutation = self.schema.query_type, self.schema.mutation_type
        assert query
        assert mutation
        return [
            *(each.operation for each in self._routes),
            *(f"query.{name}" for name in query.fields),
            *(f"query.business.{name}" for name in _INSIDE_BUSINESS),
            *(f"mutation.{name}" for name in mutation.fields),
        ]

    def operation_of(self, request: Request, route: Route, values: Mapping[str, Any]) -> str:
        if route.operation != "graphql":
            return route.operation
        try:
            posted = posted_json(request)
            document = _document(posted["query"])
            operation = get_operation_ast(document, posted.get("operationName"))
        except (ValueError, KeyError, TypeError, AttributeError, _Invalid):
            return "graphql"
        if operation is None:
            return "graphql"
        roots = _fields(document, operation.selection_set)
        names = [roots[0].name.value]
        if names == ["business"] and roots[0].selection_set:
            inside = [each.name.value for each in _fields(document, roots[0].selection_set)]
            names += [name for name in inside if name in _INSIDE_BUSINESS][:1]
        return f"{operation.operation.value}.{'.'.join(names)}"

    def controls(self) -> Mapping[str, Control]:
        return self.person.actions()

    # Doors

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        token = bearer(Request(environ))
        environ[_CROWDED] = not self.meters.enter(token)
        try:
            return super().__call__(environ, start_response)
        finally:
            self.meters.leave(token)

    def guard(self, request: Request, operation: str) -> Response | None:
        crowded = request.environ[_CROWDED] and request.path == _PATH and bearer(request)
        return self._too_fast(1) if crowded else None

    # GraphQL: parse, validate, coerce variables, authenticate, execute

    def _graphql(self, request: Request) -> Response:
        try:
            posted = posted_json(request)
            text, given = posted["query"], posted.get("variables") or {}
            wanted = posted.get("operationName")
            if not isinstance(text, str) or not isinstance(given, dict):
                raise TypeError("query must be a string and variables an object")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return self._failed([GraphQLError(f"The request is not understood: {error}")], "BAD_REQUEST", 400)
        invalid: int = self.switches["status_invalid"]
        try:
            document = _document(text)
        except _Invalid as error:
            return self._failed(error.errors, error.code, invalid)
        operation = get_operation_ast(document, wanted)
        if operation is None:
            return self._failed([GraphQLError("Unknown operation.")], "GRAPHQL_VALIDATION_FAILED", invalid)
        variables = get_variable_values(self.schema, operation.variable_definitions or (), given)
        if isinstance(variables, list):
            return self._failed(variables, self.switches["variable_error_code"], invalid)
        session = None
        if not all(each.name.value.startswith("__") for each in _fields(document, operation.selection_set)):
            try:
                session = self._session(request)
            except NoToken as why:
                return self._failed(
                    [GraphQLError(str(why))], "UNAUTHENTICATED", self.switches["status_unauthenticated"], data=True
                )
        return self._answer_of(
            execute_sync(self.schema, document, context_value=session, variable_values=given, operation_name=wanted)
        )

    def _session(self, request: Request) -> Session:
        grant = self.oauth.grant_of(request)
        try:
            self.meters.call(grant["client_id"], self.clock.now())
        except TooFast as fast:
            raise Abort(self._too_fast(fast.after_s)) from fast
        return Session(self.store, self.clock, self.switches, self.meters, grant, bearer(request))

    def _answer_of(self, result: ExecutionResult) -> Response:
        body: dict[str, Any] = {"data": result.data}
        shown = []
        for error in result.errors or []:
            cause = error.original_error
            if isinstance(cause, TooFast):
                raise Abort(self._too_fast(cause.after_s)) from cause
            ours = cause is None or isinstance(cause, GraphQLError) or str(cause).startswith("Cannot return null")
            if cause is not None and not ours:
                raise cause  # the stand-in itself is wrong: say so loudly
            code = (error.extensions or {}).get("code", "INTERNAL_SERVER_ERROR")
            shown.append(_formatted(error, str(code)))
        if shown:
            body = {"errors": shown, **body}
        status = 200
        if any(each["extensions"]["code"] == "UNAUTHENTICATED" for each in shown):
            status = self.switches["status_unauthenticated"]
        return json_response(body, status)

    def _failed(self, errors: Iterable[GraphQLError], code: str, status: int, *, data: bool = False) -> Response:
        body: dict[str, Any] = {"errors": [_formatted(each, code) for each in errors]}
        return json_response({**body, "data": None} if data else body, status)

    def _too_fast(self, after_s: int) -> Response:
        headers = {"Retry-After": str(after_s)} if self.switches["retry_after"] == "header" else {}
        return json_response(_error("Too many requests", "TOO_MANY_REQUESTS"), 429, headers)

    def error_response(self, status: int, kind: str) -> Response:
        if kind != "json":
            return super().error_response(status, kind)
        code, text = {
            401: ("UNAUTHENTICATED", "authentication expired"),
            429: ("TOO_MANY_REQUESTS", "Too many requests"),
        }.get(status, ("INTERNAL_SERVER_ERROR", "Internal server error"))
        return json_response(_error(text, code), status)

    def unknown_path(self, request: Request, error: HTTPException) -> Response:
        return self.error_response(error.code or 404, "html")


class _Invalid(Exception):
    """The document cannot be served whatever the variables are."""

    def __init__(self, code: str, errors: list[GraphQLError]) -> None:
        super().__init__(code)
        self.code, self.errors = code, errors


@lru_cache(maxsize=256)
def _document(text: str) -> DocumentNode:
    """Parsed and validated; clients send the same few documents over and over.

    Raises:
        _Invalid: it is not a document of this schema.
    """
    try:
        document = parse(text)
    except GraphQLError as error:
        raise _Invalid("GRAPHQL_PARSE_FAILED", [error]) from error
    if errors := validate(executable_schema(), document):
        raise _Invalid("GRAPHQL_VALIDATION_FAILED", errors)
    return document


def _error(text: str, code: str) -> dict[str, Any]:
    return {"errors": [_formatted(GraphQLError(text), code)]}


def _formatted(error: GraphQLError, code: str) -> dict[str, Any]:
    extensions = {"id": str(uuids.uuid4()), "code": code}
    return {**{key: value for key, value in error.formatted.items() if key != "extensions"}, "extensions": extensions}


def _fields(document: DocumentNode, selected: SelectionSetNode) -> list[FieldNode]:
    """The fields of a selection of a valid document, those of its fragments among them."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    found: list[FieldNode] = []
    for each in selected.selections:
        match each:
            case FieldNode():
                found.append(each)
            case InlineFragmentNode():
                found += _fields(document, each.selection_set)
            case FragmentSpreadNode():
                found += _fields(document, fragments[each.name.value].selection_set)
    return found
