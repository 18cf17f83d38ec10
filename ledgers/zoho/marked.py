"""Finding what Zoho has of ours: by number or reference, then by our mark.

A filter that Zoho does not know returns everything, so number, reference and mark are compared on our side.
"""

from collections.abc import Sequence
from typing import Final

from bookkeeping.documents import Kind
from ledgers.port import NotSent
from ledgers.zoho import answers, wire
from ledgers.zoho.remote import READ_AGAIN_S, Remote, Row
from ledgers.zoho.translate import RESOURCES

ADJUSTMENT_PAGES: Final = 25
PAGES: Final = 5  # a reference of ours is on a few documents; more mean that the filter was not understood


def numbered(remote: Remote, number: str) -> list[Row]:
    """Return the listed invoices with exactly this number. Raises as ``Remote.pages``."""
    resource = RESOURCES[Kind.INVOICE]
    rows, _ = remote.pages(resource.path, resource.many, {"invoice_number": number}, most=1)
    return [row for row in rows if wire.same_name(row.get("invoice_number"), number)]


def referenced(remote: Remote, kind: Kind, reference: str) -> list[Row]:
    """Return the listed documents with exactly this reference, each once: a transfer is in two accounts' lists.

    Raises as ``Remote.pages``.
    """
    resource = RESOURCES[kind]
    rows, _ = remote.pages(resource.path, resource.many, {"reference_number": reference}, most=PAGES)
    # A list may leave the reference out; its rows are told apart by their marks then.
    alike = [row for row in rows if wire.same_name(row.get("reference_number", reference), reference)]
    return list({answers.id_of(kind, row): row for row in alike}.values())


def adjustments(remote: Remote) -> list[Row]:
    """Return all adjustments of the base currency: their list has no filter that would tell ours.

    Raises as ``Remote.pages``; NotSent where there are more than can be read.
    """
    resource = RESOURCES[Kind.REVALUATION]
    rows, complete = remote.pages(resource.path, resource.many, most=ADJUSTMENT_PAGES)
    if not complete:
        raise NotSent("Zoho Books has more adjustments of the base currency than can be read", READ_AGAIN_S)
    return rows


def carrying(remote: Remote, kind: Kind, marker: str, listed: Sequence[Row]) -> list[Row]:
    """Return those of the listed documents that carry a mark, with everything the list leaves out.

    Raises as ``Remote.one``.
    """
    ours = []
    for row in listed:
        if answers.noted(kind, row) and not answers.carries(kind, row, marker):
            continue
        whole = detail(remote, kind, answers.id_of(kind, row))
        if whole is not None and answers.carries(kind, whole, marker):
            ours.append(whole)
    return ours


def detail(remote: Remote, kind: Kind, external_id: str) -> Row | None:
    """Return one document as Zoho has it now, None where it is gone. Raises as ``Remote.one``."""
    resource = RESOURCES[kind]
    return remote.one(resource.path, resource.one, external_id)
