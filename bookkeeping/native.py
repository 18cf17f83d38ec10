"""Documents that stay in the settlement's currency and carry its rate: the ledger computes home money.

What the rate moved between the settlement and its payout is left on CLEARING in home money alone; and what it moved of a
debt that a settlement without payout just made up for. It goes to FX by a revaluation: one of ours where the ledger takes
such a document, else a person is told how much it is. What may be no more than the ledger's rounding goes with a later one.
"""

from dataclasses import dataclass, replace
from datetime import date

from bookkeeping.accounts import AccountKey
from bookkeeping.check import check_documents
from bookkeeping.documents import Document, Revaluation, Transfer
from bookkeeping.entries import dated, effect, own_total
from bookkeeping.exchange import converted, rate_of
from bookkeeping.figures import Statement
from bookkeeping.money import shown
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.planned import Plan, Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Flag, FlagKind
from bookkeeping.terms import Booked, Terms, ask_for, beside, is_payout, with_rate


def book_native(plan: Plan, statement: Statement, terms: Terms, policy: Policy, revision: int) -> Booked:
    documents = []
    for planned in plan.documents:
        if is_payout(planned):
            documents.append(_payout(planned, terms))
        else:
            documents.append(replace(planned, document=_document(plan, planned, terms)))
    carried = _carrying(plan, documents, statement, terms)
    rounding = (_lines(documents) + 1) // 2 + (terms.brought_rounding if statement.opening_debt else 0)
    residue, flags = 0, plan.flags
    emptied = _emptied(documents, statement)
    if emptied is not None:
        residue = carried - emptied.received
        if terms.revaluation or (policy.revalues and abs(residue) > rounding):
            documents.append(_revaluation(emptied, residue, rounding, statement, terms, revision))
            residue = 0
        elif residue and not policy.revalues:
            flags = (*flags, _residue(residue, terms.home))
    check_documents(documents)
    return Booked(replace(plan, documents=tuple(documents), flags=flags), carried, residue, rounding)


def _document(plan: Plan, planned: Planned, terms: Terms) -> Document:
    document = with_rate(planned.document, terms.rate)
    if not isinstance(document, Transfer) or terms.kept >= {document.source, document.target}:
        return document
    came_back = next((one for one in plan.pairings if f"/L{one.line}/" in planned.key), None)
    at_rate = converted(document.amount, document.currency, terms.rate, terms.home)
    home = terms.returned.get(came_back.settlement_id, at_rate) if came_back else at_rate
    return _at_received(document, home, terms.home)


def _payout(planned: Planned, terms: Terms) -> Planned:
    if terms.payout is not None:
        return replace(planned, document=terms.payout)
    document = planned.document
    if not isinstance(document, Transfer) or terms.kept >= {document.source, document.target}:
        return replace(planned, document=with_rate(document, terms.rate))
    if terms.received is None:
        asked = ask_for(own_total(document), document.currency, terms)
        return replace(planned, document=with_rate(document, terms.rate)).hold(asked)
    return replace(planned, document=_at_received(document, terms.received, terms.home))


def _at_received(document: Transfer, received: int, home: str) -> Transfer:
    return replace(document, received=received, rate=rate_of(document.amount, document.currency, received, home))


def _carrying(plan: Plan, documents: list[Planned], statement: Statement, terms: Terms) -> int:
    """Return what the settlement leaves on CLEARING in home money, as the ledger converts its documents line by line."""
    own = own_home = 0
    currency = statement.header.currency
    for planned in documents:
        document = planned.document
        moved = effect(document)
        if is_payout(planned) or AccountKey.CLEARING not in moved:
            continue
        own += moved[AccountKey.CLEARING]
        if isinstance(document, Transfer) and document.received:
            own_home += document.received if document.target == AccountKey.CLEARING else -document.received
        else:
            others = (amount for key, amount in moved.items() if key != AccountKey.CLEARING)
            own_home -= sum(converted(amount, currency, terms.rate, terms.home) for amount in others)
    return own_home + beside(plan, statement, terms, own)


def _lines(documents: list[Planned]) -> int:
    """Return how many lines the settlement's documents on CLEARING have."""
    moved = (effect(one.document) for one in documents if not is_payout(one))
    return sum(len(each) for each in moved if AccountKey.CLEARING in each)


@dataclass(frozen=True, slots=True)
class _Emptied:
    """What leaves CLEARING at nothing in the settlement's currency: documents of these keys, the last of them on this day, for
    ``received`` in home money."""

    keys: tuple[str, ...]
    on: date
    received: int = 0
    not_before: date | None = None


def _emptied(documents: list[Planned], statement: Statement) -> _Emptied | None:
    for one in documents:
        document = one.document
        if is_payout(one) and one.held is None and isinstance(document, Transfer) and document.received:
            return _Emptied((one.key,), document.on, document.received, one.not_before)
    if statement.header.total or not statement.opening_debt:
        return None
    moving = [one for one in documents if AccountKey.CLEARING in effect(one.document)]
    days = [on for one in moving if (on := dated(one.document))]
    return _Emptied(tuple(one.key for one in moving), max(days)) if days else None


def _revaluation(
    emptied: _Emptied, residue: int, rounding: int, statement: Statement, terms: Terms, revision: int
) -> Planned:
    """Return what takes the residue to FX, once the account is empty; in the settlement's own currency it is nothing."""
    sid, currency = statement.header.settlement_id, statement.header.currency
    document = terms.revaluation or Revaluation(
        settlement_number(sid, "R", revision),
        emptied.on,
        terms.home,
        currency,
        AccountKey.CLEARING,
        residue,
        rounding,
        f"What the exchange rate moved until Amazon settlement {sid} was paid out",
        terms.spot or terms.rate,
    )
    return Planned(
        settlement_key(sid, "R", "revaluation", revision),
        document,
        depends_on=emptied.keys,
        not_before=emptied.not_before,
        original=replace(document, currency=currency, amount=0) if isinstance(document, Revaluation) else None,
    )


def _residue(residue: int, home: str) -> Flag:
    text = (
        f"The settlement leaves {shown(residue, home)} on the clearing account in home money only: what the exchange rate "
        "moved until it was paid out. Revalue the account in the ledger, and it goes to exchange gain or loss"
    )
    return Flag(FlagKind.EXCHANGE_RESIDUE, text, amount=residue)
