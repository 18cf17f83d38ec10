"""Reports that come by themselves every so often: the schedules of the Reports API.

A new schedule takes the place of the one for the same type and marketplaces. All-orders reports can be asked for but not
scheduled. Source: official model reports_2021-06-30.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from werkzeug.wrappers import Request, Response

from amazon.sandbox.errors import Refused, error, invalid
from amazon.sandbox.lwa import Caller
from amazon.sandbox.report_requests import WITHOUT_DATA, ReportRules, Requests, Wanted, asked, check_type
from amazon.sandbox.reports import check_role
from amazon.sandbox.times import words, written
from sandbox.clock import Clock
from sandbox.store import Store
from sandbox.wsgi import json_response

PERIODS: Final = {
    **{f"PT{minutes}M": timedelta(minutes=minutes) for minutes in (5, 15, 30)},
    **{f"PT{hours}H": timedelta(hours=hours) for hours in (1, 2, 4, 8, 12, 84)},
    **{f"P{days}D": timedelta(days=days) for days in (1, 2, 3, 7, 14, 15, 18, 30)},
    "P1M": timedelta(days=30),
}
_FIRST: Final = 50_100_000_001
_MOST_TYPES: Final = 10


class Schedules:
    def __init__(self, store: Store, clock: Clock, requests: Requests) -> None:
        self._store = store
        self._clock = clock
        self._requests = requests

    def create(self, request: Request, caller: Caller) -> Response:
        """POST /reports/2021-06-30/schedules."""
        body = asked(request)
        check_type(body["reportType"], WITHOUT_DATA, caller)
        if body.get("period") not in PERIODS:
            raise invalid(f"period must be one of {', '.join(PERIODS)}")
        try:
            first = datetime.fromisoformat(body["nextReportCreationTime"]) if "nextReportCreationTime" in body else None
        except (TypeError, ValueError):
            raise invalid("nextReportCreationTime is not a date-time") from None
        for each in self._all(caller.seller_id):
            same = set(each["marketplaceIds"]) == set(body["marketplaceIds"])
            if same and each["reportType"] == body["reportType"]:
                self._store.delete("schedule", each["reportScheduleId"], scope=caller.seller_id)
        schedule_id = str(self._store.next_number(f"schedule:{caller.seller_id}", _FIRST))
        made: dict[str, Any] = {
            name: body[name] for name in ("reportType", "marketplaceIds", "reportOptions", "period") if name in body
        }
        made |= {
            "reportScheduleId": schedule_id,
            "nextReportCreationTime": written(first or self._clock.now() + PERIODS[body["period"]]),
        }
        self._store.put("schedule", schedule_id, made, scope=caller.seller_id)
        self._store.put(
            "scheduled", f"{caller.seller_id} {schedule_id}", {"seller_id": caller.seller_id, "id": schedule_id}
        )
        return json_response({"reportScheduleId": schedule_id}, 201)

    def find(self, request: Request, caller: Caller) -> Response:
        """GET /reports/2021-06-30/schedules."""
        types = words(request, "reportTypes", most=_MOST_TYPES)
        if not types:
            raise invalid("reportTypes is required.")
        for each in types:
            check_role(each, caller)
        return json_response(
            {"reportSchedules": [each for each in self._all(caller.seller_id) if each["reportType"] in types]}
        )

    def get(self, caller: Caller, schedule_id: str) -> Response:
        """GET /reports/2021-06-30/schedules/{reportScheduleId}."""
        return json_response(self._known(caller, schedule_id))

    def cancel(self, caller: Caller, schedule_id: str) -> Response:
        """DELETE /reports/2021-06-30/schedules/{reportScheduleId}."""
        self._known(caller, schedule_id)
        self._store.delete("schedule", schedule_id, scope=caller.seller_id)
        return Response(b"")

    def run(self, rules_of: Callable[[str], ReportRules]) -> None:
        """Ask for what is due by now, by the rules of its seller.

        Of several reports that a schedule missed while nobody called, only the last comes.
        """
        now = self._clock.now()
        for key in self._store.ids("scheduled"):
            kept = self._store.get("scheduled", key) or {}
            schedule = self._store.get("schedule", kept["id"], scope=kept["seller_id"])
            if schedule is None:
                self._store.delete("scheduled", key)
            elif datetime.fromisoformat(schedule["nextReportCreationTime"]) <= now:
                self._report(kept["seller_id"], schedule, now, rules_of(kept["seller_id"]))

    def _report(self, seller_id: str, schedule: dict[str, Any], now: datetime, rules: ReportRules) -> None:
        period, due = PERIODS[schedule["period"]], datetime.fromisoformat(schedule["nextReportCreationTime"])
        following = due + ((now - due) // period + 1) * period
        kept = {**schedule, "nextReportCreationTime": written(following)}
        self._store.put("schedule", schedule["reportScheduleId"], kept, scope=seller_id)
        wanted = Wanted(
            schedule["reportType"], schedule["marketplaceIds"], (now - period, now), schedule["reportScheduleId"]
        )
        self._requests.enter(seller_id, wanted, rules)

    def _all(self, seller_id: str) -> list[dict[str, Any]]:
        return self._store.all("schedule", scope=seller_id)

    def _known(self, caller: Caller, schedule_id: str) -> dict[str, Any]:
        schedule = self._store.get("schedule", schedule_id, scope=caller.seller_id)
        if schedule is None:
            raise Refused(error(404, f"Schedule {schedule_id} is not found."))
        check_role(schedule["reportType"], caller)
        return schedule
