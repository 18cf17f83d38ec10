"""What has been read from Amazon: how far, which files, which settlements and orders.

Rows of a settlement are not copied into tables: they are read again from the sealed chunks of its report.
"""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel
from kit.sealed import SealedField

# The model lists no statuses: the first is what integrators see, the others are from the model's own example.
_WENT_THROUGH = frozenset({"succeeded", "transferred", "transfered"})
CHUNK_BYTES = 1 << 20  # plain bytes of one ReportChunk, at most


class Resource(models.TextChoices):
    SETTLEMENTS = "settlements", "Settlements"
    ORDERS = "orders", "Orders"
    TRANSFERS = "transfers", "Transfers"


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
    The file does not state its account type; a person can say that it is another one (invoiced orders). ``revision``
    counts the versions of the file a person has accepted. Nor does it state what became of the payout: ``payout_failed``
    is what a person, or Amazon elsewhere, said about it, and ``received`` what the bank got where it was converted.
    What Amazon itself says of that transfer, where it was asked (see :mod:`amazon.transfers`): ``converted`` is what it paid,
    in minor units of ``converted_currency``, and ``transfer_status`` its own word for how that went.
    ``belongs``: a person said that an uploaded settlement is this seller's although its period overlaps another one (see
    :mod:`amazon.overlaps`).
    """

    connection = models.ForeignKey(
        "tenants.Connection", models.SET_NULL, null=True, blank=True, related_name="settlements"
    )
    seller_id = models.CharField(max_length=64, blank=True)
    settlement_id = models.CharField(max_length=32)
    account_type = models.CharField(max_length=40, default="Standard Orders")
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
    transferred_at = models.DateTimeField(null=True, blank=True, help_text="when Amazon began the transfer")
    trace_id = models.CharField(max_length=64, blank=True, help_text="what the bank calls the transfer")
    account_tail = models.CharField(max_length=4, blank=True, help_text="last digits of the bank account")
    transfer_asked_at = models.DateTimeField(null=True, blank=True)
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
        return "fail" in self.transfer_status.casefold()


class Order(ScopedModel):
    """An order as last seen, without personal data. ``total`` is in minor units, empty while the order is pending.

    ``status`` is Amazon's own text; unknown ones are kept. ``shipped_at`` is frozen at the first sight of SHIPPED.
    ``items`` is a list of :class:`amazon.orders.Item` as plain dicts; ``raw`` the order as sent, scrubbed and sealed.
    """

    connection = models.ForeignKey("tenants.Connection", models.CASCADE, related_name="orders")
    order_id = models.CharField(max_length=64)
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
