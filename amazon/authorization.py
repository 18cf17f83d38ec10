"""Whether a seller's authorization still lives: nothing announces its end, and a missing role is worded alike."""

from amazon.client import AmazonError, Forbidden
from amazon.connect import client_for
from amazon.rates import Priority
from tenants.grants import NeedsReconnect
from tenants.models import Connection


def is_gone(connection: Connection) -> bool:
    """Tell whether Amazon refuses even what every authorization opens, as it did open it when the seller agreed.

    False where Amazon does not say: a refusal of something else is then no proof.
    """
    try:
        client_for(connection, Priority.PERSON).marketplace_participations()
    except (Forbidden, NeedsReconnect):
        return True
    except AmazonError:
        return False
    return False
