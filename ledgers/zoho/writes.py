"""Writing: one frozen call as the requests it takes, and what became of every delivery in it.

**Invoices** take two steps, for Zoho's draft is not in the books: each is created, then all are marked as sent with one
request, and only then they are *posted*. Neither step can strand or double one. The number is the guard: it is ours and
unique in the organization, so a second create is refused and the look-up that follows finds the first. What stops
between the two steps is unknown; the look-up that the outbox then makes finds the draft with our mark and marks it as
sent itself (``lookups``). What a call does not come to, for its time is up or Zoho asks to slow down, was not sent. A
draft that came out otherwise than it was written (Zoho drops unknown fields and takes rate 1 where it did not
understand one) is deleted before it ever was in the books, and refused.

**Journals, payments and transfers** are in the books at once. A settlement's journals and transfers are looked for by
reference and mark before they are written, for nothing else keeps them from being there twice; a second payment is refused,
for it exceeds what is open of its invoices. Where one is kept and not in the books (an organization that approves first), or
came out with another rate or currency, Unknown is raised too: the look-up says which, and nothing is sent a second time.
**Adjustments of the base currency** likewise (``revaluing``).

**Taking back** reads the document first where its version is known: Zoho deletes whatever somebody made of it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from bookkeeping.documents import Kind
from bookkeeping.money import BadAmount
from ledgers.error_rules import Course
from ledgers.port import AuthorizationLost, Call, Next, NotSent, Partly, Posted, Refused, Unknown
from ledgers.zoho import answers, errors, lists, marked, revaluing, wire
from ledgers.zoho.bodies import Company
from ledgers.zoho.remote import READ_AGAIN_S, Declined, Remote, Row
from ledgers.zoho.translate import INVOICE_CALL, LOOKED_FOR, RESOURCES, REVALUED, Resource, resource_of

_INVOICES: Final = RESOURCES[Kind.INVOICE]
_SHORT_WAIT_S: Final = 5.0  # that a call waits out; longer ones are the outbox's
_LEFT_FOR_SENDING: Final = 0.3  # of the deadline: what is created has to be marked as sent as well
_DATED: Final[Mapping[Kind, str]] = {
    Kind.INVOICE: "date", Kind.PAYMENT: "date", Kind.TRANSFER: "date", Kind.ENTRY: "journal_date",
    Kind.REVALUATION: "adjustment_date",
}  # fmt: skip
_NAMES: Final[Mapping[Kind, str]] = {Kind.ACCOUNT: "account_name", Kind.CUSTOMER: "contact_name", Kind.ITEM: "name"}
APPROVAL: Final = "Approve it in Zoho Books, then replay the record."

Outcomes = dict[str, Posted | Refused]


@dataclass(frozen=True)
class _Stop:
    """Why a call broke off: of ``unknown`` nobody knows what became, the rest may go out after ``after_s``."""

    reason: str
    unknown: tuple[str, ...] = ()
    after_s: float = 0


@dataclass
class _Batch:
    """Invoices of one call: what is decided, and what is created and not yet marked as sent."""

    decided: Outcomes
    created: dict[str, Row]

    @property
    def untouched(self) -> bool:
        return not self.decided and not self.created


class Writes:
    def __init__(self, remote: Remote, company: Company) -> None:
        self._remote, self._company = remote, company

    def send(self, call: Call, deadline_s: float) -> Outcomes:
        """Perform a call. Raises NotSent, AuthorizationLost, Unknown, Partly."""
        until = time.monotonic() + deadline_s
        self._remote = self._remote.within(until)
        try:
            if call.operation == INVOICE_CALL:
                return self._invoices(call, until, deadline_s)
            if call.operation == REVALUED:
                return dict.fromkeys(call.keys, self._revalued(call))
            if call.method == "DELETE":
                return dict.fromkeys(call.keys, self._taken_back(call, until))
            return self._created(call, until)
        except BadAmount as error:
            raise Unknown(f"Zoho Books answered an amount nobody can read: {error}") from error

    # One object ---------------------------------------------------------------------------------------------------------

    def _created(self, call: Call, until: float) -> Outcomes:
        kind, resource = resource_of(call)
        sent = wire.decode(call.body)
        if call.operation == LOOKED_FOR and (there := self._already(kind, sent)) is not None:
            return dict.fromkeys(call.keys, answers.posted(kind, there, self._company))
        try:
            answer = self._remote.write(call.method, call.path, call.query, call.body, until - time.monotonic())
        except Declined as error:
            return dict.fromkeys(call.keys, self._refused(kind, sent, error))
        row = _row(kind, resource, answer)
        if kind is Kind.ENTRY and (status := answers.status_of(row)) not in ("", "published"):
            raise Unknown(f"the journal is in Zoho Books but not in the books: its status is {status}")
        if wrong := answers.deviations(kind, sent, row, self._company):
            raise Unknown(f"the document came out otherwise than it was sent: {wrong}")
        if kind is not Kind.PAYMENT:
            return {key: answers.posted(kind, row, self._company) for key in call.keys}
        taken = answers.covered(row, self._company) or answers.covered(sent, self._company)
        invoices = [line["invoice_id"] for line in sent["invoices"]]
        return {
            key: answers.posted(kind, row, self._company, total=taken.get(invoice, 0))
            for key, invoice in zip(call.keys, invoices, strict=True)
        }

    def _revalued(self, call: Call) -> Posted | Refused:
        try:
            return revaluing.revalued(self._remote, self._company, call)
        except Declined as error:
            return self._refused(Kind.REVALUATION, wire.decode(call.body)["adjustment"], error)

    def _already(self, kind: Kind, sent: Row) -> Row | None:
        """Return a settlement's journal or transfer that is there as it is to be written, None where there is none of ours.

        Nothing in Zoho keeps them from being there twice, and there are but a few for each settlement. An order's own journal
        is not asked for: that would double what an order costs.

        Raises:
            NotSent, AuthorizationLost: nothing was written. Unknown: one is there, and not as it is to be.
        """
        reference = wire.text(sent.get("reference_number"))
        try:
            (marker,) = wire.markers(answers.noted(kind, sent))
            listed = marked.referenced(self._remote, kind, reference)
            ours = marked.carrying(self._remote, kind, marker, listed)
        except Declined as error:
            raise NotSent(
                f"Zoho Books did not say whether {reference} is there already: {error}", READ_AGAIN_S
            ) from error
        if not ours:
            return None
        if len(ours) > 1 or (wrong := answers.difference(kind, sent, ours[0], self._company)):
            raise Unknown(f"{reference} is in Zoho Books already{f': {wrong}' if len(ours) == 1 else ', twice'}")
        return ours[0]

    def _refused(self, kind: Kind, sent: Row, error: Declined) -> Refused:
        """Return a refusal with its cause: a used name and a locked period have no code we know, so names and locks are
        asked."""
        refused = error.refused()
        if errors.is_certain(error.code):
            return refused
        if kind in _NAMES:
            return error.refused(errors.NAME_TAKEN) if self._is_named(kind, sent) else refused
        try:
            locked = lists.closed_until(self._remote)
        except (NotSent, AuthorizationLost, Declined):
            return refused
        if locked is not None and date.fromisoformat(sent[_DATED[kind]]) <= locked:
            return error.refused(errors.LOCKED)
        return refused

    def _is_named(self, kind: Kind, sent: Row) -> bool:
        """Tell whether something of this name is there: no code for that is known of accounts."""
        resource, name = RESOURCES[kind], _NAMES[kind]
        try:
            rows, _ = self._remote.pages(resource.path, resource.many, {name: sent[name]}, most=1)
        except (NotSent, AuthorizationLost, Declined):
            return False
        return any(wire.same_name(row.get(name), sent[name]) for row in rows)

    # Invoices -----------------------------------------------------------------------------------------------------------

    def _invoices(self, call: Call, until: float, deadline_s: float) -> Outcomes:
        """Create invoices one by one and mark them as sent together. Raises Partly where that breaks off, else as ``send``."""
        batch, stop = _Batch({}, {}), None
        waiting = list(zip(call.keys, wire.decode(call.body), strict=True))
        while waiting and stop is None:
            left_s = until - time.monotonic()
            key, body = waiting[0]
            if not batch.untouched and left_s < deadline_s * _LEFT_FOR_SENDING:
                stop = _Stop("There was no time left to send it with the others.")
                break
            try:
                self._create(batch, key, body, call, left_s)
            except (NotSent, AuthorizationLost) as error:
                if batch.untouched:
                    raise
                stop = _Stop(str(error), after_s=error.after_s if isinstance(error, NotSent) else 0)
                break
            except Unknown as error:
                if batch.untouched and len(waiting) == 1:
                    raise
                stop = _Stop(str(error), unknown=(key,))
            waiting.pop(0)
        try:
            self._mark_as_sent(batch, until, stop.after_s if stop else 0)
        except Unknown as error:
            open_ = tuple(key for key in batch.created if key not in batch.decided)
            if stop is None and len(open_) == len(call.keys):
                raise
            stop = stop or _Stop(str(error))
            stop = replace(stop, unknown=(*stop.unknown, *open_))
        for key, row in batch.created.items():
            if stop is None or key not in stop.unknown:
                # Marking as sent changed it, and did not say when: its version is not known.
                done = answers.posted(Kind.INVOICE, row, self._company, line_keys=call.lines.get(key, ()), version="")
                batch.decided.setdefault(key, done)
        if stop is not None:
            raise Partly(stop.reason, batch.decided, stop.unknown, stop.after_s)
        return batch.decided

    def _create(self, batch: _Batch, key: str, body: Row, call: Call, deadline_s: float) -> None:
        try:
            answer = self._remote.write("POST", call.path, call.query, wire.encode(body), deadline_s)
        except Declined as error:
            batch.decided[key] = self._refused_invoice(body, error)
            return
        row = _row(Kind.INVOICE, _INVOICES, answer)
        if wrong := answers.deviations(Kind.INVOICE, body, row, self._company):
            batch.decided[key] = self._discarded(row, wrong, deadline_s)
        elif (status := answers.status_of(row)) in answers.WAITING:
            batch.decided[key] = Refused(
                status,
                f"Invoice {body['invoice_number']} waits for approval in Zoho Books, so it is not in the books.",
                APPROVAL,
                Next.ADOPT,
            )
        else:
            batch.created[key] = row

    def _refused_invoice(self, body: Row, error: Declined) -> Refused:
        """Return a refusal with its cause: the code of a used number is not known, so the number is looked up whatever the
        code is."""
        try:
            taken = marked.numbered(self._remote, body["invoice_number"])
        except (NotSent, AuthorizationLost, Declined):
            taken = []
        return error.refused(errors.NUMBER_TAKEN) if taken else self._refused(Kind.INVOICE, body, error)

    def _discarded(self, row: Row, wrong: str, deadline_s: float) -> Refused:
        """Delete a draft that is not what was written. Raises Unknown where that does not work: a draft of ours is left."""
        try:
            self._remote.write("DELETE", f"{_INVOICES.path}/{answers.id_of(Kind.INVOICE, row)}", {}, b"", deadline_s)
        except (Declined, NotSent, AuthorizationLost) as error:
            raise Unknown(
                f"a draft came out otherwise than it was sent ({wrong}) and is still there: {error}"
            ) from error
        return Refused(
            "read_back",
            f"Zoho Books made something else of the invoice than was sent: {wrong}. It was deleted again as a draft.",
            "Look for what Zoho Books adds by itself (a default tax, a price list, rounding, an exchange rate) and switch it "
            "off for this customer; then replay the record.",
            Next.HELD,
        )

    def _mark_as_sent(self, batch: _Batch, until: float, after_s: float = 0) -> None:
        """Mark all that is created with one request; one by one where that is refused, so that only the culprit stops.

        Raises Unknown where that does not work, or is not to be asked for ``after_s`` more: the look-up does it then."""
        if not batch.created:
            return
        if after_s > _SHORT_WAIT_S:
            raise Unknown("invoices were created and are not marked as sent yet: Zoho Books asks us to wait")
        time.sleep(after_s)
        ids = {key: answers.id_of(Kind.INVOICE, row) for key, row in batch.created.items()}
        try:
            try:
                mark_as_sent(self._remote, list(ids.values()), until - time.monotonic())
                return
            except Declined as error:
                if len(ids) == 1:
                    (key,) = ids
                    batch.decided[key] = not_in_the_books(error)
                    return
            for key, external_id in ids.items():
                try:
                    mark_as_sent(self._remote, [external_id], until - time.monotonic())
                except Declined as error:
                    batch.decided[key] = not_in_the_books(error)
        except (NotSent, AuthorizationLost) as error:
            raise Unknown(f"invoices were created and are not marked as sent yet: {error}") from error

    # Taking back --------------------------------------------------------------------------------------------------------

    def _taken_back(self, call: Call, until: float) -> Posted | Refused:
        _, resource = resource_of(call)
        external_id = call.path.rpartition("/")[2]
        version = wire.decode(call.body)["version"]
        if version:
            try:
                row = self._remote.one(resource.path, resource.one, external_id)
            except Declined as error:
                return error.refused()
            if row is None:
                return _gone()
            if (now := answers.version_of(row)) and now != version:
                return errors.CHANGED
        try:
            self._remote.write("DELETE", call.path, {}, b"", until - time.monotonic())
        except Declined as error:
            return _gone() if error.code == errors.GONE else error.refused()
        return Posted(external_id)


def mark_as_sent(remote: Remote, ids: Sequence[str], deadline_s: float) -> None:
    """Put drafts into the books. Safe to repeat. Raises Declined, NotSent, AuthorizationLost, Unknown."""
    remote.write("POST", f"{_INVOICES.path}/status/sent", {"invoice_ids": ",".join(ids)}, b"", deadline_s)


def not_in_the_books(error: Declined) -> Refused:
    """Return what a draft that may not be marked as sent amounts to: it is there, with our number and mark.

    A replay is refused for its number then, and the look-up takes it up again.
    """
    refused = error.refused()
    return replace(
        refused,
        text=f"The invoice is a draft in Zoho Books and may not be marked as sent, so it is not in the books. {refused.text}",
        next=Next.HELD,
    )


def _gone() -> Refused:
    return errors.refused(
        {"code": errors.GONE}, rule=replace(errors.TABLE[errors.GONE], course=Course.ADOPT, quote=False)
    )


def _row(kind: Kind, resource: Resource, answer: Mapping[str, Any]) -> Row:
    row = answer.get(resource.one)
    if not isinstance(row, Mapping) or not wire.text(row.get(resource.id)):
        raise Unknown(f"Zoho Books answered without the {resource.one}")
    return row
