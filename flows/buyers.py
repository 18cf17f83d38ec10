"""Buyers as an order's documents name them: a symbol by keyed hash, the name filled in only while a call is written."""

import html
import json
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Final, TypeVar

from django.db.models import Q

from amazon import buyers
from amazon.models import Buyer
from bookkeeping.buyers import KEY, buyer_symbol, customer_key, hash_in, hash_in_key, ledger_name
from bookkeeping.documents import Customer, Document, Kind
from bookkeeping.invoices import CustomerOf, customer_symbol
from flows.models import Delivery, Flow
from flows.rows import LOOK_FIRST, chunked
from ledgers.port import CannotTell, Found, Next, NotRenderable, Posted, Refused
from ledgers.quoting import unquoted
from tenants.models import Connection

State = Delivery.State
_SENT: Final = Q(state__in=(State.SENDING, State.UNCERTAIN, State.POSTED)) | Q(external_id__gt="")
_FROZEN: Final = _SENT | Q(resend__isnull=False) | Q(code__in=LOOK_FIRST)
_INSTEAD: Final = (
    "Or name the marketplace's customer instead: an owner has the buyer forgotten on the order's page, or switches buyers off "
    "in the flow."
)
_REFUSED: Final = "The ledger did not take the buyer, or what names them."
_WORD: Final = re.compile(r"\w+")
_CLIPPED: Final = 20  # letters of a long word that tell it, however much of it a ledger keeps
_T = TypeVar("_T")


def wanted(flow: Flow) -> bool:
    """Whether the flow's invoices name buyers."""
    return flow.buyers and flow.mode == Flow.Mode.ORDERS and flow.source_id is not None


def wanted_from(source: Connection) -> bool:
    """Whether orders of a seller account are fetched with their buyers: some flow of it names them."""
    return Flow.objects.filter(source=source, buyers=True, mode=Flow.Mode.ORDERS).exists()


def customer_of(flow: Flow, order_ids: Collection[str]) -> CustomerOf:
    """Return what tells the customer of each of these orders: its buyer's where one is kept, else the marketplace's.

    What an invoice in the books says stays. A buyer is named as long as the name is there to be sent, or the customer is in
    the ledger already.
    """
    hashes = _hashes(flow, order_ids)
    currency = flow.books_currency

    def symbol(marketplace: str, _: str, order_id: str) -> str:
        if hash_ := hashes.get(order_id, ""):
            return buyer_symbol(marketplace, currency, hash_)
        return customer_symbol(marketplace, currency)

    return symbol


def named(row: Delivery, document: Document) -> Document:
    """Return a document as it is written: a buyer's customer with the name. Raises NotRenderable where nothing is left of it."""
    hash_ = hash_in_key(row.key)
    if not hash_ or not isinstance(document, Customer):
        return document
    person = buyers.person(row.tenant_id, hash_)
    if person is None:
        raise NotRenderable(
            row.key, "The buyer's name is kept no longer.", "Nothing to do: the order is planned without."
        )
    return replace(document, name=ledger_name(person.name, hash_), person=person.name, email=person.email)


def silent(row: Delivery, answer: _T) -> _T:
    """Return an answer about a document that names a buyer without the name, which a ledger may quote; any other as it is."""
    customer = hash_in_key(row.key)
    hash_ = customer or _named_in(row)
    if not hash_:
        return answer
    said: object = answer
    match answer:
        case Posted():
            said = replace(answer, number="") if customer else answer
        case Found(posted=posted, difference=difference):
            posted = replace(posted, number="") if customer else posted
            said = replace(answer, posted=posted, difference=_unsaid(row, hash_, difference))
        case CannotTell(reason=reason):
            said = CannotTell(_unsaid(row, hash_, reason))
        case Refused(text=text, action=action, next=what):
            action = f"{action} {_INSTEAD}".strip() if customer and what in (Next.HELD, Next.PARKED) else action
            said = replace(answer, text=_unsaid(row, hash_, text), action=action)
    return said  # type: ignore[return-value]  # of the same type


def all_silent(rows: Sequence[Delivery], answers: Mapping[str, _T]) -> dict[str, _T]:
    by_key = {row.key: row for row in rows}
    return {key: silent(by_key[key], answer) if key in by_key else answer for key, answer in answers.items()}


def in_flight(hashes: Collection[str] | None = None) -> set[str]:
    """Return those of the buyers, or of all, whose customer was sent, and it is open what became of it: it is looked up by
    name."""
    rows = Delivery.objects.filter(_FROZEN, kind=Kind.CUSTOMER, key__startswith=KEY, live=True, external_id="")
    found = {hash_in_key(key) for key in rows.values_list("key", flat=True)}
    return found if hashes is None else found & set(hashes)


def customers(hashes: Collection[str]) -> list[Delivery]:
    """Return the deliveries that make, or made, the customers of these buyers, in whichever ledger and currency."""
    flows = list(Flow.objects.select_related("target")) if hashes else []
    companies = {flow.target.remote_key for flow in flows}
    currencies = sorted({flow.currency for flow in flows} | {flow.home for flow in flows if flow.home})
    found: list[Delivery] = []
    for some in chunked(sorted(hashes)):
        keys = [customer_key(hash_, currency) for hash_ in some for currency in currencies]
        rows = Delivery.objects.filter(remote_key__in=companies, key__in=keys, live=True)
        found += rows.select_related("flow__source", "flow__target").order_by("pk")
    return found


def _hashes(flow: Flow, order_ids: Collection[str]) -> dict[str, str]:
    """Return the buyer of each order that names one."""
    if not order_ids or flow.source is None or not Buyer.objects.filter(order__connection=flow.source).exists():
        return {}
    found: dict[str, str] = {}
    for some in chunked(sorted(order_ids)):
        kept = list(buyers.of_orders(flow.source, some).select_related("order"))
        said = _said(flow, [one.order.order_id for one in kept])
        sealed = {one.hash for one in kept if one.sealed and not one.forgotten_at}
        known = {one.hash for one in kept if not one.forgotten_at}
        there = Delivery.objects.filter(
            remote_key=flow.target.remote_key,
            key__in=[customer_key(hash_, flow.books_currency) for hash_ in known - sealed],
            live=True,
            external_id__gt="",
        )
        nameable = sealed | {hash_in_key(key) for key in there.values_list("key", flat=True)} if wanted(flow) else set()
        for one in kept:
            order_id = one.order.order_id
            found[order_id] = said.get(order_id, one.hash if one.hash in nameable else "")
    return found


def _said(flow: Flow, order_ids: Collection[str]) -> dict[str, str]:
    """Return the buyer that an invoice which was sent names, by order, "" for one that names the marketplace's customer."""
    rows = Delivery.objects.filter(_FROZEN, flow=flow, kind=Kind.INVOICE, order_id__in=list(order_ids), live=True)
    documents = rows.order_by("-pk").values_list("order_id", "document")
    return {order_id: hash_in(json.loads(document)["customer"]) for order_id, document in documents}


def _named_in(row: Delivery) -> str:
    """Return the buyer whom an invoice or a payment names as its customer."""
    return hash_in(json.loads(row.document).get("customer", "")) if row.kind in (Kind.INVOICE, Kind.PAYMENT) else ""


def _unsaid(row: Delivery, hash_: str, text: str) -> str:
    """Return a sentence without the ledger's own words, and without what of it says the name."""
    text = unquoted(text)
    person = buyers.person(row.tenant_id, hash_)
    if person is None:
        # Nobody knows any more which of its words are the name. Only a customer's own sentences say it.
        return _REFUSED if text and row.kind == Kind.CUSTOMER else text
    said = html.unescape(text).casefold()
    return _REFUSED if any(_says(word, said) for word in (*_WORD.findall(person.name), person.email)) else text


def _says(word: str, said: str) -> bool:
    """Whether a text says a word of a name: a short one as a word of its own, for "Al" is in "also" too."""
    word = word.casefold()[:_CLIPPED]
    if len(word) > 2 or not word.isascii():
        return bool(word) and word in said
    return bool(re.search(rf"\b{re.escape(word)}\b", said))
