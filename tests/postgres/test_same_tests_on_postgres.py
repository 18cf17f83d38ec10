"""Isolation, grants, rate and trail rely on what the database does under concurrency: their tests run on Postgres too."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TESTS = ["tests/kit/test_scope.py", "tests/tenants", "tests/audit"]


@pytest.mark.postgres
@pytest.mark.timeout(300)
def test_tenants_and_trail_pass_on_postgres(postgres_url):
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--create-db", "-p", "no:cacheprovider", *TESTS],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": postgres_url},
        capture_output=True,
        text=True,
        timeout=280,
    )

    assert run.returncode == 0, run.stdout[-4000:]
