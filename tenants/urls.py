"""Addresses of a company's own pages."""

from django.urls import path

from tenants import connection_views, views

app_name = "tenants"

urlpatterns = [
    path("companies/new/", views.create, name="create"),
    path("companies/switch/", views.switch, name="switch"),
    path("settings/", views.settings, name="settings"),
    path("settings/people/", views.people, name="members"),
    path("settings/people/<int:pk>/role/", views.member_role, name="member_role"),
    path("settings/people/<int:pk>/remove/", views.member_remove, name="member_remove"),
    path("settings/people/invitations/<int:pk>/withdraw/", views.invitation_withdraw, name="invitation_withdraw"),
    path("invitations/<str:token>/", views.invitation, name="invitation"),
    path("settings/keys/", views.keys, name="keys"),
    path("settings/keys/<int:pk>/revoke/", views.key_revoke, name="key_revoke"),
    path("alerts/", views.alerts, name="alerts"),
    path("alerts/<int:pk>/settle/", views.alert_settle, name="alert_settle"),
    path("connections/", connection_views.listing, name="connections"),
    path("connections/<int:pk>/", connection_views.detail, name="connection"),
    path("connections/<int:pk>/test/", connection_views.test, name="connection_test"),
    path("connections/<int:pk>/renew/", connection_views.renew, name="connection_renew"),
    path("connections/<int:pk>/secret/", connection_views.secret, name="connection_secret"),
    path("connections/<int:pk>/disconnect/", connection_views.disconnect, name="disconnect"),
    path("connections/consents/<int:pk>/", connection_views.choose, name="companies"),
    path("connections/<slug:slug>/connect/", connection_views.connect, name="connect"),
    path("connections/<slug:slug>/credentials/", connection_views.credentials, name="credentials"),
    # Registered at the providers exactly so, without a closing slash (tenants.grants.redirect_uri).
    path("connections/<slug:slug>/callback", connection_views.callback, name="callback"),
]
