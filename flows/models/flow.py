"""Flows, their runs and what maps them; the answers kept for a caller who asks twice."""

from django.db import models
from django.db.models import F, Q

from amazon.models import STANDARD_ORDERS
from kit.scope import ScopedModel
from tenants.models import Connection


class Flow(ScopedModel):
    """One seller account, account type and settlement currency into one ledger company."""

    class Mode(models.TextChoices):
        SUMMARY = "summary", "Summary: one balanced entry per settlement and month"
        ORDERS = "orders", "Orders: an invoice for each order"

    class Trigger(models.TextChoices):
        SETTLED = "settled", "when Amazon settles it"
        SHIPPED = "shipped", "when it ships"
        PLACED = "placed", "when it is placed"

    class Approval(models.TextChoices):
        REVIEW = "review", "I approve each settlement"
        AUTOMATIC = "automatic", "Post by itself when nothing is held"

    class Strategy(models.TextChoices):
        CONVERT = "convert", "Everything is converted into the books' own currency"
        NATIVE = "native", "Documents stay in the settlement currency, with the rate"

    class RateFrom(models.TextChoices):
        TABLE = "table", "Your table of exchange rates, on the day of its last entry"
        AMAZON = "amazon", "Amazon's own, where it states one before anything is sent; else the table"

    class State(models.TextChoices):
        SETUP = "setup", "Being set up"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"

    name = models.CharField(max_length=120)
    source = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: uploaded files only"
    )
    target = models.ForeignKey(Connection, models.PROTECT, related_name="+")
    account_type = models.CharField(max_length=40, default=STANDARD_ORDERS)
    currency = models.CharField(max_length=3)
    home = models.CharField(
        max_length=3, blank=True, help_text="Currency of the books where it is another one; empty where it is the same"
    )
    strategy = models.CharField(max_length=8, choices=Strategy, default=Strategy.CONVERT)
    rate_from = models.CharField(max_length=6, choices=RateFrom, default=RateFrom.TABLE)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.SUMMARY)
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SETTLED)
    layout = models.CharField(
        max_length=12, blank=True, help_text="How documents are cut; empty: as the ledger does by default"
    )
    approval = models.CharField(max_length=10, choices=Approval, default=Approval.REVIEW)
    state = models.CharField(max_length=8, choices=State, default=State.SETUP)
    books_from = models.DateField(
        null=True, blank=True, help_text="Settlements that ended before this day stay out of the books"
    )
    opening_clearing = models.BigIntegerField(default=0, help_text="Minor units, debit positive")
    opening_reserve = models.BigIntegerField(default=0, help_text="Minor units, debit positive")
    opening_deferred = models.BigIntegerField(default=0, help_text="Minor units, debit positive")
    opening_loan = models.BigIntegerField(default=0, help_text="Minor units, what is still owed on Amazon's loan")
    cut_over_at = models.DateTimeField(
        null=True, blank=True, help_text="Orders shipped before this instant are invoiced only when they settle"
    )
    accrues_from = models.DateField(
        null=True,
        blank=True,
        help_text="First month at whose end sales that Amazon holds back are accrued; empty: none are",
    )
    generic_items = models.BooleanField(
        default=True, help_text="Invoice an unmapped SKU with the general item instead of holding it"
    )
    buyers = models.BooleanField(
        default=False, help_text="Orders mode: fetch who bought, sealed, and name them in the ledger"
    )
    orders_every_min = models.PositiveIntegerField(default=60)
    settlements_every_min = models.PositiveIntegerField(default=360)
    mapping_version = models.PositiveIntegerField(default=0)
    next_run_at = models.DateTimeField(null=True, blank=True)
    next_settlements_at = models.DateTimeField(null=True, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    planning_until = models.DateTimeField(null=True, blank=True, help_text="Somebody plans its settlements until then")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["next_run_at"], condition=Q(state="live"), name="flow_due"),
            models.Index(fields=["tenant", "state"], name="flow_tenant_state"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "account_type", "currency", "target"], name="flow_once_per_company"
            ),
            # Two empty sources are not the same to the one above, and SQLite cannot be told that they are.
            models.UniqueConstraint(
                fields=["account_type", "currency", "target"],
                condition=Q(source=None),
                name="flow_of_files_once_per_company",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def converts(self) -> bool:
        """Whether documents are in another currency than the settlements."""
        return bool(self.home) and self.strategy == self.Strategy.CONVERT

    @property
    def books_currency(self) -> str:
        """The currency of the documents, and of the clearing and reserve accounts."""
        return self.home if self.converts else self.currency


class Run(ScopedModel):
    """One execution of a flow: what it pulled, planned and met."""

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        DONE = "done", "Done"
        WAITING = "waiting", "Waiting for Amazon's limits"
        FAILED = "failed", "Failed"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="runs")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    step = models.CharField(max_length=80, blank=True)
    found = models.JSONField(default=dict, help_text="Counts: settlements, payouts, orders, balances, planned, refused")
    problem = models.TextField(blank=True)
    action = models.TextField(blank=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "flow", "-started_at"], name="run_recent")]


class MappingRule(ScopedModel):
    """One version of one mapping decision. A saved change retires the row and adds the next; nothing is rewritten.

    An ``account`` rule with no condition is the base of its key. With a condition (SKU pattern, product group, marketplace) it splits part
    of the key away. A ``label`` rule gives a raw label its category. A ``customer`` rule names a marketplace's customer.
    """

    class Subject(models.TextChoices):
        ACCOUNT = "account", "Account"
        LABEL = "label", "Label"
        CUSTOMER = "customer", "Customer"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="rules")
    subject = models.CharField(max_length=8, choices=Subject)
    key = models.CharField(max_length=40, blank=True, help_text="Account key")
    sku = models.CharField(max_length=120, blank=True, help_text="Exact SKU, or a pattern with *")
    product_group = models.CharField(max_length=120, blank=True)
    marketplace = models.CharField(max_length=60, blank=True)
    transaction_type = models.CharField(max_length=120, blank=True)
    amount_type = models.CharField(max_length=200, blank=True)
    amount_description = models.CharField(max_length=300, blank=True)
    category = models.CharField(max_length=40, blank=True)
    target = models.JSONField(default=dict, help_text="account, item, customer, class_, department: remote ids")
    reason = models.CharField(max_length=200, blank=True)
    effective_from = models.DateField(null=True, blank=True)
    version = models.PositiveIntegerField()
    retired_version = models.PositiveIntegerField(null=True, blank=True)
    created_by = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "flow", "subject"], name="rule_flow_subject")]
        constraints = [
            models.CheckConstraint(
                condition=Q(retired_version__isnull=True) | Q(retired_version__gt=F("version")),
                name="rule_retired_later",
            )
        ]


class ProductGroup(ScopedModel):
    """One SKU of the seller's own grouping, uploaded as a file of two columns."""

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="product_groups")
    sku = models.CharField(max_length=120)
    name = models.CharField(max_length=120)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["flow", "sku"], name="one_group_per_sku")]


class RequestKey(ScopedModel):
    """What a REST caller's ``Idempotency-Key`` was used for, and the answer it got; without a status it is under way."""

    caller = models.CharField(max_length=40, help_text="The API key that sent it")
    name = models.CharField(max_length=200, help_text="As it was sent")
    digest = models.CharField(max_length=64, help_text="SHA-256 of method, address and content")
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    answer = models.TextField(blank=True, help_text="JSON")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "caller", "name"], name="request_key_once_per_caller")]
        indexes = [models.Index(fields=["tenant", "created_at"], name="request_key_age")]
