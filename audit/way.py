"""The way of one record: fetched, classified, planned, approved, sent, answered, posted, proved. Read from the trail and its attempts."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from audit.models import Event
from bookkeeping.money import to_text
from flows.models import Attempt, Delivery, Outcome

State = Delivery.State
SHOWN_EVENTS: Final = 400  # a record that was planned again for months; the newest are the ones that matter


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that happened. ``state`` gives tone and icon, ``details`` are pairs for those who look closer."""

    at: datetime
    title: str
    state: str
    text: str = ""
    actor: str = ""
    details: tuple[tuple[str, Any], ...] = ()
    again: int = 0


def way(row: Delivery) -> list[Moment]:
    """Return everything that happened to a delivery, its plan, its settlement and its file, oldest first. Four queries."""
    moments = [*_from_trail(_events(row)), *_from_attempts(row)]
    if row.posted_at:
        under = f" under its number {row.number_there}" if row.number_there else ""
        text = f"{row.flow.target.remote_name} has it{under}."
        moments.append(Moment(row.posted_at, "In the books", "posted", text))
    return sorted(moments, key=lambda moment: moment.at)


def _events(row: Delivery) -> list[Event]:
    subjects = [f"delivery:{row.pk}"]
    if row.plan is not None:
        settlement = row.plan.settlement
        subjects += [f"plan:{row.plan_id}", f"settlement:{settlement.pk}", f"report:{settlement.report_id}"]
    newest = Event.objects.filter(subject__in=subjects).order_by("-seq")[:SHOWN_EVENTS]
    return list(reversed(newest))


def _from_trail(events: Iterable[Event]) -> Iterator[Moment]:
    """Yield what the events tell; the same thing said several times in a row is said once, with how often."""
    last: Moment | None = None
    for event in events:
        tell = _TOLD.get(event.kind)
        if tell is None:
            continue
        moment = tell(event)
        if last is not None and _same(last, moment):
            last = _with(moment, again=last.again + 1)
            continue
        if last is not None:
            yield last
        last = moment
    if last is not None:
        yield last


def _same(one: Moment, other: Moment) -> bool:
    return (one.title, one.text, one.actor) == (other.title, other.text, other.actor)


def _with(moment: Moment, again: int) -> Moment:
    return Moment(moment.at, moment.title, moment.state, moment.text, moment.actor, moment.details, again)


def _approved(count: int) -> str:
    return f"{count:,} document{'s were' if count != 1 else ' was'} let go."


def _moment(title: str, state: str, text: Callable[[Mapping[str, Any]], str]) -> Callable[[Event], Moment]:
    def tell(event: Event) -> Moment:
        return Moment(event.at, title, state, text(event.data), event.actor, _evidence(event))

    return tell


def _evidence(event: Event) -> tuple[tuple[str, Any], ...]:
    return (("Event of the trail", event.seq), ("Digest", event.hash))


def _stored(data: Mapping[str, Any]) -> str:
    what = f"Amazon’s report {data['report_id']}" if data.get("report_id") else f"The file {data.get('name', '')}"
    return f"{what}, {data['bytes']:,} bytes, SHA-256 {data['sha256'][:12]}…"


def _loaded(data: Mapping[str, Any]) -> str:
    total = to_text(data["total"], data["currency"])
    return f"{data['rows']:,} rows add up to {total} {data['currency']}, as the file states."


def _made(data: Mapping[str, Any]) -> str:
    held = f" Held: {', '.join(each.replace('_', ' ') for each in data['held'])}." if data.get("held") else ""
    return f"{data['documents']:,} documents in {data['mode']} mode, mapping version {data['mapping_version']}.{held}"


def _reason(data: Mapping[str, Any]) -> str:
    return " ".join(text for text in (data.get("reason", ""), data.get("action", "")) if text)


def _differently(data: Mapping[str, Any]) -> str:
    booked, sent = (f"{to_text(data[name], data['currency'])} {data['currency']}" for name in ("booked", "sent"))
    return f"The ledger booked {booked} instead of {sent}. It is taken out of the books again before anything else is sent."


def _changed_in_ledger(data: Mapping[str, Any]) -> str:
    posted, currency = to_text(data["posted"], data["currency"]), data["currency"]
    now = "no total" if data["now"] is None else f"{to_text(data['now'], currency)} {currency}"
    return f"{data['reason']} Posted: {posted} {currency}; there now: {now}. {data['action']}"


def _read_back(data: Mapping[str, Any]) -> str:
    told = (("Changed there", data["changed"]), ("As they were sent again", data["right_again"]))
    return " ".join(f"{words}: {', '.join(names)}." for words, names in told if names)


_VERDICTS: Final = {
    "proved": ("proved", "Every figure was compared and agrees."),
    "uncompared": ("pending", "Nothing disagrees, but the ledger did not state every total."),
    "waiting": ("waiting", "Nothing disagrees, but not everything is in the books yet."),
    "differs": ("off", "Two figures disagree."),
}


def _compared(event: Event) -> Moment:
    state, text = _VERDICTS[event.data["verdict"]]
    return Moment(event.at, "Compared", state, text, event.actor, _evidence(event))


_TOLD: Final[Mapping[str, Callable[[Event], Moment]]] = {
    "report.stored": _moment("Fetched", "done", _stored),
    "settlement.loaded": _moment("Read and classified", "done", _loaded),
    "settlement.seen_again": _moment(
        "Seen again", "skipped", lambda data: "The same rows came again and changed nothing."
    ),
    "settlement.differs": _moment(
        "Came with other rows", "warning", lambda data: "The first version counts until a person decides."
    ),
    "settlement.payout_failed": _moment("The payout failed", "failed", lambda data: "The money never came."),
    "settlement.payout_arrived": _moment("The payout came after all", "done", lambda data: "The money is there."),
    "settlement.received": _moment(
        "Amount received entered", "done", lambda data: "A person said how much of the payout arrived."
    ),
    "settlement.transfer": _moment(
        "Amazon said what it paid",
        "done",
        lambda data: " ".join(
            text
            for text in (f"Amazon’s word for its transfer: {data['status'] or 'none'}.", data.get("reason", ""))
            if text
        ),
    ),
    "settlement.summary": _moment(
        "Amazon’s summary came", "done", lambda data: f"{to_text(data['total'], data['currency'])} {data['currency']}."
    ),
    "settlement.belongs": _moment("It belongs to this seller", "done", lambda data: "A person said so."),
    "settlement.revised": _moment(
        "New version accepted", "done", lambda data: f"Version {data['revision']} of Amazon’s file counts."
    ),
    "settlement.revision_rejected": _moment(
        "New version rejected", "done", lambda data: "The first version goes on counting."
    ),
    "buyer.removed": _moment(
        "The buyer was taken out", "done", lambda data: "The ledger's customer has no name any more."
    ),
    "plan.made": _moment("Planned", "planned", _made),
    "plan.approved": _moment("Approved", "done", lambda data: _approved(data["documents"])),
    "plan.proved": _compared,
    "plan.differs": _moment(
        "Would come out otherwise",
        "warning",
        lambda data: f"{len(data['documents'])} documents, had they not been sent.",
    ),
    "plan.undo_asked": _moment(
        "Taking back was asked for", "undoing", lambda data: f"{data['documents']:,} documents."
    ),
    "invoice.closed_out": _moment(
        "Closed out",
        "done",
        lambda data: (
            f"{to_text(data['amount'], data['currency'])} {data['currency']} never settled and went back out of income."
        ),
    ),
    "shipment.cancelled": _moment("Order cancelled", "undone", lambda data: "Its invoice is taken back or closed."),
    "plan.repost_asked": _moment(
        "Posting anew was asked for", "undoing", lambda data: "It is taken back first, then planned and posted again."
    ),
    "plan.remapped": _moment(
        "Accounts moved",
        "planned",
        lambda data: f"{len(data['documents'])} documents, mapping version {data['mapping_version']}.",
    ),
    "plan.revalued": _moment("A person said: the clearing account is revalued", "done", lambda data: ""),
    "plan.undone": _moment("Settlement taken back", "undone", lambda data: ""),
    "delivery.held": _moment("Held", "held", _reason),
    "delivery.parked": _moment("Given to a person", "parked", _reason),
    "delivery.replayed": _moment(
        "Replayed",
        "ready",
        lambda data: f"It was {data['was']}: {data['why']}" if data.get("why") else f"It was {data['was']}.",
    ),
    "delivery.changed_in_ledger": _moment("Changed in the ledger", "off", _changed_in_ledger),
    "delivery.right_again": _moment(
        "Right again", "posted", lambda data: "The ledger has it as it was sent once more."
    ),
    "settlement.read_back": _moment("Compared with the ledger", "done", _read_back),
    "delivery.booked_differently": _moment("Booked with another total", "off", _differently),
    "delivery.taken_back": _moment("Taken back", "undone", _reason),
    "delivery.undone": _moment("Taken back", "undone", lambda data: ""),
}


def _from_attempts(row: Delivery) -> Iterator[Moment]:
    attempts = list(row.attempts.prefetch_related("outcomes").order_by("pk"))
    recorded = _recorded(attempts)
    for number, attempt in enumerate(attempts, start=1):
        others = len(attempt.keys) - 1
        together = f" Together with {others:,} other document{'' if others == 1 else 's'}." if others else ""
        details = (
            ("Request", attempt.wire_id),
            ("Call", f"{attempt.method} {attempt.path}"),
            ("Operation", attempt.operation),
            ("SHA-256 of the body", attempt.body_sha256),
            ("Must be answered by", f"{attempt.deadline_at:%H:%M:%S} UTC"),
        )
        yield Moment(attempt.sent_at, f"Sent, attempt {number}", "sending", f"{together}".strip(), "", details)
        outcomes = sorted(attempt.outcomes.all(), key=lambda outcome: outcome.pk)
        for outcome, event in zip(outcomes, [*recorded.get(attempt.pk, []), *[None] * len(outcomes)], strict=False):
            yield _outcome(row, attempt, outcome, event)


def _recorded(attempts: Iterable[Attempt]) -> dict[int, list[Event]]:
    """Return the events of attempts; each outcome has recorded one, in the same order."""
    subjects = {f"attempt:{attempt.pk}": attempt.pk for attempt in attempts}
    found: dict[int, list[Event]] = {}
    for event in Event.objects.filter(subject__in=subjects).order_by("seq"):
        found.setdefault(subjects[event.subject], []).append(event)
    return found


def _outcome(row: Delivery, attempt: Attempt, outcome: Outcome, event: Event | None) -> Moment:
    title, state, text = _learned(row, outcome)
    details: tuple[tuple[str, Any], ...] = (
        ("Took", f"{outcome.duration_ms:,} ms"),
        ("Request", attempt.wire_id),
    )
    if event is not None:
        details += _evidence(event)
        if event.data.get("late"):
            text = f"{text} Learned late, when another worker had taken over.".strip()
    return Moment(outcome.at, title, state, text, event.actor if event else "", details)


def _learned(row: Delivery, outcome: Outcome) -> tuple[str, str, str]:
    """Return title, state and text of what somebody learned about one delivery of a call."""
    detail = outcome.detail.get(row.key, {})
    match outcome.result:
        case Outcome.Result.ANSWERED if "posted" in detail:
            posted = detail["posted"]
            total = (
                ""
                if posted.get("total") is None
                else f", total {to_text(posted['total'], row.currency)} {row.currency}"
            )
            return "Answered: booked", "done", f"Number {posted['external_id']}{total}."
        case Outcome.Result.ANSWERED if "refused" in detail:
            refused = detail["refused"]
            text = f"{refused['text']} {refused['action']} (code {refused['code']})"
            return "Answered: refused", "failed", text
        case Outcome.Result.ANSWERED if "not_sent" in detail:
            return _not_sent(detail["not_sent"])
        case Outcome.Result.NOT_SENT:
            return _not_sent(outcome.detail.get("reason", ""))
        case Outcome.Result.UNAUTHORIZED:
            return (
                "Connection lost",
                "failed",
                "Nothing was booked. Connect the company again; what waits goes on then.",
            )
        case Outcome.Result.ANSWERED if "unknown" in detail:
            return _NO_ANSWER
        case Outcome.Result.UNKNOWN:
            return _NO_ANSWER
        case Outcome.Result.SAID:
            return _said(detail)
        case Outcome.Result.FOUND:
            return "Looked up", *_FOUND.get(detail.get("found", ""), ("uncertain", ""))
    return outcome.get_result_display(), "done", ""


_NO_ANSWER: Final = (
    "No answer",
    "uncertain",
    "It may or may not have been booked; it is looked up before anything is sent again.",
)


def _not_sent(reason: str) -> tuple[str, str, str]:
    return "Nothing was sent", "waiting", f"{reason} It does not count as a try.".strip()


def _said(detail: Mapping[str, Any]) -> tuple[str, str, str]:
    if not detail.get("in_the_books"):
        return "A person said: it is not in the books", "ready", "The same bytes go out again."
    named = ", ".join(text for text in (detail.get("external_id", ""), detail.get("note", "")) if text)
    return "A person said: it is in the books", "posted", f"{named}."


_FOUND: Final = {
    "Found": ("done", "The document is in the books."),
    "Absent": ("waiting", "The ledger does not have it, so it may be sent again."),
    "CannotTell": ("uncertain", "The ledger cannot tell, so a person has to look."),
}
