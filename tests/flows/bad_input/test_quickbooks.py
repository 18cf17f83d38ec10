"""What can be wrong at QuickBooks."""

import pytest

from ledgers.quickbooks.tests.e7 import QuickBooksCompany
from tests.bookkeeping import e7
from tests.flows.bad_input.scene import Cell, held_and_replayed, lost_and_connected_again

STAGE = (QuickBooksCompany, {"mode": "orders"})


def person(scene, action, **values):
    return scene.world.quickbooks.control(action, {"realm": scene.ledger.choice, **values})


def account(action, key="FEE_SELLING"):
    return lambda scene: person(scene, action, kind="Account", id=scene.account(key))


def item(action, mapped=True):
    def act(scene):
        if mapped:
            scene.map_sku("*")
        person(scene, action, kind="Item", id=scene.ledger.items["Thing"])

    return act


def take_number(scene):
    customer = person(scene, "add", kind="Customer", body={"DisplayName": "Somebody"})["Id"]
    line = {"Amount": 1, "DetailType": "SalesItemLineDetail"}
    line["SalesItemLineDetail"] = {"ItemRef": {"value": scene.ledger.items["Thing"]}}
    body = {"DocNumber": e7.ORDERS["A"], "CustomerRef": {"value": customer}, "Line": [line]}
    scene.taken = person(scene, "add", kind="Invoice", body=body)["Id"]


def nothing(scene):
    """Agreeing once more is all."""


HELD = [
    Cell(
        "an account that was made inactive",
        account("inactivate"),
        account("reactivate"),
        "inactive",
        "",
        {"deposit", "entry"},
    ),
    Cell(
        "an item that was made inactive",
        item("inactivate"),
        item("reactivate", mapped=False),
        "inactive",
        "",
        {"invoice"},
    ),
    Cell(
        "an item that is known to be inactive",
        item("inactivate"),
        item("reactivate", mapped=False),
        "The item mapped to this line is no longer in the ledger or is inactive.",
        "make it active again in the ledger and replay",
        {"invoice"},
        known=True,
    ),
    Cell(
        "a period that is closed",
        lambda scene: scene.ledger.close("2025-09-30"),
        lambda scene: scene.ledger.close(None),
        "The date of this document lies in a closed period.",
        "",
        {"entry", "invoice"},
    ),
    Cell(
        "a number that another connector has taken",
        take_number,
        lambda scene: person(scene, "delete", kind="Invoice", id=scene.taken),
        "already used in QuickBooks",
        "another connector",
        {"invoice"},
    ),
    Cell(
        "a subscription that has ended",
        lambda scene: person(scene, "lapse"),
        lambda scene: person(scene, "lapse", lapsed=False),
        "subscription has ended",
        "",
        {"customer", "deposit", "entry", "item"},
    ),
]
LOST = [
    Cell(
        "a consent that the next one ended",
        lambda scene: person(scene, "issue_tokens"),
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
    Cell(
        "a person who lost the company",
        lambda scene: person(scene, "lose_access"),
        lambda scene: person(scene, "lose_access", lost=False),
        "lost access to the company",
    ),
]


@pytest.mark.parametrize("cell", HELD, ids=str)
def test_what_is_wrong_in_quickbooks_is_held_with_what_to_do_and_posted_by_a_replay(scene, cell):
    held_and_replayed(scene, cell)


@pytest.mark.parametrize("cell", LOST, ids=str)
def test_work_for_a_company_that_is_shut_waits_until_it_is_connected_again(scene, cell):
    lost_and_connected_again(scene, cell)
