from datetime import date

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import EntryLine, JournalEntry
from bookkeeping.planned import Planned
from flows.drafts import drafts
from flows.mapping import TenantMapping
from ledgers.port import Binding, Reference, RemoteAccount

OWN = (
    RemoteAccount("11", "Cash:Petty Cash", "asset (Cash & Bank)/Petty Cash", AccountClass.BANK),
    RemoteAccount("21", "Revenue", "income (Income)/Revenue", AccountClass.INCOME),
    RemoteAccount("22", "Revenue of old", "income (Income)", AccountClass.INCOME),
)
ENTRY = JournalEntry(
    "AMZ-1-1",
    date(2026, 10, 14),
    "USD",
    (EntryLine("CLEARING", debit=500), EntryLine("REVENUE", debit=500), EntryLine("PETTY", credit=1000)),
)


def test_accounts_to_which_a_ledger_books_by_itself_need_no_mapping():
    known = TenantMapping(1, {"CLEARING": Binding(account="14")}, {}, {})

    [draft] = drafts([Planned("k", ENTRY)], known, Reference("Crafts", "USD", False, None, OWN))

    assert draft.hold is None
    assert {key: each.account for key, each in draft.bindings.items()} == {
        "CLEARING": "14",
        "PETTY": "11",
        "REVENUE": "21",
    }


def test_a_ledger_that_has_no_such_accounts_holds_what_names_them():
    known = TenantMapping(1, {"CLEARING": Binding(account="14")}, {}, {})

    [draft] = drafts([Planned("k", ENTRY)], known, Reference("Crafts", "USD", False, None, OWN[2:]))

    assert draft.hold is not None
    assert "Petty Cash" in draft.hold.text
