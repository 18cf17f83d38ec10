"""Taking a person out of a customer."""

from typing import Final

from ledgers.port import Call, Refused
from ledgers.quickbooks import errors, wire
from ledgers.quickbooks.remote import ReadRefused, Remote

_DEADLINE_S: Final = 60.0
_KEPT: Final = ("CurrencyRef", "Taxable")


def forget(remote: Remote, external_id: str, name: str, *, hide: bool) -> Refused | None:
    """See ``Ledger.forget``. A full update: QuickBooks empties whatever it does not name, addresses and notes included.

    A customer is renamed before it is made inactive: QuickBooks changes no name of an inactive one.
    Raises NotSent, AuthorizationLost, Unknown.
    """
    for active in (True, False) if hide else (True,):
        try:
            row = remote.get("Customer", external_id)
        except ReadRefused as error:
            return error.refused
        if row is None or (row.get("Active") is False and str(row.get("DisplayName", "")).startswith(name)):
            return None
        body = {
            "Id": external_id,
            "SyncToken": row.get("SyncToken", "0"),
            "DisplayName": name,
            "PrintOnCheckName": name,
            "Active": active,
            **{field: row[field] for field in _KEPT if field in row},
        }
        query = {"minorversion": wire.MINOR_VERSION}
        call = Call("POST", "/customer", query, wire.encode(body), "", (), lines={})
        if found := errors.faults(remote.write(call, _DEADLINE_S)):
            return errors.refused(found)
    return None
