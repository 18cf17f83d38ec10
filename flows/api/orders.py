"""REST for orders, as last seen at Amazon."""

from django.db.models import QuerySet
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet

from amazon.models import Order
from flows.api.base import Listed
from flows.delivery_serializers import OrderDetailSerializer, OrderSerializer


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

    def get_queryset(self) -> QuerySet[Order]:
        found = Order.objects.defer("raw")
        return found if self.action == "retrieve" else found.defer("raw", "items", "tracking")
