"""The pretend outside world of the demo, over its control API: a seller, two companies per ledger, their truth, and the auditor."""

import json
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from django.conf import settings

from connector.demo.processes import python
from ledgers.pretend import pretend_of

AUDITOR = "tests.independent.auditor"
MODES = ("summary", "orders")
CURRENCY = "USD"


class Failed(Exception):
    """A stand-in or the auditor did not do what it was told; the text says why."""


@dataclass
class Company:
    """One company that keeps its books at a ledger, for a flow in one mode. ``made`` is what its stand-in answered."""

    ledger: str
    mode: str
    made: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.ledger} {self.mode}"

    @property
    def remote_id(self) -> str:
        return pretend_of(self.ledger).company(self.made)

    @property
    def signs_in(self) -> str:
        return pretend_of(self.ledger).signs_in(self.made)


@dataclass
class Outside:
    """Addresses of the stand-ins, and what they were told to be. ``ledgers`` are addresses by slug."""

    amazon: str
    ledgers: dict[str, str]
    truth: dict[str, Any]
    companies: list[Company]

    @classmethod
    def from_json(cls, made: Mapping[str, Any]) -> "Outside":
        """Return what ``asdict`` was made of."""
        return cls(**{**made, "companies": [Company(**each) for each in made["companies"]]})

    @property
    def seller_id(self) -> str:
        return str(self.truth["seller"]["seller_id"])

    @property
    def marketplace_id(self) -> str:
        return str(self.truth["seller"]["marketplace_id"])

    def expected(self, company: Company) -> dict[str, Any]:
        expected: dict[str, Any] = self.truth["expected"][company.ledger][company.mode]
        return expected

    def audit(self, accounts: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
        """Let the auditor read everything through the providers' public interfaces; ``accounts`` are ids by company and key."""
        grant = tell(self.amazon, "authorise", {"seller_id": self.seller_id})
        question = {
            "amazon": {"base": self.amazon, **grant},
            "ledgers": [self._question(company, accounts[company.name]) for company in self.companies],
        }
        done = subprocess.run(  # noqa: S603 - our own interpreter and script
            python("-m", AUDITOR),
            input=json.dumps(question),
            cwd=Path(settings.BASE_DIR),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        if done.returncode:
            raise Failed(f"the auditor failed:\n{done.stderr[-2000:]}")
        findings: dict[str, Any] = json.loads(done.stdout)
        return findings

    def _question(self, company: Company, accounts: Mapping[str, str]) -> dict[str, Any]:
        base, pretend = self.ledgers[company.ledger], pretend_of(company.ledger)
        # An application of its own, so that ours keeps its tokens.
        tell(base, "register_app", {"client_id": "auditor"})
        return {
            "name": company.name,
            "ledger": company.ledger,
            "base": f"{base}{pretend.audited}",
            "company": pretend.known_as(company.made),
            "token": tell(base, *pretend.token(company.made))["access_token"],
            "accounts": accounts,
        }


def tell(base: str, action: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Have a stand-in do something only a tester can."""
    answer = requests.post(f"{base}/_control/do/{action}", json=values, timeout=60)
    if answer.status_code != 200:
        raise Failed(f"{action} was refused: {answer.text[:500]}")
    told: dict[str, Any] = answer.json()
    return told


def switch(base: str, values: Mapping[str, Any]) -> None:
    answer = requests.post(f"{base}/_control/switches", json=values, timeout=60)
    answer.raise_for_status()


def prepare(
    amazon: str, ledgers: Mapping[str, str], rate_scale: int, companies: Iterable[tuple[str, str]] | None = None
) -> Outside:
    """Make the demo seller and the companies, each by ledger and mode; one for each mode of every ledger unless told."""
    wanted = [(slug, mode) for slug in ledgers for mode in MODES] if companies is None else list(companies)
    switch(amazon, {"rate_scale": rate_scale})
    for slug, base in ledgers.items():
        switch(base, pretend_of(slug).rate(rate_scale))
    truth = tell(amazon, "demo", {})
    made = []
    for slug, mode in wanted:
        action, values = pretend_of(slug).create(f"Harbor Books ({mode})")
        made.append(Company(slug, mode, tell(ledgers[slug], action, values)))
    return Outside(amazon, dict(ledgers), truth, made)
