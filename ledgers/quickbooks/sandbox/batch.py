"""Batches: up to 30 independent items, answered by ``bId``, each stored or refused by itself (sheet §5.2)."""

from collections.abc import Callable
from typing import Any

from ledgers.quickbooks.sandbox import errors, query, reads, writes
from ledgers.quickbooks.sandbox.company import LIST_KINDS, TRANSACTION_KINDS, Company, Doc
from ledgers.quickbooks.sandbox.errors import Fault
from ledgers.quickbooks.sandbox.requestids import RequestIds, digest
from sandbox.jsontext import dumps

_ITEMS = 30
_OBJECTS = 1000
_SHORT_BID = 10
_OPERATIONS = ("create", "update", "delete")
_ENVELOPE = {"bId", "operation", "optionsData", "Query", "CDCQuery"}


def run_batch(
    company: Company, posted: Doc, *, requestid: str, memory: RequestIds, after_item: Callable[[str], bool]
) -> tuple[list[Doc], int]:
    """The items of ``BatchItemResponse`` and how many of them were queries. ``after_item`` is told the operation of
    each item (``invoice.create``, "" for a query) and says whether to stop.

    With a requestid every item that was stored is remembered by itself, so that a batch sent again executes only
    what was not.

    Raises:
        Fault: the batch as a whole is refused: 1040 too large, 2020 or 2130 for its bIds.
    """
    items = posted.get("BatchItemRequest")
    if not isinstance(items, list) or not items:
        raise errors.required("BatchItemRequest")
    if len(items) > _ITEMS:
        raise Fault("1040", "Batch size too large", f"A batch has at most {_ITEMS} items")
    bids = [item.get("bId") if isinstance(item, dict) else None for item in items]
    if not all(isinstance(bid, str) and bid for bid in bids) or len(set(bids)) != len(bids):
        raise errors.required("bId")
    if requestid and any(len(str(bid)) > _SHORT_BID for bid in bids):
        raise Fault("2130", "Invalid Request Id", f"With a requestid a bId has at most {_SHORT_BID} characters")
    answered: list[Doc] = []
    queries = objects = 0
    for item in items:
        answer = _item(company, item, f"{requestid}:{item['bId']}" if requestid else "", memory)
        objects += sum(len(each) for each in answer.get("QueryResponse", {}).values() if isinstance(each, list))
        queries += "Query" in item or "CDCQuery" in item
        answered.append({"bId": item["bId"], **answer})
        if after_item(_operation(item)):
            break
    if objects > _OBJECTS:
        raise Fault("1050", "Batch result too large", f"A batch answers at most {_OBJECTS} objects")
    return answered[::-1] if company.switches["batch_order"] == "reversed" else answered, queries


def _item(company: Company, item: Doc, key: str, memory: RequestIds) -> Doc:
    """One item in a savepoint of its own."""
    body_digest = digest(dumps(item).encode())
    try:
        if key and (kept := memory.recall(company.realm, key, body_digest)):
            return dict(kept["body"])
        with company.store.transaction():
            answer = _answer(company, item)
            if key and "operation" in item:
                memory.remember(company.realm, key, body_digest, 200, answer)
            return answer
    except Fault as fault:
        # What the refused item had changed in the company's own record (numbers) is taken back with it.
        company.info = company.store.get("company", company.realm) or company.info
        return {"Fault": fault.body()}


def _operation(item: Doc) -> str:
    kind = next((key for key in item if key not in _ENVELOPE), "")
    return f"{kind.lower()}.{_verb(item)}" if kind else ""


def _verb(item: Doc) -> str:
    """What is asked for: a void is written as an update with an option."""
    verb = str(item.get("operation"))
    return "void" if verb == "update" and item.get("optionsData") == "void" else verb


def _answer(company: Company, item: Doc) -> Doc:
    if "Query" in item:
        return {"QueryResponse": query.run(company, str(item["Query"]))}
    if "CDCQuery" in item:
        asked: Any = item["CDCQuery"]
        return {"CDCResponse": [{"QueryResponse": reads.changes(company, asked.get("Entities", ""),
                                                                asked.get("ChangedSince"))}]}  # fmt: skip
    kinds = [key for key in item if key not in _ENVELOPE]
    if len(kinds) != 1 or kinds[0] not in (*LIST_KINDS, *TRANSACTION_KINDS):
        raise errors.unsupported(f"batch item with {', '.join(kinds) or 'nothing'}")
    if item.get("operation") not in _OPERATIONS:
        raise errors.unsupported(f"{item.get('operation')} in a batch")
    allow = "allowduplicatedocnum" in str(item.get("optionsData") or "")
    return {kinds[0]: writes.perform(company, kinds[0], _verb(item), item[kinds[0]], allow_duplicate=allow)}
