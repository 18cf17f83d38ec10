"""Money that moves between the marketplace and the bank outside the payout: one document per row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bookkeeping.accounts import AccountKey, LineKey
from bookkeeping.documents import Document, JournalEntry, Transfer
from bookkeeping.entries import entry_lines
from bookkeeping.figures import Movement, MovementKind, Statement
from bookkeeping.money import shown
from bookkeeping.numbering import settlement_key, settlement_number
from bookkeeping.parts import onward
from bookkeeping.planned import EarlierPayout, Pairing, Planned
from bookkeeping.policy import Policy
from bookkeeping.remarks import Flag, FlagKind, Hold, HoldReason

_MEMO: Final = {
    MovementKind.CARD_CHARGE: "Amazon charged the card",
    MovementKind.FAILED_PAYOUT: "Payout returned to Amazon",
    MovementKind.BANK: "Transfer by Amazon",
    MovementKind.CROSS_MARKET: "Moved between marketplaces",
}


# Where money that passes PAYOUTS comes from or goes to; what moves between marketplaces stays there for the other one.
_END: Final = {
    MovementKind.CARD_CHARGE: AccountKey.CHARGE_METHOD,
    MovementKind.FAILED_PAYOUT: AccountKey.BANK,
    MovementKind.BANK: AccountKey.BANK,
}


@dataclass(frozen=True, slots=True)
class Moved:
    """The documents of a settlement's movements, and which earlier payouts they take back."""

    documents: tuple[Planned, ...]
    pairings: tuple[Pairing, ...]
    flags: tuple[Flag, ...]


def plan_movements(statement: Statement, policy: Policy, payouts: Sequence[EarlierPayout], revision: int) -> Moved:
    """Return a document per movement row, in row order.

    A failed payout takes back the latest earlier payout of the same amount. Without one it is held; where that payout
    was withheld, nothing is posted for either, for the money never left. One of a settlement that is not in these books
    was not booked with them: nothing may be taken off the bank for it. It is held until a person says that it never came;
    then the money was owed from before, and comes out of the opening balances.
    """
    left = [payout for payout in payouts if payout.settlement_id != statement.header.settlement_id]
    documents, pairings, flags = [], [], []
    for movement in statement.movements:
        held, opens = None, False
        if movement.kind is MovementKind.FAILED_PAYOUT:
            match = _match(movement, left)
            if match is None:
                held = _unmatched(movement, statement.header.currency)
            elif match.outside and not (match.said or match.withheld):
                held = _before(movement, match, statement.header.currency)
            else:
                left.remove(match)
                opens = match.outside
                pairings.append(Pairing(movement.line, match.settlement_id, movement.amount, match.withheld))
                if match.withheld:
                    why = "is before your books and never came" if match.outside else "failed before it was posted"
                    text = f"The payout of settlement {match.settlement_id} {why}; neither is booked"
                    flags.append(Flag(FlagKind.PAYOUT_CANCELLED, text, amount=movement.amount))
                    continue
        key = settlement_key(statement.header.settlement_id, f"L{movement.line}", "movement", revision)
        document = _document(statement, movement, policy, revision, opens=opens)
        documents.append(Planned(key, document, held=held))
        there = _END.get(movement.kind)
        if policy.onward and there and isinstance(document, Transfer):
            key = settlement_key(statement.header.settlement_id, f"L{movement.line}", "onward", revision)
            documents.append(Planned(key, onward(document, there), held=held))
    return Moved(tuple(documents), tuple(pairings), tuple(flags))


def _match(movement: Movement, payouts: Sequence[EarlierPayout]) -> EarlierPayout | None:
    fitting = [payout for payout in payouts if payout.amount == movement.amount and payout.on <= movement.on]
    return max(fitting, key=lambda payout: (payout.on, payout.settlement_id), default=None)


def _unmatched(movement: Movement, currency: str) -> Hold:
    amount = shown(movement.amount, currency)
    text = f"Amazon took back a payout of {amount}, and none of this amount is known. Load the settlement it paid."
    return Hold(HoldReason.PAYOUT_UNMATCHED, text, f"line {movement.line}")


def _before(movement: Movement, payout: EarlierPayout, currency: str) -> Hold:
    amount = shown(movement.amount, currency)
    text = (
        f"Amazon took back the payout of {amount} of settlement {payout.settlement_id}, which is before your books, so that "
        "payout was never booked with them. Open that settlement and say that the payout never came: the money then comes "
        "out of your opening balances, and nothing touches the bank. If somebody booked the payout in the ledger by hand, "
        "take that entry back first."
    )
    return Hold(HoldReason.PAYOUT_UNMATCHED, text, payout.settlement_id)


def _document(statement: Statement, movement: Movement, policy: Policy, revision: int, *, opens: bool) -> Document:
    header = statement.header
    other = AccountKey.OPENING if opens else _other_side(movement.kind, policy)
    number = settlement_number(header.settlement_id, f"{movement.kind}{movement.n}", revision)
    memo = f"{_MEMO[movement.kind]}, settlement {header.settlement_id}"
    if opens or (other == AccountKey.CHARGE_METHOD and not policy.card_transfers):
        lines = entry_lines({other: movement.amount}, AccountKey.CLEARING)
        return JournalEntry(number, movement.on, header.currency, lines, memo)
    source, target = (other, AccountKey.CLEARING) if movement.amount > 0 else (AccountKey.CLEARING, other)
    return Transfer(number, movement.on, header.currency, source, target, abs(movement.amount), memo)


def _other_side(kind: MovementKind, policy: Policy) -> LineKey:
    if kind is MovementKind.CARD_CHARGE:
        return policy.charges_to
    # Each marketplace's file books its own leg only; both legs meet in transit.
    return AccountKey.PAYOUTS if kind is MovementKind.CROSS_MARKET else policy.payouts_to
