"""How one part of the stand-in lets subscribers know what happened in another."""

from typing import Any, Protocol


class Teller(Protocol):
    def tell(self, kind: str, seller_id: str, payload: dict[str, Any]) -> None:
        """Something of a notification type (``REPORT_PROCESSING_FINISHED``, ``ORDER_CHANGE``) happened to a seller.

        ``payload`` is what it happened to, in the shape of its own API: the report, the order.
        """


class Silent:
    """Nobody has subscribed."""

    def tell(self, kind: str, seller_id: str, payload: dict[str, Any]) -> None:
        pass
