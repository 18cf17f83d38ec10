"""How one part of the stand-in lets subscribers know what happened in another."""

from typing import Any, Protocol


class Teller(Protocol):
    def tell(self, kind: str, seller_id: str, payload: dict[str, Any]) -> None:
        """Something of a notification type (``REPORT_PROCESSING_FINISHED``) happened to a seller.

        ``payload`` is what the notification of that type carries, without its envelope.
        """


class Silent:
    """Nobody has subscribed."""

    def tell(self, kind: str, seller_id: str, payload: dict[str, Any]) -> None:
        pass
