"""Whether what a mapping shall point at exists in the flow's company and may serve there."""

from dataclasses import asdict, replace

from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from flows import fitting
from flows.drafts import layout_of
from flows.models import Delivery, Flow
from kit.scope import unscoped
from ledgers import reference
from ledgers.port import Binding, Reference, RemoteObject

_LISTS = {"item": "items", "customer": "customers", "department": "locations", "class_": "classes"}
# What we make in a company, by what a target calls it: the keys of the deliveries that make it begin so.
_MADE_BY = {name: f"@company/{name}/" for name in ("account", "item", "customer")}
_WORDS = {"department": "location", "class_": "class"}


class BadMapping(ValueError):
    """Says what is wrong with a mapping a person asked for."""


class Targets:
    """Checks targets against the company's lists as last read; made once for any number of them."""

    def __init__(self, flow: Flow) -> None:
        self.flow = flow
        self.company: Reference = reference.cached(flow.target)
        self.classes = layout_of(flow).classes

    def check(self, target: Binding, key: AccountKey | None = None, before: Binding | None = None) -> None:
        """Raise BadMapping unless every id of the target is in the company's lists, active, and its account fits the key.

        What ``before`` has already is kept as it is. An id that begins with ``@`` (an object we are creating) passes where
        the company has a delivery that makes it."""
        known = asdict(before or Binding())
        new = replace(target, **{name: "" for name, value in asdict(target).items() if value == known[name]})
        if new.account and self._made("account", new.account):
            made_for = AccountKey(new.account.split("/")[2])
            if key is not None and not fitting.usable(key, self._made_class(made_for), self.classes):
                raise BadMapping(
                    f"{ACCOUNTS[made_for].name}, which is being made, cannot serve as {ACCOUNTS[key].name}."
                )
        elif new.account:
            self._check_account(new.account, key)
        for name, listed in _LISTS.items():
            wanted, objects = getattr(new, name), getattr(self.company, listed)
            if wanted and not self._made(name, wanted) and not _active(wanted, objects):
                raise BadMapping(f"The company has no active {_WORDS.get(name, name)} of this id.")

    def _check_account(self, wanted: str, key: AccountKey | None) -> None:
        account = next((each for each in self.company.accounts if each.id == wanted and each.active), None)
        if account is None:
            raise BadMapping("The company has no active account of this id.")
        if key is not None and not fitting.fits(key, account, self.flow.books_currency, self.classes):
            raise BadMapping(
                f"{account.name} cannot serve as {ACCOUNTS[key].name} of this flow: it is a {account.type} account"
                f"{f' in {account.currency}' if account.currency else ''}."
            )

    def _made_class(self, key: AccountKey) -> AccountClass:
        return self.classes.get(key) or ACCOUNTS[key].account_class

    def _made(self, name: str, wanted: str) -> bool:
        if name not in _MADE_BY or not wanted.startswith(_MADE_BY[name]):
            return False
        with unscoped("what another tenant of the company makes is shared, not made twice"):
            made = Delivery.objects.filter(remote_key=self.flow.target.remote_key, key=wanted[1:], live=True)
            return made.exists()


def _active(wanted: str, objects: tuple[RemoteObject, ...]) -> bool:
    return any(each.id == wanted and each.active for each in objects)
