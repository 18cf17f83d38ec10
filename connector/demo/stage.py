"""The demo's stage: the pretend outside world and the site, each a process with files of its own in one place."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from amazon.sandbox import DEMO_APPLICATION
from connector.demo.processes import Child, free_port, python
from ledgers.pretend import pretend_of, pretended


@dataclass(frozen=True)
class Stage:
    """``place`` holds the site's database and keys, the stand-ins' file and both logs; ``ports`` are by name.

    ``rate_scale`` speeds up the stand-ins' limits and our own pace alike; ``more`` are further settings of the site.
    """

    place: Path
    rate_scale: int
    site_port: int = field(default_factory=free_port)
    ports: Mapping[str, int] = field(default_factory=lambda: ports_of(*pretended()))
    more: Mapping[str, str] = field(default_factory=dict)

    @property
    def site(self) -> str:
        return _url(self.site_port)

    @property
    def amazon(self) -> str:
        return _url(self.ports["amazon"])

    @property
    def ledgers(self) -> dict[str, str]:
        """Addresses of the ledgers' stand-ins by slug."""
        return {slug: _url(port) for slug, port in self.ports.items() if slug != "amazon"}

    @property
    def settings(self) -> dict[str, str]:
        """The environment of the site: the stand-ins' addresses, and the credentials under which they know it."""
        return {
            "TIEOUT_VAR": str(self.place),
            "SITE_URL": self.site,
            "EMAIL_URL": "dummymail://",
            "AMAZON_API_BASE": self.amazon,
            "AMAZON_CONSENT_BASE": self.amazon,
            "AMAZON_TOKEN_URL": f"{self.amazon}/auth/o2/token",
            "AMAZON_RATE_SCALE": str(self.rate_scale),
            "AMAZON_APPLICATION_ID": DEMO_APPLICATION["application_id"],
            "AMAZON_CLIENT_ID": DEMO_APPLICATION["client_id"],
            "AMAZON_CLIENT_SECRET": DEMO_APPLICATION["client_secret"],
            **{
                name: value
                for slug, base in self.ledgers.items()
                for name, value in pretend_of(slug).settings(base, self.rate_scale).items()
            },
            **self.more,
        }

    def open_outside(self) -> Child:
        """Start the stand-ins. ``ready`` waits for them."""
        ports = [word for slug, port in self.ports.items() for word in (f"--{slug}-port", str(port))]
        command = python("-m", "sandbox.serve", "--file", str(self.place / "outside.sqlite3"), *ports)
        return Child("The stand-ins", command, self.settings, self.place / "outside.log", "\nready\n")

    def open_site(self) -> Child:
        """Start the site with its workers and schedule."""
        command = python("manage.py", "serve", "--port", str(self.site_port))
        return Child("The site", command, self.settings, self.place / "site.log", "is ready on")


def ports_of(*ledgers: str) -> dict[str, int]:
    """Return free ports for Amazon's stand-in and those of these ledgers."""
    return {slug: free_port() for slug in ("amazon", *ledgers)}


def _url(port: int) -> str:
    return f"http://127.0.0.1:{port}"
