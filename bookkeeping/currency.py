"""Settlements in another currency than the books': the step after ``carry.plan``, which knows only the settlement's own.

Either documents stay in the settlement's currency (``native``), or all of them are converted (``converting``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bookkeeping.converting import Converter
from bookkeeping.coverage import OpenInvoice
from bookkeeping.figures import Statement
from bookkeeping.native import book_native
from bookkeeping.planned import Plan
from bookkeeping.policy import Policy
from bookkeeping.remarks import Hold, HoldReason
from bookkeeping.terms import Booked, Carrying, Strategy, Terms


def book(
    plan: Plan,
    statement: Statement,
    terms: Terms,
    *,
    policy: Policy,
    revision: int = 1,
    open_invoices: Sequence[OpenInvoice] = (),
    carrying: Mapping[str, Carrying] | None = None,
) -> Booked:
    """Return the plan as it is sent to books in ``terms.home``.

    ``policy`` and ``open_invoices`` are those ``carry.plan`` was given, ``carrying`` the same in home money, by key (convert only).

    Raises:
        PlanBroken: a document came out wrong.
    """
    if not terms.rate:
        held = Hold(HoldReason.NO_RATE, terms.no_rate, statement.header.currency)
        return Booked(replace(plan, documents=tuple(one.hold(held) for one in plan.documents)), 0)
    if terms.strategy is Strategy.NATIVE:
        return book_native(plan, statement, terms, policy, revision)
    return Converter(plan, statement, terms, policy, revision, open_invoices, carrying or {}).booked()
