"""Bringing settlement reports in, against queued answers."""

import gzip
from datetime import timedelta

import pytest

from amazon.client import Client, Forbidden, ServerTrouble, Throttled, WaitFor
from amazon.cursors import Busy, cursor_for, look_again
from amazon.load import accept_revision, reject_revision, settlement_rows
from amazon.models import Cursor, Report, ReportChunk, Resource, Settlement
from amazon.pull import fetch_again, pull_settlements
from amazon.reports import ReportDamaged, open_report, store
from audit.models import Event
from kit.clock import now
from kit.http import Http, mount, unmount
from tenants.models import Alert
from tests.amazon.fake_api import BASE, FILES, FakeApi, fault
from tests.amazon.settlements import v2
from tests.factories import ConnectionFactory

REPORTS = "/reports/2021-06-30/reports"
pytestmark = pytest.mark.django_db


class FakeAmazon(FakeApi):
    """Lists reports and serves their documents; ``files[report id]`` is the bytes, or a list of answers one by one."""

    def __init__(self):
        super().__init__()
        self.listed = []
        self.answer(REPORTS, lambda asked: (200, {"reports": list(self.listed)}))

    def publish(self, report_id, content, *, days_ago=1, gzipped=False, content_type="text/plain;charset=UTF-8"):
        content = content.encode() if isinstance(content, str) else content
        created = (now() - timedelta(days=days_ago)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.listed.insert(0, {
            "reportId": report_id,
            "reportType": "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2",
            "processingStatus": "DONE",
            "createdTime": created,
            "reportDocumentId": f"doc-{report_id}",
        })  # fmt: skip
        packed = {"compressionAlgorithm": "GZIP"} if gzipped else {}
        document = {"reportDocumentId": f"doc-{report_id}", "url": f"{FILES}/{report_id}?sig=secret", **packed}
        self.answer(f"/reports/2021-06-30/documents/doc-{report_id}", (200, document))
        self.answer(
            f"/{report_id}", (200, gzip.compress(content) if gzipped else content, {"Content-Type": content_type})
        )


@pytest.fixture
def amazon():
    fake = FakeAmazon()
    mount(BASE, fake)
    mount(FILES, fake)
    yield fake
    unmount(BASE)
    unmount(FILES)


@pytest.fixture
def connection(in_acme):
    return ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER", data={"region": "NA"})


@pytest.fixture
def client():
    return Client(Http("Tieout/1.0"), BASE, lambda rejected="": "Atza|1", lambda operation: 0.0, sleep=pytest.fail)


@pytest.fixture
def pull(connection, client):
    return lambda: pull_settlements(connection, client)


def test_a_report_becomes_a_settlement(amazon, pull):
    rows = (("other-transaction", "other-transaction", "Previous Reserve Amount Balance", "7.00"),
            ("Order", "ItemPrice", "Principal", "20.00"),
            ("other-transaction", "other-transaction", "Current Reserve Amount", "-5.00"),
            ("other-transaction", "other-transaction", "Payable to Amazon", "-1.25"))  # fmt: skip
    amazon.publish("r1", v2(rows=rows))

    (settlement,) = pull().settlements

    assert settlement.settlement_id == "15000000001"
    assert (settlement.total, settlement.currency, settlement.row_count) == (2075, "USD", 4)
    assert (settlement.reserve_released, settlement.reserve_held, settlement.opening_debt) == (700, -500, -125)
    assert settlement.marketplaces == ["Amazon.com"]
    assert (settlement.seller_id, settlement.report.report_id) == ("A1SELLER", "r1")
    assert settlement.report.state == Report.State.LOADED


def test_rows_are_read_again_from_the_sealed_chunks(amazon, pull):
    amazon.publish("r1", v2(), gzipped=True)

    (settlement,) = pull().settlements
    header, rows = settlement_rows(settlement)

    assert header.total == 1250
    assert [row.amount for row in rows] == [2000, -300, -450]
    assert "LAMP-1" not in ReportChunk.objects.get().sealed


def test_the_same_report_is_taken_in_once(amazon, pull):
    amazon.publish("r1", v2())

    pull()
    again = pull()

    assert again.settlements == []
    assert len(amazon.asked_for("/r1")) == 1
    assert Settlement.objects.count() == 1


def test_the_cursor_moves_to_the_newest_report_taken_in(amazon, pull, connection):
    amazon.publish("r1", v2("15000000001"), days_ago=20)
    amazon.publish("r2", v2("15000000002", start="2026-01-15"), days_ago=6)

    pull()

    cursor = cursor_for(connection, Resource.SETTLEMENTS)
    assert cursor.watermark.isoformat()[:19] + "Z" == amazon.listed[0]["createdTime"]
    assert cursor.claimed_until is None


def test_the_cursor_never_passes_a_report_that_is_not_stored(amazon, pull, connection):
    amazon.publish("r1", v2("15000000001"), days_ago=20)
    amazon.publish("r2", v2("15000000002", start="2026-01-15"), days_ago=6)
    amazon.answers["/r1"] = [ConnectionResetError(), (200, v2("15000000001").encode())]

    with pytest.raises(ServerTrouble):
        pull()
    stuck_at = cursor_for(connection, Resource.SETTLEMENTS).watermark
    result = pull()

    assert stuck_at is None
    assert [s.settlement_id for s in result.settlements] == ["15000000001", "15000000002"]


def test_what_a_killed_pull_left_half_loaded_is_removed_and_loaded_again(amazon, pull, connection, in_acme):
    amazon.publish("r1", v2())
    half = Report.objects.create(
        connection=connection, seller_id="A1SELLER", origin="api", report_id="r1", created_at=now()
    )
    ReportChunk.objects.create(report=half, ordinal=0, sealed="x")

    (settlement,) = pull().settlements

    assert settlement.report_id != half.pk
    assert not Report.objects.filter(pk=half.pk).exists()


def test_a_download_that_breaks_off_leaves_nothing_behind(amazon, pull):
    amazon.publish("r1", v2())
    amazon.answers["/r1"] = [ConnectionResetError()]

    with pytest.raises(ServerTrouble):
        pull()

    assert Report.objects.count() == ReportChunk.objects.count() == 0


def test_a_dead_address_is_asked_for_again(amazon, pull):
    amazon.publish("r1", v2())
    amazon.answers["/r1"].insert(0, (403, b"<Error><Message>Request has expired</Message></Error>"))

    result = pull()

    assert len(result.settlements) == 1
    assert len(amazon.asked_for("/reports/2021-06-30/documents/doc-r1")) == 2


def test_a_cut_gzip_is_fetched_a_second_time(amazon, pull):
    amazon.publish("r1", v2(), gzipped=True)
    amazon.answers["/r1"].insert(0, (200, gzip.compress(v2().encode())[:-12]))

    assert len(pull().settlements) == 1


def test_a_gzip_that_stays_cut_is_refused_and_the_next_report_goes_on(amazon, pull):
    amazon.publish("r1", v2("15000000001"), days_ago=20)
    amazon.publish("r2", v2("15000000002", start="2026-01-15"), days_ago=6)
    amazon.answers["/r1"] = [(200, gzip.compress(v2().encode())[:-12])]

    result = pull()

    assert (result.refused, [s.settlement_id for s in result.settlements]) == (1, ["15000000002"])
    assert "cut off" in Report.objects.get(report_id="r1").problem


def test_rows_that_do_not_add_up_are_refused_with_the_difference(amazon, pull, in_acme):
    amazon.publish("r1", v2(total="99.99"))

    result = pull()

    report = Report.objects.get()
    assert (result.refused, report.state, report.refused_line) == (1, Report.State.REFUSED, 2)
    assert "12.50" in report.problem
    assert report.action
    assert Settlement.objects.count() == 0
    assert Alert.objects.get().kind == "file_refused"


def test_a_refused_report_is_not_fetched_again(amazon, pull):
    amazon.publish("r1", v2(total="99.99"))

    pull()
    pull()

    assert len(amazon.asked_for("/r1")) == 1


def test_a_refused_report_can_be_fetched_again(amazon, pull):
    amazon.publish("r1", v2(), days_ago=60)
    amazon.publish("r2", v2("15000000002", start="2026-01-15"), days_ago=2)
    amazon.answers["/r1"] = [(200, b"nothing of the kind")]
    pull()

    amazon.answers["/r1"] = [(200, v2().encode())]
    fetch_again(Report.objects.get(report_id="r1"), "alice@acme.test")
    result = pull()

    since = amazon.asked_for(REPORTS)[-1].query["createdSince"]
    assert [s.settlement_id for s in result.settlements] == ["15000000001"]
    assert since < amazon.listed[1]["createdTime"]
    assert not Alert.objects.filter(settled_at=None).exists()


def test_a_report_whose_file_is_gone_tells_the_seller_to_upload_it(amazon, pull):
    amazon.publish("r1", v2())
    amazon.answers["/reports/2021-06-30/documents/doc-r1"] = [fault(404, "NotFound")]

    assert pull().refused == 1

    assert "upload" in Report.objects.get().action


def test_the_same_settlement_under_another_report_brings_nothing_new(amazon, pull):
    amazon.publish("r1", v2(), days_ago=3)
    amazon.publish("r2", v2().replace("\n", "\r\n"), days_ago=1)

    result = pull()

    assert (len(result.settlements), result.seen_again) == (1, 1)
    assert [r.state for r in result.settlements[0].reports.order_by("report_id")] == ["loaded", "loaded"]
    assert Alert.objects.count() == 0


@pytest.fixture
def revised(amazon, pull):
    """A settlement that came again with other rows."""
    amazon.publish("r1", v2(), days_ago=3)
    amazon.publish("r2", v2(rows=(("Order", "ItemPrice", "Principal", "21.00"),)), days_ago=1)
    return pull()


def test_the_same_settlement_with_other_rows_waits_for_a_person(revised):
    settlement = Settlement.objects.get()

    assert revised.revised == [settlement]
    assert (settlement.total, settlement.revision, settlement.report.report_id) == (1250, 1, "r1")
    assert Report.objects.get(report_id="r2").state == Report.State.REVISION
    assert Alert.objects.get(settled_at=None).kind == "settlement_differs"


def test_the_same_other_version_under_a_third_report_waits_once(amazon, pull, revised):
    amazon.publish("r3", v2(rows=(("Order", "ItemPrice", "Principal", "21.00"),)), days_ago=0)

    assert pull().seen_again == 1

    assert Report.objects.filter(state=Report.State.REVISION).count() == 1


def test_an_accepted_revision_takes_the_place_of_the_first_version(revised):
    settlement = accept_revision(Report.objects.get(report_id="r2"), "alice@acme.test")

    assert (settlement.total, settlement.revision, settlement.report.report_id) == (2100, 2, "r2")
    assert [row.amount for row in settlement_rows(settlement)[1]] == [2100]
    assert not Alert.objects.filter(settled_at=None).exists()


def test_a_rejected_revision_changes_nothing_and_cannot_be_decided_twice(revised):
    report = Report.objects.get(report_id="r2")

    reject_revision(report, "alice@acme.test")

    assert Settlement.objects.get().total == 1250
    with pytest.raises(ValueError, match="decision"):
        accept_revision(report, "alice@acme.test")


def test_two_pulls_do_not_read_at_the_same_time(amazon, pull, connection):
    cursor_for(connection, Resource.SETTLEMENTS)
    Cursor.objects.update(claimed_until=now() + timedelta(seconds=90))

    with pytest.raises(Busy) as raised:
        pull()

    assert raised.value.seconds == 5
    assert amazon.asked == []


def test_a_pull_that_lost_its_lease_stores_no_settlement(amazon, pull, connection):
    def taken_over(asked):
        Cursor.objects.update(fence=99)
        return 200, v2().encode()

    amazon.publish("r1", v2())
    amazon.answers["/r1"] = [taken_over]

    with pytest.raises(WaitFor, match="taken over"):
        pull()

    assert Settlement.objects.count() == 0
    assert cursor_for(connection, Resource.SETTLEMENTS).watermark is None


def test_trouble_waits_longer_each_time_and_success_forgets_it(amazon, pull, connection):
    amazon.answers[REPORTS] = [fault(429, "QuotaExceeded")] * 2 + [(200, {"reports": []})]
    waits = []

    for _ in range(2):
        with pytest.raises(Throttled) as raised:
            pull()
        waits.append(raised.value.seconds)
    asked_to_wait = cursor_for(connection, Resource.SETTLEMENTS)
    pull()

    assert waits[1] >= 45
    assert (asked_to_wait.failures, asked_to_wait.due_at > now()) == (2, True)
    assert cursor_for(connection, Resource.SETTLEMENTS).failures == 0


def test_a_notice_that_comes_during_a_pull_is_not_forgotten(amazon, pull, connection):
    def noticed(asked):
        look_again(connection, Resource.SETTLEMENTS)
        return 200, {"reports": []}

    amazon.answers[REPORTS] = [noticed, (200, {"reports": []})]

    pull()
    after_first = cursor_for(connection, Resource.SETTLEMENTS).due_at
    pull()

    assert after_first is not None
    assert cursor_for(connection, Resource.SETTLEMENTS).due_at is None


def test_a_missing_role_raises_an_alert_that_ends_when_the_role_is_there(amazon, pull):
    amazon.answers[REPORTS] = [fault(403, "Unauthorized")] * 2 + [(200, {"reports": []})]

    with pytest.raises(Forbidden):
        pull()
    open_before = Alert.objects.filter(settled_at=None).count()
    pull()

    assert (open_before, Alert.objects.filter(settled_at=None).count()) == (1, 0)


def test_the_trail_tells_how_a_settlement_came_in(amazon, pull):
    amazon.publish("r1", v2())

    pull()

    assert list(Event.objects.order_by("seq").values_list("kind", flat=True)) == [
        "report.stored",
        "cursor.moved",
        "settlement.loaded",
    ]
    assert "secret" not in str(list(Event.objects.values_list("data", flat=True)))


def test_chunks_have_at_most_a_mebibyte_and_come_back_in_order(in_acme):
    content = bytes(range(256)) * 10_000

    report = store([content[:5], content[5:]], tenant_id=in_acme.pk, origin=Report.Origin.UPLOAD)

    assert report.chunk_count == 3
    assert b"".join(open_report(report)) == content


def test_swapped_chunks_are_noticed(in_acme):
    report = store([b"a" * (1 << 20) + b"b"], tenant_id=in_acme.pk, origin=Report.Origin.UPLOAD)
    ReportChunk.objects.filter(ordinal=0).update(ordinal=7)
    ReportChunk.objects.filter(ordinal=1).update(ordinal=0)
    ReportChunk.objects.filter(ordinal=7).update(ordinal=1)

    with pytest.raises(ReportDamaged):
        list(open_report(report))
