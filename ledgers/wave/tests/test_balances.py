"""What became of a money transaction shows in a balance alone."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bookkeeping.documents import How, Kind, Undo
from ledgers.port import (
    Absent,
    CannotTell,
    External,
    Found,
    NotSent,
    Posted,
)
from ledgers.wave import wire
from ledgers.wave.client import Wave
from ledgers.wave.tests import factories as make
from ledgers.wave.tests.scripted import Script, page, scripted

OURS = wire.transaction_id(make.BUSINESS, "w-k1")
CLEARING = make.account("CLEARING")
POSTED = {"inv1": External("I1")}


@pytest.fixture
def remote() -> Iterator[tuple[Script, Wave]]:
    with scripted() as pair:
        yield pair


def before(client: Wave, document: Any) -> Any:
    (call,) = client.render([make.post(document, refs=POSTED)])
    return client.before(call)


def test_the_balance_of_the_anchor_is_read_before_a_money_transaction_and_nothing_before_others(
    remote: tuple[Script, Wave],
) -> None:
    script, client = remote
    script.balance("120.50")

    noted = before(client, make.entry())

    assert noted == {CLEARING: 12050}
    assert script.asked[0]["variables"] == {"businessId": make.BUSINESS, "accountId": CLEARING}
    assert [before(client, document) for document in (make.invoice(), make.payment(), make.customer())] == [{}] * 3
    assert script.operations() == script.metered == ["Balance"]


def test_the_balance_of_a_card_is_what_is_owed(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.balance("50.00", side="CREDIT")

    assert before(client, make.transfer(source="CHARGE_METHOD", target="PAYOUTS")) == {
        make.account("CHARGE_METHOD"): -5000
    }


WITHDRAWAL = make.transfer(source="CLEARING", target="PAYOUTS", amount=8500)


@pytest.mark.parametrize(
    ("document", "now", "outcome"),
    [
        (make.entry(), "185.00", Found),
        (make.entry(), "100.00", Absent),
        (make.entry(), "15.00", CannotTell),
        (make.entry(), "185.01", CannotTell),
        (WITHDRAWAL, "15.00", Found),
        (WITHDRAWAL, "100.00", Absent),
        (WITHDRAWAL, "185.00", CannotTell),
        (Undo("e1", Kind.ENTRY, How.REVERSE, make.entry()), "185.00", Found),
        (Undo("t1", Kind.TRANSFER, How.REVERSE, make.entry()), "100.00", Absent),
    ],
    ids=[
        "moved", "still", "moved the other way", "moved by more", "withdrawn", "not withdrawn", "deposited instead",
        "reversed", "not reversed",
    ],
)  # fmt: skip
def test_a_money_transaction_is_there_where_the_balance_moved_by_just_its_amount(
    remote: tuple[Script, Wave], document: Any, now: str, outcome: type[Any]
) -> None:
    script, client = remote
    script.balance(now)

    answer = client.find(make.post(document, before={CLEARING: 10000}))

    assert isinstance(answer, outcome)
    if isinstance(answer, Found):
        assert (answer.posted, answer.live, answer.equal) == (Posted(external_id=OURS), True, True)


def test_a_balance_that_others_moved_is_named_with_its_amounts(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.balance("90.00")

    answer = client.find(make.post(make.entry(), before={CLEARING: 10000}))

    assert isinstance(answer, CannotTell)
    assert "Amazon Clearing changed by −10.00 USD" in answer.reason
    assert "85.00 USD" in answer.reason


def test_without_the_balance_before_nobody_can_tell_and_nothing_is_asked(remote: tuple[Script, Wave]) -> None:
    script, client = remote

    answers = [client.find(make.post(make.entry(), before=noted)) for noted in ({}, {"other": 1})]

    assert [type(answer) for answer in answers] == [CannotTell] * 2
    assert script.asked == []


def test_what_was_posted_is_found_though_its_account_was_archived_since() -> None:
    with scripted(replace(make.COMPANY, shut={CLEARING: "is archived in Wave"})) as (script, client):
        script.balance("185.00")

        assert isinstance(client.find(make.post(make.entry(), before={CLEARING: 10000})), Found)


@pytest.mark.parametrize("balance", [None, "a lot", "1.005"])
def test_a_balance_nobody_can_read_is_asked_for_again(remote: tuple[Script, Wave], balance: Any) -> None:
    script, client = remote
    script.balance(balance)

    with pytest.raises(NotSent):
        client.find(make.post(make.entry(), before={CLEARING: 0}))


def remote_account(id_: str, subtype: str, **changes: Any) -> dict[str, Any]:
    row = {
        "id": id_,
        "name": id_.title(),
        "displayId": None,
        "isArchived": False,
        "normalBalanceType": "DEBIT",
        "balance": "0",
        "currency": {"code": "USD"},
        "type": {"value": "ASSET"},
        "subtype": {"value": subtype},
    }
    return {**row, **changes}


def test_the_lists_of_a_business_are_read_over_pages(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    script.business(name="Shop", currency={"code": "CAD"}, address={"country": {"code": "CA"}})
    script.business(accounts=page(remote_account("bank", "CASH_AND_BANK"), of=2))
    script.business(accounts=page(remote_account("new", "SOMETHING_NEW", displayId="10"), number=2, of=2))
    script.business(products=page({"id": "P1", "name": "Mug", "incomeAccount": {"id": "sales"}}))
    script.business(customers=page({"id": "C1", "name": "Amazon", "currency": {"code": "CAD"}}, of=None))

    reference = client.reference()

    assert (reference.company_name, reference.home_currency, reference.country) == ("Shop", "CAD", "CA")
    assert [(each.id, each.type, each.account_class) for each in reference.accounts] == [
        ("bank", "Cash and bank", "bank"),
        ("new", "Something new", None),
    ]
    assert reference.items[0].account == "sales"
    assert reference.customers[0].currency == "CAD"
    assert script.metered == ["Company", "Accounts", "Accounts", "Products", "Customers"]
    assert client.render([make.post(make.customer(currency="CAD"))])


def test_balances_are_debit_positive_whatever_the_side_of_the_account(remote: tuple[Script, Wave]) -> None:
    script, client = remote
    rows = (
        remote_account("bank", "CASH_AND_BANK", balance="12.50"),
        remote_account("overdrawn", "CASH_AND_BANK", balance="-3"),
        remote_account("card", "CREDIT_CARD", balance="50.00", normalBalanceType="CREDIT"),
        remote_account("yen", "CASH_AND_BANK", balance="700", currency={"code": "JPY"}),
        remote_account("none", "EXPENSE", balance=None),
    )
    script.business(accounts=page(*rows))
    script.business(accounts=page(remote_account("old", "CASH_AND_BANK", balance="1", isArchived=True)))

    assert client.balances() == {"bank": 1250, "overdrawn": -300, "card": -5000, "yen": 700, "old": 100}
    assert [asked["variables"]["isArchived"] for asked in script.asked] == [False, True]


def test_where_every_known_account_is_active_no_archived_ones_are_asked_for() -> None:
    company = replace(make.COMPANY, classes={"bank": None})
    with scripted(company) as (script, client):
        script.business(accounts=page(remote_account("bank", "CASH_AND_BANK", balance="1")))

        assert client.balances() == {"bank": 100}


def test_two_calls_of_one_client_keep_their_distance(
    remote: tuple[Script, Wave], monkeypatch: pytest.MonkeyPatch
) -> None:
    script, client = remote
    slept: list[float] = []
    monkeypatch.setattr("ledgers.wave.remote.time.sleep", slept.append)
    client._remote._pause_s = 1.0
    script.balance("0")
    script.balance("0")

    before(client, make.entry())
    before(client, make.entry())

    assert len(slept) == 1
    assert 0.5 < slept[0] <= 1
