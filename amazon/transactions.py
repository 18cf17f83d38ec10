"""What one transaction of Amazon's says, taken apart. Pure: no database, clock or network.

The money is in the leaves of a tree of breakdowns, at the items or at the transaction itself; what lies between is sums. It counts
only where the leaves add up to the transaction's own total. Source: SP-API model Finances 2024-06-19, listTransactions; what is
seen beyond the model: lists that are null or wrapped in an object, statuses in any case.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from amazon.client import moment
from amazon.finances import Sent, account_type, identifiers, money, sequence, text
from bookkeeping.money import BadAmount, shown

DEEPEST: Final = 20  # no tree that was ever seen has more than five levels

_READ: Final = (KeyError, TypeError, ValueError, AttributeError, ArithmeticError)


@dataclass(frozen=True, slots=True)
class Leaf:
    """An amount that carries money, in minor units; ``containers`` are the sums it is part of, outermost first.

    ``sku`` and ``quantity`` are those of the item it belongs to. ``type`` is "" where Amazon gave a total without detail.
    """

    type: str
    containers: tuple[str, ...]
    amount: int
    sku: str = ""
    quantity: int | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A transaction. ``problem`` says why its amounts cannot be trusted, "" where they can."""

    transaction_id: str
    status: str
    kind: str
    description: str
    account_type: str
    marketplace_id: str
    marketplace: str
    posted_at: datetime | None
    currency: str
    total: int
    order_id: str
    settlement_id: str
    group_id: str
    released_by: str
    releases: str
    deferral_reason: str
    matures_at: datetime | None
    leaves: tuple[Leaf, ...]
    problem: str

    def leaves_as_dicts(self) -> list[dict[str, Any]]:
        return [{**asdict(leaf), "containers": list(leaf.containers)} for leaf in self.leaves]

    @property
    def digest(self) -> str:
        """SHA-256 of all of it, whatever the order of its leaves: two versions with the same one are one."""
        leaves = sorted(json.dumps(one, sort_keys=True) for one in self.leaves_as_dicts())
        said = json.dumps(asdict(replace(self, leaves=())) | {"leaves": leaves}, default=str, sort_keys=True)
        return hashlib.sha256(said.encode()).hexdigest()


def parse(sent: Sent) -> Parsed:
    """Return a transaction as Amazon sends it. Never raises: what is missing is empty, what cannot be true is a ``problem``."""
    problems: list[str] = []
    total, currency = _total(sent, problems)
    leaves = _leaves(sent, total, currency, problems)
    posted_at = _moment(sent.get("postedDate"))
    if posted_at is None:
        problems.append("Amazon gave no date.")
    named = text(sent.get("transactionId"))
    if not named or len(named) > 255:
        problems.append("Amazon gave it no id by which it could be known again.")
    related = identifiers(sent.get("relatedIdentifiers"))
    whose, where = _mapping(sent.get("sellingPartnerMetadata")), _mapping(sent.get("marketplaceDetails"))
    deferred = _deferral(sent)
    found = Parsed(
        transaction_id=named,
        status="_".join(text(sent.get("transactionStatus")).upper().replace("-", " ").split())[:40],
        kind=text(sent.get("transactionType"))[:80],
        description=text(sent.get("description"))[:255],
        account_type=account_type(whose.get("accountType")),
        marketplace_id=(text(whose.get("marketplaceId")) or text(where.get("marketplaceId")))[:20],
        marketplace=text(where.get("marketplaceName"))[:64],
        posted_at=posted_at,
        currency=currency,
        total=total,
        order_id=related.get("ORDER_ID", "")[:64],
        settlement_id=related.get("SETTLEMENT_ID", "")[:64],
        group_id=related.get("FINANCIAL_EVENT_GROUP_ID", "")[:64],
        released_by=related.get("RELEASE_TRANSACTION_ID", "")[:255],
        releases=related.get("DEFERRED_TRANSACTION_ID", "")[:255],
        deferral_reason=text(deferred.get("deferralReason"))[:40],
        matures_at=_moment(deferred.get("maturityDate")),
        leaves=tuple(leaves),
        problem=" ".join(problems),
    )
    if named and len(named) <= 255:
        return found
    # What has no id is told apart by all it says; it counts nowhere, so that no second sight of it can count twice.
    return replace(found, transaction_id=f"unnamed:{found.digest}")


def _total(sent: Sent, problems: list[str]) -> tuple[int, str]:
    try:
        return money(sent["totalAmount"])
    except _READ as error:
        problems.append(str(error) if isinstance(error, BadAmount) else "Amazon gave no total.")
        return 0, ""


def _leaves(sent: Sent, total: int, currency: str, problems: list[str]) -> list[Leaf]:
    """Return the leaves of the items where every one has some, else those of the transaction."""
    items = [_mapping(one) for one in sequence(sent.get("items"))]
    own = _breakdowns(sent.get("breakdowns"))
    by_item = bool(items) and all(_breakdowns(item.get("breakdowns")) for item in items)
    if not by_item and not own and not any(_breakdowns(item.get("breakdowns")) for item in items):
        return [Leaf("", (), total)] if total else []  # a total without detail contradicts nothing
    try:
        if by_item:
            found = [leaf for item in items for leaf in _of_item(item, currency)]
        else:
            found = list(_walk(own, currency, (), *_product(sent)))
    except _READ as error:
        problems.append(str(error) if isinstance(error, BadAmount) else "Its amounts cannot be read.")
        return []
    if currency and (summed := sum(leaf.amount for leaf in found)) != total:
        problems.append(f"Its amounts add up to {shown(summed, currency)}, its total is {shown(total, currency)}.")
    return found


def _of_item(item: Sent, currency: str) -> Iterator[Leaf]:
    return _walk(_breakdowns(item.get("breakdowns")), currency, (), *_product(item))


def _walk(
    breakdowns: Iterable[Sent], currency: str, containers: tuple[str, ...], sku: str, quantity: int | None
) -> Iterator[Leaf]:
    if len(containers) > DEEPEST:
        raise BadAmount("Its breakdowns do not end.")
    for one in breakdowns:
        kind = text(one.get("breakdownType"))[:80]
        if parts := _breakdowns(one.get("breakdowns")):
            yield from _walk(parts, currency, (*containers, kind), sku, quantity)
            continue
        if one.get("breakdownAmount") is None:
            continue
        amount, written = money(one["breakdownAmount"])
        if amount and written != currency:
            raise BadAmount(f"{kind} is in {written}, the total in {currency or 'no currency'}.")
        if amount:
            yield Leaf(kind, containers, amount, sku, quantity)


def _breakdowns(sent: Any) -> list[Sent]:
    """Return a list of breakdowns: it may be null, and it may be wrapped in an object."""
    while isinstance(sent, Mapping):
        sent = [sent] if "breakdownType" in sent else sent.get("breakdowns")
    return [one for one in sequence(sent) if isinstance(one, Mapping)]


def _product(sent: Sent) -> tuple[str, int | None]:
    found = _context(sent, "ProductContext")
    quantity = found.get("quantityShipped")
    whole = isinstance(quantity, int) and not isinstance(quantity, bool)
    return text(found.get("sku"))[:128], quantity if whole else None


def _deferral(sent: Sent) -> Sent:
    """Return why a transaction is held back: the context is the transaction's own, or its items'."""
    for one in (sent, *(_mapping(item) for item in sequence(sent.get("items")))):
        if found := _context(one, "DeferredContext"):
            return found
    return {}


def _context(sent: Sent, kind: str) -> Sent:
    contexts = (_mapping(one) for one in sequence(sent.get("contexts")))
    return next((one for one in contexts if text(one.get("contextType")).casefold() == kind.casefold()), {})


def _mapping(sent: Any) -> Sent:
    return sent if isinstance(sent, Mapping) else {}


def _moment(sent: Any) -> datetime | None:
    try:
        return moment(sent)
    except (TypeError, ValueError, OverflowError):
        return None
