"""The demo's result: a line per settlement, what is held and why, and what the auditor found, against the truth."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from bookkeeping.money import to_text
from connector.demo.outside import Outside
from flows import mapping, statements
from flows.models import Carrier, Delivery, Flow, Plan

State = Delivery.State
CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Line:
    """One settlement in one company, in minor units. ``held`` is what waits for a person; ``difference`` must be 0."""

    mode: str
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
    """One company as the auditor read it, beside what the truth says. ``clearing`` is book balance less expected."""

    mode: str
    clearing: Decimal
    bank: Decimal
    payouts: Decimal
    twice: tuple[str, ...]


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


def result_of(outside: Outside, flows: Iterable[Flow]) -> Result:
    """Compare what is in the books with Amazon's raw files and with the truth. Runs in the tenant's scope."""
    by_mode = {flow.mode: flow for flow in flows}
    audited = outside.audit({mode: _account_names(flow) for mode, flow in by_mode.items()})
    raw = {one["settlement_id"]: one for one in audited["settlements"]}
    lines = [
        _line(mode, plan, raw[plan.settlement.settlement_id])
        for mode, flow in by_mode.items()
        for plan in Plan.objects.filter(flow=flow).select_related("settlement").order_by("settlement__ends_at")
    ]
    books = [_books(outside, mode, audited["ledgers"][mode]) for mode in by_mode]
    held = list(
        Delivery.objects.filter(flow__in=by_mode.values(), state__in=[State.HELD, State.PARKED]).values_list(
            "flow__mode", "number", "reason"
        )
    )
    expected = {mode: {one["carrier"] for one in outside.expected(mode)["held"]} for mode in by_mode}
    problems = [
        *(f"{one.mode} {one.settlement_id}: {to_text(one.difference, CURRENCY)}" for one in lines if one.difference),
        *(f"{one.mode}: clearing is off by {one.clearing}" for one in books if one.clearing),
        *(f"{one.mode}: bank {one.bank}, payouts {one.payouts}" for one in books if one.bank != one.payouts),
        *(f"{one.mode}: in the books twice: {mark}" for one in books for mark in one.twice),
        *(f"settlement {one} was never planned" for one in sorted(raw.keys() - {line.settlement_id for line in lines})),
    ]
    for mode in by_mode:
        found = {number for of, number, _ in held if of == mode}
        if found != expected[mode]:
            problems.append(f"{mode}: held are {sorted(found)}, expected {sorted(expected[mode])}")
    return Result(
        lines=tuple(lines),
        books=tuple(books),
        held=tuple(held),
        expected_held=sum(len(one) for one in expected.values()),
        orders=outside.truth["orders"]["total"],
        problems=tuple(problems),
    )


def _line(mode: str, plan: Plan, raw: dict[str, Any]) -> Line:
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
    payout = sum(row.answered_total or 0 for row in rows if row.number.endswith("-P") and row.state == State.POSTED)
    header = plan.settlement.total
    known = posted + waiting + statement.opening_debt
    off = abs(header - known) + abs(int(Decimal(raw["header"]).scaleb(2)) - header)
    off += abs(int(Decimal(raw["added"]).scaleb(2)) - header)
    return Line(
        mode=mode,
        settlement_id=plan.settlement.settlement_id,
        period=f"{plan.settlement.starts_at:%d %b} - {plan.settlement.ends_at:%d %b}",
        rows=statement.rows,
        header=header,
        entries=posted + statement.opening_debt,
        held=waiting,
        payout=payout,
        difference=off,
        verdict=plan.verdict.get("verdict", ""),
    )


def _books(outside: Outside, mode: str, found: dict[str, Any]) -> Books:
    expected = outside.expected(mode)["balances"]
    stated, added = found["balances"], found["added"]
    clearing = Decimal(stated["CLEARING"])
    return Books(
        mode=mode,
        clearing=max((clearing - _text(expected.get("CLEARING", 0)), Decimal(added["CLEARING"]) - clearing), key=abs),
        bank=Decimal(stated["BANK"]),
        payouts=_text(expected.get("BANK", 0)),
        twice=tuple(found["twice"]),
    )


def _text(amount: int) -> Decimal:
    return Decimal(to_text(amount, CURRENCY))


def _account_names(flow: Flow) -> dict[str, str]:
    """Return the names, as the company's chart has them, of the accounts the auditor is asked about."""
    from ledgers import reference

    names = {account.id: account.name for account in reference.cached(flow.target).accounts}
    base = mapping.load(flow).base
    found = {}
    for key in ("CLEARING", "BANK"):
        account = base[key].account  # type: ignore[index]
        if account.startswith("@"):
            row = Delivery.objects.get(remote_key=flow.target.remote_key, key=account[1:], live=True)
            found[key] = row.plain_document["name"]
        else:
            found[key] = names[account]
    return found


def table(result: Result, rate_scale: int) -> str:
    """Return the tie-out as text."""
    head = ("ledger", "settlement", "period", "rows", "header", "entries", "held", "payout", "difference", "proof")
    rows = [
        (
            f"quickbooks {line.mode}",
            line.settlement_id,
            line.period,
            str(line.rows),
            *(
                to_text(amount, CURRENCY)
                for amount in (line.header, line.entries, line.held, line.payout, line.difference)
            ),
            line.verdict,
        )
        for line in result.lines
    ]
    widths = [max(len(row[n]) for row in [head, *rows]) for n in range(len(head))]
    left = {0, 1, 2, 9}

    def text(row: tuple[str, ...]) -> str:
        return "  ".join(
            cell.ljust(w) if n in left else cell.rjust(w) for n, (cell, w) in enumerate(zip(row, widths, strict=True))
        )

    parts = [text(head), text(tuple("-" * w for w in widths)), *(text(row) for row in rows), ""]
    parts += [
        f"quickbooks {one.mode}: bank {one.bank}, Amazon's payouts {one.payouts}; clearing differs from what is expected by {one.clearing}"
        for one in result.books
    ]
    parts.append(f"{result.orders} orders; {len(result.held)} documents are held:")
    parts += [f"  {mode} {number}: {reason}" for mode, number, reason in result.held]
    if rate_scale != 1:
        parts.append(f"Amazon's and QuickBooks' rate limits are {rate_scale} times as fast as the real ones.")
    parts += [f"NOT TIED: {problem}" for problem in result.problems]
    return "\n".join(parts)
