"""What queries answer: pages, filters, orders, and the fields that are computed (sheet §4)."""

from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from graphql import GraphQLResolveInfo

from ledgers.wave.sandbox import invoices
from ledgers.wave.sandbox.business import Business, Doc, instant
from ledgers.wave.sandbox.ids import business_id, plain_id
from ledgers.wave.sandbox.refusals import coded
from ledgers.wave.sandbox.session import Session
from ledgers.wave.sandbox.subtypes import SUBTYPES, SYSTEM, TYPES, normal_side, type_of
from sandbox.books import exponent, from_minor

_SYMBOLS = {"USD": "$", "CAD": "$", "AUD": "$", "GBP": "£", "EUR": "€", "JPY": "¥", "INR": "₹"}
_NAMES = {
    "USD": ("United States dollar", "United States dollars"),
    "CAD": ("Canadian dollar", "Canadian dollars"),
    "GBP": ("Pound sterling", "Pounds sterling"),
    "EUR": ("Euro", "Euros"),
    "JPY": ("Japanese yen", "Japanese yen"),
}


# One field's view of the request; its context is the Session.
Info = GraphQLResolveInfo[Any]


def session_of(info: Info) -> Session:
    session: Session = info.context
    return session


def currency(code: str) -> Doc:
    name, plural = _NAMES.get(code, (code, code))
    return {
        "code": code,
        "exponent": exponent(code),
        "name": name,
        "plural": plural,
        "symbol": _SYMBOLS.get(code, code),
    }


def money(minor: int, code: str) -> Doc:
    value = f"{from_minor(minor, code):f}"
    return {"currency": currency(code), "minorUnitValue": Decimal(minor), "raw": minor, "value": value}


def account_type(value: str) -> Doc:
    return {"name": TYPES[value], "normalBalanceType": normal_side(value), "value": value}


def account_subtype(session: Session, value: str) -> Doc:
    archivable = None if session.switches["archivable"] == "null" else value not in SYSTEM
    return {"archivable": archivable, "description": None, "name": SUBTYPES[value][1],
            "systemCreated": value in SYSTEM, "type": account_type(type_of(value)), "value": value}  # fmt: skip


# Pages


def page_of(session: Session, found: Iterable[Doc], page: int | None, size: int | None, default: int) -> Doc:
    """One page; a page past the end has no edges."""
    page, size = 1 if page is None else page, default if size is None else size
    limit = session.switches["page_size_limit"]
    if page < 1 or size < 1 or (limit and size > limit):
        raise coded("BAD_USER_INPUT", "page and pageSize must be at least 1, and pageSize not too large.")
    every = list(found)
    given = session.switches["page_totals"] == "given"
    return {
        "edges": [{"node": each} for each in every[(page - 1) * size : page * size]],
        "pageInfo": {
            "currentPage": page,
            "totalCount": len(every) if given else None,
            "totalPages": -(-len(every) // size) if given else None,
        },
    }


def in_order(found: list[Doc], sort: list[str], keys: dict[str, Callable[[Doc], Any]]) -> list[Doc]:
    """``found`` comes in the order of creation; ``sort`` names keys with ``_ASC`` or ``_DESC``, the first weighs most."""
    born = {each["id"]: at for at, each in enumerate(found)}
    every = {"CREATED_AT": lambda doc: born[doc["id"]], "MODIFIED_AT": lambda doc: doc["modifiedAt"], **keys}
    for each in reversed(sort):
        name, _, direction = each.rpartition("_")
        found = sorted(found, key=every[name], reverse=direction == "DESC")
    return found


def modified(found: Iterable[Doc], args: dict[str, Any]) -> list[Doc]:
    after, before = args.get("modifiedAtAfter"), args.get("modifiedAtBefore")
    return [
        each
        for each in found
        if (not after or each["modifiedAt"] > after) and (not before or each["modifiedAt"] < before)
    ]


# Businesses


def user(_root: object, info: Info) -> Doc:
    session = session_of(info)
    email = session.grant["user"]
    first = next((each["createdAt"] for each in session.visible()), instant(session.clock.now()))
    return {"id": plain_id("User", email), "defaultEmail": email, "firstName": "Avery", "lastName": "Owner",
            "createdAt": first, "modifiedAt": first}  # fmt: skip


def application(_root: object, info: Info) -> Doc:
    session = session_of(info)
    app = session.store.get("app", session.grant["client_id"]) or {"name": "Application"}
    now = instant(session.clock.now())
    return {"id": plain_id("OAuthApplication", session.grant["client_id"]), "clientId": session.grant["client_id"],
            "name": app["name"], "createdAt": now, "modifiedAt": now}  # fmt: skip


def business(_root: object, info: Info, id: str | None = None) -> Doc | None:  # noqa: A002 - the API's name
    """Without an id: the token's own business, else the user's first."""
    session = session_of(info)
    if id is not None:
        return session.business(id).info
    mine = next((business_id(each["uuid"]) for each in session.visible() if not each["archived"]), "")
    return session.business(mine).info


def businesses(_root: object, info: Info, **args: Any) -> Doc:
    session = session_of(info)
    wanted = bool(args.get("isArchived"))
    found = [each for each in session.visible() if each["archived"] == wanted]
    return page_of(session, found, args.get("page"), args.get("pageSize"), 10)


def here(source: Doc, info: Info) -> Business:
    """The business whose fields are asked for."""
    session = session_of(info)
    session.check_plan(source)
    return session.view(source)


# Lists of a business


def accounts(source: Doc, info: Info, **args: Any) -> Doc:
    found = here(source, info).all("Account")
    if (archived := args.get("isArchived")) is not None:
        found = [each for each in found if each["isArchived"] == archived]
    for name, key, wanted in (
        ("types", "type", True),
        ("subtypes", "subtype", True),
        ("excludedSubtypes", "subtype", False),
    ):
        if (values := args.get(name)) is not None:
            found = [each for each in found if (each[key] in values) == wanted]
    return page_of(session_of(info), found, args.get("page"), args.get("pageSize"), 45)


def customers(source: Doc, info: Info, **args: Any) -> Doc:
    found = modified(here(source, info).all("Customer"), args)
    if email := args.get("email"):
        found = [each for each in found if (each.get("email") or "").lower() == email.lower()]
    found = in_order(found, args["sort"], {"NAME": lambda doc: doc["name"].lower()})
    return page_of(session_of(info), found, args.get("page"), args.get("pageSize"), 45)


def products(source: Doc, info: Info, **args: Any) -> Doc:
    found = modified(here(source, info).all("Product"), args)
    for name, test in (
        ("isArchived", lambda doc: doc["isArchived"]),
        ("isSold", lambda doc: bool(doc["incomeAccountId"])),
        ("isBought", lambda doc: bool(doc["expenseAccountId"])),
    ):
        if (wanted := args.get(name)) is not None:
            found = [each for each in found if test(each) == wanted]
    found = in_order(found, args["sort"], {"NAME": lambda doc: doc["name"].lower()})
    return page_of(session_of(info), found, args.get("page"), args.get("pageSize"), 45)


def sales_taxes(source: Doc, info: Info, **args: Any) -> Doc:
    found = modified(here(source, info).all("SalesTax"), args)
    if (archived := args.get("isArchived")) is not None:
        found = [each for each in found if each["isArchived"] == archived]
    return page_of(session_of(info), found, args.get("page"), args.get("pageSize"), 45)


def invoice_list(source: Doc, info: Info, **args: Any) -> Doc:
    """``invoiceNumber`` finds what contains it; payments are not filled (sheet §0.12, §6)."""
    session, of = session_of(info), here(source, info)
    tests: dict[str, Callable[[Doc, Any], bool]] = {
        "invoiceNumber": lambda doc, text: text.lower() in doc["invoiceNumber"].lower(),
        "customerId": lambda doc, id_: bool(doc["customerId"] == id_),
        "currency": lambda doc, code: bool(doc["currency"] == code),
        "status": lambda doc, wanted: invoices.has_status(of, doc, wanted),
        "amountDue": lambda doc, amount: from_minor(invoices.due(doc), doc["currency"]) == amount,
        "invoiceDateStart": lambda doc, day: bool(doc["invoiceDate"] >= day),
        "invoiceDateEnd": lambda doc, day: bool(doc["invoiceDate"] <= day),
        "sourceId": lambda doc, id_: False,
    }
    found = modified(of.all("Invoice"), args)
    for name, test in tests.items():
        if (wanted := args.get(name)) is not None:
            found = [each for each in found if test(each, wanted)]
    names = {each["id"]: each["name"].lower() for each in of.all("Customer")}
    keys: dict[str, Callable[[Doc], Any]] = {
        "AMOUNT_DUE": invoices.due,
        "AMOUNT_PAID": lambda doc: doc["paid"],
        "CUSTOMER_NAME": lambda doc: names.get(doc["customerId"], ""),
        "DUE_AT": lambda doc: doc["dueDate"],
        "INVOICE_DATE": lambda doc: doc["invoiceDate"],
        "INVOICE_NUMBER": lambda doc: doc["invoiceNumber"],
        "STATUS": lambda doc: invoices.status(of, doc),
        "TOTAL": lambda doc: doc["total"],
    }
    listed = [{**each, "listed": True} for each in in_order(found, args["sort"], keys)]
    return page_of(session, listed, args.get("page"), args.get("pageSize"), 45)


def one(kind: str) -> Callable[..., Doc]:
    """The resolver of a single look-up."""

    def find(source: Doc, info: Info, id: str) -> Doc:  # noqa: A002 - the API's name
        return here(source, info).need(kind, id)

    return find


# Computed fields


def referred(kind: str, field: str) -> Callable[[Doc, Info], Doc | None]:
    """The object that ``source[field]`` names."""

    def find(source: Doc, info: Info) -> Doc | None:
        id_ = source.get(field)
        return session_of(info).around(source).need(kind, id_) if id_ else None

    return find


def payments(source: Doc, info: Info) -> list[Doc] | None:
    session = session_of(info)
    if source.get("listed"):
        return [] if session.switches["payments_in_lists"] == "empty" else None
    return invoices.payments(session.around(source), source)


def items(source: Doc, info: Info) -> list[Doc]:
    own = {"business": source["business"], "currency": source["currency"]}
    return [{**item, **own} for item in source["items"]]


def item_taxes(source: Doc, info: Info) -> list[Doc]:
    of = session_of(info).around(source)
    return [
        {"amount": money(each["amount"], source["currency"]), "salesTax": of.need("SalesTax", each["salesTaxId"])}
        for each in source["taxes"]
    ]


def item_total(source: Doc, info: Info) -> Doc:
    return money(source["subtotal"] + sum(each["amount"] for each in source["taxes"]), source["currency"])


def default_taxes(source: Doc, info: Info) -> list[Doc]:
    of = session_of(info).around(source)
    return [of.need("SalesTax", id_) for id_ in source["defaultSalesTaxIds"]]


def owed(source: Doc, info: Info, *, overdue: bool) -> Doc:
    """What a customer owes on saved invoices, in home currency."""
    of = session_of(info).around(source)
    total = 0
    for invoice in of.all("Invoice"):
        late = invoices.status(of, invoice) == "OVERDUE"
        if invoice["customerId"] == source["id"] and not invoice["draft"] and (late or not overdue):
            total += of.converted(invoices.due(invoice), invoice["currency"], Decimal(invoice["exchangeRate"]))
    return money(total, of.home)
