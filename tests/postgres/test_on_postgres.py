"""What depends on the database is tested on Postgres too: claims, scopes, triggers, the whole job. It behaves differently there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENOUGH = 500  # a run that finds next to no tests proves nothing
# What uses the database; to collect the rest as well takes as long as a fair number of tests.
WHERE = [
    f"tests/{name}" for name in ("amazon", "audit", "flows", "kit", "production", "security", "tenants", "web/rest")
]


@pytest.mark.postgres
@pytest.mark.timeout(600)
def test_what_depends_on_the_database_passes_on_postgres(postgres_url, record_property):
    plugins = ("-p", "no:cacheprovider", "-p", "tests.postgres.only_database")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--create-db", *plugins, *WHERE],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=590,
    )

    last = run.stdout.rstrip().rpartition("\n")[2].strip("= ")
    record_property("on Postgres", last)
    passed = re.search(r"(\d+) passed", last)
    assert run.returncode == 0, run.stdout[-6000:]
    assert passed
    assert int(passed.group(1)) >= ENOUGH
