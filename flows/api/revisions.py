"""REST for settlements that came again with other rows: what differs, and the decision."""

from django.db.models import QuerySet
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.models import Report
from flows import revisions, selectors
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import Refused
from flows.source_serializers import AcceptedRevisionSerializer, RevisionDetailSerializer, RevisionSerializer


class RevisionFilter(FilterSet):
    settlement = IdFilter("settlement")


class RevisionViewSet(Listed):
    """A settlement that came again with other rows, and waits for a person."""

    serializer_class = RevisionSerializer
    detail_serializer_class = RevisionDetailSerializer
    filterset_class = RevisionFilter
    queryset = Report.objects.none()

    def get_queryset(self) -> QuerySet[Report]:
        return selectors.waiting_revisions()

    @extend_schema(request=None, responses=AcceptedRevisionSerializer)
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: int) -> Response:
        """Let the new version count, and plan again what was made of the old one.

        What is in the books stays as it is; `GET /plans/{id}/repost` then shows what would come out otherwise.
        """
        report = self.get_object()
        try:
            return Response({"plans": revisions.accept(report, actor_of(request))})
        except ValueError as error:
            raise _decided() from error

    @extend_schema(request=None, responses={204: None})
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: int) -> Response:
        """Keep the version that counts."""
        report = self.get_object()
        try:
            revisions.reject(report, actor_of(request))
        except ValueError as error:
            raise _decided() from error
        return Response(status=status.HTTP_204_NO_CONTENT)


def _decided() -> Refused:
    return Refused("Somebody has just decided on this version.", "Read the settlement again.")
