"""Labels that Amazon uses and nobody has decided on, and the decisions of this company."""

from dataclasses import dataclass, field
from typing import Final

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from amazon.label_hints import Hint, hint
from amazon.labels import CATEGORY_NAMES
from bookkeeping.accounts import Category
from bookkeeping.facts import Label
from flows import mapping, rules
from flows.categories import GROUPS
from flows.mapping_forms import LabelForm
from flows.models import Flow, MappingRule, Plan
from flows.views.flows import flow_or_404
from flows.views.mapping_pages import frame, label_words, released
from tenants.actors import actor_names
from tenants.models import Role
from tenants.roles import Action, can, requires
from tenants.views import TenantRequest

NAMED: Final = 6  # settlements named under a label
PAGE: Final = 20


@dataclass
class Undecided:
    """A label without a category: its rows and their sum over the settlements that wait for it."""

    label: Label
    rows: int = 0
    amount: int = 0
    plans: list[Plan] = field(default_factory=list)

    @property
    def name(self) -> str:
        return label_words(self.label)

    @property
    def hint(self) -> Hint | None:
        return hint(self.label)

    @property
    def hint_name(self) -> str:
        return CATEGORY_NAMES[self.hint.category] if self.hint else ""

    @property
    def named(self) -> list[Plan]:
        return self.plans[:NAMED]

    @property
    def more(self) -> int:
        return max(0, len(self.plans) - NAMED)


@requires(Role.VIEWER)
@require_http_methods(["GET", "HEAD", "POST"])
def labels(request: TenantRequest, pk: int) -> HttpResponse:
    flow = flow_or_404(pk)
    form = None
    if request.method == "POST":
        if not can(request.member, Action.MAP):
            raise PermissionDenied
        form = LabelForm(request.POST)
        if form.is_valid():
            return _save(request, flow, form)
    page = Paginator(undecided(flow), PAGE).get_page(request.GET.get("page"))
    own = list(mapping.rules_of(flow).filter(subject=MappingRule.Subject.LABEL).order_by("-version", "-pk"))
    people = actor_names(rule.created_by for rule in own)
    context = {
        **frame(request, flow, "labels"),
        "page": page,
        "rows": [
            (one, form if form and _is_about(form, one.label) else _blank(one.label, number))
            for number, one in enumerate(page)
        ],
        "own": [
            (
                rule,
                label_words((rule.transaction_type, rule.amount_type, rule.amount_description)),
                CATEGORY_NAMES[Category(rule.category)],
                people.get(rule.created_by, rule.created_by),
            )
            for rule in own
        ],
        "groups": GROUPS,
        "several": Flow.objects.exclude(pk=flow.pk).exists(),
    }
    return render(request, "flows/mapping_labels.html", context)


def undecided(flow: Flow) -> list[Undecided]:
    """Return the labels that hold something, those that hold most settlements first."""
    found: dict[Label, Undecided] = {}
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE).exclude(statement__unknown=[])
    plans = plans.select_related("settlement").only("statement", "settlement__settlement_id", "flow_id", "tenant_id")
    for plan in plans.order_by("-settlement__ends_at"):
        for one in plan.statement.get("unknown", []):
            entry = found.setdefault(Label(*one["label"]), Undecided(Label(*one["label"])))
            entry.rows += one["rows"]
            entry.amount += one["amount"]
            if plan not in entry.plans:
                entry.plans.append(plan)
    return sorted(found.values(), key=lambda one: (-len(one.plans), one.name))


def _save(request: TenantRequest, flow: Flow, form: LabelForm) -> HttpResponse:
    flows = [flow]
    if form.cleaned_data["everywhere"]:
        others = Flow.objects.exclude(pk=flow.pk).select_related("source", "target")
        flows += [other for other in others if any(one.label == form.label for one in undecided(other))]
    save = rules.save_label if form.cleaned_data["everywhere"] else rules.decide_label
    freed = sum(
        save(each, form.label, form.chosen, request.user.actor, form.cleaned_data["effective_from"]) for each in flows
    )
    messages.success(
        request, f"{label_words(form.label)} counts as “{form.chosen_name}” from now on. {released(freed, flow)}"
    )
    return redirect("flows:mapping_labels", flow.pk)


def _is_about(form: LabelForm, label: Label) -> bool:
    sent = (form.data.get(name, "") for name in Label._fields)
    return tuple(sent) == tuple(label)


def _blank(label: Label, number: int) -> LabelForm:
    known = hint(label)
    initial = {**label._asdict(), "category": known.category.value if known else ""}
    return LabelForm(initial=initial, auto_id=f"label{number}_%s")
