"""What a ledger can do, as a test has to know it: which kinds it holds and shows, and how it takes one back."""

from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.documents import How, Kind
from bookkeeping.policy import Policy
from bookkeeping.undo import reversal_of
from ledgers.port import Lookup
from tests.contract import documents as make


def policy(rig: Any) -> Policy:
    """How the documents of this ledger are cut unless somebody chooses."""
    found: Policy = rig.ledger.capabilities.layouts[0].policy
    return found


def holds(rig: Any, kind: Kind) -> bool:
    return kind in rig.ledger.capabilities.kinds


def need(rig: Any, kind: Kind) -> None:
    if not holds(rig, kind):
        pytest.skip("this ledger does not hold it")


def batches(rig: Any) -> bool:
    invoices = [rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(2)]
    return len(rig.ledger.render(invoices)) == 1


def need_batches(rig: Any) -> None:
    if not batches(rig):
        pytest.skip("a call of this ledger carries one document")


def exact(rig: Any, kind: Kind) -> bool:
    return bool(rig.ledger.capabilities.lookup[kind] is Lookup.EXACT)


def removable(rig: Any, kind: Kind) -> bool:
    """Tell whether the ledger shows a kind to other programs, and lets it be taken away."""
    able = rig.ledger.capabilities
    return kind in able.readable and able.undo[kind] is not How.REVERSE


def changeable(rig: Any, *kinds: Kind) -> Kind:
    """Return the first of these kinds that the ledger shows to other programs, and that can be changed and taken away."""
    return next(kind for kind in kinds if removable(rig, kind))


def payment(rig: Any, invoice: str = "inv1", amount: int = 3500, **changes: Any) -> Any:
    """Return a payment, to where this ledger books it."""
    return make.payment(invoice, amount, **{"account": policy(rig).payments_to, **changes})


def transfer(rig: Any, **changes: Any) -> Any:
    """Return the payout, to where this ledger lets it go."""
    return make.transfer(**{"target": policy(rig).payouts_to, **changes})


def undo(rig: Any, name: str, document: Any) -> Any:
    """Return what takes a document back in this ledger's own way."""
    how = rig.ledger.capabilities.undo[document.kind]
    taken_back = make.undo(name, document.kind, how)
    return replace(taken_back, reversal=reversal_of(document)) if how is How.REVERSE else taken_back


def before(rig: Any, post: Any) -> Any:
    """Return a post with what its look-up has to compare with, as it is kept with an attempt just before it is sent."""
    (call,) = rig.ledger.render([post])
    return replace(post, before=rig.ledger.before(call))


def send(rig: Any, *posts: Any, deadline_s: float = 10.0) -> dict[str, Any]:
    """Send posts in as many calls as they take, and return what became of each."""
    return {
        key: outcome for call in rig.ledger.render(posts) for key, outcome in rig.ledger.send(call, deadline_s).items()
    }
