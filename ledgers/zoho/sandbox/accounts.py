"""Chart of accounts and bank accounts: two doors to the same records (sheet §7)."""

from decimal import Decimal
from typing import Final

from ledgers.zoho.sandbox import errors, search
from ledgers.zoho.sandbox.charts import MONEY, OWN_CURRENCY, TYPES
from ledgers.zoho.sandbox.endpoints import Call, Endpoint, said
from ledgers.zoho.sandbox.fields import Doc, empty, folded, needed, plain, text, true
from ledgers.zoho.sandbox.organization import Organization, visible


def _in_group(group: str) -> search.Test:
    return lambda doc: TYPES[doc["account_type"]] == group


_FILTERS: Final = {
    **search.account_words("account_name", "account_code"),
    **search.same("account_id"),
    **search.anywhere("account_name", "account_code", "description"),
    **search.modified_since(),
    **search.choice(
        "filter_by",
        {
            "AccountType.All": search.everything,
            "AccountType.Active": lambda doc: bool(doc["is_active"]),
            "AccountType.Inactive": lambda doc: not doc["is_active"],
            **{
                f"AccountType.{kind.capitalize()}": _in_group(kind)
                for kind in ("asset", "liability", "equity", "income", "expense")
            },
        },
    ),
}
_BANK_FILTERS: Final = search.choice(
    "filter_by",
    {
        "Status.All": search.everything,
        "Status.Active": lambda doc: bool(doc["is_active"]),
        "Status.Inactive": lambda doc: not doc["is_active"],
    },
)


def save(organization: Organization, given: Doc, old: Doc | None, *, seed: str = "", system: bool = False) -> Doc:
    """An account made or changed; ``seed`` is the name by which Zoho itself knows it."""
    merged = organization.merged(old, given)
    name = needed(merged, "account_name", 100)
    kind = text(merged, "account_type")
    if kind not in TYPES:
        raise errors.invalid_field("account_type")
    if old and kind != old["account_type"] and used(organization, old):
        raise organization.refuse("The type of an account with transactions cannot be changed.")
    for other in organization.called("account", "name", name):
        if not old or other["account_id"] != old["account_id"]:
            raise organization.refuse("An account with this name already exists.")
    currency = _currency(organization, merged, kind)
    doc: Doc = {
        "account_id": old["account_id"] if old else organization.new_id(),
        "account_name": name,
        "account_code": text(merged, "account_code", 50),
        "account_type": kind,
        "is_active": old["is_active"] if old else True,
        "currency_id": currency["currency_id"],
        "currency_code": currency["currency_code"],
        "description": text(merged, "description", 500),
        "is_system_account": old["is_system_account"] if old else system,
        "can_show_in_ze": true(merged.get("can_show_in_ze")),
        "include_in_vat_return": true(merged.get("include_in_vat_return")),
        "custom_fields": [],
        "documents": [],
    }
    parent = text(merged, "parent_account_id")
    doc["parent_account_id"] = organization.need("account", parent, 400)["account_id"] if parent else ""
    for field in ("account_number", "bank_name", "routing_number"):
        doc[field] = text(merged, field, 100)
    doc["_"] = {"seed": old["_"]["seed"] if old else seed, "name": folded(name)}
    return organization.put("account", organization.stamped(doc, old, merged))


def _currency(organization: Organization, merged: Doc, kind: str) -> Doc:
    if kind not in OWN_CURRENCY and organization.switches["foreign_asset_accounts"] == "ignored":
        return organization.currency_of(organization.base)
    if empty(merged.get("currency_id")) and empty(merged.get("currency_code")):
        return organization.currency_of(organization.base)
    return organization.money(merged, organization.today()).currency


def used(organization: Organization, doc: Doc) -> bool:
    return organization.books.touches(doc["account_id"])


def balance(organization: Organization, doc: Doc, *, base: bool = False) -> Decimal | int:
    """In the currency of the account, or in base; debit positive."""
    if base or doc["currency_code"] == organization.base:
        return plain(organization.amount(organization.books.balance(doc["account_id"])))
    code = doc["currency_code"]
    return plain(organization.amount(organization.books.balance_in(doc["account_id"], code), code))


def shown(organization: Organization, doc: Doc) -> Doc:
    answer = visible(doc)
    for field in ("account_number", "bank_name", "routing_number"):
        answer.pop(field)
    return {
        **answer,
        "custom_fields": organization.loose([]),
        "is_involved_in_transaction": used(organization, doc),
        "closing_balance": balance(organization, doc),
    }


def listed(organization: Organization, doc: Doc, *, with_balance: bool) -> Doc:
    parent = organization.get("account", doc["parent_account_id"]) if doc["parent_account_id"] else None
    names = ("account_id", "account_name", "account_code", "account_type", "is_active", "currency_id", "currency_code",
             "description", "parent_account_id", "created_time", "last_modified_time", "is_system_account")  # fmt: skip
    return {
        **{name: doc[name] for name in names},
        "is_user_created": not doc["is_system_account"],
        "is_standalone_account": False,
        "can_show_in_ze": doc["can_show_in_ze"],
        "is_involved_in_transaction": used(organization, doc),
        "current_balance": balance(organization, doc) if with_balance else "",
        "parent_account_name": parent["account_name"] if parent else "",
        "depth": "1" if parent else "0",
        "has_attachment": False,
        "is_child_present": "false",
        "child_count": "",
        "documents": organization.loose([]),
    }


def list_accounts(organization: Organization, call: Call) -> Doc:
    rows, context = search.page(
        organization, call, organization.all("account"), _FILTERS, name="Chart of Accounts",
        sorts=("account_name", "account_type", "account_code"),
    )  # fmt: skip
    with_balance = true(call.arg("showbalance"))
    found = [listed(organization, doc, with_balance=with_balance) for doc in rows]
    return said("success", chartofaccounts=found, page_context=context)


def create_account(organization: Organization, call: Call) -> Doc:
    doc = save(organization, call.body(), None)
    return said("The account has been created.", chart_of_account=shown(organization, doc))


def read_account(organization: Organization, call: Call, account_id: str) -> Doc:
    return said("success", chart_of_account=shown(organization, organization.need("account", account_id)))


def update_account(organization: Organization, call: Call, account_id: str) -> Doc:
    doc = save(organization, call.body(), organization.need("account", account_id))
    return said("The details of the account have been updated.", chart_of_account=shown(organization, doc))


def delete_account(organization: Organization, call: Call, account_id: str) -> Doc:
    doc = organization.need("account", account_id)
    if doc["is_system_account"]:
        raise organization.refuse("System accounts cannot be deleted.")
    if used(organization, doc):
        raise organization.refuse("Accounts with transactions cannot be deleted; mark them as inactive.")
    organization.bury("account", account_id)
    return said("The account has been deleted.")


def set_active(organization: Organization, account_id: str, *, active: bool) -> Doc:
    doc = organization.need("account", account_id)
    return organization.put("account", {**doc, "is_active": active, "last_modified_time": organization.stamp()})


def activate(organization: Organization, call: Call, account_id: str) -> Doc:
    set_active(organization, account_id, active=True)
    return said("The account has been marked as active.")


def inactivate(organization: Organization, call: Call, account_id: str) -> Doc:
    set_active(organization, account_id, active=False)
    return said("The account has been marked as inactive.")


# Bank accounts


def _bank(organization: Organization, doc: Doc) -> Doc:
    currency = organization.account_currency(doc)
    names = ("account_id", "account_name", "account_code", "currency_id", "currency_code", "account_type",
             "account_number", "is_active", "bank_name", "routing_number")  # fmt: skip
    return {
        **{name: doc[name] for name in names},
        "currency_symbol": currency["currency_symbol"],
        "price_precision": currency["price_precision"],
        "uncategorized_transactions": 0,
        "total_unprinted_checks": 0,
        "balance": balance(organization, doc),
        "bank_balance": 0,
        "bcy_balance": balance(organization, doc, base=True),
        "is_primary_account": False,
        "is_paypal_account": False,
    }


def _bank_detail(organization: Organization, doc: Doc) -> Doc:
    more = dict.fromkeys(("is_feeds_subscribed", "is_feeds_active", "is_show_warning_for_feeds_refresh"), False)
    texts = dict.fromkeys(("refresh_status_code", "feeds_last_refresh_date", "service_id"), "")
    own = {"description": doc["description"], "is_system_account": doc["is_system_account"]}
    return {**_bank(organization, doc), **more, **texts, **own}


def _need_bank(organization: Organization, account_id: str) -> Doc:
    doc = organization.need("account", account_id)
    if doc["account_type"] not in MONEY:
        raise errors.not_found("Bank account")
    return doc


def list_banks(organization: Organization, call: Call) -> Doc:
    found = [doc for doc in organization.all("account") if doc["account_type"] in MONEY]
    rows, context = search.page(organization, call, found, _BANK_FILTERS, name="Bank Accounts",
                                sorts=("account_name", "account_type", "account_code"))  # fmt: skip
    return said("success", bankaccounts=[_bank(organization, doc) for doc in rows], page_context=context)


def create_bank(organization: Organization, call: Call) -> Doc:
    body = call.body()
    if text(body, "account_type") not in MONEY:
        raise errors.invalid_field("account_type")
    doc = save(organization, body, None)
    return said("The bank account has been created.", bankaccount=_bank_detail(organization, doc))


def read_bank(organization: Organization, call: Call, account_id: str) -> Doc:
    return said("success", bankaccount=_bank_detail(organization, _need_bank(organization, account_id)))


def read_balance(organization: Organization, call: Call, account_id: str) -> Doc:
    """The description names no field beside code and message; these are those of the bank account."""
    doc = _need_bank(organization, account_id)
    return said("success", balance=balance(organization, doc), bcy_balance=balance(organization, doc, base=True))


ENDPOINTS: Final = (
    Endpoint("GET", "chartofaccounts", "chartofaccounts.list", "accountants.READ", list_accounts),
    Endpoint("POST", "chartofaccounts", "chartofaccounts.create", "accountants.CREATE", create_account, 201),
    Endpoint("GET", "chartofaccounts/<account_id>", "chartofaccounts.read", "accountants.READ", read_account),
    Endpoint("PUT", "chartofaccounts/<account_id>", "chartofaccounts.update", "accountants.UPDATE", update_account),
    Endpoint("DELETE", "chartofaccounts/<account_id>", "chartofaccounts.delete", "accountants.DELETE", delete_account),
    Endpoint("POST", "chartofaccounts/<account_id>/active", "chartofaccounts.active", "accountants.CREATE", activate),
    Endpoint(
        "POST", "chartofaccounts/<account_id>/inactive", "chartofaccounts.inactive", "accountants.CREATE", inactivate
    ),
    Endpoint("GET", "bankaccounts", "bankaccounts.list", "banking.READ", list_banks),
    Endpoint("POST", "bankaccounts", "bankaccounts.create", "banking.CREATE", create_bank, 201),
    Endpoint("GET", "bankaccounts/<account_id>", "bankaccounts.read", "banking.READ", read_bank),
    Endpoint("GET", "bankaccounts/<account_id>/balance", "bankaccounts.balance", "banking.READ", read_balance),
)
