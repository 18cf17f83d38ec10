"""What can be wrong at Wave."""

import pytest

from ledgers.wave.sandbox import lists
from ledgers.wave.tests.e7 import WaveBusiness
from tests.bookkeeping import e7
from tests.flows.bad_input.scene import Cell, held_and_replayed, lost_and_connected_again, rests_and_goes_on

STAGE = (WaveBusiness, {"mode": "orders", "layout": "direct"})


def account(action, key="FEE_SELLING"):
    return lambda scene: scene.ledger.person(action, account=scene.account(key))


def archive_product(scene):
    scene.map_sku("*")
    scene.ledger.person("archive_product", id=scene.ledger.items["Thing"])


def restore_product(scene):
    scene.ledger.person("restore_product", id=scene.ledger.items["Thing"])


def take_number(scene):
    business = scene.ledger.stand_in.business(scene.ledger.choice)
    customer = lists.create_customer(business, {"name": "Somebody"})["id"]
    product = scene.ledger.items["Thing"]
    made = scene.ledger.person("take_number", number=e7.ORDERS["A"], customer=customer, product=product)
    scene.taken = made["id"]


def without_scope(scene):
    store = scene.ledger.stand_in.store
    for grant in store.all("grant"):
        left = [each for each in grant["scope"].split() if each != "transaction:write"]
        store.put("grant", grant["id"], {**grant, "scope": " ".join(left)})


def use_up_the_day(scene):
    """The site has made all calls of the day but a few, for whichever company."""
    used = sum(scene.ledger.stand_in.control("calls").values())
    scene.ledger.stand_in.switches["daily_calls"] = used + 6
    scene.ledger.stand_in.switches["rate_scale"] = 100


def nothing(scene):
    """Agreeing once more, or waiting, is all."""


def another_day(scene):
    scene.ledger.stand_in.switches["rate_scale"] = 0


HELD = [
    Cell(
        "a business that went back to classic accounting",
        lambda scene: scene.ledger.person("set_classic"),
        lambda scene: scene.ledger.person("set_classic", classic=False),
        "Wave takes no postings for this business.",
        "Test the connection",
        {"entry", "transfer"},
    ),
    Cell(
        "an account that was archived",
        account("archive_account"),
        account("restore_account"),
        "Wave did not take the account of this document.",
        "make it active again in Wave",
        {"entry"},
    ),
    Cell(
        "an account that is known to be archived",
        account("archive_account"),
        account("restore_account"),
        "is mapped to is archived in Wave.",
        "mend this one in Wave",
        {"entry"},
        known=True,
    ),
    Cell(
        "a product that was archived",
        archive_product,
        restore_product,
        "Wave did not take the product of this document.",
        "make it active again in Wave",
        {"invoice"},
    ),
    Cell(
        "a product that is known to be archived",
        archive_product,
        restore_product,
        "The item mapped to this line is no longer in the ledger or is inactive.",
        "make it active again in the ledger and replay",
        {"invoice"},
        known=True,
    ),
    Cell(
        "a period that is closed",
        lambda scene: scene.ledger.close("2025-09-30"),
        lambda scene: scene.ledger.close(""),
        "Wave did not take the date of this document.",
        "open that in Wave",
        {"entry", "invoice"},
    ),
    Cell(
        "a number that another connector has taken",
        take_number,
        lambda scene: scene.ledger.person("delete_invoice", id=scene.taken),
        "The number of this invoice is already used in Wave.",
        "If another connector posts the same orders, stop one of the two.",
        {"invoice"},
    ),
]
LOST = [
    Cell(
        "a business that is no longer on Wave Pro",
        lambda scene: scene.ledger.person("set_plan", plan="free"),
        lambda scene: scene.ledger.person("set_plan", plan="pro"),
        "the business is not on Wave Pro",
    ),
    Cell(
        "a consent that was withdrawn",
        lambda scene: scene.ledger.person("revoke"),
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
    Cell("a right that was not agreed to", without_scope, nothing, "something that we ask for was not agreed to"),
]


@pytest.mark.parametrize("cell", HELD, ids=str)
def test_what_is_wrong_in_wave_is_held_with_what_to_do_and_posted_by_a_replay(scene, cell):
    held_and_replayed(scene, cell)


@pytest.mark.parametrize("cell", LOST, ids=str)
def test_work_for_a_business_that_is_shut_waits_until_it_is_connected_again(scene, cell):
    lost_and_connected_again(scene, cell)


def test_a_day_of_wave_that_is_used_up_is_said_and_waited_for(scene):
    says = "The calls that Wave allows this site in a day are used up."
    cell = Cell("a day whose calls are used up", use_up_the_day, another_day, says, "It goes on in")

    rests_and_goes_on(scene, cell, 8 * 3600)
