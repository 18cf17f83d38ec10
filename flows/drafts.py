"""From neutral documents to drafts of deliveries: what every symbol means in the company, and what has to exist first."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from amazon.marketplaces import MARKETPLACES
from amazon.models import STANDARD_ORDERS
from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey, LineKey, account_key
from bookkeeping.buyers import customer_key, hash_in, is_customer, new_customer
from bookkeeping.documents import Customer, Invoice, InvoiceLine, Item, NewAccount, Payment, Undo
from bookkeeping.planned import Planned
from bookkeeping.policy import CONVERTED_LINES, Mode, Policy, default_class, in_summary
from bookkeeping.remarks import Hold, HoldReason
from flows import mapping
from flows.bindings import made_in
from flows.mapping import TenantMapping, Unmapped, marketplace_of
from flows.models import Flow
from flows.rows import Draft
from kit.scope import unscoped
from ledgers.port import Binding, Layout, Reference, Words
from ledgers.registry import layouts_of
from ledgers.suggest import OF_ONE_CURRENCY, is_own
from tenants.models import Connection


def drafts(documents: Sequence[Planned], known: TenantMapping, company: Reference) -> list[Draft]:
    """Return a draft per document; one that names what nobody has mapped is held."""
    known = _with_own_accounts(known, company)
    made = {
        symbol: Binding(item=f"@{_object_key(document)}")
        if isinstance(document, Item)
        else Binding(customer=f"@{_object_key(document)}")
        for symbol, document in _new_objects(documents, known, company)
    }
    unsaid = unsaid_currency(company)
    held = Hold(HoldReason.BOOKS_CURRENCY, unsaid) if unsaid else None
    return [
        _draft(planned if isinstance(planned.document, Undo) else planned.hold(held), known, made)
        for planned in documents
    ]


def unsaid_currency(company: Reference) -> str:
    """Return why nothing can be booked in a company that does not say in which currency its books are kept, "" where it does,
    or its lists were never read."""
    if company.home_currency or not company.company_name:
        return ""
    return (
        f"{company.company_name} does not say in which currency its books are kept, so nobody knows whether amounts have to be "
        "converted. Make the first account, client or entry there, then read its lists again on the mapping page."
    )


def _with_own_accounts(known: TenantMapping, company: Reference) -> TenantMapping:
    """Return the mapping with the accounts to which the ledger books by itself: nobody maps them."""
    own = {
        key: Binding(account=account.id)
        for key in (AccountKey.PETTY, AccountKey.REVENUE)
        for account in company.accounts
        if account.active and is_own(key, account)
    }
    return replace(known, base={**own, **known.base}) if own else known


def company_drafts(documents: Sequence[Planned], known: TenantMapping, company: Reference) -> list[Draft]:
    """Return the items and customers that the documents need and nobody has mapped, each once."""
    found = {_object_key(new): new for _, new in _new_objects(documents, known, company)}
    made = []
    for key, document in sorted(found.items()):
        bindings = mapping.bind(known, document, {})
        made.append(draft(Planned(key, document), bindings))
    return made


def account_draft(flow: Flow, key: AccountKey) -> Draft:
    """Return the draft of the account that is made for a key when the tenant has none. Flows of a company share it, but for
    what the settlements of one account and currency pass through: also where that is converted, each has accounts of its own."""
    document = default_account(flow, key)
    passing = key in OF_ONE_CURRENCY
    currency = (
        f"{flow.currency}-{document.currency}" if passing and document.currency != flow.currency else document.currency
    )
    whose = "".join(f"/{one.replace(' ', '-')}" for one in _own_account(flow)) if passing else ""
    return Draft(Planned(f"company/account/{document.key}/{currency}{whose}/1", document), {}, None, ())


def default_account(flow: Flow, key: AccountKey) -> NewAccount:
    """Return the account that is made for a key when the tenant has none. Clearing and reserve name the marketplace, where the
    currency has only one, the currency, and whose they are where the company has some of another account; only clearing is ever
    kept in another one than the books."""
    own = key in OF_ONE_CURRENCY
    name = ACCOUNTS[key].name + (f"{_place(flow.currency)} ({flow.currency})" if own else "")
    name = " ".join([name, *(_own_account(flow) if own else [])])
    return NewAccount(key, name, flow.books_currency if key is AccountKey.CLEARING else flow.home or flow.currency)


def _own_account(flow: Flow) -> list[str]:
    """Return what tells the accounts that a flow's settlements pass through from those of others in the company: the seller, where
    another seller's flow of the currency was there before it, and an unusual account type."""
    seller_id = flow.source.remote_id if flow.source else ""
    with unscoped("a company may be shared by tenants"):
        earlier = Flow.objects.filter(Connection.of_company(flow.target.remote_key, "target__"), currency=flow.currency)
        others = earlier.filter(pk__lt=flow.pk, source__isnull=False).exclude(source__remote_id=seller_id)
        second = bool(seller_id) and others.exists()
    unusual = flow.account_type != STANDARD_ORDERS
    return [seller_id] * second + [flow.account_type] * unusual


def _place(currency: str) -> str:
    """Return the country of the only marketplace that settles in a currency, as Amazon's sellers write it; "" where several do."""
    countries = [each.country for each in MARKETPLACES if each.currency == currency]
    return f" {countries[0].replace('GB', 'UK')}" if len(countries) == 1 else ""


def layout_of(flow: Flow) -> Layout:
    """Return how the flow's documents are cut: the layout that was chosen, else the ledger's first."""
    layouts = layouts_of(flow.target)
    return next((each for each in layouts if each.name == flow.layout), layouts[0])


def words_of(layout: Layout, mode: str) -> Words:
    return layout.orders if mode == Mode.ORDERS else layout.summary


def booked_as(flow: Flow, mode: str = "") -> str:
    """Return in a few words what a mode makes in the flow's company; without one, the flow's own."""
    mode = mode or flow.mode
    return f"{'Orders' if mode == Mode.ORDERS else 'Summary'}: {words_of(layout_of(flow), mode).short}"


def matters_in_summary(layouts: Sequence[Layout]) -> bool:
    """Whether layouts cut documents differently where no order has a document of its own."""
    return len({in_summary(each.policy) for each in layouts}) > 1


def policy_of(flow: Flow) -> Policy:
    """Return the policy of the flow's layout, without what the company turned out not to take."""
    policy = without_lacks(layout_of(flow).policy, flow.target)
    if not flow.home:
        return policy
    # A deposit has one currency, and a payout that is converted has two.
    return replace(policy, deposit=False, spare_lines=CONVERTED_LINES if flow.converts else 0)


def without_lacks(policy: Policy, target: Connection) -> Policy:
    """Return a policy without what a company turned out not to take."""
    lacks: dict[str, Any] = {each.name: False for each in fields(policy) if target.data.get(each.name) is False}
    return replace(policy, **lacks)


def class_of(known: TenantMapping, company: Reference) -> Callable[[LineKey], AccountClass]:
    """Return what tells the class of the account that a line key is mapped to."""
    classes = {account.id: account.account_class for account in company.accounts}
    return lambda key: classes.get(known.target(key).account) or default_class(key)


class LineCheck:
    """Holds an invoice for a line whose item is missing, or books to another account than the mapping."""

    def __init__(self, flow: Flow, known: TenantMapping, company: Reference) -> None:
        self.flow, self.known = flow, known
        self.items = {item.id: item for item in company.items}
        self.made = made_in(flow.target.remote_key)

    def __call__(self, line: InvoiceLine) -> Hold | None:
        target = self.known.target(line.key)
        if not target.item and line.sku and not self.flow.generic_items and account_key(line.key) is AccountKey.SALES:
            return Hold(
                HoldReason.UNMAPPED_SKU,
                f"The SKU {line.sku} has no item. Choose one on the mapping page, or allow the general item for unmapped SKUs.",
                line.sku,
            )
        item = self.items.get(target.item)
        if target.item and (item is None or not item.active):
            text = (
                "The item mapped to this line is no longer in the ledger or is inactive. Choose another one on the mapping page, or "
                "make it active again in the ledger and replay this."
            )
            return Hold(HoldReason.ITEM_ACCOUNT, text, line.sku or line.key)
        if (
            item is not None
            and item.account
            and target.account
            and item.account != self.made.get(target.account, target.account)
        ):
            return Hold(
                HoldReason.ITEM_ACCOUNT,
                f"The item {item.name} books to another income account than the mapping. Change the item's income account in the "
                "ledger, or map the account to match it.",
                line.sku or line.key,
            )
        return None


def draft(planned: Planned, bindings: Mapping[str, Binding], hold: Hold | None = None) -> Draft:
    """Return the draft of a document whose symbols mean this; it waits for what the bindings name, too."""
    return Draft(planned, bindings, hold, (*planned.depends_on, *sorted(mapping.needs(bindings.values()))))


def _draft(planned: Planned, known: TenantMapping, made: Mapping[str, Binding]) -> Draft:
    hold = planned.held
    bindings: Mapping[str, Binding] = {}
    try:
        bindings = mapping.bind(known, planned.document, made)
    except Unmapped as error:
        names = ", ".join(known.label(symbol) for symbol in error.symbols if not is_customer(symbol))
        hold = hold or Hold(
            HoldReason.UNMAPPED_ACCOUNT, f"No account is chosen for {names}. Choose one on the mapping page.", names
        )
    return draft(planned, bindings, hold)


def _new_objects(
    documents: Sequence[Planned], known: TenantMapping, company: Reference
) -> Iterator[tuple[str, Item | Customer]]:
    """Yield (symbol, object) for the customers and the line keys of invoices that no mapping names."""
    names = {account.id: account.name for account in company.accounts}
    invoices = [planned.document for planned in documents if isinstance(planned.document, Invoice)]
    buying = [planned.document for planned in documents if isinstance(planned.document, (Invoice, Payment))]
    for symbol, currency in sorted({(document.customer, document.currency) for document in buying}):
        if buyer := hash_in(symbol):
            yield symbol, new_customer(buyer, currency)
        elif not known.customer(symbol).customer:
            yield symbol, Customer(symbol, f"{marketplace_of(symbol)} ({currency})", currency)
    # Where all income goes to one account, no item decides on one.
    for key in sorted({line.key for invoice in invoices if not invoice.income for line in invoice.lines}):
        target = known.target(key)
        if target.account and not target.item:
            # One item per income account: an item has only one, and its name says which.
            name = names.get(target.account, ACCOUNTS[account_key(key)].name)
            yield key, Item(f"item:{target.account}", name, key)


def _object_key(document: Item | Customer) -> str:
    if isinstance(document, Customer):
        if buyer := hash_in(document.symbol):
            return customer_key(buyer, document.currency)
        return f"company/customer/{document.name}/1"
    return f"company/item/{document.symbol.removeprefix('item:').removeprefix('@')}/1"
