"""Plans and the outbox: deliveries, the calls that carried them, and the lane of each company. Rows are the queue."""

import json
from typing import Any

from django.db import models
from django.db.models import F, Q

from amazon.models import Report, Settlement
from bookkeeping.documents import Kind
from flows.models.flow import Flow
from kit.scope import ScopedModel
from kit.sealed import SealedField
from ledgers.registry import ledger_spec
from tenants.models import Connection


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
    exchange = models.JSONField(
        default=dict, help_text="Rates, and what is left on clearing in home money; frozen once something was sent"
    )
    reconciling = models.JSONField(
        default=dict, help_text="What a ledger without entries cannot hold: line key -> minor units, debit positive"
    )
    verdict = models.JSONField(default=dict)
    proved_at = models.DateTimeField(null=True, blank=True)
    prove_at = models.DateTimeField(
        null=True, blank=True, help_text="Its documents have changed: to be proved from then on"
    )
    undo_at = models.DateTimeField(null=True, blank=True, help_text="Its undo is to be planned from then on")
    revalued_at = models.DateTimeField(
        null=True, blank=True, help_text="A person said that what its payout left on clearing is revalued in the ledger"
    )
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

    @property
    def terms(self) -> dict[str, Any] | None:
        """``exchange``, None where books and settlement have one currency."""
        return self.exchange or None


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
    kind = models.CharField(max_length=12, choices=[(kind.value, kind.value) for kind in Kind])
    part = models.PositiveSmallIntegerField(default=0, help_text="Settlement month it carries; 0 for none")
    document = models.TextField(help_text="Canonical JSON")
    original = models.TextField(
        blank=True, help_text="The document before it was converted, as canonical JSON; empty where it was not"
    )
    original_amount = models.BigIntegerField(
        null=True, blank=True, help_text="Its own total, in the settlement currency"
    )
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
    not_compared = models.TextField(
        blank=True, help_text="Why it could not be compared with what the ledger has by now"
    )
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

    @property
    def number_there(self) -> str:
        """The ledger's own number of it, "" where a person cannot find it there."""
        return self.external_id if ledger_spec(self.remote_key.partition(":")[0]).shows_ids else ""


class Dependency(ScopedModel):
    """A delivery that needs the remote id of another one, named by its key."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="dependencies")
    remote_key = models.CharField(max_length=120)
    key = models.CharField(max_length=160)

    class Meta:
        verbose_name_plural = "dependencies"
        indexes = [models.Index(fields=["remote_key", "key"], name="dependency_key")]


class Attempt(ScopedModel):
    """One remote call, frozen before its first byte is sent. Never changed; what became of it are its outcomes.

    Only the bytes of a call that carried a buyer's name are emptied, when the name is let go."""

    remote_key = models.CharField(max_length=120)
    wire_id = models.CharField(max_length=64)
    keys = models.JSONField(help_text="Keys of the deliveries it carries")
    fence = models.BigIntegerField()
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=200)
    operation = models.CharField(max_length=40)
    sealed_call = SealedField(blank=True, help_text="The frozen call, sealed")
    body_sha256 = models.CharField(max_length=64)
    before = models.JSONField(
        default=dict, help_text="Balances just before it was sent, where only their difference tells what became of it"
    )
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
        SAID = "said", "A person said"

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
    seen_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Never passes a change that was neither compared nor is remembered as not compared",
    )
    checked_at = models.DateTimeField(null=True, blank=True)
    next_at = models.DateTimeField(help_text="When it is due")
    reading_since = models.DateTimeField(
        null=True, blank=True, help_text="When reading every document of ours began that was interrupted"
    )
    own_read = models.JSONField(default=dict, help_text="Up to which external_id of each kind it has come")
    balances = models.JSONField(
        default=dict, help_text="By account: the ledger's balance, and what we posted there; null where others post too"
    )
    balances_at = models.DateTimeField(null=True, blank=True, help_text="When they were read")
    compare_at = models.DateTimeField(
        null=True, blank=True, help_text="When they are to be read: something was posted since"
    )

    class Meta:
        indexes = [
            models.Index(fields=["next_at"], name="read_back_due"),
            models.Index(fields=["compare_at"], name="balances_to_read", condition=models.Q(compare_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.connection_id}, seen until {self.seen_until}"
