"""The pretend FreshBooks of the demo: businesses on the Plus plan, each with an owner of its own."""

from collections.abc import Mapping
from typing import Final

from django.utils.text import slugify

from ledgers.freshbooks.sandbox.oauth import DEFAULT_APP
from ledgers.pretend import Pretend


def _settings(base: str, rate_scale: int) -> Mapping[str, str]:
    return {
        "FRESHBOOKS_API_BASE": base,
        "FRESHBOOKS_AUTHORIZE_URL": f"{base}/oauth/authorize",
        "FRESHBOOKS_TOKEN_URL": f"{base}/auth/oauth/token",
        "FRESHBOOKS_REVOKE_URL": f"{base}/auth/oauth/revoke",
        "FRESHBOOKS_RATE_SCALE": str(rate_scale),
        "FRESHBOOKS_CLIENT_ID": str(DEFAULT_APP["client_id"]),
        "FRESHBOOKS_CLIENT_SECRET": str(DEFAULT_APP["client_secret"]),
    }


PRETEND: Final = Pretend(
    settings=_settings,
    rate=lambda scale: {"rate_scale": scale * 100},  # in percent
    create=lambda name: (
        "create_business",
        # One living pair of tokens per person and application: with one owner the second business would end the first's.
        {"name": name, "plan": "Plus", "chart": "bookkeeper", "person": f"{slugify(name)}@example.com"},
    ),
    company=lambda made: str(made["account_id"]),
    known_as=lambda made: str(made["account_id"]),
    signs_in=lambda made: str(made["person"]),
    token=lambda made: ("issue_tokens", {"person": made["person"], "client_id": "auditor"}),
    in_transit=True,
)
