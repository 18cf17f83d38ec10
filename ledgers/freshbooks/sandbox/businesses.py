"""Making a business: its record, owner, chart of accounts, categories, clients and items."""

import uuid
from typing import Any

from ledgers.freshbooks.sandbox import accounts, clients, items
from ledgers.freshbooks.sandbox.business import Business
from ledgers.freshbooks.sandbox.charts import CATEGORIES, CHARTS, COGS, OPERATING, SYSTEM, SeedAccount
from ledgers.freshbooks.sandbox.fields import Doc
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

PLANS = ("Lite", "Plus", "Premium", "Select")
OWNER = "owner@example.com"
_SPACE = uuid.UUID("0c8b1c0a-7d84-4d0b-8a39-4c8f0e2f3d55")
_KNOWN = {
    "name", "person", "role", "plan", "status", "advanced_accounting", "chart", "currency", "time_zone", "clients",
    "items", "accounting",
}  # fmt: skip


def create_business(store: Store, clock: Clock, switches: Switches, values: dict[str, Any]) -> Doc:
    """A new business and the membership of its person.

    Optional keys: ``name``, ``person`` (e-mail address of who signs in; several businesses may share one), ``role``,
    ``plan`` (Lite, Plus, Premium, Select), ``status`` (active, active_trial, cancelled …), ``advanced_accounting``
    (the owner has switched it on), ``chart`` (slug of ``charts.CHARTS``), ``currency``, ``time_zone``, ``clients``
    [organization | {fields}], ``items`` [name | {fields}], ``accounting`` (False: a business without an account id).

    Answers {"account_id", "business_id", "business_uuid", "person", "chart", "accounts": {name: sub-account id},
    "categories": {name: id}, "expected": {account key: sub-account id | None}, "expected_categories": {account key:
    category id | None}, "clients": {organization: id}, "items": {name: id}}.

    Raises:
        ValueError: an unknown key, plan or chart.
    """
    if unknown := set(values) - _KNOWN:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    plan = values.get("plan", "Plus")
    if plan not in PLANS:
        raise ValueError(f"plan is one of {PLANS}")
    chart = CHARTS[values.get("chart", "default")]
    id_ = store.next_number("business", 8_600_001)
    person = values.get("person", OWNER)
    info: Doc = {
        "id": id_,
        "account_id": _account_id(id_) if values.get("accounting", True) else None,
        "uuid": str(uuid.uuid5(_SPACE, str(id_))),
        "name": values.get("name") or f"Business {id_}",
        "plan": plan,
        "status": values.get("status", "active"),
        "advanced_accounting": bool(values.get("advanced_accounting", True)),
        "currency": values.get("currency", "USD"),
        "time_zone": values.get("time_zone", "America/New_York"),
        "closed_until": "",
    }
    store.put("business", str(id_), info)
    _join(store, person, id_, values.get("role", "owner"))
    business = Business(store, clock, switches, info)
    made, categories = _chart(business, chart.accounts)
    seeded_clients = _clients(business, values.get("clients") or [])
    seeded_items = {
        doc["name"]: doc["id"]
        for each in values.get("items") or []
        for doc in [items.write(business, {"name": each} if isinstance(each, str) else dict(each), None)]
    }
    return {
        "account_id": info["account_id"],
        "business_id": id_,
        "business_uuid": info["uuid"],
        "person": person,
        "chart": chart.slug,
        "accounts": made,
        "categories": categories,
        "expected": {key: made[name] if name else None for key, name in chart.expected.items()},
        "expected_categories": {key: categories[name] if name else None for key, name in chart.categories.items()},
        "clients": seeded_clients,
        "items": seeded_items,
    }


def _account_id(number: int) -> str:
    """Account ids are short texts of letters and digits."""
    letters = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
    text, rest = "", number * 7_919 + 104_729
    while rest:
        rest, at = divmod(rest, len(letters))
        text += letters[at]
    return text


def _join(store: Store, person: str, business: int, role: str) -> None:
    kept = store.get("person", person)
    if kept is None:
        number = store.next_number("person", 3_100_001)
        kept = {
            "id": number,
            "email": person,
            "uuid": str(uuid.uuid5(_SPACE, person)),
            "first_name": "Alice",
            "last_name": "Owner",
            "memberships": [],
        }
    membership = {"id": store.next_number("membership", 5_200_001), "business": str(business), "role": role}
    store.put("person", person, {**kept, "memberships": [*kept["memberships"], membership]})


def _chart(business: Business, added: tuple[SeedAccount, ...]) -> tuple[dict[str, int], dict[str, int]]:
    """name → sub-account id of every account that takes entries, and category name → id."""
    made: dict[str, int] = {}
    for seed in SYSTEM:
        _remember(made, seed.name, accounts.add(business, seed, system=True))
    at = 0
    for parent, below in CATEGORIES.items():
        cogs = parent == COGS
        for name, above in ((parent, ""), *((name, parent) for name in below)):
            at += 1
            number = f"{5000 if cogs else 6000}-{at}"
            full = f"{COGS if cogs else OPERATING}:{name}"
            seed = SeedAccount(full, COGS if cogs else "Operating Expense", number)
            _remember(made, full, accounts.add(business, seed, system=True, category=above, cogs=cogs))
    for seed in added:
        category = "" if seed.name.startswith((f"{OPERATING}:", f"{COGS}:")) else None
        _remember(made, seed.name, accounts.add(business, seed, system=False, category=category))
    return made, {doc["category"]: doc["id"] for doc in business.all("category")}


def _remember(made: dict[str, int], name: str, account: Doc) -> None:
    if account["jesa_id"] is not None:
        made[name] = account["jesa_id"]


def _clients(business: Business, given: list[Any]) -> dict[str, int]:
    found = {}
    for each in given:
        doc = clients.write(business, {"organization": each} if isinstance(each, str) else dict(each), None)
        found[doc["organization"]] = doc["id"]
    return found
