"""Saving mapping decisions: versioned, recorded, and followed at once by planning again what they held.

Every function that saves returns how many documents waited for it and can go on now. A decision that changes nothing
makes no version.
"""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Final

from django.db.models import F

from audit import trail
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.documents import Kind
from bookkeeping.facts import Label
from bookkeeping.remarks import HoldReason
from flows import labels, planning
from flows.bindings import plain
from flows.drafts import account_draft
from flows.models import Delivery, Flow, MappingRule, ProductGroup
from flows.targets import BadMapping, Targets
from ledgers.port import Binding
from ledgers.registry import open_ledger

__all__ = [
    "WAITS_FOR_MAPPING",
    "BadMapping",
    "can_create_accounts",
    "create_accounts",
    "load_product_groups",
    "read_product_groups",
    "retire",
    "save_accounts",
    "save_customer",
    "save_label",
    "save_split",
    "save_splits",
]

Subject = MappingRule.Subject
# What a mapping decision can end.
WAITS_FOR_MAPPING: Final = (
    HoldReason.UNKNOWN_LABEL,
    HoldReason.UNMAPPED_ACCOUNT,
    HoldReason.UNMAPPED_SKU,
    HoldReason.ITEM_ACCOUNT,
)
_LONGEST: Final = 120  # of a SKU and of a product group's name
_TOLD: Final = 8  # lines of a refused file that are named


def save_accounts(
    flow: Flow, targets: Mapping[AccountKey, Binding], actor: str, reasons: Mapping[AccountKey, str]
) -> int:
    """Set the base rule of several account keys; a key whose target is unchanged keeps its version.

    An empty target takes the key's account away: what needs it waits. Raises BadMapping where the company does not have what
    a target names, or its account cannot serve."""
    current = {
        rule.key: rule for rule in _current(flow, Subject.ACCOUNT).filter(sku="", product_group="", marketplace="")
    }
    before = {key: Binding(**current[key].target) if key in current else Binding() for key in targets}
    changed = {key: target for key, target in targets.items() if target != before[key]}
    if not changed:
        return 0
    company = Targets(flow)
    for key, target in changed.items():
        company.check(target, key, before[key])

    def change(version: int) -> None:
        for key, target in changed.items():
            _retire(current.get(key), version)
            if target != Binding():
                _add(flow, Subject.ACCOUNT, version, actor, key=key, target=plain(target), reason=reasons.get(key, ""))

    return _save(flow, actor, change, accounts=sorted(changed))


def save_split(
    flow: Flow,
    key: AccountKey,
    target: Binding,
    actor: str,
    *,
    sku: str = "",
    product_group: str = "",
    marketplace: str = "",
    effective_from: date | None = None,
) -> int:
    """Send part of an account key elsewhere. Raises BadMapping as ``save_splits``."""
    return save_splits(
        flow,
        [key],
        target,
        actor,
        sku=sku,
        product_group=product_group,
        marketplace=marketplace,
        effective_from=effective_from,
    )


def save_splits(
    flow: Flow,
    keys: Sequence[AccountKey],
    target: Binding,
    actor: str,
    *,
    sku: str = "",
    product_group: str = "",
    marketplace: str = "",
    effective_from: date | None = None,
) -> int:
    """Send part of several account keys elsewhere, in one version; a rule with the same conditions is replaced.

    Raises BadMapping where there is no key, no condition or no target, or the company has no such target."""
    if not keys:
        raise BadMapping("Choose at least one kind of amount.")
    if not (sku or product_group or marketplace):
        raise BadMapping("Say which SKU, product group or marketplace this is for.")
    if target == Binding():
        raise BadMapping("Choose at least an account, item, class or location.")
    company = Targets(flow)
    for key in keys:
        company.check(target, key)
    conditions = {"sku": sku, "product_group": product_group, "marketplace": marketplace}

    def change(version: int) -> None:
        for key in keys:
            _retire(_current(flow, Subject.ACCOUNT).filter(key=key, **conditions).first(), version)
            _add(
                flow,
                Subject.ACCOUNT,
                version,
                actor,
                key=key,
                target=plain(target),
                effective_from=effective_from,
                **conditions,
            )

    return _save(flow, actor, change, split=sorted(keys), **conditions)


def save_customer(flow: Flow, marketplace: str, customer_id: str, actor: str) -> int:
    """Choose the customer of a marketplace's invoices; "" goes back to the generic one. Raises BadMapping where the company
    has no such customer."""
    current = _current(flow, Subject.CUSTOMER).filter(marketplace=marketplace).first()
    if customer_id == (Binding(**current.target).customer if current else ""):
        return 0
    Targets(flow).check(Binding(customer=customer_id))

    def change(version: int) -> None:
        _retire(current, version)
        if customer_id:
            target = plain(Binding(customer=customer_id))
            _add(flow, Subject.CUSTOMER, version, actor, marketplace=marketplace, target=target)

    return _save(flow, actor, change, customer=marketplace)


def save_label(flow: Flow, label: Label, category: Category, actor: str, effective_from: date | None = None) -> int:
    """Give a raw label its category, from a day on. Raises BadMapping for the category *unknown*."""
    if category is Category.UNKNOWN:
        raise BadMapping("Choose what this label means.")

    def change(version: int) -> None:
        same = _current(flow, Subject.LABEL).filter(**label._asdict(), effective_from=effective_from)
        _retire(same.first(), version)
        _add(flow, Subject.LABEL, version, actor, category=category, effective_from=effective_from, **label._asdict())

    return _save(flow, actor, change, label=list(label), category=category)


def decide_label(flow: Flow, label: Label, category: Category, actor: str, effective_from: date | None = None) -> int:
    """Give a raw label its category in a flow, and in every other flow of the same seller that asks about it.

    Raises BadMapping for the category *unknown*."""
    others = [other for other in labels.of_seller(flow)[1:] if label in labels.undecided([other])]
    return sum(save_label(each, label, category, actor, effective_from) for each in (flow, *others))


def retire(flow: Flow, rule_id: int, actor: str) -> int:
    """End a rule. Raises MappingRule.DoesNotExist where the flow has no such current rule."""
    rule = MappingRule.objects.get(pk=rule_id, flow=flow, retired_version=None)
    return _save(flow, actor, lambda version: _retire(rule, version), retired=rule_id)


def create_accounts(flow: Flow, keys: list[AccountKey], actor: str) -> dict[AccountKey, Binding]:
    """Plan the creation of default accounts in the company, and return what to map the keys to.

    An account that another flow already creates there is shared, not made twice. Raises BadMapping where nobody can make one
    there through the ledger's interface.
    """
    if keys and not can_create_accounts(flow):
        raise BadMapping(
            f"Nobody can add accounts to {flow.target} from outside on its plan. Choose accounts that are there, or add them "
            "there first and read the lists anew."
        )
    drafts = {key: account_draft(flow, key) for key in keys}
    planning.ensure_deliveries(flow, list(drafts.values()), Delivery.State.READY)
    made = {key: Binding(account=f"@{draft.planned.key}") for key, draft in drafts.items()}
    trail.record("mapping.accounts_asked", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, accounts=keys)
    return made


def can_create_accounts(flow: Flow) -> bool:
    """Whether accounts can be made in the flow's company, as far as its plan was seen."""
    return Kind.ACCOUNT in open_ledger(flow.target).capabilities.kinds


def read_product_groups(text: str) -> dict[str, str]:
    """Return SKU -> product group of a CSV of two columns; comma, semicolon or tab, a header row is recognised.

    Raises BadMapping with every line that cannot be read (the first few of them)."""
    groups: dict[str, str] = {}
    faults: list[str] = []
    lines = text.lstrip("\ufeff").splitlines()
    separator = max(",;\t", key=lambda each: sum(each in line for line in lines[:20]))
    for number, line in enumerate(lines, start=1):
        cells = _cells(line, separator)
        if not any(cells) or (number == 1 and cells[0].casefold() in {"sku", "seller-sku", "seller sku"}):
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            faults.append(f"Line {number}: expected a SKU and a product group, separated by a comma.")
        elif max(len(cells[0]), len(cells[1])) > _LONGEST:
            faults.append(f"Line {number}: a SKU or group has more than {_LONGEST} characters.")
        elif groups.setdefault(cells[0], cells[1]) != cells[1]:
            faults.append(f"Line {number}: the SKU {cells[0]} is already in the group {groups[cells[0]]}.")
    if faults:
        more = f" And {len(faults) - _TOLD} more lines." if len(faults) > _TOLD else ""
        raise BadMapping(" ".join(faults[:_TOLD]) + more)
    return groups


def load_product_groups(flow: Flow, text: str, actor: str) -> int:
    """Replace the flow's product groups by those of a CSV (see ``read_product_groups``). Returns how many SKUs it has.

    Raises BadMapping; then nothing is changed."""
    groups = read_product_groups(text)

    def change(version: int) -> None:
        ProductGroup.objects.filter(flow=flow).delete()
        ProductGroup.objects.bulk_create(
            [ProductGroup(tenant_id=flow.tenant_id, flow=flow, sku=sku, name=name) for sku, name in groups.items()],
            batch_size=1000,
        )

    _save(flow, actor, change, product_groups=len(groups))
    return len(groups)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line.replace("\0", "")], delimiter=separator), [])]
    except csv.Error:
        return [line[:1]]  # one cell: the line is named as unreadable


def _save(flow: Flow, actor: str, change: Callable[[int], None], **what: object) -> int:
    waited = _waiting(flow)
    with trail.recorded():
        Flow.objects.filter(pk=flow.pk).update(mapping_version=F("mapping_version") + 1)
        flow.refresh_from_db(fields=["mapping_version"])
        change(flow.mapping_version)
        trail.record(
            "mapping.saved",
            f"flow:{flow.pk}",
            tenant_id=flow.tenant_id,
            actor=actor,
            version=flow.mapping_version,
            **what,
        )
    planning.replan_open(flow)
    return max(waited - _waiting(flow), 0)


def _waiting(flow: Flow) -> int:
    held = Delivery.objects.filter(flow=flow, live=True, state=Delivery.State.HELD)
    return held.filter(code__in=WAITS_FOR_MAPPING).count()


def _current(flow: Flow, subject: MappingRule.Subject):  # type: ignore[no-untyped-def]
    return MappingRule.objects.filter(flow=flow, subject=subject, retired_version=None)


def _retire(rule: MappingRule | None, version: int) -> None:
    if rule is not None:
        MappingRule.objects.filter(pk=rule.pk).update(retired_version=version)


def _add(flow: Flow, subject: MappingRule.Subject, version: int, actor: str, **values: object) -> None:
    MappingRule.objects.create(
        tenant_id=flow.tenant_id, flow=flow, subject=subject, version=version, created_by=actor, **values
    )
