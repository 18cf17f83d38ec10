"""Reports of the pretend Amazon: finding settlements, links that die, documents as they really come."""

import gzip
import zlib

import pytest

from sandbox.seller import demo_seller, v2_file
from tests.sandbox.amazon_caller import NOON, SETTLEMENTS, TODAY, demo_caller, first_error

RETIRED = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE"


@pytest.fixture
def caller():
    return demo_caller()


def newest(caller):
    return caller.settlements().json["reports"][0]


def test_settlements_are_listed_newest_first_with_their_period(caller):
    reports = caller.settlements(pageSize="100").json["reports"]

    truth = caller.control("truth", seller_id=caller.seller_id)
    assert [each["reportId"] for each in reports] == [each["report_id"] for each in reversed(truth["settlements"])]
    assert reports[0]["dataEndTime"].startswith(truth["settlements"][-1]["ends_at"][:19])
    assert {each["processingStatus"] for each in reports} == {"DONE"}


def test_pages_are_walked_with_the_token_alone(caller):
    first = caller.settlements(pageSize="4").json

    second = caller.reports(nextToken=first["nextToken"])

    assert [len(first["reports"]), len(second.json["reports"])] == [4, 2]
    assert "nextToken" not in second.json


def test_token_with_anything_beside_it_is_400(caller):
    token = caller.settlements(pageSize="4").json["nextToken"]

    answer = caller.settlements(nextToken=token)

    assert answer.status_code == 400


def test_token_holds_characters_that_need_encoding(caller):
    token = caller.settlements(pageSize="4").json["nextToken"]

    unencoded = caller.client.get(f"/reports/2021-06-30/reports?nextToken={token}", headers=caller.headers())

    assert {"+", "/", "="} <= set(token)
    assert unencoded.status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"reportTypes": SETTLEMENTS, "pageSize": "0"},
        {"reportTypes": SETTLEMENTS, "pageSize": "101"},
        {"reportTypes": SETTLEMENTS, "processingStatuses": "FINISHED"},
        {"reportTypes": ",".join([SETTLEMENTS] * 11)},
        {"reportTypes": SETTLEMENTS, "createdSince": "2026-08-01T00:00:00Z"},
        {"reportTypes": SETTLEMENTS, "createdSince": "yesterday"},
        {"nextToken": "bm9uc2Vuc2U="},
    ],
    ids=["no type", "page 0", "page 101", "status", "eleven types", "too old", "no date", "bad token"],
)
def test_get_reports_refuses(caller, query):
    answer = caller.reports(**query)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_page_has_ten_reports_unless_asked_otherwise(caller):
    for _ in range(6):
        caller.control("publish", seller_id=caller.seller_id, text="x")

    assert len(caller.settlements().json["reports"]) == 10


def test_marketplace_filter_does_not_part_settlements(caller):
    reports = caller.settlements(marketplaceIds="A2EUQ1WTGCTBG2").json["reports"]

    assert len(reports) == 6


def test_reports_vanish_after_ninety_days(caller):
    caller.stand_in.clock.advance(60 * 86_400)
    caller.access_token = caller.refresh()["access_token"]

    reports = caller.settlements(pageSize="100").json["reports"]

    assert len(reports) == 2


def test_report_is_queued_then_in_progress_then_done(caller):
    made = caller.control("publish", seller_id=caller.seller_id, text="x", takes_s=400)["report_id"]
    path = f"/reports/2021-06-30/reports/{made}"

    seen = []
    for seconds in (0, 200, 200):
        caller.stand_in.clock.advance(seconds)
        report = caller.get(path).json
        seen.append((report["processingStatus"], "reportDocumentId" in report))

    assert seen == [("IN_QUEUE", False), ("IN_PROGRESS", False), ("DONE", True)]


def test_cancelled_report_has_no_document_and_a_fatal_one_may_have(caller):
    cancelled = caller.control("publish", seller_id=caller.seller_id, status="CANCELLED")["report_id"]
    fatal = caller.control("publish", seller_id=caller.seller_id, status="FATAL", text="because")["report_id"]

    reports = {each["reportId"]: each for each in caller.settlements().json["reports"]}

    assert "reportDocumentId" not in reports[cancelled]
    assert reports[fatal]["reportDocumentId"]
    assert caller.settlements(processingStatuses="DONE", pageSize="100").json["reports"] == [
        each for each in reports.values() if each["processingStatus"] == "DONE"
    ]


@pytest.mark.parametrize("report_type", [SETTLEMENTS, RETIRED, "GET_NOTHING"], ids=["settlement", "retired", "unknown"])
def test_create_report_refuses_what_cannot_be_requested(caller, report_type):
    body = {"reportType": report_type, "marketplaceIds": ["ATVPDKIKX0DER"]}

    answer = caller.post("/reports/2021-06-30/reports", body)

    assert (answer.status_code, first_error(answer)["code"]) == (400, "InvalidInput")


def test_unknown_report_and_document_are_404(caller):
    report = caller.get("/reports/2021-06-30/reports/1")
    document = caller.document("amzn1.spdoc.1.4.na.nothing")

    assert (report.status_code, document.status_code) == (404, 404)


def test_document_unpacks_to_the_file_amazon_wrote(caller):
    document = caller.document(newest(caller)["reportDocumentId"]).json

    answer = caller.download(document["url"])

    account = demo_seller(TODAY)
    assert document["compressionAlgorithm"] == "GZIP"
    assert gzip.decompress(answer.data) == v2_file(account.settlements[-1], account.marketplace)
    assert answer.headers["Content-Type"] == "text/plain;charset=UTF-8"


def test_document_may_come_plain_and_without_charset(caller):
    caller.switch(document_compression="none", document_charset="none")
    document = caller.document(newest(caller)["reportDocumentId"]).json

    answer = caller.download(document["url"])

    assert "compressionAlgorithm" not in document
    assert answer.data.startswith(b"settlement-id\t")
    assert answer.headers["Content-Type"] == "text/plain"


def test_link_can_be_asked_to_name_its_encoding(caller):
    document = caller.document(newest(caller)["reportDocumentId"], enableContentEncodingUrlHeader="true").json

    answer = caller.download(document["url"])

    assert answer.headers["Content-Encoding"] == "gzip"


def test_truncated_document_cannot_be_unpacked(caller):
    caller.switch(document_compression="truncated")
    document = caller.document(newest(caller)["reportDocumentId"]).json

    content = caller.download(document["url"]).data

    with pytest.raises((EOFError, zlib.error)):
        gzip.decompress(content)


def test_link_dies_after_five_minutes_and_a_new_one_works(caller):
    document_id = newest(caller)["reportDocumentId"]
    url = caller.document(document_id).json["url"]
    caller.stand_in.clock.advance(299)
    alive = caller.download(url).status_code
    caller.stand_in.clock.advance(1)

    dead = caller.download(url)

    assert alive == 200
    assert dead.status_code == 403
    assert dead.headers["Content-Type"].startswith("application/xml")
    assert "Request has expired" in dead.text
    assert caller.download(caller.document(document_id).json["url"]).status_code == 200


def test_link_refuses_a_token_beside_its_signature_and_a_changed_link(caller):
    url = caller.document(newest(caller)["reportDocumentId"]).json["url"]

    with_token = caller.download(url, headers={"x-amz-access-token": caller.access_token})
    changed = caller.download(url.replace("X-Amz-Expires=300", "X-Amz-Expires=9000"))

    assert (with_token.status_code, changed.status_code) == (403, 403)
    assert "not signed" in with_token.text


def test_link_stays_below_the_address_the_caller_used(caller):
    document_id = newest(caller)["reportDocumentId"]

    answer = caller.client.get(
        f"/na/reports/2021-06-30/documents/{document_id}",
        base_url="http://127.0.0.1:9101",
        headers=caller.headers(),
    )

    assert answer.json["url"].startswith("http://127.0.0.1:9101/documents/amzn1.spdoc.")


@pytest.mark.parametrize(
    ("kind", "same_bytes", "same_rows"),
    [("same", True, True), ("other", False, True), ("changed", False, False)],
    ids=["same bytes", "other bytes", "changed rows"],
)
def test_settlement_can_be_published_again_under_another_id(caller, kind, same_bytes, same_rows):
    first = newest(caller)
    caller.control("republish", seller_id=caller.seller_id, report_id=first["reportId"], bytes=kind)

    again = newest(caller)

    one, two = (
        gzip.decompress(caller.download(caller.document(each["reportDocumentId"]).json["url"]).data)
        for each in (first, again)
    )
    assert again["reportId"] != first["reportId"]
    assert again["dataEndTime"] == first["dataEndTime"]
    assert (one == two) is same_bytes
    assert (one.split() == two.split()) is same_rows
    amounts = [
        [int(row.split(b"\t")[14].replace(b".", b"") or 0) for row in text.splitlines()[2:]] for text in (one, two)
    ]
    assert sum(amounts[0]) == sum(amounts[1])


def test_switch_can_be_set_for_one_seller_only(caller):
    caller.control("seller_switches", seller_id=caller.seller_id, values={"document_compression": "none"})

    document = caller.document(newest(caller)["reportDocumentId"]).json

    assert "compressionAlgorithm" not in document
    assert caller.stand_in.switches["document_compression"] == "gzip"


def test_switch_that_knows_no_seller_cannot_be_set_for_one(caller):
    given = {"seller_id": caller.seller_id, "values": {"denial": "stays"}}

    answer = caller.client.post("/_control/do/seller_switches", json=given)

    assert answer.status_code == 400


def test_big_settlement_is_published_with_its_truth(caller):
    stated = caller.control("big", rows=3000, seller_id=caller.seller_id)

    document = caller.document(newest(caller)["reportDocumentId"]).json
    content = gzip.decompress(caller.download(document["url"]).data)

    assert content.count(b"\n") == stated["rows"] + 2
    assert newest(caller)["reportId"] == stated["report_id"]


def test_seller_of_any_shape_can_be_loaded_with_its_style(caller):
    stated = caller.control(
        "seller",
        seed=5,
        shape={"country": "DE", "settlements": 3},
        style={"dates": "dotted", "numbers": "dot comma", "codec": "cp1252"},
    )

    kept = caller.stand_in.reports.content(stated["seller"]["seller_id"], stated["settlements"][0]["report_id"])

    assert stated["seller"]["region"] == "EU"
    assert stated["settlements"][0]["ends_at"] < NOON.isoformat()
    assert b" UTC\t" in kept
    assert b"," in kept.splitlines()[1]


def test_demo_seller_is_loaded_once(caller):
    before = caller.control("truth", seller_id=caller.seller_id)

    again = caller.control("demo", today="2026-12-01")

    assert again == before
    assert len(caller.settlements(pageSize="100").json["reports"]) == 6


def test_random_seller_of_the_same_seed_is_refused(caller):
    caller.control("seller", seed=5)

    answer = caller.client.post("/_control/do/seller", json={"seed": 5})

    assert answer.status_code == 400
