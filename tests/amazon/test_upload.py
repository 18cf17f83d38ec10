"""Settlement files from a person's hand."""

import gzip
import io
import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from amazon import child, load
from amazon.flat_errors import BadSettlementFile
from amazon.load import Fate, settlement_rows
from amazon.models import Report, ReportChunk, Settlement
from amazon.upload import WhichSeller, import_file
from kit.scope import scope
from tests.amazon.settlements import SALE, v2
from tests.factories import ConnectionFactory, TenantFactory

SAMPLE = Path(__file__).parents[3] / "shared/samples/settlement_v1_ca_cad_2025-08.txt"
pytestmark = pytest.mark.django_db


@pytest.fixture
def upload(acme):
    def upload_to_acme(content, name="settlement.txt", **more):
        content = content.encode() if isinstance(content, str) else content
        return import_file(acme.pk, [content[:7], content[7:]], name, "alice@acme.test", **more)

    return upload_to_acme


def test_a_file_needs_no_connection_to_amazon(upload, in_acme):
    imported = upload(v2())

    assert (imported.fate, imported.settlement.total, imported.settlement.seller_id) == (Fate.NEW, 1250, "")
    assert imported.report.actor == "alice@acme.test"


@pytest.mark.parametrize("pack", [str.encode, lambda text: gzip.compress(text.encode())], ids=["plain", "gzip"])
def test_plain_and_gzip_files_give_the_same_settlement(upload, in_acme, pack):
    imported = upload(pack(v2()))

    assert [row.amount for row in settlement_rows(imported.settlement)[1]] == [2000, -300, -450]


def test_the_same_file_twice_is_one_settlement_and_says_so(upload, in_acme):
    first, second = upload(v2()), upload(v2())

    assert second.settlement == first.settlement
    assert "already here" in second.message
    assert Settlement.objects.count() == 1


def test_the_file_of_the_only_account_gets_its_seller(upload, in_acme):
    connection = ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER")

    settlement = upload(v2()).settlement

    assert (settlement.seller_id, settlement.connection) == ("A1SELLER", connection)


def test_with_several_accounts_a_person_must_choose(upload, in_acme):
    first, _ = (ConnectionFactory(tenant=in_acme, provider="amazon", remote_id=f"A{n}") for n in (1, 2))

    with pytest.raises(WhichSeller):
        upload(v2())
    chosen = upload(v2(), connection_id=first.pk)

    assert chosen.settlement.seller_id == "A1"


def test_another_tenants_account_cannot_be_chosen(upload, in_acme, globex):
    theirs = ConnectionFactory(tenant=globex, provider="amazon", remote_id="A9")

    with pytest.raises(WhichSeller):
        upload(v2(), connection_id=theirs.pk)

    assert Report.objects.count() == 0


def test_a_settlement_uploaded_before_connecting_gets_its_seller_afterwards(upload, in_acme):
    before = upload(v2()).settlement
    ConnectionFactory(tenant=in_acme, provider="amazon", remote_id="A1SELLER")

    again = upload(v2())

    assert (again.fate, again.settlement.pk) == (Fate.SAME, before.pk)
    assert again.settlement.seller_id == "A1SELLER"


def test_another_tenants_settlement_is_not_seen(upload, globex):
    upload(v2())

    with scope(globex.pk):
        imported = import_file(globex.pk, [v2().encode()], "s.txt", "charlie@globex.test")

    assert imported.fate is Fate.NEW


BOMB = gzip.compress(b"\0" * (64 << 20))


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(b"", "empty", id="empty"),
        pytest.param(b"date,amount\n2026-01-01,5\n", "settlement", id="a csv"),
        pytest.param(BOMB, "far more", id="gzip bomb"),
        pytest.param(gzip.compress(v2().encode())[:-9], "cut off", id="cut gzip"),
        pytest.param(gzip.compress(v2().encode())[:-8] + b"12345678", "damaged", id="gzip checksum"),
        pytest.param(v2(total="0.01"), "12.50", id="rows that do not add up"),
        pytest.param(v2()[:-30], "line|Line|column", id="truncated"),
        pytest.param(b"PK\x03\x04" + os.urandom(100), "Excel", id="workbook"),
    ],
)
def test_a_file_that_cannot_be_trusted_is_kept_as_refused_and_nothing_counts(upload, in_acme, content, problem):
    with pytest.raises(BadSettlementFile, match=problem) as raised:
        upload(content)

    report = Report.objects.get()
    assert (report.state, report.problem, report.action) == ("refused", raised.value.problem, raised.value.action)
    assert report.action
    assert Settlement.objects.count() == ReportChunk.objects.count() == 0


def test_a_bomb_is_stopped_long_before_it_has_unfolded(upload, in_acme, monkeypatch):
    stored = []
    monkeypatch.setattr("amazon.reports._store_chunk", lambda report, ordinal, packed: stored.append(ordinal))

    with pytest.raises(BadSettlementFile):
        upload(BOMB)

    assert len(stored) <= 20


def test_a_file_over_the_cap_is_refused(upload, in_acme, monkeypatch):
    monkeypatch.setattr("amazon.unpack.MAX_PLAIN_BYTES", 1000)

    with pytest.raises(BadSettlementFile, match="larger"):
        upload(v2(rows=SALE * 100))


def test_a_real_settlement_of_the_older_layout_ties(upload, in_acme):
    if not SAMPLE.exists():
        pytest.skip(f"{SAMPLE.name} is not here")

    settlement = upload(SAMPLE.read_bytes(), SAMPLE.name).settlement

    assert (settlement.settlement_id, settlement.total, settlement.currency) == ("24288684721", 101608, "CAD")
    assert settlement.opening_debt == -6231


def test_a_japanese_file_without_a_charset_is_read_in_japans_code_page(upload, in_acme):
    rows = (("Order", "ItemPrice", "Principal", "1980"),)

    settlement = upload(v2(rows=rows, currency="JPY", sku="ランプ").encode("cp932")).settlement

    assert settlement.total == 1980
    assert [row.sku for row in settlement_rows(settlement)[1]] == ["ランプ"]


def test_two_processes_with_the_same_new_settlement_make_one(upload, in_acme, monkeypatch):
    first = upload(v2()).settlement
    real, answers = load._known, [lambda *args: None]  # the second process looked a moment too early
    monkeypatch.setattr(load, "_known", lambda *args: (answers.pop() if answers else real)(*args))

    second = upload(v2())

    assert (second.settlement, second.fate) == (first, Fate.SAME)


def test_the_command_takes_the_same_way(acme, in_acme, tmp_path):
    good, bad, out = tmp_path / "good.txt", tmp_path / "bad.txt", io.StringIO()
    good.write_text(v2())
    bad.write_text(v2("15000000002", total="1.00"))

    with pytest.raises(CommandError, match="1 of 2"):
        call_command("upload_settlement", str(good), str(bad), tenant=acme.pk, stdout=out, stderr=out)

    assert "good.txt: Settlement 15000000001 was read: 3 rows" in out.getvalue()
    assert "bad.txt: refused." in out.getvalue()


def test_the_command_needs_no_number_where_there_is_one_company(acme, in_acme, tmp_path):
    file = tmp_path / "settlement.txt"
    file.write_text(v2())

    call_command("upload_settlement", str(file), stdout=io.StringIO())

    assert Settlement.objects.get().tenant == acme


@pytest.mark.parametrize("given", [None, 0], ids=["not given", "no such"])
def test_the_command_names_the_companies_to_choose_from(acme, tmp_path, given):
    beta = TenantFactory(name="Beta")

    with pytest.raises(CommandError, match=f"--tenant: {acme.pk} {acme.name}, {beta.pk} {beta.name}$"):
        call_command("upload_settlement", str(tmp_path / "settlement.txt"), tenant=given)


def test_a_file_that_is_not_there_is_named(acme, tmp_path):
    with pytest.raises(CommandError, match=r"nothing\.txt: No such file"):
        call_command("upload_settlement", str(tmp_path / "nothing.txt"))


def test_a_long_file_is_read_in_a_child_process(upload, in_acme, monkeypatch):
    asked = []

    def run_in_child(work, *args):
        asked.append(args)
        return work(*args)

    monkeypatch.setattr(load, "LONG_FILE_LINES", 4)
    monkeypatch.setattr(load, "run_in_child", run_in_child)

    imported = upload(v2(rows=SALE * 2))

    assert asked == [(imported.report.pk,)]


@pytest.fixture
def a_database_others_can_see(monkeypatch):
    """The test database lives in memory; work that touches none of it may still go to a child."""
    monkeypatch.setattr("django.db.backends.sqlite3.base.DatabaseWrapper.is_in_memory_db", lambda self: False)


def test_work_in_a_child_happens_in_another_process(a_database_others_can_see):
    assert child.run_in_child(os.getpid) != os.getpid()


def test_what_a_child_raises_is_raised_here(a_database_others_can_see):
    with pytest.raises(BadSettlementFile) as raised:
        child.run_in_child(refuse_line, 7)

    assert raised.value.line == 7


def test_an_error_that_cannot_travel_comes_as_text(a_database_others_can_see):
    with pytest.raises(child.ChildFailed, match="only here"):
        child.run_in_child(fail_with_something_local)


def test_a_child_works_in_the_callers_scope(a_database_others_can_see, in_acme):
    from kit.scope import current_tenant_id

    assert child.run_in_child(current_tenant_id) == in_acme.pk


def fail_with_something_local():
    class Local(Exception):
        pass

    raise Local("only here")


def refuse_line(line):
    raise BadSettlementFile(line, "Wrong.", "Mend it.")
