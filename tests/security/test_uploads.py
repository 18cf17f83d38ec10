"""Files made to break what reads, stores, shows or exports them."""

import csv
import gzip
import io
import re
import threading
import time
import zlib

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from amazon.models import Report, ReportChunk, Settlement
from amazon.upload import import_file
from flows.models import Delivery
from kit.scope import scope
from tests.amazon.settlements import SALE, v2
from tests.web.small_books import flow_of, plan_of, post, settle

pytestmark = pytest.mark.django_db
MARK = "<img src=x onerror=alert(1)>"
MARKED = MARK.encode()
GOOD = v2().encode()


def bomb(mebibytes):
    """Gzip of zeros, made without holding them."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    piece = packer.compress(bytes(1 << 20))
    return piece + b"".join(packer.compress(bytes(1 << 20)) for _ in range(mebibytes - 1)) + packer.flush()


def many(mebibytes):
    """As many gzip members, one behind the other."""
    return b"".join(gzip.compress(bytes(1 << 20)) for _ in range(mebibytes))


BAD = {
    "a zip bomb": bomb(512),
    "a bomb of many members": many(64),
    "a bomb of empty members": gzip.compress(b"") * 20_000,
    "a line without an end": b"settlement-id\t" + b"x" * (3 << 20),
    "a million columns": b"\t".join([b"settlement-id"] * 60_000) + b"\n" + GOOD,
    "a row of a million cells": GOOD + b"\tx" * 400_000 + b"\n",
    "zero bytes": GOOD.replace(b"Principal", b"Prin\0cipal"),
    "nothing but line ends": b"\n" * 40_000,
    "an amount that is no number": GOOD.replace(b"20.00", b"NaN"),
    "an amount that is endless": GOOD.replace(b"20.00", b"9" * 5_000),
    "an amount beyond 64 bits": GOOD.replace(b"\t20.00", b"\t99999999999999999999.00"),
    "endless units": GOOD.replace(b"\tAFN", b"\tAFN").replace(b"LAMP-1\t", b"LAMP-1\t" + b"9" * 5_000),
    "an amount with a huge exponent": GOOD.replace(b"20.00", b"1E+999999999"),
    "a date far out": GOOD.replace(b"2026-01-01 01:00:00", b"9999-99-99 99:99:99"),
    "an unknown currency": GOOD.replace(b"\tUSD\t", b"\tXX" + MARKED + b"\t"),
    "an id that is a path": GOOD.replace(b"15000000001", b"../../etc/x"),
    "an endless id": GOOD.replace(b"15000000001", b"1" * 500),
    "an endless order id": GOOD.replace(b"701-1234567-1234567", b"7" * 5_000),
    "an endless label": GOOD.replace(b"Principal", b"P" * 5_000),
    "an endless SKU": GOOD.replace(b"LAMP-1", b"L" * 5_000),
    "an endless marketplace": GOOD.replace(b"Amazon.com", b"A" * 5_000),
    "backtracking spaces": GOOD.replace(b"20.00", b" " * 100_000 + b"!"),
    "backtracking digits": GOOD.replace(b"20.00", b"1," * 50_000 + b"!"),
    "UTF-16": v2().encode("utf-16"),
    "cut gzip": gzip.compress(GOOD)[:-8],
    "XML with entities": b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
}


@pytest.mark.parametrize("content", BAD.values(), ids=BAD.keys())
def test_a_file_made_to_break_something_is_refused_quickly_and_leaves_nothing(signed_in, bob, acme, content):
    page = signed_in(bob)
    before = time.monotonic()

    answer = page.post(reverse("flows:upload"), {"file": SimpleUploadedFile(MARK, content)})

    assert answer.status_code == 422
    assert time.monotonic() - before < 10
    assert MARK not in answer.content.decode()
    with scope(acme.pk):
        assert not Settlement.objects.exists()
        assert not ReportChunk.objects.exists()
        assert list(Report.objects.values_list("state", flat=True)) in ([], ["refused"])


@pytest.mark.parametrize(
    "name",
    [
        "../../../etc/passwd",
        "C:\\windows\\x.txt",
        MARK,
        "x" * 5_000 + ".txt",
        "a\r\nSet-Cookie: b=c.txt",
        "=cmd|' /C calc'!A0",
        "\u202etxt.exe",
    ],
)
def test_the_name_of_a_file_is_only_shown(signed_in, bob, acme, name):
    page = signed_in(bob)

    page.post(reverse("flows:upload"), {"file": SimpleUploadedFile(name, b"nonsense\n")})

    with scope(acme.pk):
        stored = Report.objects.get().name
    assert "/" not in stored
    assert len(stored) <= 255
    assert MARK not in page.get(reverse("flows:files")).content.decode()


PAGES = (
    "flows:dashboard",
    "flows:settlements",
    "flows:files",
    "flows:orders",
    "audit:records",
    "flows:flows",
    "tenants:alerts",
    "tenants:connections",
)


@pytest.fixture
def marked(acme):
    """A company in which whatever comes from outside tries to be markup, or a formula."""
    flow = flow_of(acme, name=MARK)
    rows = (*SALE, ("Order", MARK, MARK, "7.25"), ("=1+1", "@SUM(A1)", "-2+3", "1.00"))
    settlement = settle(acme, rows=rows, sku=MARK, order=MARK)
    other = post(plan_of(settle(acme, "15000000002", start="2026-01-15", sku="=1+1", order="@SUM(1)")))
    with scope(acme.pk):
        Delivery.objects.filter(plan__settlement=settlement).update(
            reason=f"QuickBooks says: {MARK}", action=MARK, number="=1+1", external_id="+1", order_id="@SUM(1)"
        )
    return flow, settlement, other


def test_nothing_from_outside_becomes_markup(signed_in, alice, acme, marked):
    flow, settlement, other = marked
    page = signed_in(alice)
    with scope(acme.pk):
        plan, delivery = plan_of(settlement), Delivery.objects.filter(plan__settlement=settlement).first()
    acme.name = MARK
    acme.save()
    addresses = [reverse(name) for name in PAGES]
    addresses += [reverse(f"flows:{name}", args=[settlement.pk]) for name in ("settlement", "rows")]
    addresses += [reverse(f"flows:{name}", args=[plan.pk]) for name in ("approve", "difference")]
    addresses += [reverse("flows:undo", args=[other.pk]), reverse("audit:record", args=[delivery.pk])]
    names = (
        "flow",
        "flow_edit",
        "dry_run",
        "mapping_accounts",
        "mapping_skus",
        "mapping_customers",
        "mapping_labels",
        "rule_new",
        "mapping_history",
        "flow_live",
        "flow_mode",
    )
    addresses += [reverse(f"flows:{name}", args=[flow.pk]) for name in names]
    seen = 0

    for address in addresses:
        answer = page.get(address)
        assert answer.status_code in (200, 302), address
        text = answer.content.decode()
        assert "<img src=x" not in text, address
        seen += "&lt;img src=x onerror" in text

    assert seen > len(addresses) / 2
    echoed = page.get(f"{reverse('audit:records')}?text={MARK}&state={MARK}&page={MARK}&flow={MARK}").content.decode()
    assert "<img src=x" not in echoed


def test_no_cell_of_an_export_is_a_formula(signed_in, alice, acme, marked):
    answer = signed_in(alice).get(reverse("audit:export_records"))

    content = b"".join(answer.streaming_content).decode()
    rows = list(csv.reader(io.StringIO(content)))
    number = re.compile(r"-?\d+(\.\d+)?")
    for row in rows[1:]:
        for cell in row:
            assert cell[:1] not in ("=", "+", "-", "@", "\t", "\r", "\n") or number.fullmatch(cell), cell
    assert any("'=1+1" in row for row in rows)
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["Content-Type"].startswith("text/csv")


def test_a_million_numbers_in_a_filter_break_nothing(signed_in, alice):
    page = signed_in(alice)
    for query in (
        "page=" + "9" * 4_000,
        "flow=" + "9" * 4_000,
        "year=" + "9" * 4_000,
        "text=%00",
        "from_day=0000-00-00",
        "plan=-1",
        "page=1e9",
    ):
        for address in ("audit:records", "flows:settlements", "flows:orders", "audit:export_records"):
            assert page.get(f"{reverse(address)}?{query}").status_code == 200, (address, query)


@pytest.mark.parametrize("ids", [["9" * 4_000], ["-1"], ["٣"], ["1"] * 3_000])
def test_numbers_that_are_none_break_no_replay(signed_in, alice, ids):
    assert signed_in(alice).post(reverse("audit:replay_many"), {"id": ids}).status_code in (302, 400)


def test_the_same_file_by_many_at_once_is_one_settlement(shared_database, settings):
    from tests import factories

    acme = factories.TenantFactory()
    fates, failures = [], []

    def bring():
        from django.db import connection

        try:
            fates.append(import_file(acme.pk, [GOOD], "a.txt", "user:1").fate.name)
        except Exception as error:
            failures.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=bring) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert sorted(fates) == ["NEW", "SAME", "SAME", "SAME"]
    with scope(acme.pk):
        assert Settlement.objects.count() == 1
