"""The REST interface, put together: version 1, its OpenAPI document and its page, which needs no network."""

from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter

from flows import api

router = SimpleRouter()
router.register("flows", api.FlowViewSet, basename="flow")
router.register("runs", api.RunViewSet, basename="run")
router.register("settlements", api.SettlementViewSet, basename="settlement")
router.register("plans", api.PlanViewSet, basename="plan")
router.register("deliveries", api.DeliveryViewSet, basename="delivery")
router.register("orders", api.OrderViewSet, basename="order")

app_name = "api"
urlpatterns = [
    path("v1/", include(router.urls)),
    path(
        "schema/", SpectacularAPIView.as_view(permission_classes=[AllowAny], authentication_classes=[]), name="schema"
    ),
    path(
        "docs/",
        SpectacularSwaggerView.as_view(url_name="api:schema", permission_classes=[AllowAny], authentication_classes=[]),
        name="docs",
    ),
]
