"""What a seller's connection shows beside what every connection does."""

from amazon import limits
from amazon.history_progress import progress
from tenants.models import Connection
from tenants.providers import Panel


def panels(connection: Connection) -> list[Panel]:
    """Return how far the order history is, and what Amazon's limits leave."""
    return [Panel("amazon/_history_panel.html", progress(connection)), *limits.panels(connection)]
