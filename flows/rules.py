"""Saving mapping decisions: versioned, recorded, and followed at once by planning again what they held."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date

from django.db import transaction
from django.db.models import F

from audit import trail
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label
from bookkeeping.planned import Planned
from flows import planning
from flows.models import Delivery, Flow, MappingRule, ProductGroup
from flows.rows import Draft
from ledgers.port import Binding

Subject = MappingRule.Subject


class BadMapping(ValueError):
    """Says what is wrong with a mapping a person asked for."""


def save_accounts(
    flow: Flow, targets: Mapping[AccountKey, Binding], actor: str, reasons: Mapping[AccountKey, str]
) -> None:
    """Set the base rule of several account keys; a key whose target is unchanged keeps its version."""

    def change(version: int) -> None:
        current = {
            rule.key: rule for rule in _current(flow, Subject.ACCOUNT).filter(sku="", product_group="", marketplace="")
        }
        for key, target in targets.items():
            old = current.get(key)
            if old is not None and Binding(**old.target) == target:
                continue
            _retire(old, version)
            _add(flow, Subject.ACCOUNT, version, actor, key=key, target=_plain(target), reason=reasons.get(key, ""))

    _save(flow, actor, change, accounts=sorted(targets))


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
) -> None:
    """Send part of an account key elsewhere. Raises BadMapping where there is no condition or no target."""
    if not (sku or product_group or marketplace):
        raise BadMapping("Say which SKU, product group or marketplace this is for.")
    if target == Binding():
        raise BadMapping("Choose at least an account, item, class or location.")

    def change(version: int) -> None:
        same = _current(flow, Subject.ACCOUNT).filter(
            key=key, sku=sku, product_group=product_group, marketplace=marketplace
        )
        _retire(same.first(), version)
        _add(
            flow,
            Subject.ACCOUNT,
            version,
            actor,
            key=key,
            target=_plain(target),
            sku=sku,
            product_group=product_group,
            marketplace=marketplace,
            effective_from=effective_from,
        )

    _save(flow, actor, change, split=key, sku=sku, product_group=product_group, marketplace=marketplace)


def save_customer(flow: Flow, marketplace: str, customer_id: str, actor: str) -> None:
    def change(version: int) -> None:
        _retire(_current(flow, Subject.CUSTOMER).filter(marketplace=marketplace).first(), version)
        target = _plain(Binding(customer=customer_id))
        _add(flow, Subject.CUSTOMER, version, actor, marketplace=marketplace, target=target)

    _save(flow, actor, change, customer=marketplace)


def save_label(flow: Flow, label: Label, category: Category, actor: str, effective_from: date | None = None) -> None:
    """Give a raw label its category, from a day on. Raises BadMapping for the category *unknown*."""
    if category is Category.UNKNOWN:
        raise BadMapping("Choose what this label means.")

    def change(version: int) -> None:
        same = _current(flow, Subject.LABEL).filter(**label._asdict(), effective_from=effective_from)
        _retire(same.first(), version)
        _add(flow, Subject.LABEL, version, actor, category=category, effective_from=effective_from, **label._asdict())

    _save(flow, actor, change, label=list(label), category=category)


def retire(flow: Flow, rule_id: int, actor: str) -> None:
    """End a rule. Raises MappingRule.DoesNotExist where the flow has no such current rule."""
    rule = MappingRule.objects.get(pk=rule_id, flow=flow, retired_version=None)
    _save(flow, actor, lambda version: _retire(rule, version), retired=rule_id)


def create_accounts(flow: Flow, keys: list[AccountKey], actor: str) -> dict[AccountKey, Binding]:
    """Plan the creation of default accounts in the company, and return what to map the keys to.

    An account that another flow already creates there is shared, not made twice.
    """
    made = {}
    for key in keys:
        document = planning.default_account(flow, key)
        delivery_key = f"company/account/{document.key}/{document.currency}/1"
        planning.ensure_delivery(flow, Draft(Planned(delivery_key, document), {}, None, ()), Delivery.State.READY)
        made[key] = Binding(account=f"@{delivery_key}")
    trail.record("mapping.accounts_asked", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, accounts=keys)
    return made


def load_product_groups(flow: Flow, text: str, actor: str) -> int:
    """Replace the flow's product groups by a CSV of two columns, SKU and group (a header row is recognised).

    Returns how many SKUs it has. Raises BadMapping with the line that cannot be read; then nothing is changed."""
    groups: dict[str, str] = {}
    for number, row in enumerate(csv.reader(io.StringIO(text.lstrip("\ufeff"))), start=1):
        cells = [cell.strip() for cell in row]
        if not any(cells) or (number == 1 and cells[0].casefold() in {"sku", "seller-sku", "seller sku"}):
            continue
        if len(cells) < 2 or not cells[0] or not cells[1]:
            raise BadMapping(f"Line {number}: expected a SKU and a product group, separated by a comma.")
        if groups.setdefault(cells[0], cells[1]) != cells[1]:
            raise BadMapping(f"Line {number}: the SKU {cells[0]} is already in the group {groups[cells[0]]}.")

    def change(version: int) -> None:
        ProductGroup.objects.filter(flow=flow).delete()
        ProductGroup.objects.bulk_create(
            [ProductGroup(tenant_id=flow.tenant_id, flow=flow, sku=sku, name=name) for sku, name in groups.items()],
            batch_size=1000,
        )

    _save(flow, actor, change, product_groups=len(groups))
    return len(groups)


def _save(flow: Flow, actor: str, change: Callable[[int], None], **what: object) -> None:
    with transaction.atomic():
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


def _current(flow: Flow, subject: MappingRule.Subject):  # type: ignore[no-untyped-def]
    return MappingRule.objects.filter(flow=flow, subject=subject, retired_version=None)


def _retire(rule: MappingRule | None, version: int) -> None:
    if rule is not None:
        MappingRule.objects.filter(pk=rule.pk).update(retired_version=version)


def _add(flow: Flow, subject: MappingRule.Subject, version: int, actor: str, **values: object) -> None:
    MappingRule.objects.create(
        tenant_id=flow.tenant_id, flow=flow, subject=subject, version=version, created_by=actor, **values
    )


def _plain(target: Binding) -> dict[str, str]:
    return {name: value for name, value in asdict(target).items() if value}
