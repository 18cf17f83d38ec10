"""What changed in a company: few metered reads, and never an answer taken for whole that may be cut."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bookkeeping.documents import Kind
from kit import clock
from ledgers.port import Kept, NotSent
from ledgers.quickbooks import changed
from ledgers.quickbooks.client import QuickBooks
from ledgers.quickbooks.tests.scripted import Script, scripted

YESTERDAY = timedelta(days=1)


@pytest.fixture
def remote() -> Iterator[tuple[Script, QuickBooks]]:
    with scripted() as pair:
        yield pair


def answered(**rows: list[dict[str, Any]]) -> dict[str, Any]:
    parts = [
        {entity: found, "startPosition": 1, "maxResults": len(found)} if found else {} for entity, found in rows.items()
    ]
    return {"CDCResponse": [{"QueryResponse": parts}], "time": "2026-11-20T03:00:00.000-08:00"}


def many(count: int) -> list[dict[str, Any]]:
    return [{"Id": str(number), "SyncToken": "0"} for number in range(count)]


def test_one_call_names_the_entities_and_the_moment_with_its_offset(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    since = clock.now() - YESTERDAY
    gone = {"Id": "7", "status": "Deleted", "domain": "QBO"}
    void = {"Id": "8", "SyncToken": "2", "PrivateNote": "Voided - mine", "TotalAmt": 0}
    script.will(200, answered(Deposit=[gone], Invoice=[void], Transfer=[]))

    found = client.changes([Kind.INVOICE, Kind.DEPOSIT, Kind.TRANSFER], since)

    [asked] = script.asked
    assert (asked["method"], asked["path"].rpartition("/")[2]) == ("GET", "cdc")
    assert asked["query"]["entities"] == "Deposit,Invoice,Transfer"
    assert datetime.fromisoformat(asked["query"]["changedSince"]) == since.replace(microsecond=0)
    assert asked["query"]["changedSince"].endswith("+00:00")
    assert script.metered == ["cdc"]
    assert found.documents == (Kept(Kind.DEPOSIT, "7", False), Kept(Kind.INVOICE, "8", False, "2", void))
    assert (found.incomplete, found.until) == (frozenset(), datetime(2026, 11, 20, 11, tzinfo=UTC))


def test_an_answer_near_the_cap_is_asked_for_entity_by_entity(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(200, answered(Deposit=many(10), Invoice=many(changed.FULL)))
    script.will(200, answered(Deposit=many(10)))
    script.will(200, answered(Invoice=many(changed.FULL)))

    found = client.changes([Kind.INVOICE, Kind.DEPOSIT], clock.now() - YESTERDAY)

    assert [asked["query"]["entities"] for asked in script.asked] == ["Deposit,Invoice", "Deposit", "Invoice"]
    assert found.incomplete == {Kind.INVOICE}
    assert len(found.documents) == 10 + changed.FULL


def test_what_is_too_far_back_is_not_asked_for(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote

    found = client.changes([Kind.INVOICE], clock.now() - timedelta(days=30))

    assert (found.documents, found.incomplete, script.asked) == ((), {Kind.INVOICE}, [])


def test_a_refused_question_leaves_every_kind_open(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    script.will(400, {"Fault": {"Error": [{"Message": "m", "Detail": "d", "code": "6000"}], "type": "ValidationFault"}})

    found = client.changes([Kind.INVOICE, Kind.ENTRY], clock.now() - YESTERDAY)

    assert found.incomplete == {Kind.INVOICE, Kind.ENTRY}


@pytest.mark.parametrize(
    "body",
    [{"CDCResponse": []}, {"time": "now"}, {"CDCResponse": [{"QueryResponse": "?"}]}],
    ids=["empty", "none", "odd"],
)
def test_an_answer_that_says_nothing_is_never_taken_for_no_change(
    remote: tuple[Script, QuickBooks], body: dict[str, Any]
) -> None:
    script, client = remote
    script.will(200, body)

    with pytest.raises(NotSent):
        client.changes([Kind.INVOICE], clock.now() - YESTERDAY)


def test_documents_are_read_a_thousand_to_a_call(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    first = [{"bId": str(n), "QueryResponse": {"Invoice": many(100)} if n == 0 else {}} for n in range(10)]
    script.will(200, {"BatchItemResponse": first, "time": "now"})
    script.will(200, {"BatchItemResponse": [{"bId": "0", "QueryResponse": {}}], "time": "now"})

    kept = client.kept(Kind.INVOICE, [str(number) for number in range(1001)])

    assert len(script.asked) == 2
    assert script.metered == ["batch", "batch"]
    assert b"SELECT * FROM Invoice WHERE Id IN ('0', '1', " in script.asked[0]["body"]
    assert [each.live for each in kept] == [True] * 100 + [False] * 901


def test_documents_that_may_not_be_read_are_never_taken_for_gone(remote: tuple[Script, QuickBooks]) -> None:
    script, client = remote
    fault = {"Error": [{"Message": "m", "Detail": "d", "code": "5020"}], "type": "ValidationFault"}
    script.will(200, {"BatchItemResponse": [{"bId": "0", "Fault": fault}], "time": "now"})

    with pytest.raises(NotSent):
        client.kept(Kind.INVOICE, ["1"])
