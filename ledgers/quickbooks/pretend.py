"""The pretend QuickBooks of the demo."""

from collections.abc import Mapping
from typing import Final

from ledgers.pretend import Pretend
from ledgers.quickbooks.sandbox.oauth import DEFAULT_APP


def _settings(base: str, rate_scale: int) -> Mapping[str, str]:
    return {
        "QBO_API_BASE": base,
        "QBO_AUTHORIZE_URL": f"{base}/connect/oauth2",
        "QBO_TOKEN_URL": f"{base}/oauth2/v1/tokens/bearer",
        "QBO_REVOKE_URL": f"{base}/v2/oauth2/tokens/revoke",
        "QBO_ENVIRONMENT": "sandbox",
        "QBO_RATE_SCALE": str(rate_scale),
        "QBO_CLIENT_ID": str(DEFAULT_APP["client_id"]),
        "QBO_CLIENT_SECRET": str(DEFAULT_APP["client_secret"]),
    }


PRETEND: Final = Pretend(
    settings=_settings,
    rate=lambda scale: {"rate_scale": scale * 100},  # in percent
    create=lambda name: ("create_company", {"name": name, "chart": "bookkeeper"}),
    company=lambda made: str(made["realm"]),
    known_as=lambda made: str(made["realm"]),
    signs_in=lambda made: str(made["realm"]),
    token=lambda made: ("issue_tokens", {"realm": made["realm"], "client_id": "auditor"}),
    in_use=lambda made: {
        "realm": made["realm"],
        "kind": "Account",
        "id": made["accounts"]["Merchant Fees:AMZ Referral Fees"],
    },
)
