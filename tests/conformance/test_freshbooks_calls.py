"""Every call of the FreshBooks client, and every answer of the pretend FreshBooks to it, is as the published description says.

Where the facts say that the live service differs, they win by name. The calls are those of a whole life on both plans:
connecting, creating, posting, looking up, reading back, taking back.
"""

import io
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl

import pytest
from jsonschema import Draft202012Validator

from bookkeeping.documents import Kind
from kit import http
from ledgers.freshbooks.tests import factories as make
from ledgers.freshbooks.tests.rig import BASE, Rig, rig
from tests.conformance.test_freshbooks_stand_in import (
    ABSENT,
    BEYOND,
    DIFFERENCES,
    IDS,
    SPEC,
    TEXT,
    beyond,
    described,
    differences,
    pytestmark,  # noqa: F401 - the same marks hold here
    spec,  # noqa: F401 - a fixture
)
from tests.contract.abilities import send, undo

A, B = "/accounting/account/{accountId}", "/accounting/businesses/{businessUuid}"
# Addresses that the description leaves out and the facts have.
UNDESCRIBED = {
    ("GET", f"{A}/journal_entries/journal_entry_details"),
    ("GET", f"{B}/ledger_accounts/accounts"),
    ("POST", f"{B}/ledger_accounts/accounts"),
}
# Identity has no ``result`` level; a test of the stand-in says so.
ME = "/auth/api/v1/users/me"
# What the description leaves out of what may be written, and the facts have.
WRITTEN = {"invoice.invoice_number", "payment.send_client_notification", "payment.vis_state"}
# Where what is written differs from the description and the facts win.
UPDATED = "an update carries what changes and nothing else, whatever is required of a new object"
WRITTEN_OTHERWISE = {
    "InvoiceWrite.invoice": UPDATED,
    "PaymentWrite.payment": UPDATED,
    "ExpenseWrite.expense": UPDATED,
    "PaymentWrite.invoiceid": IDS,
    "JournalEntryDetail.debit": TEXT,
    "JournalEntryDetail.credit": TEXT,
}
# Search keys that work on the live service, by list; whatever else is asked for is ignored without a word.
SEARCHED = {
    f"{A}/users/clients": {"organization_like"},
    f"{A}/invoices/invoices": {"invoice_number", "invoiceids", "updated_min"},
    f"{A}/payments/payments": {"invoiceid", "updated_min"},
    f"{A}/expenses/expenses": {"vendor", "date_min", "date_max", "updated_min"},
    f"{A}/journal_entries/journal_entry_details": {"sub_accountid", "start_date", "end_date"},
}
PLAIN = {"page", "per_page", "include[]", "sort"}
SORTED = {f"{A}/invoices/invoices": {"invoice_date_desc"}}


@dataclass
class Exchange:
    method: str
    template: str
    query: list[tuple[str, str]]
    body: Any
    status: int = 0
    answer: Any = None


@dataclass
class Listening:
    """The stand-in, with every exchange written down."""

    stand_in: Any
    heard: list[Exchange] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        sent = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        exchange = Exchange(
            environ["REQUEST_METHOD"],
            template_of(environ["PATH_INFO"]),
            parse_qsl(environ["QUERY_STRING"]),
            json.loads(sent) if sent else None,
        )

        def started(status: str, headers: Any, *rest: Any) -> Any:
            exchange.status = int(status.split()[0])
            return start_response(status, headers, *rest)

        answer = b"".join(self.stand_in({**environ, "wsgi.input": io.BytesIO(sent)}, started))
        exchange.answer = json.loads(answer)
        self.heard.append(exchange)
        return [answer]


def template_of(path: str) -> str:
    path = re.sub(r"^/accounting/account/\w+", A, path)
    path = re.sub(r"^/accounting/businesses/[\w-]+", B, path)
    single = {"clients": "clientId", "invoices": "invoiceId", "payments": "paymentId", "expenses": "expenseId"}
    return re.sub(r"/(\w+)/\d+$", lambda found: f"/{found[1]}/{{{single[found[1]]}}}", path)


def a_life(made: Rig) -> None:
    """Everything the client is asked for in a flow's life."""
    since = made.now() - timedelta(hours=1)
    able = made.ledger.capabilities
    made.ledger.reference()
    made.ledger.checks("orders", made.currency)
    documents = {
        "c1": make.customer("Amazon.de (rig)", currency="EUR"),
        "m1": make.item("Another item", sku="MUG"),
        "a1": make.new_account("FEE_STORAGE", "Storage of ours"),
        "i1": make.invoice(memo="A note", tracking="1Z"),
        "p1": make.payment("i1"),
        "x1": make.expense(key="ADS"),
        "e1": make.entry(),
        "t1": make.transfer(target="PAYOUTS"),
    }
    documents = {key: each for key, each in documents.items() if each.kind in able.kinds}
    posted: dict[str, Any] = {}
    for key, document in documents.items():
        posted |= made.deliver(made.post(document, key, posted))
        made.ledger.find(made.post(document, key, posted))
    written = {key: each for key, each in documents.items() if each.kind in able.readable}
    made.ledger.changes(able.readable, since)
    for kind in {each.kind for each in written.values()}:
        ids = [posted[key].external_id for key, each in written.items() if each.kind is kind]
        made.ledger.kept(kind, ids)
        if kind not in (Kind.ENTRY, Kind.TRANSFER):
            made.ledger.kept(kind, [*ids, "991", "992", "993", "994"])
    made.ledger.balances()
    made.ledger.forget(posted["c1"].external_id, "Removed buyer (Amazon abcdefgh)", hide=True)
    for key, document in reversed(written.items()):
        taking = made.post(undo(made, key, document), f"u-{key}", posted)
        send(made, taking)
        made.ledger.find(taking)


@pytest.fixture(scope="module")
def heard() -> list[Exchange]:
    exchanges: list[Exchange] = []
    for plan in ("Plus", "Lite"):
        with rig(plan) as made:
            listening = Listening(made.stand_in)
            http.mount(BASE, listening)
            a_life(made)
            exchanges += listening.heard
    return exchanges


def told(heard, spec):  # noqa: F811
    """Exchanges whose address the description has."""
    return [each for each in heard if each.template in spec["paths"] and each.template != ME]


def test_every_address_is_described_or_named(heard, spec):  # noqa: F811
    asked = {(each.method, each.template) for each in heard}

    strange = {each for each in asked if each[0].lower() not in spec["paths"].get(each[1], {})}

    assert strange == UNDESCRIBED
    assert not any(part in template for _, template in asked for part in ABSENT)


def test_every_body_is_as_described(heard, spec):  # noqa: F811
    wrong, beyond_it = set(), set()

    for each in told(heard, spec):
        if each.body is None:
            continue
        operation = spec["paths"][each.template][each.method.lower()]
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        wrong |= differences(spec, schema, each.body)
        request = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        for name, part in each.body.items():
            unknown = beyond(spec, request["properties"][name], part)
            beyond_it |= {f"{name}.{extra.partition('.')[2]}" for extra in unknown}

    assert wrong == set(WRITTEN_OTHERWISE)
    assert beyond_it == WRITTEN


def test_every_answer_is_as_described(heard, spec):  # noqa: F811
    values, names, statuses = set(), set(), set()

    for each in told(heard, spec):
        statuses.add(each.status)
        if each.status == 200:
            schema = described(spec, each.method, each.template, 200)
            values |= differences(spec, schema, each.answer)
            names |= beyond(spec, schema, each.answer)

    assert values <= set(DIFFERENCES)
    assert names <= {f"{name}.{key}" for name, keys in BEYOND.items() for key in keys}
    assert statuses <= {200, 403, 404}  # a plan that lacks it, and what never was


def test_only_search_keys_that_work_are_sent(heard):
    searched: dict[str, set[str]] = {}
    plain: dict[str, set[str]] = {}

    for each in heard:
        for name, value in each.query:
            found = re.fullmatch(r"search\[(\w+)\](\[\])?", name)
            if found:
                searched.setdefault(each.template, set()).add(found[1])
            else:
                plain.setdefault(name, set()).add(value if name == "sort" else "")
                assert name != "sort" or value in SORTED[each.template]

    assert searched == SEARCHED
    assert set(plain) == PLAIN


def test_a_body_that_is_not_as_described_would_be_seen(spec):  # noqa: F811
    schema = {"$ref": "#/components/schemas/PaymentRequest"}

    assert differences(spec, schema, {"payment": {"invoiceid": 1, "amount": {"amount": 1.0}}})
    assert list(Draft202012Validator({**schema, "components": spec["components"]}).iter_errors({"payments": {}}))
    assert SPEC.is_file()
