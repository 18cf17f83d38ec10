"""Who: people, tenants and their members, API keys, and the grants and connections to the systems outside."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from kit.clock import now
from kit.scope import ScopedModel
from kit.sealed import SealedField
from tenants.providers import UnknownProvider, provider


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **extra: Any) -> "User":
        if not email:
            raise ValueError("a person signs in by e-mail address")
        user = self.model(email=email.strip().lower(), **extra)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **extra)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)


class User(AbstractUser):
    """A person. Signs in by e-mail; belongs to any number of tenants."""

    username = None  # type: ignore[assignment]
    email = models.EmailField("e-mail address", unique=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()  # type: ignore[assignment]

    class Meta:
        constraints = [models.UniqueConstraint(Lower("email"), name="user_email_once")]

    def __str__(self) -> str:
        return self.email

    @property
    def actor(self) -> str:
        """Name the person in the trail: by id, as events are for ever and addresses are not."""
        return f"user:{self.pk}"


class Tenant(models.Model):
    """One company's books, or one seller's. Everything a tenant owns hangs on it."""

    name = models.CharField(max_length=120)
    created_at = models.DateTimeField(default=now, editable=False)

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    OWNER = "owner", "Owner"
    BOOKKEEPER = "bookkeeper", "Bookkeeper"
    VIEWER = "viewer", "Viewer"


ROLE_HELP = (
    "Owner: everything, connections and people too. Bookkeeper: mapping, approval, runs, replay. Viewer: looks only."
)


class Member(ScopedModel):
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, help_text=ROLE_HELP)
    wants_alert_email = models.BooleanField("e-mail me alerts", default=True)
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "user"], name="member_once_per_tenant")]

    def __str__(self) -> str:
        return f"{self.user} ({self.get_role_display()})"


class Invitation(ScopedModel):
    """A seat offered by e-mail. Only the digest of its link is kept."""

    email = models.EmailField("e-mail address")
    role = models.CharField(max_length=10, choices=Role.choices, help_text=ROLE_HELP)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.email


class ApiKey(ScopedModel):
    """A key for the REST interface: shown once, kept as a digest."""

    class Scope(models.TextChoices):
        READ = "read", "Read"
        WRITE = "write", "Run, approve, replay, map, upload"

    name = models.CharField(max_length=80, help_text="What uses it, for example: nightly export.")
    prefix = models.CharField(max_length=16, editable=False, help_text="The first characters, to tell keys apart.")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list, help_text="List of scope names.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    @property
    def actor(self) -> str:
        return f"key:{self.pk}"


class ConsentState(ScopedModel):
    """The ``state`` of one consent under way: single use, bound to person, tenant, provider and environment."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40)
    environment = models.CharField(max_length=20)
    digest = models.CharField(max_length=64, unique=True)
    extra = models.JSONField(default=dict, help_text="What the person chose before leaving, for example the region.")
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.provider} {self.created_at:%Y-%m-%d %H:%M}"


class Access(models.TextChoices):
    """What a grant or a connection is good for."""

    ACTIVE = "active", "Connected"
    NEEDS_RECONNECT = "needs_reconnect", "Needs a new consent"
    REVOKED = "revoked", "Disconnected"


ACCESS_HELP = (
    "Needs a new consent: the provider refuses our token, work waits. Disconnected: ended by a person of this tenant."
)


class Grant(models.Model):
    """One authorisation at one provider.

    ``tenant`` is the only tenant it serves, whatever others say they may open: a company's id proves nothing about who
    agreed, or who still may. Where the provider itself names the person who agreed, it is ``user``'s instead, ours who
    came back from the consent, and serves the companies they connect in the tenants they are a member of.
    ``application`` is empty for our own application, else the client id of a tenant's private one, whose secret is kept
    here. ``version`` counts token changes: whoever stores tokens proves that nobody did since they were read.
    """

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40)
    environment = models.CharField(max_length=20)
    application = models.CharField(max_length=255, blank=True)
    subject = models.CharField(
        max_length=255, help_text="Who granted, in the provider's own id: company, seller or user."
    )
    data = models.JSONField(default=dict, help_text="What the provider's endpoints depend on, for example the region.")
    access_token = SealedField(blank=True)
    refresh_token = SealedField(blank=True)
    client_secret = SealedField(blank=True)
    state = models.CharField(max_length=16, choices=Access.choices, default=Access.ACTIVE, help_text=ACCESS_HELP)
    version = models.PositiveIntegerField(default=0)
    consented_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True, help_text="When the access token ends.")
    refresh_expires_at = models.DateTimeField(null=True, help_text="When the refresh token ends if it is not used.")
    hard_expires_at = models.DateTimeField(
        null=True, help_text="When only a new consent helps, however often it was used."
    )
    refreshed_at = models.DateTimeField(null=True)
    lease = models.CharField(max_length=32, blank=True, help_text="Who refreshes now.")
    leased_until = models.DateTimeField(null=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Refreshes in a row that got no usable answer.")
    retry_at = models.DateTimeField(null=True, help_text="No refresh is tried before.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "environment", "application", "subject", "user"],
                condition=models.Q(user__isnull=False),
                name="grant_once_per_person",
            ),
            models.UniqueConstraint(
                fields=["provider", "environment", "application", "subject", "tenant"],
                condition=models.Q(tenant__isnull=False),
                name="grant_once_per_company_and_tenant",
            ),
            models.CheckConstraint(
                condition=models.Q(tenant__isnull=True) | models.Q(user__isnull=True), name="grant_of_tenant_or_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.environment}:{self.subject}"


class ApplicationSecret(models.Model):
    """A secret of an application beside the one it began with, which is in the settings or with the grant.

    ``tenant`` is whose private application it is, None for this installation's own. A row without a ``secret`` only says when
    the first one ends. Several may be good at a time: the order in which they are tried is ``tenants.secrets``'.
    """

    tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    provider = models.CharField(max_length=40)
    client_id = models.CharField(max_length=255)
    secret = SealedField(blank=True)
    ends_at = models.DateTimeField(help_text="When the provider takes it no more.")
    assumed = models.BooleanField(default=False, help_text="Nobody said when it ends; counted from the day it came.")
    others_end_at = models.DateTimeField(null=True, help_text="When those before it end, where that was told.")
    refused_at = models.DateTimeField(null=True, help_text="Since when another one is taken and this one is not.")
    created_at = models.DateTimeField(default=now)

    class Meta:
        indexes = [models.Index(fields=["provider", "client_id"], name="secret_of_application")]

    def __str__(self) -> str:
        return f"{self.provider}:{self.client_id} until {self.ends_at:%Y-%m-%d}"


class Connection(ScopedModel):
    """One authorised account on one system: a seller account or a ledger company, as this tenant sees it."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="connections")
    provider = models.CharField(max_length=40)
    environment = models.CharField(max_length=20)
    remote_id = models.CharField(max_length=255)
    remote_name = models.CharField(max_length=255, blank=True)
    data = models.JSONField(default=dict, help_text="Facts of the account, for example region and marketplaces.")
    state = models.CharField(max_length=16, choices=Access.choices, default=Access.ACTIVE, help_text=ACCESS_HELP)
    checks = models.JSONField(default=list, help_text="The steps of the last connection test.")
    last_checked_at = models.DateTimeField(null=True, blank=True)
    rests_until = models.DateTimeField(
        null=True, blank=True, help_text="Nothing is asked over it until then; others to the company go on."
    )
    rest_reason = models.CharField(max_length=200, blank=True)
    failures = models.PositiveSmallIntegerField(default=0, help_text="Calls in a row for which it was no use.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "provider", "environment", "remote_id"], name="connection_once_per_company"
            )
        ]

    def __str__(self) -> str:
        return self.remote_name or self.remote_id

    @property
    def named(self) -> str:
        """The company and its system: companies of several systems may be called the same."""
        try:
            return f"{self}, {provider(self.provider).name}"
        except UnknownProvider:
            return str(self)

    @property
    def tested(self) -> str:
        """How the last test went: "failed", "warning", "passed", or "testing" where a worker is going to say."""
        if self.last_checked_at is None:
            return "testing" if self.state == Access.ACTIVE else ""
        verdicts = {step["verdict"] for step in self.checks}
        return next((verdict for verdict in ("failed", "warning") if verdict in verdicts), "passed")

    @property
    def remote_key(self) -> str:
        """Name the remote company across the installation: two tenants' connections to it share this key."""
        return f"{self.provider}:{self.environment}:{self.remote_id}"

    @staticmethod
    def of_company(remote_key: str, of: str = "") -> models.Q:
        """Select the connections to a remote company, whosever they are. ``of`` leads to them: ``"flow__target__"``."""
        provider, environment, remote_id = remote_key.split(":", 2)
        return models.Q(**{f"{of}provider": provider, f"{of}environment": environment, f"{of}remote_id": remote_id})


class Quota(ScopedModel):
    """The calls a provider lets be made to one company in a day, by anybody, as it said with its last answer."""

    connection = models.OneToOneField(Connection, on_delete=models.CASCADE, related_name="quota")
    daily_limit = models.PositiveIntegerField()
    remaining = models.PositiveIntegerField()
    resets_at = models.DateTimeField(help_text="When the day of the count ends.")
    zone = models.CharField(max_length=64, blank=True, help_text="The time zone of that day, if it is known.")
    seen_at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return f"{self.remaining} of {self.daily_limit}"


class CallCount(models.Model):
    """How often the whole installation called a provider on a day (UTC): some allow an application a number of calls."""

    provider = models.CharField(max_length=40)
    environment = models.CharField(max_length=20)
    day = models.DateField()
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["provider", "environment", "day"], name="call_count_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.provider}:{self.environment} {self.day}: {self.count}"


class Bucket(models.Model):
    """The level of one token bucket, shared by all processes: (application, remote account, operation)."""

    key = models.CharField(max_length=255, primary_key=True)
    tokens = models.FloatField()
    at_s = models.FloatField(help_text="Unix time of the level.")
    version = models.PositiveBigIntegerField(default=0)

    def __str__(self) -> str:
        return self.key


class Alert(ScopedModel):
    """Something a person must look at. One open alert per key; it ends when what raised it is settled."""

    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=255)
    title = models.CharField(max_length=200)
    text = models.TextField()
    action = models.TextField(help_text="What to do next.")
    url = models.CharField(max_length=500, blank=True)
    raised_at = models.DateTimeField(default=now)
    settled_at = models.DateTimeField(null=True, blank=True)
    emailed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "key"], condition=models.Q(settled_at__isnull=True), name="alert_open_once_per_key"
            )
        ]
        indexes = [models.Index(fields=["tenant", "-raised_at"], name="alert_latest")]

    def __str__(self) -> str:
        return self.title
