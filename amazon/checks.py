"""*Test connection*: what Amazon lets us do for this seller, step by step, and what to do about the rest."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from amazon.client import AmazonError, Client, Forbidden, WaitFor
from amazon.connect import client_for
from amazon.rates import Priority
from kit.clock import now
from tenants.grants import NeedsReconnect
from tenants.models import Connection
from tenants.providers import Step
from tenants.renewing import secret_ending

CONNECT_AGAIN: Final = "Connect Amazon again from Connections, signed in to Seller Central as the primary user."
WARN_BEFORE: Final = timedelta(days=30)
SKEW_WARNS: Final = timedelta(seconds=30)
SKEW_FAILS: Final = timedelta(
    seconds=90
)  # asking for the last two minutes is a 400, and a token seems older than it is


def run(connection: Connection, mode: str) -> list[Step]:
    """Return every step in order; steps that need a token are skipped where there is none."""
    client = client_for(connection, Priority.PERSON)
    token = _token(client)
    remote: list[tuple[str, Callable[[], str]]] = [
        ("Seller and marketplaces", lambda: _marketplaces(client)),
        ("Settlement reports", lambda: _settlements(client)),
        ("Orders", lambda: _orders(client)),
    ]
    roles = {"Settlement reports": "Finance and Accounting", "Orders": "Inventory and Order Tracking"}
    if token.verdict == "passed":
        steps = [_step(name, call, roles.get(name, "")) for name, call in remote]
    else:
        steps = [Step(name, "skipped", "Needs a token.", token.action) for name, _ in remote]
    return [token, *steps, _clock(client), _authorization(connection), _secret(connection)]


def _token(client: Client) -> Step:
    name = "Access token"
    try:
        client.authorize()
    except NeedsReconnect as error:
        return Step(name, "failed", str(error), CONNECT_AGAIN, "posting")
    except WaitFor as error:
        return Step(name, "failed", str(error), "Test again in a few minutes.")
    return Step(name, "passed", "Amazon gave a token.")


def _step(name: str, call: Callable[[], str], role: str) -> Step:
    try:
        return Step(name, "passed", call())
    except NeedsReconnect as error:
        return Step(name, "failed", str(error), CONNECT_AGAIN, "posting")
    except Forbidden as error:
        missing = f"Give the application the role {role} in the developer console, then connect again." if role else ""
        return Step(name, "failed", str(error), missing or CONNECT_AGAIN)
    except WaitFor as error:
        return Step(name, "skipped", str(error), f"Test again in {max(1, round(error.seconds / 60))} min.")
    except AmazonError as error:
        asked = f" Amazon's support wants the request id {error.request_id}." if error.request_id else ""
        return Step(name, "failed", str(error), f"Test again; if it stays, report it.{asked}")


def _marketplaces(client: Client) -> str:
    found = [one for one in client.marketplace_participations() if one.active]
    if not found:
        raise Forbidden("the seller takes part in no marketplace of this region")
    return ", ".join(f"{one.name} ({one.currency})" for one in found)


def _settlements(client: Client) -> str:
    found = list(client.settlement_reports(now() - timedelta(days=89)))
    return f"{len(found)} settlement reports in the last 89 days."


def _orders(client: Client) -> str:
    until = now() - timedelta(minutes=3)
    found = client.search_orders(until - timedelta(hours=1), until).orders
    return f"{len(found)} orders changed within the last hour."


def _clock(client: Client) -> Step:
    name, skew = "Clock", client.clock_skew
    if skew is None:
        return Step(name, "skipped", "Amazon has not told the time.")
    detail = (
        f"Our clock is {abs(skew.total_seconds()):.0f} s {'ahead of' if skew > timedelta(0) else 'behind'} Amazon's."
    )
    if abs(skew) <= SKEW_WARNS:
        return Step(name, "passed", detail)
    verdict = "warning" if abs(skew) <= SKEW_FAILS else "failed"
    return Step(name, verdict, detail, "Let the machine set its clock from a time server (NTP).")


def _authorization(connection: Connection) -> Step:
    name, grant = "Yearly authorization", connection.grant
    if grant.hard_expires_at is None:
        return Step(name, "skipped", "A private application's own authorization is not renewed yearly.")
    left, day = grant.hard_expires_at - now(), _day(grant.hard_expires_at)
    if left <= timedelta(0):
        return Step(name, "failed", f"Ended on {day}.", CONNECT_AGAIN, "posting")
    detail = f"Authorization until {day}, {left.days} days."
    if left <= WARN_BEFORE:
        return Step(name, "warning", detail, "Press Renew now on this page. Nothing is lost by doing it early.")
    return Step(name, "passed", detail)


def _secret(connection: Connection) -> Step:
    name, private = "Client secret", bool(connection.grant.application)
    ending = secret_ending(connection)
    if ending is None:
        return Step(name, "skipped", "Whoever runs this installation renews it; when it ends was not entered.")
    left = ending.at - now()
    detail = (
        f"Client secret until {_day(ending.at)}{' at the latest' if ending.assumed else ''}, {max(0, left.days)} days."
    )
    if left > WARN_BEFORE:
        return Step(name, "passed", detail)
    mend = "Make a new one in the developer console, and enter it by New client secret on this page."
    return Step(name, "warning", detail, mend if private else "Whoever runs this installation has to renew it.")


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
