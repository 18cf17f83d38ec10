"""The forms of a company's own pages."""

from collections.abc import Sequence
from datetime import date

from django import forms

from kit.clock import now
from tenants.models import ROLE_HELP, ApiKey, Role
from tenants.providers import ManualField


class TenantForm(forms.Form):
    name = forms.CharField(
        label="Name of the company", max_length=120, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )


class AlertForm(forms.Form):
    wanted = forms.BooleanField(label="E-mail me the alerts of this company", required=False)


class InviteForm(forms.Form):
    email = forms.EmailField(label="E-mail address", widget=forms.EmailInput(attrs={"autocomplete": "off"}))
    role = forms.ChoiceField(choices=Role.choices, initial=Role.BOOKKEEPER, help_text=ROLE_HELP)


class RoleForm(forms.Form):
    role = forms.ChoiceField(choices=Role.choices, widget=forms.RadioSelect, help_text=ROLE_HELP)


class KeyForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="What uses it, for example: nightly export.")
    scopes = forms.MultipleChoiceField(
        label="It may", choices=ApiKey.Scope.choices, initial=[ApiKey.Scope.READ], widget=forms.CheckboxSelectMultiple
    )


class SecretForm(forms.Form):
    """A new secret of a private application; it is never rendered back."""

    client_secret = forms.CharField(
        label="New client secret", max_length=4096, widget=forms.PasswordInput(attrs={"autocomplete": "off"})
    )
    ends_on = forms.DateField(
        label="Ends on",
        required=False,
        help_text="As the provider shows it. Left empty, its usual life is counted from today.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def clean_ends_on(self) -> date | None:
        day: date | None = self.cleaned_data["ends_on"]
        if day is not None and day <= now().date():
            raise forms.ValidationError("This day is over.")
        return day


class ProviderForm(forms.Form):
    """The inputs a provider asks for, before its consent or as pasted credentials. Secrets are never rendered back."""

    def __init__(self, inputs: Sequence[ManualField], data: object = None) -> None:
        super().__init__(data)  # type: ignore[arg-type]
        for spec in inputs:
            field: forms.Field
            if spec.choices:
                # Nothing is chosen beforehand: a marketplace or region taken by oversight leads to the wrong consent page.
                field = forms.ChoiceField(choices=(("", "Choose…"), *spec.choices))
            elif spec.secret:
                # Some providers' tokens are a line of two thousand characters.
                field = forms.CharField(max_length=4096, widget=forms.PasswordInput(attrs={"autocomplete": "off"}))
            else:
                field = forms.CharField(max_length=4096, widget=forms.TextInput(attrs={"autocomplete": "off"}))
            field.label, field.help_text = spec.label, spec.help_text
            self.fields[spec.name] = field
