from types import SimpleNamespace

import pytest

from bookkeeping.documents import InvoiceLine
from flows.drafts import LineCheck
from ledgers.port import Binding, Reference, RemoteObject


@pytest.mark.parametrize(("account", "held"), [("5", False), ("6", True), ("", False)], ids=["same", "other", "none"])
def test_an_item_holds_an_invoice_only_where_it_books_to_another_account(db, account, held):
    flow = SimpleNamespace(target=SimpleNamespace(remote_key="a:b:c"), generic_items=False)
    known = SimpleNamespace(target=lambda key: Binding(account="5", item="9"))
    company = Reference("Crafts", "USD", False, None, (), items=(RemoteObject("9", "Mug", account=account),))

    hold = LineCheck(flow, known, company)(InvoiceLine("SALES", 100, 1, "MUG"))

    assert (hold is not None) is held
