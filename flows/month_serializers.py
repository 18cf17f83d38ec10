"""A month as JSON. Amounts are integer minor units of ``currency``, Amazon's own of ``settlement_currency``; where one has a sign,
debits are positive."""

from typing import Any

from rest_framework import serializers

from bookkeeping.accounts import AccountClass
from bookkeeping.documents import Kind
from flows.months import Todo


class LackSerializer(serializers.Serializer[Any]):
    """One thing that keeps a month from being complete, and where it is done."""

    text = serializers.CharField()
    todo = serializers.ChoiceField(
        [(todo.value, todo.value) for todo in Todo if todo], allow_null=True, help_text="null: it comes by itself."
    )
    settlement = serializers.IntegerField(allow_null=True, help_text="The settlement it is about.")

    def to_representation(self, lack: Any) -> dict[str, Any]:
        return {"text": lack.text, "todo": lack.todo.value or None, "settlement": lack.settlement}


class CompletenessSerializer(serializers.Serializer[Any]):
    """Whether a month is over, covered by settlements without a gap, and everything of it posted and proved."""

    month = serializers.DateField(help_text="Its first day.")
    complete = serializers.BooleanField()
    begins_on = serializers.DateField(
        allow_null=True, help_text="Where the figures begin within the month, the verdict's too."
    )
    title = serializers.CharField()
    text = serializers.CharField()
    note = serializers.CharField(allow_blank=True, help_text="What to know of a first month beside what it lacks.")
    lacks = LackSerializer(many=True)
    documents = serializers.IntegerField(help_text="Documents dated in the month that are in the books.")
    waiting = serializers.IntegerField(help_text="Documents dated in the month that are not in the books yet.")
    changed = serializers.IntegerField(help_text="Of either: changed or voided in the ledger since they were posted.")


class AccountTotalSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    account_class = serializers.ChoiceField([(each.value, each.value) for each in AccountClass])
    debit = serializers.IntegerField()
    credit = serializers.IntegerField()
    net = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Net of the lines that are not in the books yet.")


class SectionSerializer(serializers.Serializer[Any]):
    title = serializers.CharField()
    accounts = AccountTotalSerializer(many=True)


class KindTotalSerializer(serializers.Serializer[Any]):
    kind = serializers.ChoiceField([(kind.value, kind.value) for kind in Kind])
    posted = serializers.IntegerField()
    amount = serializers.IntegerField(help_text="Sum of those in the books, as they were posted.")
    waiting = serializers.IntegerField()
    changed = serializers.IntegerField(help_text="Of those in the books: changed in the ledger since.")


class ShareSerializer(serializers.Serializer[Any]):
    settlement = serializers.IntegerField(allow_null=True, help_text="null: opening balance and closed invoices.")
    settlement_id = serializers.CharField(help_text="Amazon's own.")
    amount = serializers.IntegerField()


class BalanceSerializer(serializers.Serializer[Any]):
    account = serializers.CharField()
    amount = serializers.IntegerField(help_text="By the documents in the books.")
    then = serializers.IntegerField(help_text="Once what waits is posted, and on clearing once labels are decided.")
    undecided = serializers.IntegerField(help_text="Of then: rows whose label has no meaning yet.")
    shares = ShareSerializer(many=True, help_text="Which settlements the clearing account's balance is made of.")


class OpenInvoicesSerializer(serializers.Serializer[Any]):
    count = serializers.IntegerField()
    amount = serializers.IntegerField()


class TouchingSerializer(serializers.Serializer[Any]):
    """A settlement with something in the month."""

    settlement = serializers.IntegerField(source="settlement.pk")
    settlement_id = serializers.CharField(source="settlement.settlement_id", help_text="Amazon's own.")
    starts_at = serializers.DateTimeField(source="settlement.starts_at")
    ends_at = serializers.DateTimeField(source="settlement.ends_at")
    total = serializers.IntegerField(source="settlement.total")
    deposit_on = serializers.DateField(source="settlement.deposit_on")
    plan = serializers.IntegerField(source="plan.pk", allow_null=True, default=None)
    falls = serializers.IntegerField(allow_null=True, help_text="Sum of its rows of this month; null until planned.")
    covers = serializers.BooleanField(help_text="Its period and the month overlap.")


class MonthSerializer(serializers.Serializer[Any]):
    """One month of a flow. Over all sections debits equal credits."""

    flow = serializers.IntegerField(source="flow.pk")
    currency = serializers.CharField(source="flow.books_currency", help_text="Of the books.")
    settlement_currency = serializers.CharField(
        source="flow.currency", help_text="Of the settlements' `total` and `falls`, and of `undecided`."
    )
    month = serializers.DateField(help_text="Its first day.")
    last_day = serializers.DateField()
    verdict = CompletenessSerializer()
    result = serializers.IntegerField(source="totals.result", help_text="Income less expenses; a profit is positive.")
    profit_and_loss = SectionSerializer(source="totals.profit_and_loss", many=True)
    balance_sheet = SectionSerializer(source="totals.balance_sheet", many=True)
    documents = KindTotalSerializer(source="totals.kinds", many=True)
    balances = BalanceSerializer(many=True, help_text="At the end of the last day. Not compared with the ledger.")
    open_invoices = OpenInvoicesSerializer(help_text="Dated up to the last day and not paid by a settlement by then.")
    settlements = TouchingSerializer(many=True)
    undecided = serializers.IntegerField(
        help_text="Sum of the month's rows whose label has no meaning yet: in no total."
    )
