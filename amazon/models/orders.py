"""Orders, and who bought where the tenant wants that in the books."""

from django.db import models

from kit.scope import ScopedModel
from kit.sealed import SealedField


class Order(ScopedModel):
    """An order as last seen, without personal data. ``total`` is in minor units, empty while the order is pending.

    ``status`` is Amazon's own text; unknown ones are kept. ``shipped_at`` is frozen at the first sight of SHIPPED.
    ``items`` is a list of :class:`amazon.orders.Item` as plain dicts; ``raw`` the order as sent, scrubbed and sealed.
    One that only a bulk report told of (``origin``) has items without ids, no packages and nothing raw.
    """

    class Origin(models.TextChoices):
        API = "api", "Orders API"
        REPORT = "report", "Bulk report"

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="orders")
    order_id = models.CharField(max_length=64)
    origin = models.CharField(
        max_length=6, choices=Origin, default=Origin.API, help_text="What told of its present version"
    )
    status = models.CharField(max_length=40)
    channel = models.CharField(max_length=40, blank=True, help_text="AMAZON or NON_AMAZON")
    fulfilled_by = models.CharField(max_length=20, blank=True)
    purchased_at = models.DateTimeField()
    last_updated_at = models.DateTimeField()
    shipped_at = models.DateTimeField(null=True, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    marketplace = models.CharField(max_length=64, blank=True)
    currency = models.CharField(max_length=3, blank=True)
    total = models.BigIntegerField(null=True, blank=True)
    items = models.JSONField(default=list)
    tracking = models.JSONField(default=list, help_text="carrier, number and ship time of each package")
    raw = SealedField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "connection", "order_id"], name="amazon_order_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "order_id"], name="amazon_order_id"),
            models.Index(fields=["tenant", "connection", "status"], name="amazon_order_status"),
            models.Index(fields=["tenant", "connection", "last_updated_at"], name="amazon_order_updated"),
        ]

    def __str__(self) -> str:
        return self.order_id


class Buyer(ScopedModel):
    """The buyer of an order, where the tenant wants buyers in the books. ``hash`` stands for them wherever the name may not.

    ``sealed`` is JSON of name and e-mail; it is emptied by and by, the hash stays, so that the order's documents come out the
    same when they are planned again.
    """

    order = models.OneToOneField(Order, models.CASCADE, related_name="buyer")
    hash = models.CharField(max_length=16)
    sealed = SealedField(blank=True)
    fetched_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True, blank=True, help_text="Somebody had the buyer forgotten")

    class Meta:
        indexes = [models.Index(fields=["tenant", "hash"], name="amazon_buyer_hash")]

    def __str__(self) -> str:
        return f"buyer {self.hash}"
