"""List objects: account, item, customer, vendor, class, location, currency. Active or not, never deleted."""

from typing import Any

from ledgers.quickbooks.sandbox import errors
from ledgers.quickbooks.sandbox.company import CLASSIFICATION, HOME_ONLY_TYPES, NAME_KINDS, Company, Doc, ref_to

DELETED = " (deleted)"

SUBTYPES = {
    "Bank": "CashOnHand Checking MoneyMarket RentsHeldInTrust Savings TrustAccounts",
    "Other Current Asset": "OtherCurrentAssets AllowanceForBadDebts DevelopmentCosts EmployeeCashAdvances Inventory"
    " Investment_MortgageRealEstateLoans Investment_Other Investment_TaxExemptSecurities"
    " Investment_USGovernmentObligations LoansToOfficers LoansToOthers LoansToStockholders PrepaidExpenses"
    " Retainage UndepositedFunds",
    "Fixed Asset": "OtherFixedAssets AccumulatedAmortization AccumulatedDepletion AccumulatedDepreciation Buildings"
    " DepletableAssets FixedAssetComputers FixedAssetCopiers FixedAssetFurniture FixedAssetPhone"
    " FixedAssetPhotoVideo FixedAssetSoftware FixedAssetOtherToolsEquipment FurnitureAndFixtures IntangibleAssets"
    " Land LeaseholdImprovements MachineryAndEquipment Vehicles",
    "Other Asset": "OtherLongTermAssets AccumulatedAmortizationOfOtherAssets Goodwill LeaseBuyout Licenses"
    " OrganizationalCosts SecurityDeposits",
    "Accounts Receivable": "AccountsReceivable",
    "Accounts Payable": "AccountsPayable",
    "Credit Card": "CreditCard",
    "Other Current Liability": "OtherCurrentLiabilities DeferredRevenue DirectDepositPayable FederalIncomeTaxPayable"
    " GlobalTaxPayable GlobalTaxSuspense InsurancePayable LineOfCredit LoanPayable PayrollClearing"
    " PayrollTaxPayable PrepaidExpensesPayable RentsInTrustLiability SalesTaxPayable StateLocalIncomeTaxPayable"
    " TrustAccountsLiabilities",
    "Long Term Liability": "OtherLongTermLiabilities NotesPayable ShareholderNotesPayable",
    "Equity": "OpeningBalanceEquity AccumulatedAdjustment CommonStock EstimatedTaxes Healthcare OwnersEquity"
    " PaidInCapitalOrSurplus PartnerContributions PartnerDistributions PartnersEquity PersonalExpense"
    " PersonalIncome PreferredStock RetainedEarnings TreasuryStock",
    "Income": "OtherPrimaryIncome DiscountsRefundsGiven NonProfitIncome SalesOfProductIncome ServiceFeeIncome"
    " UnappliedCashPaymentIncome",
    "Cost of Goods Sold": "SuppliesMaterialsCogs CostOfLaborCos EquipmentRentalCos OtherCostsOfServiceCos"
    " ShippingFreightDeliveryCos",
    "Expense": "OtherMiscellaneousServiceCost AdvertisingPromotional Auto BadDebts BankCharges CharitableContributions"
    " CommissionsAndFees CostOfLabor DuesSubscriptions Entertainment EntertainmentMeals EquipmentRental FinanceCosts"
    " GlobalTaxExpense Insurance InterestPaid LegalProfessionalFees OfficeGeneralAdministrativeExpenses"
    " OtherBusinessExpenses PayrollExpenses PromotionalMeals RentOrLeaseOfBuildings RepairMaintenance"
    " ShippingFreightDelivery SuppliesMaterials TaxesPaid Travel TravelMeals UnappliedCashBillPaymentExpense"
    " Utilities",
    "Other Income": "OtherMiscellaneousIncome DividendIncome InterestEarned OtherInvestmentIncome TaxExemptInterest",
    "Other Expense": "OtherMiscellaneousExpense Amortization Depreciation ExchangeGainOrLoss GasAndFuel HomeOffice"
    " PenaltiesSettlements ParkingAndTolls Vehicle VehicleInsurance VehicleLease VehicleRepairs",
}
_TYPE_OF = {subtype: kind for kind, names in SUBTYPES.items() for subtype in names.split()}
_FORBIDDEN = {"Account": ':"', "Item": ":\t\n", "Customer": ":\t\n", "Vendor": ":\t\n"}
_ACCOUNT_LIMIT = 250  # active accounts below Advanced, sheet §7
_CLASS_LIMIT = 40  # classes and locations together on Plus, sheet §3.13


def build(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    """The object as stored, from the writable fields of a request.

    Raises:
        Fault: any rule of sheet §3.3, §3.4, §3.5, §3.13.
    """
    builders = {
        "Account": _account,
        "Item": _item,
        "Customer": _name,
        "Vendor": _name,
        "Class": _class,
        "Department": _class,
        "CompanyCurrency": _currency,
    }
    if kind not in builders:
        raise errors.unsupported(f"create or update of {kind}")
    return builders[kind](company, kind, body, old)


def _checked_name(company: Company, kind: str, name: Any, old: Doc | None, parent: Doc | None = None) -> str:
    if not isinstance(name, str) or not name.strip():
        raise errors.required("Name")
    if any(sign in name for sign in _FORBIDDEN.get(kind, "")):
        raise errors.business(f"The name {name!r} has a character that is not allowed", "Name")
    full = f"{parent['FullyQualifiedName']}:{name}" if parent else name
    for other in company.store.find(kind, "$.FullyQualifiedName", [full], company.realm):
        if old is None or other["Id"] != old["Id"]:
            raise errors.duplicate_name()
    return name


def _active(doc: Doc, body: Doc) -> None:
    """Set Active; an inactive object's name says so."""
    doc["Active"] = body.get("Active", True) is not False
    for field in ("Name", "DisplayName", "FullyQualifiedName"):
        if field in doc:
            plain = str(doc[field]).removesuffix(DELETED)
            doc[field] = plain if doc["Active"] else plain + DELETED


def _under(company: Company, kind: str, body: Doc, flag: str) -> tuple[Doc, Doc | None]:
    """The fields that place an object below a parent, and the parent."""
    parent = company.refer(kind, body.get("ParentRef"), "ParentRef")
    if not body.get(flag) or parent is None:
        return {flag: False}, None
    return {flag: True, "ParentRef": {"value": parent["Id"]}}, parent


def _account(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    subtype, account_type = body.get("AccountSubType"), body.get("AccountType")
    if not subtype and not account_type:
        raise errors.Fault("6010", "Account type missing", "AccountType or AccountSubType is required")
    account_type = account_type or _TYPE_OF.get(subtype or "")
    if account_type not in SUBTYPES or (subtype and _TYPE_OF.get(subtype) != account_type):
        raise errors.bad_enum("AccountSubType", subtype)
    below, parent = _under(company, kind, body, "SubAccount")
    if parent and parent["AccountType"] != account_type:
        raise errors.business("A sub-account has the type of its parent", "ParentRef")
    name = _checked_name(company, kind, body.get("Name"), old, parent)
    currency = (body.get("CurrencyRef") or {}).get("value") or (old or {}).get("CurrencyRef", {}).get("value")
    currency = currency or company.home
    if currency != company.home and (
        account_type in HOME_ONLY_TYPES or not company.multicurrency or not company.currency_active(currency)
    ):
        raise errors.business(f"The account cannot have the currency {currency}", "CurrencyRef")
    if old and currency != old["CurrencyRef"]["value"] and company.books.entries(old["Id"]):
        raise errors.business("The currency of an account in use cannot be changed", "CurrencyRef")
    doc: Doc = {
        "Name": name,
        **below,
        "FullyQualifiedName": f"{parent['FullyQualifiedName']}:{name}" if parent else name,
        "Description": body.get("Description"),
        "Classification": CLASSIFICATION[account_type],
        "AccountType": account_type,
        "AccountSubType": subtype or SUBTYPES[account_type].split()[0],
        "CurrencyRef": {"value": currency},
    }
    if company.preference("AccountingInfoPrefs", "UseAccountNumbers") and body.get("AcctNum"):
        doc["AcctNum"] = body["AcctNum"]
    _active(doc, body)
    limited = old is None and company.info["plan"] != "Advanced"
    limited = limited and company.store.count(kind, company.realm) >= _ACCOUNT_LIMIT
    if limited and sum(1 for each in company.all("Account") if each["Active"]) >= _ACCOUNT_LIMIT:
        raise errors.business(f"The plan allows {_ACCOUNT_LIMIT} active accounts")
    return doc


def _item(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    item_type = body.get("Type") or (old or {}).get("Type") or "Service"
    if item_type not in ("Service", "NonInventory", "Inventory", "Category"):
        raise errors.business(f"An item of type {item_type} cannot be created through the API", "Type")
    below, parent = _under(company, kind, body, "SubItem")
    name = _checked_name(company, kind, body.get("Name"), old, parent)
    full = f"{parent['FullyQualifiedName']}:{name}" if parent else name
    doc: Doc = {"Name": name, **below, "FullyQualifiedName": full, "Type": item_type}
    if item_type == "Category":
        _active(doc, body)
        return doc
    income = company.needed("Account", body.get("IncomeAccountRef"), "IncomeAccountRef")
    doc["IncomeAccountRef"] = ref_to(income)
    for field in ("Sku", "Description", "UnitPrice", "Taxable", "SalesTaxIncluded", "PurchaseDesc", "PurchaseCost"):
        doc[field] = body.get(field)
    doc["Taxable"] = bool(body.get("Taxable", False))
    doc["UnitPrice"] = body.get("UnitPrice", 0)
    doc["PurchaseCost"] = body.get("PurchaseCost", 0)
    doc["TrackQtyOnHand"] = item_type == "Inventory"
    if expense := company.refer("Account", body.get("ExpenseAccountRef"), "ExpenseAccountRef"):
        doc["ExpenseAccountRef"] = ref_to(expense)
    if item_type == "Inventory":
        _inventory(company, body, doc)
    _active(doc, body)
    return doc


def _inventory(company: Company, body: Doc, doc: Doc) -> None:
    if company.info["plan"] not in ("Plus", "Advanced"):
        raise errors.Fault("5020", "Permission Denied Error", "Inventory needs the plan Plus or Advanced")
    for field in ("QtyOnHand", "InvStartDate"):
        if body.get(field) is None:
            raise errors.required(field)
        doc[field] = body[field]
    if body.get("TrackQtyOnHand") is not True:
        raise errors.required("TrackQtyOnHand")
    doc["AssetAccountRef"] = ref_to(company.needed("Account", body.get("AssetAccountRef"), "AssetAccountRef"))
    doc["ExpenseAccountRef"] = ref_to(company.needed("Account", body.get("ExpenseAccountRef"), "ExpenseAccountRef"))


_NAME_FIELDS = (
    "GivenName",
    "MiddleName",
    "FamilyName",
    "CompanyName",
    "PrimaryEmailAddr",
    "PrimaryPhone",
    "BillAddr",
    "ShipAddr",
    "Notes",
    "ResaleNum",
    "PreferredDeliveryMethod",
    "PrintOnCheckName",
)


def _name(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    parts = [body.get(field) for field in ("GivenName", "MiddleName", "FamilyName")]
    name = body.get("DisplayName") or " ".join(filter(None, parts)) or body.get("CompanyName")
    if not name:
        raise errors.Fault("6080", "Name is required", "One of DisplayName, the name parts or CompanyName is required")
    if any(sign in name for sign in _FORBIDDEN[kind]):
        raise errors.business(f"The name {name!r} has a character that is not allowed", "DisplayName")
    for other_kind in (*NAME_KINDS, "Employee"):
        for other in company.store.find(other_kind, "$.DisplayName", [name], company.realm):
            if old is None or other_kind != kind or other["Id"] != old["Id"]:
                raise errors.duplicate_name("DisplayName")
    currency = (body.get("CurrencyRef") or {}).get("value") or (old or {}).get("CurrencyRef", {}).get("value")
    currency = currency or company.home
    if currency != company.home and not (company.multicurrency and company.currency_active(currency)):
        raise errors.invalid_reference("Currency", currency, "CurrencyRef")
    if old and currency != old["CurrencyRef"]["value"] and _has_transactions(company, old["Id"]):
        raise errors.business("The currency of a name with transactions cannot be changed", "CurrencyRef")
    doc: Doc = {field: body[field] for field in _NAME_FIELDS if body.get(field) is not None}
    doc |= {"DisplayName": name, "FullyQualifiedName": name, "CurrencyRef": {"value": currency}}
    if kind == "Customer":
        doc |= {"Taxable": bool(body.get("Taxable", False)), "Job": False}
    _active(doc, body)
    if kind == "Vendor":
        doc.pop("FullyQualifiedName")
    return doc


def _has_transactions(company: Company, id_: str) -> bool:
    return any(
        company.store.find(kind, "$.CustomerRef.value", [id_], company.realm)
        for kind in ("Invoice", "Payment", "SalesReceipt", "CreditMemo", "RefundReceipt")
    )


def _class(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    section = "AccountingInfoPrefs"
    on = (
        company.preference(section, "TrackDepartments")
        if kind == "Department"
        else company.preference(section, "ClassTrackingPerTxn")
        or company.preference(section, "ClassTrackingPerTxnLine")
    )
    if not on or company.info["plan"] not in ("Plus", "Advanced"):
        raise errors.Fault("5020", "Permission Denied Error", f"{kind} is not available for this company")
    below, parent = _under(company, kind, body, f"Sub{kind}")
    name = _checked_name(company, kind, body.get("Name"), old, parent)
    doc: Doc = {
        "Name": name,
        **below,
        "FullyQualifiedName": f"{parent['FullyQualifiedName']}:{name}" if parent else name,
    }
    _active(doc, body)
    both = [each for one in ("Class", "Department") for each in company.all(one) if each["Active"]]
    if old is None and company.info["plan"] == "Plus" and len(both) >= _CLASS_LIMIT:
        raise errors.business(f"The plan allows {_CLASS_LIMIT} classes and locations")
    return doc


def _currency(company: Company, kind: str, body: Doc, old: Doc | None) -> Doc:
    if not company.multicurrency:
        raise errors.Fault("5020", "Permission Denied Error", "Multicurrency is not enabled for this company")
    code = body.get("Code") or (old or {}).get("Code")
    if not isinstance(code, str) or len(code) != 3 or not code.isupper():
        raise errors.required("Code")
    if old is None and any(doc["Code"] == code for doc in company.all("CompanyCurrency")):
        raise errors.duplicate_name("Code")
    return {"Code": code, "Name": body.get("Name") or code, "Active": body.get("Active", True) is not False}
