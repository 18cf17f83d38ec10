"""One Zoho Books organization: its records, references between them, currencies, locked periods and books."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from zoneinfo import ZoneInfo

from ledgers.zoho.sandbox import errors
from ledgers.zoho.sandbox.charts import EXCHANGE
from ledgers.zoho.sandbox.errors import Fault
from ledgers.zoho.sandbox.fields import Doc, empty, folded, number, plain, rounded, text
from sandbox.books import Books, Posting, from_minor, to_minor
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

FIRST_ID = 4_600_000_000_000_000_000
_BLOCK = 1_000_000_000
# What a locked module keeps: sheet §7, transaction lock.
MODULES = ("sales", "purchase", "accountant", "banking")


@dataclass(frozen=True, slots=True)
class Money:
    """The currency of one document and its rate: base units per unit."""

    currency: Doc
    rate: Decimal
    base: str

    @property
    def code(self) -> str:
        return str(self.currency["currency_code"])

    def rounded(self, amount: Decimal) -> Decimal:
        return rounded(amount, self.code)

    def in_base(self, amount: Decimal) -> Decimal:
        """Half up, to base precision."""
        return amount if self.code == self.base else rounded(amount * self.rate, self.base)

    def posting(self, account: str, amount: Decimal, memo: str = "") -> Posting:
        """A line: debit positive."""
        return Posting(account, self.code, to_minor(amount, self.code), to_minor(self.in_base(amount), self.base), memo)

    def fields(self) -> Doc:
        return {
            "currency_id": self.currency["currency_id"],
            "currency_code": self.code,
            "currency_symbol": self.currency["currency_symbol"],
            "exchange_rate": plain(self.rate),
            "price_precision": self.currency["price_precision"],
        }


class Organization:
    """A view for the length of one request. ``info`` is the stored record (``organizations.py``)."""

    def __init__(self, store: Store, clock: Clock, switches: Switches, info: Doc) -> None:
        self.store, self.clock, self.switches, self.info = store, clock, switches, info
        self.id: str = info["organization_id"]
        self.base: str = info["currency_code"]
        self.books = Books(store, self.id, self.base, self.account_id)

    def save_info(self) -> None:
        self.store.put("organization", self.id, self.info)

    # Time

    def stamp(self, moment: datetime | None = None) -> str:
        """2026-06-09T16:22:34-0400, in the zone of the organization."""
        return (moment or self.clock.now()).astimezone(ZoneInfo(self.info["time_zone"])).strftime("%Y-%m-%dT%H:%M:%S%z")

    def today(self) -> str:
        return self.clock.now().astimezone(ZoneInfo(self.info["time_zone"])).date().isoformat()

    # Records. Each keeps under ``_`` what an answer does not show: ``in`` (the merged input), ``created``, its state.

    def get(self, kind: str, id_: str) -> Doc | None:
        return self.store.get(kind, id_, self.id)

    def all(self, kind: str) -> list[Doc]:
        return self.store.all(kind, self.id)

    def need(self, kind: str, id_: str, status: int = 404) -> Doc:
        """The record.

        Raises:
            Fault: 1002, or 2006 for the item a body names that was deleted.
        """
        doc = self.get(kind, id_)
        if doc is None and kind == "item" and status == 400 and self.get("deleted", f"item:{id_}"):
            raise Fault(2006, "Item does not exist: it has been deleted.")
        if doc is None:
            raise errors.not_found(kind.replace("_", " ").capitalize(), status)
        return doc

    def put(self, kind: str, doc: Doc, id_field: str = "") -> Doc:
        self.store.put(kind, doc[id_field or f"{kind}_id"], doc, self.id)
        return doc

    def bury(self, kind: str, id_: str) -> None:
        self.store.delete(kind, id_, self.id)
        self.store.put("deleted", f"{kind}:{id_}", {"at": self.stamp()}, self.id)

    def new_id(self) -> str:
        return str(FIRST_ID + self.info["number"] * _BLOCK + self.store.next_number(f"{self.id}:id") * 2)

    def next_number(self, name: str, start: int = 1) -> int:
        return self.store.next_number(f"{self.id}:{name}", start)

    def stamped(self, doc: Doc, old: Doc | None, given: Mapping[str, object]) -> Doc:
        """``doc`` with its times and, under ``_``, what was put in."""
        notes = {**(old["_"] if old else {"created": self.clock.now().isoformat()}), "in": dict(given)}
        if reference := doc.get("reference_number"):
            notes["reference"] = folded(reference)
        created = old["created_time"] if old else self.stamp()
        return {**doc, "created_time": created, "last_modified_time": self.stamp(), "_": {**notes, **doc.get("_", {})}}

    def merged(self, old: Doc | None, given: Doc) -> Doc:
        """What a change leaves as it was, with what it names; the rate stays unless it or the currency is named."""
        if old is None:
            return dict(given)
        kept = dict(old["_"]["in"])
        if "exchange_rate" in old and not {"currency_id", "currency_code"} & set(given):
            kept["exchange_rate"] = old["exchange_rate"]
        return {**kept, **given}

    # References

    def account(self, id_: object, field: str) -> Doc:
        """An active account.

        Raises:
            Fault: 4 without one, 1002 for one that is not there, the inactive code.
        """
        if empty(id_):
            raise errors.missing_field(field)
        doc = self.need("account", str(id_), 400)
        self.check_active(doc, "account", doc["account_name"])
        return doc

    def called(self, kind: str, field: str, value: str) -> list[Doc]:
        """Records by a note of theirs that must be unique: a folded ``name``, a folded ``sku``."""
        return self.store.find(kind, f"$._.{field}", [folded(value)], self.id) if value else []

    def check_active(self, doc: Doc, what: str, name: str) -> None:
        active = doc["is_active"] if "is_active" in doc else doc["status"] == "active"
        if not active:
            raise Fault(self.switches["inactive_code"], f"The {what} {name} has been marked as inactive.")

    def contact(self, id_: object, field: str = "customer_id") -> Doc:
        if empty(id_):
            raise errors.missing_field(field)
        doc = self.need("contact", str(id_), 400)
        self.check_active(doc, "contact", doc["contact_name"])
        return doc

    def account_id(self, name: str) -> str:
        """The id of an account given by id or name.

        Raises:
            KeyError: there is none.
        """
        if self.get("account", name):
            return name
        return str(self._named(name)["account_id"])

    def system(self, name: str) -> str:
        """The id of an account Zoho posts to by itself, whatever a person calls it today."""
        for doc in self.store.find("account", "$._.seed", [name], self.id):
            return str(doc["account_id"])
        raise KeyError(f"no account {name!r} in organization {self.id}")

    def _named(self, name: str) -> Doc:
        for doc in self.store.find("account", "$.account_name", [name], self.id):
            return doc
        raise KeyError(f"no account {name!r} in organization {self.id}")

    # Money

    def currency(self, id_: object, field: str = "currency_id") -> Doc:
        doc = self.get("currency", str(id_))
        if doc is None:
            raise errors.invalid_field(field)
        return doc

    def currency_of(self, code: str) -> Doc:
        return next(doc for doc in self.all("currency") if doc["currency_code"] == code)

    def account_currency(self, account: Doc) -> Doc:
        return self.currency(account["currency_id"])

    def money(self, body: Mapping[str, object], on_date: str, default: Doc | None = None) -> Money:
        """The currency and rate of a document; ``default`` is the currency when the body names none."""
        currency = default or self.currency_of(self.base)
        if not empty(body.get("currency_id")):
            currency = self.currency(body["currency_id"])
        elif not empty(body.get("currency_code")):
            found = [each for each in self.all("currency") if each["currency_code"] == body["currency_code"]]
            if not found:
                raise errors.invalid_field("currency_code")
            currency = found[0]
        return Money(currency, self.rate(currency, on_date, body.get("exchange_rate")), self.base)

    def rate(self, currency: Doc, on_date: str, given: object = None) -> Decimal:
        """The rate given, else the one stored for the day or before, else 1: no warning, as the real service."""
        if currency["currency_code"] == self.base:
            return Decimal(1)
        if not empty(given):
            value = number(given, "exchange_rate")
            if value <= 0:
                raise errors.invalid_field("exchange_rate")
            kept = value.quantize(Decimal(1).scaleb(-self.switches["exchange_rate_decimals"]), ROUND_DOWN)
            return kept.normalize()
        stored = self.stored_rate(currency, on_date) if self.switches["missing_rate"] == "stored_or_1" else None
        return Decimal(stored["rate"]) if stored else Decimal(1)

    def stored_rate(self, currency: Doc, on_date: str) -> Doc | None:
        """Of the day, or of the closest day before."""
        rates = self.store.find("exchange_rate", "$.currency_id", [currency["currency_id"]], self.id)
        found = [each for each in rates if each["effective_date"] <= on_date]
        return max(found, key=lambda each: str(each["effective_date"])) if found else None

    def amount(self, minor: int, currency: str = "") -> Decimal:
        return from_minor(minor, currency or self.base)

    # Books

    def balanced(self, lines: Iterable[Posting], money: Money) -> list[Posting]:
        """The lines, and where what converting each by itself leaves over in base goes."""
        made = list(lines)
        rest = sum(line.home_amount for line in made)
        if not rest:
            return made
        policy = self.switches["residual"]
        if policy == "refuse":
            raise Fault(21004, "Please ensure that the debits and credits are equal in the base currency.")
        if policy == "last_line":
            last = made[-1]
            made[-1] = Posting(last.account, last.currency, last.amount, last.home_amount - rest, last.memo)
            return made
        return [*made, Posting(self.system(EXCHANGE), money.code, 0, -rest, "")]

    def check_open(self, module: str, *days: str) -> None:
        """Raises:
        Fault: the locked code, when a day lies on or before the lock of the module.
        """
        for lock in self.info["locks"]:
            if lock["module"] in ("all", module) and any(on <= lock["date"] for on in days):
                raise Fault(
                    self.switches["locked_code"],
                    f"Transactions dated on or before {lock['date']} have been locked. Reason: {lock['reason']}",
                )

    def refuse(self, message: str) -> Fault:
        """A refusal whose code nobody has read."""
        return Fault(self.switches["refusal_code"], message)

    def fresh(self, doc: Doc) -> bool:
        """Too new to be found by a search."""
        age = self.clock.now() - datetime.fromisoformat(doc["_"]["created"])
        return age < timedelta(seconds=self.switches["search_lag_s"])

    def loose(self, value: object) -> object:
        """An empty list as a live answer carries it in some places: as an empty text."""
        return "" if value == [] and self.switches["empty_values"] == "loose" else value

    # Custom fields

    def custom_fields(self, module: str, body: Mapping[str, object], own_id: str) -> list[Doc]:
        """The values of the module's custom fields that the body gives; unknown ones drop out in silence.

        Raises:
            Fault: 120124 for a value that is no option, the duplicate code for one that must be unique.
        """
        shown: list[Doc] = []
        given = body.get("custom_fields")
        for each in given if isinstance(given, list) else []:
            names = {str(each.get(key)) for key in ("customfield_id", "api_name", "label") if each.get(key)}
            for known in self.info["custom_fields"].get(module, []):
                if not names & {known["customfield_id"], known["api_name"], known["label"]}:
                    continue
                value = text(each, "value", 255)
                if known["options"] and value not in known["options"]:
                    raise Fault(120124, f"Invalid option passed for {known['label']}")
                if known["unique"] and value and self._taken(module, known["api_name"], value, own_id):
                    raise Fault(self.switches["duplicate_number_code"], f"{known['label']} already exists.")
                shown.append({key: known[key] for key in ("customfield_id", "api_name", "label")} | {"value": value})
        return shown

    def _taken(self, module: str, api_name: str, value: str, own_id: str) -> bool:
        found = self.with_custom_field(module, api_name, value)
        return found is not None and found[f"{module}_id"] != own_id

    def with_custom_field(self, module: str, api_name: str, value: str) -> Doc | None:
        for doc in self.all(module):
            held = doc.get("custom_fields") or []
            if any(each["api_name"] == api_name and each["value"] == value for each in held):
                return doc
        return None


def visible(doc: Doc) -> Doc:
    """What an answer shows: everything but the notes."""
    return {key: value for key, value in doc.items() if key != "_"}
