"""Making an organization with its plan, currencies, chart of accounts; how organizations are listed (sheet §7)."""

from typing import Any, Final

from ledgers.zoho.sandbox import accounts, charts, masters
from ledgers.zoho.sandbox.charts import CHARTS, Chart
from ledgers.zoho.sandbox.datacentres import DATA_CENTRES
from ledgers.zoho.sandbox.fields import Doc
from ledgers.zoho.sandbox.limits import PER_DAY, TRIAL_PER_DAY
from ledgers.zoho.sandbox.organization import Organization
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

_FIRST: Final = 801_000_001
# Plans with several currencies; whether a real plan has them is found by trying (sheet §7).
_MULTICURRENCY: Final = {"Professional", "Premium", "Elite", "Ultimate"}
_CONTACT_CURRENCIES: Final = {"Elite", "Ultimate"}
_KNOWN: Final = {
    "name", "user", "location", "chart", "plan", "trial", "quota", "country_code", "time_zone", "currency_code",
    "multicurrency", "contact_currencies", "currencies", "accounts", "contacts", "items", "taxes", "sales_tax",
    "approvals", "einvoicing", "custom_fields",
}  # fmt: skip


def create_user(store: Store, values: dict[str, Any]) -> Doc:
    """``{email?, location?}`` → ``{id, email, location}``; what a user sees is said by the organizations."""
    location = values.get("location", "us")
    if location not in DATA_CENTRES:
        raise ValueError(f"no data centre {location!r}")
    id_ = str(store.next_number("user"))
    user = {"id": id_, "email": values.get("email") or f"owner{id_}@example.com", "location": location}
    store.put("user", id_, user)
    return user


def create_organization(store: Store, clock: Clock, switches: Switches, values: dict[str, Any]) -> Doc:
    """A new organization.

    Optional keys: ``name``, ``user`` (id; else a new one in ``location``), ``chart`` (``us``, ``uk``), ``plan`` (Free …
    Ultimate), ``trial``, ``quota`` (calls a day), ``country_code``, ``time_zone``, ``currency_code`` (base),
    ``multicurrency``, ``contact_currencies``, ``currencies`` {code: rate | null}, ``accounts`` [{account_name,
    account_type, currency_code}], ``contacts`` [name | {contact_name, currency_code …}], ``items`` {name: account},
    ``taxes`` {name: percentage}, ``sales_tax``, ``approvals``, ``einvoicing``, ``custom_fields`` {module: [{api_name,
    label?, unique?, options?}]} with the modules invoice, payment, creditnote, journal, contact, item, expense.

    Answers {"organization_id", "user", "location", "chart", "accounts": {name: id}, "expected": {account key: id},
    "contacts": {name: id}, "items": {name: id}, "currencies": {code: id}, "taxes": {name: id}}.

    Raises:
        ValueError: an unknown key.
        Fault: a seed Zoho itself would refuse.
    """
    if unknown := set(values) - _KNOWN:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    chart = CHARTS[values.get("chart", "us")]
    user = store.get("user", str(values["user"])) if values.get("user") else None
    user = user or create_user(store, {"location": values.get("location", "us")})
    number = store.next_number("organization")
    info = _record(clock, values, chart, number, user["id"])
    store.put("organization", info["organization_id"], info)
    organization = Organization(store, clock, switches, info)
    base = masters.add_currency(organization, info["currency_code"], base=True)
    info["currency_id"] = base["currency_id"]
    organization.save_info()
    _currencies(organization, {**chart.currencies, **(values.get("currencies") or {})})
    _accounts(organization, chart, values.get("accounts") or [])
    made = {doc["account_name"]: doc["account_id"] for doc in organization.all("account")}
    taxes = values.get("taxes") or chart.taxes
    for name, percentage in taxes.items():
        masters.add_tax(organization, name, str(percentage))
    for name, account in {**chart.items, **(values.get("items") or {})}.items():
        masters.save_item(organization, {"name": name, "rate": 0, "account_id": made[account]}, None)
    for contact in values.get("contacts") or []:
        given = {"contact_name": contact} if isinstance(contact, str) else dict(contact)
        masters.save_contact(organization, given, None)
    return {
        "organization_id": organization.id,
        "user": user["id"],
        "location": user["location"],
        "chart": chart.slug,
        "accounts": made,
        "expected": {key: made[name] if name else None for key, name in chart.expected.items()},
        "contacts": {doc["contact_name"]: doc["contact_id"] for doc in organization.all("contact")},
        "items": {doc["name"]: doc["item_id"] for doc in organization.all("item")},
        "currencies": {doc["currency_code"]: doc["currency_id"] for doc in organization.all("currency")},
        "taxes": {doc["tax_name"]: doc["tax_id"] for doc in organization.all("tax")},
    }


def _record(clock: Clock, values: dict[str, Any], chart: Chart, number: int, user: str) -> Doc:
    plan = values.get("plan", "Professional")
    currencies = {**chart.currencies, **(values.get("currencies") or {})}
    trial = bool(values.get("trial", False))
    country = values.get("country_code", chart.country)
    return {
        "organization_id": str(_FIRST + number),
        "number": number,
        "name": values.get("name") or f"Organization {number}",
        "users": [user],
        "plan_name": plan,
        "trial": trial,
        "quota": int(values.get("quota") or (TRIAL_PER_DAY if trial else PER_DAY[plan])),
        "country_code": country,
        "time_zone": values.get("time_zone", chart.time_zone),
        "currency_code": values.get("currency_code", chart.home),
        "currency_id": "",
        "multicurrency": bool(values.get("multicurrency", plan in _MULTICURRENCY or bool(currencies))),
        "contact_currencies": bool(values.get("contact_currencies", False)) and plan in _CONTACT_CURRENCIES,
        "sales_tax": bool(values.get("sales_tax", bool(values.get("taxes") or chart.taxes))),
        "approvals": bool(values.get("approvals", False)),
        "einvoicing": bool(values.get("einvoicing", False)),
        "is_org_active": True,
        "created": clock.now().date().isoformat(),
        "busy": 0,
        "locks": [],
        "custom_fields": {
            module: [_custom_field(number, module, at, each) for at, each in enumerate(fields)]
            for module, fields in (values.get("custom_fields") or {}).items()
        },
    }


def _custom_field(number: int, module: str, at: int, given: Doc) -> Doc:
    return {
        "customfield_id": f"{46_000_000 + number}{len(module):02d}{at:09d}",
        "api_name": given["api_name"],
        "label": given.get("label") or given["api_name"],
        "unique": bool(given.get("unique", False)),
        "options": list(given.get("options") or []),
    }


def _currencies(organization: Organization, wanted: dict[str, Any]) -> None:
    for code, rate in wanted.items():
        if code == organization.base:
            continue
        currency = masters.add_currency(organization, code)
        if rate is not None:
            masters.add_rate(organization, currency["currency_id"], "2000-01-01", str(rate))


def _accounts(organization: Organization, chart: Chart, more: list[Doc]) -> None:
    for name, kind, system in charts.SYSTEM:
        accounts.save(organization, {"account_name": name, "account_type": kind}, None, seed=name, system=system)
    for seed in chart.accounts:
        given = {"account_name": seed.name, "account_type": seed.account_type, "currency_code": seed.currency}
        accounts.save(organization, given, None)
    for each in more:
        accounts.save(organization, each, None)


# What is answered


def listed(organization: Organization, user: str) -> Doc:
    info = organization.info
    currency = organization.currency_of(organization.base)
    return {
        "organization_id": info["organization_id"],
        "name": info["name"],
        "contact_name": "Owner",
        "email": "owner@example.com",
        "is_default_org": organization.id == _default(organization, user),
        "plan_type": 0 if info["plan_name"] == "Free" else 2,
        "plan_name": info["plan_name"],
        "plan_period": "monthly",
        "tax_group_enabled": False,
        "language_code": "en",
        # A text in live answers, a number in the description.
        "fiscal_year_start_month": "1",
        "account_created_date": info["created"],
        "account_created_date_formatted": info["created"],
        "time_zone": info["time_zone"],
        "country_code": info["country_code"],
        "is_org_active": info["is_org_active"],
        "org_settings": {"is_org_active": info["is_org_active"]},
        "currency_id": info["currency_id"],
        "currency_code": info["currency_code"],
        "currency_symbol": currency["currency_symbol"],
        "currency_format": currency["currency_format"],
        "price_precision": currency["price_precision"],
        "date_format": "dd MMM yyyy",
    }


def _default(organization: Organization, user: str) -> str:
    seen = [each for each in organization.store.all("organization") if user in each["users"]]
    return str(seen[0]["organization_id"]) if seen else ""


def detailed(organization: Organization, user: str) -> Doc:
    """The same without the plan."""
    hidden = {"plan_type", "plan_name", "plan_period", "tax_group_enabled", "account_created_date_formatted"}
    return {key: value for key, value in listed(organization, user).items() if key not in hidden}
