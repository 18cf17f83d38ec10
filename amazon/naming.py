"""Whose money Amazon's answers are about: they name the seller, and a consent may have opened another one than was said.

Who connects an account says which seller it is: the merchant token comes by way of the browser, or is typed. The answers about
money name it (``sellingPartnerMetadata.sellingPartnerId``, ``partnerMetadata.partnerId``; Finances 2024-06-19, Transfers
2024-06-01). From then on Amazon itself has said so.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from amazon.finances import Sent
from amazon.rates import NAMED
from audit.trail import record, recorded
from tenants.grants import NeedsReconnect, lost
from tenants.models import Connection

SELLER_ID: Final = re.compile(r"A[A-Z0-9]{8,20}")  # a merchant token
_NAMES: Final = (("sellingPartnerMetadata", "sellingPartnerId"), ("partnerMetadata", "partnerId"))


class AnotherSeller(NeedsReconnect):
    """The authorization opens another seller's account than the one it was given for."""


def check(connection: Connection, sent: Iterable[Sent]) -> None:
    """Read whose the objects of an answer are, before anything of it is stored; those that name nobody, or by something
    that is no merchant token, say nothing.

    The first that names the connection's seller marks it. One that names another stops the connection and tells the tenant.

    Raises:
        AnotherSeller: nothing of the answer may be stored.
    """
    named = {name for one in sent if (name := _named(one))}
    if others := {name for name in named - {connection.remote_id} if SELLER_ID.fullmatch(name)}:
        why = (
            f"Amazon answers about the seller {min(others)}, and it was {connection.remote_id} that was named as this account: "
            "the consent opens another seller's account. Nothing of the answer was kept."
        )
        _mark(connection, named=False)
        lost(connection, why)
        raise AnotherSeller(why)
    if connection.remote_id in named and not connection.data.get(NAMED):
        _mark(connection, named=True)


def checked(connection: Connection, sent: Iterable[Sent]) -> Iterator[Sent]:
    """Yield the objects of answers as they come, each once it is known not to name another seller. Raises AnotherSeller."""
    for one in sent:
        check(connection, (one,))
        yield one


def _mark(connection: Connection, *, named: bool) -> None:
    with recorded():
        own = Connection.objects.select_for_update().get(pk=connection.pk)
        own.data = {**own.data, NAMED: named}
        own.save(update_fields=["data"])
        if named:
            subject = f"connection:{connection.pk}"
            record("connection.named", subject, tenant_id=connection.tenant_id, seller=connection.remote_id)
    connection.data = own.data


def _named(sent: Sent) -> str:
    for holder, name in _NAMES:
        of = sent.get(holder)
        if isinstance(of, Mapping) and isinstance(of.get(name), str):
            return str(of[name]).strip()
    return ""
