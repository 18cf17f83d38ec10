"""Performing one call: what is asked before the write, the write, and what belongs to it.

FreshBooks knows no idempotency and takes the same document twice, so every document is looked up before it is made; one
that is there already is taken as the answer. An invoice is made as a draft and then marked as sent: what fails between
the two is *unknown*, never *not sent*, for the draft is there; the look-up finds and finishes it (``Lookups.find``).
"""

import json
import time
from collections.abc import Mapping
from typing import Any, Final

from bookkeeping.documents import Kind
from bookkeeping.money import BadAmount
from ledgers.error_rules import Rule
from ledgers.freshbooks import answers, errors, wire
from ledgers.freshbooks.accounts import is_deleted
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.errors import Fault
from ledgers.freshbooks.lookups import Lookups, Seen
from ledgers.freshbooks.remote import Remote, RemoteRefused, result_of
from ledgers.freshbooks.translate import RESOURCES, UNDO, address, kind_of
from ledgers.freshbooks.wire import Row
from ledgers.port import AuthorizationLost, Call, Next, NotSent, Posted, Refused, Unknown

_NAMED: Final = frozenset({Kind.ACCOUNT, Kind.CUSTOMER, Kind.ITEM})
_TAKEN: Final = Fault("taken", "")


class Writes:
    """Sends calls to one company. ``send`` raises NotSent only where nothing was made."""

    def __init__(self, remote: Remote, company: Company) -> None:
        self._remote, self._company = remote, company
        self._lookups = Lookups(remote, company)

    def send(self, call: Call, deadline_s: float) -> Mapping[str, Posted | Refused]:
        """Perform one call. Raises NotSent, AuthorizationLost, Unknown."""
        until = self._remote.until = time.monotonic() + deadline_s
        kind = kind_of(call)
        try:
            outcome = self._taken_back(call, kind, until) if call.operation == UNDO else self._made(call, kind, until)
        except RemoteRefused as error:
            outcome = error.refused
        except BadAmount as error:
            raise Unknown(f"FreshBooks answered an amount nobody can read: {error}") from error
        finally:
            self._remote.until = None
        return dict.fromkeys(call.keys, outcome)

    def _made(self, call: Call, kind: Kind, until: float) -> Posted | Refused:
        body = _body_of(call, kind)
        marker = answers.marker_of(kind, body)
        seen = self._lookups.look(kind, body, marker)
        if seen.rows or seen.taken:
            return self._there_already(call, kind, body, seen, until)
        if refused := self._forbidden(kind, body):
            return refused
        answer = self._remote.write(call.method, call.path, call.query, call.body, until - time.monotonic())
        made = answer.get("data") if kind is Kind.ACCOUNT else result_of(answer).get(RESOURCES[kind].name)
        if not isinstance(made, Mapping):
            raise Unknown(f"FreshBooks answered without the {kind.value}")
        return self._finished(call, kind, {**body, **made}, until)

    def _finished(self, call: Call, kind: Kind, row: Row, until: float) -> Posted:
        """Return what was made, after the step without which it is not in the books. Raises Unknown where that fails."""
        match kind:
            case Kind.INVOICE if answers.is_draft(row) or not row.get("v3_status"):
                row = self._sent(row, until)
            case Kind.PAYMENT if row.get("overpaymentid"):
                raise Unknown(
                    "Somebody paid the invoice at the same moment: a part of this became a credit of the client"
                )
            case Kind.ACCOUNT if not row.get("jesa_id"):
                row = self._numbered(row)
        return answers.posted(kind, row, _currency(row), call.lines.get(call.keys[0], ()))

    def _sent(self, row: Row, until: float) -> Row:
        try:
            return self._lookups.send(row, until - time.monotonic())
        except RemoteRefused as error:
            refused = error.refused
            text = f"{refused.text} The invoice is in FreshBooks as a draft, so it is not in the books."
            raise RemoteRefused(Refused(refused.code, text, refused.action, refused.next, refused.field)) from error
        except (NotSent, AuthorizationLost) as error:
            raise Unknown(f"The invoice was made, and whether it was marked as sent is not known: {error}") from error

    def _numbered(self, row: Row) -> Row:
        """Return a new account with the number that journal lines name it by, where the answer did not have it."""
        try:
            listed = self._remote.ledger_accounts(address(Kind.ACCOUNT, self._company))
        except (NotSent, AuthorizationLost, RemoteRefused) as error:
            raise Unknown(f"The account was made, but its number is not known: {error}") from error
        found = next((each for each in listed if each.get("uuid") == row.get("uuid") and each.get("jesa_id")), None)
        if found is None:
            raise Unknown("The account was made, but FreshBooks has no number for it yet")
        return found

    def _there_already(self, call: Call, kind: Kind, body: wire.Body, seen: Seen, until: float) -> Posted | Refused:
        """Return what a document that exists means: ours is taken as the answer, another's number is never used."""
        if kind in _NAMED:
            return errors.refusal(errors.EXISTS, _TAKEN)
        if not seen.rows:
            return errors.refusal(errors.DUPLICATE, _TAKEN)
        line_keys = call.lines.get(call.keys[0], ())
        row = seen.rows[0]
        if kind is Kind.INVOICE and answers.is_draft(row):
            compared = answers.found_as(kind, body, {**row, "v3_status": "sent"}, self._company)
            row = self._sent(row, until) if compared.equal else row
        found = answers.found_as(kind, body, row, self._company, line_keys)
        if len(seen.rows) > 1 or not found.equal:
            raise Unknown("A document with our mark is there already, and not as it was to be")
        return found.posted

    def _forbidden(self, kind: Kind, body: wire.Body) -> Refused | None:
        """Return why a document must not be made although FreshBooks would make it; None where it may."""
        match kind:
            case Kind.PAYMENT:
                rule = self._unpayable(body)
            case Kind.CUSTOMER:
                rule = self._too_many()
            case _:
                rule = None
        return errors.refusal(rule, Fault("refused", "")) if rule else None

    def _unpayable(self, body: wire.Body) -> Rule | None:
        """A payment above what is open becomes a credit of the client, and one on a draft is in no books."""
        invoice = self._lookups.invoice(str(body["invoiceid"]))
        if invoice is None or is_deleted(invoice):
            return errors.GONE
        if answers.is_draft(invoice):
            return errors.DRAFT
        currency = _currency(body)
        paid = wire.minor(body["amount"], currency)
        return errors.OVERPAID if wire.minor(invoice.get("outstanding"), currency) < paid else None

    def _too_many(self) -> Rule | None:
        limit = self._company.plan.client_limit
        if limit < 0:
            return None
        return errors.CLIENTS if self._remote.total(address(Kind.CUSTOMER, self._company)) >= limit else None

    def _taken_back(self, call: Call, kind: Kind, until: float) -> Posted | Refused:
        try:
            answer = self._remote.write(call.method, call.path, call.query, call.body, until - time.monotonic())
        except RemoteRefused as error:
            if not errors.is_gone(error.refused):
                raise
            gone = error.refused  # somebody was faster, or not: looked up like a taken number
            return Refused(gone.code, gone.text, gone.action, Next.ADOPT, gone.field)
        row = result_of(answer).get(RESOURCES[kind].name)
        if not isinstance(row, Mapping) or not is_deleted(row):
            raise Unknown(f"FreshBooks answered without saying that the {kind.value} is gone")
        return Posted(external_id=str(row.get("id")), version=str(row.get("version") or row.get("updated") or ""))


def _body_of(call: Call, kind: Kind) -> wire.Body:
    body: Any = json.loads(call.body)
    name = RESOURCES[kind].name
    return dict(body[name] if name else body)


def _currency(row: Row) -> str:
    return str(row.get("currency_code") or wire.code_of(row.get("amount")) or "")
