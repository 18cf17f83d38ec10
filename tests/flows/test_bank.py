"""Bank accounts: importing statements, matching payouts, and what is claimed of them."""

from datetime import date

import pytest
import time_machine

from amazon.models import Settlement
from audit.models import Event
from bank.csv_file import proposed
from bank.lines import BadBankFile
from flows import bank_files, bank_matches, proving, verdicts
from flows.models import BankAccount, BankImport, BankLine, Plan
from flows.payouts import Payouts
from kit.scope import scope, unscoped
from tenants.models import Alert
from tests.bank.test_ofx import sgml
from tests.web.small_books import flow_of, plan_of, post, settle

HEAD = "Date,Description,Amount\n"
AMAZON = "2026-01-19,AMAZON.COM PAYMENTS,12.50\n"
RENT = "2026-01-31,RENT TO JANE DOE,-1900.00\n"
pytestmark = pytest.mark.usefixtures("in_acme")


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        yield


@pytest.fixture
def account(acme):
    return bank_files.open_account(acme.pk, "user:1", "Business", "USD")


@pytest.fixture
def settlement(acme):
    """12.50 USD, to be paid out from 17 January on."""
    flow_of(acme)
    return settle(acme)


def bring(account, *lines, name="bank.csv", head=HEAD):
    """Import a CSV as a person does who confirms what is proposed."""
    content = (head + "".join(lines)).encode()
    try:
        return bank_files.import_file(account, name, content, "user:1")
    except bank_files.NeedsColumns as asked:
        return bank_files.import_file(account, name, content, "user:1", asked.columns)


def alerts(kind):
    return list(Alert.objects.filter(kind=kind, settled_at=None).values_list("title", flat=True))


def test_only_money_that_came_in_is_kept_and_its_text_is_sealed(account):
    taken = bring(account, AMAZON, RENT)

    assert (taken.lines, taken.kept, taken.new) == (2, 1, 1)
    [line] = BankLine.objects.all()
    assert (line.on, line.amount, line.amazon) == (date(2026, 1, 19), 1250, True)
    assert "AMAZON" not in line.text
    assert bank_matches.text_of(line) == "AMAZON.COM PAYMENTS"
    assert not any("AMAZON" in str(event.data) for event in Event.objects.all())


def test_overlapping_imports_double_nothing_and_equal_lines_of_one_file_are_two(account):
    bring(account, AMAZON, AMAZON, RENT)
    again = bring(account, AMAZON, AMAZON, AMAZON, "2026-02-02,OTHER,1.00\n")

    assert (again.kept, again.new) == (4, 2)
    assert BankLine.objects.count() == 4


def test_the_same_lines_from_another_kind_of_file_are_the_same(account):
    bring(account, AMAZON)

    ofx = sgml(("20260119", "12.50", "F1", "AMZN MKTP PMT"), ("20260120", "3.00", "F2", "X"))
    first = bank_files.import_file(account, "a.ofx", ofx.encode(), "user:1")
    second = bank_files.import_file(account, "a.qfx", ofx.encode(), "user:1")

    assert (first.new, second.new) == (1, 0)


def test_columns_are_asked_for_once_and_again_when_the_file_has_others(account):
    content = (HEAD + AMAZON).encode()
    with pytest.raises(bank_files.NeedsColumns) as asked:
        bank_files.import_file(account, "a.csv", content, "user:1")
    assert not BankImport.objects.exists()
    assert asked.value.columns == proposed(asked.value.table, "USD")

    bank_files.import_file(account, "a.csv", content, "user:1", asked.value.columns)
    account.refresh_from_db()
    assert bank_files.import_file(account, "a.csv", content, "user:1").new == 0
    with pytest.raises(bank_files.NeedsColumns):
        bank_files.import_file(account, "b.csv", b"When,Date,Amount\nx,2026-01-19,5\n", "user:1")


def test_a_bad_file_leaves_nothing(account):
    with pytest.raises(BadBankFile, match="Line 3"):
        bring(account, AMAZON, "2026-01-20,X,1.2.3\n")

    assert not BankLine.objects.exists()
    assert not BankImport.objects.exists()


def test_a_payout_finds_its_line_and_the_proof_claims_the_day(account, settlement):
    plan = post(plan_of(settlement))
    before = verdicts.banner(plan, {"posted": 2}, "Books").text
    assert "Whether the bank received the money is not compared here" in before

    assert bring(account, AMAZON).matched == 1

    proving.prove_now(plan.pk)
    plan = plan_of(settlement)
    banner = verdicts.banner(plan, {"posted": 2}, "Books")
    assert plan.verdict["verdict"] == "proved"
    assert "The payout arrived at the bank on 19 Jan 2026: 12.50 USD" in banner.text
    assert any(one["label"] == "At the bank on 19 Jan 2026" for one in banner.chain)
    assert (
        Payouts([settlement]).of(settlement, date(2026, 3, 1)).text
        == "Paid out on 17 Jan 2026, at the bank on 19 Jan 2026"
    )


def test_a_settlement_that_comes_after_its_line_is_matched_too(account, acme):
    flow_of(acme)
    bring(account, AMAZON)

    settlement = settle(acme)

    assert BankLine.objects.get().settlement == settlement


def test_two_lines_that_may_be_it_wait_for_a_person(account, settlement):
    bring(account, AMAZON, AMAZON)
    assert not BankLine.objects.exclude(settlement=None).exists()

    first, second = BankLine.objects.order_by("pk")
    assert [one.settlement for one in bank_matches.possible(first)] == [settlement]
    bank_matches.match(first, settlement, "user:1")

    assert BankLine.objects.get(settlement=settlement).matched_by == "user:1"
    with pytest.raises(bank_matches.CannotMatch, match="has a line already"):
        bank_matches.match(second, settlement, "user:1")


def test_another_amount_cannot_be_matched_by_hand(account, settlement):
    bring(account, "2026-01-19,AMAZON,12.49\n")

    with pytest.raises(bank_matches.CannotMatch, match=r"12\.49 USD"):
        bank_matches.match(BankLine.objects.get(), settlement, "user:1")


def test_what_is_taken_back_is_not_matched_again_by_itself(account, settlement):
    plan = post(plan_of(settlement))
    bring(account, AMAZON)
    proving.prove_now(plan.pk)

    bank_matches.unmatch(BankLine.objects.get(), "user:1")
    bring(account, "2026-01-21,X,1.00\n")
    proving.prove_now(plan.pk)

    line = BankLine.objects.get(amazon=True)
    assert (line.settlement, line.decided) == (None, True)
    assert "bank line" not in [one["name"] for one in plan_of(settlement).verdict["comparisons"]]
    bank_matches.set_aside(line, "user:1", aside=False)
    assert BankLine.objects.get(amazon=True).settlement == settlement


def test_a_payout_that_no_line_is_is_named_once_all_its_days_are_imported(account, settlement):
    bring(account, "2026-01-10,X,1.00\n", "2026-01-25,X,2.00\n")
    assert alerts("payout_not_at_bank") == []

    bring(account, "2026-01-24,X,3.00\n", "2026-01-28,X,4.00\n")
    assert alerts("payout_not_at_bank") == ["The payout of settlement 15000000001 is on no bank line"]

    bring(account, AMAZON)
    assert alerts("payout_not_at_bank") == []


def test_a_payout_that_failed_is_neither_awaited_nor_matched(account, settlement):
    Settlement.objects.update(payout_failed=True)

    bring(account, "2026-01-10,X,1.00\n", AMAZON, "2026-01-30,X,2.00\n")

    assert bank_matches.not_there() == []
    assert BankLine.objects.get(amazon=True).settlement is None


def test_a_line_from_amazon_without_a_settlement_is_named_until_somebody_says_what_it_is(account, settlement):
    bring(account, AMAZON, "2026-02-02,AMAZON PAYMENTS,99.00\n", "2025-12-01,AMAZON,5.00\n")

    assert alerts("bank_lines_unmatched") == ["1 line from Amazon on Business belongs to no settlement"]
    [line] = bank_matches.unmatched()
    bank_matches.set_aside(line, "user:1")

    assert alerts("bank_lines_unmatched") == []


def test_a_converted_payout_is_matched_by_what_arrived(acme, settlement):
    euros = bank_files.open_account(acme.pk, "user:1", "Euro", "EUR")
    Settlement.objects.update(received=1130, received_currency="EUR")

    assert bring(euros, "2026-01-20,AMAZON PAYMENTS,11.30\n").matched == 1


def test_the_digits_of_the_account_and_the_trace_id_choose(acme, settlement):
    Settlement.objects.update(account_tail="4321", trace_id="TRACE00017")
    right = bank_files.open_account(acme.pk, "user:1", "Right", "USD", "4321")
    wrong = bank_files.open_account(acme.pk, "user:1", "Wrong", "USD", "9999")

    assert bring(wrong, AMAZON).matched == 0
    assert bring(right, AMAZON, "2026-01-20,AMAZON TRACE-00017,12.50\n").matched == 1
    assert BankLine.objects.exclude(settlement=None).get().on == date(2026, 1, 20)


def test_on_two_accounts_that_may_both_have_it_a_person_chooses(acme, settlement):
    one, two = (bank_files.open_account(acme.pk, "user:1", name, "USD") for name in ("One", "Two"))
    Settlement.objects.update(payout_failed=True)
    bring(one, AMAZON)
    bring(two, AMAZON)
    Settlement.objects.update(payout_failed=False)

    assert bank_matches.match_all() == 0


def test_an_account_is_forgotten_with_its_lines(account, settlement):
    plan = post(plan_of(settlement))
    bring(account, AMAZON)

    bank_files.remove_account(account, "user:1")
    proving.prove_now(plan.pk)

    assert not BankLine.objects.exists()
    assert "bank line" not in [one["name"] for one in Plan.objects.get().verdict["comparisons"]]


@pytest.mark.parametrize(
    ("name", "currency", "tail"), [("", "USD", ""), ("A", "QQQ", ""), ("A", "USD", "1"), ("Business", "USD", "")]
)
def test_an_account_that_cannot_be_is_refused(account, acme, name, currency, tail):
    with pytest.raises(bank_files.CannotKeep):
        bank_files.open_account(acme.pk, "user:1", name, currency, tail)


def test_another_company_sees_and_matches_nothing(account, settlement, globex):
    bring(account, AMAZON)

    with scope(globex.pk):
        assert not BankAccount.objects.exists()
        flow_of(globex)
        theirs = settle(globex)
    with unscoped("a test looks at both"):
        assert not BankLine.objects.filter(settlement=theirs).exists()
