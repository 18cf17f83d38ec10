"""Payments of one settlement that become one payment in a ledger. Pure."""

from collections.abc import Sequence

from bookkeeping.documents import Payment
from ledgers.bound import account_of, customer_of, expect
from ledgers.port import Post


def payment_groups(posts: Sequence[Post], most: int, room: int) -> list[list[Post]]:
    """Group payments of one customer, account, date, currency, rate and reference, in order.

    A group has each invoice once, no more than ``most`` payments, and no more markers than ``room`` characters of a note hold.
    """
    closed: list[list[Post]] = []
    open_groups: dict[tuple[object, ...], list[Post]] = {}
    for post in posts:
        document = expect(post, Payment)
        like = (
            customer_of(post, document.customer),
            account_of(post, document.account),
            document.on,
            document.currency,
            document.rate,
            document.reference,
        )
        group = open_groups.get(like)
        if group is None or len(group) >= most or not _fits(group, post, room):
            group = open_groups[like] = []
            closed.append(group)
        group.append(post)
    return closed


def _fits(group: Sequence[Post], post: Post, room: int) -> bool:
    covered = {expect(each, Payment).cover.invoice for each in group}
    marked = sum(len(each.marker) + 5 for each in (*group, post))
    return expect(post, Payment).cover.invoice not in covered and marked <= room
