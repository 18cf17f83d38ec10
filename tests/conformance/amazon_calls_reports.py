"""Calls of the Reports API whose answers are held against its model."""

from amazon.sandbox.all_orders import BY_ORDER_DATE
from tests.conformance.amazon_models import Call
from tests.sandbox.amazon_caller import SETTLEMENTS

US = ["ATVPDKIKX0DER"]
SCHEDULED = {"reportType": "GET_MERCHANT_LISTINGS_ALL_DATA", "marketplaceIds": US, "period": "P1D"}
WANTED = {
    "reportType": BY_ORDER_DATE,
    "marketplaceIds": US,
    "dataStartTime": "2026-10-21T00:00:00Z",
    "dataEndTime": "2026-11-20T00:00:00Z",
}
A_REPORT = {"reportId": "{report}"}
A_SCHEDULE = {"reportScheduleId": "{schedule}"}


def a_settlement(caller):
    report = caller.settlements().json["reports"][0]
    return {"report": report["reportId"], "document": report["reportDocumentId"]}


def asked_for(seconds, outcome="by data"):
    """A report as it stands so many seconds after it was asked for."""

    def given(caller):
        caller.switch(report_outcome=outcome)
        report_id = caller.post("/reports/2021-06-30/reports", WANTED).json["reportId"]
        caller.switch(report_outcome="by data")
        caller.stand_in.clock.advance(seconds)
        return {"report": report_id}

    return given


def a_schedule(caller):
    return {"schedule": caller.post("/reports/2021-06-30/schedules", SCHEDULED).json["reportScheduleId"]}


CALLS = [
    Call("getReports", {"reportTypes": SETTLEMENTS, "pageSize": "4"}),
    Call("getReports", {"reportTypes": BY_ORDER_DATE}, given=asked_for(0)),
    Call("getReports", status=400),
    Call("getReport", path=A_REPORT, given=a_settlement),
    Call("getReport", path=A_REPORT, given=asked_for(0)),
    Call("getReport", path=A_REPORT, given=asked_for(60)),
    Call("getReport", path=A_REPORT, given=asked_for(120)),
    Call("getReport", path=A_REPORT, given=asked_for(120, "cancelled")),
    Call("getReport", path=A_REPORT, given=asked_for(120, "fatal with a document")),
    Call("getReport", status=404, path={"reportId": "none"}),
    Call("getReportDocument", path={"reportDocumentId": "{document}"}, given=a_settlement),
    Call("getReportDocument", status=404, path={"reportDocumentId": "none"}),
    Call("createReport", status=202, body=WANTED),
    Call("createReport", status=400, body={"reportType": SETTLEMENTS, "marketplaceIds": US}),
    Call("cancelReport", path=A_REPORT, given=asked_for(0)),
    Call("cancelReport", status=400, path=A_REPORT, given=asked_for(120)),
    Call("cancelReport", status=404, path={"reportId": "none"}),
    Call("createReportSchedule", status=201, body=SCHEDULED),
    Call("createReportSchedule", status=400, body={**SCHEDULED, "period": "P9D"}),
    Call("getReportSchedules", {"reportTypes": SCHEDULED["reportType"]}, given=a_schedule),
    Call("getReportSchedules", status=400),
    Call("getReportSchedule", path=A_SCHEDULE, given=a_schedule),
    Call("getReportSchedule", status=404, path={"reportScheduleId": "none"}),
    Call("cancelReportSchedule", path=A_SCHEDULE, given=a_schedule),
    Call("cancelReportSchedule", status=404, path={"reportScheduleId": "none"}),
]
