"""How long an unanswered write is left alone: settings of the operator, never below what QuickBooks may take."""

import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.test import override_settings

from kit.scope import scope
from ledgers.quickbooks.provider import open_ledger
from tests.factories import ConnectionFactory


def start(tmp_path, **values):
    """Read the settings in a process of their own, as every process of the product does."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("QBO_", "FRESHBOOKS_"))}
    return subprocess.run(
        [sys.executable, "-c", "import connector.settings"],
        env={**kept, "TIEOUT_VAR": str(tmp_path), **values},
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )


def test_patience_of_the_settings_is_what_the_outbox_goes_by(db):
    connection = ConnectionFactory()

    with override_settings(QBO_DEADLINE_S=100, QBO_QUARANTINE_S=70), scope(connection.tenant_id):
        capabilities = open_ledger(connection).capabilities

    assert (capabilities.deadline_s, capabilities.quarantine_s) == (100, 70)


@pytest.mark.parametrize(
    "values",
    [
        pytest.param({"QBO_QUARANTINE_S": "10"}, id="together too short"),
        pytest.param({"QBO_DEADLINE_S": "200", "QBO_QUARANTINE_S": "0"}, id="no quarantine"),
        pytest.param({"QBO_DEADLINE_S": "3", "QBO_QUARANTINE_S": "2"}, id="a stand-in's, without one"),
    ],
)
def test_start_is_refused_where_a_late_commit_could_be_sent_again(values, tmp_path):
    done = start(tmp_path, **values)

    assert done.returncode
    assert "QBO_DEADLINE_S and QBO_QUARANTINE_S" in done.stderr


def test_stand_in_may_be_given_less_time(tmp_path):
    done = start(tmp_path, QBO_API_BASE="http://127.0.0.1:9", QBO_DEADLINE_S="3", QBO_QUARANTINE_S="2")

    assert done.returncode == 0, done.stderr
