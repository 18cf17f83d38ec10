"""A seller's order history, read by bulk reports: one row for each seller account, and one for each window of time."""

from django.db import models
from django.db.models import Q

from kit.scope import ScopedModel


class Backfill(ScopedModel):
    """The history of one connection: every order placed within [``since``, ``begun_at``).

    What changes from ``begun_at`` on comes order by order. ``skipped_before`` says that more was wished for than the two years
    that Amazon gives. Who reads now, and when it is worth looking again, is with the cursor of the history.
    """

    class State(models.TextChoices):
        RUNNING = "running", "Running"
        PAUSED = "paused", "Paused"
        DONE = "done", "Done"

    connection = models.OneToOneField("tenants.Connection", models.CASCADE, related_name="backfill")
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    since = models.DateTimeField()
    begun_at = models.DateTimeField()
    skipped_before = models.DateTimeField(null=True, blank=True, help_text="Wished for, and older than Amazon gives")
    problem = models.TextField(blank=True, help_text="Why nothing goes on at the moment")
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [models.Index(fields=["state"], name="amazon_backfill_running", condition=Q(state="running"))]

    def __str__(self) -> str:
        return f"order history of connection {self.connection_id}"


class BackfillWindow(ScopedModel):
    """A month of it: one report, for orders placed within [``starts_at``, ``ends_at``).

    ``due_at`` is when Amazon is worth asking again. ``tries`` counts reports that came to nothing, ``problem`` says why, in
    Amazon's own words where it gave any.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "To be requested"
        REQUESTED = "requested", "Amazon is making it"
        READY = "ready", "To be fetched"
        DONE = "done", "Read"
        EMPTY = "empty", "No orders"
        FAILED = "failed", "Failed"
        REFUSED = "refused", "Refused"

    backfill = models.ForeignKey(Backfill, models.CASCADE, related_name="windows")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    report_id = models.CharField(max_length=64, blank=True)
    document_id = models.CharField(max_length=255, blank=True)
    lines = models.PositiveIntegerField(default=0)
    orders = models.PositiveIntegerField(default=0)
    tries = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField(null=True, blank=True)
    requested_at = models.DateTimeField(null=True, blank=True)
    made_at = models.DateTimeField(null=True, blank=True, help_text="When it was seen to be ready")
    finished_at = models.DateTimeField(null=True, blank=True)
    problem = models.TextField(blank=True)
    action = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["backfill", "starts_at"], name="amazon_backfill_window_once"),
            models.CheckConstraint(condition=Q(starts_at__lt=models.F("ends_at")), name="amazon_backfill_window_time"),
        ]
        indexes = [models.Index(fields=["tenant", "backfill", "state"], name="amazon_backfill_state")]

    def __str__(self) -> str:
        return f"orders of {self.starts_at:%d %b %Y} to {self.ends_at:%d %b %Y}"
