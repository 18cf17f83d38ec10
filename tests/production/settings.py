"""Settings as an operator sets them, for processes that run under production settings."""

import os
import re
import subprocess
import sys
from pathlib import Path

from ledgers.zoho.centres import CENTRES

ROOT = Path(__file__).resolve().parents[2]
COMPLETE = {
    "TIEOUT_PRODUCTION": "1",
    "SECRET_KEY": "not-a-secret-but-as-long-and-as-varied-as-one-0123456789-abcdefghij",
    "VAULT_KEYS": "test:" + "A" * 43 + "=",
    "DATABASE_URL": "postgres://tieout:word@127.0.0.1:1/tieout",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "ALLOWED_HOSTS": "books.example.com",
    "SITE_URL": "https://books.example.com",
    "EMAIL_URL": "dummymail://",
    "DEFAULT_FROM_EMAIL": "books@example.com",
}


def names():
    """Return every name that the settings read from the environment, those of Zoho's data centres written out."""
    text = (ROOT / "connector/settings.py").read_text()
    read = set(re.findall(r'(?:env\.\w+(?:\(|,)|_rate_scale\(|_switch\()\s*"([A-Z_]+)"', text))
    centres = {f"ZOHO_CLIENT_{part}_{location.upper()}" for part in ("ID", "SECRET") for location in CENTRES}
    return read | centres | set(COMPLETE)


def run(env, *arguments):
    """Run our Python with these settings and none of the machine's."""
    kept = {name: value for name, value in os.environ.items() if name not in names()}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**kept, **env},
        capture_output=True,
        text=True,
        timeout=60,
    )
