"""What a ledger company offers for mapping, as it was last read, and the reads that a provider may bill."""

from django.db import models

from kit.clock import now
from kit.scope import ScopedModel
from tenants.models import Connection


class Company(ScopedModel):
    """Facts of one connected company. Its lists are ``ListEntry`` rows."""

    connection = models.OneToOneField(Connection, models.CASCADE, related_name="company")
    name = models.CharField(max_length=255)
    home_currency = models.CharField(max_length=3)
    multicurrency = models.BooleanField()
    country = models.CharField(max_length=60, blank=True)
    closed_until = models.DateField(null=True, blank=True, help_text="Last day of the closed period")
    read_at = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "companies"

    def __str__(self) -> str:
        return self.name


class ListEntry(ScopedModel):
    """One account, item, customer, class, location or currency. What was not in the last reading is kept, inactive."""

    class List(models.TextChoices):
        ACCOUNT = "account", "Account"
        ITEM = "item", "Item"
        CUSTOMER = "customer", "Customer"
        CLASS = "class", "Class"
        LOCATION = "location", "Location"
        CURRENCY = "currency", "Currency"

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="list_entries")
    list = models.CharField(max_length=8, choices=List)
    external_id = models.CharField(max_length=120)
    name = models.CharField(max_length=1000)
    active = models.BooleanField(default=True)
    type = models.CharField(max_length=120, blank=True, help_text="Account type in the ledger's own words")
    account_class = models.CharField(max_length=20, blank=True, help_text="Empty: an account we never post to")
    number = models.CharField(max_length=40, blank=True)
    sku = models.CharField(max_length=200, blank=True)
    account = models.CharField(max_length=120, blank=True, help_text="An item's income account")
    currency = models.CharField(max_length=3, blank=True)

    class Meta:
        verbose_name_plural = "list entries"
        constraints = [
            models.UniqueConstraint(fields=["connection", "list", "external_id"], name="list_entry_once_per_company")
        ]
        indexes = [models.Index(fields=["tenant", "connection", "list"], name="list_entry_of_company")]

    def __str__(self) -> str:
        return self.name


class ReadCount(ScopedModel):
    """How often one connection read from one endpoint in a calendar month (UTC). Some providers bill reads."""

    connection = models.ForeignKey(Connection, models.CASCADE, related_name="read_counts")
    month = models.DateField(help_text="Its first day")
    endpoint = models.CharField(max_length=40)
    count = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["connection", "month", "endpoint"], name="read_count_once_per_month")
        ]
        indexes = [models.Index(fields=["tenant", "month"], name="read_count_of_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} {self.endpoint}: {self.count}"
