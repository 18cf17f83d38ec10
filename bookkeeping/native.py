"""Documents that stay in the settlement's currency and carry its rate: the ledger computes home money.

What the rate moved between the settlement and its payout stays on CLEARING in home money alone, until it is revalued.
"""

from dataclasses import replace

from bookkeeping.accounts import AccountKey
from bookkeeping.check import check_documents
from bookkeeping.documents import Document, Transfer
from bookkeeping.entries import effect, own_total
from bookkeeping.exchange import converted, rate_of
from bookkeeping.figures import Statement
from bookkeeping.money import shown
from bookkeeping.planned import Plan, Planned
from bookkeeping.remarks import Flag, FlagKind
from bookkeeping.terms import Booked, Terms, ask_for, beside, is_payout, with_rate


def book_native(plan: Plan, statement: Statement, terms: Terms) -> Booked:
    documents = []
    paid_out = False
    for planned in plan.documents:
        if is_payout(planned):
            one = _payout(planned, terms)
            paid_out = one.held is None
            documents.append(one)
        else:
            documents.append(replace(planned, document=_document(plan, planned, terms)))
    carried = _carrying(plan, statement, terms)
    residue = 0
    flags = plan.flags
    if paid_out and terms.received is not None and not _both_kept(plan, terms):
        residue = carried - terms.received
        if residue:
            flags = (*flags, _residue(residue, terms.home))
    check_documents(documents)
    return Booked(replace(plan, documents=tuple(documents), flags=flags), carried, residue)


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
        return replace(planned, document=with_rate(document, terms.rate)).hold(
            ask_for(own_total(document), document.currency, terms)
        )
    return replace(planned, document=_at_received(document, terms.received, terms.home))


def _at_received(document: Transfer, received: int, home: str) -> Transfer:
    return replace(document, received=received, rate=rate_of(document.amount, document.currency, received, home))


def _both_kept(plan: Plan, terms: Terms) -> bool:
    payouts = [one.document for one in plan.documents if is_payout(one)]
    return all(isinstance(one, Transfer) and terms.kept >= {one.source, one.target} for one in payouts)


def _carrying(plan: Plan, statement: Statement, terms: Terms) -> int:
    """Return what the settlement leaves on CLEARING in home money, as the ledger converts its documents line by line."""
    own = own_home = 0
    for planned in plan.documents:
        if is_payout(planned):
            continue
        moved = effect(planned.document)
        own += moved.get(AccountKey.CLEARING, 0)
        if AccountKey.CLEARING in moved:
            currency = statement.header.currency
            others = (
                converted(amount, currency, terms.rate, terms.home)
                for key, amount in moved.items()
                if key != AccountKey.CLEARING
            )
            own_home -= sum(others)
    return own_home + beside(plan, statement, terms, own)


def _residue(residue: int, home: str) -> Flag:
    text = (
        f"The payout leaves {shown(residue, home)} on the clearing account in home money only: what the exchange rate moved "
        "between the settlement and the payout. Revalue the account in the ledger, and it goes to exchange gain or loss"
    )
    return Flag(FlagKind.EXCHANGE_RESIDUE, text, amount=residue)
