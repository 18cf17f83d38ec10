"""Telling the members of a label nobody has given a category: once per label, until somebody decides."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final

from django.db.models.fields.json import KeyTransform

from bookkeeping.facts import Label
from bookkeeping.figures import Statement
from bookkeeping.money import shown
from flows.models import Flow, Plan
from tenants.alerts import alert, settle_alert

# Labels a settlement asks about at once, each with an alert and its e-mails; the page of labels has them all.
ASKED: Final = 20


def tell(flow: Flow, before: Iterable[Mapping[str, Any]], statement: Statement) -> None:
    """Raise an alert for each label of a statement that waits for a decision, and settle those of ``before`` (the same
    settlement's unknown labels until now) that no settlement of the seller asks about any more.

    Flows of one seller meet the same labels: each is asked about once. Of very many, the next are asked about as the first
    are decided.
    """
    waiting = {one.label for one in statement.unknown}
    for label in sorted(waiting)[:ASKED]:
        found = [one for one in statement.unknown if one.label == label]
        amount = shown(sum(one.amount for one in found), statement.header.currency)
        count = sum(one.rows for one in found)
        alert(
            flow.tenant_id,
            "unknown_label",
            key_of(flow, label),
            f"Amazon used a label nobody knows yet: {_shown(label)}",
            f"Settlement {statement.header.settlement_id} has {count} row{'s' if count > 1 else ''} of it, together "
            f"{amount}. What carries that month waits; everything else goes on.",
            "Say once what the label means, for every flow of this seller; what waits goes on by itself.",
            f"/mapping/{flow.pk}/labels/",
        )
    if decided := {Label(*one["label"]) for one in before} - waiting:
        for label in decided - undecided(of_seller(flow)):
            settle_alert(flow.tenant_id, key_of(flow, label))


def key_of(flow: Flow, label: Label) -> str:
    """Return the alert's key of a label of the flow's seller."""
    return f"seller:{_seller(flow) or 'upload'}:label:{hashlib.sha256(chr(0).join(label).encode()).hexdigest()[:16]}"


def of_seller(flow: Flow) -> list[Flow]:
    """Return the flows that take the same seller's settlements, this one first."""
    others = Flow.objects.exclude(pk=flow.pk).select_related("source", "target").order_by("pk")
    return [flow, *(other for other in others if _seller(other) == _seller(flow))]


def undecided(flows: Iterable[Flow]) -> set[Label]:
    """Return the labels that settlements of these flows ask about."""
    plans = Plan.objects.filter(flow__in=list(flows)).exclude(state=Plan.State.UNDONE)
    lists = plans.annotate(unknown=KeyTransform("unknown", "statement")).values_list("unknown", flat=True)
    return {Label(*one["label"]) for unknown in lists for one in unknown or []}


def _seller(flow: Flow) -> str:
    return flow.source.remote_id if flow.source else ""


def _shown(label: Label) -> str:
    return " / ".join(dict.fromkeys(text for text in label if text))
