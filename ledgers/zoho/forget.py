"""Taking a person out of a contact."""

from collections.abc import Mapping
from typing import Any, Final

from bookkeeping.documents import Kind
from ledgers.port import Refused
from ledgers.zoho import errors, wire
from ledgers.zoho.remote import Declined, Remote
from ledgers.zoho.translate import RESOURCES

_DEADLINE_S: Final = 60.0
_NOBODY: Final[Mapping[str, str]] = dict.fromkeys(("first_name", "last_name", "email", "phone", "mobile"), "")


def forget(remote: Remote, external_id: str, name: str, *, hide: bool) -> Refused | None:
    """See ``Ledger.forget``. Raises NotSent, AuthorizationLost, Unknown."""
    contacts = RESOURCES[Kind.CUSTOMER]
    path = f"{contacts.path}/{external_id}"
    try:
        row = remote.one(contacts.path, contacts.one, external_id)
        if row is None:
            return None
        if not _is_nameless(row, name):
            people = [
                {"contact_person_id": person["contact_person_id"], **_NOBODY}
                for person in wire.rows(row.get("contact_persons"))
                if person.get("contact_person_id")
            ]
            body: dict[str, Any] = {
                "contact_name": name,
                "contact_type": "customer",
                "company_name": "",
                "contact_persons": people,
            }
            remote.write("PUT", path, {}, wire.encode(body), _DEADLINE_S)
        if hide and wire.text(row.get("status")) != "inactive":
            remote.write("POST", f"{path}/inactive", {}, b"", _DEADLINE_S)
    except Declined as error:
        return None if error.code == errors.GONE else error.refused()
    return None


def _is_nameless(row: Mapping[str, Any], name: str) -> bool:
    people = wire.rows(row.get("contact_persons"))
    return wire.same_name(row.get("contact_name"), name) and not any(person.get("email") for person in people)
