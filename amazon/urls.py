"""Addresses of Amazon's own: where notifications come in."""

from django.urls import path

from amazon import notice_views

app_name = "amazon"

urlpatterns = [
    # Without a closing slash: forwarders send to it exactly as it is shown.
    path("notices/<str:address>", notice_views.receive, name="notices"),
]
