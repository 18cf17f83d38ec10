"""Lists: which search keys work, which sort keys do, pages (sheet §4). Whatever is not known is silently ignored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from werkzeug.datastructures import MultiDict

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import DELETED, Business
from ledgers.freshbooks.sandbox.fields import Doc

PER_PAGE, MOST_PER_PAGE = 15, 100


@dataclass(frozen=True, slots=True)
class Filter:
    """``test(stored object, values given, exclusive)``; ``index`` is the stored text it compares for equality."""

    test: Callable[[Doc, Sequence[str], bool], bool]
    index: str = ""


def equals(key: str, index: str = "") -> Filter:
    """One value, or any of a set (``search[key][]``)."""
    return Filter(lambda doc, given, _: _text(doc.get(key)) in given, index)


def contains(key: str) -> Filter:
    return Filter(lambda doc, given, _: given[0].lower() in _text(doc.get(key)).lower())


def at_least(key: str) -> Filter:
    return Filter(lambda doc, given, _: _text(doc.get(key)) >= given[0])


def before(key: str) -> Filter:
    """Documented as 'before'; the switch makes it 'up to', compared in the precision of what is given."""
    return Filter(
        lambda doc, given, exclusive: (
            _text(doc.get(key)) < given[0] if exclusive else _text(doc.get(key))[: len(given[0])] <= given[0]
        )
    )


def between(key: str, name: str) -> dict[str, Filter]:
    return {f"{name}_min": at_least(key), f"{name}_max": before(key)}


def amounts(key: str) -> dict[str, Filter]:
    return {
        f"{key}_min": Filter(lambda doc, given, _: _amount(doc, key) >= _decimal(given[0])),
        f"{key}_max": Filter(lambda doc, given, _: _amount(doc, key) <= _decimal(given[0])),
        key: Filter(lambda doc, given, _: _amount(doc, key) == _decimal(given[0])),
    }


def currency(key: str) -> Filter:
    return Filter(lambda doc, given, _: doc[key]["code"] in given)


def positive(key: str) -> Filter:
    """true: something of it; false: nothing."""
    return Filter(lambda doc, given, _: (_amount(doc, key) > 0) == (given[0].lower() in ("true", "1")))


def flag(key: str) -> Filter:
    return Filter(lambda doc, given, _: bool(doc.get(key)) == (given[0].lower() in ("true", "1")))


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _amount(doc: Doc, key: str) -> Decimal:
    return Decimal(doc[key]["amount"])


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise errors.refusal(errors.NOT_A_NUMBER, "Search value must be a number.", "search", "", text) from error


# A list


def asked(args: "MultiDict[str, str]", known: Mapping[str, Filter], business: Business) -> dict[str, list[str]]:
    """The search keys of a request that do something, with their values."""
    if business.switches["filters"] == "ignored":
        return {}
    found: dict[str, list[str]] = {}
    for name in args:
        if not name.startswith("search["):
            continue
        key = name.removeprefix("search[").split("]")[0]
        if key in known:
            found[key] = args.getlist(name)
    return found


def chosen(
    business: Business,
    kind: str,
    args: "MultiDict[str, str]",
    known: Mapping[str, Filter],
    view: Callable[[Business, Doc], Doc],
) -> list[Doc]:
    """The objects that pass every working filter, by order of creation; deleted ones only by vis_state.

    ``view`` adds to a stored object what is only known when it is asked for.
    """
    wanted = asked(args, known, business)
    indexed = next((key for key in wanted if known[key].index), "")
    stored = business.find(kind, known[indexed].index, *wanted[indexed]) if indexed else business.all(kind)
    exclusive = business.switches["max_filter"] == "exclusive"
    seen = [view(business, doc) for doc in stored if "vis_state" in wanted or doc.get("vis_state") != DELETED]
    return [doc for doc in seen if all(known[key].test(doc, wanted[key], exclusive) for key in wanted)]


def ordered(business: Business, docs: list[Doc], asked_for: str, sorts: Mapping[str, str]) -> list[Doc]:
    """By a sort key that works (``invoice_date_desc``), else as the service likes."""
    key, _, direction = asked_for.rpartition("_")
    if key in sorts and direction in ("asc", "desc"):
        return sorted(docs, key=lambda doc: _sortable(doc.get(sorts[key])), reverse=direction == "desc")
    return docs[::-1] if business.switches["list_order"] == "newest_first" else docs


def _sortable(value: Any) -> str:
    return _text(value).lower()


def page_of(docs: Sequence[Doc], args: "MultiDict[str, str]") -> tuple[list[Doc], Doc]:
    """One page and its numbers; 0 pages when there is nothing.

    Raises:
        Refusal: 1013 and 1014 for numbers that are none.
    """
    per_page = min(_count(args, "per_page", PER_PAGE, errors.BAD_PER_PAGE), MOST_PER_PAGE)
    page = _count(args, "page", 1, errors.BAD_PAGE)
    numbers = {"page": page, "pages": -(-len(docs) // per_page), "per_page": per_page, "total": len(docs)}
    return list(docs[(page - 1) * per_page : page * per_page]), numbers


def _count(args: "MultiDict[str, str]", name: str, default: int, errno: int) -> int:
    text = args.get(name, str(default))
    if not text.isdigit() or int(text) < 1:
        raise errors.refusal(errno, f"{name} must be a positive number.", name, "", text)
    return int(text)


def includes(args: "MultiDict[str, str]") -> set[str]:
    return {*args.getlist("include[]"), *args.getlist("include")}
