"""Revaluing an account: what a settlement leaves on it in home money alone goes to Exchange Gain or Loss.

Zoho is told a rate and not an amount, and revalues all that is open on the account in that currency up to the day. So it is
asked first what it would do; it is sent only where that is what was planned, but for rounding:

- Nothing is open: whatever the rate, all that is left in home money goes.
- Something is open, for another settlement was booked meanwhile and is dated before that day: the rate is the one at which
  that stands there once this residue is off. So just the residue goes, and the other settlement keeps what it is worth.

What a person revalued on that day or later has taken the residue already. An account that Zoho does not offer for it cannot
be revalued from here: a person is told to. Adjustments have no uniqueness, so ours is looked for by its mark first.

Source: Zoho Books API v3, "Base Currency Adjustment"; whether an account is offered that is empty in its currency is not said.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, TypeVar

from bookkeeping.documents import Kind
from bookkeeping.exchange import BadRate, rate_of
from bookkeeping.money import to_text
from ledgers.port import Call, Next, NotSent, Posted, Refused, Unknown
from ledgers.zoho import answers, marked, wire
from ledgers.zoho.bodies import Company
from ledgers.zoho.remote import READ_AGAIN_S, Declined, Remote, Row
from ledgers.zoho.translate import RESOURCES

_RESOURCE: Final = RESOURCES[Kind.REVALUATION]
_T = TypeVar("_T")
_WHERE: Final = "in Zoho Books (Accountant, Currency adjustments)"


@dataclass(frozen=True, slots=True)
class _Offer:
    """What Zoho has on the account up to the day and would take off it, in minor units, debit positive."""

    foreign: int
    home: int
    lost: int


def revalued(remote: Remote, company: Company, call: Call) -> Posted | Refused:
    """Revalue an account once.

    Raises:
        Declined: Zoho refused it. NotSent, AuthorizationLost: nothing was written. Unknown, BadAmount.
    """
    planned = wire.decode(call.body)
    one = _Revaluation(remote, company, call, planned["adjustment"])
    return one.sent(*(wire.minor(planned[name], company.home_currency) for name in ("amount", "rounding")))


class _Revaluation:
    def __init__(self, remote: Remote, company: Company, call: Call, adjustment: Row) -> None:
        self._remote, self._company, self._call, self._adjustment = remote, company, call, adjustment
        self._account = call.query["account_ids"]
        self._currency = answers.currency_of(adjustment, company)

    def sent(self, amount: int, rounding: int) -> Posted | Refused:
        there = _read(marked.adjustments, self._remote)
        if ours := self._ours(there):
            return self._checked(ours, amount, rounding)
        if by_hand := self._by_hand(there):
            return by_hand
        adjustment = dict(self._adjustment)
        offer = self._offered(adjustment)
        if offer is None:
            return self._not_offered()
        if offer.foreign:
            rate = self._keeping(offer, amount)
            if rate is None:
                return self._something_else(offer, amount)
            adjustment["exchange_rate"] = rate
            offer = self._offered(adjustment)
        if offer is None or abs(offer.lost - amount) > rounding:
            return self._something_else(offer, amount)
        answer = self._remote.write("POST", self._call.path, self._call.query, wire.encode(adjustment), math.inf)
        row = answer.get(_RESOURCE.one)
        if not isinstance(row, Mapping) or not answers.id_of(Kind.REVALUATION, row):
            raise Unknown("Zoho Books answered without the adjustment")
        return self._checked(row, amount, rounding)

    def _checked(self, row: Row, amount: int, rounding: int) -> Posted:
        wrong = answers.difference(Kind.REVALUATION, self._adjustment, row, self._company)
        if wrong := wrong or answers.otherwise(self._account, amount, rounding, row, self._company):
            raise Unknown(f"the adjustment is in Zoho Books otherwise than it was sent: {wrong}")
        return answers.posted(Kind.REVALUATION, row, self._company)

    # What is there ----------------------------------------------------------------------------------------------------

    def _ours(self, there: Sequence[Row]) -> Row | None:
        """Return the one with our mark. Raises Unknown where there are several."""
        (marker,) = wire.markers(answers.noted(Kind.REVALUATION, self._adjustment))
        ours = _read(marked.carrying, self._remote, Kind.REVALUATION, marker, there)
        if len(ours) > 1:
            raise Unknown("the adjustment is in Zoho Books already, twice")
        return ours[0] if ours else None

    def _by_hand(self, there: Sequence[Row]) -> Refused | None:
        """Return a refusal where a person has revalued the account on that day or later: what is left of it is in theirs."""
        for row in there:
            on = wire.text(row.get("adjustment_date"))
            of_ours = wire.markers(answers.noted(Kind.REVALUATION, row))
            if of_ours or on < self._on or answers.currency_of(row, self._company) != self._currency:
                continue
            external_id = answers.id_of(Kind.REVALUATION, row)
            whole = _read(marked.detail, self._remote, Kind.REVALUATION, external_id) or {}
            accounts = {wire.text(each.get("account_id")) for each in wire.rows(whole.get("accounts"))}
            if self._account in accounts:
                return Refused(
                    "revalued_by_hand",
                    f"Somebody revalued this account in Zoho Books on {answers.in_words(on)}, and took what this settlement leaves "
                    "there with it.",
                    f"Delete that adjustment {_WHERE} and replay the record; then make theirs again if you need it.",
                    Next.HELD,
                )
        return None

    def _offered(self, adjustment: Mapping[str, Any]) -> _Offer | None:
        """Return what Zoho would do with the account, None where it offers it for no adjustment. Raises Declined."""
        query = {name: str(value) for name, value in adjustment.items()}
        data = self._remote.get(f"{_RESOURCE.path}/accounts", query).get("data")
        for row in wire.rows(data.get("accounts")) if isinstance(data, Mapping) else []:
            if wire.text(row.get("account_id")) == self._account:
                home = self._company.home_currency
                return _Offer(
                    foreign=wire.minor(row.get("fcy_balance"), self._currency),
                    home=wire.minor(row.get("bcy_balance"), home),
                    lost=-wire.minor(row.get("gain_or_loss"), home),
                )
        return None

    def _keeping(self, offer: _Offer, amount: int) -> Decimal | None:
        """Return the rate at which what is open stands there without the residue, None where there is none above 0."""
        rest = offer.home - amount
        if rest * offer.foreign <= 0:
            return None
        try:
            return Decimal(rate_of(offer.foreign, self._currency, rest, self._company.home_currency))
        except BadRate:
            return None

    # Refusals ---------------------------------------------------------------------------------------------------------

    def _something_else(self, offer: _Offer | None, amount: int) -> Refused:
        home = self._company.home_currency
        moved = to_text(offer.lost if offer else 0, home)
        return Refused(
            "something_else_there",
            f"This settlement leaves {to_text(amount, home)} {home} to be revalued, and Zoho Books would revalue {moved} {home}: "
            f"something else is on the account on {answers.in_words(self._on)}.",
            f"Look through the account in Zoho Books up to that day. What an earlier settlement left, revalue {_WHERE} as of a day "
            "before this one's; what does not belong there, take out. Then replay the record.",
            Next.HELD,
        )

    def _not_offered(self) -> Refused:
        return Refused(
            "not_offered",
            f"Zoho Books offers the account for no adjustment of {self._currency} on {answers.in_words(self._on)}.",
            f"Revalue it by hand {_WHERE}.",
            Next.HELD,
            lacks="revalues",
        )

    @property
    def _on(self) -> str:
        return wire.text(self._adjustment["adjustment_date"])


def _read(read: Callable[..., _T], *of: Any) -> _T:
    """Return what is read before anything is written. Raises NotSent, AuthorizationLost."""
    try:
        return read(*of)
    except Declined as error:
        raise NotSent(f"Zoho Books did not say what was adjusted already: {error}", READ_AGAIN_S) from error
