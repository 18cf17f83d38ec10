"""Taking a person out of a client."""

from collections.abc import Mapping
from typing import Final

from bookkeeping.documents import Kind
from ledgers.freshbooks import wire
from ledgers.freshbooks.accounts import is_deleted
from ledgers.freshbooks.bodies import Company
from ledgers.freshbooks.remote import Remote, RemoteRefused
from ledgers.freshbooks.translate import address
from ledgers.port import Refused

_DEADLINE_S: Final = 60.0
_ARCHIVED: Final = 2  # a deleted client would take its invoices out of reach; an archived one is hidden
_EMPTIED: Final[Mapping[str, str]] = dict.fromkeys(
    (
        "fname", "lname", "email", "home_phone", "bus_phone", "mob_phone", "fax", "vat_number",
        *(f"{kind}_{part}" for kind in "ps" for part in ("street", "street2", "city", "province", "code", "country")),
    ),
    "",
)  # fmt: skip


def forget(remote: Remote, company: Company, external_id: str, name: str, *, hide: bool) -> Refused | None:
    """See ``Ledger.forget``. Raises NotSent, AuthorizationLost, Unknown."""
    path = f"{address(Kind.CUSTOMER, company)}/{external_id}"
    try:
        row = remote.get(path, "client")
        if row is None or is_deleted(row):
            return None
        client = {**_EMPTIED, "organization": name, **({"vis_state": _ARCHIVED} if hide else {})}
        remote.write("PUT", path, {}, wire.encode({"client": client}), _DEADLINE_S)
    except RemoteRefused as error:
        return error.refused
    return None
