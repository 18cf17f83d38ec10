"""The bank accounts on which payouts arrive, what was imported of them, and which line is which payout."""

from django.db import models
from django.db.models import F, Q

from kit.scope import ScopedModel
from kit.sealed import SealedField


class BankAccount(ScopedModel):
    """An account at a bank. ``tail`` are the last digits of its number, all that is kept of it.

    ``columns`` is what a person has confirmed of its bank's CSV files (bank.csv_file.Columns); empty before the first.
    """

    name = models.CharField(max_length=80)
    currency = models.CharField(max_length=3)
    tail = models.CharField(max_length=6, blank=True, help_text="Last digits of the account number")
    columns = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="bank_account_name")]

    def __str__(self) -> str:
        return self.name


class BankImport(ScopedModel):
    """One file that was taken: the days it tells of, its lines, how many of them were kept, and how many were new."""

    account = models.ForeignKey(BankAccount, models.CASCADE, related_name="imports")
    name = models.CharField(max_length=200)
    first_on = models.DateField()
    last_on = models.DateField()
    lines = models.PositiveIntegerField()
    kept = models.PositiveIntegerField()
    new = models.PositiveIntegerField()
    actor = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(condition=Q(first_on__lte=F("last_on")), name="bank_import_days")]

    def __str__(self) -> str:
        return self.name


class BankLine(ScopedModel):
    """One line of an account that may be a payout: money that came in. What went out is not kept.

    ``amount`` is minor units of the account's currency, above zero. ``text`` is the beginning of what the bank writes, sealed.
    ``digest`` tells a line of an earlier import from a new one; ``reading`` names the kind of file and columns it is made of.
    ``decided``: a person said what it is, or that it is no payout, so nothing is matched by itself.
    """

    account = models.ForeignKey(BankAccount, models.CASCADE, related_name="lines")
    imported = models.ForeignKey(BankImport, models.CASCADE, related_name="+")
    on = models.DateField()
    amount = models.BigIntegerField()
    text = SealedField(blank=True, default="")
    amazon = models.BooleanField(default=False, help_text="The text names Amazon")
    reading = models.CharField(max_length=16)
    digest = models.CharField(max_length=64)
    settlement = models.ForeignKey(
        "amazon.Settlement", models.SET_NULL, null=True, blank=True, related_name="bank_lines"
    )
    matched_at = models.DateTimeField(null=True, blank=True)
    matched_by = models.CharField(max_length=120, blank=True, help_text="Empty: by amount and day")
    decided = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(amount__gt=0), name="bank_line_came_in"),
            models.UniqueConstraint(fields=["tenant", "account", "digest"], name="bank_line_once"),
            models.UniqueConstraint(
                fields=["tenant", "settlement"], condition=Q(settlement__isnull=False), name="bank_line_of_settlement"
            ),
        ]
        indexes = [models.Index(fields=["tenant", "account", "-on"], name="bank_line_day")]

    def __str__(self) -> str:
        return f"bank line {self.on}"
