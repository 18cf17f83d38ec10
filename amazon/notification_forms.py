"""The forms of a seller's notifications."""

from django import forms

from amazon.models import Subscription
from amazon.notice_health import TITLES
from amazon.queue_arns import BadArn, checked


class TurnOnForm(forms.Form):
    way = forms.ChoiceField(label="Who reads the queue", choices=Subscription.Way.choices, widget=forms.RadioSelect)
    arn = forms.CharField(
        label="ARN of the queue",
        max_length=1000,
        required=False,
        help_text="In the AWS console on the queue's page. It begins with arn:aws:sqs:. A standard queue, not FIFO, in any region.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, data: object, own_queue: str, initial: dict[str, str]) -> None:
        """``own_queue`` is the ARN of the queue that Tieout reads for this seller; "" where it reads none."""
        super().__init__(data, initial=initial)  # type: ignore[arg-type]
        self.own_queue = own_queue
        if not own_queue:
            del self.fields["way"]
            self.fields["arn"].required = True

    def clean_arn(self) -> str:
        arn = str(self.cleaned_data["arn"]).strip()
        if self.chosen_way == Subscription.Way.QUEUE:
            return self.own_queue
        try:
            return checked(arn)
        except BadArn as error:
            raise forms.ValidationError(str(error)) from None

    @property
    def chosen_way(self) -> str:
        return str(self.cleaned_data.get("way") or Subscription.Way.FORWARDER)


class SendTestForm(forms.Form):
    kind = forms.ChoiceField(label="Type", choices=list(TITLES.items()))
    scenario = forms.CharField(
        label="Scenario",
        max_length=100,
        help_text="Amazon's guide lists the scenarios of each type, under sendTestNotification.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
