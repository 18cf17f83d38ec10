"""One QuickBooks company: its stored objects, references between them, currencies, numbers and books."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ledgers.quickbooks.sandbox import errors
from sandbox.books import Books, Posting, from_minor, to_minor
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

PACIFIC = ZoneInfo("America/Los_Angeles")
Doc = dict[str, Any]

LIST_KINDS = ("Account", "Item", "Customer", "Vendor", "Class", "Department", "CompanyCurrency", "TaxCode", "TaxRate")
TRANSACTION_KINDS = (
    "Invoice",
    "Payment",
    "SalesReceipt",
    "CreditMemo",
    "RefundReceipt",
    "Deposit",
    "JournalEntry",
    "Transfer",
    "Purchase",
)
NAME_KINDS = ("Customer", "Vendor")
NUMBERED_SALES = ("Invoice", "SalesReceipt", "CreditMemo", "RefundReceipt")
HOME_ONLY_TYPES = {"Income", "Cost of Goods Sold", "Expense", "Other Income", "Other Expense"}
BALANCE_SHEET_TYPES = {
    "Bank",
    "Other Current Asset",
    "Fixed Asset",
    "Other Asset",
    "Credit Card",
    "Other Current Liability",
    "Long Term Liability",
    "Equity",
}
CLASSIFICATION = {
    "Bank": "Asset",
    "Accounts Receivable": "Asset",
    "Other Current Asset": "Asset",
    "Fixed Asset": "Asset",
    "Other Asset": "Asset",
    "Accounts Payable": "Liability",
    "Credit Card": "Liability",
    "Other Current Liability": "Liability",
    "Long Term Liability": "Liability",
    "Equity": "Equity",
    "Income": "Revenue",
    "Other Income": "Revenue",
    "Cost of Goods Sold": "Expense",
    "Expense": "Expense",
    "Other Expense": "Expense",
    "Non-Posting": "Asset",
}


def stamp(moment: datetime) -> str:
    """Seconds, with the Pacific offset of that day."""
    return moment.astimezone(PACIFIC).isoformat(timespec="seconds")


def stamp_ms(moment: datetime) -> str:
    return moment.astimezone(PACIFIC).isoformat(timespec="milliseconds")


def instant(text: str) -> datetime:
    """A date or a date-time; without an offset it is Pacific time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise errors.query_error(f"Invalid date: {text}") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=PACIFIC)


def visible(doc: Doc) -> Doc:
    """What an answer shows: everything but our own notes under ``_`` and empty fields."""
    return {key: value for key, value in doc.items() if key != "_" and value is not None}


@dataclass(frozen=True, slots=True)
class Money:
    """The currency of one document and its rate: home units per unit."""

    currency: str
    rate: Decimal
    home: str

    def minor(self, amount: Decimal) -> int:
        return to_minor(amount, self.currency)

    def home_minor(self, amount: Decimal) -> int:
        if self.currency == self.home:
            return self.minor(amount)
        return to_minor((amount * self.rate).quantize(Decimal("0.01"), ROUND_HALF_UP), self.home)

    def posting(self, account: str, amount: Decimal, memo: str = "") -> Posting:
        """A line: debit positive."""
        return Posting(account, self.currency, self.minor(amount), self.home_minor(amount), memo)


def balanced(postings: Iterable[Posting], absorb: int = -1) -> list[Posting]:
    """The same lines; what converting each line by itself leaves over goes to line ``absorb`` (in home currency)."""
    lines = list(postings)
    rest = sum(line.home_amount for line in lines)
    if rest and lines:
        line = lines[absorb]
        lines[absorb] = Posting(line.account, line.currency, line.amount, line.home_amount - rest, line.memo)
    return lines


class Company:
    """A view for the length of one request. ``info`` is the stored company record (``companies.py``)."""

    def __init__(self, store: Store, clock: Clock, switches: Switches, info: Doc) -> None:
        self.store, self.clock, self.switches, self.info = store, clock, switches, info
        self.realm: str = info["realm"]
        self.books = Books(store, self.realm, self.home, self.account_id)

    # The company itself

    @property
    def home(self) -> str:
        return str(self.info["home_currency"])

    @property
    def multicurrency(self) -> bool:
        return bool(self.info["multicurrency"])

    def preference(self, section: str, name: str) -> Any:
        return self.info["preferences"].get(section, {}).get(name)

    def save_info(self) -> None:
        self.store.put("company", self.realm, self.info)

    def today(self) -> str:
        return self.clock.now().astimezone(PACIFIC).date().isoformat()

    # Objects

    def get(self, kind: str, id_: str) -> Doc | None:
        return self.store.get(kind, id_, self.realm)

    def all(self, kind: str) -> list[Doc]:
        return self.store.all(kind, self.realm)

    def put(self, kind: str, doc: Doc) -> None:
        self.store.put(kind, doc["Id"], doc, self.realm)

    def need(self, kind: str, id_: str) -> Doc:
        """The object.

        Raises:
            Fault: 2030 for an id that is no number, 610 when there is none.
        """
        if not id_.isdigit():
            raise errors.bad_id(id_)
        doc = self.get(kind, id_)
        if doc is None:
            raise errors.not_found(f"{kind} {id_}")
        return doc

    def next_id(self, kind: str) -> str:
        if kind == "Class":
            return str(5_000_000_000_000_000_000 + self.store.next_number(f"{self.realm}:Class"))
        family = "Transaction" if kind in TRANSACTION_KINDS else "Name" if kind in NAME_KINDS else kind
        return str(self.store.next_number(f"{self.realm}:{family}"))

    def stamped(self, kind: str, doc: Doc, old: Doc | None) -> Doc:
        """``doc`` with the fields every object has; a change raises the SyncToken, no change leaves ``old``."""
        if old is not None:
            keep = ("Id", "SyncToken", "MetaData", "domain", "sparse")
            if {k: v for k, v in old.items() if k not in keep} == doc:
                return old
        now = stamp(self.clock.now())
        created = old["MetaData"]["CreateTime"] if old else now
        return {
            **doc,
            "Id": old["Id"] if old else self.next_id(kind),
            "SyncToken": str(int(old["SyncToken"]) + 1) if old else "0",
            "MetaData": {"CreateTime": created, "LastUpdatedTime": now},
            "domain": "QBO",
            "sparse": False,
        }

    def touch(self, kind: str, doc: Doc) -> None:
        """Store a side effect on an object: somebody holding its old SyncToken is stale now."""
        doc["SyncToken"] = str(int(doc["SyncToken"]) + 1)
        doc["MetaData"] = {**doc["MetaData"], "LastUpdatedTime": stamp(self.clock.now())}
        self.put(kind, doc)

    def bury(self, kind: str, id_: str) -> None:
        """Remove for good; what change data capture tells of it stays."""
        self.store.delete(kind, id_, self.realm)
        self.store.put(
            "tombstone",
            f"{kind}:{id_}",
            {"kind": kind, "Id": id_, "LastUpdatedTime": stamp(self.clock.now())},
            self.realm,
        )

    # References

    def refer(self, kind: str, ref: Any, element: str) -> Doc | None:
        """The list object a reference names; None where there is no reference.

        Raises:
            Fault: 2500 when there is no such object or, for classes and locations, an inactive one; 610 for other
                inactive objects.
        """
        if not isinstance(ref, dict) or ref.get("value") in (None, ""):
            return None
        table = {"Account": "Accounts", "Class": "Klasses", "Department": "Depts", "Item": "Items"}.get(kind, "Names")
        doc = self.get(kind, str(ref["value"]))
        if doc is None:
            raise errors.invalid_reference(table, str(ref["value"]), element)
        if doc.get("Active") is False:
            if kind in ("Class", "Department"):
                raise errors.invalid_reference(table, str(ref["value"]), element)
            raise errors.inactive(element)
        return doc

    def needed(self, kind: str, ref: Any, element: str) -> Doc:
        doc = self.refer(kind, ref, element)
        if doc is None:
            raise errors.required(element)
        return doc

    def tracked(self, body: Mapping[str, Any], *, line: bool) -> Doc:
        """Class of a line or a header and location of a header, as far as the company uses them; others drop out."""
        found: Doc = {}
        class_on = self.preference("AccountingInfoPrefs", "ClassTrackingPerTxnLine" if line else "ClassTrackingPerTxn")
        if class_on and (doc := self.refer("Class", body.get("ClassRef"), "ClassRef")):
            found["ClassRef"] = ref_to(doc)
        if self.preference("AccountingInfoPrefs", "TrackDepartments") and (
            doc := self.refer("Department", body.get("DepartmentRef"), "DepartmentRef")
        ):
            found["DepartmentRef"] = ref_to(doc)
        return found

    def account_id(self, name: str) -> str:
        """The id of an account given by id, name or fully qualified name.

        Raises:
            KeyError: there is none.
        """
        if self.get("Account", name):
            return name
        for doc in self.all("Account"):
            if name in (doc["Name"], doc["FullyQualifiedName"]):
                return str(doc["Id"])
        raise KeyError(f"no account {name!r} in company {self.realm}")

    # Accounts the system chooses

    def account_of(self, account_type: str, subtype: str = "", currency: str = "") -> Doc | None:
        wanted = currency or self.home
        for doc in self.store.find("Account", "$.AccountType", [account_type], self.realm):
            if doc["Active"] and doc["CurrencyRef"]["value"] == wanted and subtype in ("", doc["AccountSubType"]):
                return doc
        return None

    def system_account(self, name: str, account_type: str, subtype: str, currency: str = "") -> Doc:
        """An account every company has or gets when it is first needed."""
        if doc := self.account_of(account_type, subtype, currency):
            return doc
        return self.add_account(name, account_type, subtype, currency=currency)

    def add_account(self, name: str, account_type: str, subtype: str, *, currency: str = "", number: str = "") -> Doc:
        doc: Doc = {
            "Name": name,
            "SubAccount": False,
            "FullyQualifiedName": name,
            "Active": True,
            "Classification": CLASSIFICATION[account_type],
            "AccountType": account_type,
            "AccountSubType": subtype,
            "CurrencyRef": {"value": currency or self.home},
        }
        if number:
            doc["AcctNum"] = number
        doc = self.stamped("Account", doc, None)
        self.put("Account", doc)
        return doc

    def receivable(self, currency: str) -> Doc:
        name = "Accounts Receivable (A/R)" + ("" if currency == self.home else f" - {currency}")
        return self.system_account(name, "Accounts Receivable", "AccountsReceivable", currency)

    def undeposited(self) -> Doc:
        return self.system_account("Undeposited Funds", "Other Current Asset", "UndepositedFunds")

    def tax_payable(self) -> Doc:
        return self.system_account("Sales Tax Payable", "Other Current Liability", "SalesTaxPayable")

    def exchange_gain(self) -> Doc:
        return self.system_account("Exchange Gain or Loss", "Other Expense", "ExchangeGainOrLoss")

    # Money

    def money(self, body: Mapping[str, Any], *, currency: str = "", on_date: str) -> Money:
        """The currency and rate of a document; ``currency`` is what the document's other party dictates.

        Raises:
            Fault: 2020 without CurrencyRef in a multicurrency company, 6000 for a currency that cannot be.
        """
        given = (body.get("CurrencyRef") or {}).get("value")
        if not self.multicurrency:
            if given not in (None, self.home):
                raise errors.business("Multicurrency is not enabled for this company", "CurrencyRef")
            return Money(self.home, Decimal(1), self.home)
        if given is None:
            raise errors.required("CurrencyRef")
        if given != self.home and not self.currency_active(given):
            raise errors.invalid_reference("Currency", str(given), "CurrencyRef")
        if currency and given != currency:
            raise errors.business(
                f"The currency of the transaction ({given}) must be the currency of its customer, bank or card"
                f" account ({currency})",
                "CurrencyRef",
            )
        return Money(given, self.rate(given, on_date, body.get("ExchangeRate")), self.home)

    def currency_active(self, code: str) -> bool:
        return any(doc["Code"] == code and doc["Active"] for doc in self.all("CompanyCurrency"))

    def rate(self, currency: str, on_date: str, given: Any = None) -> Decimal:
        if currency == self.home:
            return Decimal(1)
        if given is not None:
            rate = Decimal(given)
            if rate <= 0:
                raise errors.bad_number("ExchangeRate", given)
            return rate
        kept = self.store.between("rate", "$.key", f"{currency}:0000-00-00", f"{currency}:{on_date}", self.realm)
        if not kept:
            raise errors.business(f"There is no exchange rate for {currency} on {on_date}", "ExchangeRate")
        return Decimal(max(kept, key=lambda doc: str(doc["key"]))["rate"])

    def set_rate(self, currency: str, on_date: str, rate: Decimal) -> None:
        key = f"{currency}:{on_date}"
        self.store.put("rate", key, {"key": key, "rate": rate}, self.realm)

    def amount_of(self, minor: int, currency: str = "") -> Decimal:
        return from_minor(minor, currency or self.home)

    # Periods and numbers

    def check_open(self, on_date: str) -> None:
        """Raises:
        Fault: 6200, or 6210 with a password, when the day lies in the closed period.
        """
        closed = self.preference("AccountingInfoPrefs", "BookCloseDate")
        if not closed or on_date > closed:
            return
        code = "6210" if self.info.get("close_password") else "6200"
        raise errors.Fault(
            code,
            "Account Period Closed, Cannot Update Through Services API",
            "The account period has closed and the account books cannot be updated through the QBO Services API."
            f" Please use the QBO website to make these changes. Closing date: {closed}",
        )

    def document_number(self, kind: str, body: Mapping[str, Any], old: Doc | None, *, allow_duplicate: bool) -> str:
        """The number of a sales document, '' for none: sheet §3.6, DocNumber rules."""
        given = body.get("DocNumber") or ""
        own = self.preference("SalesFormsPrefs", "CustomTxnNumbers")
        if given == "AUTO_GENERATE" or body.get("AutoDocNumber") or (not given and not own and old is None):
            return self._next_document_number()
        if not given:
            return ""
        if self.switches["dup_number_warning"] == "on" and not allow_duplicate:
            for other_kind in NUMBERED_SALES:
                for other in self.store.find(other_kind, "$.DocNumber", [given], self.realm):
                    if old is None or other_kind != kind or other["Id"] != old["Id"]:
                        raise errors.duplicate_number(given, other_kind, other["Id"])
        if given.isdigit() and len(given) < 10:
            self.info["last_number"] = max(int(given), self.info["last_number"])
            self.save_info()
        return str(given)

    def _next_document_number(self) -> str:
        while True:
            self.info["last_number"] += 1
            number = str(self.info["last_number"])
            if not any(self.store.find(kind, "$.DocNumber", [number], self.realm) for kind in NUMBERED_SALES):
                self.save_info()
                return number


def ref_to(doc: Doc) -> Doc:
    """A reference with its label, as answers carry it."""
    label = doc.get("FullyQualifiedName") or doc.get("DisplayName") or doc.get("Name")
    return {"value": doc["Id"], "name": label}
