"""A version of a flow's mapping as a value: which line key a row gets, and what a line key means."""

from datetime import date

import pytest

from bookkeeping.accounts import AccountKey
from bookkeeping.documents import Customer, EntryLine, Invoice, InvoiceLine, JournalEntry
from bookkeeping.facts import Header
from flows import mapping, rules, statements
from flows.mapping import Split, TenantMapping, Unmapped
from flows.models import MappingRule
from ledgers.port import Binding
from tests.bookkeeping import e7
from tests.bookkeeping.test_e7 import company
from tests.web.small_books import flow_of

ON = date(2025, 10, 1)
SALES = AccountKey.SALES


def split(sku="", group="", marketplace="", since=None, **target):
    return Split(SALES, sku, group, marketplace, since, Binding(**target))


def known(*splits, **values):
    ranked = sorted(splits, key=lambda one: one.rank, reverse=True)
    base = {SALES: Binding(account="1", item="i1", class_="c1")}
    return TenantMapping(**{"version": 1, "base": base, "splits": {SALES: ranked}, "customers": {}} | values)


def invoice(*keys):
    lines = tuple(InvoiceLine(key, 100) for key in keys)
    return Invoice("N", ON, "USD", "customer:Amazon.com:USD", lines, "N")


def test_a_row_without_a_split_has_its_account_for_a_key():
    assert known().line_key(SALES, "LAMP-1", "Amazon.com", ON) == "SALES"


@pytest.mark.parametrize(
    ("winner", "other"),
    [
        (split("LAMP-1"), split("LAMP-*")),
        (split("LAMP-*"), split(group="Lamps")),
        (split(group="Lamps"), split(marketplace="Amazon.com")),
        (split("LAMP-1", marketplace="Amazon.com"), split("LAMP-1")),
    ],
    ids=["SKU before pattern", "pattern before group", "group before marketplace", "both before one"],
)
def test_the_more_specific_split_takes_the_row(winner, other):
    value = known(other, winner, groups={"LAMP-1": "Lamps"})

    assert value.line_key(SALES, "LAMP-1", "amazon.com", ON) == f"SALES/{winner.name}"


def test_a_split_takes_rows_from_its_day_on():
    later = split("LAMP-1", since=date(2025, 10, 2))

    assert known(later).line_key(SALES, "LAMP-1", "", ON) == "SALES"
    assert known(later).line_key(SALES, "LAMP-1", "", date(2025, 10, 2)) == f"SALES/{later.name}"


def test_the_name_of_a_split_depends_on_its_conditions_alone():
    assert split("LAMP-1", account="7").name == split("LAMP-1", account="8", since=ON).name
    assert split("LAMP-1").name != split("LAMP-2").name


def test_a_split_is_completed_by_the_base():
    lamps, glass = split("LAMP-*", class_="c2"), split("GLASS-*", account="9")
    value = known(lamps, glass)

    assert value.target(f"SALES/{lamps.name}") == Binding(account="1", item="i1", class_="c2")
    # The base's item books to the base's account, so it does not serve another one.
    assert value.target(f"SALES/{glass.name}") == Binding(account="9", class_="c1")
    assert value.target("SALES/gone") == value.target("SALES")


def test_a_key_is_shown_with_its_conditions():
    lamps = split("LAMP-*", marketplace="Amazon.ca")

    assert known(lamps).label("SALES") == "Amazon Sales"
    assert known(lamps).label(f"SALES/{lamps.name}") == "Amazon Sales – LAMP-*, Amazon.ca"


def test_binding_names_everything_that_is_missing():
    entry = JournalEntry("N", ON, "USD", (EntryLine("ADS", debit=5), EntryLine("CLEARING", credit=5)))

    with pytest.raises(Unmapped) as missing:
        mapping.bind(known(), entry, {})

    assert missing.value.symbols == ("ADS", "CLEARING")


def test_an_invoice_needs_an_item_and_a_customer_that_may_still_have_to_be_made():
    value = known(base={SALES: Binding(account="1")})
    made = {"SALES": Binding(item="@company/item/1/1"), "customer:Amazon.com:USD": Binding(customer="@company/c/1")}

    bound = mapping.bind(value, invoice("SALES"), made)

    assert bound["SALES"] == Binding(account="1", item="@company/item/1/1")
    assert mapping.needs(bound.values()) == {"company/item/1/1", "company/c/1"}
    with pytest.raises(Unmapped):
        mapping.bind(value, invoice("SALES"), {})


def test_the_customer_of_a_marketplace_is_the_tenants_where_one_is_chosen():
    value = known(customers={"amazon.com": Binding(customer="55")})

    assert value.customer("customer:Amazon.com:USD") == Binding(customer="55")
    assert value.customer("customer:Amazon.ca:CAD") == Binding()


def test_what_is_to_be_made_names_no_symbol():
    assert mapping.symbols(Customer("customer:Amazon.com:USD", "Amazon.com (USD)", "USD")) == set()


def test_an_earlier_version_is_loaded_as_it_was(in_acme):
    flow = flow_of(in_acme)
    before = flow.mapping_version
    rules.save_accounts(flow, {SALES: Binding(account="40")}, "alice", {})
    rules.save_split(flow, SALES, Binding(account="41"), "alice", sku="LAMP-1")

    assert mapping.load(flow).base[SALES] == Binding(account="40")
    assert mapping.load(flow, before).base[SALES] != Binding(account="40")
    assert (SALES in mapping.load(flow, before).splits, SALES in mapping.load(flow).splits) == (False, True)
    assert MappingRule.objects.filter(key="SALES", retired_version=None).count() == 2


@pytest.mark.parametrize("sid", list(e7.SETTLEMENT_IDS.values()))
def test_a_statement_survives_its_json(sid):
    statement = company().statement(sid)
    plain = statements.to_json(statement)

    again = statements.from_json(plain)

    assert isinstance(again.header, Header)
    assert (again.header, again.parts, again.sums, again.totals) == (
        statement.header,
        statement.parts,
        statement.sums,
        statement.totals,
    )
    assert (again.movements, again.taxes, again.flags) == (statement.movements, statement.taxes, statement.flags)
    assert statements.to_json(again) == plain
