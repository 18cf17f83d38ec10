"""Setting a flow up, letting it go live, pausing it, and changing its mode."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction

from audit import trail
from bookkeeping.accounts import ACCOUNTS, AccountClass, AccountKey
from flows import mapping, planning, rules
from flows.models import Delivery, Flow
from kit import clock
from ledgers import reference, suggest
from ledgers.port import Binding, Check, RemoteAccount, Verdict
from ledgers.registry import open_ledger
from tenants.models import Access, Connection

# What the mapping page offers. The rest is the ledger's own (AR) or belongs to practices not offered here.
MAPPABLE: Final = tuple(
    key
    for key in AccountKey
    if key not in {AccountKey.AR, AccountKey.DEFERRED, AccountKey.PAYOUTS, AccountKey.INPUT_TAX, AccountKey.OPENING}
)
# The tenant's own bank and card are chosen by a person or recognised, never made by us.
OWN_ACCOUNTS: Final = frozenset({AccountKey.BANK, AccountKey.CHARGE_METHOD})
_P_AND_L: Final = frozenset(
    {
        AccountClass.INCOME,
        AccountClass.CONTRA_INCOME,
        AccountClass.OTHER_INCOME,
        AccountClass.EXPENSE,
        AccountClass.COST_OF_SALES,
    }
)
_FITS: Final[Mapping[AccountClass, frozenset[AccountClass]]] = {
    AccountClass.BANK: frozenset({AccountClass.BANK}),
    AccountClass.CARD: frozenset({AccountClass.CARD, AccountClass.BANK}),
    AccountClass.CURRENT_ASSET: frozenset({AccountClass.CURRENT_ASSET}),
    AccountClass.CURRENT_LIABILITY: frozenset({AccountClass.CURRENT_LIABILITY}),
    AccountClass.LOAN: frozenset({AccountClass.LOAN, AccountClass.CURRENT_LIABILITY}),
    **dict.fromkeys(_P_AND_L, _P_AND_L),
}


class NotReady(Exception):
    """What keeps a flow from going live: sentences, each with what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of the mapping page: what is mapped, what is suggested and why, what may be chosen, and whether rows need it."""

    key: AccountKey
    target: Binding
    suggestion: suggest.Suggestion | None
    options: tuple[RemoteAccount, ...]
    needed: bool
    problem: str


def choices(flow: Flow) -> list[Choice]:
    """Return the lines of the mapping page: what is needed and unmapped first."""
    known = reference.cached(flow.target)
    current = mapping.load(flow)
    open_keys = tuple(key for key in MAPPABLE if key not in current.base)
    suggested = suggest.suggest(open_keys, known.accounts)
    needed = planning.needed_keys(flow)
    by_id = {account.id: account for account in known.accounts}
    lines = []
    for key in MAPPABLE:
        target = current.base.get(key, Binding())
        options = tuple(account for account in known.accounts if account.active and fits(key, account))
        problem = _problem(key, target, by_id)
        lines.append(Choice(key, target, suggested.get(key), options, key in needed, problem))
    return sorted(lines, key=lambda line: (bool(line.target.account) and not line.problem, not line.needed))


def fits(key: AccountKey, account: RemoteAccount) -> bool:
    """Whether an account of this class may serve the key: a bank for the bank, an asset for clearing, profit and loss among themselves."""
    return account.account_class in _FITS[ACCOUNTS[key].account_class]


def accept_suggestions(flow: Flow, actor: str, *, create_missing: bool) -> list[AccountKey]:
    """Map every unmapped key that has a suggestion and, if asked, have default accounts made for the rest.

    Returns the keys that are left for a person."""
    open_lines = [line for line in choices(flow) if not line.target.account]
    targets = {line.key: Binding(account=line.suggestion.account_id) for line in open_lines if line.suggestion}
    reasons = {line.key: line.suggestion.reason for line in open_lines if line.suggestion}
    rest = [line.key for line in open_lines if line.key not in targets]
    if create_missing:
        made = rules.create_accounts(flow, [key for key in rest if key not in OWN_ACCOUNTS], actor)
        targets |= made
        reasons |= dict.fromkeys(made, "A new account with our default name")
    if targets:
        rules.save_accounts(flow, targets, actor, reasons)
    return [key for key in rest if key not in targets]


def problems(flow: Flow) -> list[str]:
    """Return what keeps the flow from going live; empty where nothing does."""
    found = [f"{check.name}: {check.detail} {check.action}" for check in checks(flow) if _blocks(flow, check)]
    needed = planning.needed_keys(flow)
    unmapped = [ACCOUNTS[line.key].name for line in choices(flow) if line.key in needed and not line.target.account]
    if unmapped:
        found.append(f"Choose an account for {', '.join(unmapped)} on the mapping page.")
    found += [line.problem for line in choices(flow) if line.problem]
    if not (flow.opening_clearing or flow.opening_reserve) and planning.starts_in_the_middle(flow):
        found.append(
            "The first settlement gives back money that Amazon held before it. Enter the opening balances on the flow's page, "
            "or start the books later."
        )
    return found


def checks(flow: Flow) -> list[Check]:
    return open_ledger(flow.target).checks(flow.mode, flow.currency)


def go_live(flow: Flow, actor: str) -> None:
    """Start the flow's schedule. Raises NotReady with everything that is in the way."""
    if found := problems(flow):
        raise NotReady(found)
    with transaction.atomic():
        Flow.objects.filter(pk=flow.pk).update(
            state=Flow.State.LIVE, next_run_at=clock.now(), next_settlements_at=clock.now()
        )
        trail.record("flow.live", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, mode=flow.mode)
    flow.refresh_from_db()
    planning.plan_opening(flow)
    planning.release(flow)


def pause(flow: Flow, actor: str) -> None:
    """Stop the schedule and the sending. What is on its way is finished; what is planned stays."""
    with transaction.atomic():
        Flow.objects.filter(pk=flow.pk, state=Flow.State.LIVE).update(state=Flow.State.PAUSED)
        Delivery.objects.filter(flow=flow, state__in=[Delivery.State.READY, Delivery.State.FAILED]).update(
            state=Delivery.State.HELD, code="paused", reason="The flow is paused.", action="Resume the flow."
        )
        trail.record("flow.paused", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor)


def resume(flow: Flow, actor: str) -> None:
    """Go on after a pause. Raises NotReady like ``go_live``."""
    go_live(flow, actor)


def switch_mode(flow: Flow, mode: str, trigger: str, actor: str) -> None:
    """Change how later settlements are booked. What is carried stays carried; orders shipped from now on follow the new trigger."""
    with transaction.atomic():
        Flow.objects.filter(pk=flow.pk).update(mode=mode, trigger=trigger, cut_over_at=clock.now())
        trail.record(
            "flow.mode_changed", f"flow:{flow.pk}", tenant_id=flow.tenant_id, actor=actor, mode=mode, trigger=trigger
        )
    flow.refresh_from_db()
    planning.replan_open(flow)


def companies(tenant_id: int) -> list[Connection]:
    return list(Connection.objects.filter(tenant_id=tenant_id, state=Access.ACTIVE).order_by("remote_name"))


def _blocks(flow: Flow, check: Check) -> bool:
    return check.verdict is Verdict.FAILED and check.blocks in {"posting", flow.mode}


def _problem(key: AccountKey, target: Binding, by_id: Mapping[str, RemoteAccount]) -> str:
    if not target.account or target.account.startswith("@"):
        return ""
    account = by_id.get(target.account)
    name = ACCOUNTS[key].name
    if account is None or not account.active:
        return f"The account chosen for {name} is no longer there or was made inactive. Choose another one."
    return "" if fits(key, account) else f"{account.name} cannot serve as {name}: it is a {account.type} account."
