"""What the symbols of a document mean in a company: accounts, customers, items, what was posted before. Pure."""

from typing import TypeVar

from bookkeeping.accounts import ACCOUNTS, LineKey, account_key
from bookkeeping.documents import Document
from ledgers.port import Binding, External, NotRenderable, Post

_D = TypeVar("_D", bound=Document)


def binding(post: Post, symbol: str) -> Binding:
    return post.bindings.get(symbol) or Binding()


def account_of(post: Post, key: LineKey) -> str:
    if not (account := binding(post, key).account):
        raise NotRenderable(post.key, f"{label(key)} has no account.", f"Map {label(key)} to an account.")
    return account


def customer_of(post: Post, symbol: str, called: str = "customer") -> str:
    """Return the id of a customer; ``called`` is the ledger's own word for one."""
    if not (customer := binding(post, symbol).customer):
        raise NotRenderable(
            post.key, f"{symbol} has no {called}.", f"Choose the marketplace's {called} in the mapping."
        )
    return customer


def label(key: LineKey) -> str:
    """Return what people call the account of a key."""
    return ACCOUNTS[account_key(key)].name


def referred(post: Post, key: str) -> External:
    """Return the document in the books that a post refers to. Raises NotRenderable."""
    found = post.refs.get(key)
    if found is None or not found.external_id:
        raise NotRenderable(
            post.key, "A document this one refers to is not in the books.", "Post that one first, then replay this."
        )
    return found


def expect(post: Post, kind: type[_D]) -> _D:
    """Return the post's document, which is known to be of this kind."""
    if not isinstance(post.document, kind):
        raise TypeError(f"{post.key} carries a {post.document.kind.value}, not a {kind.__name__}")
    return post.document
