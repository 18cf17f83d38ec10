"""The forms above lists. A value that cannot be is left out, so that an old address still shows the list."""

from collections.abc import Iterable
from typing import Any

from django import forms

from flows.models import Delivery, Flow, Plan
from flows.readable import KIND_NAMES
from flows.selectors import HELD, NO_FLOW


class FilterForm(forms.Form):
    """``chosen`` has the valid values by name. Give it ``request.GET``."""

    @property
    def chosen(self) -> dict[str, Any]:
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


class _DayInput(forms.DateInput):
    input_type = "date"


def _choices(any_label: str, values: Iterable[tuple[Any, str]]) -> list[tuple[Any, str]]:
    return [("", any_label), *values]


def status_words(status: str) -> str:
    """Return Amazon's own status of an order for reading: PARTIALLY_SHIPPED is *Partially shipped*."""
    return status.replace("_", " ").capitalize()


class SettlementFilter(FilterForm):
    flow = forms.ModelChoiceField(Flow.objects.none(), required=False, empty_label="Any flow")
    currency = forms.ChoiceField(required=False)
    state = forms.ChoiceField(
        required=False,
        choices=_choices(
            "Any state",
            [
                (HELD, "Something is held"),
                *((value, label) for value, label in Plan.State.choices if value != Plan.State.PLANNING),
                (NO_FLOW, "In no flow"),
            ],
        ),
    )
    year = forms.TypedChoiceField(required=False, coerce=int, empty_value=None, label="Ended in")

    def __init__(self, data: Any, currencies: list[str], years: list[int]) -> None:
        super().__init__(data)
        self.fields["flow"].queryset = Flow.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["currency"].choices = _choices("Any currency", [(each, each) for each in currencies])  # type: ignore[attr-defined]
        self.fields["year"].choices = _choices("Any year", [(each, str(each)) for each in years])  # type: ignore[attr-defined]


class OrderFilter(FilterForm):
    text = forms.CharField(required=False, max_length=60, label="Order id", strip=True)
    status = forms.ChoiceField(required=False)
    marketplace = forms.ChoiceField(required=False)
    invoice = forms.ChoiceField(
        required=False,
        choices=_choices(
            "Any",
            [(NO_FLOW, "None"), *((each, label) for each, label in Delivery.State.choices if each != "dropped")],
        ),
    )
    purchased_from = forms.DateField(required=False, widget=_DayInput)
    purchased_to = forms.DateField(required=False, widget=_DayInput)
    shipped_from = forms.DateField(required=False, widget=_DayInput)
    shipped_to = forms.DateField(required=False, widget=_DayInput)

    def __init__(self, data: Any, statuses: list[str], marketplaces: list[str]) -> None:
        super().__init__(data)
        words = [(each, status_words(each)) for each in statuses]
        self.fields["status"].choices = _choices("Any status", words)  # type: ignore[attr-defined]
        places = [(each, each) for each in marketplaces]
        self.fields["marketplace"].choices = _choices("Any marketplace", places)  # type: ignore[attr-defined]


class DeliveryFilter(FilterForm):
    text = forms.CharField(required=False, max_length=80, label="Find", strip=True)
    state = forms.MultipleChoiceField(required=False, choices=Delivery.State.choices)
    flow = forms.ModelChoiceField(Flow.objects.none(), required=False, empty_label="Any flow")
    kind = forms.ChoiceField(required=False, choices=_choices("Any kind", KIND_NAMES.items()))
    from_day = forms.DateField(required=False, widget=_DayInput, label="Changed from")
    to_day = forms.DateField(required=False, widget=_DayInput, label="Changed to")
    dated_from = forms.DateField(required=False, widget=_DayInput, label="Dated from")
    dated_to = forms.DateField(required=False, widget=_DayInput, label="Dated to")
    plan = forms.ModelChoiceField(Plan.objects.none(), required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.fields["flow"].queryset = Flow.objects.order_by("name")  # type: ignore[attr-defined]
        self.fields["plan"].queryset = Plan.objects.select_related("settlement")  # type: ignore[attr-defined]
