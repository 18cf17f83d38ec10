"""The month's pages: who may read them, what they say where nothing is, the file, and how much they ask."""

import csv
import io
import re
from collections import Counter
from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from amazon.models import Settlement
from amazon.upload import import_file
from bookkeeping.accounts import AccountKey
from bookkeeping.documents import EntryLine, JournalEntry, NewAccount
from flows import clearing_account, month_report, month_totals, outcomes, planning, progress, proving, rules
from flows.bindings import made_in
from flows.models import Delivery, Flow
from flows.rows import DIFFERENT, VOID
from kit.scope import scope
from ledgers.models import ListEntry
from ledgers.port import Binding, Posted
from tests import factories
from tests.amazon.settlements import SALE, v2
from tests.web.small_books import STRANGE, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
JANUARY = date(2026, 1, 1)
QUERIES = 34


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


def january(tenant, **more):
    """Return a settlement whose rows, period and payout lie in January in the marketplace's zone."""
    return settle(tenant, start="2026-01-05", **more)


def page_of(flow, month=JANUARY, name="month"):
    return reverse(f"flows:{name}", args=[flow.pk, month])


@pytest.fixture
def flow(acme):
    return flow_of(acme)


@pytest.fixture
def february(time_machine):
    time_machine.move_to("2026-02-20T12:00:00Z")


def sums(page):
    """Account → (debit, credit, waiting), in cents."""
    return {
        one.account: (one.debit, one.credit, one.waiting)
        for section in page.context["report"].totals.sections
        for one in section.accounts
    }


# Who and where


def test_a_viewer_reads_a_month_and_its_file(signed_in, acme, flow):
    viewer = signed_in(factories.member(acme, "vera@acme.test", "viewer"))

    assert [viewer.get(address).status_code for address in (page_of(flow), page_of(flow, name="month_csv"))] == [
        200,
        200,
    ]


@pytest.mark.parametrize("name", ["month", "month_csv"])
def test_a_month_of_another_tenant_is_not_there(signed_in, charlie, flow, name):
    assert signed_in(charlie).get(page_of(flow, name=name)).status_code == 404


def test_a_list_of_another_tenants_flow_is_not_there(signed_in, charlie, flow):
    assert signed_in(charlie).get(f"{reverse('flows:months')}?flow={flow.pk}").status_code == 404


def test_another_tenants_documents_are_in_no_total(signed_in, alice, flow, globex):
    other = flow_of(globex)
    post(plan_of(january(globex)))

    page = signed_in(alice).get(page_of(flow))

    assert sums(page) == {}
    assert other.name not in text_of(page).replace(flow.name, "")


@pytest.mark.parametrize("month", ["2026-13", "2026-00", "2026-1", "26-01", "2026-01-01", "1999-12", "x"])
def test_what_is_no_month_is_not_there(signed_in, alice, flow, month):
    assert signed_in(alice).get(f"/months/{flow.pk}/{month}/").status_code == 404


# What it says


def test_a_month_without_anything_says_so(signed_in, alice, flow):
    page = signed_in(alice).get(page_of(flow, date(2020, 5, 1)))

    assert "Nothing is dated in this month" in text_of(page)
    assert "No settlement has anything in this month" in text_of(page)
    assert not page.context["report"].verdict.complete


def test_a_month_that_is_to_come_has_not_begun(signed_in, alice, flow, february):
    page = signed_in(alice).get(page_of(flow, date(2026, 4, 1)))

    assert "April 2026 has not begun" in text_of(page)


def test_a_month_before_the_books_is_not_asked_for(signed_in, alice, acme, flow):
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(books_from=date(2026, 2, 1))

    page = signed_in(alice).get(page_of(flow))

    assert "January 2026 is before your books" in text_of(page)


def test_without_any_flow_there_is_a_way_to_one(signed_in, alice):
    assert "No month yet" in text_of(signed_in(alice).get(reverse("flows:months")))


def test_a_month_is_complete_once_settlements_cover_it_and_all_are_proved(signed_in, alice, acme, flow, february):
    browser = signed_in(alice)
    first = settle(acme, start="2025-12-29")
    second = settle(acme, "15000000002", start="2026-01-12")
    verdicts = []
    for one in (first, second, None):
        if one:
            post(plan_of(one))
        else:
            post(plan_of(settle(acme, "15000000003", start="2026-01-26")))
        verdicts.append(browser.get(page_of(flow)).context["report"].verdict.complete)

    listed = text_of(browser.get(reverse("flows:months")))

    assert verdicts == [False, False, True]
    assert "January 2026 Complete" in listed
    assert "February 2026 Not complete" in listed


def test_a_hole_between_settlements_is_named(signed_in, alice, acme, flow, february):
    post(plan_of(settle(acme, start="2025-12-29")))
    post(plan_of(settle(acme, "15000000003", start="2026-01-26")))

    page = signed_in(alice).get(page_of(flow))

    assert "No settlement covers 11 Jan 2026 – 25 Jan 2026: one is missing" in text_of(page)
    assert reverse("flows:upload") in page.content.decode()


@pytest.mark.parametrize(
    ("month", "words"),
    [
        (date(2026, 1, 1), "Tieout begins in this month, with the settlement that starts on 11 Jan 2026"),
        (date(2025, 12, 1), "Tieout begins after this month, with the settlement that starts on 11 Jan 2026"),
    ],
)
def test_books_that_were_to_begin_before_the_first_settlement_lack_it(
    signed_in, alice, acme, flow, february, month, words
):
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(books_from=date(2025, 12, 1))
    post(plan_of(settle(acme, start="2026-01-12")))

    page = signed_in(alice).get(page_of(flow, month))

    assert words in text_of(page)
    assert not page.context["report"].verdict.complete


def test_where_nobody_said_when_the_books_begin_they_begin_with_the_first_settlement(
    signed_in, alice, acme, flow, february
):
    browser = signed_in(alice)
    post(plan_of(settle(acme, start="2026-01-12")))
    before = browser.get(page_of(flow)).context["report"].verdict
    post(plan_of(settle(acme, "15000000002", start="2026-01-26")))

    page, december = browser.get(page_of(flow)), browser.get(page_of(flow, date(2025, 12, 1)))

    after, shown = page.context["report"].verdict, text_of(page)
    begins = "Tieout begins on 11 Jan 2026, with the first settlement; what Amazon settled before is in none of these"
    assert (before.complete, after.complete, after.begins_on) == (False, True, date(2026, 1, 11))
    assert "January 2026 is complete from 11 Jan 2026" in shown
    assert begins in before.note
    assert begins in shown
    assert "covers it from 11 Jan 2026, when Tieout begins, is posted and proved" in shown
    assert december.context["report"].verdict.state == "skipped"
    assert begins in text_of(december)
    assert "from 11 Jan 2026" in text_of(browser.get(reverse("flows:months")))


def test_documents_before_the_first_settlement_make_no_month_complete(signed_in, alice, acme, flow, february):
    """An order may be invoiced when it ships, weeks before the settlement that pays it."""
    plan = post(plan_of(settle(acme, start="2026-01-12")))
    with scope(acme.pk):
        Delivery.objects.filter(plan=plan, kind="entry").update(on=date(2025, 12, 30))

    verdict = signed_in(alice).get(page_of(flow, date(2025, 12, 1))).context["report"].verdict

    assert not verdict.complete
    assert "Tieout begins after this month" in " ".join(lack.text for lack in verdict.lacks)


def test_what_waits_for_approval_stands_in_a_column_of_its_own(signed_in, alice, acme, flow, february):
    settlement = january(acme)

    page = signed_in(alice).get(page_of(flow))

    assert sums(page)["My Amazon Sales"] == (0, 0, -2000)
    totals = page.context["report"].totals
    assert (totals.result, totals.result_with_waiting) == (0, 1250)
    assert "waits for approval" in text_of(page)
    assert reverse("flows:settlement", args=[settlement.pk]) in page.content.decode()


def test_what_is_posted_stands_in_debit_and_credit(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))

    page = signed_in(alice).get(page_of(flow))

    assert sums(page) == {
        "My Amazon Sales": (0, 2000, 0),
        "My Amazon Selling Fees": (300, 0, 0),
        "My Amazon FBA Fulfilment Fees": (450, 0, 0),
        "My Payout Bank Account": (1250, 0, 0),
        "My Amazon Clearing": (1250, 1250, 0),
    }
    assert [section.title for section in page.context["report"].totals.sections][:2] == ["Income", "Expenses"]


def test_a_label_without_meaning_is_in_no_total_and_named(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme, rows=(*SALE, STRANGE))))

    page = signed_in(alice).get(page_of(flow))

    assert page.context["report"].undecided == 725
    assert "is in none of the totals" in text_of(page)
    assert "held" in " ".join(lack.text for lack in page.context["report"].verdict.lacks)


def test_a_month_and_the_dashboard_agree_on_clearing_while_a_label_is_to_be_decided(
    signed_in, alice, acme, flow, february
):
    post(plan_of(january(acme, rows=(*SALE, STRANGE))))
    browser = signed_in(alice)

    months = [browser.get(page_of(flow, on)) for on in (date(2025, 12, 1), JANUARY)]
    shown = text_of(browser.get(reverse("flows:dashboard")))

    with scope(acme.pk):
        [dashboard] = clearing_account.clearings([flow]).values()
    december, january_ = (page.context["report"].balances[0] for page in months)
    assert (january_.amount, january_.then) == (dashboard.expected, dashboard.then_holds) == (-1975, 0)
    assert january_.undecided == dashboard.undecided == 725
    assert (december.then, december.undecided) == (0, 0)
    assert "+7.25 of it from labels without a meaning" in text_of(months[1])
    assert "wait for somebody to give their label a meaning" in shown


def test_a_ledger_that_booked_another_total_makes_the_month_red(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)), off_by=1)

    assert signed_in(alice).get(page_of(flow)).context["report"].verdict.state == "off"


def test_the_documents_of_a_kind_are_a_click_away(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))
    settle(acme, "15000000002", start="2026-02-01")
    browser = signed_in(alice)

    kinds = browser.get(page_of(flow)).context["kinds"]

    for kind, posted, _ in kinds:
        assert len(browser.get(posted).context["rows"]) == kind.posted > 0


def test_the_balances_are_not_said_to_be_the_ledgers(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))

    shown = text_of(signed_in(alice).get(page_of(flow)))

    assert "It was not compared with QuickBooks Online" in shown


def test_flows_of_one_company_are_apart(signed_in, alice, acme, flow, february):
    other = flow_of(acme, name="Acme Europe", currency="EUR")
    post(plan_of(january(acme)))

    browser = signed_in(alice)

    assert sums(browser.get(page_of(other))) == {}
    assert len(browser.get(reverse("flows:months")).context["tabs"]) == 2


def test_accounts_stand_by_where_their_lines_were_booked(signed_in, alice, acme, flow, february):
    """Sales go to another account from the second settlement on; both fees share one then."""
    with scope(acme.pk):
        by_name = dict(ListEntry.objects.values_list("name", "external_id"))
    post(plan_of(january(acme)))
    fees = Binding(account=by_name["My Amazon Other Fees & Adjustments"])
    with scope(acme.pk):
        moved = {
            AccountKey.SALES: Binding(account=by_name["My Amazon Liquidation Proceeds"]),
            AccountKey.FEE_SELLING: fees,
            AccountKey.FEE_FBA: fees,
        }
        rules.save_accounts(flow, moved, "user:1", {})
    post(plan_of(settle(acme, "15000000002", start="2026-01-19")))

    found = sums(signed_in(alice).get(page_of(flow)))

    assert found["My Amazon Sales"] == found["My Amazon Liquidation Proceeds"] == (0, 2000, 0)
    assert found["My Amazon Selling Fees"] == (300, 0, 0)
    assert found["My Amazon Other Fees & Adjustments"] == (750, 0, 0)


def test_another_version_of_a_settlement_waits_for_a_decision(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))
    import_file(acme.pk, [v2(rows=(*SALE, SALE[0]), start="2026-01-05").encode()], "again.txt", "user:1")

    assert "came again with other rows" in text_of(signed_in(alice).get(page_of(flow)))


def test_a_payout_that_failed_is_not_said_to_be_paid(signed_in, alice, acme, flow, february):
    settlement = january(acme)
    post(plan_of(settlement))
    browser = signed_in(alice)
    before = browser.get(page_of(flow)).context["report"].paid_out
    with scope(acme.pk):
        Settlement.objects.filter(pk=settlement.pk).update(payout_failed=True)

    after = browser.get(page_of(flow)).context["report"]

    assert (before, after.paid_out) == (1250, 0)
    assert after.settlements[0].standing.label == "Ties; payout failed"


def test_a_complete_month_says_from_when_on_the_books_are(signed_in, alice, acme, flow, february):
    with scope(acme.pk):
        Flow.objects.filter(pk=flow.pk).update(books_from=date(2026, 1, 6))
    for number, start in enumerate(("2026-01-05", "2026-01-19"), start=1):
        post(plan_of(settle(acme, f"1500000000{number}", start=start)))

    shown = text_of(signed_in(alice).get(page_of(flow)))

    assert "January 2026 is complete" in shown
    assert "covers it from 6 Jan 2026, when your books begin" in shown


@pytest.fixture
def changed(acme, flow, february):
    """What somebody did by hand, as reading the books back finds it: "found_void" or "found_different" → the row."""

    def change(kind, code):
        plan = post(plan_of(january(acme)))
        with scope(acme.pk):
            row = Delivery.objects.select_related("flow__target", "plan__settlement").get(plan=plan, kind=kind)
            outcomes.changed_by_hand(row, code, "Its date is 2 Feb 2026 now.", "Put it back.", row.amount)
            progress.after_outcome([row])
            proving.catch_up(row.remote_key)
        return row

    return change


def test_a_payout_changed_by_hand_is_in_the_books_as_it_was_posted(signed_in, alice, acme, flow, changed):
    row = changed("transfer", DIFFERENT)

    page = signed_in(alice).get(page_of(flow))

    report, shown = page.context["report"], text_of(page)
    with scope(acme.pk):
        [dashboard] = clearing_account.clearings([flow]).values()
    assert report.balances[0].amount == report.balances[0].then == dashboard.expected == 0
    assert sums(page)["My Payout Bank Account"] == (1250, 0, 0)
    assert [(one.kind, one.posted, one.changed, one.waiting) for one in report.totals.kinds][-1] == (
        "transfer",
        1,
        1,
        0,
    )
    assert report.verdict.state == "off"
    assert "A document dated in this month was changed in QuickBooks Online since posting" in shown
    assert "Its date is 2 Feb 2026 now. Put it back." in shown
    assert reverse("audit:record", args=[row.pk]) in page.content.decode()


def test_what_is_void_in_the_ledger_is_not_in_the_books(signed_in, alice, flow, changed):
    changed("transfer", VOID)

    page = signed_in(alice).get(page_of(flow))

    assert sums(page)["My Payout Bank Account"] == (0, 0, 1250)
    assert page.context["report"].balances[0].amount == 1250
    assert not page.context["report"].verdict.complete
    assert "counted as not in the books" in text_of(page)


def test_clearing_says_whose_it_is_while_something_waits(signed_in, alice, acme, flow, february):
    first = january(acme)
    post(plan_of(first))
    second = settle(acme, "15000000002", start="2026-01-19")
    with scope(acme.pk):
        planning.approve(plan_of(second), "user:1")
        entry = Delivery.objects.select_related("flow__target", "plan__settlement").get(
            plan__settlement=second, kind="entry"
        )
        outcomes.apply_answers([entry], {entry.key: Posted("77", total=entry.amount)})

    balance = signed_in(alice).get(page_of(flow, date(2026, 2, 1))).context["report"].balances[0]

    assert (balance.amount, balance.then) == (1250, 0)
    assert [(one.settlement_id, one.amount) for one in balance.shares] == [("15000000002", 1250)]


def test_a_payout_whose_day_has_not_come_is_not_paid_out(signed_in, alice, acme, flow, time_machine):
    time_machine.move_to("2026-01-20T12:00:00Z")
    settlement = january(acme)
    post(plan_of(settlement))

    paid = []
    for on in (settlement.deposit_on - timedelta(days=1), settlement.deposit_on):
        time_machine.move_to(f"{on}T20:00:00Z")
        paid.append(signed_in(alice).get(page_of(flow)).context["report"].paid_out)

    assert paid == [0, 1250]


def test_a_settlement_without_a_payout_does_not_touch_the_month_of_its_day(signed_in, alice, acme, flow, february):
    """Amazon names a day also where nothing is paid."""
    owing = january(acme, rows=[("other-transaction", "other-transaction", "Subscription Fee", "-39.99")])
    with scope(acme.pk):
        Settlement.objects.filter(pk=owing.pk).update(deposit_on=date(2026, 2, 2))
    browser = signed_in(alice)

    january_and_february = [
        browser.get(page_of(flow, month)).context["report"].settlements for month in (JANUARY, date(2026, 2, 1))
    ]

    assert owing.total < 0
    assert [len(found) for found in january_and_february] == [1, 0]


def test_an_account_that_another_tenant_of_the_company_made_has_its_name(
    signed_in, alice, acme, globex, flow, february
):
    key = "company/account/FEE_FBA/USD/1"
    theirs = flow_of(globex, name="Globex")
    with scope(globex.pk):
        account = NewAccount(AccountKey.FEE_FBA, "Amazon FBA of ours", "USD")
        values = {"kind": "account", "document": account.canonical().decode(), "state": "posted", "external_id": "880"}
        values |= {"remote_key": flow.target.remote_key, "key": key}
        Delivery.objects.create(tenant=globex, flow=theirs, **values)
    with scope(acme.pk):
        rules.save_accounts(flow, {AccountKey.FEE_FBA: Binding(account=f"@{key}")}, "user:1", {})
    january(acme)

    page = signed_in(alice).get(page_of(flow))

    assert sums(page)["Amazon FBA of ours"] == (0, 0, 450)
    with scope(acme.pk):
        assert made_in(flow.target.remote_key) == {f"@{key}": "880"}


# The file


def read(response):
    content = response.content.decode("utf-8-sig")
    assert response.content.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(content, newline="")))


def test_the_file_reads_back_and_adds_up(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))
    settle(acme, "15000000002", start="2026-01-19")

    response = signed_in(alice).get(page_of(flow, name="month_csv"))

    rows = read(response)
    total = Counter()
    for row in rows:
        total.update({name: Decimal(row[name]) for name in ("debit", "credit", "net", "not in the books")})
    assert b"\r\n" in response.content
    assert total["debit"] == total["credit"] == Decimal("32.50")
    assert total["net"] == total["not in the books"] == 0
    assert {row["month"] for row in rows} == {"2026-01"}


def test_a_name_that_looks_like_a_formula_is_text(signed_in, alice, acme, flow, february):
    post(plan_of(january(acme)))
    with scope(acme.pk):
        ListEntry.objects.filter(name="My Amazon Sales").update(name='=HYPERLINK("http://evil.test";"Sales, all")')

    rows = read(signed_in(alice).get(page_of(flow, name="month_csv")))

    assert rows[0]["account"] == '\'=HYPERLINK("http://evil.test";"Sales, all")'


# How much it asks


def test_the_page_asks_as_much_for_many_settlements_as_for_one(
    signed_in, alice, acme, flow, django_assert_max_num_queries, february
):
    for number in range(6):
        plan = plan_of(settle(acme, f"1500000001{number}", start=str(JANUARY + timedelta(days=14 * number - 28))))
        post(plan)

    browser = signed_in(alice)
    with django_assert_max_num_queries(QUERIES):
        browser.get(page_of(flow))
    with django_assert_max_num_queries(QUERIES):
        browser.get(reverse("flows:months"))


def test_the_lines_of_many_documents_are_summed_right(acme, flow):
    lines = (EntryLine(AccountKey.ADS, debit=7), EntryLine(AccountKey.CLEARING, credit=7))
    with scope(acme.pk):
        Delivery.objects.bulk_create(
            Delivery(
                tenant=acme,
                flow=flow,
                remote_key="r",
                key=f"k{n}",
                kind="entry",
                document=JournalEntry(f"N{n}", JANUARY, "USD", lines).canonical().decode(),
                state="posted",
                external_id=str(n),
                on=JANUARY + timedelta(days=n % 40),
                amount=7,
                currency="USD",
            )
            for n in range(400)
        )

        found = [month_totals.totals(flow, month) for month in (JANUARY, date(2026, 2, 1))]

    assert [one.posted for one in found] == [310, 90]
    assert [one.result for one in found] == [-2170, -630]
    with scope(acme.pk):
        assert month_report.report(flow, date(2026, 2, 1)).balances[0].amount == -2800
