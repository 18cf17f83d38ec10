"""What the symbols of a document mean in a Wave business: accounts, customers, products, what was posted before. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bookkeeping.accounts import AccountClass, LineKey
from bookkeeping.documents import InvoiceLine
from ledgers.bound import account_of, binding, label
from ledgers.port import NotRenderable, Post
from ledgers.wave import accounts, wire

AGAIN: Final = "Plan the settlement again."


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


def open_account_of(post: Post, key: LineKey, company: Company) -> str:
    account = account_of(post, key)
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


def product_of(post: Post, line: InvoiceLine) -> str:
    if not (product := binding(post, line.key).item):
        what = f"SKU {line.sku}" if line.sku else label(line.key)
        raise NotRenderable(post.key, f"{what} has no product.", f"Map {what} to a product.")
    return product


def class_of(account: str, key: LineKey, company: Company) -> AccountClass | None:
    """Return what an account may be used for, None for one that Wave keeps itself."""
    return company.classes.get(account, accounts.class_for(key))
