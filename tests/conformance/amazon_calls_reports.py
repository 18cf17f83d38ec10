"""Calls of the Reports API whose answers are held against its model."""

from tests.conformance.amazon_models import Call
from tests.sandbox.amazon_caller import SETTLEMENTS


def a_settlement(caller):
    report = caller.settlements().json["reports"][0]
    return {"report": report["reportId"], "document": report["reportDocumentId"]}


CALLS = [
    Call("getReports", {"reportTypes": SETTLEMENTS, "pageSize": "4"}),
    Call("getReports", status=400),
    Call("getReport", path={"reportId": "{report}"}, given=a_settlement),
    Call("getReport", status=404, path={"reportId": "none"}),
    Call("getReportDocument", path={"reportDocumentId": "{document}"}, given=a_settlement),
    Call("getReportDocument", status=404, path={"reportDocumentId": "none"}),
    Call("createReport", status=400, body={"reportType": SETTLEMENTS, "marketplaceIds": ["ATVPDKIKX0DER"]}),
]
