"""Saving mapping decisions: versions, what they release, and what is refused."""

from datetime import date

import pytest

from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label
from flows import mapping, rules
from flows.models import Delivery, MappingRule, ProductGroup
from ledgers.port import Binding
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, flow_of, listed, settle

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("in_acme")]
K = AccountKey
CREDIT = Label(*STRANGE[:3])


@pytest.fixture
def flow(acme):
    flow = flow_of(acme)
    listed(flow.target, "class", "9", "10")
    listed(flow.target, "customer", "55")
    return flow


def base(flow, key):
    return mapping.load(flow).base.get(key)


def test_a_decision_that_changes_nothing_makes_no_version(flow):
    version = flow.mapping_version

    rules.save_accounts(flow, {K.SALES: base(flow, K.SALES)}, "alice", {})

    assert flow.mapping_version == version


def test_a_changed_account_retires_the_rule_and_adds_the_next(flow):
    other = base(flow, K.SHIP_INCOME)

    rules.save_accounts(flow, {K.SALES: other}, "alice", {K.SALES: "asked"})

    old, new = MappingRule.objects.filter(flow=flow, key=K.SALES).order_by("pk")
    assert old.retired_version == new.version == flow.mapping_version
    assert (new.retired_version, new.reason, new.created_by) == (None, "asked", "alice")


def test_taking_an_account_away_holds_what_needs_it(acme, flow):
    settle(acme)

    rules.save_accounts(flow, {K.FEE_FBA: Binding()}, "alice", {})

    assert base(flow, K.FEE_FBA) is None
    assert Delivery.objects.filter(code="unmapped_account").exists()


def test_choosing_the_account_says_how_many_documents_it_released(acme, flow):
    chosen = base(flow, K.FEE_FBA)
    rules.save_accounts(flow, {K.FEE_FBA: Binding()}, "alice", {})
    settle(acme)

    assert rules.save_accounts(flow, {K.FEE_FBA: chosen}, "alice", {}) == 1
    assert not Delivery.objects.filter(state="held").exists()


def test_a_label_that_was_decided_releases_its_entry(acme, flow):
    settle(acme, rows=(*SALE, STRANGE))
    assert Delivery.objects.filter(code="unknown_label").count() == 1

    assert rules.save_label(flow, CREDIT, Category.FEE_ADJUSTMENT, "alice") == 1


def test_a_label_decided_from_a_day_on_leaves_earlier_settlements_waiting(acme, flow):
    settle(acme, rows=(*SALE, STRANGE))

    assert rules.save_label(flow, CREDIT, Category.FEE_ADJUSTMENT, "alice", date(2027, 1, 1)) == 0
    assert Delivery.objects.filter(code="unknown_label").exists()


def test_a_label_cannot_be_decided_to_be_unknown(flow):
    with pytest.raises(rules.BadMapping):
        rules.save_label(flow, CREDIT, Category.UNKNOWN, "alice")


def test_one_rule_for_several_amounts_is_one_version(flow):
    version = flow.mapping_version

    rules.save_splits(flow, [K.SALES, K.REFUNDS], Binding(class_="9"), "alice", sku="LAMP-*")

    assert flow.mapping_version == version + 1
    assert (
        mapping.load(flow).target(mapping.load(flow).line_key(K.REFUNDS, "LAMP-1", "", date(2026, 1, 2))).class_ == "9"
    )


def test_a_rule_with_the_same_condition_takes_the_place_of_the_first(flow):
    rules.save_split(flow, K.SALES, Binding(class_="9"), "alice", sku="LAMP-*")
    rules.save_split(flow, K.SALES, Binding(class_="10"), "alice", sku="LAMP-*")

    [only] = mapping.load(flow).splits[K.SALES]
    assert only.target.class_ == "10"


@pytest.mark.parametrize(
    ("keys", "target", "conditions"),
    [
        ([], Binding(class_="9"), {"sku": "A"}),
        ([K.SALES], Binding(), {"sku": "A"}),
        ([K.SALES], Binding(class_="9"), {}),
    ],
    ids=["no amount", "no target", "no condition"],
)
def test_half_a_rule_is_refused(flow, keys, target, conditions):
    with pytest.raises(rules.BadMapping):
        rules.save_splits(flow, keys, target, "alice", **conditions)


def test_a_retired_rule_no_longer_counts(flow):
    rules.save_split(flow, K.SALES, Binding(class_="9"), "alice", sku="LAMP-*")

    rules.retire(flow, MappingRule.objects.get(sku="LAMP-*").pk, "alice")

    assert not mapping.load(flow).splits


def test_a_marketplace_goes_back_to_its_generic_customer(flow):
    rules.save_customer(flow, "Amazon.com", "55", "alice")
    assert mapping.load(flow).customer("customer:Amazon.com:USD").customer == "55"

    rules.save_customer(flow, "Amazon.com", "", "alice")

    assert mapping.load(flow).customer("customer:Amazon.com:USD") == Binding()


# Product groups


@pytest.mark.parametrize("separator", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_product_groups_are_read_from_two_columns(separator):
    text = f'\ufeffSKU{separator}Group\r\nA-1{separator}Lamps\r\n\r\n"A-2"{separator} Lamps \r\n'

    assert rules.read_product_groups(text) == {"A-1": "Lamps", "A-2": "Lamps"}


def test_every_line_that_cannot_be_read_is_named_and_nothing_changes(flow):
    rules.load_product_groups(flow, "A-1,Lamps", "alice")

    with pytest.raises(rules.BadMapping) as refused:
        rules.load_product_groups(flow, f"A-1,Lamps\nA-2\nA-1,Mugs\n{'x' * 121},Mugs\n", "alice")

    text = str(refused.value)
    assert "Line 2: expected a SKU and a product group" in text
    assert "Line 3: the SKU A-1 is already in the group Lamps" in text
    assert "Line 4: a SKU or group has more than 120 characters" in text
    assert list(ProductGroup.objects.values_list("sku", flat=True)) == ["A-1"]


def test_a_file_of_another_kind_is_refused_without_listing_every_line():
    with pytest.raises(rules.BadMapping, match="And 92 more lines"):
        rules.read_product_groups("nonsense\n" * 100)


@pytest.mark.parametrize(
    ("sku", "pattern", "fits"),
    [
        ("MUG-7", "MUG-*", True),
        ("LAMP[RED]", "LAMP[RED]", True),
        ("LAMPR", "LAMP[RED]", False),
        ("A?1", "A?1", True),
        ("AB1", "A?1", False),
        ("mug-7", "MUG-*", False),
    ],
)
def test_only_the_asterisk_of_a_sku_pattern_means_anything(sku, pattern, fits):
    assert mapping.sku_fits(sku, pattern) is fits
