"""Mapping a flow's accounts, letting it go live, pausing it, and changing its mode."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from django.db.models import Q

from audit import trail
from bookkeeping.accounts import ACCOUNTS, SYSTEM, AccountKey
from flows import access, drafts, holdings, mapping, opening, planning, rates, rows, rules
from flows.fitting import Classes, fits, warning
from flows.models import Delivery, Flow
from kit import clock
from kit.scope import unscoped
from ledgers import reference, registry, suggest
from ledgers.models import Company
from ledgers.port import Binding, Check, RemoteAccount, Verdict
from tenants import sharing
from tenants.models import Access, Connection

# What the mapping page always offers. What belongs to practices not offered here appears only where rows need it, and
# the receivables are the ledger's own.
_RARE: Final = frozenset(
    {
        *SYSTEM,
        AccountKey.DEFERRED,
        AccountKey.PAYOUTS,
        AccountKey.INPUT_TAX,
        AccountKey.OPENING,
        AccountKey.FX,
        AccountKey.FX_COST,
    }
)
MAPPABLE: Final = tuple(key for key in AccountKey if key not in _RARE)
# The tenant's own bank and card are chosen by a person or recognised, never made by us.
OWN_ACCOUNTS: Final = frozenset({AccountKey.BANK, AccountKey.CHARGE_METHOD})
_STOPPED: Final = (Delivery.State.HELD, Delivery.State.PARKED)
_NAMED: Final = 4  # accounts that a sentence names
PAUSED: Final = "paused"  # code of what a pause holds back


class NotReady(Exception):
    """What keeps a flow from going live: sentences, each with what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the mapping page: what is mapped, what is suggested and why, what may be chosen, and whether rows need it.

    ``suggestion`` is sure; ``perhaps`` names accounts that may be meant, for a person to decide. ``name`` is what the chosen
    account is called, "" where none is; ``warning`` says that its class is unusual. ``making`` says how far an account that we
    make is (a delivery's state), "" for one that was there.
    """

    key: AccountKey
    target: Binding
    suggestion: suggest.Suggestion | None
    perhaps: suggest.Suggestion | None
    options: tuple[RemoteAccount, ...]
    needed: bool
    problem: str
    classes: Classes = field(default_factory=dict)
    name: str = ""
    making: str = ""
    warning: str = ""


def choices(flow: Flow) -> list[Choice]:
    """Return the lines of the mapping page: what rows need and a person has to decide comes first."""
    known = reference.cached(flow.target)
    current = mapping.load(flow)
    needed, unused = planning.needed_keys(flow), planning.unused_keys(flow)
    wanted = {*MAPPABLE, *needed, *(key for key in current.base if key in _RARE)} - unused
    keys = [key for key in AccountKey if key in wanted]
    taken = {target.account for target in current.base.values() if target.account}
    classes = drafts.layout_of(flow).classes
    open_keys = [key for key in keys if not current.target(key).account]
    elsewhere = _passed_by_others(flow) if suggest.OF_ONE_CURRENCY & set(open_keys) else set()
    suggested = suggest.suggest(open_keys, known.accounts, taken, classes, flow.currency, elsewhere)
    by_id = {account.id: account for account in known.accounts}
    made = _made(flow)
    lines = []
    for key in keys:
        target = current.base.get(key, Binding())
        options = tuple(
            account for account in known.accounts if account.active and fits(key, account, flow.books_currency, classes)
        )
        found = _fitting(suggested.get(key), options)
        sure, perhaps = (found, None) if found and found.sure else (None, found)
        line = Choice(key, target, sure, perhaps, options, key in needed, "", classes)
        lines.append(_named(line, by_id, made))
    return sorted(lines, key=_urgency)


def _passed_by_others(flow: Flow) -> set[str]:
    """Return the accounts of the company through which other settlements pass: those of another currency, account type or seller,
    whichever tenant has them. Uploaded files name no seller: they may be anybody's."""
    same = Q(currency=flow.currency, account_type=flow.account_type)
    if flow.source is not None:
        same &= Q(source=None) | Q(source__remote_id=flow.source.remote_id)
    with unscoped("a company may be shared by tenants"):
        of_company = Flow.objects.filter(Connection.of_company(flow.target.remote_key, "target__")).exclude(pk=flow.pk)
        others = list(of_company.exclude(same).select_related("target"))
        return {account for key in suggest.OF_ONE_CURRENCY for account in holdings.accounts_of(others, key).values()}


def accept_suggestions(flow: Flow, actor: str, *, create_missing: bool, only_needed: bool = False) -> list[AccountKey]:
    """Map every unmapped key that has a sure suggestion and, if asked, have default accounts made for those that the company
    has nothing like, or only for those of them that rows need.

    Returns the keys that are left for a person: also those that an account of the company may be meant for, so that nothing
    is made beside it unasked."""
    open_lines = [line for line in choices(flow) if not line.target.account]
    targets = {
        line.key: replace(line.target, account=line.suggestion.account_id) for line in open_lines if line.suggestion
    }
    reasons = {line.key: line.suggestion.reason for line in open_lines if line.suggestion}
    rest = [line for line in open_lines if line.key not in targets]
    if create_missing and rules.can_create_accounts(flow):
        wanted = [line.key for line in rest if not line.perhaps and (line.needed or not only_needed)]
        made = rules.create_accounts(flow, [key for key in wanted if key not in OWN_ACCOUNTS], actor)
        targets |= {line.key: replace(line.target, account=made[line.key].account) for line in rest if line.key in made}
        reasons |= dict.fromkeys(made, "A new account with our default name")
    if targets:
        rules.save_accounts(flow, targets, actor, reasons)
    return [line.key for line in rest if line.key not in targets]


def refresh_lists(flow: Flow, actor: str) -> None:
    """Read the company's accounts, items, customers, classes and locations anew, and plan again what waited for one.

    Calls the ledger. Raises NotSent, AuthorizationLost; then nothing is changed."""
    registry.asked(flow.target)
    read = registry.refresh_lists(flow.target)
    trail.record(
        "lists.read",
        f"connection:{flow.target_id}",
        tenant_id=flow.tenant_id,
        actor=actor,
        accounts=len(read.accounts),
        items=len(read.items),
    )
    planning.replan_open(flow)


def problems(flow: Flow) -> list[str]:
    """Return what keeps the flow from going live; empty where nothing does. Calls the ledger."""
    return problems_beside(flow, checks(flow))


def problems_beside(flow: Flow, found: list[Check]) -> list[str]:
    """Return what keeps the flow from going live, given the ledger's own checks."""
    closed = access.source_closed(flow)
    texts = [closed] if closed else []
    texts += [f"{check.name}: {check.detail} {check.action}".strip() for check in found if _blocks(flow, check)]
    lines = choices(flow)
    unmapped = [ACCOUNTS[line.key].name for line in lines if line.needed and not line.target.account]
    if unmapped:
        named = ", ".join(unmapped[:_NAMED]) + (f" and {len(unmapped) - _NAMED} more" if len(unmapped) > _NAMED else "")
        texts.append(f"Choose an account for {named} on the mapping page.")
    texts += [line.problem for line in lines if line.problem]
    if waiting := rates.missing(flow):
        days = ", ".join(f"{one.on:%-d %B %Y}" for one in waiting[:_NAMED])
        more = f" and {len(waiting) - _NAMED} more days" if len(waiting) > _NAMED else ""
        texts.append(
            f"Set exchange rates from {flow.currency} to {flow.home} for {days}{more}, on the page of exchange rates."
        )
    if unsaid := drafts.unsaid_currency(reference.cached(flow.target)):
        texts.append(unsaid)
    if twice := opening.doubled(flow):
        texts.append(twice)
    if opening_missing(flow):
        texts.append(
            "The first settlement rests on money from before it: a reserve that it gives back, or a debt that it carries. "
            "Enter the opening balances on the flow's page, or start the books later."
        )
    return texts


def opening_missing(flow: Flow) -> bool:
    """Whether the first settlement rests on money from before, and nobody has said how much."""
    return opening.told(flow) is not None and not opening.stated(flow)


def checks(flow: Flow) -> list[Check]:
    """Return the named steps of the ledger's own test for this flow. Calls the ledger. Raises NotSent."""
    if closed := access.target_closed(flow):
        return [Check("Connected", Verdict.FAILED, closed, blocks="posting")]
    registry.asked(flow.target)
    found = registry.open_ledger(flow.target).checks(flow.mode, flow.books_currency)
    if shared := sharing.step(flow.target):
        found.append(Check(shared.name, Verdict.WARNING, shared.detail, shared.action))
    return found


def go_live(flow: Flow, actor: str) -> None:
    """Start the flow's schedule. Raises NotReady with everything that is in the way."""
    if found := problems(flow):
        raise NotReady(found)
    with trail.recorded():
        Flow.objects.filter(pk=flow.pk).update(
            state=Flow.State.LIVE, next_run_at=clock.now(), next_settlements_at=clock.now()
        )
        trail.record("flow.live", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, mode=flow.mode)
    flow.refresh_from_db()
    planning.plan_opening(flow)
    _wake(flow)
    planning.release(flow)


def pause(flow: Flow, actor: str) -> None:
    """Stop the schedule and the sending. What is on its way is finished; what is planned stays."""
    with trail.recorded():
        Flow.objects.filter(pk=flow.pk, state=Flow.State.LIVE).update(state=Flow.State.PAUSED)
        Delivery.objects.filter(flow=flow, state__in=[Delivery.State.READY, Delivery.State.FAILED]).update(
            state=Delivery.State.HELD, code=PAUSED, reason="The flow is paused.", action="Resume the flow."
        )
        trail.record("flow.paused", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor)


def resume(flow: Flow, actor: str) -> None:
    """Go on after a pause. Raises NotReady like ``go_live``."""
    go_live(flow, actor)


def switch_mode(flow: Flow, mode: str, trigger: str, actor: str) -> None:
    """Change how later settlements are booked. What is carried stays carried; orders shipped from now on follow the new trigger."""
    with trail.recorded():
        Flow.objects.filter(pk=flow.pk).update(mode=mode, trigger=trigger, cut_over_at=clock.now())
        trail.record(
            "flow.mode_changed", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, mode=mode, trigger=trigger
        )
    flow.refresh_from_db()
    planning.replan_open(flow)


def companies(tenant_id: int) -> list[Connection]:
    """Return the tenant's connections that work, of sellers and of ledgers, by name."""
    return list(Connection.objects.filter(tenant_id=tenant_id, state=Access.ACTIVE).order_by("remote_name"))


def _wake(flow: Flow) -> None:
    """Let go what a pause held back."""
    held = Delivery.objects.filter(flow=flow, state=Delivery.State.HELD, code=PAUSED)
    ids = list(held.values_list("pk", flat=True))
    for some in rows.chunked(ids):
        freed = Delivery.objects.filter(pk__in=some)
        freed.update(state=Delivery.State.PLANNED, code="", reason="", action="")
        rows.release(freed)
    if ids:
        planning.kick(flow.target.remote_key)


def _urgency(line: Choice) -> tuple[bool, bool, bool]:
    """Sort first what is to be decided, in it what nothing is suggested for; last what no row needs."""
    undecided = line.needed and not line.target.account
    return not (undecided or line.problem), not line.needed, line.suggestion is not None


def _blocks(flow: Flow, check: Check) -> bool:
    return check.verdict is Verdict.FAILED and check.blocks in {"posting", flow.mode}


def _fitting(suggestion: suggest.Suggestion | None, options: tuple[RemoteAccount, ...]) -> suggest.Suggestion | None:
    """Return the suggestion with those accounts that may also be chosen here."""
    if suggestion is None:
        return None
    ids = tuple(each for each in suggestion.accounts if any(option.id == each for option in options))
    return replace(suggestion, accounts=ids) if ids else None


@dataclass(frozen=True, slots=True)
class _Made:
    """An account that we make: what it is called, how far it is, its id once it exists, and whether it is gone again."""

    name: str
    state: str
    external_id: str
    seen_since: bool
    refusal: str


def _made(flow: Flow) -> dict[str, _Made]:
    """Return the accounts that deliveries of ours make in the company, by what the mapping calls them."""
    company = Company.objects.filter(connection=flow.target_id).first()
    found = Delivery.objects.filter(remote_key=flow.target.remote_key, kind="account", live=True)
    return {
        f"@{row.key}": _Made(
            row.number,
            row.state,
            row.external_id,
            bool(company and row.posted_at and company.read_at > row.posted_at),
            f"{row.reason} {row.action}".strip() if row.state in _STOPPED else "",
        )
        for row in found
    }


def _named(line: Choice, by_id: Mapping[str, RemoteAccount], made: Mapping[str, _Made]) -> Choice:
    """Return the line with its account's name and with what is wrong with it."""
    chosen, key_name = line.target.account, ACCOUNTS[line.key].name
    if not chosen:
        return line
    making = made.get(chosen)
    account = by_id.get(making.external_id if making else chosen)
    if making and (account is None or account.active) and not (account is None and making.seen_since):
        refused = f"{making.name} could not be made: {making.refusal}" if making.refusal else ""
        return replace(line, name=making.name, making=making.state, problem=refused)
    if account is None or not account.active:
        gone = f"The account chosen for {key_name} is no longer there or was made inactive. Choose another one."
        return replace(line, name=account.name if account else making.name if making else "", problem=gone)
    if fits(line.key, account, "", line.classes):
        return replace(line, name=account.name, warning=warning(line.key, account, line.classes))
    wrong = f"{account.name} cannot serve as {key_name}: it is a {account.type} account. Choose another one."
    return replace(line, name=account.name, problem=wrong)
