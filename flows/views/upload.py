"""A settlement file from a person's hand: refused with what is wrong and where, or read, and planned at once."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from amazon.connect import label
from amazon.flat_errors import BadSettlementFile
from amazon.load import Fate
from amazon.models import Settlement
from amazon.upload import WhichSeller, import_file
from flows import chain, planning
from flows.views.settlements import number_or
from tenants.models import Access, Connection, Role
from tenants.roles import requires
from tenants.views import TenantRequest


class UploadForm(forms.Form):
    file = forms.FileField(
        label="Settlement file",
        help_text="The flat file as Amazon made it (.txt, also .gz). Do not open it in a spreadsheet before: that changes it.",
        error_messages={"required": "Choose a file.", "empty": "The file is empty: download it again."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        sellers = Connection.objects.filter(provider="amazon").exclude(state=Access.REVOKED).order_by("remote_name")
        if sellers.count() > 1:
            field = forms.ModelChoiceField(
                sellers, label="Seller account", empty_label="Choose the one this file belongs to"
            )
            field.label_from_instance = label  # type: ignore[method-assign, assignment]
            self.fields["connection"] = field


@requires(Role.BOOKKEEPER)
@require_http_methods(["GET", "HEAD", "POST"])
def upload(request: TenantRequest) -> HttpResponse:
    gap = None
    if after := number_or(request.GET.get("before"), 0):
        gap = chain.place_of(get_object_or_404(Settlement, pk=after)).gap
    form = UploadForm(request.POST or None, request.FILES or None)
    if gap and "connection" in form.fields:
        form.initial["connection"] = gap.after.connection_id
    refused, name = None, ""
    if request.method == "POST" and form.is_valid():
        file, seller = form.cleaned_data["file"], form.cleaned_data.get("connection")
        name = file.name
        try:
            found = import_file(
                request.tenant.pk,
                file.chunks(),
                file.name,
                request.user.actor,
                connection_id=seller.pk if seller else None,
            )
        except BadSettlementFile as error:
            refused = error
        except WhichSeller as error:
            form.add_error(None, str(error))
        else:
            planning.plan_uploaded(found.settlement)
            if found.fate is Fate.REVISION:
                messages.warning(request, found.message)
                return redirect("flows:revision", found.report.pk)
            told = messages.success if found.fate is Fate.NEW else messages.info
            (messages.warning if found.doubt else told)(request, found.message)
            return redirect("flows:settlement", found.settlement.pk)
    context = {
        "form": form,
        "refused": refused,
        "name": name,
        "gap": gap,
        "crumbs": [("Settlements", reverse("flows:settlements"))],
    }
    failed = refused is not None or form.errors
    return render(request, "flows/upload.html", context, status=422 if failed else 200)
