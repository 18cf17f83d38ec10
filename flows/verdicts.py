"""What is said about a settlement in one company: its standing in a word, and the verdict with every comparison behind it.

Green claims exactly what was compared. Everything here reads the stored proof; nothing is compared anew.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from django.db.models import Q

from bookkeeping.accounts import ACCOUNTS, AccountKey, account_key
from bookkeeping.documents import Kind
from bookkeeping.money import shown
from bookkeeping.proof import CONVERTED, Verdict
from flows.models import Delivery, Plan

State = Delivery.State
NEEDS_PERSON: Final = (State.HELD, State.PARKED)
MOVING: Final = (State.READY, State.BLOCKED, State.SENDING, State.UNCERTAIN, State.FAILED)
SHOWN_COMPARISONS: Final = 100


@dataclass(frozen=True, slots=True)
class Standing:
    """A badge: ``state`` gives tone and icon, ``label`` the words."""

    state: str
    label: str


@dataclass(frozen=True, slots=True)
class TakingBack:
    """How far a settlement is that is being taken back. ``out`` are documents that are out of the books, ``still`` pairs of a
    document that is still in and the undo of it."""

    out: tuple[Delivery, ...]
    still: tuple[tuple[Delivery, Delivery], ...]

    @property
    def stopped(self) -> tuple[tuple[Delivery, Delivery], ...]:
        return tuple(pair for pair in self.still if pair[1].state in (*NEEDS_PERSON, State.FAILED))


@dataclass(frozen=True, slots=True)
class Compared:
    """Two figures that must be equal, each with where it comes from. ``right`` None: the ledger states none.

    ``changed`` says what somebody made of the document in the ledger since it was posted. ``currency`` is that of both.
    """

    what: str
    left_from: str
    left: int
    right_from: str
    right: int | None
    changed: str = ""
    currency: str = ""

    @property
    def difference(self) -> int:
        return 0 if self.right is None else self.left - self.right

    @property
    def agrees(self) -> bool:
        return not self.difference and not self.changed


@dataclass(frozen=True, slots=True)
class Banner:
    """The verdict as it is shown. ``chain`` has the figures that are one amount, where all of them are.

    ``shown`` lists comparisons, the ones that disagree first; ``more`` counts the equal ones that are left out.
    """

    state: str
    title: str
    text: str
    shown: tuple[Compared, ...]
    more: int
    chain: tuple[Mapping[str, Any], ...] = ()


def stopped() -> Q:
    """Return what to look for where something of a plan goes no further by itself; a refused undo stops those behind it."""
    undoing = Q(plan__state=Plan.State.UNDOING)
    # What somebody voided in the ledger stops nothing once it is taken back.
    return (Q(state__in=NEEDS_PERSON) & ~(undoing & ~Q(kind=Kind.UNDO))) | Q(
        kind=Kind.UNDO, state=State.FAILED
    ) & undoing


def standing(
    state: str,
    verdict: str,
    waiting: int,
    differs: bool = False,
    payout_on: date | None = None,
    *,
    payout_failed: bool = False,
    to_revalue: bool = False,
) -> Standing:
    """Return what a list says about a plan.

    ``waiting`` counts its documents that are ``stopped``; ``differs`` says that something in the books would come out
    otherwise now; ``payout_on`` is set where nothing is left but a payout whose day has not come; ``to_revalue``: a person
    has to revalue in the ledger what the payout left on clearing.
    """
    if state == Plan.State.UNDONE:
        return Standing("undone", "Taken back")
    if state == Plan.State.UNDOING:
        return Standing("held", "Taking back stopped") if waiting else Standing("undoing", "Being taken back")
    if verdict == Verdict.DIFFERS:
        return Standing("off", "Does not tie")
    if state == Plan.State.PLANNING:
        return Standing("planning", "Being planned")
    if state == Plan.State.PLANNED:
        return Standing("pending", "Waits for approval")
    if waiting:
        return Standing("held", f"{_documents(waiting)} held")
    if state == Plan.State.POSTING and payout_on:
        return Standing("waiting", f"Payout on {day(payout_on)}")
    if state == Plan.State.POSTING:
        return Standing("posting", "Being posted")
    if differs:
        return Standing("warning", "In the books, changed since")
    if verdict == Verdict.PROVED:
        lack = "; payout failed" if payout_failed else "; to be revalued" if to_revalue else ""
        return Standing("warning" if lack else "proved", f"Ties{lack}")
    return Standing("pending", "In the books, not compared")


def day(on: date) -> str:
    return f"{on.day} {on:%b %Y}"


def banner(
    plan: Plan,
    counts: Mapping[str, int],
    ledger: str,
    payout_on: date | None = None,
    *,
    payout_failed: str = "",
    taking_back: TakingBack | None = None,
    short: Sequence[tuple[str, int]] = (),
) -> Banner:
    """Return the verdict of a plan. ``counts`` are its documents by state, ``ledger`` is the ledger's name.

    ``payout_on`` is set where nothing is left but a payout whose day has not come; ``payout_failed`` says what a payout
    that failed means for the books; ``taking_back`` says how far a plan is that is being taken back; ``short`` by how much accounts
    are off (minor units of the books' currency) until what is held is in the books.
    """
    compared = list(comparisons(plan, ledger))
    wrong = [one for one in compared if not one.agrees]
    rest = [one for one in compared if one.agrees]
    shown = (*wrong, *rest[: max(0, SHOWN_COMPARISONS - len(wrong))])
    more = len(compared) - len(shown) + plan.verdict.get("left_out", 0)
    state, title, text = _words(plan, counts, ledger, compared, wrong, payout_on, short)
    if taking_back is not None and taking_back.stopped:
        state, title, text = "held", "Taking back has stopped", _stopped(taking_back)
    if state == "proved" and payout_failed:
        state, title, text = "warning", "Ties to the cent; the payout failed", f"{payout_failed} {text}"
    chain = _chain(plan, counts) if state == "proved" else ()
    return Banner(state, title, text, shown, more, chain)


def comparisons(plan: Plan, ledger: str) -> Iterator[Compared]:
    """Yield what was compared, in the order of the proof. A plan that was never proved has its rows and its header."""
    found = plan.verdict.get("comparisons")
    if not found:
        rows = sum(one["amount"] for one in plan.statement.get("sums", []))
        count = plan.statement.get("rows", 0)
        total, currency = plan.settlement.total, plan.settlement.currency
        yield Compared(
            "Rows and header", f"{count} rows added up", rows, "Amazon's stated total", total, currency=currency
        )
        return
    for one in found:
        compared = _compared(one, ledger)
        yield replace(compared, currency=one["currency"] or plan.settlement.currency)


def _compared(one: Mapping[str, Any], ledger: str) -> Compared:
    left, right = one["left"], one["right"]
    said = "Amazon said" if one["detail"] == "amazon" else "you said"
    match one["name"]:
        case "rows and header":
            return Compared("Rows and header", f"{one['detail']} added up", left, "Amazon's stated total", right)
        case "carried and header":
            carried = "Documents, carried debt and undecided rows"
            return Compared("Documents and header", carried, left, "Amazon's stated total", right)
        case "clearing balance":
            return Compared("Clearing account", "All that was posted to it", left, f"Its balance in {ledger}", right)
        case "header and payout" if one["detail"] == CONVERTED:
            return Compared("Payout", "Amazon's stated total", left, "Payout, before it was converted", right)
        case "summary":
            return Compared(
                "Amazon's summary", "Amazon's stated total", left, "Net proceeds in Amazon's summary", right
            )
        case "paid out":
            paid = f"What Amazon paid out, as {one['detail']}" if one["detail"] else "What Amazon paid out"
            return Compared("Amazon's payout", "Amazon's stated total", left, paid, right)
        case "arrived":
            return Compared("What arrived", f"As {said}", left, "On the payout, as it was sent", right)
        case "petty cash":
            rest = f"What arrived, as {said}, and what else stays out of the books"
            return Compared("Petty Cash", "What the documents moved it by", left, rest, right)
        case "bank line":
            on = day(date.fromisoformat(one["detail"]))
            return Compared("At the bank", "The payout", left, f"The bank's line of {on}", right)
        case "header and payout":
            return Compared("Payout", "Amazon's stated total", left, f"Payout, as {ledger} answered", right)
        case name:
            changed = one.get("changed", "")
            answered = f"As {ledger} has it now" if changed else f"As {ledger} answered"
            return Compared(name[:1].upper() + name[1:], "As it was sent", left, answered, right, changed)


def _words(
    plan: Plan,
    counts: Mapping[str, int],
    ledger: str,
    compared: Sequence[Compared],
    wrong: Sequence[Compared],
    payout_on: date | None,
    short: Sequence[tuple[str, int]],
) -> tuple[str, str, str]:
    waiting = sum(counts.get(state, 0) for state in NEEDS_PERSON)
    moving = sum(counts.get(state, 0) for state in MOVING)
    posted = counts.get(State.POSTED, 0)
    verdict = plan.verdict.get("verdict", "")
    match plan.state:
        case Plan.State.UNDONE:
            return "undone", "Taken back", "Nothing of this revision is in the books any more."
        case Plan.State.UNDOING:
            return (
                "undoing",
                "Being taken back",
                "Each document is taken out of the books; the page shows how far it is.",
            )
        case Plan.State.PLANNING:
            return "planning", "Being planned", "Its documents appear here in a moment."
        case Plan.State.PLANNED:
            documents = _documents(sum(counts.values()))
            text = f"{documents} planned; nothing is in the books yet. The rows add up to Amazon's stated total."
            return "pending", "Waits for approval", text
    if wrong or verdict == Verdict.DIFFERS:
        return "off", "Does not tie", _off(plan, wrong)
    if waiting:
        text = f"{_documents(waiting)} below {_are(waiting)} not in the books. {_short(plan, short)}"
        return "held", f"{_documents(waiting)} need{'s' if waiting == 1 else ''} a person", text
    if payout_on and moving:
        text = f"Everything but the payout is in the books and agrees. The payout is booked on {day(payout_on)}, the day Amazon pays."
        return "waiting", "Waits for the payout", text
    if plan.state == Plan.State.POSTING or moving:
        return "posting", "Being posted", f"{posted} of {_documents(sum(counts.values()))} are in the books."
    if changed := plan.verdict.get("differs"):
        text = (
            f"What is in the books ties as it was posted. Since then the mapping or Amazon's data changed: "
            f"{_documents(len(changed))} would come out otherwise now."
        )
        return "warning", "In the books, changed since", text
    # The payout stands twice: as a document, and against what Amazon states.
    silent = sum(one.right is None and one.what != "Payout" for one in compared)
    silent += plan.verdict.get("left_out_silent", 0)
    if verdict == Verdict.UNCOMPARED:
        text = (
            f"Everything is in the books and nothing disagrees, but {ledger} stated no total for {_documents(silent)}."
        )
        return "pending", "In the books, not wholly compared", text
    if verdict != Verdict.PROVED:
        return "pending", "In the books, not compared yet", "The figures are compared as soon as the last answer is in."
    return _proved(plan, ledger, posted, silent)


def _short(plan: Plan, short: Sequence[tuple[str, int]]) -> str:
    """Return what holds of the rest while some documents are not in the books."""
    if not short:
        return "What is in the books agrees."
    first, *rest = ((name, shown(amount, plan.flow.books_currency)) for name, amount in short)
    more = "".join(f", {name} by {amount}" for name, amount in rest)
    return (
        f"What is in the books is as it was sent, but {first[0]} is off by {first[1]}{more} until they are, too: what is held would "
        "move it on."
    )


def _proved(plan: Plan, ledger: str, posted: int, silent: int) -> tuple[str, str, str]:
    """Claim what was compared. ``silent`` counts documents of which the ledger states no total."""
    if silent:
        text = (
            f"Compared, and equal to the cent: the sum of Amazon's rows, Amazon's stated total, and the balance of the clearing "
            f"account with what all documents come to there. Of {_documents(silent)} {ledger} states no total: "
            f"{'it is' if silent == 1 else 'they are'} compared by that balance, not line by line. {_at_the_bank(plan)}"
        )
        return "proved", "Ties to the cent, by the clearing account", text
    documents = "the document" if posted == 1 else f"each of the {_documents(posted)}"
    compared = {one["name"] for one in plan.verdict.get("comparisons", [])}
    summary = "Amazon's summary, " if "summary" in compared else ""
    text = (
        f"Compared, and equal to the cent: the sum of Amazon's rows, Amazon's stated total, {summary}{documents} "
        f"as {ledger} answered it{', and the payout' if plan.settlement.total > 0 and not plan.reconciling else ''}"
        f"{_paid(plan) if 'paid out' in compared else ''}. "
        f"{_remains(plan)} {_at_the_bank(plan)}"
    )
    return "proved", "Ties to the cent", text


def _at_the_bank(plan: Plan) -> str:
    line = next((one for one in plan.verdict.get("comparisons", []) if one["name"] == "bank line"), None)
    if line is None:
        return "Whether the bank received the money is not compared here."
    amount, on = shown(line["right"], line["currency"]), day(date.fromisoformat(line["detail"]))
    return f"The payout arrived at the bank on {on}: {amount}, on a line of the imported statement."


def _paid(plan: Plan) -> str:
    """Return what Amazon says of the payout that was compared."""
    settlement = plan.settlement
    on = f" on {day(settlement.transferred_at.date())}" if settlement.transferred_at else ""
    to = f" to the account that ends in {settlement.account_tail}" if settlement.account_tail else ""
    trace = f", trace id {settlement.trace_id}" if settlement.trace_id else ""
    return f", which Amazon states as paid{on}{to}{trace}"


def _remains(plan: Plan) -> str:
    if not plan.reconciling:
        return "The clearing account is moved by exactly what remains."
    parts = {
        key: f"{ACCOUNTS[account_key(key)].name} {shown(amount, plan.settlement.currency)}"
        for key, amount in plan.reconciling.items()
    }
    moved = next((one for one in plan.verdict.get("comparisons", []) if one["name"] == "petty cash"), None)
    if moved is None:
        rates = " at its rate" if plan.terms else ""
        return f"Petty Cash is moved by exactly what this ledger cannot hold{rates}: {', '.join(parts.values())}."
    others = ", ".join(text for key, text in parts.items() if key != AccountKey.BANK)
    beside = f", less what else this ledger cannot hold, at the settlement's rate: {others}" if others else ""
    return f"Petty Cash is moved by {shown(moved['left'], moved['currency'])}: exactly what arrived{beside}."


def _stopped(found: TakingBack) -> str:
    out, of = len(found.out), len(found.out) + len(found.still)
    return (
        f"{out} of {_documents(of)} {'is' if out == 1 else 'are'} out of the books. The rest is still in: each waits for the one "
        "that stopped. Mend the reason below and replay it; the others follow by themselves."
    )


def _off(plan: Plan, wrong: Sequence[Compared]) -> str:
    if changed := sum(bool(one.changed) for one in wrong):
        return (
            f"Somebody changed {_documents(changed)} in the ledger after posting. Below is what was posted and what the "
            f"ledger has now."
        )
    if wrong:
        return f"{len(wrong)} of the figures below disagree. Open the documents in the ledger to see who changed what."
    left, expected = plan.verdict.get("clearing", 0), plan.verdict.get("clearing_expected", 0)
    currency = plan.settlement.currency
    off = shown(left - expected, currency)
    account = "Petty Cash" if plan.reconciling else "the clearing account"
    return f"Every document agrees, but they leave {off} on {account} that should not be there."


def _chain(plan: Plan, counts: Mapping[str, int]) -> tuple[Mapping[str, Any], ...]:
    total, currency = plan.settlement.total, plan.settlement.currency
    compared = {one["name"]: one for one in plan.verdict.get("comparisons", [])}
    labels = [
        f"{plan.statement.get('rows', 0)} rows",
        "Amazon's total",
        *(["Its summary"] if "summary" in compared else []),
    ]
    # Books of income and expenses alone have no payout, and documents that come to something else; converted ones have
    # another currency.
    if not plan.reconciling and not plan.flow.converts:
        payout = "Paid out" if "paid out" in compared else "Payout"
        labels += [_documents(counts.get(State.POSTED, 0)), *([payout] if total > 0 else [])]
    chain = [{"label": label, "minor": total, "currency": currency} for label in labels]
    if plan.flow.converts:
        worth = {"label": f"At {plan.exchange['rate']}", "minor": plan.exchange["carrying"]}
        chain.append({**worth, "currency": plan.flow.home, "sign": "→"})
    arrived = (one for one in plan.verdict.get("comparisons", []) if one["name"] in ("arrived", "petty cash"))
    if (one := next(arrived, None)) and not plan.reconciling:
        chain.append({"label": "Arrived", "minor": one["left"], "currency": one["currency"], "sign": "→"})
    lines = (one for one in plan.verdict.get("comparisons", []) if one["name"] == "bank line")
    if one := next(lines, None):
        label = f"At the bank on {day(date.fromisoformat(one['detail']))}"
        sign = {} if one["currency"] == currency else {"sign": "→"}
        chain.append({"label": label, "minor": one["right"], "currency": one["currency"], **sign})
    return tuple(chain)


def _documents(count: int) -> str:
    return f"{count:,} document{'' if count == 1 else 's'}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
