"""Who is calling and what they may see: ``/auth/api/v1/users/me`` (sheet §2)."""

from typing import Any

from ledgers.freshbooks.sandbox.business import Business
from ledgers.freshbooks.sandbox.fields import Doc


def me(person: Doc, businesses: list[tuple[Doc, Business]]) -> Doc:
    """``businesses`` are (membership, business). There is no ``result`` level."""
    with_account = [(membership, each) for membership, each in businesses if each.info["account_id"]]
    return {
        "response": {
            "id": person["id"],
            "identity_id": person["id"],
            "identity_uuid": person["uuid"],
            "first_name": person["first_name"],
            "last_name": person["last_name"],
            "email": person["email"],
            "profile": {"timezone": businesses[0][1].info["time_zone"] if businesses else "America/New_York"},
            "permissions": {each.info["account_id"]: each.permissions() for _, each in with_account},
            "subscription_statuses": {each.info["account_id"]: each.info["status"] for _, each in with_account},
            "business_memberships": [_membership(membership, each) for membership, each in businesses],
            "groups": [],
            "roles": [
                {
                    "id": membership["id"],
                    "role": "admin" if membership["role"] == "owner" else membership["role"],
                    "accountid": each.info["account_id"],
                    "systemid": each.info["id"],
                    "userid": 1,
                }
                for membership, each in with_account
            ],
        }
    }


def _membership(membership: Doc, business: Business) -> dict[str, Any]:
    info = business.info
    return {
        "id": membership["id"],
        "role": membership["role"],
        # Opens the account without a password: whoever logs this answer gives the account away.
        "fasttrack_token": f"fasttrack-{membership['id']}",
        "business": {
            "id": info["id"],
            "business_uuid": info["uuid"],
            "name": info["name"],
            "account_id": info["account_id"],
            "date_format": "mm/dd/yyyy",
            "address": None,
            "phone_number": None,
            "business_clients": [],
        },
    }
