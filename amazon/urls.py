"""Addresses of Amazon's own: notifications, sellers who begin at Amazon, and the order history."""

from django.urls import path

from amazon import appstore_views, history_views, notice_views, notification_views

app_name = "amazon"

urlpatterns = [
    # Without a closing slash: forwarders send to it exactly as it is shown.
    path("notices/<str:address>", notice_views.receive, name="notices"),
    # Registered at Amazon exactly so, as the application's Login URI.
    path("connections/amazon/login", appstore_views.login, name="login"),
    path("connections/amazon/appstore/", appstore_views.confirm, name="appstore"),
    path("connections/<int:pk>/notifications/", notification_views.page, name="notifications"),
    path("connections/<int:pk>/notifications/on/", notification_views.turn_on, name="notifications_on"),
    path("connections/<int:pk>/notifications/off/", notification_views.turn_off, name="notifications_off"),
    path("connections/<int:pk>/notifications/test/", notification_views.send_test, name="notifications_test"),
    path("connections/<int:pk>/notifications/secret/", notification_views.new_secret, name="notifications_secret"),
    path("connections/<int:pk>/notifications/end/", notification_views.end_earlier, name="notifications_end"),
    path("connections/<int:pk>/order-history/", history_views.page, name="history"),
    path("connections/<int:pk>/order-history/start/", history_views.begin, name="history_start"),
    path("connections/<int:pk>/order-history/pause/", history_views.hold, name="history_pause"),
    path("connections/<int:pk>/order-history/try-again/", history_views.again, name="history_again"),
]
