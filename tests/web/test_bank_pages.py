"""The pages of the bank, and the same over REST."""

import pytest
import time_machine
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from flows.models import BankAccount, BankLine
from kit.scope import scope
from tests import factories
from tests.bank.test_ofx import sgml
from tests.web.rest.conftest import caller
from tests.web.small_books import flow_of, settle
from tests.web.test_states import text_of

pytestmark = pytest.mark.django_db
CSV = b"Date,Description,Amount\n2026-01-19,AMAZON.COM PAYMENTS,12.50\n2026-01-31,RENT,-1900.00\n"


@pytest.fixture(autouse=True)
def march():
    with time_machine.travel("2026-03-01T12:00:00Z", tick=False):
        yield


@pytest.fixture
def settlement(acme):
    flow_of(acme)
    return settle(acme)


def lines(acme):
    with scope(acme.pk):
        return list(BankLine.objects.select_related("settlement").order_by("on", "pk"))


def file(content=CSV, name="bank.csv"):
    return SimpleUploadedFile(name, content)


def opened(browser):
    browser.post(reverse("flows:bank_open"), {"name": "Business", "currency": "usd", "tail": ""})


def account_of(acme):
    with scope(acme.pk):
        return BankAccount.objects.get().pk


def test_a_csv_is_looked_at_once_and_then_its_payout_is_found(signed_in, bob, acme, settlement):
    browser = signed_in(bob)
    opened(browser)
    pk = account_of(acme)

    asked = browser.post(reverse("flows:bank_import", args=[pk]), {"file": file()})
    assert "What are the columns?" in text_of(asked)
    assert not lines(acme)
    form = asked.context["form"]
    answer = {name: form[name].value() for name in form.fields}
    shown = text_of(browser.post(reverse("flows:bank_columns", args=[pk]), answer, follow=True))

    assert "2 lines were read. 1 brought money in, 1 of them are new; 1 payouts found their line." in shown
    assert lines(acme)[0].settlement == settlement
    on_settlement = text_of(browser.get(reverse("flows:settlement", args=[settlement.pk])))
    assert "at the bank on 19 Jan 2026" in on_settlement
    again = text_of(browser.post(reverse("flows:bank_import", args=[pk]), {"file": file()}, follow=True))
    assert "0 of them are new" in again
    matched = text_of(browser.get(reverse("flows:bank_account", args=[pk]), {"show": "matched"}))
    assert "AMAZON.COM PAYMENTS" in matched
    assert "by amount and day" in matched


def test_wrong_columns_and_bad_files_come_back_with_what_is_wrong(signed_in, bob, acme):
    browser = signed_in(bob)
    opened(browser)
    pk = account_of(acme)
    asked = browser.post(reverse("flows:bank_import", args=[pk]), {"file": file()})
    answer = {name: asked.context["form"][name].value() for name in asked.context["form"].fields}

    wrong = browser.post(reverse("flows:bank_columns", args=[pk]), answer | {"day_form": "%d.%m.%Y"})
    missing = browser.post(reverse("flows:bank_columns", args=[pk]), answer | {"amount": "", "day": "Nowhere"})
    ofx = browser.post(
        reverse("flows:bank_import", args=[pk]), {"file": file(sgml(("x", "1", "A", "n")).encode(), "a.ofx")}
    )

    assert [one.status_code for one in (wrong, missing, ofx)] == [422] * 3
    assert "Line 2: &#x27;2026-01-19&#x27; is not a day like 31.01.2026" in text_of(wrong)
    assert "The file has no column &#x27;Nowhere&#x27;" in text_of(missing)
    assert "is not a day (DTPOSTED)" in text_of(ofx)
    assert not lines(acme)


def test_what_a_browser_sends_back_is_tidied_before_it_is_kept(signed_in, bob, acme):
    browser = signed_in(bob)
    opened(browser)
    pk = account_of(acme)
    asked = browser.post(reverse("flows:bank_import", args=[pk]), {"file": file()})
    answer = {name: asked.context["form"][name].value() for name in asked.context["form"].fields}

    browser.post(
        reverse("flows:bank_columns", args=[pk]), answer | {"name": "a\0\nb.csv", "texts": ["Description"] * 900}
    )

    with scope(acme.pk):
        account = BankAccount.objects.get()
        assert account.imports.get().name == "ab.csv"
        assert account.columns["texts"] == ["Description"]


def test_a_person_chooses_takes_back_and_sets_aside(signed_in, bob, acme, settlement):
    browser = signed_in(bob)
    opened(browser)
    twice = sgml(("20260119", "12.50", "A", "AMAZON"), ("20260120", "12.50", "B", "AMAZON")).encode()
    browser.post(reverse("flows:bank_import", args=[account_of(acme)]), {"file": file(twice, "a.ofx")})
    first, second = lines(acme)
    choose = reverse("flows:bank_match", args=[first.pk])

    assert settlement.settlement_id in text_of(browser.get(choose))
    browser.post(choose, {"settlement": settlement.pk})
    assert lines(acme)[0].settlement == settlement
    listed = text_of(browser.get(reverse("flows:bank")))
    assert "1 line" in listed
    browser.post(reverse("flows:bank_aside", args=[second.pk]), {"aside": "yes"})
    browser.post(reverse("flows:bank_unmatch", args=[first.pk]))

    assert [(one.settlement, one.decided) for one in lines(acme)] == [(None, True), (None, True)]


def test_a_viewer_reads_and_another_company_finds_nothing(signed_in, bob, acme, globex, settlement):
    browser = signed_in(bob)
    opened(browser)
    pk = account_of(acme)
    browser.post(
        reverse("flows:bank_import", args=[pk]), {"file": file(sgml(("20260119", "12.50", "A", "A")).encode())}
    )
    line = lines(acme)[0]
    viewer = signed_in(factories.member(acme, "vera@acme.test", "viewer"))
    stranger = signed_in(factories.member(globex, "carl@globex.test", "owner"))

    assert "Import a statement" not in text_of(viewer.get(reverse("flows:bank_account", args=[pk])))
    assert viewer.post(reverse("flows:bank_import", args=[pk]), {"file": file()}).status_code == 403
    assert viewer.post(reverse("flows:bank_unmatch", args=[line.pk])).status_code == 403
    for address in (reverse("flows:bank_account", args=[pk]), reverse("flows:bank_match", args=[line.pk])):
        assert stranger.get(address).status_code == 404
    theirs = settle(globex, "15000000009")
    assert browser.post(reverse("flows:bank_match", args=[line.pk]), {"settlement": theirs.pk}).status_code == 404


def test_an_account_is_forgotten_after_a_question(signed_in, bob, acme):
    browser = signed_in(bob)
    opened(browser)
    address = reverse("flows:bank_remove", args=[account_of(acme)])

    assert "Forget Business?" in text_of(browser.get(address))
    browser.post(address)

    with scope(acme.pk):
        assert not BankAccount.objects.exists()


def test_the_same_over_rest(acme, bob, settlement):
    rest = caller(acme, bob)
    account = rest.post("bank-accounts", {"name": "Business", "currency": "USD"}).json()["id"]

    refused = rest.upload(f"bank-accounts/{account}/upload", file=file())
    assert refused.status_code == 409
    assert refused.json()["proposed"]["day"] == "Date"
    columns = {"day": "Date", "day_form": "%Y-%m-%d", "amount": "Amount", "texts": "Description"}
    taken = rest.upload(f"bank-accounts/{account}/upload", file=file(), **columns)
    assert taken.json() == {"lines": 2, "kept": 1, "new": 1, "matched": 1}
    [line] = rest.get("bank-lines", matched="true").json()["results"]
    assert (line["settlement"], line["text"], line["amount"]) == (settlement.pk, "AMAZON.COM PAYMENTS", 1250)

    assert rest.post(f"bank-lines/{line['id']}/unmatch", {}).json()["settlement"] is None
    assert rest.get("bank-lines", matched="true").json()["results"] == []
    assert rest.post(f"bank-lines/{line['id']}/match", {"settlement": settlement.pk}).json()["matched_by"]
    assert rest.post(f"bank-lines/{line['id']}/match", {"settlement": settlement.pk}).status_code == 409
    assert rest.upload(f"bank-accounts/{account}/upload", file=file(b"%PDF-")).json()["problems"]
