"""Ledger accounts and what the older parts of the API know them by: categories, journal accounts, sub-accounts."""

import uuid
from collections.abc import Mapping
from datetime import UTC
from itertools import count
from typing import Any

from ledgers.freshbooks.sandbox import errors
from ledgers.freshbooks.sandbox.business import ACTIVE, Business, visible
from ledgers.freshbooks.sandbox.charts import COGS, SUB_TYPES, TYPES, SeedAccount
from ledgers.freshbooks.sandbox.fields import Doc

_SPACE = uuid.UUID("6f1d0f0e-5a3c-4c57-9f0a-2b8f4f2d7c11")
_OBJECT = "account"


def add(business: Business, seed: SeedAccount, *, system: bool, category: str | None = None, cogs: bool = False) -> Doc:
    """A new account, from a chart or from a person. ``category`` makes it an expense category of that parent."""
    parent_name, _, name = seed.name.rpartition(":")
    parent = business.find("account", "$.name", parent_name)[0] if parent_name else None
    jea = parent["jea_id"] if parent else business.next_id("jea", 545_882)
    doc: Doc = {
        "uuid": str(uuid.uuid5(_SPACE, f"{business.scope}:{business.next_id('account')}")),
        "name": name,
        "number": seed.number or _free_number(business, parent, seed.sub_type),
        "description": "",
        "type": next(row[1] for row in SUB_TYPES if row[2] == seed.sub_type),
        "sub_type": seed.sub_type,
        "system_account_name": name if system else None,
        "parent_account": parent["uuid"] if parent else None,
        "auto_created": not seed.posts,
        "state": "active",
        "updated_at": _stamp(business),
        "category_id": None,
        "jea_id": jea,
        "jesa_id": business.next_id("jesa", 635_972) if seed.posts else None,
    }
    doc["_"] = {
        "jesa": str(doc["jesa_id"] or ""),
        "parent": doc["parent_account"] or "",
        "sub_name": seed.sub_name or name,
        "sub_number": _sub_number(doc["number"], parent is not None),
        "system": system,
        "created_at": business.stamp(),
    }
    if category is not None:
        doc["category_id"] = _category(business, doc, category, cogs)
    business.put("account", doc["uuid"], doc)
    return doc


def _sub_number(number: str, nested: bool) -> str:
    """A sub-account is numbered within its parent; an account that takes entries itself does so in its number 1."""
    return number.rpartition("-")[2] if nested else "1"


def _free_number(business: Business, parent: Doc | None, sub_type: str) -> str:
    if parent is not None:
        first = len(business.find("account", "$._.parent", parent["uuid"])) + 1
        candidates = (f"{parent['number']}-{at}" for at in count(first))
    else:
        base = next(row[3] for row in SUB_TYPES if row[2] == sub_type)
        candidates = (str(at) for at in count(base))
    return next(each for each in candidates if not business.find("account", "$.number", each))


def _stamp(business: Business) -> str:
    return business.clock.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# Categories


def _category(business: Business, account: Doc, parent: str, cogs: bool) -> int:
    id_ = business.next_id("category", 7_000_001)
    above = business.find("category", "$.category", parent)[0] if parent else None
    doc = {
        "id": id_,
        "categoryid": id_,
        "category": account["name"],
        "parentid": above["id"] if above else 0,
        "is_cogs": cogs,
        "is_editable": not account["_"]["system"],
        "transaction_posted": False,
        "created_at": business.stamp(),
        "updated_at": business.stamp(),
        "vis_state": ACTIVE,
        "_": {"account": account["uuid"]},
    }
    business.put("category", id_, doc)
    return id_


def category_account(business: Business, category: Doc, object_: str) -> Doc:
    """The ledger account behind a category.

    Raises:
        Refusal: 1042 when it is archived.
    """
    account = business.need("account", category["_"]["account"])
    if account["state"] != "active":
        raise errors.refusal(errors.INACTIVE_ACCOUNT, "The account is inactive.", "categoryid", object_, category["id"])
    return account


# The ledger accounts API


def create(business: Business, body: Mapping[str, Any]) -> Doc:
    """Raises:
    Refusal: 403 for a plan that cannot, 400 for a field that is missing or wrong.
    """
    business.need_flexible_accounts()
    for name in ("name", "sub_type"):
        if not body.get(name):
            raise errors.required(name, _OBJECT)
    if "parent_account" not in body:
        raise errors.required("parent_account", _OBJECT)
    sub_type = _sub_type(body["sub_type"])
    parent = None
    if body["parent_account"]:
        parent = business.get("account", body["parent_account"])
        if parent is None or parent["sub_type"] != sub_type:
            raise errors.invalid("The parent account is not of this sub type.", "parent_account", _OBJECT)
    at_once = business.switches["new_account_is_category"] == "at_once"
    is_expense = next(row[1] for row in SUB_TYPES if row[2] == sub_type) == "expense"
    name = f"{parent['name']}:{body['name']}" if parent else str(body["name"])
    seed = SeedAccount(name, sub_type, str(body.get("number") or ""))
    cogs = sub_type == COGS
    made = add(business, seed, system=False, category="" if is_expense and at_once else None, cogs=cogs)
    made["description"] = str(body.get("description") or "")
    business.put("account", made["uuid"], made)
    return shown(business, made)


def update(business: Business, id_: str, body: Mapping[str, Any]) -> Doc:
    """Raises:
    Refusal: 403 for a plan that cannot, 404, 400.
    """
    business.need_flexible_accounts()
    return change(business, id_, body)


def change(business: Business, id_: str, body: Mapping[str, Any]) -> Doc:
    """The same by a person, whatever the plan."""
    doc = business.need("account", id_)
    if body.get("state") not in (None, "active", "archived"):
        raise errors.invalid("The state is active or archived.", "state", _OBJECT, body["state"])
    if doc["_"]["system"] and not doc["category_id"] and body.get("state") == "archived":
        raise errors.invalid("A system account cannot be archived.", "state", _OBJECT)
    for name in ("name", "number", "description", "state"):
        if body.get(name) is not None:
            doc[name] = str(body[name])
    if body.get("name"):
        doc["_"]["sub_name"] = doc["name"]
        if doc["category_id"]:
            category = business.need("category", doc["category_id"])
            business.put("category", category["id"], {**category, "category": doc["name"]})
    doc["updated_at"] = _stamp(business)
    business.put("account", id_, doc)
    return shown(business, doc)


def _sub_type(given: Any) -> str:
    """The name of a sub type, given by name or id."""
    for id_, _, name, _ in SUB_TYPES:
        if str(given) in (id_, name):
            return name
    raise errors.invalid("There is no such sub type.", "sub_type", _OBJECT, given)


def shown(business: Business, doc: Doc) -> Doc:
    """One account as the API answers it, with its sub-accounts below it."""
    below = business.find("account", "$._.parent", doc["uuid"])
    return {**visible(doc), "sub_accounts": [shown(business, each) for each in below]}


def listed(business: Business, state: str = "") -> list[Doc]:
    """Accounts without parent, each with its sub-accounts."""
    tops = business.find("account", "$._.parent", "")
    return [shown(business, each) for each in tops if state in ("", each["state"])]


def types() -> list[Doc]:
    return [{"id": name, "name": name.capitalize()} for name in TYPES]


def sub_types() -> list[Doc]:
    return [{"id": id_, "type": type_, "name": name, "base_number": base} for id_, type_, name, base in SUB_TYPES]
