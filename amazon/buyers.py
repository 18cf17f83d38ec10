"""What is kept of the buyer of an order, where a tenant wants it: name and e-mail, sealed, and a keyed hash of who it is.

Only Orders 2026-01-01, data set BUYER, is read: ``buyerName`` and ``buyerEmail``. The e-mail is Amazon's anonymised one and
comes with orders the merchant ships; where it is missing, buyers of one name cannot be told apart.
"""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet
from django.utils.crypto import salted_hmac

from amazon.models import Buyer, Order
from kit import clock
from kit.sealed import open_from, seal_into
from tenants.models import Connection

_SALT: Final = "tieout.amazon.buyer"
_HASH_LENGTH: Final = 16  # base32: 80 bits


@dataclass(frozen=True, slots=True)
class Person:
    """``email`` is "" where Amazon gave none. Never print, log or store one in the open."""

    name: str
    email: str

    def __repr__(self) -> str:
        return "Person(…)"


def person_in(order: Mapping[str, Any]) -> Person | None:
    """Return the buyer of an order as Amazon sent it, None where it gave no name."""
    buyer = order.get("buyer")
    if not isinstance(buyer, Mapping):
        return None
    name, email = (" ".join(str(buyer.get(part) or "").split()) for part in ("buyerName", "buyerEmail"))
    return Person(name, email) if name else None


def hash_of(connection: Connection, person: Person) -> str:
    """Return what stands for a buyer where the name may not: the same for the same buyer of one seller and tenant."""
    who = (person.email or person.name).casefold()
    value = json.dumps([connection.tenant_id, connection.remote_id, who])
    digest = salted_hmac(_SALT, value, algorithm="sha256").digest()
    return base64.b32encode(digest).decode().lower()[:_HASH_LENGTH]


def keep(connection: Connection, people: Mapping[str, Person]) -> None:
    """Seal the buyers of stored orders, by order id. What was kept first stays: a customer is made of it. Of a buyer whom
    somebody had forgotten only the hash is kept, so that nothing is made of the order's buyer again."""
    orders = Order.objects.filter(connection=connection, order_id__in=list(people), buyer__isnull=True).only(
        "pk", "order_id"
    )
    hashes = {order_id: hash_of(connection, person) for order_id, person in people.items()}
    forgotten = dict(
        Buyer.objects.filter(tenant=connection.tenant_id, hash__in=set(hashes.values()))
        .exclude(forgotten_at=None)
        .values_list("hash", "forgotten_at")
    )
    for order in orders:
        person, hash_ = people[order.order_id], hashes[order.order_id]
        buyer = Buyer.objects.create(
            tenant_id=connection.tenant_id,
            order=order,
            hash=hash_,
            fetched_at=clock.now(),
            forgotten_at=forgotten.get(hash_),
        )
        if hash_ not in forgotten:
            seal_into(buyer, "sealed", json.dumps({"name": person.name, "email": person.email}))
            buyer.save(update_fields=["sealed"])


def person(tenant_id: int, hash_: str) -> Person | None:
    """Return the buyer with this hash as first kept, None where nothing is left of them."""
    row = Buyer.objects.filter(tenant=tenant_id, hash=hash_).exclude(sealed="").order_by("pk").first()
    return Person(**json.loads(open_from(row, "sealed"))) if row else None


def of_orders(connection: Connection | None, order_ids: Iterable[str]) -> QuerySet[Buyer]:
    """Return what is kept of the buyers of these orders."""
    return Buyer.objects.filter(order__connection=connection, order__order_id__in=list(order_ids))
