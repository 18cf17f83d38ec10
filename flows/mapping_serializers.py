"""A flow's mapping as JSON: what is mapped, what is suggested and why, and what a person decides."""

from typing import Any

from rest_framework import serializers

from bookkeeping.accounts import ACCOUNTS, AccountKey, Category
from flows.models import MappingRule
from ledgers.port import Binding

KEYS = [(key.value, ACCOUNTS[key].name) for key in AccountKey]
CATEGORIES = [(one.value, one.value.replace("_", " ")) for one in Category if one is not Category.UNKNOWN]


class TargetSerializer(serializers.Serializer[Any]):
    """Ids in the flow's company; leave out what does not apply."""

    account = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)
    item = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)
    customer = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)
    location = serializers.CharField(source="department", required=False, allow_blank=True, default="", max_length=160)
    class_ = serializers.CharField(required=False, allow_blank=True, default="", max_length=160)

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return {"class" if name == "class_" else name: field for name, field in super().get_fields().items()}

    def to_internal_value(self, data: Any) -> Binding:
        values = super().to_internal_value(data)
        return Binding(**{"class_" if name == "class" else name: value for name, value in values.items()})

    def to_representation(self, instance: Any) -> dict[str, str]:
        binding = instance if isinstance(instance, Binding) else Binding(**instance)
        return {
            "account": binding.account,
            "item": binding.item,
            "customer": binding.customer,
            "location": binding.department,
            "class": binding.class_,
        }


class SuggestionSerializer(serializers.Serializer[Any]):
    """An account that surely fits, so that accepting all suggestions takes it."""

    account = serializers.CharField(source="account_id")
    reason = serializers.CharField()


class PerhapsSerializer(serializers.Serializer[Any]):
    """Accounts that may be meant, the likeliest first: for a person to decide. None of them is taken, and no new account
    is made beside them, by accepting all suggestions."""

    accounts = serializers.ListField(child=serializers.CharField())
    reason = serializers.CharField()


class ChoiceSerializer(serializers.Serializer[Any]):
    """One kind of amount: where it goes, what is suggested for it and why, and whether the settlements need it."""

    key = serializers.ChoiceField(KEYS)
    target = TargetSerializer()
    name = serializers.CharField(help_text="What the chosen account is called.")
    making = serializers.CharField(help_text="How far an account is that is made by us; empty for one that was there.")
    suggestion = SuggestionSerializer(allow_null=True)
    perhaps = PerhapsSerializer(allow_null=True)
    needed = serializers.BooleanField()
    problem = serializers.CharField(help_text="What is wrong with what is chosen, and what to do.")
    warning = serializers.CharField(
        help_text="What is unusual about what is chosen, and what that does to the reports."
    )


class RuleSerializer(serializers.ModelSerializer[MappingRule]):
    """One decision that counts now: a split, a label's meaning or a marketplace's customer."""

    target = TargetSerializer()

    class Meta:
        model = MappingRule
        fields = (
            "id",
            "subject",
            "key",
            "sku",
            "product_group",
            "marketplace",
            "transaction_type",
            "amount_type",
            "amount_description",
            "category",
            "target",
            "reason",
            "effective_from",
            "version",
            "created_by",
            "created_at",
        )
        read_only_fields = fields


class HintSerializer(serializers.Serializer[Any]):
    """What a label probably means. Nothing is booked by it."""

    category = serializers.ChoiceField(CATEGORIES)
    reason = serializers.CharField()


class UndecidedSerializer(serializers.Serializer[Any]):
    """A label of Amazon's that nobody has given a meaning; what it belongs to is held."""

    transaction_type = serializers.CharField()
    amount_type = serializers.CharField()
    amount_description = serializers.CharField()
    amount = serializers.IntegerField()
    rows = serializers.IntegerField()
    hint = HintSerializer(allow_null=True)


class MappingSerializer(serializers.Serializer[Any]):
    """The whole mapping of a flow: what is needed and unmapped comes first."""

    version = serializers.IntegerField()
    currency = serializers.CharField()
    accounts = ChoiceSerializer(many=True)
    rules = RuleSerializer(many=True)
    undecided = UndecidedSerializer(many=True)
    product_groups = serializers.IntegerField(help_text="How many SKUs are in a product group.")


class SavedSerializer(MappingSerializer):
    """The mapping after a decision."""

    released = serializers.IntegerField(help_text="Documents that waited for this decision and can go on.")


class RemoteObjectSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    name = serializers.CharField()
    active = serializers.BooleanField()
    currency = serializers.CharField()


class RemoteAccountSerializer(RemoteObjectSerializer):
    type = serializers.CharField(help_text="In the ledger's own words.")
    account_class = serializers.CharField(allow_null=True, help_text="Null: an account that is never posted to.")
    number = serializers.CharField()


class RemoteItemSerializer(RemoteObjectSerializer):
    sku = serializers.CharField()
    account = serializers.CharField(help_text="Its income account.")


class ListsSerializer(serializers.Serializer[Any]):
    """What the flow's company offers for mapping, as last read."""

    company = serializers.CharField(source="company_name")
    home_currency = serializers.CharField()
    closed_until = serializers.DateField(allow_null=True)
    accounts = RemoteAccountSerializer(many=True)
    items = RemoteItemSerializer(many=True)
    customers = RemoteObjectSerializer(many=True)
    classes = RemoteObjectSerializer(many=True)
    locations = RemoteObjectSerializer(many=True)


# Decisions


class AcceptSerializer(serializers.Serializer[Any]):
    create_missing = serializers.BooleanField(
        default=False, help_text="Make accounts with our default names where the company has none like them."
    )
    only_needed = serializers.BooleanField(default=False, help_text="Make them only where the settlements need them.")


class AcceptedSerializer(SavedSerializer):
    left = serializers.ListField(child=serializers.ChoiceField(KEYS), help_text="What is left for a person.")


class AccountSerializer(serializers.Serializer[Any]):
    key = serializers.ChoiceField(KEYS)
    target = TargetSerializer()


class AccountsSerializer(serializers.Serializer[Any]):
    accounts = serializers.ListField(child=AccountSerializer(), min_length=1, max_length=len(KEYS))


class SplitSerializer(serializers.Serializer[Any]):
    """Sends part of some kinds of amount elsewhere: by SKU (exact, or a pattern with `*`), product group, marketplace."""

    keys = serializers.ListField(child=serializers.ChoiceField(KEYS), min_length=1, max_length=len(KEYS))
    target = TargetSerializer()
    sku = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)
    product_group = serializers.CharField(required=False, allow_blank=True, default="", max_length=120)
    marketplace = serializers.CharField(required=False, allow_blank=True, default="", max_length=60)
    effective_from = serializers.DateField(required=False, allow_null=True, default=None)


class LabelSerializer(serializers.Serializer[Any]):
    """Says what a label of Amazon's means, from a day on."""

    transaction_type = serializers.CharField(allow_blank=True, max_length=120, trim_whitespace=False)
    amount_type = serializers.CharField(allow_blank=True, max_length=200, trim_whitespace=False)
    amount_description = serializers.CharField(allow_blank=True, max_length=300, trim_whitespace=False)
    category = serializers.ChoiceField(CATEGORIES)
    effective_from = serializers.DateField(required=False, allow_null=True, default=None)


class CustomerSerializer(serializers.Serializer[Any]):
    """Names the customer of a marketplace's invoices; an empty one goes back to the general customer."""

    marketplace = serializers.CharField(max_length=60)
    customer = serializers.CharField(allow_blank=True, max_length=160)


class GroupsSerializer(serializers.Serializer[Any]):
    file = serializers.FileField(help_text="CSV in UTF-8 with two columns, SKU and product group. Replaces all groups.")
