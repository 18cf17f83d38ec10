"""A seller's order history: a report for each month of it, all asked for ahead, fetched as they are made, newest first.

Newest first because what still has to ship, settle or be cancelled is recent, so a history that is stopped half way has the
half that is of use. The rows remember: a kill anywhere costs what the window in work had fetched, and nothing else. Nobody
waits for any of this: it runs in short steps, one at a time for the whole site, and leaves calls for settlements.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeVar

from django.db.models import Q

from amazon import marketplaces
from amazon.all_orders import AGAIN, AllOrders, BadReport
from amazon.client import (
    BadRequest,
    Client,
    DocumentExpired,
    Forbidden,
    NotFound,
    ReportInfo,
    ServerTrouble,
    Throttled,
    WaitFor,
)
from amazon.connect import client_for
from amazon.cursors import Busy, Claim, LeaseLost, claimed, cursor_for, look_again
from amazon.history_reports import ALL_ORDERS, Damaged, explanation, fetch, request_report
from amazon.models import Backfill, BackfillWindow, Cursor, Order, Resource
from amazon.order_store import store_reported
from amazon.pull import ORDERS_HORIZON, ORDERS_OVERLAP, forbidden_is_told
from amazon.rates import Priority
from audit.trail import record, recorded
from kit.clock import now
from kit.scope import scope, unscoped
from tenants.alerts import alert, settle_alert
from tenants.grants import NeedsReconnect
from tenants.models import Access, Connection

_T = TypeVar("_T")
State = BackfillWindow.State
WINDOW: Final = timedelta(days=30)  # what one all-orders report may span
OPEN: Final = (State.WAITING, State.REQUESTED, State.READY)
UNREAD: Final = (State.FAILED, State.REFUSED)
TRIES: Final = 3  # reports of a window that come to nothing, before a person is asked
TROUBLE_TRIES: Final = 8  # downloads of one window that break off
STEP: Final = timedelta(seconds=20)  # of work; whoever waits for the same worker waits so long
AT_ONCE: Final = 1  # of the whole site
FIRST_LOOK: Final = timedelta(seconds=15)
STORED_AT_ONCE: Final = 500
_OTHER_DAYS: Final = timedelta(days=2)  # a report may count its days in the marketplace's zone
_REST: Final = timedelta(hours=1)
_MEANWHILE: Final = timedelta(minutes=10)  # a wish that nobody follows for longer has no flow to follow it
_YIELD_S: Final = 5.0
_SOON_S: Final = 1.0


def begin(connection: Connection, since: datetime | None = None, actor: str = "") -> Backfill:
    """Begin to read the orders placed since then, or as far back as Amazon gives them; returns the history.

    One that is there already only grows back to an earlier ``since``.
    """
    at = now().replace(microsecond=0)
    oldest = at - ORDERS_HORIZON
    wished = since or oldest
    begins = max(wished, oldest)
    with recorded():
        found, made = Backfill.objects.get_or_create(
            connection=connection, defaults={"tenant_id": connection.tenant_id, "since": begins, "begun_at": at}
        )
        ends = at if made else found.since
        if not made and begins >= found.since:
            return found
        BackfillWindow.objects.bulk_create(
            BackfillWindow(tenant_id=found.tenant_id, backfill=found, starts_at=first, ends_at=last)
            for first, last in windows(begins, ends)
        )
        found.since, found.state, found.finished_at = begins, Backfill.State.RUNNING, None
        found.skipped_before = oldest if wished < oldest else None
        found.save(update_fields=["since", "state", "finished_at", "skipped_before"])
        cursor_for(connection, Resource.HISTORY)
        record(
            "history.begun",
            f"connection:{connection.pk}",
            tenant_id=connection.tenant_id,
            actor=actor,
            since=begins,
            until=ends,
        )
    return found


def changes_from(connection: Connection) -> datetime | None:
    """Return from when orders have to be read one by one, None where no history is read by reports."""
    found = Backfill.objects.filter(connection=connection).first()
    return found.begun_at - ORDERS_OVERLAP if found else None


def windows(begins: datetime, ends: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the windows of a time, the newest first; only the oldest one is shorter."""
    while ends > begins:
        first = max(begins, ends - WINDOW)
        yield first, ends
        ends = first


def pause(found: Backfill, actor: str) -> None:
    """Ask for nothing more until somebody has it go on. What Amazon is making goes on there."""
    with recorded():
        if Backfill.objects.filter(pk=found.pk, state=Backfill.State.RUNNING).update(state=Backfill.State.PAUSED):
            record("history.paused", f"connection:{found.connection_id}", tenant_id=found.tenant_id, actor=actor)


def resume(found: Backfill, actor: str) -> None:
    with recorded():
        if Backfill.objects.filter(pk=found.pk, state=Backfill.State.PAUSED).update(state=Backfill.State.RUNNING):
            look_again(found.connection, Resource.HISTORY)
            record("history.resumed", f"connection:{found.connection_id}", tenant_id=found.tenant_id, actor=actor)


def try_again(found: Backfill, actor: str) -> int:
    """Ask anew for every window that came to nothing; returns how many."""
    with recorded():
        again = BackfillWindow.objects.filter(backfill=found, state__in=UNREAD)
        count = again.update(
            state=State.WAITING, tries=0, due_at=None, problem="", action="", report_id="", document_id=""
        )
        if count:
            Backfill.objects.filter(pk=found.pk).update(state=Backfill.State.RUNNING, finished_at=None)
            look_again(found.connection, Resource.HISTORY)
            settle_alert(found.tenant_id, _failed_key(found))
            record(
                "history.tried_again",
                f"connection:{found.connection_id}",
                tenant_id=found.tenant_id,
                actor=actor,
                windows=count,
            )
    return count


def made(connection: Connection, report_ids: Collection[str]) -> set[str]:
    """Look at once at reports of which Amazon says that they have come to an end; returns those that were asked for here."""
    ours = BackfillWindow.objects.filter(
        backfill__connection=connection, state=State.REQUESTED, report_id__in=report_ids
    )
    found = set(ours.values_list("report_id", flat=True))
    if found:
        ours.update(due_at=now())
        look_again(connection, Resource.HISTORY)
    return found


def due() -> list[int]:
    """Return the connections whose history is worth a step now, no more than are worked on at once."""
    at = now()
    with unscoped("the histories of all tenants share the workers"):
        ours = Cursor.objects.filter(resource=Resource.HISTORY)
        room = AT_ONCE - ours.filter(claimed_until__gt=at).count()
        free = Q(claimed_until=None) | Q(claimed_until__lte=at)
        found = ours.filter(free, Q(due_at=None) | Q(due_at__lte=at), connection__state=Access.ACTIVE)
        found = found.filter(connection__backfill__state=Backfill.State.RUNNING).order_by("due_at", "pk")
        return list(found.values_list("connection_id", flat=True)[: max(0, room)])


def go_on(connection_id: int) -> None:
    """Take one step of a connection's history, as a worker does; whatever hinders it is told, and tried later."""
    with unscoped("the connection names its tenant"):
        connection = Connection.objects.select_related("grant").get(pk=connection_id)
    with scope(connection.tenant_id):
        problem = ""
        try:
            step(connection)
        except Busy:
            return
        except WaitFor as wait:
            problem = str(wait) if isinstance(wait, Throttled | ServerTrouble) else ""
        except (Forbidden, NeedsReconnect) as error:
            # Whoever noticed it has told the members; until a person has acted there is no use in asking often.
            problem = str(error)
            _rest(connection)
        except Exception:
            _rest(connection)
            raise
        Backfill.objects.filter(connection=connection).exclude(problem=problem).update(problem=problem)


def step(connection: Connection, client: Client | None = None) -> None:
    """Do what can be done now: look which reports are made, ask for more, fetch and store what is ready.

    Returns when all is done or the step has lasted long enough. Raises WaitFor with the seconds after which Amazon is worth
    asking again, Forbidden, tenants.grants.NeedsReconnect.
    """
    with claimed(connection, Resource.HISTORY) as claim, forbidden_is_told(connection, "order reports"):
        found = Backfill.objects.filter(connection=connection, state=Backfill.State.RUNNING).first()
        if found is not None:
            _Step(found, connection, claim, client or client_for(connection, Priority.BACKFILL)).run()


def _rest(connection: Connection) -> None:
    Cursor.objects.filter(connection=connection, resource=Resource.HISTORY).update(due_at=now() + _REST)


class _Step:
    def __init__(self, found: Backfill, connection: Connection, claim: Claim, client: Client) -> None:
        self._found, self._connection, self._claim, self._client = found, connection, claim, client
        self._ends_at = now() + STEP
        self._waits: list[float] = []

    def run(self) -> None:
        self._look()
        self._request()
        while (window := next(self._due(State.READY), None)) is not None:
            if self._others_come_first():
                self._waits.append(_YIELD_S)
                break
            if now() > self._ends_at or not self._wanted():
                return
            if not self._read(window):
                break
        self._end()

    def _look(self) -> None:
        for window in self._due(State.REQUESTED):
            self._claim.alive()
            try:
                self._looked(window, self._client.report(window.report_id))
            except (NotFound, BadRequest):
                self._came_to_nothing(window, "Amazon no longer has the report.", ask_again=True)
            except (LeaseLost, Throttled, ServerTrouble):
                raise
            except WaitFor as wait:
                self._waits.append(wait.seconds)
                return

    def _looked(self, window: BackfillWindow, info: ReportInfo) -> None:
        ours = {one["id"] for one in self._connection.data.get("marketplaces", ())}
        if info.report_type != ALL_ORDERS or not ours.issuperset(info.marketplace_ids):
            self._refuse(window, "Amazon answered with a report of another kind or of other marketplaces.")
        elif info.status == "CANCELLED":
            self._finish(window, State.EMPTY)  # Amazon's word for: there is nothing in it
        elif info.status == "FATAL":
            said = explanation(self._client, info.document_id) if info.document_id else ""
            text = f"Amazon could not make the report: {said}" if said else "Amazon could not make the report."
            self._came_to_nothing(window, text, ask_again=True)
        elif info.status != "DONE":
            # A report may take minutes or more than an hour: looked at often at first, then ever more seldom.
            age = now() - (window.requested_at or now())
            self._save(window, due_at=now() + max(FIRST_LOOK, age / 8))
        elif not info.document_id:
            self._came_to_nothing(window, "Amazon made the report and gave no document of it.", ask_again=True)
        else:
            self._save(window, state=State.READY, document_id=info.document_id, made_at=now(), due_at=None)

    def _request(self) -> None:
        places = self._connection.data.get("marketplaces", ())
        wanted = [one["id"] for one in places if one.get("active", True)] or [one["id"] for one in places]
        for window in self._due(State.WAITING):
            self._claim.alive()
            if not self._wanted():
                return
            try:
                report_id = request_report(self._client, wanted, window.starts_at, window.ends_at)
            except BadRequest as error:
                self._fail(window, f"Amazon refused the request: {error}")
                continue
            except (LeaseLost, Throttled, ServerTrouble):
                raise
            except WaitFor as wait:
                self._waits.append(wait.seconds)
                return
            at = now()
            self._save(
                window,
                state=State.REQUESTED,
                report_id=report_id,
                requested_at=at,
                made_at=None,
                due_at=at + FIRST_LOOK,
            )

    def _read(self, window: BackfillWindow) -> bool:
        """Fetch and store a window; False where it is not its turn yet."""
        self._claim.alive()
        try:
            with fetch(self._client, window.document_id, self._legacy(), self._claim.alive) as report:
                self._store(window, report)
        except DocumentExpired:
            self._came_to_nothing(window, "The address of the report's file was dead at once.")
        except Damaged as error:
            self._came_to_nothing(window, f"The report's file did not arrive whole. {error}")
        except BadReport as error:
            self._refuse(window, str(error), error.action)
        except (NotFound, BadRequest):
            self._came_to_nothing(window, "Amazon no longer has the report's file.", ask_again=True)
        except (LeaseLost, Throttled):
            raise
        except ServerTrouble as error:
            self._came_to_nothing(window, f"The report's file could not be fetched: {error}", most=TROUBLE_TRIES)
        except WaitFor as wait:
            self._waits.append(wait.seconds)
            return False
        return True

    def _store(self, window: BackfillWindow, report: AllOrders) -> None:
        """Store a report's orders, or none of them."""
        self._ours(window, report)
        for number, _ in enumerate(report.orders()):
            if number % STORED_AT_ONCE == 0:
                self._claim.alive()
        stored = 0
        for some in _batches(report.orders(), STORED_AT_ONCE):
            self._claim.alive()
            store_reported(self._connection, [one.parsed for one in some])
            stored += len(some)
        self._finish(window, State.DONE if stored else State.EMPTY, lines=report.lines, orders=stored)

    def _ours(self, window: BackfillWindow, report: AllOrders) -> None:
        """Refuse what cannot be this seller's orders of this window. Raises BadReport."""
        first, last = report.first, report.last
        if first and last and (first < window.starts_at - _OTHER_DAYS or last > window.ends_at + _OTHER_DAYS):
            raise BadReport(0, f"It holds orders of {first:%d %b %Y} to {last:%d %b %Y}, which nobody asked for.")
        for site in sorted(report.sites):
            place = None if marketplaces.is_multichannel(site) else marketplaces.by_site(site)
            if place is not None and place.region != self._connection.data["region"]:
                raise BadReport(
                    0, f"It holds orders of {site}, where this account does not sell: it is another seller's."
                )
        for ids in _batches(report.order_ids(), STORED_AT_ONCE):
            others = Order.objects.filter(order_id__in=ids).exclude(connection__remote_id=self._connection.remote_id)
            if (theirs := others.values_list("order_id", flat=True).first()) is not None:
                raise BadReport(0, f"It holds order {theirs}, which is another seller's.")

    def _finish(self, window: BackfillWindow, state: State, **found: Any) -> None:
        with recorded():
            self._save(window, state=state, finished_at=now(), due_at=None, problem="", action="", **found)
            record(
                "history.window_read",
                f"connection:{self._connection.pk}",
                tenant_id=window.tenant_id,
                begins=window.starts_at,
                ends=window.ends_at,
                report_id=window.report_id,
                **found,
            )

    def _came_to_nothing(
        self, window: BackfillWindow, problem: str, *, ask_again: bool = False, most: int = TRIES
    ) -> None:
        """Try a window again after a while, with a new report where ``ask_again``; in the end leave it to a person."""
        tries = window.tries + 1
        if tries >= most:
            self._fail(window, problem, tries=tries)
            return
        pause_s = min(30.0 * 2**tries, 900.0) if ask_again or most == TROUBLE_TRIES else 0.0
        changes: dict[str, Any] = {"state": State.WAITING, "report_id": "", "document_id": ""} if ask_again else {}
        self._save(window, tries=tries, problem=problem, due_at=now() + timedelta(seconds=pause_s), **changes)

    def _fail(self, window: BackfillWindow, problem: str, **changes: Any) -> None:
        self._save(window, state=State.FAILED, problem=problem, action=AGAIN, due_at=None, **changes)

    def _refuse(self, window: BackfillWindow, problem: str, action: str = AGAIN) -> None:
        self._save(window, state=State.REFUSED, problem=problem, action=action, due_at=None)

    def _save(self, window: BackfillWindow, **changes: Any) -> None:
        self._claim.alive()
        for name, value in changes.items():
            setattr(window, name, value)
        window.save(update_fields=list(changes))

    def _end(self) -> None:
        """Say when to go on, or that all is done."""
        left = BackfillWindow.objects.filter(backfill=self._found, state__in=OPEN)
        times = [at for at in left.values_list("due_at", flat=True) if at is not None]
        self._waits += [(at - now()).total_seconds() for at in times if at > now()]
        if not left.exists():
            self._done()
        elif self._waits:
            raise WaitFor("Amazon is making the reports", max(_SOON_S, min(self._waits)))

    def _done(self) -> None:
        unread = BackfillWindow.objects.filter(backfill=self._found, state__in=UNREAD).order_by("-ends_at")
        with recorded():
            ended = Backfill.objects.filter(pk=self._found.pk, state=Backfill.State.RUNNING)
            if ended.update(state=Backfill.State.DONE, finished_at=now()):
                record(
                    "history.read",
                    f"connection:{self._connection.pk}",
                    tenant_id=self._found.tenant_id,
                    unread=unread.count(),
                )
        if (first := unread.first()) is None:
            settle_alert(self._found.tenant_id, _failed_key(self._found))
            return
        count = unread.count()
        alert(
            self._found.tenant_id,
            "history_failed",
            _failed_key(self._found),
            f"{count} month{'s' if count > 1 else ''} of the order history of {self._connection} could not be read",
            f"{first.starts_at:%d %b %Y} to {first.ends_at:%d %b %Y}: {first.problem}",
            "Open the order history: it says what is wrong with each, and has them tried again.",
            f"/connections/{self._connection.pk}/order-history/",
        )

    def _due(self, state: State) -> Iterator[BackfillWindow]:
        found = BackfillWindow.objects.filter(Q(due_at=None) | Q(due_at__lte=now()), backfill=self._found, state=state)
        yield from found.order_by("-ends_at")

    def _wanted(self) -> bool:
        """Whether nobody has paused it meanwhile."""
        return Backfill.objects.filter(pk=self._found.pk, state=Backfill.State.RUNNING).exists()

    def _others_come_first(self) -> bool:
        """Whether this seller's settlements are being fetched, or are about to be: they need the same calls."""
        at = now()
        soon = Q(due_at__gt=at - _MEANWHILE, due_at__lt=at + _MEANWHILE)
        theirs = Cursor.objects.filter(resource=Resource.SETTLEMENTS, connection__remote_id=self._connection.remote_id)
        return theirs.filter(Q(claimed_until__gt=at) | soon).exists()

    def _legacy(self) -> str:
        countries: Sequence[str] = [one.get("country", "") for one in self._connection.data.get("marketplaces", ())]
        return "cp932" if "JP" in countries else "cp1252"


def _failed_key(found: Backfill) -> str:
    return f"connection:{found.connection_id}:history"


def _batches(found: Iterable[_T], size: int) -> Iterator[list[_T]]:
    left = iter(found)
    while some := list(islice(left, size)):
        yield some
