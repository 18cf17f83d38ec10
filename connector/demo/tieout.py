"""The demo's result: a line per settlement, what is held and why, and what the auditor found, against the truth."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from bookkeeping.documents import Kind
from bookkeeping.money import to_text
from connector.demo.bank import beside_payouts, payouts_of
from connector.demo.outside import CURRENCY, Company, Outside
from flows import history, mapping, statements
from flows.models import Carrier, Delivery, Flow, Plan
from ledgers.pretend import pretend_of

State = Delivery.State
HEAD = ("ledger", "settlement", "period", "rows", "header", "entries", "held", "payout", "difference", "proof")
TEXT_COLUMNS = (0, 1, 2, 9)
TOTAL = "total"
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One settlement in one company, in minor units. ``held`` is what waits for a person; ``difference`` must be 0."""

    company: str
    settlement_id: str
    period: str
    rows: int
    header: int
    entries: int
    held: int
    payout: int
    difference: int
    verdict: str


@dataclass(frozen=True, slots=True)
class Books:
    """One company as the auditor read it, beside what the truth says. ``clearing`` is book balance less expected; ``bank``
    is what is in the bank account or, where the ledger's API cannot reach that, in the account of payouts in transit.
    ``payouts`` is what Amazon paid out to the seller and did not take back, the same in every company; ``beside`` names what
    else there is between that and ``bank``, positive where it raises ``bank``.

    ``failed`` are payouts that never reached the bank: settlement, amount in minor units, whether it was booked, and the
    settlement that took it back, "" where none has. ``wrong`` says what else is not as it should be: any other account, an
    unbalanced document, one that is there twice.
    """

    company: Company
    clearing: Decimal
    bank: Decimal
    payouts: Decimal
    wrong: tuple[str, ...]
    beside: tuple[tuple[str, Decimal], ...] = ()
    failed: tuple[tuple[str, int, bool, str], ...] = ()

    @property
    def unexplained(self) -> Decimal:
        """What is in ``bank`` beyond Amazon's payouts and what is named; must be 0."""
        return self.bank - self.payouts - sum(amount for _, amount in self.beside)

    @property
    def where(self) -> str:
        return "payouts in transit" if pretend_of(self.company.ledger).in_transit else "the bank account"


@dataclass(frozen=True, slots=True)
class Result:
    lines: tuple[Line, ...]
    books: tuple[Books, ...]
    held: tuple[tuple[str, str, str], ...]
    expected_held: int
    orders: int
    problems: tuple[str, ...]

    @property
    def difference(self) -> int:
        return sum(abs(line.difference) for line in self.lines)


def result_of(outside: Outside, flows: Sequence[Flow]) -> Result:
    """Compare what is in the books with Amazon's raw files and with the truth. Runs in the tenant's scope."""
    made = {company.remote_id: company for company in outside.companies}
    by_company = {flow.pk: made[flow.target.remote_id] for flow in flows}
    ids = {by_company[flow.pk].name: _account_ids(flow) for flow in flows}
    audited = outside.audit(ids)
    raw = {one["settlement_id"]: one for one in audited["settlements"]}
    lines = [
        _line(by_company[flow.pk].name, plan, raw[plan.settlement.settlement_id])
        for flow in flows
        for plan in Plan.objects.filter(flow=flow).select_related("settlement").order_by("settlement__ends_at")
    ]
    books = []
    for flow in flows:
        company = by_company[flow.pk]
        found = _books(outside, company, ids[company.name], audited["ledgers"][company.name])
        books.append(replace(found, failed=tuple(_failed(flow))))
    stopped = Delivery.objects.filter(flow__in=flows, state__in=[State.HELD, State.PARKED])
    held = [
        (by_company[flow].name, number, reason)
        for flow, number, reason in stopped.values_list("flow", "number", "reason")
    ]
    expected = {
        company.name: {one["carrier"] for one in outside.expected(company)["held"]} for company in by_company.values()
    }
    problems = [
        *(f"{one.company} {one.settlement_id}: {to_text(one.difference, CURRENCY)}" for one in lines if one.difference),
        *(f"{one.company.name}: clearing is off by {one.clearing}" for one in books if one.clearing),
        *(
            f"{one.company.name}: {one.unexplained} in {one.where} is neither a payout of Amazon nor named"
            for one in books
            if one.unexplained
        ),
        *(f"{one.company.name}: {text}" for one in books for text in one.wrong),
        *(f"settlement {one} was never planned" for one in sorted(raw.keys() - {line.settlement_id for line in lines})),
    ]
    for name, numbers in expected.items():
        found_held = {number for of, number, _ in held if of == name}
        if found_held != numbers:
            problems.append(f"{name}: held are {sorted(found_held)}, expected {sorted(numbers)}")
    return Result(
        lines=tuple(lines),
        books=tuple(books),
        held=tuple(held),
        expected_held=sum(len(one) for one in expected.values()),
        orders=outside.truth["orders"]["total"],
        problems=tuple(problems),
    )


def _line(company: str, plan: Plan, raw: dict[str, Any]) -> Line:
    statement = statements.from_json(plan.statement)
    posted = waiting = 0
    for amount, state in Carrier.objects.filter(plan=plan).values_list("amount", "delivery__state"):
        if state == State.POSTED:
            posted += amount
        else:
            waiting += amount
    rows = Delivery.objects.filter(plan=plan, live=True)
    moved = {row.key.split("/")[3]: row.state for row in rows if row.key.split("/")[3].startswith("L")}
    for movement in statement.movements:
        if moved.get(f"L{movement.line}") == State.POSTED:
            posted += movement.amount
        else:
            waiting += movement.amount
    waiting += statement.unknown_amount
    header = plan.settlement.total
    known = posted + waiting + statement.opening_debt
    off = abs(header - known) + abs(int(Decimal(raw["header"]).scaleb(2)) - header)
    off += abs(int(Decimal(raw["added"]).scaleb(2)) - header)
    return Line(
        company=company,
        settlement_id=plan.settlement.settlement_id,
        period=f"{plan.settlement.starts_at:%d %b} - {plan.settlement.ends_at:%d %b}",
        rows=statement.rows,
        header=header,
        entries=posted + statement.opening_debt,
        held=waiting,
        payout=_paid(rows),
        difference=off,
        verdict=plan.verdict.get("verdict", ""),
    )


def _paid(rows: Iterable[Delivery]) -> int:
    """Return what these rows booked as payout: what the ledger answered, or our own total where it answers none."""
    booked = (row for row in rows if row.number.endswith("-P") and row.state == State.POSTED)
    return sum(row.amount if row.answered_total is None else row.answered_total for row in booked)


def _books(outside: Outside, company: Company, ids: Mapping[str, str], found: dict[str, Any]) -> Books:
    expected: Counter[str] = Counter(outside.expected(company)["balances"])
    balances = {key: Decimal(amount) for key, amount in found["balances"].items()}
    receivable = Decimal(found["open_invoices"]) - _text(expected.pop("AR", 0))
    # Several keys may be mapped to one account, which then holds the sum of what is expected of them.
    by_account: dict[str, int] = Counter()
    for key, account in ids.items():
        by_account[account] += expected.pop(key, 0)
    off = {account: (key, balances[key] - _text(by_account[account])) for key, account in reversed(list(ids.items()))}
    _, clearing = off.pop(ids["CLEARING"])
    wrong = [f"{key} is off by {amount}" for key, amount in sorted(off.values()) if amount]
    wrong += [f"open invoices are off by {receivable}"] if receivable else []
    wrong += _others(found["others"], expected, Decimal(found["open_invoices"]))
    wrong += [f"{account} has a balance for which there are no documents" for account in found["stated_otherwise"]]
    wrong += [f"{document} does not balance" for document in found["unbalanced"]]
    wrong += [f"in the books twice: {mark}" for mark in found["twice"]]
    in_transit = pretend_of(company.ledger).in_transit
    beside = beside_payouts(outside.truth, outside.expected(company), in_transit=in_transit)
    return Books(
        company=company,
        clearing=clearing,
        bank=balances["PAYOUTS" if in_transit else "BANK"],
        payouts=_text(payouts_of(outside.truth).net),
        wrong=tuple(wrong),
        beside=tuple((what, _text(amount)) for what, amount in beside),
    )


def _others(found: Mapping[str, str], expected: Mapping[str, int], open_invoices: Decimal) -> list[str]:
    """Return what is wrong with accounts that nothing is mapped to: the receivables hold what is open, and those of the
    ledger's own what the truth expects beyond the mapping."""
    left = Counter(Decimal(amount) for amount in found.values())
    left.subtract(_text(amount) for amount in expected.values() if amount)
    left.subtract([open_invoices] if open_invoices else [])
    if not any(left.values()):
        return []
    said = ", ".join(f"{name} {amount}" for name, amount in found.items()) or "nothing"
    wanted = ", ".join(f"{key} {_text(amount)}" for key, amount in expected.items() if amount) or "nothing"
    return [f"in other accounts is {said}; expected beyond open invoices: {wanted}"]


def _failed(flow: Flow) -> Iterator[tuple[str, int, bool, str]]:
    """Yield the payouts of a flow that are known to have failed."""
    came_back = history.failed_payouts()
    for plan in Plan.objects.filter(flow=flow).select_related("settlement").order_by("settlement__ends_at"):
        settlement = plan.settlement
        if settlement.payout_failed or settlement.settlement_id in came_back:
            booked = history.payout_is_out(flow, settlement)
            yield settlement.settlement_id, settlement.total, booked, came_back.get(settlement.settlement_id, "")


def _text(amount: int) -> Decimal:
    return Decimal(to_text(amount, CURRENCY))


def _account_ids(flow: Flow) -> dict[str, str]:
    """Return the company's id of the account that each key is mapped to."""
    made = Delivery.objects.filter(remote_key=flow.target.remote_key, kind=Kind.ACCOUNT, live=True)
    ids = {f"@{row.key}": row.external_id for row in made}
    base = mapping.load(flow).base
    return {str(key): ids.get(target.account, target.account) for key, target in base.items() if target.account}


def table(result: Result, rate_scale: int) -> str:
    """Return the tie-out as text of at most ``WIDTH`` columns."""
    cells: list[tuple[str, ...]] = [HEAD]
    for one in result.books:
        lines = [line for line in result.lines if line.company == one.company.name]
        cells += [_cells(line) for line in lines]
        cells.append(_total(lines))
    widths = [max(len(row[n]) for row in cells) for n in range(len(HEAD))]
    rule = "  ".join("-" * width for width in widths)
    shown = [_row(row, widths) for row in cells]
    parts = [shown[0], rule]
    for row, text in zip(cells[1:], shown[1:], strict=True):
        parts += [text, rule] if row[0] == TOTAL else [text]
    parts.append("")
    for one in result.books:
        parts.append(f"{one.company.name}: clearing is off by {one.clearing}")
        parts += _way_to_bank(one)
        parts += [_wrapped(_failed_in_words(*payout)) for payout in one.failed]
    parts.append(f"{result.orders} orders. {_count(len(result.held), 'document')} held for a person:")
    parts += [_wrapped(f"{company} {number}: {reason}") for company, number, reason in result.held]
    if rate_scale != 1:
        parts.append(f"The stand-ins of Amazon and the ledgers allow {rate_scale} times the real rates.")
    parts += [_wrapped(f"NOT TIED: {problem}") for problem in result.problems]
    return "\n".join(parts)


def _way_to_bank(books: Books) -> list[str]:
    """Return a line for what Amazon paid out, for each amount beside it, and for what that comes to in the books."""
    amounts = [("paid out by Amazon, less what came back", books.payouts), *books.beside]
    amounts += [("not explained by any of these", books.unexplained)] if books.unexplained else []
    return [f"  {amount:>10.2f}  {what}" for what, amount in [*amounts, (f"in {books.where}", books.bank)]]


def _failed_in_words(settlement_id: str, amount: int, booked: bool, later: str) -> str:
    money = f"{to_text(amount, CURRENCY)} of settlement {settlement_id}"
    if not later:
        return f"payout failed: {money}; the money stays on clearing until a later settlement"
    if booked:
        return f"payout failed: {money} is in the column payout; settlement {later} took it back and pays it"
    return f"payout failed: {money} was never booked; settlement {later} pays it"


def _cells(line: Line) -> tuple[str, ...]:
    amounts = (line.header, line.entries, line.held, line.payout, line.difference)
    return (
        line.company,
        line.settlement_id,
        line.period,
        str(line.rows),
        *(to_text(amount, CURRENCY) for amount in amounts),
        line.verdict,
    )


def _total(lines: Sequence[Line]) -> tuple[str, ...]:
    names = ("header", "entries", "held", "payout", "difference")
    sums = (sum(getattr(line, name) for line in lines) for name in names)
    settlements = _count(len(lines), "settlement")
    return (TOTAL, settlements, "", str(sum(line.rows for line in lines)), *(to_text(s, CURRENCY) for s in sums), "")


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (
        cell.ljust(width) if n in TEXT_COLUMNS else cell.rjust(width)
        for n, (cell, width) in enumerate(zip(cells, widths, strict=True))
    )
    return "  ".join(padded).rstrip()


def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_long_words=False)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
