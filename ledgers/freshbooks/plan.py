"""What one business may do: its ids, plan and permissions, from the answer about who connected. Pure.

Source: GET /auth/api/v1/users/me. Journal entries exist on Plus, Premium and Select only, after the owner switched
Advanced Accounting on; the permissions of the account say so.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

UNLIMITED: Final = -1
_CLIENTS_OF_LITE: Final = 5  # billable clients; Plus has 50. Source: freshbooks.com/pricing
_JOURNALS: Final = "manual_journal_entries_feature.access"
_ADVANCED: Final = "advanced_accounting.access"
_CHART: Final = "flexcoa_advanced_accounting.access"
_CLIENTS: Final = "client.limit"
_OWNER: Final = 1  # staff number of the owner, who carries expenses
_ENDED: Final = re.compile(r"cancel|expire|suspend|delet|inactive|ended|past.?due|read.?only", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Plan:
    """``account_id`` is the text id of accounting addresses, ``business_uuid`` that of ledger accounts. ``journals``: manual
    journal entries are possible; ``chart``: ledger accounts can be read and made. ``larger``: it is not the plan Lite, as the limit of its
    clients says: what is missing is to be switched on, not to be bought. ``client_limit`` is -1 for none.
    ``subscription`` is in FreshBooks' own word."""

    account_id: str
    business_uuid: str = ""
    business_id: str = ""
    name: str = ""
    role: str = ""
    country: str = ""
    subscription: str = ""
    journals: bool = False
    advanced: bool = False
    chart: bool = False
    larger: bool = False
    client_limit: int = UNLIMITED
    staff_id: int = _OWNER

    @property
    def ended(self) -> bool:
        return bool(_ENDED.search(self.subscription))

    def data(self) -> dict[str, Any]:
        """Return the plain values that are kept with the connection."""
        return asdict(self)


def plan_from(data: Mapping[str, Any], account_id: str) -> Plan:
    """Return what a connection keeps; without it, a plan that may do nothing special."""
    known = {field.name for field in fields(Plan)}
    return Plan(**{**{name: value for name, value in data.items() if name in known}, "account_id": account_id})


def plans(me: Mapping[str, Any]) -> list[Plan]:
    """Return the businesses that keep books, one for each membership with an account."""
    found: dict[str, Plan] = {}
    for membership in _listed(me, "business_memberships"):
        business = membership.get("business") or {}
        account_id = str(business.get("account_id") or "")
        if not account_id:
            continue
        granted = _of(me, "permissions").get(account_id) or {}
        found[account_id] = Plan(
            account_id=account_id,
            business_uuid=str(business.get("business_uuid") or ""),
            business_id=str(business.get("id") or ""),
            name=str(business.get("name") or account_id),
            role=str(membership.get("role") or ""),
            country=str((business.get("address") or {}).get("country") or ""),
            subscription=str(_of(me, "subscription_statuses").get(account_id) or business.get("status") or ""),
            journals=granted.get(_JOURNALS) is True and granted.get(_ADVANCED) is not False,
            advanced=granted.get(_ADVANCED) is True,
            chart=granted.get(_CHART) is True,
            larger=_larger(granted.get(_CLIENTS)),
            client_limit=_limit(granted.get(_CLIENTS)),
            staff_id=_staff(me, account_id),
        )
    return list(found.values())


def person(me: Mapping[str, Any]) -> str:
    """Return the id of who agreed: one living pair of tokens per person, whatever they may open."""
    return str(me.get("identity_id") or me.get("id") or "")


def _limit(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else UNLIMITED


def _larger(limit: object) -> bool:
    return isinstance(limit, int) and not isinstance(limit, bool) and not 0 <= limit <= _CLIENTS_OF_LITE


def _staff(me: Mapping[str, Any], account_id: str) -> int:
    for role in _listed(me, "roles"):
        if role.get("accountid") == account_id and isinstance(role.get("userid"), int):
            return int(role["userid"])
    return _OWNER


def _of(me: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = me.get(name)
    return value if isinstance(value, Mapping) else {}


def _listed(me: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = me.get(name)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []
