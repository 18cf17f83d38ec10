"""Forms of the account pages that differ from allauth's. Apart from ``forms``, which allauth imports to build its own."""

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.forms import AddEmailForm as BaseAddEmailForm

from tenants.models import User


class AddEmailForm(BaseAddEmailForm):
    """Where addresses are not verified, nothing later on tells that one is somebody else's: so it is said here."""

    def clean_email(self) -> str:
        email = str(super().clean_email())
        assert self.user is not None
        hidden = app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY
        if not hidden and User.objects.filter(email__iexact=email).exclude(pk=self.user.pk).exists():
            raise get_adapter().validation_error("email_taken")
        return email
