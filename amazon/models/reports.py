"""Settlement files and the settlements in them.

Rows of a settlement are not copied into tables: they are read again from the sealed chunks of its report.
"""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel
from kit.sealed import SealedField

# Of a payout; of a group the model lists no statuses: the second is what integrators see, the others are from its own example.
_WENT_THROUGH = frozenset({"paid", "succeeded", "transferred", "transfered"})
_NEVER_COMES = frozenset({"cancelled", "no_payout"})
STANDARD_ORDERS = "Standard Orders"  # the account type that every seller has
CHUNK_BYTES = 1 << 20  # plain bytes of one ReportChunk, at most


class Report(ScopedModel):
    """A settlement file as it came, from the API or from a person's hand.

    ``sha256``, ``size`` (bytes) and ``lines`` describe the unpacked file; ``content_digest`` its meaning (see
    :class:`amazon.load.Analysis`). A refused file keeps what is wrong with it, where, and what to do.
    """

    class Origin(models.TextChoices):
        API = "api", "Pulled"
        UPLOAD = "upload", "Uploaded"

    class State(models.TextChoices):
        LOADING = "loading", "Loading"
        LOADED = "loaded", "Loaded"
        REVISION = "revision", "Another version, waits for a person"
        REFUSED = "refused", "Refused"

    connection = models.ForeignKey(
        "tenants.Connection", models.SET_NULL, null=True, blank=True, related_name="amazon_reports"
    )
    seller_id = models.CharField(max_length=64, blank=True)
    origin = models.CharField(max_length=8, choices=Origin)
    state = models.CharField(max_length=10, choices=State, default=State.LOADING)
    report_id = models.CharField(max_length=64, blank=True, help_text="Amazon's; empty for an upload")
    document_id = models.CharField(max_length=255, blank=True)
    name = models.CharField(max_length=255, blank=True, help_text="file name of an upload")
    content_type = models.CharField(max_length=128, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    content_digest = models.CharField(max_length=64, blank=True)
    size = models.PositiveBigIntegerField(default=0)
    lines = models.PositiveBigIntegerField(default=0)
    chunk_count = models.PositiveIntegerField(default=0)
    settlement = models.ForeignKey("amazon.Settlement", models.SET_NULL, null=True, blank=True, related_name="reports")
    starts_at = models.DateTimeField(null=True, blank=True)
    ends_at = models.DateTimeField(null=True, blank=True)
    refused_line = models.PositiveBigIntegerField(null=True, blank=True)
    problem = models.TextField(blank=True)
    action = models.TextField(blank=True)
    actor = models.CharField(max_length=120, blank=True)
    published_at = models.DateTimeField(null=True, blank=True, help_text="when Amazon made the report")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "seller_id", "report_id"],
                name="amazon_report_once",
                condition=~Q(report_id=""),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "state", "created_at"], name="amazon_report_state"),
            models.Index(fields=["tenant", "sha256"], name="amazon_report_sha256"),
        ]

    def __str__(self) -> str:
        return self.name or f"report {self.report_id}"


class ReportChunk(ScopedModel):
    """At most ``CHUNK_BYTES`` of a report, deflated and sealed; read in order of ``ordinal`` (from 0)."""

    report = models.ForeignKey(Report, models.CASCADE, related_name="chunks")
    ordinal = models.PositiveIntegerField()
    sealed = SealedField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "report", "ordinal"], name="amazon_report_chunk_once"),
        ]

    def __str__(self) -> str:
        return f"chunk {self.ordinal} of report {self.report_id}"


class Settlement(ScopedModel):
    """One settlement. Amounts are minor units of ``currency``, positive when they raise what Amazon owes the seller.

    ``ends_at`` is exclusive. ``opening_debt`` (Payable to Amazon), ``reserve_held`` (Current Reserve Amount, ≤ 0) and
    ``reserve_released`` (Previous Reserve Amount Balance, ≥ 0) are what the neighbours of the chain must agree with.
    The file does not state its account type; Amazon's payouts and transactions name it (:mod:`flows.account_types`). ``revision``
    counts the versions of the file a person has accepted. Nor does it state what became of the payout: ``payout_failed``
    is what a person, or Amazon elsewhere, said about it, and ``received`` what the bank got where it was converted.
    What Amazon itself says of the payout, where it was asked: ``transfer_status`` is its own word for how that went, ``paid_out`` what
    it states for it, ``trace_id`` and ``account_tail`` where it went (see :mod:`amazon.payouts`; as far as Amazon states no payout, its
    financial event group tells, see :mod:`amazon.transfers`). ``converted`` is what it paid, in minor units of
    ``converted_currency``. ``summary_total`` is its own summary of the settlement (see :mod:`amazon.summaries`).
    ``belongs``: a person said that an uploaded settlement is this seller's although its period overlaps another one (see
    :mod:`amazon.overlaps`).
    """

    connection = models.ForeignKey(
        "tenants.Connection", models.SET_NULL, null=True, blank=True, related_name="settlements"
    )
    seller_id = models.CharField(max_length=64, blank=True)
    settlement_id = models.CharField(max_length=32)
    account_type = models.CharField(max_length=40, default=STANDARD_ORDERS)
    currency = models.CharField(max_length=3)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    deposit_on = models.DateField()
    total = models.BigIntegerField()
    payout_failed = models.BooleanField(default=False)
    received = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units that arrived at the bank in another currency; empty: nobody said"
    )
    received_currency = models.CharField(max_length=3, blank=True)
    group_id = models.CharField(
        max_length=64, blank=True, help_text="Amazon's financial event group; empty: none is known"
    )
    converted = models.BigIntegerField(
        null=True, blank=True, help_text="Minor units that Amazon paid out; empty: it has not said"
    )
    converted_currency = models.CharField(max_length=3, blank=True)
    transfer_status = models.CharField(max_length=40, blank=True, help_text="as Amazon writes it")
    transferred_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="when it was paid; where only the group is known, when Amazon began the transfer",
    )
    trace_id = models.CharField(max_length=64, blank=True, help_text="what the bank calls the transfer")
    account_tail = models.CharField(max_length=4, blank=True, help_text="last digits of the bank account")
    transfer_asked_at = models.DateTimeField(null=True, blank=True, help_text="when its group was last asked for")
    paid_out = models.BigIntegerField(
        null=True, blank=True, help_text="what Amazon states for its payout; empty: not said, or in another currency"
    )
    payout_asked_at = models.DateTimeField(null=True, blank=True, help_text="when its payout was last asked for")
    summary_total = models.BigIntegerField(
        null=True, blank=True, help_text="net proceeds in Amazon's own summary of it; empty: it has not said"
    )
    summary_asked_at = models.DateTimeField(null=True, blank=True)
    belongs = models.BooleanField(default=False)
    row_count = models.PositiveBigIntegerField()
    marketplaces = models.JSONField(default=list, help_text="marketplace names as the rows spell them, sorted")
    opening_debt = models.BigIntegerField(default=0)
    reserve_held = models.BigIntegerField(default=0)
    reserve_released = models.BigIntegerField(default=0)
    report = models.ForeignKey(Report, models.PROTECT, related_name="+")
    revision = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "seller_id", "settlement_id"], name="amazon_settlement_once"),
            models.CheckConstraint(condition=Q(starts_at__lt=models.F("ends_at")), name="amazon_settlement_period"),
        ]
        indexes = [
            models.Index(fields=["tenant", "seller_id", "currency", "ends_at"], name="amazon_settlement_chain"),
            models.Index(fields=["tenant", "connection", "ends_at"], name="amazon_settlement_conn"),
        ]

    def __str__(self) -> str:
        return f"settlement {self.settlement_id}"

    @property
    def transferred(self) -> bool:
        """Whether Amazon says that its transfer went through."""
        return self.transfer_status.casefold() in _WENT_THROUGH

    @property
    def held_back(self) -> int:
        """What Amazon keeps of this settlement as a reserve, above zero."""
        return -self.reserve_held

    @property
    def transfer_failed(self) -> bool:
        """Whether Amazon says that nothing came of it: the bank refused it, or it was never sent."""
        status = self.transfer_status.casefold()
        return "fail" in status or status in _NEVER_COMES
