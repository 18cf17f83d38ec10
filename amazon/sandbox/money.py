"""The finances and transfers APIs together: transactions, balances, summaries and payouts, and how they may behave."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from werkzeug.wrappers import Request, Response

from amazon.sandbox.balances import Balances
from amazon.sandbox.breakdowns import container
from amazon.sandbox.lwa import Caller
from amazon.sandbox.money_accounts import MoneyAccounts
from amazon.sandbox.paging import Pages
from amazon.sandbox.payouts import Payouts
from amazon.sandbox.signed import Signer
from amazon.sandbox.transaction_forms import Forms
from amazon.sandbox.transactions import ORDER_MARK, Paging, Transactions
from sandbox.clock import Clock
from sandbox.seller import Account
from sandbox.seller.big import BigSettlement
from sandbox.seller.big_money import big_movements, big_payout, repeated
from sandbox.store import Store
from sandbox.switches import Switch

SWITCHES = (
    Switch("finances_lag_s", (0,), "seconds until a posted transaction appears; Amazon may need 48 hours"),
    Switch("transaction_page_size", (500,), "most transactions on a page"),
    Switch(
        "transaction_pages",
        ("full", "empty between", "repeated", "loop"),
        "whether an empty page comes before each further one, each page comes twice, or tokens lead to where they were",
    ),
    Switch(
        "transaction_statuses",
        ("mixed", "upper", "unknown"),
        "how statuses are spelt, or a few nobody has heard of",
    ),
    Switch(
        "transaction_breakdowns",
        ("by item", "by transaction", "object", "disagreeing"),
        "amounts under the items, under the transaction only, in an object, or not adding up to the total",
    ),
    Switch("transaction_corrected", (False, True), "an order's amount is one unit too low for its first day"),
    Switch("transfer_transactions", (True, False), "whether payouts are transactions as well"),
    Switch("money_page_size", (500,), "most balances, summaries or payouts on a page"),
    Switch("expected_payout", ("SCHEDULED", "DISABLED", "AT_RISK"), "what is said of a payout to come"),
)

_FINANCES = "/finances/2024-06-19"
_PAYOUTS = "/finances/transfers/2024-06-01/payouts"


class Money:
    """``switch`` reads a switch as it stands for a seller."""

    def __init__(self, store: Store, clock: Clock, signer: Signer, switch: Callable[[str, str], Any]) -> None:
        self._switch = switch
        self.transactions = Transactions(store, clock, signer)
        self.accounts = MoneyAccounts(store)
        self.balances = Balances(store, clock, Pages(signer), self.accounts)
        self.payouts = Payouts(store, clock, Pages(signer), self.accounts)

    def load(self, account: Account) -> None:
        self.transactions.load(account)
        self.accounts.load(account)

    def load_big(self, big: BigSettlement, seller_id: str) -> None:
        """Take in a settlement of any size: its transactions lie there once, with a row for each copy."""
        account = replace(big.account, seller_id=seller_id)
        released = Counter[tuple[datetime, str]]()
        for posting, times, order in repeated(big):
            marked = [line._replace(order_id=ORDER_MARK) if line.order_id else line for line in posting.lines]
            for line in posting.lines:
                released[line.posted_at, container(line)] += line.amount * times
            self.transactions.load_repeated(account, replace(posting, lines=tuple(marked)), order, times)
        self.accounts.keep(account, big_movements(big), released, [big_payout(big)])

    def operations(self) -> Iterator[tuple[str, str, str, Callable[[Request, Caller], Response]]]:
        """Method, path, name and handler of each operation."""
        yield "GET", f"{_FINANCES}/transactions", "listTransactions", self._list_transactions
        yield "GET", f"{_FINANCES}/balances", "listBalances", self._in_pages(self.balances.balances)
        yield "GET", f"{_FINANCES}/summary", "listSummary", self._in_pages(self.balances.summaries)
        yield "GET", _PAYOUTS, "listPayouts", self._in_pages(self.payouts.find)
        yield "GET", f"{_PAYOUTS}/expected", "listExpectedPayouts", self._in_pages(self._expected)

    def _list_transactions(self, request: Request, caller: Caller) -> Response:
        def of(name: str) -> Any:
            return self._switch(name, caller.seller_id)

        paging = Paging(
            of("transaction_page_size"), of("transaction_pages"), of("finances_lag_s"), of("transfer_transactions")
        )
        forms = Forms(of("transaction_statuses"), of("transaction_breakdowns"), of("transaction_corrected"))
        return self.transactions.find(request, caller, paging, forms)

    def _in_pages(self, handler: Callable[..., Response]) -> Callable[[Request, Caller], Response]:
        return lambda request, caller: handler(request, caller, size=self._switch("money_page_size", caller.seller_id))

    def _expected(self, request: Request, caller: Caller, *, size: int) -> Response:
        state = self._switch("expected_payout", caller.seller_id)
        return self.payouts.expected(request, caller, size=size, state=state)
