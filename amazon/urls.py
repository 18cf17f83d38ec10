"""Addresses of Amazon's own: where notifications come in, and sellers who begin at Amazon."""

from django.urls import path

from amazon import appstore_views, notice_views

app_name = "amazon"

urlpatterns = [
    # Without a closing slash: forwarders send to it exactly as it is shown.
    path("notices/<str:address>", notice_views.receive, name="notices"),
    # Registered at Amazon exactly so, as the application's Login URI.
    path("connections/amazon/login", appstore_views.login, name="login"),
    path("connections/amazon/appstore/", appstore_views.confirm, name="appstore"),
]
