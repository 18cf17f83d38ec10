"""Making a business: its record, its chart of accounts, customers and products."""

import uuid as uuids
from decimal import Decimal
from typing import Any

from ledgers.wave.sandbox import lists
from ledgers.wave.sandbox.business import Business, Doc, instant
from ledgers.wave.sandbox.charts import CHARTS
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

DEFAULT_USER = "owner@example.com"
_KNOWN = {
    "name", "currency", "chart", "plan", "classic", "timezone", "user", "accounts", "customers", "products", "rates",
    "payment_terms_days", "archived",
}  # fmt: skip


def create_business(store: Store, clock: Clock, switches: Switches, values: dict[str, Any]) -> Doc:
    """A new business.

    Optional keys: ``name``, ``currency``, ``chart`` (slug of ``charts.CHARTS``), ``plan`` (pro, free), ``classic``,
    ``timezone``, ``user`` (e-mail of its owner), ``accounts`` {name: subtype | {subtype, currency}}, ``customers``
    [name], ``products`` {name: income account}, ``rates`` {currency: home units per unit}, ``payment_terms_days``,
    ``archived``.

    Answers {"business": id, "chart", "accounts": {name: id}, "expected": {account key: id}, "customers": {name: id},
    "products": {name: id}}.

    Raises:
        ValueError: an unknown key.
    """
    if unknown := set(values) - _KNOWN:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    chart = CHARTS[values.get("chart", "default")]
    uuid, now = str(uuids.uuid4()), instant(clock.now())
    record: Doc = {
        "uuid": uuid,
        "name": values.get("name") or f"Business {uuid[:4]}",
        "currency": values.get("currency", "USD"),
        "plan": values.get("plan", "pro"),
        "classic": bool(values.get("classic")),
        "timezone": values.get("timezone", "America/Los_Angeles"),
        "user": values.get("user", DEFAULT_USER),
        "rates": {code: str(Decimal(str(rate))) for code, rate in (values.get("rates") or {}).items()},
        "payment_terms_days": values.get("payment_terms_days", 0),
        "archived": bool(values.get("archived")),
        "closed_through": "",
        "createdAt": now,
        "modifiedAt": now,
    }
    store.put("business", uuid, record)
    business = Business(store, clock, switches, record)
    business.system_account("RECEIVABLE_INVOICES", business.home)
    for name, given in {**chart.accounts, **(values.get("accounts") or {})}.items():
        seed = {"subtype": given} if isinstance(given, str) else dict(given)
        business.new_account(name, seed.pop("subtype"), isArchived=name in chart.archived, **seed)
    accounts = {account["name"]: account["id"] for account in business.all("Account")}
    customers = [lists.create_customer(business, {"name": name}) for name in values.get("customers") or []]
    products = [
        lists.create_product(
            business, {"name": name, "unitPrice": Decimal(0), "incomeAccountId": business.account_id(account)}
        )
        for name, account in (values.get("products") or {}).items()
    ]
    return {
        "business": business.id,
        "chart": chart.slug,
        "accounts": accounts,
        "expected": {key: accounts[name] for key, name in chart.expected.items()},
        "customers": {each["name"]: each["id"] for each in customers},
        "products": {each["name"]: each["id"] for each in products},
    }
