"""Who asks, and what they may see: one authenticated request (sheet §0.8, §3)."""

from typing import Any

from ledgers.wave.sandbox.business import Business, Doc
from ledgers.wave.sandbox.ids import business_id, business_of
from ledgers.wave.sandbox.meters import Meters
from ledgers.wave.sandbox.refusals import coded, not_found
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.switches import Switches


class Session:
    """``grant`` is what the token stands for; ``token`` is what the meters count by."""

    def __init__(self, store: Store, clock: Clock, switches: Switches, meters: Meters, grant: Doc, token: str) -> None:
        self.store, self.clock, self.switches, self.meters = store, clock, switches, meters
        self.grant, self._token = grant, token
        self._views: dict[str, Business] = {}

    def allow(self, scope: str) -> None:
        """Raises GraphQLError when the token has no such scope; ``x:*`` covers both verbs of x."""
        granted = self.grant["scope"].split()
        if scope and scope not in granted and f"{scope.partition(':')[0]}:*" not in granted:
            raise coded(self.switches["missing_scope"], f"The token lacks the scope {scope}.")

    def count(self, field: str) -> None:
        """Raises TooFast."""
        self.meters.field(self._token, field, self.clock.now())

    def visible(self) -> list[Doc]:
        """The businesses behind the token, oldest first."""
        mine = [each for each in self.store.all("business") if each["user"] == self.grant["user"]]
        return [each for each in mine if self.grant["business"] in ("", each["uuid"])]

    def business(self, id_: str) -> Business:
        """Raises GraphQLError: NOT_FOUND, or what a business without Pro answers."""
        info = next((each for each in self.visible() if business_id(each["uuid"]) == id_), None)
        if info is None:
            raise not_found("Business", id_)
        self.check_plan(info)
        return self.view(info)

    def around(self, doc: Doc) -> Business:
        """The business a stored object belongs to."""
        if doc["business"] not in self._views:
            self.view(self.store.get("business", doc["business"]) or {})
        return self._views[doc["business"]]

    def view(self, info: Doc) -> Business:
        """One view for the length of the request."""
        uuid = info["uuid"]
        if uuid not in self._views:
            self._views[uuid] = Business(self.store, self.clock, self.switches, info)
        return self._views[uuid]

    def owned(self, kind: str, id_: str) -> tuple[Business, Doc]:
        """An object by its id alone, with its business. Raises GraphQLError NOT_FOUND."""
        uuid = business_of(id_)
        if uuid is None or uuid not in [each["uuid"] for each in self.visible()]:
            raise not_found(kind, id_)
        business = self.business(business_id(uuid))
        return business, business.need(kind, id_)

    def check_plan(self, info: dict[str, Any]) -> None:
        how = self.switches["free_plan"]
        if info["plan"] == "pro" or how == "served":
            return
        if how == "NOT_FOUND":
            raise not_found("Business", business_id(info["uuid"]))
        raise coded(how, "The business is not on Wave Pro.")
