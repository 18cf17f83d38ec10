"""What foreign money was worth, as the tenant says."""

from django.db import models

from kit.scope import ScopedModel


class ExchangeRate(ScopedModel):
    """One unit of ``currency`` is ``rate`` units of ``home``, from a day on until the next one.

    Exact decimal text: SQLite keeps decimals as floats.
    """

    home = models.CharField(max_length=3)
    currency = models.CharField(max_length=3)
    on = models.DateField()
    rate = models.CharField(max_length=24)
    source = models.CharField(max_length=200, blank=True, help_text="The file it came with; empty: set by hand")
    set_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "home", "currency", "on"], name="one_rate_a_day"),
        ]

    def __str__(self) -> str:
        return f"{self.currency}/{self.home} {self.on}"
