"""What carries a piece of a settlement, and how invoices stand that later settlements count on."""

from django.db import models
from django.db.models import Q

from amazon.models import Order
from flows.models.flow import Flow
from flows.models.outbox import Delivery, Plan
from kit.scope import ScopedModel


class InvoiceBalance(ScopedModel):
    """An invoice of ours as coverage sees it: its lines as the ledger answered them, and its units."""

    delivery = models.OneToOneField(Delivery, models.CASCADE, related_name="invoice")
    order_id = models.CharField(max_length=60)
    lines = models.JSONField(help_text="Line key -> minor units")
    units = models.JSONField(default=dict, help_text="Order item -> units invoiced")
    not_for = models.JSONField(
        default=list, help_text="Ids of settlements whose rows were carried when it was made: they never pay it"
    )
    from_shipment = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["tenant", "order_id"], name="invoice_order")]


class Coverage(ScopedModel):
    """What one settlement month takes off one invoice, by line key; freed exactly by undo.

    A close-out takes off what is left of an invoice without any settlement: it has no plan, and the id and part that
    ``bookkeeping.coverage`` gives it.
    """

    invoice = models.ForeignKey(InvoiceBalance, models.CASCADE, related_name="coverage")
    plan = models.ForeignKey(Plan, models.CASCADE, null=True, blank=True, related_name="coverage")
    settlement_id = models.CharField(max_length=32)
    part = models.PositiveSmallIntegerField()
    amount = models.BigIntegerField(help_text="Minor units: the sum of the amounts, 0 where only units count")
    amounts = models.JSONField(help_text="Line key -> minor units")
    units = models.JSONField(default=dict, help_text="Order item -> units settled")
    payment = models.ForeignKey(Delivery, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        # Without it SQLite sums up an invoice's coverage by reading all of the tenant's.
        indexes = [models.Index(fields=["tenant", "invoice"], name="coverage_of_invoice")]
        constraints = [
            models.UniqueConstraint(fields=["invoice", "plan", "part"], name="coverage_once"),
            models.UniqueConstraint(fields=["invoice"], condition=Q(plan=None), name="closed_out_once"),
        ]


class Shipment(ScopedModel):
    """What became of an order that may be invoiced before it settles: looked at once for each version of it.

    ``on`` is the invoice date, frozen when the shipment was first seen. ``reason`` says why there is no invoice, "" where
    there is one; nothing is lost then, for the order's rows are carried when they settle.
    """

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="shipments")
    order = models.ForeignKey(Order, models.CASCADE, related_name="+")
    seen_at = models.DateTimeField(help_text="The order's last update when it was looked at")
    on = models.DateField()
    reason = models.CharField(max_length=24, blank=True)
    invoice = models.ForeignKey(Delivery, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "order"], name="shipment_once_per_order")]


class Carrier(ScopedModel):
    """Which delivery carries a piece of a settlement: an order of one month, or a line key of one month. Exactly one.

    None does where the ledger cannot hold it: then our own record alone carries it.
    """

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="carriers")
    part = models.PositiveSmallIntegerField()
    order_id = models.CharField(max_length=60, blank=True)
    line_key = models.CharField(max_length=80, blank=True)
    amount = models.BigIntegerField(help_text="Minor units, positive where it raises what Amazon owes")
    delivery = models.ForeignKey(Delivery, models.CASCADE, null=True, related_name="carries")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "part", "order_id", "line_key"], name="exactly_one_carrier")
        ]
