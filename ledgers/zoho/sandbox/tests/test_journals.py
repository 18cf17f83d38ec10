"""Journals, currencies and rates, a foreign settlement to the cent (sheet §5–§8)."""

from decimal import Decimal

import pytest

from .conftest import Api, in_currency

CLEARING, BANK, SALES, FEES = "Amazon Clearing US (USD)", "Business Checking", "Amazon Sales", "Amazon Selling Fees"
EUROS, POUNDS = "Amazon Clearing DE (EUR)", "Barclays Current"


# Journals


def test_journal_posts_at_once_and_a_draft_when_published(api):
    at_once = api.post("journals", api.journal((CLEARING, 90), (FEES, 10), (SALES, -100)))["journal"]
    draft = api.post("journals", api.journal((CLEARING, 1), (SALES, -1), status="draft"))["journal"]
    before = api.balance(CLEARING)
    api.post(f"journals/{draft['journal_id']}/status/publish")

    assert (at_once["status"], at_once["total"], at_once["entry_number"]) == ("published", 100, "1")
    assert (draft["status"], before, api.balance(CLEARING)) == ("draft", 90, 91)


def test_same_journal_twice_is_two_journals(api):
    body = api.journal((CLEARING, 5), (SALES, -5), reference_number="AMZ-1-1")

    api.post("journals", body)
    api.post("journals", body)

    assert len(api.get("journals", reference_number="AMZ-1-1")["journals"]) == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"journal_date": ""}, 4),
        ({"line_items": []}, 4),
        ({"journal_type": "accrual"}, 4),
        ({"status": "void"}, 4),
        ({"reference_number": "x" * 101}, 15),
        ({"currency_id": "46"}, 4),
    ],
    ids=str,
)
def test_journal_that_cannot_be_is_refused(api, changes, code):
    assert api.code("POST", "journals", {**api.journal((CLEARING, 5), (SALES, -5)), **changes}) == code


def test_sides_that_differ_are_21004_and_post_nothing(api):
    assert api.code("POST", "journals", api.journal((CLEARING, 5), (SALES, Decimal("-4.99")))) == 21004
    assert api.get("journals")["journals"] == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ({"amount": -5}, 4),
        ({"debit_or_credit": "both"}, 4),
        ({"account_id": ""}, 4),
        ({"account_id": "46"}, 1002),
        ({"tax_id": "46"}, 110817),
    ],
    ids=str,
)
def test_line_that_cannot_be_is_refused(api, line, code):
    body = api.journal((CLEARING, 5), (SALES, -5))
    body["line_items"][0] |= line

    assert api.code("POST", "journals", body) == code


def test_tax_on_a_journal_is_refused_in_india_in_its_own_words(remote):
    api = Api(remote, remote.control("create_organization", {"country_code": "IN", "sales_tax": True}))
    body = api.journal((CLEARING, 5), (SALES, -5))
    body["line_items"][0]["tax_id"] = "46"

    assert api.code("POST", "journals", body) == 110942


def test_receivable_line_needs_a_contact_unless_switched_off(api):
    body = api.journal(("Accounts Receivable", 5), (SALES, -5))
    refused = api.code("POST", "journals", body)
    with_contact = {**body, "line_items": [{**each, "customer_id": api.contact()} for each in body["line_items"]]}
    accepted = api.code("POST", "journals", with_contact)
    api.remote.switches["party_on_control_lines"] = "free"

    assert (refused, accepted, api.code("POST", "journals", body)) == (4, 0, 0)


def test_change_of_a_journal_merges_and_replaces_lines(api):
    made = api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))["journal"]
    path = f"journals/{made['journal_id']}"
    noted = api.put(path, {"notes": "late"})["journal"]
    changed = api.put(path, api.journal((CLEARING, 7), (SALES, -7)))["journal"]

    assert [each["line_id"] for each in noted["line_items"]] == [each["line_id"] for each in made["line_items"]]
    assert (noted["total"], noted["status"], changed["notes"]) == (5, "published", "late")
    assert api.balance(CLEARING) == 7


def test_delete_and_reversal_of_journals(api):
    made = [api.post("journals", api.journal((CLEARING, 5), (SALES, -5)))["journal"]["journal_id"] for _ in range(3)]
    turned = api.post(f"journals/{made[0]}/reverse", reversal_date="2026-11-30", is_reversal_scheduled="false")
    api.delete(f"journals/{made[1]}")
    after = api.balance(CLEARING)

    assert (turned["journal"]["journal_date"], after) == ("2026-11-30", 5)
    assert api.code("DELETE", "journals/bulkdelete", journal_ids=f"{made[2]},{made[1]}") == 1002
    assert api.balance(CLEARING) == 5
    assert api.code("DELETE", f"journals/{made[1]}") == 1002
    assert api.code("POST", "journals/status/publish", journal_ids=",".join(["46"] * 11)) == 2
    assert api.code("DELETE", "journals/bulkdelete", journal_ids=",".join(["46"] * 201)) == 2


def test_journal_may_have_only_so_many_lines(api):
    api.remote.switches["journal_max_lines"] = 2

    assert api.code("POST", "journals", api.journal((CLEARING, 5), (FEES, 5), (SALES, -10))) == 12000
    assert api.code("POST", "journals", api.journal((CLEARING, 5), (SALES, -5))) == 0


# Currencies


# Sheet §8: 26.84 at 0.8637 is 23.18, its parts 17.27 + 3.89 + 2.03 are 23.19.
UNEVEN = ((EUROS, Decimal("26.84")), (SALES, Decimal("-19.99")), ("Amazon Shipping Income", Decimal("-4.50")),
          ("Amazon Gift Wrap Income", Decimal("-2.35")))  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "exchange", "wrap"), [("exchange_gain", "0.01", "-2.03"), ("last_line", "0", "-2.02")]
)
def test_lines_are_rounded_one_by_one_and_the_rest_goes_where_switched(foreign, policy, exchange, wrap):
    foreign.remote.switches["residual"] = policy

    made = foreign.post("journals", foreign.journal(*UNEVEN, **in_currency(foreign, "EUR", "0.8637")))["journal"]

    assert made["exchange_rate"] == Decimal("0.8637")
    assert [str(each["bcy_amount"]) for each in made["line_items"]] == ["23.18", "17.27", "3.89", "2.03"]
    assert foreign.balance(EUROS) == Decimal("23.18")
    assert foreign.balance("Amazon Gift Wrap Income") == Decimal(wrap)
    assert foreign.balance("Exchange Gain or Loss") == Decimal(exchange)


def test_rest_of_rounding_can_be_a_refusal(foreign):
    foreign.remote.switches["residual"] = "refuse"

    assert foreign.code("POST", "journals", foreign.journal(*UNEVEN, **in_currency(foreign, "EUR", "0.8637"))) == 21004
    assert foreign.code("POST", "journals", foreign.journal(*UNEVEN, **in_currency(foreign, "EUR", "2"))) == 0


def test_missing_rate_is_the_stored_one_and_else_1_without_a_word(foreign, g1):
    stored = foreign.post("journals", foreign.journal((EUROS, 100), (SALES, -100), **in_currency(foreign, "EUR")))
    trapped = g1.post(
        "journals", g1.journal(("Amazon Clearing UK (GBP)", 100), (SALES, -100), **in_currency(g1, "GBP"))
    )
    foreign.remote.switches["missing_rate"] = "1"
    always = foreign.post("journals", foreign.journal((EUROS, 100), (SALES, -100), **in_currency(foreign, "EUR")))

    assert stored["journal"]["exchange_rate"] == Decimal("0.86")
    assert trapped["journal"]["exchange_rate"] == always["journal"]["exchange_rate"] == 1


def test_change_keeps_the_rate_whatever_is_stored_by_now(foreign):
    made = foreign.post("journals", foreign.journal((EUROS, 100), (SALES, -100), **in_currency(foreign, "EUR")))[
        "journal"
    ]
    foreign.control("set_rate", currency_code="EUR", date="2026-11-01", rate="0.9")

    assert foreign.put(f"journals/{made['journal_id']}", {"notes": "x"})["journal"]["exchange_rate"] == Decimal("0.86")


def test_rate_is_cut_to_the_decimals_that_are_kept(foreign):
    foreign.remote.switches["exchange_rate_decimals"] = 6
    body = foreign.journal((EUROS, 100), (SALES, -100), **in_currency(foreign, "EUR", "0.8600298"))

    assert foreign.post("journals", body)["journal"]["exchange_rate"] == Decimal("0.860029")


def test_foreign_account_meets_journals_of_its_currency_only(foreign):
    other = foreign.journal((EUROS, 10), (SALES, -10), **in_currency(foreign, "USD", "0.79"))
    base = foreign.journal((EUROS, 10), (SALES, -10))
    refused = [foreign.code("POST", "journals", body) for body in (other, base)]
    foreign.remote.switches["journal_foreign_account"] = "any"

    assert refused == [12000, 12000]
    assert foreign.code("POST", "journals", base) == 0


def test_plan_without_currencies_refuses_them(remote):
    api = Api(remote, remote.control("create_organization", {"plan": "Standard"}))
    body = {"currency_code": "GBP", "currency_format": "1,234,567.89"}
    refused = api.code("POST", "settings/currencies", body)
    api.control("upgrade", multicurrency=True)

    assert (refused, api.code("POST", "settings/currencies", body)) == (12000, 0)
    assert api.code("POST", "settings/currencies", body) == 12000


def test_yen_have_no_decimals_and_no_rate_until_one_is_set(foreign):
    yen = next(each for each in foreign.get("settings/currencies")["currencies"] if each["currency_code"] == "JPY")
    path = f"settings/currencies/{yen['currency_id']}"
    for on_date, rate in (("2026-11-01", "0.0051"), ("2026-11-10", "0.0052")):
        foreign.post(f"{path}/exchangerates", {"effective_date": on_date, "rate": Decimal(rate)})

    closest = foreign.get(f"{path}/exchangerates", from_date="2026-11-05")["exchange_rates"]

    assert (yen["price_precision"], yen["exchange_rate"], yen["effective_date"]) == (0, 0, "")
    assert [each["effective_date"] for each in closest] == ["2026-11-10", "2026-11-01"]
    assert foreign.get(path)["currency"]["exchange_rate"] == Decimal("0.0052")


def test_invoice_keeps_to_the_currency_of_its_customer(foreign):
    body = foreign.invoice(10, **in_currency(foreign, "GBP"))
    own = foreign.post("invoices", foreign.invoice(10))["invoice"]

    assert foreign.code("POST", "invoices", body) == 12000
    assert (own["currency_code"], own["exchange_rate"]) == ("EUR", Decimal("0.86"))


@pytest.mark.parametrize(("plan", "code"), [("Elite", 0), ("Premium", 12000)])
def test_contact_has_several_currencies_on_the_largest_plans_only(remote, plan, code):
    contact = {"contact_name": "Amazon.de customers (EUR)", "currency_code": "EUR"}
    values = {"chart": "uk", "plan": plan, "contact_currencies": True, "contacts": [contact]}
    api = Api(remote, remote.control("create_organization", values))

    assert api.code("POST", "invoices", api.invoice(10, **in_currency(api, "USD"))) == code


def test_currency_that_is_not_enabled_is_refused(api):
    assert api.code("POST", "journals", api.journal((CLEARING, 1), (SALES, -1), currency_code="GBP")) == 4
    assert api.code("POST", "contacts", {"contact_name": "x", "currency_id": "46"}) == 4


# Foreign settlement, recipes G1, native strategy


@pytest.mark.parametrize(
    ("rate", "sales", "exchange"),
    [("1.30", "-130.00", "0.70"), ("1.31", "-131.00", "1.70")],
    ids=["settlement trigger", "shipment trigger"],
)
def test_example_g1_comes_out_to_the_cent(g1, rate, sales, exchange):
    clearing = "Amazon Clearing UK (GBP)"
    invoice = g1.invoiced(100, **in_currency(g1, "GBP", rate))
    paid = g1.payment(100, (invoice, 100), account=clearing, exchange_rate=Decimal("1.30"))
    g1.post("customerpayments", paid)
    fees = g1.journal((FEES, 15), ("Amazon FBA Fulfilment Fees", 8), (clearing, -23), **in_currency(g1, "GBP", "1.30"))
    g1.post("journals", fees)
    before = g1.balance(clearing)
    payout = g1.transfer(clearing, BANK, 77, exchange_rate=Decimal("99.40") / 77, **in_currency(g1, "GBP"))
    g1.post("banktransactions", payout)
    rest = g1.balance(clearing), g1.balance_in(clearing, "GBP")
    adjusting = {**in_currency(g1, "GBP", "1.302"), "adjustment_date": "2026-11-15", "notes": "Residue"}
    preview = g1.get("basecurrencyadjustment/accounts", **{k: str(v) for k, v in adjusting.items()})["data"]
    g1.post("basecurrencyadjustment", adjusting, account_ids=g1.account(clearing))

    assert (before, rest) == (Decimal("100.10"), (Decimal("0.70"), 0))
    assert preview["accounts"][0]["gain_or_loss"] == Decimal("-0.7")
    assert g1.balance(clearing) == 0
    assert [g1.balance(each) for each in (SALES, FEES, "Amazon FBA Fulfilment Fees", BANK, "Exchange Gain or Loss")] == [
        Decimal(sales), Decimal("19.50"), Decimal("10.40"), Decimal("99.40"), Decimal(exchange),
    ]  # fmt: skip


# Each hundredth is half a cent at home: rounded up by itself, three of them would be more than the whole.
HUNDREDTH, HALF = Decimal("0.01"), Decimal("0.5")


def test_invoice_paid_in_parts_leaves_no_cent_in_the_receivable(g1):
    invoice = g1.invoiced("0.03", **in_currency(g1, "GBP", HALF))
    part = g1.payment(HUNDREDTH, (invoice, HUNDREDTH), account="Amazon Clearing UK (GBP)", exchange_rate=HALF)
    paid = [g1.post("customerpayments", part)["payment"] for _ in range(3)]
    closed = g1.balance("Accounts Receivable")
    g1.delete(f"customerpayments/{paid[0]['payment_id']}")
    g1.post("customerpayments", part)

    assert (closed, g1.balance("Accounts Receivable")) == (0, 0)


def test_credit_note_used_in_parts_leaves_no_cent_in_the_receivable(g1):
    invoice = g1.invoiced(1, **in_currency(g1, "GBP", "2"))
    note = g1.post("creditnotes", g1.invoice("0.03", **in_currency(g1, "GBP", HALF)))["creditnote"]
    path = f"creditnotes/{note['creditnote_id']}"
    refund = {"amount": HUNDREDTH, "from_account_id": g1.account("Amazon Clearing UK (GBP)"), "exchange_rate": HALF}
    for _ in range(2):
        g1.post(f"{path}/refunds", refund)
    g1.post(f"{path}/invoices", {"invoices": [{"invoice_id": invoice["invoice_id"], "amount_applied": HUNDREDTH}]})

    assert g1.balance("Accounts Receivable") == Decimal("1.98")
    assert g1.balance_in("Accounts Receivable", "GBP") == Decimal("0.99")


def test_deleted_adjustment_is_undone(g1):
    body = g1.journal(("Amazon Clearing UK (GBP)", 100), (SALES, -100), **in_currency(g1, "GBP", "1.30"))
    g1.post("journals", body)
    adjusting = {**in_currency(g1, "GBP", "1.40"), "adjustment_date": "2026-11-15", "notes": "n"}
    ids = g1.account("Amazon Clearing UK (GBP)")
    made = g1.post("basecurrencyadjustment", adjusting, account_ids=ids)["data"]
    raised = g1.balance("Amazon Clearing UK (GBP)")
    again = g1.code("POST", "basecurrencyadjustment", adjusting, account_ids=ids)
    g1.delete(f"basecurrencyadjustment/{made['base_currency_adjustment_id']}")

    assert (raised, again, g1.balance("Amazon Clearing UK (GBP)")) == (140, 12000, 130)
