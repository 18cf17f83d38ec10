"""What Amazon itself says of the money: transactions, payouts and balances.

Amounts are minor units of their currency, positive when they raise what Amazon owes the seller.
"""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel


class Transaction(ScopedModel):
    """One version of a financial transaction (Finances 2024-06-19); ``current`` marks the newest one.

    ``status`` is DEFERRED, RELEASED or DEFERRED_RELEASED, whatever case Amazon wrote. A sale that is held back comes as DEFERRED;
    once released, that one turns DEFERRED_RELEASED and a RELEASED one appears beside it: they are one sale. ``leaves`` are the
    amounts that carry the money, each {"type", "containers", "amount", "sku", "quantity"}, and add up to ``total``. ``problem`` says
    why its amounts cannot be trusted; then it counts nowhere.
    """

    class Status(models.TextChoices):
        DEFERRED = "DEFERRED", "Held back"
        RELEASED = "RELEASED", "Released"
        DEFERRED_RELEASED = "DEFERRED_RELEASED", "Was held back, is released"

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="transactions")
    transaction_id = models.CharField(max_length=255)
    version = models.PositiveIntegerField(default=1)
    current = models.BooleanField(default=True)
    digest = models.CharField(max_length=64, help_text="SHA-256 of all that is kept of it")
    status = models.CharField(max_length=40)
    kind = models.CharField(max_length=80, help_text="transactionType as Amazon writes it")
    description = models.CharField(max_length=255, blank=True)
    account_type = models.CharField(max_length=40, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    marketplace = models.CharField(max_length=64, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True, help_text="empty only where Amazon gave no date")
    currency = models.CharField(max_length=3, blank=True)
    total = models.BigIntegerField()
    order_id = models.CharField(max_length=64, blank=True)
    settlement_id = models.CharField(max_length=64, blank=True)
    group_id = models.CharField(max_length=64, blank=True)
    released_by = models.CharField(
        max_length=255, blank=True, help_text="of one that was held back: the id of the transaction that released it"
    )
    releases = models.CharField(max_length=255, blank=True, help_text="of a release: the id of what was held back")
    deferral_reason = models.CharField(max_length=40, blank=True)
    matures_at = models.DateTimeField(null=True, blank=True)
    leaves = models.JSONField(default=list)
    problem = models.TextField(blank=True)
    seen_at = models.DateTimeField(help_text="when this version was first read")
    asked_at = models.DateTimeField(
        null=True, blank=True, help_text="of one held back past its day: when Amazon was last asked what became of it"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "connection", "transaction_id", "version"], name="amazon_transaction_once"
            ),
            models.UniqueConstraint(
                fields=["tenant", "connection", "transaction_id"],
                name="amazon_transaction_current",
                condition=Q(current=True),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "connection", "posted_at"], name="amazon_transaction_posted"),
            models.Index(fields=["tenant", "connection", "order_id"], name="amazon_transaction_order"),
            models.Index(
                fields=["tenant", "connection", "status", "posted_at"],
                name="amazon_transaction_held",
                condition=Q(current=True),
            ),
            models.Index(
                fields=["tenant", "connection", "releases"],
                name="amazon_transaction_releases",
                condition=Q(current=True) & ~Q(releases=""),
            ),
            models.Index(fields=["tenant", "connection", "settlement_id"], name="amazon_transaction_settlement"),
            models.Index(fields=["tenant", "connection", "group_id"], name="amazon_transaction_group"),
            models.Index(
                fields=["tenant", "connection"],
                name="amazon_transaction_problem",
                condition=Q(current=True) & ~Q(problem=""),
            ),
        ]

    def __str__(self) -> str:
        return self.transaction_id


class Payout(ScopedModel):
    """A payout as Amazon last stated it (Transfers 2024-06-01); ``history`` is a list of {"status", "at", "reason"}.

    ``paid_at`` is when it became PAID. One of ``expected`` is only announced: SCHEDULED, DISABLED, AT_RISK or NO_PAYOUT_EXPECTED,
    for ``created_at``'s day; all of those are replaced by what Amazon announces next.
    """

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="payouts")
    payout_id = models.CharField(max_length=128)
    expected = models.BooleanField(default=False)
    settlement_id = models.CharField(max_length=64, blank=True)
    account_type = models.CharField(max_length=40, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=40)
    history = models.JSONField(default=list)
    kind = models.CharField(max_length=20, blank=True, help_text="SCHEDULED or ON_DEMAND")
    currency = models.CharField(max_length=3, blank=True)
    amount = models.BigIntegerField(null=True, blank=True)
    account_tail = models.CharField(max_length=8, blank=True, help_text="last digits of the bank account")
    method = models.CharField(max_length=20, blank=True)
    rail = models.CharField(max_length=40, blank=True)
    trace_id = models.CharField(max_length=128, blank=True, help_text="what the bank calls the transfer")
    created_at = models.DateTimeField(null=True, blank=True)
    paid_at = models.DateTimeField(null=True, blank=True)
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    seen_at = models.DateTimeField(help_text="when Amazon last said so")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "connection", "payout_id"], name="amazon_payout_once"),
        ]
        indexes = [
            models.Index(fields=["tenant", "connection", "settlement_id"], name="amazon_payout_settlement"),
        ]

    def __str__(self) -> str:
        return f"payout {self.payout_id}"


class Balance(ScopedModel):
    """What Amazon says it owes on a day (Finances 2024-06-19 listBalances), per account type, currency and type of balance.

    ``kind`` is TOTAL, AVAILABLE, RESERVED, DEFERRED or ACCOUNT_LEVEL_RESERVE: TOTAL = AVAILABLE + RESERVED, and
    RESERVED = DEFERRED + ACCOUNT_LEVEL_RESERVE. ``as_of`` is the day at whose end it stood, in the marketplace's zone.
    """

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="balances")
    account_type = models.CharField(max_length=40, blank=True)
    marketplace_id = models.CharField(max_length=20, blank=True)
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=40)
    as_of = models.DateField()
    amount = models.BigIntegerField()
    seen_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "connection", "account_type", "marketplace_id", "currency", "kind", "as_of"],
                name="amazon_balance_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.as_of}"
