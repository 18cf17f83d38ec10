"""Whatever a ledger's layouts have settlements cut into, and what takes it back, the ledger's client can write."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from bookkeeping.documents import Payment, Undo
from bookkeeping.planned import Planned
from bookkeeping.policy import Mode
from bookkeeping.undo import undo
from ledgers.freshbooks import client as freshbooks
from ledgers.freshbooks import translate as to_freshbooks
from ledgers.freshbooks.tests import factories as of_freshbooks
from ledgers.port import Binding, Capabilities, External, Layout, Post
from ledgers.wave import client as wave
from ledgers.wave import translate as to_wave
from ledgers.wave.tests import factories as of_wave
from ledgers.zoho import client as zoho
from ledgers.zoho import translate as to_zoho
from ledgers.zoho.tests import factories as of_zoho
from tests.bookkeeping.test_e7 import IDS, by_shipment, settled

SUMMARY = (Mode.SUMMARY,) * 4
BUYERS = ("customer:Amazon.com:USD", "customer:Amazon:USD")


def cases() -> list[Any]:
    found = [
        ("wave", wave.CAPABILITIES, wave.CAPABILITIES.layouts, to_wave, of_wave, of_wave.COMPANY),
        ("zoho", zoho.CAPABILITIES, zoho.CAPABILITIES.layouts, to_zoho, of_zoho, of_zoho.COMPANY),
        (
            "freshbooks",
            freshbooks.CAPABILITIES,
            freshbooks.CAPABILITIES.layouts,
            to_freshbooks,
            of_freshbooks,
            of_freshbooks.COMPANY,
        ),
        (
            "freshbooks without journals",
            freshbooks.CAPABILITIES,
            freshbooks._PLAIN_LAYOUTS,
            to_freshbooks,
            of_freshbooks,
            of_freshbooks.LITE,
        ),
    ]
    return [
        pytest.param(able, layout, to, of, company, id=f"{name}, {layout.name}")
        for name, able, layouts, to, of, company in found
        for layout in layouts
    ]


def posts(documents: Sequence[Planned], bindings: Mapping[str, Binding]) -> list[Post]:
    """Deliveries whose references are all in the books."""
    made = []
    for one in documents:
        keys = [*one.depends_on]
        if isinstance(one.document, Payment):
            keys.append(one.document.cover.invoice)
        elif isinstance(one.document, Undo):
            keys.append(one.document.target)
        refs = {key: External("5001", "v1") for key in keys}
        made.append(Post(one.key, f"m-{one.key}", "w1", one.document, bindings, refs))
    return made


@pytest.mark.parametrize("history", ["summary", "shipment"])
@pytest.mark.parametrize(("able", "layout", "to", "of", "company"), cases())
def test_every_document_and_its_undo_is_rendered(
    history: str, able: Capabilities, layout: Layout, to: Any, of: Any, company: Any
) -> None:
    made = settled(SUMMARY, layout.policy) if history == "summary" else by_shipment(layout.policy)
    bindings = {**of.BINDINGS, **dict.fromkeys(BUYERS, of.BINDINGS[of.BUYER])}
    if layout.policy.income_and_expenses:
        bindings |= {key: target for key, target in of.CATEGORIES.items() if key not in ("PETTY", "REVENUE")}

    for sid in IDS:
        for post in posts([*made.plans[sid].documents, *undo(made.live[sid], how=able.undo)], bindings):
            [call] = to.render([post], company)

            assert call.keys == (post.key,)
