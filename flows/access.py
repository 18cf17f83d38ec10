"""Whether both ends of a flow are open to us; where one is not, what waits and what to do. Calls nobody."""

from flows.models import Flow
from tenants.models import Access, Connection


def source_closed(flow: Flow) -> str:
    """Return why nothing is fetched, "" where the seller's account is open, or files are uploaded by hand."""
    return _closed(flow.source, "Nothing is fetched from it") if flow.source else ""


def target_closed(flow: Flow) -> str:
    """Return why nothing is posted, "" where the company is open."""
    return _closed(flow.target, "Nothing is posted there")


def closed(flow: Flow) -> list[str]:
    """Return a sentence for each end that is not open."""
    return [text for text in (source_closed(flow), target_closed(flow)) if text]


def _closed(connection: Connection, what: str) -> str:
    if connection.state == Access.ACTIVE:
        return ""
    why = "is disconnected" if connection.state == Access.REVOKED else "wants a new consent"
    return f"{connection} {why}. {what} until an owner connects it again under Connections; what waits is kept and then goes on."
