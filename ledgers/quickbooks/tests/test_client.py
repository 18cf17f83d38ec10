from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import Kind
from ledgers.port import (
    Absent,
    AuthorizationLost,
    CannotTell,
    External,
    Found,
    NotSent,
    Posted,
    Refused,
    Unknown,
    Verdict,
)
from ledgers.quickbooks.bodies import body_of
from ledgers.quickbooks.client import QuickBooks
from ledgers.quickbooks.tests import factories as make
from ledgers.quickbooks.tests.scripted import Script, scripted

ENTRY = make.post(make.entry())
REMOTE_ENTRY = {**body_of(ENTRY, make.COMPANY), "Id": "55", "SyncToken": "0"}
GATEWAY_401 = {
    "fault": {
        "error": [{"message": "message=AuthenticationFailed; errorCode=003200; statusCode=401", "code": "3200"}],
        "type": "AUTHENTICATION",
    }
}


@pytest.fixture
def remote() -> Iterator[tuple[Script, QuickBooks]]:
    with scripted() as pair:
        yield pair


def send(client: QuickBooks, deadline_s: float = 5.0) -> Any:
    (call,) = client.render([ENTRY])
    return client.send(call, deadline_s)


def fault(code: str, kind: str = "ValidationFault") -> dict[str, Any]:
    return {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": code}], "type": kind}, "time": "now"}


def test_a_write_carries_token_requestid_and_minorversion(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, {"JournalEntry": REMOTE_ENTRY})

    outcomes = send(client)

    (asked,) = script.asked
    assert asked["method"] == "POST"
    assert asked["path"] == "/v3/company/4620816365/journalentry"
    assert asked["query"] == {"requestid": "w1-k1", "minorversion": "75"}
    assert (asked["token"], asked["accept"]) == ("t1", "application/json")
    assert outcomes["k1"].external_id == "55"
    assert script.metered == []


def test_a_rejected_token_is_renewed_once_and_the_same_bytes_go_again(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(401, GATEWAY_401)
    script.will(200, {"JournalEntry": REMOTE_ENTRY})

    send(client)

    assert script.tokens == ["", "t1"]
    first, second = script.asked
    assert (first["body"], first["query"]) == (second["body"], second["query"])
    assert (first["token"], second["token"]) == ("t1", "t2")


def test_a_second_401_means_the_grant_is_gone(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(401, GATEWAY_401)
    script.will(401, GATEWAY_401)

    with pytest.raises(AuthorizationLost):
        send(client)


@pytest.mark.parametrize(
    ("status", "body", "headers", "least_s", "most_s"),
    [
        (429, fault("3001", "SERVICE"), {}, 60, 75),
        (429, fault("3001", "SERVICE"), {"Retry_After": "120"}, 120, 135),
        (429, b"<IntuitResponse/>", {}, 60, 75),
        (429, b"<html>slow down</html>", {"Retry_After": "soon"}, 60, 75),
        (403, fault("003001"), {}, 60, 75),
        (200, fault("3001"), {}, 60, 60),
    ],
    ids=["json", "retry-after", "xml", "html", "old 403", "inside 200"],
)
def test_throttled_means_not_sent_for_a_minute(
    remote: tuple[Script, QuickBooks], status: int, body: Any, headers: dict[str, str], least_s: float, most_s: float
) -> None:
    script, client = remote
    script.will(status, body, **headers)

    with pytest.raises(NotSent) as caught:
        send(client)

    assert least_s <= caught.value.after_s <= most_s


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"Fault": {"Error": [{"code": "6000"}]}}),
        (502, b"<html>Bad gateway</html>"),
        (503, b""),
        (504, {}),
        (200, b"<html>Sign in</html>"),
        (200, b'{"JournalEntry":{"Id":"5'),
        (200, {}),
        (201, {"JournalEntry": REMOTE_ENTRY}),
        (302, b""),
        (400, {"error": "no fault"}),
        (403, b"<html>Forbidden</html>"),
        (404, b"not found"),
        (400, fault("600")),
        (400, fault("10000")),
    ],
)
def test_whatever_does_not_prove_an_outcome_is_unknown(
    remote: tuple[Script, QuickBooks], status: int, body: Any
) -> None:
    script, client = remote
    script.will(status, body)

    with pytest.raises(Unknown):
        send(client)


def test_a_lost_answer_is_unknown(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.answers.append(ConnectionResetError("cut"))

    with pytest.raises(Unknown):
        send(client)


def test_a_refused_connection_is_not_sent(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.answers.append(ConnectionRefusedError("closed"))

    with pytest.raises(NotSent):
        send(client)


def test_a_lost_answer_after_a_renewed_token_is_unknown(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(401, GATEWAY_401)
    script.answers.append(ConnectionResetError("cut"))

    with pytest.raises(Unknown):
        send(client)


@pytest.mark.parametrize(("status", "code"), [(403, "3100"), (400, "120"), (401, "3202")])
def test_lost_rights_end_the_connection(remote: tuple[Script, QuickBooks], status: int, code: str) -> None:
    script, client = remote
    script.will(status, fault(code, "AuthorizationFault"))
    script.will(status, fault(code, "AuthorizationFault"))

    with pytest.raises(AuthorizationLost):
        send(client)


@pytest.mark.parametrize("status", [400, 200])
def test_a_fault_is_a_refusal_whatever_the_status(remote: tuple[Script, QuickBooks], status: int) -> None:
    script, client = remote
    script.will(status, fault("6210"))

    outcomes = send(client)

    assert isinstance(outcomes["k1"], Refused)
    assert outcomes["k1"].code == "6210"


def test_batches_take_from_their_own_bucket_too(remote: tuple[Script, QuickBooks]) -> None:
    _, client = remote
    (single,) = client.render([ENTRY])
    (batch,) = client.render([ENTRY, make.post(make.entry(number="AMZ-1-2"), key="k2")])

    assert set(client.limits(single)) == {"calls"}
    assert set(client.limits(batch)) == {"calls", "batches"}


@pytest.mark.parametrize(("bucket", "per_second", "per_minute"), [("calls", 10, 500), ("batches", 10, 40)])
def test_rate_plans_stay_below_every_published_limit(
    remote: tuple[Script, QuickBooks], bucket: str, per_second: int, per_minute: int
) -> None:
    _, client = remote
    (batch,) = client.render([ENTRY, make.post(make.entry(number="AMZ-1-2"), key="k2")])

    plan = client.limits(batch)[bucket]

    assert plan.burst + plan.rate_per_s <= per_second
    assert plan.burst + plan.rate_per_s * 60 <= per_minute


# Look-ups --------------------------------------------------------------------------------------------------------------


def rows(entity: str, *found: Any) -> dict[str, Any]:
    return {"QueryResponse": {entity: list(found), "startPosition": 1, "maxResults": len(found)} if found else {}}


def test_an_entry_is_found_by_number_and_marker(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("JournalEntry", {**REMOTE_ENTRY, "PrivateNote": "by hand"}, REMOTE_ENTRY))

    result = client.find(ENTRY)

    assert script.asked[0]["query"]["query"] == "SELECT * FROM JournalEntry WHERE DocNumber = 'AMZ-17000000001-1'"
    assert isinstance(result, Found)
    assert (result.posted.external_id, result.live, result.equal) == ("55", True, True)
    assert script.metered == ["query"]


def test_a_number_used_by_another_program_is_not_ours(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("JournalEntry", {**REMOTE_ENTRY, "PrivateNote": "Settlement ref:somebody-else"}))

    assert client.find(ENTRY) == Absent()


def test_two_documents_with_our_mark_go_to_a_person(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("JournalEntry", REMOTE_ENTRY, {**REMOTE_ENTRY, "Id": "56"}))

    assert isinstance(client.find(ENTRY), CannotTell)


def test_deposits_are_looked_through_page_by_page(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    post = make.post(make.deposit())
    ours = {**body_of(post, make.COMPANY), "Id": "70", "SyncToken": "0", "TotalAmt": Decimal("85.00")}
    script.will(200, rows("Deposit", *({"Id": str(n), "PrivateNote": ""} for n in range(1000))))
    script.will(200, rows("Deposit", ours))

    result = client.find(post)

    assert [asked["query"]["query"] for asked in script.asked] == [
        "SELECT * FROM Deposit WHERE TxnDate = '2026-10-14' ORDERBY Id STARTPOSITION 1 MAXRESULTS 1000",
        "SELECT * FROM Deposit WHERE TxnDate = '2026-10-14' ORDERBY Id STARTPOSITION 1001 MAXRESULTS 1000",
    ]
    assert isinstance(result, Found)
    assert result.posted.total == 8500


PAYMENT = make.post(make.payment(), refs={"inv1": External("91", "0")})
REMOTE_PAYMENT = {**body_of(PAYMENT, make.COMPANY), "Id": "60", "SyncToken": "0"}


def test_a_payment_is_found_through_its_invoice(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("Invoice", {"Id": "91", "LinkedTxn": [{"TxnId": "60", "TxnType": "Payment"}]}))
    script.will(200, rows("Payment", REMOTE_PAYMENT))

    result = client.find(PAYMENT)

    assert script.asked[1]["query"]["query"] == "SELECT * FROM Payment WHERE Id IN ('60')"
    assert isinstance(result, Found)
    assert (result.posted.total, result.equal) == (3500, True)


def test_a_payment_that_lost_its_link_is_found_by_customer_and_date(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("Invoice", {"Id": "91"}))
    script.will(200, rows("Payment", {**REMOTE_PAYMENT, "Line": []}))

    result = client.find(PAYMENT)

    assert "CustomerRef = '77' AND TxnDate = '2026-10-14'" in script.asked[1]["query"]["query"]
    assert isinstance(result, Found)
    assert not result.equal


def test_somebody_elses_payment_on_the_invoice_does_not_hide_ours(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("Invoice", {"Id": "91", "LinkedTxn": [{"TxnId": "59", "TxnType": "Payment"}]}))
    script.will(200, rows("Payment", {"Id": "59", "PrivateNote": "by hand"}))
    script.will(200, rows("Payment", {"Id": "59", "PrivateNote": "by hand"}, {**REMOTE_PAYMENT, "Line": []}))

    result = client.find(PAYMENT)

    assert isinstance(result, Found)
    assert result.posted.external_id == "60"


def test_a_payment_nobody_has_is_absent(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, rows("Invoice", {"Id": "91"}))
    script.will(200, rows("Payment"))

    assert client.find(PAYMENT) == Absent()


@pytest.mark.parametrize(
    ("answer", "undone"),
    [
        (rows("Invoice"), True),
        (rows("Invoice", {"Id": "91", "SyncToken": "1", "PrivateNote": "Voided - ref:x"}), True),
        (rows("Invoice", {"Id": "91", "SyncToken": "0", "PrivateNote": "ref:x"}), False),
    ],
    ids=["deleted", "voided", "stands"],
)
def test_an_undo_is_done_where_its_target_is_gone_or_void(
    remote: tuple[Script, QuickBooks], answer: Any, undone: bool
) -> None:
    script, client = remote
    script.will(200, answer)

    result = client.find(make.post(make.undo("inv1", Kind.INVOICE), refs={"inv1": External("91", "0")}))

    assert isinstance(result, Found) is undone


def batch_of(*answers: Any) -> dict[str, Any]:
    return {"BatchItemResponse": [{"bId": str(n), **answer} for n, answer in enumerate(answers)]}


def test_a_customers_name_used_by_a_supplier_goes_to_a_person(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, batch_of(rows("Customer"), rows("Vendor", {"Id": "8"}), rows("Employee")))

    result = client.find(make.post(make.customer()))

    assert isinstance(result, CannotTell)
    assert "supplier" in result.reason
    assert script.metered == ["batch"]


def test_a_customer_is_absent_even_where_employees_may_not_be_read(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, batch_of(rows("Customer"), rows("Vendor"), fault("5020")))

    assert client.find(make.post(make.customer())) == Absent()


def test_a_customer_of_this_name_is_adopted(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, batch_of(rows("Customer", {"Id": "8", "SyncToken": "2"}), rows("Vendor"), rows("Employee")))

    result = client.find(make.post(make.customer()))

    assert isinstance(result, Found)
    assert (result.posted.external_id, result.live, result.equal) == ("8", True, True)


def test_a_refused_look_up_cannot_tell(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(400, fault("4001"))

    assert isinstance(client.find(ENTRY), CannotTell)


@pytest.mark.parametrize(("status", "body"), [(500, b""), (200, b"<html/>"), (400, fault("10000")), (404, {})])
def test_a_look_up_without_an_answer_is_tried_again_later(
    remote: tuple[Script, QuickBooks], status: int, body: Any
) -> None:
    script, client = remote
    script.will(status, body)

    with pytest.raises(NotSent):
        client.find(ENTRY)

    assert script.metered == []


def test_a_document_is_read_as_it_stands(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, {"JournalEntry": {**REMOTE_ENTRY, "SyncToken": "4"}})
    script.will(400, fault("610"))

    standing, gone = client.read(Kind.ENTRY, "55"), client.read(Kind.ENTRY, "56")

    assert standing == Posted(external_id="55", version="4", number="AMZ-17000000001-1", total=10000)
    assert gone is None


# Lists and checks ---------------------------------------------------------------------------------------------------


INFO = {
    "CompanyName": "Crafts Ltd",
    "Country": "USA",
    "NameValue": [
        {"Name": "OfferingSku", "Value": "QuickBooks Online Plus"},
        {"Name": "SubscriptionStatus", "Value": "PAID"},
    ],
}
PREFERENCES: dict[str, Any] = {
    "AccountingInfoPrefs": {"BookCloseDate": "2025-12-31", "TrackDepartments": True},
    "SalesFormsPrefs": {"CustomTxnNumbers": True, "AutoApplyCredit": False, "AutoApplyPayments": False},
    "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": "USD"}},
}
ACCOUNTS = [
    {
        "Id": "1",
        "Name": "Checking",
        "AccountType": "Bank",
        "AccountSubType": "Checking",
        "CurrentBalance": Decimal("12.50"),
    },
    {
        "Id": "2",
        "Name": "Payments to deposit",
        "AccountType": "Other Current Asset",
        "AccountSubType": "UndepositedFunds",
    },
    {
        "Id": "3",
        "Name": "Refunds",
        "AccountType": "Income",
        "AccountSubType": "DiscountsRefundsGiven",
        "AcctNum": "4100",
    },
]


def lists(**changes: Any) -> dict[str, Any]:
    parts = {
        "CompanyInfo": rows("CompanyInfo", INFO),
        "Preferences": rows("Preferences", PREFERENCES),
        "Account": rows("Account", *ACCOUNTS),
        "Item": rows(
            "Item", {"Id": "9", "Name": "Mug", "Type": "Service"}, {"Id": "10", "Name": "All", "Type": "Category"}
        ),
        "Customer": rows("Customer"),
        "Class": fault("5020"),
        "Department": rows("Department", {"Id": "1000000000000000001", "Name": "Berlin"}),
    }
    return batch_of(*{**parts, **changes}.values())


def test_lists_are_read_in_one_batch(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, lists())

    reference = client.reference()

    assert len(script.asked) == 1
    assert script.metered == ["batch"]
    assert (reference.company_name, reference.home_currency, reference.multicurrency) == ("Crafts Ltd", "USD", False)
    assert str(reference.closed_until) == "2025-12-31"
    assert [(each.id, each.account_class) for each in reference.accounts] == [
        ("1", AccountClass.BANK),
        ("2", None),
        ("3", AccountClass.CONTRA_INCOME),
    ]
    assert [each.id for each in reference.items] == ["9"]
    assert reference.classes == ()
    assert [each.id for each in reference.locations] == ["1000000000000000001"]


def test_first_pages_together_stay_within_what_one_batch_may_return(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, lists())

    client.reference()

    asked = script.asked[0]["body"].decode()
    sizes = [int(part.split('"')[0]) for part in asked.split("MAXRESULTS ")[1:]]
    assert sum(sizes) + 2 <= 1000


def test_a_long_list_is_read_on_page_by_page(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    full = [{"Id": str(n), "DisplayName": f"C{n}"} for n in range(200)]
    script.will(200, lists(Customer=rows("Customer", *full)))
    script.will(200, rows("Customer", {"Id": "200", "DisplayName": "C200"}))

    reference = client.reference()

    assert "STARTPOSITION 201 MAXRESULTS 1000" in script.asked[1]["query"]["query"]
    assert len(reference.customers) == 201


def test_balances_are_minor_units_of_the_accounts_currency(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    yen = {"Id": "4", "CurrentBalance": -500, "CurrencyRef": {"value": "JPY"}}
    script.will(200, rows("Account", *ACCOUNTS, yen))

    assert client.balances() == {"1": 1250, "2": 0, "3": 0, "4": -500}


def checked(script: Script, client: QuickBooks, mode: str = "orders", currency: str = "USD", **parts: Any) -> Any:
    answers = {
        "CompanyInfo": rows("CompanyInfo", INFO),
        "Preferences": rows("Preferences", PREFERENCES),
        "count": {"QueryResponse": {"totalCount": 40}},
        "Invoice": rows("Invoice"),
        "CompanyCurrency": fault("6000"),
    }
    script.will(200, batch_of(*{**answers, **parts}.values()))
    return {check.name: check for check in client.checks(mode, currency)}


def test_a_healthy_company_passes_every_check_in_one_read(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote

    steps = checked(script, client)

    assert {name: check.verdict for name, check in steps.items()} == dict.fromkeys(steps, Verdict.PASSED)
    assert script.metered == ["batch"]
    assert "2025-12-31" in steps["Closed period"].detail


def preferences(group: str, **changes: Any) -> dict[str, Any]:
    return rows("Preferences", {**PREFERENCES, group: {**PREFERENCES[group], **changes}})


@pytest.mark.parametrize(("mode", "verdict"), [("orders", Verdict.FAILED), ("summary", Verdict.WARNING)])
@pytest.mark.parametrize("name", ["AutoApplyCredit", "AutoApplyPayments"])
def test_automatic_application_blocks_orders_mode(
    remote: tuple[Script, QuickBooks], name: str, mode: str, verdict: Verdict
) -> None:
    step = checked(*remote, mode=mode, Preferences=preferences("SalesFormsPrefs", **{name: True}))[
        "Automatic application"
    ]

    assert (step.verdict, step.blocks) == (verdict, "orders")
    assert "switch it off" in step.action


@pytest.mark.parametrize(("mode", "verdict"), [("orders", Verdict.WARNING), ("summary", Verdict.PASSED)])
def test_own_numbers_are_warned_about_where_invoices_are_made(
    remote: tuple[Script, QuickBooks], mode: str, verdict: Verdict
) -> None:
    parts = {"Preferences": preferences("SalesFormsPrefs", CustomTxnNumbers=False)}

    assert checked(*remote, mode=mode, **parts)["Transaction numbers"].verdict is verdict


@pytest.mark.parametrize(
    ("multicurrency", "enabled", "verdict"),
    [
        (False, fault("6000"), Verdict.FAILED),
        (True, rows("CompanyCurrency", {"Code": "EUR"}), Verdict.FAILED),
        (True, rows("CompanyCurrency", {"Code": "GBP"}), Verdict.PASSED),
    ],
    ids=["one currency", "not enabled", "enabled"],
)
def test_a_foreign_settlement_currency_must_be_enabled(
    remote: tuple[Script, QuickBooks], multicurrency: bool, enabled: Any, verdict: Verdict
) -> None:
    parts = {
        "Preferences": preferences("CurrencyPrefs", MultiCurrencyEnabled=multicurrency),
        "CompanyCurrency": enabled,
    }

    step = checked(*remote, currency="GBP", **parts)["Currency"]

    assert (step.verdict, step.blocks) == (verdict, "posting" if verdict is Verdict.FAILED else "")


def test_an_ended_subscription_blocks_posting(remote: tuple[Script, QuickBooks]) -> None:
    info = {**INFO, "NameValue": [{"Name": "SubscriptionStatus", "Value": "EXPIRED"}]}

    step = checked(*remote, CompanyInfo=rows("CompanyInfo", info))["Subscription"]

    assert (step.verdict, step.blocks) == (Verdict.FAILED, "posting")


def test_a_full_chart_of_accounts_is_warned_about(remote: tuple[Script, QuickBooks]) -> None:
    step = checked(*remote, count={"QueryResponse": {"totalCount": 240}})["Plan limits"]

    assert step.verdict is Verdict.WARNING
    assert "240 of the 250" in step.detail


@pytest.mark.parametrize(("note", "verdict"), [("", Verdict.WARNING), ("ref:ours", Verdict.PASSED)])
def test_another_connector_is_noticed_by_its_order_numbers(
    remote: tuple[Script, QuickBooks], note: str, verdict: Verdict
) -> None:
    invoice = {"DocNumber": "113-0000001-0000001", "PrivateNote": note}

    assert checked(*remote, Invoice=rows("Invoice", invoice))["Other connectors"].verdict is verdict


def test_a_company_that_cannot_be_reached_fails_the_first_step_and_skips_the_rest(
    remote: tuple[Script, QuickBooks],
) -> None:
    script, client = remote
    script.answers.append(ConnectionRefusedError("closed"))

    first, *rest = client.checks("orders")

    assert (first.verdict, first.blocks) == (Verdict.FAILED, "posting")
    assert {check.verdict for check in rest} == {Verdict.SKIPPED}
