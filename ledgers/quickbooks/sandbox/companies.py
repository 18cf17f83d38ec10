"""Making a company: its record, preferences, chart of accounts, items, customers, classes, locations."""

from decimal import Decimal
from typing import Any

from ledgers.quickbooks.sandbox import writes
from ledgers.quickbooks.sandbox.charts import CHARTS, Chart
from ledgers.quickbooks.sandbox.company import Company, Doc, stamp
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches

_FIRST_REALM = 9341453908250001
_KNOWN = {
    "name", "realm", "chart", "plan", "country", "home_currency", "multicurrency", "currencies", "time_zone",
    "preferences", "items", "customers", "vendors", "classes", "departments", "sales_tax_percent", "last_number",
}  # fmt: skip


def create_company(store: Store, clock: Clock, switches: Switches, values: dict[str, Any]) -> Doc:
    """A new company.

    Optional keys: ``name``, ``realm`` (text of digits), ``chart`` (slug of ``charts.CHARTS``), ``plan`` (SimpleStart,
    Essentials, Plus, Advanced), ``country``, ``home_currency``, ``multicurrency``, ``currencies`` {code: rate},
    ``time_zone``, ``preferences`` {section: {name: value}}, ``items`` {name: income account}, ``customers`` and
    ``vendors`` [name | {DisplayName, CurrencyRef …}], ``classes``, ``departments`` [name], ``sales_tax_percent``,
    ``last_number`` (of sales documents).

    Answers {"realm", "chart", "accounts": {fully qualified name: id}, "expected": {account key: id | None},
    "items": {name: id}, "customers": {name: id}}.

    Raises:
        ValueError: an unknown key.
        Fault: a seed QuickBooks itself would refuse.
    """
    if unknown := set(values) - _KNOWN:
        raise ValueError(f"unknown: {', '.join(sorted(unknown))}")
    chart = CHARTS[values.get("chart", "us_default")]
    realm = str(values.get("realm") or store.next_number("realm", _FIRST_REALM))
    if store.get("company", realm):
        raise ValueError(f"company {realm} exists")
    store.put("company", realm, _record(clock, values, chart, realm))
    company = Company(store, clock, switches, store.get("company", realm) or {})
    for code, rate in (values.get("currencies") or {}).items():
        writes.create(company, "CompanyCurrency", {"Code": code, "Name": code})
        company.set_rate(code, "2000-01-01", Decimal(str(rate)))
    accounts = _accounts(company, chart)
    for kind, field in (("Class", "classes"), ("Department", "departments")):
        for name in values.get(field) or []:
            writes.create(company, kind, {"Name": name})
    items = {
        name: writes.create(company, "Item", _item(name, accounts[account]))["Id"]
        for name, account in {**chart.items, **(values.get("items") or {})}.items()
    }
    customers = _names(company, "Customer", values.get("customers") or [])
    _names(company, "Vendor", values.get("vendors") or [])
    for code, name in (("TAX", "Taxable sales"), ("NON", "Non-taxable sales")):
        _tax_code(company, code, name)
    return {
        "realm": realm,
        "chart": chart.slug,
        "accounts": accounts,
        "expected": {key: accounts[name] if name else None for key, name in chart.expected.items()},
        "items": items,
        "customers": customers,
    }


def _record(clock: Clock, values: dict[str, Any], chart: Chart, realm: str) -> Doc:
    home = values.get("home_currency", "USD")
    plan = values.get("plan", "Plus")
    record: Doc = {
        "realm": realm,
        "name": values.get("name") or f"Company {realm[-4:]}",
        "chart": chart.slug,
        "plan": plan,
        # ISO-3 since the response changes of 2025 (sheet §2).
        "country": values.get("country", "USA"),
        "home_currency": home,
        "multicurrency": bool(values.get("multicurrency") or values.get("currencies")),
        "time_zone": values.get("time_zone", "America/Los_Angeles"),
        "created": stamp(clock.now()),
        "last_number": values.get("last_number", 1000),
        "sales_tax_percent": str(values.get("sales_tax_percent", "8.25")),
        "access_lost": False,
        "lapsed": False,
        "close_password": False,
        "preferences_token": 0,
        "preferences": _preferences(home, chart, plan),
    }
    record["preferences"]["CurrencyPrefs"]["MultiCurrencyEnabled"] = record["multicurrency"]
    for section, given in (values.get("preferences") or {}).items():
        record["preferences"].setdefault(section, {}).update(given)
    return record


def _preferences(home: str, chart: Chart, plan: str) -> Doc:
    tracking = plan in ("Plus", "Advanced")
    return {
        "AccountingInfoPrefs": {
            "FirstMonthOfFiscalYear": "January",
            "UseAccountNumbers": chart.numbers,
            "TaxYearMonth": "January",
            "ClassTrackingPerTxn": False,
            "ClassTrackingPerTxnLine": tracking,
            "TrackDepartments": tracking,
            "DepartmentTerminology": "Location",
            "CustomerTerminology": "Customers",
        },
        "ProductAndServicesPrefs": {
            "ForSales": True,
            "ForPurchase": True,
            "QuantityWithPriceAndRate": True,
            "QuantityOnHand": tracking,
        },
        "SalesFormsPrefs": {
            "CustomTxnNumbers": False,
            "AllowDeposit": False,
            "AllowDiscount": False,
            "AllowShipping": False,
            "AutoApplyCredit": False,
            "AutoApplyPayments": False,
            "DefaultCustomerMessage": "Thank you for your business.",
        },
        "TaxPrefs": {"UsingSalesTax": False},
        "CurrencyPrefs": {"MultiCurrencyEnabled": False, "HomeCurrency": {"value": home}},
        "ReportPrefs": {"ReportBasis": "Accrual"},
        "OtherPrefs": {"NameValue": [{"Name": "SalesFormsPrefs.DefaultCustomerMessage", "Value": "Thank you"}]},
    }


def _accounts(company: Company, chart: Chart) -> dict[str, str]:
    made: dict[str, str] = {}
    for seed in chart.accounts:
        parent, _, name = seed.name.rpartition(":")
        body: Doc = {"Name": name, "AccountType": seed.account_type, "AccountSubType": seed.subtype}
        if seed.number:
            body["AcctNum"] = seed.number
        if parent:
            body |= {"SubAccount": True, "ParentRef": {"value": made[parent]}}
        made[seed.name] = writes.create(company, "Account", body)["Id"]
    return made


def _item(name: str, account: str) -> Doc:
    return {"Name": name, "Type": "Service", "IncomeAccountRef": {"value": account}}


def _names(company: Company, kind: str, given: list[Any]) -> dict[str, str]:
    made = {}
    for each in given:
        doc = writes.create(company, kind, {"DisplayName": each} if isinstance(each, str) else dict(each))
        made[doc["DisplayName"]] = doc["Id"]
    return made


def _tax_code(company: Company, code: str, name: str) -> None:
    doc = {"Name": code, "Description": name, "Active": True, "Hidden": False, "Taxable": code == "TAX",
           "TaxGroup": code == "TAX"}  # fmt: skip
    company.put("TaxCode", {**company.stamped("TaxCode", doc, None), "Id": code})
