"""Telling the members of a label nobody has given a category: once per label, until somebody decides."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from django.db.models.fields.json import KeyTransform

from bookkeeping.facts import Label
from bookkeeping.figures import Statement
from bookkeeping.money import to_text
from flows.models import Flow, Plan
from tenants.alerts import alert, settle_alert


def tell(flow: Flow, before: Iterable[Mapping[str, Any]], statement: Statement) -> None:
    """Raise an alert for each label of a statement that waits for a decision, and settle those of ``before`` (the same
    settlement's unknown labels until now) that no settlement of the flow asks about any more.
    """
    waiting = {one.label for one in statement.unknown}
    for label in sorted(waiting):
        found = [one for one in statement.unknown if one.label == label]
        amount = to_text(sum(one.amount for one in found), statement.header.currency)
        count = sum(one.rows for one in found)
        alert(
            flow.tenant_id,
            "unknown_label",
            key_of(flow, label),
            f"Amazon used a label nobody knows yet: {_shown(label)}",
            f"Settlement {statement.header.settlement_id} has {count} row{'s' if count > 1 else ''} of it, together "
            f"{amount} {statement.header.currency}. What carries that month waits; everything else goes on.",
            "Say once what the label means; what waits goes on by itself.",
            f"/mapping/{flow.pk}/labels/",
        )
    if decided := {Label(*one["label"]) for one in before} - waiting:
        for label in decided - _still_unknown(flow):
            settle_alert(flow.tenant_id, key_of(flow, label))


def key_of(flow: Flow, label: Label) -> str:
    """Return the alert's key of a label of a flow."""
    return f"flow:{flow.pk}:label:{hashlib.sha256(chr(0).join(label).encode()).hexdigest()[:16]}"


def _still_unknown(flow: Flow) -> set[Label]:
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE)
    lists = plans.annotate(unknown=KeyTransform("unknown", "statement")).values_list("unknown", flat=True)
    return {Label(*one["label"]) for unknown in lists for one in unknown or []}


def _shown(label: Label) -> str:
    return " / ".join(dict.fromkeys(text for text in label if text))
