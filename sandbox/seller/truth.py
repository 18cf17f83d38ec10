"""What really happened to a seller, and what the books must show: the truth file.

Written by the side that invented the rows, with plain integer arithmetic, so that it can judge the product without
sharing its reading of the file. Amounts are integer minor units. Settlement figures carry Amazon's sign (positive
raises what Amazon owes the seller); balances are debit positive and every set of them adds up to zero.

How the expected books are reached (invoices made when a settlement is read, all settlements in one company; where
ledgers differ, ``SHAPES`` says how):

- A month's entry holds the rows of that calendar month, apart from the opening debt (already in the books) and from
  money movements (card charges, returned payouts, bank verification), which are booked one by one.
- ``summary``: one journal per month, one transfer per movement, one transfer per payout.
- ``orders``: in every month, an order whose invoiceable rows add up to more than zero gets an invoice and a payment
  of that sum into clearing, and leaves the entry. In QuickBooks the entry of the month in which the payout falls
  rides on the payout's deposit; entries of other months are journals. A settlement without payout has journals only.
- A month with a row nobody can explain is held: its journal, or the deposit it rides on.
- FreshBooks books every payment to Petty Cash and every invoice to Revenue; the month's journal moves both on, and
  while it is held they stay there.
- FreshBooks and Wave cannot reach the bank or the card: both are one account of money in transit until somebody
  matches the bank's own lines.
- Tax legs that cancel within an order and settlement post nothing; what is left of them is the seller's own
  liability.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from sandbox.seller.account import Account, Line, Settlement
from sandbox.seller.money_truth import money_truth
from sandbox.seller.vocabulary import ACCOUNT_OF, INVOICED, MOVEMENTS

FORMAT = 1
DECISIONS = {"reimbursement": "REIMB", "other fee": "FEE_OTHER"}
"""What a person may say an unknown label is, and the account it is then booked to."""

Mode = Literal["summary", "orders"]


@dataclass(frozen=True)
class Shape:
    """How a ledger's books differ: a deposit carries the month of the payout, money stays in transit, payments pass Petty
    Cash."""

    deposit: bool = False
    transit: bool = False
    petty: bool = False


SHAPES = {
    "freshbooks": Shape(transit=True, petty=True),
    "quickbooks": Shape(deposit=True),
    "wave": Shape(transit=True),
    "zoho": Shape(),
}
_NOT_ON_A_DEPOSIT = frozenset({"LOAN", "OUTPUT_TAX", "TAX_CLEARING"})


@dataclass
class Part:
    """One calendar month of a settlement. ``entry`` and ``covered`` are by account, with Amazon's sign."""

    number: int
    month: str
    day: date
    rows: int = 0
    total: int = 0
    entry: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    payments: dict[str, int] = field(default_factory=dict)
    movements: list[Line] = field(default_factory=list)
    unknown: list[Line] = field(default_factory=list)

    @property
    def remainder(self) -> Counter[str]:
        """The entry without what invoices of the same rows carry."""
        left = Counter(self.entry)
        left.subtract(self.covered)
        return left


def truth(account: Account, today: date) -> dict[str, Any]:
    """Return the truth file of a seller as JSON-ready values. ``today`` decides which payouts are due."""
    parts = {settlement.settlement_id: parts_of(account, settlement) for settlement in account.settlements}
    shop = account.marketplace
    return {
        "format": FORMAT,
        "seed": account.seed,
        "today": today.isoformat(),
        "seller": {
            "seller_id": account.seller_id,
            "store_name": account.store_name,
            "country": shop.country,
            "marketplace_id": shop.marketplace_id,
            "marketplace": shop.site,
            "region": shop.region,
            "zone": shop.zone,
            "currency": shop.currency,
            "exponent": shop.exponent,
            "paid_in": account.paid_in or shop.currency,
        },
        "rules_covered": sorted({line.label.rule for settlement in account.settlements for line in settlement.lines}),
        "money": money_truth(account, today),
        "orders": _orders(account, parts),
        "payouts": _payouts(account, today),
        "settlements": [
            _settlement(settlement, parts[settlement.settlement_id], today) for settlement in account.settlements
        ],
        "expected": {
            ledger: {mode: _expected(account, parts, today, mode, shape) for mode in get_args(Mode)}
            for ledger, shape in SHAPES.items()
        },
    }


def parts_of(account: Account, settlement: Settlement) -> list[Part]:
    """Return the calendar months of a settlement, in the marketplace's zone, oldest first."""
    zone = ZoneInfo(account.marketplace.zone)
    last_day = (settlement.ends_at - timedelta(seconds=1)).astimezone(zone).date()
    months: dict[str, list[Line]] = defaultdict(list)
    for line in settlement.lines:
        months[line.posted_at.astimezone(zone).strftime("%Y-%m")].append(line)
    taxes = _taxes(months)
    return [
        _part(number, month, min(_last_of(month), last_day), months[month], taxes[month])
        for number, month in enumerate(sorted(months), start=1)
    ]


def _part(number: int, month: str, day: date, lines: list[Line], taxes: Counter[str]) -> Part:
    part = Part(number, month, day, rows=len(lines), total=sum(line.amount for line in lines))
    invoices: dict[str, Counter[str]] = defaultdict(Counter)
    for line in lines:
        meaning, account = line.label.meaning, ACCOUNT_OF[line.label.meaning]
        if meaning in MOVEMENTS:
            part.movements.append(line)
        elif meaning != "opening debt" and account != "TAX":
            part.entry[account] += line.amount
        if meaning == "unknown":
            part.unknown.append(line)
        if meaning in INVOICED and line.label.transaction_type == "Order" and line.order_id:
            invoices[line.order_id][account] += line.amount
    part.entry.update(taxes)
    for order_id, rows in sorted(invoices.items()):
        if rows.total() > 0:
            part.payments[order_id] = rows.total()
            part.covered.update(rows)
    return part


def _taxes(months: dict[str, list[Line]]) -> dict[str, Counter[str]]:
    """Return what is left of the tax legs, by month and account: nothing where they cancel within an order."""
    legs: dict[str, Counter[str]] = defaultdict(Counter)
    for month, lines in months.items():
        for line in lines:
            if ACCOUNT_OF[line.label.meaning] == "TAX":
                legs[line.order_id][month] += line.amount
    left: dict[str, Counter[str]] = {month: Counter() for month in months}
    for by_month in legs.values():
        account = "OUTPUT_TAX" if by_month.total() else "TAX_CLEARING"
        for month, amount in by_month.items():
            if amount:
                left[month][account] += amount
    return left


def _last_of(month: str) -> date:
    first = date.fromisoformat(f"{month}-01")
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def _settlement(settlement: Settlement, parts: list[Part], today: date) -> dict[str, Any]:
    by_meaning: Counter[str] = Counter()
    for line in settlement.lines:
        by_meaning[line.label.meaning] += line.amount

    def amounts(*descriptions: str) -> list[int]:
        return [line.amount for line in settlement.lines if line.label.amount_description in descriptions]

    return {
        "settlement_id": settlement.settlement_id,
        "starts_at": _instant(settlement.starts_at),
        "ends_at": _instant(settlement.ends_at),
        "deposit_on": _deposit_on(settlement).isoformat(),
        "rows": len(settlement.lines),
        "total": settlement.total,
        "payout": _payout(settlement, today),
        "converted": settlement.converted,
        "opening_debt": sum(amounts("Payable to Amazon")),
        "charges": amounts("Successful charge"),
        "reserve_released": sum(amounts("Previous Reserve Amount Balance")),
        "reserve_held": settlement.reserve_held,
        "returned_payouts": [line.amount for line in settlement.lines if line.label.meaning == "payout returned"],
        "bank_movements": [line.amount for line in settlement.lines if line.label.meaning == "bank movement"],
        "orders": sorted({line.order_id for line in settlement.lines if line.label.rule in (1, 2, 3)}),
        "by_meaning": dict(sorted(by_meaning.items())),
        "unknown": [_unknown(line) for part in parts for line in part.unknown],
        "parts": [
            {
                "number": part.number,
                "month": part.month,
                "date": part.day.isoformat(),
                "rows": part.rows,
                "total": part.total,
                "entry": _tidy(part.entry),
                "entry_net": part.entry.total(),
                "payments": part.payments,
                "entry_beside_payments": _tidy(part.remainder),
            }
            for part in parts
        ],
    }


def _payout(settlement: Settlement, today: date) -> dict[str, Any]:
    """Return whether the settlement is paid out; a payout that failed was made and came back later."""
    if settlement.total <= 0:
        return {
            "amount": None,
            "state": "none",
            "why": "negative" if settlement.total < 0 else "zero",
            "returned_in": None,
        }
    if settlement.returned_in:
        return {
            "amount": settlement.total,
            "state": "failed",
            "why": "transfer failed",
            "returned_in": settlement.returned_in,
        }
    state = "paid" if _deposit_on(settlement) <= today else "due later"
    return {"amount": settlement.total, "state": state, "why": None, "returned_in": None}


def _payouts(account: Account, today: date) -> dict[str, int]:
    """Return what was transferred to the bank so far, and how much of it came back."""
    made = [each for each in account.settlements if each.total > 0 and _deposit_on(each) <= today]
    return {
        "count": len(made),
        "made": sum(each.total for each in made),
        "returned": sum(each.total for each in made if each.returned_in),
    }


def _unknown(line: Line) -> dict[str, Any]:
    kind, group, text, _, _ = line.label
    return {"transaction_type": kind, "amount_type": group, "amount_description": text, "amount": line.amount}


def _orders(account: Account, parts: dict[str, list[Part]]) -> dict[str, Any]:
    payments = [order_id for months in parts.values() for part in months for order_id in part.payments]
    return {
        "total": len(account.orders),
        "by_status": dict(sorted(Counter(order.status for order in account.orders).items())),
        "invoices": len(payments),
        "invoiced_orders": sorted(set(payments)),
        "ids": sorted(order.order_id for order in account.orders),
    }


class Books:
    """Balances by account, debit positive, made only of balanced movements."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.passing = ("CLEARING", "PAYOUTS") if shape.transit else ("CLEARING", "BANK", "CHARGE_METHOD")
        self.balances: Counter[str] = Counter(dict.fromkeys(self.passing, 0))

    def into_clearing(self, account: str, amount: int) -> None:
        """Book ``amount`` (Amazon's sign) as owed by Amazon, on the account that caused it."""
        if self.shape.transit and account in ("BANK", "CHARGE_METHOD"):
            account = "PAYOUTS"
        self.balances["CLEARING"] += amount
        self.balances[account] -= amount

    def entry(self, rows: Counter[str]) -> None:
        for account, amount in rows.items():
            self.into_clearing(account, amount)

    def paid_into_petty_cash(self, amount: int) -> None:
        self.balances["PETTY"] += amount
        self.balances["REVENUE"] -= amount

    def tidy(self) -> dict[str, int]:
        return {name: amount for name, amount in sorted(self.balances.items()) if amount or name in self.passing}


def _expected(account: Account, parts: dict[str, list[Part]], today: date, mode: Mode, shape: Shape) -> dict[str, Any]:
    """Return what is held and the balances with it held, and the balances once the unknown labels are decided."""
    held: list[dict[str, str]] = []
    books = Books(shape)
    for settlement in account.settlements:
        held += _post(books, settlement, parts[settlement.settlement_id], today, mode, decided="")
    after = {}
    for decision, target in DECISIONS.items():
        decided = Books(shape)
        for settlement in account.settlements:
            _post(decided, settlement, parts[settlement.settlement_id], today, mode, decided=target)
        after[decision] = decided.tidy()
    return {"held": held, "balances": books.tidy(), "balances_after_decision": after}


def _post(
    books: Books, settlement: Settlement, parts: Iterable[Part], today: date, mode: Mode, *, decided: str
) -> list[dict[str, str]]:
    """Book one settlement; ``decided`` is the account of unknown rows, "" holds them. Returns what is held."""
    held: list[dict[str, str]] = []
    pays = settlement.total > 0
    deposit_month = _deposit_on(settlement).isoformat()[:7] if pays and mode == "orders" and books.shape.deposit else ""
    number = f"AMZ-{settlement.settlement_id}"
    deposit_waits = pays and _deposit_on(settlement) > today
    deposit_held = False
    on_deposit: Counter[str] = Counter()
    for part in parts:
        for line in part.movements:
            books.into_clearing(ACCOUNT_OF[line.label.meaning], line.amount)
        undecided = bool(part.unknown and not decided)
        entry = part.entry
        if mode == "orders":
            if undecided and books.shape.petty:
                books.paid_into_petty_cash(part.covered.total())
            else:
                books.entry(part.covered)
            entry = part.remainder
        if undecided:
            rides = part.month == deposit_month
            deposit_held |= rides
            carrier = f"{number}-P" if rides else f"{number}-{part.number}"
            held.append(_held(settlement, "part entry", f"{number}-{part.number}", carrier))
            continue
        if part.unknown:
            entry = Counter(entry)
            entry[decided] += entry.pop("UNKNOWN")
        riding = {account: amount for account, amount in entry.items() if account not in _NOT_ON_A_DEPOSIT}
        if part.month == deposit_month:
            on_deposit.update(riding)
            entry = Counter({account: entry[account] for account in _NOT_ON_A_DEPOSIT & entry.keys()})
        books.entry(entry)
    if deposit_held:
        held.append(_held(settlement, "deposit", f"{number}-P", f"{number}-P"))
    elif pays and not deposit_waits:
        books.entry(on_deposit)
        books.into_clearing("BANK", -settlement.total)
    return held


def _held(settlement: Settlement, what: str, number: str, carrier: str) -> dict[str, str]:
    return {
        "settlement": settlement.settlement_id,
        "what": what,
        "number": number,
        "carrier": carrier,
        "reason": "unknown label",
    }


def _deposit_on(settlement: Settlement) -> date:
    return settlement.deposit_at.astimezone(UTC).date()


def _instant(value: datetime) -> str:
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _tidy(amounts: Counter[str]) -> dict[str, int]:
    return {account: amount for account, amount in sorted(amounts.items()) if amount}
