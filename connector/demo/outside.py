"""The pretend outside world of the demo, over its control API: a seller, two companies, their truth, and the auditor."""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from connector.demo.processes import python

AUDITOR = "tests/independent/auditor.py"
MODES = ("summary", "orders")
CHART = "bookkeeper"
CURRENCY = "USD"


class Failed(Exception):
    """A stand-in or the auditor did not do what it was told; the text says why."""


@dataclass
class Outside:
    """Addresses of the stand-ins, and what they were told to be. ``companies`` is by mode."""

    amazon: str
    quickbooks: str
    truth: dict[str, Any]
    companies: dict[str, dict[str, Any]]

    @property
    def seller_id(self) -> str:
        return str(self.truth["seller"]["seller_id"])

    @property
    def marketplace_id(self) -> str:
        return str(self.truth["seller"]["marketplace_id"])

    def expected(self, mode: str) -> dict[str, Any]:
        expected: dict[str, Any] = self.truth["expected"]["quickbooks"][mode]
        return expected

    def audit(self, accounts: dict[str, dict[str, str]]) -> dict[str, Any]:
        """Let the auditor read everything through the providers' public interfaces; ``accounts`` is by mode and key."""
        grant = tell(self.amazon, "authorise", {"seller_id": self.seller_id})
        tell(self.quickbooks, "register_app", {"client_id": "auditor"})
        question = {
            "amazon": {"base": self.amazon, **grant},
            "ledgers": [
                {
                    "name": mode,
                    "base": self.quickbooks,
                    "realm": company["realm"],
                    "token": self._token(company["realm"]),
                    "accounts": accounts[mode],
                }
                for mode, company in self.companies.items()
            ],
        }
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            python(str(Path(__file__).resolve().parents[2] / AUDITOR)),
            input=json.dumps(question),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise Failed(f"the auditor failed:\n{done.stderr[-2000:]}")
        findings: dict[str, Any] = json.loads(done.stdout)
        return findings

    def _token(self, realm: str) -> str:
        return str(tell(self.quickbooks, "issue_tokens", {"realm": realm, "client_id": "auditor"})["access_token"])


def tell(base: str, action: str, values: dict[str, Any]) -> dict[str, Any]:
    """Have a stand-in do something only a tester can."""
    answer = requests.post(f"{base}/_control/do/{action}", json=values, timeout=60)
    if answer.status_code != 200:
        raise Failed(f"{action} was refused: {answer.text[:500]}")
    told: dict[str, Any] = answer.json()
    return told


def switch(base: str, values: dict[str, Any]) -> None:
    answer = requests.post(f"{base}/_control/switches", json=values, timeout=60)
    answer.raise_for_status()


def prepare(amazon: str, quickbooks: str, rate_scale: int, modes: Sequence[str] = MODES) -> Outside:
    """Make the demo seller and one company for each mode."""
    switch(amazon, {"rate_scale": rate_scale})
    switch(quickbooks, {"rate_scale": rate_scale * 100})  # in percent
    truth = tell(amazon, "demo", {})
    companies = {
        mode: tell(quickbooks, "create_company", {"name": f"Harbor Books ({mode})", "chart": CHART}) for mode in modes
    }
    return Outside(amazon, quickbooks, truth, companies)
