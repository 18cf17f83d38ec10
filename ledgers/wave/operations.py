"""Everything that is asked of Wave, as static GraphQL documents; each names its operation.

Selections are minimal: a field declared non-null that Wave resolves to null blanks the whole answer. Never selected:
``archivable``, ``raw``, and ``price``.
Source: the public schema of gql.waveapps.com.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

PAGE_SIZE: Final = 50  # the default is 45, the maximum is unpublished, 200 was seen to work
BUSINESSES: Final = "Businesses"
USER: Final = "User"
COMPANY: Final = "Company"
ACCOUNTS: Final = "Accounts"
BALANCE: Final = "Balance"
CUSTOMERS: Final = "Customers"
PRODUCTS: Final = "Products"
INVOICES: Final = "Invoices"
INVOICE: Final = "Invoice"
PAYMENT: Final = "Payment"

_PAGE_INFO = "pageInfo { currentPage totalPages }"
_INVOICE = """
  id invoiceNumber invoiceDate status memo modifiedAt
  customer { id } currency { code }
  total { minorUnitValue } amountDue { minorUnitValue }
  items { product { id } subtotal { minorUnitValue } }
"""
_PAYMENT = "id amount paymentDate memo modifiedAt account { id } originInvoicePayment { id }"

QUERIES: Final[Mapping[str, str]] = {
    BUSINESSES: f"""
query Businesses($page: Int!, $pageSize: Int!) {{
  businesses(page: $page, pageSize: $pageSize) {{ edges {{ node {{ id name }} }} {_PAGE_INFO} }}
}}""",
    USER: """
query User { user { id } }""",
    COMPANY: """
query Company($businessId: ID!) {
  business(id: $businessId) {
    id name isArchived isClassicAccounting currency { code } address { country { code } }
  }
}""",
    ACCOUNTS: f"""
query Accounts($businessId: ID!, $isArchived: Boolean!, $page: Int!, $pageSize: Int!) {{
  business(id: $businessId) {{
    id
    accounts(isArchived: $isArchived, page: $page, pageSize: $pageSize) {{
      edges {{ node {{
        id name displayId isArchived normalBalanceType balance currency {{ code }} type {{ value }} subtype {{ value }}
      }} }}
      {_PAGE_INFO}
    }}
  }}
}}""",
    BALANCE: """
query Balance($businessId: ID!, $accountId: ID!) {
  business(id: $businessId) {
    id
    account(id: $accountId) { id name normalBalanceType balance currency { code } }
  }
}""",
    CUSTOMERS: f"""
query Customers($businessId: ID!, $email: String, $page: Int!, $pageSize: Int!) {{
  business(id: $businessId) {{
    id
    customers(email: $email, page: $page, pageSize: $pageSize, sort: [CREATED_AT_ASC]) {{
      edges {{ node {{ id name isArchived currency {{ code }} }} }}
      {_PAGE_INFO}
    }}
  }}
}}""",
    PRODUCTS: f"""
query Products($businessId: ID!, $isArchived: Boolean!, $page: Int!, $pageSize: Int!) {{
  business(id: $businessId) {{
    id
    products(isArchived: $isArchived, isSold: true, page: $page, pageSize: $pageSize, sort: [CREATED_AT_ASC]) {{
      edges {{ node {{ id name isArchived incomeAccount {{ id }} }} }}
      {_PAGE_INFO}
    }}
  }}
}}""",
    # invoiceNumber is a *contains* filter; payments are never filled in a list.
    INVOICES: f"""
query Invoices(
  $businessId: ID!, $invoiceNumber: String, $modifiedAtAfter: DateTime, $page: Int!, $pageSize: Int!
) {{
  business(id: $businessId) {{
    id
    invoices(
      invoiceNumber: $invoiceNumber, modifiedAtAfter: $modifiedAtAfter,
      page: $page, pageSize: $pageSize, sort: [CREATED_AT_ASC]
    ) {{
      edges {{ node {{ {_INVOICE} }} }}
      {_PAGE_INFO}
    }}
  }}
}}""",
    INVOICE: f"""
query Invoice($businessId: ID!, $invoiceId: ID!) {{
  business(id: $businessId) {{
    id
    invoice(id: $invoiceId) {{ {_INVOICE} payments {{ {_PAYMENT} }} }}
  }}
}}""",
    PAYMENT: f"""
query Payment($businessId: ID!, $paymentId: ID!) {{
  business(id: $businessId) {{
    id
    invoicePayment(id: $paymentId) {{ {_PAYMENT} invoice {{ id }} }}
  }}
}}""",
}


@dataclass(frozen=True, slots=True)
class Mutation:
    """``field`` is the mutation, ``answers`` the object in its answer, "" for one that only says whether it succeeded."""

    field: str
    answers: str
    document: str


def _mutation(name: str, field: str, answers: str = "", selection: str = "") -> Mutation:
    answered = f"{answers} {{ {selection} }}" if answers else ""
    text = f"""
mutation {name}($input: {name}Input!) {{
  {field}(input: $input) {{ didSucceed inputErrors {{ code message path }} {answered} }}
}}"""
    return Mutation(field, answers, text)


ACCOUNT_CREATE: Final = "AccountCreate"
CUSTOMER_CREATE: Final = "CustomerCreate"
CUSTOMER_PATCH: Final = "CustomerPatch"
PRODUCT_CREATE: Final = "ProductCreate"
INVOICE_CREATE: Final = "InvoiceCreate"
INVOICE_DELETE: Final = "InvoiceDelete"
PAYMENT_CREATE: Final = "InvoicePaymentCreateManual"
PAYMENT_DELETE: Final = "InvoicePaymentDelete"
TRANSACTION_CREATE: Final = "MoneyTransactionCreate"
# What is asked about first: a number or name that Wave may well take twice, or the balance that will tell what was booked.
LOOKED_FOR: Final = frozenset({ACCOUNT_CREATE, INVOICE_CREATE, TRANSACTION_CREATE})

MUTATIONS: Final[Mapping[str, Mutation]] = {
    ACCOUNT_CREATE: _mutation(ACCOUNT_CREATE, "accountCreate", "account", "id"),
    CUSTOMER_CREATE: _mutation(CUSTOMER_CREATE, "customerCreate", "customer", "id"),
    CUSTOMER_PATCH: _mutation(CUSTOMER_PATCH, "customerPatch", "customer", "id"),
    PRODUCT_CREATE: _mutation(PRODUCT_CREATE, "productCreate", "product", "id"),
    INVOICE_CREATE: _mutation(INVOICE_CREATE, "invoiceCreate", "invoice", _INVOICE),
    INVOICE_DELETE: _mutation(INVOICE_DELETE, "invoiceDelete"),
    PAYMENT_CREATE: _mutation(PAYMENT_CREATE, "invoicePaymentCreateManual", "invoicePayment", _PAYMENT),
    PAYMENT_DELETE: _mutation(PAYMENT_DELETE, "invoicePaymentDelete"),
    TRANSACTION_CREATE: _mutation(TRANSACTION_CREATE, "moneyTransactionCreate", "transaction", "id"),
}
