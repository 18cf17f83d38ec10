"""The client against the stand-in wherever nobody outside knows what Zoho Books does: whichever it is, the books are right."""

from collections.abc import Iterator
from typing import Any

import pytest

from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import Kind
from ledgers.port import Absent, AuthorizationLost, CannotTell, Found, Next, NotSent, Posted, Refused, Unknown, Verdict
from ledgers.zoho.tests import factories as make
from ledgers.zoho.tests import rig as rigs
from ledgers.zoho.tests.rig import Rig
from tests.contract.abilities import send, undo

ENTRY = {K.SALES: -10000, K.FEE_SELLING: 1500, K.CLEARING: 8500}
INVOICE = {K.SALES: -4000, K.PROMO: 500, K.AR: 3500}
SETTINGS = [
    ("duplicate_number_code", 4), ("duplicate_number_code", 12000), ("duplicate_number_code", 1002),
    ("filters", "ignored"), ("empty_values", "tidy"), ("quota_headers", "absent"), ("payment_on_draft", "refuse"),
    ("delete_paid_invoice", "unapply"), ("unmarked_number", "kept"), ("transfer_account_types", "balance_sheet"),
    ("foreign_asset_accounts", "kept"), ("party_on_control_lines", "free"), ("payment_max_invoices", 50),
    ("journal_max_lines", 100), ("journal_foreign_account", "any"), ("exchange_rate_decimals", 6),
    ("missing_rate", "1"), ("residual", "refuse"),
]  # fmt: skip


@pytest.fixture
def rig() -> Iterator[Rig]:
    with rigs.rig() as made:
        yield made


def entry(rig: Rig, key: str = "e1") -> Any:
    return rig.post(make.entry(), key)


def documents(rig: Rig) -> dict[str, Any]:
    """One of every kind that a settlement makes, its invoice in the books already."""
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    return {
        "e1": entry(rig),
        "t1": rig.post(make.transfer(), "t1"),
        "p1": rig.post(make.payment("i1"), "p1", invoices),
        "i2": rig.post(make.invoice(number="113-2"), "i2"),
    }


# Whatever is not known ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "setting"), SETTINGS, ids=lambda value: str(value))
def test_a_settlement_is_posted_found_and_taken_back_whatever_zoho_does(rig: Rig, name: str, setting: Any) -> None:
    rig.stand_in.switches[name] = setting
    posts = documents(rig)
    absent = {type(rig.ledger.find(post)) for post in posts.values()}

    posted = rig.deliver(*posts.values())
    found = {key: rig.ledger.find(post) for key, post in posts.items()}
    in_the_books = rig.balances()
    taken = send(rig, rig.post(make.invoice(number="113-2"), "again"))["again"]
    for key in ("t1", "e1", "p1", "i2"):
        rig.deliver(rig.post(undo(rig, key, posts[key].document), f"u-{key}", posted))

    assert absent == {Absent}
    assert all(isinstance(each, Found) and each.live and each.equal for each in found.values())
    assert in_the_books == {
        K.SALES: -18000, K.PROMO: 1000, K.FEE_SELLING: 1500, K.CLEARING: 3500, K.AR: 3500, K.BANK: 8500,
    }  # fmt: skip
    assert isinstance(taken, Refused)
    assert taken.next is Next.ADOPT
    assert rig.balances() == INVOICE


@pytest.mark.parametrize("kind", ["e1", "t1", "p1", "i2"])
def test_what_a_search_does_not_show_yet_is_found_once_the_quarantine_is_over(rig: Rig, kind: str) -> None:
    rig.stand_in.switches["search_lag_s"] = 3
    rig.pass_time(5)
    posts = documents(rig)
    rig.lose_next_answer()
    with pytest.raises(Unknown):
        send(rig, posts[kind])

    rig.pass_time(rig.ledger.capabilities.quarantine_s)
    found = rig.ledger.find(posts[kind])
    again = send(rig, posts[kind])[kind]

    assert isinstance(found, Found)
    assert isinstance(again, Posted | Refused)
    assert len(rig.records(posts[kind].document.kind)) == (2 if kind == "i2" else 1)


# Limits -------------------------------------------------------------------------------------------------------------------


def throttled(rig: Rig) -> float:
    """Return for how long a journal is not sent."""
    with pytest.raises(NotSent) as caught:
        send(rig, entry(rig))
    assert rig.balances() == {}
    return caught.value.after_s


@pytest.mark.parametrize("status", ["429", "500"])
@pytest.mark.parametrize("headers", ["present", "absent"])
def test_a_used_up_day_is_over_at_the_organizations_midnight(status: str, headers: str) -> None:
    with rigs.rig(time_zone="Asia/Kolkata") as rig:
        rig.stand_in.switches["rate_scale"] = 100
        rig.stand_in.switches["quota_status"] = status
        rig.stand_in.switches["quota_headers"] = headers
        said = rig.person("spend_quota", calls=5000)

        waits_s = throttled(rig)

    midnight_s = float(said["x-rate-limit-reset"])
    assert midnight_s <= waits_s <= midnight_s + 120


def test_an_hour_after_a_burst_a_minute_of_too_many_and_a_moment_while_others_ask(rig: Rig) -> None:
    rig.stand_in.switches["rate_scale"] = 100
    rig.stand_in.control("block", {"user": rig.made["user"]})
    blocked_s = throttled(rig)
    rig.pass_time(3600)
    rig.person("busy", calls=10)
    busy_s = throttled(rig)
    rig.person("busy", calls=0)
    waits = []
    for _ in range(60):
        try:
            rig.ledger.balances()
        except NotSent as refused:
            waits.append(refused.after_s)

    assert 3590 <= blocked_s <= 3700
    assert 0 < busy_s <= 10
    assert waits
    assert all(60 <= each <= 70 for each in waits)


# Access -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", ["6041", "57"])
def test_an_organization_made_inactive_is_lost_and_its_check_says_so(rig: Rig, answer: str) -> None:
    rig.stand_in.switches["inactive_organization"] = answer
    rig.person("set_active", active=False)

    with pytest.raises(AuthorizationLost):
        send(rig, entry(rig))

    assert {step.verdict for step in rig.ledger.checks("summary") if step.blocks} == {Verdict.FAILED}
    assert rig.balances() == {}


def test_a_person_who_left_the_organization_cannot_write_there(rig: Rig) -> None:
    rig.person("remove_user", user=rig.made["user"])

    with pytest.raises(AuthorizationLost):
        send(rig, entry(rig))


# What people do -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("done", ["delete", "archive"])
def test_an_account_that_is_gone_or_inactive_holds_what_is_mapped_to_it(rig: Rig, done: str) -> None:
    invoices = rig.deliver(rig.post(make.invoice(), "i1"))
    rig.person(done, kind="account", id=rig.bindings["CLEARING"].account)

    outcomes = [send(rig, post) for post in (entry(rig), rig.post(make.payment("i1"), "p1", invoices))]

    refused = [each for outcome in outcomes for each in outcome.values()]
    assert [(type(each), each.next, bool(each.action)) for each in refused] == [(Refused, Next.HELD, True)] * 2
    assert rig.balance(K.AR) == 3500


@pytest.mark.parametrize("done", ["delete", "archive"])
def test_an_item_that_is_gone_or_inactive_holds_its_invoice_alone(rig: Rig, done: str) -> None:
    rig.person(done, kind="item", id=rig.bindings["PROMO"].item)
    plain = make.invoice(number="113-2", lines=(make.invoice().lines[0],))

    outcomes = send(rig, rig.post(make.invoice(), "i1"), rig.post(plain, "i2"))

    assert isinstance(outcomes["i1"], Refused)
    assert outcomes["i1"].next is Next.HELD
    assert isinstance(outcomes["i2"], Posted)
    assert rig.balance(K.AR) == 4000


@pytest.mark.parametrize("code", [12087, 4, 12000])
def test_a_lock_holds_every_kind_whatever_its_code(rig: Rig, code: int) -> None:
    rig.stand_in.switches["locked_code"] = code
    posts = documents(rig)
    rig.close_books(make.ON.isoformat())

    outcomes = {key: send(rig, post)[key] for key, post in posts.items()}

    assert {(type(each), each.next) for each in outcomes.values()} == {(Refused, Next.HELD)}
    assert all("locked" in each.text for each in outcomes.values())
    assert rig.balances() == INVOICE


def test_a_lock_of_purchases_stops_nothing(rig: Rig) -> None:
    rig.person("lock", date=make.ON.isoformat(), module="purchase")

    rig.deliver(entry(rig))

    assert rig.balances() == ENTRY


# Drafts and approval --------------------------------------------------------------------------------------------------------


def test_drafts_of_a_run_that_died_before_it_marked_them_as_sent_are_finished_by_the_look_up(rig: Rig) -> None:
    posts = [rig.post(make.invoice(number=f"113-{n}"), f"i{n}") for n in range(3)]
    rig.fault(operation="invoices.bulk_sent", boundary="before_commit", do="drop_answer")
    with pytest.raises(Unknown):
        send(rig, *posts)
    before = rig.balances()

    found = [rig.ledger.find(post) for post in posts]

    assert before == {}
    assert all(isinstance(each, Found) and each.equal for each in found)
    assert rig.balance(K.AR) == 3 * 3500
    assert len(rig.records(Kind.INVOICE)) == 3


def test_a_draft_that_somebody_changed_is_not_put_into_the_books(rig: Rig) -> None:
    post = rig.post(make.invoice(), "i1")
    rig.fault(operation="invoices.bulk_sent", boundary="before_commit", do="drop_answer")
    with pytest.raises(Unknown):
        send(rig, post)
    [draft] = rig.records(Kind.INVOICE)
    rig.person("edit", kind="invoice", id=draft["invoice_id"], changes={"date": "2026-10-15"})

    found = rig.ledger.find(post)

    assert isinstance(found, CannotTell)
    assert "15 Oct 2026" in found.reason
    assert rig.balances() == {}


def test_a_journal_that_waits_for_approval_is_not_in_the_books_until_somebody_approves_it(rig: Rig) -> None:
    rig.person("upgrade", approvals=True)
    post = entry(rig)
    with pytest.raises(Unknown):
        send(rig, post)
    waiting = rig.ledger.find(post)
    [journal] = rig.records(Kind.ENTRY)

    rig.person("approve", kind="journal", id=journal["journal_id"])

    assert isinstance(waiting, CannotTell)
    assert isinstance(rig.ledger.find(post), Found)
    assert rig.balances() == ENTRY


def test_an_invoice_that_waits_for_approval_is_held_and_a_replay_after_it_posts_it_once(rig: Rig) -> None:
    rig.person("upgrade", approvals=True)
    post = rig.post(make.invoice(), "i1")
    held = send(rig, post)["i1"]
    [draft] = rig.records(Kind.INVOICE)

    rig.person("approve", kind="invoice", id=draft["invoice_id"])
    again = send(rig, post)["i1"]
    found = rig.ledger.find(post)

    assert isinstance(held, Refused)
    assert (held.next, "not in the books" in held.text) == (Next.HELD, True)
    assert isinstance(again, Refused)
    assert again.next is Next.ADOPT
    assert isinstance(found, Found)
    assert found.equal
    assert rig.balances() == INVOICE


# Texts ----------------------------------------------------------------------------------------------------------------------


def test_a_long_memo_leaves_the_mark_whole(rig: Rig) -> None:
    long = "Amazon settlement " * 200
    posts = [
        rig.post(make.entry(memo=long), "e1"),
        rig.post(make.invoice(memo=long), "i1"),
        rig.post(make.transfer(memo=long), "t1"),
    ]

    rig.deliver(*posts)

    assert all(isinstance(rig.ledger.find(post), Found) for post in posts)
