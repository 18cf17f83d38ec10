"""Exchange rates and the amount received, on the pages and over REST."""

import re
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amazon.models import Settlement
from flows import clearing_account, month_totals, planning, rates, setup
from flows.models import Delivery, ExchangeRate, Flow
from kit.scope import scope
from tests import factories
from tests.flows.test_rates import flow  # noqa: F401  # a fixture
from tests.web.rest.conftest import caller
from tests.web.small_books import answer_all, flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db


def text_of(response):
    return " ".join(re.sub(r"<[^>]+>", " ", response.content.decode()).split())


@pytest.fixture
def settlement(acme, request):
    """A settlement in dollars, planned into books in euros."""
    request.getfixturevalue("flow")
    return settle(acme)


def days(acme):
    with scope(acme.pk):
        return [one.on for one in rates.missing()]


def set_rates(acme, rate="0.9"):
    with scope(acme.pk):
        for day in [one.on for one in rates.missing()]:
            rates.set_rate(acme.pk, "user:1", "EUR", "USD", day, rate)


def test_the_page_names_what_is_missing_and_setting_it_lets_go_on(signed_in, bob, acme, settlement):
    browser, address = signed_in(bob), reverse("flows:rates")
    assert "Settlements wait for these days" in text_of(browser.get(address))
    assert "An exchange rate is missing" in text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))

    for day in days(acme):
        answer = browser.post(
            reverse("flows:rate_set"), {"home": "EUR", "currency": "usd", "on": day, "rate": "0.9000"}, follow=True
        )

    shown = text_of(answer)
    assert "1 USD is 0.9 EUR" in shown
    assert "Settlements wait" not in shown
    figures = text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))
    assert "In your books" in figures
    assert "0.9 EUR for one USD, the rate of its last entry" in figures
    assert "Arrived Not said yet" in figures


def test_a_wrong_rate_or_file_comes_back_with_what_is_wrong(signed_in, bob, acme, settlement):
    browser = signed_in(bob)

    one = browser.post(reverse("flows:rate_set"), {"home": "EUR", "currency": "USD", "on": "2026-01-14", "rate": "0,9"})
    file = SimpleUploadedFile("rates.csv", b"date,currency,rate\nsoon,USD,0.9\n2026-01-14,USD,-1\n")
    many = browser.post(reverse("flows:rates_upload"), {"home": "EUR", "file": file})

    assert (one.status_code, many.status_code) == (422, 422)
    assert "is not a rate" in text_of(one)
    assert "Nothing of the file was used" in text_of(many)
    assert "Line 2:" in text_of(many)
    assert "Line 3:" in text_of(many)
    with scope(acme.pk):
        assert not ExchangeRate.objects.exists()


def test_a_file_is_taken_and_a_rate_removed_again(signed_in, bob, acme, settlement):
    browser = signed_in(bob)
    file = SimpleUploadedFile("rates.csv", b"date,base,currency,rate\n2026-01-14,EUR,USD,1.25\n")

    answer = browser.post(reverse("flows:rates_upload"), {"home": "EUR", "file": file}, follow=True)
    with scope(acme.pk):
        rate = ExchangeRate.objects.get()
    assert "1 rates are new" in text_of(answer)
    assert "rates.csv" in text_of(answer)
    assert rate.rate == "0.8"

    browser.post(reverse("flows:rate_remove", args=[rate.pk]))
    with scope(acme.pk):
        assert not ExchangeRate.objects.exists()


def test_who_may_only_look_sees_the_rates_and_sets_none(signed_in, acme, settlement):
    viewer = factories.member(acme, "viewer@acme.test", "viewer")
    browser = signed_in(viewer)

    assert "Set one rate" not in text_of(browser.get(reverse("flows:rates")))
    assert browser.post(reverse("flows:rate_set"), {}).status_code == 403


def test_a_person_says_how_much_arrived_and_the_payout_goes_out(signed_in, bob, acme, settlement):
    set_rates(acme)
    plan = post(plan_of(settlement))
    browser, address = signed_in(bob), reverse("flows:received", args=[settlement.pk])
    assert "How much arrived?" in text_of(browser.get(address))

    wrong = browser.post(address, {"currency": "EUR", "received": "eleven"})
    right = browser.post(address, {"currency": "EUR", "received": "11.00"}, follow=True)

    assert wrong.status_code == 422
    assert "for example 1234.56." in text_of(wrong)
    assert "Noted" in text_of(right)
    with scope(acme.pk):
        answer_all(plan)
        payout = Delivery.objects.get(key__contains="/P/payout/")
        assert (payout.kind, payout.currency, payout.state) == ("entry", "EUR", "posted")
    late = browser.post(address, {"currency": "EUR", "received": "12.00"})
    assert "in the books with the amount that was said before" in text_of(late)
    assert plan_of(settlement).verdict["verdict"] == "proved"
    assert "11.00 EUR" in text_of(browser.get(reverse("flows:settlement", args=[settlement.pk]))).replace("\xa0", " ")


def test_a_payout_that_waits_for_its_amount_takes_off_clearing_what_it_stands_for(acme, settlement):
    set_rates(acme)
    post(plan_of(settlement))

    with scope(acme.pk):
        [clearing] = clearing_account.clearings(list(Flow.objects.select_related("target"))).values()

        [at_month_end] = [
            one for one in month_totals.balances(Flow.objects.get(), date(2026, 1, 31)) if "Clearing" in one.account
        ]

    assert (clearing.currency, clearing.expected, clearing.then_holds) == ("EUR", 1125, 0)
    assert (at_month_end.amount, at_month_end.then) == (1125, 0)


def test_a_settlement_in_the_books_own_currency_asks_for_no_amount(signed_in, bob, acme):
    flow_of(acme, name="Plain")
    own = settle(acme)

    shown = text_of(signed_in(bob).get(reverse("flows:received", args=[own.pk])))

    assert "its payout is what Amazon states" in shown


def test_rates_and_amounts_over_rest(acme, bob, globex, charlie, settlement):
    ours, theirs = caller(acme, bob), caller(globex, charlie)
    day = days(acme)[0]

    made = ours.post("exchange-rates", {"home": "EUR", "currency": "USD", "on": str(day), "rate": "0.90"})
    again = ours.post("exchange-rates", {"home": "EUR", "currency": "USD", "on": str(day), "rate": "0.9"})
    wrong = ours.post("exchange-rates", {"home": "EUR", "currency": "USD", "on": str(day), "rate": "much"})
    file = SimpleUploadedFile("r.csv", f"date,currency,rate\n{day},USD,0.9\n2026-02-30,USD,1\n".encode())
    refused = ours.upload("exchange-rates/upload", home="EUR", file=file)
    file = SimpleUploadedFile("r.csv", f"date,currency,rate\n{day},USD,0.9\n2026-02-20,USD,0.95\n".encode())
    taken = ours.upload("exchange-rates/upload", home="EUR", file=file)

    assert (made.status_code, again.status_code, wrong.status_code) == (201, 201, 409)
    assert made.json()["id"] == again.json()["id"]
    assert refused.status_code == 409
    assert refused.json()["problems"] == ["Line 3: '2026-02-30' is not a day. Write it like 2025-10-15 or 15 Oct 2025."]
    assert taken.json() == {"new": 1, "changed": 0, "same": 1}
    pk = made.json()["id"]
    assert ours.get(f"exchange-rates/{pk}").json()["rate"] == "0.9"
    assert theirs.get(f"exchange-rates/{pk}").status_code == 404
    assert theirs.delete(f"exchange-rates/{pk}").status_code == 404
    assert theirs.get("exchange-rates").json()["results"] == []
    assert theirs.post(f"settlements/{settlement.pk}/received", {"received": 1, "currency": "EUR"}).status_code == 404

    set_rates(acme)
    told = ours.post(f"settlements/{settlement.pk}/received", {"received": 1100, "currency": "EUR"})
    assert (told.json()["received"], told.json()["received_currency"]) == (1100, "EUR")
    assert told.json()["plans"][0]["exchange"]["rate"] == "0.9"
    other = ours.post(f"settlements/{settlement.pk}/received", {"received": 1100, "currency": "GBP"})
    assert other.status_code == 409
    assert "Give the amount in EUR" in other.json()["action"]
    assert ours.delete(f"exchange-rates/{pk}").status_code == 204


def test_a_flow_goes_live_only_when_its_rates_are_there(acme, settlement):
    with scope(acme.pk):
        made = Flow.objects.get()
        before = setup.problems_beside(made, [])
        for one in rates.missing():
            rates.set_rate(acme.pk, "user:1", "EUR", "USD", one.on, "0.9")
        after = setup.problems_beside(made, [])

    assert any("Set exchange rates from USD to EUR" in text for text in before)
    assert not any("exchange rates" in text for text in after)


def amazon_said(settlement, **values):
    said = {"converted": 1107, "converted_currency": "EUR", "transfer_status": "Succeeded", "trace_id": "TR-9"} | values
    with scope(settlement.tenant_id):
        Settlement.objects.filter(pk=settlement.pk).update(**said)
        settlement.refresh_from_db()
        planning.follow_payout(settlement)


def test_what_amazon_paid_stands_on_the_page_and_beside_a_persons_figure(signed_in, bob, acme, settlement):
    set_rates(acme)
    browser, page = signed_in(bob), reverse("flows:settlement", args=[settlement.pk])

    amazon_said(settlement, transfer_status="Processing")
    processing = text_of(browser.get(page)).replace("\xa0", " ")
    amazon_said(settlement)
    paid = text_of(browser.get(page)).replace("\xa0", " ")
    form = text_of(browser.get(reverse("flows:received", args=[settlement.pk]))).replace("\xa0", " ")
    browser.post(reverse("flows:received", args=[settlement.pk]), {"currency": "EUR", "received": "11.00"})
    both = text_of(browser.get(page)).replace("\xa0", " ")

    assert "Arrived Not said yet Amazon says of its transfer: Processing · Say how much" in processing
    assert "Arrived 11.07 EUR as Amazon says · Change the amount" in paid
    assert "Amazon says that it paid 11.07 EUR , as TR-9." in form
    assert "Arrived 11.00 EUR as entered here; Amazon says 11.07 EUR · Change the amount" in both


def test_amazons_own_rate_is_chosen_on_the_flow_and_said_on_the_page(signed_in, alice, bob, acme, settlement):
    set_rates(acme)
    amazon_said(settlement)
    with scope(acme.pk):
        flow = Flow.objects.get()
    browser, edit = signed_in(alice), reverse("flows:flow_edit", args=[flow.pk])
    form = browser.get(edit).context["form"]
    values = {name: form[name].value() for name in form.fields}

    answer = browser.post(edit, {name: value for name, value in values.items() if value} | {"rate_from": "amazon"})

    assert answer.status_code == 302
    shown = text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))
    assert "0.8856 EUR for one USD, Amazon’s own, from what it paid" in shown
    told = caller(acme, bob).get(f"settlements/{settlement.pk}").json()
    assert (told["converted"], told["converted_currency"], told["transfer_status"]) == (1107, "EUR", "Succeeded")
    assert (told["plans"][0]["exchange"]["rate"], told["plans"][0]["exchange"]["rate_from"]) == ("0.8856", "amazon")


def test_an_amount_far_from_what_the_payout_is_worth_is_asked_about_once(signed_in, bob, acme, settlement):
    set_rates(acme)
    browser, address = signed_in(bob), reverse("flows:received", args=[settlement.pk])

    asked = browser.post(address, {"currency": "EUR", "received": "1,125.00"})
    again = asked.context["form"]
    other = browser.post(address, {"currency": "EUR", "received": "5.00", "confirm": again["confirm"].value()})
    with scope(acme.pk):
        assert Settlement.objects.get().received is None
    sure = {name: again[name].value() for name in ("currency", "received", "confirm")}
    taken = browser.post(address, sure, follow=True)

    assert (asked.status_code, other.status_code) == (422, 422)
    shown = text_of(asked).replace("\xa0", " ")
    assert "Is that right? 12.50 USD is worth about 11.25 EUR: one USD was 0.9 EUR on 17 Jan 2026." in shown
    assert "1,125.00 EUR is 1,113.75 EUR more (9,900 %)." in shown
    assert "5.00 EUR is 6.25 EUR less (56 %)." in text_of(other).replace("\xa0", " ")
    assert "Noted" in text_of(taken)


def test_an_unusual_rate_and_a_file_with_one_are_asked_about_once(signed_in, bob, acme, settlement):
    set_rates(acme)
    browser, one, many = signed_in(bob), reverse("flows:rate_set"), reverse("flows:rates_upload")

    asked = browser.post(one, {"home": "EUR", "currency": "USD", "on": "2026-01-17", "rate": "90"})
    again = asked.context["form"]
    taken = browser.post(one, {name: again[name].value() for name in again.fields}, follow=True)
    file = SimpleUploadedFile("rates.csv", b"date,currency,rate\n2026-01-10,USD,1.1\n")
    doubted = browser.post(many, {"home": "EUR", "file": file})
    sent = doubted.context["doubted"][1]
    whole = browser.post(many, {name: sent[name].value() for name in sent.fields}, follow=True)

    assert (asked.status_code, doubted.status_code) == (422, 422)
    assert "Is that right? As you write it, one USD would be 90 EUR on 17 Jan 2026" in text_of(asked)
    assert "1 USD is 90 EUR for 17 January 2026 and seven days after it" in text_of(taken)
    assert "Is that right? Line 2: one USD would be 1.1 EUR" in text_of(doubted)
    assert "The other way round it fits: 0.9090909091." in text_of(doubted)
    assert "1 rates are new" in text_of(whole)


def test_the_page_of_rates_is_there_before_anything_is_converted(signed_in, bob, acme):
    flow_of(acme)
    browser = signed_in(bob)

    shown = text_of(browser.get(reverse("flows:rates")))
    answer = browser.post(
        reverse("flows:rate_set"), {"home": "USD", "currency": "GBP", "on": "2026-01-14", "rate": "1.3"}
    )

    assert reverse("flows:rates") in browser.get(reverse("flows:flows")).content.decode()
    assert "seven days after it" in shown
    assert answer.status_code == 302


def test_what_is_unusual_is_confirmed_over_rest(acme, bob, settlement):
    set_rates(acme)
    ours = caller(acme, bob)
    rate = {"home": "EUR", "currency": "USD", "on": "2026-01-17", "rate": "90"}
    amount = {"received": 112500, "currency": "EUR"}

    asked = [
        ours.post("exchange-rates", rate),
        ours.upload(
            "exchange-rates/upload",
            home="EUR",
            file=SimpleUploadedFile("r.csv", b"date,currency,rate\n2026-01-10,USD,9\n"),
        ),
        ours.post(f"settlements/{settlement.pk}/received", amount),
    ]
    taken = [
        ours.post("exchange-rates", {**rate, "confirm": True}),
        ours.upload(
            "exchange-rates/upload",
            home="EUR",
            confirm="true",
            file=SimpleUploadedFile("r.csv", b"date,currency,rate\n2026-01-10,USD,9\n"),
        ),
        ours.post(f"settlements/{settlement.pk}/received", {**amount, "confirm": True}),
    ]

    assert [one.status_code for one in asked] == [409, 409, 409]
    assert [len(one.json()["problems"]) for one in asked] == [1, 1, 1]
    assert "confirm true" in asked[0].json()["action"]
    assert [one.status_code for one in taken] == [201, 200, 200]
