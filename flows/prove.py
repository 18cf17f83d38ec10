"""The proof of a settlement: computed from what the ledger answered and has now, stored with the plan, shown as it was
compared."""

import json
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final

from django.db.models import Max

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import JournalEntry, Transfer, document_from
from bookkeeping.entries import effect
from bookkeeping.planned import Carrier as Carrying
from bookkeeping.planned import Pairing, Planned
from bookkeeping.planned import Plan as Planning
from bookkeeping.proof import PAYOUT, Answer, Comparison, Converted, Proof, Step, Verdict, prove, waterfall
from bookkeeping.remarks import Hold, HoldReason
from flows import arrivals, balances, bank_matches, currencies, history, rows, statements, taking_back
from flows.models import BankLine, Carrier, Delivery, Dependency, Plan
from kit import clock

# An orders-mode settlement has tens of thousands of documents. Kept are those that disagree and the first of the others.
KEPT: Final = 200
CLEARING_BALANCE: Final = "clearing balance"
ARRIVED: Final = "arrived"
PETTY_CASH: Final = "petty cash"
BANK_LINE: Final = "bank line"
_READ: Final = (
    *("key", "kind", "document", "original", "original_amount", "amount", "part", "not_before", "state", "code"),
    *("reason", "answered_total", "currency"),
)

SUMMARY: Final = "summary"
PAID_OUT: Final = "paid out"
_ALWAYS_KEPT: Final = (PAYOUT, CLEARING_BALANCE, ARRIVED, PETTY_CASH, SUMMARY, PAID_OUT, BANK_LINE)

State = Delivery.State


def proof_of(plan: Plan) -> Proof:
    """Return the proof of a plan from its rows as they are now."""
    found = list(rows.live(plan).only(*_READ))
    answers = {row.key: _answer(row) for row in found if row.state == State.POSTED}
    answers |= {
        row.key: replace(_answer(row), changed=row.reason, gone=row.code == rows.VOID)
        for row in found
        if rows.is_changed_by_hand(row)
    }
    planning = as_planning(plan, found)
    proof = prove(statements.from_json(plan.statement), planning, answers)
    proof = _with_arrived(plan, proof, [row for row in found if row.key in answers])
    proof = _by_balance(plan, _with_amazon(plan, proof))
    proof = _with_bank_line(plan, proof)
    if planning.reconciling or not plan.settlement.payout_failed:
        return proof
    if not history.payout_cancelled(plan.flow, plan.settlement):
        return proof
    # The payout failed before it was booked and a later settlement took it back: what it would have paid out stays on
    # clearing, and that later one takes it off again.
    expected = proof.clearing_expected + plan.settlement.total
    if proof.verdict is Verdict.DIFFERS and not _disagreeing(proof) and proof.clearing == expected:
        silent = any(one.right is None for one in proof.comparisons)
        return replace(proof, clearing_expected=expected, verdict=Verdict.UNCOMPARED if silent else Verdict.PROVED)
    return replace(proof, clearing_expected=expected)


def _by_balance(plan: Plan, proof: Proof) -> Proof:
    """Return the proof with the balance of the clearing account, where single documents could not be compared: read after the
    last of them was posted, it is what all documents come to."""
    if proof.verdict is not Verdict.UNCOMPARED or not balances.unseen(plan.flow.target):
        return proof
    found = balances.of_clearing(plan.flow)
    newest = rows.live(plan).aggregate(at=Max("posted_at"))["at"]
    if found is None or found.ours is None or found.ours != found.ledger or (newest and newest > found.at):
        return proof
    currency = plan.flow.home if plan.flow.converts else ""
    compared = Comparison(CLEARING_BALANCE, found.ours, found.ledger, found.at.isoformat(), currency=currency)
    return replace(proof, comparisons=(*proof.comparisons, compared), verdict=Verdict.PROVED)


def _with_arrived(plan: Plan, proof: Proof, posted: list[Delivery]) -> Proof:
    """Return the proof with what arrived of a payout beside what the books have of it, where that is another currency."""
    flow, settlement = plan.flow, plan.settlement
    received = arrivals.received(settlement, flow.home) if flow.home and settlement.total > 0 else None
    if received is None:
        return proof
    if not plan.reconciling:
        payout = next((row for row in posted if "/P/payout/" in row.key), None)
        name, figures = ARRIVED, (received, _on_the_bank_line(payout) if payout else None)
    elif proof.waiting or proof.undecided or settlement.opening_debt or any(one["withheld"] for one in plan.pairings):
        return proof
    else:
        rest = currencies.in_books(flow, sum(plan.reconciling.values()) - settlement.total, plan.exchange)
        moved = sum(effect(document_from(row.plain_document)).get(AccountKey.PETTY, 0) for row in posted)
        name, figures = PETTY_CASH, (moved, received + rest)
    if figures[1] is None:
        return proof
    whose = "amazon" if settlement.received is None or settlement.received_currency != flow.home else "person"
    compared = Comparison(name, *figures, whose, currency=flow.home)
    verdict = proof.verdict if compared.agrees else Verdict.DIFFERS
    return replace(proof, comparisons=(*proof.comparisons, compared), verdict=verdict)


def _with_bank_line(plan: Plan, proof: Proof) -> Proof:
    """Return the proof with the bank's own line of the payout, where one was imported and matched."""
    line = BankLine.objects.filter(settlement=plan.settlement).select_related("account").defer("text").first()
    expected = bank_matches.expected(plan.settlement, line.account.currency) if line else None
    if line is None or expected is None:
        return proof
    compared = Comparison(BANK_LINE, expected, line.amount, line.on.isoformat(), currency=line.account.currency)
    verdict = proof.verdict if compared.agrees else Verdict.DIFFERS
    return replace(proof, comparisons=(*proof.comparisons, compared), verdict=verdict)


def _with_amazon(plan: Plan, proof: Proof) -> Proof:
    """Return the proof with what Amazon states elsewhere, as far as it does: its summary of the settlement, and its payout."""
    settlement = plan.settlement
    found = []
    if settlement.summary_total is not None:
        found.append(Comparison(SUMMARY, settlement.total, settlement.summary_total))
    if settlement.paid_out is not None and settlement.transferred:
        found.append(Comparison(PAID_OUT, settlement.total, settlement.paid_out, settlement.trace_id))
    if not found:
        return proof
    verdict = proof.verdict if all(one.agrees for one in found) else Verdict.DIFFERS
    return replace(proof, comparisons=(*proof.comparisons, *found), verdict=verdict)


def _on_the_bank_line(payout: Delivery) -> int | None:
    """Return what a payout books as arrived in home money; None where it stays in the settlement's currency throughout."""
    document, original = document_from(payout.plain_document), payout.original
    if isinstance(document, Transfer):
        return document.received or None
    target = document_from(json.loads(original)) if original else None
    if isinstance(document, JournalEntry) and isinstance(target, Transfer):
        return effect(document).get(target.target, 0)
    return None


def keep(plan_id: int, claimed_until: datetime, proof: Proof) -> bool:
    """Keep a proof with its plan and end the claim under which it was made. False where somebody else has claimed the plan
    since, or it is not to be proved any more: theirs counts. Inside a transaction of the caller's.
    """
    mine = Plan.objects.select_for_update().filter(pk=plan_id, prove_at=claimed_until)
    stored = mine.values_list("verdict", flat=True).first()
    if stored is None:
        return False
    kept, left_out = _kept(proof.comparisons)
    shown = replace(proof, comparisons=kept, waiting=proof.waiting[:KEPT])
    verdict: dict[str, Any] = json.loads(json.dumps(asdict(shown)))
    verdict |= {
        # As it is by now: what would come out otherwise is the planner's to say.
        "differs": stored.get("differs", []),
        "by_balance": any(one.name == CLEARING_BALANCE for one in proof.comparisons),
        # Comparisons that are left out of the list are equal, or (``silent``) had nothing to compare with.
        "left_out": len(left_out),
        "left_out_silent": sum(one.right is None for one in left_out),
        "waiting_count": len(proof.waiting),
    }
    proved = proof.verdict in (Verdict.PROVED, Verdict.UNCOMPARED)
    Plan.objects.filter(pk=plan_id).update(verdict=verdict, proved_at=clock.now() if proved else None, prove_at=None)
    return True


def as_planning(plan: Plan, found: list[Delivery]) -> Planning:
    """Return a stored plan as bookkeeping's own value; its coverage and invoices are left out."""
    needs: dict[int, list[str]] = {}
    for row_id, key in Dependency.objects.filter(delivery__plan=plan).values_list("delivery_id", "key"):
        needs.setdefault(row_id, []).append(key)
    keys = {row.pk: row.key for row in found}
    carriers = Carrier.objects.filter(plan=plan).values_list(
        "part", "order_id", "line_key", "amount", "delivery_id", "delivery__key"
    )
    return Planning(
        settlement_id=plan.settlement.settlement_id,
        documents=tuple(
            Planned(
                key=row.key,
                document=document_from(json.loads(row.original or row.document)),
                depends_on=tuple(key for key in needs.get(row.pk, []) if not key.startswith("company/")),
                held=_hold(row),
                part=row.part,
                not_before=row.not_before,
            )
            for row in found
        ),
        coverage=(),
        invoices=(),
        carriers=tuple(
            Carrying(part, order_id, line_key, amount, keys.get(delivery_id) or key or "")
            for part, order_id, line_key, amount, delivery_id, key in carriers.iterator(chunk_size=2000)
        ),
        pairings=tuple(Pairing(**pairing) for pairing in plan.pairings),
        flags=(),
        reconciling=plan.reconciling,
    )


def _answer(row: Delivery) -> Answer:
    if row.original_amount is None:
        return Answer(row.answered_total)
    return Answer(_in_settlement(row), converted=Converted(row.kind, row.currency, row.amount, row.answered_total))


def _in_settlement(row: Delivery) -> int | None:
    """Return what the ledger answered in the settlement's currency: of a converted document that came out as it was sent,
    the total from which it was converted. Where it did not, the difference in home money stands in the figure."""
    if row.original_amount is None or row.answered_total is None:
        return row.answered_total
    if taking_back.comes_to(row, row.answered_total):
        return row.original_amount
    return row.original_amount + row.answered_total - row.amount


def steps(plan: Plan) -> tuple[Step, ...]:
    """Return the waterfall from gross sales to the payout."""
    return waterfall(statements.from_json(plan.statement))


def _kept(comparisons: tuple[Comparison, ...]) -> tuple[tuple[Comparison, ...], list[Comparison]]:
    """Return what is kept, in the order of the proof, and what is left out: never a figure that disagrees."""
    equal = 0
    kept, left_out = [], []
    for one in comparisons:
        equal += one.agrees
        if not one.agrees or equal <= KEPT or one.name in _ALWAYS_KEPT:
            kept.append(one)
        else:
            left_out.append(one)
    return tuple(kept), left_out


def _disagreeing(proof: Proof) -> bool:
    return not all(one.agrees for one in proof.comparisons)


def _hold(row: Delivery) -> Hold | None:
    if row.state not in (State.HELD, State.PARKED, State.FAILED, State.UNCERTAIN):
        return None
    known = row.code in set(HoldReason)
    return Hold(HoldReason(row.code) if known else HoldReason.UNMAPPED_ACCOUNT, row.reason or row.get_state_display())
