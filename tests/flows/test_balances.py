"""What a ledger does not show one by one is proved by the balance of the clearing account, and what is off is named."""

from datetime import timedelta

import pytest
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from amazon.models import Settlement
from bookkeeping.accounts import AccountKey as K
from bookkeeping.documents import Kind
from flows import balance_check, balances, pace, planning, readback, transit, verdicts
from flows.looking import Reader
from flows.models import Delivery, Plan, ReadBack
from flows.plans import counts_by_state
from kit.clock import now
from kit.scope import scope
from ledgers.models import ListEntry
from tenants.models import Alert
from tests import factories
from tests.flows import slate
from tests.flows.slate import no_answer

DAY = 86400


def out_of_tokens(reader):
    raise pace.OutOfTokens


@pytest.fixture(autouse=True)
def every_tenant(everywhere):
    """The tests look at rows of any tenant, as the outbox does."""


@pytest.fixture
def books(db, monkeypatch):
    with slate.opened(monkeypatch) as made:
        yield made


def check(books):
    """The daily comparison."""
    books.time.shift(DAY + 3600)
    readback.begin()
    assert readback.check(books.connection.pk)


def banner_of(plan):
    plan.refresh_from_db()
    return verdicts.banner(plan, counts_by_state(plan), "Slate")


def test_a_settlement_of_documents_nobody_can_read_is_proved_by_the_balance(books):
    plan = books.post(books.settle())

    found = banner_of(plan)

    assert (plan.state, plan.verdict["verdict"]) == ("posted", "proved")
    assert found.title == "Ties to the cent, by the clearing account"
    assert "Of 2 documents Slate states no total: they are compared by that balance, not line by line" in found.text
    compared = next(one for one in found.shown if one.what == "Clearing account")
    assert (compared.left, compared.right) == (0, 0)
    assert books.balances() == {K.SALES: -6000, K.FEE_SELLING: 900, K.PAYOUTS: 5100}


def test_what_was_on_the_account_before_is_not_ours(books):
    books.remote.by_hand(CLEARING=4000, SALES=-4000)

    plan = books.post(books.settle())

    assert plan.verdict["verdict"] == "proved"
    assert not Alert.objects.filter(kind="balance_off").exists()


def test_somebodys_posting_on_the_account_is_named_and_nothing_is_proved_by_it(books):
    earlier = books.post(books.settle())
    at_first = banner_of(earlier).title
    books.remote.by_hand(CLEARING=77, SALES=-77)

    check(books)
    now = banner_of(earlier).title
    later = books.post(books.settle(settlement_id="17000000002", start="2026-10-15"))
    found = banner_of(later)

    told = Alert.objects.get(kind="balance_off", settled_at=None)
    assert "off by 0.77 USD" in told.title
    assert "what Tieout posted comes to 0.00 USD" in told.text
    assert (at_first, now) == ("Ties to the cent, by the clearing account", "In the books, not wholly compared")
    assert later.verdict["verdict"] == "uncompared"
    assert found.title == "In the books, not wholly compared"


def test_a_plan_that_the_balance_proved_is_proved_again_once_it_is_right_again(books):
    plan = books.post(books.settle())
    books.remote.by_hand(CLEARING=77, SALES=-77)
    check(books)
    check(books)
    off = banner_of(plan).title

    books.remote.by_hand(CLEARING=-77, SALES=77)
    check(books)

    assert (off, banner_of(plan).title) == (
        "In the books, not wholly compared",
        "Ties to the cent, by the clearing account",
    )


def test_a_balance_that_is_not_stated_proves_nothing_and_is_told(books):
    earlier = books.post(books.settle())
    books.remote.hidden |= {K.CLEARING, K.PAYOUTS}

    check(books)
    later = books.post(books.settle(settlement_id="17000000002", start="2026-10-15"))
    unproved = (banner_of(earlier).title, banner_of(later).title)
    told = {alert.title for alert in Alert.objects.filter(kind="balance_off", settled_at=None)}
    awaited = transit.of_flows([books.flow])
    books.remote.hidden.clear()
    check(books)

    assert unproved == ("In the books, not wholly compared",) * 2
    assert told == {
        "Slate states no balance of My Amazon Clearing in Slate Ltd",
        "Slate states no balance of My Amazon Payouts in Transit in Slate Ltd",
    }
    assert (awaited[books.flow.pk].amount, awaited[books.flow.pk].read) == (10200, None)
    assert banner_of(later).title == "Ties to the cent, by the clearing account"
    assert not Alert.objects.filter(kind="balance_off", settled_at=None).exists()


def test_a_balance_that_was_read_before_the_last_document_proves_nothing(books, monkeypatch):
    books.post(books.settle())
    monkeypatch.setattr(balance_check, "compare", lambda reader: None)

    later = books.post(books.settle(settlement_id="17000000002", start="2026-10-15"))

    assert balances.of_clearing(books.flow).ledger == 0
    assert (later.state, later.verdict["verdict"]) == ("posted", "uncompared")


def test_what_was_put_right_settles_the_alert_and_proves_what_was_left(books):
    books.remote.faults += [None, lambda *_: books.remote.by_hand(CLEARING=77, SALES=-77) or no_answer()(*_)]
    plan = books.settle()
    books.post(plan)
    parked = Delivery.objects.get(state="parked")
    assert parked.code == "cannot_tell"
    from flows import answering

    answering.in_the_books(parked, "alice", note="seen")
    check(books)
    plan.refresh_from_db()
    before, told = plan.verdict["verdict"], Alert.objects.filter(kind="balance_off", settled_at=None).count()

    books.remote.by_hand(CLEARING=-77, SALES=77)
    check(books)
    plan.refresh_from_db()

    assert (before, told) == ("uncompared", 1)
    assert plan.verdict["verdict"] == "proved"
    assert not Alert.objects.filter(kind="balance_off", settled_at=None).exists()


def test_no_balance_is_compared_while_an_answer_is_out(books):
    books.post(books.settle())
    asked = ReadBack.objects.get().balances_at
    books.fault(no_answer())
    books.entry("e9")
    books.work()

    books.time.shift(70)
    ReadBack.objects.update(next_at=asked)
    readback.check(books.connection.pk)

    assert books.row("e9").state == "uncertain"
    assert ReadBack.objects.get().balances_at == asked
    assert not Alert.objects.filter(kind="balance_off").exists()


def test_only_what_the_ledger_shows_is_read_back(books):
    books.invoice()
    books.payment()
    books.entry()
    books.finish()

    check(books)

    assert set(books.states().values()) == {"posted"}
    assert readback.only_shown(books.connection) == (
        "Slate shows invoices and payments one by one; all else is compared by the balance of the clearing account."
    )


def test_a_payout_awaits_the_bank_until_its_line_is_categorised(books):
    books.post(books.settle())
    waiting = transit.of_flows([books.flow])[books.flow.pk]

    books.remote.by_hand(BANK=5100, PAYOUTS=-5100)
    check(books)
    arrived = transit.of_flows([books.flow])[books.flow.pk]

    assert (waiting.amount, waiting.currency, waiting.account) == (5100, "USD", "My Amazon Payouts in Transit")
    assert arrived.amount == 0


def test_a_payout_awaits_the_bank_by_our_own_documents_before_anybody_read_the_account(books, monkeypatch):
    monkeypatch.setattr(Reader, "balances", out_of_tokens)

    first = books.post(books.settle())
    second = books.post(books.settle(orders=1, settlement_id="17000000002", start="2026-10-15"))

    assert transit.of_plan(first) == transit.Transit("My Amazon Payouts in Transit", "USD", 5100)
    assert transit.of_plan(second).amount == 1700
    assert transit.of_flows([books.flow])[books.flow.pk].amount == 6800


def test_a_payout_that_failed_awaits_no_bank(books, client):
    plan = books.post(books.settle())
    client.force_login(factories.member(books.tenant, "alice@acme.test", "owner"))
    address = f"/settlements/{plan.settlement_id}/"
    waiting = client.get(address).content.decode()

    Settlement.objects.filter(pk=plan.settlement_id).update(payout_failed=True)
    failed = client.get(address).content.decode()

    assert "Awaiting bank" in waiting
    assert "Awaiting bank" not in failed
    assert "Failed after it was booked" in failed


def test_a_settlement_tells_its_own_payout_beside_what_the_whole_account_held(books):
    books.post(books.settle())
    second = books.post(books.settle(orders=1, settlement_id="17000000002", start="2026-10-15"))
    waiting = transit.of_plan(second)

    books.remote.by_hand(BANK=6800, PAYOUTS=-6800)
    check(books)
    arrived = transit.of_plan(second)

    words = " ".join(
        strip_tags(render_to_string("flows/_in_transit.html", {"transit": waiting, "settlement": 1})).split()
    )
    assert words.startswith("Awaiting bank: 17.00 USD of this settlement on My Amazon Payouts in Transit")
    assert "The whole account held 68.00 USD" in words
    assert (waiting.amount, waiting.read) == (1700, 6800)
    assert (arrived.amount, arrived.read) == (0, 0)


def test_where_payouts_go_straight_to_the_bank_nothing_awaits_it(books):
    books.flow.layout = "direct"
    books.flow.save()

    plan = books.post(books.settle())

    assert transit.of_flows([books.flow]) == {}
    assert transit.of_plan(plan) is None
    assert plan.verdict["verdict"] == "proved"
    assert Plan.objects.get().state == "posted"


def test_balances_that_had_to_wait_for_tokens_are_read_by_the_schedule(books, monkeypatch):
    paid = Reader.balances
    monkeypatch.setattr(Reader, "balances", out_of_tokens)
    plan = books.post(books.settle())
    early = plan.verdict["verdict"]

    monkeypatch.setattr(Reader, "balances", paid)
    at_once = balance_check.due()
    books.time.shift(60)
    later = balance_check.due()
    done = balance_check.check(books.connection.pk)
    plan.refresh_from_db()

    assert (early, plan.verdict["verdict"]) == ("uncompared", "proved")
    assert (at_once, later, done, balance_check.due()) == ([], [books.connection.pk], True, [])


def test_settlements_posted_together_take_one_reading(books, monkeypatch):
    read = []
    plain = Reader.balances
    monkeypatch.setattr(Reader, "balances", lambda reader: read.append(1) or plain(reader))
    first = books.settle()
    second = books.settle(settlement_id="17000000002", start="2026-10-15")

    books.time.shift(40 * DAY)
    with scope(books.tenant.pk):
        for plan in (first, second):
            planning.approve(plan, "alice")
    books.finish()

    assert set(Plan.objects.values_list("state", "verdict__verdict")) == {("posted", "proved")}
    assert len(read) == 1


def test_an_account_made_since_the_lists_were_read_is_told_by_its_name(books):
    plan = books.settle()
    ListEntry.objects.filter(external_id="PAYOUTS").delete()
    Delivery.objects.create(
        tenant=books.tenant,
        flow=books.flow,
        remote_key=books.remote_key,
        key="company/account/PAYOUTS/USD/1",
        kind="account",
        state="posted",
        external_id="PAYOUTS",
        number="Amazon Payouts in Transit",
    )

    books.post(plan)

    assert transit.of_flows([books.flow])[books.flow.pk].account == "Amazon Payouts in Transit"


def test_where_documents_are_shown_a_balance_in_transit_that_is_stated_again_settles_what_was_told(db, monkeypatch):
    with slate.opened(monkeypatch, readable=slate.SHOWN | {Kind.ENTRY, Kind.TRANSFER}) as books:
        monkeypatch.setattr(slate, "SHOWN", slate.Slate.capabilities.readable)
        books.post(books.settle())
        books.remote.hidden.add(K.PAYOUTS)
        check(books)
        told = Alert.objects.get(kind="balance_off", settled_at=None).title
        books.remote.hidden.clear()
        check(books)

        assert told == "Slate states no balance of My Amazon Payouts in Transit in Slate Ltd"
        assert not Alert.objects.filter(kind="balance_off", settled_at=None).exists()


def test_while_a_balance_is_off_a_posting_has_it_read_again_and_not_every_document(books):
    books.post(books.settle())
    check(books)
    books.remote.by_hand(CLEARING=77, SALES=-77)
    daily = ReadBack.objects.get().next_at
    books.time.shift(3600)

    books.entry("e9")
    books.work()

    known = ReadBack.objects.get()
    assert known.next_at == daily
    assert known.compare_at <= now() + timedelta(minutes=1)
