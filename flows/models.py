"""Flows, what they plan, and the outbox. Rows are the queue; see docs/decisions for the protocol."""

import json
from typing import Any

from django.db import models
from django.db.models import F, Q

from amazon.models import Order, Report, Settlement
from bookkeeping.documents import Kind
from kit.scope import ScopedModel
from kit.sealed import SealedField
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

    class State(models.TextChoices):
        SETUP = "setup", "Being set up"
        LIVE = "live", "Live"
        PAUSED = "paused", "Paused"

    class Layout(models.TextChoices):
        DEPOSIT = "deposit", "One bank deposit per settlement"
        JOURNAL = "journal", "Journal entries and a transfer"

    name = models.CharField(max_length=120)
    source = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="+", help_text="Empty: uploaded files only"
    )
    target = models.ForeignKey(Connection, models.PROTECT, related_name="+")
    account_type = models.CharField(max_length=40, default="Standard Orders")
    currency = models.CharField(max_length=3)
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.SUMMARY)
    trigger = models.CharField(max_length=8, choices=Trigger, default=Trigger.SETTLED)
    layout = models.CharField(max_length=8, choices=Layout, default=Layout.DEPOSIT)
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
    generic_items = models.BooleanField(
        default=True, help_text="Invoice an unmapped SKU with the general item instead of holding it"
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
    found = models.JSONField(default=dict, help_text="Counts: settlements, orders, planned, refused")
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


class Plan(ScopedModel):
    """What one settlement becomes in one company. ``verdict`` is the proof, as last computed from the ledger's answers.

    ``asked`` counts how often somebody wanted it planned, ``made`` is that count when it was last planned to the end: a
    plan with ``asked`` above ``made`` is to be planned again, whoever died while doing it. ``revision`` names its
    documents; accounts moved later within the plan take the numbers up to ``last_revision``.
    """

    class State(models.TextChoices):
        PLANNING = "planning", "Being planned"
        PLANNED = "planned", "Waiting for approval"
        POSTING = "posting", "Posting"
        POSTED = "posted", "In the books"
        UNDOING = "undoing", "Being undone"
        UNDONE = "undone", "Undone"

    flow = models.ForeignKey(Flow, models.CASCADE, related_name="plans")
    settlement = models.ForeignKey(Settlement, models.PROTECT, related_name="plans")
    report = models.ForeignKey(
        Report, models.PROTECT, null=True, related_name="+", help_text="The file it was made from"
    )
    revision = models.PositiveIntegerField(default=1)
    last_revision = models.PositiveIntegerField(default=1)
    asked = models.PositiveIntegerField(default=1)
    made = models.PositiveIntegerField(default=0)
    problem = models.TextField(blank=True, help_text="Why it could not be planned the last time")
    mode = models.CharField(max_length=8, choices=Flow.Mode)
    state = models.CharField(max_length=8, choices=State, default=State.PLANNED)
    mapping_version = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    carried_digest = models.CharField(
        max_length=64, blank=True, help_text="Of coverage and carriers as they are stored; empty while they are written"
    )
    statement = models.JSONField(default=dict, help_text="Sums by part, category and label for the pages")
    flags = models.JSONField(default=list)
    pairings = models.JSONField(default=list, help_text="Rows that take back earlier payouts")
    verdict = models.JSONField(default=dict)
    proved_at = models.DateTimeField(null=True, blank=True)
    prove_at = models.DateTimeField(
        null=True, blank=True, help_text="Its documents have changed: to be proved from then on"
    )
    undo_at = models.DateTimeField(null=True, blank=True, help_text="Its undo is to be planned from then on")
    approved_by = models.CharField(max_length=200, blank=True)
    approved_at = models.DateTimeField(null=True, blank=True)
    repost_by = models.CharField(max_length=200, blank=True, help_text="Who wants it posted anew once it is undone")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "state"], name="plan_tenant_state"),
            models.Index(fields=["flow"], condition=Q(asked__gt=F("made")), name="plan_to_make"),
            models.Index(fields=["flow"], condition=~Q(repost_by=""), name="plan_to_repost"),
            models.Index(fields=["undo_at"], condition=Q(undo_at__isnull=False), name="plan_to_undo"),
            models.Index(fields=["prove_at"], condition=Q(prove_at__isnull=False), name="plan_to_prove"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["flow", "settlement"], condition=~Q(state="undone"), name="one_live_plan_per_settlement"
            )
        ]


class Delivery(ScopedModel):
    """The outbox row that carries one document to one ledger."""

    class State(models.TextChoices):
        PLANNED = "planned", "Planned"
        HELD = "held", "Held"
        BLOCKED = "blocked", "Waiting for another document"
        READY = "ready", "Ready"
        SENDING = "sending", "Being sent"
        UNCERTAIN = "uncertain", "Answer unknown"
        POSTED = "posted", "In the books"
        FAILED = "failed", "Failed, will be retried"
        PARKED = "parked", "Needs a person"
        UNDONE = "undone", "Taken back"
        DROPPED = "dropped", "Replaced before it was sent"

    class Priority(models.IntegerChoices):
        PERSON = 0, "person"
        NOTICE = 1, "notification"
        SCHEDULE = 2, "schedule"
        BACKFILL = 3, "backfill"

    flow = models.ForeignKey(Flow, models.PROTECT, related_name="deliveries", db_index=False)  # delivery_flow_state
    plan = models.ForeignKey(Plan, models.PROTECT, null=True, blank=True, related_name="deliveries")
    remote_key = models.CharField(max_length=120, help_text="provider:environment:company")
    key = models.CharField(max_length=160, help_text="source fact, part, kind, revision")
    generation = models.PositiveIntegerField(default=1, help_text="Raised only after a proven refusal")
    live = models.BooleanField(
        default=True, help_text="Owns its key in the remote company; false once undone, dropped or owned elsewhere"
    )
    kind = models.CharField(max_length=10, choices=[(kind.value, kind.value) for kind in Kind])
    part = models.PositiveSmallIntegerField(default=0, help_text="Settlement month it carries; 0 for none")
    document = models.TextField(help_text="Canonical JSON")
    digest = models.CharField(max_length=64)
    bindings = models.JSONField(default=dict)
    mapping_version = models.PositiveIntegerField(default=0)
    order_id = models.CharField(max_length=60, blank=True)
    number = models.CharField(max_length=40, blank=True)
    on = models.DateField(null=True, blank=True)
    amount = models.BigIntegerField(default=0, help_text="Minor units: the document's own total")
    currency = models.CharField(max_length=3, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    reason = models.TextField(blank=True)
    action = models.TextField(blank=True)
    code = models.CharField(max_length=60, blank=True, help_text="Stable name of the reason")
    priority = models.PositiveSmallIntegerField(choices=Priority, default=Priority.SCHEDULE)
    tries = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    not_before = models.DateField(null=True, blank=True, help_text="A payout is not booked before its day")
    resend = models.ForeignKey(
        "Attempt",
        models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Frozen call to send again as it is",
    )
    external_id = models.CharField(max_length=120, blank=True)
    version = models.CharField(max_length=40, blank=True)
    answered_total = models.BigIntegerField(null=True, blank=True)
    answered_lines = models.JSONField(default=dict)
    url = models.CharField(max_length=300, blank=True)
    posted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.UniqueConstraint(
                fields=["remote_key", "key"], condition=Q(live=True), name="one_live_delivery_per_fact_and_company"
            ),
            models.CheckConstraint(condition=~Q(state="posted") | ~Q(external_id=""), name="posted_has_an_external_id"),
        ]
        indexes = [
            # Not partial: SQLite uses a partial index only where a query repeats its condition word for word.
            models.Index(fields=["state", "remote_key", "priority"], name="delivery_work"),
            models.Index(fields=["flow", "state"], name="delivery_flow_state"),
            models.Index(fields=["remote_key", "key"], name="delivery_key"),
            models.Index(fields=["remote_key", "external_id"], name="delivery_object"),
            models.Index(fields=["tenant", "state", "-id"], name="delivery_tenant_state"),
            models.Index(fields=["tenant", "order_id"], name="delivery_order"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.number or self.key}"

    @property
    def plain_document(self) -> dict[str, Any]:
        """The neutral document as parsed JSON."""
        plain: dict[str, Any] = json.loads(self.document)
        return plain


class Dependency(ScopedModel):
    """A delivery that needs the remote id of another one, named by its key."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="dependencies")
    remote_key = models.CharField(max_length=120)
    key = models.CharField(max_length=160)

    class Meta:
        verbose_name_plural = "dependencies"
        indexes = [models.Index(fields=["remote_key", "key"], name="dependency_key")]


class Attempt(ScopedModel):
    """One remote call, frozen before its first byte is sent. Never changed; what became of it are its outcomes."""

    remote_key = models.CharField(max_length=120)
    wire_id = models.CharField(max_length=64)
    keys = models.JSONField(help_text="Keys of the deliveries it carries")
    fence = models.BigIntegerField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    operation = models.CharField(max_length=40)
    sealed_call = SealedField(blank=True, help_text="The frozen call, sealed")
    body_sha256 = models.CharField(max_length=64)
    sent_at = models.DateTimeField()
    deadline_at = models.DateTimeField()
    deliveries = models.ManyToManyField(Delivery, related_name="attempts")

    class Meta:
        indexes = [models.Index(fields=["remote_key", "-sent_at"], name="attempt_lane")]


class Outcome(ScopedModel):
    """What somebody learned about an attempt. Append-only: whoever learns it records it, fence or no fence."""

    class Result(models.TextChoices):
        ANSWERED = "answered", "Answered"
        NOT_SENT = "not_sent", "Nothing was sent"
        UNKNOWN = "unknown", "No answer"
        UNAUTHORIZED = "unauthorized", "Connection lost"
        FOUND = "found", "Looked up"

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="outcomes")
    at = models.DateTimeField()
    fence = models.BigIntegerField()
    result = models.CharField(max_length=12, choices=Result)
    detail = models.JSONField(default=dict, help_text="By delivery key: posted, or refused with code and text")
    duration_ms = models.PositiveIntegerField(default=0)


class Lane(models.Model):
    """The single-writer lease of one remote company. Not a tenant's: two tenants may share a company."""

    remote_key = models.CharField(max_length=120, unique=True)
    fence = models.BigIntegerField(default=0)
    owner = models.CharField(max_length=80, blank=True)
    claimed_until = models.DateTimeField(null=True, blank=True)
    paused_until = models.DateTimeField(null=True, blank=True)
    pause_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveSmallIntegerField(default=0)
    served_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.remote_key


class ReadBack(ScopedModel):
    """How far people's changes in a company were read back: what was changed there before ``seen_until`` was compared."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="read_back")
    seen_until = models.DateTimeField(null=True, blank=True, help_text="Never passes a change that was not compared")
    checked_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When it is due")
    problem = models.TextField(blank=True, help_text="What could not be compared the last time")

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="read_back_due")]

    def __str__(self) -> str:
        return f"{self.connection_id}, seen until {self.seen_until}"


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
    """Which delivery carries a piece of a settlement: an order of one month, or a line key of one month. Exactly one."""

    plan = models.ForeignKey(Plan, models.CASCADE, related_name="carriers")
    part = models.PositiveSmallIntegerField()
    order_id = models.CharField(max_length=60, blank=True)
    line_key = models.CharField(max_length=80, blank=True)
    amount = models.BigIntegerField(help_text="Minor units, positive where it raises what Amazon owes")
    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="carries")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "part", "order_id", "line_key"], name="exactly_one_carrier")
        ]


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
