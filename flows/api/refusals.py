"""What a service refuses, as the answer of the REST interface: 409 with what is wrong and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rest_framework import exceptions, status

from amazon.flat_errors import BadSettlementFile
from amazon.upload import WhichSeller
from flows import (
    answering,
    bank_files,
    bank_matches,
    closing,
    creation,
    doubts,
    payouts,
    rates,
    reposting,
    rules,
    setup,
    undo,
    uploads,
)
from flows.rate_files import BadRateFile
from ledgers.port import AuthorizationLost, NotSent, Unknown
from tenants.grants import NeedsReconnect


class Refused(exceptions.APIException):
    """``more`` goes into the answer as it is: ``line`` of a file, ``problems`` in the way."""

    status_code: int = status.HTTP_409_CONFLICT
    default_code = "refused"

    def __init__(self, text: str, action: str, **more: Any) -> None:
        super().__init__(text)
        self.action, self.more = action, more


class BadRequest(Refused):
    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "invalid"


class Unreachable(Refused):
    """The remote system gave no answer; nothing was changed."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "unreachable"


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what the services raise into answers."""
    try:
        yield
    except setup.NotReady as error:
        text = "The flow cannot go live yet."
        raise Refused(text, "Mend what problems names, then try again.", problems=error.problems) from error
    except creation.CannotChange as error:
        raise Refused(str(error), "Change something else, or nothing.") from error
    except rules.BadMapping as error:
        raise BadRequest(str(error), "Correct it and send it again.") from error
    except (
        undo.CannotUndo,
        reposting.CannotRepost,
        payouts.CannotState,
        closing.CannotClose,
        answering.CannotSay,
        uploads.CannotDecide,
        bank_files.CannotKeep,
        bank_matches.CannotMatch,
    ) as error:
        raise Refused(error.text, error.action) from error
    except rates.CannotSet as error:
        raise Refused(error.text, error.action) from error
    except doubts.Doubted as error:
        raise Refused(
            "That is unusual; nothing was changed.",
            "Correct what problems names, or send it again with confirm true.",
            problems=error.doubts,
        ) from error
    except BadRateFile as error:
        raise Refused(
            "Nothing of the file was used.", "Correct the lines that problems names.", problems=error.problems
        ) from error
    except BadSettlementFile as error:
        raise Refused(error.problem, error.action, line=error.line) from error
    except WhichSeller as error:
        raise Refused(str(error), "Send the id of the account as connection.") from error
    except (AuthorizationLost, NeedsReconnect) as error:
        raise Refused("The company no longer lets us in.", "Connect it again under Connections.") from error
    except (NotSent, Unknown) as error:
        action = error.action if isinstance(error, NotSent) else "Try again in a few minutes."
        raise Unreachable("The ledger gave no usable answer.", action) from error
