"""REST for a flow's mapping. What a decision held is planned again at once."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.label_hints import hint
from bookkeeping.accounts import AccountKey, Category
from bookkeeping.facts import Label
from flows import mapping, rules, setup
from flows.api.base import actor_of
from flows.api.refusals import BadRequest, refusing
from flows.mapping_serializers import (
    AcceptedSerializer,
    AcceptSerializer,
    AccountsSerializer,
    CustomerSerializer,
    GroupsSerializer,
    LabelSerializer,
    ListsSerializer,
    MappingSerializer,
    SavedSerializer,
    SplitSerializer,
)
from flows.models import Delivery, Flow, MappingRule, Plan, ProductGroup
from ledgers import reference

LONGEST_CSV = 8 << 20  # bytes; some 200,000 SKUs


class MappingViewSet(viewsets.GenericViewSet[Flow]):
    """What each kind of amount is booked to."""

    tag = "mapping"
    queryset = Flow.objects.none()
    filter_backends = ()

    def get_queryset(self) -> QuerySet[Flow]:
        return Flow.objects.select_related("source", "target")

    @extend_schema(responses=MappingSerializer)
    @action(detail=True, methods=["get"])
    def mapping(self, request: Request, pk: int) -> Response:
        """The whole mapping of a flow, with suggestions and their reasons.

        What is needed and unmapped comes first. `undecided` has the labels that wait for a meaning.
        """
        return Response(MappingSerializer(_mapping(self.get_object())).data)

    @extend_schema(responses=ListsSerializer)
    @action(detail=True, methods=["get"], url_path="mapping/lists")
    def lists(self, request: Request, pk: int) -> Response:
        """What the company offers: accounts, items, customers, classes and locations, as last read."""
        return Response(ListsSerializer(reference.cached(self.get_object().target)).data)

    @extend_schema(request=AcceptSerializer, responses=AcceptedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/suggestions")
    def suggestions(self, request: Request, pk: int) -> Response:
        """Accept every suggestion for what is not mapped yet."""
        flow, values = self._asked(AcceptSerializer, request)
        before = _waiting(flow)
        with refusing():
            left = setup.accept_suggestions(flow, actor_of(request), **values)
        saved = {**_mapping(flow), "released": max(before - _waiting(flow), 0), "left": left}
        return Response(AcceptedSerializer(saved).data)

    @extend_schema(request=AccountsSerializer, responses=SavedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/accounts")
    def accounts(self, request: Request, pk: int) -> Response:
        """Choose the accounts of one or more kinds of amount. An empty target takes the choice away."""
        flow, values = self._asked(AccountsSerializer, request)
        chosen = {AccountKey(each["key"]): each["target"] for each in values["accounts"]}
        with refusing():
            return _saved(flow, rules.save_accounts(flow, chosen, actor_of(request), {}))

    @extend_schema(request=SplitSerializer, responses=SavedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/splits")
    def splits(self, request: Request, pk: int) -> Response:
        """Send part of some kinds of amount elsewhere. A split with the same conditions is replaced."""
        flow, values = self._asked(SplitSerializer, request)
        keys, target = [AccountKey(key) for key in values.pop("keys")], values.pop("target")
        with refusing():
            return _saved(flow, rules.save_splits(flow, keys, target, actor_of(request), **values))

    @extend_schema(request=LabelSerializer, responses=SavedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/labels")
    def labels(self, request: Request, pk: int) -> Response:
        """Say what a label of Amazon's means, for every flow of the same seller that asks about it."""
        flow, values = self._asked(LabelSerializer, request)
        category, effective_from = Category(values.pop("category")), values.pop("effective_from")
        with refusing():
            return _saved(flow, rules.decide_label(flow, Label(**values), category, actor_of(request), effective_from))

    @extend_schema(request=CustomerSerializer, responses=SavedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/customers")
    def customers(self, request: Request, pk: int) -> Response:
        """Name the customer of a marketplace's invoices."""
        flow, values = self._asked(CustomerSerializer, request)
        with refusing():
            return _saved(flow, rules.save_customer(flow, values["marketplace"], values["customer"], actor_of(request)))

    @extend_schema(request={"multipart/form-data": GroupsSerializer}, responses=SavedSerializer)
    @action(detail=True, methods=["post"], url_path="mapping/product-groups", parser_classes=[MultiPartParser])
    def product_groups(self, request: Request, pk: int) -> Response:
        """Replace the product groups by a CSV of two columns, SKU and group."""
        flow, values = self._asked(GroupsSerializer, request)
        before = _waiting(flow)
        with refusing():
            rules.load_product_groups(flow, _text(values["file"]), actor_of(request))
        return _saved(flow, max(before - _waiting(flow), 0))

    @extend_schema(request=None, responses=SavedSerializer)
    @action(detail=True, methods=["delete"], url_path="mapping/rules/<int:rule>")
    def end_rule(self, request: Request, pk: int, rule: int) -> Response:
        """End a rule: what it said no longer counts from now on."""
        flow = self.get_object()
        try:
            return _saved(flow, rules.retire(flow, rule, actor_of(request)))
        except MappingRule.DoesNotExist:
            raise NotFound from None

    def _asked(self, kind: type[serializers.Serializer[Any]], request: Request) -> tuple[Flow, dict[str, Any]]:
        """Return the flow (404 before anything is said about the body) and what is asked."""
        flow = self.get_object()
        asked = kind(data=request.data)
        asked.is_valid(raise_exception=True)
        return flow, dict(asked.validated_data)


def _mapping(flow: Flow) -> dict[str, Any]:
    decided = mapping.rules_of(flow).exclude(
        subject=MappingRule.Subject.ACCOUNT, sku="", product_group="", marketplace=""
    )
    return {
        "version": flow.mapping_version,
        "currency": flow.currency,
        "accounts": setup.choices(flow),
        "rules": decided.order_by("subject", "key", "id"),
        "undecided": _undecided(flow),
        "product_groups": ProductGroup.objects.filter(flow=flow).count(),
    }


def _undecided(flow: Flow) -> Sequence[dict[str, Any]]:
    sums: dict[Label, list[int]] = {}
    plans = Plan.objects.filter(flow=flow).exclude(state=Plan.State.UNDONE)
    for unknown in plans.values_list("statement__unknown", flat=True):
        for one in unknown or ():
            total = sums.setdefault(Label(*one["label"]), [0, 0])
            total[0] += one["amount"]
            total[1] += one["rows"]
    return [
        {**label._asdict(), "amount": amount, "rows": rows, "hint": hint(label)}
        for label, (amount, rows) in sorted(sums.items())
    ]


def _waiting(flow: Flow) -> int:
    """Return how many documents wait for a mapping decision."""
    held = Delivery.objects.filter(flow=flow, live=True, state=Delivery.State.HELD)
    return held.filter(code__in=rules.WAITS_FOR_MAPPING).count()


def _saved(flow: Flow, released: int) -> Response:
    return Response(SavedSerializer({**_mapping(flow), "released": released}).data)


def _text(file: Any) -> str:
    if file.size > LONGEST_CSV:
        raise BadRequest("The file is larger than 8 MiB.", "Send two columns only: SKU and product group.")
    try:
        return str(file.read().decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadRequest("The file is no text in UTF-8.", "Save it as CSV in UTF-8.") from None
