"""The stepper of the set-up pages: where each step is done, and what the next one asks of a person."""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from flows import history, onboarding
from flows.models import Flow, Run
from flows.onboarding import LABELS, Progress, StepName
from kit import clock
from tenants.models import Member
from tenants.providers import ProviderKind, providers
from tenants.roles import Action, can


@dataclass(frozen=True, slots=True)
class Link:
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class Next:
    """What to do now. ``polls``: the step goes on by itself and its progress is shown."""

    title: str
    text: str
    actions: tuple[Link, ...] = ()
    polls: bool = False


def stepper(progress: Progress, at: StepName | None = None) -> list[dict[str, Any]]:
    """Return the steps for ``_partials/stepper.html``; the current one is ``at``, else the next."""
    current = at or progress.next
    return [
        {
            "label": LABELS[step],
            "state": "current" if step is current else "done" if step in progress.done else "todo",
            "url": _address(step, progress.flow) if step in progress.done or step is current else "",
            "hint": progress.hints.get(step, ""),
        }
        for step in StepName
    ]


def guide_of(flow: Flow | None, member: Member) -> dict[str, Any]:
    """Return what ``flows/_guide.html`` needs of the flow in set-up; None: of a company without a flow."""
    progress = onboarding.progress(flow)
    return {"flow": flow, "steps": stepper(progress), "next": next_of(progress, member)}


def next_of(progress: Progress, member: Member) -> Next:
    """Return what the next step asks for; a member who may not do it is told who may."""
    allowed = can(member, Action.CONNECT if progress.next in (StepName.SELLER, StepName.BOOKS) else Action.EDIT_FLOW)
    made = _next(progress)
    if allowed:
        return made
    who = "An owner" if progress.next in (StepName.SELLER, StepName.BOOKS) else "A bookkeeper or an owner"
    return Next(made.title, f"{made.text} {who} of this company can do this.", (), made.polls)


def _next(progress: Progress) -> Next:
    flow = progress.flow
    match progress.next:
        case StepName.SELLER:
            return _connect_seller()
        case StepName.BOOKS:
            return _connect_books()
        case StepName.FLOW:
            return Next(
                "Create the flow",
                "A flow brings the settlements of one Amazon account and currency into one company of your books. "
                "Nothing is posted before you let it go live.",
                (Link("Create the flow", reverse("flows:flow_new")),),
            )
        case StepName.FETCH:
            return _fetch(progress)
    assert flow is not None
    match progress.next:
        case StepName.MAPPING:
            left = progress.left_to_map
            return Next(
                f"Decide {left} account{'s' if left != 1 else ''}",
                "Each kind of amount goes to an account of your books. Tieout suggests what fits by name and type; you accept "
                "or change it.",
                (Link("Choose the accounts", reverse("flows:mapping_accounts", args=[flow.pk])),),
            )
        case StepName.DRY_RUN:
            settlements = f"{progress.planned} settlement{'s are' if progress.planned != 1 else ' is'}"
            return Next(
                "Look at the dry run",
                f"{settlements} planned to the cent. See what would be created in {flow.target}; nothing has been posted.",
                (
                    Link("See the dry run", reverse("flows:dry_run", args=[flow.pk])),
                    Link("Go live", reverse("flows:flow_live", args=[flow.pk])),
                ),
            )
        case _:
            return Next(
                "It is live", "Everything runs by itself.", (Link("Open the flow", _address(StepName.LIVE, flow)),)
            )


def _connect_seller() -> Next:
    sources = providers(ProviderKind.SOURCE)
    return Next(
        f"Connect {' or '.join(each.name for each in sources) or 'Amazon'}",
        "You agree on Amazon’s own page; Tieout only ever reads. Without access to Seller Central you can upload a settlement "
        "file instead.",
        (
            *(Link(f"Connect {each.name}", reverse("tenants:connect", args=[each.slug])) for each in sources),
            Link("Upload a settlement file", reverse("flows:upload")),
        ),
    )


def _connect_books() -> Next:
    ledgers = providers(ProviderKind.LEDGER)
    return Next(
        "Connect your books",
        "You agree on the ledger’s own page. Tieout reads your chart of accounts; it posts nothing until you say so.",
        tuple(Link(f"Connect {each.name}", reverse("tenants:connect", args=[each.slug])) for each in ledgers),
    )


def _fetch(progress: Progress) -> Next:
    flow, run = progress.flow, progress.run
    assert flow is not None
    if flow.source is None and not history.settlements_of(flow).exists():
        return Next(
            "Upload a settlement file",
            f"This flow takes files in {flow.currency}. Seller Central: Payments, Reports repository, “Flat File V2”.",
            (Link("Upload a settlement file", reverse("flows:upload")),),
        )
    if flow.source is None:
        return Next("Planning what you uploaded", "It is done in a moment.", polls=True)
    if run is not None and run.state in (Run.State.DONE, Run.State.FAILED) and not progress.planned:
        return _came_back_empty(flow, run)
    return Next(
        "Fetching from Amazon",
        "The settlements come first, then the orders. You may leave this page; it goes on without you.",
        polls=True,
    )


def _came_back_empty(flow: Flow, run: Run) -> Next:
    again = Link("Open the flow and fetch again", reverse("flows:flow", args=[flow.pk]))
    if run.state == Run.State.FAILED:
        test = Link("Test the connection", reverse("tenants:connection", args=[flow.source_id]))
        return Next("The first fetch failed", f"{run.problem} {run.action}".strip(), (again, test))
    if flow.books_from and flow.books_from > clock.now().date():
        return Next(
            "The books of this flow begin later",
            f"They begin on {flow.books_from:%-d %B %Y}. The first settlement that ends on or after that day is planned when "
            "Amazon makes it; nothing from before is booked here.",
            (Link("Change the first day", reverse("flows:flow_edit", args=[flow.pk])),),
        )
    since = f" that ended on or after {flow.books_from:%-d %B %Y}" if flow.books_from else ""
    return Next(
        "Amazon has no settlement for this flow yet",
        f"No settlement in {flow.currency}{since} was found. Amazon makes one about every two weeks. Check the flow’s currency "
        "and first day, or upload a file you have.",
        (
            Link("Change the flow", reverse("flows:flow_edit", args=[flow.pk])),
            Link("Upload a settlement file", reverse("flows:upload")),
        ),
    )


def _address(step: StepName, flow: Flow | None) -> str:
    match step:
        case StepName.SELLER | StepName.BOOKS:
            return reverse("tenants:connections")
        case StepName.FLOW:
            return reverse("flows:flow", args=[flow.pk]) if flow else reverse("flows:flow_new")
    if flow is None:
        return ""
    names = {
        StepName.FETCH: "flows:flow",
        StepName.MAPPING: "flows:mapping_accounts",
        StepName.DRY_RUN: "flows:dry_run",
        StepName.LIVE: "flows:flow_live",
    }
    return reverse(names[step], args=[flow.pk])
