"""What the pages of a mapping share: their frame, and rules and targets in words."""

from collections.abc import Mapping
from typing import Any, Final

from django.urls import reverse

from amazon.labels import CATEGORY_NAMES
from bookkeeping.accounts import ACCOUNTS, AccountKey, Category
from flows import planner
from flows.models import Flow, MappingRule
from flows.selectors import ledger_name
from ledgers.models import Company
from ledgers.port import Reference
from tenants.roles import Action, can
from tenants.views import TenantRequest

_TABS: Final = (
    ("accounts", "Accounts", "flows:mapping_accounts"),
    ("skus", "SKUs and splits", "flows:mapping_skus"),
    ("customers", "Customers", "flows:mapping_customers"),
    ("labels", "Labels", "flows:mapping_labels"),
    ("history", "History", "flows:mapping_history"),
)
_FIELDS: Final = (
    ("account", "Account"),
    ("item", "Item"),
    ("customer", "Customer"),
    ("class_", "Class"),
    ("department", "Location"),
)


class Named:
    """The names of a company's lists by field and id; what we make ourselves has none there."""

    def __init__(self, company: Reference) -> None:
        self.by_field = {
            "account": {each.id: each.name for each in company.accounts},
            "item": {each.id: each.name for each in company.items},
            "customer": {each.id: each.name for each in company.customers},
            "class_": {each.id: each.name for each in company.classes},
            "department": {each.id: each.name for each in company.locations},
        }

    def of(self, field: str, value: str) -> str:
        if value.startswith("@"):
            made = value.split("/")[2] if value.count("/") > 1 else ""
            return (
                f"{ACCOUNTS[AccountKey(made)].name} (made by Tieout)"
                if made in AccountKey.__members__
                else "made by Tieout"
            )
        return self.by_field[field].get(value, "no longer there")


def frame(request: TenantRequest, flow: Flow, current: str) -> dict[str, Any]:
    """Return what every page of a flow's mapping shows around its own content."""
    flows = list(Flow.objects.order_by("name", "pk").values_list("pk", "name"))
    return {
        "flow": flow,
        "ledger": ledger_name(flow),
        "company": Company.objects.filter(connection=flow.target_id).first(),
        "tabs": [
            {"label": label, "url": reverse(name, args=[flow.pk]), "current": key == current, "count": None}
            for key, label, name in _TABS
        ],
        "other_flows": [
            (name, reverse({key: url for key, _, url in _TABS}[current], args=[pk]))
            for pk, name in flows
            if pk != flow.pk
        ],
        "may_map": can(request.member, Action.MAP),
    }


def released(count: int, flow: Flow) -> str:
    """Return in a sentence what a saved decision set free."""
    if left := planner.to_make(flow).count():
        return (
            f"{left} settlement{'s are' if left != 1 else ' is'} being planned again with it; what waited goes on then."
        )
    if not count:
        return "What is not in the books yet was planned again with it."
    return f"{count} document{'s' if count != 1 else ''} that waited can go on now."


def described(rule: MappingRule) -> str:
    """Return in words what a rule is about."""
    match rule.subject:
        case MappingRule.Subject.ACCOUNT:
            conditions = ", ".join(part for part in (rule.sku, rule.product_group, rule.marketplace) if part)
            name = ACCOUNTS[AccountKey(rule.key)].name
            return f"{name}: {conditions}" if conditions else name
        case MappingRule.Subject.CUSTOMER:
            return f"Customer of {rule.marketplace}"
        case _:
            return label_words((rule.transaction_type, rule.amount_type, rule.amount_description))


def label_words(label: tuple[str, str, str]) -> str:
    return " / ".join(dict.fromkeys(part for part in label if part))


def target_words(rule: MappingRule, names: Named) -> list[tuple[str, str]]:
    """Return (what, its name) for everything a rule points at."""
    if rule.subject == MappingRule.Subject.LABEL:
        return [("Category", CATEGORY_NAMES[Category(rule.category)])]
    target: Mapping[str, str] = rule.target
    return [(words, names.of(field, target[field])) for field, words in _FIELDS if target.get(field)]
