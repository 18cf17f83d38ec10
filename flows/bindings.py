"""Whether two bindings mean the same: what was made in a company has two names there, ours and the ledger's."""

from collections.abc import Mapping
from dataclasses import asdict

from flows.models import Delivery
from kit.scope import unscoped
from ledgers.port import Binding


def made_in(remote_key: str) -> dict[str, str]:
    """Return the ledger's id of each account, item and customer that we made, by what bindings call it (``@`` and its
    delivery's key), whichever tenant of the company had it made."""
    with unscoped("what another tenant of the company made is shared, not made twice"):
        made = Delivery.objects.filter(remote_key=remote_key, key__startswith="company/", live=True)
        found = list(made.values_list("key", "external_id"))
    return {f"@{key}": external_id for key, external_id in found if external_id}


def plain(binding: Binding) -> dict[str, str]:
    """Return a binding as it is stored: only what it names."""
    return {name: value for name, value in asdict(binding).items() if value}


def mean_others(
    before: Mapping[str, Mapping[str, str]], now: Mapping[str, Mapping[str, str]], made: Mapping[str, str]
) -> bool:
    """Whether a document's symbols would mean something else now. What ``now`` leaves out is not mapped: nobody can tell."""
    return any(
        _resolved(before[symbol], made) != _resolved(target, made) for symbol, target in now.items() if symbol in before
    )


def _resolved(target: Mapping[str, str], made: Mapping[str, str]) -> dict[str, str]:
    return {name: made.get(value, value) for name, value in target.items()}
