"""The schema with its resolvers, and who may ask for which field (sheet §3, §4)."""

from collections.abc import Callable
from decimal import Decimal
from functools import cache
from typing import Any, Final

from graphql import GraphQLObjectType, GraphQLSchema

from ledgers.wave.sandbox import invoices, reads
from ledgers.wave.sandbox.business import Doc
from ledgers.wave.sandbox.ids import business_id
from ledgers.wave.sandbox.mutations import MUTATIONS
from ledgers.wave.sandbox.reads import Info, currency, money, referred, session_of
from ledgers.wave.sandbox.schema import make_schema
from ledgers.wave.sandbox.subtypes import SUBTYPES, TYPES, normal_side
from sandbox.books import from_minor

Resolver = Callable[..., Any]


def _of_business(source: Doc, info: Info) -> Doc:
    return session_of(info).around(source).info


def _currency_of(field: str = "currency") -> Resolver:
    return lambda source, info: currency(source[field]) if source.get(field) else None


def _money(field: str) -> Resolver:
    return lambda source, info: money(source[field], source["currency"])


def _decimal(field: str) -> Resolver:
    return lambda source, info: Decimal(source[field])


def _constant(value: object) -> Resolver:
    return lambda source, info: value


def _or(field: str, default: object) -> Resolver:
    return lambda source, info: default if source.get(field) is None else source[field]


def _of_invoice(field: str) -> Resolver:
    """A field of the invoice that a payment pays."""
    return lambda source, info: session_of(info).around(source).need("Invoice", source["invoiceId"])[field]


_QUERY: dict[str, Resolver] = {
    "user": reads.user,
    "business": reads.business,
    "businesses": reads.businesses,
    "oAuthApplication": reads.application,
    "accountTypes": lambda root, info: [reads.account_type(value) for value in TYPES],
    "accountSubtypes": lambda root, info: [reads.account_subtype(session_of(info), value) for value in SUBTYPES],
    "currency": lambda root, info, code: currency(code),
    "currencies": lambda root, info: [currency(code) for code in info.schema.type_map["CurrencyCode"].values],
}
_BUSINESS: dict[str, Resolver] = {
    "id": lambda source, info: business_id(source["uuid"]),
    "currency": _currency_of(),
    "isArchived": lambda source, info: source["archived"],
    "isClassicAccounting": lambda source, info: source["classic"],
    "isClassicInvoicing": _constant(False),
    "isPersonal": _constant(False),
    "emailSendEnabled": _constant(True),
    "type": _constant({"name": "Retailers & resellers", "value": "RETAILERS_AND_RESELLERS"}),
    "subtype": _constant({"name": "Non-store retailer", "value": "RETAILERS_AND_RESELLERS__NON_STORE_RETAILER"}),
    "accounts": reads.accounts,
    "customers": reads.customers,
    "products": reads.products,
    "salesTaxes": reads.sales_taxes,
    "invoices": reads.invoice_list,
    "account": reads.one("Account"),
    "customer": reads.one("Customer"),
    "product": reads.one("Product"),
    "salesTax": reads.one("SalesTax"),
    "invoice": reads.one("Invoice"),
    "invoicePayment": reads.one("InvoicePayment"),
}
_ACCOUNT: dict[str, Resolver] = {
    "business": _of_business,
    "currency": _currency_of(),
    "type": lambda source, info: reads.account_type(source["type"]),
    "subtype": lambda source, info: reads.account_subtype(session_of(info), source["subtype"]),
    "normalBalanceType": lambda source, info: normal_side(source["type"]),
    "balance": lambda source, info: session_of(info).around(source).shown_balance(source, home=False),
    "balanceInBusinessCurrency": lambda source, info: session_of(info).around(source).shown_balance(source, home=True),
}
_CUSTOMER: dict[str, Resolver] = {
    "business": _of_business,
    "currency": _currency_of(),
    "outstandingAmount": lambda source, info: reads.owed(source, info, overdue=False),
    "overdueAmount": lambda source, info: reads.owed(source, info, overdue=True),
}
_PRODUCT: dict[str, Resolver] = {
    "business": _of_business,
    "unitPrice": _decimal("unitPrice"),
    "isSold": lambda source, info: bool(source["incomeAccountId"]),
    "isBought": lambda source, info: bool(source["expenseAccountId"]),
    "incomeAccount": referred("Account", "incomeAccountId"),
    "expenseAccount": referred("Account", "expenseAccountId"),
    "defaultSalesTaxes": reads.default_taxes,
}
_TAX: dict[str, Resolver] = {
    "business": _of_business,
    "rate": lambda source, info, **_: Decimal(source["rate"]),
    "rates": lambda source, info: [{"effective": source["createdAt"][:10], "rate": Decimal(source["rate"])}],
}
_SHOWN = ("hideAmount", "hideDescription", "hideName", "hidePrice", "hideUnit", "disableAmexPayments",
          "disableBankPayments", "disableCreditCardPayments", "requireTermsOfServiceAgreement")  # fmt: skip
_INVOICE: dict[str, Resolver] = {
    "business": _of_business,
    "currency": _currency_of(),
    "customer": referred("Customer", "customerId"),
    "anonymousId": lambda source, info: source["id"],
    "exchangeRate": _decimal("exchangeRate"),
    "status": lambda source, info: invoices.status(session_of(info).around(source), source),
    "subtotal": _money("subtotal"),
    "taxTotal": _money("tax"),
    "discountTotal": lambda source, info: money(0, source["currency"]),
    "total": _money("total"),
    "amountPaid": _money("paid"),
    "amountDue": lambda source, info: money(invoices.due(source), source["currency"]),
    "items": reads.items,
    "payments": reads.payments,
    "lastSentAt": lambda source, info: source["sentAt"],
    "lastSentVia": lambda source, info: source["sentVia"],
    "lastViewedAt": lambda source, info: source["viewedAt"],
    "title": _or("title", "Invoice"),
    "amountTitle": _or("amountTitle", "Amount"),
    "itemTitle": _or("itemTitle", "Items"),
    "priceTitle": _or("priceTitle", "Price"),
    "unitTitle": _or("unitTitle", "Quantity"),
    "pdfUrl": lambda source, info: f"https://stand-in.invalid/invoice/{source['id']}.pdf",
    "viewUrl": lambda source, info: f"https://stand-in.invalid/invoice/{source['id']}",
    **{name: _or(name, False) for name in _SHOWN},
}
_ITEM: dict[str, Resolver] = {
    "account": referred("Account", "accountId"),
    "product": referred("Product", "productId"),
    "quantity": _decimal("quantity"),
    "unitPrice": _decimal("unitPrice"),
    "subtotal": _money("subtotal"),
    "total": reads.item_total,
    "taxes": reads.item_taxes,
}
_PAYMENT: dict[str, Resolver] = {
    "business": _of_business,
    "account": referred("Account", "paymentAccountId"),
    "invoice": referred("Invoice", "invoiceId"),
    "customer": lambda source, info: session_of(info).around(source).need(
        "Customer", _of_invoice("customerId")(source, info)
    ),
    "active": _constant(True),
    "amount": lambda source, info: f"{from_minor(source['minor'], _of_invoice('currency')(source, info)):f}",
    "exchangeRate": _decimal("exchangeRate"),
    "origin": _constant("manual"),
    "state": _constant("succeeded"),
    "transactionType": _constant("payment"),
    "businessCurrency": lambda source, info: currency(session_of(info).around(source).home),
    "invoiceCurrency": lambda source, info: currency(_of_invoice("currency")(source, info)),
    "paymentCurrency": lambda source, info: currency(
        session_of(info).around(source).need("Account", source["paymentAccountId"])["currency"]
    ),
}  # fmt: skip
RESOLVERS: Final[dict[str, dict[str, Resolver]]] = {
    "Query": _QUERY,
    "Mutation": dict(MUTATIONS),
    "Business": _BUSINESS,
    "Account": _ACCOUNT,
    "Customer": _CUSTOMER,
    "Product": _PRODUCT,
    "SalesTax": _TAX,
    "Invoice": _INVOICE,
    "InvoiceItem": _ITEM,
    "InvoicePayment": _PAYMENT,
}

# The scope a field needs; the others of these types need none, or that of the field above them.
_READ = {
    "business:read": (("Query", "business"), ("Query", "businesses"), *(
        (kind, "business") for kind in ("Account", "Customer", "Product", "SalesTax", "Invoice", "InvoicePayment")
    )),
    "user:read": (("Query", "user"),),
    "account:read": (("Business", "account"), ("Business", "accounts"), ("Product", "incomeAccount"),
                     ("Product", "expenseAccount"), ("InvoiceItem", "account"), ("InvoicePayment", "account")),
    "customer:read": (("Business", "customer"), ("Business", "customers"), ("Invoice", "customer"),
                      ("InvoicePayment", "customer")),
    "product:read": (("Business", "product"), ("Business", "products"), ("InvoiceItem", "product")),
    "sales_tax:read": (("Business", "salesTax"), ("Business", "salesTaxes"), ("Product", "defaultSalesTaxes")),
    "invoice:read": (("Business", "invoice"), ("Business", "invoices"), ("Business", "invoicePayment"),
                     ("InvoicePayment", "invoice")),
}  # fmt: skip
SCOPES: Final = {
    **{place: scope for scope, places in _READ.items() for place in places},
    **{("Mutation", name): mutation.scope for name, mutation in MUTATIONS.items()},
}
_METERED: Final = ("Query", "Mutation", "Business")


@cache
def executable_schema() -> GraphQLSchema:
    """One for all stand-ins of the process: who asks comes with the request."""
    schema = make_schema()
    for type_name, fields in RESOLVERS.items():
        object_type = schema.type_map[type_name]
        assert isinstance(object_type, GraphQLObjectType)
        for name, resolver in fields.items():
            scope = SCOPES.get((type_name, name), "")
            metered = type_name == "Query" or ((type_name in _METERED) and bool(scope))
            guarded = _guarded(resolver, scope, f"{type_name}.{name}" if metered else "")
            object_type.fields[name].resolve = guarded if scope or metered else resolver
    return schema


def _guarded(resolver: Resolver, scope: str, counted: str) -> Resolver:
    """The resolver behind the doors: scope first, then the meter of the field, "" for none."""

    def resolve(source: Any, info: Info, **args: Any) -> Any:
        session = session_of(info)
        session.allow(scope)
        if counted:
            session.count(counted)
        return resolver(source, info, **args)

    return resolve
