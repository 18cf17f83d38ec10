"""The part of sign-up that is ours: a person brings a company, or takes the place they were invited to."""

from typing import TYPE_CHECKING

from django import forms
from django.http import HttpRequest

from tenants import members

if TYPE_CHECKING:
    from tenants.models import Invitation, User


class SignupForm(forms.Form):
    """Base of allauth's sign-up form (``ACCOUNT_SIGNUP_FORM_CLASS``), which adds e-mail and password."""

    company = forms.CharField(
        max_length=120, required=False, widget=forms.TextInput(attrs={"autocomplete": "organization"})
    )

    field_order = ["company", "email", "password1"]

    @property
    def invitation(self) -> "Invitation | None":
        """The open invitation whose link led here; the page says what it is, as the link may be anybody's."""
        # allauth builds its forms on this class while it is imported, so it can only be asked later.
        from allauth.core import context

        return members.open_invitation(str(context.request.session.get(members.INVITATION_KEY, "")))

    def clean_company(self) -> str:
        company = str(self.cleaned_data["company"]).strip()
        if not company and self.invitation is None:
            raise forms.ValidationError("Give your company's name.")
        return company

    def signup(self, request: HttpRequest, user: "User") -> None:
        """Called by allauth once the account exists. Who names a company of their own does not take the place offered."""
        company = self.cleaned_data["company"]
        token = request.session.pop(members.INVITATION_KEY, "")
        if not company and members.open_invitation(token):
            member = members.accept(token, user)
            request.session[members.SESSION_KEY] = member.tenant_id
            return
        tenant = members.create_tenant(user, company or user.email)
        request.session[members.SESSION_KEY] = tenant.pk
