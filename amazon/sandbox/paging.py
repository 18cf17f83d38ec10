"""Short lists in pages, under tokens that go with the arguments that made them."""

from typing import Any

from werkzeug.wrappers import Request

from amazon.sandbox.errors import invalid
from amazon.sandbox.lwa import Caller
from amazon.sandbox.signed import Signer


class Pages:
    def __init__(self, signer: Signer) -> None:
        self._signer = signer

    def of(self, request: Request, caller: Caller, name: str, found: list[dict[str, Any]], size: int) -> dict[str, Any]:
        """The page that is asked for, with a token where more follows."""
        asked = {key: value for key, value in request.args.items() if key != "nextToken"} | {"seller": caller.seller_id}
        start = 0
        if "nextToken" in request.args:
            value = self._signer.value(request.args["nextToken"])
            if value is None or value.get("asked") != asked or value["list"] != name:
                raise invalid("Invalid nextToken.")
            start = int(value["start"])
        page: dict[str, Any] = {name: found[start : start + size]}
        if start + size < len(found):
            page["nextToken"] = self._signer.token({"asked": asked, "list": name, "start": start + size})
        return page
