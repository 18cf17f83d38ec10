"""Whether what a mapping shall point at exists in the flow's company and may serve there."""

from dataclasses import asdict

from bookkeeping.accounts import ACCOUNTS, AccountKey
from flows import fitting, mapping
from flows.models import Flow
from flows.rules import BadMapping
from ledgers import reference
from ledgers.port import Binding, RemoteObject

_LISTS = {"item": "items", "customer": "customers", "department": "locations", "class_": "classes"}


def check(flow: Flow, target: Binding, key: AccountKey | None = None) -> None:
    """Raise BadMapping unless every id of the target is in the company's lists, active, and its account fits the key.

    An id that begins with ``@`` (an object we are creating) passes where the mapping has it already."""
    company = reference.cached(flow.target)
    known = mapping.load(flow)
    ours = {value for binding in known.base.values() for value in asdict(binding).values() if value.startswith("@")}
    if target.account and target.account not in ours:
        account = next((each for each in company.accounts if each.id == target.account and each.active), None)
        if account is None:
            raise BadMapping("The company has no active account of this id.")
        if key is not None and not fitting.fits(key, account, flow.currency):
            raise BadMapping(
                f"{account.name} cannot serve as {ACCOUNTS[key].name} of this flow: it is a {account.type} account"
                f"{f' in {account.currency}' if account.currency else ''}."
            )
    for name, listed in _LISTS.items():
        wanted, objects = getattr(target, name), getattr(company, listed)
        if wanted and wanted not in ours and not _active(wanted, objects):
            raise BadMapping(
                f"The company has no active {name.rstrip('_').replace('department', 'location')} of this id."
            )


def _active(wanted: str, objects: tuple[RemoteObject, ...]) -> bool:
    return any(each.id == wanted and each.active for each in objects)
