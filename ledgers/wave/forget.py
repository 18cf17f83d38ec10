"""Taking a person out of a customer."""

from collections.abc import Mapping
from typing import Final

from ledgers.port import Call, Refused, Unknown
from ledgers.wave import errors, operations, wire
from ledgers.wave.remote import Remote

_DEADLINE_S: Final = 60.0
_EMPTIED: Final[Mapping[str, str]] = dict.fromkeys(
    ("firstName", "lastName", "email", "phone", "mobile", "internalNotes"), ""
)


def forget(remote: Remote, external_id: str, name: str) -> Refused | None:
    """See ``Ledger.forget``. Wave lets nobody hide a customer by its API, so it only loses what is personal.

    Raises NotSent, AuthorizationLost, Unknown.
    """
    mutation = operations.MUTATIONS[operations.CUSTOMER_PATCH]
    request = {
        "operationName": operations.CUSTOMER_PATCH,
        "query": mutation.document,
        "variables": {"input": {"id": external_id, "name": name, **_EMPTIED}},
    }
    answer = remote.write(Call("POST", wire.PATH, {}, wire.encode(request), "", ()), _DEADLINE_S)
    if found := errors.faults(answer):
        if all(fault.code == errors.NOT_FOUND for fault in found):
            return None
        return errors.refused(found, takes_back=False)
    data = answer.get("data")
    payload = data.get(mutation.field) if isinstance(data, Mapping) else None
    if not isinstance(payload, Mapping) or not isinstance(payload.get("didSucceed"), bool):
        raise Unknown("Wave answered without saying what became of the customer")
    return None if payload["didSucceed"] else errors.input_refused(errors.input_faults(payload), takes_back=False)
