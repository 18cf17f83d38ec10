"""A flow's mapping over REST: what is suggested and why, what a person decides, what it lets go."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from flows.models import Delivery, MappingRule
from ledgers import reference
from ledgers.models import ListEntry


@pytest.fixture
def mapping(demo):
    return f"flows/{demo.flow.pk}/mapping"


@pytest.fixture
def lists(demo, db):
    with demo.inside:
        return reference.cached(demo.flow.target)


def account(lists, **wanted):
    return next(each for each in lists.accounts if all(getattr(each, name) == value for name, value in wanted.items()))


def line(answer, key):
    assert answer.status_code == 200, answer.json()
    return next(each for each in answer.json()["accounts"] if each["key"] == key)


def test_the_mapping_shows_what_is_chosen_needed_and_undecided(demo, rest, mapping):
    answer = rest.get(mapping)

    clearing = line(answer, "CLEARING")
    assert (clearing["needed"], clearing["problem"]) == (True, "")
    assert clearing["target"]["account"]
    assert clearing["name"]
    assert answer.json()["version"] == demo.flow.mapping_version
    assert answer.json()["undecided"]


def test_what_is_not_mapped_has_a_suggestion_with_its_reason(demo, rest, mapping):
    with demo.inside:
        MappingRule.objects.filter(key="ADS").delete()

    suggestion = line(rest.get(mapping), "ADS")["suggestion"]

    assert suggestion["account"]
    assert suggestion["reason"]


def test_suggestions_are_accepted_at_once_and_the_rest_is_named(demo, rest, mapping):
    with demo.inside:
        MappingRule.objects.filter(key__in=["ADS", "BANK"]).delete()

    answer = rest.post(f"{mapping}/suggestions", {"create_missing": False})

    assert line(answer, "ADS")["target"]["account"]
    assert "ADS" not in answer.json()["left"]


def test_an_account_is_chosen_and_the_version_counts(demo, rest, mapping, lists):
    other = account(lists, account_class="expense")
    before = rest.get(mapping).json()["version"]

    answer = rest.post(f"{mapping}/accounts", {"accounts": [{"key": "ADS", "target": {"account": other.id}}]})

    assert line(answer, "ADS")["target"]["account"] == other.id
    assert answer.json()["version"] == before + 1


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ({"account": "999999"}, "no active account"),
        ({"account": "@company/account/ADS/USD/1x"}, "no active account"),
        ({"item": "999999"}, "no active item"),
        ({"class": "999999"}, "no active class"),
        ({"location": "999999"}, "no active location"),
        ({"customer": "999999"}, "no active customer"),
    ],
)
def test_what_the_company_does_not_have_cannot_be_chosen(rest, mapping, target, words):
    answer = rest.post(f"{mapping}/accounts", {"accounts": [{"key": "ADS", "target": target}]})

    assert answer.status_code == 400
    assert words in answer.json()["detail"]


def test_an_account_that_cannot_serve_is_refused(rest, mapping, lists):
    bank = account(lists, account_class="bank")

    answer = rest.post(f"{mapping}/accounts", {"accounts": [{"key": "SALES", "target": {"account": bank.id}}]})

    assert answer.status_code == 400
    assert "cannot serve" in answer.json()["detail"]


def test_an_account_of_ours_may_be_chosen_as_the_mapping_shows_it(rest, mapping):
    shown = next(each for each in rest.get(mapping).json()["accounts"] if each["target"]["account"].startswith("@"))

    answer = rest.post(f"{mapping}/accounts", {"accounts": [{"key": shown["key"], "target": shown["target"]}]})

    assert answer.status_code == 200


def test_part_of_the_sales_goes_elsewhere_until_the_rule_ends(rest, mapping, lists):
    other = account(lists, account_class="income")

    made = rest.post(f"{mapping}/splits", {"keys": ["SALES"], "target": {"account": other.id}, "sku": "TOY-*"})
    [rule] = [one for one in made.json()["rules"] if one["sku"]]
    ended = rest.delete(f"{mapping}/rules/{rule['id']}")

    assert (rule["key"], rule["sku"], rule["target"]["account"]) == ("SALES", "TOY-*", other.id)
    assert rule["created_by"].startswith("key:")
    assert [one for one in ended.json()["rules"] if one["sku"]] == []
    assert rest.delete(f"{mapping}/rules/{rule['id']}").status_code == 404


def test_a_split_without_a_condition_is_refused(rest, mapping, lists):
    other = account(lists, account_class="income")

    answer = rest.post(f"{mapping}/splits", {"keys": ["SALES"], "target": {"account": other.id}})

    assert answer.status_code == 400
    assert "which SKU" in answer.json()["detail"]


def test_a_label_that_is_decided_lets_go_what_it_held(demo, rest, mapping):
    undecided = rest.get(mapping).json()["undecided"]
    for label in undecided:
        named = {name: label[name] for name in ("transaction_type", "amount_type", "amount_description")}
        answer = rest.post(f"{mapping}/labels", {**named, "category": "fee_adjustment"})

    assert answer.status_code == 200, answer.json()
    assert answer.json()["undecided"] == []
    assert answer.json()["released"] > 0
    with demo.inside:
        assert not Delivery.objects.filter(state="held", code="unknown_label").exists()


def test_a_marketplace_gets_its_customer_and_loses_it_again(demo, rest, mapping):
    with demo.inside:
        ListEntry.objects.create(connection=demo.flow.target, list="customer", external_id="77", name="Amazon buyers")

    chosen = rest.post(f"{mapping}/customers", {"marketplace": "Amazon.com", "customer": "77"})
    taken = rest.post(f"{mapping}/customers", {"marketplace": "Amazon.com", "customer": ""})

    assert [rule["target"]["customer"] for rule in chosen.json()["rules"] if rule["subject"] == "customer"] == ["77"]
    assert not [rule for rule in taken.json()["rules"] if rule["subject"] == "customer"]


def test_product_groups_are_replaced_by_a_file(rest, mapping):
    first = rest.upload(f"{mapping}/product-groups", file=SimpleUploadedFile("a.csv", b"sku,group\nA,Toys\nB,Toys\n"))
    second = rest.upload(f"{mapping}/product-groups", file=SimpleUploadedFile("a.csv", b"A,Games\n"))

    assert [first.json()["product_groups"], second.json()["product_groups"]] == [2, 1]


@pytest.mark.parametrize("content", [b"A,Toys\nB\n", "A,Möbel".encode("latin-1"), b"A,Toys\nA,Games\n"])
def test_a_file_of_groups_that_cannot_be_read_changes_nothing(rest, mapping, content):
    rest.upload(f"{mapping}/product-groups", file=SimpleUploadedFile("a.csv", b"A,Toys\n"))

    answer = rest.upload(f"{mapping}/product-groups", file=SimpleUploadedFile("b.csv", content))

    assert answer.status_code == 400
    assert rest.get(mapping).json()["product_groups"] == 1


def test_the_lists_of_the_company_are_offered_for_choosing(rest, mapping, lists):
    answer = rest.get(f"{mapping}/lists").json()

    assert answer["company"] == lists.company_name
    assert [each["id"] for each in answer["accounts"]] == [each.id for each in lists.accounts]
    assert {"id", "name", "type", "account_class", "number", "currency", "active"} == answer["accounts"][0].keys()
