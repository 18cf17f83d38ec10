"""The named steps of *Test connection*: what those of every ledger have in common."""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from ledgers.port import AuthorizationLost, Check, NotSent, Verdict

ORDERS: Final = "orders"
POSTING: Final = "posting"
ORDER_ID: Final = re.compile(r"\d{3}-\d{7}-\d{7}")

_F = TypeVar("_F")


def run(
    read: Callable[[], _F],
    steps: Mapping[str, Callable[[str, _F], Check]],
    *,
    ledger: str,
    what: str,
    reconnect: str,
    lost: tuple[type[Exception], ...] = (AuthorizationLost,),
    refused: type[Exception],
) -> list[Check]:
    """Return every step; where the company cannot be read, the first says why and the others are skipped.

    ``what`` is the ledger's word for a company. ``reconnect`` says how to connect anew, for the exceptions of ``lost``;
    ``refused`` is that of a read which the ledger refused.
    """
    reachable = f"{what.capitalize()} reachable"
    try:
        facts = read()
    except lost as error:
        detail, action = str(error), reconnect
    except NotSent as error:
        detail, action = str(error), error.action
    except refused as error:
        detail, action = str(error), "Try again in a few minutes."
    else:
        reached = Check(reachable, Verdict.PASSED, f"{ledger} answers.")
        return [reached, *(step(name, facts) for name, step in steps.items())]
    failed = Check(reachable, Verdict.FAILED, detail, action, POSTING)
    return [failed, *(Check(name, Verdict.SKIPPED, f"The {what} could not be read.") for name in steps)]


def right(name: str, what: str, called: str, known: str, more: str = "") -> Check:
    """Return the step that compares a company's name with the one it had when it was connected, "" where it is not known."""
    if known and called != known:
        return Check(
            name,
            Verdict.WARNING,
            f"The {what} is called {called}; when it was connected it was {known}.",
            "If it was renamed, refresh the lists of this connection. If not, disconnect it.",
        )
    return Check(name, Verdict.PASSED, f"This is {called}{more}.")
