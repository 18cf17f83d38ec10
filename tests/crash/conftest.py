"""What a seller has prepared before anything dies: made once, copied for every case."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from connector.demo.stage import Stage, ports_of
from tests.crash.theatre import RATE_SCALE, copied, opened

# An unanswered write is looked up after their sum; the stand-ins answer within milliseconds.
PATIENCE = {"QBO_DEADLINE_S": "3", "QBO_QUARANTINE_S": "1"}
COMPANIES = [("quickbooks", "summary"), ("quickbooks", "orders")]


@dataclass
class Prepared:
    """A closed stage to copy from, and the outside as it was made."""

    stage: Stage
    made: dict[str, Any]

    def copy(self, place: Path):
        """Return a theatre on a copy; nothing is open yet."""
        return opened(copied(self.stage, place))


@pytest.fixture(scope="session")
def new_flow(tmp_path_factory):
    """Amazon and a company are connected and a flow is made; the site has not looked at it yet."""
    return prepare(tmp_path_factory.mktemp("new"), COMPANIES[1:], [], ["begin"])


@pytest.fixture(scope="session")
def ready_to_post(tmp_path_factory):
    """A flow in each mode is fetched, planned, mapped and live; the site has posted nothing yet."""
    return prepare(tmp_path_factory.mktemp("ready"), COMPANIES, ["begin", "plan"] * 2, ["live"])


def prepare(place, companies, beside, alone):
    """Sign up, connect, and take the steps ``beside`` the open site, then those ``alone`` while it is closed."""
    with opened(Stage(place, RATE_SCALE, ports=ports_of("quickbooks"), more=PATIENCE)) as theatre:
        theatre.open_outside()
        theatre.open_site().ready()
        stage = theatre.stage
        told = {"site": stage.site, "amazon": stage.amazon, "ledgers": stage.ledgers}
        made = theatre.drive(["connect"], companies=companies, rate_scale=stage.rate_scale, **told)
        if beside:
            theatre.drive(beside, made=made)
        theatre.close_site()
        theatre.drive(alone, made=made)
    return Prepared(stage, made)
