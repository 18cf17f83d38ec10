"""The mapping: accounts and suggestions, splits by SKU, groups and marketplaces, customers, labels, history."""

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from audit.models import Event
from bookkeeping.accounts import AccountKey, Category
from flows import mapping, rules, setup
from flows.models import Delivery, Flow, MappingRule, ProductGroup
from ledgers.models import ListEntry
from ledgers.port import Binding, NotSent
from tests import factories
from tests.amazon.settlements import SALE
from tests.web.small_books import STRANGE, flow_of, plan_of, settle

pytestmark = pytest.mark.django_db
K = AccountKey
READ = ("mapping_accounts", "mapping_skus", "mapping_customers", "mapping_labels", "mapping_history")
WRITE = ("mapping_groups", "rule_new")
POST = ("mapping_accept", "mapping_lists", "mapping_general_item")


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def viewer(acme):
    return factories.member(acme, "vera@acme.test", "viewer")


@pytest.fixture
def flow(acme, in_acme):
    return flow_of(acme)


@pytest.fixture
def fresh(flow):
    MappingRule.objects.all().delete()
    return flow


@pytest.fixture
def bobs(signed_in, bob):
    return signed_in(bob)


def at(name, *args):
    return reverse(f"flows:{name}", args=args)


def account(flow, name):
    return ListEntry.objects.get(connection=flow.target, list="account", name=f"My {name}")


def listed(flow, of, external_id, name, **more):
    return ListEntry.objects.create(
        tenant_id=flow.tenant_id, connection=flow.target, list=of, external_id=external_id, name=name, **more
    )


def base(flow, key):
    return mapping.load(flow).base.get(key, Binding())


# Who may


@pytest.mark.parametrize("name", READ)
def test_everybody_of_the_company_reads(signed_in, viewer, charlie, client, flow, name):
    assert signed_in(viewer).get(at(name, flow.pk)).status_code == 200
    assert signed_in(charlie).get(at(name, flow.pk)).status_code == 404
    assert reverse("account_login") in client.get(at(name, flow.pk)).url


@pytest.mark.parametrize("name", [*WRITE, *POST, "mapping_accounts", "mapping_customers", "mapping_labels"])
def test_a_viewer_decides_nothing_and_a_stranger_finds_nothing(signed_in, viewer, charlie, flow, name):
    assert signed_in(viewer).post(at(name, flow.pk)).status_code == 403
    assert signed_in(charlie).post(at(name, flow.pk)).status_code == 404


def test_the_only_flow_is_opened_at_once(bobs, flow):
    assert bobs.get(at("mapping")).url == at("mapping_accounts", flow.pk)


def test_of_several_flows_one_is_chosen(bobs, acme, flow):
    flow_of(acme, name="Acme Canada", currency="CAD")

    assert "Acme Canada" in text_of(bobs.get(at("mapping")))


def test_without_a_flow_the_page_leads_to_one(bobs):
    assert reverse("flows:flow_new") in bobs.get(at("mapping")).content.decode()


@pytest.mark.parametrize("name", READ)
def test_the_number_of_queries_is_bounded(bobs, acme, flow, name, django_assert_max_num_queries):
    for month in range(1, 5):
        settle(acme, f"1500000000{month}", rows=(*SALE, STRANGE), start=f"2026-0{month}-01")
    bobs.get(at("mapping"))
    bobs.get(at(name, flow.pk))

    with django_assert_max_num_queries(30):
        assert bobs.get(at(name, flow.pk)).status_code == 200


# Accounts


def test_what_is_needed_and_open_stands_first_with_its_suggestion(bobs, acme, fresh):
    settle(acme)

    shown = text_of(bobs.get(at("mapping_accounts", fresh.pk)))

    assert shown.index("Amazon Selling Fees") < shown.index("Amazon Lending")
    assert "“My Amazon Selling Fees” fits by name and type" in shown


def test_one_click_accepts_every_suggestion(bobs, acme, fresh):
    settle(acme)

    response = bobs.post(at("mapping_accept", fresh.pk), {"missing": "none"}, follow=True)

    assert base(fresh, K.SALES).account == account(fresh, "Amazon Sales").external_id
    assert "Everything your settlements need has an account" in text_of(response)


def test_an_account_that_may_be_meant_is_offered_first_and_nothing_is_created_beside_it(bobs, acme, fresh):
    ListEntry.objects.filter(connection=fresh.target, name="My Amazon Selling Fees").update(name="Platform fees")
    settle(acme)

    page = bobs.get(at("mapping_accounts", fresh.pk)).content.decode()
    response = bobs.post(at("mapping_accept", fresh.pk), {"missing": "needed"}, follow=True)

    select = page[page.index('name="account-FEE_SELLING"') :]
    assert "Perhaps this one?" in page
    assert select.index("Perhaps") < select.index("Platform fees") < select.index("Unusual here")
    assert "Left for you: Amazon Selling Fees" in text_of(response)
    assert not Delivery.objects.filter(kind="account").exists()


def test_choosing_an_unusual_account_is_said_and_saved(bobs, flow):
    advertising = account(flow, "Amazon Advertising").external_id

    response = bobs.post(at("mapping_accounts", flow.pk), chosen(flow, **{"account-SALES": advertising}), follow=True)

    assert base(flow, K.SALES).account == advertising
    assert text_of(response).count("usually belongs to income") == 2


def test_what_is_left_for_a_person_is_named(bobs, acme, fresh):
    ListEntry.objects.filter(connection=fresh.target, account_class="bank").delete()
    settle(acme)

    response = bobs.post(at("mapping_accept", fresh.pk), {"missing": "all"}, follow=True)

    assert "Left for you: Payout Bank Account" in text_of(response)


def test_only_what_the_settlements_need_is_created(bobs, acme, fresh):
    ListEntry.objects.filter(connection=fresh.target, account_class="expense").delete()
    settle(acme)

    bobs.post(at("mapping_accept", fresh.pk), {"missing": "needed"})

    made = set(Delivery.objects.filter(kind="account").values_list("number", flat=True))
    assert made == {"Amazon Selling Fees", "Amazon FBA Fulfilment Fees"}


def test_saving_a_line_says_what_it_released(bobs, bob, acme, flow):
    rules.save_accounts(flow, {K.FEE_FBA: Binding()}, "alice", {})
    settle(acme)
    wanted = account(flow, "Amazon Other Fees & Adjustments").external_id

    response = bobs.post(at("mapping_accounts", flow.pk), chosen(flow, **{"account-FEE_FBA": wanted}), follow=True)

    assert "Saved. 1 document that waited can go on now." in text_of(response)
    assert base(flow, K.FEE_FBA).account == wanted
    assert Event.objects.filter(kind="mapping.saved").latest("seq").actor == bob.actor


def test_what_takes_longer_is_said_to_be_under_way(bobs, acme, flow, monkeypatch):
    from flows import planner

    settle(acme)
    monkeypatch.setattr(planner, "QUICK_ROWS", 0)
    wanted = account(flow, "Amazon Other Fees & Adjustments").external_id

    response = bobs.post(at("mapping_accounts", flow.pk), chosen(flow, **{"account-FEE_FBA": wanted}), follow=True)

    assert "1 settlement is being planned again with it" in text_of(response)


def test_saving_what_is_there_already_makes_no_version(bobs, flow):
    version = flow.mapping_version

    response = bobs.post(at("mapping_accounts", flow.pk), chosen(flow), follow=True)

    assert "Nothing was different" in text_of(response)
    flow.refresh_from_db()
    assert flow.mapping_version == version


def test_an_account_is_created_from_its_line(bobs, fresh):
    bobs.post(at("mapping_accounts", fresh.pk), {"account-ADS": "+"})

    assert Delivery.objects.get(kind="account").number == "Amazon Advertising"
    assert base(fresh, K.ADS).account.startswith("@company/account/")
    assert "Being created" in text_of(bobs.get(at("mapping_accounts", fresh.pk)))


def test_an_account_that_cannot_serve_is_refused_and_the_rest_kept(bobs, flow):
    bank = account(flow, "Payout Bank Account").external_id
    wanted = account(flow, "Amazon Advertising").external_id

    response = bobs.post(
        at("mapping_accounts", flow.pk), chosen(flow, **{"account-SALES": bank, "account-DEALS": wanted})
    )

    assert "This account is no longer offered" in text_of(response)
    assert f'value="{wanted}" selected' in response.content.decode()
    assert base(flow, K.DEALS).account != wanted


def test_an_account_that_vanished_from_the_ledger_is_named_in_its_line(bobs, flow):
    ListEntry.objects.filter(pk=account(flow, "Amazon Sales").pk).update(active=False)

    assert "no longer there or was made inactive" in text_of(bobs.get(at("mapping_accounts", flow.pk)))


def test_classes_are_offered_where_the_company_has_them(bobs, flow):
    assert 'name="class-SALES"' not in bobs.get(at("mapping_accounts", flow.pk)).content.decode()
    listed(flow, "class", "c1", "Online")

    bobs.post(at("mapping_accounts", flow.pk), chosen(flow, **{"class-SALES": "c1"}))

    assert base(flow, K.SALES).class_ == "c1"


def test_reading_the_lists_again_says_when_the_ledger_is_silent(bobs, flow, monkeypatch):
    def down(flow, actor):
        raise NotSent("No connection.")

    monkeypatch.setattr(setup, "refresh_lists", down)

    assert "could not be read: No connection." in text_of(bobs.post(at("mapping_lists", flow.pk), follow=True))


def test_a_viewer_sees_names_instead_of_fields(signed_in, viewer, flow):
    page = signed_in(viewer).get(at("mapping_accounts", flow.pk)).content.decode()

    assert "My Amazon Sales" in page
    assert "<select" not in page


def chosen(flow, **more):
    """The form as the page shows it."""
    return {f"account-{line.key}": line.target.account for line in setup.choices(flow)} | more


# Splits


def test_skus_of_settlements_are_listed_with_what_they_get(bobs, acme, flow):
    settle(acme)

    shown = text_of(bobs.get(at("mapping_skus", flow.pk)))

    assert "LAMP-1" in shown
    assert "Amazon.com" in shown


def test_skus_are_found_by_text_and_by_what_is_missing(bobs, acme, flow):
    settle(acme)

    assert "LAMP-1" in text_of(bobs.get(at("mapping_skus", flow.pk) + "?q=lamp"))
    assert "No SKU fits" in text_of(bobs.get(at("mapping_skus", flow.pk) + "?q=mug"))
    listed(flow, "class", "c1", "Online")
    rules.save_split(flow, K.SALES, Binding(class_="c1"), "alice", sku="LAMP-*")
    assert "No SKU fits" in text_of(bobs.get(at("mapping_skus", flow.pk) + "?show=open"))


def test_a_rule_brings_the_income_account_of_its_item(bobs, bob, flow):
    income = account(flow, "Amazon Shipping Income").external_id
    listed(flow, "item", "i1", "Desk lamp", account=income)

    response = bobs.post(
        at("rule_new", flow.pk), {"keys": ["SALES"], "sku": "LAMP-*", "item": "desk lamp"}, follow=True
    )

    known = mapping.load(flow)
    assert known.splits[K.SALES][0].target == Binding(account=income, item="i1")
    assert "The rule is saved" in text_of(response)
    assert MappingRule.objects.get(sku="LAMP-*").created_by == bob.actor
    assert bob.email in text_of(response)


def test_an_item_of_another_income_account_is_refused(bobs, flow):
    listed(flow, "item", "i1", "Desk lamp", account=account(flow, "Amazon Shipping Income").external_id)
    sales = account(flow, "Amazon Sales").external_id

    response = bobs.post(
        at("rule_new", flow.pk), {"keys": ["SALES"], "sku": "LAMP-*", "item": "Desk lamp", "account": sales}
    )

    assert "The item Desk lamp books to My Amazon Shipping Income" in text_of(response)
    assert 'value="LAMP-*"' in response.content.decode()


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"keys": ["SALES"], "item": ""}, "Say which SKU, product group or marketplace"),
        ({"keys": ["SALES"], "sku": "A"}, "Choose at least one: account, item, class or location"),
        ({"keys": ["SALES"], "sku": "A", "item": "No such"}, "has no active item called No such"),
        ({"sku": "A", "item": ""}, "This field is required"),
    ],
    ids=["no condition", "no target", "no such item", "no amount"],
)
def test_half_a_rule_is_answered_with_a_sentence(bobs, flow, asked, says):
    assert says in text_of(bobs.post(at("rule_new", flow.pk), asked))
    assert not mapping.load(flow).splits


def test_two_items_of_one_name_are_told_apart(bobs, flow):
    sales = account(flow, "Amazon Sales").external_id
    listed(flow, "item", "i1", "Lamp", account=sales)
    listed(flow, "item", "i2", "Lamp", account=sales)

    refused = bobs.post(at("rule_new", flow.pk), {"keys": ["SALES"], "sku": "A", "item": "Lamp"})
    bobs.post(at("rule_new", flow.pk), {"keys": ["SALES"], "sku": "A", "item": "Lamp · i2"})

    assert "Several are called Lamp" in text_of(refused)
    assert mapping.load(flow).splits[K.SALES][0].target.item == "i2"


def test_a_pattern_is_tried_before_it_is_saved(bobs, acme, flow):
    settle(acme)

    response = bobs.post(at("rule_new", flow.pk), {"keys": ["SALES"], "sku": "LAMP-*", "preview": "1"})

    assert "1 of the 1 SKUs seen" in text_of(response)
    assert not mapping.load(flow).splits


def test_a_rule_ends_after_a_question(bobs, flow):
    listed(flow, "class", "c1", "Online")
    rules.save_split(flow, K.SALES, Binding(class_="c1"), "alice", sku="LAMP-*")
    rule = MappingRule.objects.get(sku="LAMP-*")
    assert "End the rule for Amazon Sales: LAMP-*?" in text_of(bobs.get(at("rule_retire", flow.pk, rule.pk)))

    bobs.post(at("rule_retire", flow.pk, rule.pk))

    assert not mapping.load(flow).splits


def test_a_rule_of_another_company_is_not_there(signed_in, charlie, flow):
    rule = MappingRule.objects.filter(flow=flow).first()

    assert signed_in(charlie).post(at("rule_retire", flow.pk, rule.pk)).status_code == 404


def test_a_held_invoice_goes_on_when_unmapped_skus_may_use_the_general_item(bobs, acme, in_acme):
    orders = flow_of(acme, mode="orders", name="Orders")
    Flow.objects.filter(pk=orders.pk).update(generic_items=False)
    settle(acme)
    assert Delivery.objects.filter(flow=orders, code="unmapped_sku").exists()

    response = bobs.post(at("mapping_general_item", orders.pk), {"generic_items": "on"}, follow=True)

    assert "are invoiced under the general item" in text_of(response)
    assert not Delivery.objects.filter(flow=orders, code="unmapped_sku").exists()


# Product groups


def test_groups_are_uploaded_and_can_be_split_by(bobs, flow):
    file = SimpleUploadedFile("groups.csv", b"SKU,Group\nLAMP-1,Lighting\n")

    response = bobs.post(at("mapping_groups", flow.pk), {"file": file}, follow=True)

    assert "1 SKU is in product groups now" in text_of(response)
    assert "Lighting" in bobs.get(at("rule_new", flow.pk)).content.decode()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"LAMP-1,Lighting\nMUG-1\n", "Line 2: expected a SKU and a product group"),
        ("LAMP-1,Möbel".encode("latin-1"), "not in UTF-8"),
        (b"", "The submitted file is empty"),
    ],
    ids=["one column", "encoding", "empty"],
)
def test_a_file_that_cannot_be_read_is_answered_with_where(bobs, flow, content, says):
    response = bobs.post(at("mapping_groups", flow.pk), {"file": SimpleUploadedFile("groups.csv", content)})

    assert says in text_of(response)
    assert not ProductGroup.objects.exists()


# Customers


def test_a_marketplace_gets_a_customer_by_name(bobs, acme, flow):
    settle(acme)
    listed(flow, "customer", "u1", "Amazon shoppers")

    bobs.post(at("mapping_customers", flow.pk), {"customer-0": "amazon shoppers"})

    assert mapping.load(flow).customer("customer:Amazon.com:USD").customer == "u1"
    assert 'value="Amazon shoppers"' in bobs.get(at("mapping_customers", flow.pk)).content.decode()


def test_a_customer_nobody_knows_is_refused_with_what_was_typed(bobs, acme, flow):
    settle(acme)

    response = bobs.post(at("mapping_customers", flow.pk), {"customer-0": "Nobody"})

    assert "has no active customer called Nobody" in text_of(response)
    assert 'value="Nobody"' in response.content.decode()


# Labels


def test_a_label_that_is_known_of_is_explained_and_offered(bobs, acme, flow):
    settle(acme, rows=(*SALE, ("Order", "Shipment-Fees", "FBATransportationFee", "-7.25")))

    page = bobs.get(at("mapping_labels", flow.pk))

    assert "Amazon charges it for an order that it ships" in text_of(page)
    assert re.search('value="fba_fee"[^>]*selected', page.content.decode())


def label(**more):
    names = ("transaction_type", "amount_type", "amount_description")
    return dict(zip(names, STRANGE[:3], strict=True)) | more


def test_an_unknown_label_shows_its_amount_and_what_waits_for_it(bobs, acme, flow):
    settle(acme, rows=(*SALE, STRANGE))

    shown = text_of(bobs.get(at("mapping_labels", flow.pk)))

    assert "other-transaction / Greenlight Credit" in shown
    assert "7.25 USD" in shown
    assert "15000000001" in shown
    assert "Every label is understood" not in shown


def test_deciding_a_label_releases_what_waited(bobs, bob, acme, flow):
    settle(acme, rows=(*SALE, STRANGE))

    response = bobs.post(at("mapping_labels", flow.pk), label(category="fee_adjustment"), follow=True)

    assert "counts as “Fee adjustments” from now on. 1 document that waited can go on now." in text_of(response)
    assert "Every label is understood" in text_of(response)
    assert MappingRule.objects.get(subject="label").created_by == bob.actor


def test_a_label_is_decided_in_every_flow_where_it_waits(bobs, acme, flow):
    other = flow_of(acme, name="Second books")
    settle(acme, rows=(*SALE, STRANGE))

    bobs.post(at("mapping_labels", flow.pk), label(category="fee_adjustment", everywhere="on"))

    assert set(MappingRule.objects.filter(subject="label").values_list("flow", flat=True)) == {flow.pk, other.pk}


def test_a_label_without_a_category_is_asked_for_again(bobs, acme, flow):
    settle(acme, rows=(*SALE, STRANGE))

    response = bobs.post(at("mapping_labels", flow.pk), label(category="", effective_from="2026-01-01"))

    assert "Choose what this label means" in text_of(response)
    assert 'value="2026-01-01"' in response.content.decode()


def test_a_decision_on_a_label_can_end(bobs, acme, flow):
    settlement = settle(acme, rows=(*SALE, STRANGE))
    rules.save_label(flow, rules.Label(*STRANGE[:3]), Category.FEE_ADJUSTMENT, "alice")

    bobs.post(at("rule_retire", flow.pk, MappingRule.objects.get(subject="label").pk))

    assert Delivery.objects.filter(plan=plan_of(settlement), code="unknown_label").exists()


# History


def test_the_history_names_every_decision_and_its_maker(bobs, bob, flow):
    wanted = account(flow, "Amazon Shipping Income").external_id
    bobs.post(at("mapping_accounts", flow.pk), chosen(flow, **{"account-SALES": wanted}))

    shown = text_of(bobs.get(at("mapping_history", flow.pk)))

    assert "My Amazon Shipping Income" in shown
    assert bob.email in shown
    assert "Counts" in shown


def test_every_select_of_the_mapping_is_named_by_its_row_and_column(signed_in, alice, flow):
    page = signed_in(alice).get(reverse("flows:mapping_accounts", args=[flow.pk])).content.decode()

    selects = re.findall(r"<select [^>]*>", page)
    named = [re.search(r'aria-labelledby="([^"]+)"', one) for one in selects if "account-" in one]

    assert named
    assert all(named)
    for each in named:
        assert all(f'id="{one}"' in page for one in each[1].split())
