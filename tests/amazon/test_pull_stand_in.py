"""The whole Amazon side against the stand-in, from the consent page to stored settlements and orders."""

from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import pytest

from amazon import balances, payouts, summaries
from amazon.client import ServerTrouble, WaitFor
from amazon.cursors import cursor_for
from amazon.load import settlement_rows
from amazon.models import Balance, Order, Report, Resource, Settlement, Transaction
from amazon.pull import pull_orders, pull_settlements
from amazon.sandbox import DEMO_APPLICATION, AmazonStandIn
from amazon.transaction_pull import pull_transactions
from kit.http import Http, mount, unmount
from sandbox.seller import demo_seller
from tenants.connections import ConsentRefused, begin_consent, connect_with_credentials, finish_consent, run_checks
from tenants.grants import NeedsReconnect
from tenants.models import Bucket

BASES = ("https://sellingpartnerapi-na.amazon.com", "https://api.amazon.com", "https://sellercentral.amazon.com")
US = "ATVPDKIKX0DER"
BROWSER = Http("Mozilla/5.0")
pytestmark = pytest.mark.django_db


@pytest.fixture
def remote(settings):
    settings.AMAZON_APPLICATION_ID = DEMO_APPLICATION["application_id"]
    settings.AMAZON_CLIENT_ID = DEMO_APPLICATION["client_id"]
    settings.AMAZON_CLIENT_SECRET = DEMO_APPLICATION["client_secret"]
    stand_in = AmazonStandIn()
    for base in BASES:
        mount(base, stand_in)
    yield stand_in
    for base in BASES:
        unmount(base)


@pytest.fixture
def truth(remote):
    return remote.loading.load(demo_seller(datetime.now(UTC).date()))


@pytest.fixture
def consent(remote, truth, alice, acme):
    """Walk the consent pages as a browser would, deciding as told."""

    def walk(decision):
        url = begin_consent(alice, acme, "amazon", extra={"marketplace": US})
        page = Form.of(BROWSER.request("GET", url, deadline_s=5).body.decode())
        sent = urlencode(page.fields | {"decision": decision}).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = BROWSER.request("POST", urljoin(url, page.action), headers=headers, body=sent, deadline_s=5)
        callback = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        return finish_consent(alice, acme, "amazon", callback).connected[0]

    return walk


@pytest.fixture
def connection(consent, in_acme):
    return consent("allow")


def test_amazons_summary_payout_transactions_and_balances_agree_with_its_settlements(truth, connection, in_acme):
    pull_settlements(connection)

    payouts.ask(connection, Settlement.objects.all())
    summaries.ask(connection, summaries.wanted(connection))
    pulled = pull_transactions(connection)
    again = pull_transactions(connection)
    read = balances.read_balances(connection)

    settlements = list(Settlement.objects.all())
    assert all(one.summary_total == one.total for one in settlements)
    paid = [one for one in settlements if one.transferred]
    assert paid
    assert all(one.paid_out == one.total and one.trace_id and one.account_tail for one in paid)
    assert pulled.new == Transaction.objects.filter(current=True).count() > 0
    assert (again.new, again.changed) == (0, 0)
    assert not Transaction.objects.exclude(problem="").exists()
    assert read == Balance.objects.count() > 0


class Form(HTMLParser):
    """The fields of the page's form as they stand when it is shown."""

    @classmethod
    def of(cls, html):
        form = cls()
        form.action, form.fields = "", {}
        form.feed(html)
        return form

    def handle_starttag(self, tag, attrs):
        values = dict(attrs)
        if tag == "form":
            self.action = values["action"]
        if tag == "input" and (values["type"] == "hidden" or "checked" in values):
            self.fields[values["name"]] = values.get("value", "")


def test_a_seller_connects_through_the_consent_page(connection, truth):
    assert connection.remote_id == truth["seller"]["seller_id"]
    assert connection.remote_name == truth["seller"]["store_name"]
    assert connection.data["currencies"] == ["USD"]


def test_a_seller_who_declines_is_told_what_to_do(consent):
    with pytest.raises(ConsentRefused) as raised:
        consent("deny")

    assert raised.value.action


def test_pasted_credentials_open_the_same_seller(remote, truth, alice, acme):
    client_id, seller_id = DEMO_APPLICATION["client_id"], truth["seller"]["seller_id"]
    remote.lwa.authorise(client_id, seller_id)
    pasted = {
        "marketplace": US,
        "selling_partner_id": seller_id,
        "client_id": client_id,
        "client_secret": DEMO_APPLICATION["client_secret"],
        "refresh_token": remote.lwa.refresh_token(client_id, seller_id),
    }

    (connection,) = connect_with_credentials(alice, acme, "amazon", pasted).connected

    assert connection.remote_name == truth["seller"]["store_name"]


def test_the_connection_test_passes(connection):
    failed = [step for step in run_checks(connection) if step.verdict not in ("passed", "skipped")]

    assert failed == []


def test_every_settlement_arrives_as_the_truth_file_has_it(connection, truth):
    pull_settlements(connection)

    arrived = {
        s.settlement_id: (
            s.total,
            s.row_count,
            s.reserve_released,
            s.reserve_held,
            s.opening_debt,
            s.starts_at,
            s.ends_at,
        )
        for s in Settlement.objects.all()
    }
    assert arrived == {
        t["settlement_id"]: (
            t["total"],
            t["rows"],
            t["reserve_released"],
            -t["reserve_held"],
            t["opening_debt"],
            datetime.fromisoformat(t["starts_at"]),
            datetime.fromisoformat(t["ends_at"]),
        )
        for t in truth["settlements"]
    }


def test_rows_read_again_add_up_to_the_header(connection):
    pull_settlements(connection)

    for settlement in Settlement.objects.all():
        header, rows = settlement_rows(settlement)
        assert sum(row.amount for row in rows) == header.total == settlement.total


def test_every_order_arrives_once(connection, truth):
    pull_orders(connection)
    again = pull_orders(connection)

    counted = {status: Order.objects.filter(status=status).count() for status in truth["orders"]["by_status"]}
    assert counted == truth["orders"]["by_status"]
    assert (again.orders_new, again.orders_changed) == (0, 0)


def test_every_price_fulfils_a_known_identity(connection):
    pull_orders(connection)

    priced = [item for order in Order.objects.exclude(total=None) for item in order.items]
    assert priced
    assert {item["tax_basis"] for item in priced} <= {"none", "added", "included"}


def test_an_expired_token_is_renewed_in_the_middle(connection, remote, truth):
    remote.lwa.expire_access_tokens()

    result = pull_settlements(connection)

    assert len(result.settlements) == len(truth["settlements"])


def test_a_revoked_authorization_asks_for_a_new_consent(connection, remote, truth):
    remote.lwa.revoke(truth["seller"]["seller_id"])

    with pytest.raises(NeedsReconnect):
        pull_settlements(connection)


def test_a_replaced_refresh_token_is_kept(connection, remote):
    remote.switches["refresh_token_replaced"] = True

    for _ in range(3):
        remote.lwa.expire_access_tokens()
        pull_orders(connection)


@pytest.mark.parametrize("charset", ["as written", "none"])
@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_documents_are_read_however_they_are_delivered(connection, remote, truth, charset, compression):
    remote.switches["document_charset"], remote.switches["document_compression"] = charset, compression

    assert len(pull_settlements(connection).settlements) == len(truth["settlements"])


def test_a_truncated_document_is_refused_and_nothing_counts(connection, remote, truth):
    remote.switches["document_compression"] = "truncated"

    result = pull_settlements(connection)

    assert (result.refused, Settlement.objects.count()) == (len(truth["settlements"]), 0)


FAULTS = [
    {"boundary": "before_commit", "do": "status", "status": 503},
    {"boundary": "before_commit", "do": "status", "status": 500, "body": "html"},
    {"boundary": "after_commit", "do": "drop_answer"},
    {"boundary": "mid_answer", "do": "cut_body"},
]


@pytest.mark.parametrize("fault", FAULTS, ids=["503", "html", "lost answer", "cut body"])
@pytest.mark.parametrize("operation", ["getReports", "getReportDocument", "downloadDocument", "token"])
def test_trouble_anywhere_costs_nothing(connection, remote, truth, operation, fault, monkeypatch):
    monkeypatch.setattr("tenants.grants.PAUSE_S", 0)
    if operation == "token":
        remote.lwa.expire_access_tokens()
    remote.faults.add(operation=operation, **fault)

    try:
        pull_settlements(connection)
    except ServerTrouble:
        pull_settlements(connection)

    assert [rule["fired"] for rule in remote.faults.rules()] == [1]
    assert Settlement.objects.count() == len(truth["settlements"])
    assert not Report.objects.exclude(state=Report.State.LOADED).exists()


def test_the_published_plan_keeps_us_from_being_throttled(connection, remote, settings):
    def pull_more_than_the_burst():
        for _ in range(11):
            pull_settlements(connection)

    with pytest.raises(WaitFor) as raised:
        pull_more_than_the_burst()

    assert 0 < raised.value.seconds <= 47
    assert remote.counters()["getReports"].get("429", 0) == 0


def test_a_throttle_we_did_not_expect_is_waited_out(connection, remote, settings):
    for _ in range(10):
        pull_settlements(connection)
        Bucket.objects.all().delete()  # as if someone else used the same application for this seller

    with pytest.raises(WaitFor) as raised:
        pull_settlements(connection)

    assert raised.value.seconds >= 22
    assert cursor_for(connection, Resource.SETTLEMENTS).failures == 1
