"""REST for bank accounts: their statements, and which line is which payout."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django_filters import filters
from django_filters.rest_framework.filterset import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from amazon.models import Settlement
from bank.lines import MOST_BYTES, BadBankFile
from flows import bank_files, bank_matches
from flows.api.base import IdFilter, Listed, actor_of
from flows.api.refusals import Refused, refusing
from flows.bank_serializers import (
    AsideSerializer,
    BankAccountSerializer,
    BankLineSerializer,
    ImportedSerializer,
    MatchSerializer,
    OpenAccountSerializer,
    StatementSerializer,
)
from flows.models import BankAccount, BankLine
from tenants.api import caller


@contextmanager
def _reading() -> Iterator[None]:
    """Turn what is wrong with a statement into answers."""
    try:
        yield
    except bank_files.NeedsColumns as error:
        proposed = {name: value for name, value in error.columns.to_json().items() if name != "names"}
        names, problems = list(error.table.names), error.problems
        text = "Somebody has to say what the columns of this file are."
        raise Refused(text, "Send the columns with it.", names=names, proposed=proposed, problems=problems) from error
    except BadBankFile as error:
        raise Refused(
            "Nothing of the file was used.", "Correct what problems names.", problems=error.problems
        ) from error


class BankAccountViewSet(Listed):
    """The bank accounts on which payouts arrive."""

    serializer_class = BankAccountSerializer
    queryset = BankAccount.objects.none()

    def get_queryset(self) -> QuerySet[BankAccount]:
        return BankAccount.objects.order_by("name", "pk")

    @extend_schema(request=OpenAccountSerializer, responses={201: BankAccountSerializer})
    def create(self, request: Request) -> Response:
        """Make an account known."""
        asked = OpenAccountSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            account = bank_files.open_account(caller(request).tenant_id, actor_of(request), **asked.validated_data)
        return Response(BankAccountSerializer(account).data, status.HTTP_201_CREATED)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: int) -> Response:
        """Forget an account with all its lines. Nothing in the books changes."""
        bank_files.remove_account(self.get_object(), actor_of(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(request={"multipart/form-data": StatementSerializer}, responses=ImportedSerializer)
    @action(detail=True, methods=["post"], parser_classes=[MultiPartParser])
    def upload(self, request: Request, pk: int) -> Response:
        """Import a statement: OFX, QFX or CSV. It may overlap earlier ones; a line counts once.

        A CSV needs its columns, unless they were confirmed for this account before; without them it is refused (409), and
        `proposed` says what they seem to be. A file with a wrong line is refused whole; `problems` names the lines.
        """
        account = self.get_object()
        asked = StatementSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        file = asked.validated_data["file"]
        with _reading():
            taken = bank_files.import_file(
                account, file.name, file.read(MOST_BYTES + 1), actor_of(request), asked.columns()
            )
        return Response(ImportedSerializer(taken).data)


class BankLineFilter(FilterSet):
    account = IdFilter("account")
    settlement = IdFilter("settlement")
    matched = filters.BooleanFilter(field_name="settlement", lookup_expr="isnull", exclude=True)
    amazon = filters.BooleanFilter()
    decided = filters.BooleanFilter()
    on_from = filters.DateFilter(field_name="on", lookup_expr="gte")
    on_to = filters.DateFilter(field_name="on", lookup_expr="lte")


class BankLineViewSet(Listed):
    """Money that came in on a bank account, and whose payout it is."""

    serializer_class = BankLineSerializer
    filterset_class = BankLineFilter
    queryset = BankLine.objects.none()

    def get_queryset(self) -> QuerySet[BankLine]:
        return BankLine.objects.select_related("account", "settlement").order_by("-on", "-pk")

    @extend_schema(request=MatchSerializer, responses=BankLineSerializer)
    @action(detail=True, methods=["post"])
    def match(self, request: Request, pk: int) -> Response:
        """Say that a line is a settlement's payout. The amount has to be the same (409)."""
        line = self.get_object()
        asked = MatchSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        settlement = get_object_or_404(Settlement, pk=asked.validated_data["settlement"])
        with refusing():
            bank_matches.match(line, settlement, actor_of(request))
        return self._now(line)

    @extend_schema(request=None, responses=BankLineSerializer)
    @action(detail=True, methods=["post"])
    def unmatch(self, request: Request, pk: int) -> Response:
        """Take back that a line is a payout; nothing is matched to it by itself any more."""
        line = self.get_object()
        with refusing():
            bank_matches.unmatch(line, actor_of(request))
        return self._now(line)

    @extend_schema(request=AsideSerializer, responses=BankLineSerializer)
    @action(detail=True, methods=["post"])
    def aside(self, request: Request, pk: int) -> Response:
        """Say that a line is no payout, or take it up again."""
        line = self.get_object()
        asked = AsideSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        with refusing():
            bank_matches.set_aside(line, actor_of(request), aside=asked.validated_data["aside"])
        return self._now(line)

    def _now(self, line: BankLine) -> Response:
        return Response(BankLineSerializer(self.get_queryset().get(pk=line.pk)).data)
