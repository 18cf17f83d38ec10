"""Buyers in ledgers whom somebody had forgotten."""

from django.db import models
from django.db.models import Q

from flows.models.outbox import Delivery
from kit.scope import ScopedModel


class Removal(ScopedModel):
    """A buyer's customer in a ledger that is to lose its name, and to be hidden once nothing is open on it.

    Not done while ``done_at`` is empty: it is tried again from ``next_at`` on, however often it takes.
    """

    delivery = models.OneToOneField(Delivery, models.CASCADE, related_name="removal")
    asked_by = models.CharField(max_length=200, blank=True)
    asked_at = models.DateTimeField()
    next_at = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why it did not work the last time")
    nameless_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["next_at"], condition=Q(done_at=None), name="removal_due")]

    def __str__(self) -> str:
        return f"removal of {self.delivery_id}"
