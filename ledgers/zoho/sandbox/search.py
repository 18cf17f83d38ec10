"""Lists: documented filters and their variants, order, pages (sheet §3). What is not documented is ignored in silence."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ledgers.zoho.sandbox import errors
from ledgers.zoho.sandbox.endpoints import Call
from ledgers.zoho.sandbox.fields import Doc, folded
from ledgers.zoho.sandbox.organization import Organization

PER_PAGE: Final = 200
Test = Callable[[Doc], bool]
Filter = Callable[[str], Test]


def _texts(field: str) -> dict[str, Filter]:
    """Exact, without case: a client that means it compares again."""
    return {
        "": lambda given: lambda doc: folded(doc.get(field)) == folded(given),
        "startswith": lambda given: lambda doc: folded(doc.get(field)).startswith(folded(given)),
        "contains": lambda given: lambda doc: folded(given) in folded(doc.get(field)),
        "endswith": lambda given: lambda doc: folded(doc.get(field)).endswith(folded(given)),
    }


def words(*fields: str) -> dict[str, Filter]:
    """``reference_number``, ``reference_number_startswith``, ``reference_number_contains``."""
    return {
        f"{field}_{variant}" if variant else field: test
        for field in fields
        for variant, test in _texts(field).items()
        if variant != "endswith"
    }


def account_words(*fields: str) -> dict[str, Filter]:
    """The chart of accounts spells them ``_contains``, ``_starts_with``, ``_ends_with``."""
    spelt = {"": "", "contains": "_contains", "startswith": "_starts_with", "endswith": "_ends_with"}
    return {f"{field}{spelt[variant]}": test for field in fields for variant, test in _texts(field).items()}


def same(*fields: str) -> dict[str, Filter]:
    def filter_(field: str) -> Filter:
        return lambda given: lambda doc: str(doc.get(field, "")) == given

    return {field: filter_(field) for field in fields}


def one_of(name: str, field: str) -> dict[str, Filter]:
    """Comma separated ids."""
    return {name: lambda given: lambda doc: doc[field] in given.split(",")}


def days(name: str, field: str, *variants: str) -> dict[str, Filter]:
    """``date``, ``date_start``, ``date_end``, ``date_before``, ``date_after``, as far as documented."""
    known: dict[str, Filter] = {
        "": lambda given: lambda doc: doc[field] == given,
        "start": lambda given: lambda doc: doc[field] >= given,
        "end": lambda given: lambda doc: doc[field] <= given,
        "before": lambda given: lambda doc: doc[field] < given,
        "after": lambda given: lambda doc: doc[field] > given,
    }
    chosen = variants or ("start", "end", "before", "after")
    return {f"{name}_{variant}" if variant else name: known[variant] for variant in ("", *chosen)}


def amounts(name: str, field: str = "") -> dict[str, Filter]:
    """``total``, ``total_less_than``, ``_less_equals``, ``_greater_than``, ``_greater_equals``."""
    at = field or name

    def parsed(given: str) -> Decimal:
        try:
            return Decimal(given)
        except InvalidOperation as error:
            raise errors.invalid_parameter(name) from error

    def filter_(holds: Callable[[Decimal, Decimal], bool]) -> Filter:
        def make(given: str) -> Test:
            limit = parsed(given)
            return lambda doc: holds(Decimal(doc[at]), limit)

        return make

    return {
        name: filter_(lambda held, limit: held == limit),
        f"{name}_less_than": filter_(lambda held, limit: held < limit),
        f"{name}_less_equals": filter_(lambda held, limit: held <= limit),
        f"{name}_greater_than": filter_(lambda held, limit: held > limit),
        f"{name}_greater_equals": filter_(lambda held, limit: held >= limit),
    }


def modified_since() -> dict[str, Filter]:
    """2026-06-09T16:22:34-0400; an unescaped ``+`` arrives as a blank and is refused."""

    def make(given: str) -> Test:
        try:
            since = datetime.strptime(given, "%Y-%m-%dT%H:%M:%S%z")
        except ValueError as error:
            raise errors.invalid_parameter("last_modified_time") from error
        return lambda doc: datetime.strptime(doc["last_modified_time"], "%Y-%m-%dT%H:%M:%S%z") >= since

    return {"last_modified_time": make}


def choice(name: str, tests: Mapping[str, Test]) -> dict[str, Filter]:
    """A parameter with a fixed set of values; another value is code 2."""

    def make(given: str) -> Test:
        for value, test in tests.items():
            if value.casefold() == given.casefold():
                return test
        raise errors.invalid_parameter(name)

    return {name: make}


def anywhere(*fields: str) -> dict[str, Filter]:
    """``search_text``."""
    return {"search_text": lambda given: lambda doc: any(folded(given) in folded(doc.get(field)) for field in fields)}


def is_(field: str, value: str) -> Test:
    """For ``choice``: the field has this value."""
    return lambda doc: bool(doc[field] == value)


def everything(doc: Doc) -> bool:
    return True


def candidates(organization: Organization, call: Call, kind: str) -> list[Doc]:
    """The records to search: those an exact reference number leaves, so that a look-up among thousands stays quick."""
    reference = call.arg("reference_number")
    if not reference or organization.switches["filters"] == "ignored":
        return organization.all(kind)
    return organization.store.find(kind, "$._.reference", [folded(reference)], organization.id)


def page(
    organization: Organization,
    call: Call,
    docs: Iterable[Doc],
    filters: Mapping[str, Filter],
    *,
    name: str,
    sorts: Iterable[str] = (),
) -> tuple[list[Doc], Doc]:
    """The records of one page and the ``page_context``. Newest first unless ``sort_column`` says otherwise."""
    asked = {key: value for key, value in call.args.items() if key in filters and value != ""}
    if organization.switches["filters"] == "ignored":
        asked = {}
    tests = [filters[key](value) for key, value in asked.items()]
    found = [doc for doc in docs if all(test(doc) for test in tests) and not (asked and organization.fresh(doc))]
    column, order = _order(call, sorts)
    if column in ("", "created_time"):  # records keep the order in which they were made
        found = found[::-1] if order == "D" else found
    else:
        found.sort(key=lambda doc: _sortable(doc.get(column)), reverse=order == "D")
    number, size = _whole(call, "page", 1), min(_whole(call, "per_page", PER_PAGE), PER_PAGE)
    start = (number - 1) * size
    context = {
        "page": number,
        "per_page": size,
        "has_more_page": len(found) > start + size,
        "report_name": name,
        "applied_filter": call.arg("filter_by", "Status.All"),
        "sort_column": column or "created_time",
        "sort_order": order,
    }
    return found[start : start + size], context


def _order(call: Call, sorts: Iterable[str]) -> tuple[str, str]:
    column = call.arg("sort_column")
    order = call.arg("sort_order").upper()[:1] or "D"
    if column and column not in sorts:
        raise errors.invalid_parameter("sort_column")
    if order not in ("A", "D"):
        raise errors.invalid_parameter("sort_order")
    return column, order


def _sortable(value: Any) -> tuple[int, Decimal, str]:
    if isinstance(value, int | Decimal):
        return 0, Decimal(value), ""
    return 1, Decimal(0), str(value or "").casefold()


def _whole(call: Call, name: str, default: int) -> int:
    given = call.arg(name)
    if not given:
        return default
    if not given.isdigit() or int(given) < 1:
        raise errors.invalid_parameter(name)
    return int(given)
