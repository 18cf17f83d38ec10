"""How far Amazon has been read."""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel


class Resource(models.TextChoices):
    SETTLEMENTS = "settlements", "Settlements"
    ORDERS = "orders", "Orders"
    TRANSFERS = "transfers", "Transfers"
    TRANSACTIONS = "transactions", "Transactions"
    PAYOUTS = "payouts", "Payouts"
    BALANCES = "balances", "Balances"
    HISTORY = "history", "Order history"


class Cursor(ScopedModel):
    """How far one resource of one connection has been read.

    ``watermark`` never passes an item that is not stored. ``walk`` resumes a listing after a kill. ``due_at`` is a wish
    to be read ahead of the flow's cadence: a notice sets it, and so does a pull that was told to wait.
    """

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="cursors")
    resource = models.CharField(max_length=16, choices=Resource)
    watermark = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    walk = models.JSONField(default=dict, blank=True)
    failures = models.PositiveIntegerField(default=0, help_text="pulls in a row that Amazon made wait")
    claimed_until = models.DateTimeField(null=True, blank=True)
    fence = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "connection", "resource"], name="amazon_cursor_once"),
        ]
        indexes = [models.Index(fields=["due_at"], name="amazon_cursor_due", condition=Q(due_at__isnull=False))]

    def __str__(self) -> str:
        return f"{self.resource} of connection {self.connection_id}"
