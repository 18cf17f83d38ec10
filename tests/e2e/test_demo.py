"""The demo as a newcomer runs it: one command, everything by itself, nothing left behind."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from django.conf import settings

from connector.demo.processes import environment, python
from ledgers.pretend import pretended

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]
KEYS = [
    "settlements",
    "tied",
    "orders",
    "held",
    "expected_held",
    "difference",
    "seconds",
    "rate_scale",
    "runs",
]


def test_demo_ties_every_settlement_in_every_company_and_ends(tmp_path):
    done = subprocess.run(
        python("manage.py", "demo", "--once", "--json"),
        env=environment({"TMPDIR": str(tmp_path), "TIEOUT_VAR": str(tmp_path / "var")}),
        cwd=settings.BASE_DIR,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    summary = json.loads(done.stdout.splitlines()[-1])
    assert list(summary) == KEYS
    assert 0 < summary["settlements"] == summary["tied"] <= 10
    assert 0 < summary["orders"] <= 60
    assert 0 < summary["held"] == summary["expected_held"]
    assert summary["difference"] == "0.00"
    companies = [(run["ledger"], run["mode"]) for run in summary["runs"]]
    assert companies == [(slug, mode) for slug in pretended() for mode in ("summary", "orders")]
    assert all(run["clearing"] == run["unexplained"] == "0.00" for run in summary["runs"])
    assert len({run["payouts"] for run in summary["runs"]}) == 1
    for run in summary["runs"]:
        beside = sum(Decimal(one["amount"]) for one in run["beside"])
        assert Decimal(run["payouts"]) + beside == Decimal(run["bank"]), run
    assert list(tmp_path.glob("tieout-demo-*")) == []
    assert not _speaking_of(str(tmp_path))


def _speaking_of(text):
    """Return the ids of processes whose environment has the text: children that outlived the demo."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if text in (place / "environ").read_text(errors="replace"):
                found.append(place.name)
        except OSError:
            continue
    return found
