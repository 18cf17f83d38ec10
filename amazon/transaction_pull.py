"""Bring a seller's transactions in, oldest first, a page at a time.

A sweep goes from the watermark to now in windows of less than 180 days. What Amazon has posted may appear two days late: the
watermark stays behind the beginning of the sweep by more than that, so that the next sweep passes there again. A sweep that is
killed goes on at its last page; one that outlives its page tokens begins its window again, half as long.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from amazon import finances, naming
from amazon.client import BadRequest, Client, ServerTrouble, moment
from amazon.connect import client_for
from amazon.cursors import Claim, claimed
from amazon.held import LAG, overdue
from amazon.models import Resource, Transaction
from amazon.pull import forbidden_is_told
from amazon.transaction_store import store_transactions, tell_problems
from audit.trail import record, recorded
from kit.clock import now
from tenants.models import Connection

WINDOW: Final = timedelta(days=179)  # bounds more than 180 days apart are answered with nothing
SHORTEST_WINDOW: Final = timedelta(hours=1)
HORIZON: Final = timedelta(days=729)  # as far back as orders go
OVERLAP: Final = LAG + timedelta(hours=24)
NEWEST: Final = timedelta(minutes=3)  # the upper bound must be two minutes old
WALK_LIFE: Final = timedelta(hours=23)  # no life is stated for these page tokens: that of the order's
ASKED_AT_ONCE: Final = 20  # orders asked for by their id in one pull
ASK_AGAIN: Final = timedelta(days=1)


@dataclass(slots=True)
class Pulled:
    new: int = 0
    changed: int = 0


def pull_transactions(connection: Connection, since: datetime | None = None, client: Client | None = None) -> Pulled:
    """Bring in what was posted or has changed; the first sweep begins at ``since``, or two years ago.

    Raises WaitFor, Forbidden, tenants.grants.NeedsReconnect. What was stored until then stays.
    """
    pulled = Pulled()
    with claimed(connection, Resource.TRANSACTIONS) as claim, forbidden_is_told(connection, "transactions"):
        client = client or client_for(connection)
        try:
            bound = (now() - NEWEST).replace(microsecond=0)
            while True:
                walk = _walk(claim, since, bound)
                if walk is None:
                    break
                _through(connection, claim, client, walk, pulled)
                if moment(walk["before"]) >= bound:
                    break
            _ask_overdue(connection, claim, client, pulled)
        finally:
            tell_problems(connection)
    return pulled


def _walk(claim: Claim, since: datetime | None, bound: datetime) -> dict[str, Any] | None:
    """Return the window to resume or to begin; None where the sweep has come to the bound."""
    walk, watermark = claim.cursor.walk, claim.cursor.watermark
    if "after" in walk:
        if now() - moment(walk["began_at"]) < WALK_LIFE:
            return dict(walk)
        return _shorter(walk)
    if "from" in walk:
        after, swept_at = moment(walk["from"]), walk["swept_at"]
    else:
        oldest = now() - HORIZON
        after = max(watermark or since or oldest, oldest).replace(microsecond=0)
        swept_at = now().isoformat()
    if after >= bound:
        return None
    hours = walk.get("hours", WINDOW / timedelta(hours=1))
    return _window(after, min(after + timedelta(hours=hours), bound), hours, swept_at)


def _window(after: datetime, before: datetime, hours: float, swept_at: str) -> dict[str, Any]:
    return {
        "after": after.isoformat(),
        "before": before.isoformat(),
        "began_at": now().isoformat(),
        "swept_at": swept_at,
        "hours": hours,
        "token": "",
        "new": 0,
        "changed": 0,
    }


def _shorter(walk: dict[str, Any]) -> dict[str, Any]:
    """Return a window of half the length from the same instant."""
    after = moment(walk["after"])
    length = max((moment(walk["before"]) - after) / 2, SHORTEST_WINDOW)
    before = min(after + length, moment(walk["before"]))
    return _window(after, before, length / timedelta(hours=1), walk["swept_at"])


def _through(connection: Connection, claim: Claim, client: Client, walk: dict[str, Any], pulled: Pulled) -> None:
    after, before, swept_at = (moment(walk[name]) for name in ("after", "before", "swept_at"))
    tokens: set[str] = set()
    while True:
        claim.alive()
        try:
            page = finances.transactions(client, after, before, walk["token"])
        except BadRequest:
            if not walk["token"]:
                raise
            # The token died: these pages are walked again from the first one, which stores nothing twice.
            claim.move(walk=_window(after, before, walk["hours"], walk["swept_at"]))
            raise ServerTrouble("Amazon no longer takes the page token; the window begins again", 5.0) from None
        naming.check(connection, page.transactions)
        tokens.add(walk["token"])
        if page.next_token and page.next_token in tokens:
            claim.move(walk=_shorter(walk))
            raise ServerTrouble("Amazon sent the same page token twice; a shorter window begins", 60.0)
        with recorded():
            stored = store_transactions(connection, page.transactions)
            walk = {
                **walk,
                "token": page.next_token,
                "new": walk["new"] + stored.new,
                "changed": walk["changed"] + stored.changed,
            }
            if page.next_token:
                claim.move(walk=walk)
            else:
                _end(connection, claim, walk, swept_at)
        pulled.new, pulled.changed = pulled.new + stored.new, pulled.changed + stored.changed
        if not page.next_token:
            return


def _end(connection: Connection, claim: Claim, walk: dict[str, Any], swept_at: datetime) -> None:
    """End a window. Its sweep goes on from there, until it comes to where it can see at its beginning."""
    before, idle = moment(walk["before"]), not (walk["new"] or walk["changed"])
    rest: dict[str, Any] = {"hours": walk["hours"]}
    if before < swept_at - NEWEST - timedelta(seconds=1):
        rest |= {"from": walk["before"], "swept_at": walk["swept_at"]}
    claim.move(watermark=min(before, swept_at - OVERLAP), walk=rest, quietly=idle)
    if not idle:
        record(
            "transactions.pulled",
            f"connection:{connection.pk}",
            tenant_id=connection.tenant_id,
            after=walk["after"],
            until=walk["before"],
            new=walk["new"],
            changed=walk["changed"],
        )


def _ask_overdue(connection: Connection, claim: Claim, client: Client, pulled: Pulled) -> None:
    """Ask by their order what became of sales that should be released by now: a status that changes does not move the day on which
    a transaction was posted, so no sweep would come to it."""
    late = overdue(connection, now()).exclude(asked_at__gt=now() - ASK_AGAIN)
    orders = dict.fromkeys(late.values_list("order_id", flat=True)[: 5 * ASKED_AT_ONCE])
    for order_id in list(orders)[:ASKED_AT_ONCE]:
        claim.alive()
        sent = list(naming.checked(connection, finances.transactions_of_order(client, order_id)))
        with recorded():
            of_order = Transaction.objects.filter(connection=connection, order_id=order_id, current=True)
            of_order.update(asked_at=now())
            stored = store_transactions(connection, sent)
            claim.move()
        pulled.new, pulled.changed = pulled.new + stored.new, pulled.changed + stored.changed
