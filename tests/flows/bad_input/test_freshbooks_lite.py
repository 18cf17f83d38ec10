"""What can be wrong at FreshBooks on the plan without journal entries, where expenses go to categories."""

from functools import partial

import pytest

from ledgers.freshbooks.tests.e7 import FreshBooksBusiness
from tests.flows.bad_input import test_freshbooks as plus
from tests.flows.bad_input.scene import Cell, Scene, held_and_replayed

_ITSELF = {"Cash:Petty Cash": "PETTY", "Revenue": "REVENUE"}
STAGE = (partial(FreshBooksBusiness, plan="Lite"), {"mode": "orders"})


class SCENE(Scene):
    """Everything meets in Petty Cash: what is paid out, 20.01, what Amazon keeps back, 20.00, and tax, 0.40 less."""

    expected = {
        "FEE_FBA": 2630, "FEE_REFUND_ADMIN": 135, "FEE_SELLING": 1875, "PETTY": 2001 + 2000 - 40, "REFUNDS": 4500,
        "REVENUE": -17100, "SUBSCRIPTION": 3999,
    }  # fmt: skip

    def keys(self):
        business = self.ledger.business
        numbers = {str(account): name for name, account in self.ledger.made["accounts"].items()}
        found = {account: _ITSELF[name] for account, name in numbers.items() if name in _ITSELF}
        for name, key in super().keys().items():
            if (category := name.removeprefix("category-")) != name:
                account = business.need("account", business.need("category", category)["_"]["account"])
                found[str(account["_"]["jesa"])] = "REFUNDS" if key == "CLAIMS" else key  # they share one
        return {**dict.fromkeys(self.ledger.receivables, "AR"), **found}


def category(action):
    """What a person does with the account behind the category of selling fees."""

    def act(scene):
        number = scene.ledger.made["expected_categories"]["FEE_SELLING"]
        account = scene.ledger.business.get("category", number)["_"]["account"]
        scene.ledger.person(action, id=account)

    return act


HELD = [
    Cell(
        "a category that was archived",
        category("archive_account"),
        category("restore_account"),
        "An account or category that this document is mapped to is archived or inactive in FreshBooks.",
        "Make it active again in FreshBooks",
        {"expense"},
    ),
    Cell(
        "a period that is closed",
        lambda scene: scene.ledger.close("2025-09-30"),
        lambda scene: scene.ledger.close(None),
        "The date of this document lies in a period that is closed in FreshBooks.",
        "Open the period in FreshBooks and replay",
        {"expense", "invoice"},
    ),
    Cell(
        "a number that another connector has taken",
        plus.take_number,
        plus.renumber,
        "The number of this document is already used in FreshBooks.",
        "If another connector posts the same orders, stop one of the two.",
        {"invoice"},
    ),
]


@pytest.mark.parametrize("cell", HELD, ids=str)
def test_what_is_wrong_on_the_small_plan_is_held_with_what_to_do_and_posted_by_a_replay(scene, cell):
    held_and_replayed(scene, cell)
