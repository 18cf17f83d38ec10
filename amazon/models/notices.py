"""Notices from Amazon: what came, where it may come in, and to what a seller's account is subscribed."""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel
from kit.sealed import SealedField


class Notice(ScopedModel):
    """One notification as far as it says where to look. Its payload is not kept: an order's has the buyer's postal code.

    ``subject`` is the id of the order or report it is about, ``detail`` the type of report or transaction and ``status`` what
    became of it, as Amazon spells them. ``business_key`` is the same for notices of one and the same change; empty: it says too
    little to tell. A waiting notice is handled from ``due_at`` on by whoever sets ``claim``, so that nothing is lost between
    storing and acting; ``attempts`` counts how often somebody did.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        HANDLED = "handled", "Handled"
        UNKNOWN_SELLER = "unknown", "For a seller that is not connected"
        IGNORED = "ignored", "Of a kind that nothing is done about"

    seller_id = models.CharField(max_length=64, blank=True)
    kind = models.CharField(max_length=80, help_text="Amazon's notification type")
    notification_id = models.CharField(max_length=100)
    business_key = models.CharField(max_length=64, blank=True)
    subject = models.CharField(max_length=64, blank=True)
    detail = models.CharField(max_length=100, blank=True)
    status = models.CharField(max_length=40, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    happened_at = models.DateTimeField(null=True, blank=True, help_text="when it happened, as Amazon says")
    state = models.CharField(max_length=8, choices=State)
    received_at = models.DateTimeField()
    handled_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=80, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    claim = models.CharField(max_length=32, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "notification_id"], name="amazon_notice_once"),
            models.CheckConstraint(
                condition=Q(state="waiting", due_at__isnull=False) | ~Q(state="waiting"), name="amazon_notice_is_due"
            ),
        ]
        indexes = [
            models.Index(fields=["due_at"], name="amazon_notice_due", condition=Q(state="waiting")),
            models.Index(fields=["tenant", "seller_id", "kind", "received_at"], name="amazon_notice_latest"),
            models.Index(
                fields=["tenant", "business_key"], name="amazon_notice_business", condition=~Q(business_key="")
            ),
            models.Index(fields=["received_at"], name="amazon_notice_age"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.notification_id}"


class NoticeEndpoint(ScopedModel):
    """Where a company's forwarder hands notices in. Whoever knows ``address`` still needs a secret; while one is changed,
    both are good."""

    address = models.CharField(max_length=64, unique=True, help_text="The last part of the address; cannot be guessed")
    current = SealedField(blank=True)
    earlier = SealedField(blank=True)
    earlier_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField(help_text="since when the current secret is good")
    refused_at = models.DateTimeField(null=True, blank=True, help_text="somebody came without a good secret")
    refused_why = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant"], name="amazon_notice_endpoint_once")]

    def __str__(self) -> str:
        return f"endpoint of tenant {self.tenant_id}"


class Subscription(ScopedModel):
    """To what one seller account is subscribed at Amazon, and where that is sent.

    ``subscribed`` has for each notification type ``id`` and ``version`` at Amazon, or ``problem``, why there is none.
    """

    class Way(models.TextChoices):
        QUEUE = "queue", "Tieout reads the queue"
        FORWARDER = "forwarder", "A forwarder of yours hands the notifications on"

    connection = models.OneToOneField("tenants.Connection", models.CASCADE, related_name="notice_subscription")
    way = models.CharField(max_length=9, choices=Way)
    queue_arn = models.CharField(max_length=1000)
    destination_id = models.CharField(max_length=255)
    subscribed = models.JSONField(default=dict)
    since = models.DateTimeField()
    tested_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"subscriptions of connection {self.connection_id}"


class PoisonMessage(models.Model):
    """A message that left the installation's queue because nothing could be made of it. It names no tenant, so it is nobody's.

    Its text is not kept, as it may hold personal data: ``sha256`` and ``size`` (bytes) tell whether it is the same one again.
    """

    message_id = models.CharField(max_length=100, unique=True)
    why = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    size = models.PositiveIntegerField()
    taken_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["taken_at"], name="amazon_poison_age")]

    def __str__(self) -> str:
        return f"message {self.message_id}"
