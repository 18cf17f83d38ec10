"""What the symbols of a document mean in a Wave business: accounts, customers, products, what was posted before. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from bookkeeping.accounts import ACCOUNTS, AccountClass, LineKey, account_key
from bookkeeping.documents import Document, InvoiceLine
from ledgers.port import Binding, External, NotRenderable, Post
from ledgers.wave import accounts, wire

AGAIN: Final = "Plan the settlement again."

_D = TypeVar("_D", bound=Document)


@dataclass(frozen=True, slots=True)
class Company:
    """What rendering has to know about the business.

    ``classes`` says what each remote account may be used for, by id; an account that is not in it is judged by its key.
    ``shut`` says in words why an account cannot be posted to: archived, or kept in another currency.
    """

    business_id: str
    home_currency: str = ""
    classes: Mapping[str, AccountClass | None] = field(default_factory=dict)
    name: str = ""
    shut: Mapping[str, str] = field(default_factory=dict)


def home(post: Post, currency: str, company: Company) -> None:
    """Refuse a currency that is not the business's: nothing we write can state a rate."""
    if currency != company.home_currency:
        raise NotRenderable(
            post.key,
            f"The document is in {currency}, the Wave business keeps its books in {company.home_currency}.",
            "Convert to the currency of the business.",
        )


def named(post: Post, text: str) -> str:
    if not (name := wire.name(text)):
        raise NotRenderable(post.key, "A new account, customer or product needs a name.", "Give it a name.")
    return name


def _binding(post: Post, symbol: str) -> Binding:
    return post.bindings.get(symbol) or Binding()


def account_of(post: Post, key: LineKey, company: Company) -> str:
    if not (account := _binding(post, key).account):
        raise NotRenderable(post.key, f"{label(key)} has no account.", f"Map {label(key)} to an account.")
    if why := company.shut.get(account):
        # What Wave makes of such a posting is not published.
        raise NotRenderable(
            post.key,
            f"The account that {label(key)} is mapped to {why}.",
            f"Map {label(key)} to another account, or mend this one in Wave and replay the record.",
        )
    return account


def why_shut(active: bool, currency: str, home_currency: str) -> str:
    """Return why an account cannot be posted to, "" where it can. ``currency`` is "" where it is not known."""
    if not active:
        return "is archived in Wave"
    return f"is kept in {currency}, and the books in {home_currency}" if currency not in ("", home_currency) else ""


def customer_of(post: Post, symbol: str) -> str:
    if not (customer := _binding(post, symbol).customer):
        raise NotRenderable(post.key, f"{symbol} has no customer.", "Choose the marketplace's customer in the mapping.")
    return customer


def product_of(post: Post, line: InvoiceLine) -> str:
    if not (product := _binding(post, line.key).item):
        what = f"SKU {line.sku}" if line.sku else label(line.key)
        raise NotRenderable(post.key, f"{what} has no product.", f"Map {what} to a product.")
    return product


def class_of(account: str, key: LineKey, company: Company) -> AccountClass | None:
    """Return what an account may be used for, None for one that Wave keeps itself."""
    return company.classes.get(account, accounts.class_for(key))


def label(key: LineKey) -> str:
    """Return what people call the account of a key."""
    return ACCOUNTS[account_key(key)].name


def referred(post: Post, key: str) -> External:
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
