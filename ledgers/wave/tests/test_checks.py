from typing import Any

import pytest

from ledgers.port import Check, Verdict
from ledgers.wave.client import Wave
from ledgers.wave.provider import SCOPES
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import Script, page, scripted, top

BUSINESS = {"name": "Shop", "isArchived": False, "isClassicAccounting": False, "currency": {"code": "USD"}}
CLEARING = {"id": "a1", "name": "Amazon Clearing (USD)", "isArchived": False, "subtype": {"value": "CASH_AND_BANK"}}


def steps(
    mode: str = "summary",
    currency: str = "USD",
    scopes: str = " ".join(SCOPES),
    accounts: tuple[dict[str, Any], ...] = (CLEARING,),
    **business: Any,
) -> dict[str, Check]:
    with scripted() as (script, client):
        client._scopes = frozenset(scopes.split())
        script.business(**{**BUSINESS, **business})
        script.business(accounts=page(*(each for each in accounts if not each["isArchived"])))
        script.business(accounts=page(*(each for each in accounts if each["isArchived"])))
        return {check.name: check for check in client.checks(mode, currency)}


def test_a_business_in_order_passes_every_step() -> None:
    assert {check.verdict for check in steps().values()} == {Verdict.PASSED}


@pytest.mark.parametrize(
    ("changes", "step", "verdict", "blocks"),
    [
        ({"isClassicAccounting": True}, "Accounting", Verdict.FAILED, "posting"),
        ({"isArchived": True}, "Right business", Verdict.FAILED, "posting"),
        ({"currency": "CAD"}, "Currency", Verdict.FAILED, "posting"),
        ({"currency": ""}, "Currency", Verdict.PASSED, ""),
        ({"scopes": ""}, "Permissions", Verdict.SKIPPED, ""),
        ({"scopes": "business:read account:* transaction:read"}, "Permissions", Verdict.FAILED, "posting"),
        ({"scopes": "business:read account:* transaction:write"}, "Permissions", Verdict.WARNING, "orders"),
        (
            {"scopes": "business:read account:* transaction:write", "mode": "orders"},
            "Permissions",
            Verdict.FAILED,
            "orders",
        ),
        ({"mode": "orders"}, "Invoice numbers", Verdict.WARNING, ""),
        ({"accounts": ()}, "Accounts", Verdict.PASSED, ""),
        ({"accounts": ({**CLEARING, "isArchived": True},)}, "Accounts", Verdict.WARNING, ""),
        ({"accounts": (CLEARING, {**CLEARING, "isArchived": True})}, "Accounts", Verdict.PASSED, ""),
        (
            {"accounts": ({**CLEARING, "subtype": {"value": "OTHER_CURRENT_ASSETS"}},)},
            "Accounts",
            Verdict.WARNING,
            "",
        ),
        (
            {"accounts": ({**CLEARING, "name": "Amazon Payouts in Transit"},)},
            "Accounts",
            Verdict.WARNING,
            "",
        ),
    ],
)
def test_what_is_in_the_way_fails_its_step_and_says_what_to_do(
    changes: dict[str, Any], step: str, verdict: Verdict, blocks: str
) -> None:
    check = steps(**changes)[step]

    assert (check.verdict, check.blocks) == (verdict, blocks)
    assert bool(check.action) == (verdict in (Verdict.FAILED, Verdict.WARNING))


def test_a_renamed_business_is_pointed_out() -> None:
    with scripted(make.Company(make.BUSINESS, "USD", name="Old name")) as (script, client):
        script.business(**BUSINESS)
        script.business(accounts=page())
        script.business(accounts=page())

        check = client.checks("summary")[1]

    assert (check.verdict, check.blocks) == (Verdict.WARNING, "")


def lock_out(script: Script, client: Wave) -> None:
    script.will(403, b"")
    script.will(403, b"")


def break_down(script: Script, client: Wave) -> None:
    script.will(200, {"errors": [top("INTERNAL_SERVER_ERROR")]})


@pytest.mark.parametrize(("trouble", "action"), [(lock_out, "Pro plan"), (break_down, "few minutes")])
def test_a_business_that_cannot_be_read_forbids_posting_and_skips_the_rest(trouble: Any, action: str) -> None:
    with scripted() as (script, client):
        trouble(script, client)
        first, *others = client.checks("summary", "USD")

    assert (first.verdict, first.blocks) == (Verdict.FAILED, "posting")
    assert action in first.action
    assert {check.verdict for check in others} == {Verdict.SKIPPED}
