"""Reports a seller asks the pretend Amazon for: the queue, its ends, what is refused, schedules, who hears of it."""

import gzip

import pytest

from amazon.sandbox import report_requests
from amazon.sandbox.all_orders import BY_LAST_UPDATE, BY_ORDER_DATE
from amazon.sandbox.telling import Silent
from tests.sandbox.amazon_caller import SETTLEMENTS, demo_caller, first_error

RANGE = {"dataStartTime": "2026-10-21T00:00:00Z", "dataEndTime": "2026-11-20T00:00:00Z"}
NOTHING = {"dataStartTime": "2026-01-01T00:00:00Z", "dataEndTime": "2026-01-02T00:00:00Z"}
TOO_LONG = {"dataStartTime": "2026-10-01T00:00:00Z", "dataEndTime": "2026-11-20T00:00:00Z"}
LISTINGS = "GET_MERCHANT_LISTINGS_ALL_DATA"
SCHEDULES = "/reports/2021-06-30/schedules"
REPORTS = "/reports/2021-06-30/reports"


class Listener(Silent):
    def __init__(self):
        self.heard = []

    def tell(self, kind, seller_id, payload):
        self.heard.append((kind, seller_id, payload["reportId"], payload["processingStatus"]))


@pytest.fixture
def caller():
    return demo_caller()


def asked(caller, report_type=BY_ORDER_DATE, **body):
    answer = caller.request_report(report_type, **body or RANGE)
    assert answer.status_code == 202, answer.text
    return answer.json["reportId"]


def finished(caller, report_type=BY_ORDER_DATE, **body):
    """The report after its two minutes."""
    report_id = asked(caller, report_type, **body)
    caller.stand_in.clock.advance(120)
    return caller.report(report_id)


def content(caller, report):
    return gzip.decompress(caller.download(caller.document(report["reportDocumentId"]).json["url"]).data)


def test_report_waits_is_worked_on_and_is_done(caller):
    report_id, seen = asked(caller), []

    for seconds in (29, 1, 89, 1):
        caller.stand_in.clock.advance(seconds)
        report = caller.report(report_id)
        seen.append((report["processingStatus"], "processingStartTime" in report, "reportDocumentId" in report))

    assert seen == [
        ("IN_QUEUE", False, False),
        ("IN_PROGRESS", True, False),
        ("IN_PROGRESS", True, False),
        ("DONE", True, True),
    ]
    assert report["dataStartTime"] == "2026-10-21T00:00:00.000Z"


def test_file_is_made_of_the_orders_known_when_it_is_processed(caller):
    order_id = caller.orders(createdAfter=RANGE["dataStartTime"], fulfillmentStatuses="UNSHIPPED").json["orders"][0]
    before, after = asked(caller), asked(caller, BY_LAST_UPDATE)
    caller.stand_in.clock.advance(120)

    caller.control("update_order", seller_id=caller.seller_id, order_id=order_id["orderId"], status="SHIPPED")
    later = finished(caller)

    line = order_id["orderId"].encode()
    early, late = (
        next(each for each in content(caller, report).splitlines() if each.startswith(line))
        for report in (caller.report(before), later)
    )
    assert b"\tUnshipped\t" in early
    assert b"\tShipped\t" in late
    assert caller.report(after)["processingStatus"] == "DONE"


def test_range_without_orders_is_cancelled_and_so_is_the_default_one(caller):
    empty, default = finished(caller, **NOTHING), finished(caller, marketplaceIds=["ATVPDKIKX0DER"])
    elsewhere = finished(caller, **RANGE, marketplaceIds=["A2EUQ1WTGCTBG2"])

    for report in (empty, default, elsewhere):
        assert report["processingStatus"] == "CANCELLED"
        assert "reportDocumentId" not in report


def test_report_can_be_cancelled_while_it_waits_and_no_longer(caller):
    waiting, working = asked(caller), asked(caller, BY_LAST_UPDATE)
    answer = caller.delete(f"{REPORTS}/{waiting}")
    caller.stand_in.clock.advance(30)

    too_late = caller.delete(f"{REPORTS}/{working}")
    caller.stand_in.clock.advance(90)

    assert (answer.status_code, answer.data) == (200, b"")
    assert too_late.status_code == 400
    assert caller.delete(f"{REPORTS}/1").status_code == 404
    cancelled = caller.report(waiting)
    assert cancelled["processingStatus"] == "CANCELLED"
    assert "processingStartTime" not in cancelled
    assert caller.report(working)["processingStatus"] == "DONE"


def test_processing_can_fail_with_or_without_saying_why(caller):
    caller.switch(report_outcome="fatal")
    silent = finished(caller)
    caller.switch(report_outcome="fatal with a document")
    explained = finished(caller)

    assert (silent["processingStatus"], explained["processingStatus"]) == ("FATAL", "FATAL")
    assert "reportDocumentId" not in silent
    assert b"errorDetails" in content(caller, explained)


@pytest.mark.parametrize(
    ("setting", "status", "end"),
    [
        ("cut", "DONE", "2026-10-31T00:00:00.000Z"),
        ("whole", "DONE", "2026-11-20T00:00:00.000Z"),
        ("fatal", "FATAL", ""),
    ],
)
def test_range_over_thirty_days_goes_as_the_switch_says(caller, setting, status, end):
    refused = caller.request_report(BY_ORDER_DATE, **TOO_LONG)
    caller.switch(report_long_range=setting)

    report = finished(caller, **TOO_LONG)

    assert (refused.status_code, first_error(refused)["code"]) == (400, "InvalidInput")
    assert report["processingStatus"] == status
    assert end in ("", report["dataEndTime"])


def test_identical_requests_close_together_go_as_the_switch_says(caller):
    first = asked(caller)
    anew = asked(caller)
    caller.switch(report_identical="same report")
    same = asked(caller)
    caller.switch(report_identical="earlier document")
    copied = asked(caller)
    caller.switch(report_identical="cancelled")
    cancelled = asked(caller)
    caller.stand_in.clock.advance(1801)
    later = asked(caller)
    caller.stand_in.clock.advance(120)

    assert same == first != anew
    assert caller.report(copied)["reportDocumentId"] == caller.report(first)["reportDocumentId"]
    assert caller.report(anew)["reportDocumentId"] != caller.report(first)["reportDocumentId"]
    assert caller.report(cancelled)["processingStatus"] == "CANCELLED"
    assert caller.report(later)["processingStatus"] == "DONE"


@pytest.mark.parametrize(
    "body",
    [
        {"marketplaceIds": []},
        {"marketplaceIds": ["A"] * 26},
        {"marketplaceIds": "ATVPDKIKX0DER"},
        {"reportOptions": {"a": 1}},
        {"dataStartTime": "yesterday"},
        {"dataStartTime": "2026-11-20T00:00:00Z", "dataEndTime": "2026-11-19T00:00:00Z"},
        {"dataStartTime": "2026-11-20T00:00:00Z", "dataEndTime": "2026-11-21T00:00:00Z"},
        {"reportType": "GET_NOTHING"},
        {"reportType": SETTLEMENTS},
        {"reportType": "GET_V2_SETTLEMENT_REPORT_DATA_XML"},
    ],
    ids=["no place", "26 places", "text", "options", "no date", "turned", "future", "unknown", "settlement", "retired"],
)
def test_create_report_refuses(caller, body):
    answer = caller.request_report(**{"report_type": BY_ORDER_DATE, **RANGE, **body})

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_order_reports_need_their_role_and_vanish_after_thirty_days(caller):
    report = finished(caller)
    caller.stand_in.clock.advance(30 * 86_400)
    caller.access_token = caller.refresh()["access_token"]
    gone = caller.get(f"{REPORTS}/{report['reportId']}"), caller.document(report["reportDocumentId"])
    caller.control("application", roles=["Finance and Accounting"])
    caller.control("authorise", seller_id=caller.seller_id)

    denied = caller.request_report(BY_ORDER_DATE, **RANGE), caller.reports(reportTypes=BY_ORDER_DATE)

    assert [each.status_code for each in gone] == [404, 404]
    assert [each.status_code for each in denied] == [403, 403]


def test_first_link_can_have_expired_already(caller):
    caller.switch(document_link="first expired")
    report = finished(caller)
    first, second = (caller.document(report["reportDocumentId"]).json["url"] for _ in range(2))

    expired, alive = caller.download(first), caller.download(second)

    assert (expired.status_code, alive.status_code) == (403, 200)
    assert "Request has expired" in expired.text


def test_schedule_replaces_the_one_before_and_makes_reports(caller):
    body = {"reportType": LISTINGS, "marketplaceIds": ["ATVPDKIKX0DER"], "period": "PT5M"}
    first = caller.post(SCHEDULES, body)
    second = caller.post(SCHEDULES, {**body, "period": "PT1H"})
    kept = caller.get(SCHEDULES, reportTypes=LISTINGS).json["reportSchedules"]
    caller.stand_in.clock.advance(3 * 3600 - 1)
    caller.access_token = caller.refresh()["access_token"]

    (report,) = caller.reports(reportTypes=LISTINGS).json["reports"]
    schedule = caller.get(f"{SCHEDULES}/{report['reportScheduleId']}")
    cancelled = caller.delete(f"{SCHEDULES}/{report['reportScheduleId']}")

    assert (first.status_code, second.status_code) == (201, 201)
    assert [(each["reportScheduleId"], each["period"]) for each in kept] == [(second.json["reportScheduleId"], "PT1H")]
    assert schedule.json["nextReportCreationTime"] == "2026-11-20T15:00:00.000Z"
    assert (cancelled.status_code, cancelled.data) == (200, b"")
    assert caller.get(f"{SCHEDULES}/{report['reportScheduleId']}").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{"period": "PT7M"}, {"period": None}, {"reportType": BY_ORDER_DATE}, {"nextReportCreationTime": "soon"}],
    ids=["period", "no period", "all orders", "no date"],
)
def test_schedule_is_refused(caller, body):
    answer = caller.post(SCHEDULES, {"reportType": LISTINGS, "marketplaceIds": ["A"], "period": "P1D", **body})

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_listener_hears_once_of_every_end_whoever_wanted_the_report(caller):
    listener = Listener()
    caller.stand_in.reports.teller = listener
    done, empty, stopped = asked(caller), asked(caller, **NOTHING), asked(caller, BY_LAST_UPDATE)
    caller.delete(f"{REPORTS}/{stopped}")
    published = caller.control("publish", seller_id=caller.seller_id, text="x")["report_id"]
    early = list(listener.heard)
    caller.stand_in.clock.advance(120)

    for _ in range(2):
        caller.settlements()

    assert {each[2:] for each in early} <= {(stopped, "CANCELLED"), (published, "DONE")}
    assert sorted(each[2:] for each in listener.heard) == sorted(
        [(done, "DONE"), (empty, "CANCELLED"), (stopped, "CANCELLED"), (published, "DONE")]
    )
    assert {each[:2] for each in listener.heard} == {("REPORT_PROCESSING_FINISHED", caller.seller_id)}


def test_many_long_files_come_over_several_requests(caller, monkeypatch):
    monkeypatch.setattr(report_requests, "_AT_ONCE", 1)
    asked_for = [asked(caller) for _ in range(3)]
    caller.stand_in.clock.advance(120)

    seen = []
    for _ in range(3):
        reports = [caller.stand_in.reports.visible(caller.seller_id, each) for each in asked_for]
        seen.append([(each["processingStatus"], "processingEndTime" in each) for each in reports])
        caller.settlements()

    waiting, done = ("IN_PROGRESS", False), ("DONE", True)
    assert seen == [[waiting] * 3, [done, waiting, waiting], [done, done, waiting]]
