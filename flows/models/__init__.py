"""Flows, what they plan, and the outbox; see docs/decisions for the protocol."""

from flows.models.bank import BankAccount, BankImport, BankLine
from flows.models.buyers import Removal
from flows.models.carried import Carrier, Coverage, InvoiceBalance, Shipment
from flows.models.flow import Flow, MappingRule, ProductGroup, RequestKey, Run
from flows.models.outbox import Attempt, Delivery, Dependency, Lane, Outcome, Plan, ReadBack
from flows.models.rates import ExchangeRate

__all__ = [
    "Attempt",
    "BankAccount",
    "BankImport",
    "BankLine",
    "Carrier",
    "Coverage",
    "Delivery",
    "Dependency",
    "ExchangeRate",
    "Flow",
    "InvoiceBalance",
    "Lane",
    "MappingRule",
    "Outcome",
    "Plan",
    "ProductGroup",
    "ReadBack",
    "Removal",
    "RequestKey",
    "Run",
    "Shipment",
]
