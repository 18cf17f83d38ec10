"""What a company's accounts hold by the documents in its books, whichever flow or tenant posted them, and what they are called."""

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from django.db.models import QuerySet, Sum

from bookkeeping.accounts import ACCOUNTS, AccountKey, account_key
from bookkeeping.documents import Kind, document_from
from bookkeeping.entries import effect
from flows import rows
from flows.bindings import made_in
from flows.models import Attempt, Delivery, Flow, MappingRule
from kit.scope import unscoped
from ledgers.models import ListEntry
from tenants.models import Connection

State = Delivery.State
FEW: Final = (Kind.ENTRY, Kind.TRANSFER, Kind.DEPOSIT, Kind.EXPENSE)  # of these there are few in a settlement


def accounts_of(flows: Iterable[Flow], key: AccountKey) -> dict[int, str]:
    """Return the ledger's id of the account that serves a key, by flow, as flows map it now; none for what is not made yet. One
    query, and another for each company."""
    found = list(flows)
    base = MappingRule.objects.filter(
        flow__in=found, subject=MappingRule.Subject.ACCOUNT, key=key, retired_version=None
    )
    named = dict(base.filter(sku="", product_group="", marketplace="").order_by("pk").values_list("flow_id", "target"))
    made: dict[str, dict[str, str]] = {}
    ids = {}
    for flow in found:
        name = named.get(flow.pk, {}).get("account", "")
        if name.startswith("@"):
            remote_key = flow.target.remote_key
            if remote_key not in made:
                made[remote_key] = made_in(remote_key)
            name = made[remote_key].get(name, "")
        if name:
            ids[flow.pk] = name
    return ids


def names_of(target: Connection, accounts: Collection[str]) -> dict[str, str]:
    """Return what accounts of a company are called, by the ledger's ids: one that was made since its lists were read, too."""
    with unscoped("what another tenant of the company made is shared, not made twice"):
        made = Delivery.objects.filter(
            remote_key=target.remote_key, kind=Kind.ACCOUNT, live=True, external_id__in=accounts
        )
        names = dict(made.values_list("external_id", "number"))
    listed = ListEntry.objects.filter(connection=target, list=ListEntry.List.ACCOUNT, external_id__in=accounts)
    return names | dict(listed.values_list("external_id", "name"))


def name_of(flow: Flow, key: AccountKey) -> str:
    """Return what the account is called that serves a key, its usual name where none is there yet."""
    account = accounts_of([flow], key).get(flow.pk, "")
    return names_of(flow.target, [account]).get(account) or ACCOUNTS[key].name


def ours(remote_key: str, account: str, made: Mapping[str, str]) -> int:
    """Return what an account comes to by what is in the books, debit positive: with what it held before we first moved it, where
    that was read."""
    names = [account, *(name for name, id_ in made.items() if id_ == account)]
    of_company = Delivery.objects.filter(remote_key=remote_key)
    began = 0
    first = Attempt.objects.filter(remote_key=remote_key, before__has_key=account).order_by("pk").first()
    if first is not None:
        earlier = of_company.filter(state__in=[State.POSTED, State.UNDONE], posted_at__lt=first.sent_at)
        began = first.before[account] - _moved(earlier, names)
    return began + _moved(of_company.filter(rows.in_the_books(), live=True), names)


def _moved(found: QuerySet[Delivery], names: list[str]) -> int:
    """Return by how much documents move the clearing account of these names."""
    paid = found.filter(kind=Kind.PAYMENT, bindings__CLEARING__account__in=names)
    moved: int = paid.aggregate(total=Sum("amount"))["total"] or 0
    for row in found.filter(kind__in=FEW).only("document", "bindings").iterator(chunk_size=1000):
        for key, amount in effect(document_from(row.plain_document)).items():
            if account_key(key) is AccountKey.CLEARING and row.bindings.get(key, {}).get("account") in names:
                moved += amount
    return moved
