"""Exchange rates: files of them, what they change, and whose they are."""

import json
from datetime import date, timedelta
from types import SimpleNamespace

import pytest

from audit.models import Event
from bookkeeping.accounts import AccountKey
from bookkeeping.money import CURRENCIES
from bookkeeping.policy import CONVERTED_LINES
from flows import currencies, drafts, month_totals, planning, rate_files, rates, rules, selectors, setup
from flows.doubts import Doubted
from flows.models import Coverage, Delivery, ExchangeRate, Flow, InvoiceBalance, Plan
from flows.rate_files import BadRateFile, Rate
from kit.scope import scope
from ledgers.models import Company
from ledgers.port import Binding
from tests.web.small_books import flow_of, plan_of, settle

FIRST = date(2025, 10, 15)


def read(text, home="USD"):
    return rate_files.read(text.encode(), home, date(2026, 1, 31))


@pytest.mark.parametrize(
    "text",
    [
        "date,currency,rate\n2025-10-15,GBP,1.25\n",
        "Date,Currency,Rate\r\n2025-10-15,gbp,1.2500\r\n\r\n",
        "date,base,currency,rate\n2025-10-15,GBP,USD,1.25\n",
        "date,base,currency,rate\n2025-10-15,USD,GBP,0.8\n",
        "date,GBP/USD\n2025-10-15,1.25\n",
        "date;USD/GBP\n2025-10-15;0,8\n",
        "date\tGBPUSD\tEURUSD\n2025-10-15\t1.25\t\n",
        "\ufeffrate,date,note,currency\n1.25,2025-10-15,spot,GBP\n",
        "date,currency,rate\n2025-10-15,GBP,1.25\n2025-10-15,GBP,1.250\n",
        "date,currency,rate\n15 Oct 2025,GBP,1.25\n15 October 2025,GBP,1.25\n",
        "date,currency,rate\n15/10/2025,GBP,1.25\n",
        "date,currency,rate\n10/15/2025,GBP,1.25\n",
    ],
)
def test_every_layout_and_direction_says_the_same(text):
    assert read(text) == [Rate("GBP", FIRST, "1.25")]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Line 1"),
        ("currency,rate\nGBP,1.2", "no column is called date"),
        ("date,price\n2025-10-15,1.2", "Line 1: name the columns"),
        ("date,currency,rate\n", "no rates below"),
        ("date,currency,rate\n15.10.2025,GBP,1.2", "Line 2: '15.10.2025' is not a day. Write it like 2025-10-15"),
        ("date,currency,rate\n10/11/2025,GBP,1.2", "Days like 10/11/2025 can be read in two ways"),
        ("date,currency,rate\n15/10/2025,GBP,1.2\n10/15/2025,GBP,1.2", "Line 3: '10/15/2025' is not a day"),
        ("date,currency,rate\n2026-02-01,GBP,1.2", "Line 2: 2026-02-01 has not come yet"),
        ("date,currency,rate\n2025-10-15,XYZ,1.2", "Line 2: 'XYZ' is no currency code"),
        ("date,currency,rate\n2025-10-15,GBP,1.2\n2025-10-16,GBP,0", "Line 3: '0' is not a rate"),
        ("date,currency,rate\n2025-10-15,POUND,1.2", "Line 2: 'POUND' is no currency code"),
        ("date,currency,rate\n2025-10-15,USD,1.2", "Line 2: USD/USD is no rate"),
        ("date,EUR/GBP\n2025-10-15,0.86", "Line 2: EUR/GBP is no rate between USD"),
        ("date,currency,rate\n2025-10-15,GBP,1.2\n2025-10-15,GBP,1.3", "another rate in line 2"),
        ("date,currency,rate\n2025-10-15", "Line 2: '' is no currency code"),
        ("date,currency,rate\n0001-01-01,GBP,1.2", "Line 2: 0001-01-01 is before any settlement"),
        ('date,currency,rate\n2025-10-15,GBP,"1.2' + "0" * 140_000, "quotation mark that nothing closes"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(text, says):
    with pytest.raises(BadRateFile, match=says):
        read(text)


def test_a_file_that_is_no_text_is_refused():
    with pytest.raises(BadRateFile, match="UTF-8"):
        rate_files.read(b"date,currency,rate\n\xff\xfe", "USD", FIRST)


def test_a_file_of_more_rates_than_one_transaction_may_store_is_refused():
    pairs = [code for code in sorted(CURRENCIES) if code != "USD"][:101]
    days = (FIRST - timedelta(days=n) for n in range(100))
    table = "\n".join(",".join([str(day), *["2"] * len(pairs)]) for day in days)

    with pytest.raises(BadRateFile, match="more than 10,000 rates"):
        read(f"date,{','.join(f'{code}/USD' for code in pairs)}\n{table}")


def test_of_very_many_wrong_lines_the_first_are_named():
    with pytest.raises(BadRateFile) as refused:
        read("date,currency,rate\n" + "never,GBP,1\n" * 200)

    assert len(refused.value.problems) == 11
    assert refused.value.problems[-1] == "190 more lines are wrong."


@pytest.fixture
def flow(acme):
    """A flow of settlements in dollars into books in euros."""
    made = flow_of(acme)
    with scope(acme.pk):
        Company.objects.update(home_currency="EUR")
        Flow.objects.update(home="EUR")
        rules.save_accounts(made, {"FX": Binding(account="40"), "FX_COST": Binding(account="41")}, "user:1", {})
        made.refresh_from_db()
    return made


def held(flow):
    return sorted(Delivery.objects.filter(flow=flow, state="held").values_list("code", flat=True))


def test_a_file_that_comes_twice_changes_nothing_the_second_time(flow, in_acme):
    content = b"date,currency,rate\n2025-12-30,USD,0.9\n2026-01-14,USD,0.91\n"

    kept = [rates.upload(flow.tenant_id, "user:1", "EUR", "rates.csv", content) for _ in range(2)]

    assert [(one.new, one.changed, one.same) for one in kept] == [(2, 0, 0), (0, 0, 2)]
    assert Event.objects.filter(kind="rates.set").count() == 1


def test_rates_let_go_what_waits_and_a_missing_one_is_named(acme, flow, in_acme):
    plan = plan_of(settle(acme))
    assert held(flow) == ["no_rate", "no_rate"]
    days = {one.on for one in rates.missing(flow)}
    assert date.fromisoformat(plan.exchange["day"]) in days

    for day in days:
        rates.set_rate(acme.pk, "user:1", "EUR", "USD", day, "0.9")

    assert held(flow) == ["amount_received"]
    assert rates.missing(flow) == []
    entry = Delivery.objects.get(kind="entry")
    assert (entry.currency, entry.original_amount) == ("EUR", 2000)
    assert entry.amount == 1800


def test_a_rate_of_the_week_before_is_taken_and_an_older_one_is_not(acme, flow, in_acme):
    plan = plan_of(settle(acme))
    day = date.fromisoformat(plan.exchange["day"])

    rates.set_rate(acme.pk, "user:1", "EUR", "USD", date.fromordinal(day.toordinal() - 8), "0.85")
    assert plan_of(plan.settlement).exchange["rate"] == ""
    rates.set_rate(acme.pk, "user:1", "EUR", "USD", date.fromordinal(day.toordinal() - 7), "0.9")

    assert plan_of(plan.settlement).exchange["rate"] == "0.9"


def test_removing_a_rate_holds_again_what_was_not_sent(acme, flow, in_acme):
    plan = plan_of(settle(acme))
    for one in rates.missing(flow):
        rates.set_rate(acme.pk, "user:1", "EUR", "USD", one.on, "0.9")

    for rate in ExchangeRate.objects.all():
        rates.remove(rate, "user:1")

    assert plan_of(plan.settlement).exchange["rate"] == ""
    assert held(flow) == ["no_rate", "no_rate"]


@pytest.mark.parametrize(
    ("home", "currency", "on", "text", "says"),
    [
        ("USD", "GBP", FIRST, "1.2", "None of your books are in USD"),
        ("EUR", "EUR", FIRST, "1.2", "itself"),
        ("EUR", "USD", date(1999, 1, 1), "1.2", "before any settlement"),
        ("EUR", "USD", FIRST, "about one", "is not a rate"),
        ("EUR", "XYZ", FIRST, "1.2", "no currency XYZ"),
        ("EUR", "USD", date(2035, 1, 1), "1.2", "has not come yet"),
    ],
)
def test_a_rate_nobody_can_use_is_refused(flow, in_acme, home, currency, on, text, says):
    with pytest.raises(rates.CannotSet, match=says):
        rates.set_rate(flow.tenant_id, "user:1", home, currency, on, text)

    assert not ExchangeRate.objects.exists()


def doubted(flow, on, text, **how):
    try:
        rates.set_rate(flow.tenant_id, "user:1", "EUR", "USD", on, text, **how)
    except Doubted as error:
        return " ".join(error.doubts)
    return ""


def test_a_rate_far_from_those_beside_it_is_asked_about_and_a_near_one_is_not(flow, in_acme):
    assert doubted(flow, FIRST, "0.8") == ""  # the first of its pair has none beside it

    high, turned = doubted(flow, date(2025, 10, 16), "80"), doubted(flow, date(2025, 10, 16), "1.2")

    assert "one USD would be 80 EUR on 16 Oct 2025, 9,900 % off what stands beside it: 0.8 on 15 Oct 2025." in high
    assert "other way round" not in high
    assert "The other way round it fits: 0.8333333333." in turned
    assert ExchangeRate.objects.count() == 1
    assert doubted(flow, date(2025, 10, 16), "0.87") == ""
    assert doubted(flow, date(2025, 10, 17), "80", confirmed=True) == ""


def test_a_file_is_asked_about_by_line_where_it_is_alone_and_where_it_is_whole(flow, in_acme):
    def said(text):
        with pytest.raises(Doubted) as asked:
            rates.upload(flow.tenant_id, "user:1", "EUR", "rates.csv", f"date,currency,rate\n{text}".encode())
        return asked.value.doubts

    alone = said("2025-10-14,USD,0.8\n2025-10-15,USD,8.1\n2025-10-16,USD,0.81\n")
    rates.set_rate(flow.tenant_id, "user:1", "EUR", "USD", FIRST, "0.8")
    whole = said("2025-10-16,USD,1.25\n2025-10-17,USD,1.26\n")

    assert [text[:7] for text in alone] == ["Line 3:"]
    assert [text[:7] for text in whole] == ["Line 2:", "Line 3:"]
    assert all("The other way round it fits" in text for text in whole)
    assert ExchangeRate.objects.count() == 1


def test_rates_can_be_set_before_anything_is_converted_and_before_any_books_are_there(acme, globex):
    flow_of(acme)

    with scope(acme.pk):
        assert rates.homes() == ["USD"]
        assert rates.set_rate(acme.pk, "user:1", "USD", "GBP", FIRST, "1.3").rate == "1.3"
    with scope(globex.pk):
        assert {"EUR", "USD", "JPY"} < set(rates.homes())


def test_another_tenants_rates_count_for_nobody_else(acme, globex, flow):
    other = flow_of(globex, name="Globex EU")
    with scope(globex.pk):
        Company.objects.update(home_currency="EUR")
        Flow.objects.filter(pk=other.pk).update(home="EUR")
        rates.upload(globex.pk, "user:9", "EUR", "rates.csv", b"date,currency,rate\n2026-01-14,USD,0.5\n")

    with scope(acme.pk):
        assert rates.listed().count() == 0
        plan = plan_of(settle(acme))
        assert plan.exchange["rate"] == ""


def test_each_settlement_currency_has_a_clearing_account_of_its_own_where_it_is_converted(flow):
    other = Flow(**{**{one.attname: getattr(flow, one.attname) for one in Flow._meta.fields}, "currency": "GBP"})

    keys = {
        key: [drafts.account_draft(each, key).planned for each in (flow, other)]
        for key in (AccountKey.CLEARING, AccountKey.FEE_FBA)
    }

    assert [one.key for one in keys[AccountKey.CLEARING]] == [
        "company/account/CLEARING/USD-EUR/1",
        "company/account/CLEARING/GBP-EUR/1",
    ]
    assert {one.document.currency for one in keys[AccountKey.CLEARING]} == {"EUR"}
    assert len({one.key for one in keys[AccountKey.FEE_FBA]}) == 1


def test_an_order_invoiced_in_two_companies_stands_in_each_for_what_it_is_there(acme, in_acme):
    flows = [flow_of(acme, name=name) for name in ("One", "Two")]
    settlement, opened = settle(acme), [SimpleNamespace(key="shipment/1")]
    for flow, home, rate, amount in zip(flows, ("EUR", "CAD"), ("0.9", "1.4"), (7200, 11200), strict=True):
        flow.home, flow.strategy = home, "convert"
        row = Delivery.objects.create(
            flow=flow, remote_key=flow.target.remote_key, key="shipment/1", kind="invoice", state="posted", document="{}",
            currency=home, amount=amount, original=json.dumps({"rate": rate}), original_amount=8000, external_id="1",
        )  # fmt: skip
        InvoiceBalance.objects.create(delivery=row, order_id="1", lines={}, from_shipment=True)

    plans = [Plan.objects.get_or_create(flow=flow, settlement=settlement)[0] for flow in flows]
    stands = [currencies.carrying(plan, opened, "1") for plan in plans]

    assert [one["shipment/1"].rate for one in stands] == ["0.9", "1.4"]
    assert [one["shipment/1"].total for one in stands] == [7200, 11200]


def test_an_undo_is_shown_with_the_figure_of_its_own_company(acme, in_acme):
    undos = []
    for name, amount in (("One", 7200), ("Two", 11200)):
        flow = flow_of(acme, name=name)
        common = {"flow": flow, "remote_key": flow.target.remote_key, "document": "{}", "currency": "USD"}
        Delivery.objects.create(**common, key="shipment/1", kind="invoice", amount=amount, number=name)
        undos.append(Delivery.objects.create(**common, key="shipment/1/undo", kind="undo", amount=0))

    shown = selectors.name_undos(undos)

    assert [(row.number, row.amount) for row in shown] == [("One", 7200), ("Two", 11200)]


def test_entries_that_are_converted_are_cut_with_room_for_what_that_adds(flow, in_acme):
    home = flow_of(flow.tenant, name="Two")

    assert (drafts.policy_of(flow).spare_lines, drafts.policy_of(home).spare_lines) == (CONVERTED_LINES, 0)


def test_nothing_is_booked_in_a_company_that_does_not_say_in_which_currency_its_books_are(acme, in_acme):
    flow = flow_of(acme)
    Company.objects.update(home_currency="")

    plan = plan_of(settle(acme))
    waiting, said = held(flow), setup.problems_beside(flow, [])
    Company.objects.update(home_currency="USD")
    planning.replan_open(flow)

    assert waiting == ["books_currency"] * 2
    assert any("in which currency its books are kept" in text for text in said)
    assert held(flow) == []
    assert not Delivery.objects.filter(plan=plan, code="books_currency", live=True).exists()


@pytest.mark.parametrize(("home", "invoiced", "paid"), [("CAD", 11200, 11200), ("EUR", 7200, 7000)])
def test_a_month_counts_an_invoice_as_open_by_what_it_stands_for_in_the_books(acme, in_acme, home, invoiced, paid):
    """One of two is settled in full, or in euros but for two: its 80 dollars say nothing of that."""
    flow = flow_of(acme)
    plan, common = plan_of(settle(acme)), {"flow": flow, "remote_key": flow.target.remote_key, "state": "posted"}
    common |= {"document": "{}", "currency": home, "on": FIRST, "external_id": "1"}
    for n in (1, 2):
        invoice = Delivery.objects.create(
            **common, key=f"invoice/{n}", kind="invoice", amount=invoiced, original="{}", original_amount=8000
        )
        balance = InvoiceBalance.objects.create(delivery=invoice, order_id=str(n), lines={})
    payment = Delivery.objects.create(**common, key="payment/2", kind="payment", amount=paid, original="{}")
    Coverage.objects.create(
        invoice=balance, plan=plan, settlement_id="1", part=1, amount=8000, amounts={"SALES": 8000}, payment=payment
    )

    found = month_totals.open_invoices(flow, FIRST)

    assert (found.count, found.amount) == (2 - (invoiced == paid), 2 * invoiced - paid)
