"""The memory: events that are only ever added, each carrying the digest of the one before it."""

from django.db import models

from kit.clock import now
from kit.scope import ScopedModel


class Event(ScopedModel):
    """One thing that happened. Written by ``audit.trail.record`` alone."""

    tenant = models.ForeignKey(  # type: ignore[assignment]
        "tenants.Tenant",
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty for what concerns the installation.",
    )
    chain = models.CharField(max_length=40, help_text="tenant:<id>, or installation.")
    seq = models.PositiveBigIntegerField(help_text="1, 2, 3 … within the chain.")
    at = models.DateTimeField(default=now)
    kind = models.CharField(max_length=60, help_text="What happened, for example delivery.posted.")
    subject = models.CharField(max_length=120, help_text="To what, for example delivery:123.")
    actor = models.CharField(max_length=120, blank=True, help_text="A person or key; empty for the system itself.")
    data = models.JSONField(default=dict)
    prev_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["chain", "seq"], name="event_chain_never_forks")]
        indexes = [
            models.Index(fields=["tenant", "subject", "seq"], name="event_of_subject"),
            models.Index(fields=["tenant", "kind", "at"], name="event_of_kind"),
        ]

    def __str__(self) -> str:
        return f"{self.chain}#{self.seq} {self.kind} {self.subject}"


class ChainHead(models.Model):
    """The last event of a chain. Its row is the lock under which the next one is added."""

    chain = models.CharField(max_length=40, primary_key=True)
    seq = models.PositiveBigIntegerField(default=0)
    hash = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.chain}#{self.seq}"
