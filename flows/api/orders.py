"""REST for orders, as last seen at Amazon."""

from django.db.models import QuerySet
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.models import Order
from flows import forgetting
from flows.api.base import Listed, actor_of
from flows.api.refusals import Refused
from flows.delivery_serializers import OrderDetailSerializer, OrderSerializer
from flows.serializers import ProblemSerializer


class OrderFilter(FilterSet):
    order_id = filters.CharFilter()
    status = filters.CharFilter()
    marketplace = filters.CharFilter()
    purchased_from = filters.DateFilter(field_name="purchased_at", lookup_expr="date__gte")
    purchased_to = filters.DateFilter(field_name="purchased_at", lookup_expr="date__lte")


class OrderViewSet(Listed):
    """An order as last seen at Amazon, without anything about the buyer."""

    serializer_class = OrderSerializer
    detail_serializer_class = OrderDetailSerializer
    filterset_class = OrderFilter
    queryset = Order.objects.none()

    @extend_schema(request=None, responses={204: None, 409: ProblemSerializer})
    @action(detail=True, methods=["post"], url_path="forget-buyer")
    def forget_buyer(self, request: Request, pk: int) -> Response:
        """Forget the order's buyer, in all of their orders: the sealed name is emptied, and their customer in the ledger loses its
        name. It cannot be taken back."""
        try:
            forgetting.forget(self.get_object(), actor_of(request))
        except forgetting.NoBuyer as error:
            raise Refused("Nothing is kept of this order's buyer.", "There is nothing to do.") from error
        return Response(status=status.HTTP_204_NO_CONTENT)

    def get_queryset(self) -> QuerySet[Order]:
        found = Order.objects.defer("raw")
        return found if self.action == "retrieve" else found.defer("raw", "items", "tracking")
