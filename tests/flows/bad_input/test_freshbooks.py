"""What can be wrong at FreshBooks, on a plan with journal entries."""

import pytest

from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
from tests.bookkeeping import e7
from tests.flows.bad_input.scene import (
    Cell,
    held_and_replayed,
    is_plain,
    lost_and_connected_again,
)

STAGE = (FreshBooksBusiness, {"mode": "orders", "layout": "direct"})


def account(action, key="FEE_SELLING"):
    return lambda scene: scene.ledger.person(action, id=scene.account(key))


def item(vis_state, mapped=True):
    def act(scene):
        if mapped:
            scene.map_sku("*")
        item = scene.ledger.items["Thing"]
        scene.ledger.person("edit", kind="item", id=item, changes={"vis_state": vis_state})

    return act


def take_number(scene):
    body = {"organization": "Somebody", "currency_code": "USD"}
    customer = scene.ledger.person("add", kind="client", body=body)["id"]
    line = {"name": "x", "qty": 1, "unit_cost": {"amount": "1.00", "code": "USD"}}
    body = {
        "invoice_number": e7.ORDERS["A"], "customerid": customer, "create_date": "2025-09-20", "lines": [line]
    }  # fmt: skip
    scene.taken = scene.ledger.person("add", kind="invoice", body=body)["id"]


def renumber(scene):
    """A deleted invoice keeps its number there."""
    scene.ledger.person("edit", kind="invoice", id=scene.taken, changes={"invoice_number": "S-1"})


def without_scope(scene):
    store = scene.ledger.stand_in.store
    for grant in store.all("grant"):
        left = [each for each in grant["scope"].split() if each != "user:journal_entries:write"]
        store.put("grant", grant["id"], {**grant, "scope": " ".join(left)})


def connect_again(scene):
    scene.reconnect()


def nothing(scene):
    """Agreeing once more is all."""


RIGHTS = (
    "The person who connected FreshBooks may not do this, their consent leaves it out, or the plan does not have it."
)
HELD = [
    Cell(
        "a plan that was changed to one without journal entries",
        lambda scene: scene.ledger.person("set_plan", plan="Lite"),
        lambda scene: scene.ledger.person("set_plan", plan="Plus"),
        RIGHTS,
        "Test the connection: it names what is missing.",
        {"entry", "transfer"},
    ),
    Cell(
        "a subscription that has ended",
        lambda scene: scene.ledger.person("set_plan", status="cancelled"),
        lambda scene: scene.ledger.person("set_plan", status="active"),
        "The FreshBooks subscription of this business has ended",
        "Renew the subscription in FreshBooks",
        {"customer", "entry", "transfer"},
    ),
    Cell(
        "a right that was not agreed to",
        without_scope,
        connect_again,
        RIGHTS,
        "Then connect again as the owner",
        {"entry", "transfer"},
    ),
    Cell(
        "an account that was archived",
        account("archive_account"),
        account("restore_account"),
        "An account or category that this document is mapped to is archived or inactive in FreshBooks.",
        "Make it active again in FreshBooks",
        {"entry"},
    ),
    Cell(
        "an item that is known to be archived",
        item(2),
        item(0, mapped=False),
        "The item mapped to this line is no longer in the ledger or is inactive.",
        "make it active again in the ledger and replay",
        {"invoice"},
        known=True,
    ),
    Cell(
        "a period that is closed",
        lambda scene: scene.ledger.close("2025-09-30"),
        lambda scene: scene.ledger.close(None),
        "The date of this document lies in a period that is closed in FreshBooks.",
        "Open the period in FreshBooks and replay",
        {"entry", "invoice"},
    ),
    Cell(
        "a number that another connector has taken",
        take_number,
        renumber,
        "The number of this document is already used in FreshBooks.",
        "If another connector posts the same orders, stop one of the two.",
        {"invoice"},
    ),
]
LOST = [
    Cell(
        "a consent that the next one ended",
        lambda scene: scene.ledger.stand_in.control("issue_tokens", {"person": scene.ledger.choice}),
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
    Cell(
        "a consent that was withdrawn",
        lambda scene: scene.ledger.stand_in.control("disconnect", {"person": scene.ledger.choice}),
        nothing,
        "The provider no longer accepts our authorisation.",
    ),
]


@pytest.mark.parametrize("cell", HELD, ids=str)
def test_what_is_wrong_in_freshbooks_is_held_with_what_to_do_and_posted_by_a_replay(scene, cell):
    held_and_replayed(scene, cell)


@pytest.mark.parametrize("cell", LOST, ids=str)
def test_work_for_a_business_that_is_shut_waits_until_it_is_connected_again(scene, cell):
    lost_and_connected_again(scene, cell)


def test_a_plan_that_the_connections_test_saw_without_journals_posts_them_after_it_has_them_again(scene):
    """Once it knows of the smaller plan it would book by that one's documents: what was held is not sent as something else."""
    scene.ledger.person("set_plan", plan="Lite")
    scene.settle(1)
    scene.browser.post(f"/connections/{scene.flow.target_id}/test/")
    scene.read_lists()
    assert "can make journal entries no longer" in scene.page(f"/connections/{scene.flow.target_id}/")
    scene.replay(scene.stopped())
    before = scene.balances()
    assert scene.stopped()
    assert all(is_plain(row.reason) for row in scene.stopped())

    scene.ledger.person("set_plan", plan="Plus")
    scene.browser.post(f"/connections/{scene.flow.target_id}/test/")
    scene.read_lists()
    scene.replay(scene.stopped())

    assert before != scene.expected
    assert scene.stopped() == []
    assert scene.balances() == scene.expected
    assert scene.plan(1).verdict["verdict"] == "proved"
