"""What can be wrong at Zoho Books."""

import pytest

from ledgers.zoho.tests.e7 import ZohoOrganization
from tests.bookkeeping import e7
from tests.flows.bad_input.scene import Cell, held_and_replayed, lost_and_connected_again, rests_and_goes_on

STAGE = (ZohoOrganization, {"mode": "orders"})


def account(action, key="FEE_SELLING"):
    return lambda scene: scene.ledger.person(action, kind="account", id=scene.account(key))


def item(action, mapped=True):
    def act(scene):
        if mapped:
            scene.map_sku("*")
        scene.ledger.person(action, kind="item", id=scene.ledger.items["Thing"])

    return act


def take_number(scene):
    customer = scene.ledger.person("add", kind="contact", body={"contact_name": "Somebody"})["contact_id"]
    line = {"name": "Thing", "account_id": scene.account("SALES"), "rate": 1, "quantity": 1}
    body = {"invoice_number": e7.ORDERS["A"], "customer_id": customer, "line_items": [line]}
    scene.taken = scene.ledger.person("add", kind="invoice", body=body)["invoice_id"]


def without_scope(scene):
    store = scene.ledger.stand_in.store
    for grant in store.all("refresh"):
        left = [each for each in grant["scope"].split(",") if each != "ZohoBooks.banking.CREATE"]
        store.put("refresh", grant["token"], {**grant, "scope": ",".join(left)})


def agree_elsewhere(scene):
    """Another program of the same application lets the same person agree once more."""
    scene.ledger.stand_in.switches["live_refresh_tokens"] = 1
    scene.ledger.stand_in.control("issue_tokens", {"user": scene.ledger.choice})


def use_up_the_day(scene):
    """Another program has made all calls of the day but a few."""
    scene.ledger.stand_in.switches["rate_scale"] = 100
    scene.ledger.person("spend_quota", calls=4990)


def nothing(scene):
    """Agreeing once more, or waiting, is all."""


HELD = [
    Cell(
        "an account that was made inactive",
        account("archive"),
        account("restore"),
        "was made inactive in Zoho Books",
        "Make it active again in Zoho Books",
        {"entry"},
    ),
    Cell(
        "an item that was made inactive",
        item("archive"),
        item("restore", mapped=False),
        "was made inactive in Zoho Books",
        "Make it active again in Zoho Books",
        {"invoice"},
    ),
    Cell(
        "an item that is known to be inactive",
        item("archive"),
        item("restore", mapped=False),
        "The item mapped to this line is no longer in the ledger or is inactive.",
        "make it active again in the ledger and replay",
        {"invoice"},
        known=True,
    ),
    Cell(
        "a period that is locked",
        lambda scene: scene.ledger.close("2025-09-30"),
        lambda scene: scene.ledger.person("unlock"),
        "The date of this document lies in a locked period.",
        "Unlock the period in Zoho Books",
        {"entry", "invoice"},
    ),
    Cell(
        "a number that another connector has taken",
        take_number,
        lambda scene: scene.ledger.person("delete", kind="invoice", id=scene.taken),
        "The number of this document is already used in Zoho Books.",
        "If another connector posts the same orders, stop one of the two.",
        {"invoice"},
    ),
]
LOST = [
    Cell(
        "a consent that the next one ended",
        agree_elsewhere,
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
    Cell(
        "a consent that was withdrawn",
        lambda scene: scene.ledger.stand_in.control("disconnect", {"user": scene.ledger.choice}),
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
    Cell("a right that was not agreed to", without_scope, nothing, "or did not agree to all of it"),
    Cell(
        "an organization that was made inactive",
        lambda scene: scene.ledger.person("set_active", active=False),
        lambda scene: scene.ledger.person("set_active", active=True),
        "the organization is not active",
    ),
    Cell(
        "a person who left the organization",
        lambda scene: scene.ledger.person("remove_user", user=scene.ledger.choice),
        lambda scene: scene.ledger.person("add_user", user=scene.ledger.choice),
        "does not belong to this organization any more",
    ),
]


@pytest.mark.parametrize("cell", HELD, ids=str)
def test_what_is_wrong_in_zoho_books_is_held_with_what_to_do_and_posted_by_a_replay(scene, cell):
    held_and_replayed(scene, cell)


@pytest.mark.parametrize("cell", LOST, ids=str)
def test_work_for_an_organization_that_is_shut_waits_until_it_is_connected_again(scene, cell):
    lost_and_connected_again(scene, cell)


def test_a_day_of_zoho_books_that_is_used_up_is_said_and_waited_for(scene):
    says = "The day's calls of this Zoho Books organization are used up."
    goes_on = "It goes on in about 12 hours, at 00:01 in New York (05:01 UTC)."
    cell = Cell("a day whose calls are used up", use_up_the_day, nothing, says, goes_on)

    rests_and_goes_on(scene, cell, 13 * 3600)
