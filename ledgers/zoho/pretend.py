"""The pretend Zoho Books of the demo: organizations of one data centre, each with a user of its own."""

from collections.abc import Mapping
from typing import Final

from ledgers.pretend import Pretend
from ledgers.zoho.sandbox.oauth import DEFAULT_APP


def _settings(base: str, rate_scale: int) -> Mapping[str, str]:
    return {
        "ZOHO_ACCOUNTS_BASE": f"{base}/{{location}}",
        "ZOHO_API_BASE": f"{base}/{{location}}",
        "ZOHO_RATE_SCALE": str(rate_scale),
        "ZOHO_CLIENT_ID": str(DEFAULT_APP["client_id"]),
        "ZOHO_CLIENT_SECRET": str(DEFAULT_APP["client_secret"]),
    }


PRETEND: Final = Pretend(
    settings=_settings,
    rate=lambda scale: {"rate_scale": scale * 100},  # in percent
    create=lambda name: ("create_organization", {"name": name, "chart": "us", "plan": "Professional"}),
    company=lambda made: f"{made['location']}-{made['organization_id']}",
    known_as=lambda made: str(made["organization_id"]),
    signs_in=lambda made: str(made["user"]),
    token=lambda made: ("issue_tokens", {"user": made["user"], "client_id": "auditor"}),
    asked={"centre": "us"},
    audited="/us",
)
