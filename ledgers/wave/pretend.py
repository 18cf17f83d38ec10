"""The pretend Wave of the demo: businesses on the Pro plan."""

from collections.abc import Mapping
from typing import Final

from ledgers.pretend import Pretend
from ledgers.wave.sandbox.oauth import DEFAULT_APP

BALANCE_LAG_S: Final = 60  # of the real Wave, at most


def _settings(base: str, rate_scale: int) -> Mapping[str, str]:
    return {
        "WAVE_API_BASE": base,
        "WAVE_AUTHORIZE_URL": f"{base}/oauth2/authorize/",
        "WAVE_TOKEN_URL": f"{base}/oauth2/token/",
        "WAVE_REVOKE_URL": f"{base}/oauth2/token-revoke/",
        "WAVE_RATE_SCALE": str(rate_scale),
        # Its balances show everything at once: what waits for them may go as much faster as its limits.
        "WAVE_BALANCE_LAG_S": str(max(1, BALANCE_LAG_S // rate_scale)),
        "WAVE_CLIENT_ID": str(DEFAULT_APP["client_id"]),
        "WAVE_CLIENT_SECRET": str(DEFAULT_APP["client_secret"]),
    }


PRETEND: Final = Pretend(
    settings=_settings,
    rate=lambda scale: {"rate_scale": scale * 100},  # in percent
    create=lambda name: ("create_business", {"name": name, "chart": "seller"}),
    company=lambda made: str(made["business"]),
    known_as=lambda made: str(made["business"]),
    signs_in=lambda made: str(made["business"]),
    token=lambda made: ("issue_tokens", {"business": made["business"], "client_id": "auditor"}),
    in_transit=True,
)
