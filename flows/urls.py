"""Addresses of the flows' pages."""

from django.urls import path

from flows.views import decisions, orders, settlements, upload

app_name = "flows"

urlpatterns = [
    path("settlements/", settlements.listing, name="settlements"),
    path("settlements/files/", settlements.files, name="files"),
    path("settlements/files/<int:pk>/", decisions.revision, name="revision"),
    path("settlements/upload/", upload.upload, name="upload"),
    path("settlements/<int:pk>/", settlements.detail, name="settlement"),
    path("settlements/<int:pk>/rows/", settlements.rows, name="rows"),
    path("plans/<int:pk>/approve/", decisions.approve, name="approve"),
    path("plans/<int:pk>/undo/", decisions.take_back, name="undo"),
    path("plans/<int:pk>/post-again/", decisions.post_again, name="post_again"),
    path("plans/<int:pk>/labels/", decisions.labels, name="labels"),
    path("orders/", orders.listing, name="orders"),
    path("orders/<int:pk>/", orders.detail, name="order"),
]
