"""The query language: SELECT … FROM … WHERE … ORDERBY … STARTPOSITION … MAXRESULTS (sheet §4)."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import LIST_KINDS, Company, Doc, instant
from ledgers.quickbooks.sandbox.reads import company_info, preferences, shown

_TOKEN = re.compile(r"\s*(?:'((?:[^'\\]|\\.)*)'|([<>]=|[=<>(),*])|([A-Za-z0-9_.:+-]+))", re.DOTALL)
_META = {"Id", "MetaData.CreateTime", "MetaData.LastUpdatedTime"}
_TRANSACTION = _META | {"TxnDate"}
_NUMBERED = _TRANSACTION | {"DocNumber"}
_LIST = _META | {"Active"}
_NAMED = _LIST | {"Name", "FullyQualifiedName"}

# Per entity, the properties a WHERE may name; everything else is 4001.
FILTERABLE: dict[str, set[str]] = {
    "Account": _NAMED | {"AccountType", "AccountSubType", "Classification", "AcctNum"},
    "Item": _NAMED | {"Type", "Sku"},
    "Customer": _LIST | {"DisplayName", "GivenName", "FamilyName", "CompanyName", "FullyQualifiedName"},
    "Vendor": _LIST | {"DisplayName", "GivenName", "FamilyName", "CompanyName"},
    "Class": _NAMED,
    "Department": _NAMED,
    "CompanyCurrency": _LIST | {"Code", "Name"},
    "TaxCode": _LIST | {"Name"},
    "TaxRate": _LIST | {"Name"},
    "Invoice": _NUMBERED | {"CustomerRef", "DueDate"},
    "SalesReceipt": _NUMBERED,
    "CreditMemo": _NUMBERED,
    "RefundReceipt": _NUMBERED,
    "JournalEntry": _NUMBERED,
    "Purchase": _NUMBERED,
    "Payment": _TRANSACTION | {"CustomerRef"},
    "Deposit": _TRANSACTION,
    "Transfer": _TRANSACTION,
}
_SINGLE = ("CompanyInfo", "Preferences")
_PAGE, _LARGEST_PAGE = 100, 1000


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(slots=True)
class Select:
    fields: list[str]
    entity: str
    conditions: list[Condition]
    order: list[tuple[str, bool]]
    start: int = 1
    limit: int = _PAGE
    counting: bool = False


def run(company: Company, text: str) -> Doc:
    """The ``QueryResponse``.

    Raises:
        Fault: 4000 for what cannot be parsed, 4001 for an entity, property or position that cannot be asked for.
    """
    select = parse(text)
    if select.entity in _SINGLE:
        return {select.entity: [single(company, select.entity)], "maxResults": 1}
    if select.entity not in FILTERABLE:
        raise errors.query_error(f"invalid context declaration: {select.entity}")
    for condition in select.conditions:
        if condition.field not in FILTERABLE[select.entity]:
            raise errors.query_error(f"property '{condition.field}' is not queryable")
    found = [doc for doc in _candidates(company, select) if all(_holds(doc, each) for each in select.conditions)]
    if select.entity in LIST_KINDS and not any(each.field == "Active" for each in select.conditions):
        found = [doc for doc in found if doc.get("Active", True)]
    if select.counting:
        return {"totalCount": len(found)}
    for field, descending in reversed(select.order):
        found.sort(key=lambda doc: _order_key(_value(doc, field)), reverse=descending)
    page = found[select.start - 1 : select.start - 1 + select.limit]
    if not page:
        return {}
    answered = shown(company, select.entity, page)
    return {
        select.entity: [_projected(company, select, doc) for doc in answered],
        "startPosition": select.start,
        "maxResults": len(page),
    }


def single(company: Company, entity: str) -> Doc:
    return company_info(company) if entity == "CompanyInfo" else preferences(company)


def _candidates(company: Company, select: Select) -> list[Doc]:
    """Objects that can match, through an index where a condition has one."""
    for condition in select.conditions:
        if condition.field == "Id" and condition.operator in ("=", "IN"):
            return [doc for id_ in condition.values if (doc := company.get(select.entity, id_))]
        if condition.field == "DocNumber" and condition.operator in ("=", "IN"):
            return company.store.find(select.entity, "$.DocNumber", condition.values, company.realm)
        if condition.field == "CustomerRef" and condition.operator in ("=", "IN"):
            return company.store.find(select.entity, "$.CustomerRef.value", condition.values, company.realm)
        if condition.field == "TxnDate" and condition.operator == "=":
            return company.store.find(select.entity, "$.TxnDate", condition.values, company.realm)
    return company.all(select.entity)


# Parsing


def parse(text: str) -> Select:
    tokens = _tokens(text)
    words = _Words(tokens)
    words.expect("SELECT")
    fields, counting = _fields(words)
    words.expect("FROM")
    select = Select(fields, words.word(), [], [], counting=counting)
    if words.accept("WHERE"):
        select.conditions.append(_condition(words))
        while words.accept("AND"):
            select.conditions.append(_condition(words))
    while not words.done:
        _clause(words, select)
    if select.entity in _SINGLE and (select.start, select.limit) != (1, _PAGE):
        raise errors.query_error(f"{select.entity} takes no paging")
    return select


def _tokens(text: str) -> list[tuple[str, str]]:
    """(kind, text): kind is ``text`` for a quoted value, ``sign`` or ``word``."""
    tokens, at = [], 0
    text = text.strip().removesuffix(";")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match:
            if not text[at:].strip():
                break
            raise errors.query_parse_error(f'Encountered "{text[at : at + 20].strip()}" at column {at + 1}')
        quoted, sign, word = match.groups()
        if quoted is not None:
            tokens.append(("text", re.sub(r"\\(.)", r"\1", quoted)))
        else:
            tokens.append(("sign", sign) if sign else ("word", word))
        at = match.end()
    return tokens


class _Words:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at = tokens, 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._tokens)

    def next(self) -> tuple[str, str]:
        if self.done:
            raise errors.query_parse_error("Encountered <EOF>")
        self._at += 1
        return self._tokens[self._at - 1]

    def accept(self, word: str) -> bool:
        if not self.done and self._tokens[self._at][1].upper() == word and self._tokens[self._at][0] != "text":
            self._at += 1
            return True
        return False

    def accept_two(self, first: str, second: str) -> bool:
        if not self.accept(first):
            return False
        self.expect(second)
        return True

    def expect(self, word: str) -> None:
        if not self.accept(word):
            raise errors.query_parse_error(f"Was expecting {word}")

    def word(self) -> str:
        kind, text = self.next()
        if kind != "word":
            raise errors.query_parse_error(f'Encountered "{text}"')
        return text

    def number(self) -> int:
        kind, text = self.next()
        if kind == "sign" or not text.isdigit():
            raise errors.query_parse_error(f'Encountered "{text}", was expecting a number')
        return int(text)


def _fields(words: _Words) -> tuple[list[str], bool]:
    if words.accept("COUNT"):
        words.expect("(")
        words.expect("*")
        words.expect(")")
        return [], True
    fields = []
    while True:
        fields.append("*" if words.accept("*") else words.word())
        if not words.accept(","):
            return fields, False


def _condition(words: _Words) -> Condition:
    field = words.word()
    if words.accept("IN"):
        words.expect("(")
        values = [words.next()[1]]
        while words.accept(","):
            values.append(words.next()[1])
        words.expect(")")
        return Condition(field, "IN", tuple(values))
    if words.accept("LIKE"):
        return Condition(field, "LIKE", (words.next()[1],))
    kind, operator = words.next()
    if kind != "sign" or operator not in ("=", "<", ">", "<=", ">="):
        raise errors.query_parse_error(f'Encountered "{operator}"')
    return Condition(field, operator, (words.next()[1],))


def _clause(words: _Words, select: Select) -> None:
    if words.accept("ORDERBY") or words.accept_two("ORDER", "BY"):
        while True:
            field = words.word()
            descending = words.accept("DESC")
            if not descending:
                words.accept("ASC")
            select.order.append((field, descending))
            if not words.accept(","):
                return
    elif words.accept("STARTPOSITION"):
        select.start = words.number()
        if select.start < 1:
            raise errors.query_error("StartPosition must be at least 1")
    elif words.accept("MAXRESULTS"):
        select.limit = words.number()
        if not 1 <= select.limit <= _LARGEST_PAGE:
            raise errors.query_error(f"MaxResults must be from 1 to {_LARGEST_PAGE}")
    else:
        raise errors.query_parse_error(f'Encountered "{words.next()[1]}"')


# Comparing


def _value(doc: Doc, field: str) -> Any:
    value: Any = doc
    for part in field.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value.get("value") if isinstance(value, dict) else value


def _holds(doc: Doc, condition: Condition) -> bool:
    value = _value(doc, condition.field)
    if condition.field == "Active":
        value = "false" if value is False else "true"
        return value in [each.lower() for each in condition.values]
    if value is None:
        return False
    if condition.operator == "LIKE":
        pattern = ".*".join(re.escape(part) for part in condition.values[0].split("%"))
        return re.fullmatch(pattern, str(value), re.IGNORECASE | re.DOTALL) is not None
    if condition.operator == "IN":
        return any(
            _comparable(value, condition.field) == _comparable(each, condition.field) for each in condition.values
        )
    left, right = _comparable(value, condition.field), _comparable(condition.values[0], condition.field)
    compare: dict[str, Callable[[Any, Any], bool]] = {
        "=": lambda a, b: a == b,
        "<": lambda a, b: a < b,
        ">": lambda a, b: a > b,
        "<=": lambda a, b: a <= b,
        ">=": lambda a, b: a >= b,
    }
    return compare[condition.operator](left, right)


def _comparable(value: Any, field: str) -> Any:
    """Instants as instants, ids as numbers, everything else as text."""
    if field.startswith("MetaData."):
        return instant(str(value))
    if field == "Id":
        return int(value) if str(value).isdigit() else -1
    return str(value)


def _order_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (0, 0)
    try:
        return (1, Decimal(str(value)))
    except InvalidOperation:
        return (2, str(value))


def _projected(company: Company, select: Select, doc: Doc) -> Doc:
    """The fields asked for. ``Sku`` may have to be named even beside ``*``."""
    if "*" in select.fields:
        hide_sku = company.switches["sku_in_select_star"] == "no" and "Sku" not in select.fields
        return {key: value for key, value in doc.items() if not (hide_sku and key == "Sku")}
    kept = {field.split(".")[0] for field in select.fields} | {"Id", "domain"}
    return {**{key: value for key, value in doc.items() if key in kept}, "sparse": True}
